package imap

import "strconv"

// maxQuoted is the length from which a string is sent as a literal: quoted strings are lines.
const maxQuoted = 1024

// AppendString writes s as a quoted string where it can be one, else as a literal (RFC 9051
// §9 string). utf8 allows octets above 127 in quotes, as IMAP4rev2 and UTF8=ACCEPT do.
func AppendString[S ~string | ~[]byte](dst []byte, s S, utf8 bool) []byte {
	if !quotable(s, utf8) {
		dst = append(dst, '{')
		dst = strconv.AppendInt(dst, int64(len(s)), 10)
		dst = append(dst, "}\r\n"...)
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func quotable[S ~string | ~[]byte](s S, utf8 bool) bool {
	if len(s) > maxQuoted {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c == 0 || c == '\r' || c == '\n' || c >= 0x80 && !utf8 {
			return false
		}
	}
	return true
}

// AppendAString writes s as an atom where it is one, else as AppendString.
func AppendAString(dst []byte, s string, utf8 bool) []byte {
	if IsAtom(s) && s != "NIL" {
		return append(dst, s...)
	}
	return AppendString(dst, s, utf8)
}

// AppendUint writes a number.
func AppendUint[N ~uint32 | ~uint64 | ~int](dst []byte, n N) []byte {
	return strconv.AppendUint(dst, uint64(n), 10)
}

// AppendLiteralHead writes the head of a literal of n octets.
func AppendLiteralHead(dst []byte, n int64) []byte {
	dst = append(dst, '{')
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "}\r\n"...)
}
