package directory

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// confirmFor is for how long after a proof somebody may change by what he signs in.
const confirmFor = 15 * time.Minute

// ownPerson is who calls with a session of the pages. Denied "actor.denied" for keys and for the machine itself: they have nothing of their own.
func (d *Directory) ownPerson(ctx context.Context, op mail.Op, c *Caller) (*person, error) {
	if c.session.IsZero() {
		return nil, mail.E(op, mail.Denied, "actor.denied")
	}
	h := holder{c.tenant, mail.ObjectID(c.actor.Account())}
	name := ""
	if c.identity != nil {
		name = c.identity.account.Address.String()
	}
	return d.person(ctx, h, name)
}

// confirmed is ownPerson for what a browser left open must not do: the session has to be new, or its holder has to have shown lately that
// it is him. Denied "auth.confirm_needed".
func (d *Directory) confirmed(ctx context.Context, op mail.Op, c *Caller) (*person, error) {
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return nil, err
	}
	var doc sessionsDoc
	if err := d.viewHeld(ctx, op, p.holder, kindSessions, &doc); err != nil {
		return nil, err
	}
	i := doc.find(c.session)
	if i < 0 || time.Since(doc.List[i].Proved) > confirmFor {
		return nil, mail.E(op, mail.Denied, "auth.confirm_needed")
	}
	return p, nil
}

// Confirmed refuses a caller who has not shown lately that it is him. Denied "auth.confirm_needed", "actor.denied".
func (d *Directory) Confirmed(ctx context.Context, c *Caller) error {
	const op = "directory.Confirmed"
	_, err := d.confirmed(ctx, op, c)
	return mail.Wrap(op, err)
}

// Confirm shows by the password that it is still the session's holder who calls. Invalid "password.wrong"; Busy "auth.locked" as for SignIn.
func (d *Directory) Confirm(ctx context.Context, c *Caller, password string) error {
	const op = "directory.Confirm"
	p, err := d.ownPerson(ctx, op, c)
	if err == nil {
		err = d.provePassword(ctx, c, p, password)
	}
	if err != nil {
		return mail.Wrap(op, err)
	}
	return d.proved(ctx, op, c, p)
}

// AskToConfirm begins to have the session's holder show a passkey instead of the password. NotFound "passkey.unsupported", "factor.none".
func (d *Directory) AskToConfirm(ctx context.Context, c *Caller, page string) (Ceremony, error) {
	const op = "directory.AskToConfirm"
	v, err := d.passkeys(op)
	if err != nil {
		return Ceremony{}, err
	}
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return Ceremony{}, mail.Wrap(op, err)
	}
	var f factorsDoc
	if err := d.viewHeld(ctx, op, p.holder, kindFactors, &f); err != nil {
		return Ceremony{}, err
	}
	if len(f.Passkeys) == 0 {
		return Ceremony{}, mail.E(op, mail.NotFound, "factor.none")
	}
	options, state, err := v.Ask(f.user(page, p.name))
	if err != nil {
		return Ceremony{}, mail.Wrap(op, err)
	}
	asked, err := d.begun(ctx, forConfirming, page, c.session.String(), options, state)
	return asked, mail.Wrap(op, err)
}

// ConfirmByPasskey ends what AskToConfirm began. Invalid "auth.passkey_wrong", "auth.step_over"; Busy "auth.locked".
func (d *Directory) ConfirmByPasskey(ctx context.Context, c *Caller, token string, answer json.RawMessage) error {
	const op = "directory.ConfirmByPasskey"
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if len(answer) > maxPasskeyReply {
		return mail.E(op, mail.Invalid, "auth.passkey_wrong")
	}
	begun, err := d.ended(ctx, op, forConfirming, token, c.session.String())
	if err == nil {
		o := c.actor.Origin()
		err = d.takePasskey(ctx, op, Browser{Origin: o, Agent: o.Agent}, p, begun, answer)
	}
	if mail.Is(err, mail.Denied) { // not Denied: the session goes on
		key, _ := mail.TextOf(err)
		return mail.Because(op, mail.Invalid, key, err)
	}
	if err != nil {
		return mail.Wrap(op, err)
	}
	return d.proved(ctx, op, c, p)
}

// proved notes that the holder of a session has shown just now that it is him.
func (d *Directory) proved(ctx context.Context, op mail.Op, c *Caller, p *person) error {
	return d.changeSessions(ctx, atWork(), op, p.holder, true, func(_ store.Tx, doc *sessionsDoc) error {
		if i := doc.find(c.session); i >= 0 {
			doc.List[i].Proved = time.Now()
		}
		return nil
	})
}

// provePassword checks the password of who is signed in.
func (d *Directory) provePassword(ctx context.Context, c *Caller, p *person, password string) error {
	const op = "directory.provePassword"
	o := c.actor.Origin()
	counter := d.lockCounter(o.Remote, p.name)
	if err := d.checkLock(ctx, counter); err != nil {
		return err
	}
	right, err := d.verify(ctx, p.entryFor(), password)
	if err != nil {
		return err
	}
	if right == nil || right.app != nil {
		if _, err := d.countFailure(ctx, counter); err != nil {
			return err
		}
		return mail.E(op, mail.Invalid, "password.wrong") // not Denied: the session goes on
	}
	return nil
}

// entryFor is what verify looks at.
func (p *person) entryFor() *entry {
	e := &entry{tenant: p.tenant, credential: p.credential}
	e.target.Account.ID = mail.AccountID(p.id)
	return e
}

// ChangeOwnPassword changes the password of who calls, who shows the one he has. All other sessions end. Invalid "password.wrong", and
// the errors of SetPassword.
func (d *Directory) ChangeOwnPassword(ctx context.Context, c *Caller, old, password string) error {
	const op = "directory.ChangeOwnPassword"
	p, err := d.ownPerson(ctx, op, c)
	if err == nil {
		err = d.provePassword(ctx, c, p, old)
	}
	if err == nil {
		p, err = d.setOwn(ctx, c.actor.Origin(), p, password)
	}
	if err != nil {
		return mail.Wrap(op, err)
	}
	return d.changeSessions(ctx, c.actor, op, p.holder, false, func(_ store.Tx, doc *sessionsDoc) error {
		i := doc.find(c.session)
		if i < 0 {
			return nil
		}
		mine := doc.List[i]
		mine.Serial, mine.Proved = p.serial, time.Now()
		doc.List = []sessionDoc{mine}
		return nil
	})
}

// OwnSessions lists the sessions of who calls in the pages, the last used first.
func (d *Directory) OwnSessions(ctx context.Context, c *Caller) ([]WebSession, error) {
	const op = "directory.OwnSessions"
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return d.sessionsOf(ctx, op, p, c.session)
}

// EndOwnSession ends a session of who calls. NotFound "session.unknown".
func (d *Directory) EndOwnSession(ctx context.Context, c *Caller, id mail.ObjectID) error {
	const op = "directory.EndOwnSession"
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return d.endSessions(ctx, c.actor, op, p.holder, id)
}

// EndOtherSessions ends all sessions of who calls but the one he calls with, and forgets his trusted browsers.
func (d *Directory) EndOtherSessions(ctx context.Context, c *Caller) error {
	const op = "directory.EndOtherSessions"
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return mail.Wrap(op, err)
	}
	err = d.changeSessions(ctx, c.actor, op, p.holder, false, func(_ store.Tx, doc *sessionsDoc) error {
		doc.List = slices.DeleteFunc(doc.List, func(s sessionDoc) bool { return s.ID != c.session })
		return nil
	})
	if err != nil {
		return err
	}
	return d.changeFactors(ctx, c.actor, op, p.holder, func(_ store.Tx, f *factorsDoc) error {
		f.Trusted = nil
		return nil
	})
}

// OwnSignIns is the sign-in log of who calls, the newest first.
func (d *Directory) OwnSignIns(ctx context.Context, c *Caller) ([]SignInEvent, error) {
	const op = "directory.OwnSignIns"
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return d.signInsOf(ctx, op, p.holder)
}

// Factors is what there is to know of somebody's second factors: never a secret.
type Factors struct {
	App      time.Time // when an authenticator app was set up; zero: none
	Passkeys []Passkey
	Recovery int // codes that are left
	Trusted  []TrustedBrowser
	Needed   bool      // they are mandatory
	Grace    time.Time // until when they may be put off; zero: they may not, or need not
	// PasskeysOffered tells whether passkeys can be set up here.
	PasskeysOffered bool
}

// Passkey is a passkey.
type Passkey struct {
	ID      mail.ObjectID
	Name    string
	Created time.Time
	Used    time.Time // zero: never
}

// TrustedBrowser is a browser that need not show a second factor.
type TrustedBrowser struct {
	ID    mail.ObjectID
	Agent string
	Since time.Time
	Until time.Time
}

// factorsOf is what there is to know of a person's second factors.
func (d *Directory) factorsOf(ctx context.Context, op mail.Op, p *person) (Factors, error) {
	s, err := d.security(ctx, p.tenant)
	if err != nil {
		return Factors{}, mail.Wrap(op, err)
	}
	var f factorsDoc
	if err := d.viewHeld(ctx, op, p.holder, kindFactors, &f); err != nil {
		return Factors{}, err
	}
	now := time.Now()
	all := Factors{Recovery: len(f.Recovery), Needed: s.Factors.needed(p.administers()), PasskeysOffered: d.cfg.Passkeys != nil}
	if f.TOTP != nil {
		all.App = f.TOTP.Created
	}
	if all.Needed && !f.enrolled() && !f.Asked.IsZero() {
		if until := f.Asked.AddDate(0, 0, s.Factors.GraceDays); until.After(now) {
			all.Grace = until
		}
	}
	for _, k := range f.Passkeys {
		all.Passkeys = append(all.Passkeys, Passkey{k.ID, k.Name, k.Created, k.Used})
	}
	for _, t := range f.Trusted {
		if now.Before(t.Until) {
			all.Trusted = append(all.Trusted, TrustedBrowser{t.ID, t.Agent, t.Since, t.Until})
		}
	}
	return all, nil
}

// OwnFactors tells who calls what second factors he has.
func (d *Directory) OwnFactors(ctx context.Context, c *Caller) (Factors, error) {
	const op = "directory.OwnFactors"
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return Factors{}, mail.Wrap(op, err)
	}
	return d.factorsOf(ctx, op, p)
}

// BeginOwnApp begins to set up an authenticator app for who calls. Errors of confirmed.
func (d *Directory) BeginOwnApp(ctx context.Context, c *Caller) (Enrolment, error) {
	const op = "directory.BeginOwnApp"
	p, err := d.confirmed(ctx, op, c)
	if err != nil {
		return Enrolment{}, mail.Wrap(op, err)
	}
	return d.beginTOTP(ctx, c.actor, p, setup{by: c.session.String()})
}

// AddOwnApp sets up the authenticator app whose code it shows. With the first second factor come recovery codes, shown once. Invalid
// "auth.code_wrong".
func (d *Directory) AddOwnApp(ctx context.Context, c *Caller, code string) ([]string, error) {
	const op = "directory.AddOwnApp"
	p, err := d.confirmed(ctx, op, c)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return d.finishTOTP(ctx, c.actor, p, setup{by: c.session.String()}, code)
}

// changeOwn lets fn change the factors of who calls. Errors of confirmed.
func (d *Directory) changeOwn(ctx context.Context, op mail.Op, c *Caller, fn func(*factorsDoc) error) error {
	p, err := d.confirmed(ctx, op, c)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return d.changeFactors(ctx, c.actor, op, p.holder, func(_ store.Tx, f *factorsDoc) error { return fn(f) })
}

// RemoveOwnApp takes the authenticator app of who calls away. NotFound "factor.none".
func (d *Directory) RemoveOwnApp(ctx context.Context, c *Caller) error {
	const op = "directory.RemoveOwnApp"
	return d.changeOwn(ctx, op, c, func(f *factorsDoc) error {
		if f.TOTP == nil {
			return mail.E(op, mail.NotFound, "factor.none")
		}
		f.TOTP = nil
		return nil
	})
}

// RemovePasskey takes a passkey of who calls away. NotFound "passkey.unknown".
func (d *Directory) RemovePasskey(ctx context.Context, c *Caller, id mail.ObjectID) error {
	const op = "directory.RemovePasskey"
	return d.changeOwn(ctx, op, c, func(f *factorsDoc) error {
		left := slices.DeleteFunc(slices.Clone(f.Passkeys), func(k passkeyDoc) bool { return k.ID == id })
		if len(left) == len(f.Passkeys) {
			return mail.E(op, mail.NotFound, "passkey.unknown", id.String())
		}
		f.Passkeys = left
		return nil
	})
}

// NewRecoveryCodes makes recovery codes for who calls, shown once; those before are worth nothing any more. NotFound "factor.none" where
// there is no second factor they could stand in for.
func (d *Directory) NewRecoveryCodes(ctx context.Context, c *Caller) (codes []string, err error) {
	const op = "directory.NewRecoveryCodes"
	err = d.changeOwn(ctx, op, c, func(f *factorsDoc) error {
		if !f.enrolled() {
			return mail.E(op, mail.NotFound, "factor.none")
		}
		codes, f.Recovery = newRecovery()
		return nil
	})
	return codes, err
}

// ForgetBrowser has a trusted browser of who calls trusted no more. NotFound "browser.unknown".
func (d *Directory) ForgetBrowser(ctx context.Context, c *Caller, id mail.ObjectID) error {
	const op = "directory.ForgetBrowser"
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return d.changeFactors(ctx, c.actor, op, p.holder, func(_ store.Tx, f *factorsDoc) error {
		left := slices.DeleteFunc(slices.Clone(f.Trusted), func(t trustedDoc) bool { return t.ID == id })
		if len(left) == len(f.Trusted) {
			return mail.E(op, mail.NotFound, "browser.unknown", id.String())
		}
		f.Trusted = left
		return nil
	})
}

// AddOwnAppPassword is AddAppPassword for who calls, who has to have shown lately that it is him. Errors of confirmed.
func (d *Directory) AddOwnAppPassword(ctx context.Context, c *Caller, spec AppPasswordSpec) (AppPassword, string, error) {
	const op = "directory.AddOwnAppPassword"
	p, err := d.confirmed(ctx, op, c)
	if err != nil {
		return AppPassword{}, "", mail.Wrap(op, err)
	}
	return d.Company(p.tenant).AddAppPassword(ctx, c.actor, mail.AccountID(p.id), spec)
}
