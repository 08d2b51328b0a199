package dkim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/mailauth/internal/canon"
	"tegami/wire/mime"
)

// signature is a field taken apart.
type signature struct {
	field     mime.Field
	algorithm string
	value     []byte // b=
	bodyHash  []byte // bh=
	domain    string // d=, canonical
	selector  string // s=, as A-labels
	identity  string // i=, decoded
	under     string // the domain of i=, canonical
	names     []string
	header    bool  // c=: the header is canonicalised relaxed
	body      bool  // c=: the body is
	limit     int64 // l=, or -1
	expires   int64 // x=, or -1
}

// parse reads a DKIM-Signature (RFC 6376 §3.5). Whatever can be told of a bad one is in the signature.
func parse(f mime.Field) (s signature, err error) {
	const op = "dkim.parse"
	s.field, s.limit, s.expires = f, -1, -1
	tags, err := canon.ParseTags(string(f.Value))
	if err != nil {
		return s, mail.Wrap(op, err)
	}
	if err := s.common(tags); err != nil {
		return s, mail.Wrap(op, err)
	}
	if v, _ := tags.Get("v"); v != "1" {
		return s, mail.E(op, mail.Invalid, "dkim.version")
	}
	if err := s.own(tags); err != nil {
		return s, err
	}
	if !slices.ContainsFunc(s.names, func(n string) bool { return strings.EqualFold(n, "From") }) {
		return s, mail.E(op, mail.Denied, "dkim.from")
	}
	return s, nil
}

// parseARC reads an ARC-Message-Signature (RFC 8617 §4.1.2): it has an instance where DKIM has an identity, and no version.
func parseARC(f mime.Field) (s signature, err error) {
	const op = "dkim.parseARC"
	s.field, s.limit, s.expires = f, -1, -1
	tags, err := canon.ParseTags(string(f.Value))
	if err != nil {
		return s, mail.Wrap(op, err)
	}
	if err := s.common(tags); err != nil {
		return s, mail.Wrap(op, err)
	}
	_, ok := tags.Number("t")
	if !ok || slices.ContainsFunc(s.names, func(n string) bool { return strings.EqualFold(n, "ARC-Seal") }) {
		return s, mail.E(op, mail.Invalid, "dkim.tags") // a seal is made after it
	}
	return s, nil
}

// common reads the tags that both have.
func (s *signature) common(tags canon.Tags) error {
	const op = "dkim.common"
	if err := s.who(tags); err != nil {
		return err
	}
	var okB, okBH, okL bool
	s.value, okB = tags.Binary("b")
	s.bodyHash, okBH = tags.Binary("bh")
	s.limit, okL = tags.Number("l")
	if !okB || !okBH || !okL || len(s.value) == 0 || !s.canonical(tags) {
		return mail.E(op, mail.Invalid, "dkim.tags")
	}
	h, okH := tags.Get("h")
	if h != "" { // an empty list is no error in a chain; DKIM misses From in it
		s.names = tags.List("h")
	}
	if !okH || len(s.names) > maxNames || slices.Contains(s.names, "") {
		return mail.E(op, mail.Invalid, "dkim.tags")
	}
	switch s.algorithm {
	case RSA, Ed25519:
		return nil
	case rsaSHA1:
		return mail.E(op, mail.Denied, "dkim.sha1")
	}
	return mail.E(op, mail.Invalid, "dkim.algorithm")
}

// who reads the tags that say who signed.
func (s *signature) who(tags canon.Tags) error {
	const op = "dkim.who"
	d, okD := tags.Get("d")
	sel, okS := tags.Get("s")
	a, okA := tags.Get("a")
	if !okD || !okS || !okA {
		return mail.E(op, mail.Invalid, "dkim.tags")
	}
	s.algorithm = strings.ToLower(a)
	var ok bool
	if s.domain, ok = domainName(d); !ok || !strings.Contains(s.domain, ".") {
		return mail.E(op, mail.Denied, "dkim.domain") // nobody takes responsibility for all of a top-level domain
	}
	if s.selector, ok = domainName(sel); !ok {
		return mail.E(op, mail.Invalid, "dkim.tags")
	}
	s.identity, s.under = "@"+s.domain, s.domain
	return nil
}

// canonical reads c=.
func (s *signature) canonical(tags canon.Tags) bool {
	header, body, _ := strings.Cut(strings.ToLower(tags.Or("c", "simple/simple")), "/")
	if body == "" {
		body = "simple"
	}
	s.header, s.body = header == "relaxed", body == "relaxed"
	return (s.header || header == "simple") && (s.body || body == "simple")
}

// own reads the tags that only DKIM has.
func (s *signature) own(tags canon.Tags) error {
	const op = "dkim.own"
	signed, okT := tags.Number("t")
	var okX bool
	if s.expires, okX = tags.Number("x"); !okT || !okX || s.expires >= 0 && s.expires <= signed {
		return mail.E(op, mail.Invalid, "dkim.tags")
	}
	if methods := tags.List("q"); methods != nil && !slices.Contains(methods, "dns/txt") {
		return mail.E(op, mail.Invalid, "dkim.query")
	}
	i, ok := tags.Get("i")
	if !ok {
		return nil
	}
	s.identity = decodeQuoted(i)
	at := strings.LastIndexByte(s.identity, '@')
	if at < 0 {
		return mail.E(op, mail.Invalid, "dkim.tags")
	}
	if s.under, ok = domainName(s.identity[at+1:]); !ok || s.under != s.domain && !strings.HasSuffix(s.under, "."+s.domain) {
		return mail.E(op, mail.Denied, "dkim.domain")
	}
	return nil
}

// domainName puts a domain or selector into its canonical form; address literals are none.
func domainName(s string) (string, bool) {
	d, ok := mail.ParseDomain(s)
	return d, ok && d[0] != '['
}

// expired tells whether x= has passed.
func (s *signature) expired(now time.Time) bool { return s.expires >= 0 && now.Unix() > s.expires }

// result is what can be told about a signature before it is checked.
func (s *signature) result() Result {
	r := Result{Domain: s.domain, Identity: s.identity, Selector: s.selector, Algorithm: s.algorithm, Headers: s.names}
	if tag := encodeBase64(s.value); len(tag) >= tagLength {
		r.Tag = tag[:tagLength]
	}
	return r
}

// decodeQuoted decodes dkim-quoted-printable (RFC 6376 §2.11); what is not encoded well stays as it is.
func decodeQuoted(s string) string {
	if strings.IndexByte(s, '=') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '=' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(c))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// encodeQuoted encodes dkim-quoted-printable.
func encodeQuoted(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ';' || c == '=' {
			b = append(b, '=', hex[c>>4], hex[c&15])
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}
