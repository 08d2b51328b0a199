package sql

import (
	"strings"

	"tegami/mail"
	"tegami/store"
)

// maxDepth is how many mailboxes may stand above one another.
const maxDepth = 100

// holdBox holds an account's counters for this transaction. Without a row in the table, exists is false.
func (t *Tx) holdBox(op mail.Op, a mail.AccountID) (*boxRow, error) {
	if row := t.cache.boxes[a]; row != nil {
		return row, nil
	}
	row := &boxRow{account: a}
	t.args.Reset().Int(int64(a))
	err := t.rows(op, qBoxLock, func(r Row) bool {
		row = scanBox(r)
		return false
	})
	if err != nil {
		return nil, err
	}
	t.cache.boxes[a] = row
	return row, nil
}

// holdMailbox holds a mailbox's counters and those of its account, these first. NotFound if there is none.
func (t *Tx) holdMailbox(op mail.Op, id mail.MailboxID) (*mailboxRow, error) {
	if row := t.cache.mailboxes[id]; row != nil {
		return row, nil
	}
	box, err := t.holdBoxOf(op, id)
	if err != nil {
		return nil, err
	}
	row := &mailboxRow{box: box}
	t.args.Reset().Int(int64(id))
	err = t.rows(op, qMailbox, func(r Row) bool {
		row.Mailbox = scanMailbox(r)
		return false
	})
	if err == nil && row.ID == 0 {
		err = mail.E(op, mail.NotFound, "mailbox.unknown")
	}
	if err != nil {
		return nil, err
	}
	t.cache.mailboxes[id] = row
	return row, nil
}

// holdBoxOf holds the counters of the account a mailbox belongs to.
func (t *Tx) holdBoxOf(op mail.Op, id mail.MailboxID) (*boxRow, error) {
	var row *boxRow
	t.args.Reset().Int(int64(id))
	err := t.rows(op, qBoxLockByMailbox, func(r Row) bool {
		row = scanBox(r)
		return false
	})
	if err == nil && row == nil {
		err = mail.E(op, mail.NotFound, "mailbox.unknown")
	}
	if err != nil {
		return nil, err
	}
	if known := t.cache.boxes[row.account]; known != nil {
		return known, nil
	}
	t.cache.boxes[row.account] = row
	return row, nil
}

// next gives the account's next ModSeq and notes that its counters changed.
func (t *Tx) next(b *boxRow) mail.ModSeq {
	t.wrote = true
	if !b.dirty {
		b.dirty = true
		t.boxes = append(t.boxes, b)
	}
	b.box.ModSeq++
	return b.box.ModSeq
}

// touch gives a mailbox the ModSeq of its last change and notes that its counters changed.
func (t *Tx) touch(m *mailboxRow, n mail.ModSeq) {
	if !m.dirty {
		m.dirty = true
		t.mailboxes = append(t.mailboxes, m)
	}
	m.ModSeq = n
}

// Box gives the counters of an account, and holds them.
func (t *Tx) Box(a mail.AccountID) (store.Box, error) {
	row, err := t.holdBox("store.Box", a)
	if err != nil {
		return store.Box{}, err
	}
	return row.box, nil
}

// Mailbox gives one mailbox, and holds its counters.
func (t *Tx) Mailbox(id mail.MailboxID) (store.Mailbox, error) {
	row, err := t.holdMailbox("store.Mailbox", id)
	if err != nil {
		return store.Mailbox{}, err
	}
	return row.Mailbox, nil
}

// CreateMailbox makes a mailbox.
func (t *Tx) CreateMailbox(m store.Mailbox) (store.Mailbox, error) {
	const op mail.Op = "store.CreateMailbox"
	box, err := t.openBox(op, m.Account)
	if err != nil {
		return store.Mailbox{}, err
	}
	if err := t.idFree(op, m.ID); err != nil {
		return store.Mailbox{}, err
	}
	if m.ID == 0 {
		m.ID = mail.MailboxID(t.ids.Next())
	}
	if err := t.placeFree(op, m); err != nil {
		return store.Mailbox{}, err
	}
	box.validity = max(box.validity+1, uint32(t.now.Unix()))
	m.UIDValidity, m.UIDNext, m.ModSeq = box.validity, 1, t.next(box)
	m.Messages, m.Unseen, m.Deleted, m.Size = 0, 0, 0, 0
	m.Made, m.Changed = m.ModSeq, m.ModSeq
	t.args.Reset().Int(int64(m.ID)).Int(int64(m.Account)).Int(int64(m.Parent)).Text(m.Name).Text(m.Role).
		Bool(m.Subscribed).Int(int64(m.UIDValidity)).Int(int64(m.UIDNext)).Int(int64(m.ModSeq)).
		Int(int64(m.Made)).Int(int64(m.Changed)).Int(int64(m.Place))
	if err := t.change(op, qInsertMailbox); err != nil {
		return store.Mailbox{}, err
	}
	t.cache.mailboxes[m.ID] = &mailboxRow{Mailbox: m, box: box}
	return m, nil
}

// openBox holds an account's counters, making the row if need be.
func (t *Tx) openBox(op mail.Op, a mail.AccountID) (*boxRow, error) {
	if a <= 0 {
		return nil, mail.E(op, mail.Invalid, "account.id")
	}
	box, err := t.holdBox(op, a)
	if err != nil || box.exists {
		return box, err
	}
	t.args.Reset().Int(int64(a))
	if err := t.change(op, qInsertBox); err != nil {
		return nil, err
	}
	delete(t.cache.boxes, a) // another writer may have made it first
	return t.holdBox(op, a)
}

// idFree checks that an id the caller brought is not in use.
func (t *Tx) idFree(op mail.Op, id mail.MailboxID) error {
	if id == 0 {
		return nil
	}
	_, err := t.holdMailbox(op, id)
	switch {
	case mail.Is(err, mail.NotFound):
		return nil
	case err != nil:
		return err
	}
	return mail.E(op, mail.Conflict, "mailbox.exists")
}

// placeFree checks that m can stand where it wants to: its parent exists in the same account, no sibling has
// its name, no other mailbox its role.
func (t *Tx) placeFree(op mail.Op, m store.Mailbox) error {
	if m.Name == "" {
		return mail.E(op, mail.Invalid, "mailbox.name")
	}
	if err := t.above(op, m); err != nil {
		return err
	}
	t.args.Reset().Int(int64(m.Account)).Int(int64(m.Parent)).Text(m.Name)
	sibling, found, err := t.number(op, qSibling)
	if err == nil && found && mail.MailboxID(sibling) != m.ID {
		err = mail.E(op, mail.Conflict, "mailbox.exists", m.Name)
	}
	if err != nil || m.Role == "" {
		return err
	}
	t.args.Reset().Int(int64(m.Account)).Text(m.Role)
	holder, found, err := t.number(op, qRoleHolder)
	if err == nil && found && mail.MailboxID(holder) != m.ID {
		err = mail.E(op, mail.Conflict, "mailbox.exists", m.Role)
	}
	return err
}

// above walks from m's parent to the top: all are of its account, and m is none of them.
func (t *Tx) above(op mail.Op, m store.Mailbox) error {
	up := m.Parent
	for range maxDepth {
		if up == 0 {
			return nil
		}
		if up == m.ID {
			return mail.E(op, mail.Invalid, "mailbox.loop")
		}
		parent, err := t.holdMailbox(op, up)
		if err != nil {
			return err
		}
		if parent.Account != m.Account {
			return mail.E(op, mail.NotFound, "mailbox.unknown")
		}
		up = parent.Parent
	}
	return mail.E(op, mail.Invalid, "mailbox.too_deep")
}

// SetMailbox changes Parent, Name, Role, Subscribed and Place.
func (t *Tx) SetMailbox(m store.Mailbox) error {
	const op mail.Op = "store.SetMailbox"
	row, err := t.holdMailbox(op, m.ID)
	if err != nil {
		return err
	}
	m.Account = row.Account
	if err := t.placeFree(op, m); err != nil {
		return err
	}
	t.touch(row, t.next(row.box))
	row.Parent, row.Name, row.Role, row.Subscribed, row.Place, row.Changed = m.Parent, m.Name, m.Role, m.Subscribed, m.Place, row.ModSeq
	t.args.Reset().Int(int64(m.Parent)).Text(m.Name).Text(m.Role).Bool(m.Subscribed).
		Int(int64(row.Changed)).Int(int64(m.Place)).Int(int64(m.ID))
	return t.change(op, qSetMailbox)
}

// DeleteMailbox removes a mailbox and the messages in it, and leaves a trace.
func (t *Tx) DeleteMailbox(id mail.MailboxID) error {
	const op mail.Op = "store.DeleteMailbox"
	row, err := t.holdMailbox(op, id)
	if err != nil {
		return err
	}
	t.args.Reset().Int(int64(row.Account)).Int(int64(id))
	_, found, err := t.number(op, qHasChildren)
	if err == nil && found {
		err = mail.E(op, mail.Conflict, "mailbox.has_children")
	}
	if err != nil {
		return err
	}
	if err := t.buryMailbox(op, row, t.next(row.box)); err != nil {
		return err
	}
	row.box.box.Used -= row.Size
	row.box.box.Messages -= int64(row.Messages)
	row.dirty = false
	delete(t.cache.mailboxes, id)
	for _, q := range []Query{qDeleteMessages, qDeleteMailbox} {
		t.args.Reset().Int(int64(id))
		if err := t.change(op, q); err != nil {
			return err
		}
	}
	return nil
}

// AddKeyword gives the flag of a keyword.
func (t *Tx) AddKeyword(a mail.AccountID, name string) (mail.Flags, error) {
	const op mail.Op = "store.AddKeyword"
	if name == "" {
		return 0, mail.E(op, mail.Invalid, "keyword.name")
	}
	if _, err := t.openBox(op, a); err != nil {
		return 0, err
	}
	known, err := t.Keywords(a)
	if err != nil {
		return 0, err
	}
	for n, k := range known {
		if strings.EqualFold(k, name) {
			return mail.Keyword(n), nil
		}
	}
	if len(known) >= mail.MaxKeywords {
		return 0, mail.E(op, mail.Full, "keywords.too_many")
	}
	t.args.Reset().Int(int64(a)).Int(int64(len(known))).Text(name)
	return mail.Keyword(len(known)), t.change(op, qInsertKeyword)
}
