package storetest

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

var viewPromises = []promise{
	{"ViewStandsStill", viewStandsStill},
	{"ViewSeesTheLastUpdate", viewSeesTheLastUpdate},
	{"ViewIsNeverTorn", viewIsNeverTorn},
}

func viewStandsStill(f *fixture) {
	m := f.mailbox()
	one := f.deliver(m.ID, "one", 0)
	s := f.stage("two")
	f.view(func(r store.Reader) {
		before, box := must(f, r.Mailbox)(m.ID), must(f, r.Box)(m.Account)
		changed := make(chan error)
		go func() {
			changed <- f.try(func(tx store.Tx) error {
				f.add(tx, m.ID, s, 0)
				if err := tx.Expunge(m.ID, one.UID); err != nil {
					return err
				}
				_, err := tx.PutObject(store.Object{Kind: "account", ID: mail.ObjectID(tx.NextID())})
				return err
			})
		}()
		f.ok(<-changed) // a reader keeps no writer waiting
		f.same("mailbox", must(f, r.Mailbox)(m.ID), before)
		f.same("box", must(f, r.Box)(m.Account), box)
		f.same("marks", f.marks(r, m.ID, 0), []store.Mark{{UID: one.UID, ModSeq: one.ModSeq}})
		f.same("gone", len(f.gone(r, m.ID, 0)), 0)
		f.same("messages", f.messages(r, m.ID)[0].ID, one.ID)
		list, err := r.Objects("account", store.Page{})
		f.ok(err)
		f.same("objects", len(list), 0)
	})
	f.same("messages of a later view", len(f.uids(m.ID)), 1)
	f.view(func(r store.Reader) { f.same("gone later", len(f.gone(r, m.ID, 0)), 1) })
}

func viewSeesTheLastUpdate(f *fixture) {
	f.together(8, func(int) error {
		m := store.Mailbox{}
		if err := f.try(func(tx store.Tx) (err error) {
			m, err = tx.CreateMailbox(store.Mailbox{Account: mail.AccountID(tx.NextID()), Name: "INBOX"})
			return err
		}); err != nil {
			return err
		}
		s := f.sealed("x")
		defer s.Release()
		for i := range 20 {
			f.update(func(tx store.Tx) { f.add(tx, m.ID, s, 0) })
			f.same("messages", f.read(m.ID).Messages, uint32(i+1))
		}
		return nil
	})
}

// viewIsNeverTorn moves a message between two mailboxes while others look: it is always in one of them.
func viewIsNeverTorn(f *fixture) {
	m := f.mailbox()
	other := f.mailboxOf(m.Account, "other")
	f.deliver(m.ID, "x", 0)
	ctx, cancel := context.WithTimeout(context.Background(), f.patience)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- caught(func() {
			for range 100 {
				f.update(func(tx store.Tx) { f.ok(swap(f, tx, m.ID, other.ID)) })
			}
		})
	}()
	looks := 0
	for ctx.Err() == nil {
		f.view(func(r store.Reader) {
			f.counted(r, m.Account)
			f.same("messages in both", len(f.messages(r, m.ID))+len(f.messages(r, other.ID)), 1)
		})
		looks++
		time.Sleep(100 * time.Microsecond)
	}
	f.ok(<-done)
	f.same("looked", looks > 0, true)
}

// swap moves whatever is in one of two mailboxes to the other.
func swap(f *fixture, tx store.Tx, a, b mail.MailboxID) error {
	for _, way := range [][2]mail.MailboxID{{a, b}, {b, a}} {
		if list := f.messages(tx, way[0]); len(list) > 0 {
			_, err := tx.MoveMessage(way[0], list[0].UID, way[1])
			return err
		}
	}
	return nil
}
