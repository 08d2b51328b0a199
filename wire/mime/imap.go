package mime

import "strconv"

// AppendEnvelope appends the ENVELOPE of RFC 9051 §7.5.2, parentheses included. Sender and
// Reply-To default to From. Text outside of printable ASCII is a literal, so that the
// octets of the header reach the client as they are. A nil envelope gives one of NILs.
func AppendEnvelope(dst []byte, e *Envelope) []byte {
	if e == nil {
		e = &Envelope{}
	}
	dst = appendEnvelopeHead(dst, e)
	dst = appendAddresses(append(dst, ' '), orFrom(e.Sender, e))
	dst = appendAddresses(append(dst, ' '), orFrom(e.ReplyTo, e))
	return appendEnvelopeTail(dst, e)
}

func orFrom(list []Address, e *Envelope) []Address {
	if len(list) == 0 {
		return e.From
	}
	return list
}

// appendEnvelopeHead appends "(date subject from".
func appendEnvelopeHead(dst []byte, e *Envelope) []byte {
	dst = appendNString(append(dst, '('), e.Date, e.present&hasDate != 0)
	dst = appendNString(append(dst, ' '), e.Subject, e.present&hasSubject != 0)
	return appendAddresses(append(dst, ' '), e.From)
}

// appendEnvelopeTail appends " to cc bcc in-reply-to message-id)".
func appendEnvelopeTail(dst []byte, e *Envelope) []byte {
	dst = appendAddresses(append(dst, ' '), e.To)
	dst = appendAddresses(append(dst, ' '), e.Cc)
	dst = appendAddresses(append(dst, ' '), e.Bcc)
	dst = appendNString(append(dst, ' '), e.InReplyTo, e.present&hasInReplyTo != 0)
	dst = appendNString(append(dst, ' '), e.MessageID, e.present&hasMessageID != 0)
	return append(dst, ')')
}

func appendAddresses(dst []byte, list []Address) []byte {
	if len(list) == 0 {
		return append(dst, "NIL"...)
	}
	dst = append(dst, '(')
	for i := range list {
		dst = appendAddress(dst, &list[i])
	}
	return append(dst, ')')
}

// appendAddress appends one address structure. Its host is NIL only for the marks of groups.
func appendAddress(dst []byte, a *Address) []byte {
	switch a.Kind {
	case GroupStart:
		dst = append(dst, "(NIL NIL "...)
		dst = appendString(dst, a.Display)
		return append(dst, " NIL)"...)
	case GroupEnd:
		return append(dst, "(NIL NIL NIL NIL)"...)
	}
	dst = appendNString(append(dst, '('), a.Display, false)
	dst = appendString(append(dst, " NIL "...), a.Local)
	dst = appendString(append(dst, ' '), a.Domain)
	return append(dst, ')')
}

// appendNString appends a string, or NIL for an empty one that isn't there.
func appendNString(dst []byte, s string, there bool) []byte {
	if s == "" && !there {
		return append(dst, "NIL"...)
	}
	return appendString(dst, s)
}

// appendString appends a quoted string, or a literal where the text is not printable
// ASCII (RFC 9051 §4.3). Neither may hold NUL, which is left out.
func appendString(dst []byte, s string) []byte {
	mark := len(dst)
	dst = append(dst, '"')
	for i := range len(s) {
		c := s[i]
		switch {
		case c < ' ' && c != '\t' || c >= 0x7f:
			return appendLiteral(dst[:mark], s)
		case c == '"' || c == '\\':
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func appendLiteral(dst []byte, s string) []byte {
	n := 0
	for i := range len(s) {
		if s[i] != 0 {
			n++
		}
	}
	dst = strconv.AppendInt(append(dst, '{'), int64(n), 10)
	dst = append(dst, "}\r\n"...)
	for i := range len(s) {
		if s[i] != 0 {
			dst = append(dst, s[i])
		}
	}
	return dst
}

// AppendBodyStructure appends the BODYSTRUCTURE of RFC 9051 §7.5.2, or with extended
// unset the BODY: the same without extension data. Parameters stand there as in the
// header, encoded words and RFC 2231 values undecoded, continuations joined. A message
// part that is encoded shows as application/octet-stream, because the form of
// message/rfc822 has to tell of the structure inside.
func AppendBodyStructure(dst []byte, p *Part, extended bool) []byte {
	r := renderer{extended: extended}
	return r.part(dst, p)
}

// renderer writes body structures and notes where their extension data stands.
type renderer struct {
	extended bool
	noting   bool
	notes    []Range // of dst, in order, if noting
}

func (r *renderer) part(dst []byte, p *Part) []byte {
	dst = append(dst, '(')
	if p.IsMultipart() {
		dst = r.multipart(dst, p)
	} else {
		dst = r.leaf(dst, p)
	}
	return append(dst, ')')
}

func (r *renderer) multipart(dst []byte, p *Part) []byte {
	for _, c := range p.Children {
		dst = r.part(dst, c)
	}
	dst = appendString(append(dst, ' '), p.Subtype)
	if !r.extended {
		return dst
	}
	mark := len(dst)
	dst = appendParams(append(dst, ' '), p.Params)
	return r.extension(dst, p, mark)
}

func (r *renderer) leaf(dst []byte, p *Part) []byte {
	typ, subtype := p.Type, p.Subtype
	if typ == "message" && (subtype == "rfc822" || subtype == "global") && !p.IsMessage() {
		typ, subtype = "application", "octet-stream"
	}
	dst = appendString(dst, typ)
	dst = appendString(append(dst, ' '), subtype)
	dst = append(dst, ' ')
	if p.assumesASCII() {
		dst = append(dst, `("charset" "us-ascii")`...)
	} else {
		dst = appendParams(dst, p.Params)
	}
	dst = appendNString(append(dst, ' '), p.ID, false)
	dst = appendNString(append(dst, ' '), p.Description, false)
	dst = appendString(append(dst, ' '), p.Encoding)
	dst = strconv.AppendInt(append(dst, ' '), p.Size(), 10)
	if p.IsMessage() {
		dst = AppendEnvelope(append(dst, ' '), p.Children[0].Envelope)
		dst = r.part(append(dst, ' '), p.Children[0])
	}
	if p.IsMessage() || p.IsText() {
		dst = strconv.AppendInt(append(dst, ' '), p.Lines, 10)
	}
	if !r.extended {
		return dst
	}
	mark := len(dst)
	dst = appendNString(append(dst, ' '), p.MD5, false)
	return r.extension(dst, p, mark)
}

// assumesASCII tells that the part is text/plain without parameters, which means US-ASCII (RFC 2045 §5.2).
func (p *Part) assumesASCII() bool {
	return p.Type == "text" && p.Subtype == "plain" && len(p.Params) == 0
}

// extension appends " disposition language location" and notes what began at mark.
func (r *renderer) extension(dst []byte, p *Part, mark int) []byte {
	if p.Disposition == "" {
		dst = append(dst, " NIL"...)
	} else {
		dst = appendString(append(dst, " ("...), p.Disposition)
		dst = appendParams(append(dst, ' '), p.DispositionParams)
		dst = append(dst, ')')
	}
	dst = appendLanguages(append(dst, ' '), p.Language)
	dst = appendNString(append(dst, ' '), p.Location, false)
	if r.noting {
		r.notes = append(r.notes, Range{mark, len(dst)})
	}
	return dst
}

func appendLanguages(dst []byte, list []string) []byte {
	switch len(list) {
	case 0:
		return append(dst, "NIL"...)
	case 1:
		return appendString(dst, list[0])
	}
	dst = append(dst, '(')
	for i, l := range list {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendString(dst, l)
	}
	return append(dst, ')')
}

func appendParams(dst []byte, params []Param) []byte {
	if len(params) == 0 {
		return append(dst, "NIL"...)
	}
	dst = append(dst, '(')
	for i := range params {
		if i > 0 {
			dst = append(dst, ' ')
		}
		p := &params[i]
		if p.Extended {
			dst = appendString(dst, p.Name+"*")
		} else {
			dst = appendString(dst, p.Name)
		}
		dst = appendString(append(dst, ' '), p.Raw)
	}
	return append(dst, ')')
}
