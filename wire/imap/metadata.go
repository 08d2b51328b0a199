package imap

import (
	"bytes"
	"strconv"
)

// AppendNValue writes the value of an annotation: NIL for nil, a literal8 where it holds NUL (RFC 5464 §5), else as
// AppendString.
func AppendNValue(dst, value []byte, utf8 bool) []byte {
	switch {
	case value == nil:
		return append(dst, "NIL"...)
	case bytes.IndexByte(value, 0) < 0:
		return AppendString(dst, value, utf8)
	}
	dst = append(dst, "~{"...)
	dst = strconv.AppendInt(dst, int64(len(value)), 10)
	dst = append(dst, "}\r\n"...)
	return append(dst, value...)
}
