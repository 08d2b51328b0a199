package sheet

import (
	"encoding/csv"
	"io"

	"tegami/mail"
)

// Form is how a file is written.
type Form struct {
	Charset Charset // "" = UTF8
	// Lossless writes fields as they are. Otherwise what a spreadsheet would take for a formula gets an apostrophe (Safe).
	Lossless bool
	// Japanese names the columns in Japanese.
	Japanese bool
}

// Writer writes a file line by line. Make it with NewWriter and end it with Close.
type Writer struct {
	form   Form
	out    *csv.Writer
	to     io.WriteCloser // below out
	line   int
	marked []Unwritten
}

// Unwritten is a line that could not be written.
type Unwritten struct {
	Line int
	Err  error // Invalid "export.foreign"
}

// nopCloser is a writer that needs no closing.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// NewWriter begins a file with the line that names the columns. Invalid "export.charset".
func NewWriter(w io.Writer, names []string, form Form) (*Writer, error) {
	const op = "sheet.NewWriter"
	out := &Writer{form: form, to: nopCloser{w}}
	switch form.Charset {
	case CP932:
		out.to = NewCP932(w)
	case UTF8, "":
		if _, err := io.WriteString(w, BOM); err != nil {
			return nil, mail.Because(op, mail.Unavailable, "", err)
		}
	default:
		return nil, mail.E(op, mail.Invalid, "export.charset", string(form.Charset))
	}
	out.out = csv.NewWriter(out.to)
	out.out.UseCRLF = true
	return out, out.write(names)
}

// Write adds a line. A line with characters that CP932 does not have is left out, and is one of the Unwritten: nobody's name is
// written with question marks. Its second cell names it.
func (w *Writer) Write(cells ...string) error {
	if w.form.Charset == CP932 {
		for i, s := range cells {
			if lacking := Foreign(s); lacking != nil {
				w.marked = append(w.marked, Unwritten{w.line + 1, mail.E("sheet.Write", mail.Invalid, "export.foreign", cells[min(1, len(cells)-1)], string(lacking))})
				return nil
			}
			cells[i] = WindowsForms.Replace(s)
		}
	}
	if !w.form.Lossless {
		for i, s := range cells {
			cells[i] = Safe(s)
		}
	}
	return w.write(cells)
}

func (w *Writer) write(cells []string) error {
	w.line++
	if err := w.out.Write(cells); err != nil {
		return mail.Because("sheet.Write", mail.Unavailable, "", err)
	}
	return nil
}

// Unwritten are the lines that could not be written.
func (w *Writer) Unwritten() []Unwritten { return w.marked }

// Close writes what is left. It does not close what is below.
func (w *Writer) Close() error {
	w.out.Flush()
	err := w.out.Error()
	if err == nil {
		err = w.to.Close()
	}
	if err != nil {
		return mail.Because("sheet.Close", mail.Unavailable, "", err)
	}
	return nil
}
