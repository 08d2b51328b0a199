package intake

import (
	"cmp"
	"strings"

	"tegami/mail"
	"tegami/wire/mime"
)

// maxHeader is how many octets of a header block are looked at before it is stamped.
const maxHeader = mime.DefaultHeaderBytes

// headerFacts is what a look over the header's field names tells.
type headerFacts struct {
	received            int    // Received fields
	froms               int    // From fields
	from                []byte // value of the first
	hasDate, hasMessage bool
	spamClaims          []int // where the names of fields stand that look like our spamField
}

// lookOver reads the names of the fields.
func lookOver(header []byte) (f headerFacts) {
	for field := range mime.Header(header).Fields() {
		switch len(field.Name) { // few fields are compared
		case len("Received"):
			if named(field, "received") {
				f.received++
			}
		case len("From"):
			if named(field, "from") {
				if f.froms++; f.froms == 1 {
					f.from = field.Value
				}
			}
			f.hasDate = f.hasDate || named(field, "date")
		case len(spamField):
			if strings.EqualFold(string(field.Name), spamField) {
				f.spamClaims = append(f.spamClaims, field.Start)
			}
		case len("Message-ID"):
			f.hasMessage = f.hasMessage || named(field, "message-id")
		}
	}
	return f
}

func named(f mime.Field, lower string) bool { return strings.EqualFold(string(f.Name), lower) }

// headerOf gives the header block of a message in pieces, without copying where it lies in the first.
func headerOf(chunks [][]byte) []byte {
	if len(chunks) == 0 {
		return nil
	}
	header := chunks[0]
	for i := 1; i < len(chunks) && len(header) < maxHeader && mime.HeaderEnd(header) == 0; i++ {
		header = append(header[:len(header):len(header)], chunks[i]...)
	}
	return header
}

// authors gives the addresses a message says it is from, From's first. nameless: From or Sender holds something
// that is no address.
func authors(e *mime.Envelope) (list []mail.Address, nameless bool) {
	for _, field := range [][]mime.Address{e.From, e.Sender} {
		for _, entry := range field {
			a, err := entry.Mail()
			nameless = nameless || err != nil
			list = append(list, a)
		}
	}
	return list, nameless
}

// notOwned gives an author or sender that is not the submitter's; "" when all are.
func notOwned(list []mail.Address, nameless bool, owns func(mail.Address) bool) string {
	for _, a := range list {
		if nameless || !owns(a) {
			return cmp.Or(a.String(), "<>")
		}
	}
	return ""
}

// author is whose authentication counts: the first address of the first From field, as mail software shows it. Null
// where there is none.
func (f *headerFacts) author() mail.Address {
	for _, entry := range mime.ParseAddressList(string(f.from)) {
		if a, err := entry.Mail(); err == nil {
			return a
		}
	}
	return mail.Address{}
}
