package cluster

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

const (
	// sweepEvery is how often blobs that nothing refers to are looked for.
	sweepEvery = time.Hour
	// sweepAge is how old a blob is before a sweep takes it: older than any transaction that may still want it, and than what was uploaded to
	// become mail within an hour.
	sweepAge = 75 * time.Minute
	// portion is how many blobs are looked at with one query.
	portion = 256
)

// Check verifies every promise over all data, one tenant after the other. With repair all writers wait while a tenant's
// rows are verified, but not while its octets are.
func (s *Store) Check(ctx context.Context, repair bool, report func(store.Finding)) error {
	const op mail.Op = "store.Check"
	ids, err := s.Tenants(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	all := []*tenant{s.platform}
	for _, id := range ids {
		all = append(all, s.tenant(id))
	}
	for _, t := range all {
		found := func(what string, repaired, garbage bool) {
			report(store.Finding{Tenant: t.id, What: what, Repaired: repaired, Garbage: garbage})
		}
		for _, step := range []func(context.Context, bool, sql.Report) error{t.checkRows, t.checkOctets, t.checkObjects, t.checkTexts} {
			if err := step(ctx, repair, found); err != nil {
				return mail.Wrap(op, err)
			}
		}
	}
	return nil
}

// checkRows verifies what the rows promise of each other.
func (t *tenant) checkRows(ctx context.Context, repair bool, found sql.Report) error {
	c, err := t.store.writers.get(ctx)
	if err != nil {
		return err
	}
	defer t.store.writers.put(c)
	if repair {
		c.begin(stBegin, t.id)
		c.put(stLockAll)
	} else {
		c.begin(stBeginView, t.id)
	}
	if err := sql.Check(c, t.id, t.store.ids, repair, found); err != nil {
		return errors.Join(err, c.abandon())
	}
	return c.end()
}

// checkOctets verifies size and hash of every blob.
func (t *tenant) checkOctets(ctx context.Context, _ bool, found sql.Report) error {
	for after := mail.BlobID(0); ; {
		list, err := t.places(ctx, after)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, p := range list {
			after = p.Ref.ID
			what, err := t.checkBlob(ctx, p)
			if err != nil {
				return err
			}
			if what != "" {
				found(fmt.Sprintf("octets %s: %s", p.Ref.ID, what), false, false)
			}
		}
	}
}

// places lists the tenant's blobs behind an id.
func (t *tenant) places(ctx context.Context, after mail.BlobID) (list []sql.Place, err error) {
	err = t.view(ctx, "store.Check", func(r *sql.Reader) (err error) {
		list, err = r.Places(0, after, portion)
		return err
	})
	return list, err
}

// checkBlob tells what is wrong with a blob, "" if nothing is.
func (t *tenant) checkBlob(ctx context.Context, p sql.Place) (string, error) {
	key, err := t.hashKey(ctx)
	if err != nil {
		return "", err
	}
	var octets io.Reader = bytes.NewReader(p.Body)
	if p.Pack == inObjects {
		r, err := t.store.config.Objects.Get(ctx, t.objectKey(p.Ref.ID), 0, p.Ref.Size)
		switch {
		case mail.Is(err, mail.NotFound):
			return t.missing(ctx, p)
		case err != nil:
			return "", err
		}
		defer r.Close()
		octets = r
	}
	mac := hmac.New(sha256.New, key)
	n, err := io.Copy(mac, octets)
	switch {
	case err != nil:
		return "", storageError(err)
	case n != p.Ref.Size:
		return fmt.Sprintf("%d octets where %d should be", n, p.Ref.Size), nil
	case !hmac.Equal(mac.Sum(nil), p.Ref.Hash[:]):
		return "they are not those that were written", nil
	}
	return "", nil
}

// missing tells that octets are missing, unless a sweep took the blob meanwhile.
func (t *tenant) missing(ctx context.Context, p sql.Place) (string, error) {
	err := t.view(ctx, "store.Check", func(r *sql.Reader) error {
		_, err := r.Place(p.Ref.ID)
		return err
	})
	switch {
	case mail.Is(err, mail.NotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	return "the object store does not have them", nil
}

// checkObjects looks for objects without a row, left by a crash.
func (t *tenant) checkObjects(ctx context.Context, repair bool, found sql.Report) error {
	if t == t.store.platform {
		return nil // it has no mail
	}
	var old []string
	until := t.store.idBefore(sweepAge)
	err := t.store.config.Objects.List(ctx, t.id.String(), func(key string, _ int64) bool {
		_, name, _ := strings.Cut(key, "/")
		var id mail.BlobID
		if id.UnmarshalText([]byte(name)) == nil && int64(id) < until {
			old = append(old, name)
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, name := range old {
		var id mail.BlobID
		if err := id.UnmarshalText([]byte(name)); err != nil {
			return err
		}
		err := t.view(ctx, "store.Check", func(r *sql.Reader) error {
			_, err := r.Place(id)
			return err
		})
		if !mail.Is(err, mail.NotFound) {
			if err != nil {
				return err
			}
			continue
		}
		if repair {
			if err := t.store.config.Objects.Delete(ctx, t.objectKey(id)); err != nil {
				return err
			}
		}
		found(fmt.Sprintf("object %s has no row", t.objectKey(id)), repair, true)
	}
	return nil
}

// idBefore gives the number that ids made before then are below.
func (s *Store) idBefore(age time.Duration) int64 { return s.ids.Next() - age.Milliseconds()<<22 }

// sweeper removes blobs that nothing refers to, in one process of all.
func (s *Store) sweeper() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.context.Done():
			return
		case <-tick.C:
		}
		if err := s.sweepAll(); err != nil && s.context.Err() == nil {
			s.config.Log.Warn("the sweep of the cluster's store failed", "error", err)
		}
	}
}

// sweepAll sweeps every tenant while this process holds the duty.
func (s *Store) sweepAll() error {
	ctx, cancel := context.WithCancel(s.context)
	defer cancel()
	held, _, err := s.Lead(ctx, "store.sweep")
	if err != nil {
		return err
	}
	ids, err := s.Tenants(held)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		if held.Err() == nil { // one tenant's trouble is not another's
			errs = append(errs, s.tenant(id).sweep(held, mail.BlobID(s.idBefore(sweepAge))))
		}
	}
	return errors.Join(append(errs, held.Err())...)
}

// sweep removes blobs older than until that nothing refers to: the row first, then the object.
func (t *tenant) sweep(ctx context.Context, until mail.BlobID) error {
	for after := mail.BlobID(0); ; {
		var dead []mail.BlobID
		err := t.view(ctx, "store.Sweep", func(r *sql.Reader) (err error) {
			dead, after, err = r.DeadBlobs(after, until, portion)
			return err
		})
		if err != nil {
			return err
		}
		if err := t.dropBlobs(ctx, dead); err != nil {
			return err
		}
		if after == 0 {
			return nil
		}
	}
}

// dropBlobs removes the rows of blobs unless something refers to them by now, and the objects of those it removed.
func (t *tenant) dropBlobs(ctx context.Context, dead []mail.BlobID) error {
	for _, id := range dead {
		c, err := t.store.writers.get(ctx)
		if err != nil {
			return err
		}
		tx := sql.NewTx(c, sql.NewCache(t.id), t.store.ids, nil)
		tx.Start(time.Now())
		c.begin(stBegin, t.id)
		err = tx.DropBlob(id)
		gone := false
		if err == nil {
			_, err = tx.Place(id)
			if gone = mail.Is(err, mail.NotFound); gone {
				err = nil
			}
		}
		if err == nil {
			err = c.end()
		} else {
			err = errors.Join(err, c.abandon())
		}
		t.store.writers.put(c)
		switch {
		case inTheWay(err):
			continue // next time
		case err != nil:
			return err
		}
		if gone {
			if err := t.store.config.Objects.Delete(ctx, t.objectKey(id)); err != nil {
				return err
			}
		}
	}
	return nil
}
