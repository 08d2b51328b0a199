package mime

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"
)

func decode(t *testing.T, encoding, in string) string {
	t.Helper()
	p := &Part{Encoding: encoding}
	whole, err := io.ReadAll(DecodedReader(p, strings.NewReader(in)))
	if err != nil {
		t.Errorf("%s: %v", encoding, err)
	}
	piecewise, err := io.ReadAll(DecodedReader(p, iotest.OneByteReader(strings.NewReader(in))))
	if err != nil || !bytes.Equal(whole, piecewise) {
		t.Errorf("%s %q: octet by octet %q, at once %q, %v", encoding, in, piecewise, whole, err)
	}
	return string(whole)
}

func TestDecodedReader(t *testing.T) {
	for _, c := range []struct{ encoding, in, want string }{
		{"7bit", "a=3D\r\n", "a=3D\r\n"},
		{"x-unknown", "YQ==", "YQ=="},
		{"base64", "", ""},
		{"base64", "YWJj", "abc"},
		{"base64", "YW\r\nJj\r\n", "abc"},
		{"base64", "YQ==", "a"},
		{"base64", "YQ", "a"},
		{"base64", "YWI", "ab"},
		{"base64", "YWJjZ", "abc"},
		{"base64", "YQ==YmM=", "abc"},
		{"base64", "Y!W.J\x00j", "abc"},
		{"base64", "YWJj\r\n-- footer", "abc~\x8a-z"}, // a footer of a list,
		{"quoted-printable", "a=3Db=0D=0A", "a=b\r\n"},
		{"quoted-printable", "soft=\r\n break=\n!", "soft break!"},
		{"quoted-printable", "soft= \t\r\nbreak", "softbreak"},
		{"quoted-printable", "space \t\r\nend  ", "space\r\nend"},
		{"quoted-printable", "a b\tc", "a b\tc"},
		{"quoted-printable", "lower=e3=81=82", "lowerあ"},
		{"quoted-printable", "bad=3=G1==41=", "bad=3=G1=A"},
		{"quoted-printable", "= x", "= x"},
		{"quoted-printable", "a = b", "a = b"},
		{"quoted-printable", "=\rx", "=\rx"},
		{"quoted-printable", "8bit \xe3\x81\x82", "8bit あ"},
		{"x-uuencode", "begin 644 a.txt\n#86)C\n`\nend\nmore\n", "abc"},
		{"x-uuencode", "words\r\nbegin 644 a\r\n$86)C9```\r\n`\r\nend\r\n", "abcd"},
		{"x-uuencode", "begin 644 a\n#86)C", "abc"},
		{"x-uuencode", "begin 644 a\nM86\n", "a`" + strings.Repeat("\x00", 43)}, // its end was cut: spaces, which are zeros,
		{"x-uuencode", "nothing", ""},
	} {
		if got := decode(t, c.encoding, c.in); got != c.want {
			t.Errorf("%s %q = %q, want %q", c.encoding, c.in, got, c.want)
		}
	}
}

// TestDecodedReaderLong reads what others wrote, longer than any buffer.
func TestDecodedReaderLong(t *testing.T) {
	want := strings.Repeat("日本語 = text with trailing space \r\n", 5000)
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	if _, err := io.WriteString(w, want); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, "quoted-printable", b.String()); got != want {
		t.Errorf("quoted-printable: %d octets, want %d", len(got), len(want))
	}
	if got := decode(t, "base64", base64.StdEncoding.EncodeToString([]byte(want))); got != want {
		t.Errorf("base64: %d octets, want %d", len(got), len(want))
	}
	spaces := strings.Repeat(" ", 3*maxQuotedSpace) + "x"
	if got := decode(t, "quoted-printable", spaces); got != spaces {
		t.Errorf("white space before text: %d octets, want %d", len(got), len(spaces))
	}
}
