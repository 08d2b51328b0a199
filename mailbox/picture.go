package mailbox

import (
	"cmp"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
)

// picture is all mail of an account as it was at one ModSeq. It never changes; all sessions of the account share it. A new picture
// shares what it can with the one before.
//
// Mailboxes and threads have numbers in a picture, so that a row is small and what is counted by them needs no maps. A
// number means the same in all pictures that were made one from another.
type picture struct {
	account  mail.AccountID
	modseq   mail.ModSeq
	boxes    []boxEntry // ascending by ID
	boxIDs   []mail.MailboxID
	keywords []string
	rows     rowList
	threads  []mail.ThreadID // by number
	byThread []threadNumber  // ascending by ID

	layout  func() *rowLayout
	laid    atomic.Pointer[rowLayout] // layout once it was made
	members func() *memberList
	counts  func() []boxCount // of the owner, by number of the mailbox
	paths   func() [][]string // names from the top down, as boxes stand
}

// boxEntry is a mailbox with its number.
type boxEntry struct {
	Mailbox
	number uint32
}

// threadNumber is a thread with its number.
type threadNumber struct {
	id     mail.ThreadID
	number uint32
}

// row is what a picture knows of a message: 72 octets.
type row struct {
	id       mail.EmailID
	flags    mail.Flags
	modseq   mail.ModSeq
	born     mail.ModSeq // in its mailbox
	made     mail.ModSeq // in the account
	turned   mail.ModSeq // when it was hidden or shown last; zero: it was never hidden
	received int64       // seconds since 1970
	size     uint32
	uid      mail.UID
	box      uint32 // number of the mailbox
	thread   uint32 // number of the thread
}

// hidden tells that the message is on its way out: JMAP knows nothing of it (RFC 8621 §4.1.1).
func (m *row) hidden() bool { return m.flags.Has(mail.Deleted) }

// unread tells whether it counts as unread (RFC 8621 §2).
func (m *row) unread() bool { return m.flags&(mail.Seen|mail.Draft) == 0 }

// row gives a message as it is told.
func (p *picture) row(m *row) Row {
	return Row{
		ID: m.id, Thread: p.threads[m.thread], Mailbox: p.boxIDs[m.box], UID: m.uid, Flags: m.flags, ModSeq: m.modseq,
		Received: time.Unix(m.received, 0).UTC(), Size: int64(m.size),
	}
}

// box gives a mailbox by its id.
func (p *picture) box(id mail.MailboxID) (*boxEntry, bool) {
	i, ok := slices.BinarySearchFunc(p.boxes, id, func(b boxEntry, id mail.MailboxID) int { return cmp.Compare(b.ID, id) })
	if !ok {
		return nil, false
	}
	return &p.boxes[i], true
}

// thread gives the number of a thread.
func (p *picture) thread(id mail.ThreadID) (uint32, bool) {
	i, ok := slices.BinarySearchFunc(p.byThread, id, compareThread)
	if !ok {
		return 0, false
	}
	return p.byThread[i].number, true
}

func compareThread(t threadNumber, id mail.ThreadID) int { return cmp.Compare(t.id, id) }

// ready prepares what is made when it is first asked for. What a picture before has made already is taken over where only flags changed, or mail
// came.
func (p *picture) ready(old *picture) *picture {
	p.layout = sync.OnceValue(p.makeLayout)
	if old != nil {
		if before := old.laid.Load(); before != nil && p.rows.n-len(before.threads) <= pieceLen {
			l := p.keep(before.grown(p))
			p.layout = func() *rowLayout { return l }
		}
	}
	p.members = sync.OnceValue(p.makeMembers)
	p.counts = sync.OnceValue(func() []boxCount { return p.count(nil) })
	p.paths = sync.OnceValue(p.makePaths)
	return p
}

// rowLayout is what of a picture's rows does not change with their flags.
type rowLayout struct {
	order   []uint32 // rows by arrival, the oldest first
	threads []uint32 // number of the thread, by row
}

// order gives the rows by arrival, the oldest first.
func (p *picture) order() []uint32 { return p.layout().order }

func (p *picture) keep(l *rowLayout) *rowLayout {
	p.laid.Store(l)
	return l
}

// makeLayout sorts the rows by arrival, and by id where that is equal. Mail mostly comes in the order of its ids.
func (p *picture) makeLayout() *rowLayout {
	l := &rowLayout{order: make([]uint32, 0, p.rows.n), threads: make([]uint32, 0, p.rows.n)}
	keys := make([]uint64, 0, p.rows.n)
	for i, m := range p.rows.all() {
		l.order = append(l.order, uint32(i))
		l.threads = append(l.threads, m.thread)
		keys = append(keys, orderedInt(m.received))
	}
	sortByKeys(l.order, func(i uint32) uint64 { return keys[i] })
	return p.keep(l)
}

// grown gives the layout of a picture whose first rows are those of this layout.
func (l *rowLayout) grown(p *picture) *rowLayout {
	if len(l.threads) == p.rows.n {
		return l
	}
	out := &rowLayout{order: slices.Clone(l.order), threads: slices.Clone(l.threads)}
	for i := uint32(len(l.threads)); i < uint32(p.rows.n); i++ {
		m := p.rows.at(i)
		at, _ := slices.BinarySearchFunc(out.order, m.received, func(i uint32, received int64) int {
			if p.rows.at(i).received <= received {
				return -1
			}
			return 1
		})
		out.order = slices.Insert(out.order, at, i)
		out.threads = append(out.threads, m.thread)
	}
	return out
}

// memberList has the messages of each thread, by number: rows by arrival.
type memberList struct {
	starts []uint32
	rows   []uint32
}

// of gives the messages of a thread.
func (l *memberList) of(thread uint32) []uint32 { return l.rows[l.starts[thread]:l.starts[thread+1]] }

func (p *picture) makeMembers() *memberList {
	l := &memberList{starts: make([]uint32, len(p.threads)+2), rows: make([]uint32, p.rows.n)}
	layout := p.layout()
	for _, t := range layout.threads {
		l.starts[t+2]++
	}
	for i := 2; i < len(l.starts); i++ {
		l.starts[i] += l.starts[i-1]
	}
	for _, i := range layout.order { // each thread's place moves on from its start to its end
		at := &l.starts[layout.threads[i]+1]
		l.rows[*at] = i
		*at++
	}
	l.starts = l.starts[:len(p.threads)+1]
	return l
}

// boxCount are the counters of RFC 8621 §2 of one mailbox.
type boxCount struct{ emails, unread, threads, unreadThreads int }

// count counts the messages of mailboxes, by number. sees tells of which messages are seen; nil: of all.
func (p *picture) count(sees []bool) []boxCount {
	trash := p.trash()
	unread := make([][2]bool, len(p.threads)) // outside of the trash, and inside
	for _, m := range p.rows.all() {
		if m.unread() && m.seenBy(sees) {
			unread[m.thread][inTrash(m, trash)] = true
		}
	}
	counts := make([]boxCount, len(p.boxIDs))
	first := make([]uint32, len(p.threads)) // mailbox in which the thread was counted first, and one
	type pair struct{ thread, box uint32 }
	more := map[pair]bool{} // others in which it was counted: few threads are in several
	for _, m := range p.rows.all() {
		if !m.seenBy(sees) {
			continue
		}
		c := &counts[m.box]
		c.emails++
		if m.unread() {
			c.unread++
		}
		switch at := first[m.thread]; {
		case at == 0:
			first[m.thread] = m.box + 1
		case at == m.box+1, more[pair{m.thread, m.box}]:
			continue
		default:
			more[pair{m.thread, m.box}] = true
		}
		c.threads++
		if unread[m.thread][inTrash(m, trash)] {
			c.unreadThreads++
		}
	}
	return counts
}

// seenBy tells whether a message is there for somebody who sees some mailboxes; nil: all.
func (m *row) seenBy(sees []bool) bool { return !m.hidden() && (sees == nil || sees[m.box]) }

// trash gives the number of the mailbox with that role; one that no mailbox has where there is none.
func (p *picture) trash() uint32 {
	for i := range p.boxes {
		if p.boxes[i].Role == "trash" {
			return p.boxes[i].number
		}
	}
	return uint32(len(p.boxIDs))
}

func inTrash(m *row, trash uint32) int {
	if m.box == trash {
		return 1
	}
	return 0
}

// rowList is an immutable list of rows, ascending by id. The zero value is the empty list.
type rowList struct {
	pieces []rowPiece
	n      int
}

// rowPiece is a part of a list, never empty and at most pieceLen long.
type rowPiece struct {
	first uint32 // place of its first row
	last  mail.EmailID
	top   mail.ModSeq // the highest of its rows
	rows  []row
}

// at gives a row by its place, from 0 on.
func (l rowList) at(i uint32) *row {
	p := int(i) / pieceLen // no piece holds more, so it can only stand further behind
	if p+1 < len(l.pieces) && l.pieces[p+1].first <= i {
		next, _ := slices.BinarySearchFunc(l.pieces[p:], i+1, func(p rowPiece, i uint32) int { return cmp.Compare(p.first, i) })
		p += next - 1
	}
	piece := &l.pieces[p]
	return &piece.rows[i-piece.first]
}

// find gives a row by its id.
func (l rowList) find(id mail.EmailID) (*row, uint32, bool) {
	p, _ := slices.BinarySearchFunc(l.pieces, id, func(p rowPiece, id mail.EmailID) int { return cmp.Compare(p.last, id) })
	if p == len(l.pieces) {
		return nil, 0, false
	}
	piece := &l.pieces[p]
	i, ok := slices.BinarySearchFunc(piece.rows, id, compareRow)
	if !ok {
		return nil, 0, false
	}
	return &piece.rows[i], piece.first + uint32(i), true
}

func compareRow(m row, id mail.EmailID) int { return cmp.Compare(m.id, id) }

// all goes through the list, giving places and rows.
func (l rowList) all() iter.Seq2[int, *row] { return l.since(0) }

// since goes through the pieces of the list in which something changed after a ModSeq.
func (l rowList) since(modseq mail.ModSeq) iter.Seq2[int, *row] {
	return func(yield func(int, *row) bool) {
		for i := range l.pieces {
			p := &l.pieces[i]
			if modseq > 0 && p.top <= modseq {
				continue
			}
			for i := range p.rows {
				if !yield(int(p.first)+i, &p.rows[i]) {
					return
				}
			}
		}
	}
}

// apply gives the list with changed rows put in (replaced or added) and gone ids left out. Both must ascend and have no id in
// common. What is not touched is shared with l.
func (l rowList) apply(changed []row, gone []mail.EmailID) rowList {
	b := rowBuilder{pieces: make([]rowPiece, 0, len(l.pieces)+len(changed)/pieceLen+1)}
	for i := range l.pieces {
		p := &l.pieces[i]
		c, _ := slices.BinarySearchFunc(changed, p.last+1, compareRow)
		g, _ := slices.BinarySearch(gone, p.last+1)
		if c == 0 && g == 0 {
			b.join(p.rows)
			continue
		}
		b.put(mergeRows(p.rows, changed[:c], gone[:g]))
		changed, gone = changed[c:], gone[g:]
	}
	b.put(changed)
	return rowList(b)
}

// mergeRows writes rows anew with changed ones put in and gone ones left out.
func mergeRows(rows, changed []row, gone []mail.EmailID) []row {
	out := make([]row, 0, len(rows)+len(changed))
	for len(rows) > 0 || len(changed) > 0 {
		switch {
		case len(rows) == 0 || len(changed) > 0 && changed[0].id < rows[0].id:
			out, changed = append(out, changed[0]), changed[1:]
			continue
		case len(changed) > 0 && changed[0].id == rows[0].id:
			out, changed, rows = append(out, changed[0]), changed[1:], rows[1:]
			continue
		}
		for len(gone) > 0 && gone[0] < rows[0].id {
			gone = gone[1:]
		}
		if len(gone) == 0 || gone[0] != rows[0].id {
			out = append(out, rows[0])
		}
		rows = rows[1:]
	}
	return out
}

// rowBuilder puts a list together, piece by piece.
type rowBuilder struct {
	pieces []rowPiece
	n      int
}

// put adds rows that stand behind all there are, in pieces as long as they may be.
func (b *rowBuilder) put(rows []row) {
	for part := range slices.Chunk(rows, pieceLen) {
		b.join(part)
	}
}

// join adds one piece. One too short is joined with the one before.
func (b *rowBuilder) join(rows []row) {
	if k := len(b.pieces) - 1; k >= 0 {
		before := b.pieces[k].rows
		if len(before)+len(rows) <= pieceLen && min(len(before), len(rows)) < minPiece {
			b.n -= len(before)
			b.pieces, rows = b.pieces[:k], slices.Concat(before, rows)
		}
	}
	p := rowPiece{first: uint32(b.n), last: rows[len(rows)-1].id, rows: rows}
	for i := range rows {
		p.top = max(p.top, rows[i].modseq)
	}
	b.pieces = append(b.pieces, p)
	b.n += len(rows)
}

// orderedInt gives a number that compares, without sign, as n does.
func orderedInt(n int64) uint64 { return uint64(n) ^ 1<<63 }

// radixFrom is from how many items on sorting by digits pays.
const radixFrom = 2048

// sortByKeys sorts items by their keys, ascending. What is equal stays as it stands.
func sortByKeys(items []uint32, key func(uint32) uint64) {
	type keyed struct {
		key  uint64
		item uint32
	}
	list := make([]keyed, len(items))
	sorted := true
	differ := uint64(0)
	for i, item := range items {
		list[i] = keyed{key(item), item}
		if i > 0 {
			sorted = sorted && list[i-1].key <= list[i].key
			differ |= list[i-1].key ^ list[i].key
		}
	}
	switch {
	case sorted:
		return
	case len(list) < radixFrom:
		slices.SortStableFunc(list, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	default:
		const bits, digits = 11, 1 << 11
		other := make([]keyed, len(list))
		for shift := 0; shift < 64; shift += bits {
			if differ>>shift&(digits-1) == 0 {
				continue
			}
			var starts [digits + 1]uint32
			for i := range list {
				starts[list[i].key>>shift&(digits-1)+1]++
			}
			for i := 1; i < len(starts); i++ {
				starts[i] += starts[i-1]
			}
			for i := range list {
				at := &starts[list[i].key>>shift&(digits-1)]
				other[*at] = list[i]
				*at++
			}
			list, other = other, list
		}
	}
	for i := range list {
		items[i] = list[i].item
	}
}
