// Package segment is the form of a piece of a full-text index: for up to MaxDocs messages, which of them have which gram.
//
// The grams of a segment are cut into 1<<Bits pages by the highest bits of their numbers. These are hashes, so pages come
// out about as long as each other, and to find a gram is to read one page. A page is
//
//	checksum  4 octets, CRC-32C of the segment's number, the page's number, store.TextVersion and the rest
//	entries   for each gram, ascending: how far it is from the one before, the length and form of its list, the list
//
// where numbers are of variable length (encoding/binary). A list has the numbers of the messages, from 0 on, in the shortest
// of three forms: gaps between those that have the gram, gaps between those that have it not, or a bit for each message.
//
// A segment is written once and never changed. Merge makes one of several.
package segment

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/bits"

	"tegami/store"
)

const (
	// MaxDocs is how many messages a segment holds at most.
	MaxDocs = 1 << 14
	// MaxBits is how many bits of a gram choose its page, at most.
	MaxBits = 16
	// pageTarget is how long a page should be, in octets.
	pageTarget = 16 << 10
)

// ErrDamaged is what reading a page that is not as it was written gives.
var ErrDamaged = errors.New("a page of the full-text index is damaged")

// BitsFor gives how many bits choose the page in a segment of so many octets.
func BitsFor(octets int) int {
	n := 0
	for n < MaxBits && octets>>n > pageTarget {
		n++
	}
	return n
}

// PageOf gives the page on which a gram stands.
func PageOf(key uint32, bits int) int { return int(uint64(key) >> (32 - bits)) }

// Forms of a list.
const (
	formHave = iota // gaps between the messages that have the gram
	formLack        // gaps between those that do not
	formBits
)

const checksumLen = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of a page.
func checksum(segment int64, page int, entries []byte) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], uint64(segment))
	binary.LittleEndian.PutUint32(place[8:], uint32(page))
	binary.LittleEndian.PutUint32(place[12:], store.TextVersion)
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, entries)
}

// Open checks a page and gives its entries.
func Open(segment int64, page int, data []byte) (Entries, error) {
	if len(data) < checksumLen || binary.LittleEndian.Uint32(data) != checksum(segment, page, data[checksumLen:]) {
		return nil, ErrDamaged
	}
	return data[checksumLen:], nil
}

// Entries are what a page holds.
type Entries []byte

// List says which messages have a gram.
type List struct {
	form int
	data []byte
}

// next takes the first entry off; before is the gram of the one before it, 0 for the first of a page.
func (e *Entries) next(before uint32) (key uint32, l List, err error) {
	gap, n := binary.Uvarint(*e)
	if n <= 0 {
		return 0, List{}, ErrDamaged
	}
	head, m := binary.Uvarint((*e)[n:])
	size := head >> 2
	if m <= 0 || size > uint64(len(*e)-n-m) {
		return 0, List{}, ErrDamaged
	}
	at := n + m
	l = List{int(head & 3), (*e)[at : at+int(size)]}
	*e = (*e)[at+int(size):]
	return before + uint32(gap), l, nil
}

// Find gives the list of a gram; ok is false if no message has it.
func (e Entries) Find(key uint32) (l List, ok bool, err error) {
	var at uint32
	for len(e) > 0 {
		if at, l, err = e.next(at); err != nil || at >= key {
			return l, err == nil && at == key, err
		}
	}
	return List{}, false, nil
}

// Docs is a set of messages of a segment.
type Docs []uint64

// Size gives the set, for so many messages, empty.
func (d Docs) Size(docs int) Docs {
	words := (docs + 63) / 64
	if cap(d) < words {
		return make(Docs, words)
	}
	d = d[:words]
	clear(d)
	return d
}

// Has tells whether a message is in the set.
func (d Docs) Has(i int) bool { return d[i/64]>>(i%64)&1 != 0 }

// Add puts a message into the set.
func (d Docs) Add(i int) { d[i/64] |= 1 << (i % 64) }

// And keeps what other has too, and gives how many these are.
func (d Docs) And(other Docs) (n int) {
	for i := range d {
		d[i] &= other[i]
		n += bits.OnesCount64(d[i])
	}
	return n
}

// Count gives how many messages are in the set.
func (d Docs) Count() (n int) {
	for _, word := range d {
		n += bits.OnesCount64(word)
	}
	return n
}

// Fill puts the messages of a list into a set that is empty and made for docs messages.
func (l List) Fill(d Docs, docs int) error {
	switch l.form {
	case formHave:
		return l.gaps(docs, d.Add)
	case formLack:
		for i := range d {
			d[i] = ^uint64(0)
		}
		if docs%64 != 0 {
			d[len(d)-1] = 1<<(docs%64) - 1
		}
		return l.gaps(docs, func(i int) { d[i/64] &^= 1 << (i % 64) })
	case formBits:
		if len(l.data) != (docs+7)/8 {
			return ErrDamaged
		}
		for i, c := range l.data {
			d[i/8] |= uint64(c) << (i % 8 * 8)
		}
		return nil
	}
	return ErrDamaged
}

// gaps calls fn with the messages a list of gaps names.
func (l List) gaps(docs int, fn func(int)) error {
	at := -1
	for data := l.data; len(data) > 0; {
		gap, n := uint64(data[0]), 1
		if gap >= 0x80 {
			gap, n = binary.Uvarint(data)
		}
		if n <= 0 || gap >= uint64(docs) {
			return ErrDamaged
		}
		data = data[n:]
		if at += 1 + int(gap); at >= docs {
			return ErrDamaged
		}
		fn(at)
	}
	return nil
}
