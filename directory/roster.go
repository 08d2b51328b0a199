package directory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mime"
)

// RosterSort says by what a roster is sorted. What is equal is sorted by address.
type RosterSort string

// Orders of a roster.
const (
	SortAddress    RosterSort = "address"
	SortName       RosterSort = "name" // by ふりがな, where there is one
	SortDepartment RosterSort = "department"
	SortState      RosterSort = "state"
	SortCreated    RosterSort = "created"
	SortLastSignIn RosterSort = "lastSignIn"
	SortUsed       RosterSort = "used" // octets in the box
)

// RosterQuery asks for a part of a company's accounts. The zero value of a field asks for nothing.
type RosterQuery struct {
	Text       string // each word stands in the name, its reading, an address, the department or the title; kana of any width
	Domain     mail.DomainID
	State      AccountState // "" = all but the deleted
	Group      mail.ObjectID
	Department string
	Role       Role
	// Outside: it has mail forwarded to somebody outside the company, by an administrator or by its filter.
	Outside    bool
	Shared     *bool
	Hidden     *bool
	MustChange *bool
	// OverPercent: its box is fuller than so many percent of its size.
	OverPercent int
	// IdleSince: nobody signed in since.
	IdleSince time.Time

	// Within are the roles of who asks: only what one of them reaches is found. nil = all.
	Within     []Grant
	Sort       RosterSort // "" = SortAddress
	Descending bool
	Cursor     string // RosterPage.Next of the page before
	Limit      int    // 1 to MaxRosterPage; 0 = MaxRosterPage
}

// MaxRosterPage is how many rows one page of a roster has.
const MaxRosterPage = 1000

// MaxRosterText is the length of RosterQuery.Text in octets.
const MaxRosterText = 512

// RosterRow is an account in a roster, with what its box holds.
type RosterRow struct {
	Account
	Used     int64 // octets
	Messages int64
}

// RosterPage is a part of a roster.
type RosterPage struct {
	Rows  []RosterRow
	Total int    // how many there are on all pages
	Next  string // cursor of the next page; "" at the end
}

// Folded is the form in which names are compared: mime.Normalize, and katakana as hiragana, so that a reading is found
// however it is typed.
func Folded(s string) string { return strings.Map(hiragana, mime.Normalize(s)) }

// hiragana is the hiragana of a katakana letter.
func hiragana(r rune) rune {
	if 'ァ' <= r && r <= 'ヶ' || r == 'ヽ' || r == 'ヾ' {
		return r - ('ァ' - 'ぁ')
	}
	return r
}

// reached tells whether one of some grants reaches a place; nil reaches all.
func reached(within []Grant, in Place) bool {
	return within == nil || slices.ContainsFunc(within, func(g Grant) bool { return g.reaches(in) })
}

// Roster lists accounts of the company as a panel shows them. It is answered from memory (see book). Invalid "roster.sort",
// "cursor.malformed".
func (c *Company) Roster(ctx context.Context, q RosterQuery) (page RosterPage, err error) {
	const op = "directory.Roster"
	s, err := newSelection(op, &q)
	if err != nil {
		return page, err
	}
	err = c.people(ctx, func(b *book) {
		s.book, s.ctx = b, ctx
		rows := s.from(b.people)
		page.Rows = make([]RosterRow, len(rows))
		for i, p := range rows {
			page.Rows[i].Account = b.account(p)
		}
	})
	if err == nil {
		err = s.err
	}
	if err != nil {
		return RosterPage{}, mail.Wrap(op, err)
	}
	page.Total, page.Next = s.total, s.next()
	return page, c.fillUsage(ctx, page.Rows)
}

// fillUsage puts in what the boxes hold.
func (c *Company) fillUsage(ctx context.Context, rows []RosterRow) error {
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return err
	}
	for i := range rows {
		box, err := t.store.Usage(ctx, rows[i].ID)
		if err != nil {
			return mail.Wrap("directory.Roster", err)
		}
		rows[i].Used, rows[i].Messages = box.Used, box.Messages
	}
	return nil
}

// selection finds the rows of one page.
type selection struct {
	pager[*colleague]
	q     *RosterQuery
	words []string
	dept  string
	ctx   context.Context // of the call; the selection ends with it
	book  *book
	err   error
}

func newSelection(op mail.Op, q *RosterQuery) (*selection, error) {
	q.Sort = cmp.Or(q.Sort, SortAddress)
	if !slices.Contains([]RosterSort{SortAddress, SortName, SortDepartment, SortState, SortCreated, SortLastSignIn, SortUsed}, q.Sort) {
		return nil, mail.E(op, mail.Invalid, "roster.sort", string(q.Sort))
	}
	words, err := wordsOf(op, q.Text)
	if err != nil {
		return nil, err
	}
	s := &selection{q: q, words: words, dept: Folded(q.Department)}
	s.pager, err = newPager[*colleague](op, q.Cursor, q.Limit, q.Descending)
	return s, err
}

// wordsOf takes a text apart that is searched for. Full "roster.text".
func wordsOf(op mail.Op, text string) ([]string, error) {
	if len(text) > MaxRosterText {
		return nil, mail.E(op, mail.Full, "roster.text", MaxRosterText)
	}
	return strings.Fields(Folded(text)), nil
}

// from goes through all people once and keeps the page.
func (s *selection) from(people map[mail.AccountID]*colleague) []*colleague {
	for _, p := range people {
		if s.matches(p) {
			s.offer(s.key(p), p)
		}
		if s.err != nil {
			return nil
		}
	}
	return s.page()
}

// key is by what a colleague stands in order.
func (s *selection) key(p *colleague) pageKey {
	k := pageKey{Address: p.address}
	switch s.q.Sort {
	case SortName:
		k.Text = p.reading
	case SortDepartment:
		k.Text = p.department
	case SortState:
		k.Text = string(p.doc.State)
	case SortCreated:
		k.Number = int64(p.id)
	case SortLastSignIn:
		k.Number = unixOrZero(p.doc.LastSignIn)
	case SortUsed:
		k.Number = s.used(p)
	}
	return k
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// used is what a colleague's box holds.
func (s *selection) used(p *colleague) int64 {
	box, err := s.book.store.Usage(s.ctx, p.id)
	if err != nil && s.err == nil {
		s.err = err
	}
	return box.Used
}

// matches tells whether a colleague is asked for. What costs most comes last.
func (s *selection) matches(p *colleague) bool {
	q, d := s.q, &p.doc
	switch {
	case q.State == "" && d.State == AccountDeleted, q.State != "" && d.State != q.State:
	case !q.Domain.IsZero() && d.Domain != q.Domain:
	case !q.Group.IsZero() && !slices.Contains(d.Groups, q.Group):
	case s.dept != "" && p.department != s.dept:
	case q.Role != "" && !slices.ContainsFunc(d.Grants, func(g Grant) bool { return g.Role == q.Role }):
	case differs(q.Shared, d.Shared), differs(q.Hidden, d.Hidden), differs(q.MustChange, d.MustChange):
	case !q.IdleSince.IsZero() && d.LastSignIn.After(q.IdleSince):
	case !reached(q.Within, d.place()):
	case !p.says(s.words):
	case q.Outside && !s.book.leaks(d):
	case q.OverPercent > 0 && s.used(p)*100 <= int64(q.OverPercent)*int64(s.book.domains[d.Domain].Plan):
	default:
		return true
	}
	return false
}

func differs(want *bool, is bool) bool { return want != nil && *want != is }

// Reach is where the caller has a right, as RosterQuery.Within takes it: nil for the whole company.
func (c *Caller) Reach(right Right) []Grant {
	if c.Whole(right) {
		return nil
	}
	reach := []Grant{}
	for _, g := range c.grants {
		if g.Role.Gives(right) {
			reach = append(reach, g)
		}
	}
	return reach
}

// Used tells what an account's box holds: octets and messages.
func (c *Company) Used(ctx context.Context, id mail.AccountID) (octets, messages int64, err error) {
	rows := []RosterRow{{Account: Account{ID: id}}}
	err = c.fillUsage(ctx, rows)
	return rows[0].Used, rows[0].Messages, err
}

// DomainID finds a domain of the company by its name. NotFound "domain.unknown".
func (c *Company) DomainID(ctx context.Context, name string) (id mail.DomainID, err error) {
	err = c.view(ctx, "directory.DomainID", func(r store.Reader) error {
		id, err = domainID(r, name)
		return err
	})
	return id, err
}
