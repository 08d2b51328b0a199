package embedded

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"zombiezen.com/go/sqlite"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/memory"
	"tegami/store/internal/sql"
)

// Check verifies every promise over all data, one tenant after the other. A tenant's writers wait while its rows are verified, but
// not while its octets are. A tenant that cannot be read to the end does not keep it from the others.
func (s *Store) Check(ctx context.Context, repair bool, report func(store.Finding)) error {
	var errs []error
	for _, t := range append(slices.Clone(s.all()), s.platform) {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, t.check(ctx, repair, report))
	}
	return mail.Wrap("store.Check", errors.Join(append(errs, ctx.Err())...))
}

func (t *tenant) check(ctx context.Context, repair bool, report func(store.Finding)) error {
	found := func(what string, repaired, garbage bool) {
		report(store.Finding{Tenant: t.id, What: what, Repaired: repaired, Garbage: garbage})
	}
	v, err := t.acquire()
	if err != nil {
		if key, _ := mail.TextOf(err); key != "storage.failed" && key != "storage.damaged" {
			return err
		}
		found("the database cannot be opened: "+err.Error(), false, false)
		return nil
	}
	defer t.release()
	if err := v.checkRows(repair, found); err != nil {
		return err
	}
	if err := v.checkOctets(ctx, found); err != nil {
		return err
	}
	if err := v.checkPacks(repair, found); err != nil {
		return err
	}
	return t.checkTexts(ctx, repair, found)
}

// checkRows verifies the database itself, and what its rows promise of each other.
func (v *vault) checkRows(repair bool, found sql.Report) error {
	return v.committer.exclusive(func() error {
		if err := v.beginWrite(); err != nil {
			return err
		}
		v.cache.Drop()
		err := v.writer.integrity(found)
		if err == nil {
			err = sql.Check(v.writer, v.tenant.id, &v.store.ids, repair, found)
		}
		if err == nil && repair {
			err = v.endWrite()
		} else {
			err = errors.Join(err, v.undo(nil))
		}
		v.usage.forget()
		return err
	})
}

// integrity asks SQLite whether its file is sound.
func (c *conn) integrity(found sql.Report) error {
	return c.lines("PRAGMA integrity_check", func(line string) {
		if line != "ok" {
			found("the database is damaged: "+line, false, false)
		}
	})
}

// lines runs a query for texts, once.
func (c *conn) lines(query string, fn func(string)) error {
	s, _, err := c.db.PrepareTransient(query)
	if err != nil {
		return failure("embedded.Check", err)
	}
	defer s.Finalize()
	for {
		more, err := s.Step()
		if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultCorrupt {
			fn(err.Error())
			return nil
		}
		if err != nil || !more {
			return err
		}
		fn(s.ColumnText(0))
	}
}

// checkPortion is how many blobs' places are read with one query.
const checkPortion = 256

// checkOctets verifies size and hash of every blob.
func (v *vault) checkOctets(ctx context.Context, found sql.Report) error {
	for after := mail.BlobID(0); ; {
		var list []sql.Place
		err := v.view(ctx, func(r *sql.Reader) (err error) {
			list, err = r.Places(0, after, checkPortion)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, p := range list {
			after = p.Ref.ID
			if what := v.checkBlob(p); what != "" && v.still(ctx, p) {
				found(fmt.Sprintf("octets %s in pack %d at %d: %s", p.Ref.ID, p.Pack, p.Off, what), false, false)
			}
		}
	}
}

// checkBlob tells what is wrong with a blob, "" if nothing is.
func (v *vault) checkBlob(p sql.Place) string {
	var octets io.Reader = bytes.NewReader(p.Body)
	if p.Pack != 0 {
		r, err := v.packs.read(p.Pack)
		if err != nil {
			return err.Error()
		}
		defer v.packs.unread(r)
		if what := checkRecord(r.f, p); what != "" {
			return what
		}
		octets = io.NewSectionReader(r.f, p.Off, p.Ref.Size)
	}
	mac := hmac.New(sha256.New, v.key)
	n, err := io.Copy(mac, octets)
	switch {
	case err != nil:
		return err.Error()
	case n != p.Ref.Size:
		return fmt.Sprintf("%d octets of %d are there", n, p.Ref.Size)
	case !hmac.Equal(mac.Sum(nil), p.Ref.Hash[:]):
		return "they are not what was written: the hash differs"
	}
	return ""
}

// checkRecord verifies the header of a record.
func checkRecord(f file, p sql.Place) string {
	at := p.Off - recordHeader
	if p.Pack < 0 {
		at = p.Off &^ (memory.Block - 1)
	}
	head := make([]byte, recordHeader)
	if _, err := f.ReadAt(head, at); err != nil {
		return err.Error()
	}
	r, ok := readRecord(head)
	if !ok || r.id != p.Ref.ID || r.size != p.Ref.Size || at+int64(r.gap) != p.Off {
		return "the record's header is not theirs"
	}
	return ""
}

// still tells whether a blob is where it was: a sweep may have moved or removed it meanwhile.
func (v *vault) still(ctx context.Context, p sql.Place) bool {
	err := v.view(ctx, func(r *sql.Reader) error {
		now, err := r.Place(p.Ref.ID)
		if err == nil && (now.Pack != p.Pack || now.Off != p.Off) {
			err = mail.E("store.Check", mail.NotFound, "blob.unknown")
		}
		return err
	})
	return !mail.Is(err, mail.NotFound)
}

// checkPacks finds packs that no row refers to, left by a crash. With repair they are removed.
func (v *vault) checkPacks(repair bool, found sql.Report) error {
	there, err := v.packs.list()
	if err != nil {
		return err
	}
	nums := make([]int64, 0, len(there))
	for n := range there {
		nums = append(nums, n)
	}
	slices.Sort(nums)
	for _, n := range nums {
		removed := false
		unused, err := v.whenUnused(n, func() error {
			if !repair {
				return nil
			}
			removed = true
			return v.packs.remove(n)
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if unused {
			found(fmt.Sprintf("no row refers to %s", filepath.Base(v.packs.path(n))), removed, true)
		}
	}
	return nil
}

// whenUnused runs fn if a pack is not written to any more and no row refers to it.
func (v *vault) whenUnused(num int64, fn func() error) (unused bool, err error) {
	err = v.committer.exclusive(func() error {
		if v.packs.current(num) {
			return nil
		}
		if err := v.beginWrite(); err != nil {
			return err
		}
		list, err := sql.NewReader(v.writer, 0).Places(num, 0, 1)
		if err := errors.Join(err, v.undo(nil)); err != nil || len(list) > 0 {
			return err
		}
		unused = true
		return fn()
	})
	return unused, err
}
