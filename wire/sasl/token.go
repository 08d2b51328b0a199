package sasl

import (
	"context"
	"encoding/json"
	"strings"

	"tegami/mail"
)

// tokenServer is OAUTHBEARER (RFC 7628) and XOAUTH2, which carry an access token in one message. A refusal is told
// as a challenge, for the client's program; the client has to answer it, and only then the exchange ends.
type tokenServer struct {
	verifier TokenVerifier
	help     TokenHelp
	old      bool // XOAUTH2
	user     string
	refused  error
}

func (s *tokenServer) User() string { return s.user }

func (s *tokenServer) Name() string {
	if s.old {
		return XOAuth2
	}
	return Bearer
}

func (s *tokenServer) Next(ctx context.Context, response []byte) ([]byte, bool, error) {
	const op = "sasl.Token"
	switch {
	case s.refused != nil:
		return nil, false, s.refused
	case response == nil:
		return []byte{}, false, nil
	case len(response) > MaxToken:
		return nil, false, tooLong(op)
	}
	user, token, ok := readBearer(string(response))
	if s.old {
		user, token, ok = readXOAuth2(string(response))
	}
	if !ok {
		return nil, false, malformed(op)
	}
	err := s.check(ctx, user, token)
	if !mail.Is(err, mail.Denied) {
		return nil, err == nil, err
	}
	s.refused = err
	return s.refusal(), false, nil
}

// check asks the verifier.
func (s *tokenServer) check(ctx context.Context, user, token string) (err error) {
	const op = "sasl.Token"
	if user != "" {
		if s.user, err = prepareUser(op, user); err != nil {
			return err
		}
	}
	if token == "" {
		return failed(op) // a client asks what it takes (RFC 7628 §4.3)
	}
	whose, err := s.verifier.Token(ctx, s.user, token)
	if err == nil {
		s.user = whose
	}
	return err
}

// refusal is the JSON that tells a program what is wrong (RFC 7628 §3.2.2).
func (s *tokenServer) refusal() []byte {
	answer := struct {
		Status        string `json:"status"`
		Schemes       string `json:"schemes,omitempty"`
		Scope         string `json:"scope,omitempty"`
		Configuration string `json:"openid-configuration,omitempty"`
	}{"invalid_token", "", s.help.Scope, s.help.Configuration}
	if s.old {
		answer.Status, answer.Schemes = "401", "bearer"
	}
	text, _ := json.Marshal(answer) // strings alone: cannot fail
	return text
}

// fieldEnd ends each field of both messages.
const fieldEnd = "\x01"

// readBearer reads the message of OAUTHBEARER (RFC 7628 §3.1): a gs2-header, then key=value pairs, of which only
// auth is of use here. There is no channel binding (§3.1).
func readBearer(msg string) (user, token string, ok bool) {
	header, pairs, ok := strings.Cut(msg, fieldEnd)
	flag, authzid, okHeader := strings.Cut(header, ",")
	authzid, empty, okEnd := strings.Cut(authzid, ",")
	if !ok || !okHeader || !okEnd || empty != "" || flag != "n" && flag != "y" {
		return "", "", false
	}
	if authzid != "" {
		name, _, isName := attribute(authzid, 'a')
		if user, ok = saslname(name); !ok || !isName {
			return "", "", false
		}
	}
	token, ok = authField(pairs)
	return user, token, ok
}

// readXOAuth2 reads the message of XOAUTH2: "user=" and "auth=" fields.
func readXOAuth2(msg string) (user, token string, ok bool) {
	first, pairs, _ := strings.Cut(msg, fieldEnd)
	user, ok = strings.CutPrefix(first, "user=")
	if !ok || user == "" {
		return "", "", false
	}
	token, ok = authField(pairs)
	return user, token, ok
}

// authField finds the token in key=value pairs that end with an empty one; "" where the client has none to show.
func authField(pairs string) (token string, ok bool) {
	pairs, ok = strings.CutSuffix(pairs, fieldEnd+fieldEnd)
	if !ok {
		return "", false
	}
	found := false
	for pair := range strings.SplitSeq(pairs, fieldEnd) {
		key, value, isPair := strings.Cut(pair, "=")
		switch {
		case !isPair:
			return "", false
		case strings.EqualFold(key, "auth"):
			if found {
				return "", false
			}
			token, found = value, true
		}
	}
	if !found || token == "" {
		return "", found
	}
	scheme, token, ok := strings.Cut(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && isToken(token)
}

// isToken is b64token of RFC 6750 §2.1.
func isToken(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		c := body[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return body != ""
}
