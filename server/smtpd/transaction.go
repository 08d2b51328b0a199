package smtpd

import (
	"context"
	"io"
	"time"

	"tegami/mail"
	"tegami/wire/smtp"
)

// offered are the parameters that are understood after EHLO.
const offered = smtp.ExtSize | smtp.Ext8BitMIME | smtp.ExtBinaryMIME | smtp.ExtUTF8 | smtp.ExtDSN

// ext are the parameters that are understood in this session.
func (s *session) ext() smtp.Ext {
	if !s.esmtp {
		return 0
	}
	ext := offered
	if s.mayAuth() {
		ext |= smtp.ExtAuth
	}
	if s.conn.IsTLS() {
		ext |= smtp.ExtRequireTLS // RFC 8689 §2: under TLS only
	}
	if s.who != nil {
		ext |= smtp.ExtFutureRelease // RFC 4865 §3: for submissions
	}
	return ext
}

// mailFrom is MAIL (RFC 5321 §4.1.1.2). ML-7: a submission listener takes mail of signed-in users only.
func (s *session) mailFrom(ctx context.Context, args string) smtp.Reply {
	if s.srv.config.Mode == Submission && s.who == nil {
		if !s.mayAuth() && s.srv.config.TLS != nil {
			return sayTLSFirst.reply()
		}
		return sayAuthFirst.reply()
	}
	from, opts, err := smtp.ParseMail(args, s.ext())
	if err != nil {
		return s.refuse(ctx, err)
	}
	if opts.Size > s.srv.config.Limits.MessageSize {
		return sayTooBig.reply() // ML-9, before a single octet is sent
	}
	o := *s.origin
	o.Received = time.Now()
	tx, err := s.srv.gate.Begin(ctx, o, s.who, from, opts)
	if err != nil {
		return s.refuse(ctx, asError("smtpd.MAIL", err))
	}
	s.mail = transaction{Transaction: tx, opts: opts}
	s.state = stateMail
	return sayMailOK.reply()
}

// asError makes sure that what a Gate returns is taken for an answer, not for a lost connection.
func asError(op mail.Op, err error) error {
	if smtp.InStep(err) {
		return err
	}
	return mail.Wrap(op, err)
}

// rcptTo is RCPT (RFC 5321 §4.1.1.3).
func (s *session) rcptTo(ctx context.Context, args string) smtp.Reply {
	ext := s.ext()
	if !s.mail.opts.UTF8 {
		ext &^= smtp.ExtUTF8
	}
	r, err := smtp.ParseRcpt(args, ext)
	if err != nil {
		return s.refuse(ctx, err)
	}
	if s.mail.rcpts >= s.srv.config.Limits.Recipients {
		return sayTooManyRecipients.reply() // ML-8; RFC 5321 §4.5.3.1.10
	}
	if r.Domain == "" {
		r.Domain = s.srv.config.Hostname // <Postmaster>, §4.5.1
	}
	if err := s.mail.Recipient(ctx, r); err != nil {
		return s.refuse(ctx, asError("smtpd.RCPT", err))
	}
	s.mail.rcpts++
	s.state = stateRcpt
	return sayRcptOK.reply()
}

// data is DATA (RFC 5321 §4.1.1.4).
func (s *session) data(ctx context.Context, args string) smtp.Reply {
	switch {
	case args != "":
		return sayNoArgument.reply()
	case s.mail.opts.Body == mail.BodyBinaryMIME:
		return sayUseBdat.reply() // RFC 3030 §3
	}
	sink, err := s.mail.Data(ctx)
	if err != nil {
		s.abort()
		return s.refuse(ctx, asError("smtpd.DATA", err))
	}
	s.put(sayGoAhead.reply())
	s.beginBody()
	_, err = s.r.Data(s.metered(sink), s.srv.config.Limits.MessageSize)
	s.endBody()
	return s.finish(ctx, err)
}

// metered counts what goes into a sink, where nobody signed in.
func (s *session) metered(sink io.Writer) io.Writer {
	if s.who != nil {
		return sink
	}
	return meter{sink, s}
}

type meter struct {
	dst io.Writer
	s   *session
}

// Write implements io.Writer. Busy "storage.busy" when the peer's network has too much on its way.
func (m meter) Write(p []byte) (int, error) {
	if !m.s.srv.hold(m.s, int64(len(p))) {
		return 0, mail.E("smtpd.body", mail.Busy, "storage.busy")
	}
	return m.dst.Write(p)
}

func (s *session) beginBody() {
	if s.bodyEnd.IsZero() {
		s.bodyEnd = time.Now().Add(s.srv.config.Limits.MessageTimeout)
	}
}

func (s *session) endBody() { s.bodyEnd = time.Time{} }

// commitTimeout is how long taking responsibility may take before the sender is told to
// come again: within the 10 minutes it waits (RFC 5321 §4.5.3.2.6).
const commitTimeout = 9 * time.Minute

// finish ends a transaction whose body is read: all went well, or err says what didn't.
func (s *session) finish(ctx context.Context, err error) smtp.Reply {
	defer s.abort() // nothing after Commit
	if err != nil {
		return s.refuse(ctx, err)
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	item, err := s.mail.Commit(ctx)
	if err != nil {
		return s.refuse(ctx, asError("smtpd.commit", err))
	}
	r := sayAccepted.reply()
	return smtp.R(r.Code, r.Enhanced, r.Lines[0]+" as "+item.String())
}

// bdat is BDAT (RFC 3030 §2). The octets come right behind the command, whatever the
// answer will be, and are read in any case.
func (s *session) bdat(ctx context.Context, args string) smtp.Reply {
	size, last, err := smtp.ParseBdat(args)
	if err != nil {
		s.over = true // nobody knows where the next command begins
		return s.refuse(ctx, err)
	}
	if s.state&(stateRcpt|stateChunks) == 0 {
		return s.skipChunk(ctx, size, outOfOrder(s.state).reply())
	}
	if s.state == stateRcpt {
		sink, err := s.mail.Data(ctx)
		if err != nil {
			s.abort()
			return s.skipChunk(ctx, size, s.refuse(ctx, asError("smtpd.BDAT", err)))
		}
		s.mail.check.Dst = s.metered(sink)
		s.state = stateChunks
	}
	left := s.srv.config.Limits.MessageSize - s.mail.size
	if size > left {
		s.abort()
		return s.skipChunk(ctx, size, sayTooBig.reply())
	}
	s.mail.size += size
	if err := s.readChunk(&s.mail.check, size); err != nil {
		return s.finish(ctx, err)
	}
	switch {
	case !last:
		return sayChunk.reply()
	case s.mail.opts.Body != mail.BodyBinaryMIME && s.mail.check.Bare():
		return s.finish(ctx, mail.E("smtpd.BDAT", mail.Invalid, "message.bare_newline"))
	}
	return s.finish(ctx, nil)
}

// skipChunk reads a chunk that nobody wants and gives the reply, unless it is so large
// that the session ends instead.
func (s *session) skipChunk(ctx context.Context, size int64, r smtp.Reply) smtp.Reply {
	if size > smtp.MaxDrain {
		s.over = true
		return r
	}
	if err := s.readChunk(io.Discard, size); err != nil {
		return s.refuse(ctx, err)
	}
	return r
}

func (s *session) readChunk(dst io.Writer, size int64) error {
	s.beginBody()
	defer s.endBody()
	return s.r.Chunk(dst, size, size)
}
