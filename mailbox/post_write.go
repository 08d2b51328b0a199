package mailbox

import (
	"context"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// writing is a transaction of a Post.
type writing struct {
	store.Tx
	post   *Post
	op     mail.Op
	rights map[mail.MailboxID]Rights // on mailboxes of somebody else, as far as they were asked for
	words  map[string]mail.Flags     // keywords of the account, as far as they were asked for
	errs   []error
	before mail.ModSeq
	after  mail.ModSeq

	lessons []Lesson
}

// write runs fn in a transaction and tells what became of it.
func (p *Post) write(ctx context.Context, op mail.Op, fn func(*writing) error) (Written, error) {
	var w *writing
	err := p.account.update(ctx, op, func(tx store.Tx) error {
		w = &writing{Tx: tx, post: p, op: op, rights: map[mail.MailboxID]Rights{}, words: map[string]mail.Flags{}}
		box, err := tx.Box(p.of.ID)
		if err != nil {
			return err
		}
		w.before = box.ModSeq
		if err := fn(w); err != nil {
			return err
		}
		box, err = tx.Box(p.of.ID)
		w.after = box.ModSeq
		return err
	})
	if err != nil {
		return Written{}, err
	}
	s := p.account.service
	s.teach(w.lessons)
	s.pictures.take(p.account.tenant, p.key()).wrote(w.after)
	seen, err := p.seen(ctx, op)
	return Written{Before: State{ModSeq: w.before, Seen: seen}, After: State{ModSeq: w.after, Seen: seen}, Errs: w.errs}, err
}

// seen is State.Seen as it is now.
func (p *Post) seen(ctx context.Context, op mail.Op) (uint32, error) {
	if !p.foreign {
		return 0, nil
	}
	shares, err := p.shares(ctx, op)
	if mail.Is(err, mail.Denied) { // what was done last took the rights away
		return 0, nil
	}
	return seenHash(shares), err
}

// may gives what may be done with a mailbox.
func (w *writing) may(box mail.MailboxID) (Rights, error) {
	if !w.post.foreign {
		return AllRights, nil
	}
	rights, ok := w.rights[box]
	if !ok {
		var err error
		if rights, err = w.post.account.rightsOn(w, box); err != nil {
			return NoRights, err
		}
		w.rights[box] = rights
	}
	return rights, nil
}

// one does something with one thing, and notes its error. What the store itself says ends the transaction.
func (w *writing) one(err error) error {
	switch mail.KindOf(err) {
	case mail.Invalid, mail.Denied, mail.NotFound, mail.Conflict, mail.Full:
	default:
		if err != nil {
			return err
		}
	}
	w.errs = append(w.errs, err)
	return nil
}

// email gives a message of the account that may be seen, with the rights on its mailbox.
func (w *writing) email(id mail.EmailID) (Message, Rights, error) {
	unknown := mail.E(w.op, mail.NotFound, "message.unknown")
	m, err := w.Email(id)
	switch {
	case mail.Is(err, mail.NotFound):
		return m, 0, unknown
	case err != nil:
		return m, 0, err
	case m.Account != w.post.of.ID || m.Flags.Has(mail.Deleted):
		return m, 0, unknown
	}
	rights, err := w.may(m.Mailbox)
	if err == nil && !rights.Has(RightRead) {
		err = unknown
	}
	return m, rights, err
}

// box gives a mailbox of the account with which something may be done.
func (w *writing) box(id mail.MailboxID, need Rights) (Mailbox, error) {
	unknown := mail.E(w.op, mail.NotFound, "mailbox.unknown", "")
	m, err := w.Mailbox(id)
	if mail.Is(err, mail.NotFound) || err == nil && m.Account != w.post.of.ID {
		return m, unknown
	}
	if err != nil {
		return m, err
	}
	rights, err := w.may(id)
	if err == nil && !rights.Has(need) {
		err = rights.deny(w.op, need, m.Name)
	}
	return m, err
}

// ChangeEmails changes keywords and mailboxes of messages, in one commit. Errs: NotFound "message.unknown", "mailbox.unknown"; Denied
// "mailbox.no_right"; Invalid "flag.unknown"; Full "keywords.too_many". Full "message.too_many" past MaxWrites.
func (p *Post) ChangeEmails(ctx context.Context, changes []EmailChange) (Written, error) {
	const op = "mailbox.ChangeEmails"
	if len(changes) > MaxWrites {
		return Written{}, mail.E(op, mail.Full, "message.too_many", MaxWrites)
	}
	return p.write(ctx, op, func(w *writing) error {
		for i := range changes {
			if err := w.one(w.change(&changes[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// change changes one message. All is judged before anything is written.
func (w *writing) change(c *EmailChange) error {
	m, rights, err := w.email(c.ID)
	if err != nil {
		return err
	}
	flags, err := w.flags(c, &m)
	if err != nil {
		return err
	}
	if missing := flagRights(flags^m.Flags) &^ rights; flags != m.Flags && missing != 0 {
		return mail.E(w.op, mail.Denied, "mailbox.no_right", missing.String())
	}
	move := c.Mailbox != 0 && c.Mailbox != m.Mailbox
	if move {
		if missing := (RightDeleted | RightExpunge) &^ rights; missing != 0 {
			return mail.E(w.op, mail.Denied, "mailbox.no_right", missing.String())
		}
		into, err := w.box(c.Mailbox, RightInsert)
		if err == nil {
			err = w.learn(&m, &into)
		}
		if err != nil {
			return err
		}
	}
	if flags != m.Flags {
		if _, err := w.SetFlags(m.Mailbox, m.UID, flags); err != nil {
			return err
		}
	}
	if move {
		_, err = w.MoveMessage(m.Mailbox, m.UID, c.Mailbox)
	}
	return err
}

// flags gives the flags a message has after a change.
func (w *writing) flags(c *EmailChange, m *Message) (mail.Flags, error) {
	flags := m.Flags
	if c.Replace {
		flags &= mail.Deleted
	}
	for name, on := range c.Keywords {
		bit, err := w.keyword(name, on)
		if err != nil {
			return 0, err
		}
		if on {
			flags |= bit
		} else {
			flags &^= bit
		}
	}
	return flags, nil
}

// keyword gives the flag of a keyword as JMAP has it; with make, it is made known if need be, else it may be none. Invalid "flag.unknown" for
// what can't be one, and for those that JMAP does not know (RFC 8621 §4.1.1).
func (w *writing) keyword(name string, make bool) (mail.Flags, error) {
	name = strings.ToLower(name)
	for _, k := range systemKeywords {
		if k.name == name {
			return k.flag, nil
		}
	}
	if bit, ok := w.words[name]; ok {
		return bit, nil
	}
	if !keyword(name) || name == "$deleted" || name == "$recent" {
		return 0, mail.E(w.op, mail.Invalid, "flag.unknown", name)
	}
	known, err := w.Tx.Keywords(w.post.of.ID)
	if err != nil {
		return 0, err
	}
	bit, ok := knownKeywords(known, []string{name})
	if !ok {
		if !make {
			return 0, nil
		}
		if bit, err = w.AddKeyword(w.post.of.ID, name); err != nil {
			return 0, err
		}
	}
	w.words[name] = bit
	return bit, nil
}

// DestroyEmails removes messages, in one commit. Errs: NotFound "message.unknown"; Denied "mailbox.no_right". Full "message.too_many"
// past MaxWrites.
func (p *Post) DestroyEmails(ctx context.Context, ids []mail.EmailID) (Written, error) {
	const op = "mailbox.DestroyEmails"
	if len(ids) > MaxWrites {
		return Written{}, mail.E(op, mail.Full, "message.too_many", MaxWrites)
	}
	return p.write(ctx, op, func(w *writing) error {
		for _, id := range ids {
			m, rights, err := w.email(id)
			if missing := (RightDeleted | RightExpunge) &^ rights; err == nil && missing != 0 {
				err = mail.E(op, mail.Denied, "mailbox.no_right", missing.String())
			}
			if err == nil {
				err = w.Expunge(m.Mailbox, m.UID)
			}
			if err := w.one(err); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddEmail puts a message into a mailbox, in the thread it belongs to. NotFound "mailbox.unknown", Denied "mailbox.no_right" without RightInsert,
// Invalid "flag.unknown", Full "box.full" over the owner's quota (SV-5), Full "keywords.too_many". The result carries no Index.
func (p *Post) AddEmail(ctx context.Context, n NewEmail) (Message, Written, error) {
	const op = "mailbox.AddEmail"
	a := p.account
	quota := p.of.Quota
	if !p.foreign {
		var err error
		if quota, err = a.limit(ctx, op); err != nil {
			return Message{}, Written{}, err
		}
	}
	s, err := a.seal(ctx, op, &Appended{Upload: n.Upload, Received: n.Received})
	if err != nil {
		return Message{}, Written{}, err
	}
	var made Message
	written, err := p.write(ctx, op, func(w *writing) (err error) {
		made, err = w.add(&n, &s, quota)
		return err
	})
	return made, written, err
}

// add puts a sealed message into a mailbox.
func (w *writing) add(n *NewEmail, s *sealed, quota int64) (Message, error) {
	into, err := w.box(n.Mailbox, RightInsert)
	if err != nil {
		return Message{}, err
	}
	box, err := w.Tx.Box(w.post.of.ID)
	if err != nil {
		return Message{}, err
	}
	if err := room(w.op, box, s.Size(), quota); err != nil {
		return Message{}, err
	}
	rights, err := w.may(n.Mailbox)
	if err != nil {
		return Message{}, err
	}
	var flags mail.Flags
	for _, name := range n.Keywords {
		bit, err := w.keyword(name, rights.Has(RightWrite))
		if err != nil {
			return Message{}, err
		}
		flags |= bit
	}
	thread, err := threadFor(w, w.post.of.ID, threadRefs(s.index))
	if err != nil {
		return Message{}, err
	}
	blob, err := w.Keep(s.Staged, s.index)
	if err != nil {
		return Message{}, err
	}
	w.post.account.service.texts.grew(w.post.key(), 1)
	return w.AddMessage(store.NewMessage{
		Mailbox: into.ID, Flags: flags & rights.Flags(), Received: s.date.Truncate(time.Second), Blob: blob, Thread: thread,
	})
}
