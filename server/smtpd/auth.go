package smtpd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"strings"

	"tegami/mail"
	"tegami/wire/sasl"
	"tegami/wire/smtp"
)

// mayAuth tells whether AUTH is offered now: passwords only go over TLS.
func (s *session) mayAuth() bool {
	c := &s.srv.config
	return c.offersAuth() && (s.tls != nil || c.AllowPlainAuth)
}

// channel is what the connection gives for channel binding.
func (s *session) channel() sasl.Channel {
	return sasl.Channel{TLS: s.tls, Leaf: onlyLeaf(s.srv.config.TLS)}
}

// onlyLeaf is the certificate every peer is shown; nil where there is a choice.
func onlyLeaf(c *tls.Config) *x509.Certificate {
	if c == nil || len(c.Certificates) != 1 || c.GetCertificate != nil || c.GetConfigForClient != nil {
		return nil
	}
	return c.Certificates[0].Leaf
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
	verifier := s.srv.gate.Verifier(s.origin)
	exchange, err := sasl.Start(name, verifier, s.channel())
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
			return s.signIn(ctx, verifier)
		}
		if err != nil {
			return s.signInFailed(ctx, exchange.User(), err)
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

func (s *session) signIn(ctx context.Context, v Verifier) smtp.Reply {
	if s.who = v.Identity(); s.who == nil {
		return s.signInFailed(ctx, "", mail.E("smtpd.signIn", mail.Other, "auth.failed"))
	}
	s.srv.config.Metrics.SignIn(s.origin.Door, true)
	return saySignedIn.reply()
}

func (s *session) signInFailed(ctx context.Context, user string, err error) smtp.Reply {
	s.count.authFailures++
	s.srv.config.Metrics.SignIn(s.origin.Door, false)
	s.srv.log.LogAttrs(ctx, slog.LevelInfo, "sign-in failed", slog.String("session", s.origin.Session),
		slog.String("remote", s.origin.Remote.String()), slog.String("user", user), slog.Any("err", err))
	return authReplyTo(err)
}
