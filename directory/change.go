package directory

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// ProfileChange says what becomes of a profile; nil leaves a part as it is, "" clears it.
type ProfileChange struct {
	LastName    *string `json:"lastName,omitempty" maxLength:"255"`
	FirstName   *string `json:"firstName,omitempty" maxLength:"255"`
	LastKana    *string `json:"lastKana,omitempty" maxLength:"255" doc:"The reading of lastName, by which lists are sorted"`
	FirstKana   *string `json:"firstKana,omitempty" maxLength:"255"`
	DisplayName *string `json:"displayName,omitempty" maxLength:"255" doc:"Empty: last and first name"`
	Company     *string `json:"company,omitempty" maxLength:"255"`
	Department  *string `json:"department,omitempty" maxLength:"255"`
	Title       *string `json:"title,omitempty" maxLength:"255" doc:"Of the position"`
	Phone       *string `json:"phone,omitempty" maxLength:"255"`
	Extension   *string `json:"extension,omitempty" maxLength:"255"`
	Mobile      *string `json:"mobile,omitempty" maxLength:"255"`
	Memo        *string `json:"memo,omitempty" maxLength:"4096" doc:"For administrators; not in address books"`
}

// Profile is what the change makes of nothing.
func (c *ProfileChange) Profile() (p Profile) {
	c.Apply(&p)
	return p
}

// Apply changes a profile.
func (c *ProfileChange) Apply(p *Profile) {
	news := []*string{
		c.LastName, c.FirstName, c.LastKana, c.FirstKana, c.DisplayName, c.Company,
		c.Department, c.Title, c.Phone, c.Extension, c.Mobile, c.Memo,
	}
	for i, old := range append(p.lines(), &p.Memo) {
		if news[i] != nil {
			*old = *news[i]
		}
	}
}

// AccountChange says what becomes of an account; nil leaves a part as it is.
type AccountChange struct {
	// Version is the one that was read; 0 = whatever stands. Conflict "object.changed" for another.
	Version uint64
	// Address is a new own address, in any domain of the company: that of a domain with another plan changes the size of the box (SV-4).
	Address *mail.Address
	// KeepAddress makes the old address an alias.
	KeepAddress bool
	Profile     ProfileChange
	Hidden      *bool // not in the address book
	Lang        *string
	Groups      *[]mail.ObjectID
}

// ChangeAccount changes an account. Conflict "address.taken", "object.changed", "account.deleted"; Full "ids.exhausted" where it
// moves to a domain without a free ID (ML-1), "aliases.too_many", "groups.of_account"; NotFound "account.unknown",
// "domain.unknown", "group.unknown"; Invalid "name.malformed", "profile.memo", "lang.unknown", and what AddAccount says of addresses.
// There is no size to change: it is the domain's (ML-2, SV-4).
func (c *Company) ChangeAccount(ctx context.Context, by mail.Actor, id mail.AccountID, ch AccountChange) (a Account, err error) {
	const op = "directory.ChangeAccount"
	err = c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		a, err = c.changeIn(tx, by, op, id, &ch)
		return err
	})
	return a, err
}

// changeIn is ChangeAccount inside a transaction.
func (c *Company) changeIn(tx store.Tx, by mail.Actor, op mail.Op, id mail.AccountID, ch *AccountChange) (Account, error) {
	doc, version, err := readAccount(tx, id)
	if err == nil {
		err = c.permitAccount(tx, by, op, RightAccounts, &doc)
	}
	switch {
	case err != nil:
		return Account{}, err
	case ch.Version != 0 && ch.Version != version:
		return Account{}, mail.E(op, mail.Conflict, "object.changed")
	case doc.State == AccountDeleted:
		return Account{}, mail.E(op, mail.Conflict, "account.deleted", doc.Address.String())
	}
	if err := c.applyChange(tx, by, op, &doc, ch); err != nil {
		return Account{}, err
	}
	if err := putAccount(tx, id, doc, version); err != nil {
		return Account{}, err
	}
	return c.readFull(tx, id)
}

// applyChange brings the changes into the document, each by its rules.
func (c *Company) applyChange(tx store.Tx, by mail.Actor, op mail.Op, doc *accountDoc, ch *AccountChange) (err error) {
	ch.Profile.Apply(&doc.Profile)
	if doc.Profile, err = doc.Profile.checked(op); err != nil {
		return err
	}
	if ch.Hidden != nil {
		doc.Hidden = *ch.Hidden
	}
	if ch.Lang != nil {
		if err := checkLang(op, *ch.Lang); err != nil {
			return err
		}
		doc.Lang = *ch.Lang
	}
	if ch.Groups != nil {
		if err := c.setGroups(tx, by, op, doc, *ch.Groups); err != nil {
			return err
		}
	}
	if ch.Address == nil {
		return nil
	}
	return c.move(tx, by, op, doc, ch)
}

// setGroups replaces the groups of an account. The actor must manage each that it enters or leaves.
func (c *Company) setGroups(tx store.Tx, by mail.Actor, op mail.Op, doc *accountDoc, groups []mail.ObjectID) error {
	groups, err := checkGroups(tx, op, groups)
	if err != nil {
		return err
	}
	for _, id := range slices.Concat(groups, doc.Groups) {
		if slices.Contains(groups, id) && slices.Contains(doc.Groups, id) {
			continue
		}
		if err := c.permit(tx, by, op, RightAccounts, Place{Groups: []mail.ObjectID{id}}); err != nil {
			return err
		}
	}
	doc.Groups = groups
	return nil
}

// move gives an account another address of its own.
func (c *Company) move(tx store.Tx, by mail.Actor, op mail.Op, doc *accountDoc, ch *AccountChange) error {
	to, err := accountAddress(*ch.Address)
	if err != nil || sameAddress(to, doc.Address) {
		return err
	}
	d, _, err := domainNamed(tx, to.Domain)
	if err != nil {
		return err
	}
	if err := c.permit(tx, by, op, RightAccounts, Place{Domain: d.ID, Groups: doc.Groups}); err != nil {
		return err
	}
	if d.ID != doc.Domain {
		if err := roomIn(tx, d, 1); err != nil {
			return err
		}
	}
	have, err := tx.ObjectByKey(addressKey(to))
	if err == nil && !(have.Kind == kindAccount && containsAddress(doc.Aliases, to)) {
		return mail.E(op, mail.Conflict, "address.taken", to.String())
	} else if err != nil && !mail.Is(err, mail.NotFound) {
		return err
	}
	old := doc.Address
	doc.Aliases = slices.DeleteFunc(slices.Clone(doc.Aliases), func(a mail.Address) bool { return sameAddress(a, to) })
	if ch.KeepAddress {
		doc.Aliases = append(doc.Aliases, old)
	}
	if len(doc.Aliases) > MaxAliases {
		return mail.E(op, mail.Full, "aliases.too_many", MaxAliases)
	}
	clear(c.rooms)
	doc.Address, doc.Domain = to, d.ID
	return nil
}

// initialAlphabet are the characters of passwords we make: none looks like another.
const initialAlphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// initialGroups are how many times four of them a password we make has: 100 bits (ADR 13).
const initialGroups = 5

// NewInitialPassword makes a password to be given out: "k7xm-q2ap-…".
func NewInitialPassword() string {
	b := make([]byte, initialGroups*4)
	rand.Read(b)
	var w strings.Builder
	for i, c := range b {
		if i > 0 && i%4 == 0 {
			w.WriteByte('-')
		}
		w.WriteByte(initialAlphabet[c%byte(len(initialAlphabet))])
	}
	return w.String()
}

// ResetPassword gives an account an initial password, which it must change when it signs in next; sessions end, and its
// app passwords are gone: an administrator resets what is lost or stolen. password "" has
// one made, which is returned and stored nowhere. For who may RightPasswords: it opens no mail to them, and the account's owner sees that
// it happened. Conflict "account.shared", "account.deleted"; Denied "actor.outranked"; and the errors of SetPassword.
func (c *Company) ResetPassword(ctx context.Context, by mail.Actor, id mail.AccountID, password string) (string, error) {
	const op = "directory.ResetPassword"
	if password == "" {
		password = NewInitialPassword()
	}
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return "", mail.Wrap(op, err)
	}
	if err := c.check(ctx, by, op, RightPasswords); err != nil {
		return "", err
	}
	have, err := c.credentialOf(ctx, op, id)
	if err != nil {
		return "", err
	}
	if err := c.judgeFor(ctx, by, t, id, password, nil); err != nil {
		return "", mail.Wrap(op, err)
	}
	before := have.docOrNone()
	before.Apps = nil // whoever made them may be why the password is reset
	credential, err := c.dir.newCredential(ctx, by, password, t.NoScram, before)
	if err != nil {
		return "", mail.Wrap(op, err)
	}
	err = c.change(ctx, by, op, RightPasswords, func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if err == nil {
			err = c.permitAccount(tx, by, op, RightPasswords, &doc)
		}
		switch {
		case err != nil:
			return err
		case doc.Shared:
			return mail.E(op, mail.Conflict, "account.shared", doc.Address.String())
		case doc.State == AccountDeleted:
			return mail.E(op, mail.Conflict, "account.deleted", doc.Address.String())
		}
		doc.MustChange = true
		if err := putAccount(tx, id, doc, version); err != nil {
			return err
		}
		return putCredential(tx, id, have, credential)
	})
	if err != nil {
		return "", err
	}
	return password, nil
}
