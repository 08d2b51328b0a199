package sql

import (
	"tegami/mail"
	"tegami/store"
)

// Cache holds rows of box and mailbox, and the end of the operation log, as the transactions
// that went through it left them. A backend with one writer keeps it between transactions and must Drop
// it when a transaction did not commit; a backend with several begins each transaction with an empty one.
type Cache struct {
	boxes     map[mail.AccountID]*boxRow
	mailboxes map[mail.MailboxID]*mailboxRow
	tenant    mail.TenantID
	lastAct   store.Link // of the operation log
	actKnown  bool
}

type boxRow struct {
	account  mail.AccountID
	box      store.Box
	validity uint32 // the last UIDVALIDITY given to a mailbox of this account
	exists   bool   // false: known not to be there
	dirty    bool
}

type mailboxRow struct {
	store.Mailbox
	box   *boxRow
	dirty bool
}

// NewCache makes an empty cache for a tenant; zero is the platform.
func NewCache(tenant mail.TenantID) *Cache {
	return &Cache{tenant: tenant, boxes: make(map[mail.AccountID]*boxRow), mailboxes: make(map[mail.MailboxID]*mailboxRow)}
}

// Drop forgets everything.
func (c *Cache) Drop() {
	clear(c.boxes)
	clear(c.mailboxes)
	c.lastAct, c.actKnown = store.Link{}, false
}

// Trim forgets rows until at most limit mailboxes are left. Between transactions only.
func (c *Cache) Trim(limit int) {
	if len(c.mailboxes) <= limit && len(c.boxes) <= limit {
		return
	}
	for id := range c.mailboxes { // in random order
		if len(c.mailboxes) <= limit/2 {
			break
		}
		delete(c.mailboxes, id)
	}
	clear(c.boxes)
	for _, m := range c.mailboxes {
		c.boxes[m.Account] = m.box
	}
}

// Box gives the counters of an account if they are known.
func (c *Cache) Box(a mail.AccountID) (store.Box, bool) {
	if row := c.boxes[a]; row != nil {
		return row.box, true
	}
	return store.Box{}, false
}
