package storetest

import (
	"context"
	"fmt"
	"time"

	"tegami/mail"
	"tegami/store"
)

var itemPromises = []promise{
	{"ItemIsKept", itemIsKept},
	{"ItemLists", itemLists},
	{"ItemBlob", itemBlob},
	{"ClaimWhatIsDue", claimWhatIsDue},
	{"ClaimedOnce", claimedOnce},
	{"ClaimAtOnce", claimAtOnce},
	{"ClaimFences", claimFences},
	{"ClaimLeaseEnds", claimLeaseEnds},
	{"ClaimIsFair", claimIsFair},
	{"LeaseIsRenewed", leaseIsRenewed},
	{"LeasedFromBirth", leasedFromBirth},
	{"LeaseFromBirthEnds", leaseFromBirthEnds},
	{"LeaseIsForWaiting", leaseIsForWaiting},
	{"Routes", routes},
	{"ItemsOnRoute", itemsOnRoute},
}

// past is when items of tests are due, unless they are not.
var past = time.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC()

// item writes an item.
func (f *fixture) item(state store.ItemState, due time.Time) store.Item {
	i := store.Item{State: state, Due: due, Route: "remote example.org", Doc: []byte(`{"from":"a@b"}`)}
	f.update(func(tx store.Tx) {
		i.ID = mail.ItemID(tx.NextID())
		f.ok(tx.PutItem(i))
	})
	return i
}

// claim leases items to a worker for an hour.
func (f *fixture) claim(max int) []store.Claimed {
	list, err := f.store.Claim(context.Background(), "worker", max, time.Hour)
	f.ok(err)
	if len(list) > max {
		f.Fatalf("claimed %d of at most %d", len(list), max)
	}
	return list
}

func itemIsKept(f *fixture) {
	i := store.Item{State: store.ItemHeld, Due: past, Route: "hold", Doc: []byte("doc"), Tries: 3}
	f.both(func(tx store.Tx) {
		i.ID = mail.ItemID(tx.NextID())
		f.ok(tx.PutItem(i))
	}, func(r store.Reader) {
		got := must(f, r.Item)(i.ID)
		got.Due = got.Due.UTC()
		f.same("item", got, i)
		_, err := r.Item(i.ID + 1)
		f.is(err, mail.NotFound)
	})
	i.State, i.Route, i.Doc, i.Due = store.ItemSettled, "", []byte("outcome"), past.Add(time.Millisecond)
	f.both(func(tx store.Tx) { f.ok(tx.PutItem(i)) }, func(r store.Reader) {
		got := must(f, r.Item)(i.ID)
		got.Due = got.Due.UTC()
		f.same("changed item", got, i)
	})
	remove := func(tx store.Tx) error { return tx.DeleteItem(i.ID, 0) }
	f.ok(f.try(remove))
	f.is(f.try(remove), mail.NotFound)
	f.view(func(r store.Reader) {
		_, err := r.Item(i.ID)
		f.is(err, mail.NotFound)
	})
}

func itemLists(f *fixture) {
	var all, held []mail.ItemID
	for n := range 9 {
		state := store.ItemState(1 + n%3)
		i := f.item(state, past)
		all = append(all, i.ID)
		if state == store.ItemHeld {
			held = append(held, i.ID)
		}
	}
	list := func(r store.Reader, state store.ItemState, after mail.ItemID, limit int) (ids []mail.ItemID) {
		items, err := r.Items(state, after, limit)
		f.ok(err)
		for _, i := range items {
			ids = append(ids, i.ID)
		}
		return ids
	}
	f.view(func(r store.Reader) {
		f.same("all", list(r, 0, 0, 0), all)
		f.same("too many", list(r, 0, 0, store.MaxPage+1), all)
		f.same("held", list(r, store.ItemHeld, 0, 0), held)
		f.same("behind", list(r, 0, all[3], 2), all[4:6])
		f.same("held behind", list(r, store.ItemHeld, held[0], 1), held[1:2])
	})
}

// itemBlob: the octets of an item live as long as it does, without any message.
func itemBlob(f *fixture) {
	s := f.stage("waits for a route")
	var i store.Item
	f.update(func(tx store.Tx) {
		i = store.Item{ID: mail.ItemID(tx.NextID()), State: store.ItemWaiting, Due: past, Blob: f.keep(tx, s)}
		f.ok(tx.PutItem(i))
	})
	f.release()
	f.view(func(r store.Reader) { f.same("blob", must(f, r.Item)(i.ID).Blob, i.Blob) })
	claimed := f.claim(1)
	f.same("blob of the claimed", claimed[0].Item.Blob, i.Blob)
	f.same("text", f.text(claimed[0].Item.Blob), "waits for a route")
	m := f.mailbox()
	var msg store.Message
	f.update(func(tx store.Tx) {
		msg = must(f, tx.AddMessage)(store.NewMessage{Mailbox: m.ID, Blob: claimed[0].Item.Blob, Received: received})
		done := claimed[0].Item
		done.State = store.ItemSettled
		f.ok(tx.PutItem(done))
	})
	f.same("text of the message", f.text(msg.Blob), "waits for a route")
}

func claimWhatIsDue(f *fixture) {
	f.same("nothing", len(f.claim(10)), 0)
	f.item(store.ItemHeld, past)
	f.item(store.ItemSettled, past)
	later := f.item(store.ItemWaiting, time.Now().Add(time.Hour))
	f.same("nothing that is due", len(f.claim(10)), 0)
	due := f.item(store.ItemWaiting, past)
	list := f.claim(10)
	f.same("claimed", len(list), 1)
	got := list[0]
	if got.Item.Fence == 0 {
		f.Fatalf("a leased item without fence: %+v", got)
	}
	f.same("tenant", got.Tenant, f.id)
	want := due
	want.Fence, want.Tries, want.Until = got.Item.Fence, 1, got.Item.Until
	got.Item.Due = got.Item.Due.UTC()
	if left := time.Until(got.Item.Until); left < 59*time.Minute || left > time.Hour {
		f.Fatalf("leased for an hour until %v", got.Item.Until)
	}
	f.same("item", got.Item, want)
	f.view(func(r store.Reader) {
		there := must(f, r.Item)(due.ID)
		f.same("fence", there.Fence, want.Fence)
		f.same("until", there.Until.UnixMilli(), want.Until.UnixMilli())
	})

	later.Due = past.Add(time.Second)
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(later)) })
	list = f.claim(10)
	f.same("due now", []any{len(list), list[0].Item.ID}, []any{1, later.ID})
}

func claimedOnce(f *fixture) {
	for range 5 {
		f.item(store.ItemWaiting, past)
	}
	seen := map[mail.ItemID]bool{}
	for _, n := range []int{2, 2, 1, 0} {
		list := f.claim(2)
		f.same("claimed", len(list), n)
		for _, c := range list {
			f.same("seen before", seen[c.Item.ID], false)
			seen[c.Item.ID] = true
		}
	}
}

func claimAtOnce(f *fixture) {
	const items, workers = 60, 6
	f.update(func(tx store.Tx) {
		for range items {
			f.ok(tx.PutItem(store.Item{ID: mail.ItemID(tx.NextID()), State: store.ItemWaiting, Due: past}))
		}
	})
	got := make(chan mail.ItemID, 2*items)
	f.together(workers, func(w int) error {
		for empty := 0; empty < 3; {
			list, err := f.store.Claim(context.Background(), fmt.Sprint("worker", w), 4, time.Hour)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				empty++
			}
			for _, c := range list {
				got <- c.Item.ID
			}
		}
		return nil
	})
	for _, c := range f.claim(items) { // what was locked when the last worker looked
		got <- c.Item.ID
	}
	close(got)
	seen := map[mail.ItemID]bool{}
	for id := range got {
		f.same("given to two", seen[id], false)
		seen[id] = true
	}
	f.same("items", len(seen), items)
}

func claimFences(f *fixture) {
	i := f.item(store.ItemWaiting, past)
	leased := f.claim(1)[0].Item
	for _, fence := range []uint64{0, leased.Fence + 1} {
		stale := i
		stale.Fence = fence
		f.says(f.try(func(tx store.Tx) error { return tx.PutItem(stale) }), mail.Conflict, "item.leased")
		f.says(f.try(func(tx store.Tx) error { return tx.DeleteItem(i.ID, fence) }), mail.Conflict, "item.leased")
	}
	leased.Doc, leased.Until = []byte("tried"), time.Time{}
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(leased)) })
	f.view(func(r store.Reader) {
		got := must(f, r.Item)(i.ID)
		f.same("after the lease", []any{got.Fence, string(got.Doc), got.Tries}, []any{uint64(0), "tried", 1})
	})
	again := f.claim(1)
	f.same("claimed again", len(again), 1)
	if again[0].Item.Fence <= leased.Fence || again[0].Item.Tries != 2 {
		f.Fatalf("leased again as %+v, before as %+v", again[0].Item, leased)
	}
	f.says(f.try(func(tx store.Tx) error { return tx.PutItem(leased) }), mail.Conflict, "item.leased")
	f.update(func(tx store.Tx) { f.ok(tx.DeleteItem(i.ID, again[0].Item.Fence)) })
	f.says(f.try(func(tx store.Tx) error { return tx.PutItem(again[0].Item) }), mail.Conflict, "item.leased")
}

func claimLeaseEnds(f *fixture) {
	i := f.item(store.ItemWaiting, past)
	first, err := f.store.Claim(context.Background(), "slow", 1, time.Millisecond)
	f.ok(err)
	f.same("claimed", len(first), 1)
	var second []store.Claimed
	f.eventually("the lease ends", func() bool {
		second = f.claim(1)
		return len(second) > 0
	})
	f.same("item", second[0].Item.ID, i.ID)
	if second[0].Item.Fence <= first[0].Item.Fence {
		f.Fatalf("fence %d after %d", second[0].Item.Fence, first[0].Item.Fence)
	}
	f.same("tries", second[0].Item.Tries, 2)
	f.says(f.try(func(tx store.Tx) error { return tx.PutItem(first[0].Item) }), mail.Conflict, "item.leased")
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(second[0].Item)) })
}

// claimIsFair: no tenant gets a second item while another with due items has none.
func claimIsFair(f *fixture) {
	const tenants = 10
	counts := []int{50, 1, 3, 1, 2, 9, 1, 4, 1, 2}
	tenant := []*fixture{f}
	for len(tenant) < tenants {
		tenant = append(tenant, f.on(f.newTenant()))
	}
	left := map[mail.TenantID]int{}
	for n, t := range tenant {
		left[t.id] = counts[n]
		t.update(func(tx store.Tx) {
			for range counts[n] {
				t.ok(tx.PutItem(store.Item{ID: mail.ItemID(tx.NextID()), State: store.ItemWaiting, Due: past}))
			}
		})
	}
	for _, max := range []int{10, 4, 13, 30, 30} {
		given := map[mail.TenantID]int{}
		list := f.claim(max)
		for _, c := range list {
			given[c.Tenant]++
		}
		for _, t := range tenant {
			for _, other := range tenant {
				if given[t.id] > 1 && given[other.id] == 0 && left[other.id] > 0 {
					f.Fatalf("of %d items tenant %d got %d, and %d with %d due got none", max, t.id, given[t.id], other.id, left[other.id])
				}
			}
		}
		total := 0
		for id, n := range given {
			total += left[id]
			left[id] -= n
		}
		if len(list) < min(max, total) {
			f.Fatalf("claimed %d of %d due, wanted %d", len(list), total, max)
		}
	}
}

// leaseIsRenewed: who holds a lease writes the item with a later end, and keeps it.
func leaseIsRenewed(f *fixture) {
	i := f.item(store.ItemWaiting, past)
	held := f.claim(1)[0].Item
	held.Doc, held.Until = []byte("progress"), inHours(2)
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(held)) })
	f.same("claimed by another", len(f.claim(1)), 0)
	f.view(func(r store.Reader) {
		got := must(f, r.Item)(i.ID)
		got.Due, got.Until = got.Due.UTC(), got.Until.UTC()
		held.Due = held.Due.UTC()
		f.same("item", got, held)
	})
	stale := held
	stale.Fence = 0
	f.says(f.try(func(tx store.Tx) error { return tx.PutItem(stale) }), mail.Conflict, "item.leased")
	f.update(func(tx store.Tx) { // twice in one transaction, then it ends
		f.ok(tx.PutItem(held))
		held.Until = time.Time{}
		f.ok(tx.PutItem(held))
	})
	again := f.claim(1)
	f.same("claimed", len(again), 1)
	f.same("tries", again[0].Item.Tries, 2)
	held.Until = inHours(1)
	f.says(f.try(func(tx store.Tx) error { return tx.PutItem(held) }), mail.Conflict, "item.leased")
}

// inHours is a moment to come, as the store keeps it.
func inHours(n time.Duration) time.Time {
	return time.Now().Add(n * time.Hour).Truncate(time.Millisecond).UTC()
}

// leasedFromBirth: a new item written with Until belongs to its writer.
func leasedFromBirth(f *fixture) {
	i := store.Item{State: store.ItemWaiting, Due: past, Route: "remote example.org", Doc: []byte("doc"), Until: inHours(1)}
	f.both(func(tx store.Tx) {
		i.ID = mail.ItemID(tx.NextID())
		f.ok(tx.PutItem(i))
	}, func(r store.Reader) {
		got := must(f, r.Item)(i.ID)
		f.same("lease", []any{got.Fence, got.Until.UTC(), got.Tries}, []any{uint64(1), i.Until, 1})
	})
	f.same("claimed by another", len(f.claim(1)), 0)
	f.says(f.try(func(tx store.Tx) error { return tx.DeleteItem(i.ID, 0) }), mail.Conflict, "item.leased")
	i.Fence, i.Tries, i.Until = 1, 1, time.Time{}
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(i)) })
	again := f.claim(1)
	f.same("claimed when given back", len(again), 1)
	f.same("lease", []any{again[0].Item.Fence, again[0].Item.Tries}, []any{uint64(2), 2})
}

// leaseFromBirthEnds: like every other lease, when its time is over.
func leaseFromBirthEnds(f *fixture) {
	i := store.Item{State: store.ItemWaiting, Due: past, Until: time.Now().Add(time.Millisecond)}
	f.update(func(tx store.Tx) {
		i.ID = mail.ItemID(tx.NextID())
		f.ok(tx.PutItem(i))
	})
	var list []store.Claimed
	f.eventually("the lease ends", func() bool {
		list = f.claim(1)
		return len(list) > 0
	})
	f.same("claimed", []any{list[0].Item.ID, list[0].Item.Fence}, []any{i.ID, uint64(2)})
	i.Fence, i.Until = 1, time.Time{}
	f.says(f.try(func(tx store.Tx) error { return tx.PutItem(i) }), mail.Conflict, "item.leased")
}

// leaseIsForWaiting: what is held or settled is leased to nobody, and what is there already is leased by Claim only.
func leaseIsForWaiting(f *fixture) {
	for _, state := range []store.ItemState{store.ItemHeld, store.ItemSettled} {
		i := store.Item{State: state, Due: past, Until: inHours(1)}
		f.both(func(tx store.Tx) {
			i.ID = mail.ItemID(tx.NextID())
			f.ok(tx.PutItem(i))
		}, func(r store.Reader) {
			got := must(f, r.Item)(i.ID)
			f.same("lease", []any{got.Fence, got.Until.IsZero(), got.Tries}, []any{uint64(0), true, 0})
		})
	}
	i := f.item(store.ItemWaiting, past)
	i.Until = inHours(1)
	f.says(f.try(func(tx store.Tx) error { return tx.PutItem(i) }), mail.Conflict, "item.leased")
	held := f.claim(1)[0].Item
	held.State = store.ItemHeld
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(held)) })
	held.State, held.Fence, held.Until = store.ItemWaiting, 0, time.Time{}
	f.update(func(tx store.Tx) { f.ok(tx.PutItem(held)) })
	f.same("claimed", len(f.claim(2)), 1)
}

// onRoute writes items of a route.
func (f *fixture) onRoute(route string, due time.Time, states ...store.ItemState) (ids []mail.ItemID) {
	f.update(func(tx store.Tx) {
		ids = nil
		for n, state := range states {
			i := store.Item{ID: mail.ItemID(tx.NextID()), State: state, Route: route, Due: due.Add(-time.Duration(n) * time.Second)}
			f.ok(tx.PutItem(i))
			ids = append(ids, i.ID)
		}
	})
	return ids
}

func routes(f *fixture) {
	const waiting, held, settled = store.ItemWaiting, store.ItemHeld, store.ItemSettled
	a := f.onRoute("remote a.example", past, waiting, settled)
	b := f.onRoute("remote b.example", past, settled, held, waiting, waiting)
	c := f.onRoute("local", past, waiting, waiting)
	f.onRoute("remote settled.example", past, settled)
	want := []store.RouteCount{
		{Route: "remote b.example", Items: 3, First: b[1], Due: past.Add(-3 * time.Second)},
		{Route: "local", Items: 2, First: c[0], Due: past.Add(-time.Second)},
		{Route: "remote a.example", Items: 1, First: a[0], Due: past},
	}
	list := func(r store.Reader, limit int) []store.RouteCount {
		got, err := r.Routes(limit)
		f.ok(err)
		for i := range got {
			got[i].Due = got[i].Due.UTC()
		}
		return got
	}
	f.view(func(r store.Reader) {
		f.same("routes", list(r, 0), want)
		f.same("the two with most", list(r, 2), want[:2])
	})
	leased := f.claim(store.MaxPage)
	f.view(func(r store.Reader) { f.same("leased ones count", list(r, 0), want) })
	f.update(func(tx store.Tx) {
		for _, l := range leased {
			l.Item.State, l.Item.Until = settled, time.Time{}
			f.ok(tx.PutItem(l.Item))
		}
	})
	want = []store.RouteCount{{Route: "remote b.example", Items: 1, First: b[1], Due: past.Add(-time.Second)}}
	f.view(func(r store.Reader) { f.same("held ones are left", list(r, 0), want) })
}

func itemsOnRoute(f *fixture) {
	const waiting, held, settled = store.ItemWaiting, store.ItemHeld, store.ItemSettled
	all := f.onRoute("remote a.example", past, waiting, held, settled, waiting, held)
	f.onRoute("remote b.example", past, waiting)
	want := []mail.ItemID{all[0], all[1], all[3], all[4]}
	list := func(r store.Reader, route string, after mail.ItemID, limit int) (ids []mail.ItemID) {
		items, err := r.ItemsOn(route, after, limit)
		f.ok(err)
		for _, i := range items {
			f.same("route", i.Route, route)
			ids = append(ids, i.ID)
		}
		return ids
	}
	f.view(func(r store.Reader) {
		f.same("items", list(r, "remote a.example", 0, 0), want)
		f.same("behind", list(r, "remote a.example", want[0], 2), want[1:3])
		f.same("none", list(r, "remote", 0, 0), []mail.ItemID(nil))
	})
}
