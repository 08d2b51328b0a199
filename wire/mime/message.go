package mime

import "strings"

// A Message is the structure of one message.
type Message struct {
	Root  *Part // never nil
	Size  int64 // octets
	Lines int64 // line feeds
	// Limited is set when a limit of the parse cut the structure short: some content
	// is in no part of its own, or a header was read in part.
	Limited bool
	// Repeated is set when the header says more of what an Envelope holds than the Envelope does: one of its fields stands several
	// times, against RFC 5322 §3.6, or names addresses and has none.
	Repeated bool
	// Preview is what Preview gives, and Previewed tells that it is known: of a message that was parsed in memory, and of
	// what was kept of it.
	Preview   string
	Previewed bool
}

// A Part is one entity of RFC 2045 §2.4: the message itself, a part of a multipart, or
// the message inside a message/rfc822 part.
//
// The offsets count octets of the whole raw message. The header block is
// [HeaderStart, BodyStart), blank line included; the body is [BodyStart, BodyEnd). The
// line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1), unless it ends
// a header.
type Part struct {
	HeaderStart, BodyStart, BodyEnd int64
	Lines                           int64 // line feeds in the body

	Type, Subtype string  // lower case; text/plain when missing or unreadable
	Params        []Param // of Content-Type, all, in their order
	Encoding      string  // Content-Transfer-Encoding in lower case; "7bit" when missing
	ID            string  // Content-ID with its angle brackets, raw
	Description   string  // Content-Description, raw; see DecodeHeader
	MD5           string  // Content-MD5 (RFC 1864)

	Disposition       string   // lower case: "attachment", "inline"; "" when missing (RFC 2183)
	DispositionParams []Param  // all, in their order
	Language          []string // Content-Language (RFC 3282)
	Location          string   // Content-Location (RFC 2557)

	Envelope *Envelope // of the root and of a message inside message/rfc822, else nil
	Children []*Part   // of a multipart at least one; of message/rfc822 exactly one, or none where the message is encoded
}

// IsMultipart tells whether the part has parts. A multipart without any delimiter is text/plain.
func (p *Part) IsMultipart() bool { return p.Type == "multipart" }

// IsMessage tells whether the part holds a message whose structure is known.
func (p *Part) IsMessage() bool { return p.Type == "message" && len(p.Children) == 1 }

// IsText tells whether the part is of type text.
func (p *Part) IsText() bool { return p.Type == "text" }

// Size is the body's number of octets, encoded as it is.
func (p *Part) Size() int64 { return p.BodyEnd - p.BodyStart }

// Charset is the charset parameter in lower case, or "".
func (p *Part) Charset() string { return strings.ToLower(paramValue(p.Params, "charset")) }

// Filename is the best candidate for the part's file name, decoded: the disposition's
// filename before the type's name, RFC 2231 before others; "" when there is none. It
// may contain anything; SanitizeFilename makes it fit to be shown and stored.
func (p *Part) Filename() string {
	if s := bestParam(p.DispositionParams, "filename"); s != "" {
		return s
	}
	if s := bestParam(p.Params, "name"); s != "" {
		return s
	}
	if s := bestParam(p.Params, "filename"); s != "" {
		return s
	}
	return bestParam(p.DispositionParams, "name")
}

// Filenames gives every name by which some mail program could call the part, each
// once, the best first. Policy checks them all (T8).
func (p *Part) Filenames() []string {
	var all []string
	add := func(s string) {
		for _, have := range all {
			if have == s {
				return
			}
		}
		if s != "" {
			all = append(all, s)
		}
	}
	add(p.Filename())
	for _, params := range [][]Param{p.DispositionParams, p.Params} {
		for _, q := range params {
			if q.Name == "filename" || q.Name == "name" {
				add(q.Value)
				add(q.Raw)
			}
		}
	}
	return all
}

// Walk calls fn for p and all parts below it, parents first, until fn gives false.
func (p *Part) Walk(fn func(*Part) bool) bool {
	if !fn(p) {
		return false
	}
	for _, c := range p.Children {
		if !c.Walk(fn) {
			return false
		}
	}
	return true
}

// Part finds a part by its number (RFC 9051 §6.4.5.1), nil when there is none. The
// empty path is the message itself; part 1 of a message that is no multipart is its body.
func (m *Message) Part(path []int) *Part {
	at, whole := m.Root, true // whole: at is a message, not yet one of its parts
	for _, n := range path {
		if !whole && at.IsMessage() {
			at, whole = at.Children[0], true
		}
		switch {
		case n < 1:
			return nil
		case at.IsMultipart() && n <= len(at.Children):
			at = at.Children[n-1]
		case at.IsMultipart() || !whole || n != 1:
			return nil
		}
		whole = false
	}
	return at
}

// SectionKind is what of a part a section names (RFC 9051 §6.4.5.1).
type SectionKind uint8

// Kinds of sections.
const (
	SectionAll    SectionKind = iota // BODY[] and BODY[n]
	SectionHeader                    // BODY[HEADER] and BODY[n.HEADER]; also what HEADER.FIELDS chooses from
	SectionText                      // BODY[TEXT] and BODY[n.TEXT]
	SectionMIME                      // BODY[n.MIME]
)

// Section gives the octets a section names as an offset and an end. It is not ok when
// there is no such part or the kind does not fit it, for which IMAP answers NIL.
func (m *Message) Section(path []int, kind SectionKind) (start, end int64, ok bool) {
	p := m.Part(path)
	if p == nil {
		return 0, 0, false
	}
	if len(path) == 0 && kind == SectionAll {
		return 0, m.Size, true
	}
	if len(path) > 0 && (kind == SectionHeader || kind == SectionText) {
		if !p.IsMessage() {
			return 0, 0, false
		}
		p = p.Children[0]
	}
	switch {
	case kind == SectionHeader, kind == SectionMIME && len(path) > 0:
		return p.HeaderStart, p.BodyStart, true
	case kind == SectionAll, kind == SectionText:
		return p.BodyStart, p.BodyEnd, true
	}
	return 0, 0, false
}
