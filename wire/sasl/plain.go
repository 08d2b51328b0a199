package sasl

import (
	"bytes"
	"context"
)

// plainServer is PLAIN, RFC 4616: one message, [authzid] NUL authcid NUL passwd.
type plainServer struct {
	verifier Verifier
	user     string
}

func (s *plainServer) User() string { return s.user }
func (s *plainServer) Name() string { return Plain }

func (s *plainServer) Next(ctx context.Context, response []byte) ([]byte, bool, error) {
	const op = "sasl.Plain"
	if response == nil {
		return []byte{}, false, nil
	}
	if len(response) > MaxMessage {
		return nil, false, tooLong(op)
	}
	authzid, rest, ok1 := bytes.Cut(response, []byte{0})
	authcid, password, ok2 := bytes.Cut(rest, []byte{0})
	if !ok1 || !ok2 || bytes.IndexByte(password, 0) >= 0 {
		return nil, false, malformed(op)
	}
	user, err := prepareUser(op, string(authcid))
	if err != nil {
		return nil, false, err
	}
	if len(authzid) > 0 && !sameUser(string(authzid), user) {
		return nil, false, failed(op) // nobody acts as somebody else
	}
	s.user = user
	err = checkPassword(ctx, s.verifier, user, string(password))
	return nil, err == nil, err
}

// sameUser tells whether an authorisation identity is the authenticated one.
func sameUser(authzid, user string) bool {
	prepared, err := prepareUser("sasl.sameUser", authzid)
	return err == nil && prepared == user
}

// checkPassword asks the verifier for a prepared user.
func checkPassword(ctx context.Context, v Verifier, user, password string) error {
	prepared, err := preparePassword("sasl.checkPassword", password)
	if err != nil {
		return err
	}
	return v.Password(ctx, user, prepared)
}

// The challenges of LOGIN, as every client expects them.
const (
	loginAskUser     = "Username:"
	loginAskPassword = "Password:"
)

// loginServer is LOGIN (draft-murchison-sasl-login): user and password in two
// messages. Outlook and many devices know nothing else.
type loginServer struct {
	verifier Verifier
	user     string
}

func (s *loginServer) User() string { return s.user }
func (s *loginServer) Name() string { return Login }

func (s *loginServer) Next(ctx context.Context, response []byte) ([]byte, bool, error) {
	const op = "sasl.Login"
	switch {
	case response == nil:
		return []byte(loginAskUser), false, nil
	case len(response) > MaxMessage:
		return nil, false, tooLong(op)
	case bytes.IndexByte(response, 0) >= 0:
		return nil, false, malformed(op)
	case s.user == "":
		user, err := prepareUser(op, string(response))
		s.user = user
		return []byte(loginAskPassword), false, err
	}
	err := checkPassword(ctx, s.verifier, s.user, string(response))
	return nil, err == nil, err
}
