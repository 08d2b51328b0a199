package storetest

import (
	"context"
	"fmt"
	"time"

	"tegami/mail"
	"tegami/store"
)

var watchPromises = []promise{
	{"WatchTells", watchTells},
	{"WatchIsNeverEarly", watchIsNeverEarly},
	{"WatchOfASlowReader", watchOfASlowReader},
	{"WatchEnds", watchEnds},
	{"UsageFollows", usageFollows},
	{"EpochGrows", epochGrows},
}

// heard waits until the channel says n or more.
func (f *fixture) heard(ch <-chan mail.ModSeq, n mail.ModSeq) {
	timeout := time.After(f.patience)
	for {
		select {
		case got, open := <-ch:
			if !open {
				f.Fatalf("the channel was closed")
			}
			if got >= n {
				return
			}
		case <-timeout:
			f.Fatalf("ModSeq %d was never told", n)
		}
	}
}

func watchTells(f *fixture) {
	m, other := f.mailbox(), f.mailbox()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	one, two := f.tenant.Watch(ctx, m.Account), f.tenant.Watch(ctx, m.Account)
	msg := f.deliver(m.ID, "x", 0)
	f.heard(one, msg.ModSeq)
	f.heard(two, msg.ModSeq)
	for name, fn := range map[string]func(tx store.Tx) error{
		"many flags": func(tx store.Tx) error {
			_, _, err := tx.ChangeFlags(m.ID, msg.UID, msg.UID, 0, mail.Flagged)
			return err
		},
		"flags": func(tx store.Tx) error { _, err := tx.SetFlags(m.ID, msg.UID, mail.Seen); return err },
		"mailbox": func(tx store.Tx) error {
			_, err := tx.CreateMailbox(store.Mailbox{Account: m.Account, Name: "new"})
			return err
		},
	} {
		before := f.box(m.Account).ModSeq
		f.ok(f.try(fn))
		after := f.box(m.Account).ModSeq
		if after <= before {
			f.Fatalf("%s: ModSeq stays %d", name, before)
		}
		f.heard(one, after)
	}
	f.update(func(tx store.Tx) { f.ok(tx.Expunge(m.ID, msg.UID)) })
	f.heard(two, f.box(m.Account).ModSeq)
	quiet := f.tenant.Watch(ctx, other.Account)
	f.deliver(m.ID, "y", 0)
	own := f.deliver(other.ID, "z", 0).ModSeq
	f.heard(quiet, own)
	stranger := f.on(f.newTenant())
	f.heard(stranger.tenantHears(ctx, m.Account), 1)
}

// tenantHears watches an account of the same id in another tenant, and makes one change there.
func (f *fixture) tenantHears(ctx context.Context, a mail.AccountID) <-chan mail.ModSeq {
	ch := f.tenant.Watch(ctx, a)
	f.mailboxOf(a, "INBOX")
	return ch
}

// watchIsNeverEarly: what the channel says is there to be seen.
func watchIsNeverEarly(f *fixture) {
	m := f.mailbox()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ch := f.tenant.Watch(ctx, m.Account)
	writers := make(chan error, 1)
	go func() {
		defer close(writers)
		writers <- caught(func() {
			f.together(5, func(int) error {
				s := f.sealed("x")
				defer s.Release()
				for range 20 {
					f.update(func(tx store.Tx) { f.add(tx, m.ID, s, 0) })
				}
				return nil
			})
		})
	}()
	want := m.ModSeq + 100
	timeout := time.After(f.patience)
	for last := mail.ModSeq(0); last < want; {
		select {
		case told := <-ch:
			if told <= last {
				f.Fatalf("ModSeq %d told after %d", told, last)
			}
			last = told
			if seen := f.box(m.Account).ModSeq; seen < told {
				f.Fatalf("ModSeq %d told, %d seen", told, seen)
			}
		case <-timeout:
			f.Fatalf("the last told is %d, want %d", last, want)
		}
	}
	f.ok(<-writers)
}

// watchOfASlowReader: who does not listen keeps nobody waiting and hears of the last change later.
func watchOfASlowReader(f *fixture) {
	m := f.mailbox()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ch := f.tenant.Watch(ctx, m.Account)
	s := f.stage("x")
	for range 300 {
		f.update(func(tx store.Tx) { f.add(tx, m.ID, s, 0) })
	}
	f.heard(ch, f.box(m.Account).ModSeq)
}

func watchEnds(f *fixture) {
	m := f.mailbox()
	for range 50 {
		ctx, cancel := context.WithCancel(context.Background())
		ch := f.tenant.Watch(ctx, m.Account)
		f.deliver(m.ID, "x", 0)
		cancel()
		f.eventually("the channel is closed", func() bool {
			select {
			case _, open := <-ch:
				return !open
			default:
				return false
			}
		})
	}
	f.deliver(m.ID, "nobody listens", 0)
}

func usageFollows(f *fixture) {
	ctx := context.Background()
	nobody, err := f.tenant.Usage(ctx, mail.AccountID(f.newID()))
	f.ok(err)
	f.same("of nobody", []int64{nobody.Used, nobody.Messages}, []int64{0, 0})
	m := f.mailbox()
	follows := func() {
		want := f.box(m.Account)
		f.eventually(fmt.Sprintf("usage %+v", want), func() bool {
			got, err := f.tenant.Usage(ctx, m.Account)
			f.ok(err)
			return got.Used == want.Used && got.Messages == want.Messages
		})
	}
	follows()
	msg := f.deliver(m.ID, "12345", 0)
	follows()
	f.deliver(m.ID, "678", 0)
	follows()
	f.update(func(tx store.Tx) { f.ok(tx.Expunge(m.ID, msg.UID)) })
	follows()
}

func epochGrows(f *fixture) {
	m := f.mailbox()
	last := f.tenant.Epoch()
	grows := func(what string) {
		now := f.tenant.Epoch()
		if now <= last {
			f.Fatalf("epoch %d after %s, %d before", now, what, last)
		}
		last = now
	}
	o := f.put(account("sato@example.jp"))
	grows("an object was made")
	o.Doc = []byte(`{}`)
	o = f.put(o)
	grows("it was changed")
	f.deliver(m.ID, "x", 0)
	f.same("epoch after a delivery, which no directory cache must feel", f.tenant.Epoch(), last)
	other := f.on(f.newTenant())
	other.put(account("sato@example.jp"))
	f.same("epoch after another tenant's object", f.tenant.Epoch(), last)
	f.update(func(tx store.Tx) { f.ok(tx.DeleteObject("account", o.ID, o.Version)) })
	grows("it was removed")
}
