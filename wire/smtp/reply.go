package smtp

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Reply is an answer of a server (RFC 5321 §4.2).
type Reply struct {
	Code     int      // 200 to 599
	Enhanced [3]int   // RFC 3463; zero: none
	Lines    []string // at least one; without code and enhanced code
}

// Limits of a reply that the client reads.
const (
	maxReplyLines    = 128
	maxReplyLineRead = 2048 // octets; some servers write more than MaxReplyLine
	maxReplyKept     = 1024 // octets of its lines that are kept while others of the same transaction are read, or one line
)

// R makes a reply of one line.
func R(code int, enhanced [3]int, text string) Reply {
	return Reply{Code: code, Enhanced: enhanced, Lines: []string{text}}
}

// OK tells whether the command succeeded, 2xx.
func (r Reply) OK() bool { return r.Code/100 == 2 }

// More tells whether the server waits for more, 3xx.
func (r Reply) More() bool { return r.Code/100 == 3 }

// Temporary tells whether the command may succeed later, 4xx.
func (r Reply) Temporary() bool { return r.Code/100 == 4 }

// String is the reply in one line, for logs and delivery reports.
func (r Reply) String() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(r.Code))
	if r.Enhanced != ([3]int{}) {
		b.WriteString(" " + r.enhanced())
	}
	for _, l := range r.Lines {
		b.WriteString(" " + l)
	}
	return b.String()
}

func (r Reply) enhanced() string {
	return strconv.Itoa(r.Enhanced[0]) + "." + strconv.Itoa(r.Enhanced[1]) + "." + strconv.Itoa(r.Enhanced[2])
}

// AppendTo writes the reply as it goes over the wire, with the enhanced code in every
// line (RFC 2034 §4), and note, if any, behind the last. No line is longer than
// MaxReplyLine; the note always fits. Octets that aren't printable ASCII become "?".
func (r Reply) AppendTo(dst []byte, note string) []byte {
	for i, line := range r.Lines {
		start := len(dst)
		dst = strconv.AppendInt(dst, int64(r.Code), 10)
		last := i == len(r.Lines)-1
		tail := ""
		if last {
			dst, tail = append(dst, ' '), note
		} else {
			dst = append(dst, '-')
		}
		if r.Enhanced != ([3]int{}) {
			dst = r.appendEnhanced(dst)
		}
		room := MaxReplyLine - len("\r\n") - len(tail) - (len(dst) - start)
		dst = appendText(dst, line[:min(len(line), max(room, 0))])
		dst = append(appendText(dst, tail), '\r', '\n')
	}
	return dst
}

func (r Reply) appendEnhanced(dst []byte) []byte {
	for i, n := range r.Enhanced {
		dst = strconv.AppendInt(dst, int64(n), 10)
		if i < 2 {
			dst = append(dst, '.')
		}
	}
	return append(dst, ' ')
}

func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' {
			c = '?'
		}
		dst = append(dst, c)
	}
	return dst
}

// ErrReply is given for what is no reply, or one without end: whoever speaks there
// isn't understood, and the connection is of no more use.
var ErrReply = errors.New("smtp: malformed reply")

// ReadReply reads a reply with all its lines. Errors are those of the connection, and ErrReply.
func ReadReply(r *Reader) (Reply, error) {
	var reply Reply
	for len(reply.Lines) < maxReplyLines {
		line, err := r.shortLine(maxReplyLineRead)
		switch {
		case err == nil:
		case err == errLong || InStep(err):
			return reply, ErrReply
		default:
			return reply, noEOF(err)
		}
		more, ok := reply.add(string(line))
		if !ok {
			break
		}
		if !more {
			return reply, nil
		}
	}
	return reply, ErrReply
}

// shorten gives up lines of a long reply: a message may have many recipients, and a server may have much to say about each.
func (r *Reply) shorten() {
	size := 0
	for i, l := range r.Lines {
		if size += len(l); size > maxReplyKept && i > 0 {
			r.Lines = slices.Clone(r.Lines[:i])
			return
		}
	}
}

// add takes one line in and tells whether more must follow.
func (r *Reply) add(line string) (more, ok bool) {
	if len(line) < 3 || !isDigits(line[:3]) || line[0] < '2' || line[0] > '5' {
		return false, false
	}
	code, _ := strconv.Atoi(line[:3]) // three digits
	if r.Code != 0 && r.Code != code {
		return false, false
	}
	r.Code = code
	text := ""
	if len(line) > 3 {
		more, text = line[3] == '-', line[4:]
		if !more && line[3] != ' ' {
			return false, false
		}
	}
	if e, rest, found := cutEnhanced(text); found && e[0] == code/100 {
		r.Enhanced, text = e, rest
	}
	r.Lines = append(r.Lines, text)
	return more, true
}

// cutEnhanced takes "5.1.1 " off a line (RFC 3463 §2).
func cutEnhanced(s string) (e [3]int, rest string, ok bool) {
	word, rest, _ := strings.Cut(s, " ")
	for i := range e {
		part, more, found := strings.Cut(word, ".")
		if !isDigits(part) || len(part) > 3 || found != (i < 2) {
			return e, s, false
		}
		e[i], _ = strconv.Atoi(part) // one to three digits
		word = more
	}
	return e, rest, true
}
