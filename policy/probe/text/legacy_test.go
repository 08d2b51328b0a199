package text

import (
	"bytes"
	"context"
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tegami/lab/archives"
)

// record makes a record of a workbook.
func record(id int, body ...byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(id))
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(body))), body...)
}

// readBIFF reads records as a workbook.
func readBIFF(t *testing.T, records ...[]byte) Text {
	t.Helper()
	b := slices.Concat(records...)
	d := newDocument(context.Background(), Default(), "", "", bytes.NewReader(b), int64(len(b)))
	if err := d.biff(b); err != nil {
		t.Fatal(err)
	}
	return d.out.finish()
}

// TestSharedStringsGoOn reads shared strings that are cut by the ends of records: within a string, where the flags come anew, and in what
// stands behind it.
func TestSharedStringsGoOn(t *testing.T) {
	found := readBIFF(t,
		record(recBOF8, 0, 6, 5, 0, 0, 0, 0, 0),
		record(recSST, append([]byte{2, 0, 0, 0, 2, 0, 0, 0}, 4, 0, biffWideString|biffRich, 1, 0, 0x4b, 0x62, 0x19, 0x7d)...), // 手紙
		record(recContinue, biffWideString, 0x42, 0x30, 0x44, 0x30, 9, 9),                                                      // あい, and half of a run
		record(recContinue, 9, 9, 2, 0, 0, 'a', 0xe9),
		record(recLabelSST, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		record(recLabelSST, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0),
		record(recLabelSST, 1, 0, 1, 0, 0, 0, 7, 0, 0, 0),
		record(recRK, 1, 0, 2, 0, 0, 0, 0x03, 0x4d, 0, 0), // (0x4d00 >> 2) / 100
	)
	if want := "手紙あい\taé\n\t49.28"; found.Body != want {
		t.Errorf("%q, want %q", found.Body, want)
	}
}

// TestExcel95 reads labels in a code page.
func TestExcel95(t *testing.T) {
	label := sjis(t, "請求書")
	found := readBIFF(t,
		record(recBOF8, 0, 5, 5, 0),
		record(recCodePage, 0xa4, 0x03),
		record(recLabel, append([]byte{0, 0, 0, 0, 0, 0, byte(len(label)), 0}, label...)...),
	)
	if found.Body != "請求書" {
		t.Errorf("%q", found.Body)
	}
}

// TestWordText reads the characters that mean something to Word.
func TestWordText(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		urls             []string
	}{
		{"a table", "a\x07b\x07\x07c\r", "a\tb\nc", nil},
		{"a field", "x \x13 HYPERLINK \"http://example.jp/\" \x14手\x13PAGE\x141\x15紙\x15 y\r", "x 手1紙 y", []string{"http://example.jp/"}},
		{"a field that does not end", "a\x13 HYPERLINK ", "a", nil},
		{"ends without a beginning", "a\x15\x14b\x1ec", "ab-c", nil},
	} {
		w := wordText{out: newSink(Default()), page: 932}
		w.narrow([]byte(sjis(t, c.text)))
		w.end()
		if found := w.out.finish(); found.Body != c.want || !slices.Equal(found.URLs, c.urls) {
			t.Errorf("%s: %q %q", c.name, found.Body, found.URLs)
		}
	}
}

// TestOldWord reads Word 2 and Write, and knows others by name.
func TestOldWord(t *testing.T) {
	word2 := make([]byte, 0x200)
	copy(word2, "\xdb\xa5")
	little.PutUint16(word2[6:], 0x0411)
	text := sjis(t, "昔の文書\r")
	little.PutUint32(word2[0x18:], 0x200)
	little.PutUint32(word2[0x1c:], uint32(0x200+len(text)))
	write := append([]byte("\x31\xbe\x00\x00"), make([]byte, 0x7c)...)
	little.PutUint32(write[0x0e:], 0x84)
	for _, c := range []struct {
		document []byte
		want     string
		problem  string
	}{
		{append(word2, text...), "昔の文書", ""},
		{append(write, "note and more"...), "note", ""},
		{[]byte("\xffWPC\x00\x00"), "", "unsupported"},
	} {
		if found, err := extractBytes(c.document, "", "a.doc", Default()); found.Body != c.want || Problem(err) != c.problem {
			t.Errorf("%q, %v", found.Body, err)
		}
	}
}

// TestOutlookRTF undoes the compression of RTF, by the example of its specification ([MS-OXRTFCP] §3.1).
func TestOutlookRTF(t *testing.T) {
	packed := []byte{
		0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31,
		0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
	}
	if got := string(unpackRTF(packed)); got != "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n" {
		t.Errorf("%q", got)
	}
}

// TestPDFIsEnded ends PDFium in the midst of a book, and reads the next document all the same.
func TestPDFIsEnded(t *testing.T) {
	dir := filepath.Join(archives.Unpack(t, "docs-ja-debian"), "docs-ja-debian")
	b := readFile(t, filepath.Join(dir, "maint-guide.ja.pdf"))
	lim := testLimits(t)
	if err := lim.PDF.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // the book takes a second
	defer cancel()
	if _, err := Extract(ctx, lim, "pdf", "", bytes.NewReader(b), int64(len(b))); Problem(err) != "time" {
		t.Errorf("%v", err)
	}
	lim.Pages = 1
	found, err := Extract(t.Context(), lim, "pdf", "", bytes.NewReader(b), int64(len(b)))
	if err != nil || found.Body == "" || !found.Cut {
		t.Errorf("the next one: %v, %d octets, cut %v", err, len(found.Body), found.Cut)
	}
}
