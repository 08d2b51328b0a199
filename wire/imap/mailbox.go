package imap

import (
	"strings"
	"unicode/utf8"
)

// Inbox is the name of the mailbox that every account has, in any case (RFC 9051 §5.1).
const Inbox = "INBOX"

// Delimiter stands between the levels of a mailbox name.
const Delimiter = '/'

// Mailbox takes a mailbox name and gives it in UTF-8, "INBOX" in upper case. Where the name is
// neither modified UTF-7 nor UTF-8 it is refused.
func (d *Decoder) Mailbox(dst *string) bool {
	var s string
	if !d.AString(&s) {
		return false
	}
	name, ok := d.mailboxName(s)
	*dst = foldInbox(name)
	return ok || d.Expected("mailbox")
}

// ListMailbox takes a pattern for mailbox names (RFC 9051 §9 list-mailbox), in which "%"
// and "*" may stand outside of quotes.
func (d *Decoder) ListMailbox(dst *string) bool {
	var s string
	if c, ok := d.peek(); ok && (c == '"' || c == '{') {
		if !d.String(&s) {
			return false
		}
	} else {
		s = string(d.run(func(c byte) bool { return isAStringChar(c) || c == '%' || c == '*' }))
		if s == "" {
			return d.Expected("list-mailbox")
		}
	}
	name, ok := d.mailboxName(s)
	*dst = name
	return ok && len(name) <= MaxPattern || d.Expected("list-mailbox")
}

func (d *Decoder) mailboxName(s string) (string, bool) {
	if !d.UTF8 {
		if name, ok := DecodeUTF7(s); ok {
			return name, true
		}
	}
	return s, utf8.ValidString(s)
}

// foldInbox writes "inbox" at the top level in upper case.
func foldInbox(name string) string {
	const n = len(Inbox)
	if len(name) >= n && strings.EqualFold(name[:n], Inbox) && (len(name) == n || name[n] == Delimiter) {
		return Inbox + name[n:]
	}
	return name
}

// AppendMailbox writes a mailbox name: in UTF-8 where the client enabled it, else in modified UTF-7.
func AppendMailbox(dst []byte, name string, utf8 bool) []byte {
	if utf8 {
		return AppendString(dst, name, true)
	}
	if isPlainUTF7(name) {
		return AppendString(dst, name, false)
	}
	var room [128]byte
	return AppendString(dst, string(AppendUTF7(room[:0], name)), false)
}

// Match tells whether name matches a LIST pattern: "*" stands for anything, "%" for
// anything within one level (RFC 9051 §6.3.9). Its time is linear in the product of the lengths.
func Match(pattern, name string) bool {
	if len(name) >= len(Inbox) && foldInbox(name) == name && strings.HasPrefix(name, Inbox) {
		pattern = foldInboxPattern(pattern)
	}
	if strings.IndexByte(pattern, '*') < 0 && strings.IndexByte(pattern, '%') < 0 {
		return pattern == name
	}
	// at[i]: the pattern read so far can end before name[i].
	at := make([]bool, len(name)+1)
	at[0] = true
	for i := range len(pattern) {
		stepPattern(at, pattern[i], name)
	}
	return at[len(name)]
}

// stepPattern moves the set of positions on by one character of the pattern.
func stepPattern(at []bool, c byte, name string) {
	if c == '*' || c == '%' {
		for i := 1; i < len(at); i++ {
			at[i] = at[i] || at[i-1] && (c == '*' || name[i-1] != Delimiter)
		}
		return
	}
	for i := len(at) - 1; i > 0; i-- {
		at[i] = at[i-1] && name[i-1] == c
	}
	at[0] = false
}

// foldInboxPattern writes letters of "inbox" at the start of a pattern in upper case, as far as they are letters of it.
func foldInboxPattern(pattern string) string {
	n := 0
	for n < len(pattern) && n < len(Inbox) && strings.EqualFold(pattern[n:n+1], Inbox[n:n+1]) {
		n++
	}
	return Inbox[:n] + pattern[n:]
}
