package sql

import (
	"math"
	"time"

	"tegami/mail"
	"tegami/store"
)

// allFlags are the flags there are: system flags and keywords.
const allFlags mail.Flags = 1<<(mail.FirstKeyword+mail.MaxKeywords) - 1

// count adds a message to the counters of a mailbox and its account (n = 1), or takes it away (n = -1).
func (m *mailboxRow) count(n int64, size int64, flags mail.Flags) {
	m.Messages = uint32(int64(m.Messages) + n)
	m.Size += n * size
	m.box.box.Messages += n
	m.box.box.Used += n * size
	m.countFlags(n, flags)
}

func (m *mailboxRow) countFlags(n int64, flags mail.Flags) {
	if !flags.Has(mail.Seen) {
		m.Unseen = uint32(int64(m.Unseen) + n)
	}
	if flags.Has(mail.Deleted) {
		m.Deleted = uint32(int64(m.Deleted) + n)
	}
}

// takeUID gives the mailbox's next UID. Full when all are spent (RFC 9051 §2.3.1.1: 32 bits).
func (m *mailboxRow) takeUID(op mail.Op) (mail.UID, error) {
	if m.UIDNext == math.MaxUint32 {
		return 0, mail.E(op, mail.Full, "mailbox.uids_spent")
	}
	m.UIDNext++
	return m.UIDNext - 1, nil
}

// AddMessage puts a message into a mailbox.
func (t *Tx) AddMessage(n store.NewMessage) (store.Message, error) {
	const op mail.Op = "store.AddMessage"
	if n.Flags&^allFlags != 0 {
		return store.Message{}, mail.E(op, mail.Invalid, "flags.unknown")
	}
	mb, err := t.holdMailbox(op, n.Mailbox)
	if err != nil {
		return store.Message{}, err
	}
	blob, err := t.blob(op, n.Blob.ID)
	if err != nil {
		return store.Message{}, err
	}
	uid, err := mb.takeUID(op)
	if err != nil {
		return store.Message{}, err
	}
	if n.Received.IsZero() {
		n.Received = t.now
	}
	n.Blob.Size = blob.size
	copy(n.Blob.Hash[:], blob.hash)
	m := store.Message{
		ID: mail.EmailID(t.ids.Next()), Mailbox: mb.ID, Account: mb.Account, UID: uid, Flags: n.Flags, ModSeq: t.next(mb.box),
		Received: n.Received.UTC().Truncate(time.Second), Saved: t.now.UTC().Truncate(time.Second), Thread: n.Thread, Blob: n.Blob,
	}
	m.Born, m.Made = m.ModSeq, m.ModSeq
	if m.Flags.Has(mail.Deleted) {
		m.Turned = m.ModSeq
	}
	t.touch(mb, m.ModSeq)
	mb.count(1, blob.size, m.Flags)
	t.args.Reset().Int(int64(m.ID)).Int(int64(m.Account)).Int(int64(m.Mailbox)).Int(int64(m.UID)).Int(int64(m.Flags)).
		Int(int64(m.ModSeq)).Int(int64(m.Born)).Int(int64(m.Made)).Int(int64(m.Turned)).Int(m.Received.Unix()).Int(m.Saved.Unix()).Int(blob.size).Int(int64(blob.id)).Blob(blob.hash).Int(int64(m.Thread))
	return m, t.change(op, qInsertMessage)
}

// oldMessage is what a change of a message needs to know of it.
type oldMessage struct {
	id     mail.EmailID
	flags  mail.Flags
	modseq mail.ModSeq
	size   int64
	thread mail.ThreadID
	made   mail.ModSeq
	turned mail.ModSeq
}

// messageAt finds a message by its place.
func (t *Tx) messageAt(op mail.Op, m mail.MailboxID, uid mail.UID) (mb *mailboxRow, old oldMessage, err error) {
	if mb, err = t.holdMailbox(op, m); err != nil {
		return nil, old, err
	}
	t.args.Reset().Int(int64(m)).Int(int64(uid))
	err = t.rows(op, qMessageAt, func(row Row) bool {
		old = oldMessage{mail.EmailID(row.Int(0)), mail.Flags(row.Int(1)), mail.ModSeq(row.Int(2)), row.Int(3), mail.ThreadID(row.Int(4)), mail.ModSeq(row.Int(5)), mail.ModSeq(row.Int(6))}
		return false
	})
	if err == nil && old.id == 0 {
		err = mail.E(op, mail.NotFound, "message.unknown")
	}
	return mb, old, err
}

// SetFlags replaces a message's flags.
func (t *Tx) SetFlags(m mail.MailboxID, uid mail.UID, flags mail.Flags) (store.Mark, error) {
	const op mail.Op = "store.SetFlags"
	if flags&^allFlags != 0 {
		return store.Mark{}, mail.E(op, mail.Invalid, "flags.unknown")
	}
	mb, old, err := t.messageAt(op, m, uid)
	if err != nil {
		return store.Mark{}, err
	}
	if old.flags == flags {
		return store.Mark{UID: uid, Flags: flags, ModSeq: old.modseq}, nil
	}
	mark := store.Mark{UID: uid, Flags: flags, ModSeq: t.next(mb.box)}
	t.touch(mb, mark.ModSeq)
	mb.countFlags(-1, old.flags)
	mb.countFlags(1, flags)
	turned := old.turned
	if old.flags.Has(mail.Deleted) != flags.Has(mail.Deleted) {
		turned = mark.ModSeq
	}
	t.args.Reset().Int(int64(flags)).Int(int64(mark.ModSeq)).Int(int64(turned)).Int(int64(old.id))
	return mark, t.change(op, qSetFlags)
}

// ChangeFlags changes flags of a range of messages.
func (t *Tx) ChangeFlags(m mail.MailboxID, lo, hi mail.UID, clear, set mail.Flags) (mail.ModSeq, int, error) {
	const op mail.Op = "store.ChangeFlags"
	if set&^allFlags != 0 {
		return 0, 0, mail.E(op, mail.Invalid, "flags.unknown")
	}
	mb, err := t.holdMailbox(op, m)
	if err != nil {
		return 0, 0, err
	}
	keep := allFlags &^ clear
	var changed, unseen, deleted int64
	t.args.Reset().Int(int64(m)).Int(int64(lo)).Int(int64(hi)).Int(int64(keep)).Int(int64(set))
	err = t.rows(op, qFlagSums, func(row Row) bool {
		changed, unseen, deleted = row.Int(0), row.Int(1), row.Int(2)
		return false
	})
	if err != nil || changed == 0 {
		return 0, 0, err
	}
	modseq := t.next(mb.box)
	t.touch(mb, modseq)
	seen := changed - unseen
	mb.Unseen = uint32(int64(mb.Unseen) + seen - countAfter(changed, seen, clear, set, mail.Seen))
	mb.Deleted = uint32(int64(mb.Deleted) - deleted + countAfter(changed, deleted, clear, set, mail.Deleted))
	t.args.Reset().Int(int64(keep)).Int(int64(set)).Int(int64(modseq)).Int(int64(keep)).Int(int64(set)).Int(int64(modseq)).
		Int(int64(m)).Int(int64(lo)).Int(int64(hi)).Int(int64(keep)).Int(int64(set))
	t.statement += int(changed)
	return modseq, int(changed), t.change(op, qChangeFlags)
}

// countAfter is how many of n messages have a flag after a change, of which with had it before.
func countAfter(n, with int64, clear, set, flag mail.Flags) int64 {
	switch {
	case set.Has(flag):
		return n
	case clear.Has(flag):
		return 0
	}
	return with
}

// MoveMessage puts a message into another mailbox of its account.
func (t *Tx) MoveMessage(from mail.MailboxID, uid mail.UID, to mail.MailboxID) (store.Mark, error) {
	const op mail.Op = "store.MoveMessage"
	source, old, err := t.messageAt(op, from, uid)
	if err != nil {
		return store.Mark{}, err
	}
	target, err := t.holdMailbox(op, to)
	if err == nil && target.box != source.box {
		err = mail.E(op, mail.NotFound, "mailbox.unknown")
	}
	if err != nil {
		return store.Mark{}, err
	}
	newUID, err := target.takeUID(op)
	if err != nil {
		return store.Mark{}, err
	}
	mark := store.Mark{UID: newUID, Flags: old.flags, ModSeq: t.next(source.box)}
	t.touch(source, mark.ModSeq)
	t.touch(target, mark.ModSeq)
	source.count(-1, old.size, old.flags)
	target.count(1, old.size, old.flags)
	t.args.Reset().Int(int64(to)).Int(int64(newUID)).Int(int64(mark.ModSeq)).Int(int64(mark.ModSeq)).Int(t.now.Unix()).Int(int64(old.id))
	if err := t.change(op, qMoveMessage); err != nil {
		return store.Mark{}, err
	}
	return mark, t.leave(op, from, uid, mark.ModSeq, &old)
}

// Expunge removes a message.
func (t *Tx) Expunge(m mail.MailboxID, uid mail.UID) error {
	const op mail.Op = "store.Expunge"
	mb, old, err := t.messageAt(op, m, uid)
	if err != nil {
		return err
	}
	modseq := t.next(mb.box)
	t.touch(mb, modseq)
	mb.count(-1, old.size, old.flags)
	t.args.Reset().Int(int64(old.id))
	if err := t.change(op, qDeleteMessage); err != nil {
		return err
	}
	return t.leave(op, m, uid, modseq, &old)
}

// leave notes that a message is no longer in a mailbox.
func (t *Tx) leave(op mail.Op, m mail.MailboxID, uid mail.UID, modseq mail.ModSeq, old *oldMessage) error {
	hidden := mail.ModSeq(0)
	if old.flags.Has(mail.Deleted) {
		hidden = old.turned
	}
	t.args.Reset().Int(int64(m)).Int(int64(modseq)).Int(int64(uid)).Int(int64(old.id)).Int(int64(old.thread)).
		Int(int64(old.made)).Int(int64(hidden))
	return t.change(op, qInsertGone)
}
