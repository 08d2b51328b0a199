package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/embedded"
)

// house is a platform with a store in files, as far up as this room.
type house struct {
	testing.TB
	store    store.Store
	dir      *directory.Directory
	boxes    *mailbox.Service
	operator mail.Actor
}

const password = "correct horse battery"

func newHouse(t testing.TB, cfg mailbox.Config) *house {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		checkStore(t, st)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision})
	return &house{t, st, dir, mailbox.New(st, dir, cfg), directory.Operator("test", "")}
}

// checkStore fails the test if the store finds anything wrong with itself.
func checkStore(t testing.TB, st store.Store) {
	err := st.Check(context.Background(), false, func(f store.Finding) {
		if !f.Garbage {
			t.Errorf("check: %s", f.What)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// company opens a tenant with one domain of the smallest plan and accounts of these names.
func (h *house) company(domain, lang string, users ...string) mail.TenantID {
	h.Helper()
	ctx := h.Context()
	tenant, err := h.dir.OpenTenant(ctx, h.operator, directory.TenantSpec{Name: domain, Lang: lang, Start: time.Now().Add(-time.Hour)})
	h.must(err)
	c := h.dir.Company(tenant.ID)
	_, err = c.AddDomain(ctx, h.operator, directory.DomainSpec{
		Name: domain, Plan: directory.Plan(mail.Plan100MB), IDs: 10, Options: []directory.Option{directory.OptionIMAPS}})
	h.must(err)
	specs := make([]directory.AccountSpec, len(users))
	for i, user := range users {
		specs[i] = specOf(user, domain)
	}
	_, err = c.AddAccounts(ctx, h.operator, specs)
	h.must(err)
	return tenant.ID
}

// specOf asks for an account with the password of the tests.
func specOf(user, domain string) directory.AccountSpec {
	return directory.AccountSpec{Address: mail.Address{Local: user, Domain: domain}, Name: user, Password: password}
}

// open signs in and opens the account.
func (h *house) open(address string) *mailbox.Account {
	h.Helper()
	id, err := h.dir.SignIn(h.Context(), mail.Origin{Door: "imap"}, "imap", address, password)
	h.must(err)
	a, err := h.boxes.Open(h.Context(), id)
	h.must(err)
	h.Cleanup(a.Close)
	return a
}

// one is a house with one company of one account, opened.
func one(t testing.TB) (*house, *mailbox.Account) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato")
	return h, h.open("sato@alpha.example")
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// refused tells that an error is of a kind with a text.
func (h *house) refused(err error, kind mail.Kind, text string) {
	h.Helper()
	mailtest.Says(h, err, kind, text)
}

// letter is a small message.
func letter(subject string) string {
	return "From: Sato <sato@alpha.example>\r\nTo: suzuki@alpha.example\r\nSubject: " + subject +
		"\r\nDate: Mon, 2 Mar 2026 10:00:00 +0900\r\n\r\nHello.\r\n"
}

// upload stages a message.
func (h *house) upload(a *mailbox.Account, text string) mailbox.Upload {
	h.Helper()
	u, err := a.Stage(h.Context(), int64(len(text)))
	h.must(err)
	h.Cleanup(u.Release)
	_, err = u.Write([]byte(text))
	h.must(err)
	return u
}

// fill appends n letters named "1" to "n".
func (h *house) fill(a *mailbox.Account, path string, n int) {
	h.Helper()
	for from := 0; from < n; from += mailbox.MaxAppended {
		var in []mailbox.Appended
		for i := from; i < min(n, from+mailbox.MaxAppended); i++ {
			in = append(in, mailbox.Appended{Upload: h.upload(a, letter(fmt.Sprint(i+1)))})
		}
		_, err := a.Append(h.Context(), path, in)
		h.must(err)
	}
}

func (h *house) selectBox(a *mailbox.Account, path string) *mailbox.View {
	h.Helper()
	v, err := a.Select(h.Context(), path)
	h.must(err)
	h.Cleanup(v.Close)
	return v
}

// poll polls a view and writes the events as a line: "-2 =3 1*\Seen…".
func (h *house) poll(v *mailbox.View, expunge bool) string {
	h.Helper()
	events, err := v.Poll(h.Context(), expunge)
	h.must(err)
	return line(events)
}

// line writes events: -SEQ expunged, =N exist, SEQ*FLAGS changed.
func line(events []mailbox.Event) string {
	var words []string
	for _, e := range events {
		switch e.Kind {
		case mailbox.Expunged:
			words = append(words, fmt.Sprintf("-%d", e.Seq))
		case mailbox.Exists:
			words = append(words, fmt.Sprintf("=%d", e.N))
		case mailbox.Changed:
			words = append(words, fmt.Sprintf("%d*%d", e.Seq, e.Mark.Flags))
		}
	}
	return strings.Join(words, " ")
}

func (h *house) equal(what string, got, want any) {
	h.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		h.Errorf("%s: %s; want %s", what, g, w)
	}
}

// uids are the UIDs a view shows.
func uids(v *mailbox.View) (list []mail.UID) {
	for _, m := range v.All() {
		list = append(list, m.UID)
	}
	return list
}

// paths lists an account's folders: "*" behind a subscribed one.
func (h *house) paths(a *mailbox.Account) (list []string) {
	h.Helper()
	folders, err := a.Folders(h.Context())
	h.must(err)
	for _, f := range folders {
		if f.Subscribed {
			f.Path += "*"
		}
		list = append(list, f.Path)
	}
	return list
}

// seqs are the numbers from lo to hi.
func seqs(lo, hi uint32) (list []uint32) {
	for n := lo; n <= hi; n++ {
		list = append(list, n)
	}
	return list
}

// fetched are the sequence numbers a Fetch gives.
func (h *house) fetched(v *mailbox.View, want []uint32) (got []uint32) {
	h.Helper()
	h.must(v.Fetch(h.Context(), want, 0, func(seq uint32, m *mailbox.Message) error {
		if v.UID(seq) != m.UID {
			h.Errorf("message %d has UID %d, but the view says %d", seq, m.UID, v.UID(seq))
		}
		got = append(got, seq)
		return nil
	}))
	if !slices.IsSorted(got) {
		h.Errorf("fetched out of order: %v", got)
	}
	return got
}

// twice is a store that runs every transaction twice, as the contract allows, and keeps what the second did.
type twice struct{ store.Store }

func (s twice) Tenant(id mail.TenantID) store.Tenant { return twiceTenant{s.Store.Tenant(id)} }

type twiceTenant struct{ store.Tenant }

func (t twiceTenant) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	again := errors.New("again")
	err := t.Tenant.Update(ctx, by, why, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return again
	})
	if !errors.Is(err, again) {
		return err
	}
	return t.Tenant.Update(ctx, by, why, fn)
}

// TestTransactionsMayRunTwice does everything that writes over such a store.
func TestTransactionsMayRunTwice(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato")
	h.boxes = mailbox.New(twice{h.store}, h.dir, mailbox.Config{})
	a, ctx := h.open("sato@alpha.example"), t.Context()
	h.fill(a, "INBOX", 3)
	v, other := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	marks, _, err := v.Store(ctx, seqs(1, 2), mailbox.Add, mail.Deleted, 0)
	h.must(err)
	h.equal("stored", len(marks), 2)
	h.equal("known", h.poll(v, false), "")
	h.equal("told", h.poll(other, false), "1*8 2*8")
	_, src, dst, err := v.Copy(ctx, seqs(3, 3), "Archive")
	h.must(err)
	h.equal("copied", []any{src, dst}, "[[3] [1]]")
	_, src, dst, err = v.Move(ctx, seqs(3, 3), "Archive")
	h.must(err)
	h.equal("moved", []any{src, dst}, "[[3] [2]]")
	events, err := v.Expunge(ctx, nil)
	h.must(err)
	h.equal("expunged", line(events), "-3 -2 -1")
	h.equal("told", h.poll(other, true), "-3 -2 -1")
	_, err = a.Create(ctx, "x/y", "")
	h.must(err)
	h.must(a.Rename(ctx, "x", "z"))
	h.must(a.Subscribe(ctx, "z", true))
	h.must(a.Delete(ctx, "z/y"))
	h.equal("folders", h.paths(a), "[INBOX* Archive* Drafts* Junk* Sent* Trash* z*]")
}

// objects counts the objects of kinds in a tenant: those of which there are some.
func (h *house) objects(tenant mail.TenantID, kinds ...string) (list []string) {
	h.Helper()
	h.must(h.store.Tenant(tenant).View(h.Context(), func(r store.Reader) error {
		for _, kind := range kinds {
			objects, err := r.Objects(kind, store.Page{})
			if err != nil {
				return err
			}
			for _, o := range objects {
				list = append(list, kind+" "+string(o.Doc))
			}
		}
		return nil
	}))
	return list
}
