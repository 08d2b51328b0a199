package jmapd

import (
	"slices"
	"strconv"

	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// need says what of an email a property is made of.
type need uint8

const (
	needRow      need = 1 << iota // what a store's row has
	needKeywords                  // the names of flags
	needIndex                     // the kept structure; the octets only where that does not tell
	needOctets                    // the octets
)

// emailProperty is one property of an email and how it is written.
type emailProperty struct {
	name  string
	needs need
	write func(r *reading, b []byte) []byte
}

// emailProperties are the properties of RFC 8621 §4.1, and ours, but for those that begin with "header:".
var emailProperties = makeEmailProperties()

func makeEmailProperties() map[string]emailProperty {
	table := map[string]emailProperty{}
	for _, p := range slices.Concat(rowProperties(), envelopeProperties(), octetProperties()) {
		table[p.name] = p
	}
	return table
}

// rowProperties are the metadata (RFC 8621 §4.1.1). An email that lies in a blob has none but its blobId and size.
func rowProperties() []emailProperty {
	of := func(name string, needs need, write func(m *mailbox.Message, b []byte) []byte) emailProperty {
		return emailProperty{name, needs, func(r *reading, b []byte) []byte {
			if r.row == nil {
				return append(b, "null"...)
			}
			return write(r.row, b)
		}}
	}
	return []emailProperty{
		of("id", needRow, func(m *mailbox.Message, b []byte) []byte { return appendID(b, jmap.Of(jmap.LetterEmail, m.ID)) }),
		of("threadId", needRow, func(m *mailbox.Message, b []byte) []byte { return appendID(b, jmap.Of(jmap.LetterThread, m.Thread)) }),
		of("mailboxIds", needRow, func(m *mailbox.Message, b []byte) []byte {
			return append(appendID(append(b, '{'), jmap.Of(jmap.LetterMailbox, m.Mailbox)), ":true}"...)
		}),
		of("receivedAt", needRow, func(m *mailbox.Message, b []byte) []byte { return appendUTC(b, m.Received) }),
		{"blobId", needRow, func(r *reading, b []byte) []byte { return appendID(b, r.blob) }},
		{"size", needRow, func(r *reading, b []byte) []byte { return strconv.AppendInt(b, r.size, 10) }},
		{"keywords", needRow | needKeywords, func(r *reading, b []byte) []byte {
			if r.row == nil {
				return append(b, "null"...)
			}
			b = append(b, '{')
			for i, word := range r.keywords {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(appendText(b, word), ":true"...)
			}
			return append(b, '}')
		}},
	}
}

// envelopeProperties are those told from the index: the convenient forms of header fields (RFC 8621 §4.1.3), and what a list shows.
func envelopeProperties() []emailProperty {
	field := func(name, header string, as form, write func(r *reading, b []byte) []byte) emailProperty {
		whole := headerProperty{field: header, as: as}
		return emailProperty{name, needIndex, func(r *reading, b []byte) []byte {
			if !r.told || r.list.Repeated {
				return whole.append(b, r.header())
			}
			return write(r, b)
		}}
	}
	addresses := func(name, header string, f mime.EnvelopeField) emailProperty {
		return field(name, header, formAddresses, func(r *reading, b []byte) []byte { return r.addresses(b, f) })
	}
	ids := func(name, header string, of func(x mime.Index) []string) emailProperty {
		return field(name, header, formMessageIDs, func(r *reading, b []byte) []byte {
			if list := of(r.index); len(list) > 0 {
				return appendList(b, list, func(b []byte, id string) []byte { return appendText(b, mime.PlainMessageID(id)) })
			}
			return append(b, "null"...)
		})
	}
	return []emailProperty{
		addresses("from", "From", mime.FieldFrom), addresses("sender", "Sender", mime.FieldSender), addresses("replyTo", "Reply-To", mime.FieldReplyTo),
		addresses("to", "To", mime.FieldTo), addresses("cc", "Cc", mime.FieldCc), addresses("bcc", "Bcc", mime.FieldBcc),
		ids("messageId", "Message-ID", func(x mime.Index) []string { return mime.ParseMessageIDs(x.EnvelopeText(mime.FieldMessageID)) }),
		ids("inReplyTo", "In-Reply-To", func(x mime.Index) []string { return mime.ParseMessageIDs(x.EnvelopeText(mime.FieldInReplyTo)) }),
		ids("references", "References", mime.Index.References),
		field("subject", "Subject", formText, func(r *reading, b []byte) []byte { return r.envelopeText(b, mime.FieldSubject, formText) }),
		field("sentAt", "Date", formDate, func(r *reading, b []byte) []byte { return r.envelopeText(b, mime.FieldDate, formDate) }),
		{"hasAttachment", needIndex, func(r *reading, b []byte) []byte {
			if r.told {
				return appendBool(b, r.list.HasAttachment)
			}
			return appendBool(b, r.structure().HasAttachment())
		}},
		{"preview", needIndex, (*reading).preview},
	}
}

// addresses writes a list of addresses of the envelope; null where the header has no such field.
func (r *reading) addresses(b []byte, f mime.EnvelopeField) []byte {
	if f == mime.FieldSender && !r.list.HasSender || f == mime.FieldReplyTo && !r.list.HasReplyTo {
		return append(b, "null"...)
	}
	if list := r.index.EnvelopeAddresses(f); len(list) > 0 {
		return appendAddresses(b, list)
	}
	return append(b, "null"...)
}

// envelopeText writes a text of the envelope in a form; null where the header has no such field.
func (r *reading) envelopeText(b []byte, f mime.EnvelopeField, as form) []byte {
	if string(r.index.EnvelopeField(f)) == "NIL" {
		return append(b, "null"...)
	}
	return as.append(b, []byte(r.index.EnvelopeText(f)))
}

// preview writes the begin of the text (RFC 8621 §4.1.4).
func (r *reading) preview(b []byte) []byte {
	if r.told {
		return appendText(b, r.list.Preview)
	}
	if r.octets == nil {
		return append(b, `""`...)
	}
	text, err := mime.Preview(r.structure(), r.octets)
	r.fail(err)
	return appendText(b, text)
}

// octetProperties are those that need the octets (RFC 8621 §4.1.3, §4.1.4).
func octetProperties() []emailProperty {
	list := func(name string, of func(*mime.Bodies) []*mime.Part) emailProperty {
		return emailProperty{name, needIndex | needOctets, func(r *reading, b []byte) []byte {
			return appendList(b, of(r.shown()), func(b []byte, p *mime.Part) []byte { return r.appendPart(b, p, false) })
		}}
	}
	return []emailProperty{
		{"headers", needIndex | needOctets, func(r *reading, b []byte) []byte { return appendHeaders(b, r.header()) }},
		{"bodyStructure", needIndex | needOctets, func(r *reading, b []byte) []byte { return r.appendPart(b, r.structure().Root, true) }},
		{"bodyValues", needIndex | needOctets, (*reading).appendValues},
		list("textBody", func(b *mime.Bodies) []*mime.Part { return b.Text }),
		list("htmlBody", func(b *mime.Bodies) []*mime.Part { return b.HTML }),
		list("attachments", func(b *mime.Bodies) []*mime.Part { return b.Attachments }),
		{"tegami:listUnsubscribe", needIndex | needOctets, (*reading).unsubscribe},
		{"tegami:senderMarks", needIndex | needOctets, (*reading).sender},
	}
}

// unsubscribe tells how to leave the list an email came from: {"oneClick": URL or null, "mailto": …, "web": …}, null where it doesn't say
// (RFC 2369 §3.2, RFC 8058).
func (r *reading) unsubscribe(b []byte) []byte {
	way, ok := mime.ListUnsubscribe(r.header())
	if !ok {
		return append(b, "null"...)
	}
	b = appendTextOrNull(append(b, `{"oneClick":`...), way.OneClick)
	b = appendTextOrNull(append(b, `,"mailto":`...), way.MailTo)
	return append(appendTextOrNull(append(b, `,"web":`...), way.Web), '}')
}

// sender tells what there is to say of who sent an email; null for one that lies in a blob, or names no sender.
func (r *reading) sender(b []byte) []byte {
	if r.plan.judge == nil {
		return append(b, "null"...)
	}
	said, err := r.plan.judge(r)
	if err != nil {
		r.fail(err)
		return append(b, "null"...)
	}
	text, err := jmap.Marshal(said)
	r.fail(err)
	return append(b, text...)
}

// usualProperties are what Email/get gives where nothing is asked for (RFC 8621 §4.2); Email/parse leaves out the metadata, which
// stand first (RFC 8621 §4.9).
var usualProperties = []string{
	"id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt",
	"messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt", "hasAttachment", "preview",
	"bodyValues", "textBody", "htmlBody", "attachments",
}

// metadata is how many of usualProperties are metadata.
const metadata = 7

// planProperties finds the properties that are asked for, each once; false with the name of one that there is not.
func (p *emailPlan) planProperties(names []string) (unknown string, ok bool) {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		property, known := emailProperties[name]
		if !known {
			h, ok := parseHeaderProperty(name)
			if !ok {
				return name, false
			}
			property = emailProperty{name, needIndex | needOctets, func(r *reading, b []byte) []byte { return h.append(b, r.header()) }}
		}
		p.properties = append(p.properties, property)
		p.needs |= property.needs
	}
	return "", true
}
