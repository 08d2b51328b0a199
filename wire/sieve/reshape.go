package sieve

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/wire/mime"
)

var (
	extractTags = []tagSpec{{name: "first", value: numberArg}}
	replaceTags = []tagSpec{{name: "mime"}, {name: "subject", value: stringArg}, {name: "from", value: stringArg}}
	encloseTags = []tagSpec{{name: "subject", value: stringArg}, {name: "headers", value: listArg}}
)

// checkExtract checks extracttext (RFC 5703 §7): it reads the part of a loop into a variable.
func checkExtract(k *compiler, c *call) {
	if len(k.loops) == 0 {
		k.fault(c.line, "sieve.outside_loop", c.name)
		return
	}
	c.extra = k.assigned(c, &c.args[0].list[0])
}

func doExtract(r *run, c *call) error {
	longest := r.limits.Variable
	if v := c.tag("first"); v != nil {
		longest = int(min(v.number, uint64(longest)))
	}
	s := ""
	if p := r.part(); p.IsText() {
		var err error
		if s, err = r.bodyText(p, true); err != nil {
			return err
		}
	}
	if c.has("first") { // counts characters
		s = firstRunes(s, longest)
	}
	r.assign(c.extra.(*reference), r.modify(c, s))
	return nil
}

// firstRunes cuts s to a number of characters.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// checkReplace checks replace (RFC 5703 §5): Subject and From are those of a whole message.
func checkReplace(k *compiler, c *call) {
	if v := c.tag("from"); v != nil && v.list[0].constant() {
		if _, _, ok := parseMailbox(v.list[0].fixed); !ok {
			k.fault(c.line, "sieve.address", v.list[0].fixed)
		}
	}
}

// doReplace puts a text, or with :mime an entity, in the place of the part at hand (RFC 5703 §5).
func doReplace(r *run, c *call) error {
	entity, err := r.entity(c)
	if err != nil {
		return err
	}
	if len(r.loops) > 0 && len(r.loops[len(r.loops)-1].part) > 0 {
		return r.replacePart(c, r.part(), entity)
	}
	return r.replaceWhole(c, entity)
}

// entity makes a header of MIME fields and a body of the replacement.
func (r *run) entity(c *call) ([]byte, error) {
	text := r.string(&c.args[0])
	if c.has("mime") {
		if end := mime.HeaderEnd([]byte(text)); end > 0 && utf8.ValidString(text) {
			return []byte(text), nil
		}
		return nil, r.fault(c, "sieve.entity")
	}
	if !utf8.ValidString(text) {
		return nil, r.fault(c, "sieve.text_utf8")
	}
	return textEntity(text), nil
}

// textEntity makes a text part.
func textEntity(text string) []byte {
	body, charset, encoding := mime.EncodeText(text, mime.UTF8)
	head := "Content-Type: text/plain; charset=" + charset + "\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n"
	return append([]byte(head), body...)
}

// replacePart changes one part within the message. The message is made of what it is now: with its edited header.
func (r *run) replacePart(c *call, p *mime.Part, entity []byte) error {
	m := r.message
	r.hold(len(entity))
	pieces := slices.Concat(m.front(p.HeaderStart), []piece{{octets: entity}}, m.cut(p.BodyEnd, m.size))
	return r.reshape(c, pieces)
}

// front gives the message as it stands up to a place behind its header.
func (m *message) front(end int64) []piece {
	if !m.edited {
		return m.cut(0, end)
	}
	c := m.content()
	return c.cut(0, c.size-(m.size-end))
}

// replaceWhole changes the body of the message and those fields of its header that describe it.
func (r *run) replaceWhole(c *call, entity []byte) error {
	h, err := r.message.head(r.message.root)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, f := range h.fields {
		name := strings.ToLower(f.name)
		if strings.HasPrefix(name, "content-") || name == "mime-version" {
			continue
		}
		if (name == "subject" || name == "from") && c.has(name) {
			b.WriteString("Original-")
		}
		b.WriteString(f.raw)
	}
	if v := c.tag("subject"); v != nil {
		b.WriteString(newField("Subject", oneLine(r.string(v))).raw)
	}
	if v := c.tag("from"); v != nil {
		from := r.string(v)
		name, a, ok := parseMailbox(from)
		if !ok {
			return r.fault(c, "sieve.address", from)
		}
		b.WriteString("From: " + mime.Address{Display: name, Local: a.Local, Domain: a.Domain}.Format(mime.UTF8) + "\r\n")
	}
	b.WriteString("MIME-Version: 1.0\r\n")
	b.Write(entity)
	r.hold(b.Len())
	return r.reshape(c, []piece{{octets: b.Bytes()}})
}

// reshape makes the message of other pieces.
func (r *run) reshape(c *call, pieces []piece) error {
	r.cost(int(newContent(pieces).size / 4))
	if err := r.spend(c, askCost); err != nil {
		return err
	}
	r.bodies = nil
	return r.message.change(pieces)
}

// enclosed are the fields of the message that the one around it has too (RFC 5703 §6).
var enclosed = []string{"from", "to", "cc", "date", "message-id", "received", "return-path", "delivered-to", "x-loop", "auto-submitted"}

// doEnclose puts the message as an attachment behind a text (RFC 5703 §6).
func doEnclose(r *run, c *call) error {
	text := r.string(&c.args[0])
	if !utf8.ValidString(text) {
		return r.fault(c, "sieve.text_utf8")
	}
	head, err := r.outerHead(c)
	if err != nil {
		return err
	}
	m := r.message
	inner := m.cut(0, m.size)
	if whole := m.content(); whole != nil {
		inner = whole.pieces
	}
	sum := sha256.Sum256([]byte(text + head))
	boundary := "=_enclose_" + hex.EncodeToString(sum[:12])
	front := head + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n" +
		string(textEntity(text)) + "\r\n--" + boundary + "\r\nContent-Type: message/rfc822\r\n\r\n"
	r.hold(len(front))
	return r.reshape(c, slices.Concat([]piece{{octets: []byte(front)}}, inner, []piece{{octets: []byte("\r\n--" + boundary + "--\r\n")}}))
}

// outerHead is the header of the message around.
func (r *run) outerHead(c *call) (string, error) {
	h, err := r.message.head(r.message.root)
	if err != nil {
		return "", err
	}
	names := enclosed
	if v := c.tag("headers"); v != nil {
		names = slices.Concat(names, r.strings(v))
	}
	subject := c.tag("subject")
	var b strings.Builder
	for _, f := range h.fields {
		same := func(n string) bool { return strings.EqualFold(n, f.name) }
		switch {
		case strings.EqualFold(f.name, "subject"):
			if subject == nil {
				b.WriteString(f.raw)
			}
		case slices.ContainsFunc(names, same) && !strings.HasPrefix(strings.ToLower(f.name), "content-") && !strings.EqualFold(f.name, "mime-version"):
			b.WriteString(f.raw)
		}
	}
	if subject != nil {
		b.WriteString(newField("Subject", oneLine(r.string(subject))).raw)
	}
	return b.String(), nil
}
