package sql

import (
	"tegami/mail"
	"tegami/store"
)

// Who reads objects in an Update decides by what he read: whether a limit is reached, what the next version of a document is. So
// the first such read holds the end of the operation log, as the first write does: what another process writes from then on waits for the
// commit, and what it wrote before is seen.

// Object gives one object.
func (t *Tx) Object(kind string, id mail.ObjectID) (store.Object, error) {
	if err := t.readHead("store.Object"); err != nil {
		return store.Object{}, err
	}
	return t.Reader.Object(kind, id)
}

// ObjectByKey gives the object that holds a unique key.
func (t *Tx) ObjectByKey(k store.Key) (store.Object, error) {
	if err := t.readHead("store.ObjectByKey"); err != nil {
		return store.Object{}, err
	}
	return t.Reader.ObjectByKey(k)
}

// Objects lists the objects of a kind.
func (t *Tx) Objects(kind string, page store.Page) ([]store.Object, error) {
	if err := t.readHead("store.Objects"); err != nil {
		return nil, err
	}
	return t.Reader.Objects(kind, page)
}

// Marked lists the objects of a kind that carry a mark.
func (t *Tx) Marked(kind string, mark store.Key, page store.Page) ([]store.Object, error) {
	if err := t.readHead("store.Marked"); err != nil {
		return nil, err
	}
	return t.Reader.Marked(kind, mark, page)
}

// CountMarked counts them.
func (t *Tx) CountMarked(kind string, mark store.Key) (int, error) {
	if err := t.readHead("store.CountMarked"); err != nil {
		return 0, err
	}
	return t.Reader.CountMarked(kind, mark)
}

// standing gives the object as it stands, and holds it; exists is false if there is none.
func (t *Tx) standing(op mail.Op, kind string, id mail.ObjectID) (o store.Object, exists bool, err error) {
	if kind == "" || id <= 0 {
		return o, false, mail.E(op, mail.Invalid, "object.id")
	}
	t.args.Reset().Text(kind).Int(int64(id))
	o, err = t.oneObject(op, qObjectLock)
	if mail.Is(err, mail.NotFound) {
		return store.Object{}, false, nil
	}
	return o, err == nil, err
}

// PutObject writes an object.
func (t *Tx) PutObject(o store.Object) (uint64, error) {
	const op mail.Op = "store.PutObject"
	old, exists, err := t.standing(op, o.Kind, o.ID)
	switch {
	case err != nil:
		return 0, err
	case exists && o.Version == 0:
		return 0, mail.E(op, mail.Conflict, "object.exists")
	case old.Version != o.Version:
		return 0, mail.E(op, mail.Conflict, "object.changed")
	}
	if err := t.keysFree(op, o, old); err != nil {
		return 0, err
	}
	if err := t.putKeys(op, o, old); err != nil {
		return 0, err
	}
	if err := t.putRow(op, o, exists); err != nil || o.Quiet {
		return o.Version + 1, err
	}
	before := []byte(nil)
	if exists {
		before = shown(old.Doc, old.Secret)
	}
	t.changes.Objects = true
	return o.Version + 1, t.act(op, store.Act{Kind: o.Kind, ID: o.ID, Before: before, After: shown(o.Doc, o.Secret)})
}

// shown is a document as the operation log has it.
func shown(doc []byte, secret bool) []byte {
	if secret {
		return []byte(store.Masked)
	}
	return present(doc)
}

// present keeps an empty document apart from none.
func present(doc []byte) []byte {
	if doc == nil {
		return []byte{}
	}
	return doc
}

// keysFree checks that no other object holds one of the new unique keys.
func (t *Tx) keysFree(op mail.Op, o, old store.Object) error {
	for _, k := range without(o.Unique, old.Unique) {
		taken := false
		t.args.Reset().Text(k.Name).Text(k.Value)
		if err := t.rows(op, qKeyOwner, func(Row) bool { taken = true; return false }); err != nil {
			return err
		}
		if taken {
			return mail.E(op, mail.Conflict, "key.taken", k.Value)
		}
	}
	return nil
}

// putKeys brings the rows of keys and marks from old to o.
func (t *Tx) putKeys(op mail.Op, o, old store.Object) error {
	for _, step := range []struct {
		keys  []store.Key
		query Query
	}{
		{without(old.Unique, o.Unique), qDeleteKey},
		{without(old.Marks, o.Marks), qDeleteMark},
		{without(o.Unique, old.Unique), qInsertKey},
		{without(o.Marks, old.Marks), qInsertMark},
	} {
		for _, k := range step.keys {
			t.keyArgs(step.query, o.Kind, o.ID, k)
			if err := t.change(op, step.query); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyArgs sets the arguments of a query of a key or a mark, each in its order.
func (t *Tx) keyArgs(q Query, kind string, id mail.ObjectID, k store.Key) {
	if q == qInsertMark || q == qDeleteMark {
		t.args.Reset().Text(kind).Text(k.Name).Text(k.Value).Int(int64(id))
		return
	}
	t.args.Reset().Text(k.Name).Text(k.Value).Text(kind).Int(int64(id))
}

func (t *Tx) putRow(op mail.Op, o store.Object, exists bool) error {
	keys := packKeys(o.Unique, o.Marks, o.Secret)
	version, changed, doc := int64(o.Version+1), t.now.UnixMilli(), present(o.Doc)
	if exists {
		t.args.Reset().Int(version).Blob(keys).Int(changed).Blob(doc).Text(o.Kind).Int(int64(o.ID))
		return t.change(op, qUpdateObject)
	}
	t.args.Reset().Text(o.Kind).Int(int64(o.ID)).Int(version).Blob(keys).Int(changed).Blob(doc)
	return t.change(op, qInsertObject)
}

// DeleteObject removes an object and its keys.
func (t *Tx) DeleteObject(kind string, id mail.ObjectID, version uint64) error {
	const op mail.Op = "store.DeleteObject"
	old, exists, err := t.standing(op, kind, id)
	switch {
	case err != nil:
		return err
	case !exists:
		return mail.E(op, mail.NotFound, "object.unknown")
	case old.Version != version:
		return mail.E(op, mail.Conflict, "object.changed")
	}
	if err := t.putKeys(op, store.Object{Kind: kind, ID: id}, old); err != nil {
		return err
	}
	t.args.Reset().Text(kind).Int(int64(id))
	if err := t.change(op, qDeleteObject); err != nil {
		return err
	}
	t.changes.Objects = true
	return t.act(op, store.Act{Kind: kind, ID: id, Before: shown(old.Doc, old.Secret)})
}
