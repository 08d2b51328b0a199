package intake

import (
	"bytes"
	"strings"

	"tegami/mail"
	"tegami/wire/mime"
)

// maxHeader is how many octets of a header block are looked at before it is stamped.
const maxHeader = mime.DefaultHeaderBytes

// headerFacts is what a look over the header's field names tells.
type headerFacts struct {
	received                     int // Received fields
	hasFrom, hasDate, hasMessage bool
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
			f.hasFrom = f.hasFrom || named(field, "from")
			f.hasDate = f.hasDate || named(field, "date")
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
	for i := 1; i < len(chunks) && len(header) < maxHeader && !endsInside(header); i++ {
		header = append(header[:len(header):len(header)], chunks[i]...)
	}
	return header
}

// endsInside tells whether the blank line behind the header is in b.
func endsInside(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\r\n")) || bytes.Contains(b, []byte("\r\n\r\n"))
}

// facts is what judging a message needs to know of it.
type facts struct {
	received int            // Received fields it came with
	authors  []mail.Address // From and Sender
	nameless bool           // From or Sender holds something that is no address
}

// gather takes the facts from the look over the header and the parsed message.
func gather(h headerFacts, e *mime.Envelope) facts {
	f := facts{received: h.received}
	for _, list := range [][]mime.Address{e.From, e.Sender} {
		for _, entry := range list {
			a, err := entry.Mail()
			f.nameless = f.nameless || err != nil
			f.authors = append(f.authors, a)
		}
	}
	return f
}

// judge says whether a message may come in; it does no I/O. Owns is nil for mail from
// outside. Denied "sender.not_owned" when a submission names somebody else as its author;
// Invalid "message.looping" for more Received fields than maxReceived (RFC 5321 §6.3).
func judge(f facts, owns func(mail.Address) bool, maxReceived int) error {
	const op = "intake.judge"
	if f.received > maxReceived {
		return mail.E(op, mail.Invalid, "message.looping", maxReceived)
	}
	if owns == nil {
		return nil
	}
	for _, a := range f.authors {
		if f.nameless || !owns(a) {
			return mail.E(op, mail.Denied, "sender.not_owned", a.String())
		}
	}
	return nil
}
