package bulk

import (
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
