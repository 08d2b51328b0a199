package text

import (
	"bytes"
	"io"
	"slices"

	"tegami/wire/mime"
)

// message reads what people read in a message: its subject and its text parts. Attachments are documents of their own, which
// whoever takes messages apart reads one by one.
func (d *document) message() error {
	m, err := mime.Parse(d.stream(), mime.Limits{})
	if err != nil {
		return err
	}
	if e := m.Root.Envelope; e != nil {
		d.out.name(mime.DecodeHeader(e.Subject))
	}
	bodies := m.Bodies()
	for _, p := range bodies.Text {
		if !p.IsText() {
			continue
		}
		if err := d.messagePart(p); err != nil {
			return err
		}
	}
	for _, p := range bodies.HTML {
		if p.IsText() && p.Subtype == "html" && !slices.Contains(bodies.Text, p) {
			if err := d.linksOf(p.Content(d.r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// messagePart reads one text part.
func (d *document) messagePart(p *mime.Part) error {
	r := mime.TextReader(p, p.Content(d.r))
	defer d.out.line()
	if p.Subtype == "html" {
		return d.htmlText(r)
	}
	return d.copyText(r)
}

// linksOf keeps the hyperlinks of HTML that says the same as text that was read.
func (d *document) linksOf(r io.Reader) error {
	aside := *d
	aside.out = newSink(d.lim)
	err := aside.htmlFrom(r)
	for _, address := range aside.out.urls {
		d.out.url(address)
	}
	if err == errFull {
		return nil
	}
	return err
}

// inner reads a document that is a part of this one.
func (d *document) inner(name string, b []byte) error {
	if d.depth >= maxInner {
		return d.out.cutShort()
	}
	in := newDocument(d.ctx, d.lim, "", name, bytes.NewReader(b), int64(len(b)))
	in.out, in.depth, in.inflated, in.parts = d.out, d.depth+1, d.inflated, d.parts
	err := in.read()
	d.inflated, d.parts = in.inflated, in.parts
	d.out.line()
	if err != nil && (in.ctx.Err() != nil || d.out.full()) {
		return err
	}
	return nil // what can't be read within a document is no fault of the document
}
