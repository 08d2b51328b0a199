package sql

import (
	"tegami/mail"
	"tegami/store"
)

// Keeper gives sealed stagings their place among the octets at rest.
type Keeper interface {
	// Keep says where the octets of s will be when the transaction commits. Asked again
	// for the same staging in the same or after its transaction it answers the same with known.
	Keep(s store.Staged) (p Place, known bool, err error)
}

// Place is where the octets of a blob are. The meaning of Pack and Off is the backend's.
type Place struct {
	Ref  mail.BlobRef
	Pack int64 // 0: in Body
	Off  int64
	Body []byte // the octets themselves, where the row holds them. Given by a Keeper: must not change until the commit
}

func scanPlace(row Row) Place {
	p := Place{
		Ref:  mail.BlobRef{ID: mail.BlobID(row.Int(0)), Size: row.Int(1)},
		Pack: row.Int(3),
		Off:  row.Int(4),
		Body: row.Blob(5),
	}
	row.Fill(2, p.Ref.Hash[:])
	return p
}

// Place gives where a blob is. NotFound if there is none.
func (r *Reader) Place(id mail.BlobID) (Place, error) {
	const op mail.Op = "store.Open"
	var p Place
	r.args.Reset().Int(int64(id))
	err := r.rows(op, qPlace, func(row Row) bool {
		p = scanPlace(row)
		return false
	})
	if err == nil && p.Ref.ID == 0 {
		err = mail.E(op, mail.NotFound, "blob.unknown")
	}
	return p, err
}

// Places lists blobs behind an id, ascending: all of them, or with pack ≠ 0 those in a pack (without Body).
func (r *Reader) Places(pack int64, after mail.BlobID, max int) (list []Place, err error) {
	q := qAllBlobs
	r.args.Reset()
	if pack != 0 {
		q = qPacked
		r.args.Int(pack)
	}
	r.args.Int(int64(after)).Int(int64(max))
	err = r.rows("store.Places", q, func(row Row) bool {
		list = append(list, scanPlace(row))
		return true
	})
	return list, err
}

// PackUse is how much of a pack rows refer to.
type PackUse struct {
	Pack  int64
	Size  int64 // octets
	Blobs int64
}

// PackUses tells this of all packs, ascending.
func (r *Reader) PackUses() (list []PackUse, err error) {
	r.args.Reset()
	err = r.rows("store.PackUses", qPackUse, func(row Row) bool {
		list = append(list, PackUse{row.Int(0), row.Int(1), row.Int(2)})
		return true
	})
	return list, err
}

// DeadBlobs looks through a portion of the blobs with after < id ≤ until for those that no message, no
// entry and no item refers to. end is the last it looked at, where the next portion begins; 0 when there are no more.
func (r *Reader) DeadBlobs(after, until mail.BlobID, portion int) (dead []mail.BlobID, end mail.BlobID, err error) {
	const op mail.Op = "store.DeadBlobs"
	r.args.Reset().Int(int64(after)).Int(int64(until)).Int(int64(portion))
	n, _, err := r.number(op, qBlobsEnd)
	if err != nil || n == 0 {
		return nil, 0, err
	}
	r.args.Reset().Int(int64(after)).Int(n)
	err = r.rows(op, qDeadBlobs, func(row Row) bool {
		dead = append(dead, mail.BlobID(row.Int(0)))
		return true
	})
	return dead, mail.BlobID(n), err
}

// DropBlob removes the rows of a blob unless something refers to it. The row is held first, as by who makes a new reference
// to it, so that each sees the other.
func (t *Tx) DropBlob(id mail.BlobID) error {
	const op mail.Op = "store.DropBlob"
	t.args.Reset().Int(int64(id))
	if _, _, err := t.number(op, qBlob); err != nil {
		return err
	}
	for _, q := range []Query{qDeleteBlob, qDeleteBody} {
		t.args.Reset().Int(int64(id))
		if err := t.change(op, q); err != nil {
			return err
		}
	}
	return nil
}

// MoveBlob notes the new place of a blob, unless it is no longer at the old one.
func (t *Tx) MoveBlob(old Place, pack, off int64) error {
	t.args.Reset().Int(pack).Int(off).Int(int64(old.Ref.ID)).Int(old.Pack).Int(old.Off)
	return t.change("store.MoveBlob", qPutPlace)
}

// Keep makes a sealed staging part of this transaction.
func (t *Tx) Keep(s store.Staged, index []byte) (mail.BlobRef, error) {
	const op mail.Op = "store.Keep"
	t.wrote = true
	p, known, err := t.keeper.Keep(s)
	if err != nil || known {
		return p.Ref, mail.Wrap(op, err)
	}
	hash := append(make([]byte, 0, len(p.Ref.Hash)), p.Ref.Hash[:]...)
	t.args.Reset().Int(int64(p.Ref.ID)).Int(p.Ref.Size).Blob(hash).Int(p.Pack).Int(p.Off).Blob(index)
	if err := t.change(op, qInsertBlob); err != nil {
		return mail.BlobRef{}, err
	}
	if p.Body != nil {
		t.args.Reset().Int(int64(p.Ref.ID)).Blob(p.Body)
		if err := t.change(op, qInsertBody); err != nil {
			return mail.BlobRef{}, err
		}
	}
	t.kept = append(t.kept, keptBlob{p.Ref.ID, p.Ref.Size, hash})
	return p.Ref, nil
}

// keptBlob is what a message's row says of its octets.
type keptBlob struct {
	id   mail.BlobID
	size int64
	hash []byte
}

// blob makes sure that a blob is there. What this caller kept is known.
func (t *Tx) blob(op mail.Op, id mail.BlobID) (keptBlob, error) {
	for _, b := range t.kept {
		if b.id == id {
			return b, nil
		}
	}
	return t.holdBlob(op, id)
}

// holdBlob finds a blob that another transaction kept, and holds it against DropBlob.
func (t *Tx) holdBlob(op mail.Op, id mail.BlobID) (b keptBlob, err error) {
	t.args.Reset().Int(int64(id))
	err = t.rows(op, qBlob, func(row Row) bool {
		b = keptBlob{id, row.Int(0), row.Blob(1)}
		return false
	})
	if err == nil && b.id == 0 {
		err = mail.E(op, mail.NotFound, "blob.unknown")
	}
	return b, err
}
