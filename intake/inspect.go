package intake

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/inspect"
	"tegami/mail"
	"tegami/policy"
	"tegami/policy/virus"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// spamField is the header field that says how likely a message is spam, in percent with two decimals. It is written before that is known,
// with room for the largest: then the octets are put over it where they lie.
const spamField = "X-EM-Spam-Check"

// foreignSpamField takes the place of the name of a field of that name that came with the message. It has the same length.
const foreignSpamField = "X-Not-Our-Check"

// spamRoom is the field before the message was judged.
const spamRoom = spamField + ": " + "  0.00%\r\n"

// An Infection is a message in which a virus was found (VC-2, VC-3).
type Infection struct {
	Outbound bool // from somebody of ours, and refused
	Doc      queue.Doc
	Virus    policy.Virus
	Sender   directory.Account   // of one that is Outbound; zero: a machine
	To       []deliver.Addressee // of one that came in: who has a box here
	All      []mail.Recipient    // every recipient, of one that is Outbound
}

// inspect looks into the message: viruses first, for which it is refused, deleted or made clean, then what the spam filter judges by.
func (tx *Transaction) inspect(ctx context.Context, m *finished, parsed *mime.Message, facts *policy.Facts) (*mime.Message, error) {
	if tx.in.cfg.Inspect == nil {
		return parsed, nil
	}
	look, err := tx.in.cfg.Inspect.Look(ctx, &inspect.Message{
		Origin: tx.origin, From: tx.from, Recipients: len(tx.seen), Internal: tx.submission != nil, Chunks: tx.staged.Chunks(), Parsed: parsed, Facts: facts,
	})
	if err != nil {
		return nil, err
	}
	m.look, facts.Virus, facts.Late = look, look.Virus(), append(facts.Late, look.Late()...)
	switch v := facts.Virus; {
	case v == nil:
	case v.Infected() && tx.submission != nil:
		return nil, tx.refuseVirus(m, look)
	case v.Infected() && look.BodyInfected():
		look.Done(policy.ThreatDeleted)
		m.deleted = true
	case v.Infected():
		return tx.makeClean(ctx, look)
	case v.Result == string(virus.Failed):
		return parsed, tx.unchecked(ctx)
	}
	return parsed, nil
}

// refuseVirus refuses a submission with a virus: Denied "virus.refused" (VC-2). Its sender and the administrators are told.
func (tx *Transaction) refuseVirus(m *finished, look *inspect.Look) error {
	look.Done(policy.ThreatRefused)
	v := look.Virus()
	var err error
	if m.doc.Facts, err = m.facts.Encode(); err != nil { // for the trace of what was refused
		return err
	}
	if tx.in.cfg.Infected != nil {
		s := tx.submission
		tx.in.cfg.Infected(s.tenant, Infection{Outbound: true, Doc: m.doc, Virus: *v, Sender: s.account, All: tx.everybody()})
	}
	return mail.E("intake.inspect", mail.Denied, "virus.refused", v.Threats[0].Name)
}

// everybody gives all recipients that were taken.
func (tx *Transaction) everybody() (all []mail.Recipient) {
	for _, s := range tx.shares() {
		for i := range s.to {
			all = append(all, s.to[i].Recipient)
		}
		all = append(all, s.wait...)
	}
	if tx.whole == nil { // else they are among those who wait
		for _, r := range tx.submission.remote {
			all = append(all, r.to...)
		}
	}
	return all
}

// makeClean puts the message without its harmful attachments into the place of the one that came (VC-3).
func (tx *Transaction) makeClean(ctx context.Context, look *inspect.Look) (*mime.Message, error) {
	staged, err := tx.in.cfg.Store.Tenant(tx.shares()[0].tenant).Blobs().Stage(ctx, tx.staged.Size())
	if err != nil {
		return nil, err
	}
	if err := look.Clean(ctx, tx.shares()[0].tenant, staged); err != nil {
		staged.Release()
		return nil, err
	}
	tx.staged.Release()
	tx.staged = staged
	return mime.ParseChunks(staged.Chunks(), tx.in.cfg.Limits.MIME), nil
}

// unchecked is the answer where an engine that should have looked for viruses did not answer: Busy "virus.unchecked" where one of the companies
// wants to wait for it, nil where all take the message marked. It is never silently clean: the facts say it.
func (tx *Transaction) unchecked(ctx context.Context) error {
	for _, s := range tx.shares() {
		set, err := tx.in.cfg.Directory.Company(s.tenant).VirusSettings(ctx)
		if err != nil {
			return err
		}
		if set.Down != directory.VirusMark {
			return mail.E("intake.inspect", mail.Busy, "virus.unchecked")
		}
	}
	return nil
}

// forShare is a message as one company gets it: with what its filter says of it, and what follows for each of its recipients.
func (tx *Transaction) forShare(ctx context.Context, m *finished, s *share, staged store.Staged) (*finished, error) {
	if m.look == nil || len(s.to)+len(s.wait) == 0 {
		return m, nil
	}
	own, facts := *m, *m.facts
	own.facts = &facts
	facts.Spam = m.score(ctx, s.tenant)
	if facts.Spam != nil {
		noteSpam(staged.Chunks(), facts.Spam.Percent)
		own.doc.Spam = own.doc.Spam || facts.Spam.Percent >= policy.DefaultThreshold
	}
	var err error
	if own.doc.Facts, err = facts.Encode(); err != nil {
		return nil, err
	}
	if m.deleted {
		return &own, nil
	}
	return &own, tx.in.cfg.House.Treat(ctx, &own.doc, &facts, s.to)
}

// score says how likely a message is spam for a company.
func (m *finished) score(ctx context.Context, tenant mail.TenantID) *policy.Spam {
	if m.scores[tenant] == nil {
		if m.scores == nil {
			m.scores = map[mail.TenantID]*policy.Spam{}
		}
		m.scores[tenant] = m.look.Score(ctx, tenant)
	}
	return m.scores[tenant]
}

const (
	// greyFor is for how long somebody who was asked to come again is known.
	greyFor = 24 * time.Hour
	// greyBits4 and greyBits6 are how long the networks of hosts are that come back for each other.
	greyBits4, greyBits6 = 24, 64
)

// grey asks the sender of a message from outside that is in doubt to come again, once: Busy "message.doubtful" (greylisting). Senders of spam
// seldom do, and more is known then.
func (tx *Transaction) grey(ctx context.Context, m *finished) error {
	shares := tx.shares()
	if !tx.in.cfg.Greylist || m.look == nil || m.deleted || tx.submission != nil || len(shares) == 0 || !tx.origin.Remote.IsValid() {
		return nil
	}
	tenant := shares[0].tenant
	if !m.look.Doubtful(ctx, tenant, m.score(ctx, tenant)) {
		return nil
	}
	network, _ := mail.Network(tx.origin.Remote, greyBits4, greyBits6) // is valid
	key := strings.Join([]string{"grey", tenant.String(), network.String(), tx.from.Key(), tx.onlyRecipient().Key()}, " ")
	came, err := tx.in.cfg.Store.Tally(ctx, key, 1, greyFor)
	if err != nil || came > 1 {
		return nil // who can't be counted is not kept out
	}
	return mail.E("intake.grey", mail.Busy, "message.doubtful")
}

// noteSpam writes into the room for it how likely a message is spam. What another company's filter said may stand there.
func noteSpam(chunks [][]byte, percent float64) {
	if len(chunks) == 0 {
		return
	}
	const start = spamField + ": "
	header := chunks[0][:min(len(chunks[0]), maxHeader)]
	at := bytes.Index(header, []byte("\r\n"+start)) + 2
	if at == 1 && bytes.HasPrefix(header, []byte(start)) {
		at = 0
	}
	if at != 1 {
		overwrite(chunks, at+len(start), fmt.Sprintf("%6.2f%%", percent))
	}
}

// tag makes the copies with a tag in the subject that recipients of a share get.
func (e *entry) tag(ctx context.Context, into store.Blobs) (err error) {
	tags := deliver.Tags(e.to)
	if len(tags) == 0 {
		return nil
	}
	chunks := e.staged.Chunks()
	header := headerOf(chunks)
	end := cmp.Or(mime.HeaderEnd(header), len(header))
	e.tagged, err = deliver.Tag(ctx, into, deliver.Source{
		Header: header[:end], Size: e.staged.Size() - int64(end), Body: func(w io.Writer) error {
			_, err := io.Copy(w, behind(chunks, end))
			return err
		},
	}, tags)
	return err
}

// saw has the company remember the message, after the commit.
func (e *entry) saw() {
	if e.m.look == nil || e.m.facts.Spam == nil {
		return
	}
	var to []mail.Address
	if s := e.tx.submission; s != nil && s.tenant == e.share.tenant {
		for _, r := range s.remote {
			for i := range r.to {
				to = append(to, r.to[i].Address)
			}
		}
	}
	e.m.look.Saw(e.share.tenant, e.m.facts.Spam.Percent, to)
}

// writeDeleted writes the item of a message that was deleted for its virus: the trace knows of it, nobody gets it (VC-3).
func (e *entry) writeDeleted(t store.Tx, blob mail.BlobRef) error {
	it := queue.Item{State: store.ItemSettled, Due: e.m.at, Route: queue.RouteLocal, Blob: blob, Doc: e.m.doc}
	gone := func(r mail.Recipient, account mail.AccountID) {
		r.Notify = mail.NotifyNever
		it.To = append(it.To, queue.Recipient{Recipient: r, Account: account, Outcome: queue.Delivered, Into: queue.IntoVirus, At: e.m.at})
	}
	for i := range e.to {
		gone(e.to[i].Recipient, e.to[i].Account.ID)
	}
	for _, r := range e.wait {
		gone(r, 0)
	}
	err := queue.Put(t, &it)
	e.first = it.ID
	return err
}

// tellInfected tells of what was found in mail from outside, after the commit.
func (e *entry) tellInfected() {
	in := e.tx.in
	if e.m.look == nil || in.cfg.Infected == nil || !e.m.look.Virus().Infected() || e.tx.submission != nil {
		return
	}
	in.cfg.Infected(e.share.tenant, Infection{Doc: e.m.doc, Virus: *e.m.look.Virus(), To: e.to})
}
