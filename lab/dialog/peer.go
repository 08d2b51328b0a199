package dialog

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"tegami/wire/deflate"
)

const (
	// maxLine is how long a line of a server may be; a fetched message can be one line.
	maxLine = 64 << 20
	// maxShown is how many octets of a line the transcript shows.
	maxShown = 300
	// maxTranscript is how many lines the transcript shows, the last ones.
	maxTranscript = 200
)

// A peer is one connection to a server.
type peer struct {
	conn net.Conn
	in   *bufio.Reader
}

func newPeer(conn net.Conn) *peer {
	return &peer{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
}

// readLine reads up to CRLF and takes it off. With an error, line is what came before it.
func (p *peer) readLine() (string, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(ReadTimeout)); err != nil {
		return "", err
	}
	var line []byte
	for {
		part, err := p.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == bufio.ErrBufferFull && len(line) <= maxLine:
			continue
		case err != nil:
			return string(line), err
		}
		text, ok := strings.CutSuffix(string(line), "\r\n")
		if !ok {
			return string(line), fmt.Errorf("the line %q ends without CR", line)
		}
		return text, nil
	}
}

func (p *peer) readOctets(n int) ([]byte, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(ReadTimeout)); err != nil {
		return nil, err
	}
	octets := make([]byte, n)
	got, err := io.ReadFull(p.in, octets)
	return octets[:got], err
}

func (p *peer) write(text string) error {
	if err := p.conn.SetWriteDeadline(time.Now().Add(ReadTimeout)); err != nil {
		return err
	}
	_, err := io.WriteString(p.conn, text)
	return err
}

// startTLS does the handshake. Octets the server sent in plain behind its reply are an
// error: a server that mixes the two is open to injection (RFC 3207 §4.2).
func (p *peer) startTLS() error {
	if n := p.in.Buffered(); n > 0 {
		return fmt.Errorf("the server sent %d octets in plain before the handshake", n)
	}
	if err := p.conn.SetDeadline(time.Now().Add(ReadTimeout)); err != nil {
		return err
	}
	secured := tls.Client(p.conn, insecure())
	if err := secured.Handshake(); err != nil {
		return err
	}
	p.conn = secured
	p.in.Reset(secured)
	return p.conn.SetDeadline(time.Time{})
}

// deflated is a compressed connection.
type deflated struct {
	net.Conn
	in  *deflate.Reader
	out *deflate.Writer
}

func (d deflated) Read(b []byte) (int, error)  { return d.in.Read(b) }
func (d deflated) Write(b []byte) (int, error) { return d.out.Write(b) }

// deflate begins compression.
func (p *peer) deflate() error {
	if n := p.in.Buffered(); n > 0 {
		return fmt.Errorf("the server sent %d octets in plain before the compression", n)
	}
	p.conn = deflated{p.conn, deflate.NewReader(p.conn, nil), deflate.NewWriter(p.conn)}
	p.in.Reset(p.conn)
	return nil
}

// inflate ends compression.
func (p *peer) inflate() error {
	d, ok := p.conn.(deflated)
	if !ok || p.in.Buffered() > 0 {
		return fmt.Errorf("compressed: %v, %d octets not read", ok, p.in.Buffered())
	}
	rest, err := d.in.Rest()
	if err != nil {
		return err
	}
	p.conn = d.Conn
	p.in.Reset(io.MultiReader(bytes.NewReader(rest), d.Conn))
	return nil
}

// A transcript is what was said, for the reader of a failure.
type transcript struct{ lines []string }

func (t *transcript) add(name, who, text string) {
	if len(text) > maxShown {
		text = fmt.Sprintf("%s… (%d octets)", text[:maxShown], len(text))
	}
	if name != "" {
		who = name + " " + who
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		t.lines = append(t.lines, who+" "+line)
	}
}

func (t *transcript) String() string {
	lines, cut := t.lines, ""
	if n := len(lines) - maxTranscript; n > 0 {
		lines, cut = lines[n:], fmt.Sprintf(" (without the first %d lines)", n)
	}
	return "transcript" + cut + ":\n  " + strings.Join(lines, "\n  ")
}
