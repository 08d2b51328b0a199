package quarantine

import (
	"context"
	"io"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/html"
	"tegami/wire/mime"
)

// Limits of what is shown of a message in quarantine. What goes beyond is left out, and Letter.Cut says so.
const (
	MaxShown       = 256 << 10 // octets of text, and about as many of HTML
	MaxBodies      = 20        // texts
	MaxAttachments = 200       // attachments that are named
)

// Letter is a message in quarantine as it may be shown: nothing in it loads anything, and links lead nowhere (Links says whereto they would).
type Letter struct {
	Entry
	From, To, Cc, ReplyTo []mime.Address
	Date                  string // the field, as it was written
	// Text is the message as plain text. It is there where HTML is, too.
	Text string
	// HTML is what wire/html left of the message's HTML, "" where it has none. No pictures, not even those of its parts.
	HTML        string
	Links       []html.Link // of the HTML
	Attachments []Attachment
	Cut         bool // not all of it is shown
}

// Attachment is a part that is not shown. Nobody can open it here.
type Attachment struct {
	Name string // made harmless
	Type string // as the message says: "application/zip"
	Size int64  // octets of it in the message, still encoded
}

// Read gives a message as it may be shown. An administrator's look at somebody else's mail is noted before. NotFound
// "quarantine.unknown".
func (b *Box) Read(ctx context.Context, id mail.ObjectID) (*Letter, error) {
	const op mail.Op = "quarantine.Read"
	var l Letter
	var index []byte
	err := b.view(ctx, op, func(r store.Reader) (err error) {
		if l.Entry, err = b.get(r, id); err != nil {
			return err
		}
		index, err = r.Structure(l.Blob.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := b.noteView(ctx, op, id); err != nil {
		return nil, mail.Wrap(op, err)
	}
	octets, err := b.tenant.Blobs().Open(ctx, l.Blob)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	defer octets.Close()
	return &l, mail.Wrap(op, l.fill(index, octets))
}

// fill reads what is shown out of the octets. index is their structure, where it was kept.
func (l *Letter) fill(index []byte, octets store.Blob) error {
	m, err := mime.Decode(index)
	if err != nil {
		if m, err = mime.Parse(io.NewSectionReader(octets, 0, octets.Size()), mime.Limits{}); err != nil {
			return err
		}
	}
	if e := m.Root.Envelope; e != nil {
		l.From, l.To, l.Cc, l.ReplyTo, l.Date = e.From, e.To, e.Cc, e.ReplyTo, e.Date
	}
	bodies := m.Bodies()
	if err := l.fillText(bodies.Text, octets); err != nil {
		return err
	}
	if err := l.fillHTML(bodies.HTML, octets); err != nil {
		return err
	}
	for _, p := range bodies.Attachments {
		if len(l.Attachments) == MaxAttachments {
			l.Cut = true
			break
		}
		l.Attachments = append(l.Attachments, Attachment{mime.SanitizeFilename(p.Filename()), p.Type + "/" + p.Subtype, p.Size()})
	}
	return nil
}

// fillText joins the plain texts; of HTML parts, their words.
func (l *Letter) fillText(parts []*mime.Part, octets io.ReaderAt) error {
	for _, p := range l.few(parts) {
		if !p.IsText() {
			continue
		}
		v, err := mime.ReadValue(p, octets, max(MaxShown-len(l.Text), 0))
		if err != nil {
			return err
		}
		if p.Subtype == "html" {
			v.Text = html.Sanitise(v.Text, html.Options{}).Text
		}
		if l.Text != "" {
			l.Text += "\n"
		}
		l.Text, l.Cut = l.Text+v.Text, l.Cut || v.Truncated
	}
	return nil
}

// fillHTML joins the HTML parts, cleaned.
func (l *Letter) fillHTML(parts []*mime.Part, octets io.ReaderAt) error {
	for _, p := range l.few(parts) {
		if !p.IsText() || p.Subtype != "html" {
			continue
		}
		v, err := mime.ReadValue(p, octets, max(MaxShown-len(l.HTML), 0))
		if err != nil {
			return err
		}
		clean := html.Sanitise(v.Text, html.Options{})
		l.HTML += clean.HTML
		l.Links = append(l.Links, clean.Links...)
		l.Cut = l.Cut || v.Truncated || clean.Cut != 0
	}
	return nil
}

// few gives the first MaxBodies parts.
func (l *Letter) few(parts []*mime.Part) []*mime.Part {
	if len(parts) > MaxBodies {
		l.Cut = true
		return parts[:MaxBodies]
	}
	return parts
}
