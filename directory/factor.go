package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// FactorKind is by what somebody shows who he is.
type FactorKind string

// Factors. A passkey is enough by itself: the device asks for a finger or a PIN.
const (
	FactorPassword FactorKind = "password"
	FactorTOTP     FactorKind = "totp"
	FactorPasskey  FactorKind = "passkey"
	FactorRecovery FactorKind = "recovery"
	FactorTrusted  FactorKind = "trusted" // a browser that showed a second factor before
)

// Limits of second factors.
const (
	// RecoveryCodes is how many recovery codes one gets.
	RecoveryCodes = 10
	// MaxPasskeys is how many passkeys one account has.
	MaxPasskeys = 20
	// MaxTrusted is how many browsers one account trusts; one more, and the oldest is trusted no more.
	MaxTrusted = 20
	// MaxFactorName is the length of a passkey's name in characters.
	MaxFactorName = 100
	// codeFailures is how many wrong codes one account may be shown within lockWindow, from wherever they come: a code of six digits is
	// guessed from many networks otherwise. Only who knows the password gets to show one.
	codeFailures = 30
	// recoveryOctets is how many random octets are in a recovery code.
	recoveryOctets = 10
	// pendingTime is how long an authenticator app may take to be set up.
	pendingTime = 30 * time.Minute
)

// factorsDoc are the second factors of a holder, as stored. It is a secret.
type factorsDoc struct {
	TOTP     *totpDoc     `json:"totp,omitempty"`
	Pending  *totpDoc     `json:"pending,omitempty"` // is being set up
	Passkeys []passkeyDoc `json:"passkeys,omitempty"`
	Handle   []byte       `json:"handle,omitempty"`   // names the holder to passkeys
	Recovery [][]byte     `json:"recovery,omitempty"` // SHA-256 of codes; nobody guesses 80 random bits
	Trusted  []trustedDoc `json:"trusted,omitempty"`
	Asked    time.Time    `json:"asked,omitzero"`  // when it was asked for a second factor first
	Spent    []string     `json:"spent,omitempty"` // ceremonies of passkeys that were answered, hashed
}

// trustedDoc is a browser that is trusted.
type trustedDoc struct {
	ID    mail.ObjectID `json:"id"`
	Hash  []byte        `json:"hash"` // SHA-256 of its token
	Agent string        `json:"agent,omitempty"`
	Since time.Time     `json:"since"`
	Until time.Time     `json:"until"`
}

// enrolled tells whether there is a second factor.
func (f *factorsDoc) enrolled() bool { return f.TOTP != nil || len(f.Passkeys) > 0 }

// kinds are the factors that can be shown.
func (f *factorsDoc) kinds() (kinds []FactorKind) {
	if len(f.Passkeys) > 0 {
		kinds = append(kinds, FactorPasskey)
	}
	if f.TOTP != nil {
		kinds = append(kinds, FactorTOTP)
	}
	if f.enrolled() && len(f.Recovery) > 0 {
		kinds = append(kinds, FactorRecovery)
	}
	return kinds
}

// trusts tells whether a token is that of a trusted browser, for so many days as the policy says now.
func (f *factorsDoc) trusts(token string, days int, now time.Time) bool {
	_, hash, ok := readToken(token)
	return ok && slices.ContainsFunc(f.Trusted, func(t trustedDoc) bool {
		return subtle.ConstantTimeCompare(t.Hash, hash[:]) == 1 && now.Before(t.Until) && now.Before(t.Since.AddDate(0, 0, days))
	})
}

// writeHeld writes to where a holder's belongings are: to a company by its rules, to the platform for operators themselves.
func (d *Directory) writeHeld(ctx context.Context, by mail.Actor, op mail.Op, h holder, fn func(store.Tx) error) error {
	if h.tenant.IsZero() {
		return mail.Wrap(op, d.platform.Update(ctx, by, op, fn))
	}
	c := d.Company(h.tenant)
	id := mail.AccountID(h.id)
	return c.update(ctx, by, op, ownOr(by, id), func(tx store.Tx) error {
		if err := c.permitOwn(tx, by, op, RightPasswords, id); err != nil {
			return err
		}
		return fn(tx)
	})
}

// changeFactors lets fn change the factors of a holder. Whether there are any stands in the credential too, where mail software's
// sign-in looks.
func (d *Directory) changeFactors(ctx context.Context, by mail.Actor, op mail.Op, h holder, fn func(store.Tx, *factorsDoc) error) error {
	return d.writeHeld(ctx, by, op, h, func(tx store.Tx) error {
		var doc factorsDoc
		o, err := readHeld(tx, h, kindFactors, &doc)
		if err != nil {
			return err
		}
		was := doc.enrolled()
		if err := fn(tx, &doc); err != nil {
			return err
		}
		if !doc.enrolled() { // they stand in for a second factor
			doc.Recovery, doc.Trusted = nil, nil
		}
		if was != doc.enrolled() {
			if err := markFactors(tx, h, doc.enrolled()); err != nil {
				return err
			}
		}
		return putHeld(tx, o, doc, false)
	})
}

// markFactors notes in the credential whether there is a second factor.
func markFactors(tx store.Tx, h holder, enrolled bool) error {
	have, err := readCredential(tx, mail.AccountID(h.id))
	if err != nil || have == nil {
		return err
	}
	doc := have.credentialDoc
	doc.Factors = enrolled
	return putCredential(tx, mail.AccountID(h.id), have, &doc)
}

// takeCode checks a typed second factor and uses it up. It says which it was.
func (d *Directory) takeCode(ctx context.Context, b Browser, p *person, code string) (used FactorKind, err error) {
	const op = "directory.takeCode"
	counter := d.lockCounter(b.Origin.Remote, p.name)
	if err := d.checkLock(ctx, counter); err != nil {
		return "", err
	}
	if err := d.checkCodes(ctx, counter, p); err != nil {
		return "", err
	}
	err = d.storeOf(p.holder).Update(ctx, p.actor(b.Origin), op, func(tx store.Tx) error {
		var doc factorsDoc
		o, err := readHeld(tx, p.holder, kindFactors, &doc)
		if err != nil {
			return err
		}
		if used = doc.take(code, time.Now()); used == "" {
			return mail.E(op, mail.Denied, "auth.code_wrong")
		}
		return putHeld(tx, o, doc, used == FactorTOTP)
	})
	if mail.Is(err, mail.Denied) {
		d.noteSignIn(ctx, p.holder, signInLine{Protocol: "web", Remote: b.Origin.Remote, Agent: b.Agent, Reason: "auth.code_wrong"})
		return "", cmp.Or(d.countCode(ctx, counter, p), mail.Wrap(op, err))
	}
	if err == nil { // of many guesses made at once, those behind the last that is allowed must not get an answer
		err = cmp.Or(d.checkLock(ctx, counter), d.checkCodes(ctx, counter, p))
	}
	return used, mail.Wrap(op, err)
}

// codeCounter names the counter of an account's wrong codes.
func codeCounter(p *person) string { return "codes " + p.tenant.String() + "/" + p.id.String() }

// checkCodes refuses an account that was shown too many wrong codes. Where the network's failures are not counted, codes aren't either.
// Busy "auth.locked".
func (d *Directory) checkCodes(ctx context.Context, counter string, p *person) error {
	if counter == "" {
		return nil
	}
	n, err := d.store.Tally(ctx, codeCounter(p), 0, lockWindow)
	if err == nil && n >= codeFailures {
		err = mail.E("directory.checkCodes", mail.Busy, "auth.locked", int(lockWindow/time.Minute))
	}
	return err
}

// countCode counts a wrong code, for the network and for the account.
func (d *Directory) countCode(ctx context.Context, counter string, p *person) error {
	_, err := d.countFailure(ctx, counter)
	if err == nil && counter != "" {
		_, err = d.countFailure(ctx, codeCounter(p))
	}
	return err
}

// take uses a code up, and tells what it was; "" for a wrong one.
func (f *factorsDoc) take(code string, now time.Time) FactorKind {
	code = strings.ToLower(strings.NewReplacer(" ", "", "-", "", "　", "").Replace(narrow(code)))
	if f.TOTP != nil && f.TOTP.take(code, now) {
		return FactorTOTP
	}
	sum := sha256.Sum256([]byte(code))
	for i, h := range f.Recovery {
		if subtle.ConstantTimeCompare(h, sum[:]) == 1 {
			f.Recovery = slices.Delete(slices.Clone(f.Recovery), i, i+1)
			return FactorRecovery
		}
	}
	return ""
}

// narrow writes full-width digits and letters as others are: a Japanese keyboard has both.
func narrow(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, text)
}

// newRecovery makes recovery codes, as they are shown and as they are stored.
func newRecovery() (shown []string, stored [][]byte) {
	for range RecoveryCodes {
		var b [recoveryOctets]byte
		rand.Read(b[:])
		text := tagText.EncodeToString(b[:]) // 16 letters
		sum := sha256.Sum256([]byte(text))
		shown = append(shown, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
		stored = append(stored, sum[:])
	}
	return shown, stored
}

// graceOf is until when somebody without a second factor may put it off; zero when he may not, or need not. The time begins when it is
// asked for first, which is noted here.
func (d *Directory) graceOf(ctx context.Context, p *person, f *factorsDoc, policy FactorPolicy, now time.Time) (time.Time, error) {
	const op = "directory.graceOf"
	if f.enrolled() || !policy.needed(p.administers()) || policy.GraceDays == 0 {
		return time.Time{}, nil
	}
	asked := f.Asked
	if asked.IsZero() {
		asked = now
		err := d.storeOf(p.holder).Update(ctx, atWork(), op, func(tx store.Tx) error {
			var doc factorsDoc
			o, err := readHeld(tx, p.holder, kindFactors, &doc)
			if err != nil || !doc.Asked.IsZero() {
				return err
			}
			doc.Asked = now
			return putHeld(tx, o, doc, true)
		})
		if err != nil {
			return time.Time{}, err
		}
	}
	until := asked.AddDate(0, 0, policy.GraceDays)
	if now.After(until) {
		return time.Time{}, nil
	}
	return until, nil
}

// trust makes a browser trusted, and gives its token.
func (d *Directory) trust(ctx context.Context, b Browser, p *person, days int) (token string, until time.Time, err error) {
	token, hash := newToken(p.holder)
	now := time.Now()
	until = now.AddDate(0, 0, days)
	err = d.changeFactors(ctx, p.actor(b.Origin), "directory.trust", p.holder, func(tx store.Tx, f *factorsDoc) error {
		f.Trusted = slices.DeleteFunc(f.Trusted, func(t trustedDoc) bool { return now.After(t.Until) })
		f.Trusted = f.Trusted[max(0, len(f.Trusted)-MaxTrusted+1):]
		f.Trusted = append(f.Trusted, trustedDoc{mail.ObjectID(tx.NextID()), hash[:], cut(b.Agent, maxAgent), now, until})
		return nil
	})
	return token, until, err
}
