package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
	"tegami/wire/smtp"
)

// A session is one connection, served by one goroutine.
type session struct {
	srv    *Server
	socket net.Conn // as accepted
	conn   net.Conn // socket, or TLS over it
	tls    *tls.ConnectionState
	origin mail.Origin
	r      *smtp.Reader
	out    []byte // replies that wait until there is nothing more to read
	state  state
	esmtp  bool // greeted with EHLO
	over   bool // the session ends once out is sent
	who    *directory.Identity
	mail   transaction
	count  counters

	waiting atomic.Bool // for a command
	bodyEnd time.Time   // while a body comes: when it must be there
}

// transaction is what a session knows of the message under way.
type transaction struct {
	Transaction
	opts  mail.Options
	rcpts int            // accepted
	check smtp.LineCheck // of BDAT
	size  int64          // what came by BDAT so far
	held  int64          // octets counted against Limits.BodiesPerNetwork
}

// counters are held against Limits.
type counters struct {
	errors, unrecognised, refused, authFailures, commands int
}

// maxPending is how many octets of replies may wait: a client that sends without
// reading is answered before its batch ends, so that neither waits for the other.
const maxPending = 4 << 10

// errStopping wakes a session when the server goes down.
var errStopping = errors.New("smtpd: stopping")

func newSession(srv *Server, conn net.Conn) *session {
	s := &session{srv: srv, socket: conn, conn: conn, state: stateNew}
	s.origin = mail.Origin{Door: srv.config.Name, Zone: srv.config.Zone, Remote: remoteOf(conn), Session: obs.NewSessionID(), Received: time.Now()}
	s.r = smtp.NewReader(s, srv.blocks)
	return s
}

func remoteOf(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// turnAway tells a peer that there are too many.
func (s *session) turnAway() {
	defer s.socket.Close()
	if !s.srv.config.ImplicitTLS {
		s.put(sayTooManyConnections.reply())
		s.flush() // whether it hears that or not
	}
}

// serve is the life of the session.
func (s *session) serve(ctx context.Context) {
	defer s.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.srv.config.ImplicitTLS && !s.handshake(ctx) {
		return
	}
	s.greet(ctx)
	for !s.over {
		line, err := s.r.Line(smtp.MaxAuthLine)
		s.put(s.command(ctx, line, err))
		if s.srv.stopping.Load() && !s.over {
			s.hangUp(sayClosing)
		}
	}
	s.flush() // the peer may be gone; there is nobody to tell
}

// end closes the connection and forgets what is open. A panic ends this session and no
// other: it is a bug, and logged as one.
func (s *session) end() {
	if p := recover(); p != nil {
		s.log(slog.LevelError, "panic in a session", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		s.hangUp(sayBroken)
		s.flush()
	}
	s.abort()
	s.linger()
	s.conn.Close()
	s.r.Reset(nil)
	s.log(slog.LevelDebug, "session over", slog.String("helo", s.origin.Helo))
}

// lingerTime and lingerOctets bound how long the end of a session that we ended listens
// on, so that the last reply isn't torn away by what the peer had still sent.
const (
	lingerTime   = 200 * time.Millisecond
	lingerOctets = 64 << 10
)

func (s *session) linger() {
	tcp, ok := s.conn.(*net.TCPConn)
	if !ok || s.state == stateQuit || tcp.CloseWrite() != nil {
		return
	}
	tcp.SetReadDeadline(time.Now().Add(lingerTime))
	io.CopyN(io.Discard, tcp, lingerOctets)
}

// hangUp says a last thing.
func (s *session) hangUp(last say) {
	s.put(last.reply())
	s.over = true
}

// put writes a reply for the next flush. Every refusal carries the session's id,
// by which the operator finds its log lines; a zero reply is none.
func (s *session) put(r smtp.Reply) {
	if r.Code == 0 {
		return
	}
	note := ""
	if r.Code >= 400 {
		note = " (s: " + s.origin.Session + ")"
	}
	s.out = r.AppendTo(s.out, note)
	if len(s.out) > maxPending && s.flush() != nil {
		s.over = true
	}
}

// flush sends what is written.
func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	s.conn.SetWriteDeadline(time.Now().Add(s.srv.config.Limits.WriteTimeout)) // an error shows in the write
	_, err := s.conn.Write(s.out)
	s.out = s.out[:0]
	if cap(s.out) > maxPending {
		s.out = nil
	}
	return err
}

// Read is what the smtp.Reader reads from. It is asked only when nothing is buffered
// that could be worked on: the moment to answer the whole batch (RFC 2920 §3.2).
func (s *session) Read(p []byte) (int, error) {
	if err := s.flush(); err != nil {
		return 0, err
	}
	inBody := !s.bodyEnd.IsZero()
	s.waiting.Store(!inBody)
	defer s.waiting.Store(false)
	s.conn.SetReadDeadline(s.patience(inBody)) // an error shows in the read
	if s.srv.stopping.Load() && !inBody {
		return 0, errStopping // or wake came before the deadline was set
	}
	return s.conn.Read(p)
}

// patience is until when the next octets must come.
func (s *session) patience(inBody bool) time.Time {
	l := &s.srv.config.Limits
	if !inBody {
		return time.Now().Add(l.CommandTimeout)
	}
	if next := time.Now().Add(l.DataTimeout); next.Before(s.bodyEnd) {
		return next
	}
	return s.bodyEnd
}

// wake ends the wait for a command. The server calls it once it is stopping.
func (s *session) wake() {
	if s.waiting.Load() {
		s.socket.SetReadDeadline(time.Unix(1, 0))
	}
}

// lost is what there is to say when the connection, not a command, went wrong.
func (s *session) lost(err error) smtp.Reply {
	s.over = true
	switch {
	case s.srv.stopping.Load():
		return sayClosing.reply()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return sayIdle.reply()
	case errors.Is(err, smtp.ErrEndless):
		return sayTooManyErrors.reply()
	}
	return smtp.Reply{}
}

// refuse turns an error into a reply, or ends the session when it came from the connection.
func (s *session) refuse(ctx context.Context, err error) smtp.Reply {
	if !smtp.InStep(err) {
		return s.lost(err)
	}
	r := replyTo(err)
	level := slog.LevelInfo
	if k := mail.KindOf(err); k == mail.Other || k == mail.Unavailable {
		level = slog.LevelError
	}
	s.srv.log.LogAttrs(ctx, level, "refused", slog.String("session", s.origin.Session), slog.Int("code", r.Code), slog.Any("err", err))
	return r
}

func (s *session) log(level slog.Level, msg string, attrs ...slog.Attr) {
	if s.srv.log.Enabled(context.Background(), level) {
		attrs = append(attrs, slog.String("session", s.origin.Session), slog.String("door", s.origin.Door), slog.String("remote", s.origin.Remote.String()))
		s.srv.log.LogAttrs(context.Background(), level, msg, attrs...)
	}
}

// handshake goes over to TLS.
func (s *session) handshake(ctx context.Context) bool {
	conn := tls.Server(s.socket, s.srv.config.TLS)
	ctx, cancel := context.WithTimeout(ctx, s.srv.config.Limits.HandshakeTimeout)
	defer cancel()
	s.socket.SetDeadline(time.Time{}) // the context has it
	if err := conn.HandshakeContext(ctx); err != nil {
		s.log(slog.LevelInfo, "TLS handshake failed", slog.Any("err", err))
		s.over = true
		return false
	}
	st := conn.ConnectionState()
	s.conn, s.tls = conn, &st
	s.origin.TLS = strings.ReplaceAll(tls.VersionName(st.Version), " ", "") + " " + tls.CipherSuiteName(st.CipherSuite)
	return true
}
