package dialog

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ReadTimeout is how long one line of the server may take, and the handshake of TLS.
const ReadTimeout = 10 * time.Second

// Run speaks the dialog in file with the server at addr, a TCP address. vars are the
// variables it begins with. The test fails at the first thing that is not as written.
func Run(t testing.TB, addr, file string, vars map[string]string) {
	t.Helper()
	run(t, &dialog{addr: addr}, file, vars)
}

// RunConn is Run on a connection that is open already. It closes it.
func RunConn(t testing.TB, conn net.Conn, file string, vars map[string]string) {
	t.Helper()
	d := &dialog{conns: map[string]*peer{"": newPeer(conn)}}
	run(t, d, file, vars)
}

// RunAll runs each file that matches the pattern (as in filepath.Glob) as a test of
// its own; open starts what it speaks with. No such file fails the test.
func RunAll(t *testing.T, pattern string, open func(t testing.TB) (addr string, vars map[string]string)) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogs match %s (%v)", pattern, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			addr, vars := open(t)
			Run(t, addr, file, vars)
		})
	}
}

func run(t testing.TB, d *dialog, file string, vars map[string]string) {
	t.Helper()
	defer d.close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d.vars = newVariables(vars)
	if err := d.play(file, string(text)); err != nil {
		t.Fatal(err)
	}
}

// A dialog is a run of one file.
type dialog struct {
	addr  string
	vars  variables
	conns map[string]*peer
	peer  *peer // spoken with now; nil before the first line
	name  string
	noise *regexp.Regexp // of S*, until the next expectation
	seen  transcript
}

// play parses the text and follows it. The error says file and line, and has the transcript.
func (d *dialog) play(file, text string) error {
	steps, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s:%w", file, err)
	}
	for _, s := range steps {
		if err := d.follow(s); err != nil {
			return fmt.Errorf("%s:%d: %s\n%w\n%s", file, s.line, s.source, err, d.seen.String())
		}
	}
	return nil
}

// follow does one instruction.
func (d *dialog) follow(s step) error {
	switch s.verb {
	case "CONNECT":
		return d.connect(s.text)
	case "SET":
		return d.set(s.text)
	case "WAIT":
		time.Sleep(s.wait)
		return nil
	}
	if d.peer == nil {
		if err := d.connect(""); err != nil {
			return err
		}
	}
	if len(s.verb) == 2 && s.verb[0] == 'S' {
		return d.expect(s)
	}
	return d.act(s)
}

// act does what the client does.
func (d *dialog) act(s step) error {
	text, err := d.vars.expand(s.text, plain)
	if err != nil {
		return err
	}
	switch s.verb {
	case "C:":
		return d.send(text+"\r\n", false)
	case "C-":
		return d.send(text, false)
	case "C{":
		return d.send(fill(s.n, text), true)
	case "STARTTLS":
		d.seen.add(d.name, "--", "TLS")
		return d.peer.startTLS()
	case "DEFLATE":
		d.seen.add(d.name, "--", "DEFLATE")
		return d.peer.deflate()
	case "PLAIN":
		d.seen.add(d.name, "--", "no more DEFLATE")
		return d.peer.inflate()
	case "CLOSE":
		d.seen.add(d.name, "--", "closed by us")
		return d.peer.conn.Close()
	case "CLOSED":
		return d.closed()
	}
	return fmt.Errorf("instruction %s is not built", s.verb)
}

// expect reads what the server says and compares it.
func (d *dialog) expect(s step) error {
	switch s.verb {
	case "S*":
		return d.setNoise(s.text)
	case "S{":
		return d.expectOctets(s)
	case "S~":
		re, err := d.compile(s.text)
		if err != nil {
			return err
		}
		return d.expectLine(s.text, func(line string) bool { return d.capture(re, line) })
	}
	text, err := d.vars.expand(s.text, plain)
	if err != nil {
		return err
	}
	for _, want := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if err := d.expectLine(want, func(line string) bool { return matches(line, want) }); err != nil {
			return err
		}
	}
	return nil
}

// matches tells whether the line is as wanted: exactly, or up to a final "…".
func matches(line, want string) bool {
	if prefix, ok := strings.CutSuffix(want, "…"); ok {
		return strings.HasPrefix(line, prefix)
	}
	return line == want
}

// expectLine reads a line that fits, past noise.
func (d *dialog) expectLine(want string, fits func(string) bool) error {
	for {
		line, err := d.peer.readLine()
		if err != nil {
			d.seen.add(d.name, "S:", line)
			return fmt.Errorf("expected %q, but %w", want, err)
		}
		d.seen.add(d.name, "S:", line)
		switch {
		case fits(line):
			d.noise = nil
			return nil
		case d.noise == nil || !d.noise.MatchString(line):
			return fmt.Errorf("expected %q\n    came %q", want, line)
		}
	}
}

func (d *dialog) expectOctets(s step) error {
	text, err := d.vars.expand(s.text, plain)
	if err != nil {
		return err
	}
	got, err := d.peer.readOctets(s.n)
	d.seen.add(d.name, "S{", string(got))
	if err != nil {
		return fmt.Errorf("expected %d octets, came %d: %w", s.n, len(got), err)
	}
	if text != "" && string(got) != fill(s.n, text) {
		return fmt.Errorf("the %d octets are not %q over and over", s.n, text)
	}
	return nil
}

// closed expects the end, past noise.
func (d *dialog) closed() error {
	for {
		line, err := d.peer.readLine()
		if endOfStream(err) && line == "" {
			d.seen.add(d.name, "--", "closed by the server")
			d.noise = nil
			return nil
		}
		d.seen.add(d.name, "S:", line)
		if err != nil {
			return fmt.Errorf("expected the end, but %w", err)
		}
		if d.noise == nil || !d.noise.MatchString(line) {
			return fmt.Errorf("expected the end\n    came %q", line)
		}
	}
}

func (d *dialog) send(text string, short bool) error {
	if short && len(text) > 60 {
		d.seen.add(d.name, "C{", fmt.Sprintf("%d octets", len(text)))
	} else {
		d.seen.add(d.name, "C:", strings.TrimSuffix(text, "\r\n"))
	}
	return d.peer.write(text)
}

// connect switches to the connection named, opening it if it is not. text is "name [addr] [tls]".
func (d *dialog) connect(text string) error {
	text, err := d.vars.expand(text, plain)
	if err != nil {
		return err
	}
	words := strings.Fields(text)
	withTLS := len(words) > 1 && words[len(words)-1] == "tls"
	if withTLS {
		words = words[:len(words)-1]
	}
	name, addr := "", d.addr
	if len(words) > 0 {
		name = words[0]
	}
	if len(words) > 1 {
		addr = words[1]
	}
	d.name = name
	if p, ok := d.conns[name]; ok {
		d.peer = p
		return nil
	}
	p, err := dial(addr, withTLS)
	if err != nil {
		return err
	}
	if d.conns == nil {
		d.conns = map[string]*peer{}
	}
	d.conns[name], d.peer = p, p
	return nil
}

func (d *dialog) set(text string) error {
	name, value, _ := strings.Cut(text, " ")
	value, err := d.vars.expand(value, plain)
	if err != nil {
		return err
	}
	d.vars.set(name, value)
	return nil
}

func (d *dialog) setNoise(text string) error {
	if text == "" {
		text = ".*"
	}
	re, err := d.compile(text)
	d.noise = re
	return err
}

// compile makes a regexp that matches whole lines.
func (d *dialog) compile(text string) (*regexp.Regexp, error) {
	text, err := d.vars.expand(text, regexp.QuoteMeta)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?s:` + text + `)\z`)
}

// capture matches the line and keeps the named groups as variables.
func (d *dialog) capture(re *regexp.Regexp, line string) bool {
	m := re.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	for i, name := range re.SubexpNames() {
		if name != "" {
			d.vars.set(name, m[i])
		}
	}
	return true
}

func (d *dialog) close() {
	for _, p := range d.conns {
		p.conn.Close() // the dialog is over, whatever comes
	}
}

// fill repeats text up to n octets.
func fill(n int, text string) string {
	if text == "" {
		text = "x"
	}
	return strings.Repeat(text, n/len(text)+1)[:n]
}

// endOfStream tells whether the server ended the connection, also by dropping what it did not read.
func endOfStream(err error) bool {
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.ECONNRESET)
}

func dial(addr string, withTLS bool) (*peer, error) {
	if addr == "" {
		return nil, errors.New("no address to connect to")
	}
	conn, err := net.DialTimeout("tcp", addr, ReadTimeout)
	if err != nil {
		return nil, err
	}
	p := newPeer(conn)
	if !withTLS {
		return p, nil
	}
	if err := p.startTLS(); err != nil {
		conn.Close()
		return nil, err
	}
	return p, nil
}

// insecure accepts every certificate: a dialog tests a protocol, with certificates made for the test.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
