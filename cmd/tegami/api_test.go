package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCP10ThreeWays: the same command reaches the API on a data folder, through a running server's socket, and over HTTPS with a key, where
// the key says what it may.
func TestCP10ThreeWays(t *testing.T) {
	m := terminal{t, filepath.Join(t.TempDir(), "data")}
	state, stop := m.demo("--accounts", "100", "--password", "demo-password-1")
	user := state.Accounts[0].Address
	domain := user[strings.IndexByte(user, '@')+1:]
	m.admin("", "group", "add", "Sales", "--tenant", domain)
	if out := m.admin("", "group", "list", "--tenant", domain); !strings.Contains(out, "Sales") {
		t.Error(out)
	}
	m.refuse("group.exists", "", "group", "add", "Sales", "--tenant", domain)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(state.OwnerKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	remote := func(args ...string) (string, string, int) {
		return m.tegami("", append([]string{"admin", "--server", state.API, "--ca-file", state.CA, "--key-file", key}, args...)...)
	}
	if out, failure, code := remote("group", "list"); code != 0 || !strings.Contains(out, "Sales") {
		t.Errorf("exit %d: %s%s", code, out, failure)
	}
	if out, failure, code := remote("account", "show", user); code != 0 || !strings.Contains(out, user) {
		t.Errorf("exit %d: %s%s", code, out, failure)
	}
	if _, failure, code := remote("tenant", "list"); code != 1 || !strings.Contains(failure, "actor.denied") {
		t.Errorf("exit %d: %s", code, failure)
	}
	if _, failure, code := m.tegami("", "admin", "--server", "http://mail.example", "--key-file", key, "group", "list"); code != 1 || !strings.Contains(failure, "HTTPS") {
		t.Errorf("exit %d: %s", code, failure)
	}
	stop()
	if out := m.admin("", "group", "list", "--tenant", domain); !strings.Contains(out, "Sales") {
		t.Error(out)
	}
}

// TestCP10HelpShowsAll: help has the commands written by hand and those made from the description, each once.
func TestCP10HelpShowsAll(t *testing.T) {
	m := terminal{t, t.TempDir()}
	for line, want := range map[string][]string{
		"admin --help": {"smarthost", "  webhook", "  apply"}, "admin account --help": {"app-password", "  account suspend ACCOUNT"}, "admin group --help": {"set-members"},
		"admin account suspend --help": {"tegami admin account suspend ACCOUNT", "owner"},
	} {
		out, failure, code := m.tegami("", strings.Fields(line)...)
		for _, text := range want {
			if code != 0 || strings.Count(out, text) != 1 {
				t.Errorf("%s: exit %d, %d times %q\n%s%s", line, code, strings.Count(out, text), text, out, failure)
			}
		}
	}
}

// TestCP10Completion: the scripts ask the program, which knows the commands written by hand and those made from the description.
func TestCP10Completion(t *testing.T) {
	m := terminal{t, t.TempDir()}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out, _, code := m.tegami("", "completion", shell); code != 0 || !strings.Contains(out, "tegami complete --") {
			t.Errorf("%s: exit %d: %s", shell, code, out)
		}
	}
	for typed, want := range map[string]string{
		"": "serve ", "adm": "admin ", "admin acc": "account ", "admin gr": "group ", "admin account s": "suspend ", "admin account f": "forward ",
		"admin group add --d": "--description ",
	} {
		words := strings.Split(typed, " ")
		out, failure, code := m.tegami("", append([]string{"complete", "--"}, words...)...)
		if code != 0 || !strings.Contains("\n"+out, "\n"+want+"\n") {
			t.Errorf("%q: exit %d, no %q in %q %s", typed, code, want, out, failure)
		}
	}
}
