package sieve

import (
	"math"
	"strings"
	"unicode/utf8"
)

// tokenKind is what a token is (RFC 5228 §8.1).
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenTag
	tokenNumber
	tokenString
	tokenPunctuation // text is the one character
	tokenGarbage     // what no token begins with; the fault is told
)

// token is one token, with the line it begins on.
type token struct {
	kind   tokenKind
	text   string // of a tag without its colon; of a string the content with CRLF line ends
	number uint64
	line   int
}

// is tells whether the token is a punctuation mark.
func (t token) is(mark string) bool { return t.kind == tokenPunctuation && t.text == mark }

// String names the token for a fault.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "EOF"
	case tokenTag:
		return "':" + t.text + "'"
	case tokenNumber:
		return "number"
	case tokenString:
		return "string"
	case tokenGarbage:
		return "garbage"
	}
	return "'" + t.text + "'"
}

// lexer cuts a script into tokens.
type lexer struct {
	src    string
	at     int
	line   int
	open   bool // a string or a comment had no end: nothing behind it means anything
	faults *faults
}

// next gives the next token. What is wrong with it is told; it is a token all the same.
func (l *lexer) next() token {
	l.space()
	t := token{line: l.line}
	if l.at == len(l.src) {
		return t
	}
	switch c := l.src[l.at]; {
	case c == '"':
		t.kind = tokenString
		t.text = l.quoted()
	case c == ':' && l.at+1 < len(l.src) && nameStart(l.src[l.at+1]):
		l.at++
		t.kind, t.text = tokenTag, l.name()
	case nameStart(c):
		t.kind, t.text = tokenName, l.name()
		if strings.EqualFold(t.text, "text") && l.at < len(l.src) && l.src[l.at] == ':' {
			t.kind, t.text = tokenString, l.multiLine()
		}
	case digit(c):
		t.kind, t.number = tokenNumber, l.number()
	case strings.IndexByte(";,()[]{}", c) >= 0:
		t.kind, t.text = tokenPunctuation, l.src[l.at:l.at+1]
		l.at++
	default:
		l.garbage()
		t.kind = tokenGarbage
	}
	return t
}

func nameStart(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// space passes over white space and comments (RFC 5228 §2.2, §2.3).
func (l *lexer) space() {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == '\n':
			l.line++
			l.at++
		case c == ' ' || c == '\t' || c == '\r':
			l.at++
		case c == '#':
			l.skipLine()
		case strings.HasPrefix(l.src[l.at:], "/*"):
			l.comment()
		default:
			return
		}
	}
}

// skipLine passes to the end of the line.
func (l *lexer) skipLine() {
	if i := strings.IndexByte(l.src[l.at:], '\n'); i >= 0 {
		l.at += i
		return
	}
	l.at = len(l.src)
}

// comment passes over a bracketed comment.
func (l *lexer) comment() {
	begin := l.line
	text, _, ok := strings.Cut(l.src[l.at+2:], "*/")
	l.line += strings.Count(text, "\n")
	l.at += 2 + len(text) + 2
	if !ok {
		l.endless(begin, "sieve.comment_open")
	}
}

// name reads an identifier. One that is too long is cut, and told.
func (l *lexer) name() string {
	start := l.at
	for l.at < len(l.src) && (nameStart(l.src[l.at]) || digit(l.src[l.at])) {
		l.at++
	}
	name := l.src[start:l.at]
	if len(name) > MaxName {
		l.faults.add(l.line, "sieve.name_long", name[:MaxName]+"...", MaxName)
		name = name[:MaxName]
	}
	return name
}

// number reads a number with its quantifier (RFC 5228 §2.4.1).
func (l *lexer) number() uint64 {
	var n uint64
	fits := true
	for ; l.at < len(l.src) && digit(l.src[l.at]); l.at++ {
		d := uint64(l.src[l.at] - '0')
		if n > (math.MaxUint64-d)/10 {
			fits = false
			continue
		}
		n = n*10 + d
	}
	if l.at < len(l.src) {
		shift := quantifier(l.src[l.at])
		if shift > 0 {
			l.at++
		}
		fits = fits && n <= math.MaxUint64>>shift
		n <<= shift
	}
	if !fits {
		l.faults.add(l.line, "sieve.number_large")
		return math.MaxUint64
	}
	return n
}

// quantifier gives the power of two that K, M or G stand for.
func quantifier(c byte) int {
	switch c | 0x20 {
	case 'k':
		return 10
	case 'm':
		return 20
	case 'g':
		return 30
	}
	return 0
}

// garbage passes over what no token begins with.
func (l *lexer) garbage() {
	r, n := utf8.DecodeRuneInString(l.src[l.at:])
	l.faults.add(l.line, "sieve.garbage", string(r))
	for l.at += n; l.at < len(l.src) && !tokenStart(l.src[l.at]); l.at++ {
	}
}

// tokenStart tells of characters that may begin a token or white space.
func tokenStart(c byte) bool {
	return nameStart(c) || digit(c) || strings.IndexByte("\";,()[]{}:# \t\r\n/", c) >= 0
}

// quoted reads a quoted string. A backslash before another character than a quote or a backslash is left out
// (RFC 5228 §2.4.2).
func (l *lexer) quoted() string {
	begin := l.line
	var b strings.Builder
	for l.at++; l.at < len(l.src); l.at++ {
		switch c := l.src[l.at]; c {
		case '"':
			l.at++
			return l.checked(b.String(), begin)
		case '\\':
			l.at++
			if l.at < len(l.src) {
				l.octet(&b, l.src[l.at])
			}
		default:
			l.octet(&b, c)
		}
	}
	l.endless(begin, "sieve.string_open")
	return b.String()
}

// endless tells of what began on a line and has no end.
func (l *lexer) endless(begin int, key string) {
	l.at, l.open = len(l.src), true
	l.faults.add(begin, key)
}

// octet adds an octet of a string. Every line end becomes CRLF, as it is in messages.
func (l *lexer) octet(b *strings.Builder, c byte) {
	if c == '\n' {
		l.line++
		if s := b.String(); s == "" || s[len(s)-1] != '\r' {
			b.WriteByte('\r')
		}
	}
	b.WriteByte(c)
}

// multiLine reads what follows "text", up to the line with a lone dot (RFC 5228 §2.4.2).
func (l *lexer) multiLine() string {
	begin := l.line
	l.at++
	for l.at < len(l.src) && (l.src[l.at] == ' ' || l.src[l.at] == '\t') {
		l.at++
	}
	if l.at < len(l.src) && l.src[l.at] == '#' {
		l.skipLine()
	}
	if rest, ok := cutLineEnd(l.src[l.at:]); ok {
		l.at = len(l.src) - len(rest)
		l.line++
	} else {
		l.faults.add(begin, "sieve.text_line")
	}
	var b strings.Builder
	for l.at < len(l.src) {
		line, rest, _ := strings.Cut(l.src[l.at:], "\n")
		l.at = len(l.src) - len(rest)
		l.line++
		line = strings.TrimSuffix(line, "\r")
		if line == "." {
			return l.checked(b.String(), begin)
		}
		if strings.HasPrefix(line, "..") {
			line = line[1:]
		}
		b.WriteString(line)
		b.WriteString("\r\n")
	}
	l.endless(begin, "sieve.string_open")
	return b.String()
}

// checked tells of a string that is not UTF-8 (RFC 5228 §2.1) or holds a NUL.
func (l *lexer) checked(s string, line int) string {
	if !utf8.ValidString(s) {
		l.faults.add(line, "sieve.not_utf8")
	} else if strings.IndexByte(s, 0) >= 0 {
		l.faults.add(line, "sieve.nul")
	}
	return s
}

// cutLineEnd takes a line end off the front of s.
func cutLineEnd(s string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, "\r\n"); ok {
		return rest, true
	}
	return strings.CutPrefix(s, "\n")
}
