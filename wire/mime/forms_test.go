package mime

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestForms holds the forms of header fields against the examples of RFC 8621 §4.1.2 and §4.1.3, and what real mail writes.
func TestForms(t *testing.T) {
	const group = ` "  James Smythe" <james@example.com>, Friends:` + "\r\n" +
		"  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=\r\n  <john@example.com>;"
	if got := AddressesForm([]byte(group)); !reflect.DeepEqual(shownAddresses(got), []string{
		"James Smythe <james@example.com>", " <jane@example.com>", "John Smîth <john@example.com>",
	}) {
		t.Errorf("addresses %q", shownAddresses(got))
	}
	groups := GroupedForm([]byte(group))
	if len(groups) != 2 || groups[0].Named || len(groups[0].Addresses) != 1 || groups[1].Name != "Friends" || !groups[1].Named || len(groups[1].Addresses) != 2 {
		t.Errorf("groups %+v", groups)
	}
	if got := GroupedForm([]byte(" a@x, Empty:;, b@x, c@x")); len(got) != 3 || len(got[1].Addresses) != 0 || len(got[2].Addresses) != 2 {
		t.Errorf("groups %+v", got)
	}
	if got := TextForm([]byte("   =?UTF-8?Q?e=CC=81t=C3=A9?=\r\n =?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?= x ")); got != "été日本語 x" {
		t.Errorf("text %q", got)
	}
	if got := RawForm([]byte(" a\x00\r\n b\xffc")); got != " a\r\n b\ufffdc" {
		t.Errorf("raw %q", got)
	}
	if ids, ok := MessageIDsForm([]byte(" <a@b>\r\n <c@d> (comment)")); !ok || !reflect.DeepEqual(ids, []string{"a@b", "c@d"}) {
		t.Errorf("ids %q", ids)
	}
	if ids, ok := MessageIDsForm([]byte(" <123\r\n\t456@lo cal>")); !ok || ids[0] != "123456@local" {
		t.Errorf("ids %q", ids)
	}
	if _, ok := MessageIDsForm([]byte(" nothing")); ok {
		t.Error("a message id out of nothing")
	}
	if at, ok := DateForm([]byte(" Tue, 1 Jul 2014 11:33:44 +0900 (JST)")); !ok || at.Format("2006-01-02T15:04:05Z07:00") != "2014-07-01T11:33:44+09:00" {
		t.Errorf("date %v", at)
	}
	for value, want := range map[string]string{
		" <https://x.example/u?a=1>, <mailto:u@x.example?subject=off>": "https://x.example/u?a=1 mailto:u@x.example?subject=off",
		" (see <http://no.example>) <https://x.example/\r\n  long>":    "https://x.example/long",
		" NO":                  "",
		" (unclosed":           "",
		" (unclosed \\":        "",
		" <https://x.example/": "",
		" <nothing>":           "",
	} {
		if got, ok := URLsForm([]byte(value)); strings.Join(got, " ") != want || ok != (want != "") {
			t.Errorf("URLs of %q: %q", value, got)
		}
	}
}

func shownAddresses(list []Address) (out []string) {
	for _, a := range list {
		out = append(out, strings.TrimSpace(a.Name()+" ")+" <"+a.Spec()+">")
	}
	return out
}

// TestSpec sees that an address is told as it was written, and quoted only where it could be mistaken.
func TestSpec(t *testing.T) {
	for raw, want := range map[string]string{
		"a..b@docomo.ne.jp":   "a..b@docomo.ne.jp",
		`"a b"@x.example`:     `"a b"@x.example`,
		`"plain"@x.example`:   "plain@x.example",
		"nobody":              "nobody",
		"ichirou＠日本語.example": "ichirou@日本語.example",
	} {
		if got := ParseAddressList(raw); len(got) != 1 || got[0].Spec() != want {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

// partNames tells parts by their description.
func partNames(parts []*Part) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.Description
	}
	return strings.Join(names, " ")
}

// TestBodies holds the choice of bodies against the example of RFC 8621 §4.1.4, and others.
func TestBodies(t *testing.T) {
	multipart := func(subtype, name string, parts ...string) string {
		out := "Content-Type: multipart/" + subtype + "; boundary=" + name + "\r\n\r\n"
		for _, p := range parts {
			out += "--" + name + "\r\n" + p + "\r\n"
		}
		return out + "--" + name + "--\r\n"
	}
	part := func(name, typ string, more ...string) string {
		return "Content-Description: " + name + "\r\nContent-Type: " + typ + "\r\n" + strings.Join(append(more, "\r\n"), "\r\n") + "x"
	}
	inline, attached := "Content-Disposition: inline", "Content-Disposition: attachment"
	example := multipart("mixed", "m1",
		part("A", "text/plain", inline),
		multipart("mixed", "m2",
			multipart("alternative", "m3",
				multipart("mixed", "m4", part("B", "text/plain", inline), part("C", "image/jpeg", inline), part("D", "text/plain", inline)),
				multipart("related", "m5", part("E", "text/html"), part("F", "image/jpeg"))),
			part("G", "image/jpeg", attached), part("H", "application/x-excel"), part("J", "message/rfc822")),
		part("K", "text/plain", inline))
	for _, c := range []struct {
		name, message, text, html, attachments string
		has                                    bool
	}{
		{"RFC 8621", example, "A B C D K", "A E K", "C F G H J", true},
		{"plain alone", part("A", "text/plain"), "A", "A", "", false},
		{"HTML alone", part("A", "text/html"), "A", "A", "", false},
		{"a picture alone", part("A", "image/png"), "A", "A", "", false},
		{"a document alone", part("A", "application/pdf"), "", "", "A", true},
		{"alternatives", multipart("alternative", "b", part("A", "text/plain"), part("B", "text/html")), "A", "B", "", false},
		{"an invitation", multipart("alternative", "b", part("A", "text/plain"), part("B", "text/html"), part("C", "text/calendar")), "A", "B", "C", true},
		{"one alternative", multipart("alternative", "b", part("A", "text/html")), "A", "A", "", false},
		{"pictures of HTML", multipart("related", "b", part("A", "text/html"), part("B", "image/png", "Content-ID: <i>")), "A", "A", "B", false},
		{"a text with a name", multipart("mixed", "b", part("A", "text/plain"), part("B", "text/plain; name=b.txt")), "A", "A", "B", true},
		{"a photograph", multipart("mixed", "b", part("A", "text/plain"), part("B", "image/jpeg; name=b.jpg", inline, "Content-ID: <i>"), part("C", "text/plain")), "A B C", "A B C", "", true},
		{"a signature", multipart("signed", "b", part("A", "text/plain"), part("B", "application/pgp-signature")), "A", "A", "B", false},
		{"alternatives within", multipart("alternative", "b", multipart("mixed", "c", part("A", "text/plain"),
			multipart("alternative", "d", part("B", "text/html")))), "A B", "A B", "", false},
	} {
		m := ParseBytes([]byte(c.message), Limits{})
		b := m.Bodies()
		if partNames(b.Text) != c.text || partNames(b.HTML) != c.html || partNames(b.Attachments) != c.attachments || m.HasAttachment() != c.has {
			t.Errorf("%s: text %q, html %q, attachments %q, %v", c.name, partNames(b.Text), partNames(b.HTML), partNames(b.Attachments), m.HasAttachment())
		}
		row, ok := Index(m.Encode(nil)).Row()
		if !ok || row.HasAttachment != c.has || row.Preview != m.Preview {
			t.Errorf("%s: the index says %+v", c.name, row)
		}
	}
}

// TestRow: what an index tells at once is what the message says, and of older ones it says that it does not know.
func TestRow(t *testing.T) {
	for raw, repeated := range map[string]bool{
		"From: a@b\r\nTo: c@d\r\n\r\nx":                    false,
		"From: a@b\r\nTo: c@d\r\nSubject: x\r\n\r\n":       false,
		"From: a@b\r\nFrom: c@d\r\n\r\nx":                  true,
		"Subject: a\r\nsubject: b\r\n\r\nx":                true,
		"From: a@b\r\nTo:\r\n\r\nx":                        true,
		"From: a@b\r\nTo: undisclosed:;\r\n\r\nx":          false,
		"From: a@b\r\nX: 1\r\nX: 2\r\nReceived: x\r\n\r\n": false,
	} {
		m := ParseBytes([]byte(raw), Limits{})
		x := Index(m.Encode(nil))
		row, ok := x.Row()
		if !ok || row.Repeated != repeated || row.HasSender || row.HasReplyTo {
			t.Errorf("%q: %+v", raw, row)
		}
	}
	m := ParseBytes([]byte("From: a@b\r\nSender: s@b\r\nReply-To: r@b\r\n\r\nx"), Limits{})
	x := Index(m.Encode(nil))
	if row, _ := x.Row(); !row.HasSender || !row.HasReplyTo {
		t.Errorf("%+v", row)
	}
	// The index as version 1 had it: without the row, and without its length.
	l, _ := x.layout()
	row := l.section(x, sectionRow)
	head := x[:l.at[0]]
	old := Index(append([]byte{firstVersion}, head[1:len(head)-1]...)) // the row's length is the last, of one octet
	old = append(append(old, x[l.at[0]:l.at[sectionRow]]...), x[l.at[sectionRow]+len(row):]...)
	if _, ok := old.Row(); ok {
		t.Error("version 1 tells a preview")
	}
	back, err := Decode(old)
	if m.Preview, m.Previewed = "", false; err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("version 1: %+v, %v", back, err)
	}
}

// TestContentSize compares sizes with what is decoded, for base64 in every shape.
func TestContentSize(t *testing.T) {
	lines := func(n, width int, end string) string {
		text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xa5}, n))
		var b strings.Builder
		for ; len(text) > width; text = text[width:] {
			b.WriteString(text[:width] + end)
		}
		return b.String() + text
	}
	for name, body := range map[string]string{
		"one line":           lines(100, 1000, "\r\n"),
		"CRLF":               lines(10000, 76, "\r\n") + "\r\n",
		"no last line end":   lines(10001, 76, "\r\n"),
		"LF":                 lines(10002, 76, "\n") + "\n",
		"lines of 60":        lines(5003, 60, "\r\n") + "\r\n\r\n",
		"whole lines":        lines(57*200, 76, "\r\n") + "\r\n",
		"broken quanta":      lines(10000, 75, "\r\n") + "\r\n",
		"a space in it":      strings.Replace(lines(10000, 76, "\r\n"), "paWl", "p aWl", 40),
		"padding in the mid": lines(1000, 76, "\r\n") + "\r\n" + lines(5000, 76, "\r\n"),
		"rubbish":            strings.Repeat("!!!\r\n", 1000),
		"empty":              "",
	} {
		raw := "Content-Transfer-Encoding: base64\r\n\r\n" + body
		m := ParseBytes([]byte(raw), Limits{})
		want, _ := io.Copy(io.Discard, m.Root.Content(strings.NewReader(raw)))
		if got, err := ContentSize(m.Root, strings.NewReader(raw)); err != nil || got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	raw := "Content-Transfer-Encoding: base64\r\n\r\n" + lines(1<<20, 76, "\r\n")
	if n, ok := base64Size(ParseBytes([]byte(raw), Limits{}).Root, strings.NewReader(raw)); !ok || n != 1<<20 {
		t.Errorf("plain base64 is decoded to be measured: %d, %v", n, ok)
	}
}

// TestReadValue reads texts as a program gets them.
func TestReadValue(t *testing.T) {
	for _, c := range []struct {
		name, message string
		limit         int
		want          Value
	}{
		{"line ends", "\r\na\r\nb\nc\rd\r\n", 100, Value{Text: "a\nb\nc\rd\n"}},
		{"Shift_JIS under a wrong label", "Content-Type: text/plain; charset=utf-8\r\n\r\n\x93\xfa\x96{\x8c\xea\x82\xcc\x83e\x83L\x83X\x83g\r\n", 100, Value{Text: "日本語のテキスト\n"}},
		{"a cut character", "Content-Type: text/plain; charset=utf-8\r\n\r\n日本語", 8, Value{Text: "日本", Truncated: true}},
		{"a cut tag", "Content-Type: text/html\r\n\r\n<p>word <b>bold</b>", 10, Value{Text: "<p>word ", Truncated: true}},
		{"no cut", "Content-Type: text/html\r\n\r\n<p>word", 7, Value{Text: "<p>word"}},
		{"not of the charset", "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B~~\x1b(B.", 100, Value{Text: "\ufffd.", Problem: true}},
		{"an unknown encoding", "Content-Transfer-Encoding: x-secret\r\n\r\na", 100, Value{Text: "a", Problem: true}},
		{"an unknown charset", "Content-Type: text/plain; charset=x-none\r\n\r\nplain", 100, Value{Text: "plain"}},
	} {
		m := ParseBytes([]byte(c.message), Limits{})
		got, err := ReadValue(m.Root, strings.NewReader(c.message), c.limit)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v and %v, want %+v", c.name, got, err, c.want)
		}
	}
}

// FuzzForms: no value makes a form fail, and all text is valid.
func FuzzForms(f *testing.F) {
	f.Add([]byte(" a@b, G: c@d;, =?utf-8?q?x?= <e@f>"))
	f.Add([]byte(" <https://x/>, (a"))
	f.Fuzz(func(t *testing.T, value []byte) {
		var all strings.Builder
		fmt.Fprint(&all, RawForm(value), TextForm(value), GroupedForm(value))
		for _, a := range AddressesForm(value) {
			all.WriteString(a.Name())
		}
		ids, _ := MessageIDsForm(value)
		urls, _ := URLsForm(value)
		DateForm(value)
		fmt.Fprint(&all, ids, urls)
		if !utf8.ValidString(RawForm(value)) || !utf8.ValidString(TextForm(value)) {
			t.Error("text that is no UTF-8")
		}
	})
}

// FuzzValue: whatever a part is, its size is that of its content and its text is valid and no longer than asked for.
func FuzzValue(f *testing.F) {
	f.Add([]byte("Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n"), 3)
	f.Add([]byte("Content-Type: text/html; charset=iso-2022-jp\r\n\r\n<p>\x1b$B"), 10)
	f.Fuzz(func(t *testing.T, message []byte, limit int) {
		m := ParseBytes(message, Limits{})
		octets := bytes.NewReader(message)
		limit = max(min(limit, 1<<16), 0)
		m.Root.Walk(func(p *Part) bool {
			want, _ := io.Copy(io.Discard, p.Content(octets))
			if got, err := ContentSize(p, octets); err != nil || got != want {
				t.Errorf("size %d and %v, want %d", got, err, want)
			}
			v, err := ReadValue(p, octets, limit)
			if err != nil || len(v.Text) > limit || !utf8.ValidString(v.Text) {
				t.Errorf("%+v, %v", v, err)
			}
			return true
		})
		m.Bodies()
	})
}
