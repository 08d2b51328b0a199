package intake

import (
	"net/netip"
	"strings"
	"time"

	"tegami/mail"
)

// maxHelo is how much of the peer's name for itself goes into the Received field, in octets.
const maxHelo = mail.MaxDomain

// doorJMAP is the door of mail that was not sent by SMTP. From where somebody sits at the webmail concerns no recipient; the trace knows it.
const doorJMAP = "jmap"

// dateForm is the date of RFC 5322 §3.3.
const dateForm = "Mon, 02 Jan 2006 15:04:05 -0700"

// stamp is what we write before a message's own header.
type stamp struct {
	host  string
	trace string
	at    time.Time
	// Return-Path is for final delivery (RFC 5321 §4.4): not where the octets also go to other hosts.
	returnPath bool
	// to is the one recipient; empty when there are several, who must not learn of each other.
	to string
	// authenticated: the sender signed in.
	authenticated bool
	// results is the Authentication-Results field, whole; empty for submissions, and where nobody asks the DNS.
	results []byte
	// judged: the spam filter judges it, for boxes here.
	judged bool
}

// append writes Return-Path and Received (RFC 5321 §4.4).
func (s *stamp) append(b []byte, from mail.Address, o *mail.Origin, utf8 bool) []byte {
	if s.returnPath {
		b = append(b, "Return-Path: <"...)
		b = append(b, visible(from.String())...)
		b = append(b, ">\r\n"...)
	}
	if s.judged {
		b = append(b, spamRoom...)
	}
	b = append(b, s.results...)
	b = append(b, "Received: from "...)
	b = append(b, heloName(o.Helo)...)
	if o.Remote.IsValid() && o.Door != doorJMAP {
		b = append(b, " ("...)
		b = append(b, addressLiteral(o.Remote)...)
		b = append(b, ')')
	}
	b = append(b, "\r\n\tby "...)
	b = append(b, s.host...)
	b = append(b, " with "...)
	b = append(b, transmission(o, s.authenticated, utf8)...)
	if o.TLS != "" {
		b = append(b, " ("...)
		b = append(b, visible(o.TLS)...)
		b = append(b, ')')
	}
	b = append(b, " id "...)
	b = append(b, visible(s.trace)...)
	if s.to != "" {
		b = append(b, "\r\n\tfor <"...)
		b = append(b, visible(s.to)...)
		b = append(b, '>')
	}
	b = append(b, "; "...)
	b = s.at.AppendFormat(b, dateForm)
	return append(b, "\r\n"...)
}

// complete writes the fields a submission lacks (RFC 6409 §8).
func (s *stamp) complete(b []byte, h headerFacts, author mail.Address) []byte {
	if h.froms == 0 {
		b = append(b, "From: <"...)
		b = append(b, visible(author.String())...)
		b = append(b, ">\r\n"...)
	}
	if !h.hasDate {
		b = append(b, "Date: "...)
		b = s.at.AppendFormat(b, dateForm)
		b = append(b, "\r\n"...)
	}
	if !h.hasMessage {
		b = append(b, "Message-ID: <"...)
		b = s.at.UTC().AppendFormat(b, "20060102150405.000000.")
		b = append(b, visible(s.trace)...)
		b = append(b, '@')
		b = append(b, s.host...)
		b = append(b, ">\r\n"...)
	}
	return b
}

// transmission is the "with" of RFC 3848, and of RFC 6531 §4.3 for SMTPUTF8. There are no
// further names for SMTP without extensions.
func transmission(o *mail.Origin, auth, utf8 bool) string {
	switch {
	case o.Basic:
		return "SMTP"
	case o.Door == doorJMAP:
		return "HTTP"
	}
	name := "ESMTP"
	if utf8 {
		name = "UTF8SMTP"
	}
	if o.TLS != "" {
		name += "S"
	}
	if auth {
		name += "A"
	}
	return name
}

// heloName is what the peer called itself, without what would change the field's
// structure; "unknown" when nothing is left.
func heloName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(".-_:[]", r):
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "unknown"
	}
	return s[:min(len(s), maxHelo)]
}

// addressLiteral writes an IP address as RFC 5321 §4.1.3.
func addressLiteral(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}

// visible leaves out control characters: nothing a peer says may begin a line of its own.
func visible(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return strings.Map(func(r rune) rune {
				if r < ' ' || r == 0x7f {
					return -1
				}
				return r
			}, s)
		}
	}
	return s
}
