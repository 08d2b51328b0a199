package mailbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
)

const (
	owner     = "sato@alpha.example"
	colleague = "suzuki@alpha.example"
	shared    = "Other Users/" + owner + "/"
)

// two is a house with an owner and a colleague of one company, and somebody elsewhere.
func two(t *testing.T) (h *house, own, other, stranger *mailbox.Account) {
	h = newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki", "tanaka")
	h.company("beta.example", "en", "smith")
	return h, h.open(owner), h.open(colleague), h.open("smith@beta.example")
}

// share gives a colleague exactly these rights on a mailbox.
func (h *house) share(own *mailbox.Account, path string, letters string) {
	h.Helper()
	rights, err := mailbox.ParseRights(letters)
	h.must(err)
	h.must(own.SetACL(h.Context(), path, colleague, mailbox.Set, rights))
}

// deed is something a colleague does with a mailbox of the owner, and the rights that takes (RFC 4314 §4).
type deed struct {
	name string
	need string
	do   func(h *house, other *mailbox.Account, path string) error
}

// withView does something with the first message of a selected mailbox.
func withView(do func(h *house, v *mailbox.View) error) func(*house, *mailbox.Account, string) error {
	return func(h *house, other *mailbox.Account, path string) error {
		v, err := other.Select(h.Context(), path)
		if err != nil {
			return err
		}
		defer v.Close()
		return do(h, v)
	}
}

// storing adds flags to the first message.
func storing(names ...string) func(*house, *mailbox.Account, string) error {
	return withView(func(h *house, v *mailbox.View) error {
		flags, err := v.FlagsOf(h.Context(), names)
		if err == nil {
			_, _, err = v.Store(h.Context(), seqs(1, 1), mailbox.Add, flags, 0)
		}
		return err
	})
}

// into copies or moves a message of the colleague's inbox into the mailbox.
func into(move bool) func(*house, *mailbox.Account, string) error {
	return func(h *house, other *mailbox.Account, path string) (err error) {
		h.fill(other, "INBOX", 1)
		v := h.selectBox(other, "INBOX")
		if last := uint32(v.Len()); move {
			_, _, _, err = v.Move(h.Context(), seqs(last, last), path)
		} else {
			_, _, _, err = v.Copy(h.Context(), seqs(last, last), path)
		}
		return err
	}
}

func deeds() []deed {
	return []deed{
		{"STATUS", "r", func(h *house, other *mailbox.Account, path string) error {
			_, err := other.Folder(h.Context(), path)
			return err
		}},
		{"SELECT", "r", withView(func(*house, *mailbox.View) error { return nil })},
		{"SUBSCRIBE", "l", func(h *house, other *mailbox.Account, path string) error {
			return other.Subscribe(h.Context(), path, true)
		}},
		{"CREATE", "k", func(h *house, other *mailbox.Account, path string) error {
			_, err := other.Create(h.Context(), path+"/new/below", "")
			return err
		}},
		{"DELETE", "x", func(h *house, other *mailbox.Account, path string) error {
			return other.Delete(h.Context(), path)
		}},
		{"RENAME", "x", func(h *house, other *mailbox.Account, path string) error {
			return other.Rename(h.Context(), path, shared+"Open/"+strings.TrimPrefix(path, shared))
		}},
		{"RENAME to below", "k", func(h *house, other *mailbox.Account, path string) error {
			_, err := other.Create(h.Context(), shared+"Open/x", "")
			if err == nil || mail.Is(err, mail.Conflict) {
				err = other.Rename(h.Context(), shared+"Open/x", path+"/x")
			}
			return err
		}},
		{"APPEND", "i", func(h *house, other *mailbox.Account, path string) error {
			_, err := other.Append(h.Context(), path, []mailbox.Appended{{Upload: h.upload(other, letter("x"))}})
			return err
		}},
		{"COPY into", "i", into(false)},
		{"MOVE into", "i", into(true)},
		{"REPLACE into", "i", func(h *house, other *mailbox.Account, path string) error {
			h.fill(other, "INBOX", 1)
			v := h.selectBox(other, "INBOX")
			_, _, err := v.Replace(h.Context(), v.UID(uint32(v.Len())), path, mailbox.Appended{Upload: h.upload(other, letter("x"))})
			return err
		}},
		{"REPLACE from", "rte", func(h *house, other *mailbox.Account, path string) error {
			v, err := other.Select(h.Context(), path)
			if err != nil {
				return err
			}
			defer v.Close()
			_, _, err = v.Replace(h.Context(), v.UID(1), "Archive", mailbox.Appended{Upload: h.upload(other, letter("x"))})
			return err
		}},
		{"a URL", "r", func(h *house, other *mailbox.Account, path string) error {
			_, err := other.MessageAt(h.Context(), path, 0, 1, mailbox.WithIndex)
			return err
		}},
		{"GETACL", "a", func(h *house, other *mailbox.Account, path string) error {
			_, err := other.ACL(h.Context(), path)
			return err
		}},
		{"SETACL", "a", func(h *house, other *mailbox.Account, path string) error {
			return other.SetACL(h.Context(), path, "tanaka@alpha.example", mailbox.Add, mailbox.RightRead)
		}},
		{"DELETEACL", "a", func(h *house, other *mailbox.Account, path string) error {
			return other.DeleteACL(h.Context(), path, "tanaka@alpha.example")
		}},
		{"LISTRIGHTS", "a", func(h *house, other *mailbox.Account, path string) error {
			_, _, err := other.RightsFor(h.Context(), path, "tanaka@alpha.example")
			return err
		}},
		{"FETCH", "r", withView(func(h *house, v *mailbox.View) error {
			return v.Fetch(h.Context(), seqs(1, 1), 0, func(uint32, *mailbox.Message) error { return nil })
		})},
		{"FETCH BODY[]", "r", withView(func(h *house, v *mailbox.View) error {
			return v.FetchSeen(h.Context(), seqs(1, 1), 0, func(uint32, *mailbox.Message, bool) error { return nil }, h.must)
		})},
		{"STORE \\Seen", "rs", storing(`\Seen`)},
		{"STORE \\Deleted", "rt", storing(`\Deleted`)},
		{"STORE \\Flagged", "rw", storing(`\Flagged`)},
		{"STORE keyword", "rw", storing(`$Work`)},
		{"EXPUNGE", "re", withView(func(h *house, v *mailbox.View) error {
			_, err := v.Expunge(h.Context(), nil)
			return err
		})},
		{"COPY from", "r", withView(func(h *house, v *mailbox.View) error {
			_, _, _, err := v.Copy(h.Context(), seqs(1, 1), "Archive")
			return err
		})},
		{"REPLACE elsewhere", "rte", func(h *house, other *mailbox.Account, path string) error {
			return withView(func(h *house, v *mailbox.View) error {
				_, _, err := v.Replace(h.Context(), 1, "Archive", mailbox.Appended{Upload: h.upload(other, letter("x"))})
				return err
			})(h, other, path)
		}},
		{"CATENATE from", "r", func(h *house, other *mailbox.Account, path string) error {
			_, err := other.MessageAt(h.Context(), path, 0, 1, 0)
			return err
		}},
		{"MOVE from", "rte", withView(func(h *house, v *mailbox.View) error {
			_, _, _, err := v.Move(h.Context(), seqs(1, 1), "Archive")
			return err
		})},
	}
}

// TestRightsWalk tries each operation with all rights but one, with none, and with those alone that it takes: without a
// right it takes nothing happens, and who may not look the mailbox up does not learn that it is there (RFC 4314 §6).
func TestRightsWalk(t *testing.T) {
	h, own, other, _ := two(t)
	ctx := t.Context()
	_, err := own.Create(ctx, "Open", "")
	h.must(err)
	h.share(own, "Open", mailbox.AllRights.String())
	n := 0
	try := func(d *deed, letters string) (mailbox.Folder, error) {
		n++
		path := fmt.Sprintf("Box%d", n)
		_, err := own.Create(ctx, path, "")
		h.must(err)
		h.fill(own, path, 1)
		h.share(own, path, letters)
		err = d.do(h, other, shared+path)
		f, gone := own.Folder(ctx, path)
		if err != nil {
			h.must(gone)
		}
		return f, err
	}
	all := mailbox.AllRights.String()
	for _, d := range deeds() {
		if _, err := try(&d, d.need); err != nil {
			t.Errorf("%s with %q: %v", d.name, d.need, err)
		}
		f, err := try(&d, "")
		h.refused(err, mail.NotFound, "mailbox.unknown")
		untouched(t, d.name, &f)
		for i := range len(all) {
			letter := all[i : i+1]
			f, err := try(&d, strings.Replace(all, letter, "", 1))
			switch {
			case !strings.Contains(d.need, letter) && err != nil:
				t.Errorf("%s without %q: %v", d.name, letter, err)
			case strings.Contains(d.need, letter) && letter == "l":
				h.refused(err, mail.NotFound, "mailbox.unknown")
			case strings.Contains(d.need, letter):
				h.refused(err, mail.Denied, "mailbox.no_right")
				untouched(t, d.name, &f)
			}
		}
	}
}

// untouched tells whether a mailbox is as it was made: one message, no flags.
func untouched(t *testing.T, what string, f *mailbox.Folder) {
	t.Helper()
	if f.Messages != 1 || f.Unseen != 1 || f.Deleted != 0 || f.UIDNext != 2 {
		t.Errorf("%s was refused and left %+v", what, f)
	}
}

// TestRightsOfOpenView: a right that is taken away while the mailbox is open is gone at once.
func TestRightsOfOpenView(t *testing.T) {
	h, own, other, _ := two(t)
	ctx := t.Context()
	h.fill(own, "Archive", 2)
	h.share(own, "Archive", "lrsw")
	v := h.selectBox(other, shared+"Archive")
	var message mailbox.Message
	h.must(v.Fetch(ctx, seqs(1, 1), 0, func(_ uint32, m *mailbox.Message) error {
		message = *m
		return nil
	}))
	body, err := other.OpenBody(ctx, &message)
	h.must(err)
	h.must(body.Close())
	changed, _, err := v.Store(ctx, seqs(1, 1), mailbox.Set, mail.Seen|mail.Deleted|mail.Flagged, 0)
	h.must(err)
	h.equal("of several flags those that may be", changed[0].Flags, mail.Seen|mail.Flagged)

	h.share(own, "Archive", "lr")
	_, _, err = v.Store(ctx, seqs(1, 1), mailbox.Remove, mail.Seen, 0)
	h.refused(err, mail.Denied, "mailbox.no_right")
	h.equal("known now", v.Rights(), "lr")
	h.share(own, "Archive", "")
	_, err = v.Poll(ctx, true)
	h.refused(err, mail.NotFound, "mailbox.deleted")
	err = v.Fetch(ctx, seqs(1, 1), 0, func(uint32, *mailbox.Message) error { return nil })
	h.refused(err, mail.NotFound, "mailbox.deleted")
	_, err = other.OpenBody(ctx, &message)
	h.refused(err, mail.NotFound, "message.unknown")
}

// TestSharingStaysInTheTenant: nobody elsewhere can be given a right, nor reach a mailbox by its path.
func TestSharingStaysInTheTenant(t *testing.T) {
	h, own, _, stranger := two(t)
	ctx := t.Context()
	h.must(own.SetACL(ctx, "Archive", "anyone", mailbox.Set, mailbox.AllRights))
	for _, identifier := range []string{"smith@beta.example", "-smith@beta.example", "", "-", "$all", "sato", "administrators", "postmaster@alpha.example"} {
		err := own.SetACL(ctx, "Archive", identifier, mailbox.Set, mailbox.AllRights)
		h.refused(err, mail.Invalid, "acl.identifier")
	}
	for _, d := range deeds() {
		if err := d.do(h, stranger, shared+"Archive"); err == nil {
			t.Errorf("somebody elsewhere may %s", d.name)
		}
	}
	folders, err := stranger.List(ctx)
	h.must(err)
	for _, f := range folders {
		if f.Foreign {
			t.Errorf("somebody elsewhere sees %q", f.Path)
		}
	}
}

// listed writes what List gives of others: rights behind the path, * for a subscribed one, ! for one that is no mailbox.
func (h *house) listed(a *mailbox.Account) (list []string) {
	h.Helper()
	folders, err := a.List(h.Context())
	h.must(err)
	for _, f := range folders {
		if !f.Foreign && !f.Missing {
			continue
		}
		text := strings.ReplaceAll(f.Path, shared, "~/") + " " + f.Rights.String()
		if f.Missing {
			text = strings.TrimRight(text, " ") + "!"
		}
		if f.Subscribed {
			text += "*"
		}
		if f.HasChildren {
			text += "+"
		}
		list = append(list, text)
	}
	return list
}

func TestListOfOthers(t *testing.T) {
	h, own, other, _ := two(t)
	ctx := t.Context()
	h.equal("nothing is shared", h.listed(other), "[]")
	_, err := own.Create(ctx, "Plans/2026/Q1", "")
	h.must(err)
	h.share(own, "Plans/2026/Q1", "lr")
	h.share(own, "INBOX", "l")
	h.share(own, "Archive", "r")
	h.must(own.SetACL(ctx, "Sent", "anyone", mailbox.Set, mailbox.RightLookup))
	h.must(own.SetACL(ctx, "Sent", "-"+colleague, mailbox.Set, mailbox.RightRead))
	above := "Other Users!+ Other Users/" + owner + "!+ "
	h.equal("shared", h.listed(other), "["+above+"~/INBOX l ~/Plans!+ ~/Plans/2026!+ ~/Plans/2026/Q1 lr ~/Sent l]")
	h.equal("the owner's own", h.listed(own), "[]")

	h.must(other.Subscribe(ctx, shared+"Plans/2026/Q1", true))
	h.must(other.Subscribe(ctx, shared+"Sent", true))
	h.must(own.SetACL(ctx, "Sent", "-"+colleague, mailbox.Set, mailbox.RightLookup))
	h.must(own.Rename(ctx, "Plans/2026", "Old"))
	h.equal("after a rename", h.listed(other), "["+above+"~/INBOX l ~/Old!+ ~/Old/Q1 lr* ~/Sent!*]")
	h.must(own.Delete(ctx, "Old/Q1"))
	h.equal("after the end", h.listed(other), "["+above+"~/INBOX l ~/Plans! ~/Plans/2026! ~/Plans/2026/Q1!* ~/Sent!*]")
	h.must(other.Subscribe(ctx, shared+"Plans/2026/Q1", false))
	h.must(other.Subscribe(ctx, shared+"Sent", false))
	h.refused(other.Subscribe(ctx, shared+"Sent", false), mail.NotFound, "mailbox.unknown")
	h.equal("in the end", h.listed(other), "["+above+"~/INBOX l]")
}

// RFC 9051 §6.3.7: a subscribed name stays in the list when its mailbox goes, and is that of a new one.
func TestSubscriptionOutlivesMailbox(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	_, err := a.Create(ctx, "x/y", "")
	h.must(err)
	h.must(a.Subscribe(ctx, "x/y", true))
	h.must(a.Delete(ctx, "x/y"))
	h.equal("gone", h.listed(a), "[x/y!*]")
	h.must(a.Subscribe(ctx, "x/y", true))
	_, err = a.Create(ctx, "x/y", "")
	h.must(err)
	h.equal("back", h.listed(a), "[]")
	h.equal("subscribed", h.paths(a), "[INBOX* Archive* Drafts* Junk* Sent* Trash* x x/y*]")
	h.must(a.Delete(ctx, "x/y"))
	h.must(a.Subscribe(ctx, "x/y", false))
	h.equal("unsubscribed", h.listed(a), "[]")
	h.refused(a.Subscribe(ctx, "x/y", true), mail.NotFound, "mailbox.unknown")
}

// TestSubscriptionsAreBounded: names of mailboxes that are gone make room for new ones, and fill neither the list nor the operation log.
func TestSubscriptionsAreBounded(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	deep := strings.Repeat("/"+strings.Repeat("x", mailbox.MaxName), mailbox.MaxDepth-1)
	most := mailbox.MaxSubscriptionsSize / len(deep)
	for i := range most + 5 {
		top := fmt.Sprint(100 + i)
		f, err := a.Create(ctx, top+deep, "")
		h.must(err)
		h.must(a.Subscribe(ctx, f.Path, true))
		for path := f.Path; path != ""; path = path[:max(strings.LastIndex(path, mailbox.Delimiter), 0)] {
			h.must(a.Delete(ctx, path))
		}
	}
	list := h.listed(a)
	if n := len(list); n < most-1 || n > most {
		t.Errorf("%d names are kept, want about %d", n, most)
	}
	if last := fmt.Sprint(100 + most + 4); !strings.HasPrefix(list[len(list)-1], last+"/") {
		t.Errorf("the last name is not there: %.20s", list[len(list)-1])
	}
	h.must(h.store.Tenant(a.Identity().Tenant()).View(ctx, func(r store.Reader) error {
		o, err := r.Object(directory.KindSubscriptions, mail.ObjectID(a.Identity().Account().ID))
		if err == nil && !o.Secret {
			t.Error("the operation log has the whole list with each change")
		}
		return err
	}))
}

// TestRightsGoWithTheAccount: neither what an account was given nor what it gave outlives it, for whoever gets its address.
func TestRightsGoWithTheAccount(t *testing.T) {
	h, own, other, _ := two(t)
	ctx := t.Context()
	h.share(own, "Archive", "lr")
	h.must(other.SetACL(ctx, "Archive", owner, mailbox.Set, mailbox.AllRights))
	h.must(other.Subscribe(ctx, shared+"Archive", true))
	id := other.Identity().Account().ID
	h.destroy(other)
	grants, err := own.ACL(ctx, "Archive")
	h.must(err)
	h.equal("the list of the owner", grants, "[{"+owner+" lrswipkxtea}]")
	h.equal("what it shared", h.listed(own), "[]")

	h.addUser(own, "suzuki")
	next := h.open(colleague)
	h.equal("its successor", h.listed(next), "[]")
	_, err = next.Select(ctx, shared+"Archive")
	h.refused(err, mail.NotFound, "mailbox.unknown")
	if next.Identity().Account().ID == id {
		t.Error("an account's id was used again")
	}
}

// TestML1SharedFoldersGoWithTheDeletedAccount: while an account is deleted nobody lists what it shared, and all is back when it is restored.
func TestML1SharedFoldersGoWithTheDeletedAccount(t *testing.T) {
	h, own, other, _ := two(t)
	h.share(own, "Archive", "lr")
	before := h.listed(other)
	acc := own.Identity().Account()
	c := h.dir.Company(acc.Tenant)
	h.must(c.DeleteAccount(t.Context(), h.operator, acc.ID))
	h.equal("while it is deleted", h.listed(other), "[]")
	h.must(c.RestoreAccount(t.Context(), h.operator, acc.ID))
	h.equal("when it is restored", h.listed(other), fmt.Sprint(before))
}

// destroy ends an account for good.
func (h *house) destroy(a *mailbox.Account) {
	h.Helper()
	acc := a.Identity().Account()
	c := h.dir.Company(acc.Tenant)
	h.must(c.DeleteAccount(h.Context(), h.operator, acc.ID))
	h.must(c.DestroyAccount(h.Context(), h.operator, acc.ID, acc.Address))
}

// addUser makes an account beside another.
func (h *house) addUser(beside *mailbox.Account, local string) {
	h.Helper()
	acc := beside.Identity().Account()
	_, err := h.dir.Company(acc.Tenant).AddAccount(h.Context(), h.operator, specOf(local, acc.Address.Domain))
	h.must(err)
}

// TestInheritedACL: a new mailbox has the access control list of the one above it; renaming does not change it.
func TestInheritedACL(t *testing.T) {
	h, own, other, _ := two(t)
	ctx := t.Context()
	h.share(own, "Archive", "lrkx")
	f, err := other.Create(ctx, shared+"Archive/a/b", "")
	h.must(err)
	h.equal("made by another", fmt.Sprint(f.Path, f.Rights), shared+"Archive/a/blrkx")
	_, err = other.Create(ctx, shared+"Archive/c", "sent")
	h.refused(err, mail.Invalid, "mailbox.role")
	h.must(own.Rename(ctx, "Archive/a", "a"))
	rights, err := other.MyRights(ctx, shared+"a/b")
	h.must(err)
	h.equal("renamed", rights, "lrkx")
	h.must(other.Delete(ctx, shared+"a/b"))
	h.refused(other.Rename(ctx, shared+"a", "mine"), mail.Invalid, "mailbox.other_owner")
	h.refused(other.Rename(ctx, shared+"a", shared+"top"), mail.NotFound, "mailbox.unknown")
	h.share(own, "INBOX", "lrkx")
	h.refused(other.Rename(ctx, shared+"inbox", shared+"Archive/x"), mail.Denied, "mailbox.inbox")
	h.refused(other.Delete(ctx, shared+"INBOX"), mail.Denied, "mailbox.inbox")
	h.equal("the owner sees", h.paths(own), "[INBOX* Archive* Drafts* Junk* Sent* Trash* a]")
}

// TestAcrossAccounts: what is put into another's mailbox counts on its owner and has the owner's keywords.
func TestAcrossAccounts(t *testing.T) {
	h, own, other, _ := two(t)
	ctx := t.Context()
	_, err := own.FlagsOf(ctx, []string{"$One", "$Two"})
	h.must(err)
	h.share(own, "Archive", "lriswte")
	_, err = other.Append(ctx, "INBOX", []mailbox.Appended{
		{Upload: h.upload(other, letter("1")), Flags: mail.Seen | mail.Deleted, Keywords: []string{"$New", "$two"}},
		{Upload: h.upload(other, letter("2"))},
	})
	h.must(err)
	usedBefore, _, err := own.Quota(ctx)
	h.must(err)
	v := h.selectBox(other, "INBOX")
	_, src, dst, err := v.Move(ctx, seqs(1, 2), shared+"Archive")
	h.must(err)
	h.equal("moved", []any{src, dst}, "[[1 2] [1 2]]")
	h.equal("told", h.poll(v, true), "-2 -1")
	used, _, err := own.Quota(ctx)
	h.must(err)
	left, _, err := other.Quota(ctx)
	h.must(err)
	h.equal("octets", []int64{used - usedBefore, left}, []int64{int64(2 * len(letter("1"))), 0})
	archive := h.selectBox(other, shared+"Archive")
	words, err := archive.Keywords(ctx)
	h.must(err)
	h.equal("the owner's keywords", words, "[$One $Two $New]")
	m, _ := archive.Mark(1)
	h.equal("flags", m.Flags, mail.Seen|mail.Deleted|mail.Keyword(1)|mail.Keyword(2))

	h.share(own, "Archive", "lrist")
	_, err = other.Append(ctx, shared+"Archive", []mailbox.Appended{
		{Upload: h.upload(other, letter("3")), Flags: mail.Seen | mail.Deleted | mail.Flagged, Keywords: []string{"$Unheard"}}})
	h.must(err)
	h.equal("told", h.poll(archive, true), "=3")
	m, _ = archive.Mark(3)
	h.equal("flags that may be set", m.Flags, mail.Seen|mail.Deleted)
	words, err = own.Keywords(ctx)
	h.must(err)
	h.equal("no new keyword", words, "[$One $Two $New]")
}

// TestSharingMayRunTwice does what writes about sharing over a store that runs each transaction twice, as it may.
func TestSharingMayRunTwice(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki")
	h.boxes = mailbox.New(twice{h.store}, h.dir, mailbox.Config{})
	own, other, ctx := h.open(owner), h.open(colleague), t.Context()
	h.share(own, "Archive", "lr")
	h.must(own.SetACL(ctx, "Archive", colleague, mailbox.Add, mailbox.AllRights))
	h.must(other.Subscribe(ctx, shared+"Archive", true))
	h.must(annotate(h, other, shared+"Archive", "/private/comment", "x"))
	h.must(annotate(h, other, shared+"Archive", "/shared/comment", "y"))
	_, err := other.Append(ctx, "INBOX", []mailbox.Appended{{Upload: h.upload(other, letter("1")), Keywords: []string{"$Work"}}})
	h.must(err)
	v := h.selectBox(other, "INBOX")
	for _, transfer := range []func(context.Context, []uint32, string) (uint32, []mail.UID, []mail.UID, error){v.Copy, v.Move} {
		_, src, dst, err := transfer(ctx, seqs(1, 1), shared+"Archive")
		h.must(err)
		h.equal("transferred", []int{len(src), len(dst)}, "[1 1]")
	}
	h.equal("listed", h.listed(other)[2:], "[~/Archive lrswipkxtea*]")
	_, err = other.Create(ctx, shared+"Archive/a", "")
	h.must(err)
	h.must(other.Rename(ctx, shared+"Archive/a", shared+"Archive/b"))
	h.must(other.Delete(ctx, shared+"Archive/b"))
	h.must(own.DeleteACL(ctx, "Archive", colleague))
	h.equal("in the end", h.listed(other)[2:], "[~/Archive!*]")
}

// TestWatchOfOthers: a change in a shared mailbox wakes the owner and the colleague who looks at it.
func TestWatchOfOthers(t *testing.T) {
	h, own, other, _ := two(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h.share(own, "Archive", "lri")
	v := h.selectBox(other, shared+"Archive")
	woken, mine := v.Watch(ctx), own.Watch(ctx)
	h.fill(other, shared+"Archive", 1)
	if n := <-woken; n == 0 {
		t.Error("the colleague was not woken")
	}
	if n := <-mine; n == 0 {
		t.Error("the owner was not woken")
	}
	h.equal("told", h.poll(v, true), "=1")
}
