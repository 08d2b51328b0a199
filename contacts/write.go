package contacts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/vcard"
)

// standing is what decides within a transaction whether a card may be written: the shelf, with what changed since it was read.
type standing struct {
	shelf *shelf
	newer map[mail.ObjectID]*row // nil: removed
	count int
}

// current gives what stands in a transaction.
func (a *Account) current(tx store.Tx) (*standing, error) {
	s := a.shelf
	s.mu.RLock()
	now, since := &standing{shelf: s, newer: map[mail.ObjectID]*row{}}, s.upto
	s.mu.RUnlock()
	for {
		list, err := tx.EntriesSince(a.account.ID, kindCard, since, cardsAtOnce)
		if err != nil {
			return nil, err
		}
		for i := range list {
			e := &list[i]
			since = e.ModSeq
			now.newer[e.ID] = nil
			if !e.Gone {
				c, err := cardOf(e)
				if err != nil {
					return nil, err
				}
				now.newer[e.ID] = newRow(&c)
			}
		}
		if len(list) < cardsAtOnce {
			break
		}
	}
	var err error
	now.count, err = tx.CountEntries(a.account.ID, kindCard)
	return now, err
}

// rows gives every card that is there.
func (n *standing) rows(fn func(*row)) {
	for _, r := range n.newer {
		if r != nil {
			fn(r)
		}
	}
	n.shelf.mu.RLock()
	defer n.shelf.mu.RUnlock()
	for id, r := range n.shelf.rows {
		if _, changed := n.newer[id]; !changed {
			fn(r)
		}
	}
}

// addresses are all that stand in cards.
func (n *standing) addresses() map[string]bool {
	known := map[string]bool{}
	n.rows(func(r *row) {
		for _, c := range r.found {
			known[c.key] = true
		}
	})
	return known
}

// byPath finds the card of a book with a path, and byUID that with a uid; nil for none.
func (n *standing) byPath(book mail.ObjectID, path string) *row {
	return n.find(func(s *shelf) *row { return s.paths[entryKey(book, path)] }, func(r *row) bool { return r.book == book && r.path == path })
}

func (n *standing) byUID(book mail.ObjectID, uid string) *row {
	key := uidKey(book, uid)
	return n.find(func(s *shelf) *row { return s.uids[key] }, func(r *row) bool { return r.book == book && uidKey(book, r.uid) == key })
}

func (n *standing) find(known func(*shelf) *row, holds func(*row) bool) *row {
	for _, r := range n.newer {
		if r != nil && holds(r) {
			return r
		}
	}
	n.shelf.mu.RLock()
	defer n.shelf.mu.RUnlock()
	r := known(n.shelf)
	if r != nil {
		if _, changed := n.newer[r.id]; changed {
			return nil
		}
	}
	return r
}

// taken refuses a uid or a path that another card of the book has: Conflict "contacts.uid_taken", "contacts.path_taken".
func (n *standing) taken(op mail.Op, book, id mail.ObjectID, uid, path string) error {
	if r := n.byUID(book, uid); uid != "" && r != nil && r.id != id {
		return mail.E(op, mail.Conflict, "contacts.uid_taken")
	}
	if r := n.byPath(book, path); r != nil && r.id != id {
		return mail.E(op, mail.Conflict, "contacts.path_taken")
	}
	return nil
}

// put writes a card in its place. was is how it stood before; nil for a new one.
func (a *Account) put(tx store.Tx, n *standing, c *Card, was *Card) error {
	const op = "contacts.put"
	r := newRow(c)
	switch {
	case len(c.body) > vcard.MaxCard:
		return mail.E(op, mail.Full, "vcard.too_big", vcard.MaxCard>>10)
	case len(r.uid) > MaxUID:
		return mail.E(op, mail.Invalid, "contacts.uid", MaxUID)
	case was == nil && n.count >= a.MaxCards():
		return mail.E(op, mail.Full, "contacts.too_many", a.MaxCards())
	}
	if err := n.taken(op, c.Book, c.ID, r.uid, c.Path); err != nil {
		return err
	}
	doc, err := c.doc()
	if err != nil {
		return err
	}
	if was != nil && (was.Book != c.Book || was.Path != c.Path) {
		if err := a.leave(tx, was); err != nil {
			return err
		}
	}
	e, err := tx.PutEntry(store.Entry{Kind: kindCard, Account: a.account.ID, ID: c.ID, Group: c.Book, Key: entryKey(c.Book, c.Path), Doc: doc})
	if err != nil {
		return err
	}
	c.ID, c.ModSeq, c.Born = e.ID, e.ModSeq, e.Born
	if was == nil {
		n.count++
	}
	n.newer[c.ID] = newRow(c)
	return nil
}

// leave leaves the trace that a card is no longer where it was.
func (a *Account) leave(tx store.Tx, was *Card) error {
	e, err := tx.PutEntry(store.Entry{Kind: kindLeft, Account: a.account.ID, Group: was.Book, Key: entryKey(was.Book, was.Path), Doc: []byte("{}")})
	if err != nil {
		return err
	}
	return tx.DeleteEntry(a.account.ID, kindLeft, e.ID)
}

// stamp is a time as JSContact has it.
func stamp() string { return time.Now().UTC().Format("2006-01-02T15:04:05Z") }

// newUID makes a uid.
func newUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562 §5.4
	const hex = "0123456789abcdef"
	var out strings.Builder
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out.WriteByte('-')
		}
		out.WriteByte(hex[c>>4])
		out.WriteByte(hex[c&15])
	}
	return out.String()
}

// addIn makes a card of JSContact within a transaction. What it does not say of itself it gets: uid, created, updated.
func (a *Account) addIn(tx store.Tx, n *standing, book mail.ObjectID, js vcard.Card) (c Card, err error) {
	js = maps.Clone(js)
	if js.UID() == "" {
		js["uid"] = newUID()
	}
	if js["created"] == nil {
		js["created"] = stamp()
	}
	if js["updated"] == nil {
		js["updated"] = stamp()
	}
	c.Book = book
	if c.body, err = json.Marshal(js); err != nil {
		return c, mail.Because("contacts.addIn", mail.Invalid, "card.malformed", err)
	}
	c.Path = pathFor(js.UID(), strings.ToLower(rand.Text()))
	if n.byPath(book, c.Path) != nil {
		c.Path = strings.ToLower(rand.Text()) + ".vcf"
	}
	return c, a.put(tx, n, &c, nil)
}

// writes runs a change of cards: with the books, and with what stands.
func (a *Account) writes(ctx context.Context, op mail.Op, fn func(store.Tx, []Book, *standing) error) error {
	if err := a.refresh(ctx, op); err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		books, now, err := a.stands(tx)
		if err != nil {
			return err
		}
		return fn(tx, books, now)
	})
}

// stands gives the books, made where they are missing, and the cards that stand there.
func (a *Account) stands(tx store.Tx) (books []Book, now *standing, err error) {
	if books, err = a.furnish(tx); err != nil {
		return nil, nil, err
	}
	now, err = a.current(tx)
	return books, now, err
}

// AddCard makes a card in a book; zero: in the one new cards come into. NotFound "contacts.book.unknown"; Conflict "contacts.uid_taken"; Full
// "contacts.too_many", "vcard.too_big"; Invalid "contacts.uid", and as vcard.Card.Check says.
func (a *Account) AddCard(ctx context.Context, book mail.ObjectID, js vcard.Card) (c Card, err error) {
	const op = "contacts.AddCard"
	if err := js.Check(); err != nil {
		return c, mail.Wrap(op, err)
	}
	err = a.writes(ctx, op, func(tx store.Tx, books []Book, now *standing) error {
		in, err := bookOrDefault(op, books, book)
		if err != nil {
			return err
		}
		c, err = a.addIn(tx, now, in.ID, js)
		return err
	})
	return c, err
}

func bookOrDefault(op mail.Op, books []Book, id mail.ObjectID) (Book, error) {
	if id.IsZero() {
		if i := slices.IndexFunc(books, func(b Book) bool { return b.Default }); i >= 0 {
			return books[i], nil
		}
	}
	return findBook(op, books, id)
}

// card reads a card. NotFound "contacts.card.unknown".
func (a *Account) card(r store.Reader, id mail.ObjectID) (Card, error) {
	e, err := r.Entry(a.account.ID, kindCard, id)
	if mail.Is(err, mail.NotFound) {
		return Card{}, mail.E("contacts.card", mail.NotFound, "contacts.card.unknown")
	}
	if err != nil {
		return Card{}, err
	}
	return cardOf(&e)
}

// ChangeCard changes a card, and which book it lies in: change gets it as JSContact and gives it as it shall be. What did not change stays as it
// came. NotFound "contacts.card.unknown", "contacts.book.unknown"; otherwise as AddCard, and what change answers.
func (a *Account) ChangeCard(ctx context.Context, id mail.ObjectID, change func(js vcard.Card, book mail.ObjectID) (vcard.Card, mail.ObjectID, error)) (c Card, err error) {
	const op = "contacts.ChangeCard"
	err = a.writes(ctx, op, func(tx store.Tx, books []Book, now *standing) error {
		was, err := a.card(tx, id)
		if err != nil {
			return err
		}
		js, err := was.JSContact()
		if err != nil {
			return err
		}
		before, err := json.Marshal(js)
		if err != nil {
			return mail.Because(op, mail.Other, "", err)
		}
		c = was
		if js, c.Book, err = change(js, was.Book); err != nil {
			return err
		}
		if _, err := findBook(op, books, c.Book); err != nil {
			return err
		}
		if err := a.rewrite(&c, before, js); err != nil {
			return err
		}
		if c.Book != was.Book && now.byPath(c.Book, c.Path) != nil {
			c.Path = strings.ToLower(rand.Text()) + ".vcf"
		}
		return a.put(tx, now, &c, &was)
	})
	return c, err
}

// rewrite gives a card other words, where they are other.
func (a *Account) rewrite(c *Card, before []byte, js vcard.Card) error {
	after, err := json.Marshal(js)
	if err != nil {
		return mail.Because("contacts.rewrite", mail.Invalid, "card.malformed", err)
	}
	if string(before) == string(after) {
		return nil
	}
	if err := js.Check(); err != nil {
		return err
	}
	var was struct {
		Updated any `json:"updated"`
	}
	if json.Unmarshal(before, &was) == nil && was.Updated == js["updated"] {
		js["updated"] = stamp()
		if after, err = json.Marshal(js); err != nil {
			return mail.Because("contacts.rewrite", mail.Invalid, "card.malformed", err)
		}
	}
	c.body = after
	return nil
}

// DeleteCard removes a card. etag, where not "", must be its ETag. NotFound "contacts.card.unknown", Conflict "object.changed".
func (a *Account) DeleteCard(ctx context.Context, id mail.ObjectID, etag string) error {
	const op = "contacts.DeleteCard"
	return a.update(ctx, op, func(tx store.Tx) error {
		c, err := a.card(tx, id)
		if err != nil {
			return err
		}
		if etag != "" && etag != c.ETag() {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		return tx.DeleteEntry(a.account.ID, kindCard, id)
	})
}
