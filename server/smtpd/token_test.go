package smtpd

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/intake"
	"tegami/mail"
	"tegami/wire/sasl"
)

// provider is an identity provider whose tokens name the users.
type provider struct{}

func (provider) TokenHelp() sasl.TokenHelp { return sasl.TokenHelp{Scope: "mail"} }

func (provider) VerifyBearer(_ context.Context, token string) (directory.Bearer, error) {
	user, ok := strings.CutPrefix(token, "token-of-")
	if !ok {
		return directory.Bearer{}, mail.E("provider", mail.Denied, "auth.failed")
	}
	return directory.Bearer{User: user + "@alpha.example"}, nil
}

// TestTokens submits after a sign-in by access token: OAUTHBEARER (RFC 7628) and XOAUTH2. A refusal is told to the
// client's program, which answers it.
func TestTokens(t *testing.T) {
	h := newHouse(t)
	h.dir = directory.New(h.store, directory.Config{Bearer: provider{}})
	h.in = intake.New(intake.Config{Store: h.store, Directory: h.dir, Mailbox: h.boxes, Hostname: "mx.alpha.example"})
	addr := start(t, Config{Name: "submission", Mode: Submission, AllowPlainAuth: true}, Through(h.in))
	text := func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(s, "^A", "\x01")))
	}
	for _, c := range []struct{ mechanism, message, refusal string }{
		{"OAUTHBEARER", "n,a=user0@alpha.example,^Aauth=Bearer token-of-user0^A^A", ""},
		{"XOAUTH2", "user=user0@alpha.example^Aauth=Bearer token-of-user0^A^A", ""},
		{"OAUTHBEARER", "n,a=user0@alpha.example,^Aauth=Bearer stolen^A^A", `{"status":"invalid_token","scope":"mail"}`},
		{"OAUTHBEARER", "n,a=user0@alpha.example,^Aauth=Bearer token-of-user1^A^A", `{"status":"invalid_token","scope":"mail"}`},
		{"XOAUTH2", "user=user0@alpha.example^Aauth=Bearer stolen^A^A", `{"status":"401","schemes":"bearer","scope":"mail"}`},
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		ask := func(line, want string) (seen string) {
			t.Helper()
			if line != "" {
				fmt.Fprintf(conn, "%s\r\n", line)
			}
			for {
				got, err := in.ReadString('\n')
				seen += got
				if err != nil || got[3] == ' ' {
					if !strings.HasPrefix(got, want) {
						t.Fatalf("%.40s: %q %v, want %q", line, got, err, want)
					}
					return seen
				}
			}
		}
		ask("", "220 ")
		if offered := ask("EHLO client.example", "250 "); !strings.Contains(offered, "AUTH SCRAM-SHA-256 PLAIN LOGIN OAUTHBEARER XOAUTH2\r\n") {
			t.Error(offered)
		}
		if c.refusal == "" {
			ask("AUTH "+c.mechanism+" "+text(c.message), "235 2.7.0")
			ask("MAIL FROM:<user0@alpha.example>", "250 ")
			continue
		}
		ask("AUTH "+c.mechanism+" "+text(c.message), "334 "+text(c.refusal)+"\r\n")
		ask(text("^A"), "535 5.7.8")
		ask("MAIL FROM:<user0@alpha.example>", "530 5.7.0")
	}
}
