package jmapd

import (
	"strconv"
	"time"
	"unicode/utf8"

	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// Emails are written as JSON by hand: a list of fifty rows is a thousand small values, and a record is a table of properties that
// each append theirs.

// hexDigits are those of escapes.
const hexDigits = "0123456789abcdef"

// appendText writes a string. What is no UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + size
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			b = appendEscape(append(b, s[start:i]...), c)
			start = i + 1
		}
		i++
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendTextOrNull writes a string, null for an empty one.
func appendTextOrNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, s)
}

// appendID writes an id; ids are plain.
func appendID(b []byte, id jmap.Id) []byte { return append(append(append(b, '"'), id...), '"') }

func appendBool(b []byte, is bool) []byte { return strconv.AppendBool(b, is) }

// appendList writes an array.
func appendList[T any](b []byte, list []T, element func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, e)
	}
	return append(b, ']')
}

// appendUTC writes a time as a UTCDate (RFC 8620 §1.4), to the second.
func appendUTC(b []byte, at time.Time) []byte {
	return append(at.UTC().AppendFormat(append(b, '"'), "2006-01-02T15:04:05Z"), '"')
}

// appendDate writes a time as a Date (RFC 8620 §1.4), to the second.
func appendDate(b []byte, at time.Time) []byte {
	return append(at.AppendFormat(append(b, '"'), time.RFC3339), '"')
}

// appendAddress writes an EmailAddress (RFC 8621 §4.1.2.3).
func appendAddress(b []byte, a mime.Address) []byte {
	b = appendTextOrNull(append(b, `{"name":`...), mime.DecodedText(a.Display))
	return append(appendText(append(b, `,"email":`...), a.Spec()), '}')
}

// appendAddresses writes addresses; those of groups without the groups.
func appendAddresses(b []byte, list []mime.Address) []byte {
	b = append(b, '[')
	first := true
	for _, a := range list {
		if a.Kind != mime.Mailbox {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		b, first = appendAddress(b, a), false
	}
	return append(b, ']')
}

// appendGroup writes an EmailAddressGroup (RFC 8621 §4.1.2.4).
func appendGroup(b []byte, g mime.Group) []byte {
	b = append(b, `{"name":`...)
	if g.Named {
		b = appendText(b, g.Name)
	} else {
		b = append(b, "null"...)
	}
	return append(appendAddresses(append(b, `,"addresses":`...), g.Addresses), '}')
}
