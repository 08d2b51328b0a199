package segment

import (
	"encoding/binary"
)

// Writer makes the pages of a segment from its grams in ascending order.
type Writer struct {
	id   int64
	docs int
	bits int
	emit func(page int, data []byte) error

	page   []byte // the page that is being made, behind a place for its checksum
	number int
	last   uint32
	octets int64
}

// NewWriter makes a segment of docs messages. emit gets each page, in order, to keep.
func NewWriter(id int64, docs, bits int, emit func(page int, data []byte) error) *Writer {
	return &Writer{id: id, docs: docs, bits: bits, emit: emit, page: make([]byte, checksumLen, pageTarget*3/2)}
}

// Octets gives how long all pages are together.
func (w *Writer) Octets() int64 { return w.octets }

// Put adds a gram with the messages that have it, ascending, at least one.
func (w *Writer) Put(key uint32, docs []uint16) error {
	if err := w.turnTo(PageOf(key, w.bits)); err != nil {
		return err
	}
	w.page = binary.AppendUvarint(w.page, uint64(key-w.last))
	w.last = key
	form, size := w.shortest(docs)
	w.page = binary.AppendUvarint(w.page, uint64(size)<<2|uint64(form))
	switch form {
	case formHave:
		w.page = appendGaps(w.page, docs)
	case formLack:
		w.page = w.appendLack(w.page, docs)
	case formBits:
		w.page = w.appendBits(w.page, docs)
	}
	return nil
}

// turnTo ends pages until the one with a number is begun.
func (w *Writer) turnTo(page int) error {
	for w.number < page {
		if err := w.endPage(); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) endPage() error {
	binary.LittleEndian.PutUint32(w.page, checksum(w.id, w.number, w.page[checksumLen:]))
	w.octets += int64(len(w.page))
	err := w.emit(w.number, w.page)
	w.page, w.last = make([]byte, checksumLen, pageTarget*3/2), 0
	w.number++
	return err
}

// Close ends the last page.
func (w *Writer) Close() error { return w.turnTo(1 << w.bits) }

// shortest chooses the form of a list.
func (w *Writer) shortest(docs []uint16) (form, size int) {
	form, size = formHave, gapsLen(docs)
	if n := (w.docs + 7) / 8; n < size {
		form, size = formBits, n
	}
	if w.docs-len(docs) < size {
		if n := len(w.appendLack(nil, docs)); n < size {
			form, size = formLack, n
		}
	}
	return form, size
}

// gapsLen is how long appendGaps comes out.
func gapsLen(docs []uint16) int {
	n := len(docs)
	before := -1
	for _, d := range docs {
		if gap := int(d) - before - 1; gap >= 0x80 {
			n++ // there are fewer than 1<<14 messages
		}
		before = int(d)
	}
	return n
}

func appendGaps(dst []byte, docs []uint16) []byte {
	before := -1
	for _, d := range docs {
		dst = appendGap(dst, int(d)-before-1)
		before = int(d)
	}
	return dst
}

func appendGap(dst []byte, gap int) []byte {
	if gap < 0x80 {
		return append(dst, byte(gap))
	}
	return append(dst, byte(gap)|0x80, byte(gap>>7))
}

// appendLack writes the gaps between the messages that are not in docs.
func (w *Writer) appendLack(dst []byte, docs []uint16) []byte {
	before, next := -1, 0
	for _, d := range append(docs, uint16(w.docs)) {
		for ; next < int(d); next++ {
			dst = appendGap(dst, next-before-1)
			before = next
		}
		next = int(d) + 1
	}
	return dst
}

func (w *Writer) appendBits(dst []byte, docs []uint16) []byte {
	at := len(dst)
	for range (w.docs + 7) / 8 {
		dst = append(dst, 0)
	}
	for _, d := range docs {
		dst[at+int(d)/8] |= 1 << (d % 8)
	}
	return dst
}

// Build makes a segment of messages with these grams, each once in a message.
func Build[Gram ~uint32](id int64, messages [][]Gram, emit func(page int, data []byte) error) (bits int, octets int64, err error) {
	pairs := make([]uint64, 0, total(messages))
	for doc, grams := range messages {
		for _, g := range grams {
			pairs = append(pairs, uint64(g)<<16|uint64(doc))
		}
	}
	pairs = sorted(pairs)
	const estimate = 2 // octets for a gram of a message
	bits = BitsFor(estimate * len(pairs))
	w := NewWriter(id, len(messages), bits, emit)
	docs := make([]uint16, 0, len(messages)+1)
	for i := 0; i < len(pairs); {
		key := uint32(pairs[i] >> 16)
		docs = docs[:0]
		for ; i < len(pairs) && uint32(pairs[i]>>16) == key; i++ {
			docs = append(docs, uint16(pairs[i]))
		}
		if err := w.Put(key, docs); err != nil {
			return 0, 0, err
		}
	}
	err = w.Close()
	return bits, w.Octets(), err
}

func total[Gram ~uint32](messages [][]Gram) (n int) {
	for _, grams := range messages {
		n += len(grams)
	}
	return n
}

// sorted sorts pairs by gram. Those of one gram stay in their order, which is that of the messages.
func sorted(pairs []uint64) []uint64 {
	const digit = 11
	spare := make([]uint64, len(pairs))
	for shift := 16; shift < 48; shift += digit {
		var ends [1 << digit]int
		for _, p := range pairs {
			ends[p>>shift&(1<<digit-1)]++
		}
		at := 0
		for i, n := range ends {
			ends[i] = at
			at += n
		}
		for _, p := range pairs {
			d := p >> shift & (1<<digit - 1)
			spare[ends[d]] = p
			ends[d]++
		}
		pairs, spare = spare, pairs
	}
	return pairs
}
