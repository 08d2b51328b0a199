package smtpd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/door"
	"tegami/wire/smtp"
)

// A session is one connection, served by one goroutine.
type session struct {
	srv    *Server
	conn   *door.Conn
	origin *mail.Origin // conn's
	r      *smtp.Reader
	out    []byte // replies that wait until there is nothing more to read
	state  state
	esmtp  bool // greeted with EHLO
	over   bool // the session ends once out is sent
	who    *directory.Identity
	mail   transaction
	count  counters

	bodyEnd time.Time // while a body comes: when it must be there
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

func newSession(srv *Server, conn *door.Conn) *session {
	s := &session{srv: srv, conn: conn, origin: &conn.Origin, state: stateNew}
	s.r = smtp.NewReader(s, srv.blocks)
	return s
}

// Serve is the life of the session.
func (s *session) Serve(ctx context.Context) {
	s.greet(ctx)
	for !s.over {
		line, err := s.r.Line(smtp.MaxAuthLine)
		s.put(s.command(ctx, line, err))
		if why := s.conn.Ending(); why != nil && !s.over {
			s.hangUp(lastWord(why))
		}
	}
	s.flush() // the peer may be gone; there is nobody to tell
}

// lastWord is what is said to a session that has to end.
func lastWord(why error) say {
	if mail.Is(why, mail.Denied) {
		return saySignedOut
	}
	return sayClosing
}

// End forgets what is open.
func (s *session) End(broken bool) {
	if broken {
		s.hangUp(sayBroken)
		s.flush()
	}
	s.abort()
	s.linger()
	s.r.Reset(nil)
	s.conn.Log.Debug("session over", "helo", s.origin.Helo)
}

// lingerTime and lingerOctets bound how long the end of a session that we ended listens
// on, so that the last reply isn't torn away by what the peer had still sent.
const (
	lingerTime   = 200 * time.Millisecond
	lingerOctets = 64 << 10
)

func (s *session) linger() {
	tcp, ok := s.conn.Conn.(*net.TCPConn)
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
	l := &s.srv.config.Limits
	if s.bodyEnd.IsZero() {
		s.conn.Await(time.Now().Add(l.CommandTimeout))
	} else {
		s.conn.Expect(earlier(time.Now().Add(l.DataTimeout), s.bodyEnd))
	}
	return s.conn.Read(p)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// lost is what there is to say when the connection, not a command, went wrong.
func (s *session) lost(err error) smtp.Reply {
	s.over = true
	switch why := s.conn.Ending(); {
	case why != nil:
		return lastWord(why).reply()
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
	s.conn.Log.Log(ctx, level, "refused", "code", r.Code, "err", err)
	return r
}
