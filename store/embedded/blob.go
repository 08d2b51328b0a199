package embedded

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// blobs fulfils store.Blobs for a tenant.
type blobs struct{ handle }

// Stage begins to take in a message.
func (b blobs) Stage(ctx context.Context, size int64) (store.Staged, error) {
	const op mail.Op = "store.Stage"
	if size > MessageLimit {
		return nil, mail.E(op, mail.Full, "message.too_big")
	}
	v, err := b.acquire(op)
	if err != nil {
		return nil, err
	}
	s := &staged{ctx: ctx, vault: v}
	if _, err := s.room(); err != nil {
		s.Release()
		return nil, err
	}
	return s, nil
}

// Open gives the octets of a blob.
func (b blobs) Open(ctx context.Context, ref mail.BlobRef) (store.Blob, error) {
	const op mail.Op = "store.Open"
	v, err := b.acquire(op)
	if err != nil {
		return nil, err
	}
	blob, err := v.openBlob(ctx, ref.ID)
	if err != nil {
		v.tenant.release()
		return nil, mail.Wrap(op, err)
	}
	return blob, nil
}

// OpenAt gives the octets of a blob whose place is known. It is looked up where the files were closed
// meanwhile or compaction removed the pack.
func (b blobs) OpenAt(ctx context.Context, ref mail.BlobRef, at store.Place) (store.Blob, error) {
	if at.Era != 0 && at.Pack == 0 && int64(len(at.Octets)) == ref.Size {
		return &inlineBlob{octets: at.Octets}, nil
	}
	const op mail.Op = "store.Open"
	v, err := b.acquire(op)
	if err != nil {
		return nil, err
	}
	var blob store.Blob
	if at.Era == v.era && at.Pack != 0 {
		blob, err = v.packed(sql.Place{Ref: ref, Pack: at.Pack, Off: at.Off})
	}
	if blob == nil && (err == nil || errors.Is(err, os.ErrNotExist)) {
		blob, err = v.openBlob(ctx, ref.ID)
	}
	if err != nil {
		v.tenant.release()
		return nil, mail.Wrap(op, err)
	}
	return blob, nil
}

// packed opens a blob in a pack.
func (v *vault) packed(p sql.Place) (store.Blob, error) {
	r, err := v.packs.read(p.Pack)
	if err != nil {
		return nil, err
	}
	return &packedBlob{reader: r, off: p.Off, size: p.Ref.Size, vault: v}, nil
}

// movedTries is how often openBlob looks again when a pack was gone: compaction moved the blob meanwhile.
const movedTries = 3

// openBlob opens a blob, which then holds the vault until it is closed.
func (v *vault) openBlob(ctx context.Context, id mail.BlobID) (store.Blob, error) {
	for try := 1; ; try++ {
		var p sql.Place
		err := v.view(ctx, func(r *sql.Reader) (err error) {
			p, err = r.Place(id)
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.Pack == 0 {
			if int64(len(p.Body)) != p.Ref.Size {
				return nil, mail.E("store.Open", mail.Unavailable, "storage.damaged", id)
			}
			return &inlineBlob{octets: p.Body, vault: v}, nil
		}
		blob, err := v.packed(p)
		if err == nil {
			return blob, nil
		}
		if !errors.Is(err, os.ErrNotExist) || try == movedTries {
			return nil, err
		}
	}
}

// packReader is a pack open for reading.
type packReader struct {
	num   int64
	f     file
	users int
	used  int64 // when it was used last, by packs.clock
}

// read opens a pack for reading, until unread.
func (p *packs) read(num int64) (*packReader, error) {
	p.readMu.Lock()
	defer p.readMu.Unlock()
	p.clock++
	r := p.reading[num]
	if r == nil {
		f, err := p.fs.Open(p.path(num), false, false)
		if err != nil {
			return nil, diskFailure("store.Open", err)
		}
		p.evict()
		r = &packReader{num: num, f: f}
		p.reading[num] = r
	}
	r.users++
	r.used = p.clock
	return r, nil
}

// unread lets a pack go.
func (p *packs) unread(r *packReader) error {
	p.readMu.Lock()
	defer p.readMu.Unlock()
	r.users--
	if r.users == 0 && p.reading[r.num] != r {
		return diskFailure("store.Close", r.f.Close())
	}
	return nil
}

// evict closes the pack that was not used for longest when too many are open. Under readMu.
func (p *packs) evict() {
	if len(p.reading) < openPacks {
		return
	}
	var oldest *packReader
	for _, r := range p.reading {
		if oldest == nil || r.used < oldest.used {
			oldest = r
		}
	}
	p.dropReader(oldest)
}

// dropReader takes a pack out of those open; who reads it goes on doing so. Under readMu.
func (p *packs) dropReader(r *packReader) {
	delete(p.reading, r.num)
	if r.users == 0 {
		r.f.Close()
	}
}

// remove deletes a pack nobody refers to any more.
func (p *packs) remove(num int64) error {
	p.readMu.Lock()
	defer p.readMu.Unlock()
	if r := p.reading[num]; r != nil {
		p.dropReader(r)
	}
	return diskFailure("embedded.Packs", p.fs.Remove(p.path(num)))
}

// inlineBlob is a blob that was in its row.
type inlineBlob struct {
	octets []byte
	vault  *vault
}

func (b *inlineBlob) Size() int64 { return int64(len(b.octets)) }

func (b *inlineBlob) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > b.Size() {
		return 0, io.EOF
	}
	n := copy(p, b.octets[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (b *inlineBlob) WriteRange(w io.Writer, from, n int64) (int64, error) {
	from, n = clip(from, n, b.Size())
	done, err := w.Write(b.octets[from : from+n])
	return int64(done), err
}

func (b *inlineBlob) Close() error {
	if b.vault != nil {
		b.vault.tenant.release()
		b.vault = nil
	}
	return nil
}

// packedBlob is a blob in a pack.
type packedBlob struct {
	reader *packReader
	off    int64
	size   int64
	vault  *vault
}

func (b *packedBlob) Size() int64 { return b.size }

// ReadAt reads octets.
func (b *packedBlob) ReadAt(p []byte, off int64) (int, error) {
	from, n := clip(off, int64(len(p)), b.size)
	done, err := b.reader.f.ReadAt(p[:n], b.off+from)
	switch {
	case int64(done) < n:
		// A pack that ends before its record does is damaged, whatever the reading said.
		return done, diskFailure("store.ReadAt", errors.Join(io.ErrUnexpectedEOF, err))
	case n < int64(len(p)):
		return done, io.EOF
	}
	return done, nil
}

// copyBuffers are for WriteRange.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// WriteRange copies octets to w.
func (b *packedBlob) WriteRange(w io.Writer, from, n int64) (done int64, err error) {
	from, n = clip(from, n, b.size)
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	for done < n {
		p := (*buf)[:min(int64(len(*buf)), n-done)]
		if _, err := b.ReadAt(p, from+done); err != nil {
			return done, err
		}
		k, err := w.Write(p)
		done += int64(k)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (b *packedBlob) Close() error {
	if b.vault == nil {
		return nil
	}
	err := b.vault.packs.unread(b.reader)
	b.vault.tenant.release()
	b.vault = nil
	return err
}

// clip keeps a range within size.
func clip(from, n, size int64) (int64, int64) {
	from = min(max(from, 0), size)
	return from, min(max(n, 0), size-from)
}
