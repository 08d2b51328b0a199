package contacts

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/vcard"
)

// Operator joins filters.
type Operator uint8

// Operators of filters.
const (
	All  Operator = iota // every one holds
	Any                  // at least one holds
	None                 // none holds
)

// Filter is what a card must be like: a condition, or an operator over filters.
type Filter struct {
	Operator Operator
	Filters  []Filter
	When     *Having
}

// Having is a condition of RFC 9610 §3.3.1. What is empty asks for nothing; all of the others must hold. Texts are compared folded, each word of
// them by itself; kana match in any width, hiragana and katakana alike.
type Having struct {
	Book                         mail.ObjectID
	UID, HasMember, Kind         string
	CreatedBefore, CreatedAfter  time.Time
	UpdatedBefore, UpdatedAfter  time.Time
	Text                         string
	Name, Given, Surname         string
	Surname2, Nickname           string
	Organization, Email, Phone   string
	OnlineService, Address, Note string
}

// Sort is by what a list of cards is sorted.
type Sort struct {
	By         string // "created", "updated", "name/given", "name/surname", "name/surname2", "reading"
	Descending bool
}

// Sorts lists what a list of cards can be sorted by.
func Sorts() []string {
	return []string{"created", "updated", "name/given", "name/surname", "name/surname2", "reading"}
}

// Query lists the ids of the cards for which a filter holds, nil for all, and the state of that. Without an order they stand by reading. A surname
// and a given name are sorted by their reading, where one is known.
func (a *Account) Query(ctx context.Context, f *Filter, order []Sort) (ids []mail.ObjectID, state mail.ModSeq, err error) {
	const op = "contacts.Query"
	if _, err := a.Books(ctx); err != nil { // that the first query finds what it names
		return nil, 0, err
	}
	var rows []*row
	err = a.with(ctx, op, func(s *shelf) {
		state = s.upto
		for _, r := range s.rows {
			rows = append(rows, r)
		}
	})
	if err != nil {
		return nil, 0, err
	}
	m := matcher{account: a, ctx: ctx}
	if f != nil {
		g := f.folded()
		rows = slices.DeleteFunc(rows, func(r *row) bool { return !m.holds(&g, r) })
	}
	if m.err != nil {
		return nil, 0, mail.Wrap(op, m.err)
	}
	slices.SortFunc(rows, func(a, b *row) int { return compareRows(a, b, order) })
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids, state, nil
}

// compareRows puts two rows in order; those that are equal by reading, then by id.
func compareRows(a, b *row, order []Sort) int {
	for _, s := range order {
		n := compareBy(a, b, s.By)
		if s.Descending {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return cmp.Or(strings.Compare(a.reading, b.reading), cmp.Compare(a.id, b.id))
}

func compareBy(a, b *row, by string) int {
	switch by {
	case "created":
		return a.madeAt().Compare(b.madeAt())
	case "updated":
		return a.changedAt().Compare(b.changedAt())
	case "name/given":
		return strings.Compare(a.given, b.given)
	case "name/surname":
		return strings.Compare(a.surname, b.surname)
	case "reading":
		return strings.Compare(a.reading, b.reading)
	}
	return 0
}

// madeAt is when the card says that it was made, else when it came here.
func (r *row) madeAt() time.Time {
	if at, err := time.Parse(time.RFC3339, r.created); err == nil {
		return at
	}
	return r.id.Time()
}

func (r *row) changedAt() time.Time {
	if at, err := time.Parse(time.RFC3339, r.updated); err == nil {
		return at
	}
	return r.madeAt()
}

// folded is the filter with its texts folded.
func (f *Filter) folded() Filter {
	g := Filter{Operator: f.Operator}
	for i := range f.Filters {
		g.Filters = append(g.Filters, f.Filters[i].folded())
	}
	if f.When != nil {
		w := *f.When
		for _, s := range []*string{&w.Text, &w.Name, &w.Given, &w.Surname, &w.Surname2, &w.Nickname, &w.Organization, &w.Email, &w.Phone, &w.OnlineService, &w.Address, &w.Note} {
			*s = directory.Folded(cut(*s, MaxTyped))
		}
		g.When = &w
	}
	return g
}

// matcher judges rows, and reads the cards of those where the row does not say enough.
type matcher struct {
	account *Account
	ctx     context.Context // of the query, with which the matcher ends
	err     error
	id      mail.ObjectID // of the card in hand
	card    vcard.Card
}

func (m *matcher) holds(f *Filter, r *row) bool {
	if f.When != nil {
		return m.meets(f.When, r)
	}
	for i := range f.Filters {
		switch is := m.holds(&f.Filters[i], r); {
		case f.Operator == All && !is, f.Operator == None && is:
			return false
		case f.Operator == Any && is:
			return true
		}
	}
	return f.Operator != Any
}

// meets judges one condition. What costs most comes last.
func (m *matcher) meets(w *Having, r *row) bool {
	switch {
	case !w.Book.IsZero() && r.book != w.Book:
	case w.UID != "" && vcard.PlainUID(r.uid) != vcard.PlainUID(w.UID):
	case w.Kind != "" && r.kind != w.Kind:
	case w.HasMember != "" && !hasMember(r, w.HasMember):
	case !w.CreatedBefore.IsZero() && !r.madeAt().Before(w.CreatedBefore), !w.CreatedAfter.IsZero() && r.madeAt().Before(w.CreatedAfter):
	case !w.UpdatedBefore.IsZero() && !r.changedAt().Before(w.UpdatedBefore), !w.UpdatedAfter.IsZero() && r.changedAt().Before(w.UpdatedAfter):
	case !saysAll(r.text, strings.Fields(w.Text)):
	case w.Email != "" && !saysAll(directory.Folded(strings.Join(r.emails, "\n")), strings.Fields(w.Email)):
	default:
		return m.says(r, w)
	}
	return false
}

func hasMember(r *row, uid string) bool {
	_, in := slices.BinarySearch(r.members, vcard.PlainUID(uid))
	return in
}

// says judges the texts of a condition that only the card itself tells.
func (m *matcher) says(r *row, w *Having) bool {
	for _, part := range []struct {
		want string
		have func(vcard.Card) []string
	}{
		{w.Name, func(c vcard.Card) []string { return []string{c.FullName(), c.Surname(), c.Given(), c.Kana()} }},
		{w.Given, func(c vcard.Card) []string { return []string{c.Given(), c.GivenKana()} }},
		{w.Surname, func(c vcard.Card) []string { return []string{c.Surname(), c.SurnameKana()} }},
		{w.Surname2, func(c vcard.Card) []string { return c.NameParts("surname2") }},
		{w.Nickname, func(c vcard.Card) []string { return c.Texts("nicknames", "name") }},
		{w.Organization, func(c vcard.Card) []string { return append(c.Texts("organizations", "name"), c.Department()) }},
		{w.Phone, func(c vcard.Card) []string { return c.Texts("phones", "number") }},
		{w.OnlineService, func(c vcard.Card) []string {
			return slices.Concat(c.Texts("onlineServices", "uri"), c.Texts("onlineServices", "user"), c.Texts("onlineServices", "service"))
		}},
		{w.Address, func(c vcard.Card) []string { return append(addressLines(c), c.Texts("addresses", "full")...) }},
		{w.Note, func(c vcard.Card) []string { return c.Texts("notes", "note") }},
	} {
		if part.want != "" && !saysAll(directory.Folded(strings.Join(part.have(m.read(r)), "\n")), strings.Fields(part.want)) {
			return false
		}
	}
	return true
}

// read gives the card of a row.
func (m *matcher) read(r *row) vcard.Card {
	if m.id == r.id || m.err != nil {
		return m.card
	}
	m.id, m.card = r.id, vcard.Card{}
	c, err := m.account.Card(m.ctx, r.id)
	if err == nil {
		m.card, err = c.JSContact()
	}
	if err != nil && !mail.Is(err, mail.NotFound) && !mail.Is(err, mail.Invalid) {
		m.err = err
	}
	return m.card
}
