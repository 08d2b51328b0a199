package bulk

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRead reads any octets as each kind of file: every line is read or told about, within the limits.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\ufeffaction,address,password\nadd,x@b.example,\n"))
	f.Add([]byte("\x8f\x88\x97\x9d,\x83\x81\x81\x5b\x83\x8b\x83\x41\x83\x68\x83\x8c\x83\x58\r\n\x92\xc7\x89\xc1,a@b.example\r\n")) // 処理,メールアドレス 追加
	f.Add([]byte("list_address,action,member_address\n\"open"))
	f.Add([]byte("action,address,domain,phone\nupdate,a@b.example,,-\n"))
	f.Add([]byte("action,group,new_name\nupdate,a,b,c,d\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, i := range importers {
			table := i.layout()
			file, err := table.Read(b)
			if err != nil {
				continue
			}
			if len(file.Rows)+len(file.Findings) > MaxLines+1 {
				t.Fatalf("%d rows, %d findings", len(file.Rows), len(file.Findings))
			}
			for _, row := range file.Rows {
				if row.Line < 2 {
					t.Errorf("line %d", row.Line)
				}
				for c := range table.Columns {
					if !utf8.ValidString(row.Get(c)) {
						t.Errorf("%q", row.Get(c))
					}
				}
			}
			i.(interface{ parsed(*File) }).parsed(file)
		}
	})
}

// parsed parses every row.
func (e *engine[C]) parsed(f *File) {
	for _, row := range f.Rows {
		e.parse(&reading{table: &e.table, row: row})
	}
}

// FuzzCell writes a field for spreadsheets: it begins no formula, and comes back.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "=1+1", "'", "''=", "-x@a.example", "\tx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := safeCell(s)
		if cell != "" && strings.IndexByte(formulas, cell[0]) >= 0 || plainCell(cell) != s {
			t.Errorf("%q became %q, and %q again", s, cell, plainCell(cell))
		}
	})
}

// FuzzForeign: what CP932 is said to have is written, and comes back but for the forms that Windows writes otherwise.
func FuzzForeign(f *testing.F) {
	for _, s := range []string{"髙﨑①", "～〜", "😀", "ｱﾊﾟｰﾄ", "a,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\ufffd") || foreign(s) != nil {
			return
		}
		var b bytes.Buffer
		w := cp932Writer(&b)
		if _, err := w.Write([]byte(windowsForms.Replace(s))); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if err := w.Close(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if got, _, err := decode(b.Bytes()); !utf8.Valid(b.Bytes()) && (err != nil || windowsForms.Replace(got) != windowsForms.Replace(s)) {
			t.Errorf("%q came back as %q, %v", s, got, err)
		}
	})
}
