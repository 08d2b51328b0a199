package jmapd

import (
	"context"
	"slices"
	"strings"

	"tegami/contacts"
	"tegami/directory"
	"tegami/mail"
	"tegami/wire/jmap"
)

// cardCondition is a FilterCondition of cards (RFC 9610 §3.3.1).
type cardCondition struct {
	InAddressBook *jmap.Id      `json:"inAddressBook"`
	UID           string        `json:"uid"`
	HasMember     string        `json:"hasMember"`
	Kind          string        `json:"kind"`
	CreatedBefore *jmap.UTCDate `json:"createdBefore"`
	CreatedAfter  *jmap.UTCDate `json:"createdAfter"`
	UpdatedBefore *jmap.UTCDate `json:"updatedBefore"`
	UpdatedAfter  *jmap.UTCDate `json:"updatedAfter"`
	Text          string        `json:"text"`
	Name          string        `json:"name"`
	Given         string        `json:"name/given"`
	Surname       string        `json:"name/surname"`
	Surname2      string        `json:"name/surname2"`
	Nickname      string        `json:"nickname"`
	Organization  string        `json:"organization"`
	Email         string        `json:"email"`
	Phone         string        `json:"phone"`
	OnlineService string        `json:"onlineService"`
	Address       string        `json:"address"`
	Note          string        `json:"note"`
}

// cardOps are the operators of filters.
var cardOps = map[string]contacts.Operator{jmap.OpAnd: contacts.All, jmap.OpOr: contacts.Any, jmap.OpNot: contacts.None}

// cardFilter makes a filter of the house; nil for all cards.
func (c *call) cardFilter(f *jmap.Filter[cardCondition]) (*contacts.Filter, error) {
	if f == nil {
		return nil, nil
	}
	if f.Condition != nil {
		return c.having(f.Condition)
	}
	out := &contacts.Filter{Operator: cardOps[f.Operator]}
	for _, inner := range f.Conditions {
		one, err := c.cardFilter(inner)
		if err != nil {
			return nil, err
		}
		out.Filters = append(out.Filters, *one)
	}
	return out, nil
}

func (c *call) having(f *cardCondition) (*contacts.Filter, error) {
	w := &contacts.Having{
		UID: f.UID, HasMember: f.HasMember, Kind: f.Kind, Text: f.Text, Name: f.Name, Given: f.Given, Surname: f.Surname, Surname2: f.Surname2,
		Nickname: f.Nickname, Organization: f.Organization, Email: f.Email, Phone: f.Phone, OnlineService: f.OnlineService, Address: f.Address, Note: f.Note,
		CreatedBefore: instant(f.CreatedBefore), CreatedAfter: instant(f.CreatedAfter), UpdatedBefore: instant(f.UpdatedBefore), UpdatedAfter: instant(f.UpdatedAfter),
	}
	if f.InAddressBook != nil {
		id, ok := c.objectID(*f.InAddressBook)
		if !ok {
			return nil, jmap.Bad("filter")
		}
		w.Book = id
	}
	return &contacts.Filter{When: w}, nil
}

// cardSort makes an order of the house. "tegami:reading" is by ふりがな of the whole name.
func cardSort(sort []jmap.Comparator) (out []contacts.Sort, err error) {
	for _, by := range sort {
		name := strings.TrimPrefix(by.Property, "tegami:")
		if !slices.Contains(contacts.Sorts(), name) || name == "reading" && by.Property == name || !known(collations, by.Collation) {
			return nil, &jmap.MethodError{Type: jmap.UnsupportedSort}
		}
		out = append(out, contacts.Sort{By: name, Descending: !by.Ascending()})
	}
	return out, nil
}

// cardList lists the cards of a query, and the state of that.
func (c *call) cardList(ctx context.Context, a *contacts.Account, f *jmap.Filter[cardCondition], sort []jmap.Comparator) (ids []jmap.Id, state string, err error) {
	order, err := cardSort(sort)
	if err != nil {
		return nil, "", err
	}
	filter, err := c.cardFilter(f)
	if err != nil {
		return nil, "", err
	}
	found, at, err := a.Query(ctx, filter, order)
	ids = make([]jmap.Id, len(found))
	for i, id := range found {
		ids[i] = objectRef(id)
	}
	return ids, jmap.State(at), err
}

// queryCards is ContactCard/query (RFC 9610 §3.3).
func queryCards(ctx context.Context, c *call, in *jmap.QueryIn[cardCondition]) (*jmap.QueryOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	ids, state, err := c.cardList(ctx, a, in.Filter, in.Sort)
	if err != nil {
		return nil, err
	}
	out, err := window(in, ids, contacts.MaxCards)
	if err != nil {
		return nil, err
	}
	out.QueryState, out.CanCalculateChanges = state, true
	return out, nil
}

// cardQueryChanges is ContactCard/queryChanges (RFC 9610 §3.4). Where a card stands hangs on nothing but itself: what changed is taken away and put
// in its place again.
func cardQueryChanges(ctx context.Context, c *call, in *jmap.QueryChangesIn[cardCondition]) (*jmap.QueryChangesOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	most := contacts.MaxChanges
	changed, err := c.contactChanges(ctx, &jmap.ChangesIn{OfAccount: in.OfAccount, SinceState: in.SinceQueryState, MaxChanges: &most}, a.CardChanges)
	if err != nil {
		return nil, err
	}
	ids, state, err := c.cardList(ctx, a, in.Filter, in.Sort)
	if err != nil {
		return nil, err
	}
	if changed.HasMoreChanges || changed.NewState != state { // too much, or it goes on while we look
		return nil, &jmap.MethodError{Type: jmap.CannotCalculateChanges}
	}
	out := &jmap.QueryChangesOut{AccountID: in.AccountID, OldQueryState: in.SinceQueryState, NewQueryState: state, Removed: append(changed.Updated, changed.Destroyed...), Added: []jmap.Added{}}
	moved := map[jmap.Id]bool{}
	for _, id := range append(changed.Created, changed.Updated...) {
		moved[id] = true
	}
	for i, id := range ids {
		if moved[id] {
			out.Added = append(out.Added, jmap.Added{ID: id, Index: i})
		}
	}
	if in.MaxChanges != nil && len(out.Added)+len(out.Removed) > *in.MaxChanges {
		return nil, &jmap.MethodError{Type: jmap.TooManyChanges}
	}
	if in.CalculateTotal {
		n := len(ids)
		out.Total = &n
	}
	return out, nil
}

// directoryEntry is an entry of the company's address book (ML-6). What is not known is "".
type directoryEntry struct {
	ID         jmap.Id            `json:"id"`
	Kind       directory.CardKind `json:"kind"`
	Name       string             `json:"name"`
	Kana       string             `json:"kana"` // ふりがな
	Email      string             `json:"email"`
	LastName   string             `json:"lastName"`
	FirstName  string             `json:"firstName"`
	Company    string             `json:"company"`
	Department string             `json:"department"` // 所属
	Title      string             `json:"title"`      // 役職
	Phone      string             `json:"phone"`
	Extension  string             `json:"extension"`
	Mobile     string             `json:"mobile"`
}

var directoryProperties = []string{
	"id", "kind", "name", "kana", "email", "lastName", "firstName", "company", "department", "title", "phone", "extension", "mobile",
}

func directoryEntryOf(d *directory.Card) directoryEntry {
	p := &d.Profile
	return directoryEntry{
		ID: objectRef(d.ID), Kind: d.Kind, Name: p.Name(), Kana: p.Kana(), Email: d.Address.String(), LastName: p.LastName, FirstName: p.FirstName,
		Company: p.Company, Department: p.Department, Title: p.Title, Phone: p.Phone, Extension: p.Extension, Mobile: p.Mobile,
	}
}

// getDirectory is DirectoryEntry/get: entries of the company's address book, as the caller's domain sees it.
func getDirectory(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	if in.IDs == nil { // thousands of them: who wants all asks DirectoryEntry/query first
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	var state string
	return get(ctx, c, in, source[directoryEntry]{
		properties: directoryProperties,
		id:         func(e *directoryEntry) jmap.Id { return e.ID },
		state: func(ctx context.Context) (string, error) {
			_, state, err = a.GALCards(ctx, nil)
			return state, err
		},
		fetch: func(ctx context.Context, refs []jmap.Id) ([]directoryEntry, error) {
			var ids []mail.ObjectID
			for _, ref := range refs {
				var id mail.ObjectID
				if jmap.Read(jmap.LetterObject, ref, &id) {
					ids = append(ids, id)
				}
			}
			cards, _, err := a.GALCards(ctx, ids)
			list := make([]directoryEntry, len(cards))
			for i := range cards {
				list[i] = directoryEntryOf(&cards[i])
			}
			return list, err
		},
	})
}

// directoryCondition is what an entry must be like.
type directoryCondition struct {
	Text       string             `json:"text"` // each word stands somewhere; kana of any width
	Department string             `json:"department"`
	Kind       directory.CardKind `json:"kind"`
}

// queryDirectory is DirectoryEntry/query, by ふりがな. One condition is taken, and no other order.
func queryDirectory(ctx context.Context, c *call, in *jmap.QueryIn[directoryCondition]) (*jmap.QueryOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	var f contacts.GALFilter
	switch {
	case in.Filter != nil && in.Filter.Condition == nil:
		return nil, &jmap.MethodError{Type: jmap.UnsupportedFilter}
	case in.Filter != nil:
		f = contacts.GALFilter{Text: in.Filter.Condition.Text, Department: in.Filter.Condition.Department, Kind: in.Filter.Condition.Kind}
	}
	if len(in.Sort) > 1 || len(in.Sort) == 1 && (in.Sort[0].Property != "kana" || !in.Sort[0].Ascending()) {
		return nil, &jmap.MethodError{Type: jmap.UnsupportedSort}
	}
	list, state, err := a.GAL(ctx, f)
	if err != nil {
		return nil, err
	}
	ids := make([]jmap.Id, len(list))
	for i := range list {
		ids[i] = objectRef(list[i].ID)
	}
	out, err := window(in, ids, c.server.limits.Objects)
	if err != nil {
		return nil, err
	}
	out.QueryState = state
	return out, nil
}
