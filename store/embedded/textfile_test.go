package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// textTenant is a tenant with indexes of some accounts.
type textTenant struct {
	testing.TB
	*Store
	texts  store.Texts
	tenant mail.TenantID
}

const (
	textBox  mail.MailboxID = 7
	textGram store.Gram     = 0x12345678
)

func newTextTenant(t *testing.T, o Options) *textTenant {
	s := openTest(t, o)
	x := &textTenant{t, s, s.Tenant(1).Texts(), 1}
	x.ok(s.CreateTenant(t.Context(), 1))
	return x
}

func (x *textTenant) ok(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// path is where the index of an account is.
func (x *textTenant) path(a mail.AccountID) string {
	return filepath.Join(x.tenantDir(x.tenant), "text", a.String()+".db")
}

// portion makes n messages behind a UID that have textGram, among others.
func portion(after mail.UID, n int) store.TextPortion {
	p := store.TextPortion{Mailbox: textBox, After: after, Upto: after + mail.UID(n), Email: 1}
	for i := range n {
		d := store.TextDoc{UID: after + 1 + mail.UID(i), Grams: []store.Gram{textGram}}
		for g := range store.Gram(500) {
			d.Grams = append(d.Grams, g*0x800001+store.Gram(i))
		}
		p.Docs = append(p.Docs, d)
	}
	return p
}

func (x *textTenant) found(a mail.AccountID) string {
	x.Helper()
	uids, upto, err := x.texts.Find(context.Background(), a, textBox, []store.Gram{textGram})
	x.ok(err)
	return fmt.Sprint(len(uids), " of ", upto)
}

func (x *textTenant) equal(what, got, want string) {
	x.Helper()
	if got != want {
		x.Errorf("%s: %s, want %s", what, got, want)
	}
}

// TestDamagedIndex spoils the file of an index. It is thrown away, and can be made again; nothing wrong is ever found.
func TestDamagedIndex(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"no database": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600)
		},
		"empty": func(path string) error { return os.Truncate(path, 0) },
		"cut":   func(path string) error { return os.Truncate(path, 3*4096) },
		"a page of zeros": func(path string) error {
			return change(path, func(b []byte) { clear(b[len(b)-4096:]) })
		},
		"one octet of a segment": func(path string) error {
			return change(path, func(b []byte) { b[len(b)-2000] ^= 4 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTextTenant(t, Options{})
			x.ok(x.texts.Add(t.Context(), 5, portion(0, 100)))
			x.equal("before", x.found(5), "100 of 100")
			x.textFiles.tidy(x.textFiles.last(t))
			x.ok(spoil(x.path(5)))
			if got := x.found(5); got != "0 of 0" && got != "100 of 100" {
				t.Errorf("in the damaged file: %s", got)
			}
			cursors, err := x.texts.Cursors(t.Context(), 5)
			x.ok(err)
			at := cursors[textBox].Upto
			if err := x.texts.Add(t.Context(), 5, portion(at, 50)); err != nil && !mail.Is(err, mail.Conflict) { // thrown away only now
				t.Error(err)
			}
			x.ok(x.texts.Drop(t.Context(), 5))
			x.ok(x.texts.Add(t.Context(), 5, portion(0, 30)))
			x.equal("after", x.found(5), "30 of 30")
		})
	}
}

// last is a moment after all indexes were used.
func (f *textFiles) last(t *testing.T) (at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, file := range f.open {
		if file.users != 0 {
			t.Fatal("in use")
		}
		if file.used.After(at) {
			at = file.used
		}
	}
	return at.Add(1)
}

func change(path string, fn func([]byte)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fn(b)
	return os.WriteFile(path, b, 0o600)
}

// TestOutdatedIndex: an index of another version is thrown away.
func TestOutdatedIndex(t *testing.T) {
	x := newTextTenant(t, Options{})
	x.ok(x.texts.Add(t.Context(), 5, portion(0, 10)))
	x.textFiles.tidy(x.textFiles.last(t))
	c, err := openConn(x.path(5), nil, true)
	x.ok(err)
	x.ok(c.script(fmt.Sprintf("PRAGMA user_version=%d", store.TextVersion+1)))
	x.ok(c.Close())
	x.equal("of a newer version", x.found(5), "0 of 0")
	x.ok(x.texts.Add(t.Context(), 5, portion(0, 20)))
	x.equal("made again", x.found(5), "20 of 20")
}

// TestCheckFindsDamagedIndex: Check tells of it, and repairs it by throwing it away.
func TestCheckFindsDamagedIndex(t *testing.T) {
	x := newTextTenant(t, Options{})
	x.ok(x.texts.Add(t.Context(), 5, portion(0, 100)))
	x.ok(x.texts.Add(t.Context(), 6, portion(0, 10)))
	check := func(repair bool) (found []string) {
		x.ok(x.Check(t.Context(), repair, func(f store.Finding) { found = append(found, fmt.Sprint(f.What, f.Repaired)) }))
		return found
	}
	x.equal("sound", fmt.Sprint(check(false)), "[]")
	x.textFiles.tidy(x.textFiles.last(t))
	x.ok(change(x.path(5), func(b []byte) { b[len(b)-2000] ^= 4 }))
	want := "the full-text index of account 0000000000005 is damaged and will be made again"
	x.equal("damaged", strings.Join(check(false), "; "), strings.Replace(want, "0000000000005", mail.AccountID(5).String(), 1)+"false")
	x.equal("repaired", strings.Join(check(true), "; "), strings.Replace(want, "0000000000005", mail.AccountID(5).String(), 1)+"true")
	x.equal("after", fmt.Sprint(check(false)), "[]")
	x.equal("gone", x.found(5), "0 of 0")
	x.equal("the other", x.found(6), "10 of 10")
}

// TestFewIndexesAreOpen uses many indexes with few files open at a time.
func TestFewIndexesAreOpen(t *testing.T) {
	x := newTextTenant(t, Options{OpenTexts: 3})
	for round := range 3 {
		for a := range mail.AccountID(12) {
			x.ok(x.texts.Add(t.Context(), a+1, portion(mail.UID(round), 1)))
		}
		x.textFiles.mu.Lock()
		if n := len(x.textFiles.open); n > 3 {
			t.Errorf("%d are open", n)
		}
		x.textFiles.mu.Unlock()
	}
	for a := range mail.AccountID(12) {
		x.equal("found", x.found(a+1), "3 of 3")
	}
	list, err := x.texts.Accounts(t.Context())
	x.ok(err)
	if len(list) != 12 || !slices.IsSorted(list) {
		t.Error(list)
	}
	info, err := os.Stat(x.path(1))
	x.ok(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
}

// TestIndexSurvivesReopen: after an ordinary end the index is there, after a crash it is there up to its cursor.
func TestIndexSurvivesReopen(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.CreateTenant(t.Context(), 1), s.Tenant(1).Texts().Add(t.Context(), 5, portion(0, 40)), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Tenant(1).Texts().Find(t.Context(), 5, textBox, []store.Gram{textGram}); !mail.Is(err, mail.Unavailable) {
		t.Errorf("after Close: %v", err)
	}
	s = openDir(t, dir, Options{})
	x := &textTenant{t, s, s.Tenant(1).Texts(), 1}
	x.equal("after Close", x.found(5), "40 of 40")
	x.ok(x.texts.Add(t.Context(), 5, portion(40, 40)))
	crashed := t.TempDir() // what a crash leaves: the files as they are while the store is open
	x.ok(os.CopyFS(crashed, os.DirFS(dir)))
	s = openDir(t, crashed, Options{})
	x = &textTenant{t, s, s.Tenant(1).Texts(), 1}
	x.equal("after a crash", x.found(5), "80 of 80")
}
