package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	"tegami/mail"
	"tegami/wire/sasl"
)

// A Verifier checks the credentials of one session; it is a sasl.Verifier. Use from one goroutine.
type Verifier struct {
	dir      *Directory
	origin   mail.Origin
	protocol Protocol
	identity *Identity
}

// Verifier gives the verifier for a session.
func (d *Directory) Verifier(o mail.Origin, p Protocol) *Verifier {
	return &Verifier{dir: d, origin: o, protocol: p}
}

// Identity is who has signed in; nil until a proof was right.
func (v *Verifier) Identity() *Identity { return v.identity }

// Password checks a password as Directory.SignIn does.
func (v *Verifier) Password(ctx context.Context, user, password string) (err error) {
	v.identity, err = v.dir.SignIn(ctx, v.origin, v.protocol, user, password)
	return err
}

// SCRAM gives what a user's password is checked against (RFC 5802 §3). The proof's
// outcome comes back through the secret's Proved, with the answers of SignIn. For a name
// nobody has, and for one whose password is kept as argon2id alone, it
// gives a secret that no password fits.
func (v *Verifier) SCRAM(ctx context.Context, user string) (sasl.ScramSecret, error) {
	v.identity = nil
	l, err := v.dir.begin(ctx, v.origin, v.protocol, user)
	if err != nil {
		return sasl.ScramSecret{}, mail.Wrap("directory.SCRAM", err)
	}
	secret := v.dir.falseSecret(user)
	real := l.entry != nil && l.entry.credential != nil && l.entry.credential.Scram != nil
	if real {
		s := l.entry.credential.Scram
		secret = sasl.ScramSecret{Salt: s.Salt, Iterations: s.Iterations, StoredKey: s.StoredKey, ServerKey: s.ServerKey}
	}
	secret.Proved = func(ok bool) (err error) {
		v.identity, err = l.end(ctx, ok && real)
		return err
	}
	return secret, nil
}

// falseSecret is the same for the same name as long as the process lives, so that asking
// twice does not tell unknown names from known ones (RFC 5802 §9).
func (d *Directory) falseSecret(user string) sasl.ScramSecret {
	derive := func(what string) []byte {
		h := hmac.New(sha256.New, d.processKey[:])
		h.Write([]byte(what + "\x00" + user))
		return h.Sum(nil)
	}
	return sasl.ScramSecret{
		Salt:       derive("salt")[:argonSalt],
		Iterations: scramIterations,
		StoredKey:  derive("stored"),
		ServerKey:  derive("server"),
	}
}
