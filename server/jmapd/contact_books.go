package jmapd

import (
	"bytes"
	"context"
	"encoding/json"

	"tegami/contacts"
	"tegami/wire/jmap"
)

// Properties of ours of an address book.
const (
	roleProperty  = "tegami:role"  // "contacts" or "emailed" of the two that everybody has (ML-6)
	colorProperty = "tegami:color" // #rrggbb
)

// bookRecord is an AddressBook (RFC 9610 §2).
type bookRecord struct {
	ID           jmap.Id        `json:"id"`
	Name         string         `json:"name"`
	Description  *string        `json:"description"`
	SortOrder    uint32         `json:"sortOrder"`
	IsDefault    bool           `json:"isDefault"`
	IsSubscribed bool           `json:"isSubscribed"`
	ShareWith    *struct{}      `json:"shareWith"` // books are not shared
	MyRights     bookRights     `json:"myRights"`
	Role         *contacts.Role `json:"tegami:role"`
	Color        *string        `json:"tegami:color"`
}

// bookRights are AddressBookRights (RFC 9610 §2).
type bookRights struct {
	MayRead   bool `json:"mayRead"`
	MayWrite  bool `json:"mayWrite"`
	MayShare  bool `json:"mayShare"`
	MayDelete bool `json:"mayDelete"`
}

var bookProperties = []string{"id", "name", "description", "sortOrder", "isDefault", "isSubscribed", "shareWith", "myRights", roleProperty, colorProperty}

func bookOf(b *contacts.Book) bookRecord {
	r := bookRecord{
		ID: objectRef(b.ID), Name: b.Name, SortOrder: b.SortOrder, IsDefault: b.Default, IsSubscribed: true,
		MyRights: bookRights{MayRead: true, MayWrite: true, MayDelete: b.Role == ""},
	}
	if b.Description != "" {
		r.Description = &b.Description
	}
	if b.Role != "" {
		r.Role = &b.Role
	}
	if b.Color != "" {
		r.Color = &b.Color
	}
	return r
}

// booksState is the state of all address books.
func booksState(a *contacts.Account) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		n, err := a.BooksState(ctx)
		return jmap.State(n), err
	}
}

// getBooks is AddressBook/get (RFC 9610 §2.1).
func getBooks(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	list, err := a.Books(ctx) // before the state: the first call makes the two that everybody has
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[bookRecord]{
		properties: bookProperties,
		id:         func(r *bookRecord) jmap.Id { return r.ID },
		state:      booksState(a),
		fetch: func(_ context.Context, ids []jmap.Id) ([]bookRecord, error) {
			wanted := make(map[jmap.Id]bool, len(ids))
			for _, id := range ids {
				wanted[id] = true
			}
			found := []bookRecord{}
			for i := range list {
				if r := bookOf(&list[i]); ids == nil || wanted[r.ID] {
					found = append(found, r)
				}
			}
			return found, nil
		},
	})
}

// bookChanges is AddressBook/changes (RFC 9610 §2.2).
func bookChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	return c.contactChanges(ctx, in, a.BookChanges)
}

// setBooksIn are the arguments of AddressBook/set (RFC 9610 §2.3).
type setBooksIn struct {
	jmap.SetIn
	OnDestroyRemoveContents bool     `json:"onDestroyRemoveContents"`
	OnSuccessSetIsDefault   *jmap.Id `json:"onSuccessSetIsDefault"`
}

// setBooks is AddressBook/set (RFC 9610 §2.3).
func setBooks(ctx context.Context, c *call, in *setBooksIn) (*jmap.SetOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := a.Books(ctx); err != nil {
		return nil, err
	}
	w := &bookWork{c, a}
	out, err := set(ctx, c, &in.SetIn, setter{
		state: booksState(a), create: w.create, update: w.update,
		destroy: func(ctx context.Context, ref jmap.Id) error {
			id, ok := c.objectID(ref)
			if !ok {
				return &jmap.SetError{Type: jmap.NotFound}
			}
			return c.contactError(a.DeleteBook(ctx, id, in.OnDestroyRemoveContents))
		},
	})
	if err != nil || in.OnSuccessSetIsDefault == nil || len(out.NotCreated)+len(out.NotUpdated)+len(out.NotDestroyed) > 0 {
		return out, err
	}
	return out, w.setDefault(ctx, out, *in.OnSuccessSetIsDefault)
}

// bookWork is an AddressBook/set at work.
type bookWork struct {
	c *call
	a *contacts.Account
}

// setDefault has new cards come into a book. An id nobody knows is passed over (RFC 9610 §2.3).
func (w *bookWork) setDefault(ctx context.Context, out *jmap.SetOut, ref jmap.Id) error {
	id, ok := w.c.objectID(ref)
	if !ok {
		return nil
	}
	before, err := w.a.Books(ctx)
	if err != nil {
		return err
	}
	if w.a.SetDefault(ctx, id) != nil {
		return nil
	}
	for i := range before {
		if b := &before[i]; b.Default != (b.ID == id) {
			updated(out, objectRef(b.ID), map[string]bool{"isDefault": b.ID == id})
		}
	}
	out.NewState, err = booksState(w.a)(ctx)
	return err
}

// setBookProperty takes one property; false for a value it can't have.
func setBookProperty(s *contacts.BookSpec, name string, value json.RawMessage) bool {
	null := bytes.Equal(value, []byte("null"))
	read := func(to *string) bool {
		if *to = ""; null {
			return true
		}
		return json.Unmarshal(value, to) == nil
	}
	switch name {
	case "name":
		return !null && json.Unmarshal(value, &s.Name) == nil
	case "description":
		return read(&s.Description)
	case colorProperty:
		return read(&s.Color)
	case "sortOrder":
		s.SortOrder = 0
		return null || json.Unmarshal(value, &s.SortOrder) == nil
	case "isSubscribed": // the own books always are
		return string(value) == "true"
	case "shareWith":
		return null
	}
	return false
}

func (w *bookWork) create(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
	var s contacts.BookSpec
	members, _ := jmap.Members(record)
	for _, m := range members {
		if !setBookProperty(&s, m.Name, m.Value) {
			return "", nil, jmap.BadProperties(m.Name)
		}
	}
	b, err := w.a.AddBook(ctx, "", s)
	if err != nil {
		return "", nil, w.c.contactError(err)
	}
	return objectRef(b.ID), bookOf(&b), nil
}

func (w *bookWork) update(ctx context.Context, ref jmap.Id, p jmap.Patch) (any, error) {
	id, ok := w.c.objectID(ref)
	if !ok {
		return nil, &jmap.SetError{Type: jmap.NotFound}
	}
	_, err := w.a.ChangeBook(ctx, id, func(s *contacts.BookSpec) error {
		for _, path := range p.Paths() {
			if !setBookProperty(s, path, p[path]) {
				return jmap.BadProperties(path)
			}
		}
		return nil
	})
	return nil, w.c.contactError(err)
}
