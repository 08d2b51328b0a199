package directory

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"tegami/mail"
)

// Step is what somebody who signs in to the pages has to do next.
type Step string

// Steps, in their order. The second factor comes before everything else: who found out a password must not be able to change it.
const (
	StepFactor Step = "factor" // show the second factor
	StepChange Step = "change" // choose a new password: it was an initial one, or is too old
	StepEnrol  Step = "enrol"  // set up a second factor
	StepDone   Step = "done"   // there is a session
)

// stepTime is how long one may take for a step.
const stepTime = 10 * time.Minute

// Browser is from where somebody signs in.
type Browser struct {
	Origin  mail.Origin
	Agent   string // the name the browser gives itself
	Trusted string // token of a trusted browser, "" for none
}

// standing is what decides which step comes next.
type standing struct {
	enrolled  bool // there is a second factor
	shown     bool // it was shown, or the browser is trusted
	old       bool // the password must be changed
	needed    bool // a second factor is mandatory
	grace     bool // and may be put off
	postponed bool // and was
}

// next is the step that comes next.
func (s standing) next() Step {
	switch {
	case s.enrolled && !s.shown:
		return StepFactor
	case s.old:
		return StepChange
	case s.needed && !s.enrolled && !(s.grace && s.postponed):
		return StepEnrol
	}
	return StepDone
}

// A WebStep is how far a sign-in has come.
type WebStep struct {
	Step Step
	// Token is that of the session at StepDone, else what the next step asks for. It is a secret of the browser's.
	Token string
	// Until is when Token ends.
	Until time.Time
	Name  string // who signs in
	Lang  string
	// Factors are what can be shown, at StepFactor.
	Factors []FactorKind
	// Grace is until when StepEnrol may be put off; zero when it may not.
	Grace time.Time
	// TrustDays is for how long the browser may be trusted; 0 = it may not.
	TrustDays int
	// MinLength is the least length of a new password in characters, at StepChange.
	MinLength int
	// Trust is the token of a trusted browser, once.
	Trust      string
	TrustUntil time.Time
	// Recovery are recovery codes, shown once.
	Recovery []string
}

// progress is a sign-in between two steps, as the browser carries it sealed. The seal is for one step.
type progress struct {
	Tenant    mail.TenantID `json:"t"`
	ID        mail.ObjectID `json:"i"`
	Name      string        `json:"n"`
	Serial    uint64        `json:"s"`
	Method    FactorKind    `json:"m"`
	Shown     bool          `json:"f,omitempty"`
	Postponed bool          `json:"p,omitempty"`
	Trust     bool          `json:"w,omitempty"` // the browser shall be trusted
	Until     time.Time     `json:"u"`
	Begun     string        `json:"b"` // names this sign-in: what is set up on the way belongs to it
	recovery  []string      // codes made in this step
}

// purpose is what the seal of a step is for.
func (s Step) purpose() string { return "web " + string(s) }

// BeginWeb begins a sign-in to the pages with a name and a password. A name without @ is an operator's. Errors as SignIn; besides
// Denied "access.network" from where the company lets nobody in, "auth.scope" for an app password.
func (d *Directory) BeginWeb(ctx context.Context, b Browser, name, password string) (*WebStep, error) {
	const op = "directory.BeginWeb"
	name = strings.TrimSpace(name)
	p, err := d.webPassword(ctx, b, name, password)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	w := &progress{Tenant: p.tenant, ID: p.id, Name: p.name, Serial: p.serial, Method: FactorPassword, Begun: rand.Text()}
	step, err := d.advance(ctx, b, p, w)
	return step, mail.Wrap(op, err)
}

// webPassword checks a name and a password.
func (d *Directory) webPassword(ctx context.Context, b Browser, name, password string) (*person, error) {
	if !strings.Contains(name, "@") {
		return d.operatorPassword(ctx, b, name, password)
	}
	l, err := d.begin(ctx, b.Origin, "web", name)
	if err != nil {
		return nil, err
	}
	l.agent = b.Agent
	proof, err := d.verify(ctx, l.entry, password)
	if err != nil {
		return nil, err
	}
	if _, err := l.end(ctx, proof); err != nil {
		return nil, err
	}
	return personOf(l.contract, l.entry), nil
}

// advance goes to the next step, or to the session.
func (d *Directory) advance(ctx context.Context, b Browser, p *person, w *progress) (*WebStep, error) {
	s, err := d.security(ctx, p.tenant)
	if err != nil {
		return nil, err
	}
	var f factorsDoc
	if err := d.viewHeld(ctx, "directory.advance", p.holder, kindFactors, &f); err != nil {
		return nil, err
	}
	now := time.Now()
	if !w.Shown && f.enrolled() && f.trusts(b.Trusted, s.Factors.TrustDays, now) {
		w.Shown, w.Method = true, FactorTrusted
	}
	grace, err := d.graceOf(ctx, p, &f, s.Factors, now)
	if err != nil {
		return nil, err
	}
	next := standing{
		enrolled: f.enrolled(), shown: w.Shown, old: p.mustChange(s.Passwords, now),
		needed: s.Factors.needed(p.administers()), grace: !grace.IsZero(), postponed: w.Postponed,
	}.next()
	if next == StepDone {
		return d.enter(ctx, b, p, w, s)
	}
	w.Until = now.Add(stepTime)
	token, err := d.seal(ctx, next.purpose(), w)
	return &WebStep{
		Step: next, Token: token, Until: w.Until, Name: p.name, Lang: p.lang, Factors: f.kinds(), Grace: grace, TrustDays: s.Factors.TrustDays,
		MinLength: s.Passwords.MinLength, Recovery: w.recovery,
	}, err
}

// enter makes the session at the end.
func (d *Directory) enter(ctx context.Context, b Browser, p *person, w *progress, s SecurityPolicy) (*WebStep, error) {
	token, until, err := d.openSession(ctx, b.Origin, b.Agent, p, w.Method)
	if err != nil {
		return nil, err
	}
	done := &WebStep{Step: StepDone, Token: token, Until: until, Name: p.name, Lang: p.lang, Recovery: w.recovery}
	if w.Trust && s.Factors.TrustDays > 0 {
		done.Trust, done.TrustUntil, err = d.trust(ctx, b, p, s.Factors.TrustDays)
	}
	d.noteSignIn(ctx, p.holder, signInLine{Protocol: "web", Remote: b.Origin.Remote, Agent: b.Agent, OK: true, Method: w.Method})
	return done, err
}

// resume takes a sign-in up again at a step. Denied "auth.step_over" for a token that is none, too old, of another step, or of
// before the password was changed.
func (d *Directory) resume(ctx context.Context, b Browser, at Step, token string) (*person, *progress, error) {
	const op = "directory.resume"
	w := &progress{}
	err := d.unseal(ctx, at.purpose(), token, w)
	if err != nil && !mail.Is(err, mail.Denied) {
		return nil, nil, err
	}
	if err != nil || time.Now().After(w.Until) {
		return nil, nil, mail.Because(op, mail.Denied, "auth.step_over", err)
	}
	p, err := d.person(ctx, holder{w.Tenant, w.ID}, w.Name)
	if err != nil {
		return nil, nil, err
	}
	if p.serial != w.Serial {
		return nil, nil, mail.E(op, mail.Denied, "auth.step_over")
	}
	if p.contract != nil {
		if err := d.onOwnNetwork(ctx, b.Origin, p.contract); err != nil {
			return nil, nil, err
		}
	}
	return p, w, d.admitted(ctx, b.Origin, p.tenant, DoorWeb, DoorPanel)
}

// unproved refuses to go on with a sign-in that came past the second factor when there was none yet: who knew the password then must not
// change anything now.
func (d *Directory) unproved(ctx context.Context, op mail.Op, p *person, w *progress) error {
	var f factorsDoc
	if err := d.viewHeld(ctx, op, p.holder, kindFactors, &f); err != nil {
		return err
	}
	if f.enrolled() && !w.Shown {
		return mail.E(op, mail.Denied, "auth.step_over")
	}
	return nil
}

// StepOf tells where a sign-in stands, by the token of a step, for who comes back to its page.
func (d *Directory) StepOf(ctx context.Context, b Browser, at Step, token string) (*WebStep, error) {
	p, w, err := d.resume(ctx, b, at, token)
	if err != nil {
		return nil, mail.Wrap("directory.StepOf", err)
	}
	step, err := d.advance(ctx, b, p, w)
	return step, mail.Wrap("directory.StepOf", err)
}

// ShowCode shows a second factor that is typed: a code of an authenticator app or a recovery code. trust has the browser trusted from
// now on. Denied "auth.code_wrong" for a wrong code or one that was used; Busy "auth.locked" after 10 failures, which count with those of the
// password; "auth.step_over".
func (d *Directory) ShowCode(ctx context.Context, b Browser, token, code string, trust bool) (*WebStep, error) {
	const op = "directory.ShowCode"
	p, w, err := d.resume(ctx, b, StepFactor, token)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if w.Method, err = d.takeCode(ctx, b, p, code); err != nil {
		return nil, mail.Wrap(op, err)
	}
	w.Shown, w.Trust = true, trust
	step, err := d.advance(ctx, b, p, w)
	return step, mail.Wrap(op, err)
}

// ChangeOld replaces a password that must be changed. The errors of SetPassword, "auth.step_over".
func (d *Directory) ChangeOld(ctx context.Context, b Browser, token, password string) (*WebStep, error) {
	const op = "directory.ChangeOld"
	p, w, err := d.resume(ctx, b, StepChange, token)
	if err == nil {
		err = d.unproved(ctx, op, p, w)
	}
	if err == nil {
		p, err = d.setOwn(ctx, b.Origin, p, password)
	}
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	w.Serial = p.serial
	step, err := d.advance(ctx, b, p, w)
	return step, mail.Wrap(op, err)
}

// setOwn changes the password of who signs in, and gives the person with it.
func (d *Directory) setOwn(ctx context.Context, o mail.Origin, p *person, password string) (*person, error) {
	if p.contract == nil {
		if err := d.setOperatorPassword(ctx, p, o, password); err != nil {
			return nil, err
		}
		return d.person(ctx, p.holder, p.name)
	}
	if err := d.Company(p.tenant).SetPassword(ctx, p.actor(o), p.account.ID, password); err != nil {
		return nil, err
	}
	return d.person(ctx, p.holder, p.name)
}

// Enrolment gives what sets up an authenticator app at StepEnrol: a secret of this sign-in's own. It holds once Enrol shows a code of it.
// Denied "auth.step_over" where a second factor was set up meanwhile.
func (d *Directory) Enrolment(ctx context.Context, b Browser, token string) (Enrolment, error) {
	const op = "directory.Enrolment"
	p, w, err := d.resume(ctx, b, StepEnrol, token)
	if err != nil {
		return Enrolment{}, mail.Wrap(op, err)
	}
	e, err := d.beginTOTP(ctx, p.actor(b.Origin), p, setup{w.Begun, true})
	return e, mail.Wrap(op, err)
}

// Enrol sets up the authenticator app whose code it shows, and goes on. The recovery codes are in the answer, once. Invalid
// "auth.code_wrong"; Denied "auth.step_over".
func (d *Directory) Enrol(ctx context.Context, b Browser, token, code string) (*WebStep, error) {
	const op = "directory.Enrol"
	p, w, err := d.resume(ctx, b, StepEnrol, token)
	if err == nil {
		w.recovery, err = d.finishTOTP(ctx, p.actor(b.Origin), p, setup{w.Begun, true}, code)
	}
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	w.Shown, w.Method = true, FactorTOTP
	step, err := d.advance(ctx, b, p, w)
	return step, mail.Wrap(op, err)
}

// PutOff goes on without a second factor, while the time for that lasts. Denied "factor.needed" after it.
func (d *Directory) PutOff(ctx context.Context, b Browser, token string) (*WebStep, error) {
	const op = "directory.PutOff"
	p, w, err := d.resume(ctx, b, StepEnrol, token)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	w.Postponed = true
	step, err := d.advance(ctx, b, p, w)
	if err == nil && step.Step == StepEnrol {
		err = mail.E(op, mail.Denied, "factor.needed")
	}
	return step, mail.Wrap(op, err)
}

// mustChange tells whether the password has to be changed: it was given out, or is too old.
func (p *person) mustChange(policy PasswordPolicy, now time.Time) bool {
	return p.must || policy.expired(p.cred.Changed, now)
}

// needed tells whether somebody must have a second factor.
func (f FactorPolicy) needed(administers bool) bool { return f.Users || f.Admins && administers }
