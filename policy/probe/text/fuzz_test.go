package text

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"tegami/lab/archives"
)

// smallLimits are limits that a fuzzer reaches.
func smallLimits() Limits {
	return Limits{Text: 4 << 10, URLs: 10, Inflated: 1 << 20, Parts: 30, Whole: 1 << 20, Pages: 3}
}

// sound checks what holds for every document.
func sound(t *testing.T, f Text, lim Limits) {
	t.Helper()
	switch {
	case !utf8.ValidString(f.Body) || !utf8.ValidString(f.Title):
		t.Errorf("not UTF-8: %q, %q", f.Body, f.Title)
	case len(f.Body) > lim.Text+2*utf8.UTFMax || len(f.Title) > maxTitle:
		t.Errorf("%d octets of text, %d of title", len(f.Body), len(f.Title))
	case len(f.URLs) > lim.URLs:
		t.Errorf("%d addresses", len(f.URLs))
	}
	for _, u := range f.URLs {
		if len(u) > 3*maxURL || u == "" || !utf8.ValidString(u) {
			t.Errorf("address %q", u)
		}
	}
}

// seeds adds small documents of test archives, where those are.
func seeds(f *testing.F, archive string, suffixes ...string) {
	f.Helper()
	if _, err := os.Stat("testdata"); err != nil {
		f.Fatal(err)
	}
	if os.Getenv("TEGAMI_FUZZ_SEEDS") == "" { // unpacking takes longer than reading the seeds
		return
	}
	for name, path := range filesBelow(f, archives.Unpack(f, archive)) {
		for _, suffix := range suffixes {
			if b, err := os.ReadFile(path); err == nil && filepath.Ext(name) == suffix && len(b) < 40<<10 {
				f.Add(b)
			}
		}
	}
}

// FuzzExtract reads anything as a whole document.
func FuzzExtract(f *testing.F) {
	f.Add([]byte("{\\rtf1\\ansicpg932 \\'82\\'a0\\u12354?}"))
	f.Add([]byte("<html><a href='http://example.com/'>x</a>"))
	f.Add(zipOf(map[string]string{"word/document.xml": "<w:document><w:body><w:p><w:r><w:t>x</w:t></w:r></w:p></w:body></w:document>", "_rels/.rels": ""}))
	f.Add(zipOf(map[string]string{"content.xml": "<office:document-content><text:p>x<text:s text:c='3'/></text:p></office:document-content>"}))
	f.Add([]byte("\x09\x08\x10\x00\x00\x06\x05\x00"))
	f.Add([]byte("From: a@example.com\r\nSubject: x\r\n\r\nbody"))
	seeds(f, "docs-tika", ".doc", ".xls", ".ppt", ".docx", ".xlsx", ".xlsb", ".pptx", ".odt", ".ods", ".odp", ".rtf", ".html", ".msg")
	f.Fuzz(func(t *testing.T, b []byte) {
		lim := smallLimits()
		for _, name := range []string{"", "a.eml", "a.html"} {
			found, _ := extractBytes(b, "", name, lim)
			sound(t, found, lim)
		}
	})
}

// fuzzXML reads a document of XML by a reader of its tokens.
func fuzzXML(t *testing.T, b []byte, take func(*sink) func(*scanner) error) {
	lim := smallLimits()
	d := newDocument(context.Background(), lim, "", "", bytes.NewReader(b), int64(len(b)))
	_ = d.tokens(newScanner(d.stream()), take(d.out))
	sound(t, d.out.finish(), lim)
}

// FuzzXML reads the parts of packed documents.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="Shift_JIS"?><w:p><w:r><w:t>a&amp;&#x3042;</w:t></w:r><w:fldSimple w:instr='HYPERLINK "http://example.com"'/></w:p>`))
	f.Add([]byte(`<c r="A1" t="s" s="1"><v>0</v></c><is><t><![CDATA[x]]></t></is><!-- c --><?pi ?><hyperlink location="x"/>`))
	f.Add([]byte(`<text:p>a<text:s text:c="9999999"/><draw:frame presentation:placeholder="true"><text:p>x</text:p></draw:frame></text:p>`))
	f.Add([]byte(`<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="japaneseCounting"/><w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum><w:num w:numId="3"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="1"><w:startOverride w:val="4"/></w:lvlOverride></w:num><w:p><w:pPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:pPr><w:t>x</w:t></w:p>`))
	f.Add([]byte("\xff\xfe<\x00a\x00>\x00x\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzXML(t, b, func(out *sink) func(*scanner) error { return (&story{out: out}).take })
		fuzzXML(t, b, func(out *sink) func(*scanner) error { return (&cells{out: out, book: &workbook{}}).take })
		fuzzXML(t, b, func(out *sink) func(*scanner) error { return (&odf{out: out, masters: len(b)%2 == 0}).take })
		fuzzXML(t, b, func(out *sink) func(*scanner) error { return (&iworkReader{out: out}).take })
		l := &lists{byID: make(map[string]*override), styles: make(map[string]place)}
		fuzzXML(t, b, func(*sink) func(*scanner) error {
			return (&numberingReader{lists: l, abstract: make(map[string]*numbered)}).take
		})
		fuzzXML(t, b, func(out *sink) func(*scanner) error { return (&story{out: out, lists: l}).take })
	})
}

// FuzzScanner holds the scanner in its window: what it reads does not depend on how the octets arrive.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(`<a b="c>d">text &lt; more</a><![CDATA[ x ]]><!-- - --><e/>`), 3)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		if len(b) > scanSize/2 {
			return
		}
		whole, pieces := tokensOf(newScanner(bytes.NewReader(b))), tokensOf(newScanner(&stepReader{b, max(step, 1)}))
		if whole != pieces {
			t.Errorf("%q by the octet is %q, else %q", b, pieces, whole)
		}
	})
}

// tokensOf is what a scanner reads, with pieces of text put together.
func tokensOf(s *scanner) string {
	var b strings.Builder
	for s.next() {
		switch s.tok {
		case tokStart:
			b.WriteString("\x00<" + string(s.name) + "|" + string(s.attr("b")) + "\x00")
		case tokEnd:
			b.WriteString("\x00>" + string(s.name) + "\x00")
		case tokText:
			b.Write(s.text)
		}
	}
	return b.String()
}

// A stepReader gives a few octets at a time.
type stepReader struct {
	b    []byte
	step int
}

func (r *stepReader) Read(p []byte) (int, error) {
	n, err := bytes.NewReader(r.b[:min(len(r.b), r.step)]).Read(p)
	r.b = r.b[n:]
	return n, err
}

// FuzzRTF reads RTF.
func FuzzRTF(f *testing.F) {
	f.Add([]byte("{\\rtf1{\\fonttbl{\\f1\\fcharset128 x;}}\\f1 \\'82\\'a0\\u-10000\\'3f{\\field{\\*\\fldinst HYPERLINK \"http://example.com\"}{\\fldrslt x}}\\bin3 abc\\par{\\*\\x y}}"))
	f.Add([]byte("{\\rtf1{\\upr{a}{\\*\\ud{b}}}\\uc2\\u12354ab{\\info{\\title t}}\\cell\\row}"))
	seeds(f, "docs-tika", ".rtf")
	f.Fuzz(func(t *testing.T, b []byte) {
		lim := smallLimits()
		found, _ := extractBytes(append([]byte("{\\rtf"), b...), "", "", lim)
		sound(t, found, lim)
		if out := unpackRTF(b); len(out) > maxRTF+window18 {
			t.Errorf("%d octets of RTF", len(out))
		}
	})
}

// window18 is more than one reference of compressed RTF can add beyond the limit: eight references of up to 17 octets.
const window18 = 8 * 18

// FuzzBIFF reads the records of workbooks.
func FuzzBIFF(f *testing.F) {
	f.Add([]byte("\x09\x08\x10\x00\x00\x06\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xfc\x00\x0d\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00ab\xfd\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x09\x00\x04\x00\x02\x00\x10\x00\x04\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x02ab"))
	f.Add([]byte("\xb6\x01\x00\x00\x3c\x00\x03\x00\x00ab\x3c\x00\x00\x00\xb8\x01\x00\x00\xae\x01\x04\x00\x02\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lim := smallLimits()
		d := newDocument(context.Background(), lim, "", "", bytes.NewReader(b), int64(len(b)))
		_ = d.biff(b)
		sound(t, d.out.finish(), lim)
	})
}

// FuzzXLSB reads the records of binary workbooks.
func FuzzXLSB(f *testing.F) {
	f.Add([]byte("\x13\x07\x00\x01\x00\x00\x00a\x00\x06\x0e\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00a\x00\x9c\x01\x02ab\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lim := smallLimits()
		d := newDocument(context.Background(), lim, "", "", nil, 0)
		x := xlsbReader{out: d.out}
		in := &sevenBits{r: bytes.NewReader(b)}
		for {
			kind, n, err := in.head()
			if err != nil {
				break
			}
			body, err := in.body(n)
			if err != nil {
				break
			}
			_, _ = x.aside(kind, body), x.cell(kind, body)
		}
		sound(t, d.out.finish(), lim)
	})
}

// FuzzWord reads the text of Word's streams.
func FuzzWord(f *testing.F) {
	f.Add([]byte("\x02\x10\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00"), []byte("a\x13HYPERLINK \"http://example.com\"\x14b\x15\x07\x07\r"))
	f.Fuzz(func(t *testing.T, clx, b []byte) {
		lim := smallLimits()
		for _, wide := range []bool{true, false} {
			w := wordText{out: newSink(lim), page: 932}
			w.pieces(b, pieceTable(clx), wide)
			w.narrow(b)
			w.authors(clx)
			sound(t, w.out.finish(), lim)
		}
	})
}

// FuzzSlides reads the records of presentations.
func FuzzSlides(f *testing.F) {
	f.Add([]byte("\x0f\x00\xe8\x03\x0c\x00\x00\x00\x00\x00\xa0\x0f\x04\x00\x00\x00a\x00b\x00\x00\x00\xf5\x0f\x00\x00\x00\x00"), 0)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		lim := smallLimits()
		d := newDocument(context.Background(), lim, "", "", nil, 0)
		s := &pptReader{d: d, out: d.out, b: b, objects: make(map[int]int), seen: make(map[int]bool)}
		s.persisted(at)
		s.table(b)
		s.show(b)
		s.walk(b, 0)
		sound(t, d.out.finish(), lim)
	})
}

// FuzzFormat shows numbers by formats of workbooks.
func FuzzFormat(f *testing.F) {
	for _, code := range builtinFormats {
		f.Add(code, 39583.18)
	}
	f.Add(`[Red]"x"#,##0.00_);\(0\)E+0 ?/?;@`, math.Inf(-1))
	f.Fuzz(func(t *testing.T, code string, v float64) {
		format := parseFormat(code)
		for _, v := range []float64{v, -v, 0} {
			if shown := format.show(v, false); len(shown) > len(code)*64+4000 {
				t.Errorf("%q shows %v in %d octets", code, v, len(shown))
			}
		}
	})
}

// FuzzUnlock reads descriptions of encryptions.
func FuzzUnlock(f *testing.F) {
	f.Add([]byte(`<keyData saltSize="16" keyBits="256" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="AAAA"/><p:encryptedKey spinCount="1" keyBits="99999" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA1" saltValue="AAAA" encryptedVerifierHashInput="AAAA" encryptedVerifierHashValue="AAAA" encryptedKeyValue="AAAA"/>`), []byte("data"))
	f.Add(append([]byte{1, 0, 1, 0, 1, 0}, make([]byte, 48)...), []byte("\x09\x08\x04\x00aaaa"))
	f.Fuzz(func(t *testing.T, info, data []byte) {
		if open := agile(info, data, "a"); len(open) > len(data) {
			t.Errorf("%d octets of %d", len(open), len(data))
		}
		if open := unlockBIFF(data, info, "a"); open != nil && len(open) != len(data) {
			t.Errorf("%d octets of %d", len(open), len(data))
		}
	})
}
