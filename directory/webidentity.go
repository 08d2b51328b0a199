package directory

import (
	"context"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
)

// webmail is the door of an origin whose request reads mail with a session of the pages.
const webmail Protocol = "webmail"

// Webmail makes of an origin one of the webmail's door (DoorWeb): what a company allows its panel and its webmail may differ.
func Webmail(o mail.Origin) mail.Origin {
	o.Door = string(webmail)
	return o
}

// IdentityBySession is CallerBySession for who reads mail: o comes from Webmail. Denied "auth.no_box" beside its answers for an
// operator, who has no box.
func (d *Directory) IdentityBySession(ctx context.Context, o mail.Origin, token string) (*Identity, error) {
	const op = "directory.IdentityBySession"
	c, err := d.CallerBySession(ctx, o, token)
	switch {
	case err != nil:
		return nil, mail.Wrap(op, err)
	case c.identity == nil:
		return nil, mail.E(op, mail.Denied, "auth.no_box")
	}
	return c.identity, nil
}

// SessionStands tells whether a session of the pages still is one, without counting as its use: a page that only listens must not
// keep its session alive. The answers are those of CallerBySession.
func (d *Directory) SessionStands(ctx context.Context, o mail.Origin, token string) error {
	const op = "directory.SessionStands"
	h, hash, ok := readToken(token)
	if !ok {
		return noSession(op)
	}
	live, err := d.liveSession(ctx, h, hash)
	if err != nil {
		return mail.Wrap(op, err)
	}
	p, err := d.person(ctx, h, live.doc.Name)
	if err == nil {
		err = d.sessionHolds(ctx, o, live, p)
	}
	return mail.Wrap(op, err)
}

// maxBearer is the length of a bearer token that is looked at, in octets.
const maxBearer = 8 << 10

// IdentityByBearer knows who sends a bearer token (RFC 6750) to a door: an access token of the identity provider, where Config.Bearer
// knows such; or an address and an app password as base64 of "address:password", as Basic has them (RFC 7617 §2), for clients that send
// nothing but tokens. The answers are those of SignIn.
func (d *Directory) IdentityByBearer(ctx context.Context, o mail.Origin, to Protocol, token string) (*Identity, error) {
	const op = "directory.IdentityByBearer"
	if len(token) > maxBearer {
		return nil, mail.E(op, mail.Denied, "auth.failed")
	}
	if user, password, ok := basicPair(token); ok {
		return d.SignIn(ctx, o, to, user, password)
	}
	v := d.Verifier(o, to)
	if _, ok := v.TokenHelp(); !ok {
		return nil, mail.E(op, mail.Denied, "auth.failed")
	}
	if _, err := v.Token(ctx, "", token); err != nil {
		return nil, err
	}
	return v.Identity(), nil
}

// basicPair takes an address and a password out of a token; false for what is none.
func basicPair(token string) (user, password string, ok bool) {
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		text, err = base64.RawURLEncoding.DecodeString(token)
	}
	if err != nil || !utf8.Valid(text) {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(text), ":")
	return user, password, ok && strings.Contains(user, "@")
}

// Credential names by what somebody signed in: his password as it was then, or an app password. What lasts longer than a request, such as
// a subscription to pushes, is tied to it.
type Credential struct {
	Serial uint64        `json:"serial,omitempty"`
	App    mail.ObjectID `json:"app,omitzero"`
	Token  bool          `json:"token,omitempty"` // an access token
	Until  time.Time     `json:"until,omitzero"`  // of a token; zero: it says no end
}

// Credential is by what the identity signed in.
func (i *Identity) Credential() Credential {
	c := Credential{Token: i.proof.token, Until: i.proof.until}
	switch {
	case i.proof.app != nil:
		c.App = i.proof.app.ID
	case !i.proof.token:
		c.Serial = i.proof.serial
	}
	return c
}

// Same tells whether two are the same.
func (c Credential) Same(other Credential) bool {
	return c.Serial == other.Serial && c.App == other.App && c.Token == other.Token && c.Until.Equal(other.Until)
}

// CredentialHolds gives an account, if what somebody signed in to it with would still do, from wherever that was. Denied with the answers of
// Current.
func (d *Directory) CredentialHolds(ctx context.Context, tenant mail.TenantID, id mail.AccountID, c Credential) (Account, error) {
	const op = "directory.CredentialHolds"
	a, err := d.Company(tenant).Account(ctx, id)
	if err != nil {
		return Account{}, mail.Wrap(op, err)
	}
	e, err := d.standing(ctx, &a)
	if err != nil {
		return Account{}, err
	}
	p := proof{serial: c.Serial, token: c.Token, until: c.Until}
	if !c.App.IsZero() {
		p.app = &appSecret{ID: c.App}
	}
	return e.target.Account, p.holds(op, e.credential, time.Now())
}
