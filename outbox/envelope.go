package outbox

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/compose"
	"tegami/wire/mime"
	"tegami/wire/smtp"
)

// draft is a message on its way to the intake.
type draft struct {
	email    store.Message
	envelope Envelope
	given    bool // the client wrote it
	from     mail.Address
	to       []mail.Recipient
	opts     mail.Options
	people   []compose.Mailbox // who stands in the header
	blob     store.Blob
	header   []byte // without Bcc
	body     int64  // where it begins in the blob
	made     Submission
}

func (d *draft) close() {
	if d.blob != nil {
		d.blob.Close()
		d.blob = nil
	}
}

// address fills in from and to, by the envelope that was given or as the header says (RFC 8621 §7).
func (d *draft) address(given *Envelope, header *mime.Envelope) error {
	if err := d.readPeople(header); err != nil && given == nil {
		return err
	}
	if given == nil {
		d.envelope = d.fromHeader(header)
	} else {
		d.envelope, d.given = *given, true
	}
	var err error
	if d.from, d.opts, err = readFrom(d.envelope.MailFrom); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range d.envelope.RcptTo {
		r, err := readTo(p)
		if err != nil {
			return err
		}
		if !seen[r.Key()] {
			seen[r.Key()] = true
			d.to = append(d.to, r)
		}
	}
	if d.opts.HoldUntil.Before(time.Now()) {
		d.opts.HoldUntil = time.Time{}
	}
	return nil
}

// readPeople gathers who the header names as recipients. A *RecipientsError for what is no address.
func (d *draft) readPeople(header *mime.Envelope) error {
	var bad *RecipientsError
	for _, a := range slices.Concat(header.To, header.Cc, header.Bcc) {
		if a.Kind != mime.Mailbox {
			continue
		}
		m, ok := compose.ParseMailbox(a.Name(), mail.QuoteLocal(a.Local)+"@"+a.Domain)
		if ok {
			d.people = append(d.people, m)
			continue
		}
		if bad == nil {
			bad = &RecipientsError{Err: mail.E("outbox.address", mail.Invalid, "address.malformed", strings.TrimSuffix(a.Local+"@"+a.Domain, "@"))}
		}
		bad.Addresses = append(bad.Addresses, strings.TrimSuffix(a.Local+"@"+a.Domain, "@"))
	}
	if bad != nil {
		return bad
	}
	return nil
}

// fromHeader is the envelope that a header asks for: from its Sender or the first of its From, to all it names.
func (d *draft) fromHeader(header *mime.Envelope) (e Envelope) {
	for _, a := range slices.Concat(header.Sender, header.From) {
		if from, err := a.Mail(); err == nil {
			e.MailFrom.Email = from.String()
			break
		}
	}
	seen := map[string]bool{}
	for _, m := range d.people {
		if !seen[m.Key()] {
			seen[m.Key()] = true
			e.RcptTo = append(e.RcptTo, Path{Email: m.Address.String()})
		}
	}
	return e
}

// extensions are the parameters that a submission may have. Size and kind of the octets are found out and not believed.
const extensions = smtp.ExtSize | smtp.Ext8BitMIME | smtp.ExtBinaryMIME | smtp.ExtUTF8 | smtp.ExtDSN | smtp.ExtFutureRelease | smtp.ExtRequireTLS

// readFrom reads the sender and what he asks for.
func readFrom(p Path) (from mail.Address, opts mail.Options, err error) {
	args, err := p.args("FROM:")
	if err != nil {
		return from, opts, err
	}
	if !strings.Contains(strings.ToUpper(args), " SMTPUTF8") {
		args += " SMTPUTF8" // whether it is needed is found out
	}
	from, opts, err = smtp.ParseMail(args, extensions)
	if from.IsNull() && err == nil {
		err = mail.E("outbox.readFrom", mail.Denied, "sender.not_owned", "<>")
	}
	opts.Size, opts.Body, opts.UTF8 = 0, mail.Body7Bit, false
	return from, opts, err
}

// readTo reads a recipient.
func readTo(p Path) (mail.Recipient, error) {
	a, err := mail.ParseAddress(p.Email)
	if err != nil {
		return mail.Recipient{}, &RecipientsError{[]string{p.Email}, mail.E("outbox.readTo", mail.Invalid, "address.malformed", p.Email)}
	}
	p.Email = a.String()
	args, err := p.args("TO:")
	if err != nil {
		return mail.Recipient{}, err
	}
	return smtp.ParseRcpt(args, extensions)
}

// args writes a path as the arguments of MAIL and RCPT: xtext where RFC 3461 has it.
func (p Path) args(verb string) (string, error) {
	bad := mail.E("outbox.args", mail.Invalid, "envelope.parameter")
	var b strings.Builder
	b.WriteString(verb + "<" + p.Email + ">")
	if strings.ContainsAny(p.Email, "<>\r\n\x00") {
		return "", bad
	}
	for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
		value := p.Parameters[name]
		b.WriteString(" " + name)
		if value == nil {
			if !isWord(name) {
				return "", bad
			}
			continue
		}
		text := *value
		switch strings.ToUpper(name) {
		case "ENVID":
			text = smtp.EncodeXtext(text)
		case "ORCPT":
			kind, address, _ := strings.Cut(text, ";")
			text = kind + ";" + smtp.EncodeXtext(address)
		}
		if !isWord(name) || !isWord(text) {
			return "", bad
		}
		b.WriteString("=" + text)
	}
	return b.String(), nil
}

// isWord tells whether s can stand in a command as one word.
func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// dotted refuses addresses that break RFC 5322 where none such are known (§15).
func (b *Box) dotted(to []mail.Recipient) error {
	var bad *RecipientsError
	for _, r := range to {
		if mail.QuoteLocal(r.Local) == r.Local || strings.ContainsAny(r.Local, " \"\\@,") || slices.Contains(b.cfg.DottedDomains, r.Domain) {
			continue
		}
		if bad == nil {
			bad = &RecipientsError{Err: mail.E("outbox.dotted", mail.Invalid, "recipient.dots", r.Address.String())}
		}
		bad.Addresses = append(bad.Addresses, r.Address.String())
	}
	if bad != nil {
		return bad
	}
	return nil
}

// maxHeader is how large the header of a message may be that is sent, in octets.
const maxHeader = mime.DefaultHeaderBytes

// look reads the octets once: what the header is without Bcc, and what they need of the hosts on their way.
func (d *draft) look() error {
	if d.body > maxHeader {
		return mail.E("outbox.look", mail.Invalid, "message.header_too_long")
	}
	head := make([]byte, d.body)
	if _, err := d.blob.ReadAt(head, 0); err != nil && err != io.EOF {
		return mail.Because("outbox.look", mail.Unavailable, "", err)
	}
	d.header = withoutBcc(head)
	d.opts.UTF8 = !isASCII(d.header) || !isASCII([]byte(d.from.Local)) || slices.ContainsFunc(d.to, func(r mail.Recipient) bool { return !isASCII([]byte(r.Local)) })
	c := &wire{to: io.Discard}
	if err := d.copyTo(c); err != nil {
		return err
	}
	d.opts.Size = c.n
	if c.eight {
		d.opts.Body = mail.Body8BitMIME
	}
	return nil
}

func isASCII(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 }) }

// withoutBcc takes the fields off that are for the sender alone: Bcc (RFC 5322 §3.6.3), and Return-Path and delivery marks that a message has which came from
// elsewhere before (RFC 5321 §4.4).
func withoutBcc(header []byte) []byte {
	var out []byte
	at := 0
	for f := range mime.Header(header).Fields() {
		switch strings.ToLower(string(f.Name)) {
		case "bcc", "resent-bcc", "return-path":
			out = append(out, header[at:f.Start]...)
			at = f.End
		}
	}
	return append(out, header[at:]...)
}

// copyTo writes what is sent: lines end in CRLF.
func (d *draft) copyTo(w io.Writer) error {
	c, ok := w.(*wire)
	if !ok {
		c = &wire{to: w}
	}
	if _, err := c.Write(d.header); err != nil {
		return err
	}
	if _, err := d.blob.WriteRange(c, d.body, d.blob.Size()-d.body); err != nil {
		return err
	}
	return c.end()
}

// wire makes octets fit for SMTP: CRLF for a CR or LF alone, which could end a message early on another host (RFC 5321 §2.3.8), and counts them.
type wire struct {
	to    io.Writer
	n     int64
	eight bool
	last  byte
	buf   []byte
}

// Write implements io.Writer.
func (w *wire) Write(b []byte) (int, error) {
	if !w.eight && !isASCII(b) {
		w.eight = true
	}
	if bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') < 0 && w.last != '\r' {
		return len(b), w.put(b)
	}
	w.buf = w.buf[:0]
	for _, c := range b {
		switch {
		case c == '\n' && w.last != '\r', w.last == '\r' && c != '\n':
			if c == '\n' {
				w.buf = append(w.buf, '\r')
			} else {
				w.buf = append(w.buf, '\n')
			}
		}
		w.buf = append(w.buf, c)
		w.last = c
	}
	return len(b), w.put(w.buf)
}

func (w *wire) put(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	w.last = b[len(b)-1]
	w.n += int64(len(b))
	_, err := w.to.Write(b)
	return err
}

// end ends the last line.
func (w *wire) end() error {
	switch w.last {
	case '\n':
		return nil
	case '\r':
		return w.put([]byte("\n"))
	}
	return w.put([]byte("\r\n"))
}
