package billing_test

import (
	"context"
	"testing"

	"tegami/billing"
	"tegami/directory"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/store"
)

// A house is the order book over a directory and an embedded store.
type house struct {
	testing.TB
	*billing.Service
	dir *directory.Directory
	ops mail.Actor
	ctx context.Context
}

func newHouse(t testing.TB) *house {
	t.Helper()
	st := stores.Open(t)
	return houseOn(t, st)
}

// houseOn builds the house over a store.
func houseOn(t testing.TB, st store.Store) *house {
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision})
	return &house{t, billing.New(st, dir), dir, directory.Operator("test", "").For("test"), context.Background()}
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// says wants an error of a kind with a catalogue key.
func (h *house) says(err error, kind mail.Kind, key string) {
	h.Helper()
	mailtest.Says(h, err, kind, key)
}
