package imap

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxURL is the length of an IMAP URL in octets.
const MaxURL = 4096

// A URL names a message of a server, or a part of one (RFC 5092).
type URL struct {
	Relative    bool   // it has neither User nor Host: the server and the account at hand are meant
	User        string // "" where the URL names none
	Host        string // with the port, where there is one
	Mailbox     string // UTF-8; "" = the selected one
	UIDValidity uint32 // 0 where the URL names none
	UID         uint32
	Section     Section // Partial has Count 0 where all behind Offset is meant
}

// ParseURL reads a URL of a message or a part: imap://user@host/mailbox;UIDVALIDITY=1/;UID=2/;SECTION=1.2/;PARTIAL=0.100, or from
// the mailbox on (RFC 5092 §11). Who is to sign in how, and URLs that give access by themselves (RFC 4467), are not taken.
func ParseURL(s string) (u URL, ok bool) {
	if len(s) > MaxURL {
		return u, false
	}
	path := s
	u.Relative = true
	if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
		u.Relative = false
		var server string
		server, path, _ = strings.Cut(s[len(scheme):], "/")
		if !u.server(server) {
			return u, false
		}
	}
	box, rest, ok := cutFold(strings.TrimPrefix(path, "/"), ";UID=")
	return u, ok && u.mailbox(strings.TrimSuffix(box, "/")) && u.message(rest)
}

const scheme = "imap://"

// cutFold is strings.Cut for a separator in any case.
func cutFold(s, sep string) (before, after string, found bool) {
	for i := 0; i+len(sep) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(sep)], sep) {
			return s[:i], s[i+len(sep):], true
		}
	}
	return s, "", false
}

func (u *URL) server(s string) bool {
	at := strings.LastIndexByte(s, '@') // addresses as names of users are often not escaped
	user, host := s[:max(at, 0)], s[at+1:]
	u.Host = host
	return host != "" && !strings.Contains(user, ";") && unescape(&u.User, user)
}

func (u *URL) mailbox(s string) bool {
	s, validity, has := cutFold(s, ";UIDVALIDITY=")
	return unescape(&u.Mailbox, s) && (!has || nzNumber(&u.UIDValidity, validity))
}

// message reads what stands behind ;UID=.
func (u *URL) message(s string) bool {
	s, partial, cut := cutFold(s, "/;PARTIAL=")
	uid, section, _ := cutFold(s, "/;SECTION=")
	return nzNumber(&u.UID, uid) && u.section(section) && (!cut || u.partial(partial))
}

// section reads a section as it stands in brackets in FETCH.
func (u *URL) section(s string) bool {
	var plain string
	if !unescape(&plain, s) || strings.ContainsAny(plain, "\r\n{") {
		return false
	}
	d := NewDecoder(strings.NewReader(plain+"]"), nil)
	return d.sectionSpec(&u.Section) && d.Special(']') && d.Buffered() == 0
}

// partial reads offset or offset.count.
func (u *URL) partial(s string) bool {
	offset, count, counted := strings.Cut(s, ".")
	sec := &u.Section
	sec.Partial = true
	return digits(&sec.Offset, offset) && (!counted || digits(&sec.Count, count) && sec.Count > 0)
}

func digits(n *uint64, s string) bool {
	var err error
	*n, err = strconv.ParseUint(s, 10, 63)
	return err == nil && !strings.HasPrefix(s, "+")
}

func nzNumber(n *uint32, s string) bool {
	v, err := strconv.ParseUint(s, 10, 32)
	*n = uint32(v)
	return err == nil && v > 0 && !strings.HasPrefix(s, "+")
}

// unescape undoes percent-encoding. The result must be UTF-8 without control characters.
func unescape(dst *string, s string) bool {
	plain, err := url.PathUnescape(s)
	*dst = plain
	return err == nil && utf8.ValidString(plain) && !slices.ContainsFunc([]byte(plain), func(c byte) bool { return c < ' ' || c == 0x7f })
}
