package imapd

import (
	"fmt"
	"strings"
	"testing"

	"tegami/mailbox"
	"tegami/store/faulty"
)

// TestStoreHalfway: a STORE of many messages that fails after it changed some tells of these, also where it was to be silent: its
// client takes a NO for nothing done.
func TestStoreHalfway(t *testing.T) {
	const messages = 1500 // two commits
	for _, silent := range []string{"", ".SILENT"} {
		h := newHouse(t)
		var plan faulty.Plan
		h.boxes = mailbox.New(faulty.Wrap(h.store, &plan), h.dir, mailbox.Config{})
		addr := h.door(t, Config{AllowPlainAuth: true})
		user := h.user(t, "alpha.example")
		h.multiply(t, user, messages)
		c := dialRaw(t, addr, user)
		c.ok("SELECT INBOX")
		plan.Fail(faulty.Update, 2, faulty.DiskFull)
		told := 0
		for _, command := range []string{"STORE 1:* +FLAGS" + silent + ` (\Flagged)`, "NOOP"} {
			fmt.Fprintf(c.conn, "b %s\r\n", command)
			line := c.line()
			for ; !strings.HasPrefix(line, "b "); line = c.line() {
				if strings.Contains(line, `FETCH (FLAGS (\Flagged`) {
					told++
				}
			}
			if failed := strings.HasPrefix(line, "b NO"); failed != (command != "NOOP") {
				t.Fatal(line)
			}
		}
		flagged := 0
		fmt.Fprintf(c.conn, "c SEARCH RETURN (COUNT) FLAGGED\r\n")
		if _, err := fmt.Sscanf(c.line(), `* ESEARCH (TAG "c") COUNT %d`, &flagged); err != nil {
			t.Fatal(err)
		}
		if told != flagged || flagged == 0 || flagged == messages {
			t.Errorf("STORE%s: told of %d, and %d are flagged", silent, told, flagged)
		}
	}
}

// TestFetchOfUnreadable: a message that cannot be read was marked as seen before, and the client is told so.
func TestFetchOfUnreadable(t *testing.T) {
	h := newHouse(t)
	var plan faulty.Plan
	h.boxes = mailbox.New(faulty.Wrap(h.store, &plan), h.dir, mailbox.Config{})
	c := dialRaw(t, h.door(t, Config{AllowPlainAuth: true}), h.user(t, "alpha.example"))
	c.ok("APPEND INBOX {14+}\r\nSubject: a\r\n\r\n")
	c.ok("SELECT INBOX")
	plan.Fail(faulty.Open, 1, faulty.DiskFull)
	fmt.Fprintf(c.conn, "b FETCH 1 BODY[]\r\n")
	c.expect("* 1 FETCH (UID 1 FLAGS (\\Seen))\r\nb NO ")
}
