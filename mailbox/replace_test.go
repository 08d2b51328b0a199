package mailbox_test

import (
	"io"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
)

// TestReplace puts a message in the place of another (RFC 8508).
func TestReplace(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 3)
	v := h.selectBox(a, "INBOX")
	made, validity, err := v.Replace(ctx, 2, "INBOX", mailbox.Appended{Upload: h.upload(a, letter("new")), Flags: mail.Draft})
	h.must(err)
	h.equal("UID", made.UID, mail.UID(4))
	h.equal("UIDVALIDITY", validity, v.Folder().UIDValidity)
	h.poll(v, true)
	h.equal("UIDs", uidsOf(v), []mail.UID{1, 3, 4})
	_, _, err = v.Replace(ctx, 2, "INBOX", mailbox.Appended{Upload: h.upload(a, letter("again"))})
	h.refused(err, mail.NotFound, "message.unknown")
	_, _, err = v.Replace(ctx, 3, "Nowhere", mailbox.Appended{Upload: h.upload(a, letter("x"))})
	h.refused(err, mail.NotFound, "mailbox.unknown")
	h.poll(v, true)
	h.equal("after refusals", uidsOf(v), []mail.UID{1, 3, 4})
	made, _, err = v.Replace(ctx, 3, "Archive", mailbox.Appended{Upload: h.upload(a, letter("elsewhere"))})
	h.must(err)
	h.poll(v, true)
	h.equal("left the one", uidsOf(v), []mail.UID{1, 4})
	h.equal("came to the other", uidsOf(h.selectBox(a, "Archive")), []mail.UID{made.UID})
}

// TestSV5ReplaceInAFullBox: who has no room may still replace a message by one that is no larger.
func TestSV5ReplaceInAFullBox(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	_, limit, err := a.Quota(ctx)
	h.must(err)
	whole := strings.Repeat("0123456789abcde\n", int(limit/10)/16)
	put := func(text string, do func(mailbox.Appended) error) error {
		up, err := a.Stage(ctx, int64(len(text)))
		h.must(err)
		defer up.Release()
		_, err = up.Write([]byte(text))
		h.must(err)
		return do(mailbox.Appended{Upload: up})
	}
	add := func(in mailbox.Appended) error {
		_, err := a.Append(ctx, "INBOX", []mailbox.Appended{in})
		return err
	}
	for range 10 {
		h.must(put(whole, add))
	}
	h.refused(put(whole, add), mail.Full, "box.full")
	v := h.selectBox(a, "INBOX")
	replace := func(uid mail.UID) func(mailbox.Appended) error {
		return func(in mailbox.Appended) error {
			_, _, err := v.Replace(ctx, uid, "INBOX", in)
			return err
		}
	}
	h.must(put(whole, replace(1)))
	h.refused(put(whole+"more\n", replace(2)), mail.Full, "box.full")
}

// TestMessageAt finds messages by mailbox and UID.
func TestMessageAt(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 2)
	f, err := a.Folder(ctx, "INBOX")
	h.must(err)
	for _, validity := range []uint32{0, f.UIDValidity} {
		m, err := a.MessageAt(ctx, "INBOX", validity, 2, mailbox.WithIndex|mailbox.WithOctets)
		h.must(err)
		body, err := a.OpenBody(ctx, &m)
		h.must(err)
		text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
		h.must(err)
		h.must(body.Close())
		h.equal("octets", string(text), letter("2"))
		h.equal("has an index", len(m.Index) > 0, true)
	}
	_, err = a.MessageAt(ctx, "INBOX", f.UIDValidity+1, 2, 0)
	h.refused(err, mail.NotFound, "message.unknown")
	_, err = a.MessageAt(ctx, "INBOX", 0, 3, 0)
	h.refused(err, mail.NotFound, "message.unknown")
	_, err = a.MessageAt(ctx, "Nowhere", 0, 1, 0)
	h.refused(err, mail.NotFound, "mailbox.unknown")
}

// uidsOf lists what a view has.
func uidsOf(v *mailbox.View) (uids []mail.UID) {
	for _, m := range v.All() {
		uids = append(uids, m.UID)
	}
	return uids
}
