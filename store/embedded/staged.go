package embedded

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	"tegami/mail"
	"tegami/store/internal/memory"
)

// headroom is how much of the first piece of memory is left free in front of a message: for the record's header on disk,
// and for what is put before the message at the end (Prepend).
const headroom = 2048

// staged fulfils store.Staged. Its octets lie in pieces of memory; the first begins with free room.
type staged struct {
	ctx    context.Context
	vault  *vault
	chunks [][]byte // each of its full capacity but the last, which ends where the octets end
	start  int      // where the octets begin in the first
	own    bool     // the first is not from the free lists (rebuild)
	size   int64
	ref    mail.BlobRef // from Seal on
	big    *bigFile     // where Seal wrote it, if it did
	bigOff int64
	kept   bool // a transaction that committed or is at work keeps it; the leader's
}

func (s *staged) Size() int64 { return s.size }

// Write adds octets.
func (s *staged) Write(p []byte) (int, error) {
	const op mail.Op = "store.Write"
	if s.ref.ID != 0 {
		return 0, mail.E(op, mail.Invalid, "staged.sealed")
	}
	if s.size+int64(len(p)) > MessageLimit {
		return 0, mail.E(op, mail.Full, "message.too_big")
	}
	done := 0
	for done < len(p) {
		last, err := s.room()
		if err != nil {
			return done, err
		}
		n := copy((*last)[len(*last):cap(*last)], p[done:])
		*last = (*last)[:len(*last)+n]
		done += n
		s.size += int64(n)
	}
	return done, nil
}

// room gives the last piece of memory, a new one if it is full.
func (s *staged) room() (*[]byte, error) {
	if n := len(s.chunks); n == 0 || len(s.chunks[n-1]) == cap(s.chunks[n-1]) {
		chunk, err := s.vault.store.memory.Take(s.ctx, n)
		if err != nil {
			return nil, err
		}
		used := 0
		if n == 0 {
			s.start, used = headroom, headroom
		}
		s.chunks = append(s.chunks, chunk[:used])
	}
	return &s.chunks[len(s.chunks)-1], nil
}

// Prepend puts octets before all others.
func (s *staged) Prepend(p []byte) {
	if s.ref.ID != 0 || len(p) == 0 {
		return
	}
	if len(s.chunks) > 0 && len(p) <= s.start-recordHeader {
		s.start -= copy(s.chunks[0][s.start-len(p):], p)
		s.size += int64(len(p))
		return
	}
	s.rebuild(p)
}

// rebuild puts octets that do not fit in front of the others by copying all. The room it needs is
// taken without regard to the limit: the caller cannot wait here, and it is rare.
func (s *staged) rebuild(front []byte) {
	pieces := append([][]byte{front}, s.Chunks()...)
	whole := memory.Aligned(roundUp(headroom + total(pieces)))[:headroom]
	for _, p := range pieces {
		whole = append(whole, p...)
	}
	s.giveBack()
	s.chunks, s.start, s.own = [][]byte{whole}, headroom, true
	s.size += int64(len(front))
}

// giveBack gives the memory back.
func (s *staged) giveBack() {
	for i, c := range s.chunks {
		if i > 0 || !s.own {
			s.vault.store.memory.Give(c)
		}
	}
	s.chunks = nil
}

// roundUp gives the next multiple of memory.Block.
func roundUp[N int | int64](n N) N { return (n + memory.Block - 1) &^ (memory.Block - 1) }

func total(pieces [][]byte) (n int) {
	for _, p := range pieces {
		n += len(p)
	}
	return n
}

// Chunks gives the octets without copying.
func (s *staged) Chunks() [][]byte {
	if s.size == 0 {
		return nil
	}
	list := append(make([][]byte, 0, len(s.chunks)), s.chunks...)
	list[0] = list[0][s.start:]
	if len(list[0]) == 0 {
		list = list[1:]
	}
	return list
}

// Seal gives the octets their id and hash, and writes them if they are many.
func (s *staged) Seal(ctx context.Context) error {
	if s.ref.ID != 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return mail.Wrap("store.Seal", err)
	}
	s.ref = mail.BlobRef{ID: mail.BlobID(s.vault.store.ids.Next()), Size: s.size}
	if s.size < DirectLimit {
		s.hash()
		return nil
	}
	hashed := make(chan struct{}) // while the disk works
	go func() {
		s.hash()
		close(hashed)
	}()
	err := s.vault.packs.writeBig(s)
	<-hashed
	if err != nil {
		s.ref = mail.BlobRef{}
		return mail.Wrap("store.Seal", err)
	}
	return nil
}

// hash sets the hash of the octets.
func (s *staged) hash() {
	mac := hmac.New(sha256.New, s.vault.key)
	for _, c := range s.Chunks() {
		mac.Write(c)
	}
	mac.Sum(s.ref.Hash[:0])
}

// Release gives the memory back, and lets the tenant's files go.
func (s *staged) Release() {
	if s.vault == nil {
		return
	}
	s.giveBack()
	s.vault.packs.leaveBig(s.big)
	s.vault.tenant.release()
	*s = staged{size: s.size, ref: s.ref}
}

// flat gives the octets in one piece. If they are in several it copies them into buf, which it gives back, perhaps grown.
func (s *staged) flat(buf []byte) (octets, grown []byte) {
	chunks := s.Chunks()
	switch len(chunks) {
	case 0:
		return nil, buf
	case 1:
		return chunks[0], buf
	}
	buf = buf[:0]
	for _, c := range chunks {
		buf = append(buf, c...)
	}
	return buf, buf
}
