package mailbox_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/wire/mime"
)

func mimeEnvelope(index []byte) []byte { return mime.Index(index).AppendEnvelope(nil) }

// quoted gives the words of an IMAP list.
func quoted(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ()", r) })
}

func TestAppend(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	date := time.Date(2020, 2, 3, 4, 5, 6, 7, time.FixedZone("JST", 9*3600))
	got, err := a.Append(ctx, "INBOX", []mailbox.Appended{
		{Upload: h.upload(a, letter("first")), Flags: mail.Seen, Keywords: []string{"$Forwarded", `\Flagged`, "$forwarded"}, Received: date},
		{Upload: h.upload(a, letter("second"))},
	})
	h.must(err)
	h.equal("UIDs", []mail.UID{got[0].UID, got[1].UID}, "[1 2]")
	h.equal("flags", got[0].Flags, mail.Seen|mail.Flagged|mail.Keyword(0))
	words, err := a.Keywords(ctx)
	h.must(err)
	h.equal("keywords", words, "[$Forwarded]")

	v := h.selectBox(a, "INBOX")
	h.must(v.Fetch(ctx, seqs(1, 2), mailbox.WithIndex, func(seq uint32, m *mailbox.Message) error {
		subject, when := "first", date.UTC().Truncate(time.Second)
		if seq == 2 {
			subject, when = "second", m.Received
		}
		if !m.Received.Equal(when) || time.Since(m.Received) < 0 {
			t.Errorf("message %d: received %v", seq, m.Received)
		}
		if !bytes.Contains(mimeEnvelope(m.Index), []byte(subject)) {
			t.Errorf("message %d: envelope %s", seq, mimeEnvelope(m.Index))
		}
		body, err := a.OpenBody(ctx, m)
		h.must(err)
		defer body.Close()
		text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
		h.must(err)
		h.equal("octets", string(text), letter(subject))
		return nil
	}))

	_, err = a.Append(ctx, "Nothing", []mailbox.Appended{{Upload: h.upload(a, "x")}})
	h.refused(err, mail.NotFound, "mailbox.unknown")
	_, err = a.Append(ctx, "INBOX", []mailbox.Appended{{Upload: h.upload(a, "x"), Keywords: []string{`\Unknown`}}})
	h.refused(err, mail.Invalid, "flag.unknown")
	_, err = a.Append(ctx, "INBOX", make([]mailbox.Appended, mailbox.MaxAppended+1))
	h.refused(err, mail.Full, "message.too_many")
	h.equal("nothing more came in", h.poll(v, true), "")
}

// An upload can only go into the account it was staged for.
func TestAppendOwnUploadsOnly(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki")
	sato, suzuki := h.open("sato@alpha.example"), h.open("suzuki@alpha.example")
	_, err := suzuki.Append(t.Context(), "INBOX", []mailbox.Appended{{Upload: h.upload(sato, letter("x"))}})
	h.refused(err, mail.Denied, "upload.foreign")
}

func TestML9AppendLimit(t *testing.T) {
	h := newHouse(t, mailbox.Config{MaxMessage: 1000})
	h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	_, err := a.Stage(t.Context(), 1001)
	h.refused(err, mail.Full, "message.too_big")
	u := h.upload(a, strings.Repeat("x", 1000))
	_, err = u.Write([]byte("x"))
	h.refused(err, mail.Full, "message.too_big")
	_, err = a.Append(t.Context(), "INBOX", []mailbox.Appended{{Upload: u}})
	h.must(err)
}

func TestFlagsOf(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	flags, err := a.FlagsOf(ctx, []string{`\SEEN`, "$Junk", "work", "$JUNK"})
	h.must(err)
	h.equal("flags", flags, mail.Seen|mail.Keyword(0)|mail.Keyword(1))
	flags, err = a.FlagsOf(ctx, []string{"Work"})
	h.must(err)
	h.equal("known", flags, mail.Keyword(1))
	for _, bad := range []string{"", "a b", "a(", `\Recent`, "あ", strings.Repeat("x", mailbox.MaxKeyword+1)} {
		_, err = a.FlagsOf(ctx, []string{bad})
		h.refused(err, mail.Invalid, "flag.unknown")
	}
	for n := range mail.MaxKeywords - 2 {
		_, err = a.FlagsOf(ctx, []string{strings.Repeat("k", n+1)})
		h.must(err)
	}
	_, err = a.FlagsOf(ctx, []string{"onemore"})
	h.refused(err, mail.Full, "keywords.too_many")
}

// deliver delivers a message as the accepting commit does.
func (h *house) deliver(acc directory.Account, n mailbox.NewMail, text string) (m mailbox.Delivered, err error) {
	h.Helper()
	tenant, ctx := h.store.Tenant(acc.Tenant), h.Context()
	staged, err := tenant.Blobs().Stage(ctx, 0)
	h.must(err)
	defer staged.Release()
	_, err = staged.Write([]byte(text))
	h.must(err)
	h.must(staged.Seal(ctx))
	err = tenant.Update(ctx, h.operator, "test.deliver", func(tx store.Tx) (err error) {
		if n.Blob, err = tx.Keep(staged, nil); err != nil {
			return err
		}
		m, err = h.boxes.Deliver(tx, acc, n)
		return err
	})
	return m, err
}

func TestDeliver(t *testing.T) {
	h, a := one(t)
	acc := a.Identity().Account()
	v := h.selectBox(a, "INBOX")
	m, err := h.deliver(acc, mailbox.NewMail{Received: time.Now()}, letter("x"))
	h.must(err)
	h.equal("told", h.poll(v, false), "=1")
	h.equal("in the inbox", m.Mailbox, v.Folder().ID)
	m, err = h.deliver(acc, mailbox.NewMail{Folder: "Junk", Flags: mail.Seen}, letter("x"))
	h.must(err)
	h.equal("in Junk", []any{m.Mailbox == v.Folder().ID, m.Flags}, "[false 1]")
	_, err = h.deliver(acc, mailbox.NewMail{Folder: "Nothing"}, letter("x"))
	h.refused(err, mail.NotFound, "mailbox.unknown")
}

// A box over its size takes nothing in; reading, moving and removing work (SV-5).
func TestSV5FullBox(t *testing.T) {
	h, a := one(t)
	ctx, acc := t.Context(), a.Identity().Account()
	const size = 10 << 20
	_, err := a.Append(ctx, "INBOX", []mailbox.Appended{{Upload: h.upload(a, strings.Repeat("0123456789abcde\n", size/16))}})
	h.must(err)
	v := h.selectBox(a, "INBOX")
	for range 9 {
		_, _, _, err := v.Copy(ctx, seqs(1, 1), "INBOX")
		h.must(err)
	}
	used, limit, err := a.Quota(ctx)
	h.must(err)
	h.equal("quota", []int64{used, limit}, []int64{10 * size, mail.Plan100MB})
	h.equal("events", h.poll(v, true), "=10")

	_, _, _, err = v.Copy(ctx, seqs(1, 2), "Archive")
	h.refused(err, mail.Full, "box.full")
	_, err = a.Append(ctx, "INBOX", []mailbox.Appended{{Upload: h.upload(a, "x")}})
	h.refused(err, mail.Full, "box.full")
	_, err = h.deliver(acc, mailbox.NewMail{}, "x")
	h.refused(err, mail.Full, "box.full")
	h.refused(h.boxes.Deliverable(ctx, acc, 0), mail.Full, "box.full")

	_, _, _, err = v.Move(ctx, seqs(1, 2), "Archive")
	h.must(err)
	h.equal("moved", h.poll(v, true), "-2 -1")
	_, _, err = v.Store(ctx, seqs(1, 1), mailbox.Add, mail.Deleted, 0)
	h.must(err)
	events, err := v.Expunge(ctx, nil)
	h.must(err)
	h.equal("expunged", line(events), "-1")

	h.must(h.boxes.Deliverable(ctx, acc, size))
	h.refused(h.boxes.Deliverable(ctx, acc, size+1), mail.Full, "box.full")
	_, err = h.deliver(acc, mailbox.NewMail{}, letter("x"))
	h.must(err)
	_, _, _, err = v.Copy(ctx, seqs(1, 1), "Archive")
	h.refused(err, mail.Full, "box.full")
}

// TestUploadsAreBounded: of what one account, or one company, has on its way at once only so much is taken in; what ended makes room.
func TestUploadsAreBounded(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki", "tanaka")
	h.company("beta.example", "en", "smith")
	piece := make([]byte, 8<<20)
	start := func(a *mailbox.Account, pieces int) (up mailbox.Upload, err error) {
		up, err = a.Stage(t.Context(), 0)
		h.must(err)
		for range pieces {
			if _, err = up.Write(piece[:7<<20]); err != nil {
				return up, err
			}
			_, err = up.Write(piece[:1<<20])
			h.must(err)
		}
		return up, err
	}
	var all []mailbox.Upload
	full := func(a *mailbox.Account, n int) {
		for range n {
			up, err := start(a, 1)
			h.must(err)
			all = append(all, up)
		}
	}
	sato, suzuki := h.open("sato@alpha.example"), h.open("suzuki@alpha.example")
	full(sato, 8)
	up, err := start(sato, 1)
	h.refused(err, mail.Busy, "storage.busy")
	up.Release()
	all[0].Release()
	all = all[1:]
	full(sato, 1)
	full(suzuki, 8)
	up, err = start(h.open("tanaka@alpha.example"), 1)
	h.refused(err, mail.Busy, "storage.busy")
	up.Release()
	full(h.open("smith@beta.example"), 2)
	for _, up := range all {
		up.Release()
	}
	full(h.open("tanaka@alpha.example"), 1)
	all[len(all)-1].Release()
}
