package compose

import (
	"cmp"
	"crypto/rand"
	"io"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/mime"
)

// Message is a message as a person writes it. The zero value of a field leaves it out of the header.
type Message struct {
	From, Sender, ReplyTo, To, Cc, Bcc []Mailbox

	Subject    string
	Date       time.Time
	MessageID  string   // with its angle brackets or without
	InReplyTo  []string // as MessageID; what is no message id is left out
	References []string

	Header []Field // all others, in their order
	Body   *Part   // nil: a text without a word
}

// Part is a part of a message: a text, octets of any kind, or other parts.
type Part struct {
	// Type is a media type without parameters; "" is text/plain, or multipart/mixed where there are Parts. What is no media type
	// is written as application/octet-stream.
	Type        string
	Disposition string   // "attachment", "inline" or "" (RFC 2183)
	Name        string   // of a file, as it came: it is sanitised, and written in the way of Options.OutlookNames
	CID         string   // Content-ID without angle brackets (RFC 2392)
	Language    []string // tags (RFC 3282)
	Header      []Field  // of the part beside those made of the above

	// Charset is in which charset Text is to be written, "" as Options says; or in which the octets of Open are, "" = not said.
	Charset string
	Text    string // what the part says, where Open is nil; lines end in LF or CRLF

	Open func() (io.ReadCloser, error) // gives the octets; it may be called more than once
	Size int64                         // how many octets Open gives; negative: they are counted first

	Parts []*Part // of a multipart, which has nothing else
}

// Options say how a message is written.
type Options struct {
	// Charset is what texts and header are written in: "" or "utf-8", or "iso-2022-jp" (RFC 1468). A part or a field that has a
	// character which ISO-2022-JP lacks is written in UTF-8 as a whole.
	Charset string
	// OutlookNames writes names of files in encoded words only, as old Outlook needs it; else filename is written by RFC 2231.
	OutlookNames bool
	// Seed is what boundaries are made of, so that the same message becomes the same octets; "" = they are random.
	Seed string
}

// Limits of what Prepare takes; past them it is Invalid "compose.too_many_parts".
const (
	// MaxParts is how many parts a message has, multiparts with them.
	MaxParts = 1000
	// MaxDepth is how deep multiparts lie in each other.
	MaxDepth = 20
)

// Write writes a message, and gives how many octets that were. Errors are those of Prepare and of Prepared.WriteTo.
func Write(w io.Writer, m *Message, o Options) (int64, error) {
	p, err := Prepare(m, o)
	if err != nil {
		return 0, err
	}
	return p.WriteTo(w)
}

// NewMessageID makes a message id, with its angle brackets, in a domain. It tells nothing about who made it and when.
func NewMessageID(domain string) string {
	return "<" + strings.ToLower(rand.Text()) + "@" + ascii(domain) + ">"
}

// ParseMailbox makes a mailbox of what a person typed as an address (§15): full-width letters and signs are narrowed, dots may stand anywhere
// in the local part, a domain in any script becomes its A-labels. not ok: it is no address, and the mailbox has all
// of it as its local part, so that a draft loses nothing.
func ParseMailbox(name, address string) (m Mailbox, ok bool) {
	address = strings.Trim(address, " \t\r\n\u3000")
	if a, err := mail.ParseAddress(address); err == nil {
		return Mailbox{name, a}, true
	}
	list := mime.ParseAddressList(address)
	if len(list) == 1 && (list[0].Display == "" || strings.HasSuffix(address, ">")) {
		read := mail.Address{Local: list[0].Local, Domain: list[0].Domain}
		if a, err := mail.ParseAddress(read.String()); err == nil {
			return Mailbox{cmp.Or(name, list[0].Name()), a}, true
		}
	}
	return Mailbox{name, mail.Address{Local: OneLine(address)}}, false
}
