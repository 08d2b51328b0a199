// Package passkey does the ceremonies of Web Authentication Level 3 for the directory: it makes the questions for the browser and
// checks its answers. It keeps nothing.
package passkey

import (
	"encoding/json"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"tegami/directory"
	"tegami/mail"
)

// answerTime is how long a browser is told that somebody may take.
const answerTime = 5 * time.Minute

// A Verifier knows the names that passkeys may be bound to. It is a directory.PasskeyVerifier.
type Verifier struct {
	hosts   []string
	service string
}

// New makes a verifier for the pages of a host, which may also be asked for as localhost where they are tried out. service is the name that
// people see.
func New(service string, hosts ...string) *Verifier {
	v := &Verifier{service: service}
	for _, h := range append(hosts, "localhost") {
		if h = strings.ToLower(h); h != "" && net.ParseIP(h) == nil && !slices.Contains(v.hosts, h) {
			v.hosts = append(v.hosts, h)
		}
	}
	return v
}

// on is the site of a page. Invalid "passkey.page" where that is none of ours, such as an address.
func (v *Verifier) on(page string) (*webauthn.WebAuthn, error) {
	const op = "passkey.on"
	host, _, err := net.SplitHostPort(page)
	if err != nil {
		host = page
	}
	host = strings.ToLower(host)
	if !slices.Contains(v.hosts, host) {
		return nil, mail.E(op, mail.Invalid, "passkey.page", page)
	}
	limit := webauthn.TimeoutConfig{Enforce: true, Timeout: answerTime, TimeoutUVD: answerTime}
	site, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: v.service, RPOrigins: []string{"https://" + strings.ToLower(page)},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
	})
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	return site, nil
}

// user is a holder as the library wants one.
type user struct {
	directory.PasskeyUser
	credentials []webauthn.Credential
}

func newUser(u directory.PasskeyUser) (*user, error) {
	w := &user{PasskeyUser: u}
	for _, r := range u.Records {
		var c webauthn.Credential
		if err := json.Unmarshal(r.Record, &c); err != nil {
			return nil, mail.Because("passkey.newUser", mail.Other, "directory.document", err)
		}
		w.credentials = append(w.credentials, c)
	}
	return w, nil
}

// WebAuthnID implements webauthn.User.
func (u *user) WebAuthnID() []byte { return u.Handle }

// WebAuthnName implements webauthn.User.
func (u *user) WebAuthnName() string { return u.Name }

// WebAuthnDisplayName implements webauthn.User.
func (u *user) WebAuthnDisplayName() string { return u.Name }

// WebAuthnCredentials implements webauthn.User.
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// Register implements directory.PasskeyVerifier. A device that has one of the passkeys is not asked for another.
func (v *Verifier) Register(u directory.PasskeyUser) (options, state json.RawMessage, err error) {
	const op = "passkey.Register"
	site, err := v.on(u.Page)
	if err != nil {
		return nil, nil, err
	}
	who, err := newUser(u)
	if err != nil {
		return nil, nil, err
	}
	made, session, err := site.BeginRegistration(who, webauthn.WithExclusions(webauthn.Credentials(who.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, nil, mail.Because(op, mail.Other, "", err)
	}
	return both(op, made, session)
}

// both puts what goes to the browser and what is kept into words.
func both(op mail.Op, made, session any) (options, state json.RawMessage, err error) {
	if options, err = json.Marshal(made); err == nil {
		state, err = json.Marshal(session)
	}
	if err != nil {
		return nil, nil, mail.Because(op, mail.Other, "", err)
	}
	return options, state, nil
}

// Registered implements directory.PasskeyVerifier.
func (v *Verifier) Registered(u directory.PasskeyUser, state, answer json.RawMessage) (r directory.PasskeyRecord, err error) {
	const op = "passkey.Registered"
	site, session, who, err := v.resume(u, state)
	if err != nil {
		return r, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return r, mail.Because(op, mail.Invalid, "passkey.refused", err)
	}
	made, err := site.CreateCredential(who, session, parsed)
	if err != nil {
		return r, mail.Because(op, mail.Invalid, "passkey.refused", err)
	}
	return record(op, made)
}

// resume reads what Register or Ask kept.
func (v *Verifier) resume(u directory.PasskeyUser, state json.RawMessage) (site *webauthn.WebAuthn, session webauthn.SessionData, who *user, err error) {
	if site, err = v.on(u.Page); err != nil {
		return nil, session, nil, err
	}
	if err = json.Unmarshal(state, &session); err != nil {
		return nil, session, nil, mail.Because("passkey.resume", mail.Invalid, "passkey.refused", err)
	}
	who, err = newUser(u)
	return site, session, who, err
}

// record is a passkey as it is kept: without its attestation, which nobody asked for.
func record(op mail.Op, c *webauthn.Credential) (r directory.PasskeyRecord, err error) {
	c.Attestation = webauthn.CredentialAttestation{}
	r.ID = c.ID
	if r.Record, err = json.Marshal(c); err != nil {
		return r, mail.Because(op, mail.Other, "", err)
	}
	return r, nil
}

// Ask implements directory.PasskeyVerifier.
func (v *Verifier) Ask(u directory.PasskeyUser) (options, state json.RawMessage, err error) {
	const op = "passkey.Ask"
	site, err := v.on(u.Page)
	if err != nil {
		return nil, nil, err
	}
	who, err := newUser(u)
	if err != nil {
		return nil, nil, err
	}
	var made *protocol.CredentialAssertion
	var session *webauthn.SessionData
	if len(u.Handle) == 0 {
		made, session, err = site.BeginDiscoverableLogin()
	} else {
		made, session, err = site.BeginLogin(who)
	}
	if err != nil {
		return nil, nil, mail.Because(op, mail.Other, "", err)
	}
	return both(op, made, session)
}

// Handle implements directory.PasskeyVerifier.
func (v *Verifier) Handle(answer json.RawMessage) ([]byte, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, mail.Because("passkey.Handle", mail.Invalid, "auth.passkey_wrong", err)
	}
	return parsed.Response.UserHandle, nil
}

// Asked implements directory.PasskeyVerifier. A counter that went back tells of a copy, which is refused.
func (v *Verifier) Asked(u directory.PasskeyUser, state, answer json.RawMessage) (r directory.PasskeyRecord, err error) {
	const op = "passkey.Asked"
	site, session, who, err := v.resume(u, state)
	if err != nil {
		return r, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return r, mail.Because(op, mail.Denied, "auth.passkey_wrong", err)
	}
	var shown *webauthn.Credential
	if len(session.UserID) == 0 {
		_, shown, err = site.ValidatePasskeyLogin(func([]byte, []byte) (webauthn.User, error) { return who, nil }, session, parsed)
	} else {
		shown, err = site.ValidateLogin(who, session, parsed)
	}
	if err != nil {
		return r, mail.Because(op, mail.Denied, "auth.passkey_wrong", err)
	}
	if shown.Authenticator.CloneWarning {
		return r, mail.E(op, mail.Denied, "auth.passkey_wrong")
	}
	return record(op, shown)
}
