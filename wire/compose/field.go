package compose

import (
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/mime"
)

// Field is a field of a header that has no place of its own in Message or Part.
type Field struct {
	Name  string
	Value Value
}

// Value is what a field says, in one of the forms of RFC 8621 §4.1.2.
type Value interface{ put(h *Header, name string) }

// The forms of a field's value.
type (
	// AsRaw is what follows the colon, folded or not. It is written octet for octet where it can stand in a header; else without what
	// cannot: then it is folded anew, and in encoded words if it is not ASCII.
	AsRaw string
	// AsText is text in any language (RFC 8621 §4.1.2.2).
	AsText string
	// AsAddresses is a list of addresses (§4.1.2.3).
	AsAddresses []Mailbox
	// AsGroups is a list of groups and of addresses in no group (§4.1.2.4).
	AsGroups []Group
	// AsMessageIDs is a list of message ids, with angle brackets or without (§4.1.2.5).
	AsMessageIDs []string
	// AsDate is a time (§4.1.2.6).
	AsDate time.Time
	// AsURLs is a list of URLs without angle brackets (§4.1.2.7).
	AsURLs []string
)

// Group is a group of addresses (RFC 5322 §3.4). Without Named it is addresses beside all groups.
type Group struct {
	Named   bool
	Name    string
	Members []Mailbox
}

func (v AsRaw) put(h *Header, name string) {
	if isRaw(string(v)) {
		h.b = append(h.b, name...)
		h.b = append(h.b, ':')
		h.b = append(h.b, v...)
		h.b = append(h.b, '\r', '\n')
		return
	}
	h.text(name, strings.TrimSpace(oneLine(string(v))))
}

func (v AsText) put(h *Header, name string)      { h.text(name, string(v)) }
func (v AsAddresses) put(h *Header, name string) { h.Addresses(name, v...) }
func (v AsDate) put(h *Header, name string)      { h.Time(name, time.Time(v)) }

func (v AsGroups) put(h *Header, name string) {
	var written []string
	for _, g := range v {
		members := h.mailboxes(g.Members)
		if g.Named {
			members = []string{h.phrase(g.Name) + ":\r\n " + strings.Join(members, ",\r\n ") + ";"}
		}
		written = append(written, members...)
	}
	if len(written) > 0 {
		h.put(name, strings.Join(written, ",\r\n "))
	}
}

// phrase writes a name without an address (RFC 5322 §3.2.5).
func (h *Header) phrase(name string) string {
	whole := mime.Address{Display: Cut(name, maxName), Local: "x", Domain: "x"}.Format(h.charset)
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(whole, "<x@x>"), "x@x"))
}

func (v AsMessageIDs) put(h *Header, name string) {
	ids := make([]string, len(v))
	for i, id := range v {
		ids[i] = bracketed(id)
	}
	h.IDs(name, ids...)
}

func (v AsURLs) put(h *Header, name string) {
	var urls []string
	for _, u := range v {
		if u = strings.Map(urlOctet, u); u != "" {
			urls = append(urls, "<"+u+">")
		}
	}
	if len(urls) > 0 {
		h.put(name, strings.Join(urls, ",\r\n "))
	}
}

// urlOctet leaves out what a URL in angle brackets can't have.
func urlOctet(r rune) rune {
	if r <= ' ' || r >= 0x7f || r == '<' || r == '>' {
		return -1
	}
	return r
}

// bracketed puts a message id into its angle brackets.
func bracketed(id string) string {
	if id == "" || strings.HasPrefix(id, "<") {
		return id
	}
	return "<" + id + ">"
}

// isRaw tells whether octets can stand in a header as they are: ASCII in lines of at most maxRawLine octets, each but the first
// beginning with white space and having something else (RFC 5322 §2.2.3).
func isRaw(s string) bool {
	for i, line := range strings.Split(s, "\r\n") {
		if i > 0 && (line == "" || line[0] != ' ' && line[0] != '\t' || strings.Trim(line, " \t") == "") {
			return false
		}
		if len(line) > maxRawLine-maxFieldName-1 || strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7f }) >= 0 {
			return false
		}
	}
	return true
}

// maxFieldName is the length of a field's name in octets.
const maxFieldName = 76

// ours are the fields that are made of a Part's type and encoding: nobody writes them beside that.
var ours = []string{"content-type", "content-transfer-encoding", "content-disposition", "content-id", "content-language", "mime-version"}

// putFields adds fields. Invalid "compose.field" for a name that is none or that is made from elsewhere.
func (h *Header) putFields(list []Field) error {
	for _, f := range list {
		if !isFieldName(f.Name) || f.Value == nil || slices.Contains(ours, strings.ToLower(f.Name)) {
			return mail.E("compose.Prepare", mail.Invalid, "compose.field", OneLine(f.Name))
		}
		f.Value.put(h, f.Name)
	}
	return nil
}

// isFieldName tells whether s is a field's name (RFC 5322 §2.2).
func isFieldName(s string) bool {
	return s != "" && len(s) <= maxFieldName && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) < 0
}
