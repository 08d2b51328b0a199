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
	folder, err := s.appendTo(ctx, path)
	if err != nil {
		return reply{}, target(err)
	}
	a := appending{s: s, d: d, path: path}
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
	uids := make([]mail.UID, len(done))
	for i := range done {
		uids[i] = done[i].UID
	}
	if len(done) == 0 || done[0].Mailbox != folder.ID { // the name is another mailbox's since it was found: whose UIDs these are nobody knows
		return reply{}, nil
	}
	s.addedHere(path, uids)
	return reply{code: string(appendUIDCode(nil, folder.UIDValidity, uids))}, nil
}

// appendUIDCode writes the response code of new messages (RFC 9051 §7.1 APPENDUID).
func appendUIDCode(b []byte, uidValidity uint32, uids []mail.UID) []byte {
	b = imap.AppendUint(append(b, "APPENDUID "...), uidValidity)
	return imap.AppendNumbers(append(b, ' '), uids)
}

// appendTo finds the mailbox of an APPEND. The selected one is known; if it is gone meanwhile, Append says so.
func (s *session) appendTo(ctx context.Context, path string) (mailbox.Folder, error) {
	if s.view != nil && s.view.Folder().Path == path && s.view.Rights().Has(mailbox.RightInsert) {
		return s.view.Folder(), nil
	}
	return s.account.FolderFor(ctx, path, mailbox.RightInsert)
}

const (
	// maxTogether is how many octets the messages of one APPEND have together: they are in memory until the
	// commit, and all sessions share that memory.
	maxTogether = 64 << 20
	// slowestUpload is the slowest upload we wait for, in octets a second. An upload that
	// waits for memory others hold gives up in the end, so that they cannot wait for each other for ever.
	slowestUpload = 16 << 10
)

// appending are the messages of one APPEND.
type appending struct {
	s      *session
	d      *imap.Decoder
	path   string // of the mailbox
	unsure bool   // whether there is room is not known before the commit: something else goes with it
	in     []mailbox.Appended
	total  int64    // octets announced
	ends   []func() // of the uploads' contexts
}

func (a *appending) release() {
	for i := range a.in {
		a.in[i].Release()
		a.ends[i]()
	}
}

// stage begins to take in one message of size octets; 0 where that is not known yet.
func (a *appending) stage(ctx context.Context, m mailbox.Appended, size int64) error {
	if a.total += size; a.total > maxTogether {
		return mail.E("imapd.APPEND", mail.Full, "message.too_big", maxTogether>>20)
	}
	expected := size
	if size == 0 {
		expected = a.s.srv.cfg.Limits.Message
	}
	limit := a.s.srv.cfg.Limits.Command + time.Duration(expected/slowestUpload)*time.Second
	ctx, end := context.WithTimeout(ctx, limit)
	up, err := a.s.account.Stage(ctx, size)
	if err != nil {
		end()
		return err
	}
	m.Upload = up
	a.in, a.ends = append(a.in, m), append(a.ends, end)
	return nil
}

// takeOne takes flags, date and octets of one message.
func (a *appending) takeOne(ctx context.Context) error {
	if len(a.in) == mailbox.MaxAppended {
		return mail.E("imapd.APPEND", mail.Full, "message.too_many", mailbox.MaxAppended)
	}
	var m mailbox.Appended
	if !a.takeHead(&m) {
		return a.d.Err()
	}
	if a.d.IsNext('{') || a.d.IsNext('~') {
		return a.takeLiteral(ctx, m)
	}
	var word string
	if !a.d.Keyword(&word) || !a.d.SP() {
		return a.d.Err()
	}
	switch {
	case word == "CATENATE":
		return a.catenate(ctx, m)
	case word == "UTF8" && a.s.utf8: // RFC 6855 §4; messages with UTF-8 in their header need nothing else here
		return a.inParentheses(func() error { return a.takeLiteral(ctx, m) })
	}
	a.d.Expected("literal")
	return a.d.Err()
}

// inParentheses takes what stands in parentheses.
func (a *appending) inParentheses(what func() error) error {
	if !a.d.Special('(') {
		return a.d.Err()
	}
	if err := what(); err != nil {
		return err
	}
	a.d.Special(')')
	return a.d.Err()
}

// takeLiteral takes a message as one literal. A literal8 (RFC 3516 §4.4) may hold anything, and is kept as it is.
func (a *appending) takeLiteral(ctx context.Context, m mailbox.Appended) error {
	const op = "imapd.APPEND"
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
	if err := a.stage(ctx, m, size); err != nil {
		return err
	}
	return a.d.CopyLiteral(a.in[len(a.in)-1])
}

// earlySize is the size in octets from which on the quota is asked before a message is taken in.
const earlySize = 64 << 10

// early refuses a large message that has no room before its octets come. The commit decides.
func (a *appending) early(ctx context.Context, size int64) error {
	if size < earlySize || a.unsure {
		return nil
	}
	_, used, limit, err := a.s.account.QuotaOf(ctx, a.path)
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
