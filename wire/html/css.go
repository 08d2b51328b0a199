package html

import (
	"strings"
	"unicode/utf8"
)

// kind is what a token of CSS is (CSS Syntax Level 3 §4).
type kind uint8

const (
	tEnd kind = iota
	tIdent
	tFunction // its opening bracket is part of it
	tAt
	tHash
	tString
	tURL
	tNumber
	tPercentage
	tDimension
	tDelim
	tSpace // blanks and comments
	tBad   // a string or url() that is broken
)

// token is a piece of CSS. Of names, strings and addresses text has no escapes.
type token struct {
	kind kind
	text string // of a number its digits; of a delimiter the character
	unit string // of a dimension, in lower case
}

func (t token) is(c string) bool { return t.kind == tDelim && t.text == c }

// lexer parts CSS into tokens.
type lexer struct {
	src string
	at  int
}

// newLexer reads CSS, of which carriage returns, form feeds and NUL are made what the standard says (§3.3).
func newLexer(src string) *lexer {
	if strings.ContainsAny(src, "\r\f\x00") {
		src = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\f", "\n", "\x00", "\uFFFD").Replace(src)
	}
	return &lexer{src: src}
}

func (l *lexer) peek(ahead int) byte {
	if l.at+ahead >= len(l.src) {
		return 0
	}
	return l.src[l.at+ahead]
}

// next gives the next token.
func (l *lexer) next() token {
	if l.at >= len(l.src) {
		return token{kind: tEnd}
	}
	if l.blanks() {
		return token{kind: tSpace, text: " "}
	}
	switch c := l.src[l.at]; {
	case c == '"' || c == '\'':
		l.at++
		return l.quoted(c)
	case c == '#' && (nameByte(l.peek(1)) || l.escape(1)):
		l.at++
		return token{kind: tHash, text: l.name()}
	case l.number():
		return l.numeric()
	case l.ident():
		return l.identLike()
	case c == '@':
		l.at++
		if l.ident() {
			return token{kind: tAt, text: strings.ToLower(l.name())}
		}
		return token{kind: tDelim, text: "@"}
	case strings.HasPrefix(l.src[l.at:], "<!--"):
		l.at += 4
		return token{kind: tSpace, text: " "}
	case strings.HasPrefix(l.src[l.at:], "-->"):
		l.at += 3
		return token{kind: tSpace, text: " "}
	default:
		_, size := utf8.DecodeRuneInString(l.src[l.at:])
		l.at += size
		return token{kind: tDelim, text: l.src[l.at-size : l.at]}
	}
}

// blanks passes over blanks and comments.
func (l *lexer) blanks() bool {
	begin := l.at
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case blank(c):
			l.at++
		case c == '/' && l.peek(1) == '*':
			end := strings.Index(l.src[l.at+2:], "*/")
			if end < 0 {
				l.at = len(l.src)
				return true
			}
			l.at += end + 4
		default:
			return l.at > begin
		}
	}
	return l.at > begin
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

func nameStart(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

func nameByte(c byte) bool { return nameStart(c) || '0' <= c && c <= '9' || c == '-' }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// escape tells whether an escape begins so far ahead.
func (l *lexer) escape(ahead int) bool {
	return l.peek(ahead) == '\\' && l.at+ahead+1 < len(l.src) && l.peek(ahead+1) != '\n'
}

// ident tells whether a name begins here (§4.3.9).
func (l *lexer) ident() bool {
	switch c := l.peek(0); {
	case c == '-':
		return nameStart(l.peek(1)) || l.peek(1) == '-' || l.escape(1)
	case nameStart(c):
		return true
	}
	return l.escape(0)
}

// number tells whether a number begins here (§4.3.10).
func (l *lexer) number() bool {
	n := 0
	if c := l.peek(0); c == '+' || c == '-' {
		n = 1
	}
	return digit(l.peek(n)) || l.peek(n) == '.' && digit(l.peek(n+1))
}

// name reads a name without its escapes.
func (l *lexer) name() string {
	begin := l.at
	for l.at < len(l.src) && nameByte(l.src[l.at]) {
		l.at++
	}
	if !l.escape(0) {
		return l.src[begin:l.at]
	}
	var b strings.Builder
	b.WriteString(l.src[begin:l.at])
	for l.at < len(l.src) {
		switch {
		case nameByte(l.src[l.at]):
			b.WriteByte(l.src[l.at])
			l.at++
		case l.escape(0):
			l.at++
			b.WriteRune(l.escaped())
		default:
			return b.String()
		}
	}
	return b.String()
}

// escaped reads what stands behind a backslash (§4.3.7).
func (l *lexer) escaped() rune {
	code, n := rune(0), 0
	for n < 6 && nibble(l.peek(n)) >= 0 {
		code = code<<4 | rune(nibble(l.peek(n)))
		n++
	}
	if n == 0 {
		c, size := utf8.DecodeRuneInString(l.src[l.at:])
		l.at += size
		return c
	}
	l.at += n
	if blank(l.peek(0)) {
		l.at++
	}
	if code == 0 || code > utf8.MaxRune || !utf8.ValidRune(code) {
		return utf8.RuneError
	}
	return code
}

// quoted reads a string behind its opening mark (§4.3.5).
func (l *lexer) quoted(mark byte) token {
	var b strings.Builder
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == mark:
			l.at++
			return token{kind: tString, text: b.String()}
		case c == '\n':
			return token{kind: tBad}
		case c == '\\' && l.at+1 >= len(l.src):
			l.at++
		case c == '\\' && l.peek(1) == '\n':
			l.at += 2
		case c == '\\':
			l.at++
			b.WriteRune(l.escaped())
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	return token{kind: tString, text: b.String()}
}

// numeric reads a number with what stands behind it (§4.3.3).
func (l *lexer) numeric() token {
	begin := l.at
	if c := l.peek(0); c == '+' || c == '-' {
		l.at++
	}
	l.digits()
	if l.peek(0) == '.' && digit(l.peek(1)) {
		l.at++
		l.digits()
	}
	if l.peek(0)|0x20 == 'e' && (digit(l.peek(1)) || (l.peek(1) == '+' || l.peek(1) == '-') && digit(l.peek(2))) {
		l.at += 2
		l.digits()
	}
	t := token{kind: tNumber, text: l.src[begin:l.at]}
	switch {
	case l.ident():
		t.kind, t.unit = tDimension, strings.ToLower(l.name())
	case l.peek(0) == '%':
		l.at++
		t.kind = tPercentage
	}
	return t
}

func (l *lexer) digits() {
	for digit(l.peek(0)) {
		l.at++
	}
}

// identLike reads a name, a function's beginning or an address (§4.3.4).
func (l *lexer) identLike() token {
	name := l.name()
	if l.peek(0) != '(' {
		return token{kind: tIdent, text: name}
	}
	l.at++
	if !strings.EqualFold(name, "url") {
		return token{kind: tFunction, text: strings.ToLower(name)}
	}
	l.blanks()
	if c := l.peek(0); c == '"' || c == '\'' {
		l.at++
		t := l.quoted(c)
		l.blanks()
		if t.kind == tString && l.peek(0) == ')' {
			l.at++
			return token{kind: tURL, text: t.text}
		}
		return l.badURL()
	}
	return l.bareURL()
}

// bareURL reads an address without marks (§4.3.6).
func (l *lexer) bareURL() token {
	var b strings.Builder
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == ')':
			l.at++
			return token{kind: tURL, text: b.String()}
		case blank(c):
			for blank(l.peek(0)) {
				l.at++
			}
			if l.at < len(l.src) && l.peek(0) != ')' {
				return l.badURL()
			}
		case c == '"' || c == '\'' || c == '(' || c < ' ' || c == 0x7F:
			return l.badURL()
		case c == '\\':
			if !l.escape(0) {
				return l.badURL()
			}
			l.at++
			b.WriteRune(l.escaped())
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	return token{kind: tURL, text: b.String()}
}

// badURL passes over the rest of a broken address (§4.3.14).
func (l *lexer) badURL() token {
	for l.at < len(l.src) {
		switch {
		case l.src[l.at] == ')':
			l.at++
			return token{kind: tBad}
		case l.escape(0):
			l.at++
			l.escaped()
		default:
			l.at++
		}
	}
	return token{kind: tBad}
}
