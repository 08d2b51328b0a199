package mailbox

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tegami/mail"
)

// Limits of names and of the number of mailboxes.
const (
	// Delimiter stands between the levels of a path.
	Delimiter = "/"
	// Inbox is the path of the inbox, in any case of letters (RFC 9051 §5.1).
	Inbox = "INBOX"
	// MaxName is the length of one level of a path, in octets of UTF-8.
	MaxName = 255
	// MaxDepth is how many levels a path may have.
	MaxDepth = 20
	// MaxMailboxes is how many mailboxes an account may have.
	MaxMailboxes = 10_000
)

// parsePath puts a path into its canonical form and cuts it into levels: Unicode NFC (RFC 5198 §3),
// INBOX in capitals at the top. Invalid "mailbox.name" for what can't be a name, "mailbox.name_too_long" and
// "mailbox.too_deep" past the limits.
func parsePath(op mail.Op, path string) ([]string, error) {
	switch {
	case len(path) > maxPath:
		return nil, mail.E(op, mail.Invalid, "mailbox.name_too_long", MaxName)
	case !utf8.ValidString(path):
		return nil, mail.E(op, mail.Invalid, "mailbox.name", strings.ToValidUTF8(path[:min(len(path), MaxName)], "?"))
	}
	return cutPath(op, norm.NFC.String(path)) // returns ASCII as it is
}

// maxPath is the length in octets of the longest path that is looked at.
const maxPath = MaxDepth * (MaxName + 1)

// cutPath cuts a canonical path into levels and checks each.
func cutPath(op mail.Op, path string) ([]string, error) {
	levels := strings.SplitN(path, Delimiter, MaxDepth+1)
	if len(levels) > MaxDepth {
		return nil, mail.E(op, mail.Invalid, "mailbox.too_deep", MaxDepth)
	}
	for _, name := range levels {
		if len(name) > MaxName {
			return nil, mail.E(op, mail.Invalid, "mailbox.name_too_long", MaxName)
		}
		if name == "" || strings.ContainsFunc(name, forbidden) {
			return nil, mail.E(op, mail.Invalid, "mailbox.name", path)
		}
	}
	if strings.EqualFold(levels[0], Inbox) {
		levels[0] = Inbox
	}
	return levels, nil
}

// forbidden are the characters no name may hold: controls and what breaks lines (RFC 5198 §2).
func forbidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// joinPath is the path of levels.
func joinPath(levels []string) string { return strings.Join(levels, Delimiter) }

// isInbox tells whether levels are the path of the inbox itself.
func isInbox(levels []string) bool { return len(levels) == 1 && levels[0] == Inbox }
