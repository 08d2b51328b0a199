package deliver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/wire/compose"
	"tegami/wire/mime"
	"tegami/wire/sieve"
)

// What an account's filter sends within sendWindow at most.
const (
	sendWindow = time.Hour
	// maxNotifications: one that names a pager must not flood it.
	maxNotifications = 100
	// maxAnswers: who sends under many names must not make others be answered who wrote nothing.
	maxAnswers = 500
	// maxRedirects: accounts whose filters name each other must not make thousands of messages of one. What is over it is kept.
	maxRedirects = 2000
)

// maySend counts something that the account's filter sends, and tells whether it may.
func (p *plan) maySend(ctx context.Context, what string, most int64) (bool, error) {
	n, err := p.cfg.Store.Tally(ctx, "filter."+what+" "+p.job.Tenant.String()+" "+p.account.ID.String(), 1, sendWindow)
	if n == most+1 {
		p.cfg.Log.Warn("a filter sends too much", "tenant", p.job.Tenant.String(), "account", p.account.Address.String(), "what", what, "most", most)
	}
	return n <= most, err
}

// answer is a letter that a filter writes: an answer to the sender (RFC 5230), or a notification (RFC 5436).
type answer struct {
	*posting
	memo   string    // "" = it goes out whatever went out before
	until  time.Time // how long that is remembered
	filing *mailbox.Filing
	sent   bool // by the last run of the transaction
}

// vacation answers the sender, unless he was answered lately.
func (p *plan) vacation(ctx context.Context, v sieve.Vacation) error {
	if !answerable(&p.it.Doc) || p.message.automatic() {
		return nil
	}
	if may, err := p.answers(ctx, v.To); !may || err != nil {
		return err
	}
	a := &answer{}
	if v.Period > 0 {
		a.memo, a.until = answeredTo(v.Handle, v.To), time.Now().Add(v.Period)
		if was, err := p.remembers(ctx, a.memo); was || err != nil {
			return err
		}
	}
	if ok, err := p.maySend(ctx, "answer", maxAnswers); !ok || err != nil {
		return err
	}
	var h compose.Header
	h.Time("Date", time.Now())
	h.Addresses("From", p.from(v.From))
	h.Addresses("To", compose.Mailbox{Address: v.To})
	h.Text("Subject", v.Subject)
	h.IDs("Message-ID", "<"+rand.Text()+"@"+p.account.Address.Domain+">")
	h.IDs("In-Reply-To", strings.Fields(v.InReplyTo)...)
	h.IDs("References", strings.Fields(v.References)...)
	h.Line("Auto-Submitted", "auto-replied (vacation)")
	body := compose.Text(v.Text)
	if v.MIME {
		body = entity(v.Text)
	}
	return p.letter(ctx, a, h.Message(body), v.Copy, mail.Recipient{Address: v.To, Notify: mail.NotifyNever})
}

// answers tells whether the company lets absence notes go to an address: it can keep them to its own people (ML-12).
func (p *plan) answers(ctx context.Context, to mail.Address) (bool, error) {
	s, err := p.cfg.Directory.Company(p.account.Tenant).Settings(ctx)
	if err != nil || !s.NoOutsideVacation {
		return err == nil, err
	}
	tenant, ours, err := p.cfg.Directory.LocalDomain(ctx, to.Domain)
	return ours && tenant == p.account.Tenant, err
}

// remembers tells whether the account remembers something. What another message is about to write it does not see: the transaction
// looks again.
func (p *plan) remembers(ctx context.Context, memo string) (was bool, err error) {
	err = p.job.Store().View(ctx, func(r store.Reader) error {
		until, err := r.Memo(p.account.ID, memo)
		was = !until.IsZero()
		return err
	})
	return was, err
}

// answeredTo is under what an account remembers that somebody got an answer.
func answeredTo(handle string, to mail.Address) string {
	sum := sha256.Sum256([]byte(handle + "\x00" + to.Key()))
	return memoVacation + base64.RawURLEncoding.EncodeToString(sum[:])
}

// from is the address that a letter of the account is from: the one its script asks for if it is the account's, else its own.
func (p *plan) from(asked string) compose.Mailbox {
	for _, a := range mime.ParseAddressList(asked) {
		if at, err := a.Mail(); err == nil && p.account.Owns(at) {
			return compose.Mailbox{Name: a.Name(), Address: at}
		}
	}
	return compose.Mailbox{Name: p.account.Name, Address: p.account.Address}
}

// entity takes an entity that a script wrote: of its header only what describes the content (RFC 5230 §4.4).
func entity(text string) compose.Entity {
	octets := []byte(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n"))
	end := mime.HeaderEnd(octets)
	if end <= 0 {
		return compose.Text(text)
	}
	var fields []byte
	for f := range mime.Header(octets[:end]).Fields() {
		if strings.HasPrefix(strings.ToLower(string(f.Name)), "content-") {
			fields = append(fields, octets[f.Start:f.End]...)
		}
	}
	return compose.Whole(fields, octets[end:])
}

// letter prepares a letter of the account: from the null reverse-path, as nobody is to answer a program (RFC 5230 §5.1,
// RFC 3834 §3.3).
func (p *plan) letter(ctx context.Context, a *answer, octets []byte, fcc *sieve.FileInto, to ...mail.Recipient) (err error) {
	a.posting, err = p.prepare(ctx, Letter{Tenant: p.job.Tenant, To: to, Octets: octets, Sign: p.account.Address.Domain})
	if err != nil {
		return err
	}
	p.letters = append(p.letters, a)
	if fcc != nil {
		f := filingOf(fcc)
		a.filing = &f
	}
	return nil
}

// notify tells somebody of the message by mail (RFC 5436). It goes only where the company lets filters send mail.
func (p *plan) notify(ctx context.Context, n sieve.Notify) error {
	if p.it.Spam || p.message.automatic() {
		return nil
	}
	if ok, err := p.maySend(ctx, "notify", maxNotifications); !ok || err != nil {
		return err
	}
	var to []mail.Recipient
	allowed := func(list []sieve.Mailbox) (kept []compose.Mailbox, err error) {
		for _, m := range list {
			err := p.cfg.Directory.UserMayForward(ctx, &p.account, m.Address)
			if mail.Is(err, mail.Denied) {
				p.refused = append(p.refused, m.Address)
				continue
			}
			if err != nil {
				return nil, err
			}
			kept = append(kept, compose.Mailbox{Name: m.Name, Address: m.Address})
			to = append(to, mail.Recipient{Address: m.Address, Notify: mail.NotifyNever})
		}
		return kept, nil
	}
	var h compose.Header
	h.Time("Date", time.Now())
	h.Addresses("From", p.from(n.From))
	for _, field := range []struct {
		name string
		list []sieve.Mailbox
	}{{"To", n.To}, {"Cc", n.Cc}, {"", n.Bcc}} {
		kept, err := allowed(field.list)
		if err != nil {
			return err
		}
		if len(kept) > 0 && field.name != "" {
			h.Addresses(field.name, kept...)
		}
	}
	if len(to) == 0 {
		return nil
	}
	p.describe(&h, &n)
	return p.letter(ctx, &answer{}, h.Message(compose.Text(p.notification(&n))), n.Copy, to...)
}

// describe writes the rest of a notification's header (RFC 5436 §2.7).
func (p *plan) describe(h *compose.Header, n *sieve.Notify) {
	h.Text("Subject", n.Subject)
	h.IDs("Message-ID", "<"+rand.Text()+"@"+p.account.Address.Domain+">")
	h.Line("Auto-Submitted", `auto-notified; owner-email="`+p.account.Address.String()+`"`)
	switch n.Importance {
	case 1:
		h.Line("Importance", "high")
	case 3:
		h.Line("Importance", "low")
	}
	for _, f := range n.Header {
		if harmless(f.Name) {
			h.Text(f.Name, f.Value)
		}
	}
}

// harmless tells whether a script may set a field of a notification: none that says who wrote it, whereto it goes, and how it is
// to be read (RFC 5436 §2.5).
func harmless(name string) bool {
	switch lower := strings.ToLower(name); lower {
	case "date", "from", "sender", "to", "cc", "bcc", "subject", "message-id", "received", "return-path", "auto-submitted", "importance",
		"mime-version", "dkim-signature", "authentication-results":
		return false
	default:
		return !strings.HasPrefix(lower, "content-") && !strings.HasPrefix(lower, "resent-") && !strings.HasPrefix(lower, "arc-") && isFieldName(name)
	}
}

// isFieldName tells whether a name can stand before a colon (RFC 5322 §2.2).
func isFieldName(name string) bool {
	return name != "" && len(name) <= 70 && strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) < 0
}

// notification is the text of a notification: the script's, else who wrote and about what.
func (p *plan) notification(n *sieve.Notify) string {
	if n.Body != "" {
		return n.Body
	}
	return "From: " + compose.OneLine(mime.DecodeHeader(p.message.header.Get("From"))) + "\n" +
		"Subject: " + compose.OneLine(mime.DecodeHeader(p.message.header.Get("Subject"))) + "\n"
}

// writeLetters writes the letters that are to go out.
func (p *plan) writeLetters(tx store.Tx) error {
	for _, a := range p.letters {
		if err := p.writeLetter(tx, a); err != nil {
			return err
		}
	}
	return nil
}

// writeLetter writes one, unless its reader got one lately.
func (p *plan) writeLetter(tx store.Tx, a *answer) error {
	a.sent = false
	if a.memo != "" {
		until, err := tx.Memo(p.account.ID, a.memo)
		if err != nil || !until.IsZero() {
			return err
		}
		if err := tx.PutMemo(p.account.ID, a.memo, a.until); err != nil {
			return err
		}
	}
	if err := a.write(tx); err != nil {
		return err
	}
	a.sent = true
	if a.filing == nil {
		return nil
	}
	f := *a.filing
	f.Blob, f.Received, f.Flags = a.blob, a.at, mail.Seen
	_, err := p.cfg.Mailbox.File(tx, &p.account, f)
	if key, _ := mail.TextOf(err); key == "box.full" || key == "mailbox.unknown" { // a copy is no reason not to answer
		return nil
	}
	return err
}

// committed is called after the commit.
func (a *answer) committed(ctx context.Context) {
	if a.sent {
		a.posting.committed(ctx)
	}
}
