package contacts

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/vcard"
)

// Kinds of entries.
const (
	kindCard   = "card"
	kindBook   = "book"
	kindLeft   = "card-left" // a trace that a card left a book for another: CardDAV has to tell it as removed there
	kindRecent = "recent"
)

// Card is a card in a book.
type Card struct {
	ID     mail.ObjectID
	Book   mail.ObjectID
	ModSeq mail.ModSeq // of its last change; also the ETag
	Born   mail.ModSeq
	Path   string // the last part of its address in CardDAV
	body   []byte // a vCard, or JSContact
}

// cardHead is what stands before a card's body: one line of JSON.
type cardHead struct {
	Path string `json:"path"`
}

// doc is the card as it is stored.
func (c *Card) doc() ([]byte, error) {
	head, err := json.Marshal(cardHead{c.Path})
	if err != nil {
		return nil, mail.Because("contacts.doc", mail.Other, "", err)
	}
	return append(append(head, '\n'), c.body...), nil
}

// cardOf reads an entry.
func cardOf(e *store.Entry) (Card, error) {
	head, body, _ := bytes.Cut(e.Doc, []byte("\n"))
	var h cardHead
	if err := json.Unmarshal(head, &h); err != nil {
		return Card{}, mail.Because("contacts.cardOf", mail.Other, "", err)
	}
	return Card{ID: e.ID, Book: e.Group, ModSeq: e.ModSeq, Born: e.Born, Path: h.Path, body: body}, nil
}

// isVCard tells how the card is kept.
func (c *Card) isVCard() bool { return !bytes.HasPrefix(c.body, []byte("{")) }

// JSContact gives the card as JSContact, with a uid always.
func (c *Card) JSContact() (vcard.Card, error) {
	if !c.isVCard() {
		return vcard.ParseCard(c.body)
	}
	v, err := vcard.Parse(c.body)
	if err != nil {
		return nil, err
	}
	js := vcard.FromVCard(v)
	if js.UID() == "" {
		js["uid"] = c.ID.String()
	}
	return js, nil
}

// VCard gives the card as vCard in a version; "" for the one in which it came, and 3.0 where it came otherwise. What a device put is given
// as it came where that is the version.
func (c *Card) VCard(version string) ([]byte, error) {
	if !c.isVCard() {
		js, err := vcard.ParseCard(c.body)
		if err != nil {
			return nil, err
		}
		if version == "" {
			version = vcard.V3
		}
		return []byte(vcard.ToVCard(js, version).String()), nil
	}
	v, err := vcard.Parse(c.body)
	if err != nil || version == "" || v.Version == version {
		return c.body, err
	}
	return []byte(vcard.Convert(v, version).String()), nil
}

// ETag names this state of the card.
func (c *Card) ETag() string { return `"` + strconv.FormatUint(uint64(c.ModSeq), 10) + `"` }

// entryKey is under what a card or the trace of one is found: its book and its path.
func entryKey(book mail.ObjectID, path string) string { return book.String() + "/" + path }

// cutKey takes a key apart.
func cutKey(key string) (path string) {
	_, path, _ = strings.Cut(key, "/")
	return path
}

// pathFor is the path of a card that no device named.
func pathFor(uid string, id string) string {
	name := vcard.PlainUID(uid)
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		name = id
	}
	return name + ".vcf"
}

// checkPath refuses what can't be the last part of an address. Invalid "contacts.path".
func checkPath(op mail.Op, path string) error {
	if path == "" || len(path) > MaxPath || path == "." || path == ".." || strings.ContainsAny(path, "/\\\x00\r\n") {
		return mail.E(op, mail.Invalid, "contacts.path", MaxPath)
	}
	return nil
}
