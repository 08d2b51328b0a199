package contacts

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/vcard"
)

// Limits of what stands in memory.
const (
	// maxRows is how many rows all shelves of a process hold together before those used longest ago go.
	maxRows = 300_000
	// maxRowText is of how many octets of a card's text lists search.
	maxRowText = 4096
)

type shelfKey struct {
	tenant  mail.TenantID
	account mail.AccountID
}

// A shelf is what stands in memory of an account's cards. Rows are not changed once they stand there.
type shelf struct {
	mu     sync.RWMutex
	upto   mail.ModSeq // of the last change of a card that is in it
	books  mail.ModSeq // of the last change of a book
	rows   map[mail.ObjectID]*row
	paths  map[string]*row // by entryKey
	uids   map[string]*row // by uidKey
	lookup lookup
	recent recents
}

// newShelf makes one without cards.
func newShelf() *shelf {
	s := new(shelf)
	s.clear()
	return s
}

// clear takes all cards away.
func (s *shelf) clear() {
	s.upto, s.lookup = 0, lookup{}
	s.rows, s.paths, s.uids = map[mail.ObjectID]*row{}, map[string]*row{}, map[string]*row{}
}

// uidKey is under what a card's uid is found.
func uidKey(book mail.ObjectID, uid string) string { return book.String() + "/" + vcard.PlainUID(uid) }

// size is how many rows it holds; what is being read counts as nothing.
func (s *shelf) size() int {
	if !s.mu.TryRLock() {
		return 0
	}
	defer s.mu.RUnlock()
	return len(s.rows)
}

// row is what lists and searches need of a card.
type row struct {
	id, book     mail.ObjectID
	modseq, born mail.ModSeq
	uid, path    string
	kind         string
	name         string // shown
	reading      string // by what it is sorted
	surname      string // folded; its reading where one is known
	given        string
	emails       []string
	text         string // folded, in which is searched
	created      string // UTC as JSContact has it; "" where the card does not say
	updated      string
	members      []string // plain uids, of a group
	found        []*candidate
}

// newRow takes a card apart. A card that can't be read any more still has a row.
func newRow(c *Card) *row {
	r := &row{id: c.ID, book: c.Book, modseq: c.ModSeq, born: c.Born, path: c.Path, kind: vcard.KindIndividual}
	js, err := c.JSContact()
	if err != nil {
		return r
	}
	r.uid, r.kind, r.name, r.emails = js.UID(), js.Kind(), js.Name(), js.Emails()
	r.created, r.updated = textOf(js["created"]), textOf(js["updated"])
	if r.kind == vcard.KindGroup {
		r.members = js.Members()
	}
	kana := js.Kana()
	r.surname, r.given = orElse(js.SurnameKana(), js.Surname()), orElse(js.GivenKana(), js.Given())
	r.surname, r.given = directory.Folded(r.surname), directory.Folded(r.given)
	r.reading = directory.Folded(orElse(kana, r.name))
	r.text = cut(directory.Folded(strings.Join(textsOf(js, kana), "\n")), maxRowText)
	r.found = candidatesOf(r, js, kana)
	return r
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// cut shortens a text, between letters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// textsOf are the texts of a card that are searched.
func textsOf(js vcard.Card, kana string) []string {
	list := []string{js.Name(), js.Surname() + js.Given(), js.Given() + " " + js.Surname(), kana, strings.ReplaceAll(kana, " ", ""), js.Department()}
	for _, p := range [][2]string{
		{"nicknames", "name"}, {"organizations", "name"}, {"titles", "name"}, {"emails", "address"}, {"phones", "number"},
		{"addresses", "full"}, {"links", "uri"}, {"onlineServices", "user"}, {"notes", "note"},
	} {
		list = append(list, js.Texts(p[0], p[1])...)
	}
	list = append(list, addressLines(js)...)
	keywords, _ := js["keywords"].(map[string]any)
	return append(list, slices.Sorted(maps.Keys(keywords))...)
}

// addressLines are the postal addresses, each as one line.
func addressLines(js vcard.Card) (lines []string) {
	all, _ := js["addresses"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		o, _ := all[id].(map[string]any)
		list, _ := o["components"].([]any)
		var words []string
		for _, v := range list {
			part, _ := v.(map[string]any)
			words = append(words, textOf(part["value"]))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

// put places a row, or takes the one with its id away where it is nil.
func (s *shelf) put(id mail.ObjectID, r *row) {
	if was := s.rows[id]; was != nil {
		delete(s.rows, id)
		if key := entryKey(was.book, was.path); s.paths[key] == was {
			delete(s.paths, key)
		}
		if key := uidKey(was.book, was.uid); s.uids[key] == was {
			delete(s.uids, key)
		}
		s.lookup.remove(was.found)
	}
	if r != nil {
		s.rows[id] = r
		s.paths[entryKey(r.book, r.path)] = r
		s.uids[uidKey(r.book, r.uid)] = r
		s.lookup.add(r.found)
	}
}

// refresh reads what changed since. One caller reads, the others wait for it.
func (a *Account) refresh(ctx context.Context, op mail.Op) error {
	return a.view(ctx, op, func(r store.Reader) error { return a.follow(r) })
}

// follow keeps the shelf up by a reader.
func (a *Account) follow(r store.Reader) error {
	s := a.shelf
	s.mu.Lock()
	defer s.mu.Unlock()
	if floor, err := r.EntriesFloor(a.account.ID, kindCard); err != nil {
		return err
	} else if s.upto != 0 && floor > s.upto { // removals were forgotten
		s.clear()
	}
	for {
		list, err := r.EntriesSince(a.account.ID, kindCard, s.upto, cardsAtOnce)
		if err != nil {
			return err
		}
		for i := range list {
			e := &list[i]
			s.upto = max(s.upto, e.ModSeq)
			if e.Gone {
				s.put(e.ID, nil)
				continue
			}
			c, err := cardOf(e)
			if err != nil {
				return err
			}
			s.put(e.ID, newRow(&c))
		}
		if len(list) < cardsAtOnce {
			break
		}
	}
	if err := a.followBooks(r); err != nil {
		return err
	}
	return a.followRecent(r)
}

// with calls fn with the shelf as it is now. fn must not keep what it can reach but rows.
func (a *Account) with(ctx context.Context, op mail.Op, fn func(*shelf)) error {
	if err := a.refresh(ctx, op); err != nil {
		return err
	}
	a.shelf.mu.RLock()
	defer a.shelf.mu.RUnlock()
	fn(a.shelf)
	return nil
}

// followBooks notes the last change of a book. The shelf is locked.
func (a *Account) followBooks(r store.Reader) error {
	for {
		list, err := r.EntriesSince(a.account.ID, kindBook, a.shelf.books, 0)
		if err != nil || len(list) == 0 {
			return err
		}
		a.shelf.books = list[len(list)-1].ModSeq
	}
}
