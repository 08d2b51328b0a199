package deliver

import (
	"context"
	"io"
	"slices"

	"tegami/mail"
	"tegami/policy"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// Treat says for each addressee what the filter of the company and the account's own lists want done with a message (SF-1, SF-2). To be called
// before Local, with what is known of the message; the platform's own word is never treated.
func (h *House) Treat(ctx context.Context, doc *queue.Doc, facts *policy.Facts, to []Addressee) error {
	if h.cfg.Filter == nil || doc == nil || doc.Service || doc.From.IsNull() && doc.Auto {
		return nil
	}
	a := arrivalOf(doc, facts, policy.Rules{TrustedSealers: h.cfg.TrustedSealers})
	for i := range to {
		filter, days, err := h.cfg.Filter(ctx, &to[i].Account)
		if err != nil {
			return mail.Wrap("deliver.Treat", err)
		}
		to[i].Treat, to[i].Days, to[i].Spam = filter.Treat(&a), days, facts.Spam
	}
	return nil
}

// treatKnown is Treat by the facts that the item keeps.
func (h *House) treatKnown(ctx context.Context, it *queue.Item, to []Addressee) error {
	if h.cfg.Filter == nil {
		return nil
	}
	facts := policy.Facts{}
	if len(it.Facts) > 0 {
		var err error
		if facts, err = policy.ParseFacts(it.Facts); err != nil {
			return err
		}
	}
	return h.Treat(ctx, &it.Doc, &facts, to)
}

// arrivalOf is a message as the filter looks at it.
func arrivalOf(doc *queue.Doc, facts *policy.Facts, rules policy.Rules) policy.Arrival {
	a := policy.Arrival{Envelope: doc.From, Forged: facts.Forged(rules), Virus: facts.Virus, Cleaned: true, Spam: facts.Spam}
	if author, err := mail.ParseAddress(doc.HeaderFrom); err == nil {
		a.Author = author
	}
	return a
}

// Tags gives the different tags that addressees get, in the order in which they come.
func Tags(to []Addressee) (tags []string) {
	for i := range to {
		if tag := to[i].Treat.Tag; tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// A Source is a message of which copies with a tag are made.
type Source struct {
	Header []byte // the whole block, with the blank line
	Body   func(io.Writer) error
	Size   int64 // of the body
}

// Tagged are copies of a message with tags in the subject (SF-1), staged for one tenant. The zero value has none.
type Tagged struct {
	tags  []string
	octet []store.Staged
	index [][]byte
}

// Tag makes the copies. Release them.
func Tag(ctx context.Context, into store.Blobs, src Source, tags []string) (*Tagged, error) {
	t := &Tagged{}
	for _, tag := range tags {
		staged, index, err := tagOne(ctx, into, src, tag)
		if err != nil {
			t.Release()
			return nil, mail.Wrap("deliver.Tag", err)
		}
		t.tags, t.octet, t.index = append(t.tags, tag), append(t.octet, staged), append(t.index, index)
	}
	return t, nil
}

func tagOne(ctx context.Context, into store.Blobs, src Source, tag string) (staged store.Staged, index []byte, err error) {
	header := mime.TagSubject(src.Header, tag)
	return stageCopy(ctx, into, int64(len(header))+src.Size, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		return src.Body(w)
	})
}

// Keep makes the copies part of a transaction; it gives them by their tags.
func (t *Tagged) Keep(tx store.Tx) (map[string]mail.BlobRef, error) {
	if t == nil || len(t.tags) == 0 {
		return nil, nil
	}
	blobs := make(map[string]mail.BlobRef, len(t.tags))
	for i, tag := range t.tags {
		var err error
		if blobs[tag], err = tx.Keep(t.octet[i], t.index[i]); err != nil {
			return nil, mail.Wrap("deliver.Keep", err)
		}
	}
	return blobs, nil
}

// Release gives the buffers back.
func (t *Tagged) Release() {
	if t == nil {
		return
	}
	for _, s := range t.octet {
		s.Release()
	}
	t.octet = nil
}

// tagged treats the addressees of an item that is carried, and makes the copies they get.
func (h *House) tagged(ctx context.Context, job *queue.Job, to []Addressee) (*Tagged, error) {
	if err := h.treatKnown(ctx, &job.Item, to); err != nil {
		return nil, err
	}
	tags := Tags(to)
	if len(tags) == 0 {
		return nil, nil
	}
	blob, err := job.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	header, err := readHeader(blob)
	if err != nil {
		return nil, mail.Because("deliver.tagged", mail.Unavailable, "", err)
	}
	rest := blob.Size() - int64(len(header))
	src := Source{Header: header, Size: rest, Body: func(w io.Writer) error {
		_, err := blob.WriteRange(w, int64(len(header)), rest)
		return err
	}}
	return Tag(ctx, job.Store().Blobs(), src, tags)
}

// treated does with the message what the filter wants instead of putting it away; false: it is put away.
func (l *localMail) treated(to *Addressee, done *queue.Recipient) (bool, error) {
	switch to.Treat.Do {
	case policy.DoDrop:
		arrived(done, queue.IntoDenied)
		done.Notify = mail.NotifyNever
	case policy.DoQuarantine:
		if _, err := quarantine.Keep(l.tx, l.quarantined(to)); err != nil {
			return true, err
		}
		arrived(done, queue.IntoQuarantine)
	default:
		return false, nil
	}
	return true, nil
}

// blobOf is the copy that an addressee gets.
func (l *localMail) blobOf(to *Addressee) mail.BlobRef {
	if ref, ok := l.m.Tagged[to.Treat.Tag]; ok {
		return ref
	}
	return l.m.Blob
}

// quarantined is a message as the quarantine box keeps it.
func (l *localMail) quarantined(to *Addressee) quarantine.Entry {
	d, t := l.m.Doc, &to.Treat
	e := quarantine.Entry{
		Account: to.Account.ID, Recipient: to.Address, From: d.From, Subject: d.Subject, MessageID: d.MessageID, Item: d.Of,
		Percent: t.Percent, Rule: string(t.Rule), Blob: l.m.Blob, Received: l.m.Received, Facts: d.Facts, Ends: quarantine.End(l.m.Received, to.Days),
	}
	if a, err := mail.ParseAddress(d.HeaderFrom); err == nil {
		e.HeaderFrom = a
	}
	if to.Spam != nil {
		for _, r := range to.Spam.Reasons {
			e.Reasons = append(e.Reasons, quarantine.Reason(r))
		}
	}
	return e
}
