package bulk

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/wire/mime"
	"tegami/wire/sheet"
)

// Limits of files.
const (
	// MaxFile is the size of a file in octets.
	MaxFile = 10 << 20
	// MaxLines is how many lines a file has beside the one that names the columns.
	MaxLines = 10_000
	// maxColumns is how many columns a line has.
	maxColumns = 100
)

// Column is one column of a table.
type Column struct {
	Name  string   // in files we write
	Also  []string // other names it may have; the first is the Japanese one
	Needs bool     // a file without it is refused
}

// Table is what the files of one kind look like.
type Table struct {
	Name    string // "accounts"
	Columns []Column
}

// Row is a line of a file.
type Row struct {
	Line  int // from 1, that with the names
	cells []string
	at    []int // where each column of the table stands in cells; -1 = not in the file
}

// Get gives the text of a column without white space around it, "" where the file does not have it.
func (r Row) Get(column int) string {
	i := r.at[column]
	if i < 0 || i >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(sheet.Plain(r.cells[i]))
}

// Finding is what is wrong with a line, or worth saying.
type Finding struct {
	Line   int    // 0 = the file as a whole
	Column string // "" = the line as a whole
	Err    error
	Remark bool // nothing is wrong
}

// File is what was read of a file.
type File struct {
	Charset  Charset
	Rows     []Row
	Findings []Finding // lines that can't be read
}

// unwanted are columns that are refused with a reason of their own: the size of a box is that of its domain's plan (SV-4).
var unwanted = []string{"quota", "size", "mailbox_size", "容量", "メールボックス容量", "割当容量"}

// Read reads a file. Full "import.too_big", "import.too_many_lines"; Invalid "import.charset", "import.header",
// "import.column", "import.column_twice", "import.size_fixed", "import.empty".
func (t *Table) Read(b []byte) (*File, error) {
	const op = "bulk.Read"
	if len(b) > MaxFile {
		return nil, mail.E(op, mail.Full, "import.too_big", MaxFile>>20)
	}
	text, charset, err := sheet.Decode(b)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		return nil, mail.Because(op, mail.Invalid, "import.empty", err)
	}
	at, err := t.find(header)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	f := &File{Charset: charset}
	if err := f.rows(in, at, len(header)); err != nil {
		return nil, mail.Wrap(op, err)
	}
	return f, nil
}

// rows reads the lines behind the first.
func (f *File) rows(in *csv.Reader, at []int, width int) error {
	const op = "bulk.rows"
	for {
		line, cells, err := sheet.Next(in)
		switch {
		case err == io.EOF:
			return nil
		case err != nil && line > 0:
			f.Findings = append(f.Findings, Finding{Line: line, Err: err})
			return nil
		case err != nil:
			return mail.Wrap(op, err)
		case !slices.ContainsFunc(cells, func(s string) bool { return strings.TrimSpace(s) != "" }):
			continue
		case len(f.Rows)+len(f.Findings) >= MaxLines:
			return mail.E(op, mail.Full, "import.too_many_lines", MaxLines)
		case len(cells) > width:
			f.Findings = append(f.Findings, Finding{Line: line, Err: mail.E(op, mail.Invalid, "import.cells", len(cells), width)})
			continue
		}
		f.Rows = append(f.Rows, Row{line, cells, at})
	}
}

// find tells where each column of the table stands.
func (t *Table) find(header []string) ([]int, error) {
	const op = "bulk.find"
	at := make([]int, len(t.Columns))
	for i := range at {
		at[i] = -1
	}
	if len(header) > maxColumns {
		return nil, mail.E(op, mail.Full, "import.too_many_columns", maxColumns)
	}
	for i, h := range header {
		word := mime.NormalizeTight(h)
		if word == "" {
			continue // a column without a name holds remarks
		}
		if slices.Contains(unwanted, word) {
			return nil, mail.E(op, mail.Invalid, "import.size_fixed", strings.TrimSpace(h))
		}
		c := t.column(word)
		if c < 0 {
			return nil, mail.E(op, mail.Invalid, "import.column", strings.TrimSpace(h))
		}
		if at[c] >= 0 {
			return nil, mail.E(op, mail.Invalid, "import.column_twice", strings.TrimSpace(h))
		}
		at[c] = i
	}
	for i, c := range t.Columns {
		if c.Needs && at[i] < 0 {
			return nil, mail.E(op, mail.Invalid, "import.header", c.Name)
		}
	}
	return at, nil
}

// column finds a column by a normalised name, -1 where there is none.
func (t *Table) column(word string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool {
		return word == c.Name || slices.ContainsFunc(c.Also, func(a string) bool { return word == mime.NormalizeTight(a) })
	})
}
