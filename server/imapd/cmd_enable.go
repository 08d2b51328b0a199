package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// enableable are the extensions a client must ask for (RFC 9051 §6.3.1), with what to do.
var enableable = map[string]func(*session){
	"IMAP4REV2":   func(s *session) { s.rev2 = true },
	"UTF8=ACCEPT": func(s *session) { s.utf8 = true },
	"CONDSTORE":   (*session).useCondstore,
	"QRESYNC":     func(s *session) { s.qresync = true; s.useCondstore() }, // RFC 7162 §3.2.3
	"UIDONLY":     func(s *session) { s.uidOnly = true },                   // RFC 9586 §3
}

// cmdEnable is ENABLE (RFC 9051 §6.3.1, RFC 5161). A mailbox may be selected: nobody has to check that none is (RFC 5161 §3.1).
func cmdEnable(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	var on []string
	for first := true; first || !d.AtEnd(); first = false {
		var name string
		if !d.SP() || !d.Keyword(&name) {
			return reply{}, d.Err()
		}
		if enableable[name] != nil {
			on = append(on, name)
		}
	}
	if !d.End() {
		return reply{}, d.Err()
	}
	b := append(s.out.Begin(), "* ENABLED"...)
	for _, name := range on {
		if name == "IMAP4REV2" {
			name = "IMAP4rev2"
		}
		b = append(append(b, ' '), name...)
	}
	s.out.End(append(b, '\r', '\n'))
	for _, name := range on {
		enableable[name](s)
	}
	d.UTF8 = s.wide()
	return reply{}, nil
}

// byNumber are the commands that name messages by sequence numbers. Who enabled UIDONLY may not use them (RFC 9586 §3).
var byNumber = map[string]bool{
	"COPY": true, "FETCH": true, "MOVE": true, "REPLACE": true, "SEARCH": true, "SORT": true, "STORE": true, "THREAD": true,
}

// uidRequired is the error for a sequence number where only UIDs may be used.
func uidRequired() error { return mail.E(opCommand, mail.Invalid, "imap.uid_required") }
