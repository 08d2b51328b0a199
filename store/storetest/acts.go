package storetest

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"tegami/mail"
	"tegami/store"
)

var actPromises = []promise{
	{"CP7ActsAreChained", actsAreChained},
	{"CP7ActsOfOneTransaction", actsOfOneTransaction},
	{"CP7ActsSayWhy", actsSayWhy},
	{"CP7NotesChangeNothing", notesChangeNothing},
	{"CP7ActsBackwards", actsBackwards},
	{"CP7ActsByTime", actsByTime},
	{"CP7YoungActsStay", youngActsStay},
	{"CP7LedgerSeesEveryChange", ledgerSeesEveryChange},
}

// ledger reads the whole log.
func (f *fixture) ledger() (*store.Ledger, []store.Act) {
	var book *store.Ledger
	var all []store.Act
	f.view(func(r store.Reader) {
		chain, err := r.Chain()
		f.ok(err)
		book, all = store.NewLedger(f.id, chain.Anchor), nil
		for {
			list, err := r.Acts(book.Last().Seq, 0)
			f.ok(err)
			for i := range list {
				f.ok(book.Add(&list[i]))
			}
			if all = append(all, list...); len(list) < store.MaxPage {
				break
			}
		}
		f.same("the end of the log", book.Last(), store.Link{Seq: chain.Head.Seq, Hash: book.Last().Hash})
		if chain.Head.Seq > 0 && !bytes.Equal(chain.Head.Hash, book.Last().Hash) {
			f.Fatalf("the log ends with %x, but %x is noted", book.Last().Hash, chain.Head.Hash)
		}
	})
	return book, all
}

// actsAreChained: each line has the hash of the one before in its own, and the first that of the tenant.
func actsAreChained(f *fixture) {
	book, _ := f.ledger()
	f.same("an empty log", book.Last(), store.Link{Hash: store.Genesis(f.id)})
	for i := range 3 {
		f.put(account(fmt.Sprintf("user%d@example.jp", i)))
	}
	book, acts := f.ledger()
	f.same("lines", book.Lines, 3)
	f.same("lines without a hash", book.Unchained, 0)
	hash := store.Genesis(f.id)
	for _, a := range acts {
		hash = a.Link(hash)
		f.equal("hash", a.Hash, hash)
	}
	other := f.on(f.newTenant())
	other.put(account("user0@example.jp"))
	_, theirs := other.ledger()
	if bytes.Equal(theirs[0].Hash, acts[0].Hash) {
		f.Fatal("two tenants begin with the same hash")
	}
}

// actsOfOneTransaction: the log grows in the transaction, and not at all when it fails.
func actsOfOneTransaction(f *fixture) {
	f.update(func(tx store.Tx) {
		for range store.MaxPage + 5 {
			o := account("")
			o.ID, o.Unique = mail.ObjectID(tx.NextID()), nil
			must(f, tx.PutObject)(o)
		}
	})
	f.is(f.try(func(tx store.Tx) error {
		must(f, tx.PutObject)(store.Object{Kind: "account", ID: mail.ObjectID(tx.NextID()), Doc: []byte(`{}`)})
		f.ok(tx.Note("account", 1, nil))
		return mail.E("x", mail.Full, "")
	}), mail.Full)
	f.put(account("sato@example.jp"))
	book, _ := f.ledger()
	f.same("lines", book.Lines, store.MaxPage+6)
}

// actsSayWhy: reason, session and program of the actor stand in the log.
func actsSayWhy(f *fixture) {
	by := mail.MintActor(mail.Operator, 0, 3, "operator:root", mail.Origin{
		Door: "web", Remote: netip.MustParseAddr("2001:db8::1"), Session: "s-1", Agent: "curl/8",
	}).For("call 4711: 佐藤様のご依頼")
	f.ok(f.tenant.Update(f.Context(), by, "storetest.reason", func(tx store.Tx) error {
		return tx.Note("account", 5, []byte(`{"looked":1}`))
	}))
	_, acts := f.ledger()
	f.same("lines", len(acts), 1)
	acts[0].At, acts[0].Hash = time.Time{}, nil
	f.same("act", acts[0], store.Act{
		Seq: 1, Actor: "operator:root", Role: mail.Operator, Remote: "2001:db8::1", Session: "s-1", Agent: "curl/8",
		Why: "storetest.reason", Reason: "call 4711: 佐藤様のご依頼", Kind: "account", ID: 5, After: []byte(`{"looked":1}`),
	})
}

// notesChangeNothing: who looks makes a line, and no cache hears of it.
func notesChangeNothing(f *fixture) {
	o := f.put(account("sato@example.jp"))
	epoch := f.tenant.Epoch()
	f.update(func(tx store.Tx) { f.ok(tx.Note("account", o.ID, nil)) })
	f.same("epoch", f.tenant.Epoch(), epoch)
	_, acts := f.ledger()
	f.same("lines", len(acts), 2)
	if acts[1].Before != nil || acts[1].After != nil {
		f.Fatalf("a look is from %q to %q", acts[1].Before, acts[1].After)
	}
	f.is(f.try(func(tx store.Tx) error { return tx.Note("", 1, nil) }), mail.Invalid)
}

// actsBackwards: the log is searched from its end by actor, operation, kind and object, and together.
func actsBackwards(f *fixture) {
	write := func(actor string, why mail.Op, kind string, id mail.ObjectID) {
		f.ok(f.tenant.Update(f.Context(), mail.MintActor(mail.Admin, f.id, 1, actor, mail.Origin{}), why, func(tx store.Tx) error {
			return tx.Note(kind, id, nil)
		}))
	}
	write("sato", "a", "account", 5) // 1
	write("sato", "b", "account", 6) // 2
	write("abe", "a", "list", 5)     // 3
	write("sato", "a", "list", 5)    // 4
	write("abe", "b", "account", 5)  // 5
	for _, c := range []struct {
		name string
		q    store.ActQuery
		want []uint64
	}{
		{"all", store.ActQuery{}, []uint64{5, 4, 3, 2, 1}},
		{"two", store.ActQuery{Limit: 2}, []uint64{5, 4}},
		{"before", store.ActQuery{Before: 3}, []uint64{2, 1}},
		{"before the first", store.ActQuery{Before: 1}, nil},
		{"actor", store.ActQuery{Actor: "sato"}, []uint64{4, 2, 1}},
		{"operation", store.ActQuery{Why: "b"}, []uint64{5, 2}},
		{"kind", store.ActQuery{Kind: "list"}, []uint64{4, 3}},
		{"object", store.ActQuery{Kind: "account", ID: 5}, []uint64{5, 1}},
		{"object of any kind", store.ActQuery{ID: 5}, []uint64{5, 4, 3, 1}},
		{"object and actor", store.ActQuery{Kind: "account", ID: 5, Actor: "abe"}, []uint64{5}},
		{"object and operation", store.ActQuery{Kind: "account", ID: 5, Why: "a"}, []uint64{1}},
		{"actor and operation", store.ActQuery{Actor: "sato", Why: "a"}, []uint64{4, 1}},
		{"actor and kind", store.ActQuery{Actor: "sato", Kind: "list"}, []uint64{4}},
		{"operation and kind, a part", store.ActQuery{Why: "a", Kind: "list", Before: 4}, []uint64{3}},
		{"nobody", store.ActQuery{Actor: "sat"}, nil},
	} {
		f.view(func(r store.Reader) {
			list, err := r.ActsBack(c.q)
			f.ok(err)
			var got []uint64
			for _, a := range list {
				got = append(got, a.Seq)
			}
			f.same(c.name, got, c.want)
		})
	}
}

// actsByTime: a search by time is exact to the millisecond.
func actsByTime(f *fixture) {
	for range 4 {
		f.update(func(tx store.Tx) { f.ok(tx.Note("account", 1, nil)) })
		for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; { // the next has another time
		}
	}
	_, acts := f.ledger()
	f.view(func(r store.Reader) {
		for i := range acts {
			for j := i; j < len(acts); j++ {
				list, err := r.ActsBack(store.ActQuery{Since: acts[i].At, Until: acts[j].At})
				f.ok(err)
				want := 0
				for _, a := range acts {
					if !a.At.Before(acts[i].At) && a.At.Before(acts[j].At) {
						want++
					}
				}
				f.same(fmt.Sprintf("lines from %d to %d", i, j), len(list), want)
			}
		}
		for _, q := range []store.ActQuery{{Since: time.Now().Add(time.Hour)}, {Until: time.Now().Add(-time.Hour)}} {
			list, err := r.ActsBack(q)
			f.ok(err)
			f.same("lines", len(list), 0)
		}
	})
}

// youngActsStay: what is younger than KeepActs is removed by nothing.
func youngActsStay(f *fixture) {
	f.put(account("sato@example.jp"))
	f.says(f.try(func(tx store.Tx) error {
		_, err := tx.ForgetActs(time.Now().Add(time.Minute-store.KeepActs), 0)
		return err
	}), mail.Invalid, "acts.keep")
	f.update(func(tx store.Tx) {
		n, err := tx.ForgetActs(time.Now().Add(-time.Minute-store.KeepActs), 0)
		f.ok(err)
		f.same("removed", n, 0)
	})
	book, _ := f.ledger()
	f.same("lines", book.Lines, 1)
}

// ledgerSeesEveryChange changes each field of a line, removes lines and puts them in another order.
func ledgerSeesEveryChange(f *fixture) {
	for i := range 3 {
		o := f.put(account(fmt.Sprintf("user%d@example.jp", i)))
		o.Doc = []byte(`{"changed":true}`)
		f.put(o)
	}
	_, acts := f.ledger()
	whole := func(list []store.Act) error {
		book := store.NewLedger(f.id, store.Link{})
		for i := range list {
			if err := book.Add(&list[i]); err != nil {
				return err
			}
		}
		return nil
	}
	f.ok(whole(acts))
	for name, change := range map[string]func(a *store.Act){
		"seq": func(a *store.Act) { a.Seq++ }, "time": func(a *store.Act) { a.At = a.At.Add(time.Millisecond) },
		"actor": func(a *store.Act) { a.Actor += "x" }, "role": func(a *store.Act) { a.Role++ },
		"remote": func(a *store.Act) { a.Remote = "" }, "session": func(a *store.Act) { a.Session = "x" },
		"agent": func(a *store.Act) { a.Agent = "x" }, "why": func(a *store.Act) { a.Why = "x" },
		"reason": func(a *store.Act) { a.Reason = "x" }, "kind": func(a *store.Act) { a.Kind = "x" },
		"id": func(a *store.Act) { a.ID++ }, "no before": func(a *store.Act) { a.Before = nil },
		"before": func(a *store.Act) { a.Before = []byte{} }, "after": func(a *store.Act) { a.After = []byte(`{}`) },
		"hash": func(a *store.Act) { a.Hash = nil },
		"between fields": func(a *store.Act) {
			a.Actor, a.Remote = a.Actor+a.Remote[:1], a.Remote[1:]
		},
	} {
		forged := append([]store.Act(nil), acts...)
		change(&forged[3])
		if err := whole(forged); err == nil {
			f.Errorf("a change of %s is not seen", name)
		}
	}
	if whole(append(append([]store.Act(nil), acts[:2]...), acts[3:]...)) == nil {
		f.Errorf("a line that is missing is not seen")
	}
	if whole([]store.Act{acts[0], acts[2], acts[1]}) == nil {
		f.Errorf("another order is not seen")
	}
}
