package pop3d

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"tegami/mailbox"
	"tegami/store/faulty"
)

// uniqueIDs asks for the list of ids, by id.
func (c *client) uniqueIDs() map[string]bool {
	c.t.Helper()
	c.ask("UIDL")
	ids := map[string]bool{}
	for line := range strings.Lines(c.body()) {
		_, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		ids[id] = true
	}
	return ids
}

// TestQuitIsAtomic: when QUIT cannot delete all that was marked it deletes nothing, and says so (RFC 1939 §6).
func TestQuitIsAtomic(t *testing.T) {
	h := newHouse(t)
	var plan faulty.Plan
	h.boxes = mailbox.New(faulty.Wrap(h.store, &plan), h.dir, mailbox.Config{})
	addr := h.open(t, inClear)
	for _, point := range []faulty.Point{faulty.Update, faulty.Commit} {
		c := dial(t, addr)
		c.signIn()
		c.ask("DELE 1")
		c.ask("DELE 3")
		plan.Fail(point, 1, faulty.DiskFull)
		c.send("QUIT")
		c.expect("-ERR [SYS/TEMP] ")
		if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
		if n := h.count(t); n != len(messages) {
			t.Fatalf("%d messages are left", n)
		}
	}
	c := dial(t, addr)
	c.signIn()
	c.ask("DELE 1")
	c.ask("DELE 3")
	c.ask("QUIT")
	if n := h.count(t); n != len(messages)-2 {
		t.Errorf("%d messages are left", n)
	}
}

// TestLostConnectionsDeleteNothing: whatever was marked, only QUIT deletes (RFC 1939 §6), not an end or a time that is over.
func TestLostConnectionsDeleteNothing(t *testing.T) {
	h := newHouse(t)
	addr := h.open(t, func(c *Config) { c.AllowPlainAuth, c.Limits.Idle = true, 50*time.Millisecond })
	c := dial(t, addr)
	c.signIn()
	c.ask("DELE 1")
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil { // it says nothing more
		t.Errorf("%q, %v", rest, err)
	}
	if n := h.count(t); n != len(messages) {
		t.Errorf("%d messages are left", n)
	}
}

// TestUniqueIDsStay: the ids of messages outlive sessions, processes and what happens to other messages (RFC 1939 §7).
func TestUniqueIDsStay(t *testing.T) {
	h := newHouse(t)
	c := dial(t, h.open(t, inClear))
	c.signIn()
	before := c.uniqueIDs()
	gone := strings.Fields(c.ask("UIDL 2"))[2]
	c.ask("DELE 2")
	c.ask("QUIT")
	h.put(t, messages[0])
	h.boxes = mailbox.New(h.store, h.dir, mailbox.Config{})
	c = dial(t, h.open(t, inClear))
	c.signIn()
	after := c.uniqueIDs()
	c.ask("QUIT")
	delete(before, gone)
	for id := range maps.Keys(before) {
		if !after[id] {
			t.Errorf("%s is gone", id)
		}
	}
	if after[gone] || len(after) != len(messages) {
		t.Errorf("%v", after)
	}
}

// TestMarkedMessages: what is marked is counted nowhere and can't be asked for, until RSET.
func TestMarkedMessages(t *testing.T) {
	h := newHouse(t)
	c := dial(t, h.open(t, inClear))
	c.signIn()
	all := c.ask("STAT")
	c.ask("DELE 4")
	small := len(messages[0]) + len(messages[1]) + len(messages[2])
	if got := c.ask("STAT"); got != fmt.Sprintf("+OK 3 %d", small) {
		t.Error(got)
	}
	if n := len(c.uniqueIDs()); n != 3 {
		t.Errorf("%d ids", n)
	}
	for _, command := range []string{"DELE 4", "RETR 4", "TOP 4 0", "LIST 4", "UIDL 4"} {
		c.send(command)
		c.expect("-ERR There is no message 4.")
	}
	c.ask("RSET")
	if got := c.ask("STAT"); got != all {
		t.Errorf("%q, want %q", got, all)
	}
	c.ask("QUIT")
}
