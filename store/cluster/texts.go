package cluster

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/segment"
	"tegami/store/internal/sql"
)

// texts fulfils store.Texts. The index is rows beside the mail's, in transactions of its own.
type texts struct{ *tenant }

// Texts gives the tenant's full-text indexes.
func (t *tenant) Texts() store.Texts { return texts{t} }

// look runs fn over one consistent state.
func (t texts) look(ctx context.Context, op mail.Op, a mail.AccountID, fn func(*sql.TextIndex) error) error {
	return t.reading(ctx, op, func(c *conn) error { return mail.Wrap(op, fn(sql.NewTextIndex(c, a))) })
}

// read is look, where an index that is damaged is dropped, and fn runs once more, on none.
func (t texts) read(ctx context.Context, op mail.Op, a mail.AccountID, fn func(*sql.TextIndex) error) error {
	err := t.look(ctx, op, a, fn)
	if errors.Is(err, segment.ErrDamaged) {
		if err = t.Drop(ctx, a); err == nil {
			err = t.look(ctx, op, a, fn)
		}
	}
	return err
}

// change runs fn in a transaction, again while others are in the way.
func (t texts) change(ctx context.Context, op mail.Op, a mail.AccountID, fn func(*sql.TextIndex) error) error {
	if err := t.store.enter(op); err != nil {
		return err
	}
	defer t.store.running.Done()
	if err := t.exists(ctx, op); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	var err error
	for try := range maxTries {
		if try > 0 && !pause(ctx, try) {
			break
		}
		if err = t.once(ctx, a, fn); !inTheWay(err) {
			break
		}
	}
	return mail.Wrap(op, err)
}

func (t texts) once(ctx context.Context, a mail.AccountID, fn func(*sql.TextIndex) error) error {
	c, err := t.store.writers.get(ctx)
	if err != nil {
		return err
	}
	defer t.store.writers.put(c)
	c.begin(stBegin, t.id)
	// One transaction changes an index at a time: the rows that another put in the place of those it locked would not be seen.
	err = c.ask(stTextTurn, func(sql.Row) bool { return false }, integer(int64(t.id)), integer(int64(a)))
	if err == nil {
		err = fn(sql.NewTextIndex(c, a))
	}
	if err != nil {
		return errors.Join(err, c.abandon())
	}
	return c.end()
}

// repair is change for an index that may be damaged.
func (t texts) repair(ctx context.Context, op mail.Op, a mail.AccountID, fn func(*sql.TextIndex) error) error {
	err := t.change(ctx, op, a, fn)
	if errors.Is(err, segment.ErrDamaged) {
		if err = t.Drop(ctx, a); err == nil {
			err = t.change(ctx, op, a, fn)
		}
	}
	return err
}

// Cursors tells how far each mailbox is indexed.
func (t texts) Cursors(ctx context.Context, a mail.AccountID) (all map[mail.MailboxID]store.TextCursor, err error) {
	err = t.read(ctx, "store.TextCursors", a, func(x *sql.TextIndex) (err error) {
		all, err = x.Cursors()
		return err
	})
	return all, err
}

// Add takes messages into the index.
func (t texts) Add(ctx context.Context, a mail.AccountID, p store.TextPortion) error {
	return t.repair(ctx, "store.TextAdd", a, func(x *sql.TextIndex) error { return x.Add(p) })
}

// Find gives the messages that may contain all of the grams.
func (t texts) Find(ctx context.Context, a mail.AccountID, m mail.MailboxID, grams []store.Gram) (found []mail.UID, upto mail.UID, err error) {
	err = t.read(ctx, "store.TextFind", a, func(x *sql.TextIndex) (err error) {
		found, upto, err = x.Find(m, grams)
		return err
	})
	return found, upto, err
}

// Trim takes out messages that are not live.
func (t texts) Trim(ctx context.Context, a mail.AccountID, m mail.MailboxID, upto mail.UID, live iter.Seq[mail.UID]) error {
	return t.repair(ctx, "store.TextTrim", a, func(x *sql.TextIndex) error { return x.Trim(m, upto, live) })
}

// Drop removes the index of mailboxes, or all of it.
func (t texts) Drop(ctx context.Context, a mail.AccountID, of ...mail.MailboxID) error {
	return t.change(ctx, "store.TextDrop", a, func(x *sql.TextIndex) error { return x.Drop(of...) })
}

// Size tells how large the index of an account is.
func (t texts) Size(ctx context.Context, a mail.AccountID) (size store.TextSize, err error) {
	err = t.read(ctx, "store.TextSize", a, func(x *sql.TextIndex) (err error) {
		size, err = x.Size()
		return err
	})
	return size, err
}

// Accounts lists the accounts that have an index.
func (t texts) Accounts(ctx context.Context) (list []mail.AccountID, err error) {
	const op mail.Op = "store.TextAccounts"
	if err := t.exists(ctx, op); err != nil {
		return nil, err
	}
	c, err := t.store.readers.get(ctx)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	defer t.store.readers.put(c)
	c.begin(stBeginView, t.id)
	if list, err = sql.TextAccounts(c); err != nil {
		_ = c.abandon() // as in read
		return nil, mail.Wrap(op, err)
	}
	return list, mail.Wrap(op, c.end())
}

// checkTexts reads all indexes. One that is damaged is dropped with repair; it is made again either way.
func (t *tenant) checkTexts(ctx context.Context, repair bool, found sql.Report) error {
	list, err := t.Texts().Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		err := texts{t}.look(ctx, "store.Check", a, func(x *sql.TextIndex) error { return x.Check() })
		if !errors.Is(err, segment.ErrDamaged) {
			if err != nil {
				return err
			}
			continue
		}
		if repair {
			err = t.Texts().Drop(ctx, a)
		}
		found(fmt.Sprintf("the full-text index of account %s is damaged and will be made again", a), repair && err == nil, false)
	}
	return t.checkTrace(ctx, repair, found)
}
