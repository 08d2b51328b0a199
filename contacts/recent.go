package contacts

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/vcard"
)

const (
	// maxRecent is of how many addresses an account knows how often they were written to.
	maxRecent = 1000
	// halfLife is after what time having written to somebody counts half.
	halfLife = 60 * 24 * time.Hour
)

// use is how often an address was written to.
type use struct {
	Address string    `json:"a"`
	Name    string    `json:"n,omitempty"`
	Count   float64   `json:"c"` // as of Last, the earlier ones counting less
	Last    time.Time `json:"l"`
}

// now is what a use counts at a time.
func (u *use) now(at time.Time) float64 {
	return u.Count * math.Exp2(-float64(at.Sub(u.Last))/float64(halfLife))
}

// recents are those written to lately.
type recents struct {
	modseq mail.ModSeq
	id     mail.ObjectID
	scores map[string]float64 // by address
	list   []*candidate
}

func (r *recents) score(key string) float64 { return r.scores[key] }

// each gives those that what was typed may mean.
func (r *recents) each(typed []string, fn func(*candidate)) {
	for _, c := range r.list {
		if c.begins(typed) {
			fn(c)
		}
	}
}

// readRecent reads what an account knows of whom it wrote to.
func (a *Account) readRecent(r store.Reader) (e store.Entry, list []use, err error) {
	e, err = r.EntryByKey(a.account.ID, kindRecent, kindRecent)
	if mail.Is(err, mail.NotFound) {
		return store.Entry{}, nil, nil
	}
	if err == nil && json.Unmarshal(e.Doc, &list) != nil {
		list = nil // begins anew: it only sorts proposals
	}
	return e, list, err
}

// followRecent keeps the shelf's knowledge up. The shelf is locked.
func (a *Account) followRecent(r store.Reader) error {
	e, list, err := a.readRecent(r)
	s := a.shelf
	if err != nil || e.ModSeq == s.recent.modseq {
		return err
	}
	s.recent = recents{modseq: e.ModSeq, id: e.ID, scores: make(map[string]float64, len(list))}
	now := time.Now()
	for _, u := range list {
		key := addressKey(u.Address)
		s.recent.scores[key] = u.now(now)
		s.recent.list = append(s.recent.list, &candidate{
			Suggestion: Suggestion{Source: FromRecent, Name: u.Name, Address: u.Address}, key: key, reading: directory.Folded(orElse(u.Name, u.Address)),
			words: append(wordsOf(u.Name), addressWords(u.Address, true)...),
		})
	}
	return nil
}

// Recipient is somebody a message went to.
type Recipient struct {
	Address mail.Address
	Name    string // as it was written; "" for none
}

// NoteSent notes to whom somebody wrote a message himself: it is never called for mail that programs write. Those in none of the own books come
// into [メールを送信した連絡先] (ML-6), unless the owner switched that off or has as many cards as he may; all are proposed sooner from now on.
func (s *Service) NoteSent(ctx context.Context, id *directory.Identity, to []Recipient) error {
	const op = "contacts.NoteSent"
	a, err := s.Open(ctx, id)
	if err != nil {
		return err
	}
	collects := true
	if s.cfg.Collects != nil {
		if collects, err = s.cfg.Collects(ctx, id); err != nil {
			return mail.Wrap(op, err)
		}
	}
	to = a.others(to)
	if len(to) == 0 {
		return nil
	}
	if err := a.refresh(ctx, op); err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		if collects {
			if err := a.collect(tx, to); err != nil {
				return err
			}
		}
		return a.count(tx, to)
	})
}

// others are those that are not the owner, each once, with names that are no addresses.
func (a *Account) others(to []Recipient) (list []Recipient) {
	seen := map[string]bool{}
	for _, r := range to {
		key := r.Address.Key()
		if r.Address.IsNull() || seen[key] || a.account.Owns(r.Address) || len(list) >= mail.MaxRecipients {
			continue
		}
		seen[key] = true
		r.Name = cut(strings.Join(strings.Fields(strings.Trim(r.Name, `"' `)), " "), MaxUID)
		if strings.Contains(r.Name, "@") {
			r.Name = ""
		}
		list = append(list, r)
	}
	return list
}

// collect makes cards for those in none of the books.
func (a *Account) collect(tx store.Tx, to []Recipient) error {
	books, now, err := a.stands(tx)
	if err != nil {
		return err
	}
	known := now.addresses()
	i := slices.IndexFunc(books, func(b Book) bool { return b.Role == RoleEmailed })
	for _, r := range to {
		if known[r.Address.Key()] || now.count >= a.MaxCards() || i < 0 {
			continue
		}
		js := vcard.Card{"@type": "Card", "version": "1.0", "emails": map[string]any{"1": map[string]any{"address": r.Address.String()}}}
		if r.Name != "" {
			js["name"] = map[string]any{"full": r.Name}
		}
		if _, err := a.addIn(tx, now, books[i].ID, js); err != nil {
			return err
		}
	}
	return nil
}

// count notes that somebody was written to. Those that count least are forgotten.
func (a *Account) count(tx store.Tx, to []Recipient) error {
	e, list, err := a.readRecent(tx)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	at := make(map[string]int, len(list))
	for i := range list {
		at[addressKey(list[i].Address)] = i
	}
	for _, r := range to {
		i, known := at[r.Address.Key()]
		if !known {
			i = len(list)
			list = append(list, use{Address: r.Address.String(), Last: now})
		}
		u := &list[i]
		u.Count, u.Last, u.Name = u.now(now)+1, now, orElse(r.Name, u.Name)
	}
	slices.SortStableFunc(list, func(a, b use) int { return cmp.Compare(b.now(now), a.now(now)) })
	list = list[:min(len(list), maxRecent)]
	doc, err := json.Marshal(list)
	for err == nil && len(doc) > store.MaxEntry {
		list = list[:len(list)/2]
		doc, err = json.Marshal(list)
	}
	if err != nil {
		return mail.Because("contacts.count", mail.Other, "", err)
	}
	_, err = tx.PutEntry(store.Entry{Kind: kindRecent, Account: a.account.ID, ID: e.ID, Key: kindRecent, Doc: doc})
	return err
}
