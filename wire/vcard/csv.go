package vcard

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/wire/sheet"
)

// Limits of CSV files.
const (
	// MaxFile is the size of a file of cards in octets.
	MaxFile = 10 << 20
	// MaxLines is how many cards a file has.
	MaxLines = 10_000
	// maxColumns is how many columns a line has; Outlook writes some ninety.
	maxColumns = 200
)

// Line is a line of a file: a card without uid, or what is wrong with it.
type Line struct {
	Number int // from 1, the one that names the columns
	Card   Card
	Err    error
}

// Table is what was read of a CSV file.
type Table struct {
	Charset sheet.Charset
	Lines   []Line
	Ignored []string // names of columns that nobody knows and that say something
}

// ReadCSV reads a file in UTF-8 or CP932 with columns as we, Outlook, Gmail or Thunderbird name them, in English or Japanese. Full
// "import.too_big", "import.too_many_lines", "import.too_many_columns"; Invalid "import.charset", "import.empty", "import.header".
func ReadCSV(b []byte) (*Table, error) {
	const op = "vcard.ReadCSV"
	if len(b) > MaxFile {
		return nil, mail.E(op, mail.Full, "import.too_big", MaxFile>>20)
	}
	text, charset, err := sheet.Decode(b)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = separator(text)
	in.FieldsPerRecord, in.LazyQuotes = -1, true
	header, err := in.Read()
	if err != nil {
		return nil, mail.Because(op, mail.Invalid, "import.empty", err)
	}
	if len(header) > maxColumns {
		return nil, mail.E(op, mail.Full, "import.too_many_columns", maxColumns)
	}
	fields := fieldsOf(header)
	if !slices.ContainsFunc(fields, func(f field) bool { return f != "" }) {
		return nil, mail.E(op, mail.Invalid, "import.header", "name, email")
	}
	t := &Table{Charset: charset}
	return t, t.read(in, header, fields)
}

// separator is what stands between the fields: a comma, or a tab or a semicolon where the first line has more of these.
func separator(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	best, n := ',', strings.Count(first, ",")
	for _, r := range "\t;" {
		if c := strings.Count(first, string(r)); c > n {
			best, n = r, c
		}
	}
	return best
}

func fieldsOf(header []string) []field {
	job := slices.ContainsFunc(header, func(name string) bool { return fieldsByName[columnKey(name)] == fieldJob })
	fields := make([]field, len(header))
	for i, name := range header {
		if f := fieldOf(name, job); !slices.Contains(fields, f) {
			fields[i] = f
		}
	}
	return fields
}

// read reads the lines behind the first.
func (t *Table) read(in *csv.Reader, header []string, fields []field) error {
	const op = "vcard.ReadCSV"
	for {
		number, cells, err := sheet.Next(in)
		switch {
		case err == io.EOF:
			return nil
		case err != nil && number > 0:
			t.Lines = append(t.Lines, Line{Number: number, Err: err})
			return nil
		case err != nil:
			return mail.Wrap(op, err)
		case len(t.Lines) >= MaxLines:
			return mail.E(op, mail.Full, "import.too_many_lines", MaxLines)
		}
		t.line(number, cells, header, fields)
	}
}

// line makes a card of a line. An empty one is left out.
func (t *Table) line(number int, cells, header []string, fields []field) {
	said := map[field]string{}
	for i, cell := range cells {
		s := strings.TrimSpace(printable(lineEnds.Replace(sheet.Plain(cell))))
		if s == "" {
			continue
		}
		switch {
		case i >= len(fields):
			t.Lines = append(t.Lines, Line{Number: number, Err: mail.E("vcard.ReadCSV", mail.Invalid, "import.cells", len(cells), len(fields))})
			return
		case fields[i] == "":
			if name := strings.TrimSpace(header[i]); !slices.Contains(t.Ignored, name) {
				t.Ignored = append(t.Ignored, name)
			}
		default:
			said[fields[i]] = strings.ReplaceAll(s, `\n`, "\n")
		}
	}
	if len(said) == 0 {
		return
	}
	c := cardOf(said)
	if c.Name() == "" {
		t.Lines = append(t.Lines, Line{Number: number, Err: mail.E("vcard.ReadCSV", mail.Invalid, "contacts.nameless")})
		return
	}
	t.Lines = append(t.Lines, Line{Number: number, Card: c})
}

// WriteCSV writes cards as a file. It gives the lines that CP932 has no characters for: with any, the file is not whole. Invalid "export.charset",
// "contacts.layout".
func WriteCSV(w io.Writer, cards []Card, layout Layout, form sheet.Form) ([]sheet.Unwritten, error) {
	const op = "vcard.WriteCSV"
	if !slices.Contains(Layouts(), layout) {
		return nil, mail.E(op, mail.Invalid, "contacts.layout", string(layout))
	}
	var names []string
	var fields []field
	for _, c := range columns {
		if name := c.name(layout, form.Japanese); name != "" {
			names, fields = append(names, name), append(fields, c.field)
			if label := c.googleLabel(); layout == LayoutGoogle && label != "" {
				names, fields = append(names, label), append(fields, "label "+c.field)
			}
		}
	}
	out, err := sheet.NewWriter(w, names, form)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	for _, c := range cards {
		said := fieldsIn(c)
		cells := make([]string, len(fields))
		for i, f := range fields {
			cells[i] = said[f]
			if of, isLabel := strings.CutPrefix(string(f), "label "); isLabel && said[field(of)] != "" {
				cells[i] = googleLabels[field(of)]
			}
		}
		if err := out.Write(cells...); err != nil {
			return nil, err
		}
	}
	return out.Unwritten(), mail.Wrap(op, out.Close())
}

// name is what a column is called in a file of a layout.
func (c *column) name(layout Layout, japanese bool) string {
	switch {
	case layout == LayoutGoogle:
		return c.google
	case layout == LayoutOutlook && japanese:
		return c.outlook[1]
	case layout == LayoutOutlook:
		return c.outlook[0]
	case japanese:
		return c.japan
	}
	return c.english
}

// googleLabel is the column beside one that Gmail numbers.
func (c *column) googleLabel() string {
	if what, ok := strings.CutSuffix(c.google, " - Value"); ok && googleLabels[c.field] != "" {
		return what + " - Label"
	}
	return ""
}

// googleLabels are the labels of what Gmail numbers.
var googleLabels = map[field]string{
	placed("phone", "work"): "Work", placed("phone", "mobile"): "Mobile", placed("phone", "private"): "Home", placed("phone", "fax"): "Work Fax",
}
