package apart

import (
	"bufio"
	"io"
)

// Numbers of the format of -lh4- to -lh7-.
const (
	lzhLiterals  = 256
	lzhCodes     = 510 // literals and lengths
	lzhThreshold = 3   // the shortest match
	lzhLengths   = 19  // codes that say lengths of codes
)

// lzh decodes -lh4- to -lh7-: LZ77 with Huffman codes that are written anew for each block.
type lzh struct {
	in     io.ByteReader
	bits   uint32 // the next ones, from the highest on
	have   uint
	past   int // zero bits that were read behind the end
	err    error
	left   int64 // octets to give
	window []byte
	at     int // in window
	match  int // octets of the match that is being copied
	from   int

	block          int // codes left in this block
	codes, offsets huffman
	offsetBits     uint // width of a number of offset codes
	offsetCodes    int
}

// newLZH decodes size octets, with a window of 1<<log octets.
func newLZH(r io.Reader, log uint, size int64) io.Reader {
	d := &lzh{in: bufio.NewReader(r), left: size, window: make([]byte, 1<<log), offsetCodes: int(log) + 1, offsetBits: 4}
	if log > 13 {
		d.offsetBits = 5
	}
	for i := range d.window {
		d.window[i] = ' '
	}
	return d
}

// Read reads as io.Reader.
func (d *lzh) Read(p []byte) (n int, err error) {
	for n < len(p) && d.left > 0 {
		if d.match > 0 {
			d.match--
			p[n] = d.put(d.window[d.from&(len(d.window)-1)])
			d.from++
			n++
			continue
		}
		c := d.code()
		if d.err != nil {
			return n, d.err
		}
		if c < lzhLiterals {
			p[n] = d.put(byte(c))
			n++
			continue
		}
		d.match = c - lzhLiterals + lzhThreshold
		d.from = d.at - d.offset() - 1 + len(d.window)
		if d.err != nil {
			return n, d.err
		}
	}
	if d.left <= 0 {
		return n, io.EOF
	}
	return n, nil
}

func (d *lzh) put(b byte) byte {
	d.window[d.at] = b
	d.at = (d.at + 1) & (len(d.window) - 1)
	d.left--
	return b
}

// maxPast is how many bits behind the end may be read: what the last codes need for looking ahead.
const maxPast = 64

// peek gives the next n bits, n ≤ 16.
func (d *lzh) peek(n uint) int {
	for d.have < n {
		b, err := d.in.ReadByte()
		if err != nil {
			b = 0
			if d.past += 8; d.past > maxPast && d.err == nil {
				d.err = io.ErrUnexpectedEOF
			}
		}
		d.bits |= uint32(b) << (24 - d.have)
		d.have += 8
	}
	return int(d.bits >> (32 - n))
}

func (d *lzh) drop(n uint) {
	d.bits <<= n
	d.have -= n
}

// get takes n bits.
func (d *lzh) get(n uint) int {
	if n == 0 {
		return 0
	}
	v := d.peek(n)
	d.drop(n)
	return v
}

// code gives the next literal or length.
func (d *lzh) code() int {
	if d.block == 0 {
		d.block = d.get(16)
		if d.block == 0 {
			d.block = 1 << 16
		}
		var lengths huffman
		d.readLengths(&lengths, lzhLengths, 5, 3)
		d.readCodes(&lengths)
		d.readLengths(&d.offsets, d.offsetCodes, d.offsetBits, -1)
	}
	d.block--
	return d.codes.next(d)
}

// offset gives how far back the match stands, less one.
func (d *lzh) offset() int {
	n := d.offsets.next(d)
	if n <= 1 {
		return n
	}
	if n > 17 {
		d.fail()
		return 0
	}
	return 1<<(n-1) + d.get(uint(n-1))
}

func (d *lzh) fail() {
	if d.err == nil {
		d.err = trouble(Damaged)
	}
}

// readLengths reads a code whose lengths stand as numbers of three bits and more. Behind the one at special stands how many zeros follow.
func (d *lzh) readLengths(h *huffman, most int, width uint, special int) {
	n := d.get(width)
	if n == 0 {
		h.only(d.get(width))
		return
	}
	var lengths [lzhCodes]byte
	for i := 0; i < n && d.err == nil; {
		if i >= most {
			d.fail()
			return
		}
		v := d.get(3)
		if v == 7 {
			for d.get(1) == 1 && v < 17 {
				v++
			}
		}
		if v > 16 {
			d.fail()
			return
		}
		lengths[i] = byte(v)
		if i++; i == special {
			i += d.get(2)
		}
	}
	d.check(h.build(lengths[:min(most, lzhCodes)]))
}

// readCodes reads the code of literals and lengths, whose lengths are coded themselves.
func (d *lzh) readCodes(lengthCode *huffman) {
	n := d.get(9)
	if n == 0 {
		d.codes.only(d.get(9))
		return
	}
	var lengths [lzhCodes]byte
	for i := 0; i < n && d.err == nil; {
		v := lengthCode.next(d)
		switch {
		case i >= lzhCodes:
			d.fail()
		case v == 0:
			i++
		case v == 1:
			i += d.get(4) + 3
		case v == 2:
			i += d.get(9) + 20
		default:
			lengths[i] = byte(v - 2)
			i++
		}
	}
	d.check(d.codes.build(lengths[:]))
}

func (d *lzh) check(ok bool) {
	if !ok {
		d.fail()
	}
}

// A huffman is a canonical code of lengths up to 16.
type huffman struct {
	single  int // the only symbol there is, when alone
	alone   bool
	count   [17]int
	symbols [lzhCodes]uint16 // by length, then by number
}

// only makes a code of one symbol, which takes no bits.
func (h *huffman) only(symbol int) { *h = huffman{single: symbol, alone: true} }

// build makes the code of the lengths of its symbols; false when they are no code.
func (h *huffman) build(lengths []byte) bool {
	*h = huffman{}
	for _, n := range lengths {
		if n > 16 {
			return false
		}
		h.count[n]++
	}
	h.count[0] = 0
	left := 1
	var start [18]int
	for n := 1; n <= 16; n++ {
		left = left*2 - h.count[n]
		if left < 0 {
			return false
		}
		start[n+1] = start[n] + h.count[n]
	}
	for symbol, n := range lengths {
		if n > 0 {
			h.symbols[start[n]] = uint16(symbol)
			start[n]++
		}
	}
	return true
}

// next reads one symbol.
func (h *huffman) next(d *lzh) int {
	if h.alone {
		return h.single
	}
	bits := d.peek(16)
	code, first, index := 0, 0, 0
	for n := uint(1); n <= 16; n++ {
		code |= bits >> (16 - n) & 1
		if code-first < h.count[n] {
			d.drop(n)
			return int(h.symbols[index+code-first])
		}
		index += h.count[n]
		first = (first + h.count[n]) << 1
		code <<= 1
	}
	d.fail()
	return 0
}
