package imap

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tegami/mail"
)

// decode makes a decoder of s; continuation requests are always granted.
func decode(s string) *Decoder {
	return NewDecoder(strings.NewReader(s), func() error { return nil })
}

func TestCommandHead(t *testing.T) {
	for _, c := range []struct {
		in, tag, name string
		ok            bool
	}{
		{"a NOOP\r\n", "a", "NOOP", true},
		{"A.1] uid fetch 1 FLAGS\r\n", "A.1]", "UID FETCH", true},
		{"+ NOOP\r\n", "", "", false},
		{"a\r\n", "", "", false},
		{"a \r\n", "a", "", false},
		{"\r\n", "", "", false},
	} {
		tag, name, err := decode(c.in).Command()
		if tag != c.tag || err == nil != c.ok || c.ok && name != c.name {
			t.Errorf("%q: %q %q %v", c.in, tag, name, err)
		}
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"atom\r\n", "atom", true},
		{"at]om \r\n", "at]om", true},
		{`"quo\"ted\\"` + "\r\n", `quo"ted\`, true},
		{"\"手紙\"\r\n", "手紙", true},
		{"{3}\r\na b\r\n", "a b", true},
		{"{3+}\r\na\"b\r\n", `a"b`, true},
		{"~{3+}\r\nabc\r\n", "abc", true},
		{"{0}\r\n\r\n", "", true},
		{`""` + "\r\n", "", true},
		{`"open` + "\r\n", "", false},
		{`"\x"` + "\r\n", "", false},
		{"{1+}\r\n\x00\r\n", "", false},
		{"{x}\r\n", "", false},
		{"{99999999999999999999}\r\n", "", false},
		{"{65537+}\r\n", "", false},
		{"(\r\n", "", false},
	} {
		var got string
		d := decode(c.in)
		ok := d.AString(&got)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %q %v %v", c.in, got, ok, d.Err())
		}
		if ok && !d.End() && c.in[len(c.want)] != ' ' {
			t.Errorf("%q: no end: %v", c.in, d.Err())
		}
	}
}

// A refused command is skipped whatever stands in it, and the next one is read.
func TestDiscardFindsTheNextCommand(t *testing.T) {
	for _, bad := range []string{
		"a NOOP surplus\r\n",
		"a LOGIN {3+}\r\nabc {4+}\r\nd\r\ne x\r\n",
		"a LOGIN ((( {5+}\r\n\r\n\r\n) {0+}\r\n\r\n",
		"a LOGIN {70000+}\r\n" + strings.Repeat("x", 70000) + "\r\n",
		"a " + strings.Repeat("x", MaxLine+9) + "\r\n",
		"a LOGIN {99999}\r\n", // the client waits, and is refused
		"\r\n",
	} {
		d := NewDecoder(iotest.OneByteReader(strings.NewReader(bad+"b NOOP\r\n")), func() error { return nil })
		_, _, err := d.Command()
		var s string
		if err == nil && d.SP() && d.AString(&s) && d.SP() && d.AString(&s) && d.End() {
			t.Errorf("%.40q: was taken", bad)
		}
		if err := d.Discard(); err != nil {
			t.Errorf("%.40q: %v", bad, err)
		}
		if tag, name, err := d.Command(); tag != "b" || name != "NOOP" || err != nil {
			t.Errorf("%.40q: then %q %q %v", bad, tag, name, err)
		}
	}
}

func TestDiscardGivesUpOnEndlessInput(t *testing.T) {
	d := NewDecoder(io.MultiReader(strings.NewReader("a NOOP {99999999999+}\r\n")), nil)
	d.Command()
	if err := d.Discard(); !errors.Is(err, ErrTooMuch) {
		t.Errorf("%v", err)
	}
}

func TestStreamedLiteral(t *testing.T) {
	body := strings.Repeat("0123456789", 20000)
	asked := 0
	d := NewDecoder(strings.NewReader("a APPEND x {200000}\r\n"+body+"\r\nb NOOP\r\n"), func() error { asked++; return nil })
	var box string
	d.Command()
	n := int64(0)
	ok := d.SP() && d.Mailbox(&box) && d.SP()
	if ok {
		n, ok = d.OpenLiteral(1 << 20)
	}
	var got bytes.Buffer
	if err := d.CopyLiteral(&got); !ok || err != nil || n != 200000 || got.String() != body || asked != 1 || !d.End() {
		t.Fatalf("%v %d %v %d", ok, n, err, asked)
	}
	if tag, _, _ := d.Command(); tag != "b" {
		t.Errorf("then %q", tag)
	}
	d.End()
	d.Release()
	if d.large != nil {
		t.Error("the large buffer was kept")
	}
}

func TestLiteralOverTheLimit(t *testing.T) {
	d := decode("a APPEND {101+}\r\n")
	d.Command()
	d.SP()
	if _, ok := d.OpenLiteral(100); ok || !mail.Is(d.Err(), mail.Full) {
		t.Errorf("%v", d.Err())
	}
}

// TestStranger: of who has not signed in no large command is kept in memory, in whatever pieces it comes, and nothing large is asked for.
func TestStranger(t *testing.T) {
	name := func(d *Decoder) (s string, err error) {
		d.Command()
		_ = d.SP() && d.AString(&s) && d.SP() && d.AString(&s) && d.End()
		return s, d.Err()
	}
	for _, in := range []string{
		"a LOGIN {20000}\r\n",
		"a LOGIN x {20000+}\r\n" + strings.Repeat("x", 20000) + "\r\n",
		"a LOGIN {9000+}\r\n" + strings.Repeat("x", 9000) + " {9000+}\r\n" + strings.Repeat("x", 9000) + "\r\n",
		"a LOGIN x \"" + strings.Repeat("x", 20000) + "\"\r\n",
		"a LOGIN " + strings.Repeat("x", 20000) + " x\r\n",
	} {
		d := decode(in + "b LOGIN x y\r\n")
		d.Stranger = true
		if _, err := name(d); !mail.Is(err, mail.Full) {
			t.Errorf("%.30q: %v", in, err)
		}
		if strings.Contains(in, "{20000}") {
			continue // it waits to be asked for the rest
		}
		if err := d.Discard(); err != nil {
			t.Errorf("%.30q: %v", in, err)
		}
		if s, err := name(d); s != "y" || err != nil {
			t.Errorf("behind %.30q: %q, %v", in, s, err)
		}
		d = decode(in)
		if _, err := name(d); err != nil {
			t.Errorf("signed in, %.30q: %v", in, err)
		}
	}
}

func TestNumSet(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  uint32
		want string
	}{
		{"1", 10, "1"},
		{"*", 10, "10"},
		{"*", 0, ""},
		{"3:1,2:4,9", 10, "1:4,9"},
		{"5:*", 3, "3:5"},
		{"*:2", 7, "2:7"},
		{"4294967295", 7, "4294967295"},
		{"1,4294967295,2", 7, "1:2,4294967295"},
	} {
		var s NumSet
		if d := decode(c.in + "\r\n"); !d.NumSet(&s) || !d.End() {
			t.Errorf("%s: %v", c.in, d.Err())
		}
		if got := string(AppendRanges(nil, s.Resolve(c.max))); got != c.want {
			t.Errorf("%s of %d: %s, want %s", c.in, c.max, got, c.want)
		}
	}
	for _, bad := range []string{"0", "", "1,", "1:", ":1", "a", "1;2", "4294967296"} {
		var s NumSet
		if d := decode(bad + "\r\n"); d.NumSet(&s) && d.End() {
			t.Errorf("%q was taken as %s", bad, s)
		}
	}
	rs := []Range{{1, 3}, {7, 7}}
	for n, want := range []bool{false, true, true, true, false, false, false, true, false} {
		if InRanges(rs, uint32(n)) != want {
			t.Errorf("%d in %v: %v", n, rs, !want)
		}
	}
	if got := string(AppendNumbers(nil, []mail.UID{3, 4, 5, 9, 1, 2})); got != "3:5,9,1:2" {
		t.Error(got)
	}
}

func TestUTF7(t *testing.T) {
	for utf8, utf7 := range map[string]string{
		"Sent":               "Sent",
		"A&B":                "A&-B",
		"~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-", // RFC 3501 §5.1.3
		"送信済み":               "&kAFP4W4IMH8-",
		"Entwürfe":           "Entw&APw-rfe",
		"\U0001F600":         "&2D3eAA-",
		"tab\there":          "tab&AAk-here",
		"&":                  "&-",
	} {
		if got := string(AppendUTF7(nil, utf8)); got != utf7 {
			t.Errorf("%s: %s, want %s", utf8, got, utf7)
		}
		if got, ok := DecodeUTF7(utf7); got != utf8 || !ok {
			t.Errorf("%s: %q %v, want %q", utf7, got, ok, utf8)
		}
	}
	for _, bad := range []string{"&", "&U,BT", "&AGE-", "&2D0-", "&2D0AYQ-", "日本", "&AAA-", "&A-", "a\x7fb"} {
		if got, ok := DecodeUTF7(bad); ok {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
}

func TestMailboxNames(t *testing.T) {
	for _, c := range []struct {
		in, want string
		utf8     bool
	}{
		{"inbox", "INBOX", false},
		{"InBoX/x", "INBOX/x", false},
		{"inboxes", "inboxes", false},
		{"&ZeVnLIqe-", "日本語", false},
		{"&ZeVnLIqe-", "&ZeVnLIqe-", true},
		{`"日本語"`, "日本語", false},
	} {
		var got string
		d := decode(c.in + "\r\n")
		if d.UTF8 = c.utf8; !d.Mailbox(&got) || got != c.want {
			t.Errorf("%s: %q %v", c.in, got, d.Err())
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a/b/c", true}, {"%", "a/b", false}, {"%", "a", true}, {"a/%", "a/b", true},
		{"a/%", "a/b/c", false}, {"%/%", "a/b", true}, {"*c", "a/b/c", true}, {"", "", true}, {"", "a", false},
		{"inbox", "INBOX", true}, {"in*", "INBOX", true}, {"inb%", "INBOX/x", false}, {"Sent", "sent", false},
		{"INBOX/%", "INBOX/x", true}, {"inbox*", "inboxes", true},
		{strings.Repeat("*a", 200), strings.Repeat("a", 199), false},
	} {
		if Match(c.pattern, c.name) != c.want {
			t.Errorf("Match(%.20q, %.20q) = %v", c.pattern, c.name, !c.want)
		}
	}
}

func TestFlags(t *testing.T) {
	var f Flags
	d := decode(`(\Seen \deleted $Forwarded \Recent Junk)` + "\r\n")
	if !d.FlagList(&f) || f.System != mail.Seen|mail.Deleted || !reflect.DeepEqual(f.Keywords, []string{"$Forwarded", "Junk"}) {
		t.Errorf("%+v %v", f, d.Err())
	}
	f = Flags{}
	if d := decode(`\Seen Junk` + "\r\n"); !d.Flags(&f) || f.System != mail.Seen || len(f.Keywords) != 1 {
		t.Errorf("%+v %v", f, d.Err())
	}
	if d := decode(`(\Foo)` + "\r\n"); d.FlagList(&f) {
		t.Error(`\Foo was taken`)
	}
	if got := string(AppendFlags(nil, mail.Seen|mail.Keyword(1), []string{"a", "b"})); got != `\Seen b` {
		t.Error(got)
	}
}

func TestDates(t *testing.T) {
	var day, at time.Time
	if d := decode("1-Feb-1994 \" 7-Jul-1996 02:44:25 -0700\"\r\n"); !d.Date(&day) || !d.SP() || !d.DateTime(&at) {
		t.Fatal(d.Err())
	}
	if day.Format(time.RFC3339) != "1994-02-01T00:00:00Z" || string(AppendDateTime(nil, at)) != `" 7-Jul-1996 02:44:25 -0700"` {
		t.Error(day, at)
	}
}

func TestFetchSyntax(t *testing.T) {
	for in, want := range map[string]string{
		"ALL":                        "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",
		"(flags uid body)":           "(FLAGS UID BODY)",
		"BODY[]":                     "(BODY[])",
		"BODY.PEEK[1.2.MIME]<0.100>": "(BODY.PEEK[1.2.MIME]<0.100>)",
		"(BODY[HEADER.FIELDS (Subject \"X Y\")] RFC822.SIZE)": "(RFC822.SIZE BODY[HEADER.FIELDS (Subject \"X Y\")])",
		"RFC822.HEADER":                               "(RFC822.HEADER)",
		"BINARY.SIZE[1]":                              "(BINARY.SIZE[1])",
		"(UID FLAGS) (CHANGEDSINCE 123)":              "(FLAGS UID) (CHANGEDSINCE 123)",
		"BODY[2.TEXT]":                                "(BODY[2.TEXT])",
		"PREVIEW":                                     "(PREVIEW)",
		"preview (lazy)":                              "(PREVIEW)",
		"(PREVIEW UID)":                               "(UID PREVIEW)",
		"(UID PREVIEW (LAZY) FLAGS)":                  "(FLAGS UID PREVIEW)",
		"(UID PREVIEW (LAZY))":                        "(UID PREVIEW)",
		"( UID  PREVIEW )":                            "(UID PREVIEW)",
		"PREVIEW (CHANGEDSINCE 7)":                    "(PREVIEW) (CHANGEDSINCE 7)",
		"PREVIEW (LAZY) (PARTIAL 1:2)":                "(PREVIEW) (PARTIAL 1:2)",
		"(UID) (PARTIAL -1:-100)":                     "(UID) (PARTIAL -1:-100)",
		"UID (PARTIAL 20:11 CHANGEDSINCE 5 VANISHED)": "(UID) (CHANGEDSINCE 5 VANISHED PARTIAL 11:20)",
	} {
		var f Fetch
		if d := decode(in + "\r\n"); !d.Fetch(&f) || !d.End() {
			t.Errorf("%s: %v", in, d.Err())
		}
		if got := string(f.AppendTo(nil)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, bad := range []string{"()", "BODY[MIME]", "BODY[0]", "BODY[1.]", "BODY[]<1>", "BODY[]<1.0>", "FOO",
		"BODY[HEADER.FIELDS ()]", "BINARY[1.TEXT]", "FLAGS (FOO 1)", "BODY[1", "RFC822[]",
		"FLAGS (LAZY)", "(UID PREVIEW (EAGER))", "(UID PREVIEW (LAZY)FLAGS)", "(UID FLAGS (LAZY))", "PREVIEW (LAZY LAZY)",
		"UID (PARTIAL 0:1)", "UID (PARTIAL 1:-1)", "UID (PARTIAL 1)", "UID (PARTIAL 1:2 PARTIAL 3:4)"} {
		var f Fetch
		if d := decode(bad + "\r\n"); d.Fetch(&f) && d.End() {
			t.Errorf("%q was taken as %s", bad, f.AppendTo(nil))
		}
	}
}

func TestSearchSyntax(t *testing.T) {
	for in, want := range map[string]string{
		"UNSEEN SUBJECT ka":                         `UNSEEN SUBJECT "ka"`,
		"CHARSET utf-8 TEXT {3+}\r\nabc":            `CHARSET utf-8 TEXT "abc"`,
		"RETURN () 1:5,9 NOT (SEEN OR FROM a TO b)": `RETURN () 1:5,9 NOT (SEEN OR FROM "a" TO "b")`,
		"return (min Save) uid $":                   "RETURN (MIN SAVE) UID $",
		"MODSEQ \"/flags/\\\\draft\" all 7":         "MODSEQ 7",
		"SINCE 1-Feb-2026 LARGER 10":                "SINCE 1-Feb-2026 LARGER 10",
		"HEADER Message-ID \"\"":                    `HEADER "Message-ID" ""`,
		"KEYWORD $Junk *":                           "KEYWORD $Junk *",
		"(SEEN)":                                    "(SEEN)",
	} {
		var s Search
		if d := decode(in + "\r\n"); !d.Search(&s) || !d.End() {
			t.Errorf("%s: %v", in, d.Err())
		}
		if got := string(s.AppendTo(nil)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, bad := range []string{"", "FOO", "NOT", "OR SEEN", "()", "(SEEN", "SINCE 31-Foo-2026", "LARGER x", "CHARSET",
		"RETURN (FOO) ALL", strings.Repeat("NOT ", MaxDepth+1) + "SEEN", strings.Repeat("SEEN ", MaxSearchKeys+1)} {
		var s Search
		if d := decode(bad + "\r\n"); d.Search(&s) && d.End() {
			t.Errorf("%.40q was taken as %.40s", bad, s.AppendTo(nil))
		}
	}
}

func TestSectionCut(t *testing.T) {
	s := Section{Partial: true, Offset: 5, Count: 10}
	for size, want := range map[int64][2]int64{3: {3, 0}, 5: {5, 0}, 9: {5, 4}, 100: {5, 10}} {
		if from, n := s.Cut(size); from != want[0] || n != want[1] {
			t.Errorf("of %d: %d %d", size, from, n)
		}
	}
}

func TestAppendString(t *testing.T) {
	for _, c := range []struct {
		in   string
		utf8 bool
		want string
	}{
		{"plain", false, `"plain"`},
		{`a"b\`, false, `"a\"b\\"`},
		{"手", false, "{3}\r\n手"},
		{"手", true, `"手"`},
		{"a\r\nb", true, "{4}\r\na\r\nb"},
	} {
		if got := string(AppendString(nil, c.in, c.utf8)); got != c.want {
			t.Errorf("%q: %q", c.in, got)
		}
	}
}

func TestWriterBatches(t *testing.T) {
	var out countingWriter
	w := NewWriter(&out)
	for range 1000 {
		w.WriteString("* 1 FETCH (FLAGS ())\r\n")
	}
	if out.writes != 0 || w.Flush() != nil || out.writes != 1 || w.lent != nil {
		t.Errorf("%d writes", out.writes)
	}
	big := make([]byte, flushSize)
	w.WriteString("x")
	w.Write(big)
	if w.Flush(); out.writes != 3 || out.Len() != 1000*22+1+flushSize {
		t.Errorf("%d writes, %d octets", out.writes, out.Len())
	}
}

type countingWriter struct {
	bytes.Buffer
	writes int
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.writes++
	return w.Buffer.Write(p)
}

func BenchmarkAppendFlags(b *testing.B) {
	dst := make([]byte, 0, 100)
	for b.Loop() {
		dst = AppendFlags(dst[:0], mail.Seen|mail.Answered|mail.Keyword(0), []string{"$Forwarded"})
	}
}
