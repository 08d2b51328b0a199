package smtpd

import (
	"context"
	"time"

	"tegami/wire/smtp"
)

// state is how far a session is. States are bits, so that a verb can name several.
type state uint8

const (
	stateNew     state = 1 << iota // no EHLO or HELO yet
	stateGreeted                   // between transactions
	stateMail                      // MAIL was accepted
	stateRcpt                      // a recipient was accepted
	stateChunks                    // a part of the body came by BDAT
	stateQuit                      // the peer took leave

	stateAny  = stateNew | stateGreeted | stateMail | stateRcpt | stateChunks
	stateOpen = stateMail | stateRcpt | stateChunks // a transaction is open
)

// verb says in which states a command may come, what is answered in the others, and
// what does its work.
type verb struct {
	states  state
	instead func(state) say
	run     func(*session, context.Context, string) smtp.Reply
}

// verbs is the door (RFC 5321 §4.1.4). BDAT checks its state itself: its octets come whatever the answer.
var verbs = [smtp.Verbs]verb{
	smtp.Helo:     {states: stateAny, run: (*session).helo},
	smtp.Ehlo:     {states: stateAny, run: (*session).ehlo},
	smtp.StartTLS: {states: stateNew | stateGreeted, instead: nested, run: (*session).startTLS},
	smtp.Auth:     {states: stateGreeted, instead: authOutOfOrder, run: (*session).auth},
	smtp.Mail:     {states: stateGreeted, instead: nested, run: (*session).mailFrom},
	smtp.Rcpt:     {states: stateMail | stateRcpt, instead: outOfOrder, run: (*session).rcptTo},
	smtp.Data:     {states: stateRcpt, instead: outOfOrder, run: (*session).data},
	smtp.Bdat:     {states: stateAny, run: (*session).bdat},
	smtp.Rset:     {states: stateAny, run: (*session).rset},
	smtp.Noop:     {states: stateAny, run: (*session).noop},
	smtp.Vrfy:     {states: stateAny, run: (*session).vrfy},
	smtp.Expn:     {states: stateAny, run: (*session).expn},
	smtp.Help:     {states: stateAny, run: (*session).help},
	smtp.Quit:     {states: stateAny, run: (*session).quit},
}

// outOfOrder says what should have come first.
func outOfOrder(s state) say {
	switch s {
	case stateNew:
		return sayHelloFirst
	case stateGreeted:
		return sayMailFirst
	case stateMail:
		return sayRcptFirst
	}
	return sayChunking
}

// nested is for commands that can't come within a transaction.
func nested(s state) say {
	if s == stateNew {
		return sayHelloFirst
	}
	return sayNested
}

func authOutOfOrder(s state) say {
	if s == stateNew {
		return sayHelloFirst
	}
	return sayAuthInMail
}

// command answers one line, or what reading it came to.
func (s *session) command(ctx context.Context, line []byte, err error) smtp.Reply {
	var c smtp.Command
	if err == nil {
		c, err = smtp.ParseCommand(line)
	}
	if err != nil {
		return s.counted(smtp.Unknown, s.refuse(ctx, err))
	}
	v := verbs[c.Verb]
	if v.run == nil {
		s.count.unrecognised++
		return s.counted(c.Verb, sayUnknown.reply())
	}
	if v.states&s.state == 0 {
		return s.counted(c.Verb, v.instead(s.state).reply())
	}
	begin := time.Now()
	s.conn.Command(c.Verb.String(), begin)
	r := v.run(s, ctx, c.Args)
	if s.srv.config.Metrics != nil {
		s.srv.config.Metrics.CommandTime(s.origin.Door, c.Verb.String(), time.Since(begin))
	}
	return s.counted(c.Verb, r)
}

// counted holds a reply against the limits. The command that goes past one is answered and the session ends.
func (s *session) counted(v smtp.Verb, r smtp.Reply) smtp.Reply {
	s.count.commands++
	l, c := &s.srv.config.Limits, &s.count
	switch {
	case r.Code >= 400:
		s.srv.config.Metrics.Refused(s.origin.Door, codeText(r.Code))
		if v == smtp.Rcpt {
			c.refused++
		} else if r.Code >= 500 {
			c.errors++
		}
	case v == smtp.Data || v == smtp.Bdat && s.state == stateGreeted:
		c.commands = 0
	}
	if s.over || r.Code == 0 {
		return r
	}
	switch {
	case c.errors > l.Errors, c.unrecognised > l.Unrecognised, c.refused > l.RefusedRecipients, c.authFailures > l.AuthFailures:
		s.put(r)
		s.over = true
		return sayTooManyErrors.reply()
	case c.commands > l.Commands:
		s.put(r)
		s.over = true
		return sayTooManyCommands.reply()
	}
	return r
}

// codeText is a code as a label of a figure.
func codeText(code int) string {
	return string([]byte{'0' + byte(code/100), '0' + byte(code/10%10), '0' + byte(code%10)})
}

// noop is RFC 5321 §4.1.1.9; it may have an argument.
func (s *session) noop(context.Context, string) smtp.Reply { return sayOK.reply() }

// help is §4.1.1.8.
func (s *session) help(context.Context, string) smtp.Reply { return sayHelp.reply() }

// vrfy is §4.1.1.6: 252, so that nobody can try out addresses (§7.3).
func (s *session) vrfy(_ context.Context, args string) smtp.Reply {
	if args == "" {
		return saySyntax.reply()
	}
	return sayVerify.reply()
}

// expn is §4.1.1.7, which a server need not have.
func (s *session) expn(context.Context, string) smtp.Reply { return sayNotImplemented.reply() }

// quit is §4.1.1.10.
func (s *session) quit(_ context.Context, args string) smtp.Reply {
	if args != "" {
		return sayNoArgument.reply()
	}
	s.abort()
	s.state, s.over = stateQuit, true
	return sayBye.reply()
}

// rset is §4.1.1.5.
func (s *session) rset(_ context.Context, args string) smtp.Reply {
	if args != "" {
		return sayNoArgument.reply()
	}
	s.abort()
	return sayReset.reply()
}

// abort forgets the transaction, if there is one.
func (s *session) abort() {
	if s.mail.Transaction != nil {
		s.mail.Abort()
	}
	s.srv.release(s)
	s.mail = transaction{}
	if s.state&stateOpen != 0 {
		s.state = stateGreeted
	}
}
