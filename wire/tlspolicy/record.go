package tlspolicy

import (
	"strings"

	"tegami/mail"
)

// maxRecord is how long a TXT record may be to be read, in octets.
const maxRecord = 4096

// field is one "name=value" of a TXT record.
type field struct{ name, value string }

// oneRecord finds the one record of a version among the TXT records of a name. Others are none of our business; two
// are as good as none (RFC 8461 §3.1, RFC 8460 §3).
func oneRecord(op mail.Op, texts []string, version string) (string, error) {
	record, count := "", 0
	for _, text := range texts {
		if hasVersion(text, version) {
			record = text
			count++
		}
	}
	switch {
	case count == 0:
		return "", mail.E(op, mail.NotFound, "tls.record.none")
	case count > 1:
		return "", mail.E(op, mail.Invalid, "tls.record.several", count)
	}
	return record, nil
}

// hasVersion tells whether a record is of a version: its name, blanks, and a semicolon or the end.
func hasVersion(text, version string) bool {
	rest, ok := strings.CutPrefix(text, version)
	rest = strings.TrimLeft(rest, " \t")
	return ok && (rest == "" || rest[0] == ';')
}

// fields cuts a record of a version into its fields (RFC 8461 §3.1, RFC 8460 §3). Blanks stand around
// semicolons only; the last semicolon may be left out.
func fields(text, version string) ([]field, bool) {
	rest, ok := strings.CutPrefix(text, version)
	if !ok || len(text) > maxRecord {
		return nil, false
	}
	parts := strings.Split(rest, ";")
	if strings.Trim(parts[0], " \t") != "" {
		return nil, false
	}
	last := len(parts) - 1
	if strings.Trim(parts[last], " \t") == "" {
		last--
	}
	var list []field
	for i := 1; i <= last; i++ {
		part := strings.TrimLeft(parts[i], " \t")
		if i < len(parts)-1 {
			part = strings.TrimRight(part, " \t")
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok || !isFieldName(name) || value == "" || !isPrintable(value) {
			return nil, false
		}
		list = append(list, field{name, value})
	}
	return list, len(list) > 0
}

// first gives the value of the first field of a name; what comes later under it is ignored.
func first(list []field, name string) (string, bool) {
	for _, f := range list {
		if f.name == name {
			return f.value, true
		}
	}
	return "", false
}

// isFieldName tells whether s can name a field: a letter or digit, and up to 31 more, or "_", "-", ".".
func isFieldName(s string) bool {
	if s == "" || len(s) > 32 || !isAlphanumeric(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// isPrintable tells whether s is of visible ASCII characters, blanks and tabs.
func isPrintable(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c >= 0x7f) && c != '\t' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
