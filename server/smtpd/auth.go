package smtpd

import (
	"context"
	"encoding/base64"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/sasl"
	"tegami/wire/smtp"
)

// mayAuth tells whether AUTH is offered now: passwords only go over TLS.
func (s *session) mayAuth() bool {
	c := &s.srv.config
	return c.offersAuth() && (s.conn.IsTLS() || c.AllowPlainAuth)
}

// auth is RFC 4954 §4: "mechanism [initial response]".
func (s *session) auth(ctx context.Context, args string) smtp.Reply {
	switch {
	case !s.srv.config.offersAuth():
		return sayNoAuth.reply()
	case s.who != nil:
		return sayAuthAlready.reply()
	case !s.mayAuth():
		return sayAuthNeedsTLS.reply()
	}
	name, initial, given := strings.Cut(args, " ")
	verifier := s.srv.gate.Verifier(*s.origin)
	exchange, err := sasl.Start(name, verifier, s.conn.Channel())
	if err != nil {
		return authReplyTo(err)
	}
	var response []byte
	if given {
		if response, err = sasl.Decode([]byte(initial)); err != nil {
			return authReplyTo(err)
		}
	}
	for {
		challenge, done, err := exchange.Next(ctx, response)
		if err == nil && done {
			return s.signIn(verifier.Identity(), exchange)
		}
		if err != nil {
			return s.signInFailed(exchange, err)
		}
		s.put(smtp.R(334, [3]int{}, base64.StdEncoding.EncodeToString(challenge)))
		line, err := s.r.Line(sasl.MaxLine)
		switch {
		case err != nil && !smtp.InStep(err):
			return s.lost(err)
		case err != nil:
			return authReplyTo(err)
		case string(line) == "*":
			return sayAuthCancelled.reply()
		}
		if response, err = sasl.Decode(line); err != nil {
			return authReplyTo(err)
		}
	}
}

func (s *session) signIn(who *directory.Identity, by sasl.Server) smtp.Reply {
	if who == nil {
		return s.signInFailed(by, mail.E("smtpd.signIn", mail.Other, "auth.failed"))
	}
	s.who = who
	s.conn.SignedIn(who, by.Name()) // any number of sessions
	return saySignedIn.reply()
}

func (s *session) signInFailed(by sasl.Server, err error) smtp.Reply {
	s.count.authFailures++
	s.conn.SignInFailed(by.User(), by.Name(), err)
	return authReplyTo(err)
}
