package sql

import (
	"fmt"
	"runtime/debug"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Keeper gives sealed stagings their place among the octets at rest.
type Keeper interface {
	// Keep says where the octets of s will be when the transaction commits. Asked again
	// for the same staging in the same or after its transaction it answers the same with Known.
	Keep(s store.Staged) (Kept, error)
}

// Kept is where octets are. The meaning of Pack and Off is the backend's.
type Kept struct {
	Ref   mail.BlobRef
	Pack  int64
	Off   int64
	Body  []byte // octets to keep in the row itself; must not change until the commit
	Known bool   // the row is there already
}

// Changes is what a transaction changed that others wait for. Valid until the next Start.
type Changes struct {
	Boxes   []Grown
	Objects bool      // an object was written or removed
	Items   bool      // a waiting item was written
	Wake    time.Time // when the first of them is due, if Items
}

// Grown is an account with its new ModSeq.
type Grown struct {
	Account mail.AccountID
	ModSeq  mail.ModSeq
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
	kept      []mail.BlobRef // by this caller
	boxes     []*boxRow      // dirty
	mailboxes []*mailboxRow  // dirty
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
	t.statement = 0
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
		t.changes.Boxes = append(t.changes.Boxes, Grown{b.account, b.box.ModSeq})
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
	if t.changes.Objects {
		t.args.Reset().Text(metaActs).Int(t.cache.lastAct).Blob(nil)
		return t.exec(op, qPutMeta)
	}
	return nil
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

// metaActs holds the number of the last act.
const metaActs = "acts"

// PutMeta writes a value of the tenant itself under a name.
func (t *Tx) PutMeta(name string, num int64, data []byte) error {
	t.args.Reset().Text(name).Int(num).Blob(data)
	return t.change("store.PutMeta", qPutMeta)
}

// Keep makes a sealed staging part of this transaction.
func (t *Tx) Keep(s store.Staged, index []byte) (mail.BlobRef, error) {
	const op mail.Op = "store.Keep"
	t.wrote = true
	k, err := t.keeper.Keep(s)
	if err != nil {
		return mail.BlobRef{}, mail.Wrap(op, err)
	}
	if !k.Known {
		t.args.Reset().Int(int64(k.Ref.ID)).Int(k.Ref.Size).Blob(k.Ref.Hash[:]).Int(k.Pack).Int(k.Off).Blob(index).Blob(k.Body)
		if err := t.change(op, qInsertBlob); err != nil {
			return mail.BlobRef{}, err
		}
		t.kept = append(t.kept, k.Ref)
	}
	return k.Ref, nil
}

// blobSize makes sure that a blob is there and gives its size. What this caller kept is known.
func (t *Tx) blobSize(op mail.Op, id mail.BlobID) (int64, error) {
	for _, ref := range t.kept {
		if ref.ID == id {
			return ref.Size, nil
		}
	}
	t.args.Reset().Int(int64(id))
	size, found, err := t.number(op, qBlob)
	if err == nil && !found {
		err = mail.E(op, mail.NotFound, "blob.unknown")
	}
	return size, err
}
