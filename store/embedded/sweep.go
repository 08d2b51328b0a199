package embedded

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// sweepPortion is how many blobs a sweep looks at with one query, and removes with one commit.
const sweepPortion = 500

// livePart is the share of a full pack that rows must refer to; below 1/livePart its blobs are
// moved and it is removed.
const livePart = 2

// Sweep removes octets nothing refers to, in small portions beside the work of others: first the rows of blobs
// without message or item, then packs that became mostly empty. For a goroutine of app, every hour or so. What is damaged
// stays as it is, and does not keep the sweep from the rest.
func (s *Store) Sweep(ctx context.Context) error {
	var errs []error
	for _, t := range s.all() {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, t.sweep(ctx))
	}
	return mail.Wrap("embedded.Sweep", errors.Join(append(errs, ctx.Err())...))
}

func (t *tenant) sweep(ctx context.Context) error {
	v, err := t.acquire()
	if err != nil {
		return err
	}
	defer t.release()
	if err := v.dropDead(ctx); err != nil {
		return err
	}
	return v.compact(ctx)
}

// dropDead removes the rows of dead blobs that are older than Options.BlobGrace.
func (v *vault) dropDead(ctx context.Context) error {
	until := v.idsBefore(v.store.options.BlobGrace)
	for after := mail.BlobID(0); ; {
		var dead []mail.BlobID
		err := v.view(ctx, func(r *sql.Reader) (err error) {
			dead, after, err = r.DeadBlobs(after, until, sweepPortion)
			return err
		})
		if err != nil {
			return err
		}
		if len(dead) > 0 {
			if err := v.drop(ctx, dead); err != nil {
				return err
			}
		}
		if after == 0 {
			return nil
		}
	}
}

func (v *vault) drop(ctx context.Context, dead []mail.BlobID) error {
	return v.committer.do(ctx, mail.Actor{}, "embedded.Sweep", func(store.Tx) error {
		for _, id := range dead {
			if err := v.tx.DropBlob(id); err != nil {
				return err
			}
		}
		return nil
	})
}

// idsBefore gives a number that all ids made some time ago are below: an id begins with its milliseconds (mail.ID).
func (v *vault) idsBefore(ago time.Duration) mail.BlobID {
	const clockShift = 22
	return mail.BlobID(max(v.store.ids.Next()>>clockShift-ago.Milliseconds(), 0) << clockShift)
}

// compact empties packs that are mostly dead, and removes those that are empty.
func (v *vault) compact(ctx context.Context) error {
	there, err := v.packs.list()
	if err != nil {
		return err
	}
	var uses []sql.PackUse
	err = v.view(ctx, func(r *sql.Reader) (err error) {
		uses, err = r.PackUses()
		return err
	})
	if err != nil {
		return err
	}
	live := make(map[int64]int64)
	for _, u := range uses {
		live[u.Pack] = u.Size
	}
	var errs []error
	for num, size := range there {
		if live[num] < size/livePart && ctx.Err() == nil {
			errs = append(errs, v.empty(ctx, num))
		}
	}
	return errors.Join(errs...)
}

// empty moves what is alive out of a pack, and removes it. A pack still written to is left alone.
func (v *vault) empty(ctx context.Context, num int64) error {
	for after := mail.BlobID(0); ; {
		var list []sql.Place
		full := false
		err := v.committer.exclusive(func() error { full = !v.packs.current(num); return nil })
		if err != nil || !full {
			return err
		}
		err = v.view(ctx, func(r *sql.Reader) (err error) {
			list, err = r.Places(num, after, checkPortion)
			return err
		})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			_, err := v.whenUnused(num, func() error { return v.packs.remove(num) })
			return err
		}
		for _, p := range list {
			after = p.Ref.ID
			if err := v.move(ctx, p); err != nil {
				return err
			}
		}
	}
}

// move writes a blob's octets to the pack in use, and notes their new place.
func (v *vault) move(ctx context.Context, p sql.Place) error {
	if _, err := v.tenant.acquire(); err != nil { // for s, until its Release
		return err
	}
	s := &staged{ctx: ctx, vault: v}
	defer s.Release()
	if err := v.load(s, p); err != nil {
		return err
	}
	s.ref = p.Ref
	if s.size >= DirectLimit {
		if err := v.packs.writeBig(s); err != nil {
			return err
		}
	}
	return v.committer.do(ctx, mail.Actor{}, "embedded.Sweep", func(store.Tx) error {
		pack, off, err := v.packs.place(s)
		if err != nil {
			return err
		}
		return v.tx.MoveBlob(p, pack, off)
	})
}

// load reads a blob's octets into a staging. Octets that are damaged are not moved: their place is
// what one would look at to save them.
func (v *vault) load(s *staged, p sql.Place) error {
	const op mail.Op = "embedded.Sweep"
	r, err := v.packs.read(p.Pack)
	if err != nil {
		return err
	}
	defer v.packs.unread(r)
	mac := hmac.New(sha256.New, v.key)
	if _, err := io.Copy(io.MultiWriter(s, mac), io.NewSectionReader(r.f, p.Off, p.Ref.Size)); err != nil {
		return mail.Wrap(op, err)
	}
	if s.size != p.Ref.Size || !hmac.Equal(mac.Sum(nil), p.Ref.Hash[:]) {
		return mail.E(op, mail.Unavailable, "storage.damaged", p.Ref.ID)
	}
	return nil
}
