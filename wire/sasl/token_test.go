package sasl

import (
	"context"
	"strings"
	"testing"

	"tegami/mail"
)

// issuer is a TokenVerifier with one token for everybody who has a password.
type issuer struct{ accounts }

const goodToken = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

func (issuer) TokenHelp() (TokenHelp, bool) {
	return TokenHelp{Scope: "mail", Configuration: "https://id.example/.well-known/openid-configuration"}, true
}

func (i issuer) Token(_ context.Context, user, token string) (string, error) {
	switch {
	case token == "busy":
		return "", mail.E("issuer", mail.Busy, "auth.busy")
	case token != goodToken || user != "" && i.accounts[user] == "":
		return "", failed("issuer")
	case user == "":
		return "user", nil
	}
	return user, nil
}

func TestTokens(t *testing.T) {
	const refused = `{"status":"invalid_token","scope":"mail","openid-configuration":"https://id.example/.well-known/openid-configuration"}`
	const refusedOld = `{"status":"401","schemes":"bearer","scope":"mail","openid-configuration":"https://id.example/.well-known/openid-configuration"}`
	for _, c := range []struct {
		mechanism, message string // ^A stands for 0x01
		user               string // "" where it must fail
		told               string // the challenge of a refusal
		kind               mail.Kind
	}{
		// RFC 7628 §4.1 and the shortest.
		{Bearer, "n,a=user,^Ahost=server.example.com^Aport=143^Aauth=Bearer " + goodToken + "^A^A", "user", "", 0},
		{Bearer, "n,,^Aauth=Bearer " + goodToken + "^A^A", "user", "", 0},
		{Bearer, "y,a=a=2Cb=3Dc,^AAUTH=bearer " + goodToken + "^A^A", "a,b=c", "", 0},
		{Bearer, "n,a=nobody,^Aauth=Bearer " + goodToken + "^A^A", "", refused, mail.Denied},
		{Bearer, "n,a=user,^Aauth=Bearer old^A^A", "", refused, mail.Denied},
		{Bearer, "n,a=user,^Aauth=^A^A", "", refused, mail.Denied}, // asks what we take (§4.3)
		{Bearer, "n,a=user,^Aauth=Bearer busy^A^A", "", "", mail.Busy},
		{Bearer, "n,a=user,^Aauth=Bearer " + goodToken + "^A", "", "", mail.Invalid},
		{Bearer, "n,a=user,^Aauth=Basic " + goodToken + "^A^A", "", "", mail.Invalid},
		{Bearer, "n,a=user,^Aauth=Bearer a b^A^A", "", "", mail.Invalid},
		{Bearer, "n,a=user,^Aauth=Bearer a^Aauth=Bearer b^A^A", "", "", mail.Invalid},
		{Bearer, "n,a=user,^Ahost=x^A^A", "", "", mail.Invalid},
		{Bearer, "n,a=user,^Anonsense^Aauth=Bearer a^A^A", "", "", mail.Invalid},
		{Bearer, "p=tls-exporter,a=user,^Aauth=Bearer " + goodToken + "^A^A", "", "", mail.Invalid},
		{Bearer, "n,user,^Aauth=Bearer " + goodToken + "^A^A", "", "", mail.Invalid},
		{Bearer, "n,a=user^Aauth=Bearer " + goodToken + "^A^A", "", "", mail.Invalid},
		{Bearer, "", "", "", mail.Invalid},
		{Bearer, strings.Repeat("x", MaxToken+1), "", "", mail.Full},
		{XOAuth2, "user=user^Aauth=Bearer " + goodToken + "^A^A", "user", "", 0},
		{XOAuth2, "user=user^Aauth=Bearer old^A^A", "", refusedOld, mail.Denied},
		{XOAuth2, "user=^Aauth=Bearer " + goodToken + "^A^A", "", "", mail.Invalid},
		{XOAuth2, "auth=Bearer " + goodToken + "^A^A", "", "", mail.Invalid},
	} {
		s, err := Start(c.mechanism, issuer{people}, Channel{})
		if err != nil {
			t.Fatal(err)
		}
		if challenge, done, err := s.Next(t.Context(), nil); challenge == nil || done || err != nil {
			t.Fatalf("without an initial response: %q %v %v", challenge, done, err)
		}
		challenge, done, err := s.Next(t.Context(), []byte(strings.ReplaceAll(c.message, "^A", "\x01")))
		if string(challenge) != c.told {
			t.Errorf("%.60s: told %s", c.message, challenge)
		}
		if c.told != "" {
			if done || err != nil {
				t.Errorf("%.60s: over before the client answered: %v", c.message, err)
			}
			_, done, err = s.Next(t.Context(), []byte("\x01"))
		}
		if c.user == "" && (done || !mail.Is(err, c.kind)) || c.user != "" && (!done || err != nil || s.User() != c.user) {
			t.Errorf("%.60s: user %q, done %v, err %v", c.message, s.User(), done, err)
		}
	}
}

// TestTokensAreOffered where somebody takes them, and only there.
func TestTokensAreOffered(t *testing.T) {
	if got := strings.Join(Mechanisms(issuer{people}, Channel{}), " "); got != "SCRAM-SHA-256 PLAIN LOGIN OAUTHBEARER XOAUTH2" {
		t.Error(got)
	}
}
