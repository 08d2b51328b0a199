package directory

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/qr"
)

// Parameters of one-time codes by time, those that every authenticator app knows (RFC 6238 §4, RFC 4226 §5.3).
const (
	totpStep   = 30 * time.Second
	totpDigits = 6
	totpSecret = 20 // octets, as long as a SHA-1
	totpWindow = 1  // steps that a clock may be wrong by, either way (RFC 6238 §5.2)
)

// totpDoc is an authenticator app as stored.
type totpDoc struct {
	Secret  []byte    `json:"secret"`
	Last    int64     `json:"last,omitempty"` // the step of the last code that was used: each is used once (RFC 6238 §5.2)
	Created time.Time `json:"created"`
	For     string    `json:"for,omitempty"` // while it is set up: the sign-in or session that does
}

// setup is who sets up an authenticator app.
type setup struct {
	by    string // a sign-in or a session
	first bool   // only as the first second factor: nobody has shown one
}

// totpCode is the code of a step (RFC 4226 §5.3).
func totpCode(secret []byte, step int64) string {
	h := hmac.New(sha1.New, secret)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	h.Write(counter[:])
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, n%1_000_000)
}

// take tells whether a code is right now, and was not used before. It is used then.
func (t *totpDoc) take(code string, now time.Time) bool {
	if len(code) != totpDigits {
		return false
	}
	at := now.Unix() / int64(totpStep/time.Second)
	found := int64(0)
	for step := at - totpWindow; step <= at+totpWindow; step++ {
		if subtle.ConstantTimeCompare([]byte(totpCode(t.Secret, step)), []byte(code)) == 1 && step > t.Last {
			found = step
		}
	}
	if found == 0 {
		return false
	}
	t.Last = found
	return true
}

// totpText writes secrets as authenticator apps take them.
var totpText = base32.StdEncoding.WithPadding(base32.NoPadding)

// An Enrolment sets up an authenticator app.
type Enrolment struct {
	Secret string // in base32, to be typed
	URI    string // otpauth://, as a QR code holds it
}

// QR is the URI as a QR code, a data: URL of an SVG; "" where it is too long for one.
func (e Enrolment) QR() string { return qr.DataURL(e.URI) }

// Issuer is the name under which authenticator apps list us.
const Issuer = "Tegami"

// enrolment is how a secret is brought into an app.
func (t *totpDoc) enrolment(name string) Enrolment {
	secret := totpText.EncodeToString(t.Secret)
	q := url.Values{"secret": {secret}, "issuer": {Issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return Enrolment{secret, "otpauth://totp/" + url.PathEscape(Issuer+":"+name) + "?" + q.Encode()}
}

// beginTOTP makes a secret that holds once finishTOTP shows a code of it. One that the same sign-in or session made just now is shown again: who
// sets up an app may come back to the page. Nobody else sees it, so that no stranger with the password learns it beforehand. Denied
// "auth.step_over".
func (d *Directory) beginTOTP(ctx context.Context, by mail.Actor, p *person, at setup) (e Enrolment, err error) {
	const op = "directory.beginTOTP"
	err = d.changeFactors(ctx, by, op, p.holder, func(_ store.Tx, f *factorsDoc) error {
		now := time.Now()
		if at.first && f.enrolled() {
			return mail.E(op, mail.Denied, "auth.step_over")
		}
		if f.Pending == nil || f.Pending.For != hashed(at.by) || now.Sub(f.Pending.Created) > pendingTime/2 {
			f.Pending = &totpDoc{Secret: make([]byte, totpSecret), Created: now, For: hashed(at.by)}
			rand.Read(f.Pending.Secret)
		}
		e = f.Pending.enrolment(p.name)
		return nil
	})
	return e, err
}

// finishTOTP sets up the app whose code it shows, in place of the one before, and gives recovery codes where there were none.
// Invalid "auth.code_wrong"; Denied "auth.step_over".
func (d *Directory) finishTOTP(ctx context.Context, by mail.Actor, p *person, at setup, code string) (recovery []string, err error) {
	const op = "directory.finishTOTP"
	err = d.changeFactors(ctx, by, op, p.holder, func(_ store.Tx, f *factorsDoc) error {
		now := time.Now()
		if at.first && f.enrolled() {
			return mail.E(op, mail.Denied, "auth.step_over")
		}
		if f.Pending == nil || f.Pending.For != hashed(at.by) || now.Sub(f.Pending.Created) > pendingTime || !f.Pending.take(narrow(code), now) {
			return mail.E(op, mail.Invalid, "auth.code_wrong") // the way it was set up; nobody is refused
		}
		f.TOTP, f.Pending = f.Pending, nil
		f.TOTP.Created, f.TOTP.For = now, ""
		recovery = f.firstRecovery()
		return nil
	})
	return recovery, err
}

// firstRecovery makes recovery codes where there are none.
func (f *factorsDoc) firstRecovery() (shown []string) {
	if len(f.Recovery) == 0 {
		shown, f.Recovery = newRecovery()
	}
	return shown
}
