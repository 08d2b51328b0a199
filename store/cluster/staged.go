package cluster

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// staged fulfils store.Staged.
type staged struct {
	ctx    context.Context // of Stage: waiting for memory ends with it
	tenant *tenant
	key    []byte   // of the hash
	front  [][]byte // what was put before, the last first
	chunks [][]byte
	size   int64
	place  sql.Place // from Seal on
	sealed bool
	stored bool // a transaction that kept it has committed
	doubt  bool // one may have; no later answer takes that back
}

// Size is the number of octets so far.
func (s *staged) Size() int64 { return s.size }

// Write adds octets.
func (s *staged) Write(p []byte) (int, error) {
	const op mail.Op = "store.Write"
	if s.sealed {
		return 0, mail.E(op, mail.Invalid, "staged.sealed")
	}
	if s.size+int64(len(p)) > MessageLimit {
		return 0, mail.E(op, mail.Full, "message.too_big")
	}
	done := 0
	for done < len(p) {
		last := len(s.chunks) - 1
		if last < 0 || len(s.chunks[last]) == cap(s.chunks[last]) {
			chunk, err := s.tenant.store.memory.Take(s.ctx, len(s.chunks))
			if err != nil {
				return done, err
			}
			s.chunks = append(s.chunks, chunk[:0])
			last++
		}
		chunk := s.chunks[last]
		n := copy(chunk[len(chunk):cap(chunk)], p[done:])
		s.chunks[last] = chunk[:len(chunk)+n]
		done += n
		s.size += int64(n)
	}
	return done, nil
}

// Prepend puts octets before all others.
func (s *staged) Prepend(p []byte) {
	if s.sealed || len(p) == 0 {
		return
	}
	s.front = slices.Insert(s.front, 0, bytes.Clone(p))
	s.size += int64(len(p))
}

// Chunks gives the octets so far.
func (s *staged) Chunks() [][]byte { return slices.Concat(s.front, s.chunks) }

// Seal gives the octets their id and hash, and writes them to the object store if they are many.
func (s *staged) Seal(ctx context.Context) error {
	const op mail.Op = "store.Seal"
	if s.sealed {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return mail.Wrap(op, err)
	}
	place := sql.Place{Ref: mail.BlobRef{ID: mail.BlobID(s.tenant.store.ids.Next()), Size: s.size}}
	mac := hmac.New(sha256.New, s.key)
	for _, c := range s.Chunks() {
		mac.Write(c)
	}
	mac.Sum(place.Ref.Hash[:0])
	if s.size <= InlineLimit {
		place.Body = bytes.Join(s.Chunks(), nil)
	} else {
		place.Pack = inObjects
		if err := s.tenant.store.config.Objects.Put(ctx, s.tenant.objectKey(place.Ref.ID), s.Chunks()); err != nil {
			return mail.Wrap(op, err)
		}
	}
	s.place, s.sealed = place, true
	return nil
}

// Release gives the memory back, and removes what no transaction kept.
func (s *staged) Release() {
	for _, c := range s.chunks {
		s.tenant.store.memory.Give(c)
	}
	s.chunks, s.front = nil, nil
	if s.place.Pack == inObjects && !s.stored && !s.doubt {
		ctx, cancel := context.WithTimeout(context.Background(), updateTimeout)
		defer cancel()
		if err := s.tenant.store.config.Objects.Delete(ctx, s.tenant.objectKey(s.place.Ref.ID)); err != nil {
			s.tenant.store.config.Log.Warn("an object that nobody keeps was left", "error", err)
		}
	}
	s.sealed, s.stored = true, true
}

// inObjects is the Pack of blobs in the object store.
const inObjects = 1

// keeper fulfils sql.Keeper for one transaction.
type keeper struct {
	tenant *tenant
	kept   []*staged
}

// Keep gives the place of a staging of this tenant.
func (k *keeper) Keep(s store.Staged) (sql.Place, bool, error) {
	const op mail.Op = "store.Keep"
	st, ok := s.(*staged)
	switch {
	case !ok || st.tenant != k.tenant:
		return sql.Place{}, false, mail.E(op, mail.Invalid, "staged.foreign")
	case st.place.Ref.ID == 0:
		return sql.Place{}, false, mail.E(op, mail.Invalid, "staged.unsealed")
	case st.stored || slices.Contains(k.kept, st):
		return st.place, true, nil
	}
	k.kept = append(k.kept, st)
	return st.place, false, nil
}

// committed notes that the rows of what was kept are there.
func (k *keeper) committed() {
	for _, s := range k.kept {
		s.stored = true
	}
}

// doubt notes that it is not known if the rows are there.
func (k *keeper) doubt() {
	for _, s := range k.kept {
		s.doubt = true
	}
}
