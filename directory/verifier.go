package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"tegami/mail"
	"tegami/wire/sasl"
)

// A Verifier checks the credentials of one session; it is a sasl.TokenVerifier. Use from one goroutine.
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

// SCRAM gives what a user's passwords are checked against (RFC 5802 §3): that of the account, and app passwords. The proof's
// outcome comes back through the secret's Proved, with the answers of SignIn. For a name
// nobody has, and for one whose password is kept as argon2id alone, it
// gives a secret that no password fits.
func (v *Verifier) SCRAM(ctx context.Context, user string) (sasl.ScramSecret, error) {
	const op = "directory.SCRAM"
	v.identity = nil
	l, err := v.dir.begin(ctx, v.origin, v.protocol, user)
	if err != nil {
		return sasl.ScramSecret{}, mail.Wrap(op, err)
	}
	secret, proofs := l.scram()
	if secret.Salt == nil {
		if secret, err = v.dir.falseSecret(ctx, l.name); err != nil {
			return sasl.ScramSecret{}, mail.Wrap(op, err)
		}
	}
	secret.Proved = func(which int) (err error) {
		var p *proof
		if which >= 0 && which < len(proofs) {
			p = proofs[which]
		}
		v.identity, err = l.end(ctx, p)
		return err
	}
	return secret, nil
}

// scram gives the keys of an account's passwords, and what each of them proves. No salt where there are none.
func (l *login) scram() (s sasl.ScramSecret, proofs []*proof) {
	if l.entry == nil || l.entry.credential == nil || l.entry.credential.Scram == nil {
		return s, nil
	}
	c := l.entry.credential
	s = sasl.ScramSecret{Salt: c.Scram.Salt, Iterations: c.Scram.Iterations, Keys: []sasl.ScramKeys{{Stored: c.Scram.StoredKey, Server: c.Scram.ServerKey}}}
	proofs = append(proofs, &proof{serial: c.Serial})
	for i := range c.Apps {
		s.Keys = append(s.Keys, sasl.ScramKeys{Stored: c.Apps[i].StoredKey, Server: c.Apps[i].ServerKey})
		proofs = append(proofs, &proof{app: &c.Apps[i]})
	}
	return s, proofs
}

// falseSecret is the same for the same name for ever and in every process, so that asking
// twice does not tell unknown names from known ones (RFC 5802 §9).
func (d *Directory) falseSecret(ctx context.Context, name string) (sasl.ScramSecret, error) {
	key, err := d.saltSecret(ctx)
	if err != nil {
		return sasl.ScramSecret{}, err
	}
	derive := func(what string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(what + "\x00" + name))
		return h.Sum(nil)
	}
	return sasl.ScramSecret{
		Salt:       derive("salt")[:argonSalt],
		Iterations: scramIterations,
		Keys:       []sasl.ScramKeys{{Stored: derive("stored"), Server: derive("server")}},
	}, nil
}

// A BearerVerifier knows the access tokens of an identity provider (SS-4, RFC 6750).
type BearerVerifier interface {
	// VerifyBearer tells whose a token is. Denied for one that is not valid, or not for mail; any other kind
	// where it could not be checked.
	VerifyBearer(ctx context.Context, token string) (Bearer, error)
	// TokenHelp is what a client is told whose token was refused.
	TokenHelp() sasl.TokenHelp
}

// Bearer is what a valid access token says.
type Bearer struct {
	User  string    // the account's own address
	Until time.Time // its sessions end then; zero: they don't
}

// TokenHelp implements sasl.TokenVerifier: tokens are taken where Config.Bearer knows them.
func (v *Verifier) TokenHelp() (sasl.TokenHelp, bool) {
	if v.dir == nil || v.dir.cfg.Bearer == nil {
		return sasl.TokenHelp{}, false
	}
	return v.dir.cfg.Bearer.TokenHelp(), true
}

// Token checks an access token with the answers of SignIn. Failures count for the user it is said to be, or
// where none is said, for the network.
func (v *Verifier) Token(ctx context.Context, user, token string) (string, error) {
	const op = "directory.Token"
	v.identity = nil
	l, err := v.dir.begin(ctx, v.origin, v.protocol, user)
	if err != nil {
		return "", mail.Wrap(op, err)
	}
	b, err := v.dir.cfg.Bearer.VerifyBearer(ctx, token)
	switch {
	case mail.Is(err, mail.Denied):
		return "", l.failed(ctx)
	case err != nil:
		return "", mail.Wrap(op, err)
	}
	whose, err := v.dir.begin(ctx, v.origin, v.protocol, b.User)
	if err != nil {
		return "", mail.Wrap(op, err)
	}
	if user != "" && whose.name != l.name {
		return "", l.failed(ctx) // somebody else's
	}
	v.identity, err = whose.end(ctx, &proof{token: true, until: b.Until})
	return b.User, err
}
