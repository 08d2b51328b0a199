package vcard

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	emersion "github.com/emersion/go-vcard"

	"golang.org/x/text/encoding/japanese"

	"tegami/lab/archives"
	"tegami/mail"
)

// lines writes a card of its lines.
func lines(list ...string) []byte {
	return []byte("BEGIN:VCARD\r\n" + strings.Join(list, "\r\n") + "\r\nEND:VCARD\r\n")
}

func parse(t testing.TB, b []byte) *VCard {
	t.Helper()
	v, err := Parse(b)
	if err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

func TestML6ReadPhoneCards(t *testing.T) {
	sjis := func(s string) string {
		out, err := japanese.ShiftJIS.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	quoted := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(sjis(s)) {
			b.WriteString("=" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
		return b.String()
	}
	tests := map[string][]byte{
		"quoted-printable": lines("VERSION:2.1", "N;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:"+quoted("表示")+";"+quoted("花子"),
			"SOUND;X-IRMC-N;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:"+quoted("ﾋｮｳｼﾞ")+";"+quoted("ﾊﾅｺ"), "TEL;CELL:090-1234-5678", "EMAIL;INTERNET:hanako@docomo.example"),
		"soft line end": lines("VERSION:2.1", "N;ENCODING=QUOTED-PRINTABLE;CHARSET=SHIFT_JIS:"+quoted("表示")+"=", ";"+quoted("花子"),
			"SOUND;X-IRMC-N;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:"+quoted("ﾋｮｳｼﾞ")+";"+quoted("ﾊﾅｺ"), "TEL;CELL:090-1234-5678", "EMAIL;INTERNET:hanako@docomo.example"),
		"raw with a label": lines("VERSION:2.1", "N;CHARSET=Shift_JIS:"+sjis("表示;花子"), "SOUND;X-IRMC-N;CHARSET=SHIFT_JIS:"+sjis("ﾋｮｳｼﾞ;ﾊﾅｺ"), "TEL;CELL:090-1234-5678", "EMAIL;INTERNET:hanako@docomo.example"),
		"raw without":      lines("VERSION:3.0", "N:"+sjis("表示;花子"), "X-PHONETIC-LAST-NAME:"+sjis("ﾋｮｳｼﾞ"), "X-PHONETIC-FIRST-NAME:"+sjis("ﾊﾅｺ"), "TEL;TYPE=CELL:090-1234-5678", "EMAIL:hanako@docomo.example"),
	}
	for name, b := range tests {
		c := FromVCard(parse(t, b))
		got := []string{c.Surname(), c.Given(), c.Kana(), c.Name(), strings.Join(c.Emails(), " ")}
		want := []string{"表示", "花子", "ﾋｮｳｼﾞ ﾊﾅｺ", "表示 花子", "hanako@docomo.example"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q", name, got)
		}
		if f := object(object(object(c["phones"])["1"])["features"]); f["mobile"] != true {
			t.Errorf("%s: %v", name, c["phones"])
		}
	}
}

// TestML6Conversion compares cards of vCard 4.0 with JSContact.
func TestML6Conversion(t *testing.T) {
	tests := []struct{ line, want string }{
		{`N:山田;太郎;;;`, `"name":{"components":[{"kind":"surname","value":"山田"},{"kind":"given","value":"太郎"}]}`},
		{"N:山田;太郎;;;\r\nX-PHONETIC-LAST-NAME:やまだ\r\nX-PHONETIC-FIRST-NAME:たろう",
			`"name":{"components":[{"kind":"surname","phonetic":"やまだ","value":"山田"},{"kind":"given","phonetic":"たろう","value":"太郎"}],"phoneticScript":"Hira"}`},
		{"N;ALTID=1:山田;太郎;;;\r\nN;ALTID=1;PHONETIC=script:ヤマダ;タロウ;;;",
			`"name":{"components":[{"kind":"surname","phonetic":"ヤマダ","value":"山田"},{"kind":"given","phonetic":"タロウ","value":"太郎"}],"phoneticScript":"Kana"}`},
		{`N;SORT-AS="やまだ,たろう":山田;太郎;;;`, `"name":{"components":[{"kind":"surname","value":"山田"},{"kind":"given","value":"太郎"}],"sortAs":{"given":"たろう","surname":"やまだ"}}`},
		{`N:Stevenson;John;Philip,Paul;Dr.;Jr.,M.D.`, `"name":{"components":[{"kind":"surname","value":"Stevenson"},{"kind":"given","value":"John"},{"kind":"given2","value":"Philip"},{"kind":"given2","value":"Paul"},{"kind":"title","value":"Dr."},{"kind":"credential","value":"Jr."},{"kind":"credential","value":"M.D."}]}`},
		{"FN:山田 太郎\r\nN:山田;太郎;;;", `"name":{"components":[{"kind":"surname","value":"山田"},{"kind":"given","value":"太郎"}]}`},
		{"FN:太郎 山田\r\nN:山田;太郎;;;", `"name":{"components":[{"kind":"surname","value":"山田"},{"kind":"given","value":"太郎"}],"full":"太郎 山田"}`},
		{"FN:John Smith\r\nN:Smith;John;;;", `"name":{"components":[{"kind":"surname","value":"Smith"},{"kind":"given","value":"John"}]}`},
		{`FN:山田 太郎`, `"name":{"full":"山田 太郎"}`},
		{`EMAIL;TYPE=work;PREF=1:a@example.jp`, `"emails":{"1":{"address":"a@example.jp","contexts":{"work":true},"pref":1}}`},
		{`TEL;TYPE=home,fax;X-FOO=bar:03-1234-5678`, `"phones":{"1":{"contexts":{"private":true},"features":{"fax":true},"number":"03-1234-5678","vCardParams":{"x-foo":"bar"}}}`},
		{"item1.EMAIL:a@b.example\r\nitem1.X-ABLABEL:_$!<School>!$_", `"emails":{"1":{"address":"a@b.example","label":"School"}}`},
		{"item1.ADR:;;1-2-3 銀座;中央区;東京都;104-0061;日本\r\nitem1.X-ABADR:jp",
			`"addresses":{"1":{"components":[{"kind":"name","value":"1-2-3 銀座"},{"kind":"locality","value":"中央区"},{"kind":"region","value":"東京都"},{"kind":"postcode","value":"104-0061"},{"kind":"country","value":"日本"}],"vCardParams":{"group":"item1"}}},"vCardProps":[["x-abadr",{"group":"item1"},"unknown","jp"]]`},
		{`ORG:株式会社手紙;営業部;第一課`, `"organizations":{"1":{"name":"株式会社手紙","units":[{"name":"営業部"},{"name":"第一課"}]}}`},
		{"TITLE:部長\r\nROLE:窓口", `"titles":{"1":{"name":"部長"},"2":{"kind":"role","name":"窓口"}}`},
		{`BDAY:--0412`, `"anniversaries":{"1":{"date":{"day":12,"month":4},"kind":"birth"}}`},
		{`BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12`, `"anniversaries":{"1":{"date":{"day":12,"month":4},"kind":"birth"}}`},
		{`BDAY;VALUE=text:about 1800`, `"vCardProps":[["bday",{},"text","about 1800"]]`},
		{`CATEGORIES:a,b\,c`, `"keywords":{"a":true,"b,c":true}`},
		{`NICKNAME:x,y`, `"nicknames":{"1":{"name":"x"},"2":{"name":"y"}}`},
		{`MEMBER:urn:uuid:1`, `"members":{"1":true}`},
		{`KIND:Group`, `"kind":"group"`},
		{`IMPP:xmpp:a@b`, `"onlineServices":{"1":{"uri":"xmpp:a@b","vCardName":"impp"}}`},
		{`PHOTO:data:image/png;base64,AAAA`, `"media":{"1":{"kind":"photo","uri":"data:image/png;base64,AAAA"}}`},
		{`REV:20120503T194243Z`, `"updated":"2012-05-03T19:42:43Z"`},
		{`X-Foo;Y=z:a\,b;c`, `"vCardProps":[["x-foo",{"y":"z"},"unknown","a\\,b;c"]]`},
		{`JSPROP;JSPTR="example.com:foo":{"a":1}`, `"example.com:foo":{"a":1}`},
		{`RELATED;TYPE=friend:urn:uuid:1`, `"relatedTo":{"urn:uuid:1":{"relation":{"friend":true}}}`},
	}
	for _, test := range tests {
		c := FromVCard(parse(t, lines("VERSION:4.0", "UID:u", test.line)))
		if c.UID() != "u" || c["version"] != "1.0" {
			t.Errorf("%s: %v", test.line, c)
		}
		delete(c, "uid")
		delete(c, "version")
		delete(c, "@type")
		got, err := json.Marshal(c)
		if err != nil || string(got) != "{"+test.want+"}" {
			t.Errorf("%s:\n got %s\nwant {%s} %v", test.line, got, test.want, err)
		}
		for _, version := range []string{V4, V3} {
			again(t, FromVCard(parse(t, lines("VERSION:4.0", "UID:u", test.line))), version)
		}
	}
}

// again wants a card back that goes to vCard, its octets and back.
func again(t testing.TB, c Card, version string) {
	t.Helper()
	v := ToVCard(c, version)
	written := v.String()
	back := FromVCard(parse(t, []byte(written)))
	if object(c["name"])["full"] == nil { // FN is demanded
		if n := object(back["name"]); n != nil && (version == V3 || c["name"] == nil) {
			delete(n, "full")
			if version == V3 && n["components"] != nil && object(c["name"])["components"] == nil {
				delete(n, "components") // so is N
			}
			if len(n) == 0 {
				delete(back, "name")
			}
		}
	}
	if version == V3 && object(c["name"])["components"] == nil {
		delete(object(back["name"]), "components")
	}
	got, _ := json.Marshal(back)
	want, _ := json.Marshal(c)
	if !bytes.Equal(got, want) {
		t.Errorf("in %s\n got %s\nwant %s\n%s", version, got, want, written)
	}
}

// TestML6JSContactKept brings cards through vCard that say what vCard has no word for.
func TestML6JSContactKept(t *testing.T) {
	for _, s := range []string{
		`{"@type":"Card","version":"1.0","uid":"1","name":{"full":"A"},"speakToAs":{"grammaticalGender":"common"},"example.com:x":[1,{"y":null}]}`,
		`{"@type":"Card","version":"1.0","uid":"1","name":{"components":[{"kind":"given","value":"太郎"},{"kind":"separator","value":" "},{"kind":"surname","value":"山田"}],"isOrdered":true}}`,
		`{"@type":"Card","version":"1.0","uid":"1","name":{"full":"A"},"emails":{"home":{"address":"a@b.example","label":"x","example.com:n":2},"w":{"address":"c@d.example","contexts":{"work":true}}}}`,
		`{"@type":"Card","version":"1.0","uid":"1","name":{"full":"A"},"addresses":{"1":{"components":[{"kind":"number","value":"5"},{"kind":"name","value":"Main St"},{"kind":"locality","value":"X"}],"countryCode":"us","full":"5 Main St, X","isOrdered":true}}}`,
		`{"@type":"Card","version":"1.0","uid":"1","name":{"full":"A"},"notes":{"1":{"note":"a\nb;c,d\\e"}},"localizations":{"en":{"name/full":"B"}},"keywords":{"a/b~c":true}}`,
		`{"@type":"Card","version":"1.0","kind":"group","uid":"1","name":{"full":"組"},"members":{"2":true,"urn:other:3":true}}`,
		`{"@type":"Card","version":"1.0","uid":"1","name":{"full":"A"},"onlineServices":{"1":{"service":"X","user":"a;b"}},"anniversaries":{"1":{"date":{"@type":"Timestamp","utc":"1985-04-12T10:22:00Z"},"kind":"birth"}}}`,
	} {
		c, err := ParseCard([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		again(t, c, V4)
		again(t, c, V3)
	}
}

// TestML6RoundTrip reads, writes and converts cards that other software wrote, and has another library read what we write.
func TestML6RoundTrip(t *testing.T) {
	const archive = "vcards-ccs"
	files, err := filepath.Glob(filepath.Join(archives.Unpack(t, archive), archive, "*.vcf"))
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := parse(t, b)
		if back := parse(t, []byte(v.String())); !reflect.DeepEqual(v, back) {
			t.Errorf("%s: written\n%s", file, v)
		}
		c := FromVCard(v)
		again(t, c, V4)
		again(t, c, V3)
		for _, version := range []string{V3, V4} {
			written := ToVCard(c, version)
			theirs, err := emersion.NewDecoder(strings.NewReader(written.String())).Decode()
			if err != nil || theirs.Value("UID") != c.UID() || theirs.Value("FN") == "" {
				t.Errorf("%s: go-vcard reads %v %v", file, theirs, err)
			}
			for _, p := range v.Properties { // nothing is lost on the way
				if strings.HasPrefix(p.Name, "X-") && p.Name != "X-ABLABEL" && written.Get(p.Name) == nil && !strings.HasPrefix(p.Name, "X-ADDRESSBOOKSERVER") {
					t.Errorf("%s: %s is lost in\n%s", file, p.Name, written)
				}
			}
		}
	}
}

// TestML6PointersAreChecked: what a device says in JSPROP never leaves a card that no client can read.
func TestML6PointersAreChecked(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for _, line := range []string{`JSPROP;JSPTR=emails:5`, `JSPROP;JSPTR=uid:{}`, `JSPROP;JSPTR="emails/1/address":5`, `JSPROP;JSPTR=id:"x"`, `JSPROP;JSPTR=x:` + deep, `JSPROP;JSPTR=x:{`, `JSPROP;JSPTR="uid/x":1`, `JSPROP:1`} {
		c := FromVCard(parse(t, lines("VERSION:4.0", "UID:u", "EMAIL:a@b.example", line)))
		if c.Check() != nil || c.UID() != "u" || len(c.Emails()) != 1 || c["x"] != nil || c["id"] != nil {
			t.Errorf("%s: %v", line, c)
		}
	}
}

func TestML6ReaderGoesOn(t *testing.T) {
	all := string(lines("VERSION:3.0", "FN:a")) + "rubbish\n" + "BEGIN:VCARD\nFN:" + strings.Repeat("x", MaxCard+10) + "\nEND:VCARD\n" + string(lines("FN:b", "AGENT:", "BEGIN:VCARD", "FN:inner", "END:VCARD", "NOTE:c")) +
		"BEGIN:VCARD\n" + strings.Repeat("X-A:1\n", MaxProperties+1) + "END:VCARD\n" + "BEGIN:VCARD\nFN:cut"
	r := NewReader(strings.NewReader("\ufeff"+all), 1<<20)
	var got []string
	for {
		v, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			key, _ := mail.TextOf(err)
			got = append(got, key)
			continue
		}
		got = append(got, v.Text("FN")+v.Text("NOTE"))
	}
	want := []string{"a", "vcard.too_big", "bc", "vcard.too_big", "vcard.malformed"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestML6ParametersAreQuoted(t *testing.T) {
	v := &VCard{Version: V4, Properties: []Property{{Name: "X-A", Params: []Param{{"X-P", []string{"a:b;c", `say "^"` + "\n", "plain"}}}, Value: Escape("a,b;c\\\nd")}}}
	back := parse(t, []byte(v.String()))
	if !reflect.DeepEqual(v, back) {
		t.Errorf("%s%v", v, back)
	}
	for _, line := range strings.Split(parse(t, lines("VERSION:4.0", "NOTE:"+strings.Repeat("日本語", 100))).String(), "\r\n") {
		if len(line) > foldAt || !json.Valid([]byte(`"`+line+`"`)) {
			t.Errorf("%d octets: %s", len(line), line)
		}
	}
}

// FuzzCard reads any octets: what is read can be written and is the same when read again, and every conversion ends.
func FuzzCard(f *testing.F) {
	f.Add(lines("VERSION:4.0", "FN:a", `N;SORT-AS="x,y":a;b,c;;;`, "item1.EMAIL;TYPE=work:a@b", "item1.X-ABLABEL:x", "PHOTO:data:image/png;base64,AAAA", "BDAY:--0412"))
	f.Add(lines("VERSION:2.1", "N;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=95\\=5C;=8E=A6=", " x", "PHOTO;JPEG;BASE64:AAAA", " BBBB", "ADR;HOME:;;a;b;c;d;e;f;g"))
	f.Add(lines("VERSION:4.0", `JSPROP;JSPTR="a/b":{"c":1}`, "ADR;LABEL=x:1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18", "X-A;B=^n^^:c", "TEL;VALUE=uri;PREF=2:tel:1", "MEMBER:urn:uuid:1"))
	f.Add([]byte("BEGIN:VCARD\n0;0=\x000:0\nEND:VCARD"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Parse(b)
		if err != nil {
			return
		}
		back, err := Parse([]byte(v.String()))
		if err != nil {
			if mail.Is(err, mail.Full) {
				return
			}
			t.Fatalf("%v: %s", err, v)
		}
		if v.String() != back.String() {
			t.Errorf("%q\n%q", v, back)
		}
		Convert(v, V3)
		c := FromVCard(v)
		if bad := c.Malformed(); bad != nil {
			t.Errorf("%q of %v", bad, c)
		}
		once := ToVCard(c, V4)
		twice, err := Parse([]byte(once.String()))
		if err != nil {
			if mail.Is(err, mail.Full) {
				return
			}
			t.Fatalf("%v: %s", err, once)
		}
		if a, b := FromVCard(once), FromVCard(twice); !reflect.DeepEqual(a, b) {
			t.Errorf("%v\n%v", a, b)
		}
		ToVCard(c, V3)
	})
}
