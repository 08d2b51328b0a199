package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"

	"tegami/mail"
	"tegami/store"
)

var blobPromises = []promise{
	{"BlobSizes", blobSizes},
	{"BlobPrepend", blobPrepend},
	{"BlobRanges", blobRanges},
	{"BlobHash", blobHash},
	{"BlobKeptTwice", blobKeptTwice},
	{"BlobNotKept", blobNotKept},
	{"BlobTooBig", blobTooBig},
	{"BlobsAtOnce", blobsAtOnce},
	{"BlobUnknown", blobUnknown},
	{"BlobsByTheirPlaces", blobsByPlace},
}

// sizes stand around the limits at which backends keep octets in another way.
var sizes = []int{0, 1, 511, 512, 4095, 4096, 4097, 16<<10 - 1, 16 << 10, 16<<10 + 1, 64 << 10, 128<<10 - 1, 128 << 10, 128<<10 + 1, 1<<20 + 3, mail.MaxMessageSize}

// octets makes n octets that are like no others.
func octets(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

func blobSizes(f *fixture) {
	ctx := context.Background()
	m := f.mailbox()
	for i, size := range sizes {
		for _, hint := range []int64{0, int64(size)} {
			want := octets(uint64(i), size)
			s, err := f.tenant.Blobs().Stage(ctx, hint)
			f.ok(err)
			f.write(s, want, 1+size/3)
			f.same("size so far", s.Size(), int64(size))
			f.equal(fmt.Sprint("chunks of ", size), bytes.Join(s.Chunks(), nil), want)
			f.ok(s.Seal(ctx))
			f.equal(fmt.Sprint("sealed chunks of ", size), bytes.Join(s.Chunks(), nil), want)
			var msg store.Message
			f.update(func(tx store.Tx) { msg = f.add(tx, m.ID, s, 0) })
			s.Release()
			f.same("size", msg.Blob.Size, int64(size))
			f.equal(fmt.Sprint("blob of ", size), []byte(f.text(msg.Blob)), want)
		}
	}
}

// write writes in portions.
func (f *fixture) write(w io.Writer, p []byte, portion int) {
	for len(p) > 0 {
		n, err := w.Write(p[:min(portion, len(p))])
		f.ok(err)
		f.same("written", n, min(portion, len(p)))
		p = p[n:]
	}
}

// equal is same without a page of octets in the message.
func (f *fixture) equal(what string, got, want []byte) {
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	f.Fatalf("%s: %d octets, want %d; they differ at %d", what, len(got), len(want), at)
}

func blobPrepend(f *fixture) {
	ctx := context.Background()
	m := f.mailbox()
	for _, size := range []int{0, 10, 5000, 128 << 10, 1 << 20} {
		body := octets(uint64(size), size)
		s, err := f.tenant.Blobs().Stage(ctx, 0)
		f.ok(err)
		first := []byte("Received: by here\r\n")
		f.write(s, body, 1000)
		s.Prepend(first)
		copy(first, "XXXXXXXX") // the caller's again
		second := bytes.Repeat([]byte("Return-Path: <a@b>\r\n"), 1+size/100)
		s.Prepend(second)
		want := append(append(bytes.Clone(second), "Received: by here\r\n"...), body...)
		f.same("size", s.Size(), int64(len(want)))
		f.equal("chunks", bytes.Join(s.Chunks(), nil), want)
		f.ok(s.Seal(ctx))
		var msg store.Message
		f.update(func(tx store.Tx) { msg = f.add(tx, m.ID, s, 0) })
		s.Release()
		f.equal("blob", []byte(f.text(msg.Blob)), want)
	}
}

func blobRanges(f *fixture) {
	m := f.mailbox()
	random := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{1, 4096, 20_000, 128<<10 + 1, 3 << 20} {
		want := octets(uint64(size), size)
		msg := f.deliver(m.ID, string(want), 0)
		b, err := f.tenant.Blobs().Open(context.Background(), msg.Blob)
		f.ok(err)
		f.same("size", b.Size(), int64(size))
		for range 50 {
			from := random.IntN(size)
			n := random.IntN(size - from + 1)
			got := make([]byte, n)
			read, err := b.ReadAt(got, int64(from))
			if read != n || err != nil && !(err == io.EOF && from+n == size) {
				f.Fatalf("ReadAt(%d octets, %d) of %d = %d, %v", n, from, size, read, err)
			}
			f.equal("ReadAt", got, want[from:from+n])
			var w bytes.Buffer
			written, err := b.WriteRange(&w, int64(from), int64(n))
			f.ok(err)
			f.same("written", written, int64(n))
			f.equal("WriteRange", w.Bytes(), want[from:from+n])
		}
		past := make([]byte, 10)
		n, err := b.ReadAt(past, int64(size)-1)
		if n != 1 || err != io.EOF || past[0] != want[size-1] {
			f.Fatalf("reading past the end of %d: %d, %v", size, n, err)
		}
		f.ok(b.Close())
	}
}

func blobHash(f *fixture) {
	m := f.mailbox()
	a, b, c := f.deliver(m.ID, "equal", 0), f.deliver(m.ID, "equal", 0), f.deliver(m.ID, "other", 0)
	f.same("hash of equal octets", a.Blob.Hash, b.Blob.Hash)
	other := f.on(f.newTenant())
	d := other.deliver(other.mailbox().ID, "equal", 0)
	if a.Blob.Hash == c.Blob.Hash || a.Blob.Hash == [32]byte{} {
		f.Fatalf("hash of other octets: %x", c.Blob.Hash)
	}
	if a.Blob.Hash == d.Blob.Hash {
		f.Fatalf("two tenants have the same hash for equal octets: one could know what the other has")
	}
	f.view(func(r store.Reader) { f.same("hash in a list", f.messages(r, m.ID)[0].Blob, a.Blob) })
}

// blobKeptTwice: one staging for several messages, in one transaction and in two, as intake does
// for many recipients, and after one that failed.
func blobKeptTwice(f *fixture) {
	m, n := f.mailbox(), f.mailbox()
	s := f.stage("for everybody")
	f.is(f.try(func(tx store.Tx) error {
		f.add(tx, m.ID, s, 0)
		return mail.E("x", mail.Full, "box.full")
	}), mail.Full)
	var list []store.Message
	f.update(func(tx store.Tx) {
		list = []store.Message{f.add(tx, m.ID, s, 0), f.add(tx, n.ID, s, 0)}
	})
	f.update(func(tx store.Tx) { list = append(list, f.add(tx, n.ID, s, 0)) })
	f.release()
	for _, msg := range list {
		f.same("text", f.text(msg.Blob), "for everybody")
		f.same("size", msg.Blob.Size, int64(13))
	}
	f.update(func(tx store.Tx) {
		f.ok(tx.Expunge(m.ID, list[0].UID))
		f.ok(tx.Expunge(n.ID, list[1].UID))
	})
	f.same("text of the last", f.text(list[2].Blob), "for everybody")
}

func blobNotKept(f *fixture) {
	var ref mail.BlobRef
	for _, size := range []int{10, 200_000} {
		s := f.stage(string(octets(9, size)))
		f.is(f.try(func(tx store.Tx) error {
			ref = f.keep(tx, s)
			return mail.E("x", mail.Denied, "")
		}), mail.Denied)
		_, err := f.tenant.Blobs().Open(context.Background(), ref)
		f.is(err, mail.NotFound)
		f.release()
		_, err = f.tenant.Blobs().Open(context.Background(), ref)
		f.is(err, mail.NotFound)
	}
	s, err := f.tenant.Blobs().Stage(context.Background(), 0)
	f.ok(err)
	f.write(s, []byte("given up before the seal"), 100)
	s.Release()
}

func blobTooBig(f *fixture) {
	s, err := f.tenant.Blobs().Stage(context.Background(), 0)
	f.ok(err)
	defer s.Release()
	part := make([]byte, 1<<20)
	for range 64 {
		f.write(s, part, len(part))
	}
	_, err = s.Write(part[:1])
	f.says(err, mail.Full, "message.too_big")
}

func blobsAtOnce(f *fixture) {
	m := f.mailbox()
	const many = 20
	done := make(chan error, many)
	for i := range many {
		go func() { done <- caught(func() { f.tripped(m.ID, octets(uint64(i), i*9000)) }) }()
	}
	for range many {
		f.ok(<-done)
	}
	f.same("messages", f.read(m.ID).Messages, uint32(many))
}

// tripped delivers octets and reads them back.
func (f *fixture) tripped(m mail.MailboxID, want []byte) {
	msg := f.deliver(m, string(want), 0)
	f.equal("blob", []byte(f.text(msg.Blob)), want)
}

// blobsByPlace: what was read with its place opens without a look-up, and is the same as with one.
func blobsByPlace(f *fixture) {
	m := f.mailbox()
	var want [][]byte
	for i, size := range sizes[:len(sizes)-1] {
		want = append(want, octets(uint64(i), size))
		f.deliver(m.ID, string(want[i]), 0)
	}
	for _, with := range []store.With{store.WithPlace, store.WithPlace | store.WithIndex} {
		for i, p := range f.placed(m.ID, with) {
			f.same("index is asked for", len(p.Index) > 0, with&store.WithIndex != 0)
			f.equal("opened by its place", f.octetsAt(p), want[i])
			p.Place = store.Place{}
			f.equal("opened without", f.octetsAt(p), want[i])
		}
	}
	f.update(func(tx store.Tx) {
		f.ok(tx.Messages(m.ID, 1, 1<<32-1, store.WithPlace, func(msg *store.Message) bool {
			f.same("place in an Update", msg.Place.Era, uint64(0))
			return false
		}))
	})
	gone := f.placed(m.ID, store.WithPlace)[3]
	gone.Blob.ID, gone.Place = 12345, store.Place{}
	_, err := f.tenant.Blobs().OpenAt(context.Background(), gone.Blob, gone.Place)
	f.is(err, mail.NotFound)
}

// placed reads the messages of a mailbox with their places.
func (f *fixture) placed(m mail.MailboxID, with store.With) (list []store.Message) {
	f.view(func(r store.Reader) {
		list = nil
		f.ok(r.Messages(m, 1, 1<<32-1, with|store.WithPlace, func(msg *store.Message) bool {
			c := clone(*msg)
			c.Place.Octets = bytes.Clone(c.Place.Octets)
			list = append(list, c)
			return true
		}))
	})
	return list
}

// octetsAt reads a message's octets by its place.
func (f *fixture) octetsAt(m store.Message) []byte {
	b, err := f.tenant.Blobs().OpenAt(context.Background(), m.Blob, m.Place)
	f.ok(err)
	defer b.Close()
	f.same("size", b.Size(), m.Blob.Size)
	var w bytes.Buffer
	_, err = b.WriteRange(&w, 0, b.Size())
	f.ok(err)
	return w.Bytes()
}

func blobUnknown(f *fixture) {
	for _, ref := range []mail.BlobRef{{}, {ID: 12345, Size: 3}} {
		_, err := f.tenant.Blobs().Open(context.Background(), ref)
		f.is(err, mail.NotFound)
	}
}
