package imapd

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdAppend is APPEND (RFC 9051 §6.3.12), of several messages too (RFC 3502). Octets go from the
// connection into the upload as they come; nothing is asked for that would be refused.
func cmdAppend(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	if !d.SP() || !d.Mailbox(&path) || !d.SP() {
		return reply{}, d.Err()
	}
	folder, err := s.account.Folder(ctx, path)
	if err != nil {
		return reply{}, target(err)
	}
	a := appending{s: s, d: d}
	defer a.release()
	for more := true; more; more = d.Accept(' ') && !d.AtEnd() {
		if err := a.takeOne(ctx); err != nil {
			return reply{}, err
		}
	}
	if !d.End() {
		return reply{}, d.Err()
	}
	done, err := s.account.Append(ctx, path, a.in)
	if err != nil {
		return reply{}, target(err)
	}
	code := imap.AppendUint([]byte("APPENDUID "), folder.UIDValidity)
	uids := make([]mail.UID, len(done))
	for i := range done {
		uids[i] = done[i].UID
	}
	return reply{code: string(imap.AppendNumbers(append(code, ' '), uids))}, nil
}

// appending are the messages of one APPEND.
type appending struct {
	s  *session
	d  *imap.Decoder
	in []mailbox.Appended
}

func (a *appending) release() {
	for i := range a.in {
		a.in[i].Release()
	}
}

// takeOne takes flags, date and octets of one message.
func (a *appending) takeOne(ctx context.Context) error {
	const op = "imapd.APPEND"
	if len(a.in) == mailbox.MaxAppended {
		return mail.E(op, mail.Full, "message.too_many", mailbox.MaxAppended)
	}
	var m mailbox.Appended
	if !a.takeHead(&m) {
		return a.d.Err()
	}
	wrapped, ok := a.openUTF8()
	if !ok {
		return a.d.Err()
	}
	size, ok := a.d.OpenLiteral(a.s.srv.cfg.Limits.Message)
	switch {
	case !ok:
		return a.d.Err()
	case size == 0:
		return mail.E(op, mail.Invalid, "imap.empty_message") // RFC 3502 §4: the client gave up
	}
	if err := a.early(ctx, size); err != nil {
		return err
	}
	up, err := a.s.account.Stage(ctx, size)
	if err != nil {
		return err
	}
	m.Upload = up
	a.in = append(a.in, m)
	if err := a.d.CopyLiteral(up); err != nil {
		return err
	}
	if wrapped && !a.d.Special(')') {
		return a.d.Err()
	}
	return nil
}

// earlySize is the size in octets from which on the quota is asked before a message is taken in.
const earlySize = 64 << 10

// early refuses a large message that has no room before its octets come. The commit decides.
func (a *appending) early(ctx context.Context, size int64) error {
	if size < earlySize {
		return nil
	}
	used, limit, err := a.s.account.Quota(ctx)
	if err == nil && used+size > limit {
		err = mail.E("imapd.APPEND", mail.Full, "box.full")
	}
	return err
}

// takeHead takes the flags and the date, where they stand.
func (a *appending) takeHead(m *mailbox.Appended) bool {
	d := a.d
	if d.IsNext('(') {
		var f imap.Flags
		if !d.FlagList(&f) || !d.SP() {
			return false
		}
		m.Flags, m.Keywords = f.System, f.Keywords
	}
	if d.IsNext('"') {
		var at time.Time
		if !d.DateTime(&at) || !d.SP() {
			return false
		}
		m.Received = at
	}
	return true
}

// openUTF8 takes "UTF8 (" before a literal (RFC 6855 §4). Messages with UTF-8 headers need nothing else here.
func (a *appending) openUTF8() (wrapped, ok bool) {
	if !a.s.utf8 || a.d.IsNext('{') || a.d.IsNext('~') {
		return false, true
	}
	var word string
	if !a.d.Keyword(&word) || word != "UTF8" {
		return false, a.d.Expected("UTF8")
	}
	return true, a.d.SP() && a.d.Special('(')
}
