package sql

import (
	"fmt"
	"runtime/debug"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Changes is what a transaction changed that others wait for. Valid until the next Start.
type Changes struct {
	Boxes   []Grown
	Objects bool      // an object was written or removed
	Items   bool      // a waiting item was written
	Wake    time.Time // when the first of them is due, if Items
}

// Grown is an account with its new counters.
type Grown struct {
	Account mail.AccountID
	Box     store.Box
}

// Tx fulfils store.Tx over a connection, for one caller after the other inside one transaction. If Err tells of
// a failure, or a caller failed after it had Wrote, the backend rolls back, drops the cache, and
// runs the callers again one by one.
type Tx struct {
	Reader
	ids       *mail.IDSource
	keeper    Keeper
	by        mail.Actor
	why       mail.Op
	wrote     bool
	statement int
	kept      []keptBlob    // by this caller
	boxes     []*boxRow     // dirty
	mailboxes []*mailboxRow // dirty
	acted     bool          // the operation log grew
	changes   Changes
}

// NewTx makes a Tx over a connection. It is used for one transaction after the other.
func NewTx(c Conn, cache *Cache, ids *mail.IDSource, k Keeper) *Tx {
	return &Tx{Reader: Reader{conn: c, cache: cache}, ids: ids, keeper: k}
}

// Start prepares for a new transaction at a moment.
func (t *Tx) Start(now time.Time) {
	t.Reader.Start(now)
	t.boxes, t.mailboxes = t.boxes[:0], t.mailboxes[:0]
	t.changes = Changes{Boxes: t.changes.Boxes[:0]}
	t.statement, t.acted = 0, false
}

// Run lets one caller work. A panic of fn becomes an error of kind Other and a failure of the transaction.
func (t *Tx) Run(by mail.Actor, why mail.Op, fn func(store.Tx) error) (err error) {
	t.by, t.why, t.wrote, t.kept = by, why, false, t.kept[:0]
	defer func() {
		if p := recover(); p != nil {
			t.wrote = true
			err = t.failed(why, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	return t.err
}

// Wrote tells whether the last caller changed anything.
func (t *Tx) Wrote() bool { return t.wrote }

// Statements is the number of changes written since Start, for limits on the size of a batch.
func (t *Tx) Statements() int { return t.statement }

// Flush writes the counters. Call it once, before the commit.
func (t *Tx) Flush() error {
	const op mail.Op = "store.Flush"
	for _, b := range t.boxes {
		b.dirty = false
		t.changes.Boxes = append(t.changes.Boxes, Grown{b.account, b.box})
		t.args.Reset().Int(int64(b.box.ModSeq)).Int(b.box.Used).Int(b.box.Messages).Int(int64(b.validity)).Int(int64(b.account))
		if err := t.exec(op, qUpdateBox); err != nil {
			return err
		}
	}
	for _, m := range t.mailboxes {
		if !m.dirty { // deleted meanwhile
			continue
		}
		m.dirty = false
		t.args.Reset().Int(int64(m.UIDNext)).Int(int64(m.ModSeq)).Int(int64(m.Messages)).Int(int64(m.Unseen)).
			Int(int64(m.Deleted)).Int(m.Size).Int(int64(m.ID))
		if err := t.exec(op, qUpdateCounters); err != nil {
			return err
		}
	}
	return t.flushActs(op)
}

// Changes gives what the transaction changed, after Flush.
func (t *Tx) Changes() *Changes { return &t.changes }

// NextID makes an id for a new thing.
func (t *Tx) NextID() int64 { return t.ids.Next() }

// change runs a statement that changes something.
func (t *Tx) change(op mail.Op, q Query) error {
	t.wrote = true
	t.statement++
	return t.exec(op, q)
}

// PutMeta writes a value of the tenant itself under a name.
func (t *Tx) PutMeta(name string, num int64, data []byte) error {
	t.args.Reset().Text(name).Int(num).Blob(data)
	return t.change("store.PutMeta", qPutMeta)
}
