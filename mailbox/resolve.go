package mailbox

import (
	"sync"

	"tegami/mail"
	"tegami/store"
)

// maxKnownPaths is how many paths the service remembers; past it, it begins anew.
const maxKnownPaths = 1 << 16

// pathCache remembers which mailbox a path led to, so that finding INBOX in a box with thousands of
// mailboxes reads one row. What it says is checked against the row each time.
type pathCache struct {
	mu    sync.Mutex
	known map[pathKey]mail.MailboxID
}

type pathKey struct {
	tenant  mail.TenantID
	account mail.AccountID
	path    string
}

func (c *pathCache) get(k pathKey) mail.MailboxID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[k]
}

func (c *pathCache) put(k pathKey, id mail.MailboxID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnownPaths {
		clear(c.known)
	}
	c.known[k] = id
}

// find gives the mailbox at a path of an account. NotFound "mailbox.unknown".
func (c *pathCache) find(r store.Reader, tenant mail.TenantID, acc mail.AccountID, levels []string) (store.Mailbox, error) {
	key := pathKey{tenant, acc, joinPath(levels)}
	if id := c.get(key); id != 0 {
		if m, ok := standsAt(r, id, acc, levels); ok {
			return m, nil
		}
	}
	m, err := findMailbox(r, acc, levels)
	if err == nil {
		c.put(key, m.ID)
	}
	return m, err
}

// standsAt tells whether a mailbox still is the one at a path, reading a row for each level.
func standsAt(r store.Reader, id mail.MailboxID, acc mail.AccountID, levels []string) (found store.Mailbox, ok bool) {
	for i := len(levels) - 1; i >= 0; i-- {
		m, err := r.Mailbox(id)
		if err != nil || m.Account != acc || m.Name != levels[i] {
			return found, false
		}
		if i == len(levels)-1 {
			found = m
		}
		id = m.Parent
	}
	return found, id == 0
}

// findMailbox looks through all mailboxes of an account. NotFound "mailbox.unknown".
func findMailbox(r store.Reader, acc mail.AccountID, levels []string) (store.Mailbox, error) {
	all, err := r.Mailboxes(acc)
	if err != nil {
		return store.Mailbox{}, err
	}
	m, depth := descend(all, levels)
	if depth < len(levels) {
		return store.Mailbox{}, mail.E("mailbox.find", mail.NotFound, "mailbox.unknown", joinPath(levels))
	}
	return m, nil
}

// descend follows a path as far as there are mailboxes: it gives the last found and how many levels
// it came down.
func descend(all []store.Mailbox, levels []string) (last store.Mailbox, depth int) {
	for depth < len(levels) {
		next := childOf(all, last.ID, levels[depth])
		if next < 0 {
			break
		}
		last = all[next]
		depth++
	}
	return last, depth
}

// childOf gives the index of the mailbox of that name below a parent, or -1.
func childOf(all []store.Mailbox, parent mail.MailboxID, name string) int {
	for i := range all {
		if all[i].Parent == parent && all[i].Name == name {
			return i
		}
	}
	return -1
}
