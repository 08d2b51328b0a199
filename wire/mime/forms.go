package mime

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The forms in which a program asks for the value of a header field (RFC 8621 §4.1.2). A value is what stands behind the colon,
// still folded: Field.Value.

// RawForm gives a value as it stands, with its folding; octets that are no UTF-8 become U+FFFD and a NUL vanishes
// (RFC 8621 §4.1.2.1).
func RawForm(value []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(value), string(utf8.RuneError)), "\x00", "")
}

// TextForm gives a value as people read it: unfolded, encoded words decoded, in NFC (RFC 8621 §4.1.2.2).
func TextForm(value []byte) string { return DecodedText(Unfold(value)) }

// DecodedText is TextForm for a value that is unfolded already, as an Envelope has it.
func DecodedText(raw string) string { return norm.NFC.String(DecodeHeader(raw)) }

// AddressesForm gives the addresses of a value, those of groups too and without the groups' marks (RFC 8621 §4.1.2.3). It is never nil.
func AddressesForm(value []byte) []Address { return Ungrouped(ParseAddressList(Unfold(value))) }

// Ungrouped gives the addresses of a list without the marks of groups.
func Ungrouped(list []Address) []Address {
	out := make([]Address, 0, len(list))
	for _, a := range list {
		if a.Kind == Mailbox {
			out = append(out, a)
		}
	}
	return out
}

// A Group are addresses that belong together under a name (RFC 5322 §3.4).
type Group struct {
	Name      string // decoded
	Named     bool   // false for addresses that stand outside of groups
	Addresses []Address
}

// GroupedForm gives the addresses of a value in their groups; those between two groups form one without a name (RFC 8621 §4.1.2.4).
func GroupedForm(value []byte) []Group {
	groups := []Group{}
	within := false
	for _, a := range ParseAddressList(Unfold(value)) {
		switch {
		case a.Kind == GroupStart:
			groups = append(groups, Group{Name: norm.NFC.String(a.Name()), Named: true, Addresses: []Address{}})
			within = true
			continue
		case a.Kind == GroupEnd:
			within = false
			continue
		case !within && (len(groups) == 0 || groups[len(groups)-1].Named):
			groups = append(groups, Group{Addresses: []Address{}})
		}
		g := &groups[len(groups)-1]
		g.Addresses = append(g.Addresses, a)
	}
	return groups
}

// Spec is the address without a name, as it was written; "" for the mark of a group.
func (a Address) Spec() string {
	switch {
	case a.Kind != Mailbox:
		return ""
	case a.Domain == "":
		return a.Local
	}
	return quoteSpec(a.Local) + "@" + a.Domain
}

// quoteSpec quotes a local part that could not be told from the rest of an address otherwise.
func quoteSpec(local string) string {
	if !strings.ContainsAny(local, " \t\"(),:;<>@[\\]") {
		return local
	}
	return quoteString(local)
}

// MessageIDsForm gives the message ids of a value without their angle brackets; false where there are none to be found
// (RFC 8621 §4.1.2.5).
func MessageIDsForm(value []byte) ([]string, bool) {
	ids := ParseMessageIDs(Unfold(value))
	for i, id := range ids {
		ids[i] = PlainMessageID(id)
	}
	return ids, len(ids) > 0
}

// PlainMessageID is a message id without white space, which folding has put into it.
func PlainMessageID(id string) string {
	if strings.IndexFunc(id, unicode.IsSpace) < 0 {
		return id
	}
	return strings.Join(strings.Fields(id), "")
}

// DateForm gives the time a value tells, in its zone; false for one that is no date (RFC 8621 §4.1.2.6).
func DateForm(value []byte) (time.Time, bool) {
	at, err := ParseDate(Unfold(value))
	return at, err == nil && at.Year() > 0 && at.Year() < 10000
}

// maxURLs is how many URLs of one field are read.
const maxURLs = 100

// URLsForm gives the URLs of a list field, such as List-Unsubscribe (RFC 2369 §2), without their angle brackets and without
// comments; false where there are none to be found (RFC 8621 §4.1.2.7). White space within a URL comes from folding and goes.
func URLsForm(value []byte) (urls []string, ok bool) {
	rest := Unfold(value)
	for len(urls) < maxURLs {
		begin := strings.IndexByte(rest, '<')
		if open := strings.IndexByte(rest, '('); open >= 0 && (begin < 0 || open < begin) {
			c := paramScanner{s: rest, at: open}
			c.comment()
			rest = rest[c.at:]
			continue
		}
		if begin < 0 {
			break
		}
		length := strings.IndexByte(rest[begin:], '>')
		if length < 0 {
			break
		}
		url := strings.Join(strings.Fields(rest[begin+1:begin+length]), "")
		if rest = rest[begin+length+1:]; strings.IndexByte(url, ':') > 0 {
			urls = append(urls, url)
		}
	}
	return urls, len(urls) > 0
}
