package storetest

import (
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

// leasePromises hold over a restart, in one of two ways.
var leasePromises = []struct {
	name string
	test func(f *fixture, reopen func(), rule Leases)
}{
	{"Leases", leases},
	{"LeasesFromBirth", birthLeases},
}

// durablePromises hold over a restart. reopen restarts the store of the fixture.
var durablePromises = []struct {
	name string
	test func(f *fixture, reopen func())
}{
	{"EverythingIsThereAfterwards", everythingIsThere},
	{"NumbersGoOn", numbersGoOn},
	{"RefusedStaysRefused", refusedStaysRefused},
	{"PlacesOfBefore", placesOfBefore},
	{"UnderLoad", underLoad},
}

func everythingIsThere(f *fixture, reopen func()) {
	b := f.furnish()
	f.release()
	b.item.Until = time.Time{} // what becomes of leases has promises of its own
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(b.item)) })
	var large []store.Message
	for i, size := range sizes {
		large = append(large, f.deliver(b.inbox.ID, string(octets(uint64(i), size)), 0))
	}
	before := f.dump(b.account)
	for range 3 {
		reopen()
		f.same("everything", f.dump(b.account), before)
		for i, size := range sizes {
			f.equal("blob", []byte(f.text(large[i].Blob)), octets(uint64(i), size))
		}
		f.check()
	}
}

// numbersGoOn: UIDs, ModSeqs, ids, UIDVALIDITY, versions and the log go on where they were.
func numbersGoOn(f *fixture, reopen func()) {
	m := f.mailbox()
	first := f.deliver(m.ID, "x", 0)
	f.update(func(tx store.Tx) { f.ok(tx.Expunge(m.ID, first.UID)) })
	o := f.put(account("sato@example.jp"))
	old := f.mailboxOf(m.Account, "old")
	f.update(func(tx store.Tx) { f.ok(tx.DeleteMailbox(old.ID)) })
	modseq := f.box(m.Account).ModSeq
	reopen()
	msg := f.deliver(m.ID, "y", 0)
	if msg.UID <= first.UID || msg.ModSeq <= modseq || msg.ID <= first.ID {
		f.Fatalf("UID %d after %d, ModSeq %d after %d, id %d after %d", msg.UID, first.UID, msg.ModSeq, modseq, msg.ID, first.ID)
	}
	if again := f.mailboxOf(m.Account, "old"); again.UIDValidity <= old.UIDValidity {
		f.Fatalf("UIDVALIDITY %d after %d", again.UIDValidity, old.UIDValidity)
	}
	if again := f.put(o); again.Version <= o.Version {
		f.Fatalf("version %d after %d", again.Version, o.Version)
	}
	f.view(func(r store.Reader) {
		acts, err := r.Acts(1, 0)
		f.ok(err)
		f.same("the next act", acts[0].Seq, uint64(2))
	})
}

// placesOfBefore: a place that was read before a restart leads to the right octets after it, though numbers may begin anew.
func placesOfBefore(f *fixture, reopen func()) {
	m := f.mailbox()
	var want [][]byte
	for i, size := range []int{10, 20_000, 200_000} {
		want = append(want, octets(uint64(i), size))
		f.deliver(m.ID, string(want[i]), 0)
	}
	before := f.placed(m.ID, store.WithPlace)
	reopen()
	for i, msg := range before {
		f.equal("opened by its old place", f.octetsAt(msg), want[i])
	}
}

func refusedStaysRefused(f *fixture, reopen func()) {
	m := f.mailbox()
	s := f.stage("never")
	var ref mail.BlobRef
	f.is(f.try(func(tx store.Tx) error {
		ref = f.add(tx, m.ID, s, 0).Blob
		return mail.E("x", mail.Full, "")
	}), mail.Full)
	f.release()
	reopen()
	f.same("messages", f.read(m.ID).Messages, uint32(0))
	_, err := f.tenant.Blobs().Open(f.Context(), ref)
	f.is(err, mail.NotFound)
}

// Leases says what becomes of leases when the process that holds them ends.
type Leases bool

// The two kinds of stores.
const (
	LeasesOutlive Leases = false // they hold until their time is over: another process may be at work
	LeasesDie     Leases = true  // they end with the only process there is
)

// leases: a lease given before the restart holds or does not, and the fence after it is larger.
func leases(f *fixture, reopen func(), rule Leases) {
	f.item(store.ItemWaiting, past)
	leased := f.claim(1)[0].Item
	reopen()
	if rule == LeasesDie {
		again := f.claim(1)
		f.same("claimed again", len(again), 1)
		f.same("tries", again[0].Item.Tries, 2)
		f.says(f.try(func(tx store.Tx) error { return tx.PutItem(leased) }), mail.Conflict, "item.leased")
		leased = again[0].Item
	}
	f.same("claimed by another", len(f.claim(1)), 0)
	leased.Until = time.Time{}
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(leased)) })
	reopen()
	again := f.claim(1)
	f.same("claimed", len(again), 1)
	if again[0].Item.Fence <= leased.Fence {
		f.Fatalf("fence %d after %d", again[0].Item.Fence, leased.Fence)
	}
}

// birthLeases: one from birth is like any other, also when it was made before the first claim.
func birthLeases(f *fixture, reopen func(), rule Leases) {
	born := func() (id mail.ItemID) {
		f.update(func(tx store.Tx) {
			id = mail.ItemID(tx.NextID())
			f.ok(tx.PutItem(store.Item{ID: id, State: store.ItemWaiting, Due: past, Until: inHours(1)}))
		})
		return id
	}
	before := born()
	reopen()
	after := born()
	list := f.claim(store.MaxPage)
	if rule == LeasesOutlive {
		f.same("claimed", len(list), 0)
		return
	}
	f.same("claimed", len(list), 1)
	f.same("the lease of before", list[0].Item.ID, before)
	f.update(func(tx store.Tx) { f.ok(tx.DeleteItem(after, 1)) })
}

// underLoad closes the store while many write: what was acknowledged is there, and nothing twice.
func underLoad(f *fixture, reopen func()) {
	m := f.mailbox()
	var acknowledged atomic.Int64
	begun := make(chan struct{}, 1)
	done := make(chan struct{})
	tenant := f.tenant
	for range 10 {
		s := f.sealed("12345") // here: one that begins late would find the store closed
		go func() {
			defer func() { done <- struct{}{} }()
			defer s.Release()
			for {
				err := tenant.Update(f.Context(), Actor(), "storetest", func(tx store.Tx) error {
					ref, err := tx.Keep(s, nil)
					if err == nil {
						_, err = tx.AddMessage(store.NewMessage{Mailbox: m.ID, Blob: ref, Received: received})
					}
					return err
				})
				if err != nil {
					return
				}
				acknowledged.Add(1)
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		}()
	}
	<-begun
	reopen()
	for range 10 {
		<-done
	}
	f.same("messages", int64(f.read(m.ID).Messages), acknowledged.Load())
	f.view(func(r store.Reader) { f.counted(r, m.Account) })
}
