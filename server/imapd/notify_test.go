package imapd

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// A client that asks for the mailboxes of more accounts than are watched is refused; where more come to be, it is told that it hears no
// more, and then hears no more (RFC 5465 §5.8).
func TestNotifyOverflow(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	reader := h.user(t, "alpha.example")
	enter := func(user string) *client {
		c := dial(t, addr)
		c.SetDeadline(time.Now().Add(time.Minute))
		c.do(t, "LOGIN "+user+" \""+password+"\"")
		return c
	}
	var owners []*client
	for range maxWatched + 1 {
		c := enter(h.user(t, "alpha.example"))
		c.do(t, "CREATE Shared")
		owners = append(owners, c)
	}
	last := owners[maxWatched]
	for _, c := range owners {
		c.do(t, "SETACL Shared "+reader+" lr")
	}
	c := enter(reader)
	fmt.Fprint(c, "a NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge))\r\n")
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "a NO [NOTIFICATIONOVERFLOW] ") {
		t.Fatal(line, err)
	}
	last.do(t, "DELETEACL Shared "+reader)
	c.do(t, "NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge))")
	last.do(t, "SETACL Shared "+reader+" lr")
	owners[0].do(t, "APPEND Shared {1+}\r\nx") // wakes the reader
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "* OK [NOTIFICATIONOVERFLOW] ") {
		t.Fatal(line, err)
	}
	owners[0].do(t, "APPEND Shared {1+}\r\nx")
	io.WriteString(c, "b NOOP\r\n")
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "b OK ") {
		t.Error(line, err)
	}
}
