package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// cmdCapability is CAPABILITY (RFC 9051 §6.1.1).
func cmdCapability(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	s.out.WriteString("* CAPABILITY " + s.capabilities() + "\r\n")
	return reply{}, nil
}

// cmdNoop is NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1): what changed is told after every command.
func cmdNoop(_ context.Context, _ *session, d *imap.Decoder) (reply, error) {
	d.End()
	return reply{}, d.Err()
}

// cmdLogout is LOGOUT (RFC 9051 §6.1.3).
func cmdLogout(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	s.out.WriteString("* BYE see you\r\n" + s.tag + " OK LOGOUT completed\r\n")
	s.ended, s.state = true, loggedOut
	return reply{none: true}, nil
}

const (
	// maxIDPairs is how many fields a client may say of itself (RFC 2971 §3.3).
	maxIDPairs = 30
	// maxIDText is the length of a field that is logged.
	maxIDText = 80
)

// cmdID is ID (RFC 2971): who the client is goes into the log, and we say our name.
func cmdID(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	client := make([]any, 0, 8)
	var absent bool
	var text string
	ok := d.SP()
	if ok && d.IsNext('(') {
		ok = d.List(func() bool {
			if len(client) == 2*maxIDPairs {
				return d.Expected(")")
			}
			var value string
			if !d.String(&text) || !d.SP() || !d.NString(&value, &absent) {
				return false
			}
			client = append(client, "id_"+text[:min(len(text), maxIDText)], value[:min(len(value), maxIDText)])
			return true
		})
	} else if ok {
		ok = d.NString(&text, &absent) && (absent || d.Expected("NIL"))
	}
	if !ok || !d.End() {
		return reply{}, d.Err()
	}
	s.log.Debug("client", client...)
	s.out.WriteString("* ID (\"name\" \"Tegami\")\r\n")
	return reply{}, nil
}

// cmdStartTLS is STARTTLS (RFC 9051 §6.2.1). What was sent behind it in plain text is dropped.
func cmdStartTLS(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	if !s.canStartTLS() {
		return reply{}, mail.E("imapd.STARTTLS", mail.Invalid, "imap.no_tls")
	}
	s.out.WriteString(s.tag + " OK begin TLS now\r\n")
	if s.out.Flush() != nil || !s.startTLS(ctx) {
		s.ended = true
	}
	return reply{none: true}, nil
}
