package mailbox

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"

	"tegami/mail"
	"tegami/wire/mime"
)

// Fact is one thing about a message that never changes: by facts messages are sorted and threaded.
type Fact uint8

// Facts. Texts are in the form in which i;unicode-casemap compares them (RFC 5051 §2).
const (
	FactArrival     Fact = iota // number: INTERNALDATE in seconds since 1970
	FactSize                    // number: octets
	FactSent                    // number: the sent date of RFC 5256 §2.2 in seconds since 1970
	FactSubject                 // text: the base subject of RFC 5256 §2.1
	FactFrom                    // text: local part of the first address
	FactTo                      // text: likewise
	FactCc                      // text: likewise
	FactDisplayFrom             // text: name shown of the first address (RFC 5957 §3)
	FactDisplayTo               // text: likewise
	FactReferences              // what Facts.References reads
	factCount
)

// Limits of what is remembered of messages' facts. The mailboxes whose facts were asked for longest ago are forgotten first.
const (
	maxFactOctets = 96 << 20  // in all mailboxes
	maxFactColumn = 256 << 20 // texts of one fact of one mailbox while they are used
	maxFactText   = 512       // of one text; what is longer is compared by its beginning
	maxFactIDs    = 1000      // references of one message; the oldest are left out
	maxGoneFacts  = 1000      // messages gone from a mailbox whose facts are kept, beside as many as there are messages
)

// Facts are facts of the messages of a mailbox, by the places of the sequence numbers they were asked for. They
// never change and may be kept. Of a message that is gone the numbers are 0 and the texts empty.
type Facts struct {
	rows    []uint32 // row of the n-th message
	columns [factCount]column
}

// column is one fact of all messages: numbers, or texts one behind the other.
type column struct {
	numbers []int64
	ends    []uint32 // of the texts
	text    []byte
	ranks   []uint32 // places of the values in their order, equal values alike; made when first asked for
}

// Number gives a number of the n-th message asked for.
func (f *Facts) Number(fact Fact, n int) int64 {
	if c, row := &f.columns[fact], f.rows[n]; int(row) < len(c.numbers) {
		return c.numbers[row]
	}
	return 0
}

// Text gives a text of the n-th message asked for. It must not be changed.
func (f *Facts) Text(fact Fact, n int) []byte { return f.columns[fact].at(int(f.rows[n])) }

// Rank gives the place of the n-th message's value among all values of the fact in the mailbox: equal values have
// the same rank, larger values a higher one.
func (f *Facts) Rank(fact Fact, n int) uint32 {
	if c, row := &f.columns[fact], f.rows[n]; int(row) < len(c.ranks) {
		return c.ranks[row]
	}
	return 0
}

// References gives the numbers that stand for message ids: that of the message itself (0: it has none) and, appended to dst,
// those it refers to, oldest first (RFC 5256 §3 THREAD=REFERENCES); reply tells that its subject has a mark of a reply or a
// forward. Equal ids have equal numbers as long as the program runs.
func (f *Facts) References(n int, dst []uint64) (id uint64, refs []uint64, reply bool) {
	b := f.Text(FactReferences, n)
	if len(b) < 9 {
		return 0, dst, false
	}
	id, reply = binary.LittleEndian.Uint64(b[1:]), b[0] == 1
	for b = b[9:]; len(b) >= 8; b = b[8:] {
		dst = append(dst, binary.LittleEndian.Uint64(b))
	}
	return id, dst, reply
}

func (c *column) at(row int) []byte {
	if row >= len(c.ends) {
		return nil
	}
	start := uint32(0)
	if row > 0 {
		start = c.ends[row-1]
	}
	return c.text[start:c.ends[row]]
}

// isNumber tells how a fact is kept.
func (f Fact) isNumber() bool { return f <= FactSent }

// factTable are the facts of a mailbox that are known. What is in it never changes; it only grows.
type factTable struct {
	uids    []mail.UID // ascending; some may be gone
	columns [factCount]column
}

// rows is for how many of the uids a fact is known: the first.
func (c *column) rows(f Fact) int {
	if f.isNumber() {
		return len(c.numbers)
	}
	return len(c.ends)
}

// octets is what the table takes.
func (t *factTable) octets() int {
	n := 4 * cap(t.uids)
	for i := range t.columns {
		c := &t.columns[i]
		n += 8*cap(c.numbers) + 4*cap(c.ends) + cap(c.text) + 4*cap(c.ranks)
	}
	return n
}

// Facts reads facts of the messages with these sequence numbers, which must ascend and be known to the view. What was read
// once is remembered, for all who look at the mailbox. ranked tells that Rank will be asked for.
func (v *View) Facts(ctx context.Context, seqs []uint32, ranked bool, want ...Fact) (*Facts, error) {
	const op = "mailbox.Facts"
	if err := v.allow(ctx, op, RightRead); err != nil {
		return nil, err
	}
	box := v.account.service.facts.take(v.shared.key)
	select {
	case box.turn <- struct{}{}:
		defer func() { <-box.turn }()
	case <-ctx.Done():
		return nil, mail.Because(op, mail.Busy, "storage.busy", ctx.Err())
	}
	table := &box.table
	fresh := v.newFacts(table, want)
	if len(fresh) > 4*len(seqs)+maxGoneFacts { // few of many: they are read by themselves, and not remembered
		table, fresh = &factTable{}, seqs
	}
	if err := v.fillFacts(ctx, table, fresh, want); err != nil {
		return nil, err
	}
	if ranked {
		for _, f := range want {
			table.columns[f].rank(f)
		}
	}
	if table == &box.table {
		v.account.service.facts.grew(box)
	}
	return &Facts{v.factRows(table, seqs), table.columns}, nil
}

// newFacts gives the messages of the view that a table lacks any of these facts of. A table most of which is gone begins anew.
func (v *View) newFacts(t *factTable, want []Fact) []uint32 {
	if len(t.uids) > 2*v.Len()+maxGoneFacts {
		*t = factTable{}
	}
	known := len(t.uids)
	for _, f := range want {
		known = min(known, t.columns[f].rows(f))
	}
	first := 1
	if known > 0 {
		first, _ = v.Seq(t.uids[known-1] + 1)
	}
	fresh := make([]uint32, 0, max(v.Len()-first+1, 0))
	for seq := first; seq <= v.Len(); seq++ {
		fresh = append(fresh, uint32(seq))
	}
	return fresh
}

// fillFacts reads facts of messages into a table that knows those of all messages before.
func (v *View) fillFacts(ctx context.Context, t *factTable, seqs []uint32, want []Fact) error {
	if len(seqs) == 0 {
		return nil
	}
	for _, seq := range seqs {
		if uid := v.UID(seq); len(t.uids) == 0 || uid > t.uids[len(t.uids)-1] {
			t.uids = append(t.uids, uid)
		}
	}
	with := With(0)
	for _, f := range want {
		if f > FactSize {
			with = WithIndex
		}
	}
	row, _ := slices.BinarySearch(t.uids, v.UID(seqs[0]))
	maker := factMaker{ids: v.account.service.facts.ids}
	err := v.Fetch(ctx, seqs, with, func(_ uint32, m *Message) error {
		for t.uids[row] < m.UID {
			row++
		}
		return t.add(&maker, row, m, want)
	})
	if err == nil {
		end, _ := slices.BinarySearch(t.uids, v.UID(seqs[len(seqs)-1]))
		for _, f := range want {
			t.columns[f].pad(f, end+1)
		}
	}
	return err
}

// add writes the facts of one message that are not known yet.
func (t *factTable) add(maker *factMaker, row int, m *Message, want []Fact) error {
	for _, f := range want {
		c := &t.columns[f]
		if c.rows(f) > row {
			continue
		}
		c.pad(f, row)
		if f.isNumber() {
			c.numbers = append(c.numbers, maker.number(f, m))
			continue
		}
		if c.text = append(c.text, maker.text(f, m)...); len(c.text) > maxFactColumn {
			return mail.E("mailbox.Facts", mail.Full, "mailbox.too_large_to_sort")
		}
		c.ends = append(c.ends, uint32(len(c.text)))
	}
	return nil
}

// pad writes empty facts for messages that could not be read any more, up to a row.
func (c *column) pad(f Fact, rows int) {
	for c.rows(f) < rows {
		if f.isNumber() {
			c.numbers = append(c.numbers, 0)
		} else {
			c.ends = append(c.ends, uint32(len(c.text)))
		}
	}
}

// factRows gives the rows of messages; a row that does not exist for one that is not in the table.
func (v *View) factRows(t *factTable, seqs []uint32) []uint32 {
	rows := make([]uint32, len(seqs))
	row := 0
	for n, seq := range seqs {
		uid := v.UID(seq)
		if row < len(t.uids) && t.uids[row] < uid {
			row++
		}
		if row < len(t.uids) && t.uids[row] < uid {
			more, _ := slices.BinarySearch(t.uids[row:], uid)
			row += more
		}
		if rows[n] = math.MaxUint32; row < len(t.uids) && t.uids[row] == uid {
			rows[n] = uint32(row)
		}
	}
	return rows
}

// rank makes the ranks of a column, unless they are there.
func (c *column) rank(f Fact) {
	n := c.rows(f)
	if len(c.ranks) == n {
		return
	}
	type entry struct {
		head uint64 // sorts as the value does, as far as it goes
		row  uint32
	}
	order := make([]entry, n)
	for row := range order {
		order[row] = entry{c.head(f, row), uint32(row)}
	}
	compare := func(a, b entry) int {
		if a.head != b.head || f.isNumber() {
			return cmp.Compare(a.head, b.head)
		}
		return bytes.Compare(c.at(int(a.row)), c.at(int(b.row)))
	}
	slices.SortFunc(order, compare)
	ranks := make([]uint32, n)
	rank := uint32(1)
	for i, e := range order {
		if i > 0 && compare(order[i-1], e) != 0 {
			rank++
		}
		ranks[e.row] = rank
	}
	c.ranks = ranks
}

// head gives a number that compares as the values do, or is equal: a number itself, the first eight octets of a text.
func (c *column) head(f Fact, row int) uint64 {
	if f.isNumber() {
		return uint64(c.numbers[row]) ^ 1<<63
	}
	var b [8]byte
	copy(b[:], c.at(row))
	return binary.BigEndian.Uint64(b[:])
}

// factMaker reads facts of messages.
type factMaker struct {
	ids maphash.Seed
	buf []byte
}

func (k *factMaker) number(f Fact, m *Message) int64 {
	switch f {
	case FactArrival:
		return m.Received.Unix()
	case FactSize:
		return m.Blob.Size
	}
	sent, err := mime.ParseDate(mime.Index(m.Index).EnvelopeText(mime.FieldDate))
	if err != nil {
		sent = m.Received
	}
	return sent.Unix()
}

// text gives a text; it is valid until the next call.
func (k *factMaker) text(f Fact, m *Message) []byte {
	x := mime.Index(m.Index)
	switch f {
	case FactSubject:
		base, _ := mime.BaseSubject(mime.DecodeHeader(x.EnvelopeText(mime.FieldSubject)))
		k.buf = mime.AppendCasemap(k.buf[:0], base)
	case FactFrom, FactTo, FactCc:
		field := [...]mime.EnvelopeField{mime.FieldFrom, mime.FieldTo, mime.FieldCc}[f-FactFrom]
		a, _ := x.FirstAddress(field)
		if a.Kind == mime.GroupStart {
			a.Local = a.Name()
		}
		k.buf = mime.AppendCasemap(k.buf[:0], a.Local)
	case FactDisplayFrom, FactDisplayTo:
		field := [...]mime.EnvelopeField{mime.FieldFrom, mime.FieldTo}[f-FactDisplayFrom]
		k.buf = mime.AppendCasemap(k.buf[:0], displayed(x.FirstAddress(field)))
	case FactReferences:
		k.buf = k.references(k.buf[:0], x)
		return k.buf
	}
	return k.buf[:min(len(k.buf), maxFactText)]
}

// displayed is the name that stands for an address: its own, or else the address.
func displayed(a mime.Address, ok bool) string {
	if name := a.Name(); name != "" || !ok {
		return name
	}
	return a.Local + "@" + a.Domain
}

// references writes whether the message is a reply, the number of its id, and those of the ids it refers to.
func (k *factMaker) references(dst []byte, x mime.Index) []byte {
	_, reply := mime.BaseSubject(mime.DecodeHeader(x.EnvelopeText(mime.FieldSubject)))
	mark := byte(0)
	if reply {
		mark = 1
	}
	refs := x.References()
	if len(refs) == 0 {
		refs = mime.ParseMessageIDs(x.EnvelopeText(mime.FieldInReplyTo))
		refs = refs[:min(len(refs), 1)]
	}
	own := uint64(0)
	if ids := mime.ParseMessageIDs(x.EnvelopeText(mime.FieldMessageID)); len(ids) > 0 {
		own = k.id(ids[0])
	}
	dst = binary.LittleEndian.AppendUint64(append(dst, mark), own)
	for _, ref := range refs[max(len(refs)-maxFactIDs, 0):] {
		dst = binary.LittleEndian.AppendUint64(dst, k.id(ref))
	}
	return dst
}

// id gives the number of a message id. Quoting makes no difference (RFC 5256 §3).
func (k *factMaker) id(s string) uint64 { return max(maphash.String(k.ids, unquotedID(s)), 1) }

// unquotedID is a message id without quoting.
func unquotedID(s string) string {
	if strings.ContainsAny(s, "\"\\") {
		s = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `"`, "").Replace(s)
	}
	return s
}

// factCache remembers the facts of mailboxes.
type factCache struct {
	ids    maphash.Seed // of message ids
	mu     sync.Mutex
	boxes  map[boxKey]*boxFacts
	order  list.List // of *boxFacts, the one asked for longest ago at the front
	octets int
	limit  int // of octets
}

// boxFacts are the facts of one mailbox.
type boxFacts struct {
	key     boxKey
	turn    chan struct{} // held by who reads or grows the table
	table   factTable
	octets  int // of the table; guarded by the cache
	element *list.Element
}

func (c *factCache) init() {
	c.ids = maphash.MakeSeed()
	c.boxes = map[boxKey]*boxFacts{}
	c.limit = maxFactOctets
}

// take gives the facts of a mailbox.
func (c *factCache) take(key boxKey) *boxFacts {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.boxes[key]
	if b == nil {
		b = &boxFacts{key: key, turn: make(chan struct{}, 1)}
		c.boxes[key] = b
		b.element = c.order.PushBack(b)
	}
	c.order.MoveToBack(b.element)
	return b
}

// grew counts what a table takes now, and forgets others where there is too much; in the end this one too.
func (c *factCache) grew(b *boxFacts) {
	n := b.table.octets()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.boxes[b.key] != b {
		return // forgotten meanwhile
	}
	c.octets += n - b.octets
	b.octets = n
	for c.octets > c.limit || c.order.Len() > maxRestingBoxes {
		oldest := c.order.Front().Value.(*boxFacts)
		c.order.Remove(oldest.element)
		delete(c.boxes, oldest.key)
		c.octets -= oldest.octets
	}
}
