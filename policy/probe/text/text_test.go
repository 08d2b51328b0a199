package text

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"tegami/lab/archives"
	"tegami/mail"
)

// sjis is text in CP932.
func sjis(t testing.TB, s string) string {
	t.Helper()
	b, err := japanese.ShiftJIS.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// officeOf packs a document of Office whose main part is named.
func officeOf(main string, parts map[string]string) []byte {
	parts["_rels/.rels"] = `<Relationships><Relationship Id="r1" Type="http://x/officeDocument" Target="` + main + `"/></Relationships>`
	return zipOf(parts)
}

func wordOf(body string) []byte {
	return officeOf("word/document.xml", map[string]string{"word/document.xml": "<w:document><w:body>" + body + "</w:body></w:document>"})
}

// TestFormats reads small documents of each format that can be written down.
func TestFormats(t *testing.T) {
	for _, c := range []struct {
		name, kind, file string
		document         string
		body             string
		urls             []string
	}{
		{"plain", "", "", "手紙\r\nhttp://example.jp/あ、 二", "手紙\nhttp://example.jp/あ、 二", []string{"http://example.jp/"}},
		{"csv in cp932", "csv", "a.csv", sjis(t, "名前,住所\r\n山田,東京都\r\n"), "名前,住所\n山田,東京都", nil},
		{"html in cp932", "html", "", sjis(t, `<title>題</title><p>本<b>文</b><script>no</script><table><td>a</td><td>b</td></table><a href="http://example.jp/?a=1&amp;b=2">x</a><meta http-equiv=refresh content="0; url=http://example.net/">`),
			"本文\na\tb\nx", []string{"http://example.jp/?a=1&b=2", "http://example.net/"}},
		{"rtf: two octets", "", "", `{\rtf1\ansi\ansicpg932{\fonttbl{\f0\fcharset128 MS;}}\f0 \'8e\'e8\'8e\'86\par \'83\'5c\'83A}`, "手紙\nソア", nil},
		{"rtf: unicode", "", "", `{\rtf1\uc1 \u25163?\u32025\'3f{\uc0\u12354}\u-10179?\u-8704?}`, "手紙あ😀", nil},
		{"rtf: a field", "", "", `{\rtf1 a{\field{\*\fldinst { HYPERLINK "http://example.jp/" }}{\fldrslt b}}{\*\unknown c}{\pict 0011}\bin3 xyzd}`, "abd", []string{"http://example.jp/"}},
		{"eml", "eml", "", "Subject: =?ISO-2022-JP?B?GyRCPGo7ZhsoQg==?=\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B<j;f\x1b(B\r\n", "手紙", nil},
		{"word 2003 xml", "", "a.doc", `<?xml version="1.0"?><w:wordDocument xmlns:w="x"><w:p><w:r><w:t>a</w:t></w:r></w:p><w:p><w:r><w:t>b</w:t></w:r></w:p></w:wordDocument>`, "a\nb", nil},
		{"excel 2003 xml", "", "a.xls", `<?xml version="1.0"?><Workbook><Worksheet ss:Name="表"><Table><Row><Cell ss:HRef="http://example.jp/"><Data>a</Data></Cell><Cell><Data>b</Data></Cell></Row></Table></Worksheet></Workbook>`, "表\na\tb", []string{"http://example.jp/"}},
		{"xml in utf-16", "", "", "\xff\xfe<\x00a\x00>\x00\x4b\x62<\x00/\x00a\x00>\x00", "<a>手</a>", nil},
		{"docx: runs, tables, fields", "", "", string(wordOf(`<w:p><w:r><w:t>手</w:t></w:r><w:r><w:t>紙&amp;</w:t><w:tab/><w:t>b</w:t></w:r></w:p>` +
			`<w:tbl><w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc><w:tc><w:p><w:r><w:t>3</w:t></w:r></w:p></w:tc></w:tr></w:tbl>` +
			`<w:p><w:r><w:fldChar w:fldCharType="begin"/><w:instrText> HYPERLINK "http://example.jp/" </w:instrText><w:fldChar w:fldCharType="separate"/><w:t>z</w:t></w:r></w:p>`)),
			"手紙&\tb\n1\t3\nz", []string{"http://example.jp/"}},
		{"odt", "", "", string(zipOf(map[string]string{"content.xml": `<office:document-content><office:body><text:p>手<text:span>紙</text:span><text:s text:c="2"/>b</text:p><text:h>c<text:a xlink:href="http://example.jp/">d</text:a></text:h></office:body></office:document-content>`})),
			"手紙  b\ncd", []string{"http://example.jp/"}},
	} {
		found, err := extractBytes([]byte(c.document), c.kind, c.file, Default())
		if err != nil || found.Body != c.body || !slices.Equal(found.URLs, c.urls) {
			t.Errorf("%s: %v\n got %q %q\nwant %q %q", c.name, err, found.Body, found.URLs, c.body, c.urls)
		}
	}
}

// TestSheetShowsDatesOfJapan reads a workbook whose dates are shown by eras.
func TestSheetShowsDatesOfJapan(t *testing.T) {
	for _, c := range []struct {
		code string
		v    float64
		want string
	}{
		{`ggge"年"m"月"d"日"`, 46350, "令和8年11月24日"},
		{`[$-411]ge.m.d`, 43585, "H31.4.30"},
		{`[$-411]ge.m.d`, 43586, "R1.5.1"},
		{`yyyy"年"m"月"d"日";@`, 46350, "2026年11月24日"},
		{`yyyy/mm/dd hh:mm:ss`, 46350.5, "2026/11/24 12:00:00"},
		{`h:mm AM/PM`, 0.75, "6:00 PM"},
		{`[h]:mm`, 1.5, "36:00"},
		{`mm:ss.0`, 0.000694, "01:00.0"},
		{`"¥"#,##0;[Red]"¥"\-#,##0`, -1234567, "¥-1,234,567"},
		{`#,##0.00`, 1234.565, "1,234.57"},
		{`0.0%`, 0.125, "12.5%"},
		{`#,##0,"千円"`, 1234567, "1,235千円"},
		{`# ?/?`, 2.5, "2 1/2"},
		{`000-0000`, 1000001, "100-0001"},
		{`000\-0000`, 1600023, "160-0023"},
		{`0-00-0`, 12345, "12-34-5"},
		{`General`, 0.1, "0.1"},
		{``, 123456789012345, "123456789012345"},
		{`0;-0;"なし"`, 0, "なし"},
		{`yyyy/m/d`, -1, "-1"},
	} {
		if got := parseFormat(c.code).show(c.v, false); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.code, c.v, got, c.want)
		}
	}
}

// TestEncrypted tells documents that need a password, of every format that has one.
func TestEncrypted(t *testing.T) {
	files := filesBelow(t, archives.Unpack(t, "macro-oletools"))
	for name, path := range filesBelow(t, archives.Unpack(t, "docs-pdfminer")) {
		files[name] = path
	}
	for _, name := range []string{
		"encrypted.doc", "encrypted.xls", "encrypted.ppt", "encrypted.docx", "encrypted.xlsx", "encrypted.pptx", "encrypted.xlsb", "rc4-40.pdf", "aes-256-r6.pdf",
	} {
		found, err := extractFile(t, files[name])
		if text, _ := mail.TextOf(err); Problem(err) != "encrypted" || mail.KindOf(err) != mail.Invalid || text != "text.encrypted" {
			t.Errorf("%s: %v, %d octets", filepath.Base(name), err, len(found.Body))
		}
	}
	manifest := `<manifest:manifest><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry></manifest:manifest>`
	locked := zipOf(map[string]string{"content.xml": "\x01\x02", "META-INF/manifest.xml": manifest})
	if _, err := extractBytes(locked, "odt", "", Default()); Problem(err) != "encrypted" {
		t.Errorf("odt: %v", err)
	}
}

// TestStandardPassword reads workbooks that everybody can read, though they are encrypted.
func TestStandardPassword(t *testing.T) {
	files := filesBelow(t, archives.Unpack(t, "macro-oletools"))
	for _, name := range []string{"autostart-encrypt-standardpassword.xlsm", "autostart-encrypt-standardpassword.xlsb", "autostart-encrypt-standardpassword.xls"} {
		found, err := extractFile(t, files[name])
		if err != nil || !strings.Contains(found.Body, "Sheet") && !strings.Contains(found.Body, "Tabelle") {
			t.Errorf("%s: %v, %q", name, err, found.Body)
		}
	}
}

// TestProblems are the words for what can't be read.
func TestProblems(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name     string
		ctx      context.Context
		document string
		problem  string
		kind     mail.Kind
	}{
		{"a picture", t.Context(), "\x89PNG\r\n\x1a\n\x00\x00\x00\x0d", "unsupported", mail.Invalid},
		{"pdf without a reader", t.Context(), "%PDF-1.4\n", "unsupported", mail.Invalid},
		{"a zip of files", t.Context(), string(zipOf(map[string]string{"a.txt": "a"})), "unsupported", mail.Invalid},
		{"half a zip", t.Context(), "PK\x03\x04\x14\x00", "damaged", mail.Invalid},
		{"half a compound file", t.Context(), oleMagic + "\x00\x00", "damaged", mail.Invalid},
		{"no time", ended, "text", "time", mail.Unavailable},
		{"nothing", t.Context(), "", "", mail.Other},
	} {
		_, err := Extract(c.ctx, Default(), "", "", strings.NewReader(c.document), int64(len(c.document)))
		if Problem(err) != c.problem || err != nil && mail.KindOf(err) != c.kind {
			t.Errorf("%s: %q, %v", c.name, Problem(err), err)
		}
	}
}

// TestLimits holds each limit, and that what exceeds it is told.
func TestLimits(t *testing.T) {
	long := strings.Repeat("あ", 10000)
	links := strings.Repeat("http://example.jp/", 1)
	for i := range 50 {
		links += " http://example.jp/" + strings.Repeat("x", i)
	}
	bomb := officeOf("word/document.xml", map[string]string{"word/document.xml": "<w:document>" + strings.Repeat(" ", 3<<20) + "<w:t>x</w:t></w:document>"})
	for _, c := range []struct {
		name     string
		document []byte
		change   func(*Limits)
	}{
		{"text", []byte(long), func(l *Limits) { l.Text = 1000 }},
		{"text of a docx", wordOf("<w:p><w:t>" + long + "</w:t></w:p>"), func(l *Limits) { l.Text = 1000 }},
		{"text of rtf", []byte(`{\rtf1 ` + strings.Repeat("a", 5000) + "}"), func(l *Limits) { l.Text = 1000 }},
		{"text of html", []byte("<html><p>" + long), func(l *Limits) { l.Text = 1000 }},
		{"addresses", []byte("<html>" + strings.ReplaceAll(links, " ", "<a href=")), func(l *Limits) { l.URLs = 3 }},
		{"inflated", bomb, func(l *Limits) { l.Inflated = 1 << 20 }},
		{"parts", wordOf("x"), func(l *Limits) { l.Parts = 1 }},
		{"whole", []byte(oleMagic + strings.Repeat("\x00", 2000)), func(l *Limits) { l.Whole = 1000 }},
	} {
		lim := Default()
		c.change(&lim)
		found, err := extractBytes(c.document, "", "", lim)
		if err != nil || len(found.Body) > lim.Text || len(found.URLs) > lim.URLs {
			t.Errorf("%s: %v, %d octets, %d addresses", c.name, err, len(found.Body), len(found.URLs))
		}
		if !found.Cut && c.name != "addresses" {
			t.Errorf("%s: nothing was cut", c.name)
		}
		sound(t, found, lim)
	}
}

// TestDeepGroups ends where groups of RTF stand too deep in others.
func TestDeepGroups(t *testing.T) {
	found, err := extractBytes([]byte("{\\rtf1 a"+strings.Repeat("{", 100000)+"b"), "", "", Default())
	if found.Body != "a" || Problem(err) != "damaged" {
		t.Errorf("%q, %v", found.Body, err)
	}
}

// TestReadError passes on what reading the document met.
func TestReadError(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := Extract(t.Context(), Default(), "", "", failing{broken}, 100)
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// TestScannerWindow reads tags and text over the ends of the scanner's window.
func TestScannerWindow(t *testing.T) {
	for _, n := range []int{scanSize - 5, scanSize, scanSize + 5, 3 * scanSize} {
		document := "<a>" + strings.Repeat("x", n) + "&amp;</a><b c='" + strings.Repeat("y", n) + "'/><d>z</d><![CDATA[w]]>"
		var text strings.Builder
		s := newScanner(strings.NewReader(document))
		for s.next() {
			if s.tok == tokText {
				text.Write(s.text)
			}
		}
		if want := strings.Repeat("x", n) + "&zw"; text.String() != want || s.fault() != nil {
			t.Errorf("%d: %d octets of text for %d: …%q", n, text.Len(), len(want), text.String()[max(0, text.Len()-20):])
		}
	}
}

// TestPDFHasNoTime ends PDFium with the context.
func TestPDFHasNoTime(t *testing.T) {
	if err := pdfs().Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := []byte("%PDF-1.4\n")
	if _, err := Extract(ctx, testLimits(t), "pdf", "", bytes.NewReader(b), int64(len(b))); Problem(err) != "time" {
		t.Errorf("%v", err)
	}
	if _, err := Extract(t.Context(), testLimits(t), "pdf", "", bytes.NewReader(b), int64(len(b))); Problem(err) != "damaged" {
		t.Errorf("the next one: %v", err)
	}
}

// TestPDFCannotStart tells that there is no reader, which is no fault of the document.
func TestPDFCannotStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a-file-no-folder")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lim := Default()
	lim.PDF = NewPDF(PDFConfig{Cache: file})
	b := []byte("%PDF-1.4\n")
	_, err := Extract(t.Context(), lim, "pdf", "", bytes.NewReader(b), int64(len(b)))
	if text, _ := mail.TextOf(err); Problem(err) != "unsupported" || mail.KindOf(err) != mail.Unavailable || text != "text.pdf_start" {
		t.Errorf("%v: %q", err, Problem(err))
	}
	if err := lim.PDF.Close(); err != nil {
		t.Error(err)
	}
}
