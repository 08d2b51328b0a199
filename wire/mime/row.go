package mime

import "slices"

// The row section of an Index: flags, and the preview to its end.

// Flags of a row.
const (
	rowAttachment = 1 << iota // Message.HasAttachment
	rowRepeated               // Message.Repeated
	rowPreviewed              // the preview is known
	rowSender                 // the envelope has a Sender of its own
	rowReplyTo                // the envelope has a Reply-To of its own
)

// appendRow appends what a list shows of the message.
func (m *Message) appendRow(dst []byte) []byte {
	flags := int64(0)
	set := func(flag int64, on bool) {
		if on {
			flags |= flag
		}
	}
	set(rowAttachment, m.HasAttachment())
	set(rowRepeated, m.Repeated)
	set(rowPreviewed, m.Previewed)
	if e := m.Root.Envelope; e != nil {
		set(rowSender, len(e.Sender) > 0)
		set(rowReplyTo, len(e.ReplyTo) > 0)
	}
	return append(appendNumber(dst, flags), m.Preview...)
}

// readRow reads what appendRow wrote; nothing in an Index of version 1.
func (m *Message) readRow(b []byte) {
	in := numbers{b: b}
	flags := in.int64()
	m.Repeated, m.Previewed = flags&rowRepeated != 0, flags&rowPreviewed != 0
	m.Preview = string(b[in.at:])
}

// A Row is what an Index tells at once: what a list shows of a message beside the texts of EnvelopeField. Reading it costs a
// fraction of Decode.
type Row struct {
	HasAttachment bool   // see Message.HasAttachment
	Repeated      bool   // see Message.Repeated
	HasSender     bool   // there is a Sender field; EnvelopeField gives From where there is none
	HasReplyTo    bool   // there is a Reply-To field; EnvelopeField gives From where there is none
	Preview       string // see the function Preview
}

// Row gives what a list shows of the message; false where it is not known at once: the index is damaged or of version 1, or
// was made without the preview. Then Decode tells, and Preview.
func (x Index) Row() (Row, bool) {
	l, ok := x.layout()
	if !ok {
		return Row{}, false
	}
	b := l.section(x, sectionRow)
	in := numbers{b: b}
	flags := in.int64()
	return Row{
		HasAttachment: flags&rowAttachment != 0,
		Repeated:      flags&rowRepeated != 0,
		HasSender:     flags&rowSender != 0,
		HasReplyTo:    flags&rowReplyTo != 0,
		Preview:       string(b[in.at:]),
	}, flags&rowPreviewed != 0
}

// Bodies are the parts of a message as a mail program shows them (RFC 8621 §4.1.4).
type Bodies struct {
	Text        []*Part // to show one after the other where plain text is preferred
	HTML        []*Part // to show one after the other where HTML is preferred
	Attachments []*Part // to offer beside that; a picture shown among the text of one list only stands here too
}

// Bodies chooses the parts of the message to show and those to offer, by the algorithm of RFC 8621 §4.1.4. A message inside the
// message is one part.
func (m *Message) Bodies() Bodies {
	b := bodyChooser{text: true, html: true}
	b.parts([]*Part{m.Root}, "mixed", false)
	return b.Bodies
}

// HasAttachment tells whether there is something a mail program should offer to be saved (RFC 8621 §4.1.4): an attachment that is
// not meant to be shown inside the text, or a picture with the name of a file between texts, as telephones send them.
func (m *Message) HasAttachment() bool {
	if !m.Root.IsMultipart() && m.Root.Disposition == "" && m.Root.Type == "text" && (m.Root.Subtype == "plain" || m.Root.Subtype == "html") {
		return false // most messages
	}
	return m.Root.hasFile("") || slices.ContainsFunc(m.Bodies().Attachments, (*Part).offered)
}

// hasFile tells whether there is a picture, sound or film with the name of a file below p, which is part of a multipart, beside those that belong
// to HTML.
func (p *Part) hasFile(multipart string) bool {
	if p.IsMultipart() {
		return slices.ContainsFunc(p.Children, func(c *Part) bool { return c.hasFile(p.Subtype) })
	}
	return p.isMedia() && multipart != "related" && p.Filename() != ""
}

// offered tells whether an attachment is a thing to be saved: not one that says it is shown inside the text, nor a picture that
// says nothing but has a name by which HTML shows it, nor a signature, which is checked and not read.
func (p *Part) offered() bool {
	switch {
	case p.Disposition == "inline", p.Disposition == "" && p.ID != "" && p.isMedia():
		return false
	case p.Type == "application":
		return p.Subtype != "pgp-signature" && p.Subtype != "pkcs7-signature" && p.Subtype != "x-pkcs7-signature"
	}
	return true
}

// bodyChooser is parseStructure of RFC 8621 §4.1.4 for the parts of one multipart. What stands there as a list that is null is
// text or html being false.
type bodyChooser struct {
	Bodies
	text, html bool    // the lists are still filled
	other      []*Part // of an alternative, what would go into a list that is not filled
}

// parts looks through the parts of a multipart.
func (b *bodyChooser) parts(parts []*Part, multipart string, inAlternative bool) {
	texts, htmls := len(b.Text), len(b.HTML)
	for i, p := range parts {
		switch {
		case p.IsMultipart():
			inner := bodyChooser{Bodies: b.Bodies, text: b.text, html: b.html}
			inner.parts(p.Children, p.Subtype, inAlternative || p.Subtype == "alternative")
			b.Bodies = inner.Bodies
		case !p.shown(i, multipart):
			b.Attachments = append(b.Attachments, p)
		case multipart == "alternative":
			b.alternative(p)
		default:
			b.place(p, inAlternative)
		}
	}
	if multipart == "alternative" {
		b.fill(texts, htmls)
	}
}

// alternative takes one of several forms of the same.
func (b *bodyChooser) alternative(p *Part) {
	plain := p.Subtype == "plain"
	switch {
	case p.Type != "text":
		b.Attachments = append(b.Attachments, p)
	case plain && b.text:
		b.Text = append(b.Text, p)
	case !plain && b.html:
		b.HTML = append(b.HTML, p)
	default:
		b.other = append(b.other, p)
	}
}

// place takes a part that is shown where it stands.
func (b *bodyChooser) place(p *Part, inAlternative bool) {
	if inAlternative && p.Type == "text" {
		b.html = b.html && p.Subtype != "plain"
		b.text = b.text && p.Subtype != "html"
	}
	if b.text {
		b.Text = append(b.Text, p)
	}
	if b.html {
		b.HTML = append(b.HTML, p)
	}
	if (!b.text || !b.html) && p.isMedia() {
		b.Attachments = append(b.Attachments, p)
	}
}

// fill gives a list that an alternative left empty what the other got. Where only one list is filled, it gets what there is
// rather than nothing, which the algorithm leaves open.
func (b *bodyChooser) fill(texts, htmls int) {
	noText, noHTML := texts == len(b.Text), htmls == len(b.HTML)
	switch {
	case b.text && b.html && noText:
		b.Text = append(b.Text, b.HTML[htmls:]...)
	case b.text && b.html && noHTML:
		b.HTML = append(b.HTML, b.Text[texts:]...)
	case b.text && noText:
		b.Text = append(b.Text, b.other...)
	case b.html && noHTML:
		b.HTML = append(b.HTML, b.other...)
	}
}

// isMedia tells of pictures, sounds and films.
func (p *Part) isMedia() bool { return p.Type == "image" || p.Type == "audio" || p.Type == "video" }

// shown tells whether the n-th part of a multipart, from 0 on, is shown among the text rather than offered as an attachment.
func (p *Part) shown(n int, multipart string) bool {
	text := p.Type == "text" && (p.Subtype == "plain" || p.Subtype == "html")
	if p.Disposition == "attachment" || !text && !p.isMedia() {
		return false
	}
	return n == 0 || multipart != "related" && (p.isMedia() || p.Filename() == "")
}
