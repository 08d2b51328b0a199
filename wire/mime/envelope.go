package mime

import (
	"strings"
	"time"
)

// An Envelope is what the header of a message says about it (RFC 9051 §7.5.2). Texts
// are unfolded and otherwise as in the header; DecodeHeader makes them readable. Where a
// field of addresses stands several times, their entries are joined; of other fields the
// first counts.
type Envelope struct {
	Date    string
	Subject string
	From    []Address
	Sender  []Address // empty where the field is missing; ENVELOPE then repeats From
	ReplyTo []Address // empty where the field is missing; ENVELOPE then repeats From
	To      []Address
	Cc      []Address
	Bcc     []Address

	InReplyTo  string   // as written, with angle brackets
	MessageID  string   // as written, with angle brackets
	References []string // message ids of References without their angle brackets, oldest first

	present uint8 // fields that are there but empty; see has
}

// Bits of Envelope.present: an empty field is "", a missing one NIL (RFC 9051 §7.5.2).
const (
	hasDate uint8 = 1 << iota
	hasSubject
	hasInReplyTo
	hasMessageID
)

// Time reads the Date field; see ParseDate.
func (e *Envelope) Time() (time.Time, error) { return ParseDate(e.Date) }

// SubjectText is the subject, decoded.
func (e *Envelope) SubjectText() string { return DecodeHeader(e.Subject) }

// ParseMessageIDs finds the message ids of a References or In-Reply-To value, without
// their angle brackets, each as written. What stands outside of brackets is passed
// over, unless there are none at all: then every word with an @ counts.
func ParseMessageIDs(raw string) []string {
	var ids []string
	for rest := raw; len(ids) < maxReferences; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			break
		}
		end := strings.IndexAny(rest[i+1:], "<>")
		if end < 0 {
			break
		}
		if id := strings.TrimSpace(rest[i+1 : i+1+end]); id != "" && rest[i+1+end] == '>' {
			ids = append(ids, id)
		}
		rest = rest[i+1+end:]
	}
	if ids != nil || strings.IndexByte(raw, '<') >= 0 {
		return ids
	}
	for _, w := range strings.Fields(raw) {
		if strings.Contains(w, "@") && len(ids) < maxReferences {
			ids = append(ids, w)
		}
	}
	return ids
}

// maxReferences is how many message ids of one field are read.
const maxReferences = 1000

// maxNameLen is longer than any field name that readHeader knows.
const maxNameLen = 32

// readHeader fills a part from its header block.
func (p *Parser) readHeader(f *frame, block Header, digest bool) {
	part := f.part
	if f.message {
		part.Envelope = new(Envelope)
	}
	fields, typed, seen := 0, false, uint16(0)
	for field := range block.Fields() {
		if fields++; fields > p.lim.HeaderFields {
			p.msg.Limited = true
			break
		}
		if len(field.Name) < 2 || len(field.Name) >= maxNameLen {
			continue
		}
		var buf [maxNameLen]byte
		for i, c := range field.Name {
			buf[i] = lower(c)
		}
		name := buf[:len(field.Name)]
		if string(name[:2]) == "co" {
			typed = part.readContent(name, field.Value) || typed
		} else if f.message {
			bit, empty := part.Envelope.read(name, field.Value)
			if part == p.msg.Root && (seen&bit != 0 || empty) {
				p.msg.Repeated = true
			}
			seen |= bit
		}
	}
	if !typed {
		part.Type, part.Subtype = "text", "plain"
		if digest {
			part.Type, part.Subtype = "message", "rfc822"
		}
	}
}

// read takes one field; the name is in lower case. It gives a bit that stands for the field, 0 for one that is none of an
// Envelope, and whether the field should have addresses and has none.
func (e *Envelope) read(name, value []byte) (bit uint16, empty bool) {
	switch string(name) {
	case "date":
		return e.first(&e.Date, hasDate, value), false
	case "subject":
		return e.first(&e.Subject, hasSubject, value), false
	case "in-reply-to":
		return e.first(&e.InReplyTo, hasInReplyTo, value), false
	case "message-id":
		return e.first(&e.MessageID, hasMessageID, value), false
	case "from":
		return 1 << 4, addAddresses(&e.From, value)
	case "sender":
		return 1 << 5, addAddresses(&e.Sender, value)
	case "reply-to":
		return 1 << 6, addAddresses(&e.ReplyTo, value)
	case "to":
		return 1 << 7, addAddresses(&e.To, value)
	case "cc":
		return 1 << 8, addAddresses(&e.Cc, value)
	case "bcc":
		return 1 << 9, addAddresses(&e.Bcc, value)
	case "references":
		if e.References == nil {
			e.References = ParseMessageIDs(Unfold(value))
		}
		return 1 << 10, false
	}
	return 0, false
}

func (e *Envelope) first(s *string, has uint8, value []byte) uint16 {
	if e.present&has == 0 {
		e.present |= has
		*s = Unfold(value)
	}
	return uint16(has)
}

// addAddresses joins the addresses of a field to those of the same field before it, and tells whether it has none.
func addAddresses(list *[]Address, value []byte) (empty bool) {
	more := ParseAddressList(Unfold(value))
	if *list == nil {
		*list = more
	} else {
		*list = append(*list, more...)
	}
	return len(more) == 0
}

// readContent takes one Content-* field and tells whether it was the type. The name is in lower case.
func (p *Part) readContent(name, value []byte) (typed bool) {
	switch string(name) {
	case "content-type":
		p.readType(Unfold(value))
		return true
	case "content-transfer-encoding":
		p.readEncoding(Unfold(value))
	case "content-disposition":
		p.readDisposition(Unfold(value))
	case "content-id":
		firstText(&p.ID, value)
	case "content-description":
		firstText(&p.Description, value)
	case "content-md5":
		firstText(&p.MD5, value)
	case "content-location":
		firstText(&p.Location, value)
	case "content-language":
		p.Language = append(p.Language, strings.FieldsFunc(Unfold(value), isListSpace)...)
	}
	return false
}

func isListSpace(r rune) bool { return r == ',' || r == ' ' || r == '\t' }

func firstText(s *string, value []byte) {
	if *s == "" {
		*s = Unfold(value)
	}
}

// readType reads Content-Type. Of a second one only file names are kept, for policy.
func (p *Part) readType(value string) {
	main, params := ParseParams(value)
	if p.Type != "" {
		p.Params = addFileNames(p.Params, params)
		return
	}
	p.Type, p.Subtype = splitType(main)
	p.Params = params
}

// splitType reads "type/subtype". What is unreadable is text/plain (RFC 2045 §5.2), but
// a known type without its subtype keeps its nature.
func splitType(main string) (typ, subtype string) {
	typ, subtype, _ = strings.Cut(main, "/")
	if i := strings.IndexByte(subtype, '/'); i >= 0 {
		subtype = subtype[:i]
	}
	if token7(typ) && token7(subtype) {
		return typ, subtype
	}
	switch typ {
	case "multipart":
		return typ, "mixed"
	case "application", "image", "audio", "video":
		return "application", "octet-stream"
	}
	return "text", "plain"
}

// token7 tells whether s is a token of RFC 2045 §5.1.
func token7(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// encodings are the transfer encodings by their names without punctuation, which is often wrong.
var encodings = map[string]string{
	"7bit": "7bit", "8bit": "8bit", "binary": "binary", "base64": "base64",
	"quotedprintable": "quoted-printable", "xuuencode": "x-uuencode", "uuencode": "x-uuencode", "xuue": "x-uuencode", "uue": "x-uuencode",
}

func (p *Part) readEncoding(value string) {
	enc, _, _ := strings.Cut(strings.ToLower(strings.Trim(value, "\"' \t;")), ";")
	enc, _, _ = strings.Cut(enc, "(")
	known, ok := encodings[charsetKey(enc)]
	switch {
	case p.Encoding != "7bit" || enc == "":
	case ok:
		p.Encoding = known
	default:
		p.Encoding = strings.TrimSpace(enc)
	}
}

// readDisposition reads Content-Disposition. Of a second one only file names are kept, for policy.
func (p *Part) readDisposition(value string) {
	main, params := ParseParams(value)
	if p.Disposition != "" {
		p.DispositionParams = addFileNames(p.DispositionParams, params)
		return
	}
	if strings.Contains(main, "=") { // the disposition itself is missing
		_, params = ParseParams(";" + value)
		main = "attachment"
	}
	if main == "" && len(params) > 0 {
		main = "attachment"
	}
	p.Disposition, p.DispositionParams = main, params
}

func addFileNames(to, params []Param) []Param {
	for _, p := range params {
		if (p.Name == "name" || p.Name == "filename") && len(to) < maxParams {
			to = append(to, p)
		}
	}
	return to
}
