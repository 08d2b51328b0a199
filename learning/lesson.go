package learning

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// kindLesson is the kind of the store's entries that are lessons: of the account that taught, under the message's name.
const kindLesson = "lesson"

// Lesson is what somebody said of a message.
type Lesson struct {
	Tenant  mail.TenantID
	Account mail.AccountID
	// Name names the message, at most MaxName octets: the same in all mailboxes it may be in (Name makes one of its octets).
	Name string
	Spam bool
	Words
}

// Name names a message by its octets.
func Name(b mail.BlobRef) string { return base64.RawURLEncoding.EncodeToString(b.Hash[:]) }

// lesson is one that is remembered: what was said, and by which words it counts.
type lesson struct {
	spam   bool
	tokens []uint64 // ascending, each once
}

// Teach counts a lesson. It tells whether it counts: not one that was given before, nor one past LessonsADay. Where the opposite was said of
// the message before, that is taken back. Invalid "learning.name" for a message without a name.
func (s *Service) Teach(ctx context.Context, l Lesson) (counts bool, err error) {
	const op mail.Op = "learning.Teach"
	if l.Name == "" || len(l.Name) > MaxName || l.Account <= 0 {
		return false, mail.E(op, mail.Invalid, "learning.name")
	}
	given, err := s.cfg.Store.Tally(ctx, "lessons "+l.Tenant.String()+" "+l.Account.String(), 1, 24*time.Hour)
	if err != nil || given > LessonsADay {
		return false, mail.Wrap(op, err)
	}
	now := lesson{l.Spam, distinct(l.Tokens)}
	changed := now.tokens
	err = s.update(ctx, l.Tenant, op, func(tx store.Tx) error {
		counts = false
		there, was, err := find(tx, l.Account, l.Name)
		if err != nil || was != nil && was.spam == l.Spam {
			return err
		}
		if counts, changed = true, now.tokens; was != nil {
			changed = append(slices.Clone(was.tokens), now.tokens...)
			if err := was.count(tx, -1); err != nil {
				return err
			}
		}
		if err := now.count(tx, 1); err != nil {
			return err
		}
		_, err = tx.PutEntry(store.Entry{
			Kind: kindLesson, Account: l.Account, ID: there, Key: l.Name, Doc: now.encode(), Ends: time.Now().AddDate(0, 0, LessonDays),
		})
		if err != nil {
			return err
		}
		return forgetOldest(tx, l.Account)
	})
	if err != nil || !counts {
		return false, err
	}
	s.forgetKnown(l.Tenant, changed...)
	s.taught(&l)
	return true, nil
}

// Undo takes a lesson back. NotFound "learning.unknown" for one that was not given, or too long ago.
func (s *Service) Undo(ctx context.Context, tenant mail.TenantID, account mail.AccountID, name string) error {
	const op mail.Op = "learning.Undo"
	err := s.update(ctx, tenant, op, func(tx store.Tx) error {
		id, was, err := find(tx, account, name)
		if err != nil {
			return err
		}
		if was == nil {
			return mail.E(op, mail.NotFound, "learning.unknown")
		}
		if err := was.count(tx, -1); err != nil {
			return err
		}
		return tx.DeleteEntry(account, kindLesson, id)
	})
	s.forgetKnown(tenant)
	return err
}

// undoPortion is how many lessons one transaction takes back.
const undoPortion = 20

// UndoAccount takes back everything an account taught in the last LessonDays, up to MaxLessons lessons, and tells how many: for one that
// was taken over.
func (s *Service) UndoAccount(ctx context.Context, tenant mail.TenantID, account mail.AccountID) (undone int, err error) {
	const op mail.Op = "learning.UndoAccount"
	defer s.forgetKnown(tenant)
	for {
		n := 0
		err := s.update(ctx, tenant, op, func(tx store.Tx) error {
			n = 0
			list, err := tx.Entries(account, kindLesson, 0, store.Page{Limit: undoPortion})
			for i := range list {
				was, ok := decode(list[i].Doc)
				if ok && err == nil {
					err = was.count(tx, -1)
				}
				if err == nil {
					err = tx.DeleteEntry(account, kindLesson, list[i].ID)
				}
				n++
			}
			return err
		})
		if undone += n; err != nil || n == 0 {
			return undone, err
		}
	}
}

// Forget takes back everything a company learned: words, reputations and contacts.
func (s *Service) Forget(ctx context.Context, tenant mail.TenantID) error {
	const op mail.Op = "learning.Forget"
	s.dropRecent(tenant)
	err := s.update(ctx, tenant, op, func(tx store.Tx) error {
		for _, kind := range []store.CountKind{kindTokens, kindReputations, kindContacts, kindLessons} {
			if err := tx.DropCounts(kind); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = s.endLessons(ctx, tenant, time.Now().AddDate(1, 0, 0))
	s.forgetKnown(tenant)
	return err
}

// find gives the lesson that an account gave of a message, and the id of its entry; nil where it gave none.
func find(r store.Reader, account mail.AccountID, name string) (mail.ObjectID, *lesson, error) {
	e, err := r.EntryByKey(account, kindLesson, name)
	if mail.Is(err, mail.NotFound) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	was, ok := decode(e.Doc)
	if !ok { // damaged: it can't be taken back, so it stays
		return e.ID, nil, nil
	}
	return e.ID, &was, nil
}

// forgetOldest has the oldest lesson of an account count for good, where it has more than MaxLessons.
func forgetOldest(tx store.Tx, account mail.AccountID) error {
	n, err := tx.CountEntries(account, kindLesson)
	if err != nil || n <= MaxLessons {
		return err
	}
	old, err := tx.Entries(account, kindLesson, 0, store.Page{Limit: n - MaxLessons})
	for i := range old {
		if err == nil {
			err = tx.DeleteEntry(account, kindLesson, old[i].ID)
		}
	}
	return err
}

// count adds the lesson to the counts, or takes it away with n = -1.
func (l *lesson) count(tx store.Tx, n int64) error {
	c := store.Count{Turn: day(time.Now())}
	if l.spam {
		c.A = n
	} else {
		c.B = n
	}
	list := make([]store.Count, 0, len(l.tokens))
	for _, t := range l.tokens {
		c.Key = int64(t)
		list = append(list, c)
	}
	if err := tx.AddCounts(kindTokens, false, list); err != nil {
		return err
	}
	c.Key = allLessons
	return tx.AddCounts(kindLessons, false, []store.Count{c})
}

// distinct gives tokens in order, each once, at most MaxLessonTokens: the first.
func distinct(tokens []uint64) []uint64 {
	list := slices.Clone(tokens[:min(len(tokens), MaxLessonTokens)])
	slices.Sort(list)
	return slices.Compact(list)
}

// encode writes a lesson: an octet, 1 for spam, and the tokens as distances (varint).
func (l *lesson) encode() []byte {
	b := make([]byte, 1, 1+8*len(l.tokens))
	if l.spam {
		b[0] = 1
	}
	last := uint64(0)
	for _, t := range l.tokens {
		b = binary.AppendUvarint(b, t-last)
		last = t
	}
	return b
}

// decode reads what encode wrote; false for something else.
func decode(b []byte) (l lesson, ok bool) {
	if len(b) == 0 || b[0] > 1 {
		return l, false
	}
	l.spam = b[0] == 1
	last := uint64(0)
	for b = b[1:]; len(b) > 0; {
		d, n := binary.Uvarint(b)
		if n <= 0 || d == 0 && len(l.tokens) > 0 || last+d < last || len(l.tokens) == MaxLessonTokens {
			return lesson{}, false
		}
		last += d
		l.tokens, b = append(l.tokens, last), b[n:]
	}
	return l, true
}
