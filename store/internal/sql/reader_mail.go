package sql

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

func scanBox(row Row) *boxRow {
	return &boxRow{
		account: mail.AccountID(row.Int(0)),
		box: store.Box{
			ModSeq:   mail.ModSeq(row.Int(1)),
			Used:     row.Int(2),
			Messages: row.Int(3),
		},
		validity: uint32(row.Int(4)),
		exists:   true,
	}
}

// Box gives the counters of an account.
func (r *Reader) Box(a mail.AccountID) (store.Box, error) {
	if r.cache != nil {
		if box, ok := r.cache.Box(a); ok {
			return box, nil
		}
	}
	var box store.Box
	r.args.Reset().Int(int64(a))
	err := r.rows("store.Box", qBox, func(row Row) bool {
		box = scanBox(row).box
		return false
	})
	return box, err
}

func scanMailbox(row Row) store.Mailbox {
	return store.Mailbox{
		ID:          mail.MailboxID(row.Int(0)),
		Account:     mail.AccountID(row.Int(1)),
		Parent:      mail.MailboxID(row.Int(2)),
		Name:        row.Text(3),
		Role:        row.Text(4),
		Subscribed:  row.Int(5) != 0,
		UIDValidity: uint32(row.Int(6)),
		UIDNext:     mail.UID(row.Int(7)),
		ModSeq:      mail.ModSeq(row.Int(8)),
		Messages:    uint32(row.Int(9)),
		Unseen:      uint32(row.Int(10)),
		Deleted:     uint32(row.Int(11)),
		Size:        row.Int(12),
		Made:        mail.ModSeq(row.Int(13)),
		Changed:     mail.ModSeq(row.Int(14)),
		Place:       uint32(row.Int(15)),
	}
}

// Mailboxes lists an account's mailboxes.
func (r *Reader) Mailboxes(a mail.AccountID) (list []store.Mailbox, err error) {
	r.args.Reset().Int(int64(a))
	err = r.rows("store.Mailboxes", qMailboxes, func(row Row) bool {
		list = append(list, r.newest(scanMailbox(row)))
		return true
	})
	return list, err
}

// newest gives the mailbox with the counters of the transaction, which are not in its row yet.
func (r *Reader) newest(m store.Mailbox) store.Mailbox {
	if r.cache != nil {
		if row := r.cache.mailboxes[m.ID]; row != nil {
			return row.Mailbox
		}
	}
	return m
}

// Mailbox gives one mailbox.
func (r *Reader) Mailbox(id mail.MailboxID) (store.Mailbox, error) {
	const op mail.Op = "store.Mailbox"
	if r.cache != nil {
		if row := r.cache.mailboxes[id]; row != nil {
			return row.Mailbox, nil
		}
	}
	var m store.Mailbox
	r.args.Reset().Int(int64(id))
	err := r.rows(op, qMailbox, func(row Row) bool {
		m = scanMailbox(row)
		return false
	})
	if err == nil && m.ID == 0 {
		err = mail.E(op, mail.NotFound, "mailbox.unknown")
	}
	return m, err
}

// Keywords lists the account's keywords.
func (r *Reader) Keywords(a mail.AccountID) (list []string, err error) {
	r.args.Reset().Int(int64(a))
	err = r.rows("store.Keywords", qKeywords, func(row Row) bool {
		list = append(list, row.Text(0))
		return true
	})
	return list, err
}

// Marks gives UID, flags and ModSeq of messages changed after since.
func (r *Reader) Marks(m mail.MailboxID, since mail.ModSeq, fn func(store.Mark) bool) error {
	if since == 0 { // as the index has them, without keeping them
		r.args.Reset().Int(int64(m))
		return r.rows("store.Marks", qMarksAll, func(row Row) bool { return fn(scanMark(row)) })
	}
	marks, err := r.marks(m, since)
	if err != nil {
		return err
	}
	slices.SortFunc(marks, func(a, b store.Mark) int {
		return cmp.Or(cmp.Compare(a.ModSeq, b.ModSeq), cmp.Compare(a.UID, b.UID))
	})
	for _, k := range marks {
		if !fn(k) {
			break
		}
	}
	return nil
}

func scanMark(row Row) store.Mark {
	return store.Mark{UID: mail.UID(row.Int(0)), Flags: mail.Flags(row.Int(1)), ModSeq: mail.ModSeq(row.Int(2))}
}

// marks gathers them in any order. Those that came after since are behind the last one born before it
// (the schema says why); the others were changed.
func (r *Reader) marks(m mail.MailboxID, since mail.ModSeq) (marks []store.Mark, err error) {
	const op mail.Op = "store.Marks"
	r.args.Reset().Int(int64(m)).Int(int64(since))
	floor, _, err := r.number(op, qMarksFloor)
	if err != nil {
		return nil, err
	}
	r.args.Reset().Int(int64(m)).Int(floor).Int(int64(m)).Int(int64(since)).Int(floor)
	err = r.rows(op, qMarksSince, func(row Row) bool {
		marks = append(marks, scanMark(row))
		return true
	})
	return marks, err
}

// Gone gives the messages that left the mailbox after since.
func (r *Reader) Gone(m mail.MailboxID, since mail.ModSeq, fn func(store.Gone) bool) error {
	r.args.Reset().Int(int64(m)).Int(int64(since))
	return r.rows("store.Gone", qGone, func(row Row) bool {
		return fn(store.Gone{UID: mail.UID(row.Int(0)), ModSeq: mail.ModSeq(row.Int(1)), Email: mail.EmailID(row.Int(2)),
			Thread: mail.ThreadID(row.Int(3)), Made: mail.ModSeq(row.Int(4)), Hidden: mail.ModSeq(row.Int(5))})
	})
}

func scanMessage(row Row, m *store.Message) {
	*m = store.Message{
		Index:    m.Index[:0],
		Place:    store.Place{Octets: m.Place.Octets[:0]},
		ID:       mail.EmailID(row.Int(0)),
		Account:  mail.AccountID(row.Int(1)),
		Mailbox:  mail.MailboxID(row.Int(2)),
		UID:      mail.UID(row.Int(3)),
		Flags:    mail.Flags(row.Int(4)),
		ModSeq:   mail.ModSeq(row.Int(5)),
		Received: time.Unix(row.Int(6), 0).UTC(),
		Saved:    time.Unix(row.Int(7), 0).UTC(),
		Thread:   mail.ThreadID(row.Int(8)),
		Blob:     mail.BlobRef{ID: mail.BlobID(row.Int(9)), Size: row.Int(10)},
		Born:     mail.ModSeq(row.Int(12)),
		Made:     mail.ModSeq(row.Int(13)),
		Turned:   mail.ModSeq(row.Int(14)),
	}
	row.Fill(11, m.Blob.Hash[:])
}

// Columns of what is read with a message, behind its own.
const (
	columnIndex  = 15
	columnPack   = 16
	columnOff    = 17
	columnOctets = 18
)

// scanWith reads what was asked for with a message.
func (r *Reader) scanWith(row Row, with store.With, m *store.Message) {
	if with&store.WithIndex != 0 {
		m.Index = row.Append(m.Index, columnIndex)
	}
	if with&store.WithPlace != 0 {
		m.Place.Era, m.Place.Pack, m.Place.Off = r.era, row.Int(columnPack), row.Int(columnOff)
		m.Place.Octets = row.Append(m.Place.Octets, columnOctets)
	}
}

// messageQueries are the queries of Messages by what is read with a message.
var messageQueries = [...]Query{
	0: qMessages, store.WithIndex: qMessagesIndex, store.WithPlace: qMessagesPlace, store.WithIndex | store.WithPlace: qMessagesBoth,
}

// Messages gives the messages of a range of UIDs.
func (r *Reader) Messages(m mail.MailboxID, lo, hi mail.UID, with store.With, fn func(*store.Message) bool) error {
	if r.era == 0 {
		with &^= store.WithPlace
	}
	r.args.Reset().Int(int64(m)).Int(int64(lo)).Int(int64(hi))
	return r.rows("store.Messages", messageQueries[with], func(row Row) bool {
		scanMessage(row, &r.msg)
		r.scanWith(row, with, &r.msg)
		return fn(&r.msg)
	})
}

// MessagesSince gives the messages that came into a mailbox or were changed after since, in any order.
func (r *Reader) MessagesSince(m mail.MailboxID, since mail.ModSeq, fn func(*store.Message) bool) error {
	const op mail.Op = "store.MessagesSince"
	r.args.Reset().Int(int64(m)).Int(int64(since))
	floor, _, err := r.number(op, qMarksFloor)
	if err != nil {
		return err
	}
	r.args.Reset().Int(int64(m)).Int(floor).Int(int64(m)).Int(int64(since)).Int(floor)
	return r.rows(op, qMessagesSince, func(row Row) bool {
		scanMessage(row, &r.msg)
		return fn(&r.msg)
	})
}

// Email gives a message by its id.
func (r *Reader) Email(id mail.EmailID) (store.Message, error) {
	const op mail.Op = "store.Email"
	var m store.Message
	r.args.Reset().Int(int64(id))
	err := r.rows(op, qEmail, func(row Row) bool {
		scanMessage(row, &m)
		m.Index = row.Blob(columnIndex)
		return false
	})
	if err == nil && m.ID == 0 {
		err = mail.E(op, mail.NotFound, "message.unknown")
	}
	return m, err
}

func (r *Reader) scanItem(row Row) store.Item {
	i := store.Item{
		ID:    mail.ItemID(row.Int(0)),
		State: store.ItemState(row.Int(1)),
		Due:   timeOf(row.Int(2)),
		Route: row.Text(3),
		Blob:  mail.BlobRef{ID: mail.BlobID(row.Int(4)), Size: row.Int(5)},
		Doc:   row.Blob(7),
		Tries: int(row.Int(10)),
	}
	row.Fill(6, i.Blob.Hash[:])
	if end := row.Int(9); end > r.now.UnixMilli() {
		i.Fence, i.Until = uint64(row.Int(8)), timeOf(end)
	}
	return i
}

// Item gives a queue item.
func (r *Reader) Item(id mail.ItemID) (store.Item, error) { return r.item(qItem, id) }

func (r *Reader) item(q Query, id mail.ItemID) (store.Item, error) {
	const op mail.Op = "store.Item"
	var i store.Item
	r.args.Reset().Int(int64(id))
	err := r.rows(op, q, func(row Row) bool {
		i = r.scanItem(row)
		return false
	})
	if err == nil && i.ID == 0 {
		err = mail.E(op, mail.NotFound, "item.unknown")
	}
	return i, err
}

// Items lists items of a state.
func (r *Reader) Items(state store.ItemState, after mail.ItemID, max int) (list []store.Item, err error) {
	q := qItems
	r.args.Reset()
	switch state {
	case 0:
	case store.ItemSettled:
		q = qItemsDone
	default:
		q = qItemsOf
		r.args.Int(int64(state))
	}
	r.args.Int(int64(after)).Int(limit(max))
	err = r.rows("store.Items", q, func(row Row) bool {
		list = append(list, r.scanItem(row))
		return true
	})
	return list, err
}

// Routes counts the waiting and held items of each route.
func (r *Reader) Routes(max int) (list []store.RouteCount, err error) {
	r.args.Reset().Int(limit(max))
	err = r.rows("store.Routes", qRoutes, func(row Row) bool {
		list = append(list, store.RouteCount{
			Route: row.Text(0), Items: int(row.Int(1)), First: mail.ItemID(row.Int(2)), Due: timeOf(row.Int(3)),
		})
		return true
	})
	return list, err
}

// ItemsOn lists the waiting and held items of a route.
func (r *Reader) ItemsOn(route string, after mail.ItemID, max int) (list []store.Item, err error) {
	r.args.Reset().Text(route).Int(int64(after)).Int(limit(max))
	err = r.rows("store.ItemsOn", qItemsOn, func(row Row) bool {
		list = append(list, r.scanItem(row))
		return true
	})
	return list, err
}

// ItemsBack lists items, the newest first.
func (r *Reader) ItemsBack(from, before mail.ItemID, max int) (list []store.Item, err error) {
	r.args.Reset().Int(int64(from)).Int(int64(before)).Int(limit(max))
	err = r.rows("store.ItemsBack", qItemsBack, func(row Row) bool {
		list = append(list, r.scanItem(row))
		return true
	})
	return list, err
}

// itemsAtOnce is how many items one query gives by their ids: the places of qItemsByID.
const itemsAtOnce = 12

// ItemsOf gives items by their ids.
func (r *Reader) ItemsOf(ids []mail.ItemID) (list []store.Item, err error) {
	ids = ids[:min(len(ids), store.MaxPage)]
	for len(ids) > 0 && err == nil {
		n := min(itemsAtOnce, len(ids))
		r.args.Reset()
		for i := range itemsAtOnce {
			r.args.Int(int64(ids[min(i, n-1)]))
		}
		err = r.rows("store.ItemsOf", qItemsByID, func(row Row) bool {
			list = append(list, r.scanItem(row))
			return true
		})
		ids = ids[n:]
	}
	return list, err
}

// NextWake gives when the next waiting item may be claimed; false without one.
func (r *Reader) NextWake() (time.Time, bool, error) {
	r.args.Reset()
	ms, found, err := r.number("store.NextWake", qNextWake)
	return timeOf(ms), found, err
}

// msOf writes a time as milliseconds since 1970; the zero Time is the smallest number, and so is always past.
func msOf(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.UnixMilli()
}

func timeOf(ms int64) time.Time {
	if ms == math.MinInt64 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
