package jmapd

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"tegami/contacts"
	"tegami/mail"
	"tegami/wire/jmap"
	"tegami/wire/vcard"
)

// Properties that a ContactCard has beside those of JSContact (RFC 9610 §3).
const (
	cardID    = "id"
	cardBooks = "addressBookIds"
)

// cardRecord is a card as clients have it.
func cardRecord(card *contacts.Card) (vcard.Card, error) {
	js, err := card.JSContact()
	if err != nil {
		return nil, err
	}
	js[cardID] = objectRef(card.ID)
	js[cardBooks] = map[string]any{string(objectRef(card.Book)): true}
	return js, nil
}

func cardsState(a *contacts.Account) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		n, err := a.State(ctx)
		return jmap.State(n), err
	}
}

// getCards is ContactCard/get (RFC 9610 §3.1). JSContact knows no end of properties, so none is refused.
func getCards(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	refs, err := c.getIDs(in, in.Properties)
	if err != nil {
		return nil, err
	}
	out := &jmap.GetOut{AccountID: in.AccountID, List: []json.RawMessage{}, NotFound: []jmap.Id{}}
	if out.State, err = cardsState(a)(ctx); err != nil {
		return nil, err
	}
	ids, err := c.wantedCards(ctx, a, refs)
	if err != nil {
		return nil, err
	}
	found := make(map[jmap.Id]bool, len(ids))
	err = a.Cards(ctx, ids, func(card *contacts.Card) error {
		js, err := cardRecord(card)
		if err != nil {
			return err
		}
		found[objectRef(card.ID)] = true
		if in.Properties != nil {
			for name := range js {
				if name != cardID && !slices.Contains(in.Properties, name) {
					delete(js, name)
				}
			}
		}
		text, err := jmap.Marshal(js)
		out.List = append(out.List, text)
		return err
	})
	for _, ref := range refs {
		if !found[ref] {
			out.NotFound = append(out.NotFound, ref)
		}
	}
	return out, err
}

// wantedCards are the cards that are asked for by id; nil: all there are, if these are not too many.
func (c *call) wantedCards(ctx context.Context, a *contacts.Account, refs []jmap.Id) (ids []mail.ObjectID, err error) {
	if refs == nil {
		ids, _, err = a.Query(ctx, nil, nil)
		if len(ids) > c.server.limits.Objects {
			return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
		}
		return ids, err
	}
	for _, ref := range refs {
		var id mail.ObjectID
		if jmap.Read(jmap.LetterObject, ref, &id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// cardChanges is ContactCard/changes (RFC 9610 §3.2).
func cardChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	return c.contactChanges(ctx, in, a.CardChanges)
}

// setCards is ContactCard/set (RFC 9610 §3.5).
func setCards(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	w := &cardWork{c, a}
	return set(ctx, c, in, setter{state: cardsState(a), create: w.create, update: w.update, destroy: w.destroy})
}

// cardWork is a ContactCard/set at work.
type cardWork struct {
	c *call
	a *contacts.Account
}

// book takes the book out of a record: a card lies in one. Zero where the record names none.
func (w *cardWork) book(js vcard.Card) (id mail.ObjectID, err error) {
	v, given := js[cardBooks]
	delete(js, cardBooks)
	if !given {
		return 0, nil
	}
	in, ok := v.(map[string]any)
	if !ok || len(in) != 1 {
		return 0, jmap.BadProperties(cardBooks)
	}
	for ref, is := range in {
		if id, ok = w.c.objectID(jmap.Id(ref)); !ok || is != true {
			return 0, jmap.BadProperties(cardBooks)
		}
	}
	return id, nil
}

// pictures puts octets that a client uploaded into media that name them by blobId (RFC 9610 §3).
func (w *cardWork) pictures(ctx context.Context, js vcard.Card) error {
	media, _ := js["media"].(map[string]any)
	for _, v := range media {
		o, _ := v.(map[string]any)
		ref, ok := o["blobId"].(string)
		if !ok {
			continue
		}
		b, err := w.c.openBlob(ctx, w.c.at, jmap.Id(ref))
		if mail.Is(err, mail.NotFound) {
			return jmap.BadProperties("media")
		}
		if err != nil {
			return err
		}
		octets, err := io.ReadAll(io.LimitReader(b.Reader(), vcard.MaxCard+1))
		b.Close()
		if err != nil {
			return err
		}
		kind, _ := o["mediaType"].(string)
		o["uri"] = "data:" + mediaType(kind) + ";base64," + base64.StdEncoding.EncodeToString(octets)
		delete(o, "blobId")
	}
	return nil
}

// bookGone says of a book that is not there that the card's property is wrong.
func (w *cardWork) failed(err error) error {
	if key, _ := mail.TextOf(err); key == "contacts.book.unknown" {
		return jmap.BadProperties(cardBooks)
	}
	return w.c.contactError(err)
}

func (w *cardWork) create(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
	js, err := vcard.ParseCard(record)
	if err != nil {
		return "", nil, w.c.contactError(err)
	}
	if _, there := js[cardID]; there {
		return "", nil, jmap.BadProperties(cardID)
	}
	book, err := w.book(js)
	if err == nil {
		err = w.pictures(ctx, js)
	}
	if err != nil {
		return "", nil, err
	}
	sent := js.Clone()
	card, err := w.a.AddCard(ctx, book, js)
	if err != nil {
		return "", nil, w.failed(err)
	}
	made, err := cardRecord(&card)
	if err != nil {
		return "", nil, err
	}
	for name := range sent {
		delete(made, name)
	}
	return objectRef(card.ID), made, nil
}

func (w *cardWork) update(ctx context.Context, ref jmap.Id, p jmap.Patch) (any, error) {
	id, ok := w.c.objectID(ref)
	if !ok {
		return nil, &jmap.SetError{Type: jmap.NotFound}
	}
	for _, path := range p.Paths() {
		if path == cardID || strings.HasPrefix(path, cardID+"/") {
			return nil, jmap.BadProperties(cardID)
		}
	}
	card, err := w.a.ChangeCard(ctx, id, func(js vcard.Card, book mail.ObjectID) (vcard.Card, mail.ObjectID, error) {
		return w.patched(ctx, p, js, book)
	})
	if err != nil {
		return nil, w.failed(err)
	}
	js, err := card.JSContact()
	if err != nil || p["updated"] != nil {
		return nil, err
	}
	return map[string]any{"updated": js["updated"]}, nil
}

// patched gives a card and its book as they are after a patch.
func (w *cardWork) patched(ctx context.Context, p jmap.Patch, js vcard.Card, book mail.ObjectID) (vcard.Card, mail.ObjectID, error) {
	js[cardBooks] = map[string]any{string(objectRef(book)): true}
	text, err := json.Marshal(js)
	if err != nil {
		return nil, 0, err
	}
	text, failed := p.Apply(text)
	if failed != nil {
		return nil, 0, failed
	}
	if js, err = vcard.ParseCard(text); err != nil {
		return nil, 0, err
	}
	to, err := w.book(js)
	if err == nil && to.IsZero() {
		err = jmap.BadProperties(cardBooks)
	}
	if err == nil && js.UID() == "" {
		err = jmap.BadProperties("uid")
	}
	if err == nil {
		err = w.pictures(ctx, js)
	}
	return js, to, err
}

func (w *cardWork) destroy(ctx context.Context, ref jmap.Id) error {
	id, ok := w.c.objectID(ref)
	if !ok {
		return &jmap.SetError{Type: jmap.NotFound}
	}
	return w.a.DeleteCard(ctx, id, "")
}

// copyCards is ContactCard/copy (RFC 9610 §3.6). Books are not shared, so there is no other account to copy from.
func copyCards(_ context.Context, c *call, in *jmap.CopyIn) (*jmap.CopyOut, error) {
	if c.from.id == c.at.id {
		return nil, jmap.Bad("fromAccountId") // RFC 8620 §5.4
	}
	return nil, &jmap.MethodError{Type: jmap.FromAccountNotSupported}
}
