package main

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net/smtp"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/directory"
)

// TestAdminWhileServing runs admin commands beside a server that has the state for itself: they reach it, read what they read here, and are
// logged under the operator's name.
func TestAdminWhileServing(t *testing.T) {
	m := terminal{t, filepath.Join(t.TempDir(), strings.Repeat("a-long-name-", 12))} // longer than a socket's name may be
	_, stop := m.demo("--accounts", "100", "--password", "demo-password-1")
	defer stop()
	list := fromJSON[[]accountRow](t, m.admin("", "--json", "account", "list"))
	if len(list) < 100 {
		t.Fatalf("%d accounts", len(list))
	}
	domain := list[0].Address[strings.IndexByte(list[0].Address, '@')+1:]
	m.admin("a-good-passphrase-7\n", "account", "set", "--set-password", list[0].Address)
	m.refuse("There is no account", "", "account", "show", "nobody@"+domain)
	m.refuse("password", "\n", "account", "set", "--set-password", list[0].Address)
	if _, failure, code := m.tegami("", "admin", "--data", m.data, "account", "no-such-verb"); code != 2 || failure == "" {
		t.Errorf("an unknown verb: %d %q", code, failure)
	}
	settings := fromJSON[settingsRow](t, m.admin("", "--json", "tenant", "settings", domain, "--account-rate", "100/500", "--domain-rate", "100/500"))
	if want := (directory.Rate{Hour: 100, Day: 500}); settings.AccountRate != want || settings.DomainRate != want || settings.TenantRate != (directory.Rate{}) {
		t.Errorf("two limits of the same numbers: %+v", settings)
	}
	if out := m.admin("", "account", "add", "--help"); !strings.Contains(out, "address") {
		t.Errorf("help: %q", out)
	}
}

// TestAppPasswordsAndSessions: an app password lets a program in, the list of sessions shows it, and taken back it is out.
func TestAppPasswordsAndSessions(t *testing.T) {
	m := terminal{t, filepath.Join(t.TempDir(), "data")}
	state, stop := m.demo("--accounts", "100", "--password", "demo-password-1")
	defer stop()
	user := state.Accounts[0].Address
	made := fromJSON[appPasswordRow](t, m.admin("", "--json", "account", "app-password", "add", user, "telephone", "--scope", "pop3", "--scope", "smtp"))
	if made.Name != "telephone" || len(made.Scopes) != 2 || len(made.Password) < 26 || made.ID.IsZero() {
		t.Fatalf("%+v", made)
	}
	conn, err := tls.Dial("tcp", state.POP3S, trust(t, state.CA))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, line := range []string{"", "USER " + user, "PASS " + made.Password, "NOOP"} {
		if line != "" {
			io.WriteString(conn, line+"\r\n")
		}
		if answer, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(answer, "+OK") {
			t.Fatal(line, answer, err)
		}
	}
	list := fromJSON[[]sessionRow](t, m.admin("", "--json", "account", "sessions", user))
	if len(list) != 1 || list[0].Protocol != "pop3s" || list[0].Address != user || list[0].Command != "NOOP" || list[0].TLS == "" || list[0].Remote != "127.0.0.1" {
		t.Errorf("%+v", list)
	}
	if all := m.admin("", "account", "sessions"); !strings.Contains(all, list[0].ID) {
		t.Error(all)
	}
	listed := fromJSON[[]appPasswordRow](t, m.admin("", "--json", "account", "app-password", "list", user))
	if len(listed) != 1 || listed[0].Password != "" || listed[0].Used.IsZero() || listed[0].Created.IsZero() {
		t.Errorf("%+v", listed)
	}
	m.refuse("There is no app password", "", "account", "app-password", "revoke", user, "0000000000000")
	m.refuse("Name the app passwords", "", "account", "app-password", "revoke", user)
	m.admin("", "account", "app-password", "revoke", user, made.ID.String())
	if answer, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(answer, "-ERR The password this session signed in with") {
		t.Error(answer, err)
	}
	m.admin("", "account", "app-password", "add", user, "tablet")
	m.admin("", "account", "app-password", "revoke", user, "--all")
	if left := m.admin("", "--json", "account", "app-password", "list", user); strings.TrimSpace(left) != "[]" {
		t.Error(left)
	}
}

// TestRevocationEverywhere: an operator changes a password, and every session that signed in with it is over soon, at
// each door in its own words.
func TestRevocationEverywhere(t *testing.T) {
	m := terminal{t, filepath.Join(t.TempDir(), "data")}
	state, stop := m.demo("--accounts", "100", "--password", "demo-password-1")
	defer stop()
	user := state.Accounts[0].Address
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00demo-password-1"))
	sessions := []struct {
		name, addr string
		dialog     []string // a command, and how its last line begins
		end        string
	}{
		{"IMAP", state.IMAPS, []string{"", "* OK", "a LOGIN " + user + " demo-password-1", "a OK"}, "* BYE The password"},
		{"IDLE", state.IMAPS, []string{"", "* OK", "a LOGIN " + user + " demo-password-1", "a OK", "b SELECT INBOX", "b OK", "c IDLE", "+"}, "* BYE The password"},
		{"POP3", state.POP3S, []string{"", "+OK", "USER " + user, "+OK", "PASS demo-password-1", "+OK"}, "-ERR The password"},
		{"submission", state.SMTPS, []string{"", "220 ", "EHLO client.example", "250 ", "AUTH PLAIN " + plain, "235 "}, "421 4.7.0"},
	}
	readers := make([]*bufio.Reader, len(sessions))
	for i, s := range sessions {
		conn, err := tls.Dial("tcp", s.addr, trust(t, state.CA))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		readers[i] = bufio.NewReader(conn)
		for j := 0; j < len(s.dialog); j += 2 {
			if s.dialog[j] != "" {
				io.WriteString(conn, s.dialog[j]+"\r\n")
			}
			for line := ""; !strings.HasPrefix(line, s.dialog[j+1]); {
				if line, err = readers[i].ReadString('\n'); err != nil {
					t.Fatalf("%s: %s: %v", s.name, s.dialog[j], err)
				}
			}
		}
	}
	m.admin("another good password\n", "account", "set", "--set-password", user)
	began := time.Now()
	for i, s := range sessions {
		rest, err := io.ReadAll(readers[i])
		if err != nil || !strings.HasPrefix(string(rest), s.end) {
			t.Errorf("%s: %q, %v", s.name, rest, err)
		}
		t.Logf("%s ended after %v", s.name, time.Since(began))
	}
}

// TestOperatorsQueue does on a running server what an operator does when an account was stolen, and with what waits.
func TestOperatorsQueue(t *testing.T) {
	m := terminal{t, filepath.Join(t.TempDir(), "data")}
	state, stop := m.demo("--accounts", "100", "--password", "demo-password-1")
	defer stop()
	from := state.Accounts[0].Address
	send(t, state, from, "somebody@other.example") // nobody is there to take it
	waiting := func(state string) []itemRow {
		t.Helper()
		return fromJSON[[]itemRow](t, m.admin("", "--json", "queue", "list", "--state", state))
	}
	list := waiting("waiting")
	if len(list) != 1 || list[0].Route != "remote other.example" {
		t.Fatalf("waiting: %+v", list)
	}
	if routes := fromJSON[[]routeRow](t, m.admin("", "--json", "queue", "routes")); len(routes) != 1 || routes[0].Items != 1 {
		t.Errorf("routes: %+v", routes)
	}
	id, domain := list[0].ID.String(), "--tenant="+from[strings.IndexByte(from, '@')+1:]
	until(t, "it was tried", func() bool {
		return fromJSON[itemRow](t, m.admin("", "queue", "show", id, domain)).Attempts > 0
	})
	show := fromJSON[itemRow](t, m.admin("", "queue", "show", id, domain))
	if r := show.Recipients[0]; r.Outcome != "waiting" || r.Reason == "" || !strings.HasPrefix(r.Status, "4.") {
		t.Errorf("what is known of it: %+v", show)
	}
	m.refuse("", "", "queue", "flush")
	m.admin("", "queue", "flush", "--route", "remote other.example")
	until(t, "it is held", func() bool { // unless it is just being tried
		m.admin("", "account", "sending", "--stop", from)
		return len(waiting("held")) == 1
	})
	if err := trySend(t, state, from, "somebody@other.example"); err == nil || !strings.Contains(err.Error(), "5.7.1") {
		t.Errorf("a stopped account sends: %v", err)
	}
	m.admin("", "account", "sending", "--resume", from)
	m.admin("", "queue", "delete", id, domain)
	until(t, "its sender was told", func() bool {
		for _, it := range waiting("settled") {
			if it.From == "<>" && it.Recipients[0].Address == from {
				return true
			}
		}
		return false
	})
}

// until waits for something to come true.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("never: %s", what)
		}
	}
}

// send submits a message, which must work.
func send(t *testing.T, state demoState, from, to string) {
	t.Helper()
	if err := trySend(t, state, from, to); err != nil {
		t.Fatal(err)
	}
}

// trySend submits a message over TLS.
func trySend(t *testing.T, state demoState, from, to string) error {
	t.Helper()
	c, err := smtp.Dial(state.Submission)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.StartTLS(trust(t, state.CA)); err != nil {
		t.Fatal(err)
	}
	if err := c.Auth(smtp.PlainAuth("", from, state.Accounts[0].Password, "127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Mail(from), c.Rcpt(to)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "From: "+from+"\r\nTo: "+to+"\r\nSubject: x\r\n\r\nHello.\r\n")
	return errors.Join(err, w.Close())
}
