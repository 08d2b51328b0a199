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
	if !d.SP() || !d.Mailbox(&path) || !s.selectParameters(d) || !d.End() {
		return reply{}, d.Err()
	}
	if s.view != nil {
		s.unselect()
		if s.rev2 {
			s.out.WriteString("* OK [CLOSED] the mailbox before is closed\r\n")
		}
	}
	view, err := s.account.Select(ctx, path)
	if err != nil {
		return reply{}, err
	}
	s.view, s.readOnly, s.state = view, readOnly, selected
	if err := s.describe(ctx); err != nil {
		s.unselect()
		return reply{}, err
	}
	if readOnly || view.Rights()&changing == 0 {
		return reply{code: "READ-ONLY"}, nil
	}
	return reply{code: "READ-WRITE"}, nil
}

// changing are the rights of which one makes a mailbox READ-WRITE (RFC 4314 §5.2).
const changing = mailbox.RightInsert | mailbox.RightExpunge | mailbox.RightSeen | mailbox.RightWrite | mailbox.RightDeleted

// selectParameters takes (CONDSTORE) (RFC 7162 §3.1.8).
func (s *session) selectParameters(d *imap.Decoder) bool {
	if d.AtEnd() {
		return true
	}
	return d.SP() && (d.AtEnd() || d.List(func() bool {
		var word string
		if !d.Keyword(&word) {
			return false
		}
		if word != "CONDSTORE" {
			return d.Expected("select-param")
		}
		s.condstore = true
		return true
	}))
}

// describe writes what SELECT says of a mailbox.
func (s *session) describe(ctx context.Context) error {
	if err := s.learnFlags(ctx); err != nil {
		return err
	}
	f := s.view.Folder()
	s.untagged(uint32(s.view.Len()), " EXISTS\r\n")
	if !s.rev2 {
		s.untagged(0, " RECENT\r\n")
		if seq := s.firstUnseen(); seq > 0 {
			s.code("UNSEEN", uint64(seq), "first unseen")
		}
	}
	s.code("UIDVALIDITY", uint64(f.UIDValidity), "UIDs valid")
	s.code("UIDNEXT", uint64(f.UIDNext), "predicted next UID")
	s.tellModSeq()
	s.out.WriteString("* OK [MAILBOXID (" + f.ID.String() + ")] object id\r\n")
	if s.rev2 {
		s.out.WriteString("* LIST () \"/\" ")
		s.out.End(append(imap.AppendMailbox(s.out.Begin(), f.Path, true), '\r', '\n'))
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
