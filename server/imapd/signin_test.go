package imapd

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/lab/dialog"
	"tegami/mail"
	"tegami/server/door"
	"tegami/wire/sasl"
)

// accountOf is the account of a user of the house.
func (h *house) accountOf(t *testing.T, user string) directory.Account {
	t.Helper()
	address, _ := mail.ParseAddress(user)
	a, err := h.company.Find(t.Context(), address)
	check(t, err)
	return a
}

// quickSweep is how often open sessions are asked after in tests.
const quickSweep = 20 * time.Millisecond

// TestRevokedPassword: a changed password ends the sessions that signed in with it, between commands and in IDLE; an
// app password goes on until it is taken back.
func TestRevokedPassword(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true, Limits: Limits{Sweep: quickSweep}})
	user := h.user(t, "alpha.example")
	a := h.accountOf(t, user)
	app, secret, err := h.company.AddAppPassword(t.Context(), h.admin, a.ID, directory.AppPasswordSpec{Name: "telephone"})
	check(t, err)
	enter := func(password string) *client {
		c := dial(t, addr)
		c.SetDeadline(time.Now().Add(time.Minute))
		c.do(t, "LOGIN "+user+" \""+password+"\"")
		c.do(t, "SELECT INBOX")
		return c
	}
	idle := func(c *client) *client {
		io.WriteString(c, "i IDLE\r\n")
		if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "+") {
			t.Fatal(line, err)
		}
		return c
	}
	out := func(what string, c *client) {
		t.Helper()
		rest, err := io.ReadAll(c.in)
		if err != nil || !bytes.Contains(rest, []byte("* BYE The password this session signed in with was changed or withdrawn.")) {
			t.Errorf("%s: %q %v", what, rest, err)
		}
	}
	waiting, idling, byApp, appIdling := enter(password), idle(enter(password)), enter(secret), idle(enter(secret))
	check(t, h.company.SetPassword(t.Context(), h.admin, a.ID, "another good password"))
	out("waiting", waiting)
	out("idling", idling)
	byApp.do(t, "NOOP")
	check(t, h.company.RevokeAppPassword(t.Context(), h.admin, a.ID, app.ID))
	out("by app password", byApp)
	out("by app password, idling", appIdling)
}

// TestSV9OtherNetwork: in the VPN zone nobody gets in from networks that are no company's, or another's.
func TestSV9OtherNetwork(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true, Zone: mail.ZoneVPN})
	conn, err := net.Dial("tcp", addr)
	check(t, err)
	if rest, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(rest), "* BYE The network of 127.0.0.1 is not registered.") {
		t.Errorf("%q %v", rest, err)
	}
	_, err = h.dir.OpenTenant(t.Context(), h.admin, directory.TenantSpec{Name: "Beta", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	check(t, err)
	c := dial(t, addr)
	io.WriteString(c, "a LOGIN "+h.user(t, "alpha.example")+" \""+password+"\"\r\n")
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "a NO [AUTHORIZATIONFAILED] The network of 127.0.0.1 belongs to another company.") {
		t.Error(line, err)
	}
}

// provider is an identity provider whose tokens name the users.
type provider struct{}

func (provider) TokenHelp() sasl.TokenHelp { return sasl.TokenHelp{Scope: "mail"} }

func (provider) VerifyBearer(_ context.Context, token string) (directory.Bearer, error) {
	user, ok := strings.CutPrefix(token, "token-of-")
	if !ok {
		return directory.Bearer{}, mail.E("provider", mail.Denied, "auth.failed")
	}
	return directory.Bearer{User: strings.Replace(user, "-at-", "@", 1)}, nil
}

// TestDialogsToken signs in with access tokens: OAUTHBEARER (RFC 7628) and XOAUTH2.
func TestDialogsToken(t *testing.T) {
	h := newHouse(t)
	h.dir = directory.New(h.store, directory.Config{Bearer: provider{}})
	addr := h.door(t, Config{AllowPlainAuth: true})
	dialog.RunAll(t, "testdata/token/*.dialog", func(t testing.TB) (string, map[string]string) {
		user := h.user(t, "alpha.example")
		text := func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(s, "^A", "\x01")))
		}
		token := "token-of-" + strings.Replace(user, "@", "-at-", 1)
		return addr, map[string]string{
			"bearer":  text("n,a=" + user + ",^Ahost=mail.alpha.example^Aport=143^Aauth=Bearer " + token + "^A^A"),
			"wrong":   text("n,a=" + user + ",^Aauth=Bearer stolen^A^A"),
			"xoauth2": text("user=" + user + "^Aauth=Bearer " + token + "^A^A"),
			"refusal": text(`{"status":"invalid_token","scope":"mail"}`),
			"empty":   text("^A"),
		}
	})
}

// TestSignInsAreLogged with who, from where, to what and how, and without what the secret was.
func TestSignInsAreLogged(t *testing.T) {
	h := newHouse(t)
	var log strings.Builder
	var sessions door.Sessions
	cfg := Config{AllowPlainAuth: true, Sessions: &sessions, Log: slog.New(slog.NewTextHandler(&log, nil))}
	user := h.user(t, "alpha.example")
	addr, stop := h.doorUntil(t, cfg)
	c := dial(t, addr)
	io.WriteString(c, "a LOGIN "+user+" \"not the password\"\r\n")
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "a NO [AUTHENTICATIONFAILED]") {
		t.Error(line, err)
	}
	c.do(t, "LOGIN "+user+" \""+password+"\"")
	list := sessions.Of(h.accountOf(t, user).Tenant, h.accountOf(t, user).ID)
	if len(list) != 1 || list[0].Mechanism != "LOGIN" || list[0].Command != "LOGIN" || list[0].Address.String() != user || list[0].Protocol != "imap" {
		t.Errorf("%+v", list)
	}
	c.do(t, "LOGOUT")
	stop()
	for _, want := range []string{
		`level=INFO msg="sign-in failed" part=imap session=` + list[0].ID + " remote=127.0.0.1 user=" + user + " protocol=imap mechanism=LOGIN",
		`level=INFO msg="signed in" part=imap session=` + list[0].ID + " remote=127.0.0.1 account=" + user + " protocol=imap mechanism=LOGIN",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s\nis not in\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), password) || strings.Contains(log.String(), "not the password") {
		t.Errorf("a password is in %s", log.String())
	}
}
