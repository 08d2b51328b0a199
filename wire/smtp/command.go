package smtp

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// Verb is what a command asks for.
type Verb uint8

// The verbs.
const (
	Unknown  Verb = iota
	Helo          // RFC 5321 §4.1.1.1
	Ehlo          // RFC 5321 §4.1.1.1
	Mail          // RFC 5321 §4.1.1.2
	Rcpt          // RFC 5321 §4.1.1.3
	Data          // RFC 5321 §4.1.1.4
	Bdat          // RFC 3030 §2
	Rset          // RFC 5321 §4.1.1.5
	Noop          // RFC 5321 §4.1.1.9
	Quit          // RFC 5321 §4.1.1.10
	Vrfy          // RFC 5321 §4.1.1.6
	Expn          // RFC 5321 §4.1.1.7
	Help          // RFC 5321 §4.1.1.8
	StartTLS      // RFC 3207
	Auth          // RFC 4954
	Verbs         // how many there are
)

var verbNames = [Verbs]string{"unknown", "HELO", "EHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP", "STARTTLS", "AUTH"}

func (v Verb) String() string { return verbNames[v] }

// verbOf finds a verb without regard to case.
func verbOf(word []byte) Verb {
	var up [8]byte
	if len(word) > len(up) {
		return Unknown
	}
	for i, c := range word {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		up[i] = c
	}
	for v := Helo; v < Verbs; v++ {
		if string(up[:len(word)]) == verbNames[v] {
			return v
		}
	}
	return Unknown
}

// Command is a line taken apart.
type Command struct {
	Verb Verb
	Args string // what follows the verb, without the white space around it
}

// ParseCommand takes a line apart. An unknown verb is no error. Control characters
// and octets that are not UTF-8 give Invalid with the key "smtp.syntax", a line over
// MaxCommandLine that isn't AUTH Full with "smtp.line.too_long".
func ParseCommand(line []byte) (Command, error) {
	const op = "smtp.ParseCommand"
	i := 0
	for i < len(line) && line[i] != ' ' && line[i] != '\t' {
		i++
	}
	c := Command{Verb: verbOf(line[:i])}
	if len(line) > MaxCommandLine && c.Verb != Auth {
		return c, mail.E(op, mail.Full, "smtp.line.too_long", MaxCommandLine)
	}
	c.Args = strings.Trim(string(line[i:]), " \t")
	if !isText(c.Args) {
		return c, mail.E(op, mail.Invalid, "smtp.syntax")
	}
	return c, nil
}

// isText tells whether s is UTF-8 without control characters.
func isText(s string) bool {
	ascii := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
		ascii = ascii && s[i] < 0x80
	}
	return ascii || utf8.ValidString(s)
}

// ParseBdat reads the arguments of BDAT, "size [LAST]" (RFC 3030 §2). An error is
// Invalid with the key "smtp.syntax"; the stream is out of step then, for nobody
// knows how many octets follow.
func ParseBdat(args string) (size int64, last bool, err error) {
	number, rest, more := strings.Cut(args, " ")
	last = strings.EqualFold(strings.Trim(rest, " "), "LAST")
	size, err = strconv.ParseInt(number, 10, 64)
	if err != nil || !isDigits(number) || more && !last {
		return 0, false, mail.E("smtp.ParseBdat", mail.Invalid, "smtp.syntax")
	}
	return size, last, nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// IsDomain tells whether s can be the argument of HELO or EHLO: a domain or an
// address literal (RFC 5321 §4.1.1.1). Underscores and a final dot are common and pass.
func IsDomain(s string) bool {
	if s == "" || len(s) > mail.MaxDomain {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte(`()<>@,;"\`, c) >= 0 {
			return false
		}
	}
	return true
}
