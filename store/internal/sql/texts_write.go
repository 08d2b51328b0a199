package sql

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/segment"
)

const (
	// mergeAt is how many segments of one size there are before they are merged, with smaller ones among them.
	mergeAt = 8
	// mergeLast is mergeAt for the largest, as long as all of them make one segment.
	mergeLast = 4
	// firstSize is where the smallest size of segments ends, in messages; each other is sizeStep times as large.
	firstSize, sizeStep = 32, 8
	// lastSize is the size of the largest segments, those of 2,048 messages and more.
	lastSize = 3
	// maxSegmentOctets is how large segments are made by merging, in octets.
	maxSegmentOctets = 64 << 20
	// pageRange is how many pages are read at once where all are needed.
	pageRange = 16
)

// Add takes a portion in.
func (x *TextIndex) Add(p store.TextPortion) error {
	heads, err := x.heads(qTextHeadsLock, p.Mailbox)
	if err != nil {
		return err
	}
	var upto mail.UID
	if len(heads) > 0 {
		upto = heads[len(heads)-1].hi
	}
	if upto != p.After {
		return mail.E("store.TextAdd", mail.Conflict, "text.moved")
	}
	id, err := x.nextSegment()
	if err != nil {
		return err
	}
	part, err := buildPart(id, &p)
	if err != nil {
		return err
	}
	return x.put(p.Mailbox, heads, part)
}

// nextSegment gives a number that no segment has or had: it grows with time.
func (x *TextIndex) nextSegment() (id int64, err error) {
	err = x.conn.Rows(qTextLast, x.start(), func(r Row) bool {
		id = r.Int(0) + 1
		return false
	})
	const began = 1767225600000 // 2026-01-01: 41 bits of milliseconds last until 2095
	return max(id, time.Now().UnixMilli()-began), err
}

// part is a segment with its messages: one in memory, or one that is stored and to be merged.
type part struct {
	textHead
	members
	live  segment.Docs // what to keep; nil for all
	pages [][]byte     // of one in memory
}

// buildPart makes a segment of a portion, in memory.
func buildPart(id int64, p *store.TextPortion) (*part, error) {
	last := p.After
	t := &part{textHead: textHead{id: id, lo: p.After, hi: p.Upto, docs: len(p.Docs), email: p.Email}}
	grams := make([][]store.Gram, len(p.Docs))
	for i := range p.Docs {
		d := &p.Docs[i]
		if d.UID <= last || d.UID > p.Upto || i == store.MaxTextDocs {
			return nil, mail.E("store.TextAdd", mail.Invalid, "text.portion")
		}
		last, grams[i] = d.UID, d.Grams
		t.uids = append(t.uids, d.UID)
		if d.Any {
			t.members.anys = append(t.members.anys, uint16(i))
		}
	}
	if p.Upto <= p.After {
		return nil, mail.E("store.TextAdd", mail.Invalid, "text.portion")
	}
	bits, octets, err := segment.Build(id, grams, func(_ int, data []byte) error {
		t.pages = append(t.pages, data)
		return nil
	})
	t.bits, t.octets = bits, octets
	return t, err
}

// put stores a new segment at the end of a mailbox, merged with those before it where it is time to.
func (x *TextIndex) put(m mail.MailboxID, heads []textHead, t *part) error {
	n := mergeTail(heads, t.textHead)
	if n == 0 {
		return x.store(m, t)
	}
	parts, err := x.load(m, heads[len(heads)-n:])
	if err != nil {
		return err
	}
	return x.merge(m, append(parts, t))
}

// sizeOf gives the size of a segment, 0 for the smallest.
func sizeOf(docs int) (size int) {
	for limit := firstSize; docs >= limit && size < lastSize; limit *= sizeStep {
		size++
	}
	return size
}

// mergeTail tells how many of the last segments are to be merged with a new one. What is merged may make a row of
// the next size complete.
func mergeTail(heads []textHead, t textHead) (merged int) {
	for size := sizeOf(t.docs); size <= lastSize; size++ {
		need, row, all := mergeAt, merged, t
		if size == lastSize {
			need = mergeLast
		}
		if sizeOf(t.docs) == size {
			need--
		}
		for row < len(heads) {
			h := heads[len(heads)-1-row]
			if sizeOf(h.docs) > size || all.docs+h.docs > segment.MaxDocs || all.octets+h.octets > maxSegmentOctets {
				break
			}
			all.docs, all.octets = all.docs+h.docs, all.octets+h.octets
			row++
			if sizeOf(h.docs) == size {
				need--
			}
		}
		if need <= 0 && row > merged {
			merged, t = row, all
		}
	}
	return merged
}

// load reads the messages of stored segments.
func (x *TextIndex) load(m mail.MailboxID, heads []textHead) ([]*part, error) {
	parts := make([]*part, 0, len(heads)+1)
	for _, h := range heads {
		list, err := x.members(m, h)
		if err != nil {
			return nil, err
		}
		parts = append(parts, &part{textHead: h, members: list})
	}
	return parts, nil
}

// store writes a segment that is in memory.
func (x *TextIndex) store(m mail.MailboxID, t *part) error {
	for n, page := range t.pages {
		if err := x.insertPage(t.id, n, page); err != nil {
			return err
		}
	}
	return x.insertSegment(m, t)
}

func (x *TextIndex) insertPage(segment int64, n int, page []byte) error {
	return x.conn.Exec(qInsertTextPage, x.start().Int(pageID(segment, n)).Blob(page))
}

func (x *TextIndex) insertSegment(m mail.MailboxID, t *part) error {
	args := x.start().Int(int64(m)).Int(int64(t.lo)).Int(int64(t.hi)).Int(t.id).Int(int64(t.docs)).Int(int64(t.bits)).Int(t.octets).
		Int(int64(t.email)).Blob(appendNumbers(nil, t.uids, t.lo+1)).Blob(appendNumbers(nil, t.members.anys, 0))
	return x.conn.Exec(qInsertTextSegment, args)
}

// merge makes one segment of some that follow one another.
func (x *TextIndex) merge(m mail.MailboxID, parts []*part) error {
	id, err := x.nextSegment()
	if err != nil {
		return err
	}
	first, last := parts[0], parts[len(parts)-1]
	t := &part{textHead: textHead{id: max(id, last.id+1), lo: first.lo, hi: last.hi, email: last.email}}
	inputs := make([]*segment.Input, len(parts))
	var octets int64
	for i, p := range parts {
		inputs[i] = &segment.Input{ID: p.id, Docs: p.docs, Bits: p.bits, Live: p.live, Page: x.pagesOf(p)}
		t.take(p)
		octets += p.octets
	}
	t.docs, t.bits = len(t.uids), segment.BitsFor(int(octets))
	w := segment.NewWriter(t.id, t.docs, t.bits, func(n int, page []byte) error { return x.insertPage(t.id, n, page) })
	if err := segment.Merge(w, inputs); err != nil {
		return err
	}
	t.octets = w.Octets()
	for _, p := range parts {
		if err := x.remove(m, p); err != nil {
			return err
		}
	}
	return x.insertSegment(m, t)
}

// take adds the messages of another segment that are to be kept.
func (t *part) take(p *part) {
	any := p.members.anys
	for i, uid := range p.uids {
		isAny := len(any) > 0 && int(any[0]) == i
		if isAny {
			any = any[1:]
		}
		if p.live != nil && !p.live.Has(i) {
			continue
		}
		if isAny {
			t.members.anys = append(t.members.anys, uint16(len(t.uids)))
		}
		t.uids = append(t.uids, uid)
	}
}

// pagesOf gives the function that reads a segment's pages in order.
func (x *TextIndex) pagesOf(p *part) func(int) ([]byte, error) {
	if p.pages != nil {
		return func(n int) ([]byte, error) { return p.pages[n], nil }
	}
	var ready [][]byte
	first := 0
	return func(n int) ([]byte, error) {
		if n >= first+len(ready) {
			first, ready = n, ready[:0]
			args := x.start().Int(pageID(p.id, n)).Int(pageID(p.id, min(n+pageRange, 1<<p.bits)))
			err := x.conn.Rows(qTextPageRange, args, func(r Row) bool {
				ready = append(ready, r.Blob(0))
				return true
			})
			if err == nil && len(ready) == 0 {
				err = fmt.Errorf("page %d of segment %d is not there: %w", n, p.id, segment.ErrDamaged)
			}
			if err != nil {
				return nil, err
			}
		}
		return ready[n-first], nil
	}
}

// remove deletes a stored segment; one in memory is none.
func (x *TextIndex) remove(m mail.MailboxID, p *part) error {
	if p.pages != nil {
		return nil
	}
	if err := x.conn.Exec(qDeleteTextPages, x.start().Int(pageID(p.id, 0)).Int(pageID(p.id+1, 0))); err != nil {
		return err
	}
	return x.conn.Exec(qDeleteTextSegment, x.start().Int(int64(m)).Int(int64(p.lo)))
}

// trimPart is which part of a segment's messages must be gone before it is written anew.
const trimPart = 4

// Trim writes those segments anew that hold many messages that are not live, of those that end at upto at the latest.
func (x *TextIndex) Trim(m mail.MailboxID, upto mail.UID, live iter.Seq[mail.UID]) error {
	heads, err := x.heads(qTextHeadsLock, m)
	if err != nil {
		return err
	}
	heads = slices.DeleteFunc(heads, func(h textHead) bool { return h.hi > upto })
	parts, err := x.load(m, heads)
	if err != nil {
		return err
	}
	markLive(parts, live)
	for _, p := range parts {
		if dead := p.docs - p.live.Count(); dead == 0 || dead*trimPart < p.docs {
			continue
		}
		if err := x.merge(m, []*part{p}); err != nil {
			return err
		}
	}
	return nil
}

// markLive notes in each part which of its messages are live.
func markLive(parts []*part, live iter.Seq[mail.UID]) {
	for _, p := range parts {
		p.live = p.live.Size(p.docs)
	}
	n, i := 0, 0
	for uid := range live {
		for n < len(parts) && (i == len(parts[n].uids) || parts[n].uids[i] < uid) {
			if i++; i >= len(parts[n].uids) {
				n, i = n+1, 0
			}
		}
		if n == len(parts) {
			return
		}
		if parts[n].uids[i] == uid {
			parts[n].live.Add(i)
		}
	}
}

// Drop removes the index of mailboxes, or all of it.
func (x *TextIndex) Drop(of ...mail.MailboxID) error {
	if len(of) == 0 {
		if err := x.conn.Exec(qDropTextPages, x.start()); err != nil {
			return err
		}
		return x.conn.Exec(qDropTextSegments, x.start())
	}
	for _, m := range of {
		var stored []*part
		err := x.conn.Rows(qTextHeadsLock, x.start().Int(int64(m)), func(r Row) bool {
			stored = append(stored, &part{textHead: textHead{id: r.Int(0), lo: mail.UID(r.Int(1))}})
			return true
		})
		for _, p := range stored {
			if err == nil {
				err = x.remove(m, p)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Check reads all of the index. ErrDamaged if something is not as it was written.
func (x *TextIndex) Check() error {
	cursors, err := x.Cursors()
	if err != nil {
		return err
	}
	for m := range cursors {
		heads, err := x.heads(qTextHeads, m)
		if err != nil {
			return err
		}
		parts, err := x.load(m, heads)
		if err != nil {
			return err
		}
		for _, p := range parts {
			w := segment.NewWriter(p.id, p.docs, p.bits, func(int, []byte) error { return nil })
			in := &segment.Input{ID: p.id, Docs: p.docs, Bits: p.bits, Page: x.pagesOf(p)}
			if err := segment.Merge(w, []*segment.Input{in}); err != nil {
				return err
			}
		}
	}
	return nil
}
