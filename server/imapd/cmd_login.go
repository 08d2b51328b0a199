package imapd

import (
	"context"
	"encoding/base64"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/imap"
	"tegami/wire/sasl"
)

// cmdLogin is LOGIN (RFC 9051 §6.2.3).
func cmdLogin(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	const op = "imapd.LOGIN"
	if !s.secure() {
		return reply{}, mail.E(op, mail.Denied, "imap.tls_required")
	}
	var user, password string
	if !d.SP() || !d.AString(&user) || !d.SP() || !d.AString(&password) || !d.End() {
		return reply{}, d.Err()
	}
	id, err := s.srv.dir.SignIn(ctx, s.conn.Origin, directory.Protocol(s.srv.cfg.Name), user, password)
	return s.enter(ctx, login{user, "LOGIN"}, id, err)
}

// cmdAuthenticate is AUTHENTICATE (RFC 9051 §6.2.2) with an initial response (RFC 4959).
func cmdAuthenticate(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	const op = "imapd.AUTHENTICATE"
	if !s.secure() {
		return reply{}, mail.E(op, mail.Denied, "imap.tls_required")
	}
	var name, initial string
	if !d.SP() || !d.Keyword(&name) {
		return reply{}, d.Err()
	}
	if d.Accept(' ') && !d.AtEnd() && !d.Text(&initial) || !d.End() {
		return reply{}, d.Err()
	}
	verifier := s.verifier()
	server, err := sasl.Start(name, verifier, s.conn.Channel())
	if err != nil {
		return reply{}, err
	}
	var first []byte
	if initial != "" {
		if first, err = sasl.Decode([]byte(initial)); err != nil {
			return reply{}, err
		}
	}
	err = s.exchange(ctx, server, first)
	return s.enter(ctx, login{server.User(), server.Name()}, verifier.Identity(), err)
}

// verifier knows who may sign in to the session.
func (s *session) verifier() *directory.Verifier {
	return s.srv.dir.Verifier(s.conn.Origin, directory.Protocol(s.srv.cfg.Name))
}

// exchange runs a SASL exchange to its end.
func (s *session) exchange(ctx context.Context, server sasl.Server, response []byte) error {
	for {
		challenge, done, err := server.Next(ctx, response)
		if err != nil || done {
			return err
		}
		b := append(s.out.Begin(), "+ "...)
		b = base64.StdEncoding.AppendEncode(b, challenge)
		s.out.End(append(b, '\r', '\n'))
		line, err := s.dec.Line(imap.MaxAuthLine)
		if err != nil {
			return err
		}
		if string(line) == "*" {
			return mail.E("imapd.AUTHENTICATE", mail.Invalid, "imap.cancelled")
		}
		if response, err = sasl.Decode(line); err != nil {
			return err
		}
	}
}

// login is who tried to sign in, and how.
type login struct{ user, mechanism string }

// enter opens the account of who signed in.
func (s *session) enter(ctx context.Context, who login, id *directory.Identity, err error) (reply, error) {
	if err != nil {
		s.failed++
		s.conn.SignInFailed(who.user, who.mechanism, err)
		return reply{}, err
	}
	account, err := s.srv.boxes.Open(ctx, id)
	if err != nil {
		return reply{}, err
	}
	if !s.conn.SignedIn(id, who.mechanism) {
		account.Close()
		return reply{}, mail.E("imapd.enter", mail.Full, "imap.too_many_sessions")
	}
	s.account, s.state, s.dec.Stranger = account, authenticated, false
	s.log = s.log.With("account", id.Account().Address.String())
	return reply{code: "CAPABILITY " + s.capabilities()}, nil
}
