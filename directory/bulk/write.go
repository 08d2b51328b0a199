package bulk

import (
	"context"
	"encoding/csv"
	"io"

	"tegami/directory"
	"tegami/mail"
)

// Form is how a file is written.
type Form struct {
	Charset Charset // "" = UTF8
	// Lossless writes fields as they are. Otherwise what a spreadsheet would take for a formula gets an apostrophe, which
	// our own import takes off again.
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
	width  int
	marked []Finding
}

// nopCloser is a writer that needs no closing.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// NewWriter begins a file of a table with the line that names the columns. Invalid "export.charset".
func NewWriter(w io.Writer, t *Table, form Form) (*Writer, error) {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
		if form.Japanese && len(c.Also) > 0 {
			names[i] = c.Also[0]
		}
	}
	return newWriter(w, names, form)
}

func newWriter(w io.Writer, names []string, form Form) (*Writer, error) {
	const op = "bulk.NewWriter"
	out := &Writer{form: form, to: nopCloser{w}, width: len(names)}
	switch form.Charset {
	case CP932:
		out.to = cp932Writer(w)
	case UTF8, "":
		if _, err := io.WriteString(w, bom); err != nil {
			return nil, mail.Because(op, mail.Unavailable, "", err)
		}
	default:
		return nil, mail.E(op, mail.Invalid, "export.charset", string(form.Charset))
	}
	out.out = csv.NewWriter(out.to)
	out.out.UseCRLF = true
	return out, out.write(names)
}

// Write adds a line. A line with characters that CP932 does not have is left out, and is one of the Findings: nobody's name is
// written with question marks.
func (w *Writer) Write(cells ...string) error {
	if w.form.Charset == CP932 {
		for i, s := range cells {
			if lacking := foreign(s); lacking != nil {
				w.marked = append(w.marked, Finding{
					Line: w.line + 1, Err: mail.E("bulk.Write", mail.Invalid, "export.foreign", cells[min(1, len(cells)-1)], string(lacking)),
				})
				return nil
			}
			cells[i] = windowsForms.Replace(s)
		}
	}
	if !w.form.Lossless {
		for i, s := range cells {
			cells[i] = safeCell(s)
		}
	}
	return w.write(cells)
}

func (w *Writer) write(cells []string) error {
	w.line++
	if err := w.out.Write(cells); err != nil {
		return mail.Because("bulk.Write", mail.Unavailable, "", err)
	}
	return nil
}

// Findings are the lines that could not be written.
func (w *Writer) Findings() []Finding { return w.marked }

// Close writes what is left. It does not close what is below.
func (w *Writer) Close() error {
	w.out.Flush()
	err := w.out.Error()
	if err == nil {
		err = w.to.Close()
	}
	if err != nil {
		return mail.Because("bulk.Close", mail.Unavailable, "", err)
	}
	return nil
}

// Export writes what a company has of a kind. It gives the lines that CP932 could not take: with any, the file is not whole.
// NotFound "import.kind", Invalid "export.charset".
func Export(ctx context.Context, c *directory.Company, kind string, of directory.Selected, to io.Writer, form Form) ([]Finding, error) {
	const op = "bulk.Export"
	i, err := find(kind)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	w, err := NewWriter(to, i.layout(), form)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if err := i.export(ctx, c, of, w); err != nil {
		return nil, mail.Wrap(op, err)
	}
	return w.Findings(), mail.Wrap(op, w.Close())
}
