package sasl

import (
	"context"
	"encoding/base64"
	"strings"

	"tegami/mail"
)

// scramServer is the server's side of SCRAM-SHA-256 and its -PLUS (RFC 5802 §5, RFC 7677).
type scramServer struct {
	verifier Verifier
	channel  Channel
	plus     bool
	step     scramStep

	user    string
	header  string // gs2-header as the client sent it
	binding string // name of the channel binding in use, "" for none
	bare    string // client-first-message-bare
	first   string // server-first-message
	nonce   string // the client's part and ours
	ours    string // our part when a test fixes it
	secret  ScramSecret
}

type scramStep uint8

const (
	wantFirst scramStep = iota
	wantFinal
	wantEmpty // the client acknowledges the server's signature
	scramOver
)

func (s *scramServer) User() string { return s.user }

func (s *scramServer) Name() string {
	if s.plus {
		return ScramPlus
	}
	return Scram
}

func (s *scramServer) Next(ctx context.Context, response []byte) ([]byte, bool, error) {
	const op = "sasl.Scram"
	step := s.step
	switch {
	case response == nil && step == wantFirst:
		return []byte{}, false, nil
	case len(response) > MaxMessage:
		s.step = scramOver
		return nil, false, tooLong(op)
	}
	s.step = scramOver // unless the step succeeds
	switch step {
	case wantFirst:
		return s.clientFirst(ctx, string(response))
	case wantFinal:
		return s.clientFinal(string(response))
	case wantEmpty:
		if len(response) == 0 {
			return nil, true, nil
		}
	}
	return nil, false, malformed(op)
}

// clientFirst reads client-first-message and answers with salt, iterations and nonce.
func (s *scramServer) clientFirst(ctx context.Context, msg string) ([]byte, bool, error) {
	const op = "sasl.Scram"
	rest, err := s.gs2Header(msg)
	if err != nil {
		return nil, false, err
	}
	s.bare = rest
	name, rest, ok1 := attribute(rest, 'n') // "m=" in its place is an extension we must refuse
	nonce, _, ok2 := attribute(rest, 'r')
	name, ok3 := saslname(name)
	if !ok1 || !ok2 || !ok3 || !isNonce(nonce) {
		return nil, false, malformed(op)
	}
	if s.user, err = prepareUser(op, name); err != nil {
		return nil, false, err
	}
	if authzid := strings.Split(s.header, ",")[1]; authzid != "" && !s.isUser(authzid) {
		return nil, false, failed(op)
	}
	if s.secret, err = s.verifier.SCRAM(ctx, s.user); err != nil {
		return nil, false, err
	}
	if s.ours == "" {
		s.ours = newNonce()
	}
	s.nonce = nonce + s.ours
	s.first = serverFirst(s.nonce, s.secret)
	s.step = wantFinal
	return []byte(s.first), false, nil
}

// isUser tells whether the authzid field "a=name" names the authenticating user.
func (s *scramServer) isUser(field string) bool {
	value, _, ok1 := attribute(field, 'a')
	name, ok2 := saslname(value)
	return ok1 && ok2 && sameUser(name, s.user)
}

// gs2Header takes the header off client-first-message: what the client says about
// channel binding, and the authorisation identity (RFC 5802 §6).
func (s *scramServer) gs2Header(msg string) (rest string, err error) {
	const op = "sasl.Scram"
	flag, after, ok1 := strings.Cut(msg, ",")
	authzid, rest, ok2 := strings.Cut(after, ",")
	if !ok1 || !ok2 {
		return "", malformed(op)
	}
	s.header = flag + "," + authzid + ","
	name, binds := strings.CutPrefix(flag, "p=")
	switch {
	case binds != s.plus:
		return "", malformed(op)
	case binds && s.channel.data(name) == nil:
		return "", mail.E(op, mail.Denied, "auth.failed", name) // a binding we don't have
	case flag == "y" && s.channel.Bindable():
		return "", failed(op) // the client was told there is no -PLUS: somebody stands between (RFC 5802 §6)
	case !binds && flag != "y" && flag != "n":
		return "", malformed(op)
	}
	s.binding = name
	if !binds {
		s.binding = ""
	}
	return rest, nil
}

// clientFinal checks the proof and answers with the server's signature.
func (s *scramServer) clientFinal(msg string) ([]byte, bool, error) {
	const op = "sasl.Scram"
	f, ok := parseClientFinal(msg)
	if !ok {
		return nil, false, malformed(op)
	}
	authMessage := s.bare + "," + s.first + "," + f.without
	var data []byte
	if s.binding != "" {
		data = s.channel.data(s.binding)
	}
	which := -1
	if f.nonce == s.nonce && sameBinding(f.binding, s.header, data) {
		which = s.secret.proven(f.proof, authMessage)
	}
	if s.secret.Proved != nil {
		if err := s.secret.Proved(which); err != nil {
			return nil, false, err
		}
	}
	if which < 0 {
		return nil, false, failed(op)
	}
	s.step = wantEmpty
	signature := mac(s.secret.Keys[which].Server, authMessage)
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature)), false, nil
}
