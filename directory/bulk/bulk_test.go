package bulk_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"tegami/directory"
	"tegami/directory/bulk"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/embedded"
)

// hall is a company that files are imported into.
type hall struct {
	testing.TB
	dir     *directory.Directory
	company *directory.Company
	ops     mail.Actor
	ctx     context.Context
}

// newHall opens a company with the domain alpha.example.
func newHall(t testing.TB, ids int) *hall {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	h := &hall{TB: t, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), ops: directory.Operator("test", "").For("test"), ctx: context.Background()}
	tenant, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: "アルファ商事"})
	h.must(err)
	h.company = h.dir.Company(tenant.ID)
	_, err = h.company.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: ids, Options: []directory.Option{directory.OptionIMAPS}})
	h.must(err)
	return h
}

func (h *hall) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hall) says(err error, kind mail.Kind, key string) {
	h.Helper()
	mailtest.Says(h, err, kind, key)
}

// quiet watches nothing.
type quiet struct{}

func (quiet) Phase(string, int) {}
func (quiet) Step(int)          {}
func (quiet) Found(int, int)    {}

// load imports a file.
func (h *hall) load(kind string, text []byte, o bulk.Options) (*bulk.Outcome, error) {
	return (&bulk.Import{Company: h.company, By: h.ops, Kind: kind, Text: text, Options: o, Watch: quiet{}}).Run(h.ctx)
}

// loads imports a file that must be all good.
func (h *hall) loads(kind, text string) *bulk.Outcome {
	h.Helper()
	out, err := h.load(kind, []byte(text), bulk.Options{})
	if err != nil {
		h.Fatalf("%v: %v", err, findings(out))
	}
	return out
}

// findings are an outcome's findings, short.
func findings(out *bulk.Outcome) (list []string) {
	if out == nil {
		return nil
	}
	for _, f := range out.Findings {
		key, args := mail.TextOf(f.Err)
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %s %s %v", f.Line, f.Column, key, args)))
	}
	return list
}

func (h *hall) find(address string) directory.Account {
	h.Helper()
	a, err := mail.ParseAddress(address)
	h.must(err)
	found, err := h.company.Find(h.ctx, a)
	h.must(err)
	return found
}

func (h *hall) count() int {
	h.Helper()
	all, err := h.company.Accounts(h.ctx, directory.AccountPage{Domain: "alpha.example"})
	h.must(err)
	return len(all)
}

func (h *hall) export(kind string, form bulk.Form) string {
	h.Helper()
	var text bytes.Buffer
	lacking, err := bulk.Export(h.ctx, h.company, kind, directory.Selected{Whole: true}, &text, form)
	h.must(err)
	if len(lacking) > 0 {
		h.Fatalf("left out: %v", lacking)
	}
	return text.String()
}

// sjis writes a text as CP932.
func sjis(t testing.TB, text string) []byte {
	t.Helper()
	b, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// thousand is a CP932 file of 1,000 accounts with Japanese column names, of which three lines are bad.
func thousand(t testing.TB) []byte {
	var b strings.Builder
	b.WriteString("処理,メールアドレス,姓,名,姓ふりがな,名ふりがな,部署,役職,アドレス帳表示,備考\r\n")
	for i := range 1000 {
		address := fmt.Sprintf("user%04d@alpha.example", i)
		switch i {
		case 99:
			address = "postmaster@alpha.example"
		case 499:
			address = "abcd#@alpha.example"
		case 899:
			address = "user0000@alpha.example"
		}
		fmt.Fprintf(&b, "追加,%s,髙橋,太郎,たかはし,たろう,\"第①営業部, 東京\",課長,可,0%d\r\n", address, i)
	}
	return sjis(t, b.String())
}

// TestCP5ThousandAccountsOfCP932: a CP932 file of 1,000 accounts with three bad lines is refused as a whole, saying which; with the
// option the good lines are done.
func TestCP5ThousandAccountsOfCP932(t *testing.T) {
	h := newHall(t, 1000)
	text := thousand(t)
	want := []string{
		"101 address address.reserved [postmaster]", "501 address address.local_part [abcd#]",
		"901 address import.twice [user0000@alpha.example 2]",
	}
	for _, o := range []bulk.Options{{DryRun: true}, {}, {DryRun: true, GoodLinesOnly: true}} {
		out, err := h.load("accounts", text, o)
		if !o.DryRun {
			h.says(err, mail.Invalid, "import.refused")
		} else {
			h.must(err)
		}
		if got := findings(out); fmt.Sprint(got) != fmt.Sprint(want) || out.Good != 997 || out.Bad != 3 || out.Charset != bulk.CP932 || out.Added != 997 {
			t.Errorf("%+v: %q, %d good, %d bad, %s, %d added", o, got, out.Good, out.Bad, out.Charset, out.Added)
		}
		if n := h.count(); n != 0 {
			t.Fatalf("%+v made %d accounts", o, n)
		}
	}
	out, err := h.load("accounts", text, bulk.Options{GoodLinesOnly: true})
	h.must(err)
	if n := h.count(); n != 997 || out.Added != 997 || out.Bad != 3 || len(out.Passwords) != 997 {
		t.Fatalf("%d accounts, %+v", n, out.Added)
	}
	a := h.find("user0007@alpha.example")
	if p := a.Profile; p.LastName != "髙橋" || p.FirstKana != "たろう" || p.Department != "第①営業部, 東京" || p.Memo != "07" || a.Hidden || !a.MustChange {
		t.Errorf("%+v", a)
	}
}

// TestCP5InitialPasswords: an empty password becomes a random one of 100 bits, which is on the sheet, opens the account and must
// be changed; one that was given opens the account and is on no sheet.
func TestCP5InitialPasswords(t *testing.T) {
	h := newHall(t, 10)
	out := h.loads("accounts", "action,address,display_name,password\nadd,a@alpha.example,甲,\nadd,b@alpha.example,乙,correct horse battery\n")
	if len(out.Passwords) != 1 || out.Passwords[0].Address.Local != "a" || out.Passwords[0].Name != "甲" {
		t.Fatalf("%+v", out.Passwords)
	}
	made := out.Passwords[0].Password
	if n := len(strings.ReplaceAll(made, "-", "")); n < 20 {
		t.Errorf("%q has %d characters", made, n)
	}
	for user, password := range map[string]string{"a": made, "b": "correct horse battery"} {
		if a := h.find(user + "@alpha.example"); !a.MustChange {
			t.Errorf("%s need not change the password", user)
		}
		if !h.opens(user, password) || h.opens(user, "wrong horse battery") {
			t.Errorf("%s: its password does not open it, or any does", user)
		}
	}
	out = h.loads("accounts", "action,address,password\nupdate,a@alpha.example,another horse battery\n")
	if out.Updated != 1 || h.opens("a", made) || !h.opens("a", "another horse battery") {
		t.Errorf("%+v", out)
	}
	var sheet bytes.Buffer
	h.must(bulk.WritePasswords(&sheet, []bulk.Password{{Address: mail.Address{Local: "a", Domain: "alpha.example"}, Name: "=甲", Password: "x"}}, true))
	if got := sheet.String(); got != "\ufeffメールアドレス,氏名,初期パスワード\r\na@alpha.example,'=甲,x\r\n" {
		t.Errorf("%q", got)
	}
}

// TestCP5UpdateLeavesClearsAndDeletes: an empty field leaves things as they are, "-" clears them, and deletions need their number.
func TestCP5UpdateLeavesClearsAndDeletes(t *testing.T) {
	h := newHall(t, 10)
	_, err := h.company.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "営業"})
	h.must(err)
	h.loads("accounts", "action,address,last_name,department,forward_to,keep_copy,group,imap,user_forward_allowed,gal_visible,status,lang,memo\n"+
		"add,a@alpha.example,佐藤,総務,x@beta.example;y@beta.example,yes,営業,no,no,no,suspended,en,m\nadd,b@alpha.example,,,,,,,,,,,\n")
	a := h.find("a@alpha.example")
	if len(a.Forward.To) != 2 || !a.Forward.Keep || len(a.Groups) != 1 || !a.NoIMAP || !a.NoUserForward || !a.Hidden || a.State != directory.AccountSuspended || a.Lang != "en" {
		t.Fatalf("%+v", a)
	}
	out := h.loads("accounts", "処理,アドレス,姓,部署,転送先,グループ\n変更,ａ＠alpha.example,,-,-,-\n変更,b@alpha.example,,,,\n")
	b := h.find("a@alpha.example")
	if b.Profile.LastName != "佐藤" || b.Profile.Department != "" || b.Forward.On() || len(b.Groups) != 0 || !b.NoIMAP || out.Updated != 1 || out.Same != 1 {
		t.Errorf("%+v, %+v", b, out)
	}
	text := []byte("action,address\ndelete,a@alpha.example\ndelete,b@alpha.example\n")
	out, err = h.load("accounts", text, bulk.Options{})
	h.says(err, mail.Conflict, "import.confirm_deletes")
	if out.Deleted != 2 || h.count() != 2 {
		t.Errorf("%+v", out)
	}
	_, err = h.load("accounts", text, bulk.Options{ConfirmDeletes: 2})
	h.must(err)
	if a := h.find("a@alpha.example"); a.State != directory.AccountDeleted || h.count() != 0 {
		t.Errorf("%+v", a)
	}
}

// TestML1ImportPastTheContract: more accounts than IDs are refused, saying how many are over; deletions of the same file make room.
func TestML1ImportPastTheContract(t *testing.T) {
	h := newHall(t, 10)
	var b strings.Builder
	b.WriteString("action,address\n")
	for i := range 12 {
		fmt.Fprintf(&b, "add,u%d@alpha.example\n", i)
	}
	out, err := h.load("accounts", []byte(b.String()), bulk.Options{})
	h.says(err, mail.Invalid, "import.refused")
	if got := fmt.Sprint(findings(out)); got != "[0  import.ids_over [alpha.example 10 2] 12 address ids.exhausted [alpha.example 10] 13 address ids.exhausted [alpha.example 10]]" {
		t.Errorf("%s", got)
	}
	_, err = h.load("accounts", []byte(b.String()), bulk.Options{GoodLinesOnly: true})
	h.must(err)
	if n := h.count(); n != 10 {
		t.Errorf("%d accounts", n)
	}
	out, err = h.load("accounts", []byte("action,address\nadd,new@alpha.example\ndelete,u3@alpha.example\n"), bulk.Options{ConfirmDeletes: 1})
	h.must(err)
	if out.Added != 1 || out.Deleted != 1 || h.count() != 10 {
		t.Errorf("%+v", out)
	}
}

// TestML1LinesThatFailMakeNoRoom: a deletion that fails gives no ID back, and a line that fails takes none.
func TestML1LinesThatFailMakeNoRoom(t *testing.T) {
	h := newHall(t, 10)
	var b strings.Builder
	b.WriteString("action,address\n")
	for i := range 9 {
		fmt.Fprintf(&b, "add,u%d@alpha.example\n", i)
	}
	h.loads("accounts", b.String())
	out, err := h.load("accounts", []byte("action,address\ndelete,nobody@alpha.example\nadd,x@alpha.example\nadd,y@alpha.example\n"),
		bulk.Options{GoodLinesOnly: true})
	h.must(err)
	want := []string{"0  import.ids_over [alpha.example 10 1]", "2 address account.unknown [nobody@alpha.example]", "4 address ids.exhausted [alpha.example 10]"}
	if got := findings(out); fmt.Sprint(got) != fmt.Sprint(want) || out.Added != 1 || h.count() != 10 {
		t.Errorf("%d accounts, %d of them new\ngot  %q\nwant %q", h.count(), out.Added, got, want)
	}
	h.must(h.company.DeleteAccount(h.ctx, h.ops, h.find("x@alpha.example").ID))
	out, err = h.load("accounts", []byte("action,address\nadd,u1@alpha.example\nadd,z@alpha.example\n"), bulk.Options{GoodLinesOnly: true})
	h.must(err)
	if got := findings(out); fmt.Sprint(got) != "[2 address address.taken [u1@alpha.example]]" || h.count() != 10 {
		t.Errorf("%d accounts, %q", h.count(), got)
	}
}

// TestCP5CharsetIsFound: also where a file has so little Japanese that it could be either.
func TestCP5CharsetIsFound(t *testing.T) {
	h := newHall(t, 10)
	for i, c := range []struct {
		name    string
		written bulk.Charset
	}{
		{"ﾔｽ", bulk.CP932}, {"ﾔｽ ﾔｽ", bulk.CP932}, {"ﾃｽﾄ", bulk.CP932}, {"〜～－髙①", bulk.CP932},
		{"André", bulk.UTF8}, {"ﾔｽ", bulk.UTF8}, {"Ünal", bulk.UTF8}, {"安井", bulk.UTF8}, {"Иван", bulk.UTF8},
	} {
		address := fmt.Sprintf("u%d@alpha.example", i)
		text := []byte("action,address,last_name\nadd," + address + "," + c.name + "\n")
		want := c.name
		if c.written == bulk.CP932 {
			want = strings.ReplaceAll(c.name, "〜", "～") // CP932 has one of them
			var err error
			text, err = japanese.ShiftJIS.NewEncoder().Bytes([]byte(strings.ReplaceAll(string(text), "〜", "～")))
			h.must(err)
		}
		out, err := h.load("accounts", text, bulk.Options{})
		h.must(err)
		if got := h.find(address).Profile.LastName; got != want || out.Charset != c.written {
			t.Errorf("%q in %s came as %q in %s", c.name, c.written, got, out.Charset)
		}
	}
}

// TestCP5FilesThatCantBeRead: what is wrong with a file as a whole is said before anything is judged.
func TestCP5FilesThatCantBeRead(t *testing.T) {
	h := newHall(t, 10)
	head := "action,address\n"
	for name, c := range map[string]struct {
		text string
		kind mail.Kind
		key  string
	}{
		"nothing":         {"", mail.Invalid, "import.empty"},
		"unknown column":  {"action,address,shoe_size\n", mail.Invalid, "import.column"},
		"column twice":    {"action,address,アドレス\n", mail.Invalid, "import.column_twice"},
		"column missing":  {"action,last_name\n", mail.Invalid, "import.header"},
		"box size (SV-4)": {"action,address,容量\n", mail.Invalid, "import.size_fixed"},
		"quota (SV-4)":    {"action,address,Quota\n", mail.Invalid, "import.size_fixed"},
		"too many lines":  {head + strings.Repeat("add,a@alpha.example\n", bulk.MaxLines+1), mail.Full, "import.too_many_lines"},
		"too big":         {head + strings.Repeat(" ", bulk.MaxFile), mail.Full, "import.too_big"},
		"no charset":      {head + "add,a@alpha.example\xff\xfe\x80\n", mail.Invalid, "import.charset"},
		"UTF-16":          {"\xff\xfea\x00c\x00", mail.Invalid, "import.charset"},
		"broken UTF-8":    {"\ufeff" + head + "add,\xe3\x81@alpha.example\n", mail.Invalid, "import.charset"},
	} {
		_, err := h.load("accounts", []byte(c.text), bulk.Options{})
		if got, _ := mail.TextOf(err); got != c.key || !mail.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
		if err := bulk.Check("accounts", []byte(c.text)); !mail.Is(err, c.kind) {
			t.Errorf("%s is not seen by Check", name)
		}
	}
	_, err := h.load("shoes", nil, bulk.Options{})
	h.says(err, mail.NotFound, "import.kind")
}

// TestCP5LinesThatAreBad: each fault is told with its line and its column.
func TestCP5LinesThatAreBad(t *testing.T) {
	h := newHall(t, 10)
	out, err := h.load("accounts", []byte("action,address,status,gal_visible,lang,group,forward_to,password\r\n"+
		"move,a@alpha.example,,,,,,\r\n"+
		"add,nobody,,,,,,\r\n"+
		"add,b@alpha.example,asleep,perhaps,fr,,x y@z,\r\n"+
		"add,c@alpha.example,,,,nobody,,\r\n"+
		"add,d@gamma.example,,,,,,\r\n"+
		"\r\n"+
		"update,e@alpha.example,,,,,,\r\n"+
		"add,f@alpha.example,,,,,,,,more\r\n"+
		"add,\"g@alpha.example,,,,,,\r\n"), bulk.Options{})
	h.says(err, mail.Invalid, "import.refused")
	want := []string{
		"2 action import.action [move]", "3 address address.malformed [nobody]", "4 gal_visible import.answer [perhaps]",
		"4 status import.status [asleep]", "4 forward_to address.malformed [x y@z]", "4 lang lang.unknown [fr]",
		"5 group group.unknown [nobody]", "6 address domain.unknown [gamma.example]", "8 address account.unknown [e@alpha.example]",
		"9  import.cells [10 8]", "10  import.syntax []",
	}
	if got := findings(out); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestCP5ExportComesBack: what is exported can be imported again and changes nothing, in every form; formulas are made harmless, and no
// password is in it.
func TestCP5ExportComesBack(t *testing.T) {
	h := newHall(t, 10)
	_, err := h.company.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: "営業"})
	h.must(err)
	h.loads("accounts", "action,address,display_name,department,memo,group,forward_to,keep_copy,password\n"+
		"add,a@alpha.example,=1+1,'90年代,0312345678,営業,x@beta.example,no,correct horse battery\nadd,b@alpha.example,髙﨑,＋,\"1行\n2行\",,,,\n")
	for _, form := range []bulk.Form{{}, {Lossless: true}, {Japanese: true}, {Charset: bulk.CP932}, {Charset: bulk.CP932, Japanese: true}} {
		text := h.export("accounts", form)
		if form.Charset != bulk.CP932 && !strings.HasPrefix(text, "\ufeff") || strings.Contains(text, "horse") || !strings.Contains(text, "\r\n") {
			t.Errorf("%+v: %q", form, text)
		}
		if form == (bulk.Form{}) && (!strings.Contains(text, ",'=1+1,") || !strings.Contains(text, "0312345678")) {
			t.Errorf("%q", text)
		}
		out, err := h.load("accounts", []byte(text), bulk.Options{})
		if err != nil {
			t.Fatalf("%+v: %v %v", form, err, findings(out))
		}
		if form.Lossless { // the apostrophe of '90 is told from ours by what follows it
			continue
		}
		if out.Same != 2 || out.Updated != 0 {
			t.Errorf("%+v: %+v", form, out)
		}
	}
	h.loads("accounts", "action,address,display_name\nadd,c@alpha.example,😀\n")
	var text bytes.Buffer
	lacking, err := bulk.Export(h.ctx, h.company, "accounts", directory.Selected{Whole: true}, &text, bulk.Form{Charset: bulk.CP932})
	h.must(err)
	if got := findings(&bulk.Outcome{Findings: lacking}); fmt.Sprint(got) != "[4  export.foreign [c@alpha.example 😀]]" || strings.Contains(text.String(), "?") {
		t.Errorf("%q", got)
	}
	if _, err := bulk.Export(h.ctx, h.company, "accounts", directory.Selected{}, &text, bulk.Form{Charset: "ebcdic"}); !mail.Is(err, mail.Invalid) {
		t.Error(err)
	}
}

// TestCP5AlsoIsPartOfTheCommit: what fails beside the import takes the import back.
func TestCP5AlsoIsPartOfTheCommit(t *testing.T) {
	h := newHall(t, 10)
	in := &bulk.Import{Company: h.company, By: h.ops, Kind: "accounts", Text: []byte("action,address\nadd,a@alpha.example\n"), Watch: quiet{}}
	in.Also = func(_ store.Tx, out *bulk.Outcome) error { return mail.E("test", mail.Busy, "auth.busy") }
	_, err := in.Run(h.ctx)
	h.says(err, mail.Busy, "auth.busy")
	if n := h.count(); n != 0 {
		t.Errorf("%d accounts", n)
	}
}

// rows reads a file back.
func rows(t testing.TB, text string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// opens tells whether a password is the account's. As it is an initial one, the door of POP3 says that it must be changed.
func (h *hall) opens(user, password string) bool {
	_, err := h.dir.SignIn(h.ctx, mail.Origin{Door: "pop3s", Zone: mail.ZoneInternet}, "pop3s", user+"@alpha.example", password)
	key, _ := mail.TextOf(err)
	return err == nil || key == "auth.must_change"
}
