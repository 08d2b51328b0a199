package imapd

import (
	"fmt"
	"strings"
	"testing"
)

// Who asks for the mailboxes of more colleagues than a session watches is refused, and told when they become too many; then it
// hears nothing more (RFC 5465 §3.1, §5.8).
func TestNotifyOverflow(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	login := func(user string) *client {
		c := dial(t, addr)
		t.Cleanup(func() { c.Close() })
		c.do(t, "LOGIN "+user+" \""+password+"\"")
		return c
	}
	reader := h.user(t, "alpha.example")
	c := login(reader)
	const ask = `NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge))`
	var last *client
	for range maxWatched {
		last = login(h.user(t, "alpha.example"))
		last.do(t, "SETACL INBOX "+reader+" lr")
	}
	c.do(t, ask)
	login(h.user(t, "alpha.example")).do(t, "SETACL INBOX "+reader+" lr")
	must(t, c.until("", "* OK [NOTIFICATIONOVERFLOW] "))
	last.do(t, "APPEND INBOX {5+}\r\na: b\n")
	fmt.Fprintf(c, "n NOOP\r\nt %s\r\n", ask)
	for _, want := range []string{"n OK NOOP", "t NO [NOTIFICATIONOVERFLOW] "} {
		if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("%q %v; want %s", line, err, want)
		}
	}
}
