package contacts

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/i18n"
	"tegami/mail"
	"tegami/store"
)

// Role is what a book is for, of those that everybody has.
type Role string

// Roles. A book with one can't be removed or renamed (ML-6).
const (
	RoleContacts Role = "contacts" // [連絡先]
	RoleEmailed  Role = "emailed"  // [メールを送信した連絡先], which fills by sending
)

// roles are the books everybody has, with the keys of their names.
var roles = []struct {
	role Role
	key  string
}{{RoleContacts, "contacts.book.contacts"}, {RoleEmailed, "contacts.book.emailed"}}

// GALPath is the path of the company's address book in CardDAV, which no book can have.
const GALPath = "gal"

// Book is an address book.
type Book struct {
	ID     mail.ObjectID
	ModSeq mail.ModSeq
	Role   Role   // "" for one that the user made
	Path   string // its part of addresses in CardDAV
	// Default: new cards come into it where nobody says otherwise.
	Default bool
	BookSpec
}

// BookSpec is what is said about a book.
type BookSpec struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Color       string `json:"color,omitempty"` // #rrggbb or #rrggbbaa; "" = none
	SortOrder   uint32 `json:"sortOrder,omitempty"`
}

// bookDoc is a book as it is stored.
type bookDoc struct {
	Role    Role   `json:"role,omitempty"`
	Path    string `json:"path"`
	Default bool   `json:"default,omitempty"`
	BookSpec
}

var colorForm = regexp.MustCompile(`^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$`)

// checked gives the words in their stored form. Invalid "contacts.book.name", "contacts.book.color", "contacts.book.description".
func (s BookSpec) checked(op mail.Op) (BookSpec, error) {
	s.Name, s.Description = strings.TrimSpace(s.Name), strings.TrimSpace(s.Description)
	switch {
	case s.Name == "" || len(s.Name) > MaxBookName || !utf8.ValidString(s.Name) || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return s, mail.E(op, mail.Invalid, "contacts.book.name", MaxBookName)
	case s.Color != "" && !colorForm.MatchString(s.Color):
		return s, mail.E(op, mail.Invalid, "contacts.book.color")
	case len(s.Description) > MaxDescription || !utf8.ValidString(s.Description):
		return s, mail.E(op, mail.Invalid, "contacts.book.description", MaxDescription)
	}
	return s, nil
}

func bookOf(e *store.Entry) (b Book, err error) {
	var d bookDoc
	if err := json.Unmarshal(e.Doc, &d); err != nil {
		return b, mail.Because("contacts.bookOf", mail.Other, "", err)
	}
	return Book{ID: e.ID, ModSeq: e.ModSeq, Role: d.Role, Path: d.Path, Default: d.Default, BookSpec: d.BookSpec}, nil
}

// put writes a book; ModSeq zero: whatever stands there.
func (a *Account) putBook(tx store.Tx, b *Book) error {
	doc, err := json.Marshal(bookDoc{b.Role, b.Path, b.Default, b.BookSpec})
	if err != nil {
		return mail.Because("contacts.putBook", mail.Other, "", err)
	}
	e, err := tx.PutEntry(store.Entry{Kind: kindBook, Account: a.account.ID, ID: b.ID, Key: b.Path, Doc: doc})
	b.ID, b.ModSeq = e.ID, e.ModSeq
	return err
}

// books reads all books, in their order.
func (a *Account) books(r store.Reader) ([]Book, error) {
	entries, err := r.Entries(a.account.ID, kindBook, 0, store.Page{})
	if err != nil {
		return nil, err
	}
	list := make([]Book, 0, len(entries))
	for i := range entries {
		b, err := bookOf(&entries[i])
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Book) int {
		return cmp.Or(place(a.Role)-place(b.Role), cmp.Compare(a.SortOrder, b.SortOrder), strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	if !slices.ContainsFunc(list, func(b Book) bool { return b.Default }) && len(list) > 0 {
		list[0].Default = true
	}
	return list, nil
}

// place is where a book with a role stands: [連絡先] first, [メールを送信した連絡先] second.
func place(r Role) int {
	if i := slices.IndexFunc(roles, func(o struct {
		role Role
		key  string
	}) bool {
		return o.role == r
	}); i >= 0 {
		return i
	}
	return len(roles)
}

// Books lists the address books. Those that everybody has are made when first asked for, with names in the account's language.
func (a *Account) Books(ctx context.Context) (list []Book, err error) {
	const op = "contacts.Books"
	err = a.view(ctx, op, func(r store.Reader) error {
		list, err = a.books(r)
		return err
	})
	if err != nil || furnished(list) {
		return list, err
	}
	err = a.update(ctx, op, func(tx store.Tx) error {
		list, err = a.furnish(tx)
		return err
	})
	return list, err
}

func furnished(list []Book) bool {
	for _, r := range roles {
		if !slices.ContainsFunc(list, func(b Book) bool { return b.Role == r.role }) {
			return false
		}
	}
	return true
}

// furnish makes the books that everybody has, where they are missing, and lists all.
func (a *Account) furnish(tx store.Tx) ([]Book, error) {
	list, err := a.books(tx)
	if err != nil || furnished(list) {
		return list, err
	}
	lang := a.lang()
	for _, r := range roles {
		if slices.ContainsFunc(list, func(b Book) bool { return b.Role == r.role }) {
			continue
		}
		b := Book{Role: r.role, Path: string(r.role), BookSpec: BookSpec{Name: a.service.cfg.Words.Text(lang, r.key)}}
		if err := a.putBook(tx, &b); err != nil {
			return nil, err
		}
	}
	return a.books(tx)
}

// lang is the account's language.
func (a *Account) lang() i18n.Lang {
	lang, ok := i18n.ParseLang(a.account.Lang)
	if !ok {
		lang = i18n.Langs()[0]
	}
	return lang
}

// Book gives a book. NotFound "contacts.book.unknown".
func (a *Account) Book(ctx context.Context, id mail.ObjectID) (Book, error) {
	list, err := a.Books(ctx)
	if err != nil {
		return Book{}, err
	}
	return findBook("contacts.Book", list, id)
}

func findBook(op mail.Op, list []Book, id mail.ObjectID) (Book, error) {
	if i := slices.IndexFunc(list, func(b Book) bool { return b.ID == id }); i >= 0 {
		return list[i], nil
	}
	return Book{}, mail.E(op, mail.NotFound, "contacts.book.unknown")
}

// BookByPath gives a book by its part of addresses in CardDAV. NotFound "contacts.book.unknown".
func (a *Account) BookByPath(ctx context.Context, path string) (Book, error) {
	list, err := a.Books(ctx)
	if err != nil {
		return Book{}, err
	}
	if i := slices.IndexFunc(list, func(b Book) bool { return b.Path == path }); i >= 0 {
		return list[i], nil
	}
	return Book{}, mail.E("contacts.BookByPath", mail.NotFound, "contacts.book.unknown")
}

// AddBook makes a book. path is its part of addresses in CardDAV, "" for one of ours. Conflict "contacts.book.exists" for a path that is taken,
// Full "contacts.book.too_many", Invalid "contacts.path" and as BookSpec says.
func (a *Account) AddBook(ctx context.Context, path string, spec BookSpec) (made Book, err error) {
	const op = "contacts.AddBook"
	if spec, err = spec.checked(op); err != nil {
		return made, err
	}
	if path == "" {
		path = strings.ToLower(rand.Text())
	}
	if err := checkPath(op, path); err != nil {
		return made, err
	}
	err = a.update(ctx, op, func(tx store.Tx) error {
		list, err := a.furnish(tx)
		switch {
		case err != nil:
			return err
		case len(list) >= MaxBooks:
			return mail.E(op, mail.Full, "contacts.book.too_many", MaxBooks)
		case path == GALPath || slices.ContainsFunc(list, func(b Book) bool { return b.Path == path }):
			return mail.E(op, mail.Conflict, "contacts.book.exists", path)
		}
		made = Book{Path: path, BookSpec: spec}
		return a.putBook(tx, &made)
	})
	return made, err
}

// ChangeBook changes what is said about a book. NotFound "contacts.book.unknown"; Denied "contacts.book.fixed" for another name of one that
// everybody has; Invalid as BookSpec says.
func (a *Account) ChangeBook(ctx context.Context, id mail.ObjectID, change func(*BookSpec) error) (b Book, err error) {
	const op = "contacts.ChangeBook"
	err = a.update(ctx, op, func(tx store.Tx) error {
		list, err := a.furnish(tx)
		if err == nil {
			b, err = findBook(op, list, id)
		}
		if err != nil {
			return err
		}
		was := b.BookSpec
		if err := change(&b.BookSpec); err != nil {
			return err
		}
		if b.BookSpec, err = b.checked(op); err != nil || b.BookSpec == was {
			return err
		}
		if b.Role != "" && b.Name != was.Name {
			return mail.E(op, mail.Denied, "contacts.book.fixed", was.Name)
		}
		return a.putBook(tx, &b)
	})
	return b, err
}

// SetDefault has new cards come into a book where nobody says otherwise. NotFound "contacts.book.unknown".
func (a *Account) SetDefault(ctx context.Context, id mail.ObjectID) error {
	const op = "contacts.SetDefault"
	return a.update(ctx, op, func(tx store.Tx) error {
		list, err := a.furnish(tx)
		if err == nil {
			_, err = findBook(op, list, id)
		}
		if err != nil {
			return err
		}
		for i := range list {
			b := &list[i]
			if is := b.ID == id; b.Default != is {
				b.Default = is
				if err := a.putBook(tx, b); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// DeleteBook removes a book, and with cards those in it. NotFound "contacts.book.unknown"; Denied "contacts.book.fixed" for one that everybody
// has; Conflict "contacts.book.not_empty" without cards, where there are some.
func (a *Account) DeleteBook(ctx context.Context, id mail.ObjectID, cards bool) error {
	const op = "contacts.DeleteBook"
	return a.update(ctx, op, func(tx store.Tx) error {
		list, err := a.furnish(tx)
		if err != nil {
			return err
		}
		b, err := findBook(op, list, id)
		if err != nil {
			return err
		}
		if b.Role != "" {
			return mail.E(op, mail.Denied, "contacts.book.fixed", b.Name)
		}
		if err := a.empty(tx, &b, cards); err != nil {
			return err
		}
		return tx.DeleteEntry(a.account.ID, kindBook, id)
	})
}

// empty removes the cards of a book.
func (a *Account) empty(tx store.Tx, b *Book, cards bool) error {
	for {
		in, err := tx.Entries(a.account.ID, kindCard, b.ID, store.Page{Limit: cardsAtOnce})
		if err != nil || len(in) == 0 {
			return err
		}
		if !cards {
			return mail.E("contacts.DeleteBook", mail.Conflict, "contacts.book.not_empty", b.Name)
		}
		for i := range in {
			if err := tx.DeleteEntry(a.account.ID, kindCard, in[i].ID); err != nil {
				return err
			}
		}
	}
}

// cardsAtOnce is how many cards are read at once: they can be large.
const cardsAtOnce = 100

// view reads one consistent state of the account's tenant.
func (a *Account) view(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
	return mail.Wrap(op, a.tenant.View(ctx, fn))
}

// update changes the account's tenant in the name of its owner.
func (a *Account) update(ctx context.Context, op mail.Op, fn func(store.Tx) error) error {
	return mail.Wrap(op, a.tenant.Update(ctx, a.id.Actor(), op, fn))
}
