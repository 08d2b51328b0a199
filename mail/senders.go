package mail

import "strings"

// SenderPattern says whose mail is meant, in one of three forms:
//
//	sato@example.jp   one address
//	@example.jp       every address in a domain
//	*@*.example.jp    every address in the domains below one, and not in itself
//
// It is in lower case, with A-labels, and a local part is quoted where it must be (RFC 5321 §4.1.2).
type SenderPattern string

// ParseSenderPattern reads a pattern as people write it: with capitals, a full-width ＠, Unicode in the domain, and *@example.jp or
// example.jp for @example.jp and *.example.jp for *@*.example.jp. The error's kind is Invalid "filter.pattern".
func ParseSenderPattern(s string) (SenderPattern, error) {
	const op Op = "mail.ParseSenderPattern"
	bad := func() (SenderPattern, error) { return "", E(op, Invalid, "filter.pattern", s) }
	text := strings.ReplaceAll(strings.TrimSpace(s), "＠", "@")
	domain, whole := strings.CutPrefix(text, "*@")
	if !whole {
		domain, whole = strings.CutPrefix(text, "@")
	}
	if !whole && strings.Contains(text, "@") {
		a, err := ParseAddress(text)
		if err != nil || strings.Contains(a.Domain, "*") {
			return bad()
		}
		return SenderPattern(Address{strings.ToLower(a.Local), a.Domain}.String()), nil
	}
	domain, below := strings.CutPrefix(domain, "*.")
	name, ok := ParseDomain(domain)
	switch {
	case !ok || below && strings.HasPrefix(name, "["):
		return bad()
	case below:
		return SenderPattern("*@*." + name), nil
	case !whole && !strings.Contains(name, "."): // a word is more likely a slip than a top-level domain
		return bad()
	}
	return SenderPattern("@" + name), nil
}

// SenderPatterns is a set of patterns, to be asked often. The nil set has none. It may be read from many goroutines.
type SenderPatterns map[SenderPattern]struct{}

// NewSenderPatterns makes a set.
func NewSenderPatterns(list []SenderPattern) SenderPatterns {
	if len(list) == 0 {
		return nil
	}
	set := make(SenderPatterns, len(list))
	for _, p := range list {
		set[p] = struct{}{}
	}
	return set
}

// Match gives the pattern that an address fulfils, the most particular one; "" where it fulfils none. The null address fulfils none. It does
// not allocate where the local part is ASCII and needs no quotes.
func (s SenderPatterns) Match(a Address) SenderPattern {
	if len(s) == 0 || a.IsNull() {
		return ""
	}
	var room [3 + MaxLongLocalPart + 1 + MaxDomain]byte
	if p := s.find(appendLocal(room[:0], a.Local), a.Domain); p != "" {
		return p
	}
	if p := s.find(room[:0], a.Domain); p != "" {
		return p
	}
	for domain := a.Domain; ; {
		_, above, more := strings.Cut(domain, ".")
		if !more {
			return ""
		}
		if _, ok := s[SenderPattern(append(append(room[:0], "*@*."...), above...))]; ok {
			return SenderPattern("*@*." + above)
		}
		domain = above
	}
}

// find looks for what stands before the @, and the domain.
func (s SenderPatterns) find(local []byte, domain string) SenderPattern {
	key := append(append(local, '@'), domain...)
	if _, ok := s[SenderPattern(key)]; ok {
		return SenderPattern(key)
	}
	return ""
}

// appendLocal writes a local part into a buffer as patterns have it.
func appendLocal(b []byte, local string) []byte {
	if !isDotString(local) {
		return append(b, QuoteLocal(strings.ToLower(local))...)
	}
	for i := range len(local) {
		c := local[i]
		if c >= 0x80 {
			return append(b[:0], strings.ToLower(local)...)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}
