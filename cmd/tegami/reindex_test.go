package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestReindex makes indexes anew beside a server, and shows them.
func TestReindex(t *testing.T) {
	m := terminal{t, filepath.Join(t.TempDir(), "data")}
	state, stop := m.demo("--accounts", "100", "--password", "demo-password-1")
	defer stop()
	from, to := state.Accounts[0].Address, state.Accounts[1].Address
	send(t, state, from, to)
	until(t, "the message is in the index", func() bool {
		rows := fromJSON[[]indexRow](t, m.admin("", "--json", "reindex", "--account", to))
		return len(rows) == 1 && rows[0].Address == to && rows[0].Messages > 0 && rows[0].Segments > 0 && rows[0].Size > 0 && rows[0].Skipped == 0
	})
	domain := to[strings.IndexByte(to, '@')+1:]
	rows := fromJSON[[]indexRow](t, m.admin("", "--json", "reindex", "--show", "--tenant", domain))
	found := false
	for _, r := range rows {
		found = found || r.Address == to && r.Messages > 0 && r.Took == 0
	}
	if !found || len(rows) < 2 {
		t.Errorf("%d rows: %+v", len(rows), rows[:min(3, len(rows))])
	}
	if table := m.admin("", "reindex", "--account", to); !strings.Contains(table, to) || !strings.Contains(table, " MB") {
		t.Error(table)
	}
	m.refuse("There is no account", "", "reindex", "--account", "nobody@"+domain)
}
