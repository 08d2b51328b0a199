package match

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"tegami/wire/mime"
)

// inMemory is a message's octets, at hand.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

func (m inMemory) WriteRange(w io.Writer, from, n int64) (int64, error) {
	return io.Copy(w, io.NewSectionReader(m, from, n))
}

// has tells whether a scanner finds a string in a message, under BODY or TEXT.
func has(t testing.TB, raw, want string, headers bool) bool {
	t.Helper()
	n := NewNeedle(mime.Searchable(want))
	n.Headers = headers
	sc := newScanner([]Needle{n})
	o := octets{body: inMemory{bytes.NewReader([]byte(raw))}}
	if err := sc.message(mime.ParseBytes([]byte(raw), mime.Limits{}), &o); err != nil {
		t.Fatal(err)
	}
	return sc.found[0]
}

func TestSearchText(t *testing.T) {
	in := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	const plain = "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
	mixed := "Subject: =?utf-8?b?" + in("御見積書の件") + "?=\r\nX-List: \"quoted\" words\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n" +
		"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		in("<html><head><title>題名</title><style>.hidden{}</style></head><p>社<b>外</b>秘 &amp; more</p><p>第一<br>段落</p><a href='https://alpha.example/path'>link</a></html>") +
		"\r\n--b\r\nContent-Type: application/pdf; name*=utf-8''%E8%AB%8B%E6%B1%82%E6%9B%B8.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + in("binary words") +
		"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner letter\r\nX-Inner: deep\r\n\r\ninner text\r\n--b\r\nContent-Type: text/csv; name=\"=?utf-8?b?" + in("名簿.csv") +
		"?=\"\r\n\r\na,b\r\n--b--\r\n"
	for _, c := range []struct {
		raw, want  string
		body, text bool
	}{
		{plain + "会議は社外\r\n秘です", "社外秘", true, true},
		{plain + "会議は社 外　秘です", "社外秘", true, true},
		{plain + "会議は社外秘です", "社 外 秘", true, true},
		{plain + "ﾃﾞｰﾀﾍﾞｰｽの設定", "データベース", true, true},
		{plain + "データベースの設定", "ﾃﾞｰﾀﾍﾞｰｽ", true, true},
		{plain + "でーた", "データ", false, false},
		{plain + "東京〜大阪", "東京～大阪", true, true},
		{plain + "東京~大阪", "東京〜大阪", true, true},
		{plain + "Postfix\r\nの設定", "postfixの", true, true},
		{plain + "one two\r\n  three", "TWO THREE", true, true},
		{plain + "one twothree", "two three", false, false},
		{plain + "one two three", "twothree", false, false},
		{plain + "co\u00adoperate", "cooperate", true, true},
		{plain + "a.b", "a b", false, false},
		{plain + "price: $14.95 (net)", "$14.95 (NET)", true, true},
		{"Subject: x\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B2q5D\x1b(B", "会議", true, true},
		{"Subject: x\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\x89\xef\x8bc", "会議", true, true},
		{"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E4=BC=9A=\r\n=E8=AD=B0 wo=\r\nrd", "会議 word", true, true},
		{mixed, "社外秘", true, true},
		{mixed, "秘 & MORE", true, true},
		{mixed, "秘 &amp; more", false, false},
		{mixed, "hidden", false, false},
		{mixed, "題名", true, true},
		{mixed, "alpha.example/path", true, true},
		{mixed, "一段", true, true},
		{mixed, "見積", false, true},
		{mixed, "subject: 御", false, true},
		{mixed, "\"quoted\" words", false, true},
		{mixed, "請求書.pdf", false, true},
		{mixed, "名簿", false, true},
		{mixed, "binary words", false, false},
		{mixed, "inner letter", true, true},
		{mixed, "x-inner: deep", true, true},
		{mixed, "inner text", true, true},
		{mixed, "a,b", true, true},
		{mixed, "preamble", false, false},
		{mixed, "", true, true},
	} {
		if got := has(t, c.raw, c.want, false); got != c.body {
			t.Errorf("BODY %q: %v", c.want, got)
		}
		if got := has(t, c.raw, c.want, true); got != c.text {
			t.Errorf("TEXT %q: %v", c.want, got)
		}
	}
}

// A large part is read as a stream and a small one at once; what is found is the same.
func TestSearchLargeParts(t *testing.T) {
	for _, filler := range []string{"All work and no play. ", "仕事ばかりで遊ばない。", "<p>tags <b>and</b> text</p>"} {
		for _, size := range []int{10, maxWhole, maxInMemory + 1, 3 * maxInMemory} {
			kind := "plain"
			if filler[0] == '<' {
				kind = "html"
			}
			raw := "Subject: x\r\nContent-Type: text/" + kind + "; charset=utf-8\r\n\r\n" + strings.Repeat(filler, size/len(filler)) + " 社外\r\n秘 nee" +
				"dle here " + strings.Repeat(filler, 20)
			for want, there := range map[string]bool{"社外秘needle": true, "NEEDLE  HERE": true, "needles": false, "社内秘": false} {
				if has(t, raw, want, false) != there {
					t.Errorf("%s, %d octets: %q is not as %v", kind, size, want, there)
				}
			}
		}
	}
}

// A message whose octets end before its index says so is an error, not a message without the string.
func TestSearchShortOctets(t *testing.T) {
	raw := "Subject: x\r\n\r\n" + strings.Repeat("text ", 100)
	sc := newScanner([]Needle{NewNeedle("word")})
	o := octets{body: inMemory{bytes.NewReader([]byte(raw[:50]))}}
	if err := sc.message(mime.ParseBytes([]byte(raw), mime.Limits{}), &o); err == nil {
		t.Error("no error")
	}
	o = octets{body: broken{o.body.(inMemory)}}
	if err := sc.message(mime.ParseBytes([]byte(raw[:50]), mime.Limits{}), &o); err == nil {
		t.Error("no error of reading")
	}
}

type broken struct{ inMemory }

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errors.New("broken") }

func FuzzContainsFold(f *testing.F) {
	f.Add("The Zebrafish is here", "zebrafish")
	f.Add("aaaaab", "aab")
	f.Fuzz(func(t *testing.T, text, want string) {
		want = strings.Map(func(r rune) rune {
			if isLetterOrDigit(r) {
				return r
			}
			return -1
		}, want)
		n := NewNeedle(want)
		if got := containsFold([]byte(text), n.probe, n.rare); isASCII(text) && got != strings.Contains(strings.ToLower(text), want) {
			t.Errorf("%q in %q: %v", want, text, got)
		}
	})
}

// FuzzScanner holds the scanner against text made plain in the simplest way.
func FuzzScanner(f *testing.F) {
	f.Add("Some text\r\n with  社 外 words", "text with", "quoted-printable", "utf-8")
	f.Add("abc", "B", "base64", "")
	f.Fuzz(func(t *testing.T, body, want, encoding, charset string) {
		if strings.ContainsAny(encoding+charset, "\r\n\x00\"") {
			return
		}
		raw := "Content-Type: text/plain; charset=\"" + charset + "\"\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" + body
		m := mime.ParseBytes([]byte(raw), mime.Limits{})
		p := m.Root
		if !p.IsText() || p.Subtype != "plain" {
			return
		}
		text, err := io.ReadAll(mime.TextReader(p, mime.DecodedReader(p, strings.NewReader(raw[p.BodyStart:p.BodyEnd]))))
		if err != nil {
			return
		}
		if got, there := has(t, raw, want, false), strings.Contains(mime.Searchable(string(text)), mime.Searchable(want)); got != there {
			t.Errorf("%q in %q: %v, want %v", want, raw, got, there)
		}
	})
}

// Search strings are found across the borders of portions, folded, in every charset.
func TestScanner(t *testing.T) {
	for _, c := range []struct {
		text, needle string
		want         bool
	}{
		{strings.Repeat("x", scanPortion-3) + "needle", "NEEDLE", true},
		{strings.Repeat("あ", scanPortion/3-1) + "手紙です", "手紙", true},
		{"ＴＥＧＡＭＩ", "tegami", true},
		{"ﾃｶﾞﾐ", "テガミ", true},
		{strings.Repeat("é", scanPortion) + "STRASSE", "strasse", true},
		{"nothing", "else", false},
	} {
		sc := newScanner([]Needle{NewNeedle(mime.Searchable(c.needle))})
		sc.open = 1
		if err := sc.stream(strings.NewReader(c.text)); err != nil || sc.found[0] != c.want {
			t.Errorf("%.20q in %.20q: %v %v", c.needle, c.text, sc.found[0], err)
		}
	}
}
