package imapd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/server/door"
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
	srv  *Server
	id   string
	log  *slog.Logger
	conn *door.Conn
	link *link // what conn carries
	dec  *imap.Decoder
	out  *imap.Writer

	state    state
	account  *mailbox.Account // once signed in
	view     *mailbox.View    // of the selected mailbox
	readOnly bool             // by EXAMINE
	saved    []mail.UID       // result of SEARCH RETURN (SAVE) (RFC 5182 §2.1), ascending
	live     []*liveSearch    // searches that are kept up to date (RFC 5267 §4.3)
	flags    flagTexts

	rev2      bool // ENABLE IMAP4rev2
	utf8      bool // ENABLE UTF8=ACCEPT
	condstore bool // RFC 7162 §3.1: FETCH responses carry MODSEQ
	qresync   bool // ENABLE QRESYNC
	uidOnly   bool // ENABLE UIDONLY

	notify   *notifying // what NOTIFY asked for; nil: nothing yet
	added    []mail.UID // messages this client put into the selected mailbox and was not told of yet
	exists   uint32     // messages in the selected mailbox, as the client was told last
	numbered bool       // this command's arguments named messages by numbers where UIDs are usual
	mustTell bool       // of this command's own doing, whatever NOTIFY asked for

	expunged   bool      // it was told that messages vanished, and not yet up to where it knows every change
	progressAt time.Time // when to tell how far the command is

	tag     string
	ended   bool      // no tagged response any more: BYE was said, or the connection is gone
	errors  int       // refusals in a row
	failed  int       // sign-ins
	entered time.Time // the connection came, or UNAUTHENTICATE: from then on the client has Limits.Login to sign in

	// What Read waits for. Only poke touches these from other goroutines.
	waiting  bool      // between commands, or in IDLE: a poke ends the wait
	deadline time.Time // of the wait, or of the pause within a command
	poked    atomic.Bool
	linger   time.Duration // how long a silent connection keeps its compressor
}

// errPoked ends a wait because something happened elsewhere.
var errPoked = errors.New("imapd: poked")

func openSession(srv *Server, c *door.Conn) *session {
	s := &session{srv: srv, id: c.Origin.Session, log: c.Log, conn: c, state: notAuthenticated, entered: c.Origin.Received, linger: linger}
	s.link = &link{Conn: c.Conn, limit: srv.cfg.Limits.Command}
	s.dec = imap.NewDecoder(s, s.continuation)
	s.dec.Stranger = true
	s.out = imap.NewWriter(s.link)
	return s
}

// Serve runs a session from greeting to end.
func (s *session) Serve(ctx context.Context) {
	s.log.Debug("connected", "tls", s.conn.Origin.TLS)
	s.out.WriteString("* OK [CAPABILITY " + s.capabilities() + "] " + s.srv.cfg.Hostname + " ready\r\n")
	for !s.ended {
		if err := s.await(ctx); err != nil {
			s.farewell(err)
			return
		}
		if s.ended {
			return
		}
		if err := s.command(ctx); err != nil {
			s.log.Debug("connection lost", "error", err)
			return
		}
	}
}

// await waits for the next command, within the time the state allows, and tells meanwhile what the client asked for by NOTIFY.
func (s *session) await(ctx context.Context) error {
	s.deadline = time.Now().Add(s.srv.cfg.Limits.Idle)
	if s.state == notAuthenticated {
		s.deadline = s.entered.Add(s.srv.cfg.Limits.Login)
	}
	for {
		s.poked.Store(false) // a poke that came late for IDLE
		if !s.tellNotified(ctx, false) {
			s.bye("", "mailbox.deleted")
			return nil
		}
		err := s.wait()
		if !errors.Is(err, errPoked) || s.conn.Ending() != nil {
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
	switch why := s.conn.Ending(); {
	case why != nil:
		s.leave(why)
	case isTimeout(err):
		s.bye("", "imap.idle_too_long")
	}
	s.out.Flush()
}

// leave says BYE for a reason that is not the client's doing.
func (s *session) leave(why error) {
	code := ""
	if mail.Is(why, mail.Busy) {
		code = "UNAVAILABLE"
	}
	key, args := mail.TextOf(why)
	s.bye(code, key, args...)
}

// poke ends the session's wait, now or when it begins. Safe from any goroutine.
func (s *session) poke() {
	s.poked.Store(true)
	s.conn.SetReadDeadline(time.Unix(1, 0))
}

// linger is how long a compressed connection keeps its compressor while nothing is said: about as long as a client thinks between two
// commands, not as long as its user does.
const linger = 2 * time.Second

// Read is the decoder's source: it writes what is ready before it waits, and keeps the deadlines.
// A poke ends a wait only; within a command it is overlooked.
func (s *session) Read(p []byte) (int, error) {
	if err := s.out.Flush(); err != nil {
		return 0, err
	}
	for resting := s.link.in == nil; ; {
		deadline, until := s.patience(), time.Now().Add(s.linger)
		if resting || until.After(deadline) {
			until = deadline
		}
		s.conn.SetReadDeadline(until)
		if s.waiting && (s.poked.Load() || s.conn.Ending() != nil) {
			return 0, errPoked
		}
		n, err := s.link.Read(p)
		if n > 0 || !isTimeout(err) {
			return n, err
		}
		if s.waiting && s.poked.Load() {
			return 0, errPoked
		}
		if time.Now().After(deadline) {
			return 0, err
		}
		s.link.rest()
		resting = true
	}
}

// patience is until when to wait for octets. Within a command each read may take its time, but not before sign-in.
func (s *session) patience() time.Time {
	switch {
	case s.waiting:
		return s.deadline
	case s.state == notAuthenticated:
		return s.entered.Add(s.srv.cfg.Limits.Login)
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
	if s.conn.StartTLS(ctx) != nil {
		return false
	}
	s.link.Conn = s.conn.Conn
	s.dec.Reset(s)
	return true
}

// secure tells whether passwords may be said on this connection.
func (s *session) secure() bool { return s.conn.IsTLS() || s.srv.cfg.AllowPlainAuth }

// End gives back everything the session holds.
func (s *session) End(bool) {
	s.out.Flush()
	s.dec.Release()
	s.link.rest()
	s.endNotify()
	s.unselect()
	if s.account != nil {
		s.account.Close()
	}
	s.log.Debug("disconnected", "after", time.Since(s.conn.Origin.Received).Round(time.Millisecond))
}

// unselect leaves the selected mailbox.
func (s *session) unselect() {
	if s.view != nil {
		s.view.Close()
		s.view = nil
	}
	s.readOnly, s.saved, s.live, s.added = false, nil, nil, nil
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
