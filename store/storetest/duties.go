package storetest

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

var dutyPromises = []promise{
	{"LeadOneAtATime", leadOneAtATime},
	{"LeadGivesUpWaiting", leadGivesUpWaiting},
	{"TallySums", tallySums},
	{"CheckIsQuiet", checkIsQuiet},
	{"CloseEndsEverything", closeEndsEverything},
}

func leadOneAtATime(f *fixture) {
	ctx, cancel := context.WithCancel(context.Background())
	held, first, err := f.store.Lead(ctx, "sweep")
	f.ok(err)
	f.ok(held.Err())
	other, cancelOther := context.WithCancel(context.Background())
	defer cancelOther()
	_, _, err = f.store.Lead(other, "digest") // another duty is free
	f.ok(err)

	next := make(chan uint64, 1)
	failed := make(chan error, 1)
	go func() {
		_, fence, err := f.store.Lead(other, "sweep")
		failed <- err
		next <- fence
	}()
	select {
	case err := <-failed:
		f.Fatalf("two hold one duty (%v)", err)
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	select {
	case <-held.Done():
	case <-time.After(f.patience):
		f.Fatalf("the duty's context does not end with its parent")
	}
	select {
	case err := <-failed:
		f.ok(err)
	case <-time.After(f.patience):
		f.Fatalf("a duty given back was not given to who waits")
	}
	if fence := <-next; fence <= first {
		f.Fatalf("fence %d after %d", fence, first)
	}
}

func leadGivesUpWaiting(f *fixture) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, _, err := f.store.Lead(ctx, "sweep")
	f.ok(err)
	short, end := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer end()
	_, _, err = f.store.Lead(short, "sweep")
	f.is(err, mail.Busy)
}

func tallySums(f *fixture) {
	ctx := context.Background()
	for i, want := range []int64{1, 3, 6} {
		got, err := f.store.Tally(ctx, "signin 192.0.2.7", int64(i+1), time.Hour)
		f.ok(err)
		f.same("sum", got, want)
	}
	got, err := f.store.Tally(ctx, "signin 192.0.2.8", 1, time.Hour)
	f.ok(err)
	f.same("another key", got, int64(1))
	got, err = f.store.Tally(ctx, "signin 192.0.2.7", 0, time.Hour)
	f.ok(err)
	f.same("asked only", got, int64(6))
	_, err = f.store.Tally(ctx, "short", 5, 10*time.Millisecond)
	f.ok(err)
	f.eventually("what is older than the window is forgotten", func() bool {
		n, err := f.store.Tally(ctx, "short", 0, 10*time.Millisecond)
		f.ok(err)
		return n == 0
	})
}

// checkIsQuiet: Check after some of everything; that it can find something is for the backends to test.
func checkIsQuiet(f *fixture) {
	m := f.mailbox()
	f.deliver(m.ID, "x", mail.Deleted)
	f.deliver(m.ID, string(octets(1, 200_000)), 0)
	f.put(account("sato@example.jp"))
	f.item(store.ItemWaiting, past)
	err := f.store.Check(context.Background(), true, func(found store.Finding) {
		if !found.Garbage {
			f.Errorf("Check: %+v", found)
		}
	})
	f.ok(err)
	f.same("messages after a repair", f.read(m.ID).Messages, uint32(2))
}

func closeEndsEverything(f *fixture) {
	m := f.mailbox()
	msg := f.deliver(m.ID, "x", 0)
	ctx := context.Background()
	f.ok(f.store.Close())
	f.closed = true
	for name, err := range map[string]error{
		"View":         f.tenant.View(ctx, func(store.Reader) error { return nil }),
		"Update":       f.try(func(store.Tx) error { return nil }),
		"CreateTenant": f.store.CreateTenant(ctx, 999),
		"Tenants":      second(f.store.Tenants(ctx)),
		"Claim":        second(f.store.Claim(ctx, "worker", 1, time.Hour)),
		"Open":         second(f.tenant.Blobs().Open(ctx, msg.Blob)),
	} {
		if err == nil {
			f.Errorf("%s of a closed store gives no error", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
