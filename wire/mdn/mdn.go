// Package mdn writes and reads message disposition notifications (RFC 8098): receipts that say what became of a message at its
// reader's.
package mdn

import (
	"io"
	"maps"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/wire/compose"
	"tegami/wire/mime"
)

// Disposition is what became of a message (RFC 8098 §3.2.6).
type Disposition struct {
	Action  string // "manual-action" or "automatic-action"
	Sending string // "mdn-sent-manually" or "mdn-sent-automatically"
	Type    string // "deleted", "dispatched", "displayed" or "processed"
}

// Valid tells whether all of it is as RFC 8098 §3.2.6 has it.
func (d Disposition) Valid() bool {
	return slices.Contains([]string{"manual-action", "automatic-action"}, d.Action) &&
		slices.Contains([]string{"mdn-sent-manually", "mdn-sent-automatically"}, d.Sending) &&
		slices.Contains([]string{"deleted", "dispatched", "displayed", "processed"}, d.Type)
}

// String writes it as in the field.
func (d Disposition) String() string { return d.Action + "/" + d.Sending + "; " + d.Type }

// Notification is what a receipt says.
type Notification struct {
	Subject string // of the receipt
	Text    string // for people

	ReportingUA       string // who wrote it: "name; product"
	Gateway           string
	OriginalRecipient string // whom the message was sent to: "rfc822; user@example.jp"
	FinalRecipient    string // whose receipt it is
	OriginalMessageID string // of the message, with its angle brackets
	Disposition       Disposition
	Errors            []string
	Extension         map[string]string // further fields, by name

	Original    []byte // the message, or its header alone
	WithMessage bool   // Original is the whole message
}

// Limits of what is read and written.
const (
	// MaxText is how much of a text for people is read, in octets.
	MaxText = 64 << 10
	// maxReport is how large the part for programs may be.
	maxReport = 64 << 10
	// MaxExtension is how many further fields there are.
	MaxExtension = 20
)

// extensionName tells whether a further field may have a name: one of its own (RFC 8098 §3.3).
func extensionName(name string) bool {
	lower := strings.ToLower(name)
	return name != "" && len(name) <= 76 && !slices.Contains(known, lower) &&
		strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) < 0
}

// known are the fields of RFC 8098 §3.1.
var known = []string{
	"reporting-ua", "mdn-gateway", "original-recipient", "final-recipient", "original-message-id", "disposition", "error", "failure", "warning",
}

// Entity is the receipt as the content of a message, multipart/report (RFC 6522). seed is what its boundary is made of. Invalid "mdn.field" for a further
// field that can't be.
func (n *Notification) Entity(seed string, langs ...string) (compose.Entity, error) {
	var h compose.Header
	for _, f := range []struct{ name, value string }{
		{"Reporting-UA", n.ReportingUA}, {"MDN-Gateway", n.Gateway}, {"Original-Recipient", n.OriginalRecipient}, {"Final-Recipient", n.FinalRecipient},
		{"Original-Message-ID", n.OriginalMessageID}, {"Disposition", n.Disposition.String()},
	} {
		if f.value != "" {
			h.LineUTF8(f.name, f.value)
		}
	}
	for _, e := range n.Errors {
		h.LineUTF8("Error", e)
	}
	for _, name := range slices.Sorted(maps.Keys(n.Extension)) {
		if !extensionName(name) || len(n.Extension) > MaxExtension {
			return compose.Entity{}, mail.E("mdn.Entity", mail.Invalid, "mdn.field", compose.OneLine(name))
		}
		h.LineUTF8(name, n.Extension[name])
	}
	parts := []compose.Entity{compose.Text(n.Text, langs...), compose.Eight("message/disposition-notification", h.Bytes())}
	switch {
	case len(n.Original) > 0 && n.WithMessage:
		parts = append(parts, compose.Eight("message/rfc822", n.Original))
	case len(n.Original) > 0:
		parts = append(parts, compose.Quoted("text/rfc822-headers", n.Original))
	}
	return compose.Multipart("multipart/report; report-type=disposition-notification", seed, parts...), nil
}

// Parse reads a receipt. Invalid "mdn.none" for a message that is none.
func Parse(m *mime.Message, octets io.ReaderAt) (*Notification, error) {
	const op = "mdn.Parse"
	none := mail.E(op, mail.Invalid, "mdn.none")
	root := m.Root
	if root == nil || root.Type != "multipart" || root.Subtype != "report" {
		return nil, none
	}
	n := &Notification{Extension: map[string]string{}}
	if root.Envelope != nil {
		n.Subject = root.Envelope.SubjectText()
	}
	found := false
	for i, p := range root.Children {
		switch {
		case p.Type == "message" && p.Subtype == "disposition-notification" && !found:
			text, err := io.ReadAll(io.LimitReader(mime.DecodedReader(p, raw(p, octets)), maxReport))
			if err != nil {
				return nil, mail.Because(op, mail.Unavailable, "", err)
			}
			n.read(text)
			found = true
		case p.Type == "text" && i == 0:
			text, err := io.ReadAll(io.LimitReader(mime.TextReader(p, mime.DecodedReader(p, raw(p, octets))), MaxText))
			if err != nil {
				return nil, mail.Because(op, mail.Unavailable, "", err)
			}
			n.Text = strings.ToValidUTF8(string(text), "\ufffd")
		case i > 1:
			n.WithMessage = n.WithMessage || p.Type == "message"
		}
	}
	if !found {
		return nil, none
	}
	return n, nil
}

func raw(p *mime.Part, octets io.ReaderAt) io.Reader {
	return io.NewSectionReader(octets, p.BodyStart, p.BodyEnd-p.BodyStart)
}

// read reads the fields.
func (n *Notification) read(text []byte) {
	single := map[string]*string{
		"reporting-ua": &n.ReportingUA, "mdn-gateway": &n.Gateway, "original-recipient": &n.OriginalRecipient,
		"final-recipient": &n.FinalRecipient, "original-message-id": &n.OriginalMessageID,
	}
	for f := range mime.Header(text).Fields() {
		name, value := strings.ToLower(string(f.Name)), strings.TrimSpace(strings.ToValidUTF8(mime.Unfold(f.Value), "\ufffd"))
		switch at := single[name]; {
		case at != nil && *at == "":
			*at = value
		case at != nil:
		case name == "disposition":
			n.Disposition = parseDisposition(value)
		case name == "error" && len(n.Errors) < MaxExtension:
			n.Errors = append(n.Errors, value)
		case extensionName(string(f.Name)) && len(n.Extension) < MaxExtension:
			n.Extension[string(f.Name)] = value
		}
	}
}

// parseDisposition reads "mode; type/modifier", in any case.
func parseDisposition(s string) (d Disposition) {
	mode, kind, _ := strings.Cut(strings.ToLower(s), ";")
	action, sending, _ := strings.Cut(mode, "/")
	kind, _, _ = strings.Cut(kind, "/")
	return Disposition{strings.TrimSpace(action), strings.TrimSpace(sending), strings.TrimSpace(kind)}
}

// Requested gives the address that a message wants a receipt at (RFC 8098 §2.1); false where it asks for none, or for several.
func Requested(header mime.Header) (mail.Address, bool) {
	field, ok := header.Lookup("Disposition-Notification-To")
	if !ok {
		return mail.Address{}, false
	}
	list := mime.ParseAddressList(field)
	if len(list) != 1 {
		return mail.Address{}, false
	}
	a, err := list[0].Mail()
	return a, err == nil
}
