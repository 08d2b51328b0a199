package deliver

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/compose"
	"tegami/wire/mime"
	"tegami/wire/sieve"
)

// What an account remembers begins with what it is for.
const (
	memoSeen     = "seen "     // an id of the test duplicate (RFC 7352)
	memoVacation = "vacation " // whom an automatic answer went to (RFC 5230)
	memoFailed   = "failed "   // a version of a script whose owner was told that it fails
)

// tellFailureAgain is after how long the owner of a script that still fails is told again.
const tellFailureAgain = 365 * 24 * time.Hour

// plan is what becomes of a message for one account, as its filter wants it.
type plan struct {
	*filtering
	place   int // of the recipient
	account directory.Account
	gone    bool // there is no such account any more

	filings []filing
	onward  []onwardItem
	letters []*answer
	edits   []*edit
	tracks  []sieve.Track
	reject  string         // what the sender is told; "" = the message is not refused
	refused []mail.Address // where the company does not let mail be sent on
	fault   *failedScript

	in    []mail.MailboxID // that have the message as it came, by the transaction that runs
	tell  bool             // that the script failed
	again bool             // somebody was faster: the script has to run again
	to    queue.Recipient
}

// filing is a copy in the box.
type filing struct {
	mailbox.Filing
	edit *edit // nil: as it came
}

// onwardItem is an item on queue.RouteForward.
type onwardItem struct {
	queue.Item
	edit *edit
}

// edit are the octets of a message as a script edited it.
type edit struct {
	content *sieve.Content
	staged  store.Staged
	index   []byte
	eight   bool             // it has octets beyond ASCII
	blob    mail.BlobRef     // of the transaction that runs
	in      []mail.MailboxID // that have it, by that transaction
}

// failedScript is a version of a script that failed.
type failedScript struct {
	name  string
	memo  string
	fault sieve.Fault
}

// failed notes that the script fails.
func (p *plan) failed(s *mailbox.Filter, fault sieve.Fault) {
	p.fault = &failedScript{s.Name, memoFailed + s.ID.String() + " " + strconv.FormatUint(s.Version, 10), fault}
}

// add adds one action of the script.
func (p *plan) add(ctx context.Context, action sieve.Action) error {
	switch a := action.(type) {
	case sieve.Keep:
		return p.file(ctx, mailbox.Filing{Keywords: a.Flags}, a.Content)
	case sieve.FileInto:
		return p.file(ctx, filingOf(&a), a.Content)
	case sieve.Redirect:
		return p.redirect(ctx, a)
	case sieve.Reject:
		p.refuse(a.Text)
	case sieve.Vacation:
		return p.vacation(ctx, a)
	case sieve.Notify:
		return p.notify(ctx, a)
	case sieve.Track:
		p.tracks = append(p.tracks, a)
	}
	return nil
}

// filingOf is where a script files a message.
func filingOf(a *sieve.FileInto) mailbox.Filing {
	return mailbox.Filing{
		NewMail: mailbox.NewMail{Folder: a.Mailbox}, Role: roleOf(a.SpecialUse), ID: mailboxID(a.MailboxID), Create: a.Create, Keywords: a.Flags,
	}
}

// mailboxID reads the id of a mailbox, as IMAP has it (RFC 8474 §4); zero for what is none, which no mailbox has.
func mailboxID(text string) (id mail.MailboxID) {
	if id.UnmarshalText([]byte(text)) != nil {
		return 0
	}
	return id
}

// roleOf is the role of the mailbox with an attribute (RFC 6154 §2).
func roleOf(use string) string { return strings.ToLower(strings.TrimPrefix(use, `\`)) }

// file adds a copy in the box.
func (p *plan) file(ctx context.Context, where mailbox.Filing, content *sieve.Content) error {
	e, err := p.edited(ctx, content)
	if err != nil {
		return err
	}
	where.Received, where.Service = p.it.Origin.Received, p.it.Service
	p.filings = append(p.filings, filing{where, e})
	return nil
}

// inbox keeps the message in the inbox, once.
func (p *plan) inbox(e *edit) {
	for _, f := range p.filings {
		if f.Folder == "" && f.Role == "" && f.ID.IsZero() {
			return
		}
	}
	p.filings = append(p.filings, filing{mailbox.Filing{NewMail: mailbox.NewMail{Received: p.it.Origin.Received, Service: p.it.Service}}, e})
}

// edited stages the message as a script edited it, once; nil for one as it came.
func (p *plan) edited(ctx context.Context, content *sieve.Content) (*edit, error) {
	if content == nil {
		return nil, nil
	}
	if i := slices.IndexFunc(p.edits, func(e *edit) bool { return e.content == content }); i >= 0 {
		return p.edits[i], nil
	}
	staged, err := p.job.Store().Blobs().Stage(ctx, content.Size())
	if err != nil {
		return nil, err
	}
	e := &edit{content: content, staged: staged}
	p.edits = append(p.edits, e)
	if err := copyEdited(staged, content.Open(p.message.blob)); err != nil {
		return nil, err
	}
	chunks := staged.Chunks()
	e.eight = slices.ContainsFunc(chunks, func(c []byte) bool { return !isASCII(c) })
	e.index = mime.ParseChunks(chunks, mime.Limits{}).Encode(nil)
	return e, staged.Seal(ctx)
}

// editedSize is how many octets the messages have that are staged.
func (p *plan) editedSize() (size int64) {
	for _, e := range p.edits {
		size += e.staged.Size()
	}
	return size
}

// release gives back what was staged.
func (p *plan) release() {
	for _, e := range p.edits {
		e.staged.Release()
	}
	for _, a := range p.letters {
		a.release()
	}
	p.edits, p.letters = nil, nil
}

// redirect sends the message on. What may not leave, and what would go in a circle, stays in the inbox.
func (p *plan) redirect(ctx context.Context, a sieve.Redirect) error {
	e, err := p.edited(ctx, a.Content)
	if err != nil {
		return err
	}
	if a.List != "" || p.it.Spam || p.account.Owns(a.To) || p.message.looping(p.account.Owns) {
		p.inbox(e)
		return nil
	}
	err = p.cfg.Directory.UserMayForward(ctx, &p.account, a.To)
	if mail.Is(err, mail.Denied) {
		p.refused = append(p.refused, a.To)
		p.inbox(e)
		return nil
	}
	if err != nil {
		return err
	}
	if ok, err := p.maySend(ctx, "redirect", maxRedirects); err != nil {
		return err
	} else if !ok {
		p.inbox(e)
		return nil
	}
	r := &p.it.To[p.place]
	next := queue.Recipient{Recipient: mail.Recipient{Address: a.To, Orcpt: r.Orcpt, Notify: onward(r.Notify)}, Account: p.account.ID}
	if next.Orcpt == "" {
		next.Orcpt = "rfc822;" + r.Address.String()
	}
	it := follow(p.it, queue.RouteForward, next)
	it.Filtered = true
	if e != nil && e.eight && it.Opts.Body == 0 {
		it.Opts.Body = mail.Body8BitMIME
	}
	p.onward = append(p.onward, onwardItem{it, e})
	return nil
}

// refuse refuses the message (RFC 5429). Only a sender who is proved is told; what may be forged is kept: a notification
// would go to somebody who did not send it (RFC 5429 §2.1.1).
func (p *plan) refuse(text string) {
	if !believable(&p.it.Doc) {
		p.inbox(nil)
		return
	}
	if p.reject = compose.OneLine(text); p.reject == "" {
		p.reject = "refused"
	}
}

// believable tells whether the envelope's sender is who he says, and hears what becomes of the message.
func believable(d *queue.Doc) bool {
	if d.From.IsNull() || d.Auto || d.Spam {
		return false
	}
	_, sent := sender(d)
	from, proved := author(d)
	return sent || proved && strings.EqualFold(from.Domain, d.From.Domain)
}

// answerable tells whether the envelope's sender may be answered by a program: he was not found to be forged.
func answerable(d *queue.Doc) bool {
	if d.From.IsNull() || d.Auto || d.Spam {
		return false
	}
	if submitted(d) || len(d.Facts) == 0 {
		return true
	}
	f, err := policy.ParseFacts(d.Facts)
	return err == nil && (f.SPF == nil || f.SPF.Result != "fail" || f.Proved())
}

// write does all of it inside the transaction that notes what became of the recipient. It may run more than once.
func (p *plan) write(tx store.Tx, r *queue.Recipient) error {
	p.tell, p.again = false, false
	if p.gone {
		fail(r, "recipient.unknown", "5.1.1")
		return nil
	}
	again, err := p.outrun(tx)
	if again || err != nil {
		p.again = again
		return err
	}
	for _, e := range p.edits {
		if e.blob, err = tx.Keep(e.staged, e.index); err != nil {
			return err
		}
		e.in = nil
	}
	p.in = nil
	for _, step := range []func(store.Tx) error{p.writeOnward, p.writeLetters, p.remember} {
		if err := step(tx); err != nil {
			return err
		}
	}
	if err := p.outcome(tx, r); err != nil {
		return err
	}
	p.to = *r
	return nil
}

// outrun tells whether another message with the same id came through meanwhile: this one was not new after all, and the script
// has to see that.
func (p *plan) outrun(tx store.Tx) (bool, error) {
	for _, t := range p.tracks {
		until, err := tx.Memo(p.account.ID, memoSeen+t.ID)
		if err != nil || !until.IsZero() {
			return !until.IsZero(), err
		}
	}
	return false, nil
}

// outcome files the message and says what became of the recipient.
func (p *plan) outcome(tx store.Tx, r *queue.Recipient) error {
	switch {
	case p.reject != "":
		fail(r, "filter.rejected", "5.7.1")
		r.Answer = p.reject
		return nil
	case len(p.filings) == 0 && len(p.onward) > 0:
		r.Outcome, r.Reason, r.Status, r.At, r.Into = queue.Expanded, "", "", time.Now(), queue.IntoForward
		return nil
	}
	arrived(r, queue.IntoNothing)
	for i := range p.filings {
		if err := p.fileOne(tx, &p.filings[i], r); err != nil {
			return err
		}
	}
	return nil
}

// fileOne files one copy. A box that is full by the first is as full as any other; what finds no room behind that is left out.
func (p *plan) fileOne(tx store.Tx, f *filing, r *queue.Recipient) error {
	n, in := f.Filing, &p.in
	n.Blob = p.it.Blob
	if f.edit != nil {
		n.Blob, in = f.edit.blob, &f.edit.in
	}
	n.Have = *in
	if n.Received.IsZero() {
		n.Received = time.Now()
	}
	m, err := p.cfg.Mailbox.File(tx, &p.account, n)
	if err == nil {
		if r.Email.IsZero() {
			arrived(r, f.into())
			r.Email = m.ID
		}
		*in = append(*in, m.Mailbox)
		return nil
	}
	key, _ := mail.TextOf(err)
	switch {
	case key == "box.full" && r.Email.IsZero():
		fail(r, "box.full", "5.2.2")
	case key == "mailbox.unknown":
		fail(r, "recipient.unknown", "5.1.1")
	case key != "box.full":
		return err
	}
	return nil
}

// into tells what kind of folder a copy goes to.
func (f *filing) into() queue.Into {
	switch {
	case f.Role == "junk":
		return queue.IntoJunk
	case f.Folder == "" && f.Role == "", strings.EqualFold(f.Folder, mailbox.Inbox):
		return queue.IntoInbox
	}
	return queue.IntoFolder
}

// writeOnward writes what goes on.
func (p *plan) writeOnward(tx store.Tx) error {
	for i := range p.onward {
		o := p.onward[i] // each run of the transaction gives it an id
		if o.edit != nil {
			o.Blob = o.edit.blob
		}
		if err := queue.Put(tx, &o.Item); err != nil {
			return err
		}
	}
	return nil
}

// remember notes what the account is to remember.
func (p *plan) remember(tx store.Tx) error {
	now := time.Now()
	for _, t := range p.tracks {
		if err := tx.PutMemo(p.account.ID, memoSeen+t.ID, now.Add(t.For)); err != nil {
			return err
		}
	}
	if p.fault == nil {
		return nil
	}
	told, err := tx.Memo(p.account.ID, p.fault.memo)
	if err != nil || !told.IsZero() {
		return err
	}
	p.tell = true
	return tx.PutMemo(p.account.ID, p.fault.memo, now.Add(tellFailureAgain))
}

// committed is called after the commit.
func (p *plan) committed(ctx context.Context) {
	if p.gone {
		return
	}
	if p.again {
		p.late[p.place] = true
		return
	}
	if p.to.Outcome == queue.Delivered {
		p.cfg.Metrics.Delivered(1)
	}
	p.Committed(ctx, []Addressee{{Recipient: p.to.Recipient, Account: p.account}}, []queue.Recipient{p.to})
	for _, a := range p.letters {
		a.committed(ctx)
	}
	if len(p.onward) > 0 {
		p.wake()
	}
	for _, to := range p.refused {
		if p.cfg.ForwardRefused != nil {
			p.cfg.ForwardRefused(p.job.Tenant, p.account, to)
		}
	}
	if p.tell {
		p.cfg.Log.Info("a filter failed", "tenant", p.job.Tenant.String(), "account", p.account.Address.String(), "fault", p.fault.fault.String())
		if p.cfg.FilterFailed != nil {
			p.cfg.FilterFailed(p.job.Tenant, p.account, p.fault.name, p.fault.fault)
		}
	}
}
