package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"tegami/mail"
	"tegami/store"
)

var updatePromises = []promise{
	{"UpdateSeesItself", updateSeesItself},
	{"UpdateAllOrNothing", updateAllOrNothing},
	{"UpdateKeepsTheError", updateKeepsTheError},
	{"UpdateNeedsAnActor", updateNeedsAnActor},
	{"UpdateCancelled", updateCancelled},
	{"UpdatePanics", updatePanics},
	{"UpdateIDs", updateIDs},
	{"UpdatesAtOnce", updatesAtOnce},
	{"UpdatesAtOnceSomeFail", updatesAtOnceSomeFail},
	{"UpdatesAtOnceOneName", updatesAtOnceOneName},
	{"UpdatesAtOnceAcrossAccounts", updatesAtOnceAcrossAccounts},
}

func updateSeesItself(f *fixture) {
	a := mail.AccountID(f.newID())
	s := f.stage("hello")
	f.update(func(tx store.Tx) {
		id := mail.ObjectID(tx.NextID())
		o := account("sato@example.jp")
		o.ID = id
		version := must(f, tx.PutObject)(o)
		got, err := tx.Object("account", id)
		f.ok(err)
		f.same("version", got.Version, version)
		got.Doc = []byte(`{"v":2}`)
		must(f, tx.PutObject)(got)
		again, err := tx.Object("account", id)
		f.ok(err)
		f.same("doc", string(again.Doc), `{"v":2}`)

		m := must(f, tx.CreateMailbox)(store.Mailbox{Account: a, Name: "INBOX"})
		msg := f.add(tx, m.ID, s, 0)
		_, err = tx.SetFlags(m.ID, msg.UID, mail.Seen|mail.Deleted)
		f.ok(err)
		f.counted(tx, a)
		f.same("deleted", must(f, tx.Mailbox)(m.ID).Deleted, uint32(1))
		f.ok(tx.Expunge(m.ID, msg.UID))
		f.counted(tx, a)
		f.same("gone", len(f.gone(tx, m.ID, 0)), 1)
		f.ok(tx.DeleteMailbox(m.ID))
		f.same("mailboxes", len(must(f, tx.Mailboxes)(a)), 0)
	})
}

func updateAllOrNothing(f *fixture) {
	m := f.mailbox()
	kept := f.deliver(m.ID, "kept", 0)
	o := f.put(account("sato@example.jp"))
	before, box := f.read(m.ID), f.box(m.Account)
	s := f.stage("never")
	var item mail.ItemID
	f.is(f.try(func(tx store.Tx) error {
		msg := f.add(tx, m.ID, s, 0)
		_, err := tx.SetFlags(m.ID, kept.UID, mail.Seen)
		f.ok(err)
		f.ok(tx.Expunge(m.ID, msg.UID))
		must(f, tx.CreateMailbox)(store.Mailbox{Account: m.Account, Name: "new"})
		f.ok(tx.DeleteObject("account", o.ID, o.Version))
		item = mail.ItemID(tx.NextID())
		f.ok(tx.PutItem(store.Item{ID: item, State: store.ItemHeld, Due: received}))
		renamed := m
		renamed.Name = "renamed"
		f.ok(tx.SetMailbox(renamed))
		return mail.E("x", mail.Busy, "")
	}), mail.Busy)
	f.same("mailbox", f.read(m.ID), before)
	f.same("box", f.box(m.Account), box)
	f.view(func(r store.Reader) {
		f.same("mailboxes", len(must(f, r.Mailboxes)(m.Account)), 1)
		f.same("messages", len(f.messages(r, m.ID)), 1)
		f.same("marks", f.marks(r, m.ID, 0), []store.Mark{{UID: kept.UID, ModSeq: kept.ModSeq}})
		f.same("gone", len(f.gone(r, m.ID, 0)), 0)
		f.same("object", must(f, r.ObjectByKey)(o.Unique[0]).ID, o.ID)
		_, err := r.Item(item)
		f.is(err, mail.NotFound)
		acts, err := r.Acts(0, 0)
		f.ok(err)
		f.same("acts", len(acts), 1)
	})
	f.deliver(m.ID, "next", 0)
}

func updateKeepsTheError(f *fixture) {
	if err := f.try(func(store.Tx) error { return fmt.Errorf("wrapped: %w", errGiveUp) }); !errors.Is(err, errGiveUp) {
		f.Fatalf("Update gave %v", err)
	}
	err := f.tenant.View(context.Background(), func(store.Reader) error { return errGiveUp })
	if !errors.Is(err, errGiveUp) {
		f.Fatalf("View gave %v", err)
	}
	f.says(f.try(func(store.Tx) error { return mail.E("x", mail.Full, "box.full") }), mail.Full, "box.full")
}

func updateNeedsAnActor(f *fixture) {
	err := f.tenant.Update(context.Background(), mail.Actor{}, "storetest", func(store.Tx) error {
		f.Errorf("fn ran for nobody")
		return nil
	})
	f.is(err, mail.Denied)
}

func updateCancelled(f *fixture) {
	m := f.mailbox()
	before := f.read(m.ID)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := f.tenant.Update(ctx, Actor(), "storetest", func(tx store.Tx) error {
		_, err := tx.CreateMailbox(store.Mailbox{Account: m.Account, Name: "late"})
		return err
	})
	f.is(err, mail.Busy)
	f.is(f.tenant.View(ctx, func(store.Reader) error { return nil }), mail.Busy)
	_, err = f.store.Claim(ctx, "worker", 1, 0)
	f.is(err, mail.Busy)
	f.same("mailbox", f.read(m.ID), before)
	f.view(func(r store.Reader) { f.same("mailboxes", len(must(f, r.Mailboxes)(m.Account)), 1) })
}

// updatePanics: whether the panic comes out of Update or an error does is the
// backend's choice. Nothing is kept, and the store lives on.
func updatePanics(f *fixture) {
	m := f.mailbox()
	s := f.stage("never")
	before := f.read(m.ID)
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = mail.E("x", mail.Other, "")
			}
		}()
		return f.try(func(tx store.Tx) error {
			f.add(tx, m.ID, s, 0)
			panic("a bug")
		})
	}()
	f.is(err, mail.Other)
	f.same("mailbox", f.read(m.ID), before)
	f.same("UID", f.deliver(m.ID, "next", 0).UID, before.UIDNext)
}

func updateIDs(f *fixture) {
	var mu sync.Mutex
	seen := map[int64]bool{}
	f.together(20, func(int) error {
		var made []int64
		err := f.try(func(tx store.Tx) error {
			made = made[:0]
			for range 50 {
				made = append(made, tx.NextID())
			}
			return nil
		})
		mu.Lock()
		defer mu.Unlock()
		for i, id := range made {
			if id <= 0 || seen[id] || i > 0 && id <= made[i-1] {
				return fmt.Errorf("id %d, the %d. of %v", id, i, made)
			}
			seen[id] = true
		}
		return err
	})
}

// together runs fn in n goroutines and expects no errors.
func (f *fixture) together(n int, fn func(i int) error) {
	errs := make(chan error, n)
	for i := range n {
		go func() {
			var err error
			if failed := caught(func() { err = fn(i) }); failed != nil {
				err = failed
			}
			errs <- err
		}()
	}
	var first error
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	f.ok(first)
}

const (
	callers = 50 // goroutines that write at once
	rounds  = 10 // updates of each
)

// updatesAtOnce: however often a backend runs a function, what was acknowledged counts once.
func updatesAtOnce(f *fixture) {
	m := f.mailbox()
	var runs atomic.Int64
	f.together(callers, func(int) error {
		s := f.sealed("12345")
		defer s.Release()
		for range rounds {
			err := f.try(func(tx store.Tx) error {
				runs.Add(1)
				f.add(tx, m.ID, s, 0)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if runs.Load() < callers*rounds {
		f.Fatalf("functions ran %d times", runs.Load())
	}
	got := f.read(m.ID)
	f.same("messages", []any{got.Messages, got.Size}, []any{uint32(callers * rounds), int64(5 * callers * rounds)})
	uids := f.uids(m.ID)
	for i := range uids {
		f.same("UIDs without holes", uids[i], m.UIDNext+mail.UID(i))
	}
	f.view(func(r store.Reader) {
		f.counted(r, m.Account)
		marks := f.marks(r, m.ID, 0)
		slices.SortFunc(marks, byModSeq)
		for i := range marks[1:] {
			if marks[i+1].ModSeq <= marks[i].ModSeq {
				f.Fatalf("two messages with ModSeq %d", marks[i].ModSeq)
			}
		}
	})
}

// updatesAtOnceSomeFail: who fails harms nobody else.
func updatesAtOnceSomeFail(f *fixture) {
	m := f.mailbox()
	var kept atomic.Int64
	f.together(callers, func(i int) error {
		s := f.sealed("x")
		defer s.Release()
		for j := range rounds {
			fails := (i+j)%3 == 0
			err := f.try(func(tx store.Tx) error {
				f.add(tx, m.ID, s, 0)
				if fails {
					return errGiveUp
				}
				return nil
			})
			switch {
			case fails && !errors.Is(err, errGiveUp):
				return fmt.Errorf("one that gave up got %v", err)
			case !fails && err != nil:
				return err
			case !fails:
				kept.Add(1)
			}
		}
		return nil
	})
	f.same("messages", int64(f.read(m.ID).Messages), kept.Load())
	f.view(func(r store.Reader) { f.counted(r, m.Account) })
	last := f.uids(m.ID)
	f.same("UIDs without holes", last[len(last)-1], m.UIDNext+mail.UID(kept.Load()-1))
}

// updatesAtOnceOneName: of many who want one name one gets it, and the others hear Conflict.
func updatesAtOnceOneName(f *fixture) {
	a := mail.AccountID(f.newID())
	var objects, mailboxes atomic.Int64
	f.together(20, func(int) error {
		err := f.try(func(tx store.Tx) error {
			_, err := tx.PutObject(store.Object{Kind: "account", ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{key("address", "one@example.jp")}})
			return err
		})
		if err == nil {
			objects.Add(1)
		} else if !mail.Is(err, mail.Conflict) {
			return err
		}
		_, err = f.create(store.Mailbox{Account: a, Name: "INBOX"})
		if err == nil {
			mailboxes.Add(1)
		} else if !mail.Is(err, mail.Conflict) {
			return err
		}
		return nil
	})
	f.same("winners", []int64{objects.Load(), mailboxes.Load()}, []int64{1, 1})
	f.view(func(r store.Reader) {
		list, err := r.Objects("account", store.Page{})
		f.ok(err)
		f.same("objects", len(list), 1)
		f.same("mailboxes", len(must(f, r.Mailboxes)(a)), 1)
	})
}

// updatesAtOnceAcrossAccounts writes to the same accounts in opposite orders: nobody may wait for ever.
func updatesAtOnceAcrossAccounts(f *fixture) {
	boxes := []store.Mailbox{f.mailbox(), f.mailbox(), f.mailbox()}
	f.together(20, func(i int) error {
		s := f.sealed("x")
		defer s.Release()
		return f.try(func(tx store.Tx) error {
			for j := range boxes {
				f.add(tx, boxes[(i*(1+i%2)+j*(1+i%2))%3].ID, s, 0)
			}
			return nil
		})
	})
	total := uint32(0)
	for _, m := range boxes {
		total += f.read(m.ID).Messages
		f.view(func(r store.Reader) { f.counted(r, m.Account) })
	}
	f.same("messages", total, uint32(60))
}
