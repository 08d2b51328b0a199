package sheet

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCell writes a field for spreadsheets: it begins no formula, and comes back.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "=1+1", "'", "''=", "-x@a.example", "\tx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := Safe(s)
		if cell != "" && strings.IndexByte(formulas, cell[0]) >= 0 || Plain(cell) != s {
			t.Errorf("%q became %q, and %q again", s, cell, Plain(cell))
		}
	})
}

// FuzzForeign: what CP932 is said to have is written, and comes back but for the forms that Windows writes otherwise.
func FuzzForeign(f *testing.F) {
	for _, s := range []string{"髙﨑①", "～〜", "😀", "ｱﾊﾟｰﾄ", "a,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\ufffd") || Foreign(s) != nil {
			return
		}
		var b bytes.Buffer
		w := NewCP932(&b)
		if _, err := w.Write([]byte(WindowsForms.Replace(s))); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if err := w.Close(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if got, _, err := Decode(b.Bytes()); !utf8.Valid(b.Bytes()) && (err != nil || WindowsForms.Replace(got) != WindowsForms.Replace(s)) {
			t.Errorf("%q came back as %q, %v", s, got, err)
		}
	})
}
