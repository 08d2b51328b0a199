package cell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"tegami/mail"
	"tegami/policy/probe/apart"
	"tegami/policy/probe/text"
	"tegami/policy/virus"
)

// A reader looks into files, in a child or in this process.
type reader struct {
	lim Limits
	pdf *text.PDF // nil: PDF is not read
}

// A round is one request while it is worked on.
type round struct {
	*reader
	report Report
	part   int
	room   int // octets of text there is room for
}

// begin starts on a request of so many parts.
func (r *reader) begin(parts int) *round {
	return &round{reader: r, room: r.lim.Text, report: Report{Problems: make([]string, parts)}}
}

// look looks into one part.
func (d *round) look(ctx context.Context, at int, name, declared string, octets []byte) {
	d.part = at
	first := len(d.report.Files)
	out, err := d.walk(ctx, name, declared, octets)
	if err != nil { // our own bug, or the octets in memory can't be read
		out.Problem = apart.Damaged
	}
	found := make([]apart.File, 0, len(d.report.Files)-first)
	for _, f := range d.report.Files[first:] {
		found = append(found, f.File)
	}
	apart.Settle(found, &out)
	for i := range found {
		d.report.Files[first+i].File = found[i]
	}
	d.report.Problems[at] = out.Problem
}

// walk visits the part and its members. A panic is an error.
func (d *round) walk(ctx context.Context, name, declared string, octets []byte) (out apart.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = mail.Because("cell.look", mail.Other, "", fmt.Errorf("%v\n%s", p, debug.Stack()))
		}
	}()
	return apart.Walk(ctx, d.lim.Apart, name, declared, bytes.NewReader(octets), int64(len(octets)), func(m *apart.Member) error {
		d.visit(ctx, m)
		return nil
	})
}

// visit looks at one file.
func (d *round) visit(ctx context.Context, m *apart.Member) {
	if len(d.report.Files) < d.lim.Files {
		d.report.Files = append(d.report.Files, File{d.part, m.File()})
	} else {
		d.report.More++
	}
	d.known(m)
	if len(d.report.Texts) < d.lim.Texts && d.room > 0 && !m.Encrypted && text.Reads(string(m.Kind)) {
		d.read(ctx, m)
	}
}

// known tells whether a file is one that every engine knows.
func (d *round) known(m *apart.Member) {
	octets, size := m.Octets()
	head, err := io.ReadAll(io.NewSectionReader(octets, 0, min(size, 256)))
	if err == nil && size == int64(len(head)) && virus.IsEICAR(head) {
		d.report.Threats = append(d.report.Threats, Threat{d.part, m.Path, virus.EICAR})
	}
}

// read takes the text of a file that is a document.
func (d *round) read(ctx context.Context, m *apart.Member) {
	lim := text.Default()
	lim.Text, lim.PDF = d.room, d.pdf
	octets, size := m.Octets()
	t, err := text.Extract(ctx, lim, string(m.Kind), m.Name, octets, size)
	if t.Body == "" && len(t.URLs) == 0 && err != nil { // that a document has no text is no problem of the virus check: apart told what it is
		return
	}
	d.room -= len(t.Body)
	d.report.Texts = append(d.report.Texts, Text{d.part, m.Path, t.Body, t.Cut || err != nil, t.URLs})
}
