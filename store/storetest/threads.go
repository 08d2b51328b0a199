package storetest

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

var threadPromises = []promise{
	{"ThreadIsSetOnce", threadIsSetOnce},
	{"ThreadRefs", threadRefs},
}

// setThread tries to put a message into a thread.
func (f *fixture) setThread(id mail.EmailID, thread mail.ThreadID) (is mail.ThreadID, err error) {
	err = f.try(func(tx store.Tx) (err error) {
		is, err = tx.SetThread(id, thread)
		return err
	})
	return is, err
}

// threadIsSetOnce: RFC 8474 §5.2, a thread never changes. It takes no ModSeq.
func threadIsSetOnce(f *fixture) {
	m := f.mailbox()
	s := f.stage("x")
	var msg store.Message
	f.update(func(tx store.Tx) {
		msg = must(f, tx.AddMessage)(store.NewMessage{Mailbox: m.ID, Received: received, Blob: f.keep(tx, s)})
	})
	f.same("none at first", msg.Thread, mail.ThreadID(0))
	before := f.box(m.Account)
	for _, thread := range []mail.ThreadID{99, 99, 98} {
		is, err := f.setThread(msg.ID, thread)
		f.ok(err)
		f.same("thread", is, mail.ThreadID(99))
	}
	_, err := f.setThread(msg.ID+1, 99)
	f.is(err, mail.NotFound)
	f.same("box", f.box(m.Account), before)
	f.view(func(r store.Reader) {
		want := msg
		want.Thread = 99
		got := f.messages(r, m.ID)[0]
		want.Index = got.Index
		f.same("message", got, clone(want))
	})
}

func threadRefs(f *fixture) {
	a, other := mail.AccountID(f.newID()), mail.AccountID(f.newID())
	look := func(a mail.AccountID, refs ...store.ThreadRef) (found map[store.ThreadRef]mail.ThreadID) {
		f.view(func(r store.Reader) {
			var err error
			found, err = r.Threads(a, refs)
			f.ok(err)
		})
		return found
	}
	put := func(thread mail.ThreadID, refs ...store.ThreadRef) {
		f.update(func(tx store.Tx) {
			f.ok(tx.PutThreadRefs(a, refs, thread))
			found, err := tx.Threads(a, refs[:1])
			f.ok(err)
			f.same("in the transaction", len(found), 1)
		})
	}
	f.same("none", len(look(a, 1, 2)), 0)
	put(70, 1, 2, -3)
	put(71, 2, 4)
	f.same("the first stays", look(a, 1, 2, -3, 4, 5), map[store.ThreadRef]mail.ThreadID{1: 70, 2: 70, -3: 70, 4: 71})
	f.same("of another", len(look(other, 1)), 0)
	var many []store.ThreadRef
	for n := range store.MaxThreadRefs + 5 {
		many = append(many, store.ThreadRef(1000+n))
	}
	put(72, many...)
	f.same("at once", len(look(a, many...)), store.MaxThreadRefs)
	f.same("the last", len(look(a, many[store.MaxThreadRefs:]...)), 0)
	f.update(func(tx store.Tx) { f.ok(tx.PruneThreadRefs(a, time.Now())) })
	f.same("used today", len(look(a, 1, 2)), 2)
	f.update(func(tx store.Tx) {
		f.ok(tx.PutThreadRefs(other, []store.ThreadRef{1}, 80))
		f.ok(tx.PruneThreadRefs(a, time.Now().Add(48*time.Hour)))
	})
	f.same("pruned", len(look(a, 1, 2)), 0)
	f.same("another's", look(other, 1), map[store.ThreadRef]mail.ThreadID{1: 80})
	f.update(func(tx store.Tx) { f.ok(tx.DropBelongings(other)) })
	f.same("after the end of the account", len(look(other, 1)), 0)
}
