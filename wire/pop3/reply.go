package pop3

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Code is a response code: what a program can act upon in a -ERR (RFC 2449 §8). Empty: none.
type Code string

// Response codes.
const (
	InUse      Code = "IN-USE"      // RFC 2449 §8.1.2: another session has the box
	LoginDelay Code = "LOGIN-DELAY" // RFC 2449 §8.1.1: too soon after the last sign-in
	SysTemp    Code = "SYS/TEMP"    // RFC 3206 §4: try again later
	SysPerm    Code = "SYS/PERM"    // RFC 3206 §4: somebody must mend it
	Auth       Code = "AUTH"        // RFC 3206 §5: the credentials
	UTF8       Code = "UTF8"        // RFC 6856 §5: needs the UTF8 command
)

// bufferSize is how much of the replies gathers before it is written: a listing
// of 100,000 messages leaves in few writes, and a body in large pieces.
const bufferSize = 32 << 10

// Writer writes replies. Nothing leaves before Flush or a full buffer. The first error of the
// connection sticks, and every later call returns it.
type Writer struct{ out *bufio.Writer }

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{bufio.NewWriterSize(w, bufferSize)} }

// Reset goes on to w, as after STLS. What was not flushed is lost.
func (w *Writer) Reset(to io.Writer) { w.out.Reset(to) }

// Flush sends what has gathered.
func (w *Writer) Flush() error { return w.out.Flush() }

// OK writes a positive reply. Line ends in text become blanks.
func (w *Writer) OK(text string) error { return w.line("+OK", text) }

// Err writes a negative reply.
func (w *Writer) Err(code Code, text string) error {
	if code != "" {
		text = "[" + string(code) + "] " + text
	}
	return w.line("-ERR", text)
}

// Challenge writes a step of AUTH: data is base64 already (RFC 5034 §4).
func (w *Writer) Challenge(data string) error {
	w.out.WriteString("+ ")
	w.out.WriteString(data)
	_, err := w.out.WriteString("\r\n")
	return err
}

func (w *Writer) line(status, text string) error {
	w.out.WriteString(status)
	if text != "" {
		w.out.WriteByte(' ')
		w.out.WriteString(oneLine.Replace(text))
	}
	_, err := w.out.WriteString("\r\n")
	return err
}

var oneLine = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ")

// Line writes a line of a multi-line reply. It must not begin with a dot.
func (w *Writer) Line(text string) error {
	w.out.WriteString(oneLine.Replace(text))
	_, err := w.out.WriteString("\r\n")
	return err
}

// Size writes a line of LIST: message number, octets.
func (w *Writer) Size(n int, octets int64) error {
	line := strconv.AppendInt(w.out.AvailableBuffer(), int64(n), 10)
	line = append(line, ' ')
	line = strconv.AppendInt(line, octets, 10)
	_, err := w.out.Write(append(line, '\r', '\n'))
	return err
}

// UniqueID writes a line of UIDL: message number, unique id (1 to 70 characters 0x21 to 0x7E).
func (w *Writer) UniqueID(n int, id string) error {
	line := strconv.AppendInt(w.out.AvailableBuffer(), int64(n), 10)
	line = append(line, ' ')
	line = append(line, id...)
	_, err := w.out.Write(append(line, '\r', '\n'))
	return err
}

// End writes the dot behind a multi-line reply.
func (w *Writer) End() error {
	_, err := w.out.WriteString(".\r\n")
	return err
}

// Body begins the octets of a message. Write them, then Close it.
func (w *Writer) Body() *Body { return &Body{out: w.out, last: [2]byte{'\r', '\n'}} }
