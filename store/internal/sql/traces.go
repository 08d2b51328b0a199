package sql

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/segment"
)

// TraceSchema makes the tables of the trace's index in a file of its own. In the cluster they come with the migrations.
var TraceSchema = []string{
	`CREATE TABLE trace_segment (id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, docs INTEGER NOT NULL,
		bits INTEGER NOT NULL, octets INTEGER NOT NULL, items BLOB NOT NULL)`,
	`CREATE TABLE trace_page (id INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
	`CREATE TABLE trace_again (item INTEGER PRIMARY KEY)`,
	`CREATE TABLE trace_sum (hour INTEGER NOT NULL, name TEXT NOT NULL, num INTEGER NOT NULL, PRIMARY KEY (hour, name)) WITHOUT ROWID`,
	`CREATE TABLE trace_cursor (num INTEGER PRIMARY KEY, item INTEGER NOT NULL, segment INTEGER NOT NULL)`,
}

// TraceIndex is a tenant's index of the trace, over a connection inside a transaction. It fulfils what store.Traces promises.
//
// Each portion makes a segment, and many small ones are merged to a larger one, as in TextIndex. Items of a segment are about
// as old as each other, but for those that were added again.
//
// What is not as it was written is segment.ErrDamaged: then all of it is to be dropped.
type TraceIndex struct {
	conn Conn
	args Args
}

// NewTraceIndex gives the index.
func NewTraceIndex(c Conn) *TraceIndex { return &TraceIndex{conn: c} }

func (x *TraceIndex) start() *Args { return x.args.Reset() }

// one runs a query for numbers of one row, 0 where there is none.
func (x *TraceIndex) one(q Query, into ...*int64) error {
	return x.conn.Rows(q, x.start(), func(r Row) bool {
		for i, n := range into {
			*n = r.Int(i)
		}
		return false
	})
}

// Cursor tells up to which item is indexed.
func (x *TraceIndex) Cursor() (mail.ItemID, error) {
	var item int64
	err := x.one(qTraceCursor, &item)
	return mail.ItemID(item), err
}

// Size tells how large the index is.
func (x *TraceIndex) Size() (store.TextSize, error) {
	var segments, docs, octets int64
	err := x.one(qTraceSize, &segments, &docs, &octets)
	return store.TextSize{Segments: int(segments), Docs: int(docs), Octets: octets}, err
}

// traceHead is what is known of a segment without its items.
type traceHead struct {
	id          int64
	first, last mail.ItemID
	docs, bits  int
	octets      int64
}

func (x *TraceIndex) heads(q Query) (list []traceHead, err error) {
	err = x.conn.Rows(q, x.start(), func(r Row) bool {
		list = append(list, traceHead{
			id: r.Int(0), first: mail.ItemID(r.Int(1)), last: mail.ItemID(r.Int(2)), docs: int(r.Int(3)), bits: int(r.Int(4)), octets: r.Int(5),
		})
		return true
	})
	for _, h := range list {
		if h.docs <= 0 || h.docs > segment.MaxDocs || h.bits < 0 || h.bits > segment.MaxBits || h.last < h.first {
			return nil, fmt.Errorf("segment %d of the trace: %w", h.id, segment.ErrDamaged)
		}
	}
	return list, err
}

// items reads the items of a segment, in the order in which it counts them.
func (x *TraceIndex) items(h *traceHead) ([]mail.ItemID, error) {
	var packed []byte
	err := x.conn.Rows(qTraceItems, x.start().Int(h.id), func(r Row) bool {
		packed = r.Blob(0)
		return false
	})
	if err != nil {
		return nil, err
	}
	list := make([]mail.ItemID, 0, h.docs)
	var at int64
	for len(packed) > 0 {
		step, n := binary.Varint(packed)
		if n <= 0 || len(list) == h.docs {
			break
		}
		at, packed = at+step, packed[n:]
		list = append(list, mail.ItemID(at))
	}
	if len(packed) > 0 || len(list) != h.docs {
		return nil, fmt.Errorf("items of segment %d of the trace: %w", h.id, segment.ErrDamaged)
	}
	return list, nil
}

func packItems(list []mail.ItemID) []byte {
	b := make([]byte, 0, 4*len(list))
	var at mail.ItemID
	for _, id := range list {
		b = binary.AppendVarint(b, int64(id-at))
		at = id
	}
	return b
}

// Find gives the items that may have all grams, the newest first.
func (x *TraceIndex) Find(f store.TraceFind) ([]mail.ItemID, error) {
	heads, err := x.heads(qTraceHeads)
	if err != nil {
		return nil, err
	}
	most := int(limit(f.Limit))
	heads = slices.DeleteFunc(heads, func(h traceHead) bool { return h.last < f.From || h.first >= f.Before })
	slices.SortFunc(heads, func(a, b traceHead) int { return cmp.Compare(b.last, a.last) })
	var found []mail.ItemID
	for i := range heads {
		if i > 0 && newer(found, heads[i].last) >= most {
			break // the segments left have older items only
		}
		if found, err = x.findIn(&heads[i], &f, found); err != nil {
			return nil, err
		}
	}
	return found[:min(len(found), most)], nil
}

// newer counts the items above an id, of a list that descends.
func newer(list []mail.ItemID, than mail.ItemID) int {
	n, _ := slices.BinarySearchFunc(list, than, func(a, b mail.ItemID) int { return cmp.Compare(b, a) })
	return n
}

// findIn adds what a segment has to what was found, which stays sorted.
func (x *TraceIndex) findIn(h *traceHead, f *store.TraceFind, found []mail.ItemID) ([]mail.ItemID, error) {
	docs, err := x.having(h, f.Grams)
	if err != nil || docs == nil {
		return found, err
	}
	items, err := x.items(h)
	if err != nil {
		return nil, err
	}
	for i, id := range items {
		if docs.Has(i) && id >= f.From && id < f.Before {
			found = append(found, id)
		}
	}
	slices.SortFunc(found, func(a, b mail.ItemID) int { return cmp.Compare(b, a) })
	return slices.Compact(found), nil
}

// having gives the items of a segment that have all grams; nil for none.
func (x *TraceIndex) having(h *traceHead, grams []store.Gram) (docs segment.Docs, err error) {
	docs = docs.Size(h.docs)
	for i := range h.docs {
		docs.Add(i)
	}
	grams = grams[:min(len(grams), store.MaxFindGrams)]
	for len(grams) > 0 {
		n := min(round, len(grams))
		any, err := x.narrow(h, grams[:n], docs)
		if err != nil || !any {
			return nil, err
		}
		grams = grams[n:]
	}
	return docs, nil
}

// narrow leaves in docs the items that have some more grams, at most as many as a query takes pages.
func (x *TraceIndex) narrow(h *traceHead, grams []store.Gram, docs segment.Docs) (any bool, err error) {
	args := x.start()
	for i := range maxTextPages {
		args.Int(pageID(h.id, segment.PageOf(uint32(grams[min(i, len(grams)-1)]), h.bits)))
	}
	pages := make(map[int64][]byte, len(grams))
	if err := x.conn.Rows(qTracePages, args, func(r Row) bool { pages[r.Int(0)] = r.Blob(1); return true }); err != nil {
		return false, err
	}
	var set segment.Docs
	for _, g := range grams {
		n := segment.PageOf(uint32(g), h.bits)
		entries, err := segment.Open(h.id, n, pages[pageID(h.id, n)])
		if err != nil {
			return false, fmt.Errorf("page %d of segment %d of the trace: %w", n, h.id, err)
		}
		list, ok, err := entries.Find(uint32(g))
		if err != nil || !ok {
			return false, err
		}
		set = set.Size(h.docs)
		if err := list.Fill(set, h.docs); err != nil {
			return false, err
		}
		if docs.And(set) == 0 {
			return false, nil
		}
	}
	return true, nil
}

// Again lists items to be looked at again.
func (x *TraceIndex) Again(after mail.ItemID, most int) (list []mail.ItemID, err error) {
	err = x.conn.Rows(qTraceAgain, x.start().Int(int64(after)).Int(limit(most)), func(r Row) bool {
		list = append(list, mail.ItemID(r.Int(0)))
		return true
	})
	return list, err
}

// hourOf is the number of an hour.
func hourOf(at time.Time) int64 {
	const hour = 60 * 60
	return at.Unix() / hour
}

// Sums gives the sums of some hours.
func (x *TraceIndex) Sums(from, to time.Time) (list []store.TraceSum, err error) {
	upto := hourOf(to.Add(time.Hour - 1)) // an hour that begins before to belongs to them
	err = x.conn.Rows(qTraceSums, x.start().Int(hourOf(from.Add(time.Hour-1))).Int(upto), func(r Row) bool {
		list = append(list, store.TraceSum{Hour: time.Unix(r.Int(0)*60*60, 0).UTC(), Name: r.Text(1), N: r.Int(2)})
		return true
	})
	return list, err
}

// Add takes a portion in.
func (x *TraceIndex) Add(p store.TracePortion) error {
	if !validTrace(&p) {
		return mail.E("store.TraceAdd", mail.Invalid, "trace.portion")
	}
	var item, last int64
	if err := x.one(qTraceTurn, &item, &last); err != nil {
		return err
	}
	if mail.ItemID(item) != p.After {
		return mail.E("store.TraceAdd", mail.Conflict, "trace.moved")
	}
	if len(p.Docs) > 0 {
		w := traceWriter{TraceIndex: x, last: last}
		if err := w.put(&p); err != nil {
			return err
		}
		last = w.last
	}
	if err := x.note(&p); err != nil {
		return err
	}
	return x.conn.Exec(qMoveTraceCursor, x.start().Int(int64(p.Upto)).Int(last))
}

func validTrace(p *store.TracePortion) bool {
	if p.After < 0 || p.Upto < p.After || len(p.Docs) > store.MaxTraceDocs {
		return false
	}
	var before mail.ItemID
	for i := range p.Docs {
		if id := p.Docs[i].Item; id <= before || id > p.Upto {
			return false
		}
		before = p.Docs[i].Item
	}
	return !slices.ContainsFunc(p.Sums, func(s store.TraceSum) bool { return s.Name == "" || len(s.Name) > store.MaxSumName })
}

// note writes what stands beside the segments.
func (x *TraceIndex) note(p *store.TracePortion) error {
	for _, id := range p.Again {
		if err := x.conn.Exec(qInsertTraceAgain, x.start().Int(int64(id))); err != nil {
			return err
		}
	}
	for _, id := range p.Done {
		if err := x.conn.Exec(qDeleteTraceAgain, x.start().Int(int64(id))); err != nil {
			return err
		}
	}
	for _, s := range p.Sums {
		if err := x.conn.Exec(qAddTraceSum, x.start().Int(hourOf(s.Hour)).Text(s.Name).Int(s.N)); err != nil {
			return err
		}
	}
	return nil
}

// traceWriter writes segments; last is the highest number one has or had.
type traceWriter struct {
	*TraceIndex
	last int64
}

// next gives a number that no segment has or had: it grows with time.
func (w *traceWriter) next() int64 {
	const began = 1767225600000 // as in TextIndex
	w.last = max(w.last+1, time.Now().UnixMilli()-began)
	return w.last
}

// tracePart is a segment with its items: one in memory, or one that is stored and to be merged.
type tracePart struct {
	traceHead
	list  []mail.ItemID
	pages [][]byte // of one in memory
}

// put stores the items of a portion as a segment, merged with those before it where it is time to.
func (w *traceWriter) put(p *store.TracePortion) error {
	t := &tracePart{traceHead: traceHead{id: w.next(), docs: len(p.Docs)}}
	grams := make([][]store.Gram, len(p.Docs))
	for i := range p.Docs {
		t.list, grams[i] = append(t.list, p.Docs[i].Item), p.Docs[i].Grams
	}
	var err error
	t.bits, t.octets, err = segment.Build(t.id, grams, func(_ int, data []byte) error {
		t.pages = append(t.pages, data)
		return nil
	})
	if err != nil {
		return err
	}
	heads, err := w.heads(qTraceHeadsLock)
	if err != nil {
		return err
	}
	n := mergeTail(asTexts(heads), textHead{docs: t.docs, octets: t.octets})
	if n == 0 {
		return w.store(t)
	}
	parts := make([]*tracePart, 0, n+1)
	for _, h := range heads[len(heads)-n:] {
		list, err := w.items(&h)
		if err != nil {
			return err
		}
		parts = append(parts, &tracePart{traceHead: h, list: list})
	}
	return w.merge(append(parts, t))
}

// asTexts lets mergeTail choose among the trace's segments.
func asTexts(heads []traceHead) []textHead {
	list := make([]textHead, len(heads))
	for i, h := range heads {
		list[i] = textHead{docs: h.docs, octets: h.octets}
	}
	return list
}

// store writes a segment that is in memory.
func (w *traceWriter) store(t *tracePart) error {
	for n, page := range t.pages {
		if err := w.insertPage(t.id, n, page); err != nil {
			return err
		}
	}
	return w.insertSegment(t)
}

func (w *traceWriter) insertPage(id int64, n int, page []byte) error {
	return w.conn.Exec(qInsertTracePage, w.start().Int(pageID(id, n)).Blob(page))
}

func (w *traceWriter) insertSegment(t *tracePart) error {
	first, last := slices.Min(t.list), slices.Max(t.list)
	return w.conn.Exec(qInsertTraceSegment, w.start().Int(t.id).Int(int64(first)).Int(int64(last)).Int(int64(t.docs)).
		Int(int64(t.bits)).Int(t.octets).Blob(packItems(t.list)))
}

// merge makes one segment of some that follow one another.
func (w *traceWriter) merge(parts []*tracePart) error {
	t := &tracePart{traceHead: traceHead{id: w.next()}}
	inputs := make([]*segment.Input, len(parts))
	var octets int64
	for i, p := range parts {
		inputs[i] = &segment.Input{ID: p.id, Docs: p.docs, Bits: p.bits, Page: w.pagesOf(p)}
		t.list = append(t.list, p.list...)
		octets += p.octets
	}
	t.docs, t.bits = len(t.list), segment.BitsFor(int(octets))
	out := segment.NewWriter(t.id, t.docs, t.bits, func(n int, page []byte) error { return w.insertPage(t.id, n, page) })
	if err := segment.Merge(out, inputs); err != nil {
		return err
	}
	t.octets = out.Octets()
	for _, p := range parts {
		if p.pages != nil {
			continue
		}
		if err := w.remove(p.id); err != nil {
			return err
		}
	}
	return w.insertSegment(t)
}

// pagesOf gives the function that reads a segment's pages in order.
func (x *TraceIndex) pagesOf(p *tracePart) func(int) ([]byte, error) {
	if p.pages != nil {
		return func(n int) ([]byte, error) { return p.pages[n], nil }
	}
	var ready [][]byte
	first := 0
	return func(n int) ([]byte, error) {
		if n >= first+len(ready) {
			first, ready = n, ready[:0]
			args := x.start().Int(pageID(p.id, n)).Int(pageID(p.id, min(n+pageRange, 1<<p.bits)))
			err := x.conn.Rows(qTracePageRange, args, func(r Row) bool {
				ready = append(ready, r.Blob(0))
				return true
			})
			if err == nil && len(ready) == 0 {
				err = fmt.Errorf("page %d of segment %d of the trace is not there: %w", n, p.id, segment.ErrDamaged)
			}
			if err != nil {
				return nil, err
			}
		}
		return ready[n-first], nil
	}
}

// remove deletes a stored segment.
func (x *TraceIndex) remove(id int64) error {
	if err := x.conn.Exec(qDeleteTracePages, x.start().Int(pageID(id, 0)).Int(pageID(id+1, 0))); err != nil {
		return err
	}
	return x.conn.Exec(qDeleteTraceSegment, x.start().Int(id))
}

// Prune removes what is older than an item.
func (x *TraceIndex) Prune(before mail.ItemID) error {
	var item, last int64
	if err := x.one(qTraceTurn, &item, &last); err != nil {
		return err
	}
	var old []int64
	err := x.conn.Rows(qPruneTraceSegments, x.start().Int(int64(before)), func(r Row) bool {
		old = append(old, r.Int(0))
		return true
	})
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := x.remove(id); err != nil {
			return err
		}
	}
	if err := x.conn.Exec(qPruneTraceAgain, x.start().Int(int64(before))); err != nil {
		return err
	}
	return x.conn.Exec(qPruneTraceSums, x.start().Int(hourOf(before.Time())))
}

// Drop removes all of the index.
func (x *TraceIndex) Drop() error {
	for _, q := range []Query{qDropTracePages, qDropTraceSegments, qDropTraceAgain, qDropTraceSums, qDropTraceTurn} {
		if err := x.conn.Exec(q, x.start()); err != nil {
			return err
		}
	}
	return nil
}

// Check reads all of the index. ErrDamaged if something is not as it was written.
func (x *TraceIndex) Check() error {
	heads, err := x.heads(qTraceHeads)
	if err != nil {
		return err
	}
	for _, h := range heads {
		list, err := x.items(&h)
		if err != nil {
			return err
		}
		p := &tracePart{traceHead: h, list: list}
		w := segment.NewWriter(h.id, h.docs, h.bits, func(int, []byte) error { return nil })
		if err := segment.Merge(w, []*segment.Input{{ID: h.id, Docs: h.docs, Bits: h.bits, Page: x.pagesOf(p)}}); err != nil {
			return err
		}
	}
	return nil
}
