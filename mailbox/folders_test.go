package mailbox_test

import (
	"strings"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
)

func TestProvision(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "ja", "sato")
	h.company("beta.example", "en", "smith")
	h.equal("ja", h.paths(h.open("sato@alpha.example")), "[INBOX* ごみ箱* アーカイブ* 下書き* 迷惑メール* 送信済み*]")
	smith := h.open("smith@beta.example")
	h.equal("en", h.paths(smith), "[INBOX* Archive* Drafts* Junk* Sent* Trash*]")
	folders, err := smith.Folders(t.Context())
	h.must(err)
	var roles []string
	for _, f := range folders {
		roles = append(roles, f.Role)
	}
	h.equal("roles", roles, "[inbox archive drafts junk sent trash]")
}

func TestCreateAndDelete(t *testing.T) {
	h := newHouse(t, mailbox.Config{MaxMailboxes: 10})
	h.company("alpha.example", "en", "sato")
	a, ctx := h.open("sato@alpha.example"), t.Context()

	f, err := a.Create(ctx, "Work/2026/", "")
	h.must(err)
	h.equal("path", f.Path, "Work/2026")
	h.equal("after", h.paths(a), "[INBOX* Archive* Drafts* Junk* Sent* Trash* Work Work/2026]")
	_, err = a.Create(ctx, "Work", "")
	h.refused(err, mail.Conflict, "mailbox.exists")
	_, err = a.Create(ctx, "inbox", "")
	h.refused(err, mail.Conflict, "mailbox.exists")
	_, err = a.Create(ctx, "More", "sent")
	h.refused(err, mail.Conflict, "mailbox.role_taken")
	_, err = a.Create(ctx, "More", "boss")
	h.refused(err, mail.Invalid, "mailbox.role")
	_, err = a.Create(ctx, "a/b/c", "")
	h.refused(err, mail.Full, "mailbox.too_many")
	_, err = a.Create(ctx, "inbox/x", "")
	h.must(err)

	h.refused(a.Delete(ctx, "Work"), mail.Conflict, "mailbox.has_children")
	h.refused(a.Delete(ctx, "Inbox"), mail.Denied, "mailbox.inbox")
	h.refused(a.Delete(ctx, "Nothing"), mail.NotFound, "mailbox.unknown")
	h.must(a.Subscribe(ctx, "Work", true))
	h.must(a.Delete(ctx, "Work/2026"))
	h.must(a.Delete(ctx, "Trash"))
	_, err = a.Create(ctx, "Bin", "trash")
	h.must(err)
	h.equal("in the end", h.paths(a), "[INBOX* INBOX/x Archive* Bin Drafts* Junk* Sent* Work*]")
}

func TestRename(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	for _, path := range []string{"a/b/c", "d"} {
		_, err := a.Create(ctx, path, "")
		h.must(err)
	}
	h.fill(a, "a/b", 2)
	before, err := a.Folder(ctx, "a/b")
	h.must(err)

	h.refused(a.Rename(ctx, "a", "a/b/x"), mail.Invalid, "mailbox.below_itself")
	h.refused(a.Rename(ctx, "a", "d"), mail.Conflict, "mailbox.exists")
	h.refused(a.Rename(ctx, "a", "inbox"), mail.Conflict, "mailbox.exists")
	h.refused(a.Rename(ctx, "none", "x"), mail.NotFound, "mailbox.unknown")
	h.refused(a.Rename(ctx, "a", strings.Repeat("x/", mailbox.MaxDepth-2)+"x"), mail.Invalid, "mailbox.too_deep")
	h.must(a.Rename(ctx, "a/b", "new/place/b2"))
	h.equal("children come along, parents are made", h.paths(a),
		"[INBOX* Archive* Drafts* Junk* Sent* Trash* a d new new/place new/place/b2 new/place/b2/c]")
	after, err := a.Folder(ctx, "new/place/b2")
	h.must(err)
	if after.ID != before.ID || after.UIDValidity != before.UIDValidity || after.Messages != 2 {
		t.Errorf("%+v became %+v", before, after)
	}
	_, err = a.Folder(ctx, "a/b")
	h.refused(err, mail.NotFound, "mailbox.unknown")
}

// RFC 9051 §6.3.6: renaming INBOX moves its messages and leaves it empty.
func TestRenameInbox(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	_, err := a.Create(ctx, "INBOX/below", "")
	h.must(err)
	h.fill(a, "INBOX", 3)
	v := h.selectBox(a, "INBOX")
	h.must(a.Rename(ctx, "inbox", "Old/2025"))
	h.equal("a session in the inbox", h.poll(v, true), "-3 -2 -1")
	old, err := a.Folder(ctx, "Old/2025")
	h.must(err)
	inbox, err := a.Folder(ctx, "INBOX")
	h.must(err)
	h.equal("messages", []uint32{old.Messages, inbox.Messages}, "[3 0]")
	h.equal("role", inbox.Role, "inbox")
	h.equal("folders", h.paths(a), "[INBOX* INBOX/below Archive* Drafts* Junk* Old Old/2025 Sent* Trash*]")
}

// A path that meant one mailbox and now means another must not lead to the first.
func TestPathsAreNotRemembered(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	for _, path := range []string{"x/in", "y/in"} {
		_, err := a.Create(ctx, path, "")
		h.must(err)
	}
	id := func(path string) mail.MailboxID {
		f, err := a.Folder(ctx, path)
		h.must(err)
		return f.ID
	}
	x, y := id("x/in"), id("y/in")
	h.must(a.Rename(ctx, "x", "z"))
	h.must(a.Rename(ctx, "y", "x"))
	h.equal("after the exchange", []mail.MailboxID{id("z/in"), id("x/in")}, []mail.MailboxID{x, y})
	h.must(a.Delete(ctx, "x/in"))
	_, err := a.Select(ctx, "x/in")
	h.refused(err, mail.NotFound, "mailbox.unknown")
	h.selectBox(a, "x")
	h.must(a.Rename(ctx, "x", "z/x"))
	_, err = a.Select(ctx, "x")
	h.refused(err, mail.NotFound, "mailbox.unknown")
}

func TestDeletedWhileSelected(t *testing.T) {
	h, a := one(t)
	h.fill(a, "Trash", 1)
	v := h.selectBox(a, "Trash")
	h.must(a.Delete(t.Context(), "Trash"))
	_, err := v.Poll(t.Context(), true)
	h.refused(err, mail.NotFound, "mailbox.deleted")
	_, _, err = v.Store(t.Context(), seqs(1, 1), mailbox.Add, mail.Seen, 0)
	h.refused(err, mail.NotFound, "mailbox.deleted")
	h.equal("fetched", h.fetched(v, seqs(1, 1)), "[]")
}
