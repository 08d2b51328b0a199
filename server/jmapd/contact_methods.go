package jmapd

import (
	"context"
	"strings"

	"tegami/contacts"
	"tegami/mail"
	"tegami/wire/jmap"
	"tegami/wire/vcard"
)

// contactMethods are the methods of address books and cards (RFC 9610), and those of the company's address book, of completion and of files.
func contactMethods() []entry {
	return []entry{
		method("AddressBook/get", jmap.Contacts, own, getBooks),
		method("AddressBook/changes", jmap.Contacts, own, bookChanges),
		method("AddressBook/set", jmap.Contacts, own, setBooks),
		method("ContactCard/get", jmap.Contacts, own, getCards),
		method("ContactCard/changes", jmap.Contacts, own, cardChanges),
		method("ContactCard/query", jmap.Contacts, own, queryCards),
		method("ContactCard/queryChanges", jmap.Contacts, own, cardQueryChanges),
		method("ContactCard/set", jmap.Contacts, own, setCards),
		method("ContactCard/copy", jmap.Contacts, own, copyCards),
		method("DirectoryEntry/get", jmap.TegamiDirectory, own, getDirectory),
		method("DirectoryEntry/query", jmap.TegamiDirectory, own, queryDirectory),
		method("Recipient/complete", jmap.TegamiDirectory, own, completeRecipient),
		method("Contacts/import", jmap.TegamiDirectory, own, importContacts),
		method("Contacts/export", jmap.TegamiDirectory, own, exportContacts),
	}
}

// contactsCapability is what an account says of its address books (RFC 9610 §1.4.1).
type contactsCapability struct {
	MaxAddressBooksPerCard int  `json:"maxAddressBooksPerCard"`
	MayCreateAddressBook   bool `json:"mayCreateAddressBook"`
}

// directoryCapability is what an account says of the company's address book, of completion and of files.
type directoryCapability struct {
	MaxSuggestions int            `json:"maxSuggestions"`
	MaxCards       int            `json:"maxCards"`
	MaxBooks       int            `json:"maxAddressBooks"`
	MaxSizeCard    int            `json:"maxSizeCard"`
	MaxSizeImport  int            `json:"maxSizeImport"`
	CSVLayouts     []vcard.Layout `json:"csvLayouts"`
}

func accountContacts(*Server) any { return contactsCapability{1, true} }

func accountDirectory(*Server) any {
	return directoryCapability{contacts.MaxSuggestions, contacts.MaxCards, contacts.MaxBooks, vcard.MaxCard, vcard.MaxFile, vcard.Layouts()}
}

// books opens the caller's address books.
func (c *call) books(ctx context.Context) (*contacts.Account, error) {
	if c.server.config.Contacts == nil {
		return nil, &jmap.MethodError{Type: jmap.ServerUnavailable}
	}
	return c.server.config.Contacts.Open(ctx, c.who)
}

func objectRef(id mail.ObjectID) jmap.Id { return jmap.Of(jmap.LetterObject, id) }

// objectID reads the id of a card or a book, or of one that was made in this request.
func (c *call) objectID(ref jmap.Id) (id mail.ObjectID, ok bool) {
	if ref, ok = c.id(ref); !ok {
		return 0, false
	}
	ok = jmap.Read(jmap.LetterObject, ref, &id)
	return id, ok
}

// contactError is an error of a record with the properties it is about.
func (c *call) contactError(err error) error {
	key, args := mail.TextOf(err)
	switch key {
	case "card.property":
		if len(args) > 0 {
			names, _ := args[0].(string)
			return c.setError(err, strings.Split(names, ", ")...)
		}
	case "contacts.uid", "contacts.uid_taken":
		return c.setError(err, "uid")
	case "contacts.book.name":
		return c.setError(err, "name")
	case "contacts.book.color":
		return c.setError(err, colorProperty)
	case "contacts.book.description":
		return c.setError(err, "description")
	case "contacts.book.not_empty":
		e := c.setError(err)
		e.Type = "addressBookHasContents" // RFC 9610 §2.3
		return e
	}
	return err
}

// contactChanges answers a /changes of books or cards.
func (c *call) contactChanges(ctx context.Context, in *jmap.ChangesIn, ask func(context.Context, mail.ModSeq, int) (contacts.Changes, error)) (*jmap.ChangesOut, error) {
	since, limit, err := c.sinceState(in)
	if err != nil {
		return nil, err
	}
	found, err := ask(ctx, since, limit)
	if key, _ := mail.TextOf(err); key == "contacts.changes_forgotten" {
		return nil, &jmap.MethodError{Type: jmap.CannotCalculateChanges}
	}
	if err != nil {
		return nil, err
	}
	out := &jmap.ChangesOut{
		AccountID: in.AccountID, OldState: in.SinceState, NewState: jmap.State(found.State), HasMoreChanges: found.More,
		Created: []jmap.Id{}, Updated: []jmap.Id{}, Destroyed: []jmap.Id{},
	}
	for _, ch := range found.List {
		switch id := objectRef(ch.ID); {
		case ch.Gone && ch.Born <= since:
			out.Destroyed = append(out.Destroyed, id)
		case ch.Gone: // came and went
		case ch.Born > since:
			out.Created = append(out.Created, id)
		default:
			out.Updated = append(out.Updated, id)
		}
	}
	return out, nil
}
