package mailbox

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// MaxTogether is how many messages one Copy or Move takes; each is one commit.
const MaxTogether = 100_000

// Copy puts copies of the messages with these sequence numbers, which must ascend, into another
// mailbox, all or none (RFC 9051 §6.4.7). It gives what COPYUID tells (RFC 9051 §7.1): the target's
// UIDVALIDITY, and UIDs here and there in the same order. What is gone is left out. NotFound
// "mailbox.unknown", Full "box.full" (SV-5), Full "message.too_many" past MaxTogether.
func (v *View) Copy(ctx context.Context, seqs []uint32, toPath string) (uidValidity uint32, src, dst []mail.UID, err error) {
	t := transfer{view: v, op: "mailbox.Copy", seqs: v.known(seqs), one: copyMessage, grows: true}
	if t.quota, err = v.account.limit(ctx, t.op); err != nil {
		return 0, nil, nil, err
	}
	return t.do(ctx, toPath)
}

// Move puts the messages with these sequence numbers, which must ascend, into another mailbox, all
// or none, under the same ids and with new UIDs (RFC 9051 §6.4.8). It needs no room. Results are as
// of Copy; the next Poll that may expunge tells that they left.
func (v *View) Move(ctx context.Context, seqs []uint32, toPath string) (uidValidity uint32, src, dst []mail.UID, err error) {
	t := transfer{view: v, op: "mailbox.Move", seqs: v.known(seqs), one: moveMessage}
	return t.do(ctx, toPath)
}

// transfer is a Copy or a Move.
type transfer struct {
	view  *View
	op    mail.Op
	seqs  []uint32
	one   func(tx store.Tx, m *Message, into mail.MailboxID) (mail.UID, error)
	grows bool  // whether the box holds more afterwards, at most quota
	quota int64 // octets
}

func copyMessage(tx store.Tx, m *Message, into mail.MailboxID) (mail.UID, error) {
	c, err := tx.AddMessage(store.NewMessage{Mailbox: into, Flags: m.Flags, Received: m.Received, Blob: m.Blob, Thread: m.Thread})
	return c.UID, err
}

func moveMessage(tx store.Tx, m *Message, into mail.MailboxID) (mail.UID, error) {
	moved, err := tx.MoveMessage(m.Mailbox, m.UID, into)
	return moved.UID, err
}

func (t *transfer) do(ctx context.Context, toPath string) (uidValidity uint32, src, dst []mail.UID, err error) {
	levels, err := parsePath(t.op, toPath)
	if err != nil {
		return 0, nil, nil, err
	}
	if len(t.seqs) > MaxTogether {
		return 0, nil, nil, mail.E(t.op, mail.Full, "message.too_many", MaxTogether)
	}
	err = t.view.account.update(ctx, t.op, func(tx store.Tx) error {
		into, err := t.view.account.resolve(tx, levels)
		if err != nil {
			return err
		}
		uidValidity = into.UIDValidity
		src, dst, err = t.run(tx, into.ID)
		return err
	})
	return uidValidity, src, dst, err
}

// run transfers the messages inside a transaction.
func (t *transfer) run(tx store.Tx, into mail.MailboxID) (src, dst []mail.UID, err error) {
	messages, size, err := t.read(tx)
	if err != nil {
		return nil, nil, err
	}
	if t.grows {
		if err := t.view.account.hasRoom(tx, t.op, size, t.quota); err != nil {
			return nil, nil, err
		}
	}
	src, dst = make([]mail.UID, 0, len(messages)), make([]mail.UID, 0, len(messages))
	for i := range messages {
		uid, err := t.one(tx, &messages[i], into)
		if err != nil {
			return nil, nil, err
		}
		src, dst = append(src, messages[i].UID), append(dst, uid)
	}
	return src, dst, nil
}

// read gives the messages and the sum of their octets.
func (t *transfer) read(r store.Reader) (messages []Message, size int64, err error) {
	messages = make([]Message, 0, len(t.seqs))
	err = t.view.pick(r, t.seqs, false, func(_ uint32, m *Message) bool {
		messages = append(messages, *m)
		size += m.Blob.Size
		return true
	})
	return messages, size, err
}
