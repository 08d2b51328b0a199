package spf

import (
	"net/netip"
	"strconv"
	"strings"
)

// An error of syntax anywhere in a record makes the check a PermError at once (RFC 7208 §4.6). The library finds some
// of them only when it comes to the term, and reads past others, so a record is held against the
// grammar of RFC 7208 §12 before the library sees it.

const (
	// brokenRecord stands for a record with an error of syntax. The library knows no such mechanism.
	brokenRecord = "v=spf1 syntax-error"
	// slash stands for a "/" in a domain: the library would take it for the start of a prefix length.
	slash = "\x01"
)

// isPolicy tells whether a TXT is a record of this version (RFC 7208 §4.5).
func isPolicy(text string) bool {
	const version = "v=spf1"
	return len(text) >= len(version) && strings.EqualFold(text[:len(version)], version) &&
		(len(text) == len(version) || text[len(version)] == ' ')
}

// readable gives a policy in the form the library reads, brokenRecord for one that is wrong, and other texts as they are.
func readable(text string) string {
	if !isPolicy(text) {
		return text
	}
	terms := strings.Split(text, " ")
	once := map[string]bool{}
	for i, term := range terms[1:] {
		if term == "" {
			continue
		}
		name, value, ok := strings.Cut(term, "=")
		if ok && isName(name) {
			name = strings.ToLower(name)
			known := name == "redirect" || name == "exp"
			if once[name] || known && !isDomainSpec(value) || !known && !isMacroString(value) {
				return brokenRecord
			}
			once[name] = known
			continue
		}
		if terms[i+1], ok = directive(term); !ok {
			return brokenRecord
		}
	}
	return strings.Join(terms, " ")
}

// isName tells whether s is the name of a modifier.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && (i == 0 || !isDigit(c) && c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return s != ""
}

// directive checks a mechanism with its qualifier, and gives it in the form the library reads.
func directive(term string) (string, bool) {
	bare := term
	if strings.IndexByte("+-?~", term[0]) >= 0 {
		bare = term[1:]
	}
	end := strings.IndexAny(bare, ":/")
	if end < 0 {
		end = len(bare)
	}
	name, rest := strings.ToLower(bare[:end]), bare[end:]
	value, hasValue := strings.CutPrefix(rest, ":")
	ok := false
	switch name {
	case "all":
		ok = rest == ""
	case "include", "exists":
		ok = hasValue && isDomainSpec(value)
	case "ptr":
		ok = rest == "" || hasValue && isDomainSpec(value)
	case "ip4":
		ok = hasValue && isNetwork(value, 32)
	case "ip6":
		ok = hasValue && isNetwork(value, 128)
	case "a", "mx":
		spec, lengths, good := cutLengths(rest)
		ok = good && (spec == "" || spec[0] == ':' && isDomainSpec(spec[1:]))
		if strings.Contains(spec, "/") {
			term = term[:len(term)-len(rest)] + strings.ReplaceAll(spec, "/", slash) + lengths
		}
	}
	return term, ok
}

// isNetwork tells whether s is an address with or without a prefix length (RFC 7208 §5.6).
func isNetwork(s string, bits int) bool {
	addr, length, hasLength := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(addr)
	return err == nil && ip.BitLen() == bits && ip.Zone() == "" && (!hasLength || isLength(length, bits))
}

// isLength tells whether s is a prefix length, without zeros in front.
func isLength(s string, bits int) bool {
	n, err := strconv.ParseUint(s, 10, 8)
	return err == nil && n <= uint64(bits) && strconv.FormatUint(n, 10) == s
}

// cutLengths takes the prefix lengths off the end of what follows "a" or "mx": "/24", "//64" or both.
func cutLengths(s string) (spec, lengths string, ok bool) {
	spec, ok = s, true
	head := strings.TrimRight(spec, "0123456789")
	if strings.HasSuffix(head, "//") && head != spec {
		ok = isLength(spec[len(head):], 128)
		spec = head[:len(head)-2]
		head = strings.TrimRight(spec, "0123456789")
	}
	if strings.HasSuffix(head, "/") && head != spec {
		ok = ok && isLength(spec[len(head):], 32)
		spec = head[:len(head)-1]
	}
	return spec, s[len(spec):], ok
}

// isDomainSpec tells whether s is a domain-spec: macros and text, and at the end a top label or a macro.
func isDomainSpec(s string) bool {
	ok, macroLast := scanMacros(s, false)
	if !ok || macroLast {
		return ok
	}
	s = strings.TrimSuffix(s, ".")
	dot := strings.LastIndexByte(s, '.')
	return dot >= 0 && isTopLabel(s[dot+1:])
}

// isTopLabel tells whether s can be the last label of a name: letters, digits and inner hyphens, not digits alone.
func isTopLabel(s string) bool {
	digits := true
	for i := range len(s) {
		c := s[i]
		if !isAlpha(c) && !isDigit(c) && (c != '-' || i == 0 || i == len(s)-1) {
			return false
		}
		digits = digits && isDigit(c)
	}
	return s != "" && !digits
}

// isMacroString tells whether s is printable text with well-formed macros, as an unknown modifier has it.
func isMacroString(s string) bool {
	ok, _ := scanMacros(s, true)
	return ok
}

// scanMacros tells whether s is printable text with well-formed macros, and whether it ends with one. Three
// letters are for explanations only (RFC 7208 §7.2).
func scanMacros(s string, explanation bool) (ok, macroLast bool) {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false, false
		}
		if macroLast = s[i] == '%'; !macroLast {
			continue
		}
		i++
		if i == len(s) {
			return false, false
		}
		switch s[i] {
		case '%', '_', '-':
		case '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 || !isMacro(s[i+1:i+end], explanation) {
				return false, false
			}
			i += end
		default:
			return false, false
		}
	}
	return true, macroLast
}

// isMacro tells whether s can stand between "%{" and "}".
func isMacro(s string, explanation bool) bool {
	if s == "" || strings.IndexByte("slodiphv", s[0]|0x20) < 0 && !(explanation && strings.IndexByte("crt", s[0]|0x20) >= 0) {
		return false
	}
	_, ok := transform("", s[1:])
	return ok && isAlpha(s[0])
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
