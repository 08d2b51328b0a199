package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/wire/sieve"
)

// scripts gives an account's scripts as "name*(size)", the star for the active one.
func (h *house) scripts(a *mailbox.Account) string {
	h.Helper()
	list, err := a.Scripts(h.Context())
	h.must(err)
	var b strings.Builder
	for _, s := range list {
		star := ""
		if s.Active {
			star = "*"
		}
		fmt.Fprintf(&b, "%s%s(%d) ", s.Name, star, s.Size)
	}
	return strings.TrimSpace(b.String())
}

// filters tells whether the directory knows that an account has a filter.
func (h *house) filters(address string) bool {
	h.Helper()
	t, err := h.dir.Resolve(h.Context(), mail.Address{Local: address, Domain: "alpha.example"})
	h.must(err)
	return t.Account.Filter
}

// TestML12Scripts puts scripts away, activates, renames and deletes them.
func TestML12Scripts(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki")
	a, other := h.open("sato@alpha.example"), h.open("suzuki@alpha.example")
	ctx := t.Context()
	h.equal("none", h.scripts(a), "")
	h.must(a.PutScript(ctx, "main", []byte("keep;")))
	h.must(a.PutScript(ctx, "away", []byte("discard;\r\n")))
	h.equal("two", h.scripts(a), "away(10) main(5)")
	h.equal("of another account", h.scripts(other), "")
	h.equal("no filter yet", h.filters("sato"), false)
	h.must(a.ActivateScript(ctx, "main"))
	h.equal("active", h.scripts(a), "away(10) main*(5)")
	h.equal("a filter", h.filters("sato"), true)
	h.must(a.ActivateScript(ctx, "away"))
	h.must(a.ActivateScript(ctx, "away"))
	h.equal("the other", h.scripts(a), "away*(10) main(5)")
	h.must(a.PutScript(ctx, "away", []byte("stop;")))
	h.equal("replaced", h.scripts(a), "away*(5) main(5)")
	h.must(a.RenameScript(ctx, "away", "休暇"))
	h.must(a.RenameScript(ctx, "休暇", "休暇"))
	h.equal("renamed", h.scripts(a), "main(5) 休暇*(5)")
	text, err := a.Script(ctx, "休暇")
	h.must(err)
	h.equal("text", string(text), "stop;")
	h.refused(a.DeleteScript(ctx, "休暇"), mail.Conflict, "script.active")
	h.refused(a.RenameScript(ctx, "main", "休暇"), mail.Conflict, "script.exists")
	h.refused(a.RenameScript(ctx, "none", "x"), mail.NotFound, "script.unknown")
	h.refused(a.ActivateScript(ctx, "none"), mail.NotFound, "script.unknown")
	h.refused(a.DeleteScript(ctx, "none"), mail.NotFound, "script.unknown")
	_, err = other.Script(ctx, "main")
	h.refused(err, mail.NotFound, "script.unknown")
	h.must(a.ActivateScript(ctx, ""))
	h.equal("no filter any more", h.filters("sato"), false)
	h.must(a.DeleteScript(ctx, "休暇"))
	h.equal("left", h.scripts(a), "main(5)")
}

// TestScriptNames takes what RFC 5804 §1.6 allows, in one form.
func TestScriptNames(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	ctx := t.Context()
	for _, name := range []string{"", "a\nb", "a\x00", "a\u2028b", "a\u0085b", "\xff", strings.Repeat("x", mailbox.MaxScriptName+1)} {
		h.refused(a.PutScript(ctx, name, []byte("keep;")), mail.Invalid, "script.name")
	}
	h.must(a.PutScript(ctx, "cafe\u0301", []byte("keep;")))
	_, err := a.Script(ctx, "caf\u00e9")
	h.must(err)
	h.must(a.PutScript(ctx, strings.Repeat("漢", mailbox.MaxScriptName/3), []byte("keep;")))
}

// TestScriptLimits keeps an account within its limits; replacing a script counts once.
func TestScriptLimits(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	ctx := t.Context()
	filler := func(n int) []byte { return []byte("#" + strings.Repeat("x", n-2) + "\n") }
	h.refused(a.PutScript(ctx, "big", filler(mailbox.MaxScript+1)), mail.Full, "script.too_big")
	h.refused(a.ScriptRoom(ctx, "big", mailbox.MaxScript+1), mail.Full, "script.too_big")
	most := mailbox.MaxScriptsSize / mailbox.MaxScript
	for i := range most {
		h.must(a.PutScript(ctx, fmt.Sprint("big", i), filler(mailbox.MaxScript)))
	}
	h.refused(a.ScriptRoom(ctx, "one more", 1), mail.Full, "script.no_room")
	h.refused(a.PutScript(ctx, "one more", []byte("keep;")), mail.Full, "script.no_room")
	h.must(a.ScriptRoom(ctx, "big0", mailbox.MaxScript))
	h.must(a.PutScript(ctx, "big0", []byte("keep;")))
	for i := most; i < mailbox.MaxScripts; i++ {
		h.must(a.PutScript(ctx, fmt.Sprint("small", i), []byte("keep;")))
	}
	h.refused(a.ScriptRoom(ctx, "one more", 1), mail.Full, "script.too_many")
	h.must(a.ScriptRoom(ctx, "big1", 1))
}

// TestScriptErrors: what does not compile is not put away, and each fault has its line.
func TestScriptErrors(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	var wrong *sieve.SyntaxError
	for _, err := range []error{a.PutScript(t.Context(), "x", []byte("keep;\nnonsense;\n")), a.CheckScript([]byte("keep;\nnonsense;\n"))} {
		if !errors.As(err, &wrong) || len(wrong.Faults) != 1 || wrong.Faults[0].Line != 2 {
			t.Errorf("got %v", err)
		}
	}
	h.equal("none", h.scripts(a), "")
	h.must(a.CheckScript([]byte("keep;")))
}

// TestScriptsStayOutOfTheLog: the operation log tells that a script was written, and not what it says (CP-7).
func TestScriptsStayOutOfTheLog(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	tenant := h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	h.must(a.PutScript(t.Context(), "main", []byte("# my private matters\nkeep;")))
	var acts []store.Act
	h.must(h.store.Tenant(tenant).View(t.Context(), func(r store.Reader) (err error) {
		acts, err = r.Acts(0, 0)
		return err
	}))
	last := acts[len(acts)-1]
	if last.Kind != directory.KindScript || last.Why != "mailbox.PutScript" || strings.Contains(string(last.After), "private") {
		t.Errorf("%s %s %s", last.Kind, last.Why, last.After)
	}
}

// TestScriptsGoWithTheirAccount leaves nothing of an account behind.
func TestScriptsGoWithTheirAccount(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	tenant := h.company("alpha.example", "en", "admin", "sato")
	a := h.open("sato@alpha.example")
	for i := range 3 {
		h.must(a.PutScript(t.Context(), fmt.Sprint(i), []byte("keep;")))
	}
	h.must(a.ActivateScript(t.Context(), "1"))
	h.destroy(a)
	h.must(h.store.Tenant(tenant).View(t.Context(), func(r store.Reader) error {
		left, err := r.Objects(directory.KindScript, store.Page{})
		if len(left) > 0 {
			t.Errorf("%d scripts are left", len(left))
		}
		return err
	}))
}

// TestFilterCache gives the same compiled script until it changes, and the new one from then on.
func TestFilterCache(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	tenant := h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	ctx := t.Context()
	acc := a.Identity().Account()
	get := func() *mailbox.Filter {
		t.Helper()
		f, err := h.boxes.ActiveFilter(ctx, &acc)
		h.must(err)
		return f
	}
	if get() != nil {
		t.Error("a filter where none is active")
	}
	h.must(a.PutScript(ctx, "main", []byte("keep;")))
	h.must(a.PutScript(ctx, "other", []byte("discard;")))
	h.must(a.ActivateScript(ctx, "main"))
	first := get()
	h.equal("name", first.Name, "main")
	h.must(h.dir.Company(tenant).SetRoles(ctx, h.operator, acc.ID, nil)) // the tenant changes, the script does not
	if get() != first {
		t.Error("compiled again although nothing changed")
	}
	h.must(a.PutScript(ctx, "main", []byte("stop;")))
	second := get()
	if second == first || second.ID != first.ID || second.Version <= first.Version {
		t.Errorf("the same after a change: %+v", second)
	}
	included, err := h.boxes.PersonalFilter(ctx, &acc, "other")
	h.must(err)
	h.equal("by its name", included.Name, "other")
	for _, name := range []string{"none", "", "a\nb"} {
		if f, err := h.boxes.PersonalFilter(ctx, &acc, name); f != nil || err != nil {
			t.Errorf("%q: %v, %v", name, f, err)
		}
	}
	h.must(a.ActivateScript(ctx, ""))
	if get() != nil {
		t.Error("a filter that was switched off")
	}
	again := mailbox.New(h.store, h.dir, mailbox.Config{Sieve: sieve.Limits{Script: 3}})
	h.must(a.ActivateScript(ctx, "main"))
	broken, err := again.ActiveFilter(ctx, &acc)
	h.must(err)
	if broken.Script != nil || broken.Broken == nil || broken.Name != "main" {
		t.Errorf("got %+v", broken)
	}
}

// TestMailboxesForFilters answers what scripts ask, by path and by role.
func TestMailboxesForFilters(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "ja", "sato")
	a := h.open("sato@alpha.example")
	acc := a.Identity().Account()
	ctx := context.Background()
	for path, want := range map[string]bool{"INBOX": true, "inbox": true, "アーカイブ": true, "Archive": false, "": false, "a\x00": false} {
		has, err := h.boxes.HasMailbox(ctx, &acc, path)
		h.must(err)
		h.equal(path, has, want)
	}
	for role, want := range map[string]string{"archive": "アーカイブ", "inbox": "INBOX", "important": "", "": ""} {
		path, err := h.boxes.MailboxOf(ctx, &acc, role)
		h.must(err)
		h.equal(role, path, want)
	}
}

// TestML5RedirectsAreNoted with the account, so that administrators see whereto its filter sends mail: from when a script is active, with
// each change of it, until none is.
func TestML5RedirectsAreNoted(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	tenant := h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	see := func(want string) {
		t.Helper()
		acc, err := h.dir.Company(tenant).Account(t.Context(), a.Identity().Account().ID)
		h.must(err)
		h.equal("redirects", fmt.Sprint(acc.Redirects.To, !acc.Redirects.Since.IsZero()), want)
	}
	h.must(a.PutScript(t.Context(), "one", []byte(`redirect "x@elsewhere.example";`)))
	see("[] false")
	h.must(a.ActivateScript(t.Context(), "one"))
	see("[x@elsewhere.example] true")
	h.must(a.PutScript(t.Context(), "one", []byte(`redirect "y@elsewhere.example";`)))
	see("[y@elsewhere.example] true")
	h.must(a.PutScript(t.Context(), "two", []byte(`keep;`)))
	h.must(a.ActivateScript(t.Context(), "two"))
	see("[] false")
	h.must(a.ActivateScript(t.Context(), "one"))
	h.must(a.ActivateScript(t.Context(), ""))
	see("[] false")
}
