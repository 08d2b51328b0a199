package sieve

import (
	"slices"
	"strings"

	"tegami/mail"
	"tegami/wire/mime"
)

// addressPart is what of an address is compared (RFC 5228 §2.7.4, RFC 5233 §4).
type addressPart uint8

const (
	partAll addressPart = iota
	partLocal
	partDomain
	partUser
	partDetail
)

var addressParts = map[string]addressPart{
	"all": partAll, "localpart": partLocal, "domain": partDomain, "user": partUser, "detail": partDetail,
}

// detailSeparator parts user and detail of a local part (RFC 5233 §1).
const detailSeparator = "+"

// addressFields are the fields that hold addresses, to which the test address is restricted (RFC 5228 §5.1).
var addressFields = []string{
	"from", "to", "cc", "bcc", "sender", "reply-to",
	"resent-from", "resent-to", "resent-cc", "resent-bcc", "resent-sender", "resent-reply-to",
	"return-path", "delivered-to", "apparently-to", "errors-to", "disposition-notification-to",
	"return-receipt-to", "return-receipt-requested", "read-receipt-to", "x-confirm-reading-to",
	"registered-mail-reply-requested-by", "mail-followup-to", "mail-reply-to", "for-approval", "for-handling", "for-comment",
	"abuse-reports-to", "x-complaints-to", "x-report-abuse-to", "x-admin", "x-beenthere",
	"x-original-from", "x-original-to", "envelope-to", "x-envelope-to", "original-from", "original-to",
}

func addressField(name string) bool { return slices.Contains(addressFields, strings.ToLower(name)) }

// addressing notes the address part of a call.
func addressing(c *call) {
	for name, part := range addressParts {
		if c.has(name) {
			c.part = part
		}
	}
}

func checkAddress(k *compiler, c *call) {
	addressing(c)
	k.options(c)
	for i := range c.args[0].list {
		if t := &c.args[0].list[i]; t.constant() && !addressField(t.fixed) {
			k.fault(c.line, "sieve.no_address_field", t.fixed)
			return
		}
	}
	checkMatch(k, c)
}

func testAddress(r *run, c *call) (bool, error) {
	var names []string
	for _, name := range r.strings(&c.args[0]) {
		if c.args[0].fixed != nil || addressField(name) {
			names = append(names, name)
		}
	}
	fields, err := r.fields(c, names)
	if err != nil {
		return false, err
	}
	var values []string
	for _, f := range fields {
		n := len(values)
		values = fieldAddresses(values, f, c.part)
		if !r.borrow((2*gatheredSize)*(len(values)-n)) || !r.affords(len(f.raw)) {
			return false, r.spend(c, 0)
		}
	}
	return r.compare(c, values)
}

// fieldAddresses adds the addresses of a field. What is no address stands for itself, but has no parts; so
// does an empty field (RFC 5228 §2.7.4).
func fieldAddresses(values []string, f *field, part addressPart) []string {
	list := f.addresses()
	if len(list) == 0 && part == partAll {
		return append(values, f.value())
	}
	for _, a := range list {
		if a.Kind != mime.Mailbox {
			continue
		}
		switch {
		case a.Local != "" && a.Domain != "":
			if v, ok := part.of(a.Local, a.Domain); ok {
				values = append(values, v)
			}
		case part == partAll:
			values = append(values, strings.TrimSpace(f.value()))
		}
	}
	return values
}

// of takes the part of an address. It is not ok when there is none.
func (p addressPart) of(local, domain string) (string, bool) {
	user, detail, has := strings.Cut(local, detailSeparator)
	switch p {
	case partLocal:
		return local, true
	case partDomain:
		return domain, true
	case partUser:
		return user, true
	case partDetail:
		return detail, has
	}
	return local + "@" + domain, true
}

// envelopeParts are those the test envelope knows (RFC 5228 §5.4; auth is that of MAIL FROM, RFC 4954 §5).
var envelopeParts = []string{"from", "to", "auth"}

func checkEnvelope(k *compiler, c *call) {
	addressing(c)
	for i := range c.args[0].list {
		if t := &c.args[0].list[i]; t.constant() && !slices.Contains(envelopeParts, strings.ToLower(t.fixed)) {
			k.fault(c.line, "sieve.envelope_part", t.fixed)
			return
		}
	}
	checkMatch(k, c)
}

func testEnvelope(r *run, c *call) (bool, error) {
	var values []string
	for _, name := range r.strings(&c.args[0]) {
		switch strings.ToLower(name) {
		case "from":
			values = envelopeAddress(values, r.in.From, c.part)
		case "to":
			values = envelopeAddress(values, r.in.To, c.part)
		case "auth":
			if r.in.Auth != "" && c.part == partAll {
				values = append(values, r.in.Auth)
			}
		}
	}
	return r.compare(c, values)
}

// envelopeAddress adds the part of an address. The null reverse-path is empty in all its parts (RFC 5228 §5.4), but
// has no detail.
func envelopeAddress(values []string, a mail.Address, part addressPart) []string {
	if a.IsNull() {
		if part == partDetail {
			return values
		}
		return append(values, "")
	}
	if v, ok := part.of(a.Local, a.Domain); ok {
		values = append(values, v)
	}
	return values
}

// parseMailbox reads one address to which, or from which, mail may be sent, with a display name or without. It is
// stricter than what is taken from messages: a script says what is done in the owner's name.
func parseMailbox(s string) (name string, a mail.Address, ok bool) {
	s = strings.TrimSpace(s)
	if i := strings.IndexByte(s, '<'); i >= 0 {
		inner, closed := strings.CutSuffix(s[i+1:], ">")
		if !closed {
			return "", a, false
		}
		name = strings.Trim(strings.TrimSpace(s[:i]), `"`)
		s = inner
	}
	local, domain, found := cutAtLast(s)
	local, domain = strings.TrimSpace(local), strings.TrimSpace(domain)
	if !found || !asciiOnly(local) || strings.HasPrefix(domain, "[") || strings.ContainsAny(name, "<>\r\n") {
		return "", a, false
	}
	a, err := mail.ParseAddress(local + "@" + domain)
	return name, a, err == nil && len(a.Local) <= mail.MaxLocalPart
}

func cutAtLast(s string) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// parseMailboxes reads a list of addresses as it is written in a URI. It is not ok when one of them is none.
func parseMailboxes(s string) (all []Mailbox, ok bool) {
	for _, a := range mime.ParseAddressList(s) {
		_, m, ok := parseMailbox(a.Local + "@" + a.Domain)
		if !ok || a.Kind != mime.Mailbox {
			return nil, false
		}
		all = append(all, Mailbox{a.Name(), m})
	}
	return all, true
}
