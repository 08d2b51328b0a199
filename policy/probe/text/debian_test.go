package text

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	textunicode "golang.org/x/text/encoding/unicode"
	fold "golang.org/x/text/width"

	"tegami/lab/archives"
)

// debianText is a text of the Debian documentation project in Japanese.
func debianText(t testing.TB, dir, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "docs-ja-debian", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDebianGuide reads the same Japanese text as PDF and as plain text: what stands in one stands in the other.
func TestDebianGuide(t *testing.T) {
	dir := archives.Unpack(t, "docs-ja-debian")
	truth := debianText(t, dir, "maint-guide.ja.txt.gz")
	pdf, err := extractFile(t, filepath.Join(dir, "docs-ja-debian", "maint-guide.ja.pdf"))
	if err != nil || pdf.Cut {
		t.Fatalf("%v, cut %v", err, pdf.Cut)
	}
	if share := shared(truth, pdf.Body); share < 0.97 {
		t.Errorf("%.1f %% of the Japanese phrases of the text are in the PDF's", 100*share)
	} else {
		t.Logf("%.2f %%", 100*share)
	}
	if len(pdf.URLs) < 100 {
		t.Errorf("%d links", len(pdf.URLs))
	}
}

// shared is which part of the Japanese phrases of one text stands in another: runs of eight letters and more, wherever lines end.
func shared(one, other string) float64 {
	tight := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, fold.Fold.String(s))
	}
	japanese := func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }
	other = tight(other)
	found, all := 0, 0
	for _, phrase := range strings.FieldsFunc(tight(one), func(r rune) bool { return !japanese(r) }) {
		if len([]rune(phrase)) < 8 {
			continue
		}
		all++
		if strings.Contains(other, phrase) {
			found++
		}
	}
	return float64(found) / float64(max(all, 1))
}

// TestCharsets reads a Japanese text in each charset in which it comes by mail.
func TestCharsets(t *testing.T) {
	truth := debianText(t, archives.Unpack(t, "docs-ja-debian"), "debian-faq.ja.txt.gz")
	for name, enc := range map[string]encoding.Encoding{
		"utf-8": encoding.Nop, "shift_jis": japanese.ShiftJIS, "euc-jp": japanese.EUCJP, "iso-2022-jp": japanese.ISO2022JP,
		"utf-16 with mark":    textunicode.UTF16(textunicode.LittleEndian, textunicode.UseBOM),
		"utf-16le":            textunicode.UTF16(textunicode.LittleEndian, textunicode.IgnoreBOM),
		"utf-16be":            textunicode.UTF16(textunicode.BigEndian, textunicode.IgnoreBOM),
		"utf-8 with its mark": textunicode.UTF8BOM,
	} {
		octets, err := encoding.ReplaceUnsupported(enc.NewEncoder()).Bytes([]byte(truth))
		if err != nil {
			t.Fatal(name, err)
		}
		back, err := enc.NewDecoder().Bytes(octets)
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := extractBytes(octets, "text", "faq.txt", Default())
		want := string(bytes.TrimSpace(bytes.TrimPrefix(back, []byte("\ufeff"))))
		if err != nil || strings.TrimSpace(got.Body) != want {
			t.Errorf("%s: %v, %d octets for %d, %q", name, err, len(got.Body), len(want), clip(got.Body, 60))
		}
	}
}
