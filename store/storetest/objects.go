package storetest

import (
	"bytes"
	"fmt"
	"time"

	"tegami/mail"
	"tegami/store"
)

var objectPromises = []promise{
	{"ObjectIsKept", objectIsKept},
	{"ObjectVersions", objectVersions},
	{"ObjectDeleted", objectDeleted},
	{"UniqueKeys", uniqueKeys},
	{"UniqueKeysChange", uniqueKeysChange},
	{"ObjectMarks", objectMarks},
	{"ObjectPages", objectPages},
	{"OperationLog", operationLog},
	{"OperationLogPages", operationLogPages},
	{"OperationLogSecrets", operationLogSecrets},
	{"QuietWrites", quietWrites},
	{"PlatformObjects", platformObjects},
}

func key(name, value string) store.Key { return store.Key{Name: name, Value: value} }

// account is an object as tests make it.
func account(address string) store.Object {
	return store.Object{
		Kind:   "account",
		Unique: []store.Key{key("address", address)},
		Marks:  []store.Key{key("domain", "d1")},
		Doc:    []byte(`{"address":"` + address + `"}`),
	}
}

func objectIsKept(f *fixture) {
	before := time.Now().Add(-time.Minute)
	o := f.put(account("sato@example.jp"))
	read := func(r store.Reader) {
		got, err := r.Object("account", o.ID)
		f.ok(err)
		if got.Changed.Before(before) || got.Changed.After(time.Now().Add(time.Minute)) {
			f.Fatalf("changed at %v", got.Changed)
		}
		got.Changed = time.Time{}
		f.same("object", got, o)
		byKey := must(f, r.ObjectByKey)(key("address", "sato@example.jp"))
		f.same("object by key", byKey.ID, o.ID)
		_, err = r.Object("list", o.ID)
		f.is(err, mail.NotFound)
		_, err = r.Object("account", o.ID+1)
		f.is(err, mail.NotFound)
		_, err = r.ObjectByKey(key("name", "sato@example.jp"))
		f.is(err, mail.NotFound)
	}
	f.both(func(store.Tx) {}, read)

	bare := f.put(store.Object{Kind: "domain", Doc: []byte(`{}`)})
	f.view(func(r store.Reader) {
		got, err := r.Object("domain", bare.ID)
		f.ok(err)
		if len(got.Unique)+len(got.Marks) != 0 || string(got.Doc) != "{}" {
			f.Fatalf("object without keys: %+v", got)
		}
	})
}

func objectVersions(f *fixture) {
	o := f.put(account("sato@example.jp"))
	if o.Version == 0 {
		f.Fatalf("a made object has version 0")
	}
	f.is(f.try(func(tx store.Tx) error {
		again := o
		again.Version, again.Unique = 0, nil
		_, err := tx.PutObject(again)
		return err
	}), mail.Conflict)

	changed := o
	changed.Doc = []byte(`{"changed":true}`)
	changed = f.put(changed)
	if changed.Version <= o.Version {
		f.Fatalf("version %d after %d", changed.Version, o.Version)
	}
	for _, version := range []uint64{o.Version, changed.Version + 1} {
		f.says(f.try(func(tx store.Tx) error {
			stale := o
			stale.Version = version
			_, err := tx.PutObject(stale)
			return err
		}), mail.Conflict, "object.changed")
	}
	f.is(f.try(func(tx store.Tx) error {
		_, err := tx.PutObject(store.Object{Kind: "account", ID: mail.ObjectID(tx.NextID()), Version: 3})
		return err
	}), mail.Conflict)
	f.view(func(r store.Reader) {
		got, err := r.Object("account", o.ID)
		f.ok(err)
		f.same("doc", string(got.Doc), string(changed.Doc))
		f.same("version", got.Version, changed.Version)
	})
}

func objectDeleted(f *fixture) {
	o := f.put(account("sato@example.jp"))
	remove := func(kind string, id mail.ObjectID, version uint64) error {
		return f.try(func(tx store.Tx) error { return tx.DeleteObject(kind, id, version) })
	}
	f.is(remove("account", o.ID, o.Version+1), mail.Conflict)
	f.is(remove("list", o.ID, o.Version), mail.NotFound)
	f.is(remove("account", o.ID+1, o.Version), mail.NotFound)
	f.both(func(tx store.Tx) { f.ok(tx.DeleteObject("account", o.ID, o.Version)) }, func(r store.Reader) {
		_, err := r.Object("account", o.ID)
		f.is(err, mail.NotFound)
		_, err = r.ObjectByKey(o.Unique[0])
		f.is(err, mail.NotFound)
		n, err := r.CountMarked("account", o.Marks[0])
		f.ok(err)
		f.same("marked", n, 0)
	})
	f.is(remove("account", o.ID, o.Version), mail.NotFound)
	f.put(account("sato@example.jp")) // the address is free again
}

func uniqueKeys(f *fixture) {
	f.put(account("sato@example.jp"))
	take := func(kind string, keys ...store.Key) error {
		return f.try(func(tx store.Tx) error {
			_, err := tx.PutObject(store.Object{Kind: kind, ID: mail.ObjectID(tx.NextID()), Unique: keys, Doc: []byte(`{}`)})
			return err
		})
	}
	for _, kind := range []string{"account", "list"} {
		err := take(kind, key("name", kind), key("address", "sato@example.jp"))
		f.says(err, mail.Conflict, "key.taken")
		if _, args := mail.TextOf(err); len(args) == 0 || fmt.Sprint(args[0]) != "sato@example.jp" {
			f.Fatalf("key.taken names %v, not the value", args)
		}
	}
	f.ok(take("list", key("name", "account"))) // nothing of the refused one stays
	f.ok(take("list", key("login", "sato@example.jp")))
	f.ok(take("list", key("address", "Sato@example.jp")))
}

func uniqueKeysChange(f *fixture) {
	a, b := f.put(account("a@example.jp")), f.put(account("b@example.jp"))
	moved := a
	moved.Unique = []store.Key{key("address", "new@example.jp"), key("address", "alias@example.jp")}
	moved = f.put(moved)
	f.view(func(r store.Reader) {
		_, err := r.ObjectByKey(key("address", "a@example.jp"))
		f.is(err, mail.NotFound)
		for _, k := range moved.Unique {
			f.same("holder", must(f, r.ObjectByKey)(k).ID, a.ID)
		}
	})
	b.Unique = append(b.Unique, key("address", "a@example.jp"))
	b = f.put(b)
	// Within one transaction names can go from one to the other.
	f.update(func(tx store.Tx) {
		moved.Unique = moved.Unique[:1]
		must(f, tx.PutObject)(moved)
		b.Unique = []store.Key{key("address", "alias@example.jp")}
		must(f, tx.PutObject)(b)
		f.same("holder", must(f, tx.ObjectByKey)(key("address", "alias@example.jp")).ID, b.ID)
	})
	f.view(func(r store.Reader) {
		f.same("holder", must(f, r.ObjectByKey)(key("address", "alias@example.jp")).ID, b.ID)
		_, err := r.ObjectByKey(key("address", "a@example.jp"))
		f.is(err, mail.NotFound)
	})
}

func objectMarks(f *fixture) {
	one, two, red := key("domain", "1"), key("domain", "2"), key("colour", "red")
	marked := func(kind string, marks ...store.Key) mail.ObjectID {
		return f.put(store.Object{Kind: kind, Marks: marks, Doc: []byte(`{}`)}).ID
	}
	a, b := marked("account", one, red), marked("account", two)
	c, d := marked("account", one), marked("list", one)
	check := func(kind string, mark store.Key, want ...mail.ObjectID) {
		f.view(func(r store.Reader) {
			list, err := r.Marked(kind, mark, store.Page{})
			f.ok(err)
			f.same("marked", ids(list), want)
			n, err := r.CountMarked(kind, mark)
			f.ok(err)
			f.same("count", n, len(want))
		})
	}
	check("account", one, a, c)
	check("account", two, b)
	check("account", red, a)
	check("list", one, d)
	check("account", key("domain", "3"))
	f.view(func(r store.Reader) {
		page, err := r.Marked("account", one, store.Page{After: a, Limit: 1})
		f.ok(err)
		f.same("page", ids(page), []mail.ObjectID{c})
		f.same("marks come with the object", len(page[0].Marks), 1)
	})
	f.update(func(tx store.Tx) {
		o, err := tx.Object("account", a)
		f.ok(err)
		o.Marks = []store.Key{two, red}
		must(f, tx.PutObject)(o)
	})
	check("account", one, c)
	check("account", two, a, b)
}

func ids(list []store.Object) (ids []mail.ObjectID) {
	for _, o := range list {
		ids = append(ids, o.ID)
	}
	return ids
}

func objectPages(f *fixture) {
	var want []mail.ObjectID
	f.update(func(tx store.Tx) {
		want = want[:0]
		for range store.MaxPage + 7 {
			id := mail.ObjectID(tx.NextID())
			must(f, tx.PutObject)(store.Object{Kind: "account", ID: id, Doc: []byte(`{}`), Marks: []store.Key{key("all", "")}})
			want = append(want, id)
		}
		must(f, tx.PutObject)(store.Object{Kind: "list", ID: mail.ObjectID(tx.NextID()), Doc: []byte(`{}`)})
	})
	f.view(func(r store.Reader) {
		for _, limit := range []int{0, store.MaxPage, store.MaxPage + 100} {
			first, err := r.Objects("account", store.Page{Limit: limit})
			f.ok(err)
			f.same("first page", ids(first), want[:store.MaxPage])
			rest, err := r.Marked("account", key("all", ""), store.Page{After: first[len(first)-1].ID})
			f.ok(err)
			f.same("rest", ids(rest), want[store.MaxPage:])
		}
		few, err := r.Objects("account", store.Page{After: want[4], Limit: 3})
		f.ok(err)
		f.same("three", ids(few), want[5:8])
		none, err := r.Objects("account", store.Page{After: want[len(want)-1]})
		f.ok(err)
		f.same("behind the last", len(none), 0)
	})
}

func operationLog(f *fixture) {
	started := time.Now().Add(-time.Minute)
	o := f.put(account("sato@example.jp"))
	f.is(f.try(func(tx store.Tx) error {
		must(f, tx.PutObject)(store.Object{Kind: "account", ID: mail.ObjectID(tx.NextID()), Doc: []byte(`{}`)})
		return mail.E("x", mail.Full, "")
	}), mail.Full)
	changed := o
	changed.Doc = []byte(`{"name":"佐藤"}`)
	changed = f.put(changed)
	f.update(func(tx store.Tx) {
		f.ok(tx.DeleteObject("account", o.ID, changed.Version))
		acts, err := tx.Acts(0, 0)
		f.ok(err)
		f.same("acts within the transaction", len(acts), 3)
	})
	f.view(func(r store.Reader) {
		acts, err := r.Acts(0, 0)
		f.ok(err)
		f.same("acts", len(acts), 3)
		docs := [][]byte{nil, o.Doc, changed.Doc, nil}
		for i, a := range acts {
			if a.At.Before(started) || a.At.After(time.Now().Add(time.Minute)) {
				f.Fatalf("act at %v", a.At)
			}
			if (a.Before == nil) != (i == 0) || (a.After == nil) != (i == 2) || !bytes.Equal(a.Before, docs[i]) || !bytes.Equal(a.After, docs[i+1]) {
				f.Fatalf("act %d: from %q to %q", i, a.Before, a.After)
			}
			a.At, a.Before, a.After, a.Hash = time.Time{}, nil, nil, nil
			f.same("act", a, store.Act{
				Seq: uint64(i + 1), Actor: "tester@example.jp", Role: mail.Admin, Remote: "192.0.2.7",
				Why: "storetest", Kind: "account", ID: o.ID,
			})
		}
	})
}

// operationLogSecrets: what a secret object holds never stands in the log, not even when it is removed.
func operationLogSecrets(f *fixture) {
	o := store.Object{Kind: "credential", Doc: []byte(`{"hash":"first"}`), Secret: true}
	f.update(func(tx store.Tx) {
		o.ID = mail.ObjectID(tx.NextID())
		o.Version = must(f, tx.PutObject)(o)
	})
	o.Doc = []byte(`{"hash":"second"}`)
	f.update(func(tx store.Tx) { o.Version = must(f, tx.PutObject)(o) })
	f.view(func(r store.Reader) {
		got, err := r.Object("credential", o.ID)
		f.ok(err)
		f.same("secret", got.Secret, true)
		f.same("doc", string(got.Doc), string(o.Doc))
	})
	f.update(func(tx store.Tx) { f.ok(tx.DeleteObject("credential", o.ID, o.Version)) })
	f.view(func(r store.Reader) {
		acts, err := r.Acts(0, 0)
		f.ok(err)
		f.same("acts", len(acts), 3)
		for i, want := range [][2]string{{"", store.Masked}, {store.Masked, store.Masked}, {store.Masked, ""}} {
			f.same("act", [2]string{string(acts[i].Before), string(acts[i].After)}, want)
		}
	})
}

func operationLogPages(f *fixture) {
	for range 3 {
		f.update(func(tx store.Tx) {
			for range 3 {
				must(f, tx.PutObject)(store.Object{Kind: "x", ID: mail.ObjectID(tx.NextID()), Doc: []byte(`{}`)})
			}
		})
	}
	f.view(func(r store.Reader) {
		var seqs []uint64
		for after := uint64(0); ; after = seqs[len(seqs)-1] {
			acts, err := r.Acts(after, 2)
			f.ok(err)
			if len(acts) == 0 {
				break
			}
			for _, a := range acts {
				seqs = append(seqs, a.Seq)
			}
		}
		f.same("sequence numbers", seqs, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9})
	})
}

func platformObjects(f *fixture) {
	o := account("example.jp")
	platform := f.store.Platform()
	ctx := f.Context()
	f.ok(platform.Update(ctx, Actor(), "storetest", func(tx store.Tx) error {
		o.ID = mail.ObjectID(tx.NextID())
		_, err := tx.PutObject(o)
		return err
	}))
	f.put(o) // the same id and address in a tenant is another object
	before := platform.Epoch()
	f.ok(platform.Update(ctx, Actor(), "storetest", func(tx store.Tx) error {
		held, err := tx.ObjectByKey(o.Unique[0])
		if err != nil {
			return err
		}
		return tx.DeleteObject("account", held.ID, held.Version)
	}))
	if platform.Epoch() <= before {
		f.Fatalf("the platform's epoch stays at %d", before)
	}
	f.view(func(r store.Reader) { must(f, r.ObjectByKey)(o.Unique[0]) })
	all, err := f.store.Tenants(ctx)
	f.ok(err)
	f.same("tenants, without the platform", all, []mail.TenantID{f.id})
}

// quietWrites: what is noted by the way is kept like anything else, but makes no line of the operation log, and caches don't hear of it.
func quietWrites(f *fixture) {
	o := f.put(account("sato@example.jp"))
	acts := func() (list []store.Act) {
		f.view(func(r store.Reader) {
			var err error
			list, err = r.Acts(0, 0)
			f.ok(err)
		})
		return list
	}
	before, epoch := len(acts()), f.tenant.Epoch()
	o.Doc, o.Quiet = []byte(`{"used":1}`), true
	o = f.put(o)
	if n := len(acts()); n != before || f.tenant.Epoch() != epoch {
		f.Fatalf("a quiet write made %d lines and moved the epoch by %d", n-before, f.tenant.Epoch()-epoch)
	}
	f.view(func(r store.Reader) {
		got := must(f, r.ObjectByKey)(key("address", "sato@example.jp"))
		if string(got.Doc) != `{"used":1}` || got.Quiet {
			f.Fatalf("after a quiet write: %+v", got)
		}
	})
	o.Quiet = false
	f.put(o)
	if n := len(acts()); n != before+1 || f.tenant.Epoch() <= epoch {
		f.Fatalf("the next write made %d lines, epoch from %d to %d", n-before, epoch, f.tenant.Epoch())
	}
}
