package sql

import (
	"testing"

	"tegami/mail"
	"tegami/store"
)

// TestCacheTrim: rows that stay after a trim share the counters of their account, as before.
func TestCacheTrim(t *testing.T) {
	const limit = 100
	c := NewCache(1)
	for i := range 3 * limit {
		a := mail.AccountID(i/3 + 1)
		if c.boxes[a] == nil {
			c.boxes[a] = &boxRow{account: a, exists: true}
		}
		id := mail.MailboxID(i + 1)
		c.mailboxes[id] = &mailboxRow{Mailbox: store.Mailbox{ID: id, Account: a}, box: c.boxes[a]}
	}
	c.Trim(3 * limit)
	if len(c.mailboxes) != 3*limit {
		t.Errorf("%d mailboxes are left of %d within the limit", len(c.mailboxes), 3*limit)
	}
	c.Trim(limit)
	if len(c.mailboxes) > limit || len(c.boxes) > limit {
		t.Errorf("%d mailboxes and %d accounts are left, want at most %d", len(c.mailboxes), len(c.boxes), limit)
	}
	for _, m := range c.mailboxes {
		if c.boxes[m.Account] != m.box {
			t.Errorf("mailbox %d has counters of its own", m.ID)
		}
	}
}
