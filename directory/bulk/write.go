package bulk

import (
	"context"
	"io"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/sheet"
)

// Form is how a file is written.
type Form = sheet.Form

// Writer writes a file line by line.
type Writer = sheet.Writer

// NewWriter begins a file of a table with the line that names the columns. Invalid "export.charset".
func NewWriter(w io.Writer, t *Table, form Form) (*Writer, error) {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
		if form.Japanese && len(c.Also) > 0 {
			names[i] = c.Also[0]
		}
	}
	return sheet.NewWriter(w, names, form)
}

// unwritten are the lines that a file could not take.
func unwritten(w *Writer) (list []Finding) {
	for _, u := range w.Unwritten() {
		list = append(list, Finding{Line: u.Line, Err: u.Err})
	}
	return list
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
	return unwritten(w), mail.Wrap(op, w.Close())
}
