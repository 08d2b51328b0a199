package imapd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/wire/imap"
)

// state is how far a session has come (RFC 9051 §3), one bit each.
type state uint8

const (
	notAuthenticated state = 1 << iota
	authenticated
	selected
	loggedOut
)

// session is one connection.
type session struct {
	srv    *Server
	id     string
	log    *slog.Logger
	raw    net.Conn // as accepted
	link   *link    // raw, or TLS over it
	dec    *imap.Decoder
	out    *imap.Writer
	origin mail.Origin

	state    state
	account  *mailbox.Account // once signed in
	counted  mail.AccountID   // among the account's sessions
	view     *mailbox.View    // of the selected mailbox
	readOnly bool             // by EXAMINE
	saved    []mail.UID       // result of SEARCH RETURN (SAVE) (RFC 5182 §2.1)
	flags    flagTexts

	rev2      bool // ENABLE IMAP4rev2
	utf8      bool // ENABLE UTF8=ACCEPT
	condstore bool // RFC 7162 §3.1: FETCH responses carry MODSEQ

	tag     string
	ended   bool // no tagged response any more: BYE was said, or the connection is gone
	errors  int  // refusals in a row
	failed  int  // sign-ins
	started time.Time

	// What Read waits for. Only poke and stop of the server touch these from other goroutines.
	waiting  bool      // between commands, or in IDLE: a poke ends the wait
	deadline time.Time // of the wait, or of the pause within a command
	poked    atomic.Bool
	stopping atomic.Bool
}

// errPoked ends a wait because something happened elsewhere.
var errPoked = errors.New("imapd: poked")

func newSession(srv *Server, conn net.Conn) *session {
	s := &session{srv: srv, id: obs.NewSessionID(), raw: conn, state: notAuthenticated, started: time.Now()}
	s.link = &link{conn, srv.cfg.Limits.Command}
	s.dec = imap.NewDecoder(s, s.continuation)
	s.out = imap.NewWriter(s.link)
	s.origin = mail.Origin{Door: srv.cfg.Name, Zone: srv.cfg.Zone, Session: s.id, Received: s.started}
	if a, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		s.origin.Remote = a.Addr().Unmap()
	}
	s.log = srv.log.With("session", s.id)
	return s
}

// turnAway says BYE before anything else.
func (s *session) turnAway(key string) {
	if !s.srv.cfg.ImplicitTLS { // who waits for TLS would take it for garbage
		s.bye("UNAVAILABLE", key)
		s.out.Flush()
	}
	s.raw.Close()
}

// serve runs a session from greeting to end.
func (s *session) serve(ctx context.Context) {
	defer s.close()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "value", p, "stack", string(debug.Stack()))
		}
	}()
	if s.srv.cfg.ImplicitTLS && !s.startTLS(ctx) {
		return
	}
	s.log.Debug("connected", "remote", s.origin.Remote, "tls", s.origin.TLS)
	s.out.WriteString("* OK [CAPABILITY " + s.capabilities() + "] " + s.srv.cfg.Hostname + " ready\r\n")
	for !s.ended {
		if err := s.await(); err != nil {
			s.farewell(err)
			return
		}
		if err := s.command(ctx); err != nil {
			s.log.Debug("connection lost", "error", err)
			return
		}
	}
}

// await waits for the next command, within the time the state allows.
func (s *session) await() error {
	s.deadline = time.Now().Add(s.srv.cfg.Limits.Idle)
	if s.state == notAuthenticated {
		s.deadline = s.started.Add(s.srv.cfg.Limits.Login)
	}
	for {
		s.poked.Store(false) // a poke that came late for IDLE
		err := s.wait()
		if !errors.Is(err, errPoked) || s.stopping.Load() {
			return err
		}
	}
}

// wait waits for input until deadline, holding no buffers.
func (s *session) wait() error {
	s.waiting = true
	err := s.dec.Wait()
	s.waiting = false
	if err != nil {
		s.dec.Wake()
	}
	return err
}

// farewell says why a session ends, where its client can still hear it.
func (s *session) farewell(err error) {
	switch {
	case s.stopping.Load():
		s.bye("UNAVAILABLE", "imap.stopping")
	case isTimeout(err):
		s.bye("", "imap.idle_too_long")
	}
	s.out.Flush()
}

// poke ends the session's wait, now or when it begins. Safe from any goroutine.
func (s *session) poke() {
	s.poked.Store(true)
	s.raw.SetReadDeadline(time.Unix(1, 0))
}

// Read is the decoder's source: it writes what is ready before it waits, and keeps the deadlines.
// A poke ends a wait only; within a command it is overlooked.
func (s *session) Read(p []byte) (int, error) {
	if err := s.out.Flush(); err != nil {
		return 0, err
	}
	for {
		deadline := s.patience()
		s.raw.SetReadDeadline(deadline)
		if s.waiting && (s.poked.Load() || s.stopping.Load()) {
			return 0, errPoked
		}
		n, err := s.link.Conn.Read(p)
		if n > 0 || !isTimeout(err) {
			return n, err
		}
		if s.waiting && s.poked.Load() {
			return 0, errPoked
		}
		if time.Now().After(deadline) {
			return 0, err
		}
	}
}

// patience is until when to wait for octets. Within a command each read may take its time, but not before sign-in.
func (s *session) patience() time.Time {
	switch {
	case s.waiting:
		return s.deadline
	case s.state == notAuthenticated:
		return s.started.Add(s.srv.cfg.Limits.Login)
	}
	return time.Now().Add(s.srv.cfg.Limits.Command)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// continuation asks for a literal (RFC 9051 §7.6).
func (s *session) continuation() error {
	s.out.WriteString("+ OK\r\n")
	return s.out.Flush()
}

// startTLS makes the connection a TLS one. It is false when the handshake fails.
func (s *session) startTLS(ctx context.Context) bool {
	limit := s.started.Add(s.srv.cfg.Limits.Login)
	s.raw.SetDeadline(limit)
	conn := tls.Server(s.raw, s.srv.cfg.TLS)
	if err := conn.HandshakeContext(ctx); err != nil {
		s.log.Debug("TLS handshake failed", "error", err, "remote", s.origin.Remote)
		return false
	}
	s.raw.SetDeadline(time.Time{})
	st := conn.ConnectionState()
	s.origin.TLS = fmt.Sprintf("%s %s", tlsVersion(st.Version), tls.CipherSuiteName(st.CipherSuite))
	s.link.Conn = conn
	s.dec.Reset(s)
	return true
}

func tlsVersion(v uint16) string {
	switch v {
	case tls.VersionTLS13:
		return "TLS1.3"
	case tls.VersionTLS12:
		return "TLS1.2"
	}
	return tls.VersionName(v)
}

// secure tells whether passwords may be said on this connection.
func (s *session) secure() bool { return s.origin.TLS != "" || s.srv.cfg.AllowPlainAuth }

// close ends everything the session holds.
func (s *session) close() {
	s.out.Flush()
	s.dec.Release()
	s.unselect()
	if s.account != nil {
		s.account.Close()
	}
	s.link.Close()
	s.log.Debug("disconnected", "after", time.Since(s.started).Round(time.Millisecond))
}

// unselect leaves the selected mailbox.
func (s *session) unselect() {
	if s.view != nil {
		s.view.Close()
		s.view = nil
	}
	s.readOnly, s.saved = false, nil
	if s.state == selected {
		s.state = authenticated
	}
}

// wide tells that names and strings go out in UTF-8.
func (s *session) wide() bool { return s.rev2 || s.utf8 }

// bye says that the session ends, with a response code where there is one for it.
func (s *session) bye(code, key string, args ...any) {
	s.ended = true
	b := append(s.out.Begin(), "* BYE "...)
	if code != "" {
		b = append(append(append(b, '['), code...), "] "...)
	}
	b = append(b, s.srv.words.Text("en", key, args...)...)
	s.out.End(append(b, " (session "+s.id+")\r\n"...))
}
