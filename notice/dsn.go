package notice

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/wire/compose"
)

const (
	// MaxReported is how many recipients one notification reports for programs; ML-8 allows a message no more.
	MaxReported = mail.MaxRecipients
	// MaxHeader is how much of the original's header comes back, in octets.
	MaxHeader = 64 << 10
)

// dsn is a delivery status notification in the making (RFC 3464).
type dsn struct {
	item     *queue.Item
	header   []byte // of the original, with CRLF, without the blank line; nil = not known
	at       time.Time
	hostname string
	service  string
	lifetime time.Duration
	by       [len(actions)][]*queue.Recipient // those to be told of, by action
}

// sort finds who is to be told of, and tells how many there are.
func (d *dsn) sort() (told int) {
	for i := range d.item.To {
		r := &d.item.To[i]
		if told < MaxReported && wants(r) {
			d.by[actionOf(r.Outcome)] = append(d.by[actionOf(r.Outcome)], r)
			told++
		}
	}
	return told
}

// octets gives the whole message. With the same item, time and words it gives the same octets.
//
// RET=FULL is not heeded on purpose: only the header of the original comes back (RFC 3461 §4.3 lets a host give back
// less). A body would be sent again over a path nobody chose for it, to an
// envelope sender nobody proved, and fill the box of a sender who has the message anyway.
func (d *dsn) octets(all []words) []byte {
	var h compose.Header
	h.Time("Date", d.at)
	h.Addresses("From", sender(&all[0], d.hostname))
	h.Addresses("To", compose.Mailbox{Address: d.item.From})
	h.Text("Subject", d.subject(all))
	h.IDs("Message-ID", "<"+d.item.ID.String()+".dsn@"+d.hostname+">")
	h.IDs("References", d.item.MessageID)
	h.Line("Auto-Submitted", "auto-replied")
	parts := []compose.Entity{
		compose.Text(bothLanguages(all, d.explain), tags(all)...),
		d.report(),
	}
	if len(d.header) > 0 {
		parts = append(parts, d.original())
	}
	return h.Message(compose.Multipart("multipart/report; report-type=delivery-status", "dsn-"+d.item.ID.String(), parts...))
}

// global tells whether the notification is of the form for internationalised mail (RFC 6533): only for a sender who
// used it, and so can read it.
func (d *dsn) global() bool { return d.item.Opts.UTF8 }

// report makes the part for programs (RFC 3464 §2.1).
func (d *dsn) report() compose.Entity {
	var h compose.Header
	line := h.Line
	typ := "message/delivery-status"
	if d.global() {
		line, typ = h.LineUTF8, "message/global-delivery-status"
	}
	line("Reporting-MTA", "dns; "+d.hostname)
	if d.item.Opts.EnvID != "" {
		line("Original-Envelope-Id", d.item.Opts.EnvID)
	}
	h.Time("Arrival-Date", d.item.Origin.Received)
	if until := d.item.Opts.HoldUntil; !until.IsZero() {
		line("Future-Release-Request", "until;"+until.UTC().Format(time.RFC3339)) // RFC 4865 §6
	}
	for i := range actions {
		for _, r := range d.by[i] {
			h.End()
			d.reportOne(&h, line, r)
		}
	}
	return compose.Eight(typ, h.Bytes())
}

// reportOne writes the fields of one recipient (RFC 3464 §2.3).
func (d *dsn) reportOne(h *compose.Header, line func(name, value string), r *queue.Recipient) {
	if kind, address, ok := strings.Cut(r.Orcpt, ";"); ok {
		line("Original-Recipient", strings.TrimSpace(kind)+"; "+d.addressText(address))
	}
	kind := "rfc822"
	if !isASCII(r.Local) {
		kind = "utf-8"
	}
	line("Final-Recipient", kind+"; "+d.addressText(r.Address.String()))
	line("Action", actions[actionOf(r.Outcome)].name)
	line("Status", status(r))
	if r.Host != "" {
		line("Remote-MTA", "dns; "+r.Host)
	}
	if r.Answer != "" {
		line("Diagnostic-Code", "smtp; "+r.Answer)
	}
	if r.Outcome == queue.Failed || r.Outcome == queue.Waiting {
		h.Time("Last-Attempt-Date", r.At)
	}
	if d.item.Trace != "" {
		line("Final-Log-ID", d.item.Trace)
	}
	if r.Outcome == queue.Waiting {
		h.Time("Will-Retry-Until", d.until())
	}
}

// addressText writes an address for the report: as it is where UTF-8 may stand or it has none, else with its characters as
// numbers (utf-8-addr-xtext of RFC 6533 §3).
func (d *dsn) addressText(address string) string {
	if d.global() || isASCII(address) {
		return address
	}
	var b strings.Builder
	for _, r := range address {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`+=\`, r) {
			fmt.Fprintf(&b, `\x{%X}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// original makes the third part: the header of the message it is about (RFC 6522 §4, RFC 6533 §4).
func (d *dsn) original() compose.Entity {
	if d.global() {
		return compose.Eight("message/global-headers", d.header)
	}
	return compose.Quoted("text/rfc822-headers", d.header)
}

// headerOf cuts the header off the beginning of a message, at most MaxHeader octets in whole fields. Line ends become
// CRLF, so that nothing in it is taken for another line by those who read on.
func headerOf(begin []byte) []byte {
	var out []byte
	for len(begin) > 0 {
		line, rest, _ := bytes.Cut(begin, []byte{'\n'})
		line = bytes.ReplaceAll(bytes.TrimSuffix(line, []byte{'\r'}), []byte{'\r'}, []byte{' '})
		if len(line) == 0 {
			break
		}
		if len(out)+len(line)+2 > MaxHeader {
			return wholeFields(out)
		}
		out = append(append(out, line...), '\r', '\n')
		begin = rest
	}
	return out
}

// wholeFields leaves out a field that may lack its end.
func wholeFields(header []byte) []byte {
	for len(header) > 0 {
		i := bytes.LastIndexByte(header[:len(header)-1], '\n') + 1
		last := header[i]
		header = header[:i]
		if last != ' ' && last != '\t' {
			break
		}
	}
	return header
}
