package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// cmdExpunge is EXPUNGE (RFC 9051 §6.4.3).
func cmdExpunge(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	return s.expunge(ctx, nil)
}

// cmdUIDExpunge is UID EXPUNGE (RFC 9051 §6.4.9).
func cmdUIDExpunge(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var set imap.NumSet
	if !takeSet(d, &set) || !d.End() {
		return reply{}, d.Err()
	}
	seqs, err := s.sequences(set, true)
	if err != nil {
		return reply{}, err
	}
	uids := make([]mail.UID, 0, len(seqs))
	for _, seq := range seqs {
		uids = append(uids, s.view.UID(seq))
	}
	return s.expunge(ctx, uids)
}

// expunge removes \Deleted messages; nil means all.
func (s *session) expunge(ctx context.Context, uids []mail.UID) (reply, error) {
	if err := s.writable(); err != nil {
		return reply{}, err
	}
	events, err := s.view.Expunge(ctx, uids)
	s.tellEvents(ctx, events)
	return reply{}, err
}

// writable is an error where the mailbox was opened by EXAMINE.
func (s *session) writable() error {
	if s.readOnly {
		return mail.E("imapd.writable", mail.Denied, "imap.read_only")
	}
	return nil
}
