package deflate

import (
	"errors"
	"io"
	"sync"
)

const (
	// windowSize is how far back a stream may point (RFC 1951 §2).
	windowSize = 32 << 10
	// inputSize is how much is read at once. It must hold the head of a dynamic block, 570 octets at most.
	inputSize = 1 << 10
)

// ErrCorrupt tells that a stream is no DEFLATE stream. It is final.
var ErrCorrupt = errors.New("deflate: not a DEFLATE stream")

var inputs = sync.Pool{New: func() any { return new([inputSize]byte) }}

// A Reader inflates a stream. It needs no more than its window, about 6 KiB of tables and 1 KiB of input, whatever
// the stream says; Read gives no more than asked for, so input that inflates a thousandfold costs time only.
//
// An error of the source is returned as it is, and Read may be called again: nothing is lost by it.
type Reader struct {
	src io.Reader
	err error // ErrCorrupt, or io.EOF after the last block

	lent *[inputSize]byte
	in   []byte // read and not looked at yet
	bits uint64 // read and not used yet, the next at the bottom
	have uint   // how many

	step   func(*Reader, *[]byte) status
	final  bool // this block is the last
	stored int  // octets left of a stored block
	length int  // octets left of a match
	dist   int  // how far back the match is
	codes  *codes

	window []byte // what was said last
	at     int    // where the next octet goes once the window is full
}

// status is how a step ended.
type status uint8

const (
	more    status = iota // there is room and may be input
	short                 // of input
	full                  // no room left
	flushed               // the other side flushed here
	broken
)

// NewReader makes a Reader of a stream of which first was read already.
func NewReader(src io.Reader, first []byte) *Reader {
	return &Reader{src: src, in: append([]byte(nil), first...), step: (*Reader).head}
}

// Read gives what the stream holds, as soon as it can be known.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, r.err
	}
	for out := p; ; {
		st := more
		for st == more && r.err == nil {
			st = r.step(r, &out)
		}
		if n := len(p) - len(out); n > 0 {
			return n, nil
		}
		if st == flushed {
			continue
		}
		if r.err != nil {
			return 0, r.err
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads more input behind what is left of it.
func (r *Reader) fill() error {
	if r.lent == nil {
		r.lent = inputs.Get().(*[inputSize]byte)
	}
	n := copy(r.lent[:], r.in)
	r.in = r.lent[:n]
	k, err := r.src.Read(r.lent[n:])
	r.in = r.lent[:n+k]
	if k > 0 {
		return nil
	}
	return err
}

// Release gives back what is not needed to wait.
func (r *Reader) Release() {
	if len(r.in) == 0 && r.lent != nil {
		inputs.Put(r.lent)
		r.lent, r.in = nil, nil
	}
	if r.codes != nil && r.between() {
		codesPool.Put(r.codes)
		r.codes = nil
	}
}

// between tells whether no block is open.
func (r *Reader) between() bool { return r.codes == nil || !r.codes.open }

// Rest ends the stream and gives what was read of the source behind it. What the other side has begun it reads to its end, and
// takes the marker of a flush for a part of the stream, as far as it came already. ErrCorrupt where there is more
// content: both sides have to agree on what was said last.
func (r *Reader) Rest() ([]byte, error) {
	for none := []byte(nil); r.err == nil && (!r.between() || r.stored > 0); {
		switch r.step(r, &none) {
		case full:
			return nil, ErrCorrupt
		case short:
			if r.codes != nil && r.codes.fresh { // a partial flush, whose last bits are never sent
				r.in, r.err = nil, io.EOF
				r.Release()
				return nil, nil
			}
			if err := r.fill(); err != nil {
				return nil, err
			}
		}
	}
	for r.err == nil && r.skipMarker() {
	}
	if r.err != nil && r.err != io.EOF {
		return nil, r.err
	}
	for ; r.have >= 8; r.have -= 8 { // whole octets that were taken too early
		r.in = append([]byte{byte(r.bits >> (r.have - 8))}, r.in...)
	}
	rest := append([]byte(nil), r.in...)
	r.in, r.err = nil, io.EOF
	r.Release()
	return rest, nil
}

// skipMarker takes a block without content, if one comes next. Text never begins like one.
func (r *Reader) skipMarker() bool {
	began, none := r.mark(), []byte(nil)
	st := r.head(&none)
	if st == more && r.stored == 0 && r.block(&none) == more || st == flushed {
		return true
	}
	r.restore(began)
	r.err, r.stored, r.step = nil, 0, (*Reader).head
	if r.codes != nil {
		r.codes.open = false
	}
	return false
}

// place is where the reading of a unit began.
type place struct {
	in   []byte
	bits uint64
	have uint
}

func (r *Reader) mark() place     { return place{r.in, r.bits, r.have} }
func (r *Reader) restore(p place) { r.in, r.bits, r.have = p.in, p.bits, p.have }

// need makes sure that n bits are there, 48 at most.
func (r *Reader) need(n uint) bool {
	for r.have < n {
		if len(r.in) == 0 {
			return false
		}
		r.bits |= uint64(r.in[0]) << r.have
		r.in = r.in[1:]
		r.have += 8
	}
	return true
}

// take takes n bits, which are there.
func (r *Reader) take(n uint) int {
	v := r.bits & (1<<n - 1)
	r.bits >>= n
	r.have -= n
	return int(v)
}

func (r *Reader) fail() status {
	r.err = ErrCorrupt
	return broken
}

// head reads the head of a block (RFC 1951 §3.2.3).
func (r *Reader) head(*[]byte) status {
	began := r.mark()
	if !r.need(3) {
		return short
	}
	r.final = r.take(1) == 1
	st := more
	switch r.take(2) {
	case 0:
		st = r.storedHead()
	case 1:
		r.open(&fixed().lit, &fixed().dist)
	case 2:
		st = r.dynamicHead()
	default:
		return r.fail()
	}
	if st == short {
		r.restore(began)
	}
	return st
}

// storedHead reads the length of a stored block (RFC 1951 §3.2.4). An empty one is what a flush ends with.
func (r *Reader) storedHead() status {
	r.take(r.have % 8)
	if !r.need(32) {
		return short
	}
	n := r.take(16)
	if r.take(16) != n^0xffff {
		return r.fail()
	}
	if n == 0 {
		r.end()
		return flushed
	}
	r.stored, r.step = n, (*Reader).copyStored
	return more
}

// end ends a block.
func (r *Reader) end() {
	r.step = (*Reader).head
	if r.codes != nil {
		r.codes.open = false
	}
	if r.final {
		r.err = io.EOF
	}
}

// copyStored gives the octets of a stored block.
func (r *Reader) copyStored(out *[]byte) status {
	for r.stored > 0 {
		if len(*out) == 0 {
			return full
		}
		if !r.need(8) {
			return short
		}
		r.put(out, byte(r.take(8)))
		r.stored--
	}
	r.end()
	return more
}

// open begins a compressed block.
func (r *Reader) open(lit, dist *code) {
	if r.codes == nil {
		r.codes = codesPool.Get().(*codes)
	}
	r.codes.lit, r.codes.dist, r.codes.open, r.codes.fresh = lit, dist, true, true
	r.step = (*Reader).block
}

// block gives the octets of a compressed block (RFC 1951 §3.2.5).
func (r *Reader) block(out *[]byte) status {
	for {
		if st := r.copyMatch(out); st != more {
			return st
		}
		if len(*out) == 0 {
			if st := r.atEnd(); st != more {
				return st
			}
		}
		began := r.mark()
		sym, st := r.symbol(r.codes.lit)
		switch {
		case st != more:
		case sym < endOfBlock:
			r.codes.fresh = false
			r.put(out, byte(sym))
			continue
		case sym == endOfBlock:
			r.end()
			return more
		default:
			if st = r.match(sym); st == more {
				r.codes.fresh = false
				continue
			}
		}
		if st == short {
			r.restore(began)
		}
		return st
	}
}

// atEnd tells whether the block's end comes next: that needs no room. Else it is full, or short where it can't be told yet.
func (r *Reader) atEnd() status {
	began := r.mark()
	sym, st := r.symbol(r.codes.lit)
	if st == broken {
		return broken
	}
	r.restore(began)
	if st == more && sym != endOfBlock {
		return full
	}
	return st
}

// match reads the rest of a match: its length and distance.
func (r *Reader) match(sym int) status {
	sym -= endOfBlock + 1
	if sym >= len(lengthBase) {
		return r.fail()
	}
	if !r.need(uint(lengthExtra[sym])) {
		return short
	}
	length := int(lengthBase[sym]) + r.take(uint(lengthExtra[sym]))
	d, st := r.symbol(r.codes.dist)
	if st != more {
		return st
	}
	if d >= len(distBase) {
		return r.fail()
	}
	if !r.need(uint(distExtra[d])) {
		return short
	}
	dist := int(distBase[d]) + r.take(uint(distExtra[d]))
	if dist > len(r.window) {
		return r.fail()
	}
	r.length, r.dist = length, dist
	return more
}

// copyMatch gives the octets of the open match.
func (r *Reader) copyMatch(out *[]byte) status {
	for ; r.length > 0; r.length-- {
		if len(*out) == 0 {
			return full
		}
		from := len(r.window) - r.dist
		if len(r.window) == windowSize {
			from = (r.at - r.dist + windowSize) % windowSize
		}
		r.put(out, r.window[from])
	}
	return more
}

// put gives one octet and remembers it.
func (r *Reader) put(out *[]byte, c byte) {
	(*out)[0] = c
	*out = (*out)[1:]
	if len(r.window) < windowSize {
		if len(r.window) == cap(r.window) {
			r.grow()
		}
		r.window = append(r.window, c)
		return
	}
	r.window[r.at] = c
	r.at = (r.at + 1) % windowSize
}

// firstWindow is what a window begins with: most clients say little.
const firstWindow = 512

func (r *Reader) grow() {
	larger := make([]byte, len(r.window), min(max(2*len(r.window), firstWindow), windowSize))
	copy(larger, r.window)
	r.window = larger
}
