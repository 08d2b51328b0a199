package text

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A scanner reads XML as office programs write it: tags and text, one after the other, in constant memory. It checks
// nothing, knows no entities but the five of XML and numbers, and reads no DTD, so that no document can make it grow or fetch
// anything. Names are local: the prefix is left out.
type scanner struct {
	r    io.Reader
	buf  []byte
	pos  int   // of what was not read yet
	end  int   // of what is in buf
	err  error // of r, behind what is in buf
	tok  token
	name []byte // of a tag, without prefix
	pre  []byte // its prefix
	rest []byte // of a start tag: its attributes, raw
	text []byte // of tokText
	solo bool   // a start tag that ends itself: its end tag comes next
}

type token uint8

const (
	tokStart token = iota + 1
	tokEnd
	tokText
)

// scanSize is the window of a scanner, in octets. A tag that is longer is passed over.
const scanSize = 64 << 10

// maxEntity is the longest reference to a character, in octets.
const maxEntity = 12

func newScanner(r io.Reader) *scanner {
	s := &scanner{buf: make([]byte, scanSize)}
	s.reset(r)
	return s
}

// reset lets the scanner read something else.
func (s *scanner) reset(r io.Reader) {
	*s = scanner{r: r, buf: s.buf}
	s.need(len(`<?xml version="1.0" encoding="`) + 40)
	if dec := xmlCharset(s.buf[:s.end]); dec != "" {
		*s = scanner{r: decoded(dec, io.MultiReader(bytes.NewReader(bytes.Clone(s.buf[:s.end])), r)), buf: s.buf}
	}
}

// fault is the error of reading, nil at the end of the document.
func (s *scanner) fault() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// need tries to have n octets at pos, and tells whether they are there.
func (s *scanner) need(n int) bool {
	if s.end-s.pos >= n {
		return true
	}
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:s.end])
		s.end -= s.pos
		s.pos = 0
	}
	for s.end < n && s.err == nil && s.end < len(s.buf) {
		var got int
		got, s.err = s.r.Read(s.buf[s.end:])
		s.end += got
	}
	return s.end >= n
}

// more reads what comes next into the window, and tells whether there was something.
func (s *scanner) more() bool {
	have := s.end - s.pos
	return have < len(s.buf) && s.need(have+1)
}

// next reads a tag or a piece of text. Text may come in several pieces.
func (s *scanner) next() bool {
	if s.tok == tokStart && s.solo {
		s.tok, s.solo = tokEnd, false
		return true
	}
	for s.need(1) {
		if s.buf[s.pos] != '<' {
			return s.run()
		}
		if done, ok := s.tag(); done {
			return ok
		}
	}
	return false
}

// run reads text up to the next tag, or what of it is in the window.
func (s *scanner) run() bool {
	s.need(min(len(s.buf), 2*maxEntity))
	window := s.buf[s.pos:s.end]
	n := bytes.IndexByte(window, '<')
	if n < 0 {
		n = len(window)
		if amp := bytes.LastIndexByte(window, '&'); amp > 0 && n-amp < maxEntity && s.err == nil {
			n = amp // the reference may go on behind the window
		}
	}
	s.tok, s.text = tokText, unescape(window[:n])
	s.pos += n
	return true
}

// tag reads what begins with "<". done is false for what is neither tag nor text: a comment, an instruction, a declaration.
func (s *scanner) tag() (done, ok bool) {
	if !s.need(2) {
		return true, false
	}
	switch s.buf[s.pos+1] {
	case '!':
		return s.declaration()
	case '?':
		s.skip("?>")
		return false, false
	}
	n := s.tagEnd()
	if n < 0 {
		return true, false
	}
	inside := s.buf[s.pos+1 : s.pos+n]
	s.pos += n + 1
	return s.split(inside)
}

// tagEnd finds the ">" of the tag at pos, which may stand in quotes. A tag that is longer than the window is passed over.
func (s *scanner) tagEnd() int {
	quote, i := byte(0), 1
	for {
		for ; s.pos+i < s.end; i++ {
			switch c := s.buf[s.pos+i]; {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				return i
			}
		}
		if s.more() {
			continue
		}
		if s.err != nil {
			s.pos = s.end
			return -1
		}
		// Longer than the window: keep its beginning as the tag, and go on behind its end.
		s.pos, i = s.end-1, 1
		s.buf[s.pos] = '<'
	}
}

// split makes a start or an end tag of what stands between "<" and ">".
func (s *scanner) split(inside []byte) (done, ok bool) {
	s.tok, s.solo = tokStart, false
	if len(inside) > 0 && inside[0] == '/' {
		s.tok, inside = tokEnd, inside[1:]
	} else if n := len(inside); n > 0 && inside[n-1] == '/' {
		s.solo, inside = true, inside[:n-1]
	}
	n := 0
	for n < len(inside) && !isBlank(inside[n]) {
		n++
	}
	s.name, s.rest = inside[:n], inside[n:]
	s.pre = nil
	if colon := bytes.IndexByte(s.name, ':'); colon >= 0 {
		s.pre, s.name = s.name[:colon], s.name[colon+1:]
	}
	return true, true
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// declaration reads what begins with "<!": CDATA is text, the rest is passed over.
func (s *scanner) declaration() (done, ok bool) {
	const cdata = "<![CDATA["
	switch {
	case s.need(len(cdata)) && string(s.buf[s.pos:s.pos+len(cdata)]) == cdata:
		s.pos += len(cdata)
		return s.cdata()
	case s.need(4) && string(s.buf[s.pos:s.pos+4]) == "<!--":
		s.skip("-->")
	default:
		s.skip(">") // of a DTD with an internal part something is left, which is read as text or tags without meaning
	}
	return false, false
}

// cdata reads a CDATA section. One that is longer than the window ends there, and the rest is read as XML.
func (s *scanner) cdata() (done, ok bool) {
	for {
		if n := bytes.Index(s.buf[s.pos:s.end], []byte("]]>")); n >= 0 {
			s.tok, s.text = tokText, s.buf[s.pos:s.pos+n]
			s.pos += n + 3
			return true, true
		}
		if !s.more() {
			s.tok, s.text = tokText, s.buf[s.pos:s.end]
			s.pos = s.end
			return true, true
		}
	}
}

// skip goes behind the next occurrence of mark.
func (s *scanner) skip(mark string) {
	for {
		if n := bytes.Index(s.buf[s.pos:s.end], []byte(mark)); n >= 0 {
			s.pos += n + len(mark)
			return
		}
		s.pos = max(s.pos, s.end-len(mark)+1)
		if !s.more() {
			s.pos = s.end
			return
		}
	}
}

// pass goes behind the end of the element whose start tag was read last. The name is of the element.
func (s *scanner) pass() {
	for depth := 1; depth > 0 && s.next(); {
		switch s.tok {
		case tokStart:
			depth++
		case tokEnd:
			depth--
		}
	}
}

// attr gives the value of an attribute of the start tag, by its local name; nil for none. It is valid up to the next token.
func (s *scanner) attr(name string) []byte {
	for rest := s.rest; ; {
		key, value, next, ok := attribute(rest)
		if !ok {
			return nil
		}
		if string(key[bytes.IndexByte(key, ':')+1:]) == name {
			return value
		}
		rest = next
	}
}

// relation gives the value of the attribute "r:id", whatever the prefix: elements may have an id of their own beside it.
func (s *scanner) relation() []byte {
	for rest := s.rest; ; {
		key, value, next, ok := attribute(rest)
		if !ok {
			return nil
		}
		if bytes.HasSuffix(key, []byte(":id")) {
			return value
		}
		rest = next
	}
}

// attribute reads the first attribute of a tag, and gives what stands behind it.
func attribute(rest []byte) (key, value, next []byte, ok bool) {
	eq := bytes.IndexByte(rest, '=')
	if eq < 0 {
		return nil, nil, nil, false
	}
	key, rest = rest[:eq], rest[eq+1:]
	for len(key) > 0 && isBlank(key[0]) {
		key = key[1:]
	}
	for len(key) > 0 && isBlank(key[len(key)-1]) {
		key = key[:len(key)-1]
	}
	for len(rest) > 0 && isBlank(rest[0]) {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return nil, nil, nil, false
	}
	value = rest[1 : end+1]
	if bytes.IndexByte(value, '&') >= 0 {
		value = unescape(bytes.Clone(value))
	}
	return key, value, rest[end+2:], true
}

// unescape replaces references to characters, in place.
func unescape(b []byte) []byte {
	amp := bytes.IndexByte(b, '&')
	if amp < 0 {
		return b
	}
	out := b[:amp]
	for i := amp; i < len(b); {
		if b[i] == '&' {
			if semi := bytes.IndexByte(b[i:min(len(b), i+maxEntity)], ';'); semi > 0 {
				if r, ok := reference(string(b[i+1 : i+semi])); ok {
					out = utf8.AppendRune(out, r) // never longer than the reference
					i += semi + 1
					continue
				}
			}
		}
		out = append(out, b[i])
		i++
	}
	return out
}

// reference is the character a reference means.
func reference(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, radix := name[1:], 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, radix = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, radix, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}

// xmlCharset is the charset of an XML document that is not in UTF-8, "" for one that is.
func xmlCharset(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("<\x00?\x00")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\xfe\xff")), bytes.HasPrefix(head, []byte("\x00<\x00?")):
		return "utf-16be"
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	head, _, _ = bytes.Cut(head, []byte("?>"))
	_, label, ok := strings.Cut(string(head), "encoding=")
	if !ok || len(label) < 2 {
		return ""
	}
	label, _, _ = strings.Cut(label[1:], label[:1])
	if label = strings.ToLower(label); label == "utf-8" || label == "utf8" || strings.HasPrefix(label, "utf-16") {
		return "" // what is declared in ASCII is not UTF-16
	}
	return label
}
