package mailbox

import (
	"cmp"
	"context"
	"math"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// maxRereads is how often a picture is read anew because messages went away before they had a thread.
const maxRereads = 10

// news is what a View of the store shows of an account since a picture.
type news struct {
	modseq   mail.ModSeq
	boxes    []store.Mailbox
	keywords []string
	changed  []newRow // ascending by id
	gone     []mail.EmailID
	whole    bool // nothing of the picture before is of use
}

// newRow is a message that came or changed.
type newRow struct {
	row
	mailbox mail.MailboxID
	thread  mail.ThreadID // zero: none yet
}

// readNews reads what changed since a picture; nil for nothing. Without a picture, all is new.
func readNews(r store.Reader, a mail.AccountID, old *picture) (*news, error) {
	box, err := r.Box(a)
	if err != nil || old != nil && box.ModSeq == old.modseq {
		return nil, err
	}
	n := &news{modseq: box.ModSeq, whole: old == nil}
	if n.boxes, err = r.Mailboxes(a); err != nil {
		return nil, err
	}
	if n.keywords, err = r.Keywords(a); err != nil {
		return nil, err
	}
	if old == nil {
		return n, n.readAll(r)
	}
	if err := n.readSince(r, old); err != nil {
		return nil, err
	}
	if n.fits(old) {
		return n, nil
	}
	n.whole = true // the store forgot what went away, or was brought back from a copy: begin anew
	return n, n.readAll(r)
}

// readAll reads all messages of all mailboxes.
func (n *news) readAll(r store.Reader) error {
	total := 0
	for i := range n.boxes {
		total += int(n.boxes[i].Messages)
	}
	n.changed, n.gone = make([]newRow, 0, total), nil
	for i := range n.boxes {
		err := r.Messages(n.boxes[i].ID, 1, math.MaxUint32, 0, func(m *store.Message) bool {
			n.add(m)
			return true
		})
		if err != nil {
			return err
		}
	}
	n.sort()
	return nil
}

// readSince reads what changed since a picture.
func (n *news) readSince(r store.Reader, old *picture) error {
	for i := range n.boxes {
		b := &n.boxes[i]
		if b.ModSeq <= old.modseq {
			continue
		}
		err := r.MessagesSince(b.ID, old.modseq, func(m *store.Message) bool {
			n.add(m)
			return true
		})
		if err == nil {
			err = r.Gone(b.ID, old.modseq, func(g store.Gone) bool {
				n.gone = append(n.gone, g.Email)
				return true
			})
		}
		if err != nil {
			return err
		}
	}
	n.leaveDeleted(old)
	n.sort()
	return nil
}

// leaveDeleted notes as gone what was in mailboxes that are no more.
func (n *news) leaveDeleted(old *picture) {
	there := make([]bool, len(old.boxIDs))
	left := 0
	for i := range n.boxes {
		if b, ok := old.box(n.boxes[i].ID); ok {
			there[b.number] = true
			left++
		}
	}
	if left == len(old.boxes) {
		return
	}
	for _, m := range old.rows.all() {
		if !there[m.box] {
			n.gone = append(n.gone, m.id)
		}
	}
}

func (n *news) add(m *store.Message) {
	n.changed = append(n.changed, newRow{
		row: row{
			id: m.ID, flags: m.Flags, modseq: m.ModSeq, born: m.Born, made: m.Made, turned: m.Turned,
			received: m.Received.Unix(), size: uint32(m.Blob.Size), uid: m.UID,
		},
		mailbox: m.Mailbox, thread: m.Thread,
	})
}

// sort puts what changed and what is gone in order. What left one mailbox for another is not gone.
func (n *news) sort() {
	slices.SortFunc(n.changed, func(a, b newRow) int { return cmp.Compare(a.id, b.id) })
	slices.Sort(n.gone)
	n.gone = slices.DeleteFunc(slices.Compact(n.gone), func(id mail.EmailID) bool {
		_, moved := slices.BinarySearchFunc(n.changed, id, compareNewRow)
		return moved
	})
}

func compareNewRow(m newRow, id mail.EmailID) int { return cmp.Compare(m.id, id) }

// fits tells whether the picture with the news has as many messages as the mailboxes count.
func (n *news) fits(old *picture) bool {
	if n.modseq < old.modseq {
		return false
	}
	want, have := 0, old.rows.n
	for i := range n.boxes {
		want += int(n.boxes[i].Messages)
	}
	for i := range n.changed {
		if _, _, ok := old.rows.find(n.changed[i].id); !ok {
			have++
		}
	}
	for _, id := range n.gone {
		if _, _, ok := old.rows.find(id); ok {
			have--
		}
	}
	return want == have
}

// threadless gives the messages that are in no thread yet, ascending.
func (n *news) threadless() (list []*newRow) {
	for i := range n.changed {
		if n.changed[i].thread == 0 {
			list = append(list, &n.changed[i])
		}
	}
	return list
}

// picture makes the picture of an older one and the news.
func (n *news) picture(a mail.AccountID, old *picture) *picture {
	next := &picture{account: a, modseq: n.modseq, keywords: n.keywords}
	var rows rowList
	if !n.whole {
		rows = old.rows
		next.boxIDs, next.threads, next.byThread = old.boxIDs, old.threads, old.byThread
	}
	next.number(n, old)
	changed := make([]row, len(n.changed))
	known := map[mail.ThreadID]uint32{} // of the whole, where looking up each would be dear
	for i := range n.changed {
		m := &n.changed[i]
		changed[i] = m.row
		b, _ := next.box(m.mailbox)
		changed[i].box = b.number
		changed[i].thread = next.numberOf(m.thread, known, n.whole)
	}
	if n.whole {
		next.sortThreads()
	}
	next.rows = rows.apply(changed, n.gone)
	if n.whole || len(n.gone) > 0 || next.rows.n > rows.n && rows.n > 0 && next.rows.at(uint32(rows.n)-1).id != rows.at(uint32(rows.n)-1).id {
		old = nil // rows stand elsewhere now
	}
	return next.ready(old)
}

// number gives the mailboxes their numbers. One that was there before keeps its own.
func (p *picture) number(n *news, old *picture) {
	p.boxes = make([]boxEntry, len(n.boxes))
	for i := range n.boxes {
		p.boxes[i] = boxEntry{Mailbox: n.boxes[i], number: uint32(len(p.boxIDs))}
		if !n.whole {
			if b, ok := old.box(n.boxes[i].ID); ok {
				p.boxes[i].number = b.number
				continue
			}
		}
		p.boxIDs = append(p.boxIDs, n.boxes[i].ID)
	}
}

// numberOf gives the number of a thread, a new one if need be. New threads have ids above those before, so they mostly
// stand at the end.
func (p *picture) numberOf(id mail.ThreadID, known map[mail.ThreadID]uint32, whole bool) uint32 {
	number := uint32(len(p.threads))
	if whole {
		if have, ok := known[id]; ok {
			return have
		}
		known[id] = number
		p.threads = append(p.threads, id)
		return number
	}
	at, ok := slices.BinarySearchFunc(p.byThread, id, compareThread)
	if ok {
		return p.byThread[at].number
	}
	p.threads = append(p.threads, id)
	if at == len(p.byThread) {
		p.byThread = append(p.byThread, threadNumber{id, number})
	} else { // older pictures share what stands here
		p.byThread = slices.Concat(p.byThread[:at:at], []threadNumber{{id, number}}, p.byThread[at:])
	}
	return number
}

// sortThreads makes the list by which threads are found.
func (p *picture) sortThreads() {
	p.byThread = make([]threadNumber, len(p.threads))
	for i, id := range p.threads {
		p.byThread[i] = threadNumber{id, uint32(i)}
	}
	slices.SortFunc(p.byThread, func(a, b threadNumber) int { return cmp.Compare(a.id, b.id) })
}

// stale tells that most of the threads with a number have no message any more.
func (p *picture) stale() bool {
	return len(p.threads) > 2*p.rows.n+pieceLen || len(p.boxIDs) > 2*len(p.boxes)+pieceLen
}

// newest reads the newest picture, of an older one where that helps; nil for none. Who works with the mail puts messages into threads that
// are in none.
func (s *sharedPicture) newest(ctx context.Context, by mail.Actor, old *picture) (*picture, error) {
	const op = "mailbox.Register"
	for range maxRereads {
		if old != nil && old.stale() {
			old = nil
		}
		var n *news
		err := s.store.View(ctx, func(r store.Reader) (err error) {
			n, err = readNews(r, s.key.account, old)
			return err
		})
		if err != nil || n == nil {
			return old, mail.Wrap(op, err)
		}
		done, err := s.giveThreads(ctx, by, n.threadless())
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
		if done {
			return n.picture(s.key.account, old), nil
		}
	}
	return nil, mail.E(op, mail.Busy, "storage.busy")
}

// giveThreads puts messages into threads. False if one of them is gone.
func (s *sharedPicture) giveThreads(ctx context.Context, by mail.Actor, list []*newRow) (bool, error) {
	for part := range slices.Chunk(list, threadsAtOnce) {
		asked := make([]threadless, len(part))
		for i, m := range part {
			asked[i].id = m.id
		}
		if err := assignThreads(ctx, s.store, by, s.key.account, asked); err != nil {
			return false, err
		}
		for i, m := range part {
			if m.thread = asked[i].thread; m.thread == 0 {
				return false, nil
			}
		}
	}
	return true, nil
}
