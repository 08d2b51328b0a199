package directory_test

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/store"
)

// logged is a company whose log has lines of several people.
func logged(t *testing.T) (*house, *directory.Company, mail.Actor) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 100)
	h.account(c, "sato@alpha.example", directory.RoleOwner)
	by := mail.MintActor(mail.Admin, c.ID(), h.signIn("sato@alpha.example").Account().ID, "sato@alpha.example", mail.Origin{
		Remote: web("192.0.2.7").Remote, Session: "r-1", Agent: "Firefox",
	})
	return h, c, by
}

func (h *house) log(c *directory.Company, q directory.LogQuery) []directory.LogLine {
	h.Helper()
	p, err := c.Log(h.ctx, q)
	h.must(err)
	return p.Lines
}

// TestCP7EveryActIsLogged: who, from where, in what capacity, with what, what, before and after; secrets are masked.
func TestCP7EveryActIsLogged(t *testing.T) {
	h, c, by := logged(t)
	a, err := c.AddAccount(h.ctx, by, directory.AccountSpec{Address: addr("abe@alpha.example"), Name: "阿部", Password: password})
	h.must(err)
	h.must(c.SetAccountState(h.ctx, by, a.ID, directory.AccountSuspended))
	h.must(c.SetRoles(h.ctx, h.ops, a.ID, nil))
	lines := h.log(c, directory.LogQuery{Kind: "account", ID: mail.ObjectID(a.ID)})
	if len(lines) != 3 {
		t.Fatalf("%d lines: %+v", len(lines), lines)
	}
	l := lines[1]
	if l.Actor != "sato@alpha.example" || l.Role != mail.Admin || l.Remote != "192.0.2.7" || l.Session != "r-1" || l.Agent != "Firefox" ||
		l.Op != "directory.SetAccountState" || l.Name != "abe@alpha.example" || l.Seen || l.Refused != "" || len(l.Hash) != 32 ||
		time.Since(l.At) > time.Hour || !reflect.DeepEqual(l.Changes, []directory.Change{{"state", "active", "suspended"}}) {
		t.Errorf("the line is %+v", l)
	}
	for _, want := range []directory.Change{{"address", "", "abe@alpha.example"}, {"profile.displayName", "", "阿部"}, {"state", "", "active"}} {
		if !slices.Contains(lines[2].Changes, want) {
			t.Errorf("%+v is missing in %+v", want, lines[2].Changes)
		}
	}
	secret := h.log(c, directory.LogQuery{Kind: "credential"})
	if len(secret) == 0 || !reflect.DeepEqual(secret[0].Changes, []directory.Change{{"secret", "", directory.Mask}}) {
		t.Errorf("a credential's line is %+v", secret)
	}
	if got := h.log(c, directory.LogQuery{Text: "argon2id"}); len(got) != 0 {
		t.Errorf("a hash is found: %+v", got)
	}
}

// TestCP7Search: by time, actor, operation, kind, object and text, page by page.
func TestCP7Search(t *testing.T) {
	h, c, by := logged(t)
	var made []directory.Account
	for i := range 25 {
		a, err := c.AddAccount(h.ctx, by.For("order 0815"), directory.AccountSpec{Address: addr(fmt.Sprintf("u%02d@alpha.example", i)), Name: fmt.Sprintf("利用者%02d", i)})
		h.must(err)
		made = append(made, a)
	}
	h.must(c.SetAccountState(h.ctx, h.ops, made[3].ID, directory.AccountSuspended))
	_, err := h.SetTenantStart(h.ctx, h.ops, c.ID(), time.Now().Add(-time.Hour))
	h.must(err)
	for _, x := range []struct {
		name string
		q    directory.LogQuery
		want int
	}{
		{"actor", directory.LogQuery{Actor: "sato@alpha.example", Kind: "account"}, 25},
		{"operation", directory.LogQuery{Op: "directory.SetAccountState"}, 1},
		{"object", directory.LogQuery{ID: mail.ObjectID(made[3].ID)}, 2},
		{"object of another kind", directory.LogQuery{Kind: "list", ID: mail.ObjectID(made[3].ID)}, 0},
		{"a name", directory.LogQuery{Text: "利用者07"}, 1},
		{"an address, whatever capitals", directory.LogQuery{Text: "U07@ALPHA"}, 1},
		{"a reason", directory.LogQuery{Text: "order 0815", Kind: "account"}, 25},
		{"an address of a network", directory.LogQuery{Text: "192.0.2.7", Kind: "account"}, 25},
		{"what comes", directory.LogQuery{Since: time.Now().Add(time.Hour)}, 0},
		{"what was", directory.LogQuery{Until: time.Now().Add(-time.Hour)}, 0},
		{"now", directory.LogQuery{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour), Kind: "account", Actor: "sato@alpha.example"}, 25},
	} {
		if got := h.log(c, x.q); len(got) != x.want {
			t.Errorf("%s: %d lines, want %d", x.name, len(got), x.want)
		}
	}
	var seen []uint64
	q := directory.LogQuery{Actor: "sato@alpha.example", Limit: 7}
	for pages := 1; ; pages++ {
		p, err := c.Log(h.ctx, q)
		h.must(err)
		for _, l := range p.Lines {
			seen = append(seen, l.Seq)
		}
		if q.Before = p.Next; q.Before == 0 || pages > 50 {
			break
		}
	}
	if !slices.IsSortedFunc(seen, func(a, b uint64) int { return int(b) - int(a) }) || len(slices.Compact(slices.Clone(seen))) != len(seen) || len(seen) < 25 {
		t.Errorf("by pages: %v", seen)
	}
	_, err = c.Log(h.ctx, directory.LogQuery{Text: strings.Repeat("x", directory.MaxLogText+1)})
	h.says(err, mail.Invalid, "log.text")
}

// TestCP7LogWithinAScope: who may read the log of a domain sees what happened there.
func TestCP7LogWithinAScope(t *testing.T) {
	m := newMatrix(t)
	in := m.target()
	_, err := m.c.AddAccount(m.ctx, m.ops, directory.AccountSpec{Address: addr("x@b.example")})
	m.must(err)
	m.must(m.c.SetSettings(m.ctx, m.ops, directory.Settings{}))
	lines := m.log(m.c, directory.LogQuery{Within: []directory.Grant{{Role: directory.RoleReadOnly, Domains: []mail.DomainID{m.a.ID}}}})
	if len(lines) != 1 || lines[0].ID != mail.ObjectID(in) {
		t.Errorf("in domain A: %+v", lines)
	}
	if lines := m.log(m.c, directory.LogQuery{Within: []directory.Grant{{Role: directory.RoleHelpDesk}}}); len(lines) != 0 {
		t.Errorf("without the right: %+v", lines)
	}
	whole := m.log(m.c, directory.LogQuery{})
	if lines := m.log(m.c, directory.LogQuery{Within: directory.WholeGrants(directory.RoleReadOnly)}); len(lines) != len(whole) {
		t.Errorf("in the whole company: %d of %d", len(lines), len(whole))
	}
}

// TestCP7Views: looks at personal data are lines, a look at much is one, and no line of them changes what caches hold.
func TestCP7Views(t *testing.T) {
	h, c, by := logged(t)
	before := len(h.log(c, directory.LogQuery{}))
	for range 1000 {
		h.must(c.NoteView(h.ctx, by, "restd.listAccounts", "accounts", 0))
	}
	h.must(c.NoteView(h.ctx, by, "restd.getAccount", "accounts", 5))
	h.must(c.NoteView(h.ctx, h.ops, "restd.getAccount", "accounts", 5))
	h.must(c.NoteExport(h.ctx, by, "restd.exportTrace", "trace"))
	h.must(c.NoteExport(h.ctx, by, "restd.exportTrace", "trace"))
	lines := h.log(c, directory.LogQuery{})
	if len(lines) != before+5 {
		t.Fatalf("%d lines, want 5", len(lines)-before)
	}
	for _, l := range lines[:5] {
		if !l.Seen || len(l.Changes) != 0 || l.Kind == "" {
			t.Errorf("a look is %+v", l)
		}
	}
	if got := h.log(c, directory.LogQuery{Kind: "accounts", ID: 5}); len(got) != 2 {
		t.Errorf("%d looks at one thing, want 2", len(got))
	}
	foreign := mail.MintActor(mail.Admin, c.ID()+1, 3, "x@y.example", mail.Origin{})
	h.says(c.NoteView(h.ctx, foreign, "x", "y", 0), mail.Denied, "actor.denied")
}

// TestCP7RefusedAttempts: who tries what he may not is a line, once in a while, and nothing else.
func TestCP7RefusedAttempts(t *testing.T) {
	m := newMatrix(t)
	by := m.actor(directory.Grant{Role: directory.RoleHelpDesk})
	for range 20 {
		m.says(m.c.SetRoles(m.ctx, by, by.Account(), []directory.Role{directory.RoleOwner}), mail.Denied, "actor.denied")
	}
	lines := m.log(m.c, directory.LogQuery{Kind: "refused"})
	if len(lines) != 1 || lines[0].Op != "directory.SetGrants" || lines[0].Refused != "actor.denied" || lines[0].Actor != by.Name() {
		t.Errorf("the refused attempt is %+v", lines)
	}
	foreign := mail.MintActor(mail.Admin, m.id+1, by.Account(), "x@y.example", mail.Origin{})
	m.says(m.c.SetSettings(m.ctx, foreign, directory.Settings{}), mail.Denied, "actor.denied")
	if lines := m.log(m.c, directory.LogQuery{Actor: "x@y.example"}); len(lines) != 0 {
		t.Errorf("another company's actor stands in the log: %+v", lines)
	}
}

// TestCP7Verify: the log is whole, and says so; a line that was changed behind its back is found (store.Ledger's tests change each field).
func TestCP7Verify(t *testing.T) {
	h, c, by := logged(t)
	for i := range 1100 {
		h.must(c.NoteView(h.ctx, by, "test", "x", mail.ObjectID(i+1)))
	}
	s, err := c.VerifyLog(h.ctx)
	h.must(err)
	lines := h.log(c, directory.LogQuery{Limit: 1})
	if s.Broken != 0 || s.First != 1 || s.Last != lines[0].Seq || s.Lines != int(s.Last) || s.Unchained != 0 || !bytes.Equal(s.Head, lines[0].Hash) {
		t.Errorf("the log is %+v", s)
	}
	p, err := h.VerifyLog(h.ctx)
	h.must(err)
	if p.Broken != 0 || p.Lines == 0 {
		t.Errorf("the platform's log is %+v", p)
	}
}

// TestCP7Export: the file has a BOM, a row for every line in both languages' words, no formulas, and stands in the log itself.
func TestCP7Export(t *testing.T) {
	h, c, by := logged(t)
	_, err := c.AddAccount(h.ctx, by.For("=HYPERLINK(\"x\")"), directory.AccountSpec{Address: addr("abe@alpha.example"), Name: "+81 90"})
	h.must(err)
	tokyo := time.FixedZone("JST", 9*3600)
	for _, lang := range i18n.Langs() {
		var out bytes.Buffer
		h.must(c.ExportLog(h.ctx, by, &out, directory.LogQuery{Limit: 1}, directory.LogFile{Words: i18n.New(), Lang: lang, Zone: tokyo}))
		text, ok := bytes.CutPrefix(out.Bytes(), []byte("\xef\xbb\xbf"))
		if !ok || !bytes.Contains(text, []byte("\r\n")) {
			t.Errorf("the file begins with %q", text[:20])
		}
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		h.must(err)
		lines := h.log(c, directory.LogQuery{})
		if len(rows) != len(lines)+1 { // the export is the newest line, and in the file
			t.Errorf("%d rows, want %d", len(rows), len(lines)+1)
		}
		for i, row := range rows[1:] {
			l := lines[i]
			if row[0] != fmt.Sprint(l.Seq) || row[1] != l.At.In(tokyo).Format("2006-01-02 15:04:05.000") || row[len(row)-1] != hex.EncodeToString(l.Hash) {
				t.Errorf("row %d is %q for %+v", i, row, l)
			}
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
					t.Errorf("a cell is the formula %q", cell)
				}
			}
		}
	}
	if got := h.log(c, directory.LogQuery{Op: "directory.ExportLog"}); len(got) != 2 {
		t.Errorf("%d exports stand in the log", len(got))
	}
	h.must(h.ExportLog(h.ctx, io.Discard, directory.LogQuery{}, directory.LogFile{Words: i18n.New(), Lang: i18n.English}))
}

// TestCP7ContractsInTheCompanysLog: what operators do to a contract stands in the company's log, also where a crash came in between.
func TestCP7ContractsInTheCompanysLog(t *testing.T) {
	h, c, _ := logged(t)
	lose := func() { // as if the process had ended before the copy was written
		h.must(h.store.Tenant(c.ID()).Update(h.ctx, h.ops, "test.lose", func(tx store.Tx) error {
			o, err := tx.ObjectByKey(store.Key{Name: "contract", Value: "own"})
			if err != nil {
				return err
			}
			return tx.DeleteObject(o.Kind, o.ID, o.Version)
		}))
	}
	lose()
	_, err := h.KeepLogs(h.ctx)
	h.must(err)
	lines := h.log(c, directory.LogQuery{Kind: "contract"})
	if len(lines) != 3 || lines[0].Op != "directory.KeepLogs" || lines[0].Role != mail.Platform {
		t.Errorf("the contract's lines are %+v", lines)
	}
	_, err = h.KeepLogs(h.ctx)
	h.must(err)
	if again := h.log(c, directory.LogQuery{Kind: "contract"}); len(again) != len(lines) {
		t.Errorf("without need %d lines more", len(again)-len(lines))
	}
}

// TestCP7DiffShowsWhatChanged: value by value, in the order of the paths, with secrets masked and nothing too long.
func TestCP7DiffShowsWhatChanged(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		want                []directory.Change
	}{
		{"nothing", `{"a":1,"b":[1,2]}`, `{"b":[1,2],"a":1}`, nil},
		{"a value", `{"a":"x","n":1}`, `{"a":"y","n":1}`, []directory.Change{{"a", "x", "y"}}},
		{"made", "", `{"a":"x","e":[],"o":{}}`, []directory.Change{{"a", "", "x"}}},
		{"removed", `{"a":true}`, "", []directory.Change{{"a", "true", ""}}},
		{"lists in the order of their numbers", `{}`, `{"l":[0,1,2,3,4,5,6,7,8,9,10]}`, []directory.Change{
			{"l.0", "", "0"}, {"l.1", "", "1"}, {"l.2", "", "2"}, {"l.3", "", "3"}, {"l.4", "", "4"}, {"l.5", "", "5"},
			{"l.6", "", "6"}, {"l.7", "", "7"}, {"l.8", "", "8"}, {"l.9", "", "9"}, {"l.10", "", "10"}}},
		{"large numbers", `{"n":9007199254740993}`, `{"n":9007199254740994}`, []directory.Change{{"n", "9007199254740993", "9007199254740994"}}},
		{"secrets", `{"a":{"storedKey":"x"},"hash":"1"}`, `{"a":{"storedKey":"y"},"hash":"2"}`, []directory.Change{
			{"a.storedKey", directory.Mask, directory.Mask}, {"hash", directory.Mask, directory.Mask}}},
		{"a new secret", `{}`, `{"password":"x"}`, []directory.Change{{"password", "", directory.Mask}}},
		{"masked by the store", store.Masked, store.Masked, nil},
		{"made and masked by the store", "", store.Masked, []directory.Change{{"secret", "", directory.Mask}}},
		{"no JSON", `{`, `{"a":1}`, []directory.Change{{"a", "", "1"}, {"document", "{", ""}}},
	} {
		doc := func(s string) []byte {
			if s == "" {
				return nil
			}
			return []byte(s)
		}
		if got := directory.Diff(doc(c.before), doc(c.after)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	long := directory.Diff(nil, []byte(`{"a":"`+strings.Repeat("長", 5000)+`"}`))
	if len(long) != 1 || len(long[0].After) > 2010 || !strings.HasSuffix(long[0].After, "長…") {
		t.Errorf("a long value became %d octets", len(long[0].After))
	}
}

// FuzzDiff: whatever documents are, a diff ends, and a value whose name is a secret's is never shown.
func FuzzDiff(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"password":"x"}]}`), []byte(`{"a":[1,{"password":"geheim"}]}`))
	f.Add([]byte(`[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]`), []byte(`"x"`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		for _, c := range directory.Diff(before, after) {
			if c.Before == c.After && c.After != directory.Mask && len(c.After) < 2000 {
				t.Errorf("no change is one: %+v", c)
			}
			if strings.HasSuffix(c.Path, ".password") && c.After != "" && c.After != directory.Mask {
				t.Errorf("a secret is shown: %+v", c)
			}
		}
	})
}

// BenchmarkImport10000Logged is an import of 10,000 accounts without passwords, with its lines of the log.
func BenchmarkImport10000Logged(b *testing.B) {
	h := newHouse(b, directory.Config{})
	n := 0
	for b.Loop() {
		n++
		domain := fmt.Sprintf("d%d.example", n)
		c := h.company(domain, directory.MaxBulk)
		specs := make([]directory.AccountSpec, directory.MaxBulk)
		for i := range specs {
			specs[i] = directory.AccountSpec{Address: addr(fmt.Sprintf("u%d@%s", i, domain))}
		}
		_, err := c.AddAccounts(h.ctx, h.ops, specs)
		h.must(err)
	}
}
