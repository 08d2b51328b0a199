// Package storetest is the contract of package store as tests. Every backend
// runs all of them:
//
//	func TestStore(t *testing.T) { storetest.Run(t, open) }
//
// A promise of the contract without a test here is not kept for long. Each test has a store
// of its own, and after it Store.Check must find nothing wrong.
package storetest

import (
	"testing"

	"tegami/store"
)

// A promise is one thing the contract says, as a test.
type promise struct {
	name string
	test func(*fixture)
}

// Run holds a backend against the contract. open gives an empty store, and
// closes it when the test ends.
func Run(t *testing.T, open func(t testing.TB) store.Store) {
	for _, group := range [][]promise{
		tenantPromises, objectPromises, actPromises, mailboxPromises, messagePromises, changePromises, blobPromises,
		updatePromises, viewPromises, watchPromises, itemPromises, dutyPromises, isolationPromises, memoPromises, entryPromises, keptPromises, countPromises, threadPromises, textPromises, tracePromises,
	} {
		for _, p := range group {
			t.Run(p.name, func(t *testing.T) {
				f := newFixture(t, open(t))
				f.run(func() { p.test(f) })
			})
		}
	}
}

// RunReopen tests that whatever was acknowledged is there after a restart. reopen closes the
// store and opens one on the same data.
func RunReopen(t *testing.T, rule Leases, open func(t testing.TB) store.Store, reopen func(t testing.TB, s store.Store) store.Store) {
	run := func(name string, test func(f *fixture, reopen func())) {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, open(t))
			f.run(func() {
				test(f, func() {
					f.store = reopen(t, f.store)
					f.tenant = f.store.Tenant(f.id)
				})
			})
		})
	}
	for _, p := range durablePromises {
		run(p.name, p.test)
	}
	for _, p := range leasePromises {
		run(p.name, func(f *fixture, reopen func()) { p.test(f, reopen, rule) })
	}
}
