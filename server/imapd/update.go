package imapd

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// tell tells of what happened in the selected mailbox. It is false when that was deleted: the session can only end then.
func (s *session) tell(ctx context.Context, what telling) (there bool) {
	if s.view == nil || what == tellNothing || s.unheard() {
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
	s.updateLive(ctx)
	return true
}

// unheard tells whether the client wants to hear nothing of the selected mailbox (RFC 5465 §3.1). What it expunged or moved away
// itself it is told, and then all.
func (s *session) unheard() bool {
	must := s.mustTell
	s.mustTell = false
	return s.notify != nil && s.notify.selected == 0 && !must
}

// tellEvents writes events in their order, those that the client wants to hear of.
func (s *session) tellEvents(ctx context.Context, events []mailbox.Event) {
	s.dropExpunged(events)
	known := s.exists
	if s.qresync || s.uidOnly {
		events = s.tellVanished(events)
	}
	flags := s.notify == nil || s.notify.selected == 0 || s.notify.selected&imap.NotifyFlagChange != 0
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case mailbox.Expunged:
			s.untagged(e.Seq, " EXPUNGE\r\n")
			s.exists--
		case mailbox.Exists:
			s.untagged(e.N, " EXISTS\r\n")
			known, s.exists = s.exists, e.N
		case mailbox.Changed:
			if flags {
				s.tellFlags(ctx, e.Seq, e.Mark, s.rev2 || s.condstore)
			}
		}
	}
	if s.exists > known {
		s.tellNew(ctx, known)
	}
}

// tellVanished tells of the messages that are gone by their UIDs (RFC 7162 §3.2.10.2), and gives the events behind.
func (s *session) tellVanished(events []mailbox.Event) (rest []mailbox.Event) {
	n := 0
	for n < len(events) && events[n].Kind == mailbox.Expunged {
		n++
	}
	var gone []imap.Range
	for _, e := range slices.Backward(events[:n]) { // from the highest number down
		gone = imap.AddTo(gone, uint32(e.Mark.UID))
	}
	s.vanished("* VANISHED ", gone)
	s.expunged, s.exists = s.expunged || n > 0, s.exists-uint32(n)
	return events[n:]
}

// maxVanished is how many ranges of UIDs one response has, so that lines do not grow without end.
const maxVanished = 1000

// vanished writes ascending ranges of UIDs behind a head.
func (s *session) vanished(head string, gone []imap.Range) {
	for part := range slices.Chunk(gone, maxVanished) {
		b := imap.AppendRanges(append(s.out.Begin(), head...), part)
		s.out.End(append(b, '\r', '\n'))
	}
}

// syncPoint puts into the answer to a command up to where the client was told of every change, where it would reckon wrong by itself:
// behind messages that vanished, and while some are gone that it may not be told of yet (RFC 7162 §3.2, §6). Who does not
// speak QRESYNC is told that a NOOP would tell more (RFC 5530 §3).
func (s *session) syncPoint(what telling, r *reply) {
	switch {
	case s.view == nil || what == tellNothing || r.none:
	case s.qresync && (s.expunged || s.view.Hiding()):
		told := uint64(s.view.Told())
		if r.code == "" {
			r.code = string(imap.AppendUint([]byte("HIGHESTMODSEQ "), told))
		} else {
			s.code("HIGHESTMODSEQ", told, "told")
		}
		s.expunged = false
	case what == tellChanges && s.view.Hiding() && r.code == "":
		r.code = "EXPUNGEISSUED"
	}
}

// untagged writes a response that is a number and a word.
func (s *session) untagged(n uint32, rest string) {
	b := imap.AppendUint(append(s.out.Begin(), "* "...), n)
	s.out.End(append(b, rest...))
}

// beginFetch begins a FETCH response: "* n FETCH (". Who enabled UIDONLY gets "* uid UIDFETCH (" (RFC 9586 §3).
func (s *session) beginFetch(seq uint32, uid mail.UID) []byte {
	b := append(s.out.Begin(), "* "...)
	if s.uidOnly {
		return append(imap.AppendUint(b, uint32(uid)), " UIDFETCH ("...)
	}
	return append(imap.AppendUint(b, seq), " FETCH ("...)
}

// tellFlags writes a message's flags.
func (s *session) tellFlags(ctx context.Context, seq uint32, m mailbox.Mark, uid bool) {
	if err := s.knowFlags(ctx, m.Flags); err != nil {
		s.log.Error("reading keywords failed", "error", err) // the flags follow without the new names
	}
	b := s.beginFetch(seq, m.UID)
	if uid && !s.uidOnly {
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

// tellModSeq writes up to where the client knows every change.
func (s *session) tellModSeq() {
	s.code("HIGHESTMODSEQ", max(uint64(s.view.Told()), 1), "highest")
}

// progressEvery is how often a client hears that a command goes on (RFC 9585 §3).
const progressEvery = 10 * time.Second

// progress lets a command that takes long say how far it is: done of total things. It writes an untagged OK
// with INPROGRESS (RFC 9585) every progressEvery and returns at once otherwise, so it may be called as often as
// convenient, but never within a response. total 0 means that it is not known.
func (s *session) progress(done, total int) {
	now := time.Now()
	if now.Before(s.progressAt) || s.tag == "" {
		return
	}
	s.progressAt = now.Add(progressEvery)
	b := imap.AppendString(append(s.out.Begin(), "* OK [INPROGRESS ("...), s.tag, false)
	b = imap.AppendUint(append(b, ' '), done)
	if total == 0 {
		b = append(b, " NIL"...)
	} else {
		b = imap.AppendUint(append(b, ' '), max(done, total))
	}
	s.out.End(append(b, ")] still working\r\n"...))
	s.out.Flush() // its error shows at the end of the command
}
