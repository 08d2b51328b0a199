package mailbox

import (
	"iter"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// Mark is what a view knows of a message: UID, flags and ModSeq.
type Mark = store.Mark

const (
	// pieceLen is how many marks one piece of a list holds at most. A change copies one or two pieces (12 KiB
	// each) and the table of pieces (32 bytes for each): in a mailbox of 1,000,000 messages 75 KiB.
	pieceLen = 512
	// minPiece is how few a piece may hold beside one it could be joined with, so that a list does not crumble
	// as messages go.
	minPiece = pieceLen / 4
)

// marks is an immutable list of marks, ascending by UID: the tracker of sequence numbers. The n-th message
// of a mailbox (RFC 9051 §2.3.1.2) is at(n-1). The zero value is the empty list.
type marks struct {
	pieces []piece
	n      int
}

// piece is a part of a list, never empty.
type piece struct {
	first uint32   // place of its first mark
	last  mail.UID // of its last mark
	ms    []Mark
}

// newMarks makes a list of ms, which must ascend by UID. The list keeps ms.
func newMarks(ms []Mark) marks {
	b := listBuilder{pieces: make([]piece, 0, (len(ms)+pieceLen-1)/pieceLen)}
	b.put(ms)
	return b.list()
}

// len is the number of marks.
func (l marks) len() int { return l.n }

// at gives a mark by its place, from 0 on.
func (l marks) at(i int) Mark {
	p := &l.pieces[l.pieceOf(i)]
	return p.ms[i-int(p.first)]
}

// pieceOf gives the piece that holds a place, which must exist. Most pieces are full, so the first guess is mostly right.
func (l marks) pieceOf(i int) int {
	p := i / pieceLen // no piece holds more, so it can only stand further behind
	if p+1 == len(l.pieces) || int(l.pieces[p+1].first) > i {
		return p
	}
	next, _ := slices.BinarySearchFunc(l.pieces[p:], i+1, func(p piece, i int) int { return int(p.first) - i })
	return p + next - 1
}

// last gives the highest UID, 0 for an empty list.
func (l marks) last() mail.UID {
	if l.n == 0 {
		return 0
	}
	return l.pieces[len(l.pieces)-1].last
}

// find gives the place of a UID, or where it would stand.
func (l marks) find(uid mail.UID) (int, bool) {
	p, _ := slices.BinarySearchFunc(l.pieces, uid, func(p piece, uid mail.UID) int { return int(int64(p.last) - int64(uid)) })
	if p == len(l.pieces) {
		return l.n, false
	}
	i, ok := slices.BinarySearchFunc(l.pieces[p].ms, uid, compareUID)
	return int(l.pieces[p].first) + i, ok
}

func compareUID(m Mark, uid mail.UID) int {
	switch {
	case m.UID < uid:
		return -1
	case m.UID > uid:
		return 1
	}
	return 0
}

// all goes through the list, giving places and marks.
func (l marks) all() iter.Seq2[int, Mark] {
	return func(yield func(int, Mark) bool) {
		for i := range l.pieces {
			p := &l.pieces[i]
			for i, m := range p.ms {
				if !yield(int(p.first)+i, m) {
					return
				}
			}
		}
	}
}

// flat gives the list as one slice.
func (l marks) flat() []Mark {
	out := make([]Mark, 0, l.n)
	for i := range l.pieces {
		out = append(out, l.pieces[i].ms...)
	}
	return out
}

// apply gives the list with changed marks put in (replaced or added) and gone UIDs left out. Both
// must ascend; gone wins. What is not touched is shared with l.
func (l marks) apply(changed []Mark, gone []mail.UID) marks {
	if len(changed) == 0 && len(gone) == 0 {
		return l
	}
	b := listBuilder{pieces: make([]piece, 0, len(l.pieces)+len(changed)/pieceLen+1)}
	for i := range l.pieces {
		p := &l.pieces[i]
		c, g := upToUID(changed, p.last), upToGone(gone, p.last)
		changed, gone = changed[len(c):], gone[len(g):]
		if len(c) == 0 && len(g) == 0 {
			b.put(p.ms)
			continue
		}
		b.put(merge(p.ms, c, g))
	}
	if len(gone) > 0 {
		changed = merge(nil, changed, gone)
	}
	b.put(changed)
	return b.list()
}

// upToUID gives the first of changed, as far as their UIDs are at most last.
func upToUID(changed []Mark, last mail.UID) []Mark {
	if len(changed) == 0 || changed[0].UID > last {
		return nil
	}
	n, _ := slices.BinarySearchFunc(changed, uint64(last)+1, func(m Mark, end uint64) int { return int(int64(m.UID) - int64(end)) })
	return changed[:n]
}

// upToGone is upToUID for UIDs.
func upToGone(gone []mail.UID, last mail.UID) []mail.UID {
	n := 0
	for n < len(gone) && gone[n] <= last {
		n++
	}
	return gone[:n]
}

// merge writes marks anew with changed marks put in and gone UIDs left out.
func merge(ms, changed []Mark, gone []mail.UID) []Mark {
	out := make([]Mark, 0, len(ms)+len(changed))
	put := func(m Mark) {
		for len(gone) > 0 && gone[0] < m.UID {
			gone = gone[1:]
		}
		if len(gone) == 0 || gone[0] != m.UID {
			out = append(out, m)
		}
	}
	for _, m := range ms {
		for len(changed) > 0 && changed[0].UID < m.UID {
			put(changed[0])
			changed = changed[1:]
		}
		if len(changed) > 0 && changed[0].UID == m.UID {
			m, changed = changed[0], changed[1:]
		}
		put(m)
	}
	for _, m := range changed {
		put(m)
	}
	return out
}

// listBuilder puts a list together, piece by piece.
type listBuilder struct {
	pieces []piece
	n      int
}

// put adds marks that stand behind all there are, in pieces as long as they may be. A piece too short is
// joined with the one before.
func (b *listBuilder) put(ms []Mark) {
	for part := range slices.Chunk(ms, pieceLen) {
		b.join(part)
	}
}

// join adds one piece.
func (b *listBuilder) join(ms []Mark) {
	if k := len(b.pieces) - 1; k >= 0 {
		before := b.pieces[k].ms
		if len(before)+len(ms) <= pieceLen && min(len(before), len(ms)) < minPiece {
			b.n -= len(before)
			b.pieces, ms = b.pieces[:k], slices.Concat(before, ms)
		}
	}
	b.pieces = append(b.pieces, piece{uint32(b.n), ms[len(ms)-1].UID, ms})
	b.n += len(ms)
}

func (b *listBuilder) list() marks { return marks{b.pieces, b.n} }
