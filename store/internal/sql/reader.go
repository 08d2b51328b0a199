package sql

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

// Reader fulfils store.Reader over a connection.
type Reader struct {
	conn  Conn
	cache *Cache // of the transaction around; nil when only reading
	args  Args
	now   time.Time // leases that end before it have ended
	err   error     // the first failure of the connection
	era   uint64    // of the places it gives; 0 = it gives none

	msg store.Message // of Messages: its buffers are used again
}

// NewReader makes a reader over a connection that is inside a reading transaction. era is that of the places it gives; 0: none.
func NewReader(c Conn, era uint64) *Reader { return &Reader{conn: c, era: era} }

// Start prepares the reader for a new transaction.
func (r *Reader) Start(now time.Time) { r.now, r.err = now, nil }

// Err is the first failure of the connection. After one the transaction must not commit.
func (r *Reader) Err() error { return r.err }

// rows runs a query with r.args and names the operation in its error.
func (r *Reader) rows(op mail.Op, q Query, fn func(Row) bool) error {
	return r.failed(op, r.conn.Rows(q, &r.args, fn))
}

// exec runs a statement with r.args and names the operation in its error.
func (r *Reader) exec(op mail.Op, q Query) error {
	return r.failed(op, r.conn.Exec(q, &r.args))
}

func (r *Reader) failed(op mail.Op, err error) error {
	if err == nil {
		return nil
	}
	err = mail.Wrap(op, err)
	if r.err == nil {
		r.err = err
	}
	return err
}

// number runs a query for one number; 0 without a row.
func (r *Reader) number(op mail.Op, q Query) (n int64, found bool, err error) {
	err = r.rows(op, q, func(row Row) bool {
		n, found = row.Int(0), true
		return false
	})
	return n, found, err
}

// Meta gives what PutMeta wrote under a name; found is false if nothing was.
func (r *Reader) Meta(name string) (num int64, data []byte, found bool, err error) {
	r.args.Reset().Text(name)
	err = r.rows("store.Meta", qMeta, func(row Row) bool {
		num, data, found = row.Int(0), row.Blob(1), true
		return false
	})
	return num, data, found, err
}

func scanObject(row Row) (store.Object, bool) {
	o := store.Object{
		Kind:    row.Text(0),
		ID:      mail.ObjectID(row.Int(1)),
		Version: uint64(row.Int(2)),
		Changed: time.UnixMilli(row.Int(4)).UTC(),
		Doc:     row.Blob(5),
	}
	var ok bool
	o.Unique, o.Marks, o.Secret, ok = unpackKeys(row.Blob(3))
	return o, ok
}

// oneObject runs a query for one object.
func (r *Reader) oneObject(op mail.Op, q Query) (o store.Object, err error) {
	found, ok := false, false
	err = r.rows(op, q, func(row Row) bool {
		o, ok = scanObject(row)
		found = true
		return false
	})
	switch {
	case err != nil:
		return store.Object{}, err
	case !found:
		return store.Object{}, mail.E(op, mail.NotFound, "object.unknown")
	case !ok:
		return store.Object{}, damagedKeys(op, o)
	}
	return o, nil
}

func damagedKeys(op mail.Op, o store.Object) error {
	return mail.E(op, mail.Unavailable, "storage.damaged", o.Kind, o.ID)
}

// objects runs a query for many.
func (r *Reader) objects(op mail.Op, q Query) (list []store.Object, err error) {
	var damaged error
	err = r.rows(op, q, func(row Row) bool {
		o, ok := scanObject(row)
		if !ok {
			damaged = damagedKeys(op, o)
		}
		list = append(list, o)
		return ok
	})
	if err == nil {
		err = damaged
	}
	return list, err
}

// Object gives one object.
func (r *Reader) Object(kind string, id mail.ObjectID) (store.Object, error) {
	r.args.Reset().Text(kind).Int(int64(id))
	return r.oneObject("store.Object", qObject)
}

// ObjectByKey gives the object that holds a unique key.
func (r *Reader) ObjectByKey(k store.Key) (store.Object, error) {
	r.args.Reset().Text(k.Name).Text(k.Value)
	return r.oneObject("store.ObjectByKey", qObjectByKey)
}

// Objects lists the objects of a kind.
func (r *Reader) Objects(kind string, page store.Page) ([]store.Object, error) {
	r.args.Reset().Text(kind).Int(int64(page.After)).Int(limit(page.Limit))
	return r.objects("store.Objects", qObjects)
}

// Marked lists the objects of a kind that carry a mark.
func (r *Reader) Marked(kind string, mark store.Key, page store.Page) ([]store.Object, error) {
	r.args.Reset().Text(kind).Text(mark.Name).Text(mark.Value).Int(int64(page.After)).Int(limit(page.Limit))
	return r.objects("store.Marked", qMarked)
}

// CountMarked counts them.
func (r *Reader) CountMarked(kind string, mark store.Key) (int, error) {
	r.args.Reset().Text(kind).Text(mark.Name).Text(mark.Value)
	n, _, err := r.number("store.CountMarked", qCountMarked)
	return int(n), err
}

// limit keeps the size of a list within store.MaxPage.
func limit(n int) int64 {
	if n <= 0 || n > store.MaxPage {
		return store.MaxPage
	}
	return int64(n)
}
