package jmapd

import (
	"context"
	"io"
	"strconv"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// reading is one email while its properties are written: a message of an account, or one that lies in a blob (Email/parse). What
// is known of it at once is its row and its index; octets are opened only where a property needs them.
type reading struct {
	plan *emailPlan
	blob jmap.Id // of its octets
	size int64

	row      *mailbox.Message // nil for one that lies in a blob
	keywords []string

	index mime.Index // empty for one that lies in a blob
	list  mime.Row   // what the index tells at once
	told  bool       // list is known

	octets  io.ReaderAt   // nil unless a property needs them
	message *mime.Message // its structure; nil until asked for
	top     mime.Header   // its header; nil until asked for
	bodies  *mime.Bodies
	numbers map[*mime.Part]string // of parts (RFC 9051 §6.4.5.1)
	failed  error                 // of reading octets
}

// emailOf begins reading a message of an account. m is valid as long as the reading is.
func emailOf(plan *emailPlan, reg *mailbox.Register, m *mailbox.Message) *reading {
	r := &reading{plan: plan, blob: jmap.Of(jmap.LetterBlob, m.ID), size: m.Blob.Size, row: m, index: m.Index}
	if plan.needs&needKeywords != 0 {
		r.keywords = reg.Keywords(m.Flags)
	}
	if plan.needs&needIndex != 0 {
		r.list, r.told = r.index.Row()
	}
	return r
}

// wantsOctets tells whether the email's octets have to be opened: a property needs them always, or its index does not tell all.
func (r *reading) wantsOctets() bool {
	return r.plan.needs&needOctets != 0 || r.plan.needs&needIndex != 0 && (!r.told || r.list.Repeated)
}

// fail notes the first thing that could not be read.
func (r *reading) fail(err error) {
	if r.failed == nil && err != nil {
		r.failed = err
	}
}

// structure is the email's structure: as it was kept, or else read again.
func (r *reading) structure() *mime.Message {
	if r.message != nil {
		return r.message
	}
	var err error
	if r.message, err = mime.Decode(r.index); err == nil {
		return r.message
	}
	if r.octets == nil {
		r.message = mime.ParseBytes(nil, mime.Limits{})
		return r.message
	}
	r.message, err = mime.Parse(io.NewSectionReader(r.octets, 0, r.size), mime.Limits{})
	r.fail(err)
	return r.message
}

// header is the email's header block, at most mime.DefaultHeaderBytes of it.
func (r *reading) header() mime.Header {
	if r.top == nil {
		r.top = r.headerOf(r.structure().Root)
	}
	return r.top
}

// headerOf reads the header block of a part.
func (r *reading) headerOf(p *mime.Part) mime.Header {
	b := make([]byte, min(p.BodyStart-p.HeaderStart, mime.DefaultHeaderBytes))
	if r.octets != nil && len(b) > 0 {
		if n, err := r.octets.ReadAt(b, p.HeaderStart); n < len(b) {
			r.fail(mail.Because("jmapd.header", mail.Unavailable, "", err))
		}
	}
	return b
}

// shown chooses the bodies once.
func (r *reading) shown() *mime.Bodies {
	if r.bodies == nil {
		b := r.structure().Bodies()
		r.bodies = &b
	}
	return r.bodies
}

// number is a part's number: its partId. A multipart has none.
func (r *reading) number(p *mime.Part) string {
	if r.numbers == nil {
		r.numbers = map[*mime.Part]string{}
		numberParts(r.numbers, r.structure().Root, "")
	}
	return r.numbers[p]
}

// numberParts numbers the parts below a multipart, and a message without parts as 1.
func numberParts(numbers map[*mime.Part]string, p *mime.Part, above string) {
	if !p.IsMultipart() {
		if above == "" {
			above = "1"
		}
		numbers[p] = above
		return
	}
	if above != "" {
		above += "."
	}
	for i, c := range p.Children {
		numberParts(numbers, c, above+strconv.Itoa(i+1))
	}
}

// append writes the email as an object.
func (r *reading) append(b []byte) ([]byte, error) {
	b = append(b, '{')
	for i := range r.plan.properties {
		p := &r.plan.properties[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, p.name), ':')
		b = p.write(r, b)
	}
	return append(b, '}'), r.failed
}

// opened reads the email with its octets at hand, if it needs them.
func (r *reading) opened(ctx context.Context, b []byte, open func(context.Context) (mailbox.Body, error)) ([]byte, error) {
	if !r.wantsOctets() {
		return r.append(b)
	}
	body, err := open(ctx)
	if err != nil {
		return b, err
	}
	defer body.Close()
	r.octets = body
	return r.append(b)
}
