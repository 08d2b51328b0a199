package cell

import (
	"bufio"
	"context"
	"errors"
	"io"
	"runtime/debug"

	"tegami/mail"
	"tegami/policy/probe/apart"
	"tegami/policy/probe/text"
)

// childMemory is how much Go's memory of a child may be before it collects what it does not need any more, in octets. What it can't get below is
// bounded by the address space (Confine).
const childMemory = 384 << 20

// Serve is what a child does: it reads what it will need, gives up its rights, and answers questions on in until there are none. cache is the
// folder for what PDF needs (text.PDFConfig); "": PDF is not read.
func Serve(in io.Reader, out io.Writer, cache string) error {
	debug.SetMemoryLimit(childMemory)
	var pdf *text.PDF
	if cache != "" {
		pdf = text.NewPDF(text.PDFConfig{Cache: cache})
		if err := pdf.Start(); err != nil {
			return err
		}
	}
	r, w := bufio.NewReaderSize(in, chunkSize), bufio.NewWriter(out)
	if err := writeFrame(w, hello{Confine()}, maxQuestion); err != nil {
		return err
	}
	for {
		if err := w.Flush(); err != nil {
			return err
		}
		var q question
		if err := readFrame(r, &q, maxQuestion); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		report, err := q.answer(r, pdf)
		if err != nil {
			return err
		}
		if err := writeFrame(w, report, maxAnswer); err != nil {
			return err
		}
	}
}

// answer reads the parts of a question and looks into each.
func (q *question) answer(r io.Reader, pdf *text.PDF) (*Report, error) {
	ctx, cancel := context.WithTimeout(context.Background(), q.Within)
	defer cancel()
	d := (&reader{q.Limits, pdf}).begin(len(q.Parts))
	for i, p := range q.Parts {
		octets, whole, err := readOctets(r, q.Limits.Part)
		switch {
		case err != nil:
			return nil, err
		case !whole:
			d.tooLarge(i, p)
		default:
			d.look(ctx, i, p.Name, p.Type, octets)
		}
	}
	return &d.report, nil
}

// tooLarge notes a part that is not looked into for its size.
func (d *round) tooLarge(at int, p partHead) {
	d.report.Problems[at] = apart.TooLarge
	d.report.Files = append(d.report.Files, File{at, apart.File{Path: []string{p.Name}, Name: p.Name, Claimed: p.Type, Problem: apart.TooLarge}})
}

// Inline looks into files in this process: where no child can be had, and in tests. Hostile files are not held off from anything. PDF is not read.
func Inline(lim Limits) Inspector { return &inline{lim} }

type inline struct{ lim Limits }

// Inspect implements Inspector.
func (x *inline) Inspect(ctx context.Context, parts []Part) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, x.lim.Time)
	defer cancel()
	d := (&reader{x.lim, nil}).begin(len(parts))
	for i, p := range parts {
		octets, err := io.ReadAll(io.LimitReader(p.Octets, x.lim.Part+1))
		switch {
		case err != nil:
			return nil, mail.Wrap("cell.Inspect", err)
		case int64(len(octets)) > x.lim.Part:
			d.tooLarge(i, partHead{p.Name, p.Type})
		default:
			d.look(ctx, i, p.Name, p.Type, octets)
		}
	}
	return &d.report, nil
}
