package storetest

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"tegami/mail"
	"tegami/store"
)

var isolationPromises = []promise{
	{"IsolationOfTenants", isolationOfTenants},
	{"IsolationOfBlobs", isolationOfBlobs},
	{"IsolationOfTheSameIDs", isolationOfTheSameIDs},
}

// memoEnd is until when the owner remembers its secret.
var memoEnd = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// A belonging is one of each thing a tenant can have.
type belonging struct {
	object  store.Object
	account mail.AccountID
	inbox   store.Mailbox
	other   store.Mailbox
	message store.Message
	moved   store.Message // now in other; it left a Gone in inbox
	item    store.Item    // leased
	settled mail.ItemID   // of another item
	entry   store.Entry
	staged  store.Staged
}

// furnish gives the fixture's tenant one of each thing.
func (f *fixture) furnish() (b belonging) {
	b.object = f.put(account("secret@example.jp"))
	b.inbox = f.mailbox()
	b.account = b.inbox.Account
	b.other = f.mailboxOf(b.account, "other")
	b.message = f.deliver(b.inbox.ID, "secret", mail.Seen)
	b.moved = f.deliver(b.inbox.ID, "moved", 0)
	f.update(func(tx store.Tx) {
		_, err := tx.MoveMessage(b.inbox.ID, b.moved.UID, b.other.ID)
		f.ok(err)
		_, err = tx.AddKeyword(b.account, "secret")
		f.ok(err)
		f.ok(tx.PutMemo(b.account, "secret", memoEnd))
		f.ok(tx.PutThreadRefs(b.account, []store.ThreadRef{1}, 7))
		below := must(f, tx.CreateMailbox)(store.Mailbox{Account: b.account, Name: "gone"})
		f.ok(tx.DeleteMailbox(below.ID))
		b.entry, err = tx.PutEntry(store.Entry{Account: b.account, Kind: "card", Group: 7, Key: "secret", Doc: []byte("secret"),
			Blob: b.message.Blob, Ends: past})
		f.ok(err)
	})
	f.update(func(tx store.Tx) { f.ok(tx.AddCounts(1, false, []store.Count{{Key: 7, A: 1, B: 2, Turn: 3}})) })
	f.item(store.ItemWaiting, past)
	b.item = f.claim(1)[0].Item
	b.settled = mail.ItemID(f.newID())
	f.putItems(map[mail.ItemID]store.ItemState{b.settled: store.ItemSettled})
	b.staged = f.stage("still staged")
	return b
}

// dump writes down everything a tenant has, a line each, to be compared.
func (f *fixture) dump(accounts ...mail.AccountID) (lines []string) {
	add := func(what string, v any) { lines = append(lines, fmt.Sprintf("%s %+v", what, v)) }
	f.view(func(r store.Reader) {
		lines = nil
		objects, err := r.Objects("account", store.Page{})
		f.ok(err)
		acts, err := r.Acts(0, 0)
		f.ok(err)
		items, err := r.Items(0, 0, 0)
		f.ok(err)
		add("objects", objects)
		add("acts", acts)
		add("items", items)
		counts, err := r.CountsAfter(1, 0, true, 0)
		f.ok(err)
		add("counts", counts)
		for _, a := range accounts {
			add("box", must(f, r.Box)(a))
			add("keywords", must(f, r.Keywords)(a))
			memo, err := r.Memo(a, "secret")
			f.ok(err)
			add("memo", memo.UnixMilli())
			entries, err := r.EntriesSince(a, "card", 0, 0)
			f.ok(err)
			add("entries", entries)
			threads, err := r.Threads(a, []store.ThreadRef{1, 2})
			f.ok(err)
			add("threads", threads)
			gone, floor, err := r.GoneMailboxes(a, 0)
			f.ok(err)
			add("gone mailboxes", gone)
			add("floor", floor)
			for _, m := range must(f, r.Mailboxes)(a) {
				add("mailbox", m)
				add("messages", f.messages(r, m.ID))
				add("marks", f.marks(r, m.ID, 0))
				add("gone", f.gone(r, m.ID, 0))
			}
		}
	})
	return lines
}

// A trespass calls one method with the ids of another tenant. It gives what it found, nil for nothing.
type trespass func(f *fixture, tx store.Tx, b belonging) (found any, err error)

// trespasses has a case for each method of Reader and Tx.
var trespasses = map[string]trespass{
	"Object":      func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Object("account", b.object.ID) },
	"ObjectByKey": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.ObjectByKey(b.object.Unique[0]) },
	"Objects":     func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Objects("account", store.Page{}) },
	"Marked": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.Marked("account", b.object.Marks[0], store.Page{})
	},
	"CountMarked": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.CountMarked("account", b.object.Marks[0])
	},
	"Acts":     func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Acts(0, 0) },
	"ActsBack": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.ActsBack(store.ActQuery{}) },
	"Chain":    func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Chain() },
	"Note": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, tx.Note("account", b.object.ID, nil)
	},
	"ForgetActs": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.ForgetActs(time.Now().Add(-2*store.KeepActs), 0)
	},
	"Box":       func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Box(b.account) },
	"Mailboxes": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Mailboxes(b.account) },
	"Mailbox":   func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Mailbox(b.inbox.ID) },
	"Keywords":  func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Keywords(b.account) },
	"Marks":     func(f *fixture, tx store.Tx, b belonging) (any, error) { return f.marks(tx, b.inbox.ID, 0), nil },
	"Gone":      func(f *fixture, tx store.Tx, b belonging) (any, error) { return f.gone(tx, b.inbox.ID, 0), nil },
	"Messages":  func(f *fixture, tx store.Tx, b belonging) (any, error) { return f.messages(tx, b.inbox.ID), nil },
	"Email":     func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Email(b.message.ID) },
	"Item":      func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Item(b.item.ID) },
	"Items":     func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Items(0, 0, 0) },
	"Routes":    func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Routes(0) },
	"ItemsOn":   func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.ItemsOn(b.item.Route, 0, 0) },

	"ItemsBack": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.ItemsBack(0, allItems, 0) },
	"ItemsOf": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.ItemsOf([]mail.ItemID{b.item.ID, b.settled})
	},

	"Memo": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		until, err := tx.Memo(b.account, "secret")
		return until, err
	},
	"PutMemo": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, tx.PutMemo(b.account, "secret", time.Time{})
	},
	"DropMemos": func(f *fixture, tx store.Tx, b belonging) (any, error) { return nil, tx.DropMemos(b.account) },

	"Entry": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.Entry(b.account, "card", b.entry.ID)
	},
	"EntryByKey": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.EntryByKey(b.account, "card", "secret")
	},
	"Entries": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.Entries(b.account, "card", 0, store.Page{})
	},
	"EntriesBack": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.EntriesBack(b.account, "card", 0, 0)
	},
	"EntriesEnded": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.EntriesEnded("card", memoEnd, 0) },
	"EntrySums":    func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.EntrySums("card", 0, 0) },
	"Structure":    func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Structure(b.message.Blob.ID) },
	"EntriesSince": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.EntriesSince(b.account, "card", 0, 0)
	},
	"EntriesFloor":   func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.EntriesFloor(b.account, "card") },
	"CountEntries":   func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.CountEntries(b.account, "card") },
	"DropBelongings": func(f *fixture, tx store.Tx, b belonging) (any, error) { return nil, tx.DropBelongings(b.account) },
	"DeleteEntry": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, isRefused(tx.DeleteEntry(b.account, "card", b.entry.ID), mail.NotFound)
	},
	"Counts":      func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.Counts(1, []int64{7}) },
	"CountsAfter": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.CountsAfter(1, 0, true, 0) },
	"CountCounts": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.CountCounts(1) },
	"AddCounts": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, tx.AddCounts(1, true, []store.Count{{Key: 7, A: 1, Turn: 9}, {Key: 8, B: 1}})
	},
	"PruneCounts": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.PruneCounts(1, 1, 0) },
	"DropCounts":  func(f *fixture, tx store.Tx, b belonging) (any, error) { return nil, tx.DropCounts(1) },
	"GoneMailboxes": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		list, _, err := tx.GoneMailboxes(b.account, 0)
		return list, err
	},
	"MessagesSince": func(f *fixture, tx store.Tx, b belonging) (found any, err error) {
		err = tx.MessagesSince(b.inbox.ID, 0, func(m *store.Message) bool { found = m.ID; return true })
		return found, err
	},
	"Threads": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		found, err := tx.Threads(b.account, []store.ThreadRef{1})
		return len(found), err
	},
	"PutThreadRefs": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, tx.PutThreadRefs(b.account, []store.ThreadRef{1, 2}, 4711)
	},
	"PruneThreadRefs": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, tx.PruneThreadRefs(b.account, memoEnd)
	},
	"SetThread": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.SetThread(b.message.ID, 4711) },
	"PutEntry": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		e := b.entry
		e.Doc = []byte("trespassed")
		_, err := tx.PutEntry(e)
		if mail.Is(err, mail.NotFound) { // the octets are another's
			return nil, nil
		}
		return nil, isRefused(err, mail.Conflict)
	},

	"NextID": func(f *fixture, tx store.Tx, b belonging) (any, error) { tx.NextID(); return nil, nil },
	"PutObject": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		o := b.object
		o.Doc = []byte(`{"trespassed":true}`)
		_, err := tx.PutObject(o)
		return nil, isRefused(err, mail.Conflict)
	},
	"DeleteObject": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, tx.DeleteObject("account", b.object.ID, b.object.Version)
	},
	"Keep": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		_, err := tx.Keep(b.staged, nil)
		return nil, isRefused(err, mail.KindOf(err))
	},
	"CreateMailbox": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.CreateMailbox(store.Mailbox{Account: b.account, Parent: b.inbox.ID, Name: "below"})
	},
	"SetMailbox": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		m := b.inbox
		m.Name = "trespassed"
		return nil, tx.SetMailbox(m)
	},
	"DeleteMailbox": func(f *fixture, tx store.Tx, b belonging) (any, error) { return nil, tx.DeleteMailbox(b.other.ID) },
	"AddKeyword": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		flag, err := tx.AddKeyword(b.account, "own word")
		f.same("the first keyword of an account of the same id", flag, mail.Keyword(0))
		return nil, err
	},
	"AddMessage": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.AddMessage(store.NewMessage{Mailbox: b.inbox.ID, Blob: b.message.Blob, Received: received})
	},
	"ChangeFlags": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		_, n, err := tx.ChangeFlags(b.inbox.ID, 1, 1<<32-1, 0, mail.Deleted)
		return n, err
	},
	"SetFlags": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.SetFlags(b.inbox.ID, b.message.UID, mail.Deleted)
	},
	"MoveMessage": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return tx.MoveMessage(b.inbox.ID, b.message.UID, b.other.ID)
	},
	"Expunge": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, tx.Expunge(b.inbox.ID, b.message.UID)
	},
	"PutItem": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		return nil, isRefused(tx.PutItem(b.item), mail.Conflict)
	},
	"PruneItems": func(f *fixture, tx store.Tx, b belonging) (any, error) { return tx.PruneItems(allItems, 0) },
	"DeleteItem": func(f *fixture, tx store.Tx, b belonging) (any, error) {
		err := tx.DeleteItem(b.item.ID, b.item.Fence)
		if mail.Is(err, mail.Conflict) { // as good as NotFound: the fence is nobody's
			return nil, nil
		}
		return nil, isRefused(err, mail.NotFound)
	},
}

// isRefused gives no error if err is of the kind that refuses.
func isRefused(err error, kind mail.Kind) error {
	if err == nil || !mail.Is(err, kind) {
		return fmt.Errorf("error is %v, want %v", err, kind)
	}
	return nil
}

// isolationOfTenants walks through every method: none may reach into another tenant.
func isolationOfTenants(f *fixture) {
	owner := f.on(f.newTenant())
	b := owner.furnish()
	defer owner.release()
	before := owner.dump(b.account)
	tx := reflect.TypeFor[store.Tx]()
	for i := range tx.NumMethod() {
		name := tx.Method(i).Name
		try, ok := trespasses[name]
		if !ok {
			f.Fatalf("method %s has no case in trespasses: show that it cannot reach into another tenant", name)
		}
		var found any
		stranger := f.on(f.newTenant())
		err := stranger.try(func(tx store.Tx) (err error) {
			if failed := caught(func() { found, err = try(stranger, tx, b) }); failed != nil {
				return failed
			}
			return err
		})
		if err != nil && !mail.Is(err, mail.NotFound) {
			f.Errorf("%s: %v", name, err)
		}
		if err == nil && !isNothing(found) {
			f.Errorf("%s found %+v of another tenant", name, found)
		}
	}
	f.same("the other tenant", owner.dump(b.account), before)
}

// isNothing tells whether v is nil, zero or empty.
func isNothing(v any) bool {
	if v == nil {
		return true
	}
	value := reflect.ValueOf(v)
	return value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
}

func isolationOfBlobs(f *fixture) {
	ctx := context.Background()
	owner := f.on(f.newTenant())
	b := owner.furnish()
	defer owner.release()
	m := f.mailbox()
	_, err := f.tenant.Blobs().Open(ctx, b.message.Blob)
	f.is(err, mail.NotFound)
	large := owner.deliver(b.inbox.ID, string(octets(1, 200_000)), 0)
	place := owner.placed(b.inbox.ID, store.WithPlace)[1].Place
	if stolen, err := f.tenant.Blobs().OpenAt(ctx, large.Blob, place); err == nil {
		_, err = stolen.ReadAt(make([]byte, 1), 0)
		f.is(err, mail.NotFound)
		stolen.Close()
	}
	f.is(f.try(func(tx store.Tx) error {
		_, err := tx.AddMessage(store.NewMessage{Mailbox: m.ID, Blob: b.message.Blob, Received: received})
		return err
	}), mail.NotFound)
	f.is(f.try(func(tx store.Tx) error {
		return tx.PutItem(store.Item{ID: mail.ItemID(tx.NextID()), State: store.ItemHeld, Blob: b.message.Blob})
	}), mail.NotFound)
	usage, err := f.tenant.Usage(ctx, b.account)
	f.ok(err)
	f.same("usage", usage.Used, int64(0))
	f.same("text", owner.text(b.message.Blob), "secret")
}

// isolationOfTheSameIDs: two tenants may have things of the same ids, which have nothing to do with each other.
func isolationOfTheSameIDs(f *fixture) {
	owner := f.on(f.newTenant())
	b := owner.furnish()
	defer owner.release()
	before := owner.dump(b.account)
	f.update(func(tx store.Tx) {
		o := b.object
		o.Version = 0
		must(f, tx.PutObject)(o)
		m := must(f, tx.CreateMailbox)(store.Mailbox{ID: b.inbox.ID, Account: b.account, Name: "INBOX"})
		f.same("mailbox id", m.ID, b.inbox.ID)
		f.ok(tx.PutItem(store.Item{ID: b.item.ID, State: store.ItemHeld, Due: past}))
	})
	msg := f.deliver(b.inbox.ID, "own", 0)
	f.same("box", f.box(b.account).Used, int64(3))
	f.update(func(tx store.Tx) {
		f.ok(tx.Expunge(b.inbox.ID, msg.UID))
		f.ok(tx.DeleteMailbox(b.inbox.ID))
		f.ok(tx.DeleteItem(b.item.ID, 0))
	})
	f.same("the other tenant", owner.dump(b.account), before)
}
