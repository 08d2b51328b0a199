package imap

import (
	"fmt"
	"testing"
)

func TestSelectParams(t *testing.T) {
	for in, want := range map[string]string{
		"(CONDSTORE)":                        "(CONDSTORE)",
		"(qresync (5 9) condstore)":          "(CONDSTORE QRESYNC (5 9))",
		"(QRESYNC (5 9 1:4))":                "(QRESYNC (5 9 1:4))",
		"(QRESYNC (5 9 (1,3 2,9)))":          "(QRESYNC (5 9 (1,3 2,9)))",
		"(QRESYNC (5 9 1:4,8 (1:2 2:3)))":    "(QRESYNC (5 9 1:4,8 (1:2 2:3)))",
		"(QRESYNC (0 9))":                    "",
		"(QRESYNC (5 0))":                    "",
		"(QRESYNC (5))":                      "",
		"(QRESYNC (5 9 1:*))":                "",
		"(QRESYNC (5 9 $))":                  "",
		"(QRESYNC (5 9 1 (1)))":              "",
		"(QRESYNC 5)":                        "",
		"(FROB)":                             "",
		"(QRESYNC (4294967296 9))":           "",
		"(QRESYNC (5 99999999999999999999))": "",
	} {
		var p SelectParams
		d := decode(in + "\r\n")
		got := ""
		if d.SelectParams(&p) && d.End() {
			got = string(p.AppendTo(nil))
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", in, got, want, d.Err())
		}
	}
}

// The example of RFC 7162 §3.2.5.2: of UIDs 3, 6, 9 … the pairs up to the last that fits.
func TestLastMatch(t *testing.T) {
	third := func(seq uint32) uint32 {
		if seq > 100 {
			return 0
		}
		return 3 * seq
	}
	for match, want := range map[string]uint32{
		"(4 12)": 12, "(4 13)": 0, "(4,12 12,37)": 12, "(4,12 13,36)": 36, "(1:3 3,6,9)": 9, "(1:3 3:5)": 3,
		"(50,200 150,600)": 150, "(1,2 3)": 3, "(1 3,6)": 3,
	} {
		var p SelectParams
		if d := decode("(QRESYNC (1 1 " + match + "))\r\n"); !d.SelectParams(&p) {
			t.Fatal(match, d.Err())
		}
		if got := p.LastMatch(third); got != want {
			t.Errorf("%s: %d, want %d", match, got, want)
		}
	}
}

func TestNotify(t *testing.T) {
	for in, want := range map[string]string{
		" NONE": " NONE",
		" set (SELECTED (messagenew MessageExpunge))": " SET (SELECTED (MessageNew MessageExpunge))",
		" SET STATUS (selected-delayed (MessageExpunge MessageNew (UID FLAGS) FlagChange)) (inboxes NONE)": " SET STATUS (SELECTED-DELAYED " +
			"(MessageNew (FLAGS UID) MessageExpunge FlagChange)) (INBOXES NONE)",
		" SET (mailboxes (inbox Lists/a) (MailboxName)) (subtree Lists (SubscriptionChange))": ` SET (MAILBOXES ("INBOX" "Lists/a") (MailboxName))` +
			` (SUBTREE ("Lists") (SubscriptionChange))`,
		" SET (personal (MessageNew MessageExpunge Frob))": " SET (PERSONAL (MessageNew MessageExpunge Frob))",
		" SET":                                                    "",
		" SET (personal ())":                                      "",
		" SET (nobody (MailboxName))":                             "",
		" SET (mailboxes () NONE)":                                "",
		" SET (selected (MailboxName))":                           "", // message events only (RFC 5465 §6.1)
		" SET (personal (MessageNew))":                            "", // both or none (RFC 5465 §5)
		" SET (personal (FlagChange))":                            "",
		" SET (selected NONE) (selected-delayed NONE)":            "",
		" SET (personal (MessageNew (UID) MessageExpunge))":       "", // FETCH for the selected mailbox only
		" SET (selected (MessageNew MessageExpunge (UID)))":       "",
		" SET (selected (MessageNew (UID) (UID) MessageExpunge))": "",
	} {
		var n Notify
		d := decode(in + "\r\n")
		got := ""
		if d.Notify(&n) && d.End() {
			got = string(n.AppendTo(nil))
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", in, got, want, d.Err())
		}
	}
}

// Unread and Feed carry octets between the layers of a connection.
func TestUnreadAndFeed(t *testing.T) {
	for _, n := range []int{0, 1, smallBuffer, smallBuffer + 1, largeBuffer} {
		d := decode("a1 COMPRESS DEFLATE\r\nrest")
		var word string
		d.Command()
		if !d.SP() || !d.Keyword(&word) || !d.End() || string(d.Unread()) != "rest" || d.Buffered() != 0 {
			t.Fatal(d.Err())
		}
		line := fmt.Sprintf("%*s", n, "x")
		d.Feed([]byte(line))
		if got := string(d.Unread()); got != line[:max(n, 1)] && n > 0 {
			t.Errorf("%d octets came back as %d", n, len(got))
		}
	}
	d := decode("")
	if d.Feed(make([]byte, largeBuffer+1)); d.Broken() == nil {
		t.Error("more than a buffer was taken")
	}
}
