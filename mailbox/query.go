package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"tegami/mail"
)

// maxQueryTime is how long a query may take before it is given up.
const maxQueryTime = 30 * time.Second

// query is a Query made ready for one Register.
type query struct {
	Query
	compiler
	cond condition
}

// prepare makes a query ready. Invalid "query.filter", "query.sort".
func (r *Register) prepare(q *Query) (*query, error) {
	out := &query{Query: *q, compiler: compiler{reg: r}}
	if len(q.Sort) > MaxSort {
		return nil, mail.E(opQuery, mail.Invalid, "query.sort")
	}
	for i := range q.Sort {
		switch q.Sort[i].By {
		case SortKeyword:
			out.usesFlags = true
		case SortAllInThread, SortSomeInThread:
			out.usesFlags, out.usesThreads = true, true
		case 0:
			return nil, mail.E(opQuery, mail.Invalid, "query.sort")
		default:
			if q.Sort[i].By > SortSomeInThread {
				return nil, mail.E(opQuery, mail.Invalid, "query.sort")
			}
		}
	}
	var err error
	out.cond, err = out.compile(&out.Filter, 1)
	return out, err
}

// Query finds messages. Invalid "query.filter", "query.sort"; NotFound "query.anchor"; Full "query.too_long" after maxQueryTime.
func (r *Register) Query(ctx context.Context, q Query) (Result, error) {
	out := Result{State: r.State(), Total: -1}
	ready, err := r.prepare(&q)
	if err != nil {
		return out, err
	}
	out.Changes = ready.cond.deepest() == showRow && !ready.sortsTexts()
	found, whole, err := ready.within(ctx)
	if err != nil {
		return out, err
	}
	from, to, err := ready.window(found)
	if err != nil {
		return out, err
	}
	if whole {
		out.Total = len(found)
	}
	out.Position = from
	out.IDs = make([]mail.EmailID, 0, to-from)
	for _, at := range found[from:to] {
		out.IDs = append(out.IDs, r.pic.rows.at(at).id)
	}
	return out, nil
}

// within runs the query in the time it may take. found are rows in their order; whole tells that it is all there is.
func (q *query) within(ctx context.Context) (found []uint32, whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxQueryTime)
	defer cancel()
	found, whole, err = q.remembered(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = mail.Because(opQuery, mail.Full, "query.too_long", err)
	}
	return found, whole, err
}

// window gives which part of what was found is asked for. NotFound "query.anchor".
func (q *query) window(found []uint32) (from, to int, err error) {
	from = q.Position
	if q.Anchor != 0 {
		_, row, ok := q.reg.email(q.Anchor)
		at := -1
		if ok {
			at = slices.Index(found, row)
		}
		if at < 0 {
			return 0, 0, mail.E(opQuery, mail.NotFound, "query.anchor")
		}
		from = max(at+q.Offset, 0)
	}
	if from < 0 {
		from = max(len(found)+from, 0)
	}
	from = min(from, len(found))
	to = len(found)
	if q.Limit > 0 {
		to = min(to, from+q.Limit)
	}
	return from, to, nil
}

// enough is how many messages, at the beginning, have to be found; 0: all.
func (q *query) enough() int {
	if q.Total || q.Anchor != 0 || q.Position < 0 || q.Limit <= 0 {
		return 0
	}
	return q.Position + q.Limit
}

// run finds the rows that fit, in their order.
func (q *query) run(ctx context.Context) (found []uint32, whole bool, err error) {
	fit, open := q.byRows()
	if len(open) > 0 {
		if open, err = q.narrow(ctx, open); err != nil {
			return nil, false, err
		}
	}
	order, err := q.order(ctx, fit, open)
	if err != nil {
		return nil, false, err
	}
	if len(open) == 0 {
		return q.collapse(order), true, nil
	}
	isOpen := make(map[uint32]bool, len(open))
	for _, at := range open {
		isOpen[at] = true
	}
	return q.judge(ctx, order, isOpen)
}

// byRows judges by what the picture has: by arrival, the newest first.
func (q *query) byRows() (fit, open []uint32) {
	verdicts := make([]verdict, q.reg.pic.rows.n) // as the rows stand in memory
	var n [yes + 1]int
	m := candidate{}
	for i, row := range q.reg.pic.rows.all() {
		if m.row = row; row.seenBy(q.reg.sees) {
			verdicts[i] = q.cond.eval(&m)
			n[verdicts[i]]++
		}
	}
	fit, open = make([]uint32, 0, n[yes]), make([]uint32, 0, n[unknown])
	for _, at := range slices.Backward(q.reg.pic.order()) {
		switch verdicts[at] {
		case yes:
			fit = append(fit, at)
		case unknown:
			open = append(open, at)
		}
	}
	return fit, open
}

// collapse leaves of each thread the first message.
func (q *query) collapse(order []uint32) []uint32 {
	if !q.Collapse {
		return order
	}
	seen := make([]bool, len(q.reg.pic.threads))
	out := order[:0]
	threads := q.reg.pic.layout().threads
	for _, at := range order {
		if t := threads[at]; !seen[t] {
			seen[t] = true
			out = append(out, at)
		}
	}
	return out
}

// Limits of the results an account's pictures remember, of the newest picture only.
const (
	maxResults    = 16
	maxResultRows = 1 << 19 // in all of them
)

// resultCache remembers what queries found in a picture, for the next page of the same list.
type resultCache struct {
	mu    sync.Mutex
	pic   *picture
	known map[string][]uint32
	rows  int
}

func (c *resultCache) get(p *picture, key string) ([]uint32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pic != p {
		return nil, false
	}
	found, ok := c.known[key]
	return found, ok
}

// put notes a result, in place of all others where there are too many.
func (c *resultCache) put(p *picture, key string, found []uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pic != nil && c.pic.modseq > p.modseq {
		return
	}
	if c.pic != p || len(c.known) >= maxResults || c.rows+len(found) > maxResultRows {
		c.pic, c.known, c.rows = p, map[string][]uint32{}, 0
	}
	c.known[key] = found
	c.rows += len(found)
}

// key names what the result depends on, beside the picture.
func (q *query) key() (string, error) {
	text, err := json.Marshal(struct {
		Where    Where
		Sort     []Sort
		Collapse bool
		Seen     uint32
	}{q.Filter, q.Sort, q.Collapse, q.reg.seen})
	return string(text), err
}

// remembered is run with a look into what was found before.
func (q *query) remembered(ctx context.Context) ([]uint32, bool, error) {
	key, err := q.key()
	if err != nil {
		return nil, false, mail.Because(opQuery, mail.Other, "", err)
	}
	known := &q.reg.shared.results
	if found, ok := known.get(q.reg.pic, key); ok {
		return found, true, nil
	}
	found, whole, err := q.run(ctx)
	if err == nil && whole {
		known.put(q.reg.pic, key, found)
	}
	return found, whole, err
}
