package contacts

import (
	"context"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/vcard"
)

// Source is where a suggestion comes from.
type Source string

// Sources of suggestions.
const (
	FromCard   Source = "card"   // a card in one of the own books
	FromGroup  Source = "group"  // a card that is a group: all of its members
	FromGAL    Source = "gal"    // a colleague or a contact in the company's address book
	FromList   Source = "list"   // a mailing list in it
	FromRecent Source = "recent" // somebody written to lately who is in no book
)

// Suggestion is somebody whom what was typed may mean.
type Suggestion struct {
	Source     Source
	ID         mail.ObjectID // the card's, or that of the entry of the GAL; zero for FromRecent
	Name       string
	Kana       string // ふりがな
	Department string // 所属
	Company    string
	Address    string   // "" for a group
	Members    []Member // of a group
}

// Member is one of a group.
type Member struct{ Name, Address string }

// Limits of completion.
const (
	// MaxSuggestions is how many are given.
	MaxSuggestions = 20
	// MaxTyped is the length of what was typed, in octets.
	MaxTyped = 256
	// MaxGroupMembers is how many members of a group are given: as many as a message has recipients (ML-8).
	MaxGroupMembers = mail.MaxRecipients
)

// candidatesOf are what a card can be proposed as: each of its addresses, or the group.
func candidatesOf(r *row, js vcard.Card, kana string) (list []*candidate) {
	s := Suggestion{Source: FromCard, ID: r.id, Name: r.name, Kana: kana, Department: js.Department()}
	if orgs := js.Texts("organizations", "name"); len(orgs) > 0 {
		s.Company = orgs[0]
	}
	texts := []string{js.FullName(), js.Surname(), js.Given(), js.Surname() + js.Given(), kana, strings.ReplaceAll(kana, " ", "")}
	texts = append(append(texts, js.Texts("nicknames", "name")...), s.Department, s.Company)
	words := wordsOf(texts...)
	if r.kind == vcard.KindGroup {
		s.Source = FromGroup
		return []*candidate{{Suggestion: s, key: "group " + r.id.String(), reading: r.reading, words: words}}
	}
	for _, address := range r.emails {
		one := s
		one.Address = address
		list = append(list, &candidate{Suggestion: one, key: addressKey(address), reading: r.reading, words: append(slices.Clip(words), addressWords(address, true)...)})
	}
	return list
}

// Complete proposes recipients for what was typed, from all own books, the company's address book and those written to lately: each word begins one
// of a name, its reading, a nickname, the department, the company or the address. Kana match in any width, hiragana and katakana alike. Who was
// written to more comes first, then by reading; at most MaxSuggestions, or limit where that is less.
func (a *Account) Complete(ctx context.Context, typed string, limit int) ([]Suggestion, error) {
	const op = "contacts.Complete"
	words := strings.FieldsFunc(directory.Folded(cut(typed, MaxTyped)), separates)
	if len(words) == 0 {
		return nil, nil
	}
	if limit <= 0 || limit > MaxSuggestions {
		limit = MaxSuggestions
	}
	gallery, err := a.gallery(ctx)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	var out []Suggestion
	if err := a.sortIn(ctx, op); err != nil {
		return nil, err
	}
	err = a.with(ctx, op, func(s *shelf) {
		t := best{limit: limit, score: s.recent.score}
		gallery.mu.RLock()
		defer gallery.mu.RUnlock()
		for _, l := range []*lookup{&s.lookup, &gallery.lookup} {
			for key := range s.recent.scores {
				l.used(key, words, t.offer)
			}
			l.first(words, 2*limit, t.offer)
		}
		s.recent.each(words, t.offer)
		for _, c := range t.list {
			one := c.Suggestion
			if one.Source == FromGroup {
				one.Members = s.members(one.ID)
			}
			out = append(out, one)
		}
	})
	return out, err
}

// sortIn has the shelf's words sorted, where it is time for that.
func (a *Account) sortIn(ctx context.Context, op mail.Op) error {
	if err := a.refresh(ctx, op); err != nil {
		return err
	}
	a.shelf.mu.Lock()
	defer a.shelf.mu.Unlock()
	if a.shelf.lookup.due() {
		a.shelf.lookup.sort()
	}
	return nil
}

// members gives the addresses of a group's members. Groups in a group are not followed.
func (s *shelf) members(id mail.ObjectID) (list []Member) {
	group := s.rows[id]
	if group == nil {
		return nil
	}
	for _, r := range s.rows {
		if _, in := slices.BinarySearch(group.members, vcard.PlainUID(r.uid)); in && len(r.emails) > 0 && len(list) < MaxGroupMembers {
			list = append(list, Member{r.name, r.emails[0]})
		}
	}
	for _, uid := range group.members { // Apple's software writes addresses of people without a card
		if _, err := mail.ParseAddress(strings.TrimPrefix(uid, "mailto:")); err == nil && len(list) < MaxGroupMembers {
			list = append(list, Member{"", strings.TrimPrefix(uid, "mailto:")})
		}
	}
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(a.Address, b.Address) })
	return list
}

// best keeps the candidates that come first.
type best struct {
	limit  int
	score  func(key string) float64
	list   []*candidate
	scores []float64
}

// offer takes a candidate in where it comes before another, or there is room. Of one address there is one: that of the own books before others.
func (b *best) offer(c *candidate) {
	n := b.score(c.key)
	if len(b.list) == b.limit && !b.before(c, n, b.limit-1) {
		return
	}
	for i, have := range b.list {
		if have.key == c.key {
			if have.ID == c.ID || rankOf(have.Source) <= rankOf(c.Source) {
				return
			}
			b.list, b.scores = slices.Delete(b.list, i, i+1), slices.Delete(b.scores, i, i+1)
			break
		}
	}
	at := len(b.list)
	for at > 0 && b.before(c, n, at-1) {
		at--
	}
	b.list, b.scores = slices.Insert(b.list, at, c), slices.Insert(b.scores, at, n)
	if len(b.list) > b.limit {
		b.list, b.scores = b.list[:b.limit], b.scores[:b.limit]
	}
}

// before tells whether a candidate with a score comes before the i-th. Most do not, by the first that differs.
func (b *best) before(c *candidate, score float64, i int) bool {
	o := b.list[i]
	if score != b.scores[i] {
		return score > b.scores[i]
	}
	if c.reading != o.reading {
		return c.reading < o.reading
	}
	if c.key != o.key {
		return c.key < o.key
	}
	return rankOf(c.Source) < rankOf(o.Source)
}

// rankOf is which source of one address is shown.
func rankOf(s Source) int {
	return slices.Index([]Source{FromGroup, FromCard, FromList, FromGAL, FromRecent}, s)
}
