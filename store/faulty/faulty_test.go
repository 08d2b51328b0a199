package faulty_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/store/faulty"
	"tegami/store/storetest"
)

func open(t testing.TB, plan *faulty.Plan) store.Store {
	t.Helper()
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return faulty.Wrap(s, plan)
}

// TestHealthy holds a faulty store without faults against the contract.
func TestHealthy(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, new(faulty.Plan)) })
}

var actor = mail.MintActor(mail.Platform, 0, 0, "platform:test", mail.Origin{})

// deliver makes one mailbox with one message in it.
func deliver(tenant store.Tenant, account mail.AccountID) (ref mail.BlobRef, err error) {
	ctx := context.Background()
	s, err := tenant.Blobs().Stage(ctx, 0)
	if err != nil {
		return ref, err
	}
	defer s.Release()
	if _, err := s.Write([]byte("octets")); err != nil {
		return ref, err
	}
	if err := s.Seal(ctx); err != nil {
		return ref, err
	}
	err = tenant.Update(ctx, actor, "test", func(tx store.Tx) error {
		m, err := tx.CreateMailbox(store.Mailbox{Account: account, Name: "INBOX"})
		if err != nil {
			return err
		}
		if ref, err = tx.Keep(s, nil); err != nil {
			return err
		}
		_, err = tx.AddMessage(store.NewMessage{Mailbox: m.ID, Blob: ref})
		return err
	})
	return ref, err
}

// TestFaults fails each point once, and looks whether the message is there.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		at   faulty.Point
		kept bool
	}{
		{faulty.Update, false}, {faulty.Commit, false}, {faulty.Answer, true},
		{faulty.Stage, false}, {faulty.Write, false}, {faulty.Seal, false},
	} {
		var plan faulty.Plan
		s := open(t, &plan)
		if err := s.CreateTenant(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		tenant := s.Tenant(1)
		plan.Fail(c.at, 2, faulty.DiskFull)
		for n, want := range []error{nil, faulty.DiskFull, nil} {
			if _, err := deliver(tenant, mail.AccountID(n+1)); !errors.Is(err, want) {
				t.Errorf("point %d, delivery %d: %v, want %v", c.at, n, err, want)
			}
		}
		box, err := tenant.Usage(context.Background(), 2)
		if err != nil || (box.Messages == 1) != c.kept {
			t.Errorf("point %d: %d messages kept, %v", c.at, box.Messages, err)
		}
		if c.at != faulty.Stage && plan.Calls(c.at) < 2 {
			t.Errorf("point %d was passed %d times", c.at, plan.Calls(c.at))
		}
	}
}

func TestReadingFaults(t *testing.T) {
	var plan faulty.Plan
	s := open(t, &plan)
	ctx := context.Background()
	if err := s.CreateTenant(ctx, 1); err != nil {
		t.Fatal(err)
	}
	tenant := s.Tenant(1)
	ref, err := deliver(tenant, 1)
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		b, err := tenant.Blobs().Open(ctx, ref)
		if err != nil {
			return err
		}
		defer b.Close()
		if _, err := b.ReadAt(make([]byte, 1), 0); err != nil {
			return err
		}
		_, err = b.WriteRange(io.Discard, 0, ref.Size)
		return err
	}
	tries := map[faulty.Point]func() error{
		faulty.Open: read,
		faulty.Read: read,
		faulty.View: func() error { return tenant.View(ctx, func(store.Reader) error { return nil }) },
		faulty.Usage: func() error {
			_, err := tenant.Usage(ctx, 1)
			return err
		},
		faulty.Claim: func() error {
			_, err := s.Claim(ctx, "worker", 1, time.Minute)
			return err
		},
	}
	for at, try := range tries {
		plan.FailFrom(at, 1, faulty.DiskFailed)
		for range 2 {
			if err := try(); !errors.Is(err, faulty.DiskFailed) {
				t.Errorf("point %d: %v", at, err)
			}
		}
		plan.Heal()
		if err := try(); err != nil {
			t.Errorf("point %d, healed: %v", at, err)
		}
	}
}

// TestSlow: a slow point does not outlast the caller's patience.
func TestSlow(t *testing.T) {
	var plan faulty.Plan
	s := open(t, &plan)
	if err := s.CreateTenant(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	plan.Slow(faulty.View, time.Hour)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := s.Tenant(1).View(ctx, func(store.Reader) error { return nil }); !mail.Is(err, mail.Busy) {
		t.Errorf("a slow View gives %v", err)
	}
}
