package imapd

import (
	"context"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// tell tells of what happened in the selected mailbox. It is false when that was deleted: the session can only end then.
func (s *session) tell(ctx context.Context, what telling) (there bool) {
	if s.view == nil || what == tellNothing {
		return true
	}
	events, err := s.view.Poll(ctx, what == tellAll)
	if mail.Is(err, mail.NotFound) {
		return false
	}
	if err != nil {
		s.log.Error("poll failed", "error", err) // the next command tries again
		return true
	}
	if s.view.Rights() != s.flags.rights { // RFC 4314 §5.1.1: what may be changed now
		if err := s.learnFlags(ctx); err != nil {
			s.log.Error("reading keywords failed", "error", err)
		}
	}
	s.tellEvents(ctx, events)
	return true
}

// tellEvents writes events in their order.
func (s *session) tellEvents(ctx context.Context, events []mailbox.Event) {
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case mailbox.Expunged:
			s.untagged(e.Seq, " EXPUNGE\r\n")
		case mailbox.Exists:
			s.untagged(e.N, " EXISTS\r\n")
		case mailbox.Changed:
			s.tellFlags(ctx, e.Seq, e.Mark, s.rev2 || s.condstore)
		}
	}
}

// untagged writes a response that is a number and a word.
func (s *session) untagged(n uint32, rest string) {
	b := imap.AppendUint(append(s.out.Begin(), "* "...), n)
	s.out.End(append(b, rest...))
}

// tellFlags writes a message's flags.
func (s *session) tellFlags(ctx context.Context, seq uint32, m mailbox.Mark, uid bool) {
	if err := s.knowFlags(ctx, m.Flags); err != nil {
		s.log.Error("reading keywords failed", "error", err) // the flags follow without the new names
	}
	b := imap.AppendUint(append(s.out.Begin(), "* "...), seq)
	b = append(b, " FETCH ("...)
	if uid {
		b = append(imap.AppendUint(append(b, "UID "...), uint32(m.UID)), ' ')
	}
	b = append(append(b, "FLAGS "...), s.flags.text(m.Flags)...)
	if s.condstore {
		b = append(imap.AppendUint(append(b, " MODSEQ ("...), uint64(m.ModSeq)), ')')
	}
	s.out.End(append(b, ")\r\n"...))
}

// useCondstore begins to send ModSeqs, for a client that showed that it knows them (RFC 7162 §3.1).
func (s *session) useCondstore() {
	if s.condstore {
		return
	}
	s.condstore = true
	if s.view != nil {
		s.tellModSeq()
	}
}

func (s *session) tellModSeq() {
	b := append(s.out.Begin(), "* OK [HIGHESTMODSEQ "...)
	b = imap.AppendUint(b, max(uint64(s.view.Folder().ModSeq), 1))
	s.out.End(append(b, "] highest\r\n"...))
}
