package compose

import (
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/mime"
)

const (
	// MaxText is how much of a text a field keeps, in octets: it stays readable, and no line can
	// pass the 998 octets of RFC 5322 §2.1.1.
	MaxText = 900
	// maxLine is the length of a line where words allow it (RFC 5322 §2.1.1, RFC 2047 §2).
	maxLine = 76
	// maxID is the length of a message id that is given on.
	maxID = 512
)

// Header is a header block in the making. The zero value is empty. Names of fields are the
// caller's constants; values may be anything.
type Header struct {
	b       []byte
	charset string // of encoded words; "" = UTF-8
}

// Bytes gives the fields, each with its CRLF, without the blank line.
func (h *Header) Bytes() []byte { return h.b }

// Text adds an unstructured field in encoded words where it needs them (RFC 2047).
func (h *Header) Text(name, text string) {
	h.text(name, Cut(text, MaxText))
}

// text is Text for what a person wrote: nothing of it is cut off.
func (h *Header) text(name, text string) { h.put(name, mime.EncodeHeader(text, h.charset)) }

// Mailbox is an address with the name of who has it; "" for none.
type Mailbox struct {
	Name string
	mail.Address
}

// maxName is how much of a display name is kept, in octets.
const maxName = mail.MaxDomain

// Addresses adds a field with a list of addresses (RFC 5322 §3.4). An address that is not ASCII
// makes the message one for SMTPUTF8 (RFC 6532). Of a display name maxName octets are kept.
func (h *Header) Addresses(name string, list ...Mailbox) {
	h.put(name, strings.Join(h.mailboxes(list), ",\r\n "))
}

// mailboxes writes each entry of a list.
func (h *Header) mailboxes(list []Mailbox) []string {
	written := make([]string, len(list))
	for i, m := range list {
		a := mime.Address{Display: Cut(m.Name, maxName), Local: m.Local, Domain: m.Domain}
		written[i] = foldName(a.Format(h.charset))
	}
	return written
}

// foldName breaks before the address if it would make the name's line too long.
func foldName(s string) string {
	i := strings.LastIndex(s, " <")
	if i < 0 || len(s)-strings.LastIndexByte(s[:i], '\n') <= maxLine-len("Resent-From: ") {
		return s
	}
	return s[:i] + "\r\n" + s[i:]
}

// Time adds a date (RFC 5322 §3.3). A zero time adds nothing.
func (h *Header) Time(name string, t time.Time) {
	if !t.IsZero() {
		h.put(name, t.Format(time.RFC1123Z))
	}
}

// IDs adds a field of message ids with their angle brackets (RFC 5322 §3.6.4). What is no id is left
// out; without any, so is the field.
func (h *Header) IDs(name string, ids ...string) {
	var good []string
	for _, id := range ids {
		if isID(id) {
			good = append(good, id)
		}
	}
	if len(good) > 0 {
		h.put(name, strings.Join(good, "\r\n "))
	}
}

func isID(id string) bool {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f || (c == '<') != (i == 0) || (c == '>') != (i == len(id)-1) {
			return false
		}
	}
	return len(id) > 2 && len(id) <= maxID
}

// Line adds a structured field in ASCII: other characters become question marks. It is folded at spaces.
func (h *Header) Line(name, value string) { h.put(name, fold(len(name)+2, ascii(value))) }

// LineUTF8 is Line for the fields that may hold UTF-8 (RFC 6533 §3).
func (h *Header) LineUTF8(name, value string) { h.put(name, fold(len(name)+2, OneLine(value))) }

// End adds the blank line between the groups of fields of a delivery status (RFC 3464 §2.1).
func (h *Header) End() { h.b = append(h.b, '\r', '\n') }

// put adds a field whose value is clean.
func (h *Header) put(name, value string) {
	h.b = append(h.b, name...)
	h.b = append(h.b, ": "...)
	h.b = append(h.b, value...)
	h.b = append(h.b, '\r', '\n')
}

// OneLine makes a text fit for one line: spaces for control characters and line ends, of at most
// MaxText octets, in valid UTF-8, without space at its ends.
func OneLine(s string) string { return strings.TrimSpace(Cut(oneLine(s), MaxText)) }

// oneLine is OneLine of any length.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// ascii is OneLine without anything that is not ASCII.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x7f {
			return '?'
		}
		return r
	}, OneLine(s))
}

// Cut shortens a text to at most n octets, at the end of a character, with an ellipsis in place of what it takes away.
func Cut(s string, n int) string {
	const more = "…"
	if len(s) <= n {
		return s
	}
	n = max(n-len(more), 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + more
}

// fold breaks a line at spaces; used is what stands before it. A word that is too long stays whole: OneLine bounds it.
func fold(used int, s string) string {
	var b strings.Builder
	for len(s) > maxLine-used {
		i := strings.LastIndexByte(s[:max(maxLine-used+1, 0)], ' ')
		if i <= 0 {
			if i = strings.IndexByte(s[1:], ' ') + 1; i == 0 {
				break
			}
		}
		b.WriteString(strings.TrimRight(s[:i], " "))
		b.WriteString("\r\n ")
		s, used = strings.TrimLeft(s[i:], " "), 1
	}
	b.WriteString(s)
	return b.String()
}
