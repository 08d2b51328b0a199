package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// cmdCopy is COPY (RFC 9051 §6.4.7).
func cmdCopy(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.copyOrMove(ctx, d, false, false)
}

// cmdUIDCopy is UID COPY.
func cmdUIDCopy(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.copyOrMove(ctx, d, true, false)
}

// cmdMove is MOVE (RFC 9051 §6.4.8).
func cmdMove(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.copyOrMove(ctx, d, false, true)
}

// cmdUIDMove is UID MOVE.
func cmdUIDMove(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.copyOrMove(ctx, d, true, true)
}

func (s *session) copyOrMove(ctx context.Context, d *imap.Decoder, uid, move bool) (reply, error) {
	var set imap.NumSet
	var path string
	if !takeSet(d, &set) || !d.SP() || !d.Mailbox(&path) || !d.End() {
		return reply{}, d.Err()
	}
	seqs, err := s.sequences(set, uid)
	if err != nil {
		return reply{}, err
	}
	if !move {
		validity, src, dst, err := s.view.Copy(ctx, seqs, path)
		if err != nil || len(src) == 0 {
			return reply{}, target(err)
		}
		s.addedHere(path, dst)
		return reply{code: copyUID(validity, src, dst)}, nil
	}
	if err := s.writable(); err != nil {
		return reply{}, err
	}
	validity, src, dst, err := s.view.Move(ctx, seqs, path)
	if err != nil || len(src) == 0 {
		return reply{}, target(err)
	}
	s.addedHere(path, dst)
	s.mustTell = true
	// The UIDs come before the EXPUNGEs that follow (RFC 6851 §4.3).
	s.out.WriteString("* OK [" + copyUID(validity, src, dst) + "] moved\r\n")
	return reply{}, nil
}

// copyUID is the response code COPYUID (RFC 4315 §3).
func copyUID(validity uint32, src, dst []mail.UID) string {
	b := imap.AppendUint([]byte("COPYUID "), validity)
	b = imap.AppendNumbers(append(b, ' '), src)
	return string(imap.AppendNumbers(append(b, ' '), dst))
}
