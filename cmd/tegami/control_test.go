package main

import (
	"path/filepath"
	"strings"
	"testing"
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
	if out := m.admin("", "account", "add", "--help"); !strings.Contains(out, "address") {
		t.Errorf("help: %q", out)
	}
}
