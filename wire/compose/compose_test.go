package compose

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/wire/mime"
)

func TestFields(t *testing.T) {
	var h Header
	h.Time("Date", time.Date(2026, 11, 23, 9, 30, 0, 0, time.FixedZone("", 9*3600)))
	h.Time("Expires", time.Time{})
	h.Addresses("From", Mailbox{"佐藤 太郎", mail.Address{Local: "sato", Domain: "alpha.example"}}, Mailbox{"a, b", mail.Address{Local: "a..b", Domain: "docomo.ne.jp"}})
	h.Text("Subject", "a\r\nBcc: x@y.example")
	h.IDs("References", "<1@a.example>", "none", "<a b@c>", "<2@a.example>\r\nX: y", "<3@a.example>")
	h.IDs("In-Reply-To", "<>")
	h.Line("Diagnostic-Code", "smtp; 550 "+strings.Repeat("日本 word ", 12)+"\r\nAction: delivered")
	const want = "Date: Mon, 23 Nov 2026 09:30:00 +0900\r\n" +
		"From: =?UTF-8?B?5L2Q6JekIOWkqumDjg==?= <sato@alpha.example>,\r\n" +
		" \"a, b\" <\"a..b\"@docomo.ne.jp>\r\n" +
		"Subject: a Bcc: x@y.example\r\n" +
		"References: <1@a.example>\r\n <3@a.example>\r\n" +
		"Diagnostic-Code: smtp; 550 ?? word ?? word ?? word ?? word ?? word ?? word\r\n" +
		" ?? word ?? word ?? word ?? word ?? word ?? word   Action: delivered\r\n"
	if got := string(h.Bytes()); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestLinesAreShort: fields with long words of all kinds stay under 998 octets, and under 77 where they have a choice.
func TestLinesAreShort(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("長い件名でも文字の途中で切れません。", 100), strings.Repeat("word ", 300), strings.Repeat("x", 5000), "Re: " + strings.Repeat("ｶﾅ and 😀 ", 40),
	} {
		var h Header
		h.Text("Subject", text)
		h.Addresses("To", Mailbox{text, mail.Address{Local: strings.Repeat("l", mail.MaxLocalPart), Domain: "alpha.example"}})
		h.LineUTF8("Diagnostic-Code", text)
		for line := range strings.SplitSeq(strings.TrimSuffix(string(h.Bytes()), "\r\n"), "\r\n") {
			long := len(line) > 76+len("Subject: ") && len(strings.Fields(line)) > 2 && !strings.Contains(line, "<lll")
			if len(line) > 998 || strings.TrimSpace(line) == "" || strings.Contains(line, "=?UTF-8") && len(line) > 76 || long {
				t.Errorf("%d octets: %.100s", len(line), line)
			}
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "…"}, {"日本語", 8, "日…"}, {"日本語", 5, "…"}, {"日本語", 1, "…"}} {
		if got := Cut(c.in, c.n); got != c.want {
			t.Errorf("%q at %d is %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

// read gives the text of the only part.
func read(t *testing.T, octets []byte, p *mime.Part) string {
	t.Helper()
	text, err := io.ReadAll(mime.TextReader(p, mime.DecodedReader(p, bytes.NewReader(octets[p.BodyStart:p.BodyEnd]))))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestText(t *testing.T) {
	for _, c := range []struct{ in, encoding string }{
		{"plain\nlines\n", "7bit"}, {"日本語\n", "base64"}, {strings.Repeat("long ", 30), "base64"}, {"a\x00b", "base64"}, {"", "7bit"}, {"bad \xff", "base64"},
	} {
		var h Header
		h.Text("Subject", "x")
		octets := h.Message(Text(c.in, "ja"))
		m := mime.ParseBytes(octets, mime.Limits{})
		want := strings.ReplaceAll(strings.ToValidUTF8(c.in, "\ufffd"), "\n", "\r\n")
		if got := read(t, octets, m.Root); got != want || m.Root.Encoding != c.encoding || !slices.Equal(m.Root.Language, []string{"ja"}) {
			t.Errorf("%q comes back as %q in %s", c.in, got, m.Root.Encoding)
		}
		for line := range strings.SplitSeq(string(octets), "\r\n") {
			if len(line) > 76 {
				t.Errorf("%q: line of %d octets", c.in, len(line))
			}
		}
	}
}

// TestBoundary: a part that holds the boundary ends nothing.
func TestBoundary(t *testing.T) {
	evil := "--=_seed\r\n\r\n--=_seed--\r\n--=_seed_\r\n"
	var h Header
	octets := h.Message(Multipart("multipart/mixed", "se ed\r\n", Quoted("text/plain", []byte(evil)), Quoted("text/plain", []byte("second"))))
	m := mime.ParseBytes(octets, mime.Limits{})
	if len(m.Root.Children) != 2 || read(t, octets, m.Root.Children[0]) != evil {
		t.Errorf("%d parts in\n%s", len(m.Root.Children), octets)
	}
}

// TestEncodings: octets are encoded only where they have to be, and come back.
func TestEncodings(t *testing.T) {
	for _, c := range []struct{ body, quoted, eight string }{
		{"A: b\r\n", "7bit", "7bit"}, {"A: 日本\r\n", "quoted-printable", "8bit"}, {"A: \xff\r\n", "quoted-printable", "quoted-printable"},
		{"A\x00", "quoted-printable", "quoted-printable"}, {strings.Repeat("é", 500), "quoted-printable", "quoted-printable"},
	} {
		for make, want := range map[string]string{"quoted": c.quoted, "eight": c.eight} {
			e := Quoted("text/rfc822-headers", []byte(c.body))
			if make == "eight" {
				e = Eight("text/rfc822-headers", []byte(c.body))
			}
			var h Header
			octets := h.Message(e)
			p := mime.ParseBytes(octets, mime.Limits{}).Root
			got, err := io.ReadAll(mime.DecodedReader(p, bytes.NewReader(octets[p.BodyStart:p.BodyEnd])))
			if err != nil || p.Encoding != want || string(got) != c.body {
				t.Errorf("%s %.20q: %q in %s, want %s (%v)", make, c.body, got, p.Encoding, want, err)
			}
		}
	}
}

// FuzzHeader: no value begins a field of its own, and texts come back.
func FuzzHeader(f *testing.F) {
	f.Add("a\r\nBcc: x", "n", "l", "d")
	f.Add("日本語", "\"\\", "a b", "[::1]")
	f.Add("=?utf-8?Q?=0D=0ABcc:_x?=", "=?utf-8?B?DQpCY2M6IHg=?=", "\n", "\r")
	f.Fuzz(func(t *testing.T, text, name, local, domain string) {
		var h Header
		h.Text("Subject", text)
		h.Addresses("To", Mailbox{name, mail.Address{Local: local, Domain: domain}})
		h.Line("X-Line", text)
		h.LineUTF8("X-Line-UTF8", name)
		h.IDs("X-ID", text)
		var got []string
		for field := range mime.Header(h.Bytes()).Fields() {
			got = append(got, string(field.Name))
		}
		want := []string{"Subject", "To", "X-Line", "X-Line-UTF8"}
		if isID(text) {
			want = append(want, "X-ID")
		}
		if !slices.Equal(got, want) {
			t.Errorf("fields %q in %q", got, h.Bytes())
		}
		if bytes.ContainsAny(bytes.ReplaceAll(h.Bytes(), []byte("\r\n"), nil), "\r\n\x00") {
			t.Errorf("%q", h.Bytes())
		}
	})
}
