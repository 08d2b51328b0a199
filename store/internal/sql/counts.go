package sql

import (
	"cmp"
	"slices"
	"strconv"

	"tegami/mail"
	"tegami/store"
)

// tooMany refuses a list that is too long for one call.
func tooMany(op mail.Op, n int) error {
	if n > store.MaxCounts {
		return mail.E(op, mail.Invalid, "counts.too_many", store.MaxCounts)
	}
	return nil
}

func (r *Reader) counts(op mail.Op, q Query) (list []store.Count, err error) {
	err = r.rows(op, q, func(row Row) bool {
		list = append(list, store.Count{Key: row.Int(0), A: row.Int(1), B: row.Int(2), Turn: row.Int(3)})
		return true
	})
	return list, err
}

// Counts gives the counts with these keys. They go to the database as one argument, a JSON array of arrays of one number.
func (r *Reader) Counts(kind store.CountKind, keys []int64) ([]store.Count, error) {
	const op mail.Op = "store.Counts"
	if err := tooMany(op, len(keys)); err != nil || len(keys) == 0 {
		return nil, err
	}
	b := make([]byte, 0, 24*len(keys)+2)
	for i, k := range keys {
		b = append(append(b, separator(i)), '[')
		b = append(strconv.AppendInt(b, k, 10), ']')
	}
	r.args.Reset().Int(int64(kind)).Text(string(append(b, ']')))
	return r.counts(op, qCounts)
}

// separator begins a JSON array, or goes on with it.
func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

// CountsAfter lists the counts of a kind.
func (r *Reader) CountsAfter(kind store.CountKind, after int64, from bool, max int) ([]store.Count, error) {
	q := qCountsAfter
	if from {
		q = qCountsFrom
	}
	r.args.Reset().Int(int64(kind)).Int(after).Int(limit(max))
	return r.counts("store.CountsAfter", q)
}

// CountCounts tells how many there are of a kind.
func (r *Reader) CountCounts(kind store.CountKind) (int, error) {
	r.args.Reset().Int(int64(kind))
	n, _, err := r.number("store.CountCounts", qCountCounts)
	return int(n), err
}

// AddCounts adds to what is under keys. They go in order, so that two writers wait for each other and do not block each other.
func (t *Tx) AddCounts(kind store.CountKind, fades bool, list []store.Count) error {
	const op mail.Op = "store.AddCounts"
	if err := tooMany(op, len(list)); err != nil || len(list) == 0 {
		return err
	}
	list = slices.SortedFunc(slices.Values(list), func(a, b store.Count) int { return cmp.Compare(a.Key, b.Key) })
	b := make([]byte, 0, 40*len(list)+2)
	for i, c := range list {
		b = append(append(b, separator(i)), '[')
		for j, n := range [...]int64{c.Key, c.A, c.B, c.Turn} {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, n, 10)
		}
		b = append(b, ']')
	}
	q := qAddCounts
	if fades {
		q = qFadeCounts
	}
	t.statement += len(list)
	t.args.Reset().Int(int64(kind)).Text(string(append(b, ']')))
	return t.change(op, q)
}

// PruneCounts removes small counts that were written longest ago.
func (t *Tx) PruneCounts(kind store.CountKind, most int64, max int) (removed int, err error) {
	const op mail.Op = "store.PruneCounts"
	t.wrote = true
	t.args.Reset().Int(int64(kind)).Int(int64(kind)).Int(most).Int(limit(max))
	err = t.rows(op, qPruneCounts, func(Row) bool { removed++; return true })
	t.statement += removed
	return removed, err
}

// DropCounts removes all counts of a kind.
func (t *Tx) DropCounts(kind store.CountKind) error {
	t.args.Reset().Int(int64(kind))
	return t.change("store.DropCounts", qDropCounts)
}
