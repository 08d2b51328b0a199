package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// cmdCompress is COMPRESS (RFC 4978 §3). All behind the CRLF of the OK is compressed, and all behind that of the command: what of it was
// read already is the beginning of the client's stream.
func cmdCompress(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	const op = "imapd.COMPRESS"
	var mechanism string
	if !d.SP() || !d.Keyword(&mechanism) || !d.End() {
		return reply{}, d.Err()
	}
	switch {
	case mechanism != "DEFLATE":
		return reply{}, mail.E(op, mail.Invalid, "imap.compression_unknown", mechanism)
	case s.link.in != nil:
		return reply{}, mail.E(op, mail.Conflict, "imap.compression_active")
	}
	s.out.WriteString(s.tag + " OK DEFLATE active\r\n")
	if s.out.Flush() == nil {
		s.link.compress(d.Unread())
	}
	return reply{none: true}, nil
}
