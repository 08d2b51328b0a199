package smtpd

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/sasl"
	"tegami/wire/smtp"
)

// greet speaks first (RFC 5321 §3.1), unless the peer may not talk to us or talks before that.
func (s *session) greet(ctx context.Context) {
	if s.talksEarly() {
		s.conn.Log.Info("talked before the greeting")
		s.hangUp(sayEarly)
		return
	}
	if err := s.srv.gate.Connect(ctx, *s.origin); err != nil {
		s.conn.Log.Info("connection refused", "err", err)
		s.put(connectReplyTo(err))
		s.over = true
		return
	}
	s.put(smtp.R(220, [3]int{}, s.srv.config.Hostname+" ESMTP Tegami"))
}

// talksEarly waits a moment to see whether the peer begins. Over TLS from the first
// octet it has begun anyway.
func (s *session) talksEarly() bool {
	c := &s.srv.config
	pause := c.Limits.GreetPause
	if pause == 0 && c.Mode == MX && c.Zone == mail.ZoneInternet && s.origin.Remote.IsValid() && !s.origin.Remote.IsLoopback() {
		pause = defaultGreetPause
	}
	if pause <= 0 || c.ImplicitTLS {
		return false
	}
	s.conn.SetReadDeadline(time.Now().Add(pause))
	n, err := s.conn.Read(make([]byte, 1))
	if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.over = true // gone already; the greeting will tell
	}
	return n > 0
}

// helo is RFC 5321 §4.1.1.1. It begins anew, whatever came before.
func (s *session) helo(_ context.Context, args string) smtp.Reply {
	if !smtp.IsDomain(args) {
		return sayBadHelo.reply()
	}
	s.hello(args, false)
	return smtp.R(250, [3]int{}, s.srv.config.Hostname)
}

// ehlo says what the door can do (RFC 5321 §4.1.1.1).
func (s *session) ehlo(_ context.Context, args string) smtp.Reply {
	if !smtp.IsDomain(args) {
		return sayBadHelo.reply()
	}
	s.hello(args, true)
	c := &s.srv.config
	lines := []string{
		c.Hostname,
		"PIPELINING", // RFC 2920
		"SIZE " + strconv.FormatInt(c.Limits.MessageSize, 10), // RFC 1870
		"8BITMIME",            // RFC 6152
		"SMTPUTF8",            // RFC 6531
		"ENHANCEDSTATUSCODES", // RFC 2034
		"CHUNKING",            // RFC 3030
		"BINARYMIME",          // RFC 3030
		"DSN",                 // RFC 3461
		"LIMITS RCPTMAX=" + strconv.Itoa(c.Limits.Recipients), // RFC 9422
		"HELP",
	}
	if s.conn.CanStartTLS() {
		lines = append(lines, "STARTTLS") // RFC 3207
	}
	if s.conn.IsTLS() {
		lines = append(lines, "REQUIRETLS") // RFC 8689
	}
	if s.who != nil || s.mayAuth() { // RFC 4865; understood once signed in
		lines = append(lines, "FUTURERELEASE "+strconv.Itoa(int(mail.MaxHold/time.Second))+" "+time.Now().Add(mail.MaxHold).UTC().Format(time.RFC3339))
	}
	if s.mayAuth() {
		lines = append(lines, "AUTH "+strings.Join(sasl.Mechanisms(s.srv.gate.Verifier(*s.origin), s.conn.Channel()), " ")) // RFC 4954
	}
	return smtp.Reply{Code: 250, Lines: lines}
}

func (s *session) hello(name string, esmtp bool) {
	s.abort()
	s.state, s.esmtp = stateGreeted, esmtp
	s.origin.Helo, s.origin.Basic = name, !esmtp
}

// startTLS is RFC 3207. Whatever came in plain behind the command is dropped: it
// would else be taken for something said under TLS. All that was said before is forgotten.
func (s *session) startTLS(ctx context.Context, args string) smtp.Reply {
	switch {
	case s.conn.IsTLS():
		return sayTLSAlready.reply()
	case s.srv.config.TLS == nil:
		return sayNoTLS.reply()
	case args != "":
		return sayNoArgument.reply()
	}
	s.put(sayStartTLS.reply())
	if err := s.flush(); err != nil {
		return s.lost(err)
	}
	if n := s.r.Reset(s); n > 0 {
		s.conn.Log.Warn("octets behind STARTTLS dropped", "octets", n)
	}
	s.state, s.esmtp, s.who, s.origin.Helo = stateNew, false, nil, ""
	s.conn.SignedOut()
	s.over = s.conn.StartTLS(ctx) != nil
	return smtp.Reply{}
}
