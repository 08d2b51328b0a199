package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/argon2"

	"tegami/mail"
	"tegami/store"
)

// Together makes many changes in one commit (CP-5): all that is done through the Company that fn gets happens in that
// commit, or nothing. fn runs as a function of store.Tenant.Update does: no I/O, no waiting, perhaps more than once; so what hashes
// passwords (AddAccount, SetPassword, ResetPassword) has no place in it: AddPrepared and SetPrepared have.
func (c *Company) Together(ctx context.Context, by mail.Actor, op mail.Op, need Right, fn func(*Company, store.Tx) error) error {
	return c.change(ctx, by, op, need, func(tx store.Tx) error {
		return fn(&Company{dir: c.dir, id: c.id, together: tx, edits: make(map[string]*listEdit), rooms: make(map[mail.DomainID]int)}, tx)
	})
}

// ID is the company's tenant.
func (c *Company) ID() mail.TenantID { return c.id }

// Switches are what an administrator took away from one account.
type Switches struct {
	NoUserForward bool `json:"noUserForward,omitempty"` // its filters forward nothing (ML-5)
	NoIMAP        bool `json:"noImap,omitempty"`        // no reading by IMAP, whatever its domain has (SV-7)
}

// UserMayForward judges whether an account's filters may forward to an address now: as MayForward, and not at all where an
// administrator switched that off for the account. Denied "forward.denied".
func (d *Directory) UserMayForward(ctx context.Context, a *Account, to mail.Address) error {
	if a.NoUserForward {
		return mail.E("directory.UserMayForward", mail.Denied, "forward.denied", to.String())
	}
	return d.MayForward(ctx, a.Tenant, to, true)
}

// PreparedPassword is a password that was hashed ahead of the transaction that gives it to an account.
type PreparedPassword struct {
	doc  *credentialDoc
	have *credential // what the account had
}

// PreparePassword hashes a password for an account, or one that will be. It takes a slot of the hasher and some 25 ms
// of a core. Errors as SetPassword.
func (c *Company) PreparePassword(ctx context.Context, by mail.Actor, address mail.Address, password string) (*PreparedPassword, error) {
	const op = "directory.PreparePassword"
	if err := c.check(ctx, by, op, RightAccounts); err != nil {
		return nil, err
	}
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	have, err := c.credentialAt(ctx, address)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if err := c.dir.judgePassword(ctx, by, c.id, password, nil, address.Local, address.Domain); err != nil {
		return nil, mail.Wrap(op, err)
	}
	doc, err := c.dir.newCredential(ctx, by, password, t.NoScram, have.docOrNone())
	return &PreparedPassword{doc, have}, mail.Wrap(op, err)
}

// CheckPassword tells whether a password would be taken, without hashing it.
func (c *Company) CheckPassword(ctx context.Context, by mail.Actor, address mail.Address, password string) error {
	_, err := checkPassword(by, password)
	if err == nil {
		err = c.dir.judgePassword(ctx, by, c.id, password, nil, address.Local, address.Domain)
	}
	return mail.Wrap("directory.CheckPassword", err)
}

// Parameters of the hash of a password that we made ourselves, of 100 random bits: see ADR 13.
const (
	initialMemory = 64 // KiB
	initialTime   = 1
)

// PrepareInitial makes a random password for an account that will be, and hashes it, which takes a twentieth of a millisecond. Such a
// password has 100 random bits, so a slow hash would protect it from nothing (ADR 13); it has no SCRAM keys, as it is good for changing it only.
func PrepareInitial() (string, *PreparedPassword) {
	password := NewInitialPassword()
	doc := &credentialDoc{Serial: 1, Password: hashInitial(password), Changed: time.Now().Truncate(time.Second)}
	return password, &PreparedPassword{doc, nil}
}

// hashInitial gives the PHC string of a password we made.
func hashInitial(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, initialTime, initialMemory, argonThreads, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, initialMemory, initialTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// credentialAt gives the credential of the account that has an address, nil where there is none.
func (c *Company) credentialAt(ctx context.Context, address mail.Address) (have *credential, err error) {
	err = c.view(ctx, "directory.credentialAt", func(r store.Reader) error {
		o, err := r.ObjectByKey(addressKey(address))
		if mail.Is(err, mail.NotFound) || err == nil && o.Kind != kindAccount {
			return nil
		}
		if err == nil {
			have, err = readCredential(r, mail.AccountID(o.ID))
		}
		return err
	})
	return have, err
}

// AccountLine is an account as a line of a file has it. What is nil stays as it is, or is left out of a new account.
type AccountLine struct {
	Address     mail.Address
	Change      AccountChange // its Version and Address are not heeded
	State       *AccountState // AccountActive or AccountSuspended
	ForwardTo   *[]mail.Address
	KeepCopy    *bool
	UserForward *bool
	IMAP        *bool
	Password    *PreparedPassword // an initial one: it must be changed; nil: none, or as it was
}

// AddLine makes the account of a line inside Together. Errors as AddAccount and SetForwarding; Full "ids.exhausted" (ML-1).
func (c *Company) AddLine(ctx context.Context, by mail.Actor, l *AccountLine) (mail.AccountID, error) {
	const op = "directory.AddLine"
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	spec := AccountSpec{Address: l.Address, MustChange: l.Password != nil}
	l.Change.Profile.Apply(&spec.Profile)
	if l.Change.Hidden != nil {
		spec.Hidden = *l.Change.Hidden
	}
	if l.Change.Lang != nil {
		spec.Lang = *l.Change.Lang
	}
	if l.Change.Groups != nil {
		spec.Groups = *l.Change.Groups
	}
	docs, err := newAccounts(op, []AccountSpec{spec}, cmp.Or(spec.Lang, t.Lang))
	if err != nil {
		return 0, err
	}
	doc := docs[0]
	doc.MustChange = l.Password != nil
	if doc.Domain, err = domainID(c.together, doc.Address.Domain); err != nil {
		return 0, err
	}
	if err := c.checkNew(c.together, by, op, &doc, nil); err != nil {
		return 0, err
	}
	if _, err := c.together.ObjectByKey(addressKey(doc.Address)); !mail.Is(err, mail.NotFound) {
		return 0, cmp.Or(err, error(mail.E(op, mail.Conflict, "address.taken", doc.Address.String())))
	}
	if err := c.roomForLine(&doc); err != nil {
		return 0, err
	}
	l.decide(&doc)
	var credential *credentialDoc
	if l.Password != nil {
		credential = l.Password.doc
	}
	id, err := c.addAccount(c.together, doc, credential)
	if err != nil {
		return 0, err
	}
	c.rooms[doc.Domain]--
	return id, c.forwardLine(ctx, by, id, &doc, l)
}

// roomForLine refuses an account that its domain has no ID for. What was deleted in the same transaction made room, and what failed
// to be did not. Full "ids.exhausted".
func (c *Company) roomForLine(doc *accountDoc) error {
	left, known := c.rooms[doc.Domain]
	if !known {
		d, _, err := domainNamed(c.together, doc.Address.Domain)
		if err != nil {
			return err
		}
		left = d.IDs - d.Accounts
		c.rooms[doc.Domain] = left
	}
	if left > 0 {
		return nil
	}
	d, _, err := domainNamed(c.together, doc.Address.Domain)
	return cmp.Or(err, error(mail.E("directory.AddLine", mail.Full, "ids.exhausted", d.Name, d.IDs)))
}

// decide brings what a line says about the account itself into its document.
func (l *AccountLine) decide(doc *accountDoc) {
	if l.State != nil {
		doc.State = *l.State
	}
	if l.UserForward != nil {
		doc.NoUserForward = !*l.UserForward
	}
	if l.IMAP != nil {
		doc.NoIMAP = !*l.IMAP
	}
}

// forwardLine sets the forwarding as the line says, if it says anything.
func (c *Company) forwardLine(ctx context.Context, by mail.Actor, id mail.AccountID, doc *accountDoc, l *AccountLine) error {
	if l.ForwardTo == nil && l.KeepCopy == nil {
		return nil
	}
	f := doc.Forward
	if l.ForwardTo != nil {
		f.To = *l.ForwardTo
	}
	if l.KeepCopy != nil {
		f.Keep = *l.KeepCopy
	}
	if len(f.To) == 0 {
		f = Forwarding{}
	}
	if slices.Equal(f.To, doc.Forward.To) && f.Keep == doc.Forward.Keep {
		return nil
	}
	return c.SetForwarding(ctx, by, id, f)
}

// SetLine changes the account of a line inside Together; changed tells whether anything became different. NotFound
// "account.unknown" also where the actor may not see the account; the other errors as ChangeAccount, SetForwarding, SetAccountState,
// ResetPassword.
func (c *Company) SetLine(ctx context.Context, by mail.Actor, l *AccountLine) (id mail.AccountID, changed bool, err error) {
	const op = "directory.SetLine"
	id, err = c.accountAt(by, op, l.Address)
	if err != nil {
		return 0, false, err
	}
	was, version, err := readAccount(c.together, id)
	if err != nil {
		return 0, false, err
	}
	if err := c.permitAccount(c.together, by, op, RightAccounts, &was); err != nil {
		return id, false, err
	}
	doc := was
	if doc.State == AccountDeleted {
		return id, false, mail.E(op, mail.Conflict, "account.deleted", doc.Address.String())
	}
	change := l.Change
	change.Version, change.Address = 0, nil
	if err := c.applyChange(c.together, by, op, &doc, &change); err != nil {
		return id, false, err
	}
	l.decide(&doc)
	if err := ownerLeft(c.together, by, op, id, [2]*accountDoc{&was, &doc}); err != nil {
		return id, false, err
	}
	if l.Password != nil {
		if doc.Shared {
			return id, false, mail.E(op, mail.Conflict, "account.shared", doc.Address.String())
		}
		doc.MustChange = true
		if err := putCredential(c.together, id, l.Password.have, l.Password.doc); err != nil {
			return id, false, err
		}
	}
	if !sameDoc(&was, &doc) {
		changed = true
		if err := putAccount(c.together, id, doc, version); err != nil {
			return id, false, err
		}
	}
	forward := was.Forward
	if err := c.forwardLine(ctx, by, id, &doc, l); err != nil {
		return id, changed, err
	}
	now, _, err := readAccount(c.together, id)
	moved := !slices.Equal(now.Forward.To, forward.To) || now.Forward.Keep != forward.Keep
	return id, changed || moved || l.Password != nil, err
}

// sameDoc tells whether two documents of an account say the same, as far as a line can change it.
func sameDoc(a, b *accountDoc) bool {
	return a.Profile == b.Profile && a.Hidden == b.Hidden && a.Lang == b.Lang && a.State == b.State && a.Switches == b.Switches &&
		a.MustChange == b.MustChange && slices.Equal(a.Groups, b.Groups)
}

// accountAt finds the account whose own address it is. NotFound "account.unknown".
func (c *Company) accountAt(by mail.Actor, op mail.Op, address mail.Address) (mail.AccountID, error) {
	unknown := mail.E(op, mail.NotFound, "account.unknown", address.String())
	o, err := c.together.ObjectByKey(addressKey(address))
	if mail.Is(err, mail.NotFound) || err == nil && o.Kind != kindAccount {
		return 0, unknown
	}
	if err != nil {
		return 0, err
	}
	var doc accountDoc
	if err := read(o, &doc); err != nil {
		return 0, err
	}
	if !sameAddress(doc.Address, address) || c.permit(c.together, by, op, RightAccountsRead, doc.place()) != nil {
		return 0, unknown
	}
	return mail.AccountID(o.ID), nil
}

// DeleteLine deletes the account that has an address of its own inside Together, with the grace period of DeleteAccount.
func (c *Company) DeleteLine(ctx context.Context, by mail.Actor, address mail.Address) error {
	const op = "directory.DeleteLine"
	id, err := c.accountAt(by, op, address)
	if err != nil {
		return err
	}
	return c.DeleteAccount(ctx, by, id)
}

// Room is how many accounts a domain can still get, and how many IDs it has (ML-1). NotFound "domain.unknown".
func (c *Company) Room(ctx context.Context, domain string) (left, ids int, err error) {
	err = c.view(ctx, "directory.Room", func(r store.Reader) error {
		d, _, err := domainNamed(r, domain)
		left, ids = d.IDs-d.Accounts, d.IDs
		return err
	})
	return left, ids, err
}

// Selected says what an export is of.
type Selected struct {
	Domain string  // "" = all
	Whole  bool    // everything in it
	Within []Grant // what one of these reaches, where not Whole
}

// Reaches tells whether what stands in a place is exported.
func (s Selected) Reaches(in Place) bool {
	return s.Whole || slices.ContainsFunc(s.Within, func(g Grant) bool { return g.reaches(in) })
}

// SelectedBy is what a caller may export with a right.
func SelectedBy(c *Caller, right Right, domain string) Selected {
	s := Selected{Domain: domain, Whole: c.Operator() || c.Whole(right)}
	for _, g := range c.grants {
		if g.Role.Gives(right) {
			s.Within = append(s.Within, g)
		}
	}
	return s
}
