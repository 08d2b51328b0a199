package clean

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

var little = binary.LittleEndian

// Numbers of compound files ([MS-CFB] §2.1).
const (
	maxSector  = 0xfffffffa
	difSector  = 0xfffffffc
	fatSector  = 0xfffffffd
	endOfChain = 0xfffffffe
	noSector   = 0xffffffff

	entrySize  = 128
	miniSize   = 64
	miniCutoff = 4096
)

// Types of directory entries ([MS-CFB] §2.6.1).
const (
	typeStorage = 1
	typeStream  = 2
	typeRoot    = 5
)

// A storage or stream of a compound file. Compound files are read whole and written anew, so that what no entry names is gone.
type node struct {
	name     string
	typ      byte
	about    [36]byte // class, state, times, as the entry has them
	octets   []byte   // of a stream
	children []*node
}

// child finds a child by its name, without case; nil where there is none.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// stream gives the octets of a stream; nil where there is none.
func (n *node) stream(name string) []byte {
	if c := n.child(name); c != nil && c.typ == typeStream {
		return c.octets
	}
	return nil
}

// compound reads a compound file.
type compound struct {
	b       []byte
	sector  int
	fat     []uint32
	mini    []uint32
	stream  []byte // of small streams
	entries []byte
	seen    []bool // of the entries
	work    int    // octets that may still be read: the file's, and some
}

// parseCompound reads the tree of a compound file.
func parseCompound(b []byte) (*node, error) {
	bad := impossible("a compound file that is damaged")
	if len(b) < 512 || string(b[:8]) != oleMagic {
		return nil, bad
	}
	c := &compound{b: b, work: 2*len(b) + miniCutoff}
	switch little.Uint16(b[30:]) {
	case 9:
		c.sector = 512
	case 12:
		c.sector = 4096
	default:
		return nil, bad
	}
	if !c.readFAT() {
		return nil, bad
	}
	var ok bool
	if c.entries, ok = c.chain(little.Uint32(b[48:]), -1); !ok || len(c.entries) < entrySize {
		return nil, bad
	}
	if len(c.entries)/entrySize > MaxParts {
		return nil, impossible("too many streams")
	}
	c.seen = make([]bool, len(c.entries)/entrySize)
	root := c.entries[:entrySize]
	if root[66] != typeRoot || !c.readMini(root) {
		return nil, bad
	}
	c.seen[0] = true
	n := &node{name: entryName(root), typ: typeRoot}
	copy(n.about[:], root[80:116])
	if !c.tree(little.Uint32(root[76:]), n, 0) {
		return nil, bad
	}
	return n, nil
}

// at gives a sector; nil where it lies outside.
func (c *compound) at(n uint32) []byte {
	start := (int64(n) + 1) * int64(c.sector)
	if n > maxSector || start >= int64(len(c.b)) {
		return nil
	}
	return c.b[start:min(start+int64(c.sector), int64(len(c.b)))]
}

// readFAT reads the table of chains.
func (c *compound) readFAT() bool {
	most := len(c.b)/c.sector + 1
	add := func(list []byte) bool {
		for i := 0; i+4 <= len(list); i += 4 {
			n := little.Uint32(list[i:])
			if n == noSector {
				continue
			}
			s := c.at(n)
			if s == nil || len(c.fat) > most+c.sector {
				return false
			}
			c.fat = appendNumbers(c.fat, s)
		}
		return true
	}
	if !add(c.b[76:512]) {
		return false
	}
	next := little.Uint32(c.b[68:])
	for i := 0; next <= maxSector; i++ {
		s := c.at(next)
		if len(s) < c.sector || i > most || !add(s[:c.sector-4]) {
			return false
		}
		next = little.Uint32(s[c.sector-4:])
	}
	return true
}

func appendNumbers(dst []uint32, b []byte) []uint32 {
	for ; len(b) >= 4; b = b[4:] {
		dst = append(dst, little.Uint32(b))
	}
	return dst
}

// chain reads the sectors of a chain: size octets, or all where size is below zero.
func (c *compound) chain(n uint32, size int64) ([]byte, bool) {
	var out []byte
	for size < 0 || int64(len(out)) < size {
		if n > maxSector {
			return out, n == endOfChain && size < 0
		}
		s := c.at(n)
		if s == nil || int64(n) >= int64(len(c.fat)) {
			return nil, false
		}
		if c.work -= len(s); c.work < 0 {
			return nil, false // a loop, or sectors that many streams share
		}
		out = append(out, s...)
		n = c.fat[n]
	}
	return out[:max(size, 0)], true
}

// readMini reads the table and the stream of small streams.
func (c *compound) readMini(root []byte) bool {
	if little.Uint32(c.b[64:]) == 0 || little.Uint32(c.b[60:]) > maxSector {
		return true
	}
	table, ok := c.chain(little.Uint32(c.b[60:]), -1)
	if !ok {
		return false
	}
	c.mini = appendNumbers(nil, table)
	c.stream, ok = c.chain(little.Uint32(root[116:]), -1)
	return ok
}

// octets reads a stream.
func (c *compound) octets(e []byte) ([]byte, bool) {
	size := int64(little.Uint32(e[120:])) // the upper half is noise in files of 512 octets a sector, and too large in others
	n := little.Uint32(e[116:])
	if size >= miniCutoff {
		return c.chain(n, size)
	}
	out := make([]byte, 0, size)
	for int64(len(out)) < size {
		start := int64(n) * miniSize
		if n > maxSector || int64(n) >= int64(len(c.mini)) || start >= int64(len(c.stream)) {
			return nil, false
		}
		if c.work -= miniSize; c.work < 0 {
			return nil, false
		}
		out = append(out, c.stream[start:min(start+miniSize, int64(len(c.stream)))]...)
		n = c.mini[n]
	}
	return out[:size], true
}

// maxStorages is how deep storages stand in each other.
const maxStorages = 32

// tree reads the entries of a storage, which are a tree of their own.
func (c *compound) tree(id uint32, into *node, depth int) bool {
	todo := []uint32{id}
	for len(todo) > 0 {
		id, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if id == noSector {
			continue
		}
		if int64(id) >= int64(len(c.seen)) || c.seen[id] || depth > maxStorages {
			return false
		}
		c.seen[id] = true
		e := c.entries[int(id)*entrySize:][:entrySize]
		n := &node{name: entryName(e), typ: e[66]}
		copy(n.about[:], e[80:116])
		ok := true
		switch n.typ {
		case typeStream:
			n.octets, ok = c.octets(e)
		case typeStorage:
			ok = c.tree(little.Uint32(e[76:]), n, depth+1)
		default:
			ok = false
		}
		if !ok || into.child(n.name) != nil {
			return false
		}
		into.children = append(into.children, n)
		todo = append(todo, little.Uint32(e[68:]), little.Uint32(e[72:]))
	}
	return true
}

func entryName(e []byte) string {
	n := min(int(little.Uint16(e[64:])), 64)/2 - 1
	units := make([]uint16, 0, 32)
	for i := range max(n, 0) {
		units = append(units, little.Uint16(e[2*i:]))
	}
	return string(utf16.Decode(units))
}

// bytes writes a compound file of 512 octets a sector ([MS-CFB] §2).
func (n *node) bytes() []byte {
	w := &compoundWriter{}
	w.entry(n)
	w.link(n, 0)
	return w.file()
}

// compoundWriter writes a compound file.
type compoundWriter struct {
	entries []byte
	data    []byte // the sectors of large streams
	fat     []uint32
	small   []byte
	mini    []uint32
}

// entry appends a node's entry and gives its number.
func (w *compoundWriter) entry(n *node) int {
	id := len(w.entries) / entrySize
	e := make([]byte, entrySize)
	units := utf16.Encode([]rune(n.name))
	units = units[:min(len(units), 31)]
	for i, u := range units {
		little.PutUint16(e[2*i:], u)
	}
	little.PutUint16(e[64:], uint16(2*len(units)+2))
	e[66], e[67] = n.typ, 1 // black
	little.PutUint32(e[68:], noSector)
	little.PutUint32(e[72:], noSector)
	little.PutUint32(e[76:], noSector)
	copy(e[80:], n.about[:])
	if n.typ == typeStream {
		little.PutUint32(e[116:], w.put(n.octets))
		little.PutUint32(e[120:], uint32(len(n.octets)))
	}
	w.entries = append(w.entries, e...)
	return id
}

// put keeps the octets of a stream and gives where they begin.
func (w *compoundWriter) put(b []byte) uint32 {
	switch {
	case len(b) == 0:
		return endOfChain
	case len(b) < miniCutoff:
		return chainUp(&w.small, &w.mini, b, miniSize)
	}
	return chainUp(&w.data, &w.fat, b, 512)
}

// chainUp appends octets in whole sectors, each leading to the next.
func chainUp(data *[]byte, table *[]uint32, b []byte, sector int) uint32 {
	first := uint32(len(*table))
	*data = append(*data, b...)
	if rest := len(b) % sector; rest > 0 {
		*data = append(*data, make([]byte, sector-rest)...)
	}
	for range (len(b)+sector-1)/sector - 1 {
		*table = append(*table, uint32(len(*table))+1)
	}
	*table = append(*table, endOfChain)
	return first
}

// link writes the entries of a node's children and makes them a tree, balanced, in the order names are looked for.
func (w *compoundWriter) link(n *node, id int) {
	if len(n.children) == 0 {
		return
	}
	list := slices.Clone(n.children)
	slices.SortFunc(list, func(a, b *node) int { return compareNames(a.name, b.name) })
	ids := make([]int, len(list))
	for i, c := range list {
		ids[i] = w.entry(c)
	}
	full := 0 // levels that are full: what hangs below them is red
	for 1<<(full+1) <= len(ids)+1 {
		full++
	}
	little.PutUint32(w.entries[id*entrySize+76:], w.balance(ids, full))
	for i, c := range list {
		w.link(c, ids[i])
	}
}

// balance makes a tree of entries and gives its root.
func (w *compoundWriter) balance(ids []int, black int) uint32 {
	if len(ids) == 0 {
		return noSector
	}
	mid := len(ids) / 2
	e := ids[mid] * entrySize
	if black <= 0 {
		w.entries[e+67] = 0
	}
	left, right := w.balance(ids[:mid], black-1), w.balance(ids[mid+1:], black-1)
	little.PutUint32(w.entries[e+68:], left)
	little.PutUint32(w.entries[e+72:], right)
	return uint32(ids[mid])
}

// compareNames orders names as [MS-CFB] §2.6.4 does: shorter ones first, then by their letters in upper case.
func compareNames(a, b string) int {
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	if len(x) != len(y) {
		return cmp.Compare(len(x), len(y))
	}
	for i := range x {
		if d := cmp.Compare(unicode.ToUpper(rune(x[i])), unicode.ToUpper(rune(y[i]))); d != 0 {
			return d
		}
	}
	return 0
}

// file puts the file together: header, streams, small streams and their table, directory, and the table of all sectors.
func (w *compoundWriter) file() []byte {
	if len(w.small) > 0 {
		little.PutUint32(w.entries[116:], chainUp(&w.data, &w.fat, w.small, 512))
		little.PutUint32(w.entries[120:], uint32(len(w.small)))
	} else {
		little.PutUint32(w.entries[116:], endOfChain)
	}
	miniStart, miniSectors := uint32(endOfChain), 0
	if len(w.mini) > 0 {
		table := numbers(w.mini, 512)
		miniStart, miniSectors = chainUp(&w.data, &w.fat, table, 512), len(table)/512
	}
	for len(w.entries)%512 != 0 {
		free := make([]byte, entrySize)
		for _, at := range [...]int{68, 72, 76} {
			little.PutUint32(free[at:], noSector)
		}
		w.entries = append(w.entries, free...)
	}
	directory := chainUp(&w.data, &w.fat, w.entries, 512)
	fatStart, fats, difStart, difs := w.tables()

	h := make([]byte, 512, 512+len(w.data))
	copy(h, oleMagic)
	little.PutUint16(h[24:], 0x3e)
	little.PutUint16(h[26:], 3)
	little.PutUint16(h[28:], 0xfffe)
	little.PutUint16(h[30:], 9)
	little.PutUint16(h[32:], 6)
	little.PutUint32(h[44:], uint32(fats))
	little.PutUint32(h[48:], directory)
	little.PutUint32(h[56:], miniCutoff)
	little.PutUint32(h[60:], miniStart)
	little.PutUint32(h[64:], uint32(miniSectors))
	little.PutUint32(h[68:], difStart)
	little.PutUint32(h[72:], uint32(difs))
	for i := range headerFATs {
		n := uint32(noSector)
		if i < fats {
			n = fatStart + uint32(i)
		}
		little.PutUint32(h[76+4*i:], n)
	}
	return append(h, w.data...)
}

// headerFATs is how many sectors of the table the header names.
const headerFATs = 109

// tables appends the table of all sectors, and the list of its own sectors where the header has no room.
func (w *compoundWriter) tables() (fatStart uint32, fats int, difStart uint32, difs int) {
	used := len(w.fat)
	for {
		more := (used + fats + difs + 127) / 128
		lists := (max(more-headerFATs, 0) + 126) / 127
		if more == fats && lists == difs {
			break
		}
		fats, difs = more, lists
	}
	fatStart, difStart = uint32(used), endOfChain
	for range fats {
		w.fat = append(w.fat, fatSector)
	}
	for range difs {
		w.fat = append(w.fat, difSector)
	}
	w.data = append(w.data, numbers(w.fat, 512)...)
	if difs > 0 {
		difStart = fatStart + uint32(fats)
		w.data = append(w.data, difats(fatStart, fats, difStart, difs)...)
	}
	return fatStart, fats, difStart, difs
}

// difats is the list of those sectors of the table that the header does not name.
func difats(fatStart uint32, fats int, difStart uint32, difs int) (out []byte) {
	next := headerFATs
	for d := range difs {
		for range 127 {
			n := uint32(noSector)
			if next < fats {
				n = fatStart + uint32(next)
			}
			next++
			out = little.AppendUint32(out, n)
		}
		follow := uint32(endOfChain)
		if d+1 < difs {
			follow = difStart + uint32(d) + 1
		}
		out = little.AppendUint32(out, follow)
	}
	return out
}

// numbers writes numbers in whole sectors, filled up with free ones.
func numbers(list []uint32, sector int) []byte {
	out := make([]byte, 0, 4*len(list)+sector)
	for _, n := range list {
		out = little.AppendUint32(out, n)
	}
	if rest := len(out) % sector; rest > 0 {
		out = append(out, bytes.Repeat([]byte{0xff}, sector-rest)...)
	}
	return out
}
