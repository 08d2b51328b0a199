package sql

import (
	"bytes"
	"cmp"
	"math"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Names of the values of meta that bound the operation log: the number and hash of its last line, and of the line before its first.
const (
	metaActs   = "acts"
	metaAnchor = "acts.anchor"
)

// clockSlack is by how much clocks of those who write acts may differ, for which a search by time looks a bit further.
const clockSlack = time.Minute

// act appends a line to the operation log (CP-7). The caller says what the line is about.
func (t *Tx) act(op mail.Op, a store.Act) error {
	if err := t.readHead(op); err != nil {
		return err
	}
	head := &t.cache.lastAct
	a.Seq, a.At, a.Actor, a.Role, a.Why = head.Seq+1, t.now, t.by.Name(), t.by.Role(), t.why
	from := t.by.Origin()
	a.Session, a.Agent, a.Reason = from.Session, from.Agent, t.by.Reason()
	if from.Remote.IsValid() {
		a.Remote = from.Remote.String()
	}
	a.Hash = a.Link(head.Hash)
	head.Seq, head.Hash = a.Seq, a.Hash
	t.acted = true
	t.args.Reset().Int(int64(a.Seq)).Int(a.At.UnixMilli()).Text(a.Actor).Int(int64(a.Role)).Text(a.Remote).Text(a.Session).Text(a.Agent).
		Text(string(a.Why)).Text(a.Reason).Text(a.Kind).Int(int64(a.ID)).Blob(a.Before).Blob(a.After).Blob(a.Hash)
	return t.change(op, qInsertAct)
}

// readHead reads where the log ends, and holds that until the commit.
func (t *Tx) readHead(op mail.Op) error {
	if t.cache.actKnown {
		return nil
	}
	var head store.Link
	t.args.Reset().Text(metaActs)
	err := t.rows(op, qMetaLock, func(row Row) bool {
		head = store.Link{Seq: uint64(row.Int(0)), Hash: row.Blob(1)}
		return false
	})
	if err != nil {
		return err
	}
	if head.Hash == nil { // the chain begins here
		head.Hash = store.Genesis(t.cache.tenant)
	}
	t.cache.lastAct, t.cache.actKnown = head, true
	return nil
}

// flushActs writes where the log ends.
func (t *Tx) flushActs(op mail.Op) error {
	if !t.acted {
		return nil
	}
	t.args.Reset().Text(metaActs).Int(int64(t.cache.lastAct.Seq)).Blob(t.cache.lastAct.Hash)
	return t.exec(op, qPutMeta)
}

// Note appends a line to the operation log about something that is no write of an object.
func (t *Tx) Note(kind string, id mail.ObjectID, doc []byte) error {
	const op mail.Op = "store.Note"
	if kind == "" {
		return mail.E(op, mail.Invalid, "object.id")
	}
	return t.act(op, store.Act{Kind: kind, ID: id, After: bytes.Clone(doc)})
}

// ForgetActs removes the oldest lines of the operation log. What is left stays one piece: lines are removed up to the first that is
// to be kept, whatever the clocks said.
func (t *Tx) ForgetActs(before time.Time, max int) (int, error) {
	const op mail.Op = "store.ForgetActs"
	if before.After(t.now.Add(-store.KeepActs)) {
		return 0, mail.E(op, mail.Invalid, "acts.keep", int(store.KeepActs/(24*time.Hour)))
	}
	if err := t.readHead(op); err != nil { // and hold it: two who prune are one after the other
		return 0, err
	}
	acts, err := t.Acts(0, max)
	if err != nil {
		return 0, err
	}
	n := 0
	for n < len(acts) && acts[n].At.Before(before) {
		n++
	}
	if n == 0 {
		return 0, nil
	}
	last := acts[n-1]
	if last.Hash != nil {
		if err := t.PutMeta(metaAnchor, int64(last.Seq), last.Hash); err != nil {
			return 0, err
		}
	}
	t.args.Reset().Int(int64(last.Seq))
	return n, t.change(op, qForgetActs)
}

// Chain tells from where to where the operation log reaches.
func (r *Reader) Chain() (c store.Chain, err error) {
	if c.Anchor, err = r.link(metaAnchor); err == nil {
		c.Head, err = r.link(metaActs)
	}
	return c, err
}

func (r *Reader) link(name string) (store.Link, error) {
	n, hash, _, err := r.Meta(name)
	return store.Link{Seq: uint64(n), Hash: hash}, err
}

// Acts lists the operation log behind a sequence number.
func (r *Reader) Acts(after uint64, max int) ([]store.Act, error) {
	r.args.Reset().Int(number(after)).Int(limit(max))
	return r.acts("store.Acts", qActs)
}

// ActsBack lists lines of the operation log, the newest first.
func (r *Reader) ActsBack(q store.ActQuery) ([]store.Act, error) {
	const op mail.Op = "store.ActsBack"
	low, high, err := r.actRange(op, q)
	if err != nil || high <= low+1 {
		return nil, err
	}
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.Since.IsZero() {
		since = q.Since.UnixMilli()
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixMilli()
	}
	actor, why := q.Actor, string(q.Why)
	query := qActsBack
	switch {
	case !q.ID.IsZero():
		query = qActsOfObject
	case actor != "":
		query, actor = qActsOfActor, ""
	case why != "":
		query, why = qActsOfOp, ""
	}
	r.args.Reset().Int(high).Int(low).Int(since).Int(until).Text(actor).Text(actor).Text(why).Text(why).Text(q.Kind).Text(q.Kind)
	switch query {
	case qActsOfObject:
		r.args.Int(int64(q.ID))
	case qActsOfActor:
		r.args.Text(q.Actor)
	case qActsOfOp:
		r.args.Text(string(q.Why))
	}
	r.args.Int(limit(q.Limit))
	return r.acts(op, query)
}

// actRange gives the numbers between which, without both, the lines of a time lie.
func (r *Reader) actRange(op mail.Op, q store.ActQuery) (low, high int64, err error) {
	high = cmp.Or(number(q.Before), math.MaxInt64)
	if !q.Since.IsZero() {
		r.args.Reset().Int(q.Since.Add(-clockSlack).UnixMilli())
		first, found, err := r.number(op, qFirstActSince)
		if err != nil || !found {
			return 0, 0, err
		}
		low = first - 1
	}
	if !q.Until.IsZero() {
		r.args.Reset().Int(q.Until.Add(clockSlack).UnixMilli())
		last, found, err := r.number(op, qLastActBefore)
		if err != nil || !found {
			return 0, 0, err
		}
		high = min(high, last+1)
	}
	return low, high, nil
}

// number is a sequence number for a query.
func number(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func (r *Reader) acts(op mail.Op, q Query) (list []store.Act, err error) {
	err = r.rows(op, q, func(row Row) bool {
		list = append(list, store.Act{
			Seq: uint64(row.Int(0)), At: time.UnixMilli(row.Int(1)).UTC(), Actor: row.Text(2), Role: mail.ActorRole(row.Int(3)),
			Remote: row.Text(4), Session: row.Text(5), Agent: row.Text(6), Why: mail.Op(row.Text(7)), Reason: row.Text(8),
			Kind: row.Text(9), ID: mail.ObjectID(row.Int(10)), Before: row.Blob(11), After: row.Blob(12), Hash: row.Blob(13),
		})
		return true
	})
	return list, err
}
