// Package qr draws QR codes (ISO/IEC 18004): octets in byte mode, error correction level M, versions 1 to 20. That is what a screen
// needs to show a telephone an address; the other modes and levels of the standard are left out.
package qr

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// MaxOctets is how much fits into a code.
const MaxOctets = 666

// Numbers of level M for each version from 1 on (ISO/IEC 18004 table 9).
var (
	eccOctets = [...]int{0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26}
	eccBlocks = [...]int{0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16}
)

// A Code is a square of modules.
type Code struct {
	Size  int // modules on a side
	dark  []bool
	fixed []bool // belongs to a pattern, and is not masked
}

// Dark tells whether a module is dark. Outside of the code nothing is.
func (c *Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.Size && y < c.Size && c.dark[y*c.Size+x]
}

// Encode makes the smallest code for a text; nil where it is longer than MaxOctets.
func Encode(text string) *Code {
	for version := 1; version < len(eccOctets); version++ {
		if room := dataOctets(version); headBits(version)+8*len(text) <= 8*room {
			return draw(version, interleave(version, pack(version, text, room)))
		}
	}
	return nil
}

// headBits is the length of what stands before the octets: mode and count.
func headBits(version int) int {
	if version < 10 {
		return 4 + 8
	}
	return 4 + 16
}

// rawModules is how many modules of a version are for data and correction.
func rawModules(version int) int {
	n := (16*version+128)*version + 64
	if version >= 2 {
		align := version/7 + 2
		n -= (25*align-10)*align - 55
		if version >= 7 {
			n -= 36
		}
	}
	return n
}

// dataOctets is how many octets of a version are for data.
func dataOctets(version int) int {
	return rawModules(version)/8 - eccOctets[version]*eccBlocks[version]
}

// pack writes mode, count and octets, and fills the room.
func pack(version int, text string, room int) []byte {
	var b bits
	b.add(4, 4) // byte mode
	b.add(len(text), headBits(version)-4)
	for _, c := range []byte(text) {
		b.add(int(c), 8)
	}
	b.add(0, min(4, 8*room-b.n))
	b.add(0, -b.n&7)
	for fill := 0xec; len(b.octets) < room; fill ^= 0xec ^ 0x11 {
		b.add(fill, 8)
	}
	return b.octets
}

// bits is a row of bits, the highest of an octet first.
type bits struct {
	octets []byte
	n      int
}

func (b *bits) add(value, count int) {
	for i := count - 1; i >= 0; i-- {
		if b.n%8 == 0 {
			b.octets = append(b.octets, 0)
		}
		b.octets[b.n/8] |= byte(value>>i&1) << (7 - b.n%8)
		b.n++
	}
}

// interleave cuts the data into blocks, gives each its correction, and takes an octet of each in turn.
func interleave(version int, data []byte) []byte {
	count, ecc := eccBlocks[version], eccOctets[version]
	raw := rawModules(version) / 8
	short := raw/count - ecc // data in a short block
	longFrom := count - raw%count
	generator := generatorOf(ecc)
	blocks, corrections := make([][]byte, count), make([][]byte, count)
	for i := range blocks {
		n := short
		if i >= longFrom {
			n++
		}
		blocks[i], data = data[:n], data[n:]
		corrections[i] = remainder(blocks[i], generator)
	}
	out := make([]byte, 0, raw)
	for at := 0; at <= short; at++ {
		for _, b := range blocks {
			if at < len(b) {
				out = append(out, b[at])
			}
		}
	}
	for at := range ecc {
		for _, c := range corrections {
			out = append(out, c[at])
		}
	}
	return out
}

// multiply multiplies in the field of 256 elements over x⁸+x⁴+x³+x²+1.
func multiply(a, b byte) byte {
	z := 0
	for i := 7; i >= 0; i-- {
		z = z<<1 ^ (z>>7)*0x11d
		z ^= int(b>>i&1) * int(a)
	}
	return byte(z)
}

// generatorOf is the generator of a Reed-Solomon code, without its leading one.
func generatorOf(degree int) []byte {
	g := make([]byte, degree)
	g[degree-1] = 1
	root := byte(1)
	for range degree {
		for j := range g {
			g[j] = multiply(g[j], root)
			if j+1 < degree {
				g[j] ^= g[j+1]
			}
		}
		root = multiply(root, 2)
	}
	return g
}

// remainder is what is left of data divided by a generator: its correction.
func remainder(data, generator []byte) []byte {
	r := make([]byte, len(generator))
	for _, b := range data {
		factor := b ^ r[0]
		copy(r, r[1:])
		r[len(r)-1] = 0
		for i, g := range generator {
			r[i] ^= multiply(g, factor)
		}
	}
	return r
}

// quiet is the light border that a reader needs, in modules.
const quiet = 4

// SVG draws a code, one unit a module, with its border.
func (c *Code) SVG() string {
	var b strings.Builder
	side := c.Size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="`, side, side)
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			if !c.Dark(x, y) {
				continue
			}
			from := x
			for c.Dark(x, y) {
				x++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}

// DataURL draws the code of a text as an address that a page may show as an image; "" where the text is too long.
func DataURL(text string) string {
	c := Encode(text)
	if c == nil {
		return ""
	}
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(c.SVG()))
}
