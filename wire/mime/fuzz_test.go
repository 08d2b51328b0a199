package mime

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: parsing never panics, the pieces are the message, chunks do not matter, the kept form is the structure.
func FuzzParse(f *testing.F) {
	for _, raw := range [][]byte{nil, []byte("\n"), plain4K()[:800], rfc9051Message()} {
		f.Add(raw, uint8(3))
	}
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n--b--\n"), uint8(1))
	f.Add([]byte("From: \"a\\\" <b@c>, d:e;\nContent-Disposition: x; filename*0*=iso-2022-jp''%1b; filename*1=a\n\n"), uint8(9))
	f.Fuzz(func(t *testing.T, raw []byte, size uint8) {
		checkStructure(t, raw, int(size)+1)
		small := Limits{Depth: 3, Parts: 4, HeaderBytes: 100, HeaderFields: 4}
		m := ParseBytes(raw, small)
		rebuild(t, raw, m)
		checkIndex(t, m)
		m.Root.Walk(func(p *Part) bool {
			p.Filenames()
			text := TextReader(p, DecodedReader(p, bytes.NewReader(raw[p.BodyStart:p.BodyEnd])))
			if b, err := io.ReadAll(text); err != nil || !utf8.Valid(b) {
				t.Errorf("text: %v, valid %v", err, utf8.Valid(b))
			}
			return true
		})
		h := raw[m.Root.HeaderStart:m.Root.BodyStart]
		if all := AppendHeaderFields(nil, h, nil, true); !bytes.Equal(all, h) && !bytes.HasPrefix(h, all) {
			t.Errorf("all fields of %q are %q", h, all)
		}
	})
}

// FuzzDecode: no octets make the kept form's readers panic.
func FuzzDecode(f *testing.F) {
	f.Add(ParseBytes(rfc9051Message(), Limits{}).Encode(nil))
	f.Add(ParseBytes(plain4K(), Limits{}).Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := Index(b)
		x.Envelope()
		x.Body()
		x.BodyStructure()
		x.HeaderSize()
		if m, err := Decode(b); err == nil {
			m.Part([]int{1, 2, 1})
			m.Root.Walk(func(p *Part) bool { return p.Filename() != "\x00" })
		}
	})
}

// FuzzText: all texts that are read are valid UTF-8, and what is written comes back.
func FuzzText(f *testing.F) {
	for _, s := range []string{"plain", "日本語〜", "=?utf-8?B?5pel?=", "\x1b$BF|\x1b(B", "a@b, C <d@e>; f:g@h;", "Mon, 23 Nov 2026 10:00:00 +0900", "a; b*0*=x''%e3; c=\"d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, label := range []string{"", "utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "utf-7", "iso-2022-kr", "utf-16"} {
			if text, _, _ := DecodeCharset(label, []byte(s)); !utf8.ValidString(text) {
				t.Errorf("%s: %q is not UTF-8", label, text)
			}
		}
		if text := DecodeHeader(s); !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") {
			t.Errorf("header %q", text)
		}
		for _, a := range ParseAddressList(s) {
			a.Name()
		}
		_, params := ParseParams(s)
		for _, p := range params {
			if !utf8.ValidString(p.Value) {
				t.Errorf("parameter %q", p.Value)
			}
		}
		_, _ = ParseDate(s) // that it returns is all that is asked
		Normalize(s)
		if name := SanitizeFilename(s); len(name) > maxFilename || strings.ContainsAny(name, `\/:*?"<>|`) || !utf8.ValidString(name) {
			t.Errorf("file name %q", name)
		}
		comesBack(t, s)
	})
}

func comesBack(t *testing.T, s string) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) || strings.IndexByte(s, esc) >= 0 {
		return // what is read may be repaired
	}
	text := strings.Trim(cleanText(s), " \t")
	if got := DecodeHeader(EncodeHeader(text, UTF8)); got != text {
		t.Errorf("header %q comes back as %q from %q", text, got, EncodeHeader(text, UTF8))
	}
	body, cs, cte := EncodeText(s, "iso-2022-jp")
	b, err := io.ReadAll(DecodedReader(&Part{Encoding: cte}, bytes.NewReader(body)))
	want := strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	if got, _, _ := DecodeCharset(cs, b); err != nil || cs != ISO2022JP && got != want || cs == ISO2022JP && got != jisText(want) {
		t.Errorf("text %q comes back as %q", want, got)
	}
	if strings.Contains(s, "=?") {
		return // encoded words are read everywhere in parameters
	}
	param := FormatParam("p", text)
	if _, params := ParseParams("x; " + strings.ReplaceAll(param, "\r\n", "")); len(params) != 1 || params[0].Value != text {
		t.Errorf("parameter %q comes back as %+v from %q", text, params, param)
	}
}
