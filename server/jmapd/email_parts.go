package jmapd

import (
	"slices"
	"strconv"
	"strings"

	"tegami/wire/html"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// partProperty is one property of an EmailBodyPart (RFC 8621 §4.1.4) and how it is written.
type partProperty struct {
	name  string
	write func(r *reading, b []byte, p *mime.Part) []byte
}

// partProperties are those that do not begin with "header:". subParts is written with the structure, whether it is asked for or not:
// without it there is none.
var partProperties = makePartProperties()

func makePartProperties() map[string]partProperty {
	table := map[string]partProperty{}
	add := func(name string, write func(r *reading, b []byte, p *mime.Part) []byte) {
		table[name] = partProperty{name, write}
	}
	text := func(name string, of func(p *mime.Part) string) {
		add(name, func(_ *reading, b []byte, p *mime.Part) []byte { return appendTextOrNull(b, of(p)) })
	}
	add("partId", func(r *reading, b []byte, p *mime.Part) []byte { return appendTextOrNull(b, r.number(p)) })
	add("blobId", func(r *reading, b []byte, p *mime.Part) []byte {
		if p.IsMultipart() {
			return append(b, "null"...)
		}
		return appendID(b, partBlob(r.blob, r.number(p)))
	})
	add("size", (*reading).partSize)
	add("headers", func(r *reading, b []byte, p *mime.Part) []byte { return appendHeaders(b, r.headerOf(p)) })
	text("name", func(p *mime.Part) string { return mime.DecodedText(p.Filename()) })
	text("type", func(p *mime.Part) string { return p.Type + "/" + p.Subtype })
	text("charset", charsetOf)
	text("disposition", func(p *mime.Part) string { return p.Disposition })
	text("cid", func(p *mime.Part) string { return contentID(p.ID) })
	text("location", func(p *mime.Part) string { return strings.Join(strings.Fields(p.Location), "") })
	add("language", func(_ *reading, b []byte, p *mime.Part) []byte {
		if len(p.Language) == 0 {
			return append(b, "null"...)
		}
		return appendList(b, p.Language, appendText)
	})
	table["subParts"] = partProperty{name: "subParts"} // see appendPart
	return table
}

// charsetOf is the charset a part's header names; us-ascii where a text names none.
func charsetOf(p *mime.Part) string {
	switch c := p.Charset(); {
	case c != "":
		return c
	case p.IsText():
		return mime.ASCII
	}
	return ""
}

// contentID is a Content-ID without its angle brackets.
func contentID(raw string) string {
	if ids := mime.ParseMessageIDs(raw); len(ids) > 0 {
		return ids[0]
	}
	return strings.TrimSpace(raw)
}

// partSize writes how many octets a part's content has.
func (r *reading) partSize(b []byte, p *mime.Part) []byte {
	if r.octets == nil {
		return strconv.AppendInt(b, p.Size(), 10)
	}
	n, err := mime.ContentSize(p, r.octets)
	r.fail(err)
	return strconv.AppendInt(b, n, 10)
}

// usualPartProperties are those given where nothing is asked for (RFC 8621 §4.2).
var usualPartProperties = []string{"partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language", "location"}

// planParts finds the properties of parts that are asked for; false with the name of one that there is not.
func (p *emailPlan) planParts(names []string) (unknown string, ok bool) {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		property, known := partProperties[name]
		if !known {
			h, ok := parseHeaderProperty(name)
			if !ok {
				return name, false
			}
			property = partProperty{name, func(r *reading, b []byte, p *mime.Part) []byte { return h.append(b, r.headerOf(p)) }}
		}
		if name != "subParts" {
			p.parts = append(p.parts, property)
		}
	}
	return "", true
}

// appendPart writes a part; deep tells that those below a multipart are to be written too.
func (r *reading) appendPart(b []byte, p *mime.Part, deep bool) []byte {
	b = append(b, '{')
	for i := range r.plan.parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, r.plan.parts[i].name), ':')
		b = r.plan.parts[i].write(r, b, p)
	}
	if deep && p.IsMultipart() {
		if len(r.plan.parts) > 0 {
			b = append(b, ',')
		}
		b = appendList(append(b, `"subParts":`...), p.Children, func(b []byte, c *mime.Part) []byte { return r.appendPart(b, c, true) })
	}
	return append(b, '}')
}

// maxValue is how much of one text is given, in octets of UTF-8, whatever is asked for. It is more than a message can have (ML-9), but
// for texts that grow when they become UTF-8.
const maxValue = 24 << 20

// valueParts are the parts whose texts are asked for, in the order of the message.
func (r *reading) valueParts() []*mime.Part {
	want := map[*mime.Part]bool{}
	add := func(list []*mime.Part) {
		for _, p := range list {
			want[p] = want[p] || p.IsText()
		}
	}
	if r.plan.values&valuesText != 0 {
		add(r.shown().Text)
	}
	if r.plan.values&valuesHTML != 0 {
		add(r.shown().HTML)
	}
	var parts []*mime.Part
	var walk func(p *mime.Part)
	walk = func(p *mime.Part) {
		if p.IsMultipart() {
			for _, c := range p.Children {
				walk(c)
			}
		} else if want[p] || p.IsText() && r.plan.values&valuesAll != 0 {
			parts = append(parts, p)
		}
	}
	if r.plan.values != 0 {
		walk(r.structure().Root)
	}
	return parts
}

// appendValues writes the texts that are asked for (RFC 8621 §4.1.4 bodyValues).
func (r *reading) appendValues(b []byte) []byte {
	b = append(b, '{')
	for i, p := range r.valueParts() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, r.number(p)), ':')
		b = r.appendValue(b, p)
	}
	return append(b, '}')
}

// appendValue writes the text of one part.
func (r *reading) appendValue(b []byte, p *mime.Part) []byte {
	limit := maxValue
	if r.plan.maxValue > 0 {
		limit = min(limit, r.plan.maxValue)
	}
	clean := r.plan.sanitise && p.Subtype == "html"
	if clean {
		limit = min(limit, html.MaxSource)
	}
	v := mime.Value{}
	if r.octets != nil {
		var err error
		v, err = mime.ReadValue(p, r.octets, limit)
		r.fail(err)
	}
	var shown html.Clean
	if clean {
		shown = r.sanitised(v.Text)
		v.Text, v.Truncated = shown.HTML, v.Truncated || shown.Cut != 0
	}
	if r.plan.left -= len(v.Text); r.plan.left < 0 {
		r.fail(&jmap.MethodError{Type: jmap.RequestTooLarge})
		v.Text = ""
	}
	b = appendText(append(b, `{"value":`...), v.Text)
	b = appendBool(append(b, `,"isEncodingProblem":`...), v.Problem)
	b = appendBool(append(b, `,"isTruncated":`...), v.Truncated)
	if clean {
		b = appendClean(b, &shown)
	}
	return append(b, '}')
}

// appendClean writes what was found in HTML that was sanitised: capability urn:tegami:params:jmap:mail.
func appendClean(b []byte, shown *html.Clean) []byte {
	b = strconv.AppendInt(append(b, `,"blockedPictures":`...), int64(shown.BlockedPictures), 10)
	b = strconv.AppendInt(append(b, `,"pictures":`...), int64(shown.Pictures), 10)
	b = appendBool(append(b, `,"quoted":`...), shown.Quoted)
	return appendBool(append(b, `,"dark":`...), shown.Dark)
}
