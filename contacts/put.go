package contacts

import (
	"bytes"
	"context"
	"io"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/vcard"
)

// Condition says what must stand where a device writes (RFC 9110 §13.1). The zero value asks for nothing.
type Condition struct {
	None bool   // nothing may stand there
	ETag string // "" for any; "*" for anything at all
}

// holds judges what stands: nil for nothing. Conflict "object.changed".
func (w Condition) holds(op mail.Op, c *Card) error {
	if w.None && c != nil || w.ETag != "" && c == nil || w.ETag != "" && w.ETag != "*" && c.ETag() != w.ETag {
		return mail.E(op, mail.Conflict, "object.changed")
	}
	return nil
}

// Placed is what became of a card that a device put.
type Placed struct {
	Card
	Created bool
	Exact   bool // what was put is given back octet by octet
}

// PutVCard writes what a device has as a card of a book under a path. Invalid "vcard.malformed", "contacts.path", "contacts.uid"; Conflict
// "object.changed" where the condition does not hold, "contacts.uid_taken"; NotFound "contacts.book.unknown"; Full "contacts.too_many", "vcard.too_big".
func (a *Account) PutVCard(ctx context.Context, book mail.ObjectID, path string, b []byte, when Condition) (out Placed, err error) {
	const op = "contacts.PutVCard"
	if err := checkPath(op, path); err != nil {
		return out, err
	}
	if len(b) > vcard.MaxCard {
		return out, mail.E(op, mail.Full, "vcard.too_big", vcard.MaxCard>>10)
	}
	body, exact, err := kept(b)
	if err != nil {
		return out, mail.Wrap(op, err)
	}
	err = a.writes(ctx, op, func(tx store.Tx, books []Book, now *standing) error {
		out = Placed{Exact: exact}
		if _, err := findBook(op, books, book); err != nil {
			return err
		}
		var was *Card
		switch c, err := a.cardAt(tx, book, path); {
		case err == nil:
			was, out.Card = &c, c
		case mail.Is(err, mail.NotFound):
			out.Created, out.Card = true, Card{Book: book, Path: path}
		default:
			return err
		}
		if err := when.holds(op, was); err != nil {
			return err
		}
		out.body = body
		return a.put(tx, now, &out.Card, was)
	})
	return out, err
}

// kept is the form in which a vCard is kept, and whether that is just as it came. Version 2.1 and cards without UID can't stay so.
func kept(b []byte) (body []byte, exact bool, err error) {
	r := vcard.NewReader(bytes.NewReader(b), vcard.MaxCard)
	v, err := r.Next()
	if err == io.EOF {
		err = mail.E("contacts.kept", mail.Invalid, "vcard.malformed")
	}
	if err != nil {
		return nil, false, err
	}
	if _, err := r.Next(); err == nil {
		return nil, false, mail.E("contacts.kept", mail.Invalid, "vcard.several")
	}
	exact = v.Version != vcard.V21
	if !exact {
		v = vcard.Convert(v, vcard.V3)
	}
	if v.Text("UID") == "" {
		v.Set("UID", newUID())
		exact = false
	}
	if exact && bytes.HasPrefix(b, []byte("BEGIN:VCARD")) {
		return b, true, nil
	}
	return []byte(v.String()), false, nil
}

// MoveTo puts a card into a book under a path, or a copy of it. What stands there goes with overwrite; else Conflict "contacts.path_taken". The
// errors of PutVCard; NotFound "contacts.card.unknown".
func (a *Account) MoveTo(ctx context.Context, id, book mail.ObjectID, path string, copied, overwrite bool) (out Placed, err error) {
	const op = "contacts.MoveTo"
	if err := checkPath(op, path); err != nil {
		return out, err
	}
	err = a.writes(ctx, op, func(tx store.Tx, books []Book, now *standing) error {
		out = Placed{Created: true}
		if _, err := findBook(op, books, book); err != nil {
			return err
		}
		was, err := a.card(tx, id)
		if err != nil {
			return err
		}
		if r := now.byPath(book, path); r != nil && r.id != id {
			if !overwrite {
				return mail.E(op, mail.Conflict, "contacts.path_taken")
			}
			if err := tx.DeleteEntry(a.account.ID, kindCard, r.id); err != nil {
				return err
			}
			now.newer[r.id] = nil
			now.count--
			out.Created = false
		}
		out.Card = was
		out.Book, out.Path = book, path
		if copied {
			out.ID = 0
			return a.put(tx, now, &out.Card, nil)
		}
		return a.put(tx, now, &out.Card, &was)
	})
	return out, err
}
