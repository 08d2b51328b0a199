package directory

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
	"tegami/store"
)

// A PasskeyVerifier does the ceremonies of Web Authentication Level 3. What it hands out as state comes back as it was. Its errors of kind
// Invalid or Denied mean that the answer of a browser is no good.
type PasskeyVerifier interface {
	// Register begins to set up a passkey: options are for navigator.credentials.create.
	Register(PasskeyUser) (options, state json.RawMessage, err error)
	// Registered ends it with what the browser answered.
	Registered(u PasskeyUser, state, answer json.RawMessage) (PasskeyRecord, error)
	// Ask begins to ask for a passkey: options are for navigator.credentials.get. Without a handle any passkey of this site is asked for.
	Ask(PasskeyUser) (options, state json.RawMessage, err error)
	// Handle is whose passkey an answer is from, before anything is proved.
	Handle(answer json.RawMessage) ([]byte, error)
	// Asked ends it, and gives the record as it is to be kept now.
	Asked(u PasskeyUser, state, answer json.RawMessage) (PasskeyRecord, error)
}

// PasskeyUser is what a ceremony knows of somebody.
type PasskeyUser struct {
	Page    string // host and port of the page, as the browser asked for it
	Handle  []byte
	Name    string
	Records []PasskeyRecord
}

// PasskeyRecord is a passkey as its verifier keeps it.
type PasskeyRecord struct {
	ID     []byte          `json:"id"` // of the credential
	Record json.RawMessage `json:"record"`
}

// passkeyDoc is a passkey as stored.
type passkeyDoc struct {
	ID      mail.ObjectID `json:"id"`
	Name    string        `json:"name"`
	Record  PasskeyRecord `json:"record"`
	Created time.Time     `json:"created"`
	Used    time.Time     `json:"used,omitzero"`
}

// A Ceremony waits for the answer of a browser.
type Ceremony struct {
	Options json.RawMessage // for the browser
	Token   string          // to be given back with the answer
}

// ceremony is a ceremony as the browser carries it sealed.
type ceremony struct {
	For   string          `json:"for"`  // the step's token, or the session, it belongs to; hashed
	Page  string          `json:"page"` // host and port
	State json.RawMessage `json:"state"`
	Until time.Time       `json:"until"`
}

const (
	forRegistering  = "passkey register"
	forPasskey      = "passkey sign-in"
	forConfirming   = "passkey confirm"
	ceremonyTime    = 5 * time.Minute
	handleSize      = 32       // octets: tenant, id, random
	maxPasskeyReply = 64 << 10 // octets of a browser's answer
)

// newHandle names a holder to passkeys. It can be found by it, and tells nothing but numbers.
func newHandle(h holder) []byte {
	b := make([]byte, handleSize)
	binary.BigEndian.PutUint64(b[0:], uint64(h.tenant))
	binary.BigEndian.PutUint64(b[8:], uint64(h.id))
	rand.Read(b[16:])
	return b
}

// readHandle finds the holder.
func readHandle(b []byte) (h holder, ok bool) {
	if len(b) != handleSize {
		return h, false
	}
	h = holder{mail.TenantID(binary.BigEndian.Uint64(b[0:])), mail.ObjectID(binary.BigEndian.Uint64(b[8:]))}
	return h, h.tenant >= 0 && h.id > 0
}

// passkeys is the verifier. NotFound "passkey.unsupported" where there is none.
func (d *Directory) passkeys(op mail.Op) (PasskeyVerifier, error) {
	if d.cfg.Passkeys == nil {
		return nil, mail.E(op, mail.NotFound, "passkey.unsupported")
	}
	return d.cfg.Passkeys, nil
}

// OffersPasskeys tells whether passkeys can be used here.
func (d *Directory) OffersPasskeys() bool { return d.cfg.Passkeys != nil }

// user is a holder for a ceremony.
func (f *factorsDoc) user(page, name string) PasskeyUser {
	u := PasskeyUser{Page: page, Handle: f.Handle, Name: name}
	for _, k := range f.Passkeys {
		u.Records = append(u.Records, k.Record)
	}
	return u
}

// begun seals a ceremony that belongs to something the browser has.
func (d *Directory) begun(ctx context.Context, purpose, page, belongs string, options, state json.RawMessage) (Ceremony, error) {
	token, err := d.seal(ctx, purpose, ceremony{hashed(belongs), page, state, time.Now().Add(ceremonyTime)})
	return Ceremony{options, token}, err
}

// ended opens it again. Denied "auth.step_over".
func (d *Directory) ended(ctx context.Context, op mail.Op, purpose, token, belongs string) (c ceremony, err error) {
	err = d.unseal(ctx, purpose, token, &c)
	if err != nil && !mail.Is(err, mail.Denied) {
		return c, mail.Wrap(op, err)
	}
	if err != nil || time.Now().After(c.Until) || c.For != hashed(belongs) {
		return c, mail.E(op, mail.Denied, "auth.step_over")
	}
	return c, nil
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return tagText.EncodeToString(sum[:16])
}

// BeginPasskey asks for a passkey: at StepFactor with its token, or at the very beginning, where a passkey is all it takes. page is the host
// that the browser asked for. NotFound "passkey.unsupported"; Invalid "passkey.page" for another site's page; Denied "auth.step_over".
func (d *Directory) BeginPasskey(ctx context.Context, b Browser, page, token string) (Ceremony, error) {
	const op = "directory.BeginPasskey"
	v, err := d.passkeys(op)
	if err != nil {
		return Ceremony{}, err
	}
	u := PasskeyUser{Page: page}
	if token != "" {
		p, _, err := d.resume(ctx, b, StepFactor, token)
		if err != nil {
			return Ceremony{}, mail.Wrap(op, err)
		}
		var f factorsDoc
		if err := d.viewHeld(ctx, op, p.holder, kindFactors, &f); err != nil {
			return Ceremony{}, err
		}
		u = f.user(page, p.name)
	}
	options, state, err := v.Ask(u)
	if err != nil {
		return Ceremony{}, mail.Wrap(op, err)
	}
	c, err := d.begun(ctx, forPasskey, page, token, options, state)
	return c, mail.Wrap(op, err)
}

// ShowPasskey ends what BeginPasskey began, with what the browser answered, and goes on with the sign-in. Denied "auth.passkey_wrong";
// Busy "auth.locked"; "auth.step_over"; and the answers of SignIn about who may not act.
func (d *Directory) ShowPasskey(ctx context.Context, b Browser, token, ceremony string, answer json.RawMessage) (*WebStep, error) {
	const op = "directory.ShowPasskey"
	step, err := d.showPasskey(ctx, op, b, token, ceremony, answer)
	return step, mail.Wrap(op, err)
}

func (d *Directory) showPasskey(ctx context.Context, op mail.Op, b Browser, token, sealed string, answer json.RawMessage) (*WebStep, error) {
	c, err := d.ended(ctx, op, forPasskey, sealed, token)
	if err != nil {
		return nil, err
	}
	if len(answer) > maxPasskeyReply {
		return nil, mail.E(op, mail.Denied, "auth.passkey_wrong")
	}
	var p *person
	w := &progress{}
	if token != "" {
		p, w, err = d.resume(ctx, b, StepFactor, token)
	} else {
		p, err = d.passkeyHolder(ctx, op, b, answer)
	}
	if err != nil {
		return nil, err
	}
	if err := d.takePasskey(ctx, op, b, p, c, answer); err != nil {
		return nil, err
	}
	w.Tenant, w.ID, w.Name, w.Serial = p.tenant, p.id, p.name, p.serial
	w.Method, w.Shown = FactorPasskey, true
	return d.advance(ctx, b, p, w)
}

// passkeyHolder is whose passkey an answer says it is from.
func (d *Directory) passkeyHolder(ctx context.Context, op mail.Op, b Browser, answer json.RawMessage) (*person, error) {
	v, err := d.passkeys(op)
	if err != nil {
		return nil, err
	}
	handle, err := v.Handle(answer)
	h, ok := readHandle(handle)
	if err != nil || !ok {
		return nil, mail.Because(op, mail.Denied, "auth.passkey_wrong", err)
	}
	p, err := d.personByID(ctx, h)
	if mail.Is(err, mail.NotFound) {
		return nil, mail.Because(op, mail.Denied, "auth.passkey_wrong", err)
	}
	if err == nil && p.contract != nil {
		err = d.onOwnNetwork(ctx, b.Origin, p.contract)
	}
	if err == nil {
		err = d.admitted(ctx, b.Origin, p.tenant, DoorWeb, DoorPanel)
	}
	return p, err
}

// personByID finds a holder whose name nobody said.
func (d *Directory) personByID(ctx context.Context, h holder) (*person, error) {
	if h.tenant.IsZero() {
		return d.person(ctx, h, "")
	}
	a, err := d.Company(h.tenant).Account(ctx, mail.AccountID(h.id))
	if err != nil {
		return nil, err
	}
	return d.person(ctx, h, a.Address.String())
}

// takePasskey checks the answer of a passkey. Each answers a ceremony once.
func (d *Directory) takePasskey(ctx context.Context, op mail.Op, b Browser, p *person, c ceremony, answer json.RawMessage) error {
	v, err := d.passkeys(op)
	if err != nil {
		return err
	}
	counter := d.lockCounter(b.Origin.Remote, p.name)
	if err := d.checkLock(ctx, counter); err != nil {
		return err
	}
	err = d.storeOf(p.holder).Update(ctx, p.actor(b.Origin), op, func(tx store.Tx) error {
		var f factorsDoc
		o, err := readHeld(tx, p.holder, kindFactors, &f)
		if err != nil {
			return err
		}
		record, err := v.Asked(f.user(c.Page, p.name), c.State, answer)
		i := slices.IndexFunc(f.Passkeys, func(k passkeyDoc) bool { return bytes.Equal(k.Record.ID, record.ID) })
		spent := hashed(string(c.State))
		if err != nil || i < 0 || slices.Contains(f.Spent, spent) {
			return mail.Because(op, mail.Denied, "auth.passkey_wrong", err)
		}
		f.Passkeys[i].Record, f.Passkeys[i].Used = record, time.Now()
		f.Spent = append([]string{spent}, f.Spent[:min(len(f.Spent), maxSpent-1)]...)
		return putHeld(tx, o, f, true)
	})
	if mail.Is(err, mail.Denied) {
		if _, counting := d.countFailure(ctx, counter); counting != nil {
			return mail.Because(op, mail.Denied, "auth.passkey_wrong", counting)
		}
		d.noteSignIn(ctx, p.holder, signInLine{Protocol: "web", Remote: b.Origin.Remote, Agent: b.Agent, Reason: "auth.passkey_wrong"})
	}
	return err
}

// maxSpent is how many ceremonies are remembered to have been answered, more than anybody answers in ceremonyTime.
const maxSpent = 30

// RegisterPasskey begins to set up a passkey for who calls. Errors of confirmed; Full "passkey.too_many"; NotFound "passkey.unsupported".
func (d *Directory) RegisterPasskey(ctx context.Context, c *Caller, page string) (Ceremony, error) {
	const op = "directory.RegisterPasskey"
	v, err := d.passkeys(op)
	if err != nil {
		return Ceremony{}, err
	}
	p, err := d.confirmed(ctx, op, c)
	if err != nil {
		return Ceremony{}, mail.Wrap(op, err)
	}
	var u PasskeyUser
	err = d.changeFactors(ctx, c.Actor(), op, p.holder, func(_ store.Tx, f *factorsDoc) error {
		if len(f.Passkeys) >= MaxPasskeys {
			return mail.E(op, mail.Full, "passkey.too_many", MaxPasskeys)
		}
		if f.Handle == nil {
			f.Handle = newHandle(p.holder)
		}
		u = f.user(page, p.name)
		return nil
	})
	if err != nil {
		return Ceremony{}, err
	}
	options, state, err := v.Register(u)
	if err != nil {
		return Ceremony{}, mail.Wrap(op, err)
	}
	made, err := d.begun(ctx, forRegistering, page, c.session.String(), options, state)
	return made, mail.Wrap(op, err)
}

// AddPasskey ends what RegisterPasskey began. With the first second factor come recovery codes, shown once. Invalid "passkey.name",
// "passkey.refused", "auth.step_over".
func (d *Directory) AddPasskey(ctx context.Context, c *Caller, name, token string, answer json.RawMessage) (recovery []string, err error) {
	const op = "directory.AddPasskey"
	v, err := d.passkeys(op)
	if err != nil {
		return nil, err
	}
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n == 0 || n > MaxFactorName || !utf8.ValidString(name) {
		return nil, mail.E(op, mail.Invalid, "passkey.name", MaxFactorName)
	}
	p, err := d.ownPerson(ctx, op, c)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	begun, err := d.ended(ctx, op, forRegistering, token, c.session.String())
	if mail.Is(err, mail.Denied) {
		return nil, mail.Because(op, mail.Invalid, "auth.step_over", err) // the session goes on
	}
	if err != nil {
		return nil, err
	}
	err = d.changeFactors(ctx, c.Actor(), op, p.holder, func(tx store.Tx, f *factorsDoc) error {
		if len(f.Passkeys) >= MaxPasskeys {
			return mail.E(op, mail.Full, "passkey.too_many", MaxPasskeys)
		}
		record, err := v.Registered(f.user(begun.Page, p.name), begun.State, answer)
		known := slices.ContainsFunc(f.Passkeys, func(k passkeyDoc) bool { return bytes.Equal(k.Record.ID, record.ID) })
		if err != nil || known {
			return mail.Because(op, mail.Invalid, "passkey.refused", err)
		}
		f.Passkeys = append(f.Passkeys, passkeyDoc{ID: mail.ObjectID(tx.NextID()), Name: name, Record: record, Created: time.Now()})
		recovery = f.firstRecovery()
		return nil
	})
	return recovery, err
}
