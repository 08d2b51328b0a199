package compose

import (
	"encoding/base64"
	"io"

	"tegami/mail"
)

const (
	// lineOctets is how many octets a line of base64 holds.
	lineOctets = maxLine / 4 * 3
	// blockSize is how many octets are read and encoded at once.
	blockSize = 256 * lineOctets
)

// Size is how many octets WriteTo writes.
func (p *Prepared) Size() int64 { return int64(len(p.header)) + p.root.size() }

func (n *node) size() int64 {
	size := int64(len(n.fields)) + 2 + int64(len(n.body)) + n.written
	for _, c := range n.parts {
		size += int64(len("--")+len(n.boundary)+len("\r\n")) + c.size() + 2
	}
	if len(n.parts) > 0 {
		size += int64(len("--") + len(n.boundary) + len("--\r\n"))
	}
	return size
}

// base64Size is how many octets the base64 of n octets takes, with its line ends.
func base64Size(n int64) int64 { return (n+2)/3*4 + (n+lineOctets-1)/lineOctets*2 }

// WriteTo writes the message. Conflict "compose.changed" when a part has other octets than its Size says; errors of Open, and w's.
func (p *Prepared) WriteTo(w io.Writer) (int64, error) {
	c := &counter{w: w}
	if _, err := c.Write(p.header); err != nil {
		return c.n, err
	}
	err := p.root.write(c)
	return c.n, err
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (n *node) write(w io.Writer) error {
	head := append(n.fields[:len(n.fields):len(n.fields)], "\r\n"...)
	if _, err := w.Write(append(head, n.body...)); err != nil {
		return err
	}
	if n.open != nil {
		return n.stream(w)
	}
	for _, c := range n.parts {
		if _, err := io.WriteString(w, "--"+n.boundary+"\r\n"); err != nil {
			return err
		}
		if err := c.write(w); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\r\n"); err != nil {
			return err
		}
	}
	if len(n.parts) == 0 {
		return nil
	}
	_, err := io.WriteString(w, "--"+n.boundary+"--\r\n")
	return err
}

// stream writes the octets of a part.
func (n *node) stream(w io.Writer) error {
	r, err := n.open()
	if err != nil {
		return err
	}
	defer r.Close()
	limited := &io.LimitedReader{R: r, N: n.octets + 1} // one more tells that it grew
	if n.coding == "base64" {
		err = write64(w, limited)
	} else {
		err = writeLines(w, limited)
	}
	if err == nil && limited.N != 1 {
		return mail.E("compose.WriteTo", mail.Conflict, "compose.changed")
	}
	return err
}

// write64 writes base64 in lines.
func write64(w io.Writer, r io.Reader) error {
	in := make([]byte, blockSize)
	out := make([]byte, 0, base64Size(blockSize))
	for {
		n, err := io.ReadFull(r, in)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		out = out[:0]
		for b := in[:n]; len(b) > 0; b = b[min(len(b), lineOctets):] {
			out = base64.StdEncoding.AppendEncode(out, b[:min(len(b), lineOctets)])
			out = append(out, '\r', '\n')
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
		if err != nil {
			return nil
		}
	}
}

// writeLines writes lines with CRLF for each LF.
func writeLines(w io.Writer, r io.Reader) error {
	in := make([]byte, blockSize)
	var out []byte
	last := byte(0)
	for {
		n, err := r.Read(in)
		out = out[:0]
		for _, c := range in[:n] {
			if c == '\n' && last != '\r' {
				out = append(out, '\r')
			}
			out = append(out, c)
			last = c
		}
		if _, werr := w.Write(out); werr != nil {
			return werr
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// sight is what a look over octets tells.
type sight struct {
	eight bool  // some are past ASCII
	unfit bool  // they have NUL, a CR alone, or a line past maxRawLine: no message can have them as they are
	bare  int64 // LF without CR
}

// look reads octets once, and counts them.
func look(open func() (io.ReadCloser, error)) (size int64, s sight, err error) {
	r, err := open()
	if err != nil {
		return 0, s, err
	}
	defer r.Close()
	in := make([]byte, blockSize)
	line, last := 0, byte(0)
	for {
		n, err := r.Read(in)
		size += int64(n)
		line, last = s.see(in[:n], line, last)
		switch {
		case err == io.EOF:
			s.unfit = s.unfit || last == '\r'
			return size, s, nil
		case err != nil:
			return size, s, err
		}
	}
}

// see looks at some octets; line is the length of the line they begin in, last the octet before them.
func (s *sight) see(b []byte, line int, last byte) (int, byte) {
	for _, c := range b {
		if last == '\r' && c != '\n' {
			s.unfit = true
		}
		switch {
		case c == '\n':
			if last != '\r' {
				s.bare++
			}
			line = 0
		case c == '\r':
		default:
			line++
			s.eight = s.eight || c >= 0x80
			s.unfit = s.unfit || c == 0 || line > maxRawLine
		}
		last = c
	}
	return line, last
}
