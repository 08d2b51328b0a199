package sieved

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/sasl"
)

// TestScramEndsWithOK: the server's signature comes with OK (RFC 5804 §2.1), bound to the channel (RFC 9266).
func TestScramEndsWithOK(t *testing.T) {
	h := newHouse(t)
	conn, err := net.Dial("tcp", h.open(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	line := func() string {
		t.Helper()
		text, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(text, err)
		}
		return strings.TrimSuffix(text, "\r\n")
	}
	until := func(status string) string {
		t.Helper()
		for {
			if text := line(); strings.HasPrefix(text, status) {
				return text
			}
		}
	}
	send := func(w net.Conn, text string) { w.Write([]byte(text + "\r\n")) }
	until("OK")
	send(conn, "STARTTLS")
	until("OK")
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	in = bufio.NewReader(secure)
	until("OK")
	state := secure.ConnectionState()
	mech := sasl.NewScramClient(user, password, sasl.Channel{TLS: &state}, true)
	first, err := mech.Next(nil)
	if err != nil {
		t.Fatal(err)
	}
	send(secure, `AUTHENTICATE "`+mech.Mechanism()+`" "`+base64.StdEncoding.EncodeToString(first)+`"`)
	challenge, err := base64.StdEncoding.DecodeString(strings.Trim(line(), `"`))
	if err != nil {
		t.Fatal(err)
	}
	final, err := mech.Next(challenge)
	if err != nil {
		t.Fatal(err)
	}
	send(secure, `"`+base64.StdEncoding.EncodeToString(final)+`"`)
	end := line()
	signature, ok := strings.CutPrefix(end, `OK (SASL "`)
	signature, _, closed := strings.Cut(signature, `"`)
	data, err := base64.StdEncoding.DecodeString(signature)
	if !ok || !closed || err != nil {
		t.Fatal(end, err)
	}
	if _, err := mech.Next(data); err != nil {
		t.Error(err)
	}
	if mech.Mechanism() != sasl.ScramPlus {
		t.Errorf("used %s", mech.Mechanism())
	}
}

// TestVerbsTakeWhatTheyName: the table's letters are known.
func TestVerbsTakeWhatTheyName(t *testing.T) {
	for name, v := range verbs {
		if strings.Trim(v.args, "sn?") != "" || v.run == nil || v.allowed == 0 || name != strings.ToUpper(name) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestCodes: what a program can act upon (RFC 5804 §1.3).
func TestCodes(t *testing.T) {
	for _, c := range []struct {
		kind mail.Kind
		key  string
		want string
	}{
		{mail.Full, "script.too_many", "QUOTA/MAXSCRIPTS"},
		{mail.Full, "script.too_big", "QUOTA/MAXSIZE"},
		{mail.Full, "script.no_room", "QUOTA"},
		{mail.Denied, "auth.needs_tls", "ENCRYPT-NEEDED"},
		{mail.Busy, "auth.locked", "TRYLATER"},
		{mail.Denied, "auth.failed", ""},
		{mail.Invalid, "sieved.not_now", ""},
	} {
		if got := codeOf(&mail.Error{Op: "test", Kind: c.kind, Text: c.key}); string(got) != c.want {
			t.Errorf("%s: %q, want %q", c.key, got, c.want)
		}
	}
}

// TestRevokedSignInEndsTheSession: who may not act any more hears so, and is cut off.
func TestRevokedSignInEndsTheSession(t *testing.T) {
	h := newHouse(t)
	conn, err := net.Dial("tcp", h.open(t, func(c *Config) { inClear(c); c.Limits.Sweep = 10 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	until := func(status string) {
		t.Helper()
		for {
			text, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(text, status) {
				return
			}
		}
	}
	until("OK")
	fmt.Fprintf(conn, "AUTHENTICATE \"PLAIN\" \"%s\"\r\n", base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)))
	until("OK")
	a, _ := mail.ParseAddress(user)
	target, err := h.dir.Resolve(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	err = h.dir.Company(target.Tenant).SetAccountState(t.Context(), directory.Operator("test", ""), target.Account.ID, directory.AccountSuspended)
	if err != nil {
		t.Fatal(err)
	}
	until("BYE")
	if _, err := in.ReadByte(); err == nil {
		t.Error("the session goes on")
	}
}
