package storetest

import (
	"math/rand/v2"
	"time"

	"tegami/mail"
	"tegami/store"
)

var messagePromises = []promise{
	{"MessageIsKept", messageIsKept},
	{"MessagesOfARange", messagesOfARange},
	{"UIDsNeverReturn", uidsNeverReturn},
	{"UIDsAreGivenBackByRefusal", uidsOfRefused},
	{"MessageCopy", messageCopy},
	{"MessageMove", messageMove},
	{"MessageUnknown", messageUnknown},
	{"CountersAfterAnything", countersAfterAnything},
}

func messageIsKept(f *fixture) {
	m := f.mailbox()
	s := f.stage("Subject: x\r\n\r\nhello\r\n")
	started := time.Now().Add(-time.Minute)
	var msg store.Message
	f.both(func(tx store.Tx) { msg = clone(f.add(tx, m.ID, s, mail.Seen|mail.Flagged)) }, func(r store.Reader) {
		list := f.messages(r, m.ID)
		f.same("messages", len(list), 1)
		got := list[0]
		f.same("index", string(got.Index), "index of 21 octets")
		email := clone(must(f, r.Email)(msg.ID))
		f.same("the same by its id", email, got)
		got.Index, email.Index = nil, msg.Index
		made := msg
		made.Index = nil
		f.same("message", got, made)
		f.same("marks", f.marks(r, m.ID, 0), []store.Mark{{UID: msg.UID, Flags: msg.Flags, ModSeq: msg.ModSeq}})

		box := must(f, r.Box)(m.Account)
		f.same("box", box, store.Box{ModSeq: msg.ModSeq, Used: 21, Messages: 1})
		now := must(f, r.Mailbox)(m.ID)
		f.same("counters", []any{now.Messages, now.Unseen, now.Deleted, now.Size, now.ModSeq}, []any{uint32(1), uint32(0), uint32(0), int64(21), msg.ModSeq})
		f.same("the same in a list", must(f, r.Mailboxes)(m.Account), []store.Mailbox{now})
	})
	f.same("text", f.text(msg.Blob), "Subject: x\r\n\r\nhello\r\n")
	if !msg.Received.Equal(received) || msg.Thread != 77 || msg.Account != m.Account || msg.Mailbox != m.ID || msg.ID == 0 || msg.UID == 0 {
		f.Fatalf("made %+v", msg)
	}
	if msg.Saved.Before(started) || msg.Saved.After(time.Now().Add(time.Minute)) || msg.Saved.Nanosecond() != 0 {
		f.Fatalf("saved at %v", msg.Saved)
	}
	if msg.ModSeq <= m.ModSeq {
		f.Fatalf("ModSeq %d after %d", msg.ModSeq, m.ModSeq)
	}
}

func messagesOfARange(f *fixture) {
	m, other := f.mailbox(), f.mailbox()
	f.deliver(other.ID, "somebody else's", 0)
	s := f.stage("one for all")
	f.update(func(tx store.Tx) {
		ref := f.keep(tx, s)
		for range 10 {
			must(f, tx.AddMessage)(store.NewMessage{Mailbox: m.ID, Blob: ref, Received: received})
		}
	})
	all := f.uids(m.ID)
	f.update(func(tx store.Tx) { f.ok(tx.Expunge(m.ID, all[4])) })
	f.view(func(r store.Reader) {
		var got []mail.UID
		f.ok(r.Messages(m.ID, all[2], all[7], 0, func(msg *store.Message) bool {
			if len(msg.Index) != 0 {
				f.Errorf("an index that was not asked for: %q", msg.Index)
			}
			got = append(got, msg.UID)
			return true
		}))
		f.same("UIDs", got, []mail.UID{all[2], all[3], all[5], all[6], all[7]})
		got = nil
		f.ok(r.Messages(m.ID, 1, 1<<32-1, 0, func(msg *store.Message) bool {
			got = append(got, msg.UID)
			return len(got) < 3
		}))
		f.same("UIDs when stopped", got, all[:3])
		stopped := 0
		f.ok(r.Marks(m.ID, 0, func(store.Mark) bool { stopped++; return false }))
		f.same("marks when stopped", stopped, 1)
		f.same("none", len(f.messages(r, m.ID+999)), 0)
		f.same("no marks", len(f.marks(r, m.ID+999, 0)), 0)
	})
}

func uidsNeverReturn(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	last := mail.UID(0)
	deliver := func() mail.UID {
		next := f.read(m.ID).UIDNext
		msg := f.deliver(m.ID, "x", 0)
		if msg.UID <= last || msg.UID < next {
			f.Fatalf("RFC 9051 §2.3.1.1: UID %d after %d, announced as %d or more", msg.UID, last, next)
		}
		last = msg.UID
		return msg.UID
	}
	for range 3 {
		deliver()
	}
	f.update(func(tx store.Tx) { f.ok(tx.Expunge(m.ID, last)) })
	uid := deliver()
	f.update(func(tx store.Tx) {
		_, err := tx.MoveMessage(m.ID, uid, other.ID)
		f.ok(err)
	})
	deliver()
	f.update(func(tx store.Tx) {
		for _, msg := range f.messages(tx, m.ID) {
			f.ok(tx.Expunge(m.ID, msg.UID))
		}
	})
	deliver()
	back := f.uids(other.ID)[0]
	f.update(func(tx store.Tx) {
		mark, err := tx.MoveMessage(other.ID, back, m.ID)
		f.ok(err)
		if mark.UID <= last {
			f.Fatalf("UID %d after %d by moving", mark.UID, last)
		}
		last = mark.UID
	})
	deliver()
}

func uidsOfRefused(f *fixture) {
	m := f.mailbox()
	f.deliver(m.ID, "x", 0)
	before, box := f.read(m.ID), f.box(m.Account)
	f.is(f.try(func(tx store.Tx) error {
		s := must(f, tx.Email) // reads and writes mix
		for _, msg := range f.messages(tx, m.ID) {
			s(msg.ID)
			must(f, tx.AddMessage)(store.NewMessage{Mailbox: m.ID, Blob: msg.Blob, Received: received})
		}
		return mail.E("x", mail.Full, "box.full")
	}), mail.Full)
	f.same("mailbox", f.read(m.ID), before)
	f.same("box", f.box(m.Account), box)
}

func messageCopy(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	first := f.deliver(m.ID, "shared octets", mail.Seen)
	var copied store.Message
	f.update(func(tx store.Tx) {
		source := clone(must(f, tx.Email)(first.ID))
		copied = must(f, tx.AddMessage)(store.NewMessage{Mailbox: other.ID, Flags: source.Flags, Received: source.Received, Blob: source.Blob, Thread: source.Thread})
	})
	if copied.ID == first.ID {
		f.Fatalf("RFC 8474 §5.1: a copy has the EMAILID of its original within one account's other mailbox")
	}
	f.same("blob", copied.Blob, first.Blob)
	f.same("used", f.box(m.Account).Used, int64(2*len("shared octets")))
	f.update(func(tx store.Tx) { f.ok(tx.Expunge(m.ID, first.UID)) })
	f.same("text after the original went", f.text(copied.Blob), "shared octets")
	f.view(func(r store.Reader) {
		f.same("index of the copy", string(f.messages(r, other.ID)[0].Index), "index of 13 octets")
	})
}

func messageMove(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	f.deliver(other.ID, "was here before", 0)
	msg := f.deliver(m.ID, "moved", mail.Deleted|mail.Answered)
	before := f.box(m.Account)
	var mark store.Mark
	f.both(func(tx store.Tx) {
		var err error
		mark, err = tx.MoveMessage(m.ID, msg.UID, other.ID)
		f.ok(err)
	}, func(r store.Reader) {
		f.same("source", len(f.messages(r, m.ID)), 0)
		list := f.messages(r, other.ID)
		f.same("target", len(list), 2)
		got, want := list[1], clone(msg)
		want.Mailbox, want.UID, want.ModSeq, want.Index = other.ID, mark.UID, mark.ModSeq, got.Index
		want.Born = mark.ModSeq
		want.Saved = got.Saved // RFC 8514 lets it be the time of the move
		f.same("moved", got, want)
		f.same("by id", must(f, r.Email)(msg.ID).Mailbox, other.ID)
		f.same("gone", f.gone(r, m.ID, 0), []store.Gone{{UID: msg.UID, ModSeq: mark.ModSeq, Email: msg.ID, Thread: msg.Thread, Made: msg.Made, Hidden: msg.Turned}})
		f.same("not gone", len(f.gone(r, other.ID, 0)), 0)
	})
	after := f.box(m.Account)
	if after.ModSeq <= before.ModSeq || after.Messages != before.Messages || after.Used != before.Used {
		f.Fatalf("box %+v, then %+v", before, after)
	}
	if a, b := f.read(m.ID), f.read(other.ID); a.ModSeq != after.ModSeq || b.ModSeq != after.ModSeq || a.Deleted != 0 || b.Deleted != 1 {
		f.Fatalf("source %+v, target %+v, account %+v", a, b, after)
	}
	stranger := f.mailbox()
	err := f.try(func(tx store.Tx) error {
		_, err := tx.MoveMessage(other.ID, mark.UID, stranger.ID)
		return err
	})
	f.is(err, mail.NotFound)
	f.same("stranger's mailbox", f.read(stranger.ID).Messages, uint32(0))
}

func messageUnknown(f *fixture) {
	m := f.mailbox()
	msg := f.deliver(m.ID, "x", 0)
	other := f.mailboxOf(m.Account, "other")
	before := f.read(m.ID)
	for name, fn := range map[string]func(tx store.Tx) error{
		"SetFlags": func(tx store.Tx) error { _, err := tx.SetFlags(m.ID, msg.UID+1, mail.Seen); return err },
		"SetFlags elsewhere": func(tx store.Tx) error {
			_, err := tx.SetFlags(other.ID, msg.UID, mail.Seen)
			return err
		},
		"Expunge":           func(tx store.Tx) error { return tx.Expunge(m.ID, msg.UID+1) },
		"Expunge elsewhere": func(tx store.Tx) error { return tx.Expunge(other.ID, msg.UID) },
		"Expunge nowhere":   func(tx store.Tx) error { return tx.Expunge(m.ID+999, msg.UID) },
		"MoveMessage":       func(tx store.Tx) error { _, err := tx.MoveMessage(m.ID, msg.UID+1, other.ID); return err },
		"MoveMessage to nowhere": func(tx store.Tx) error {
			_, err := tx.MoveMessage(m.ID, msg.UID, other.ID+999)
			return err
		},
		"AddMessage to nowhere": func(tx store.Tx) error {
			_, err := tx.AddMessage(store.NewMessage{Mailbox: m.ID + 999, Blob: msg.Blob, Received: received})
			return err
		},
		"AddMessage of nothing": func(tx store.Tx) error {
			_, err := tx.AddMessage(store.NewMessage{Mailbox: m.ID, Blob: mail.BlobRef{ID: msg.Blob.ID + 999, Size: 1}, Received: received})
			return err
		},
	} {
		if err := f.try(fn); !mail.Is(err, mail.NotFound) {
			f.Errorf("%s: error is %v, want not found", name, err)
		}
	}
	f.view(func(r store.Reader) {
		_, err := r.Email(msg.ID + 999)
		f.is(err, mail.NotFound)
	})
	f.same("mailbox", f.read(m.ID), before)
}

// countersAfterAnything does random things and compares the counters with a count.
func countersAfterAnything(f *fixture) {
	random := rand.New(rand.NewPCG(7, 7))
	a := mail.AccountID(f.newID())
	boxes := []mail.MailboxID{f.mailboxOf(a, "a").ID, f.mailboxOf(a, "b").ID, f.mailboxOf(a, "c").ID}
	sizes := []store.Staged{f.stage("12345"), f.stage("1"), f.stage("1234567890")}
	flags := func() mail.Flags { return mail.Flags(random.IntN(32)) }
	last := f.box(a).ModSeq
	for range 60 {
		f.update(func(tx store.Tx) {
			for range 1 + random.IntN(5) {
				m, to := boxes[random.IntN(3)], boxes[random.IntN(3)]
				list := f.messages(tx, m)
				if len(list) == 0 || random.IntN(3) == 0 {
					f.add(tx, m, sizes[random.IntN(3)], flags())
					continue
				}
				uid := list[random.IntN(len(list))].UID
				switch random.IntN(4) {
				case 0:
					f.ok(tx.Expunge(m, uid))
				case 1:
					if to != m {
						must(f, func(uid mail.UID) (store.Mark, error) { return tx.MoveMessage(m, uid, to) })(uid)
					}
				default:
					must(f, func(uid mail.UID) (store.Mark, error) { return tx.SetFlags(m, uid, flags()) })(uid)
				}
			}
			f.counted(tx, a)
		})
		f.view(func(r store.Reader) { f.counted(r, a) })
		if now := f.box(a).ModSeq; now < last {
			f.Fatalf("ModSeq %d after %d", now, last)
		} else {
			last = now
		}
	}
}

// counted compares an account's counters with its messages.
func (f *fixture) counted(r store.Reader, a mail.AccountID) {
	total := store.Box{ModSeq: must(f, r.Box)(a).ModSeq}
	for _, m := range must(f, r.Mailboxes)(a) {
		want := m
		want.Messages, want.Unseen, want.Deleted, want.Size = 0, 0, 0, 0
		for _, msg := range f.messages(r, m.ID) {
			want.Messages++
			want.Size += msg.Blob.Size
			if !msg.Flags.Has(mail.Seen) {
				want.Unseen++
			}
			if msg.Flags.Has(mail.Deleted) {
				want.Deleted++
			}
			if msg.UID >= m.UIDNext || msg.ModSeq > m.ModSeq || m.ModSeq > total.ModSeq {
				f.Fatalf("message %+v in %+v of %+v", msg, m, total)
			}
		}
		f.same("counters", m, want)
		f.same("the mailbox alone", must(f, r.Mailbox)(m.ID), m)
		total.Messages += int64(want.Messages)
		total.Used += want.Size
	}
	f.same("box", must(f, r.Box)(a), total)
}
