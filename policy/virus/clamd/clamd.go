// Package clamd asks ClamAV's daemon by its INSTREAM command (clamd(8)).
package clamd

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"tegami/mail"
	"tegami/policy/virus"
)

// Limits of asking clamd.
const (
	chunk       = 64 << 10        // octets sent at once
	maxReply    = 4 << 10         // octets of an answer
	dialTimeout = 5 * time.Second // for a connection
	versionFor  = time.Minute     // for how long what VERSION said is taken
	// DefaultConnections is how many connections are open at once. clamd's MaxThreads is 10 where nobody set it.
	DefaultConnections = 8
)

// Client is an engine. Make it with New.
type Client struct {
	network, address string
	free             chan struct{} // one for each connection that may be open

	mu      sync.Mutex
	version string
	asked   time.Time
}

// New makes a client of the clamd at "host:port", or at the path of a socket. It connects to nothing.
func New(at string, connections int) *Client {
	if connections <= 0 {
		connections = DefaultConnections
	}
	c := &Client{network: "tcp", address: at, free: make(chan struct{}, connections)}
	if strings.HasPrefix(at, "/") {
		c.network = "unix"
	}
	return c
}

// usual is where Debian and others put clamd's socket.
var usual = []string{"/run/clamav/clamd.ctl", "/var/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock", "/run/clamd/clamd.sock"}

// Find gives the path of the first socket in a usual place; "" where there is none.
func Find() string {
	for _, path := range usual {
		if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			return path
		}
	}
	return ""
}

// Name implements virus.Engine.
func (c *Client) Name() string { return "clamd" }

// Scan implements virus.Engine: the message as it came, and each file in it as we decode it, which clamd may do otherwise. Texts of the message are asked
// for by themselves only to find where what was found stands.
func (c *Client) Scan(ctx context.Context, m *virus.Message) (virus.Answer, error) {
	const op = "clamd.Scan"
	whole, a := virus.Answer{Verdict: virus.Clean}, virus.Answer{Verdict: virus.Clean}
	var err error
	if a.Version, err = c.known(ctx); err != nil {
		return a, mail.Wrap(op, err)
	}
	if err := c.part(ctx, &whole, virus.Whole, m.Raw()); err != nil {
		return a, mail.Wrap(op, err)
	}
	for i := range m.Parts {
		if m.Parts[i].Body && whole.Verdict != virus.Infected {
			continue
		}
		if err := c.part(ctx, &a, i, m.Parts[i].Open()); err != nil {
			return a, mail.Wrap(op, err)
		}
	}
	if a.Verdict != virus.Infected { // else the whole has what its parts have
		a.Threats = whole.Threats
	}
	a.Verdict = virus.Worse(a.Verdict, whole.Verdict)
	return a, nil
}

// part asks about some octets, and adds to the answer.
func (c *Client) part(ctx context.Context, a *virus.Answer, part int, r io.Reader) error {
	reply, err := c.command(ctx, "zINSTREAM\x00", r)
	if err != nil {
		return err
	}
	verdict, name, err := readReply(reply)
	a.Verdict = virus.Worse(a.Verdict, verdict)
	if verdict == virus.Infected {
		a.Threats = append(a.Threats, virus.Threat{Engine: c.Name(), Name: name, Part: part})
	}
	return err
}

// readReply reads "stream: OK", "stream: NAME FOUND", and what clamd says of what it does not look into.
func readReply(reply string) (verdict virus.Verdict, name string, err error) {
	text := strings.TrimSpace(strings.TrimPrefix(reply, "stream:"))
	if found, ok := strings.CutSuffix(text, " FOUND"); ok {
		switch {
		case strings.HasPrefix(found, "Heuristics.Encrypted."):
			return virus.Encrypted, found, nil
		case strings.HasPrefix(found, "Heuristics.Limits.Exceeded"):
			return virus.Unscannable, found, nil
		}
		return virus.Infected, found, nil
	}
	switch {
	case text == "OK":
		return virus.Clean, "", nil
	case strings.Contains(text, "size limit exceeded"):
		return virus.Unscannable, "", nil
	}
	return virus.Failed, "", mail.E("clamd.readReply", mail.Unavailable, "virus.engine_says", text)
}

// known is the engine with its database, as VERSION says: "ClamAV 1.4.6/27800/Mon Nov 23 …". It is asked now and then, and a Scan fails with it at once
// where clamd is away.
func (c *Client) known(ctx context.Context) (string, error) {
	c.mu.Lock()
	version, fresh := c.version, time.Since(c.asked) < versionFor
	c.mu.Unlock()
	if fresh {
		return version, nil
	}
	version, err := c.command(ctx, "zVERSION\x00", nil)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.version, c.asked = version, time.Now()
	c.mu.Unlock()
	return version, nil
}

// Ping tells whether clamd answers.
func (c *Client) Ping(ctx context.Context) error {
	reply, err := c.command(ctx, "zPING\x00", nil)
	if err == nil && reply != "PONG" {
		err = mail.E("clamd.Ping", mail.Unavailable, "virus.engine_says", reply)
	}
	return err
}

// command sends a command, with octets in chunks where there are any, and reads the answer. clamd ends the connection after it.
func (c *Client) command(ctx context.Context, command string, r io.Reader) (string, error) {
	const op = "clamd.command"
	select {
	case c.free <- struct{}{}:
		defer func() { <-c.free }()
	case <-ctx.Done():
		return "", mail.Because(op, mail.Busy, "virus.engine_down", ctx.Err())
	}
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, c.network, c.address)
	if err != nil {
		return "", mail.Because(op, mail.Unavailable, "virus.engine_down", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	_, sent := io.WriteString(conn, command)
	if sent == nil && r != nil {
		sent = stream(conn, r)
	}
	var input inputError
	if errors.As(sent, &input) {
		return "", mail.Because(op, mail.Unavailable, "", input.error)
	}
	// An answer may be there although not all was taken: of what is too large.
	reply, err := bufio.NewReader(io.LimitReader(conn, maxReply)).ReadString(0)
	if err != nil {
		return "", mail.Because(op, mail.Unavailable, "virus.engine_down", errors.Join(sent, err))
	}
	return strings.TrimRight(reply, "\x00\r\n"), nil
}

// inputError says that the octets could not be read.
type inputError struct{ error }

// stream sends octets in chunks, each after its length, and a last one of none.
func stream(w io.Writer, r io.Reader) error {
	b := make([]byte, 4+chunk)
	for {
		n, err := io.ReadFull(r, b[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(b, uint32(n))
			if _, err := w.Write(b[:4+n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			_, err = w.Write([]byte{0, 0, 0, 0})
			return err
		case err != nil:
			return inputError{err}
		}
	}
}
