package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// packs are the files with a tenant's octets. A pack has a number: n > 0 is n.pack, n < 0 is -n.big. The
// .pack is written by the leader of a commit only, a .big by many at once, each in its own place.
type packs struct {
	fs            fileSystem
	dir           string
	limit, bigMax int64
	syncs         *atomic.Int64

	// The .pack in use, and what the transaction at work wants to append to it.
	cur     file
	num     int64 // of cur, or of the last one used
	pos     int64 // end of what is committed
	end     int64 // end with what this transaction appends
	fresh   bool  // cur's name is not durable yet
	wrote   bool  // this transaction wrote to cur
	pieces  [][]byte
	headers []byte
	touched []*bigFile // .big files with octets this transaction keeps

	bigMu   sync.Mutex
	big     *bigFile
	bigNum  int64
	writing map[int64]*bigFile // all that are open to be written, by number, also those given up

	readMu  sync.Mutex
	reading map[int64]*packReader
	clock   int64
}

// bigFile is a .big that is written to.
type bigFile struct {
	num     int64
	f       file
	end     int64 // guarded by bigMu, as are the next two
	users   int
	retired bool
	fresh   bool // its name is not durable yet; the leader's, as is the next
	failed  bool // a flush failed: what it had to make durable may be lost, though the next one succeeds
}

// newPacks finds the packs of a tenant. Nothing is opened before it is needed.
func newPacks(fs fileSystem, dir string, o Options, syncs *atomic.Int64) (*packs, error) {
	p := &packs{fs: fs, dir: dir, limit: o.PackSize, bigMax: o.BigSize, syncs: syncs,
		reading: make(map[int64]*packReader), writing: make(map[int64]*bigFile)}
	nums, err := p.list()
	if err != nil {
		return nil, err
	}
	for n := range nums {
		p.num, p.bigNum = max(p.num, n), max(p.bigNum, -n)
	}
	return p, nil
}

// list gives the packs there are, with their sizes.
func (p *packs) list() (map[int64]int64, error) {
	names, err := p.fs.List(p.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diskFailure("embedded.Packs", err)
	}
	nums := make(map[int64]int64, len(names))
	for name, size := range names {
		var n int64
		base, ext, _ := strings.Cut(name, ".")
		if _, err := fmt.Sscanf(base, "%d", &n); err != nil || n <= 0 {
			continue
		}
		switch ext {
		case "pack":
			nums[n] = size
		case "big":
			nums[-n] = size
		}
	}
	return nums, nil
}

func (p *packs) path(num int64) string {
	if num < 0 {
		return filepath.Join(p.dir, fmt.Sprintf("%04d.big", -num))
	}
	return filepath.Join(p.dir, fmt.Sprintf("%04d.pack", num))
}

// place gives a sealed staging its place in this transaction. One that Seal wrote to a .big whose flush failed since
// is written anew.
func (p *packs) place(s *staged) (pack, off int64, err error) {
	if s.big != nil && !s.big.failed {
		p.touch(s.big)
		return -s.big.num, s.bigOff, nil
	}
	if err := p.ready(); err != nil {
		return 0, 0, err
	}
	pieces := s.Chunks()
	p.headers = append(p.headers, make([]byte, recordHeader)...)
	header := p.headers[len(p.headers)-recordHeader:]
	recordOf(s, pieces, recordHeader).write(header)
	p.pieces = append(append(p.pieces, header), pieces...)
	off = p.end + recordHeader
	p.end = off + s.size
	return p.num, off, nil
}

func (p *packs) touch(b *bigFile) {
	for _, t := range p.touched {
		if t == b {
			return
		}
	}
	p.touched = append(p.touched, b)
}

// ready opens the .pack in use, or the next one when it is full. Between two transactions only.
func (p *packs) ready() error {
	if p.cur != nil && (p.pos < p.limit || len(p.pieces) > 0) {
		return nil
	}
	if p.cur != nil {
		p.retire()
	}
	if p.num == 0 {
		if err := makeDir(p.dir); err != nil {
			return err
		}
		p.num = 1
	}
	f, size, err := p.openEnd(p.num, false)
	if err != nil {
		return err
	}
	p.cur, p.pos, p.end = f, size, size
	p.fresh = true // whether who made it got to make its name durable is not known
	if size >= p.limit {
		return p.ready()
	}
	return nil
}

// retire gives the .pack in use up; the next write begins another.
func (p *packs) retire() {
	p.cur.Close()
	p.cur = nil
	p.num++
}

// doubt leaves alone for good what this transaction wrote: it is not known whether its rows came to the disk.
func (p *packs) doubt() {
	if p.wrote && p.cur != nil {
		p.retire()
	}
}

// openEnd opens a pack, making it if need be, and finds its end.
func (p *packs) openEnd(num int64, direct bool) (file, int64, error) {
	f, err := p.fs.Open(p.path(num), true, direct)
	if err != nil {
		return nil, 0, diskFailure("embedded.Packs", err)
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return nil, 0, diskFailure("embedded.Packs", err)
	}
	return f, size, nil
}

// flush writes what the transaction appends, and makes all it keeps durable. After a failure only rollback may follow.
func (p *packs) flush() error {
	if len(p.pieces) > 0 {
		p.wrote = true
		if err := p.cur.WriteAt(p.pieces, p.pos); err != nil {
			return diskFailure("embedded.Packs", err)
		}
		if err := p.sync(p.cur, &p.fresh); err != nil {
			// What a failed flush left behind is not known: write to this file no more.
			p.retire()
			return err
		}
	}
	for _, b := range p.touched {
		if err := p.sync(b.f, &b.fresh); err != nil {
			b.failed = true
			p.retireBig(b)
			return err
		}
	}
	return nil
}

// sync makes a pack durable, with its name if it is a new one.
func (p *packs) sync(f file, fresh *bool) error {
	p.syncs.Add(1)
	if err := f.Sync(); err != nil {
		return diskFailure("embedded.Packs", err)
	}
	if *fresh {
		if err := p.fs.SyncDir(p.dir); err != nil {
			return diskFailure("embedded.Packs", err)
		}
		*fresh = false
	}
	return nil
}

// committed makes the transaction's octets a part of the pack.
func (p *packs) committed() {
	p.pos = p.end
	p.forget()
}

// rollback takes the write position back. Octets behind it are overwritten by the next transaction; they are cut off so that
// a full disk gets its room back, as far as it works.
func (p *packs) rollback() {
	p.end = p.pos
	if p.wrote && p.cur != nil {
		_ = p.cur.Truncate(p.pos) // harmless if it fails
	}
	p.forget()
}

func (p *packs) forget() {
	clear(p.pieces)
	p.pieces, p.headers, p.touched, p.wrote = p.pieces[:0], p.headers[:0], p.touched[:0], false
}

// writeBig writes a staging past the page cache, into a place of its own in a .big, from its caller's goroutine.
// It is durable after flush.
func (p *packs) writeBig(s *staged) error {
	first := s.chunks[0]
	pieces := make([][]byte, len(s.chunks))
	n := int64(0)
	clear(first[:s.start])
	recordOf(s, s.Chunks(), s.start).write(first)
	for i, c := range s.chunks {
		whole := c[:roundUp(len(c))]
		clear(whole[len(c):])
		pieces[i] = whole
		n += int64(len(whole))
	}
	b, off, err := p.reserve(n)
	if err != nil {
		return err
	}
	err = b.f.WriteAt(pieces, off)
	if errors.Is(err, syscall.EINVAL) {
		err = p.writeBuffered(b, pieces, off)
	}
	if err != nil {
		p.giveBack(b, off, n)
		p.leaveBig(b)
		return diskFailure("embedded.Packs", err)
	}
	s.big, s.bigOff = b, off+int64(s.start)
	return nil
}

// writeBuffered writes where the file system refuses to write past the page cache.
func (p *packs) writeBuffered(b *bigFile, pieces [][]byte, off int64) error {
	f, err := p.fs.Open(p.path(-b.num), false, false)
	if err != nil {
		return err
	}
	return cmp.Or(f.WriteAt(pieces, off), f.Sync(), f.Close())
}

// reserve gives n octets at the end of the .big in use, and holds it until leaveBig.
func (p *packs) reserve(n int64) (*bigFile, int64, error) {
	p.bigMu.Lock()
	defer p.bigMu.Unlock()
	if p.big == nil || p.big.end >= p.bigMax {
		if err := p.nextBig(); err != nil {
			return nil, 0, err
		}
	}
	b := p.big
	off := b.end
	b.end += n
	b.users++
	return b, off, nil
}

// giveBack takes back n octets at off that could not be written, if they are the last: so a full disk does not make
// a .big longer with each try.
func (p *packs) giveBack(b *bigFile, off, n int64) {
	p.bigMu.Lock()
	defer p.bigMu.Unlock()
	if b.end == off+n {
		b.end = off
	}
}

// nextBig opens the .big to use, under bigMu.
func (p *packs) nextBig() error {
	switch {
	case p.bigNum == 0:
		if err := makeDir(p.dir); err != nil {
			return err
		}
		p.bigNum = 1
	case p.big != nil:
		p.giveUpBig(p.big)
		p.bigNum++
	}
	f, size, err := p.openEnd(-p.bigNum, true)
	if err != nil {
		return err
	}
	p.big = &bigFile{num: p.bigNum, f: f, end: roundUp(size), fresh: true}
	p.writing[p.bigNum] = p.big
	return nil
}

// retireBig writes to a .big no more.
func (p *packs) retireBig(b *bigFile) {
	p.bigMu.Lock()
	defer p.bigMu.Unlock()
	if p.big == b {
		p.giveUpBig(b)
		p.bigNum++
	}
}

func (p *packs) giveUpBig(b *bigFile) {
	p.big, b.retired = nil, true
	p.closeBig(b)
}

// closeBig closes a .big that was given up when the last staging in it has gone. Under bigMu.
func (p *packs) closeBig(b *bigFile) {
	if b.retired && b.users == 0 {
		b.f.Close()
		delete(p.writing, b.num)
	}
}

// leaveBig lets a .big go that reserve gave; nil is none.
func (p *packs) leaveBig(b *bigFile) {
	if b == nil {
		return
	}
	p.bigMu.Lock()
	defer p.bigMu.Unlock()
	b.users--
	p.closeBig(b)
}

// current tells whether a pack is still written to, or holds octets whose transaction may be yet to come.
func (p *packs) current(num int64) bool {
	p.bigMu.Lock()
	defer p.bigMu.Unlock()
	return num == p.num || -num == p.bigNum || p.writing[-num] != nil
}

// close closes all files. Nobody uses them any more.
func (p *packs) close() error {
	var errs []error
	if p.cur != nil {
		errs = append(errs, p.cur.Close())
		p.cur = nil
	}
	if p.big != nil {
		errs = append(errs, p.big.f.Close())
		p.big = nil
	}
	for num, r := range p.reading {
		errs = append(errs, r.f.Close())
		delete(p.reading, num)
	}
	return diskFailure("embedded.Close", errors.Join(errs...))
}
