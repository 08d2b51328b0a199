package mailbox

import (
	"encoding/json"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// grant is an entry of an access control list: what one identifier may do with one mailbox. Each is an object of
// its own, with marks by which it is found and by which it goes with the owner of the mailbox, and with whom it is for.
type grant struct {
	owner      mail.AccountID // of the mailbox
	who        mail.AccountID // zero: anyone
	give, take Rights         // take: negative rights, stronger than what anybody gives
	id         mail.ObjectID
	version    uint64
}

// acl is the access control list of a mailbox, without the owner, who is in none.
type acl []grant

// rights gives what an account may do: all it and everybody are given, without what is taken from either
// (RFC 4314 §2).
func (l acl) rights(who mail.AccountID) Rights {
	var give, take Rights
	for _, g := range l {
		if g.who == who || g.who == 0 {
			give |= g.give
			take |= g.take
		}
	}
	return give &^ take
}

// grantDoc is a grant as stored; rights by their letters.
type grantDoc struct {
	Mailbox mail.MailboxID `json:"mailbox"`
	Owner   mail.AccountID `json:"owner"`
	Who     mail.AccountID `json:"who,omitzero"`
	Give    string         `json:"give,omitempty"`
	Take    string         `json:"take,omitempty"`
}

// anyone is the identifier of everybody in the tenant (RFC 4314 §2).
const anyone = "anyone"

// nameOf is an account in keys, or anyone.
func nameOf(who mail.AccountID) string {
	if who == 0 {
		return anyone
	}
	return who.String()
}

// grantKey is under what the grant of a mailbox for somebody is found.
func grantKey(box mail.MailboxID, who mail.AccountID) store.Key {
	return store.Key{Name: "grant", Value: box.String() + "/" + nameOf(who)}
}

// sharedTo marks the grants for an account, or for anyone (zero).
func sharedTo(who mail.AccountID) store.Key { return store.Key{Name: "shared", Value: nameOf(who)} }

// ofMailbox marks what belongs to a mailbox.
func ofMailbox(box mail.MailboxID) store.Key { return store.Key{Name: "mailbox", Value: box.String()} }

// readGrant gives the grant of a mailbox for somebody; one without rights where there is none.
func readGrant(r store.Reader, box mail.MailboxID, who mail.AccountID) (grant, error) {
	o, err := r.ObjectByKey(grantKey(box, who))
	if mail.Is(err, mail.NotFound) {
		return grant{who: who}, nil
	}
	if err != nil {
		return grant{who: who}, mail.Wrap("mailbox.readGrant", err)
	}
	g, _, err := parseGrant(o)
	return g, err
}

// parseGrant takes a grant's object apart.
func parseGrant(o store.Object) (g grant, box mail.MailboxID, err error) {
	const op = "mailbox.parseGrant"
	var d grantDoc
	if err := json.Unmarshal(o.Doc, &d); err != nil {
		return g, 0, mail.Because(op, mail.Other, "", err)
	}
	g = grant{owner: d.Owner, who: d.Who, id: o.ID, version: o.Version}
	if g.give, err = ParseRights(d.Give); err != nil {
		return g, 0, mail.Because(op, mail.Other, "", err)
	}
	if g.take, err = ParseRights(d.Take); err != nil {
		return g, 0, mail.Because(op, mail.Other, "", err)
	}
	return g, d.Mailbox, nil
}

// readACL gives the access control list of a mailbox. MaxGrants is less than one page.
func readACL(r store.Reader, box mail.MailboxID) (acl, error) {
	const op = "mailbox.readACL"
	objects, err := r.Marked(directory.KindGrant, ofMailbox(box), store.Page{})
	if err != nil || len(objects) == 0 {
		return nil, mail.Wrap(op, err)
	}
	l := make(acl, len(objects))
	for i, o := range objects {
		if l[i], _, err = parseGrant(o); err != nil {
			return nil, mail.Wrap(op, err)
		}
	}
	return l, nil
}

// putGrant writes a grant of a mailbox; one without rights is removed.
func putGrant(tx store.Tx, m *Mailbox, g grant) error {
	const op = "mailbox.putGrant"
	if g.give|g.take == 0 {
		if g.version == 0 {
			return nil
		}
		return mail.Wrap(op, tx.DeleteObject(directory.KindGrant, g.id, g.version))
	}
	if g.version == 0 {
		g.id = mail.ObjectID(tx.NextID())
	}
	doc, err := json.Marshal(grantDoc{m.ID, m.Account, g.who, g.give.String(), g.take.String()})
	if err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	marks := []store.Key{ofMailbox(m.ID), sharedTo(g.who), directory.OfAccount(m.Account)}
	if g.who != 0 {
		marks = append(marks, directory.OfAccount(g.who))
	}
	_, err = tx.PutObject(store.Object{
		Kind: directory.KindGrant, ID: g.id, Version: g.version, Unique: []store.Key{grantKey(m.ID, g.who)}, Marks: marks, Doc: doc,
	})
	return mail.Wrap(op, err)
}

// inherit gives a new mailbox the access control list of the one above it.
func (l acl) inherit(tx store.Tx, m *Mailbox) error {
	for _, g := range l {
		g.version = 0
		if err := putGrant(tx, m, g); err != nil {
			return err
		}
	}
	return nil
}

// dropOf removes the objects of a kind that belong to a mailbox.
func dropOf(tx store.Tx, kind string, box mail.MailboxID) error {
	const op = "mailbox.dropOf"
	for {
		objects, err := tx.Marked(kind, ofMailbox(box), store.Page{})
		if err != nil || len(objects) == 0 {
			return mail.Wrap(op, err)
		}
		for _, o := range objects {
			if err := tx.DeleteObject(kind, o.ID, o.Version); err != nil {
				return mail.Wrap(op, err)
			}
		}
	}
}
