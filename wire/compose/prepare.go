package compose

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/mime"
)

// Prepared is a message of which all is known but the octets of its attachments.
type Prepared struct {
	header []byte // of the message, without the fields of its root
	root   *node
}

// node is a part as it will be written.
type node struct {
	fields   []byte // its header fields, each with its CRLF
	body     []byte // what is written as it is; or
	open     func() (io.ReadCloser, error)
	octets   int64  // that open gives
	coding   string // "base64" of what open gives; "7bit" or "8bit": as it is, with CRLF for each LF
	written  int64  // how many octets come of that; or
	parts    []*node
	boundary string
	eight    bool // has octets that 7bit doesn't allow
}

// preparer makes nodes.
type preparer struct {
	o     Options
	seed  string
	count int
}

// Prepare makes a message ready to be written. Invalid "compose.field" for a header that can't be, "compose.too_many_parts" past the
// limits; errors of Open where octets have to be looked at.
func Prepare(m *Message, o Options) (*Prepared, error) {
	p := preparer{o: o, seed: o.Seed}
	if p.seed == "" {
		p.seed = rand.Text()
	}
	h := Header{charset: o.Charset}
	if err := m.fields(&h); err != nil {
		return nil, err
	}
	body := m.Body
	if body == nil {
		body = &Part{}
	}
	root, err := p.part(body, 0)
	if err != nil {
		return nil, err
	}
	root.endLine()
	return &Prepared{h.b, root}, nil
}

// fields writes what stands in the header of the message itself.
func (m *Message) fields(h *Header) error {
	h.Time("Date", m.Date)
	for _, f := range []struct {
		name string
		list []Mailbox
	}{{"From", m.From}, {"Sender", m.Sender}, {"Reply-To", m.ReplyTo}, {"To", m.To}, {"Cc", m.Cc}, {"Bcc", m.Bcc}} {
		if len(f.list) > 0 {
			h.Addresses(f.name, f.list...)
		}
	}
	AsMessageIDs{m.MessageID}.put(h, "Message-ID")
	AsMessageIDs(m.InReplyTo).put(h, "In-Reply-To")
	AsMessageIDs(m.References).put(h, "References")
	if m.Subject != "" {
		h.text("Subject", m.Subject)
	}
	if err := h.putFields(m.Header); err != nil {
		return err
	}
	h.put("MIME-Version", "1.0")
	return nil
}

// part prepares one part.
func (p *preparer) part(part *Part, depth int) (n *node, err error) {
	if p.count++; p.count > MaxParts || depth > MaxDepth {
		return nil, mail.E("compose.Prepare", mail.Invalid, "compose.too_many_parts", MaxParts, MaxDepth)
	}
	h := Header{charset: p.o.Charset}
	typ := mediaType(part)
	switch {
	case strings.HasPrefix(typ, "multipart/"):
		n, err = p.multipart(&h, typ, part, depth)
	case part.Open == nil:
		n, err = p.text(&h, typ, part)
	case typ == "message/rfc822":
		n, err = p.message(&h, part)
	default:
		n, err = p.octets(&h, typ, part)
	}
	if err != nil {
		return nil, err
	}
	if part.CID != "" {
		h.IDs("Content-ID", bracketed(part.CID))
	}
	if len(part.Language) > 0 {
		h.Line("Content-Language", strings.Join(part.Language, ", "))
	}
	if err := h.putFields(part.Header); err != nil {
		return nil, err
	}
	n.fields = h.b
	return n, nil
}

// mediaType is a part's type in lower case.
func mediaType(part *Part) string {
	typ := strings.ToLower(part.Type)
	main, sub, ok := strings.Cut(typ, "/")
	switch {
	case len(part.Parts) > 0 && (main != "multipart" || !isToken(sub)):
		return "multipart/mixed"
	case len(part.Parts) > 0:
		return typ
	case typ == "":
		return "text/plain"
	case !ok || !isToken(main) || !isToken(sub) || main == "multipart":
		return "application/octet-stream"
	}
	return typ
}

// maxToken is the length of a media type's halves (RFC 6838 §4.2).
const maxToken = 127

// isToken tells whether s is a token (RFC 2045 §5.1).
func isToken(s string) bool {
	return s != "" && len(s) <= maxToken && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?=`, r)
	}) < 0
}

// typed writes Content-Type, Content-Disposition and the encoding.
func (p *preparer) typed(h *Header, typ, coding string, part *Part) {
	style := mime.NamesStandard
	if p.o.OutlookNames {
		style = mime.NamesOutlook
	}
	disposition := strings.ToLower(part.Disposition)
	name := mime.SanitizeFilename(part.Name)
	if !isToken(disposition) {
		disposition = ""
	}
	if disposition == "" && name != "" {
		disposition = "attachment"
	}
	contentType, contentDisposition := mime.AttachmentFields(typ, disposition, name, style)
	h.put("Content-Type", contentType)
	if contentDisposition != "" {
		h.put("Content-Disposition", contentDisposition)
	}
	if coding != "7bit" {
		h.put("Content-Transfer-Encoding", coding)
	}
}

// text prepares a part of words.
func (p *preparer) text(h *Header, typ string, part *Part) (*node, error) {
	charset := part.Charset
	if charset == "" {
		charset = p.o.Charset
	}
	body, name, coding := encodeText(part.Text, charset)
	p.typed(h, typ+"; charset="+name, coding, part)
	return &node{body: body, coding: coding}, nil
}

// mostlyASCII is how many octets of a text stand for one that is not ASCII at least, so that quoted-printable is shorter than
// base64 and can be read in the source.
const mostlyASCII = 8

// encodeText writes text in a charset. Lines are as they were: ASCII and ISO-2022-JP in lines of up to 998 octets go as they are, as
// the reader's program wraps them; all other text is encoded.
func encodeText(text, charset string) (body []byte, name, coding string) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	body, name, coding = mime.EncodeText(text, charset)
	if coding != "base64" {
		return body, name, coding
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	other := 0
	for i := range len(text) {
		if c := text[i]; c >= 0x80 || c < ' ' && c != '\n' && c != '\t' {
			other++
		}
	}
	if other*mostlyASCII > len(text) {
		return body, name, coding
	}
	if other == 0 {
		name = mime.ASCII
	}
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	io.WriteString(w, text) // into memory: it cannot fail
	w.Close()
	return b.Bytes(), name, "quoted-printable"
}

// octets prepares a part of octets of any kind.
func (p *preparer) octets(h *Header, typ string, part *Part) (*node, error) {
	n := &node{open: part.Open, octets: part.Size, coding: "base64"}
	if part.Size < 0 {
		var err error
		if n.octets, _, err = look(part.Open); err != nil {
			return nil, err
		}
	}
	n.written = base64Size(n.octets)
	if strings.HasPrefix(typ, "text/") && isToken(part.Charset) {
		typ += "; charset=" + part.Charset
	}
	p.typed(h, typ, n.coding, part)
	return n, nil
}

// message prepares a part that is a message, which may not be encoded (RFC 2046 §5.2.1). One that could not travel so goes as octets
// of no kind.
func (p *preparer) message(h *Header, part *Part) (*node, error) {
	size, seen, err := look(part.Open)
	if err != nil {
		return nil, err
	}
	if seen.unfit {
		sized := *part
		sized.Size = size
		return p.octets(h, "application/octet-stream", &sized)
	}
	n := &node{open: part.Open, octets: size, written: size + seen.bare, coding: "7bit"}
	if n.eight = seen.eight; n.eight {
		n.coding = "8bit"
	}
	p.typed(h, "message/rfc822", n.coding, part)
	return n, nil
}

// multipart prepares parts that lie in one.
func (p *preparer) multipart(h *Header, typ string, part *Part, depth int) (*node, error) {
	n := &node{coding: "7bit", boundary: p.boundary()}
	for _, c := range part.Parts {
		child, err := p.part(c, depth+1)
		if err != nil {
			return nil, err
		}
		n.parts = append(n.parts, child)
		n.eight = n.eight || child.eight
	}
	if typ == "multipart/related" { // RFC 2387 §3.1
		typ += "; type=\"" + mediaType(part.Parts[0]) + "\""
	}
	h.put("Content-Type", typ+";\r\n boundary=\""+n.boundary+"\"")
	if n.eight { // RFC 2045 §6.4
		h.put("Content-Transfer-Encoding", "8bit")
	}
	return n, nil
}

// boundary makes the next boundary (RFC 2046 §5.1.1): random, so that what stands in a part is not it. "=_" cannot stand in base64 or
// quoted-printable.
func (p *preparer) boundary() string {
	sum := sha256.Sum256([]byte(p.seed + " " + strconv.Itoa(p.count)))
	return "=_" + hex.EncodeToString(sum[:16])
}

// endLine ends the last line of a message that is one text.
func (n *node) endLine() {
	if n.open != nil || len(n.parts) > 0 || len(n.body) == 0 || bytes.HasSuffix(n.body, []byte("\r\n")) {
		return
	}
	if n.coding == "quoted-printable" {
		n.body = append(n.body, '=') // a soft line break: the text itself has none
	}
	n.body = append(n.body, "\r\n"...)
}
