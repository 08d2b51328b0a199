package embedded

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/segment"
	"tegami/store/internal/sql"
)

// texts fulfils store.Texts.
type texts struct{ handle }

// Texts gives the tenant's full-text indexes.
func (h handle) Texts() store.Texts { return texts{h} }

// dir is where a tenant's indexes are.
func (t *tenant) textDir() string { return filepath.Join(filepath.Dir(t.db), "text") }

// with runs fn on the index of an account. One that is damaged is removed, and fn runs once more, on none.
func (h texts) with(ctx context.Context, op mail.Op, a mail.AccountID, use func(*textFile) error) error {
	t, err := h.tenant(op)
	if err == nil {
		err = h.store.usable(ctx, op)
	}
	if err != nil {
		return err
	}
	file, err := h.store.textFiles.take(textKey{t.textDir(), a})
	if err != nil {
		return mail.Wrap(op, err)
	}
	defer h.store.textFiles.give(file)
	if err = use(file); damagedText(err) {
		if err = file.remove(); err == nil {
			err = use(file)
		}
	}
	return mail.Wrap(op, err)
}

// damagedText tells whether an index cannot be used any more.
func damagedText(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return true
	}
	return errors.Is(err, segment.ErrDamaged)
}

// Cursors tells how far each mailbox is indexed.
func (h texts) Cursors(ctx context.Context, a mail.AccountID) (all map[mail.MailboxID]store.TextCursor, err error) {
	err = h.with(ctx, "store.TextCursors", a, func(f *textFile) error {
		all = nil
		return f.read(func(x *sql.TextIndex) (err error) {
			all, err = x.Cursors()
			return err
		})
	})
	return all, err
}

// Add takes messages into the index.
func (h texts) Add(ctx context.Context, a mail.AccountID, p store.TextPortion) error {
	return h.with(ctx, "store.TextAdd", a, func(f *textFile) error {
		return f.update(func(x *sql.TextIndex) error { return x.Add(p) })
	})
}

// Find gives the messages that may contain all of the grams.
func (h texts) Find(ctx context.Context, a mail.AccountID, m mail.MailboxID, grams []store.Gram) (found []mail.UID, upto mail.UID, err error) {
	err = h.with(ctx, "store.TextFind", a, func(f *textFile) error {
		found, upto = nil, 0
		return f.read(func(x *sql.TextIndex) (err error) {
			found, upto, err = x.Find(m, grams)
			return err
		})
	})
	return found, upto, err
}

// Trim takes out messages that are not live.
func (h texts) Trim(ctx context.Context, a mail.AccountID, m mail.MailboxID, upto mail.UID, live iter.Seq[mail.UID]) error {
	return h.with(ctx, "store.TextTrim", a, func(f *textFile) error {
		return f.update(func(x *sql.TextIndex) error { return x.Trim(m, upto, live) })
	})
}

// Drop removes the index of mailboxes, or all of it.
func (h texts) Drop(ctx context.Context, a mail.AccountID, of ...mail.MailboxID) error {
	return h.with(ctx, "store.TextDrop", a, func(f *textFile) error {
		if len(of) == 0 {
			return f.remove()
		}
		return f.update(func(x *sql.TextIndex) error { return x.Drop(of...) })
	})
}

// Size tells how large the index of an account is.
func (h texts) Size(ctx context.Context, a mail.AccountID) (size store.TextSize, err error) {
	err = h.with(ctx, "store.TextSize", a, func(f *textFile) error {
		size = store.TextSize{}
		return f.read(func(x *sql.TextIndex) (err error) {
			size, err = x.Size()
			return err
		})
	})
	return size, err
}

// Accounts lists the accounts that have an index.
func (h texts) Accounts(ctx context.Context) ([]mail.AccountID, error) {
	const op mail.Op = "store.TextAccounts"
	t, err := h.tenant(op)
	if err == nil {
		err = h.store.usable(ctx, op)
	}
	if err != nil {
		return nil, err
	}
	return t.textAccounts()
}

func (t *tenant) textAccounts() ([]mail.AccountID, error) {
	entries, err := os.ReadDir(t.textDir())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, diskFailure("store.TextAccounts", err)
	}
	var list []mail.AccountID
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), textSuffix)
		if a, err := mail.ParseID[struct{}](name); ok && err == nil {
			list = append(list, mail.AccountID(a))
		}
	}
	slices.Sort(list)
	return list, nil
}

// checkTexts reads all indexes. One that is damaged is removed with repair; it is made again either way.
func (t *tenant) checkTexts(ctx context.Context, repair bool, found sql.Report) error {
	list, err := t.textAccounts()
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := t.checkText(a, repair, found); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return t.checkTrace(repair, found)
}

func (t *tenant) checkText(a mail.AccountID, repair bool, found sql.Report) error {
	file, err := t.store.textFiles.take(textKey{t.textDir(), a})
	if err != nil {
		return err
	}
	defer t.store.textFiles.give(file)
	err = file.read(func(x *sql.TextIndex) error { return x.Check() })
	if !damagedText(err) {
		return err
	}
	if repair {
		err = file.remove()
	}
	found(fmt.Sprintf("the full-text index of account %s is damaged and will be made again", a), repair && err == nil, false)
	return nil
}
