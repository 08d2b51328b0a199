package mailbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/mime"
)

// Conversations (RFC 8621 §3, RFC 8474 §5.2). A message belongs to a thread with another if they have a message id in common,
// of themselves or of what they refer to, and the same base subject. Each such pair is a reference that leads to a thread; a
// message goes where the first of its references leads, the oldest thread of several, and then all of them lead there. It is put into
// its thread once, behind its delivery or before anybody is told, and stays there: threads that turn out later to be one are not joined, as
// an id that was told must not change.

const (
	// threadsAtOnce is how many messages are put into threads in one commit.
	threadsAtOnce = 100
	// keepThreadRefs is how many days a reference is kept that no message used.
	keepThreadRefs = 2 * 366
)

// threadless is a message that is in no thread yet. thread is what it is put into; zero for one that is gone.
type threadless struct {
	id     mail.EmailID
	refs   []store.ThreadRef
	thread mail.ThreadID
}

// GiveThreads makes sure that the messages with these sequence numbers, which must ascend, are in a thread: from then on Message.Thread is
// told. Denied "mailbox.no_right" without RightRead.
func (v *View) GiveThreads(ctx context.Context, seqs []uint32) error {
	var list []threadless
	err := v.Fetch(ctx, seqs, 0, func(_ uint32, m *Message) error {
		if m.Thread == 0 {
			list = append(list, threadless{id: m.ID})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b threadless) int { return cmp.Compare(a.id, b.id) })
	a := v.account
	for part := range slices.Chunk(list, threadsAtOnce) {
		if err := assignThreads(ctx, a.tenant, a.id.Actor(), v.base.box.Account, part); err != nil {
			return err
		}
	}
	return nil
}

// giveThreads puts messages that were just indexed into threads. Whoever wants to know of them before does it himself, so that it may fail.
func (x *indexing) giveThreads(ctx context.Context, messages []Message) {
	var list []threadless
	for i := range messages {
		if messages[i].Thread == 0 {
			list = append(list, threadless{id: messages[i].ID})
		}
	}
	slices.SortFunc(list, func(a, b threadless) int { return cmp.Compare(a.id, b.id) })
	for part := range slices.Chunk(list, threadsAtOnce) {
		if err := assignThreads(ctx, x.tenant, directory.Housekeeper(), x.key.account, part); err != nil {
			if ctx.Err() == nil {
				x.service.cfg.Log.Warn("threads not told behind delivery", "tenant", x.key.tenant, "account", x.key.account, "error", err)
			}
			return
		}
	}
}

// pruneThreads forgets references that no message used for long.
func (s *Service) pruneThreads(ctx context.Context, key textAccount) {
	const op = "mailbox.pruneThreads"
	err := s.store.Tenant(key.tenant).Update(ctx, directory.Housekeeper(), op, func(tx store.Tx) error {
		return tx.PruneThreadRefs(key.account, time.Now().AddDate(0, 0, -keepThreadRefs))
	})
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("old references of threads not forgotten", "tenant", key.tenant, "account", key.account, "error", err)
	}
}

// assignThreads puts messages of an account into threads, in one commit. list ascends by id and has at most threadsAtOnce.
func assignThreads(ctx context.Context, t store.Tenant, by mail.Actor, a mail.AccountID, list []threadless) error {
	const op = "mailbox.assignThreads"
	if len(list) == 0 {
		return nil
	}
	err := t.View(ctx, func(r store.Reader) error {
		for i := range list {
			if err := list[i].readRefs(r, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, t.Update(ctx, by, op, func(tx store.Tx) error {
		for i := range list {
			m := &list[i]
			thread, err := threadFor(tx, a, m.refs)
			if err == nil {
				m.thread, err = tx.SetThread(m.id, thread)
			}
			if mail.Is(err, mail.NotFound) {
				m.thread = 0
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// readRefs reads the references of a message.
func (m *threadless) readRefs(r store.Reader, a mail.AccountID) error {
	email, err := r.Email(m.id)
	if mail.Is(err, mail.NotFound) || err == nil && email.Account != a {
		return nil // gone
	}
	m.refs = threadRefs(email.Index)
	return err
}

// threadFor gives the thread for a message with some references, which lead there then.
func threadFor(tx store.Tx, a mail.AccountID, refs []store.ThreadRef) (mail.ThreadID, error) {
	found, err := tx.Threads(a, refs)
	if err != nil {
		return 0, err
	}
	var thread mail.ThreadID
	for _, t := range found {
		if thread == 0 || t < thread {
			thread = t
		}
	}
	if thread == 0 {
		thread = mail.ThreadID(tx.NextID())
	}
	return thread, tx.PutThreadRefs(a, refs, thread)
}

// threadRefs gives the references of a message: of its own id and of those it refers to, each with its base subject. Of very many those
// it refers to last count, and the first, which began the thread.
func threadRefs(index []byte) []store.ThreadRef {
	x := mime.Index(index)
	ids := mime.ParseMessageIDs(x.EnvelopeText(mime.FieldMessageID))
	ids = append(ids[:min(len(ids), 1)], mime.ParseMessageIDs(x.EnvelopeText(mime.FieldInReplyTo))...)
	older := x.References()
	if room := store.MaxThreadRefs - min(len(ids), store.MaxThreadRefs/2) - 1; len(older) > room {
		ids = append(ids, older[0])
		older = older[len(older)-room:]
	}
	ids = append(ids, older...)
	subject := threadSubject(x.EnvelopeText(mime.FieldSubject))
	refs := make([]store.ThreadRef, 0, len(ids))
	for _, id := range ids {
		if ref := threadRef(subject, id); !slices.Contains(refs, ref) && len(refs) < store.MaxThreadRefs {
			refs = append(refs, ref)
		}
	}
	return refs
}

// threadSubject is a subject as threads compare it: without what replies put before it, without case and white space.
func threadSubject(raw string) string {
	base, _ := mime.BaseSubject(mime.DecodeHeader(raw))
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, string(mime.AppendCasemap(nil, base)))
}

// threadRef is the number of a message id with a subject. Quoting makes no difference (RFC 5256 §3).
func threadRef(subject, id string) store.ThreadRef {
	sum := sha256.Sum256([]byte(unquotedID(id) + "\x00" + subject))
	return store.ThreadRef(binary.BigEndian.Uint64(sum[:]))
}
