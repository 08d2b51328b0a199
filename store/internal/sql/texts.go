package sql

import (
	"encoding/binary"
	"fmt"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/segment"
)

// TextSchema makes the tables of the full-text index in a file of its own, for one account. In the
// cluster they come with the migrations.
var TextSchema = []string{
	`CREATE TABLE text_segment (
		account INTEGER NOT NULL, mailbox INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL,
		id INTEGER NOT NULL, docs INTEGER NOT NULL, bits INTEGER NOT NULL, octets INTEGER NOT NULL, email INTEGER NOT NULL,
		uids BLOB, anys BLOB, PRIMARY KEY (account, mailbox, lo))`,
	`CREATE TABLE text_page (account INTEGER NOT NULL, id INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
}

// TextIndex is the full-text index of an account, over a connection inside a transaction. It fulfils what
// store.Texts promises of one account.
//
// Each mailbox has segments, which follow one another without a hole: the one that ends last is the cursor.
// New messages make a new segment at the end, and many small ones are merged to a larger one (package segment), so
// that there are few to look into.
//
// What is not as it was written is segment.ErrDamaged: then all of it is to be dropped.
type TextIndex struct {
	conn    Conn
	args    Args
	account mail.AccountID
}

// NewTextIndex gives the index of an account.
func NewTextIndex(c Conn, a mail.AccountID) *TextIndex { return &TextIndex{conn: c, account: a} }

// textHead is what is known of a segment without its messages.
type textHead struct {
	id     int64
	lo, hi mail.UID
	docs   int
	bits   int
	octets int64
	email  mail.EmailID
	anys   bool // some of its messages are given by every search
}

// pageID is the id of a page.
func pageID(segment int64, page int) int64 { return segment<<segment16 | int64(page) }

// segment16 is how many bits of a page's id are its number.
const segment16 = segment.MaxBits

func (x *TextIndex) start() *Args { return x.args.Reset().Int(int64(x.account)) }

// heads gives the segments of a mailbox in order.
func (x *TextIndex) heads(q Query, m mail.MailboxID) (list []textHead, err error) {
	err = x.conn.Rows(q, x.start().Int(int64(m)), func(r Row) bool {
		list = append(list, textHead{
			id: r.Int(0), lo: mail.UID(r.Int(1)), hi: mail.UID(r.Int(2)), docs: int(r.Int(3)), bits: int(r.Int(4)),
			octets: r.Int(5), email: mail.EmailID(r.Int(6)), anys: r.Int(7) != 0,
		})
		return true
	})
	at := mail.UID(0)
	for _, h := range list {
		if h.lo != at || h.hi <= h.lo || h.docs < 0 || h.docs > segment.MaxDocs || h.bits < 0 || h.bits > segment.MaxBits {
			return nil, fmt.Errorf("segments of mailbox %s: %w", m, segment.ErrDamaged)
		}
		at = h.hi
	}
	return list, err
}

// Cursors tells how far each mailbox is indexed.
func (x *TextIndex) Cursors() (map[mail.MailboxID]store.TextCursor, error) {
	all := make(map[mail.MailboxID]store.TextCursor)
	err := x.conn.Rows(qTextCursors, x.start(), func(r Row) bool {
		m := mail.MailboxID(r.Int(0))
		all[m] = store.TextCursor{Upto: mail.UID(r.Int(1)), Docs: all[m].Docs + int(r.Int(2)), Email: mail.EmailID(r.Int(3))}
		return true
	})
	return all, err
}

// Size tells how large the index is.
func (x *TextIndex) Size() (size store.TextSize, err error) {
	err = x.conn.Rows(qTextSize, x.start(), func(r Row) bool {
		size = store.TextSize{Segments: int(r.Int(0)), Docs: int(r.Int(1)), Octets: r.Int(2)}
		return false
	})
	return size, err
}

// TextAccounts lists the accounts with an index, of those the connection sees.
func TextAccounts(c Conn) (list []mail.AccountID, err error) {
	var args Args
	err = c.Rows(qTextAccounts, args.Int(0), func(r Row) bool {
		list = append(list, mail.AccountID(r.Int(0)))
		return true
	})
	return list, err
}

// members are the messages of a segment: their UIDs in order, and those that every search gives.
type members struct {
	uids []mail.UID
	anys []uint16
}

// members reads the messages of a segment.
func (x *TextIndex) members(m mail.MailboxID, h textHead) (list members, err error) {
	var uids, anys []byte
	found := false
	err = x.conn.Rows(qTextUIDs, x.start().Int(int64(m)).Int(int64(h.lo)), func(r Row) bool {
		uids, anys, found = r.Blob(0), r.Blob(1), true
		return false
	})
	if err != nil {
		return list, err
	}
	var ok, fine bool
	list.uids, ok = parseNumbers(uids, make([]mail.UID, 0, h.docs), h.lo+1, h.hi)
	list.anys, fine = parseNumbers[uint16](anys, nil, 0, uint16(h.docs)) // h.docs itself is one too many; it is found below
	if !found || !ok || !fine || len(list.uids) != h.docs || len(list.anys) > 0 && int(list.anys[len(list.anys)-1]) >= h.docs {
		return list, fmt.Errorf("messages of segment %d: %w", h.id, segment.ErrDamaged)
	}
	return list, nil
}

// parseNumbers reads ascending numbers from first to last, written by appendNumbers.
func parseNumbers[N ~uint16 | ~uint32](b []byte, list []N, first, last N) (all []N, ok bool) {
	next, end := uint64(first), uint64(last)
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap > end || next+gap > end {
			return nil, false
		}
		b = b[n:]
		list = append(list, N(next+gap))
		next += gap + 1
	}
	return list, true
}

// appendNumbers writes ascending numbers, of which none is below first.
func appendNumbers[N ~uint16 | ~uint32](dst []byte, numbers []N, first N) []byte {
	for _, n := range numbers {
		dst = binary.AppendUvarint(dst, uint64(n-first))
		first = n + 1
	}
	return dst
}

// round is how many grams are looked up before those segments are left out in which nothing has them all.
const round = 4

// Find gives the messages of a mailbox that may have all grams, and up to where it is indexed.
func (x *TextIndex) Find(m mail.MailboxID, grams []store.Gram) (found []mail.UID, upto mail.UID, err error) {
	heads, err := x.heads(qTextHeads, m)
	if err != nil || len(heads) == 0 {
		return nil, 0, err
	}
	s := search{x: x, live: make([]hits, len(heads))}
	for i, h := range heads {
		s.live[i].textHead = h
	}
	if len(grams) > store.MaxFindGrams {
		grams = grams[:store.MaxFindGrams]
	}
	for len(grams) > 0 && err == nil {
		n := min(round, len(grams))
		err = s.narrow(grams[:n])
		grams = grams[n:]
	}
	for i := range s.live {
		if err == nil {
			found, err = s.collect(m, &s.live[i], found)
		}
	}
	return found, heads[len(heads)-1].hi, err
}

// search is a Find under way.
type search struct {
	x    *TextIndex
	live []hits
	want map[int64][]want // by the id of a page
	ids  []int64
	set  segment.Docs
	page []byte
}

// hits are the messages of a segment that have all grams so far; docs is nil before the first.
type hits struct {
	textHead
	docs segment.Docs
	none bool
}

// want is a gram to be looked up on a page.
type want struct {
	hits *hits
	page int
	gram uint32
}

// narrow leaves the messages that have more grams.
func (s *search) narrow(grams []store.Gram) error {
	s.want, s.ids = make(map[int64][]want), s.ids[:0]
	for i := range s.live {
		h := &s.live[i]
		if h.none || h.textHead.docs == 0 {
			continue
		}
		for _, g := range grams {
			page := segment.PageOf(uint32(g), h.bits)
			id := pageID(h.id, page)
			if s.want[id] == nil {
				s.ids = append(s.ids, id)
			}
			s.want[id] = append(s.want[id], want{h, page, uint32(g)})
		}
	}
	for ids := s.ids; len(ids) > 0; {
		n := min(maxTextPages, len(ids))
		if err := s.read(ids[:n]); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// read reads some pages and looks up what is wanted on each.
func (s *search) read(ids []int64) error {
	args := s.x.start()
	for i := range maxTextPages {
		args.Int(ids[min(i, len(ids)-1)])
	}
	seen := 0
	var failed error
	err := s.x.conn.Rows(qTextPages, args, func(r Row) bool {
		seen++
		s.page = r.Append(s.page[:0], 1)
		for _, w := range s.want[r.Int(0)] {
			if failed = s.look(w); failed != nil {
				return false
			}
		}
		return true
	})
	if err == nil && failed == nil && seen != len(ids) {
		failed = fmt.Errorf("%d of %d pages: %w", seen, len(ids), segment.ErrDamaged)
	}
	if err != nil {
		return err
	}
	return failed
}

// look looks up a gram on the page that was read.
func (s *search) look(w want) error {
	h := w.hits
	if h.none {
		return nil
	}
	entries, err := segment.Open(h.id, w.page, s.page)
	if err != nil {
		return fmt.Errorf("page %d of segment %d: %w", w.page, h.id, err)
	}
	list, ok, err := entries.Find(w.gram)
	if err != nil || !ok {
		h.none = !ok
		return err
	}
	n := h.textHead.docs
	if h.docs == nil {
		h.docs = h.docs.Size(n)
		return list.Fill(h.docs, n)
	}
	s.set = s.set.Size(n)
	if err := list.Fill(s.set, n); err != nil {
		return err
	}
	h.none = h.docs.And(s.set) == 0
	return nil
}

// collect adds the UIDs of what was found in a segment, and of what every search gives.
func (s *search) collect(m mail.MailboxID, h *hits, found []mail.UID) ([]mail.UID, error) {
	if h.textHead.docs == 0 || h.none && !h.anys {
		return found, nil
	}
	list, err := s.x.members(m, h.textHead)
	if err != nil {
		return nil, err
	}
	set := h.docs
	if h.none || set == nil {
		set = set.Size(h.textHead.docs)
	}
	for _, i := range list.anys {
		set.Add(int(i))
	}
	for i, uid := range list.uids {
		if set.Has(i) {
			found = append(found, uid)
		}
	}
	return found, nil
}
