package contacts_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tegami/contacts"
	"tegami/directory"
	"tegami/mail"
	"tegami/wire/sheet"
	"tegami/wire/vcard"
)

// TestML6TwoBooksFromTheStart: both are there when first asked for, in the account's language, and stay.
func TestML6TwoBooksFromTheStart(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "ja", "sato")
	h.company("beta.example", "en", "smith")
	for address, want := range map[string][]string{"sato@alpha.example": {"連絡先", "メールを送信した連絡先"}, "smith@beta.example": {"Contacts", "Emailed Contacts"}} {
		a := h.open(address)
		for range 2 {
			books, err := a.Books(h.ctx)
			h.must(err)
			if len(books) != 2 || books[0].Name != want[0] || books[1].Name != want[1] || !books[0].Default || books[1].Default {
				t.Fatalf("%+v", books)
			}
			for _, b := range books {
				h.refused(a.DeleteBook(h.ctx, b.ID, true), mail.Denied, "contacts.book.fixed")
				_, err := a.ChangeBook(h.ctx, b.ID, func(s *contacts.BookSpec) error { s.Name = "x"; return nil })
				h.refused(err, mail.Denied, "contacts.book.fixed")
				_, err = a.ChangeBook(h.ctx, b.ID, func(s *contacts.BookSpec) error { s.Color = "#ff0000"; return nil })
				h.must(err)
			}
		}
	}
}

func TestML6MoreBooks(t *testing.T) {
	h, a := one(t)
	b, err := a.AddBook(h.ctx, "", contacts.BookSpec{Name: "取引先"})
	h.must(err)
	_, err = a.AddBook(h.ctx, b.Path, contacts.BookSpec{Name: "x"})
	h.refused(err, mail.Conflict, "contacts.book.exists")
	_, err = a.AddBook(h.ctx, contacts.GALPath, contacts.BookSpec{Name: "x"})
	h.refused(err, mail.Conflict, "contacts.book.exists")
	for _, s := range []contacts.BookSpec{{}, {Name: "a\nb"}, {Name: "a", Color: "red"}, {Name: strings.Repeat("x", 256)}, {Name: "a", Description: strings.Repeat("x", 1001)}} {
		if _, err := a.AddBook(h.ctx, "", s); !mail.Is(err, mail.Invalid) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	h.must(a.SetDefault(h.ctx, b.ID))
	c := h.add(a, person("山田", "太郎", "", "", "y@x.example"))
	if c.Book != b.ID {
		t.Error("the card is not in the default book")
	}
	h.refused(a.DeleteBook(h.ctx, b.ID, false), mail.Conflict, "contacts.book.not_empty")
	h.must(a.DeleteBook(h.ctx, b.ID, true))
	_, err = a.Card(h.ctx, c.ID)
	h.refused(err, mail.NotFound, "contacts.card.unknown")
	_, err = a.AddCard(h.ctx, b.ID, person("a", "b", "", ""))
	h.refused(err, mail.NotFound, "contacts.book.unknown")
	for i := 2; i < contacts.MaxBooks; i++ {
		_, err := a.AddBook(h.ctx, "", contacts.BookSpec{Name: fmt.Sprint(i)})
		h.must(err)
	}
	_, err = a.AddBook(h.ctx, "", contacts.BookSpec{Name: "one more"})
	h.refused(err, mail.Full, "contacts.book.too_many")
}

func TestML6CardsAndTheirChanges(t *testing.T) {
	h, a := one(t, func(c *contacts.Config) { c.MaxCards = 3 })
	books, err := a.Books(h.ctx)
	h.must(err)
	start, err := a.State(h.ctx)
	h.must(err)
	c := h.add(a, person("山田", "太郎", "やまだ", "たろう", "y@x.example"))
	js, err := c.JSContact()
	h.must(err)
	if js.UID() == "" || js["created"] == nil || js["updated"] == nil {
		t.Errorf("%v", js)
	}
	js["uid"] = js.UID()
	_, err = a.AddCard(h.ctx, 0, js)
	h.refused(err, mail.Conflict, "contacts.uid_taken")
	_, err = a.AddCard(h.ctx, books[1].ID, js) // the same uid in another book: devices move cards so
	h.must(err)
	_, err = a.AddCard(h.ctx, 0, vcard.Card{"emails": map[string]any{"1": map[string]any{}}, "name": "x"})
	h.refused(err, mail.Invalid, "card.property")
	h.add(a, person("三", "人", "", ""))
	_, err = a.AddCard(h.ctx, 0, person("四", "人", "", ""))
	h.refused(err, mail.Full, "contacts.too_many")

	was := c.ModSeq
	c, err = a.ChangeCard(h.ctx, c.ID, func(js vcard.Card, book mail.ObjectID) (vcard.Card, mail.ObjectID, error) {
		js["notes"] = map[string]any{"1": map[string]any{"note": "x"}}
		return js, book, nil
	})
	h.must(err)
	if c.ModSeq <= was {
		t.Error("no new ModSeq")
	}
	ch, err := a.CardChanges(h.ctx, start, 0)
	h.must(err)
	if len(ch.List) != 3 || ch.More || ch.List[2].ID != c.ID {
		t.Errorf("%+v", ch)
	}
	part, err := a.CardChanges(h.ctx, start, 2)
	h.must(err)
	rest, err := a.CardChanges(h.ctx, part.State, 2)
	h.must(err)
	if len(part.List) != 2 || !part.More || len(rest.List) != 1 || rest.More || rest.State != ch.State {
		t.Errorf("%+v %+v", part, rest)
	}
	h.must(a.DeleteCard(h.ctx, c.ID, c.ETag()))
	gone, err := a.CardChanges(h.ctx, ch.State, 0)
	h.must(err)
	if len(gone.List) != 1 || !gone.List[0].Gone || gone.List[0].Path != c.Path || gone.List[0].Book != c.Book {
		t.Errorf("%+v", gone)
	}
	h.refused(a.DeleteCard(h.ctx, c.ID, ""), mail.NotFound, "contacts.card.unknown")
	_, err = a.CardChanges(h.ctx, 1<<40, 0)
	h.refused(err, mail.Conflict, "contacts.changes_forgotten")
}

// TestML6VCardStaysAsItCame: what a device put comes back octet by octet, also beside what JSContact shows of it, until somebody changes it.
func TestML6VCardStaysAsItCame(t *testing.T) {
	h, a := one(t)
	books, err := a.Books(h.ctx)
	h.must(err)
	text := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nN:山田;太郎;;;\r\nFN:山田 太郎\r\nX-ODD;a=B:c\r\nEND:VCARD\r\n"
	put, err := a.PutVCard(h.ctx, books[0].ID, "one.vcf", []byte(text), contacts.Condition{None: true})
	h.must(err)
	if !put.Created || !put.Exact {
		t.Errorf("%+v", put)
	}
	_, err = a.PutVCard(h.ctx, books[0].ID, "one.vcf", []byte(text), contacts.Condition{None: true})
	h.refused(err, mail.Conflict, "object.changed")
	_, err = a.PutVCard(h.ctx, books[0].ID, "one.vcf", []byte(text), contacts.Condition{ETag: `"1"`})
	h.refused(err, mail.Conflict, "object.changed")
	_, err = a.PutVCard(h.ctx, books[0].ID, "two.vcf", []byte(text), contacts.Condition{})
	h.refused(err, mail.Conflict, "contacts.uid_taken")
	_, err = a.PutVCard(h.ctx, books[0].ID, "two.vcf", []byte("x"), contacts.Condition{})
	h.refused(err, mail.Invalid, "vcard.malformed")
	_, err = a.PutVCard(h.ctx, books[0].ID, "two.vcf", []byte(text+text), contacts.Condition{})
	h.refused(err, mail.Invalid, "vcard.several")
	c, err := a.CardAt(h.ctx, books[0].ID, "one.vcf")
	h.must(err)
	if got, err := c.VCard(""); err != nil || string(got) != text {
		t.Errorf("%s %v", got, err)
	}
	state, err := a.State(h.ctx)
	h.must(err)
	moved, err := a.ChangeCard(h.ctx, c.ID, func(js vcard.Card, _ mail.ObjectID) (vcard.Card, mail.ObjectID, error) { return js, books[1].ID, nil })
	h.must(err)
	if got, err := moved.VCard(""); err != nil || string(got) != text || moved.Book != books[1].ID || moved.ID != c.ID {
		t.Errorf("%s %v", got, err)
	}
	for book, gone := range map[mail.ObjectID]bool{books[0].ID: true, books[1].ID: false} {
		ch, err := a.SyncBook(h.ctx, book, state, 0)
		h.must(err)
		if len(ch.List) != 1 || ch.List[0].Gone != gone || ch.List[0].Path != "one.vcf" {
			t.Errorf("%+v", ch)
		}
	}
	changed, err := a.ChangeCard(h.ctx, c.ID, func(js vcard.Card, book mail.ObjectID) (vcard.Card, mail.ObjectID, error) {
		js["emails"] = map[string]any{"1": map[string]any{"address": "y@x.example"}}
		return js, book, nil
	})
	h.must(err)
	got, err := changed.VCard("")
	h.must(err)
	for _, line := range []string{"X-ODD;A=B:c", "EMAIL:y@x.example", "N:山田;太郎;;;", "UID:1", "VERSION:3.0"} {
		if !strings.Contains(string(got), line+"\r\n") {
			t.Errorf("without %s:\n%s", line, got)
		}
	}
}

// TestML6NoteSent: whom one writes to comes into [メールを送信した連絡先], unless he is in a book or it is switched off.
func TestML6NoteSent(t *testing.T) {
	off := false
	h, a := one(t, func(c *contacts.Config) {
		c.Collects = func(context.Context, *directory.Identity) (bool, error) { return !off, nil }
	})
	h.add(a, person("山田", "太郎", "", "", "Known@x.example"))
	books, err := a.Books(h.ctx)
	h.must(err)
	to := func(texts ...string) (list []contacts.Recipient) {
		for _, s := range texts {
			name, address, _ := strings.Cut(s, "|")
			addr, err := mail.ParseAddress(address)
			h.must(err)
			list = append(list, contacts.Recipient{Address: addr, Name: name})
		}
		return list
	}
	id := a.Identity()
	h.must(h.books.NoteSent(h.ctx, id, to("x|known@x.example", "鈴木 一郎|new@x.example", "|plain@x.example", "|sato@alpha.example", "again|NEW@x.example", "a@b.example|a@b.example", `|"a..b"@docomo.ne.jp`)))
	h.must(h.books.NoteSent(h.ctx, id, to("|new@x.example", "|a..b@docomo.ne.jp")))
	off = true
	h.must(h.books.NoteSent(h.ctx, id, to("|off@x.example")))
	ids, _, err := a.Query(h.ctx, &contacts.Filter{When: &contacts.Having{Book: books[1].ID}}, nil)
	h.must(err)
	names := h.names(a, ids)
	slices.Sort(names)
	if want := []string{`"a..b"@docomo.ne.jp`, "a@b.example", "plain@x.example", "鈴木 一郎"}; !reflect.DeepEqual(names, want) {
		t.Errorf("%q", names)
	}
	got, err := a.Complete(h.ctx, "off", 0)
	h.must(err)
	if len(got) != 1 || got[0].Source != contacts.FromRecent {
		t.Errorf("%+v", got)
	}
}

// TestML6Completion: all books, the company's address book and those written to, by kana of any width, the most used first.
func TestML6Completion(t *testing.T) {
	h := newHouse(t)
	c := h.company("alpha.example", "ja", "sato")
	colleague := func(local string, p directory.Profile, hidden bool) {
		h.account(c, directory.AccountSpec{Address: mail.Address{Local: local, Domain: "alpha.example"}, Profile: p, Hidden: hidden})
	}
	colleague("tanaka", directory.Profile{LastName: "田中", FirstName: "次郎", LastKana: "たなか", FirstKana: "じろう", Department: "営業部"}, false)
	colleague("hidden", directory.Profile{LastName: "田中", FirstName: "隠", LastKana: "たなか"}, true)
	h.domain(c, "other.example", "tanaka")
	a := h.open("sato@alpha.example")
	h.add(a, person("田辺", "花子", "ﾀﾅﾍﾞ", "ﾊﾅｺ", "hanako@x.example", "h2@x.example"))
	group := person("", "", "", "")
	group["kind"], group["name"] = "group", map[string]any{"full": "棚卸し組", "sortAs": map[string]any{"surname": "たなおろし"}}
	member := h.add(a, person("森", "一", "", "", "mori@x.example"))
	js, err := member.JSContact()
	h.must(err)
	group["members"] = map[string]any{"urn:uuid:" + js.UID(): true}
	delete(group, "emails")
	h.add(a, group)

	complete := func(typed string) (list []string) {
		t.Helper()
		got, err := a.Complete(h.ctx, typed, 0)
		h.must(err)
		for _, s := range got {
			list = append(list, strings.TrimSpace(string(s.Source)+" "+s.Address+s.Department))
			if s.Source == contacts.FromGroup && (len(s.Members) != 1 || s.Members[0].Address != "mori@x.example") {
				t.Errorf("%+v", s)
			}
		}
		return list
	}
	everybody := []string{"group", "gal tanaka@alpha.example営業部", "card h2@x.example", "card hanako@x.example"}
	for typed, want := range map[string][]string{
		"たな": everybody, "タナ": everybody, "ﾀﾅ": everybody, "ﾀﾅﾍﾞ": everybody[2:], "田辺": everybody[2:], "花子": everybody[2:], "たなか じ": everybody[1:2],
		"田中次": everybody[1:2], "営業": everybody[1:2], "hana": everybody[3:], "HANAKO@X": everybody[3:], "tanaka@": everybody[1:2], "x.example": {"card h2@x.example", "card hanako@x.example", "card mori@x.example"},
		"": nil, "なか": nil, "hidden": nil,
	} {
		if got := complete(typed); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
	hanako, _ := mail.ParseAddress("hanako@x.example")
	h.must(h.books.NoteSent(h.ctx, a.Identity(), []contacts.Recipient{{Address: hanako}}))
	if got := complete("たな"); got[0] != "card hanako@x.example" {
		t.Errorf("%q", got)
	}
	colleague("tanahashi", directory.Profile{LastName: "棚橋", LastKana: "たなはし"}, false)
	if got := complete("たなは"); !reflect.DeepEqual(got, []string{"gal tanahashi@alpha.example"}) {
		t.Errorf("%q", got)
	}
}

// TestML6GAL: the same domain, without hidden accounts, by reading, with 所属 and ふりがな; nobody of another domain sees it.
func TestML6GAL(t *testing.T) {
	h := newHouse(t)
	c := h.company("alpha.example", "ja")
	h.domain(c, "other.example", "elsewhere")
	for i, p := range []directory.Profile{{LastName: "渡辺", LastKana: "ワタナベ"}, {LastName: "青木", LastKana: "ｱｵｷ", Department: "総務部", Extension: "123"}, {LastName: "加藤", LastKana: "かとう"}, {LastName: "秘密", LastKana: "あ"}} {
		h.account(c, directory.AccountSpec{Address: mail.Address{Local: fmt.Sprint("u", i), Domain: "alpha.example"}, Profile: p, Hidden: i == 3})
	}
	a := h.open("u0@alpha.example")
	list, state, err := a.GAL(h.ctx, contacts.GALFilter{})
	h.must(err)
	var names []string
	for _, card := range list {
		names = append(names, card.Profile.LastName)
	}
	if !reflect.DeepEqual(names, []string{"青木", "加藤", "渡辺"}) || state == "" {
		t.Errorf("%q", names)
	}
	for _, f := range []contacts.GALFilter{{Text: "あおき"}, {Text: "ｱｵｷ"}, {Department: "総務部"}, {Text: "総務 123"}} {
		if list, _, err := a.GAL(h.ctx, f); err != nil || len(list) != 1 || list[0].Profile.LastName != "青木" {
			t.Errorf("%+v: %+v %v", f, list, err)
		}
	}
	js := a.GALCard(&list[0])
	if js.Check() != nil || js.Kana() != "ｱｵｷ" || js.Department() != "総務部" {
		t.Errorf("%v", js)
	}
	other := h.open("elsewhere@other.example")
	if got, _, err := other.GALCards(h.ctx, []mail.ObjectID{list[0].ID}); err != nil || len(got) != 0 {
		t.Errorf("seen from another domain: %+v %v", got, err)
	}
}

// TestML6Isolation: nobody reaches the books and cards of another account.
func TestML6Isolation(t *testing.T) {
	h := newHouse(t)
	h.company("alpha.example", "ja", "sato", "suzuki")
	h.company("beta.example", "ja", "tanaka")
	a := h.open("sato@alpha.example")
	c := h.add(a, person("山田", "太郎", "", "", "yamada@x.example"))
	books, err := a.Books(h.ctx)
	h.must(err)
	for _, address := range []string{"suzuki@alpha.example", "tanaka@beta.example"} {
		b := h.open(address)
		_, err := b.Card(h.ctx, c.ID)
		h.refused(err, mail.NotFound, "contacts.card.unknown")
		_, err = b.Book(h.ctx, books[0].ID)
		h.refused(err, mail.NotFound, "contacts.book.unknown")
		_, err = b.AddCard(h.ctx, books[0].ID, person("x", "y", "", ""))
		h.refused(err, mail.NotFound, "contacts.book.unknown")
		_, err = b.CardAt(h.ctx, books[0].ID, c.Path)
		h.refused(err, mail.NotFound, "contacts.card.unknown")
		_, err = b.MoveTo(h.ctx, c.ID, books[0].ID, "x", true, true)
		h.refused(err, mail.NotFound, "contacts.book.unknown")
		h.refused(b.DeleteCard(h.ctx, c.ID, ""), mail.NotFound, "contacts.card.unknown")
		h.refused(b.DeleteBook(h.ctx, books[0].ID, true), mail.NotFound, "contacts.book.unknown")
		if got, err := b.Complete(h.ctx, "山田", 0); err != nil || len(got) != 0 {
			t.Errorf("%+v %v", got, err)
		}
		if list, _, err := b.List(h.ctx, books[0].ID); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
	}
}

func TestML6Query(t *testing.T) {
	h, a := one(t)
	yamada := person("山田", "太郎", "やまだ", "たろう", "y@x.example")
	yamada["notes"] = map[string]any{"1": map[string]any{"note": "釣り"}}
	yamada["nicknames"] = map[string]any{"1": map[string]any{"name": "ヤマ"}}
	yamada["updated"] = "2020-01-01T00:00:00Z"
	h.add(a, yamada)
	h.add(a, person("青木", "次郎", "アオキ", "ジロウ", "aoki@x.example"))
	h.add(a, person("Smith", "John", "", "", "john@x.example"))
	find := func(f *contacts.Filter, order ...contacts.Sort) string {
		t.Helper()
		ids, _, err := a.Query(h.ctx, f, order)
		h.must(err)
		return strings.Join(h.names(a, ids), ",")
	}
	when := func(w contacts.Having) *contacts.Filter { return &contacts.Filter{When: &w} }
	before := when(contacts.Having{UpdatedBefore: parseTime(t, "2021-01-01T00:00:00Z")})
	for want, f := range map[string]*contacts.Filter{
		"John Smith,青木 次郎,山田 太郎": nil,
		"山田 太郎":                  when(contacts.Having{Text: "ﾔﾏﾀﾞ"}), "青木 次郎": when(contacts.Having{Surname: "あおき"}), "John Smith": when(contacts.Having{Given: "joh"}),
		"": when(contacts.Having{Text: "ない"}), "John Smith,青木 次郎": {Operator: contacts.None, Filters: []contacts.Filter{*when(contacts.Having{Note: "釣"}), *before}},
		"青木 次郎,山田 太郎": {Operator: contacts.Any, Filters: []contacts.Filter{*when(contacts.Having{Nickname: "やま"}), *when(contacts.Having{Email: "AOKI"})}},
	} {
		if got := find(f); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := find(nil, contacts.Sort{By: "updated"}); !strings.HasPrefix(got, "山田") {
		t.Error(got)
	}
	if got := find(nil, contacts.Sort{By: "name/given", Descending: true}); got != "山田 太郎,青木 次郎,John Smith" {
		t.Error(got)
	}
}

// TestML6ImportExport brings files in and out: what is there already is found, what is wrong is told with its line.
func TestML6ImportExport(t *testing.T) {
	h, a := one(t, func(c *contacts.Config) { c.MaxCards = 5 })
	csv := "姓,名,姓ふりがな,メールアドレス,謎\n山田,太郎,やまだ,y@x.example,1\n,,,,\n青木,次郎,あおき,a@x.example\n=1,x,,f@x.example,,,9\n"
	r, err := a.Import(h.ctx, []byte(csv), contacts.Import{})
	h.must(err)
	if r.Added != 2 || r.Format != "csv" || len(r.Failed) != 1 || r.Failed[0].Number != 5 || !reflect.DeepEqual(r.Ignored, []string{"謎"}) {
		t.Errorf("%+v", r)
	}
	r, err = a.Import(h.ctx, []byte(csv), contacts.Import{})
	h.must(err)
	if r.Added != 0 || r.Skipped != 2 {
		t.Errorf("%+v", r)
	}
	r, err = a.Import(h.ctx, []byte(csv), contacts.Import{Doubles: contacts.ReplaceDoubles})
	h.must(err)
	if r.Replaced != 2 || r.Added != 0 {
		t.Errorf("%+v", r)
	}
	var out bytes.Buffer
	_, err = a.Export(h.ctx, &out, contacts.Export{Format: "vcard"})
	h.must(err)
	if strings.Count(out.String(), "BEGIN:VCARD") != 2 || strings.Index(out.String(), "青木") > strings.Index(out.String(), "山田") {
		t.Errorf("%s", out.String())
	}
	r, err = a.Import(h.ctx, out.Bytes(), contacts.Import{})
	h.must(err)
	if r.Skipped != 2 || r.Format != "vcard" {
		t.Errorf("%+v", r)
	}
	r, err = a.Import(h.ctx, append(out.Bytes(), out.Bytes()...), contacts.Import{Doubles: contacts.KeepDoubles})
	h.must(err)
	if key, _ := mail.TextOf(r.Failed[0].Err); r.Added != 3 || len(r.Failed) != 1 || key != "contacts.too_many" || r.Failed[0].Number < 10 {
		t.Errorf("%+v", r)
	}
	out.Reset()
	_, err = a.Export(h.ctx, &out, contacts.Export{Format: "csv", Form: sheet.Form{Charset: sheet.CP932, Japanese: true}})
	h.must(err)
	if table, err := vcard.ReadCSV(out.Bytes()); err != nil || len(table.Lines) != 5 || table.Charset != sheet.CP932 {
		t.Errorf("%+v %v", table, err)
	}
	_, err = a.Export(h.ctx, &out, contacts.Export{Format: "xml"})
	h.refused(err, mail.Invalid, "contacts.format")
	_, err = a.Import(h.ctx, nil, contacts.Import{})
	h.refused(err, mail.Invalid, "import.empty")
}
