// Package sheet is what CSV files for spreadsheets have in common: UTF-8 or CP932 told apart, characters that CP932 lacks, and fields that a
// spreadsheet must not take for a formula.
package sheet

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/transform"

	"tegami/mail"
)

// Charset is how a file's text is written.
type Charset string

// Charsets of files.
const (
	UTF8  Charset = "utf-8" // with a byte order mark where we write it
	CP932 Charset = "cp932" // Microsoft's Shift_JIS
)

// BOM is the byte order mark by which spreadsheets know UTF-8.
const BOM = "\ufeff"

// Decode finds out how a file is written and gives its text. Invalid "import.charset" with the line where it is neither.
func Decode(b []byte) (string, Charset, error) {
	const op = "sheet.Decode"
	if rest, ok := bytes.CutPrefix(b, []byte(BOM)); ok {
		if at := firstInvalid(rest); at >= 0 {
			return "", UTF8, mail.E(op, mail.Invalid, "import.charset", 1+bytes.Count(rest[:at], []byte("\n")))
		}
		return string(rest), UTF8, nil
	}
	if utf8.Valid(b) && !halfWidth(b) {
		if at := bytes.IndexByte(b, 0); at >= 0 { // UTF-16 of ASCII
			return "", UTF8, mail.E(op, mail.Invalid, "import.charset", 1+bytes.Count(b[:at], []byte("\n")))
		}
		return string(b), UTF8, nil
	}
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(b)
	if err == nil {
		if at := bytes.IndexRune(text, utf8.RuneError); at >= 0 {
			return "", CP932, mail.E(op, mail.Invalid, "import.charset", 1+bytes.Count(text[:at], []byte("\n")))
		}
	}
	if err != nil || bytes.IndexByte(text, 0) >= 0 {
		return "", CP932, mail.E(op, mail.Invalid, "import.charset", 1)
	}
	return string(text), CP932, nil
}

// halfWidth tells whether a file that could be UTF-8 is CP932 with no other Japanese than half-width kana, such as "ﾔｽ": two of
// them are a letter of two octets in UTF-8. Such letters stand among Latin ones there ("André"), and kana do not.
func halfWidth(b []byte) bool {
	found := false
	for i, c := range b {
		if c < utf8.RuneSelf {
			continue
		}
		if c < 0xa1 || c > 0xdf || i > 0 && latin(b[i-1]) || i+1 < len(b) && latin(b[i+1]) {
			return false
		}
		found = true
	}
	return found
}

func latin(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// firstInvalid is where text stops being UTF-8, -1 where it does not.
func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// WindowsForms are the characters that CP932 has in another form, as Windows writes them.
var WindowsForms = strings.NewReplacer("\u301c", "\uff5e", "\u2212", "\uff0d", "\u2016", "\u2225",
	"\u00a2", "\uffe0", "\u00a3", "\uffe1", "\u00ac", "\uffe2", "\u2014", "\u2015")

// Foreign gives the characters of a text that CP932 does not have, each once.
func Foreign(s string) (lacking []rune) {
	s = WindowsForms.Replace(s)
	to := japanese.ShiftJIS.NewEncoder()
	if _, err := to.String(s); err == nil {
		return nil
	}
	for _, r := range s {
		if _, err := to.String(string(r)); err != nil && !bytes.ContainsRune([]byte(string(lacking)), r) {
			lacking = append(lacking, r)
		}
	}
	return lacking
}

// NewCP932 writes text as CP932. What it lacks must have been looked for before.
func NewCP932(w io.Writer) io.WriteCloser {
	return transform.NewWriter(w, japanese.ShiftJIS.NewEncoder())
}
