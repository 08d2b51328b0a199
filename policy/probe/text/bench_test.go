package text

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegami/lab/archives"
)

// randomWords makes text that compresses about as text does.
func randomWords(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteRune(rune('ぁ' + r.IntN(80)))
		if r.IntN(3) == 0 {
			b.WriteRune(rune('一' + r.IntN(2000)))
		}
	}
	return b.String()
}

// benchWord is a Word document of about so many octets.
func benchWord(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="x"><w:body>`)
	for n := 0; n < size; {
		words := randomWords(r, 60)
		n += len(words) * 6 / 10
		fmt.Fprintf(&b, `<w:p w:rsidR="00A77B3E" w:rsidRDefault="00A77B3E"><w:pPr><w:pStyle w:val="a3"/><w:rPr><w:rFonts w:hint="eastAsia"/><w:sz w:val="21"/></w:rPr></w:pPr><w:r><w:rPr><w:rFonts w:hint="eastAsia"/></w:rPr><w:t>%s</w:t></w:r><w:r><w:t xml:space="preserve"> %d&amp;</w:t></w:r></w:p>`, words, r.IntN(1000))
	}
	b.WriteString(`</w:body></w:document>`)
	return zipOf(map[string]string{
		"[Content_Types].xml": "<Types/>", "word/document.xml": b.String(),
		"_rels/.rels": `<Relationships><Relationship Id="r1" Type="http://x/officeDocument" Target="word/document.xml"/></Relationships>`,
	})
}

// benchSheet is a spreadsheet of about so many octets.
func benchSheet(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var cells, shared strings.Builder
	rows := size / 26
	cells.WriteString(`<worksheet><sheetData>`)
	shared.WriteString(`<sst>`)
	for i := range rows {
		fmt.Fprintf(&cells, `<row r="%d" spans="1:3"><c r="A%d" s="1" t="s"><v>%d</v></c><c r="B%d"><v>%.2f</v></c><c r="C%d" s="1"><v>%d</v></c></row>`, i+1, i+1, i/2, i+1, r.Float64()*1e5, i+1, 40000+r.IntN(6000))
		if i%2 == 0 {
			fmt.Fprintf(&shared, `<si><t>%s</t></si>`, randomWords(r, 8))
		}
	}
	cells.WriteString(`</sheetData></worksheet>`)
	shared.WriteString(`</sst>`)
	return zipOf(map[string]string{
		"[Content_Types].xml": "<Types/>", "xl/sharedStrings.xml": shared.String(), "xl/worksheets/sheet1.xml": cells.String(),
		"xl/workbook.xml": `<workbook><sheets><sheet name="表1" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/styles.xml":   `<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"_rels/.rels":     `<Relationships><Relationship Id="r1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="r2" Type="http://x/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="r3" Type="http://x/styles" Target="styles.xml"/></Relationships>`,
	})
}

func benchmark(b *testing.B, document []byte, name string) {
	b.Helper()
	lim := testLimits(b)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	var text int
	for b.Loop() {
		found, err := Extract(context.Background(), lim, "", name, bytes.NewReader(document), int64(len(document)))
		if err != nil || found.Body == "" {
			b.Fatal(err)
		}
		text = len(found.Body)
	}
	b.ReportMetric(float64(text), "octets-of-text")
}

// BenchmarkExtract reads documents of the sizes that come by mail.
func BenchmarkExtract(b *testing.B) {
	b.Run("docx-50k", func(b *testing.B) { benchmark(b, benchWord(50<<10), "") })
	b.Run("xlsx-50k", func(b *testing.B) { benchmark(b, benchSheet(50<<10), "") })
	rtf := "{\\rtf1\\ansi\\ansicpg932" + strings.Repeat("{\\f1 \\'82\\'a0\\'8a\\'bf text \\u12354?\\par}", 1500) + "}"
	b.Run("rtf-50k", func(b *testing.B) { benchmark(b, []byte(rtf), "") })
	html := "<html><body>" + strings.Repeat("<p class=x>手紙の<b>本文</b> and <a href='http://example.com/'>link</a></p>", 800) + "</body></html>"
	b.Run("html-50k", func(b *testing.B) { benchmark(b, []byte(html), "") })
	b.Run("plain-50k", func(b *testing.B) { benchmark(b, []byte(strings.Repeat("手紙の本文です。\n", 2000)), "") })
}

// BenchmarkPDF reads a page, and a book of some hundred pages.
func BenchmarkPDF(b *testing.B) {
	dir := archives.Unpack(b, "docs-ja-debian")
	book, err := os.ReadFile(filepath.Join(dir, "docs-ja-debian", "maint-guide.ja.pdf"))
	if err != nil {
		b.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(archives.Unpack(b, "docs-pdfminer"), "docs-pdfminer", "simple5.pdf"))
	if err != nil {
		b.Fatal(err)
	}
	if err := pdfs().Start(); err != nil {
		b.Fatal(err)
	}
	b.Run("page", func(b *testing.B) { benchmark(b, page, "") })
	b.Run("book", func(b *testing.B) { benchmark(b, book, "") })
}

// BenchmarkPDFStart starts the reader of PDF from its cache.
func BenchmarkPDFStart(b *testing.B) {
	if err := pdfs().Start(); err != nil { // the cache is there
		b.Fatal(err)
	}
	for b.Loop() {
		x := NewPDF(PDFConfig{Cache: pdfCache()})
		if err := x.Start(); err != nil {
			b.Fatal(err)
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
