package outbox

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/html"
)

// Limits of identities (§3.3).
const (
	// MaxIdentities is how many an account has.
	MaxIdentities = 20
	// MaxSignature is the length of a signature in characters, of text and of HTML each.
	MaxSignature = 10_240
	// MaxIdentityName is the length of its name in octets, and MaxIdentityList how many addresses its lists have.
	MaxIdentityName, MaxIdentityList = mail.MaxDomain, 20
)

// Person is an address with a name, as a client writes it.
type Person struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
}

// Identity is who somebody writes as (RFC 8621 §6).
type Identity struct {
	ID            mail.ObjectID `json:"-"`
	Name          string        `json:"name,omitempty"`
	Email         string        `json:"email"`
	ReplyTo       []Person      `json:"replyTo,omitempty"`
	Bcc           []Person      `json:"bcc,omitempty"`
	TextSignature string        `json:"textSignature,omitempty"`
	HTMLSignature string        `json:"htmlSignature,omitempty"` // sanitised
	// Fixed: it is that of the account's own address, which always has one.
	Fixed bool `json:"fixed,omitempty"`
}

// Identities gives the account's identities, in the order they were made. At the first use, and when an alias is new, those of the account's addresses are
// made.
func (b *Box) Identities(ctx context.Context) (list []Identity, err error) {
	const op = "outbox.Identities"
	account, err := b.cfg.Directory.Current(ctx, b.who)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	var fresh []mail.Address
	err = b.tenant.View(ctx, func(r store.Reader) (err error) {
		if fresh, _, err = b.fresh(r, &account); err == nil {
			list, err = b.identities(r)
		}
		return err
	})
	if err == nil && len(fresh) > 0 {
		err = b.update(ctx, op, func(tx store.Tx) error {
			if err := b.makeDefaults(tx, &account); err != nil {
				return err
			}
			list, err = b.identities(tx)
			return err
		})
	}
	return list, mail.Wrap(op, err)
}

func (b *Box) identities(r store.Reader) (list []Identity, err error) {
	err = all(r, b.id, kindIdentity, func(e store.Entry) error {
		var i Identity
		if err := decode(e, &i); err != nil {
			return err
		}
		i.ID = e.ID
		list = append(list, i)
		return nil
	})
	return list, err
}

// fresh gives the account's addresses that had no identity made yet, and the entry that says which had.
func (b *Box) fresh(r store.Reader, account *directory.Account) (list []mail.Address, made store.Entry, err error) {
	made, err = r.EntryByKey(b.id, kindMade, kindMade)
	var had []string
	switch {
	case mail.Is(err, mail.NotFound):
		made = store.Entry{Kind: kindMade, Account: b.id, Key: kindMade}
	case err != nil:
		return nil, made, err
	default:
		if err := decode(made, &had); err != nil {
			return nil, made, err
		}
	}
	for _, a := range append([]mail.Address{account.Address}, account.Aliases...) {
		if !slices.Contains(had, a.Key()) {
			list = append(list, a)
		}
	}
	return list, made, nil
}

// makeDefaults makes the identities that are missing, as far as there is room.
func (b *Box) makeDefaults(tx store.Tx, account *directory.Account) error {
	fresh, made, err := b.fresh(tx, account)
	if err != nil || len(fresh) == 0 {
		return err
	}
	have, err := tx.CountEntries(b.id, kindIdentity)
	if err != nil {
		return err
	}
	for _, a := range fresh {
		if have++; have > MaxIdentities {
			break
		}
		i := Identity{Name: account.Name, Email: a.String(), Fixed: a.Key() == account.Address.Key()}
		if _, err := put(tx, store.Entry{Kind: kindIdentity, Account: b.id}, &i); err != nil {
			return err
		}
	}
	var had []string
	for _, a := range append([]mail.Address{account.Address}, account.Aliases...) {
		had = append(had, a.Key())
	}
	made.ModSeq = 0
	_, err = put(tx, made, had)
	return err
}

// AddIdentity makes an identity; its ID is set. Denied "sender.not_owned" for an address that is neither the account's own, an alias nor a shared mailbox's at which
// it may write; Full "identity.too_many"; Invalid as Check says.
func (b *Box) AddIdentity(ctx context.Context, i *Identity) error {
	const op = "outbox.AddIdentity"
	i.ID, i.Fixed = 0, false
	if err := b.check(ctx, op, i); err != nil {
		return err
	}
	account, err := b.cfg.Directory.Current(ctx, b.who)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return b.update(ctx, op, func(tx store.Tx) error {
		if err := b.makeDefaults(tx, &account); err != nil {
			return err
		}
		have, err := tx.CountEntries(b.id, kindIdentity)
		if err != nil {
			return err
		}
		if have >= MaxIdentities {
			return mail.E(op, mail.Full, "identity.too_many", MaxIdentities)
		}
		e, err := put(tx, store.Entry{Kind: kindIdentity, Account: b.id}, i)
		i.ID = e.ID
		return err
	})
}

// ChangeIdentity changes an identity: change gets it as it stands and may change all but its ID, Email and Fixed; its error ends it. It may run more than once. NotFound
// "identity.unknown"; errors as of AddIdentity.
func (b *Box) ChangeIdentity(ctx context.Context, id mail.ObjectID, change func(*Identity) error) (after Identity, err error) {
	const op = "outbox.ChangeIdentity"
	err = b.update(ctx, op, func(tx store.Tx) error {
		e, before, err := b.identity(tx, id)
		if err != nil {
			return err
		}
		after = before
		if err := change(&after); err != nil {
			return err
		}
		after.ID, after.Email, after.Fixed = id, before.Email, before.Fixed
		if err := after.clean(op); err != nil {
			return err
		}
		_, err = put(tx, e, &after)
		return err
	})
	return after, err
}

// DropIdentity removes an identity. NotFound "identity.unknown"; Denied "identity.fixed" for that of the account's own address.
func (b *Box) DropIdentity(ctx context.Context, id mail.ObjectID) error {
	const op = "outbox.DropIdentity"
	account, err := b.cfg.Directory.Current(ctx, b.who)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return b.update(ctx, op, func(tx store.Tx) error {
		_, i, err := b.identity(tx, id)
		if err != nil {
			return err
		}
		if i.Fixed && i.Email == account.Address.String() {
			return mail.E(op, mail.Denied, "identity.fixed")
		}
		return tx.DeleteEntry(b.id, kindIdentity, id)
	})
}

// identity gives one. NotFound "identity.unknown".
func (b *Box) identity(r store.Reader, id mail.ObjectID) (e store.Entry, i Identity, err error) {
	e, err = r.Entry(b.id, kindIdentity, id)
	if mail.Is(err, mail.NotFound) {
		return e, i, mail.E("outbox.identity", mail.NotFound, "identity.unknown")
	}
	if err == nil {
		err = decode(e, &i)
	}
	i.ID = id
	return e, i, err
}

// check holds a new identity against what the account may.
func (b *Box) check(ctx context.Context, op mail.Op, i *Identity) error {
	a, err := mail.ParseAddress(i.Email)
	if err != nil {
		return mail.E(op, mail.Invalid, "address.malformed", i.Email)
	}
	i.Email = a.String()
	if err := b.mayBe(ctx, a); err != nil {
		return mail.Wrap(op, err)
	}
	return i.clean(op)
}

// mayBe tells whether the account may write as an address.
func (b *Box) mayBe(ctx context.Context, a mail.Address) error {
	account, err := b.cfg.Directory.Current(ctx, b.who)
	if err != nil {
		return err
	}
	if _, err := b.cfg.Directory.SendsAs(ctx, account, a); err != nil {
		return err
	}
	return b.cfg.Directory.MaySendAs(ctx, account.Tenant, a.Domain)
}

// clean bounds what a client wrote. Invalid "identity.too_long" with what is too long, "address.malformed".
func (i *Identity) clean(op mail.Op) error {
	i.Name = strings.TrimSpace(strings.ToValidUTF8(i.Name, "\ufffd"))
	i.TextSignature = strings.ToValidUTF8(i.TextSignature, "\ufffd")
	switch {
	case len(i.Name) > MaxIdentityName:
		return mail.E(op, mail.Invalid, "identity.too_long", MaxIdentityName)
	case utf8.RuneCountInString(i.TextSignature) > MaxSignature, utf8.RuneCountInString(i.HTMLSignature) > MaxSignature:
		return mail.E(op, mail.Invalid, "identity.too_long", MaxSignature)
	case len(i.ReplyTo) > MaxIdentityList, len(i.Bcc) > MaxIdentityList:
		return mail.E(op, mail.Invalid, "identity.too_long", MaxIdentityList)
	}
	i.HTMLSignature = cleanSignature(i.HTMLSignature)
	for _, p := range slices.Concat(i.ReplyTo, i.Bcc) {
		if _, err := mail.ParseAddress(p.Email); err != nil || len(p.Name) > MaxIdentityName {
			return mail.E(op, mail.Invalid, "address.malformed", p.Email)
		}
	}
	return nil
}

// cleanSignature sanitises HTML. Pictures of the web stay: the company's logo is its author's wish, and its readers are asked.
func cleanSignature(src string) string {
	if src == "" {
		return ""
	}
	return html.Sanitise(src, html.Options{
		CID:     func(cid string) string { return "cid:" + cid },
		Picture: func(url string) string { return url },
	}).HTML
}
