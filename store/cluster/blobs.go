package cluster

import (
	"bytes"
	"context"
	"io"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// blobs fulfils store.Blobs.
type blobs struct{ *tenant }

// Blobs gives the octets of the tenant's messages.
func (t *tenant) Blobs() store.Blobs { return blobs{t} }

// objectKey is the name of a blob in the object store.
func (t *tenant) objectKey(id mail.BlobID) string { return t.id.String() + "/" + id.String() }

// hashKey reads the tenant's key for hashes, once.
func (t *tenant) hashKey(ctx context.Context) ([]byte, error) {
	const op mail.Op = "store.Stage"
	if key := t.key.Load(); key != nil {
		return *key, nil
	}
	var key []byte
	err := t.view(ctx, op, func(r *sql.Reader) (err error) {
		_, key, _, err = r.Meta(metaKey)
		return err
	})
	if err == nil && len(key) == 0 {
		err = mail.E(op, mail.NotFound, "tenant.unknown", t.id)
	}
	if err != nil {
		return nil, err
	}
	t.key.Store(&key)
	return key, nil
}

// Stage begins to take in the octets of one message.
func (b blobs) Stage(ctx context.Context, size int64) (store.Staged, error) {
	const op mail.Op = "store.Stage"
	if size > MessageLimit {
		return nil, mail.E(op, mail.Full, "message.too_big")
	}
	key, err := b.hashKey(ctx)
	if err != nil {
		return nil, err
	}
	return &staged{ctx: ctx, tenant: b.tenant, key: key}, nil
}

// Open gives the octets of a blob.
func (b blobs) Open(ctx context.Context, ref mail.BlobRef) (store.Blob, error) {
	const op mail.Op = "store.Open"
	var place sql.Place
	err := b.view(ctx, op, func(r *sql.Reader) (err error) {
		place, err = r.Place(ref.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if place.Pack != inObjects {
		if int64(len(place.Body)) != place.Ref.Size {
			return nil, mail.E(op, mail.Unavailable, "storage.damaged", ref.ID)
		}
		return inline{bytes.NewReader(place.Body)}, nil
	}
	return &object{ctx, b.store.config.Objects, b.objectKey(ref.ID), place.Ref.Size}, nil
}

// era is that of all places: a blob stays where it is as long as it is there.
const era = 1

// OpenAt gives the octets of a blob whose place is known.
func (b blobs) OpenAt(ctx context.Context, ref mail.BlobRef, at store.Place) (store.Blob, error) {
	switch {
	case at.Era != era || ref.ID == 0:
		return b.Open(ctx, ref)
	case at.Pack == inObjects:
		return &object{ctx, b.store.config.Objects, b.objectKey(ref.ID), ref.Size}, nil
	case int64(len(at.Octets)) != ref.Size:
		return b.Open(ctx, ref) // tells what is wrong with it
	}
	return inline{bytes.NewReader(at.Octets)}, nil
}

// inline is a blob that lay in its row.
type inline struct{ *bytes.Reader }

// Size is the number of octets.
func (b inline) Size() int64 { return b.Reader.Size() }

// Close does nothing.
func (inline) Close() error { return nil }

// WriteRange copies octets [from, from+n) to w.
func (b inline) WriteRange(w io.Writer, from, n int64) (int64, error) {
	return io.Copy(w, io.NewSectionReader(b.Reader, from, n))
}

// object is a blob in the object store.
type object struct {
	ctx     context.Context
	objects Objects
	key     string
	size    int64
}

// Size is the number of octets.
func (b *object) Size() int64 { return b.size }

// Close does nothing: each read stands alone.
func (b *object) Close() error { return nil }

// ReadAt reads octets from off on.
func (b *object) ReadAt(p []byte, off int64) (int, error) {
	const op mail.Op = "store.ReadAt"
	if off < 0 {
		return 0, mail.E(op, mail.Invalid, "blob.offset")
	}
	want := min(int64(len(p)), max(0, b.size-off))
	n := 0
	if want > 0 {
		r, err := b.objects.Get(b.ctx, b.key, off, want)
		if err != nil {
			return 0, mail.Wrap(op, err)
		}
		defer r.Close()
		if n, err = io.ReadFull(r, p[:want]); err != nil {
			return n, mail.Because(op, mail.Unavailable, "storage.failed", err)
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteRange copies octets [from, from+n) to w.
func (b *object) WriteRange(w io.Writer, from, n int64) (int64, error) {
	const op mail.Op = "store.WriteRange"
	n = min(n, b.size-from)
	if from < 0 || n <= 0 {
		return 0, nil
	}
	r, err := b.objects.Get(b.ctx, b.key, from, n)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	defer r.Close()
	done, err := io.Copy(w, r)
	if err == nil && done < n { // the object ends before its row says
		err = mail.Because(op, mail.Unavailable, "storage.damaged", io.ErrUnexpectedEOF)
	}
	return done, err
}
