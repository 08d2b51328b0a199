package mailbox

import (
	"context"
	"iter"
	"math"
	"time"

	"tegami/mail"
	"tegami/store"
)

const (
	// indexPortion is how many messages are put into the full-text index at once.
	indexPortion = 128
	// indexPortionGrams is how many grams end a portion early.
	indexPortionGrams = 1 << 20
	// maxIndexTries is how often indexing a mailbox goes on where another was faster.
	maxIndexTries = 100
	// trimFrom is how many messages must be gone from a mailbox before its index is trimmed, and trimShare which share of it.
	trimFrom, trimShare = 32, 8
)

// textAccount names an account whose mail is indexed.
type textAccount struct {
	tenant  mail.TenantID
	account mail.AccountID
}

// Indexed is what indexing an account did.
type Indexed struct {
	Messages int           // put into the index
	Skipped  int           // of these, could not be read in full
	Took     time.Duration // without pauses
}

// indexing brings the index of one account up to its mail.
type indexing struct {
	service *Service
	key     textAccount
	tenant  store.Tenant
	tools   *indexTools
	since   time.Time     // when what is indexed came
	tell    func(Indexed) // hears of progress; may be nil
	holds   bool          // the turn
	done    Indexed
}

// run indexes all mailboxes. It gives the account's ModSeq up to which all is indexed.
func (x *indexing) run(ctx context.Context) (mail.ModSeq, error) {
	var boxes []store.Mailbox
	var box store.Box
	err := x.tenant.View(ctx, func(r store.Reader) (err error) {
		if boxes, err = r.Mailboxes(x.key.account); err == nil {
			box, err = r.Box(x.key.account)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	cursors, err := x.tenant.Texts().Cursors(ctx, x.key.account)
	if err != nil {
		return 0, err
	}
	if err := x.forget(ctx, boxes, cursors); err != nil {
		return 0, err
	}
	for i := range boxes {
		if err := x.mailbox(ctx, &boxes[i], cursors[boxes[i].ID]); err != nil {
			return 0, err
		}
	}
	return box.ModSeq, nil
}

// forget drops the index of mailboxes that are gone.
func (x *indexing) forget(ctx context.Context, boxes []store.Mailbox, cursors map[mail.MailboxID]store.TextCursor) error {
	there := make(map[mail.MailboxID]bool, len(boxes))
	for i := range boxes {
		there[boxes[i].ID] = true
	}
	var gone []mail.MailboxID
	for id := range cursors {
		if !there[id] {
			gone = append(gone, id)
		}
	}
	switch {
	case len(cursors) == 0 || len(gone) == 0:
		return nil
	case len(gone) == len(cursors):
		return x.tenant.Texts().Drop(ctx, x.key.account)
	}
	return x.tenant.Texts().Drop(ctx, x.key.account, gone...)
}

// mailbox indexes what came into a mailbox, and takes out what left it where that pays.
func (x *indexing) mailbox(ctx context.Context, box *store.Mailbox, at store.TextCursor) error {
	ours, err := x.service.belongs(ctx, x.key, box.ID, at)
	if err != nil {
		return err
	}
	if !ours {
		if err := x.tenant.Texts().Drop(ctx, x.key.account, box.ID); err != nil {
			return err
		}
		at = store.TextCursor{}
	}
	tries := 0
	for at.Upto+1 < box.UIDNext {
		next, err := x.portion(ctx, box.ID, at)
		if mail.Is(err, mail.Conflict) && tries < maxIndexTries { // another was faster: go on behind it
			tries++
			next, err = x.cursor(ctx, box.ID)
		} else if err == nil && next == at {
			break // all others are gone
		}
		if err != nil {
			return err
		}
		at = next
	}
	if dead := at.Docs - int(box.Messages); dead > trimFrom && dead > at.Docs/trimShare {
		return x.trim(ctx, box.ID, at.Upto)
	}
	return nil
}

// cursor reads how far a mailbox is indexed.
func (x *indexing) cursor(ctx context.Context, box mail.MailboxID) (store.TextCursor, error) {
	all, err := x.tenant.Texts().Cursors(ctx, x.key.account)
	return all[box], err
}

// portion indexes the first messages behind the cursor, and gives the cursor behind them.
func (x *indexing) portion(ctx context.Context, box mail.MailboxID, at store.TextCursor) (store.TextCursor, error) {
	x.give()
	if err := x.take(ctx); err != nil {
		return at, err
	}
	if err := x.tools.breathe(ctx, x.since); err != nil {
		return at, err
	}
	p := portions.Get().(*portion)
	defer portions.Put(p)
	err := x.tenant.View(ctx, func(r store.Reader) error {
		p.reset()
		return r.Messages(box, at.Upto+1, math.MaxUint32, store.WithIndex|store.WithPlace, func(m *store.Message) bool {
			return p.add(0, m) && len(p.messages) < indexPortion
		})
	})
	if err != nil || len(p.messages) == 0 {
		return at, err
	}
	begun := time.Now()
	next := store.TextPortion{Mailbox: box, After: at.Upto}
	for i, grams := 0, 0; i < len(p.messages) && grams < indexPortionGrams; i++ {
		doc, err := x.doc(ctx, &p.messages[i])
		if err != nil {
			return at, err
		}
		grams += len(doc.Grams)
		next.Docs = append(next.Docs, doc)
		next.Upto, next.Email = doc.UID, p.messages[i].ID
	}
	if err := x.tenant.Texts().Add(ctx, x.key.account, next); err != nil {
		return at, err
	}
	x.giveThreads(ctx, p.messages[:len(next.Docs)])
	x.progress(len(next.Docs), time.Since(begun))
	return store.TextCursor{Upto: next.Upto, Email: next.Email, Docs: at.Docs + len(next.Docs)}, nil
}

func (x *indexing) progress(messages int, took time.Duration) {
	x.done.Messages += messages
	x.done.Took += took
	x.tools.working += took
	if x.tell != nil {
		x.tell(x.done)
	}
}

// doc reads a message. What cannot be read is said once and does not keep the others from the index.
func (x *indexing) doc(ctx context.Context, m *Message) (store.TextDoc, error) {
	blob := textBlob{x.key.tenant, m.Blob.ID}
	if grams, ok := x.tools.known[blob]; ok {
		return store.TextDoc{UID: m.UID, Grams: grams}, nil
	}
	doc, err := x.tools.words.doc(ctx, x.tenant, m)
	if err == nil {
		x.tools.remember(blob, doc.Grams)
		return doc, nil
	}
	if ctx.Err() != nil {
		return doc, ctx.Err()
	}
	x.done.Skipped++
	x.service.cfg.Log.Warn("message not indexed in full: searches look at it themselves", "tenant", x.key.tenant, "account", x.key.account,
		"mailbox", m.Mailbox, "uid", m.UID, "error", err)
	return doc, nil
}

// trim takes out of the index what is gone from a mailbox.
func (x *indexing) trim(ctx context.Context, box mail.MailboxID, upto mail.UID) error {
	var live []Mark
	err := x.tenant.View(ctx, func(r store.Reader) error {
		live = live[:0]
		return r.Marks(box, 0, func(m Mark) bool {
			live = append(live, m)
			return true
		})
	})
	if err != nil {
		return err
	}
	return x.tenant.Texts().Trim(ctx, x.key.account, box, upto, uidsUpTo(live, upto))
}

func uidsUpTo(live []Mark, upto mail.UID) iter.Seq[mail.UID] {
	return func(yield func(mail.UID) bool) {
		for _, m := range live {
			if m.UID > upto || !yield(m.UID) {
				return
			}
		}
	}
}

// belongs tells whether the index of a mailbox is of these messages. Where a tenant's database was brought back from a
// copy, the index may have gone further: the UIDs in it are given away again, to others.
func (s *Service) belongs(ctx context.Context, key textAccount, box mail.MailboxID, at store.TextCursor) (bool, error) {
	if at.Upto == 0 || s.texts.isTrusted(box) {
		return true, nil
	}
	ours := false
	err := s.store.Tenant(key.tenant).View(ctx, func(r store.Reader) error {
		m, err := r.Mailbox(box)
		if ours = at.Upto < m.UIDNext; err != nil || !ours {
			return err
		}
		return r.Messages(box, at.Upto, at.Upto, 0, func(m *store.Message) bool {
			ours = m.ID == at.Email
			return false
		})
	})
	if mail.Is(err, mail.NotFound) {
		return false, nil
	}
	if err == nil && ours {
		s.texts.trust(box)
	}
	return ours, err
}

// trust makes sure, once for each mailbox and process, that its index belongs to it; one that does not is dropped.
func (s *Service) trust(ctx context.Context, key textAccount, box mail.MailboxID) error {
	if s.texts.isTrusted(box) {
		return nil
	}
	texts := s.store.Tenant(key.tenant).Texts()
	cursors, err := texts.Cursors(ctx, key.account)
	if err != nil {
		return err
	}
	ours, err := s.belongs(ctx, key, box, cursors[box])
	if err != nil || ours {
		return err
	}
	return texts.Drop(ctx, key.account, box)
}
