package mailbox

import (
	"context"
	"math"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Drop is the inbox as a POP3 session sees it: locked against other POP3 sessions, and as it was
// when locked (RFC 1939 §3). Use from one goroutine.
type Drop struct {
	account  *Account
	shared   *shared
	messages []DropMessage
	ahead    portion         // the message opened last and some behind it
	lost     <-chan struct{} // closed when the lock is no longer ours
	unlock   func()
}

// DropMessage is a message of a Drop.
type DropMessage struct {
	UID  mail.UID
	Size int64        // octets
	ID   mail.EmailID // its String is the UIDL: 13 characters, the message's own for its whole life (RFC 1939 §7)
}

// dropLocks are the drops that sessions of this process hold: who asks for one of them needn't ask the
// store, which keeps the lock against other processes.
type dropLocks struct {
	mu   sync.Mutex
	held map[dropKey]bool
}

type dropKey struct {
	tenant  mail.TenantID
	account mail.AccountID
}

func (l *dropLocks) hold(k dropKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[k] {
		return false
	}
	l.held[k] = true
	return true
}

func (l *dropLocks) free(k dropKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, k)
}

// dropWait is how long LockDrop waits for another process to give a lock back, as that takes a moment.
const dropWait = time.Second

// LockDrop locks the account's inbox for POP3, in all processes that share the store. Busy "pop3.locked" while
// another session holds it. Close the Drop.
func (a *Account) LockDrop(ctx context.Context) (*Drop, error) {
	const op = "mailbox.LockDrop"
	lost, unlock, err := a.service.lockDrop(ctx, a.dropKey())
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	d, err := a.openDrop(ctx)
	if err != nil {
		unlock()
		return nil, mail.Wrap(op, err)
	}
	d.lost, d.unlock = lost, unlock
	return d, nil
}

// lockDrop takes the lock in this process and then in the store, where it is a duty only one may have. It is
// held until unlock is called, or lost: a process cut off from the store for long loses what it held.
func (s *Service) lockDrop(ctx context.Context, k dropKey) (lost <-chan struct{}, unlock func(), err error) {
	const op = "mailbox.lockDrop"
	if !s.drops.hold(k) {
		return nil, nil, mail.E(op, mail.Busy, "pop3.locked")
	}
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	unlock = func() { end(); s.drops.free(k) }
	late := time.AfterFunc(dropWait, end)
	held, _, err := s.store.Lead(ctx, "pop3 "+k.tenant.String()+" "+k.account.String())
	switch {
	case err != nil && ctx.Err() == nil:
		unlock()
		return nil, nil, err
	case !late.Stop():
		unlock()
		return nil, nil, mail.E(op, mail.Busy, "pop3.locked")
	}
	return held.Done(), unlock, nil
}

func (a *Account) dropKey() dropKey { return dropKey{a.id.Tenant(), a.account.ID} }

func (a *Account) openDrop(ctx context.Context) (*Drop, error) {
	v, err := a.Select(ctx, Inbox)
	if err != nil {
		return nil, err
	}
	d := &Drop{account: a, shared: v.shared}
	if d.messages, err = v.shared.listDrop(ctx, v.base); err != nil {
		v.Close()
		return nil, err
	}
	return d, nil
}

// Messages lists the messages, oldest first; the n-th is message number n+1. Do not change it.
func (d *Drop) Messages() []DropMessage { return d.messages }

// Open gives the octets of a message, until the next Open. NotFound "message.unknown" if it is gone. Close the Body.
func (d *Drop) Open(ctx context.Context, m DropMessage) (Body, error) {
	found := d.ahead.message(m.UID)
	if found == nil {
		if err := d.readAhead(ctx, m.UID); err != nil {
			return nil, err
		}
		found = d.ahead.message(m.UID)
	}
	return d.account.OpenBody(ctx, found)
}

// Limits of what is read ahead, as clients retrieve one message after the other.
const (
	maxAhead       = 32       // messages
	maxAheadOctets = 96 << 10 // of small messages; the message that passes it is the last
)

// readAhead reads the messages from a UID on.
func (d *Drop) readAhead(ctx context.Context, from mail.UID) error {
	return d.account.view(ctx, "mailbox.Drop.Open", func(r store.Reader) error {
		d.ahead.reset()
		return r.Messages(d.shared.key.box, from, math.MaxUint32, WithOctets, func(m *Message) bool {
			d.ahead.add(0, m)
			return len(d.ahead.messages) < maxAhead && len(d.ahead.octets) < maxAheadOctets
		})
	})
}

// Delete removes messages in one commit, as QUIT does (RFC 1939 §6). Those gone already are no error. Busy
// "pop3.locked" when the lock was lost.
func (d *Drop) Delete(ctx context.Context, uids []mail.UID) error {
	const op = "mailbox.Drop.Delete"
	if len(uids) == 0 {
		return nil
	}
	select {
	case <-d.lost:
		return mail.E(op, mail.Busy, "pop3.locked")
	default:
	}
	return d.account.update(ctx, op, func(tx store.Tx) error {
		for _, uid := range uids {
			if err := tx.Expunge(d.shared.key.box, uid); err != nil && !mail.Is(err, mail.NotFound) {
				return err
			}
		}
		return nil
	})
}

// Close unlocks the inbox.
func (d *Drop) Close() {
	if d.shared == nil {
		return
	}
	d.account.service.boxes.give(d.shared)
	d.shared = nil
	d.unlock()
}

// dropList are the messages of a mailbox for POP3. Size and id of a UID never change, so the list
// is kept beside the snapshot and only what is new is read: a client that asks every minute and
// leaves its mail on the server costs little.
type dropList struct {
	at       mail.ModSeq // of the mailbox
	messages []DropMessage
}

// maxDropPortion is how many messages are read in one View of the store.
const maxDropPortion = 5000

// listDrop gives the messages of a snapshot.
func (s *shared) listDrop(ctx context.Context, now *snapshot) ([]DropMessage, error) {
	var list []DropMessage
	if known := s.drop.Load(); known != nil {
		if known.at == now.box.ModSeq {
			return known.messages, nil
		}
		list = stillThere(known.messages, now.marks)
	}
	for {
		var from mail.UID = 1
		if n := len(list); n > 0 {
			from = list[n-1].UID + 1
		}
		n := len(list)
		if now.marks.last() >= from {
			var err error
			if list, err = s.readDrop(ctx, list, from, now.marks.last()); err != nil {
				return nil, err
			}
		}
		if len(list) < n+maxDropPortion {
			s.drop.Store(&dropList{now.box.ModSeq, list})
			return list, nil
		}
	}
}

// readDrop adds the next messages of a range of UIDs to a list.
func (s *shared) readDrop(ctx context.Context, list []DropMessage, lo, hi mail.UID) ([]DropMessage, error) {
	known := len(list)
	err := s.store.View(ctx, func(r store.Reader) error {
		list = list[:known]
		return r.Messages(s.key.box, lo, hi, 0, func(m *Message) bool {
			list = append(list, DropMessage{UID: m.UID, Size: m.Blob.Size, ID: m.ID})
			return len(list) < known+maxDropPortion
		})
	})
	return list, mail.Wrap("mailbox.readDrop", err)
}

// stillThere leaves the messages of a list that a mailbox still holds, in memory of its own.
func stillThere(list []DropMessage, now marks) []DropMessage {
	out := make([]DropMessage, 0, now.len())
	for _, m := range list {
		if _, ok := now.find(m.UID); ok {
			out = append(out, m)
		}
	}
	return out
}
