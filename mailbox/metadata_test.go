package mailbox_test

import (
	"fmt"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
)

// annotate sets one entry; "" removes it.
func annotate(h *house, a *mailbox.Account, path, entry, value string) error {
	change := mailbox.Annotation{Entry: entry}
	if value != "" {
		change.Value = []byte(value)
	}
	return a.SetMetadata(h.Context(), path, []mailbox.Annotation{change})
}

// annotations writes what a query gives: entry=value, "-" for none.
func (h *house) annotations(a *mailbox.Account, path string, depth int, entries ...string) string {
	h.Helper()
	list, err := a.Metadata(h.Context(), path, mailbox.AnnotationQuery{Entries: entries, Depth: depth})
	h.must(err)
	var words []string
	for _, x := range list {
		value := "-"
		if x.Value != nil {
			value = string(x.Value)
		}
		words = append(words, x.Entry+"="+value)
	}
	return strings.Join(words, " ")
}

func TestMetadata(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	for entry, value := range map[string]string{
		"/private/comment": "mine", "/Shared/Comment": "ours", "/private/a": "1", "/private/a/b": "2", "/private/a/b/c": "3", "/private/ab": "4",
	} {
		h.must(annotate(h, a, "INBOX", entry, value))
	}
	for _, c := range []struct {
		depth   int
		entries string
		want    string
	}{
		{0, "/private/comment", "/private/comment=mine"},
		{0, "/PRIVATE/comment /shared/comment", "/private/comment=mine /shared/comment=ours"},
		{0, "/shared/nothing", "/shared/nothing=-"},
		{1, "/shared/nothing", ""},
		{0, "/private/a", "/private/a=1"},
		{1, "/private/a", "/private/a=1 /private/a/b=2"},
		{mailbox.Deep, "/private/a", "/private/a=1 /private/a/b=2 /private/a/b/c=3"},
		{1, "/private", "/private/a=1 /private/ab=4 /private/comment=mine"},
		{mailbox.Deep, "/shared", "/shared/comment=ours"},
	} {
		h.equal(c.entries, h.annotations(a, "inbox", c.depth, strings.Fields(c.entries)...), c.want)
	}
	h.equal("of another mailbox", h.annotations(a, "Sent", mailbox.Deep, "/private", "/shared"), `/private/specialuse=\Sent`)

	h.must(annotate(h, a, "INBOX", "/private/a/b", ""))
	h.must(annotate(h, a, "INBOX", "/private/unknown", ""))
	h.equal("removed", h.annotations(a, "INBOX", mailbox.Deep, "/private/a"), "/private/a=1 /private/a/b/c=3")
	for _, entry := range []string{"", "comment", "/comment", "/private", "/private/", "/private//x", "/private/*", "/private/x%", "/private/日", "/shared/" + strings.Repeat("x", 300)} {
		h.refused(annotate(h, a, "INBOX", entry, "x"), mail.Invalid, "metadata.entry")
	}
	h.refused(annotate(h, a, "nothing", "/private/x", "x"), mail.NotFound, "mailbox.unknown")
	_, err := a.Metadata(ctx, "nothing", mailbox.AnnotationQuery{})
	h.refused(err, mail.NotFound, "mailbox.unknown")
}

func TestMetadataLimits(t *testing.T) {
	h, a := one(t)
	big := strings.Repeat("x", mailbox.MaxAnnotation)
	h.refused(annotate(h, a, "INBOX", "/private/x", big+"x"), mail.Full, "metadata.too_big")
	for i := range mailbox.MaxAnnotationsSize/mailbox.MaxAnnotation - 1 {
		h.must(annotate(h, a, "INBOX", fmt.Sprintf("/private/%d", i), big))
	}
	h.refused(annotate(h, a, "INBOX", "/private/one-more", big), mail.Full, "metadata.too_many")
	h.must(annotate(h, a, "INBOX", "/shared/one-more", big))
	var many []mailbox.Annotation
	for i := range mailbox.MaxAnnotations + 1 {
		many = append(many, mailbox.Annotation{Entry: fmt.Sprintf("/private/%d", i), Value: []byte{}})
	}
	h.refused(a.SetMetadata(t.Context(), "Sent", many), mail.Full, "metadata.too_many")
	h.equal("all or none", h.annotations(a, "Sent", mailbox.Deep, "/private"), `/private/specialuse=\Sent`)
	h.must(a.SetMetadata(t.Context(), "Sent", many[1:]))
}

// TestMetadataOfServer: an account has private entries of the server; the shared ones are what the operator configured.
func TestMetadataOfServer(t *testing.T) {
	h := newHouse(t, mailbox.Config{Admin: "mailto:postmaster@alpha.example"})
	h.company("alpha.example", "en", "sato", "suzuki")
	a, other := h.open("sato@alpha.example"), h.open("suzuki@alpha.example")
	h.must(annotate(h, a, "", "/private/vendor/x", "1"))
	h.equal("own", h.annotations(a, "", mailbox.Deep, "/private", "/shared"), "/private/vendor/x=1 /shared/admin=mailto:postmaster@alpha.example")
	h.equal("another's", h.annotations(other, "", mailbox.Deep, "/private", "/shared"), "/shared/admin=mailto:postmaster@alpha.example")
	for _, entry := range []string{"/shared/admin", "/shared/comment", "/shared/x", "/private/specialuse"} {
		h.refused(annotate(h, a, "", entry, "x"), mail.Denied, "metadata.read_only")
	}
}

// TestMetadataShared: each account has private entries of its own for a mailbox; shared ones are seen by all who may.
func TestMetadataShared(t *testing.T) {
	h, own, other, _ := two(t)
	h.must(annotate(h, own, "Archive", "/private/comment", "owner's"))
	h.must(annotate(h, own, "Archive", "/shared/comment", "ours"))
	path := shared + "Archive"
	for letters, want := range map[string]string{
		"": "mailbox.unknown", "r": "mailbox.unknown", "lkxtea": "mailbox.no_right",
	} {
		h.share(own, "Archive", letters)
		_, err := other.Metadata(t.Context(), path, mailbox.AnnotationQuery{})
		if text, _ := mail.TextOf(err); text != want {
			t.Errorf("reading with %q: %v, want %q", letters, err, want)
		}
		if text, _ := mail.TextOf(annotate(h, other, path, "/private/comment", "x")); text != want {
			t.Errorf("writing with %q: %v, want %q", letters, err, want)
		}
	}
	h.share(own, "Archive", "lr")
	h.must(annotate(h, other, path, "/private/comment", "other's"))
	h.refused(annotate(h, other, path, "/shared/comment", "x"), mail.Denied, "mailbox.no_right")
	h.refused(annotate(h, other, path, "/private/specialuse", `\Sent`), mail.Invalid, "mailbox.role")
	h.share(own, "Archive", "lrw")
	h.must(annotate(h, other, path, "/shared/more", "y"))
	h.equal("the owner sees", h.annotations(own, "Archive", mailbox.Deep, "/private", "/shared"),
		`/private/comment=owner's /private/specialuse=\Archive /shared/comment=ours /shared/more=y`)
	h.equal("the colleague sees", h.annotations(other, path, mailbox.Deep, "/private", "/shared"),
		"/private/comment=other's /shared/comment=ours /shared/more=y")
}

// TestMetadataLives: annotations stay with a mailbox that is renamed, and go with the mailbox and with the account.
func TestMetadataLives(t *testing.T) {
	h, own, other, _ := two(t)
	ctx := t.Context()
	_, err := own.Create(ctx, "Plans", "")
	h.must(err)
	h.share(own, "Plans", "lrw")
	h.must(annotate(h, own, "Plans", "/shared/comment", "ours"))
	h.must(annotate(h, other, shared+"Plans", "/private/comment", "mine"))
	h.must(own.Rename(ctx, "Plans", "Work"))
	h.equal("renamed", h.annotations(other, shared+"Work", mailbox.Deep, "/private", "/shared"), "/private/comment=mine /shared/comment=ours")
	h.must(own.Delete(ctx, "Work"))
	_, err = own.Create(ctx, "Work", "")
	h.must(err)
	h.equal("a new one", h.annotations(own, "Work", mailbox.Deep, "/private", "/shared"), "")

	h.share(own, "Archive", "lr")
	h.must(annotate(h, other, shared+"Archive", "/private/comment", "mine"))
	h.destroy(other)
	h.destroy(own)
	h.equal("objects left", h.objects(own.Identity().Tenant(), "grant", "annotation", "subscriptions"), "[]")
}

// TestSpecialUseByMetadata is RFC 6154 §4.
func TestSpecialUseByMetadata(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	const entry = "/private/specialuse"
	h.refused(annotate(h, a, "Archive", entry, `\Sent`), mail.Conflict, "mailbox.role_taken")
	h.refused(annotate(h, a, "Archive", entry, `\Flagged`), mail.Invalid, "mailbox.role")
	h.refused(annotate(h, a, "INBOX", entry, `\Sent`), mail.Invalid, "mailbox.role")
	h.must(annotate(h, a, "Sent", entry, ""))
	h.must(annotate(h, a, "Archive", entry, `\sent`))
	f, err := a.Folder(ctx, "Archive")
	h.must(err)
	h.equal("role", f.Role, "sent")
	h.equal("entry", h.annotations(a, "Archive", 0, entry)+h.annotations(a, "Sent", 0, entry), entry+`=\Sent`+entry+"=-")
}

func FuzzMetadataEntry(f *testing.F) {
	f.Add("/private/comment", []byte("x"))
	f.Add("/shared//x", []byte(nil))
	h := newHouse(f, mailbox.Config{})
	h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	f.Fuzz(func(t *testing.T, entry string, value []byte) {
		ctx := t.Context()
		err := a.SetMetadata(ctx, "INBOX", []mailbox.Annotation{{Entry: entry, Value: value}})
		if err != nil {
			return
		}
		list, err := a.Metadata(ctx, "INBOX", mailbox.AnnotationQuery{Entries: []string{entry}})
		if err != nil || len(list) != 1 || string(list[0].Value) != string(value) {
			t.Errorf("%q = %q became %v, %v", entry, value, list, err)
		}
		if err := a.SetMetadata(ctx, "INBOX", []mailbox.Annotation{{Entry: entry}}); err != nil {
			t.Error(err)
		}
	})
}
