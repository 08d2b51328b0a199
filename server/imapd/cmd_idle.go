package imapd

import (
	"context"
	"errors"
	"time"

	"tegami/mail"
	"tegami/wire/imap"
)

// cmdIdle is IDLE (RFC 2177, RFC 9051 §6.3.13). The session waits for the client's DONE as it
// waits for any command, without buffers; a change of the account pokes it.
func cmdIdle(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	s.out.WriteString("+ idling\r\n")
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.view != nil {
		go s.pokeOnChange(s.view.Watch(watching))
	}
	if err := s.idle(ctx); err != nil || s.ended {
		return reply{none: true}, err
	}
	line, err := d.Line(imap.MaxTag)
	if err != nil {
		return reply{}, err
	}
	if !isDone(line) {
		return reply{}, mail.E("imapd.IDLE", mail.Invalid, "imap.syntax", "DONE")
	}
	return reply{}, nil
}

func isDone(line []byte) bool {
	return len(line) == 4 && line[0]|32 == 'd' && line[1]|32 == 'o' && line[2]|32 == 'n' && line[3]|32 == 'e'
}

// pokeOnChange wakes the session at each change. It takes what Watch sends until that ends.
func (s *session) pokeOnChange(changes <-chan mail.ModSeq) {
	for range changes {
		s.poke()
	}
}

// tellIdle tells what changed: exactly what NOTIFY asked for, where it did (RFC 5465 §4).
func (s *session) tellIdle(ctx context.Context) (there bool) {
	if s.notify != nil {
		return s.tellNotified(ctx, true)
	}
	return s.tell(ctx, tellAll)
}

// idle tells of changes until the client says something.
func (s *session) idle(ctx context.Context) error {
	limits := &s.srv.cfg.Limits
	end := time.Now().Add(limits.Idle)
	for {
		s.poked.Store(false)
		if s.barred(ctx) {
			return nil
		}
		if !s.tellIdle(ctx) {
			s.bye("", "mailbox.deleted")
			return nil
		}
		s.deadline = time.Now().Add(limits.Keepalive)
		if s.deadline.After(end) {
			s.deadline = end
		}
		err := s.wait()
		switch {
		case err == nil:
			return nil
		case s.conn.Ending() != nil || isTimeout(err) && !time.Now().Before(end):
			s.farewell(err)
			return nil
		case errors.Is(err, errPoked):
		case isTimeout(err):
			s.out.WriteString("* OK still here\r\n")
		default:
			s.ended = true
			return nil
		}
	}
}
