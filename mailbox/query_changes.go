package mailbox

import (
	"context"
	"slices"

	"tegami/mail"
)

// QueryChanges tells what changed of a result since a state (RFC 8620 §5.6): every message that changed in a way that may matter is told as
// removed, where it was there before, and as added where it is in the result now. Conflict "state.unknown" where it can't be told, as for texts that
// are searched or sorted by; Full "query.too_many_changes" for more than max (0: any number). upTo is the last id of the result that the
// caller has, zero for all: what is added behind it is not told, where the order can't have changed before it.
func (r *Register) QueryChanges(ctx context.Context, q Query, from State, upTo mail.EmailID, max int) (QueryChanges, error) {
	const op = "mailbox.QueryChanges"
	out := QueryChanges{New: r.State()}
	q.Position, q.Limit, q.Anchor, q.Total = 0, 0, 0, true
	ready, err := r.prepare(&q)
	if err != nil {
		return out, err
	}
	if ready.cond.deepest() > showRow || ready.sortsTexts() {
		return out, unknownState(op)
	}
	s, err := r.since(ctx, op, from)
	if err != nil {
		return out, err
	}
	found, _, err := ready.within(ctx)
	if err != nil {
		return out, err
	}
	out.Total = len(found)
	touched := ready.touched(s)
	for id := range touched {
		if touched[id] {
			out.Removed = append(out.Removed, id)
		}
	}
	slices.Sort(out.Removed)
	found = ready.upTo(found, upTo)
	for i, at := range found {
		id := r.pic.rows.at(at).id
		if _, ok := touched[id]; ok {
			out.Added = append(out.Added, AddedEmail{ID: id, Index: i})
		}
	}
	if max > 0 && len(out.Removed)+len(out.Added) > max {
		return out, mail.E(op, mail.Full, "query.too_many_changes")
	}
	return out, nil
}

// upTo leaves of the result what the caller has to know. Where the result depends on what changes (keywords, threads), all of it.
func (q *query) upTo(found []uint32, last mail.EmailID) []uint32 {
	if last == 0 || q.usesFlags || q.usesThreads || q.Collapse {
		return found
	}
	for i, at := range found {
		if q.reg.pic.rows.at(at).id == last {
			return found[:i+1]
		}
	}
	return found
}

// touched gives the messages that may have come into the result or left it, or stand elsewhere in it; true for those that were there at
// the state.
func (q *query) touched(s *since) map[mail.EmailID]bool {
	r := q.reg
	touched := map[mail.EmailID]bool{}
	threads := map[uint32]bool{}
	for _, e := range r.emailEvents(s) {
		m, _, here := r.pic.rows.find(e.id)
		if e.what == wasChanged && !q.usesFlags && s.has(m.born, int64(m.id)) {
			continue // only its flags changed
		}
		again := here && s.has(r.made(m, s), int64(e.id)) // it lost its flag Deleted: it may have been there before
		touched[e.id] = e.what != wasMade || again
		if here {
			threads[m.thread] = true
		} else if n, ok := r.pic.thread(s.gone[e.id].thread); ok {
			threads[n] = true
		}
	}
	if !q.Collapse && !q.usesThreads {
		return touched
	}
	for t := range threads { // another message may stand for the thread now
		for _, at := range r.pic.members().of(t) {
			m := r.pic.rows.at(at)
			if _, known := touched[m.id]; !known && m.seenBy(r.sees) {
				touched[m.id] = true
			}
		}
	}
	return touched
}
