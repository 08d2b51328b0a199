package deflate

import "sync"

const (
	maxBits     = 15 // of a code (RFC 1951 §3.2.7)
	fastBits    = 9  // codes as long are found with one look
	endOfBlock  = 256
	numLiterals = 288
	maxLiterals = 286 // that a dynamic block may have
	maxDists    = 30
)

// Lengths and distances (RFC 1951 §3.2.5): the smallest of each symbol, and how many bits are added.
var (
	lengthBase = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}

	lengthExtra = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}

	distBase = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
		6145, 8193, 12289, 16385, 24577}

	distExtra = [...]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}

	// lengthOrder is the order in which the lengths of the code of lengths stand (RFC 1951 §3.2.7).
	lengthOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// code is a Huffman code in canonical form (RFC 1951 §3.2.2).
type code struct {
	count  [maxBits + 1]uint16 // how many codes have each length
	symbol [numLiterals]uint16 // by code
	fast   [1 << fastBits]uint16
}

// codes are those of the open block.
type codes struct {
	lit, dist *code // dynamic ones, or the fixed
	own       [2]code
	open      bool
	fresh     bool // nothing was said in the open block yet
}

var codesPool = sync.Pool{New: func() any { return new(codes) }}

// fixed are the codes every block may use (RFC 1951 §3.2.6).
var fixed = sync.OnceValue(func() *struct{ lit, dist code } {
	var f struct{ lit, dist code }
	var lengths [numLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	f.lit.set(lengths[:])
	for i := range 32 {
		lengths[i] = 5
	}
	f.dist.set(lengths[:32])
	return &f
})

// set makes the code with these lengths. It is false when there is none: too many codes, or too few except for one of length 1.
func (c *code) set(lengths []uint8) bool {
	*c = code{}
	for _, n := range lengths {
		c.count[n]++
	}
	used := len(lengths) - int(c.count[0])
	c.count[0] = 0
	left := 1
	for n := 1; n <= maxBits; n++ {
		if left = left<<1 - int(c.count[n]); left < 0 {
			return false
		}
	}
	if left > 0 && used > 0 && !(used == 1 && c.count[1] == 1) {
		return false
	}
	var at [maxBits + 2]uint16
	for n := 1; n <= maxBits; n++ {
		at[n+1] = at[n] + c.count[n]
	}
	for sym, n := range lengths {
		if n > 0 {
			c.symbol[at[n]] = uint16(sym)
			at[n]++
		}
	}
	c.setFast()
	return true
}

// setFast fills the table for short codes: each pattern of fastBits bits, as they stand in the stream, gives symbol and length.
func (c *code) setFast() {
	next, index := 0, 0
	for n := 1; n <= fastBits; n++ {
		for range c.count[n] {
			entry := c.symbol[index]<<4 | uint16(n)
			for at := reverse(next, n); at < len(c.fast); at += 1 << n {
				c.fast[at] = entry
			}
			next++
			index++
		}
		next <<= 1
	}
}

// reverse turns n bits around: codes stand in the stream with their first bit lowest.
func reverse(v, n int) (out int) {
	for range n {
		out, v = out<<1|v&1, v>>1
	}
	return out
}

// symbol reads one symbol.
func (r *Reader) symbol(c *code) (int, status) {
	enough := r.need(maxBits)
	if e := c.fast[r.bits&(1<<fastBits-1)]; e != 0 {
		n := uint(e & 15)
		if n > r.have {
			return 0, short
		}
		r.take(n)
		return int(e >> 4), more
	}
	code, first, index := 0, 0, 0
	for n := uint(1); n <= min(maxBits, r.have); n++ {
		code |= int(r.bits>>(n-1)) & 1
		count := int(c.count[n])
		if code-first < count {
			r.take(n)
			return int(c.symbol[index+code-first]), more
		}
		index, first, code = index+count, (first+count)<<1, code<<1
	}
	if !enough {
		return 0, short
	}
	return 0, r.fail()
}

// dynamicHead reads the codes of a block (RFC 1951 §3.2.7).
func (r *Reader) dynamicHead() status {
	if !r.need(14) {
		return short
	}
	lits, dists, lengths := 257+r.take(5), 1+r.take(5), 4+r.take(4)
	if lits > maxLiterals || dists > maxDists {
		return r.fail()
	}
	if r.codes == nil {
		r.codes = codesPool.Get().(*codes)
		r.codes.open = false
	}
	own := &r.codes.own
	var all [maxLiterals + maxDists]uint8
	for i := range lengths {
		if !r.need(3) {
			return short
		}
		all[lengthOrder[i]] = uint8(r.take(3))
	}
	if !own[0].set(all[:19]) {
		return r.fail()
	}
	clear(all[:19])
	if st := r.lengths(&own[0], all[:lits+dists]); st != more {
		return st
	}
	if !own[0].set(all[:lits]) || !own[1].set(all[lits:lits+dists]) {
		return r.fail()
	}
	r.open(&own[0], &own[1])
	return more
}

// lengths reads the lengths of the codes, which are themselves compressed.
func (r *Reader) lengths(c *code, out []uint8) status {
	for i := 0; i < len(out); {
		sym, st := r.symbol(c)
		if st != more {
			return st
		}
		if sym < 16 {
			out[i] = uint8(sym)
			i++
			continue
		}
		var value uint8
		base, extra := 3, uint(2)
		switch sym {
		case 16:
			if i == 0 {
				return r.fail()
			}
			value = out[i-1]
		case 17:
			extra = 3
		default:
			base, extra = 11, 7
		}
		if !r.need(extra) {
			return short
		}
		n := base + r.take(extra)
		if n > len(out)-i {
			return r.fail()
		}
		for ; n > 0; n-- {
			out[i] = value
			i++
		}
	}
	return more
}
