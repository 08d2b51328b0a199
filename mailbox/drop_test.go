package mailbox_test

import (
	"context"
	"io"
	"strconv"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
)

func (h *house) lock(a *mailbox.Account) *mailbox.Drop {
	h.Helper()
	d, err := a.LockDrop(h.Context())
	h.must(err)
	h.Cleanup(d.Close)
	return d
}

// listing gives the UIDs and ids of a drop.
func listing(d *mailbox.Drop) (uids []mail.UID, ids []string) {
	for _, m := range d.Messages() {
		uids, ids = append(uids, m.UID), append(ids, m.ID.String())
	}
	return uids, ids
}

// RFC 1939 §3: one session at a time.
func TestDropLock(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki")
	sato, suzuki := h.open("sato@alpha.example"), h.open("suzuki@alpha.example")
	d := h.lock(sato)
	_, err := h.open("sato@alpha.example").LockDrop(t.Context())
	h.refused(err, mail.Busy, "pop3.locked")
	h.lock(suzuki)
	d.Close()
	d.Close()
	h.lock(sato)
}

// The lock holds in other processes too: here another service over the same store.
func TestDropLockOfAnotherProcess(t *testing.T) {
	h, a := one(t)
	h.fill(a, "INBOX", 1)
	far, err := mailbox.New(h.store, h.dir, mailbox.Config{}).Open(t.Context(), a.Identity())
	h.must(err)
	d := h.lock(a)
	_, err = far.LockDrop(t.Context())
	h.refused(err, mail.Busy, "pop3.locked")
	d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	d, err = far.LockDrop(ctx)
	h.must(err)
	cancel() // the lock outlives the call
	_, err = a.LockDrop(t.Context())
	h.refused(err, mail.Busy, "pop3.locked")
	h.must(d.Delete(t.Context(), []mail.UID{1}))
	d.Close()
	h.equal("messages", len(h.lock(a).Messages()), 0)
}

// The list of a second session is made from the first one's and must be as if it were not.
func TestDropList(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 4)
	d := h.lock(a)
	first, ids := listing(d)
	h.equal("first", first, "[1 2 3 4]")
	h.equal("size", d.Messages()[0].Size, len(letter("1")))
	h.fill(a, "INBOX", 1)
	h.equal("a drop does not grow", len(d.Messages()), 4)
	h.must(d.Delete(ctx, []mail.UID{2, 99}))
	h.equal("nor shrink", len(d.Messages()), 4)
	_, err := d.Open(ctx, d.Messages()[1])
	h.refused(err, mail.NotFound, "message.unknown")
	body, err := d.Open(ctx, d.Messages()[3])
	h.must(err)
	text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	h.must(err)
	h.must(body.Close())
	h.equal("octets", string(text), letter("4"))
	d.Close()

	d = h.lock(a)
	second, again := listing(d)
	h.equal("second", second, "[1 3 4 5]")
	h.equal("UIDLs stay", again[:3], []string{ids[0], ids[2], ids[3]})
	d.Close()
	other := mailbox.New(h.store, h.dir, mailbox.Config{})
	fresh, err := other.Open(ctx, a.Identity())
	h.must(err)
	h.equal("as read anew", h.lock(fresh).Messages(), d.Messages())
}

// Messages are read ahead of who retrieves them; in whatever order he does, he gets the right octets.
func TestDropReadsAhead(t *testing.T) {
	h, a := one(t)
	h.fill(a, "INBOX", 100)
	d := h.lock(a)
	for _, n := range []int{0, 1, 2, 40, 39, 99, 98, 0, 99, 50, 51} {
		body, err := d.Open(t.Context(), d.Messages()[n])
		h.must(err)
		text := make([]byte, body.Size())
		_, err = body.ReadAt(text, 0)
		h.must(err)
		h.must(body.Close())
		h.equal("octets", string(text), letter(strconv.Itoa(n+1)))
	}
}
