package compose

import (
	"bytes"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/wire/mime"
)

var update = flag.Bool("update", false, "write the golden files anew")

// octetsOf is a part's content that can be opened.
func octetsOf(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func box(name, address string) Mailbox {
	m, ok := ParseMailbox(name, address)
	if !ok {
		panic(address) // a mistake in the test
	}
	return m
}

// letter is a message with all that a person may put into one.
func letter() *Message {
	return &Message{
		From: []Mailbox{box("佐藤 太郎", "sato@alpha.example")}, ReplyTo: []Mailbox{box("営業部, 東京", "sales@alpha.example")},
		To: []Mailbox{box("", "a..b.@docomo.ne.jp"), box("田中 ｹﾝｼﾞ", "tanaka@日本語.jp")}, Cc: []Mailbox{box(`O"Neil, Pat`, "pat@beta.example")},
		Subject: "Re: 【至急】お見積もりの件についてのご連絡と、来週の打ち合わせの日程（①案と②案）", Date: time.Date(2026, 11, 23, 9, 30, 0, 0, time.FixedZone("", 9*3600)),
		MessageID: "1@alpha.example", InReplyTo: []string{"<0@beta.example>"}, References: []string{"<0@beta.example>", "not an id", "00@beta.example"},
		Header: []Field{{"X-Mailer", AsText("手紙")}, {"List-Archive", AsURLs{"https://a.example/ x"}}, {"X-Raw", AsRaw(" a\r\n b")},
			{"Resent-To", AsGroups{{Named: true, Name: "役員", Members: []Mailbox{box("", "a@alpha.example"), box("", "b@alpha.example")}}, {Members: []Mailbox{box("", "c@alpha.example")}}}}},
		Body: &Part{Type: "multipart/mixed", Parts: []*Part{
			{Type: "multipart/related", Parts: []*Part{
				{Type: "multipart/alternative", Parts: []*Part{
					{Text: "お世話になっております。\nｱﾊﾟｰﾄの件、よろしくお願いします。\n-- \n佐藤\n", Language: []string{"ja"}},
					{Type: "text/html", Text: "<p>A caf\u00e9 in an otherwise plain paragraph of English words, quite long enough to be read.</p>"},
				}},
				{Type: "image/png", Disposition: "inline", CID: "logo@alpha", Open: octetsOf([]byte("\x89PNG\r\n\x1a\n")), Size: 8},
			}},
			{Type: "application/pdf", Name: "C:\\temp\\御見積書（か\u3099）.pdf", Open: octetsOf(bytes.Repeat([]byte("%PDF"), 20)), Size: 80},
			{Type: "message/rfc822", Disposition: "attachment", Open: octetsOf([]byte("Subject: x\n\n日本語\n")), Size: -1},
		}},
	}
}

// TestGoldenMessages: the octets are as they were. Run with -update to write them anew, and read them.
func TestGoldenMessages(t *testing.T) {
	for name, o := range map[string]Options{"utf8": {}, "jis": {Charset: "iso-2022-jp"}, "outlook": {OutlookNames: true}} {
		o.Seed = "golden"
		got := compose(t, letter(), o)
		file := filepath.Join("testdata", name+".eml")
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is\n%s (%v)", name, got, err)
		}
	}
}

// compose writes a message and checks its size and lines.
func compose(t *testing.T, m *Message, o Options) []byte {
	t.Helper()
	p, err := Prepare(m, o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, err = p.WriteTo(&out)
	b := out.Bytes()
	if err != nil || int64(len(b)) != p.Size() {
		t.Fatalf("%d octets, not %d: %v", len(b), p.Size(), err)
	}
	return b
}

// texts gives the decoded texts of all leaves.
func texts(t *testing.T, octets []byte) (list []string) {
	var walk func(p *mime.Part)
	walk = func(p *mime.Part) {
		if p.IsMultipart() {
			for _, c := range p.Children {
				walk(c)
			}
			return
		}
		if p.Type == "text" {
			list = append(list, read(t, octets, p))
			return
		}
		b, err := io.ReadAll(mime.DecodedReader(p, bytes.NewReader(octets[p.BodyStart:p.BodyEnd])))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b))
	}
	walk(mime.ParseBytes(octets, mime.Limits{}).Root)
	return list
}

// TestJISRules are DOMAIN §14.3 and T3, T4: half-width kana become wide, every line and word ends in ASCII, and what ISO-2022-JP
// lacks makes the whole part UTF-8.
func TestJISRules(t *testing.T) {
	jis := Options{Charset: "iso-2022-jp"}
	for _, c := range []struct{ in, charset, out string }{
		{"ｱﾊﾟｰﾄ\n", "iso-2022-jp", "アパート\r\n"},
		{"一行目\n二行目 ABC\n", "iso-2022-jp", "一行目\r\n二行目 ABC\r\n"},
		{"〜−‖¢£¬—\n", "iso-2022-jp", "～－∥￠￡￢―\r\n"},
		{"①㈱髙\n", "utf-8", "①㈱髙\r\n"},
		{"😀と漢字\n", "utf-8", "😀と漢字\r\n"},
		{"¥ と ‾\n", "utf-8", "¥ と ‾\r\n"},
		{"plain\n", "us-ascii", "plain\r\n"},
		{strings.Repeat("長", 600) + "\n", "utf-8", strings.Repeat("長", 600) + "\r\n"},
	} {
		octets := compose(t, &Message{Subject: strings.TrimSpace(c.in), Body: &Part{Text: c.in}}, jis)
		m := mime.ParseBytes(octets, mime.Limits{})
		if got := texts(t, octets)[0]; got != c.out || !strings.EqualFold(m.Root.Charset(), c.charset) {
			t.Errorf("%.30q is %.30q in %s", c.in, got, m.Root.Charset())
		}
		if got := m.Root.Envelope.SubjectText(); c.charset != "us-ascii" && strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(strings.NewReplacer("\r\n", "").Replace(c.out), " ", "") {
			t.Errorf("subject %.40q of %.40q", got, c.out)
		}
		for line := range strings.SplitSeq(string(octets), "\r\n") {
			if i := strings.LastIndex(line, "\x1b"); len(line) > 998 || i >= 0 && !strings.HasPrefix(line[i:], "\x1b(B") {
				t.Errorf("line %q", line)
			}
		}
	}
}

// TestML9SizeBeforehand: the size is that of what is written, for parts of all lengths around the ends of lines and blocks.
func TestML9SizeBeforehand(t *testing.T) {
	for _, n := range []int64{0, 1, 2, 3, 56, 57, 58, 113, 114, 115, blockSize - 1, blockSize, blockSize + 1} {
		b := make([]byte, n)
		octets := compose(t, &Message{Body: &Part{Parts: []*Part{{Text: "a"}, {Type: "application/zip", Open: octetsOf(b), Size: n}}}}, Options{})
		if got := texts(t, octets); got[1] != string(b) {
			t.Errorf("%d octets came back as %d", n, len(got[1]))
		}
	}
	// DOMAIN §3.2: an attachment of 11.49 MB fits 15 MB, one more line does not.
	fits := int64((mail.MaxMessageSize - 1000) / 78 * 57)
	p, err := Prepare(&Message{Body: &Part{Parts: []*Part{{Text: "a"}, {Type: "application/zip", Open: octetsOf(nil), Size: fits}}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if size := p.Size(); size > mail.MaxMessageSize || size < mail.MaxMessageSize-2000 || fits < 11_490_000 {
		t.Errorf("%d octets make %d", fits, size)
	}
	if _, err := Write(io.Discard, &Message{Body: &Part{Type: "image/png", Open: octetsOf([]byte("abc")), Size: 2}}, Options{}); !mail.Is(err, mail.Conflict) {
		t.Errorf("a part that grew: %v", err)
	}
}

// TestNames are the two patterns of DOMAIN §14.4, and that a name is clean before it is written.
func TestNames(t *testing.T) {
	for _, outlook := range []bool{false, true} {
		m := &Message{Body: &Part{Type: "application/pdf", Name: "..\\x/御見積\u202e書か\u3099:2026年度上期の売上の集計についての資料.pdf", Open: octetsOf(nil)}}
		octets := compose(t, m, Options{OutlookNames: outlook})
		if got := mime.ParseBytes(octets, mime.Limits{}).Root.Filename(); got != "御見積書が_2026年度上期の売上の集計についての資料.pdf" {
			t.Errorf("outlook %v: %q", outlook, got)
		}
		if has := bytes.Contains(octets, []byte("filename*0*=UTF-8''")); has == outlook || !bytes.Contains(octets, []byte(`name="=?UTF-8?B?`)) {
			t.Errorf("outlook %v:\n%s", outlook, octets)
		}
	}
}

// TestNestedMessages: a message within one is not encoded, is repaired where that loses nothing, and else goes as octets.
func TestNestedMessages(t *testing.T) {
	for _, c := range []struct{ in, out, typ, coding string }{
		{"A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc\r\n", "message", "7bit"},
		{"A: b\n\nc\n", "A: b\r\n\r\nc\r\n", "message", "7bit"},
		{"A: b\n\n日\n", "A: b\r\n\r\n日\r\n", "message", "8bit"},
		{"A: b\n\n\x00\n", "A: b\n\n\x00\n", "application", "base64"},
		{"A: b\n\na\rb", "A: b\n\na\rb", "application", "base64"},
		{"A: b\n\n" + strings.Repeat("x", 999), "A: b\n\n" + strings.Repeat("x", 999), "application", "base64"},
	} {
		octets := compose(t, &Message{Body: &Part{Parts: []*Part{{Text: "a"}, {Type: "message/rfc822", Name: "a.eml", Open: octetsOf([]byte(c.in)), Size: int64(len(c.in))}}}}, Options{})
		root := mime.ParseBytes(octets, mime.Limits{}).Root
		p := root.Children[1]
		got, err := io.ReadAll(mime.DecodedReader(p, bytes.NewReader(octets[p.BodyStart:p.BodyEnd])))
		if err != nil || string(got) != c.out || p.Type != c.typ || p.Encoding != c.coding || (root.Encoding == "8bit") != (c.coding == "8bit") {
			t.Errorf("%.20q is %.20q, %s in %s in %s", c.in, got, p.Type, p.Encoding, root.Encoding)
		}
	}
}

// TestRefused: what can't be in a message is an error.
func TestRefused(t *testing.T) {
	deep := &Part{}
	for range MaxDepth + 1 {
		deep = &Part{Parts: []*Part{deep}}
	}
	many := &Part{Type: "multipart/mixed"}
	for range MaxParts {
		many.Parts = append(many.Parts, &Part{})
	}
	for name, m := range map[string]*Message{
		"depth": {Body: deep}, "count": {Body: many}, "no name": {Header: []Field{{"", AsRaw("x")}}}, "colon": {Header: []Field{{"A:b", AsRaw("x")}}},
		"two": {Header: []Field{{"A\r\nBcc", AsRaw("x")}}}, "ours": {Header: []Field{{"content-Type", AsRaw("x")}}}, "nothing": {Header: []Field{{"A", nil}}},
	} {
		if _, err := Prepare(m, Options{}); !mail.Is(err, mail.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestParseMailbox is DOMAIN §15.
func TestParseMailbox(t *testing.T) {
	for _, c := range []struct {
		in, out string
		ok      bool
	}{
		{" sato@alpha.example ", "sato@alpha.example", true}, {"a..b.@docomo.ne.jp", `"a..b."@docomo.ne.jp`, true}, {`".a"@ezweb.ne.jp`, `".a"@ezweb.ne.jp`, true},
		{"ｓａｔｏ＠ａｌｐｈａ．ｅｘａｍｐｌｅ　", "sato@alpha.example", true}, {"a@日本語.jp", "a@xn--wgv71a119e.jp", true}, {"Sato <sato@alpha.example>", "sato@alpha.example", true},
		{"a@b.example, c@d.example", `"a@b.example, c@d.example"@`, false}, {"佐藤", "佐藤@", false}, {"", "", false}, {"a@b.example\r\nBcc: c", `"a@b.example  Bcc: c"@`, false},
	} {
		if got, ok := ParseMailbox("", c.in); ok != c.ok || got.Address.String() != c.out {
			t.Errorf("%q is %q, %v", c.in, got.Address.String(), ok)
		}
	}
}

// TestForeignParser: Python's email package reads the same out of it.
func TestForeignParser(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	const script = `
import sys, email, email.policy
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
out = [str(m["subject"])] + [a.display_name + " " + a.addr_spec for h in ("from", "to", "cc") for a in m[h].addresses]
for p in m.walk():
    if p.get_content_maintype() == "text" and not p.is_multipart(): out.append(repr(p.get_content()))
    if p.get_filename(): out.append(p.get_filename())
sys.stdout.buffer.write("\n".join(out).encode())
`
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Stdin = bytes.NewReader(compose(t, letter(), Options{Charset: "iso-2022-jp"}))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []string{letter().Subject, "佐藤 太郎 sato@alpha.example", ` a..b.@docomo.ne.jp`, "田中 ケンジ tanaka@xn--wgv71a119e.jp", `O"Neil, Pat pat@beta.example`,
		`'お世話になっております。\nアパートの件、よろしくお願いします。\n-- \n佐藤\n'`, `'<p>A café in an otherwise plain paragraph of English words, quite long enough to be read.</p>'`, "御見積書（が）.pdf"}
	got := strings.Split(string(out), "\n")
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%q is not in\n%s", w, out)
		}
	}
}

// FuzzMessage: what is written is read again by wire/mime as the same, and nothing gets out of its place.
func FuzzMessage(f *testing.F) {
	f.Add("Subject", "body\nline\n", "name.pdf", "佐藤", "a@b.example", "X-Some", false)
	f.Add("件名①\r\nBcc: x@y", "ｱﾊﾟｰﾄ\n--=_\n\n--\n", "a\"b\r\n.pdf", "=?utf-8?q?x?=", "a..b@docomo.ne.jp", "Content-Type", true)
	f.Add(strings.Repeat("x", 2000), "\x00\x1b$B\r", "か\u3099", "a, b", "\"<>", "a:b", true)
	f.Fuzz(func(t *testing.T, subject, text, filename, name, address, field string, jis bool) {
		to, _ := ParseMailbox(name, address)
		o := Options{OutlookNames: jis}
		if jis {
			o.Charset = "iso-2022-jp"
		}
		m := &Message{To: []Mailbox{to}, Subject: subject, MessageID: address, Body: &Part{Parts: []*Part{
			{Text: text}, {Type: field, Name: filename, CID: name, Charset: field, Open: octetsOf([]byte(text)), Size: int64(len(text))}}}}
		if isFieldName(field) && !slices.Contains(ours, strings.ToLower(field)) {
			m.Header = []Field{{"X-1", AsRaw(text)}, {"X-2", AsText(text)}, {"X-3", AsGroups{{Named: true, Name: text, Members: m.To}}}, {"X-4", AsURLs{text}}}
		}
		octets := compose(t, m, o)
		root := mime.ParseBytes(octets, mime.Limits{}).Root
		if len(root.Children) != 2 {
			t.Fatalf("%d parts in\n%q", len(root.Children), octets)
		}
		for f := range mime.Header(octets[:root.BodyStart]).Fields() {
			if n := string(f.Name); !slices.Contains([]string{"To", "Message-ID", "Subject", "X-1", "X-2", "X-3", "X-4", "MIME-Version", "Content-Type"}, n) {
				t.Fatalf("field %q in\n%q", n, octets)
			}
		}
		for line := range bytes.SplitSeq(octets, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("line of %d octets: %.100q", len(line), line)
			}
		}
		want := strings.ToValidUTF8(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\ufffd")
		got := texts(t, octets)
		if !jis && got[0] != strings.ReplaceAll(want, "\n", "\r\n") {
			t.Fatalf("text %q became %q", text, got[0])
		}
		if root.Children[1].Type != "text" && root.Children[1].Type != "message" && got[1] != text {
			t.Fatalf("octets %q became %q", text, got[1])
		}
		if s := mime.SanitizeFilename(filename); root.Children[1].Filename() != s {
			t.Fatalf("name %q became %q", s, root.Children[1].Filename())
		}
	})
}
