package mailbox

import (
	"iter"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// Mark is what a view knows of a message: UID, flags and ModSeq.
type Mark = store.Mark

// pieceLen is how many marks one piece of a list holds; only the last piece may hold fewer. A
// change copies one piece (12 KiB) and the table of pieces (24 bytes for each).
const pieceLen = 512

// marks is an immutable list of marks, ascending by UID. The n-th message of a mailbox
// (RFC 9051 §2.3.1.2) is at(n-1). The zero value is the empty list.
type marks struct {
	pieces [][]Mark
	n      int
}

// newMarks makes a list of ms, which must ascend by UID. The list keeps ms.
func newMarks(ms []Mark) marks {
	return marks{pieces: appendPieces(nil, ms), n: len(ms)}
}

// appendPieces cuts ms into pieces behind those there are, which must all be full.
func appendPieces(pieces [][]Mark, ms []Mark) [][]Mark {
	for piece := range slices.Chunk(ms, pieceLen) {
		pieces = append(pieces, piece)
	}
	return pieces
}

// len is the number of marks.
func (l marks) len() int { return l.n }

// at gives a mark by its place, from 0 on.
func (l marks) at(i int) Mark { return l.pieces[i/pieceLen][i%pieceLen] }

// last gives the highest UID, 0 for an empty list.
func (l marks) last() mail.UID {
	if l.n == 0 {
		return 0
	}
	return l.at(l.n - 1).UID
}

// find gives the place of a UID, or where it would stand.
func (l marks) find(uid mail.UID) (int, bool) {
	p, _ := slices.BinarySearchFunc(l.pieces, uid, func(piece []Mark, uid mail.UID) int {
		return compareUID(piece[len(piece)-1], uid)
	})
	if p == len(l.pieces) {
		return l.n, false
	}
	i, ok := slices.BinarySearchFunc(l.pieces[p], uid, compareUID)
	return p*pieceLen + i, ok
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
		for p, piece := range l.pieces {
			for i, m := range piece {
				if !yield(p*pieceLen+i, m) {
					return
				}
			}
		}
	}
}

// flat gives the list as one slice.
func (l marks) flat() []Mark { return slices.Concat(l.pieces...) }

// apply gives the list with changed marks put in (replaced or added) and gone UIDs left out. Both
// must ascend; gone wins. What is not touched is shared with l.
func (l marks) apply(changed []Mark, gone []mail.UID) marks {
	if len(changed) == 0 && len(gone) == 0 {
		return l
	}
	keep := l.firstMoved(changed, gone) / pieceLen
	pieces := make([][]Mark, keep, len(l.pieces)+len(changed)/pieceLen+1)
	copy(pieces, l.pieces)
	changed = l.replace(pieces, changed)
	if keep == len(l.pieces) && len(changed) == 0 {
		return marks{pieces, l.n}
	}
	tail := merge(marks{l.pieces[keep:], l.n - keep*pieceLen}, changed, gone)
	return marks{appendPieces(pieces, tail), keep*pieceLen + len(tail)}
}

// firstMoved gives the first place that stands otherwise afterwards, because a mark comes in or
// goes out; past the last piece if none does.
func (l marks) firstMoved(changed []Mark, gone []mail.UID) int {
	first := len(l.pieces) * pieceLen
	for _, uid := range gone {
		if i, ok := l.find(uid); ok {
			first = i
			break
		}
	}
	for _, m := range changed {
		if i, ok := l.find(m.UID); !ok {
			return min(first, i)
		}
	}
	return first
}

// replace puts changed marks into pieces, copying a piece before the first change of it, and gives
// the rest of changed, which belongs behind the pieces.
func (l marks) replace(pieces [][]Mark, changed []Mark) []Mark {
	copied := -1
	for n, m := range changed {
		i, ok := l.find(m.UID)
		p := i / pieceLen
		if !ok || p >= len(pieces) {
			return changed[n:]
		}
		if p != copied {
			pieces[p] = slices.Clone(pieces[p])
			copied = p
		}
		pieces[p][i%pieceLen] = m
	}
	return nil
}

// merge writes a list anew with changed marks put in and gone UIDs left out.
func merge(l marks, changed []Mark, gone []mail.UID) []Mark {
	out := make([]Mark, 0, l.n+len(changed))
	put := func(m Mark) {
		for len(gone) > 0 && gone[0] < m.UID {
			gone = gone[1:]
		}
		if len(gone) == 0 || gone[0] != m.UID {
			out = append(out, m)
		}
	}
	for _, m := range l.all() {
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
