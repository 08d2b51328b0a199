package imapd

import (
	"context"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdSelect is SELECT (RFC 9051 §6.3.2).
func cmdSelect(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.open(ctx, d, false)
}

// cmdExamine is EXAMINE (RFC 9051 §6.3.3).
func cmdExamine(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.open(ctx, d, true)
}

// open selects a mailbox. When it fails, no mailbox is selected (RFC 9051 §6.3.2).
func (s *session) open(ctx context.Context, d *imap.Decoder, readOnly bool) (reply, error) {
	var path string
	var p imap.SelectParams
	if !d.SP() || !d.Mailbox(&path) || !s.selectParams(d, &p) || !d.End() {
		return reply{}, d.Err()
	}
	if err := s.maySelect(&p); err != nil {
		return reply{}, err
	}
	if s.view != nil {
		s.unselect()
		s.out.WriteString("* OK [CLOSED] the mailbox before is closed\r\n") // RFC 7162 §3.2.11
	}
	s.condstore = s.condstore || p.Condstore
	view, err := s.account.Select(ctx, path)
	if err != nil {
		return reply{}, err
	}
	s.view, s.readOnly, s.state = view, readOnly, selected
	if s.notify != nil {
		s.notify.changed.Store(true) // somebody else's mailbox must be watched
	}
	if err := s.describe(ctx, path); err != nil {
		s.unselect()
		return reply{}, err
	}
	if p.QResync {
		if err := s.resync(ctx, &p.Resync); err != nil {
			s.unselect()
			return reply{}, err
		}
	}
	if readOnly {
		return reply{code: "READ-ONLY"}, nil
	}
	return reply{code: "READ-WRITE"}, nil
}

// selectParams takes the parameters, where there are any.
func (s *session) selectParams(d *imap.Decoder, p *imap.SelectParams) bool {
	return d.AtEnd() || d.SP() && (d.AtEnd() || d.SelectParams(p))
}

// maySelect tells whether the client has enabled what its parameters need.
func (s *session) maySelect(p *imap.SelectParams) error {
	switch {
	case p.QResync && !s.qresync:
		return mail.E("imapd.SELECT", mail.Invalid, "imap.qresync_first") // RFC 7162 §3.2.5
	case p.HasMatch && s.uidOnly:
		return uidRequired()
	}
	return nil
}

// resync tells a client that comes back what it missed: which messages are gone and which changed (RFC 7162 §3.2.5). New ones it finds
// by itself, as it knows the UIDs it has. With another UIDVALIDITY it knows nothing of this mailbox.
func (s *session) resync(ctx context.Context, p *imap.Resync) error {
	f := s.view.Folder()
	if p.UIDValidity != f.UIDValidity {
		return nil
	}
	known := []imap.Range{{Lo: 1, Hi: uint32(f.UIDNext - 1)}}
	if p.HasKnown {
		known = p.Known.Resolve(0)
	}
	match := p.LastMatch(func(seq uint32) uint32 { return uint32(s.view.UID(seq)) })
	if err := s.tellEarlier(ctx, mail.ModSeq(p.ModSeq), above(known, match)); err != nil {
		return err
	}
	for seq, m := range s.view.All() {
		if m.ModSeq > mail.ModSeq(p.ModSeq) && imap.InRanges(known, uint32(m.UID)) {
			s.tellFlags(ctx, seq, m, true)
		}
	}
	return nil
}

// tellEarlier tells which UIDs of some left after a ModSeq (RFC 7162 §3.2.10.1).
func (s *session) tellEarlier(ctx context.Context, since mail.ModSeq, in []imap.Range) error {
	uids := make([]mailbox.UIDRange, len(in))
	for i, r := range in {
		uids[i] = mailbox.UIDRange{Lo: mail.UID(r.Lo), Hi: mail.UID(r.Hi)}
	}
	left, err := s.view.Vanished(ctx, since, uids)
	if err != nil {
		return err
	}
	gone := make([]imap.Range, len(left))
	for i, r := range left {
		gone[i] = imap.Range{Lo: uint32(r.Lo), Hi: uint32(r.Hi)}
	}
	s.vanished("* VANISHED (EARLIER) ", gone)
	return nil
}

// above leaves of ascending ranges what is above n.
func above(rs []imap.Range, n uint32) (out []imap.Range) {
	for _, r := range rs {
		if r.Hi > n {
			out = append(out, imap.Range{Lo: max(r.Lo, n+1), Hi: r.Hi})
		}
	}
	return out
}

// describe writes what SELECT says of the mailbox that the client calls path.
func (s *session) describe(ctx context.Context, path string) error {
	if err := s.learnFlags(ctx); err != nil {
		return err
	}
	f := s.view.Folder()
	s.exists = uint32(s.view.Len())
	s.untagged(s.exists, " EXISTS\r\n")
	if !s.rev2 {
		s.untagged(0, " RECENT\r\n")
		if seq := s.firstUnseen(); seq > 0 && !s.uidOnly {
			s.code("UNSEEN", uint64(seq), "first unseen")
		}
	}
	s.code("UIDVALIDITY", uint64(f.UIDValidity), "UIDs valid")
	s.code("UIDNEXT", uint64(f.UIDNext), "predicted next UID")
	s.tellModSeq()
	s.out.WriteString("* OK [MAILBOXID (" + f.ID.String() + ")] object id\r\n")
	if s.rev2 {
		s.listName(f.Path, path)
	}
	return nil
}

// code writes an untagged OK with a response code that has a number.
func (s *session) code(name string, n uint64, text string) {
	b := append(append(s.out.Begin(), "* OK ["...), name...)
	b = append(imap.AppendUint(append(b, ' '), n), "] "...)
	s.out.End(append(append(b, text...), '\r', '\n'))
}

// firstUnseen gives the number of the first message without \Seen, 0 where there is none.
func (s *session) firstUnseen() uint32 {
	if s.view.Folder().Unseen == 0 {
		return 0
	}
	for seq, m := range s.view.All() {
		if !m.Flags.Has(mail.Seen) {
			return seq
		}
	}
	return 0
}

// cmdClose is CLOSE (RFC 9051 §6.4.1): \Deleted messages go, without a word.
func cmdClose(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	if !s.readOnly {
		if _, err := s.view.Expunge(ctx, nil); err != nil && !mail.Is(err, mail.Denied) { // RFC 4314 §4: who may not, only closes
			return reply{}, err
		}
	}
	s.unselect()
	return reply{}, nil
}

// cmdUnselect is UNSELECT (RFC 9051 §6.4.2).
func cmdUnselect(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	s.unselect()
	return reply{}, nil
}
