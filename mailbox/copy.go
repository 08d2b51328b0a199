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
// "mailbox.unknown", Denied "mailbox.no_right", Full "box.full" (SV-5), Full "message.too_many" past MaxTogether.
//
// Copies have those of the flags that the account may set there (RFC 4314 §4).
func (v *View) Copy(ctx context.Context, seqs []uint32, toPath string) (uidValidity uint32, src, dst []mail.UID, err error) {
	t := transfer{view: v, op: "mailbox.Copy", seqs: v.known(seqs)}
	if err := v.allow(ctx, t.op, RightRead); err != nil {
		return 0, nil, nil, err
	}
	return t.do(ctx, toPath)
}

// Move puts the messages with these sequence numbers, which must ascend, into another mailbox, all
// or none, with new UIDs (RFC 9051 §6.4.8). Within an account they keep their ids and need no room; another
// account's mailbox gets copies, in one commit with the end of the messages here. Results are as of Copy; the
// next Poll that may expunge tells that they left.
func (v *View) Move(ctx context.Context, seqs []uint32, toPath string) (uidValidity uint32, src, dst []mail.UID, err error) {
	t := transfer{view: v, op: "mailbox.Move", seqs: v.known(seqs), move: true}
	if err := v.allow(ctx, t.op, RightRead|RightDeleted|RightExpunge); err != nil { // RFC 6851 §3.3: as STORE and EXPUNGE
		return 0, nil, nil, err
	}
	return t.do(ctx, toPath)
}

// transfer is a Copy or a Move.
type transfer struct {
	view *View
	op   mail.Op
	seqs []uint32
	move bool
	transferTo
}

// transferTo is where messages go, found anew each time the transaction runs.
type transferTo struct {
	box    Mailbox
	rights Rights
	other  bool                      // it belongs to another account
	words  map[mail.Flags]mail.Flags // of an other account: its keyword for each keyword here, 0 where it has no room for one

	lessons []Lesson
}

func (t *transfer) do(ctx context.Context, toPath string) (uidValidity uint32, src, dst []mail.UID, err error) {
	a := t.view.account
	if len(t.seqs) > MaxTogether {
		return 0, nil, nil, mail.E(t.op, mail.Full, "message.too_many", MaxTogether)
	}
	at, err := a.locate(ctx, t.op, toPath)
	if err != nil {
		return 0, nil, nil, err
	}
	quota, err := a.limitOf(ctx, t.op, &at)
	if err != nil {
		return 0, nil, nil, err
	}
	err = a.update(ctx, t.op, func(tx store.Tx) error {
		t.transferTo = transferTo{}
		if t.box, t.rights, err = a.resolve(tx, t.op, &at, RightInsert); err != nil {
			return err
		}
		t.other, uidValidity = t.box.Account != t.view.base.box.Account, t.box.UIDValidity
		src, dst, err = t.run(tx, quota)
		return err
	})
	if err == nil {
		a.service.texts.grew(textAccount{a.id.Tenant(), t.box.Account}, len(dst))
		a.service.teach(t.lessons)
	}
	return uidValidity, src, dst, err
}

// run transfers the messages inside a transaction.
func (t *transfer) run(tx store.Tx, quota int64) (src, dst []mail.UID, err error) {
	messages, size, err := t.read(tx)
	if err != nil {
		return nil, nil, err
	}
	if !t.move || t.other {
		if err := hasRoom(tx, t.op, t.box.Account, size, quota); err != nil {
			return nil, nil, err
		}
	}
	if t.other {
		if err := t.translate(tx, messages); err != nil {
			return nil, nil, err
		}
	}
	src, dst = make([]mail.UID, 0, len(messages)), make([]mail.UID, 0, len(messages))
	for i := range messages {
		uid, err := t.one(tx, &messages[i])
		if err != nil {
			return nil, nil, err
		}
		src, dst = append(src, messages[i].UID), append(dst, uid)
	}
	return src, dst, nil
}

// one transfers a message and gives its UID there.
func (t *transfer) one(tx store.Tx, m *Message) (mail.UID, error) {
	if t.move && !t.other {
		return t.shift(tx, m)
	}
	n := store.NewMessage{Mailbox: t.box.ID, Flags: t.flags(m.Flags), Received: m.Received, Blob: m.Blob, Thread: m.Thread}
	if t.other {
		n.Thread = 0
	}
	c, err := tx.AddMessage(n)
	if err == nil && t.move {
		err = tx.Expunge(m.Mailbox, m.UID)
	}
	return c.UID, err
}

// shift moves a message within its account.
func (t *transfer) shift(tx store.Tx, m *Message) (mail.UID, error) {
	moved, err := tx.MoveMessage(m.Mailbox, m.UID, t.box.ID)
	t.learn(m)
	if want := t.flags(m.Flags); err == nil && want != m.Flags {
		_, err = tx.SetFlags(t.box.ID, moved.UID, want)
	}
	return moved.UID, err
}

// flags gives the flags a message has there.
func (t *transfer) flags(old mail.Flags) mail.Flags {
	if t.other {
		there := old.System()
		for here, word := range t.words {
			if old.Has(here) {
				there |= word
			}
		}
		old = there
	}
	return old & t.rights.Flags()
}

// translate finds the other account's keywords for those of the messages. A keyword it has no room for is
// dropped: the server may choose which it keeps (RFC 9051 §2.3.2).
func (t *transfer) translate(tx store.Tx, messages []Message) error {
	var used mail.Flags
	for i := range messages {
		used |= messages[i].Flags
	}
	if used = used &^ used.System(); used == 0 || !t.rights.Has(RightWrite) {
		return nil
	}
	names, err := tx.Keywords(t.view.base.box.Account)
	if err != nil {
		return err
	}
	t.words = map[mail.Flags]mail.Flags{}
	for n, name := range names {
		if here := mail.Keyword(n); used.Has(here) {
			t.words[here], err = tx.AddKeyword(t.box.Account, name)
			if err != nil && !mail.Is(err, mail.Full) {
				return err
			}
		}
	}
	return nil
}

// hasRoom tells whether size more octets may go into an account. Full "box.full".
func hasRoom(tx store.Tx, op mail.Op, acc mail.AccountID, size, quota int64) error {
	box, err := tx.Box(acc)
	if err != nil {
		return err
	}
	return room(op, box, size, quota)
}

// read gives the messages and the sum of their octets.
func (t *transfer) read(r store.Reader) (messages []Message, size int64, err error) {
	messages = make([]Message, 0, len(t.seqs))
	err = t.view.pick(r, t.seqs, 0, func(_ uint32, m *Message) bool {
		messages = append(messages, *m)
		size += m.Blob.Size
		return true
	})
	return messages, size, err
}
