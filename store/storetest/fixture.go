package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// patience is how long a test waits for what must come at some time.
const patience = 20 * time.Second

// A fixture is a store with one tenant in it, and the words the tests are written in. A
// method that finds something wrong ends the test.
type fixture struct {
	testing.TB
	store  store.Store
	tenant store.Tenant
	id     mail.TenantID
	next   int64          // ids the test makes up
	staged []store.Staged // to be released
	closed bool           // the test closed the store itself

	patience time.Duration // how long it waits for what must come at some time
}

func newFixture(t testing.TB, s store.Store) *fixture {
	f := &fixture{TB: t, store: s, next: 1000, patience: patience}
	f.id = f.newTenant()
	f.tenant = s.Tenant(f.id)
	return f
}

// A failure is how a method of the fixture ends the test: by a panic, which Update and
// View of the fixture turn into an error, and the test's start into the test's end. Functions
// given to a store may run in the goroutine of another caller, from where testing cannot end a test.
type failure struct{ what string }

func (f failure) Error() string { return f.what }

// Fatalf ends the test.
func (f *fixture) Fatalf(format string, args ...any) {
	panic(failure{where() + fmt.Sprintf(format, args...)})
}

// where is the line of the test that runs, outside this file.
func where() string {
	for depth := 1; ; depth++ {
		_, file, line, ok := runtime.Caller(depth)
		if !ok {
			return ""
		}
		if name := filepath.Base(file); name != "fixture.go" {
			return fmt.Sprintf("%s:%d: ", name, line)
		}
	}
}

// caught gives the failure fn ended with.
func caught(fn func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			err = p
		default:
			panic(p)
		}
	}()
	fn()
	return nil
}

// run runs the test and then Store.Check.
func (f *fixture) run(test func()) {
	defer f.release()
	err := caught(func() {
		test()
		f.release()
		f.check()
	})
	if err != nil {
		f.TB.Fatal(err)
	}
}

// release gives back what was staged.
func (f *fixture) release() {
	for _, s := range f.staged {
		s.Release()
	}
	f.staged = nil
}

// Actor is who acts in tests: a user with a session from 192.0.2.7.
func Actor() mail.Actor {
	o := mail.Origin{Door: "test", Remote: netip.MustParseAddr("192.0.2.7")}
	return mail.MintActor(mail.Admin, 1, 2, "tester@example.jp", o)
}

func (f *fixture) newTenant() mail.TenantID {
	id := mail.TenantID(f.newID())
	f.ok(f.store.CreateTenant(context.Background(), id))
	return id
}

// on gives a fixture of another tenant of the same store.
func (f *fixture) on(id mail.TenantID) *fixture {
	return &fixture{TB: f.TB, store: f.store, tenant: f.store.Tenant(id), id: id, next: f.next + 1e6, patience: f.patience}
}

// newID makes an id no other call of this fixture made.
func (f *fixture) newID() int64 {
	f.next++
	return f.next
}

// check lets the store verify itself.
func (f *fixture) check() {
	if f.closed {
		return
	}
	err := f.store.Check(context.Background(), false, func(found store.Finding) {
		if !found.Garbage {
			f.Errorf("Check: tenant %d: %s", found.Tenant, found.What)
		}
	})
	f.ok(err)
}

// ok ends the test at an error.
func (f *fixture) ok(err error) {
	if err != nil {
		f.Fatalf("%v", err)
	}
}

// is ends the test if err is not of the kind.
func (f *fixture) is(err error, kind mail.Kind) {
	if !mail.Is(err, kind) {
		f.Fatalf("error is %v, want %v", err, kind)
	}
}

// says is the same, for an error with this catalogue key.
func (f *fixture) says(err error, kind mail.Kind, key string) {
	f.is(err, kind)
	if got, _ := mail.TextOf(err); got != key {
		f.Fatalf("error %v says %q, want %q", err, got, key)
	}
}

// same ends the test if got is not want.
func (f *fixture) same(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		f.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// update runs fn and expects no error.
func (f *fixture) update(fn func(tx store.Tx)) {
	f.ok(f.try(func(tx store.Tx) error { return caught(func() { fn(tx) }) }))
}

// try runs fn and gives the error.
func (f *fixture) try(fn func(tx store.Tx) error) error {
	return f.tenant.Update(context.Background(), Actor(), "storetest", fn)
}

// view runs fn and expects no error.
func (f *fixture) view(fn func(r store.Reader)) {
	f.ok(f.tenant.View(context.Background(), func(r store.Reader) error { return caught(func() { fn(r) }) }))
}

// both runs fn in a transaction and then in a view: what is written must be seen in both.
func (f *fixture) both(write func(tx store.Tx), read func(r store.Reader)) {
	f.update(func(tx store.Tx) { write(tx); read(tx) })
	f.view(read)
}

// mailbox makes an account with a mailbox in it.
func (f *fixture) mailbox() store.Mailbox {
	return f.mailboxOf(mail.AccountID(f.newID()), "INBOX")
}

// mailboxOf makes a mailbox at the top of an account.
func (f *fixture) mailboxOf(a mail.AccountID, name string) (m store.Mailbox) {
	f.update(func(tx store.Tx) { m = must(f, tx.CreateMailbox)(store.Mailbox{Account: a, Name: name}) })
	return m
}

// must turns a function with an error into one that ends the test.
func must[A, R any](f *fixture, fn func(A) (R, error)) func(A) R {
	return func(a A) R {
		r, err := fn(a)
		f.ok(err)
		return r
	}
}

// read gives the mailbox as it is now.
func (f *fixture) read(m mail.MailboxID) (box store.Mailbox) {
	f.view(func(r store.Reader) { box = must(f, r.Mailbox)(m) })
	return box
}

// box gives the counters of an account as they are now.
func (f *fixture) box(a mail.AccountID) (b store.Box) {
	f.view(func(r store.Reader) { b = must(f, r.Box)(a) })
	return b
}

// stage takes in a text and seals it. It is released when the test ends.
func (f *fixture) stage(text string) store.Staged {
	s := f.sealed(text)
	f.staged = append(f.staged, s)
	return s
}

func (f *fixture) sealed(text string) store.Staged {
	s, err := f.tenant.Blobs().Stage(context.Background(), int64(len(text)))
	f.ok(err)
	_, err = io.WriteString(s, text)
	f.ok(err)
	f.ok(s.Seal(context.Background()))
	return s
}

// received is when the mail of tests came.
var received = time.Date(2026, 11, 23, 12, 0, 1, 0, time.UTC)

// keep keeps a staging, with an index that tells where it is from.
func (f *fixture) keep(tx store.Tx, s store.Staged) mail.BlobRef {
	ref, err := tx.Keep(s, fmt.Appendf(nil, "index of %d octets", s.Size()))
	f.ok(err)
	return ref
}

// add puts a staged text into a mailbox.
func (f *fixture) add(tx store.Tx, m mail.MailboxID, s store.Staged, flags mail.Flags) store.Message {
	return must(f, tx.AddMessage)(store.NewMessage{Mailbox: m, Flags: flags, Received: received, Blob: f.keep(tx, s), Thread: 77})
}

// deliver puts a text into a mailbox.
func (f *fixture) deliver(m mail.MailboxID, text string, flags mail.Flags) (msg store.Message) {
	s := f.sealed(text)
	defer s.Release()
	f.update(func(tx store.Tx) { msg = f.add(tx, m, s, flags) })
	return msg
}

// messages lists the messages of a mailbox with their index.
func (f *fixture) messages(r store.Reader, m mail.MailboxID) (list []store.Message) {
	f.ok(r.Messages(m, 1, 1<<32-1, store.WithIndex, func(msg *store.Message) bool {
		list = append(list, clone(*msg))
		return true
	}))
	return list
}

// clone is the message with an Index of its own and times in UTC: those of the store live no longer than fn.
func clone(m store.Message) store.Message {
	m.Index = slices.Clone(m.Index)
	m.Received, m.Saved = m.Received.UTC(), m.Saved.UTC()
	return m
}

// uids lists the UIDs of a mailbox.
func (f *fixture) uids(m mail.MailboxID) (list []mail.UID) {
	f.view(func(r store.Reader) {
		list = nil
		for _, msg := range f.messages(r, m) {
			list = append(list, msg.UID)
		}
	})
	return list
}

// marks lists the marks of a mailbox since a change.
func (f *fixture) marks(r store.Reader, m mail.MailboxID, since mail.ModSeq) (list []store.Mark) {
	f.ok(r.Marks(m, since, func(k store.Mark) bool { list = append(list, k); return true }))
	return list
}

// gone lists who left a mailbox since a change.
func (f *fixture) gone(r store.Reader, m mail.MailboxID, since mail.ModSeq) (list []store.Gone) {
	f.ok(r.Gone(m, since, func(g store.Gone) bool { list = append(list, g); return true }))
	return list
}

// text reads a blob.
func (f *fixture) text(ref mail.BlobRef) string {
	b, err := f.tenant.Blobs().Open(context.Background(), ref)
	f.ok(err)
	defer b.Close()
	var w bytes.Buffer
	n, err := b.WriteRange(&w, 0, b.Size())
	f.ok(err)
	f.same("octets written", n, ref.Size)
	return w.String()
}

// put writes an object and gives it as it stands then.
func (f *fixture) put(o store.Object) store.Object {
	var version uint64
	f.update(func(tx store.Tx) {
		if o.ID == 0 {
			o.ID = mail.ObjectID(tx.NextID())
		}
		version = must(f, tx.PutObject)(o)
	})
	o.Version = version
	return o
}

// eventually waits until cond holds.
func (f *fixture) eventually(what string, cond func() bool) {
	for end := time.Now().Add(f.patience); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			f.Fatalf("%s did not come true in %v", what, f.patience)
		}
	}
}

// errGiveUp is what functions of tests fail with on purpose.
var errGiveUp = errors.New("given up on purpose")
