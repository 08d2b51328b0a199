package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// cmdReplace is REPLACE (RFC 8508 §3.3).
func cmdReplace(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.replace(ctx, d, false)
}

// cmdUIDReplace is UID REPLACE (RFC 8508 §3.4).
func cmdUIDReplace(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.replace(ctx, d, true)
}

func (s *session) replace(ctx context.Context, d *imap.Decoder, byUID bool) (reply, error) {
	var number uint32
	var path string
	if !d.SP() || !d.Number(&number) || !d.SP() || !d.Mailbox(&path) || !d.SP() {
		return reply{}, d.Err()
	}
	uid, err := s.replaced(number, byUID)
	if err != nil {
		return reply{}, err
	}
	if _, err := s.appendTo(ctx, path); err != nil {
		return reply{}, target(err)
	}
	a := appending{s: s, d: d, path: path, unsure: true}
	defer a.release()
	if err := a.takeOne(ctx); err != nil {
		return reply{}, err
	}
	if !d.End() {
		return reply{}, d.Err()
	}
	made, validity, err := s.view.Replace(ctx, uid, path, a.in[0])
	if err != nil {
		return reply{}, target(err)
	}
	// Untagged, so that the client knows the new message before it hears that the old one left (RFC 8508 §4.3).
	b := append(s.out.Begin(), "* OK ["...)
	s.out.End(append(appendUIDCode(b, validity, []mail.UID{made.UID}), "] the message was replaced\r\n"...))
	return reply{}, nil
}

// replaced finds the message to replace, before anything is taken in.
func (s *session) replaced(number uint32, byUID bool) (mail.UID, error) {
	const op = "imapd.REPLACE"
	if err := s.writable(); err != nil {
		return 0, err
	}
	if byUID {
		if _, ok := s.view.Seq(mail.UID(number)); !ok {
			return 0, mail.E(op, mail.NotFound, "message.unknown")
		}
		return mail.UID(number), nil
	}
	uid := s.view.UID(number)
	if uid == 0 {
		return 0, mail.E(op, mail.Invalid, "imap.message_number", number)
	}
	return uid, nil
}
