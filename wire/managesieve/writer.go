package managesieve

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Code is a response code: what a program can act upon (RFC 5804 §1.3). Empty: none.
type Code string

// Response codes.
const (
	EncryptNeeded Code = "ENCRYPT-NEEDED"
	TryLater      Code = "TRYLATER"
	Quota         Code = "QUOTA"
	MaxScripts    Code = "QUOTA/MAXSCRIPTS"
	MaxSize       Code = "QUOTA/MAXSIZE"
	NonExistent   Code = "NONEXISTENT"
	AlreadyExists Code = "ALREADYEXISTS"
	Active        Code = "ACTIVE"
	Warnings      Code = "WARNINGS"
)

// Tag is the response code of NOOP with a tag (RFC 5804 §2.13).
func Tag(tag string) Code { return Code("TAG " + quote(tag)) }

// SASL is the response code with what a mechanism has to say at its end (RFC 5804 §2.1), in base64.
func SASL(data string) Code { return Code("SASL " + quote(data)) }

// Writer writes responses. Nothing leaves before Flush or a full buffer. The first error of the connection sticks, and every
// later call returns it.
type Writer struct{ out *bufio.Writer }

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{bufio.NewWriter(w)} }

// Reset goes on to w, as after STARTTLS. What was not flushed is lost.
func (w *Writer) Reset(to io.Writer) { w.out.Reset(to) }

// Flush sends what has gathered.
func (w *Writer) Flush() error { return w.out.Flush() }

// OK ends a response with success. An empty text is left out.
func (w *Writer) OK(code Code, text string) error { return w.end("OK", code, text) }

// No ends a response with a refusal.
func (w *Writer) No(code Code, text string) error { return w.end("NO", code, text) }

// Bye says that the connection ends (RFC 5804 §1.2).
func (w *Writer) Bye(code Code, text string) error { return w.end("BYE", code, text) }

func (w *Writer) end(status string, code Code, text string) error {
	w.out.WriteString(status)
	if code != "" {
		w.out.WriteString(" (" + string(code) + ")")
	}
	if text != "" {
		w.out.WriteByte(' ')
		w.out.WriteString(quote(text))
	}
	_, err := w.out.WriteString("\r\n")
	return err
}

// Line writes a line of a response: strings, and behind them a word such as ACTIVE; "" for none.
func (w *Writer) Line(word string, strs ...string) error {
	for i, s := range strs {
		if i > 0 {
			w.out.WriteByte(' ')
		}
		w.out.WriteString(quote(s))
	}
	if word != "" {
		w.out.WriteString(" " + word)
	}
	_, err := w.out.WriteString("\r\n")
	return err
}

// Literal writes a line with octets as a literal, as the text of a script.
func (w *Writer) Literal(octets []byte) error {
	w.out.WriteString("{" + strconv.Itoa(len(octets)) + "}\r\n")
	w.out.Write(octets)
	_, err := w.out.WriteString("\r\n")
	return err
}

// quote writes a string: quoted where it can be, else as a literal (RFC 5804 §4).
func quote(s string) string {
	if len(s) > MaxQuoted || strings.ContainsAny(s, "\r\n\x00") {
		return "{" + strconv.Itoa(len(s)) + "}\r\n" + s
	}
	return `"` + escaper.Replace(s) + `"`
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
