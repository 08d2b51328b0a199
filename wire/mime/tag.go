package mime

import (
	"bytes"
	"slices"
	"strings"
)

// maxTaggedLine is how long the first line of a tagged subject may become before it is folded, in octets: what RFC 2047 §2 allows a
// line with encoded words.
const maxTaggedLine = 76

// TagSubject puts an ASCII tag such as "[SPAM!!]" and a space before the subject of a header block (SF-1). What the subject was
// stays octet for octet, folded, encoded or raw as it is: nothing is decoded and encoded again. Each Subject field gets the tag, as
// programs differ in which they show; a header without any gets one. A subject that begins with the tag already, also behind marks of
// replies and forwards, is left alone.
//
// header may have its blank line and what follows it, or neither. Where nothing changes, the result is header itself.
func TagSubject(header []byte, tag string) []byte {
	var out []byte
	kept, end, found := 0, 0, false
	for f := range Header(header).Fields() {
		end = f.End
		if !foldEqual(f.Name, "subject") {
			continue
		}
		found = true
		if tagged(f.Value, tag) {
			continue
		}
		colon := f.Start + bytes.IndexByte(header[f.Start:f.End], ':') + 1
		out = appendTag(append(out, header[kept:colon]...), header[colon:f.End], tag, colon-f.Start)
		kept = f.End
	}
	switch {
	case !found:
		return addSubject(header, end, tag)
	case kept == 0:
		return header
	}
	return append(out, header[kept:]...)
}

// tagged tells whether a subject begins with a tag, also behind "Re:" and "Fwd:".
func tagged(value []byte, tag string) bool {
	s := DecodeHeader(Unfold(value))
	for {
		s = strings.TrimLeft(s, " \t")
		if strings.HasPrefix(s, tag) {
			return true
		}
		rest, ok := cutRefwd(s)
		if !ok {
			return false
		}
		s = rest
	}
}

// appendTag appends the tag and then what stood behind the colon of the field, whose line is used octets long so far. A line that would
// become too long is folded behind the tag.
func appendTag(dst, value []byte, tag string, used int) []byte {
	dst = append(append(dst, ' '), tag...)
	text := bytes.TrimLeft(value, " \t")
	first := len(trimLineEnd(text[:lineLength(text)]))
	switch {
	case first == 0: // nothing, or folded right behind the colon
		return append(dst, text...)
	case used+len(tag)+2+first > maxTaggedLine:
		dst = append(dst, lineEnd(value)...)
	}
	return append(append(dst, ' '), text...)
}

// lineLength is the length of the first line of b with its end.
func lineLength(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// lineEnd is how lines end in b, as its first does.
func lineEnd(b []byte) string {
	if n := lineLength(b); n > 0 && b[n-1] == '\n' && (n == 1 || b[n-2] != '\r') {
		return "\n"
	}
	return "\r\n"
}

// addSubject puts a Subject that is only the tag behind the last field, which ends at end.
func addSubject(header []byte, end int, tag string) []byte {
	eol := lineEnd(header)
	line := "Subject: " + tag + eol
	if end > 0 && header[end-1] != '\n' {
		line = "\r\n" + line // a CR alone must not become a blank line
	}
	return slices.Concat(header[:end], []byte(line), header[end:])
}
