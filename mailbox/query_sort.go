package mailbox

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"tegami/mail"
)

// order puts what fits, and what is still open, in the order of the query. Both come with the newest first.
func (q *query) order(ctx context.Context, fit, open []uint32) ([]uint32, error) {
	rows := fit
	if len(open) > 0 {
		rows = q.newestFirst(fit, open)
	}
	for i := len(q.Sort) - 1; i >= 0; i-- {
		s := &q.Sort[i]
		if i == len(q.Sort)-1 && s.By == SortReceived && s.Descend {
			continue // as they are
		}
		keys, err := q.keys(ctx, s, rows)
		if err != nil {
			return nil, err
		}
		places := make([]uint32, len(rows))
		for n := range places {
			places[n] = uint32(n)
		}
		flip := uint64(0)
		if s.Descend {
			flip = ^flip
		}
		sortByKeys(places, func(n uint32) uint64 { return keys[n] ^ flip })
		sorted := make([]uint32, len(rows))
		for n, at := range places {
			sorted[n] = rows[at]
		}
		rows = sorted
	}
	return rows, nil
}

// newestFirst joins two lists that have the newest first.
func (q *query) newestFirst(a, b []uint32) []uint32 {
	out := make([]uint32, 0, len(a)+len(b))
	newer := func(x, y uint32) bool {
		m, n := q.reg.pic.rows.at(x), q.reg.pic.rows.at(y)
		return m.received > n.received || m.received == n.received && x > y
	}
	for len(a) > 0 && len(b) > 0 {
		if newer(a[0], b[0]) {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// sortsTexts tells whether the query sorts by what is not in the picture.
func (q *query) sortsTexts() bool {
	return slices.ContainsFunc(q.Sort, func(s Sort) bool {
		return s.By == SortSent || s.By == SortFrom || s.By == SortTo || s.By == SortSubject
	})
}

// keys gives for each row a number that compares as the rows do.
func (q *query) keys(ctx context.Context, s *Sort, rows []uint32) ([]uint64, error) {
	switch s.By {
	case SortSent:
		return q.factKeys(ctx, FactSent, rows)
	case SortFrom:
		return q.factKeys(ctx, FactDisplayFrom, rows)
	case SortTo:
		return q.factKeys(ctx, FactDisplayTo, rows)
	case SortSubject:
		return q.factKeys(ctx, FactSubject, rows)
	}
	key := q.rowKey(s)
	keys := make([]uint64, len(rows))
	for n, at := range rows {
		keys[n] = key(q.reg.pic.rows.at(at))
	}
	return keys, nil
}

// rowKey gives the function that makes a key of a row.
func (q *query) rowKey(s *Sort) func(*row) uint64 {
	is := func(b bool) uint64 {
		if b {
			return 1
		}
		return 0
	}
	switch s.By {
	case SortSize:
		return func(m *row) uint64 { return uint64(m.size) }
	case SortKeyword:
		flag := q.flag(s.Keyword)
		return func(m *row) uint64 { return is(flag != 0 && m.flags.Has(flag)) }
	case SortAllInThread, SortSomeInThread:
		all, some := q.threadsWith(s.Keyword)
		if s.By == SortSomeInThread {
			all = some
		}
		return func(m *row) uint64 { return is(all[m.thread]) }
	}
	return func(m *row) uint64 { return orderedInt(m.received) }
}

// factKeys gives keys of what stands in the messages' indexes.
func (q *query) factKeys(ctx context.Context, fact Fact, rows []uint32) ([]uint64, error) {
	byBox := map[uint32][]uint32{} // places in rows
	for n, at := range rows {
		box := q.reg.pic.rows.at(at).box
		byBox[box] = append(byBox[box], uint32(n))
	}
	keys := make([]uint64, len(rows))
	texts := make([][]byte, len(rows))
	for box, places := range byBox {
		ranked := len(byBox) == 1 && !fact.isNumber() // within one mailbox ranks are remembered
		err := q.facts(ctx, facts{box, fact, ranked}, rows, places, func(n uint32, f *Facts, at int) {
			switch {
			case fact.isNumber():
				keys[n] = orderedInt(f.Number(fact, at))
			case ranked:
				keys[n] = uint64(f.Rank(fact, at))
			default:
				texts[n] = f.Text(fact, at)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if len(byBox) > 1 && !fact.isNumber() {
		rankTexts(texts, keys)
	}
	return keys, nil
}

// facts says which fact is asked for.
type facts struct {
	box    uint32 // number of the mailbox
	fact   Fact
	ranked bool
}

// facts reads a fact of messages of one mailbox, at some places of rows.
func (q *query) facts(ctx context.Context, of facts, rows, places []uint32, see func(n uint32, f *Facts, at int)) error {
	v, err := q.reg.view(ctx, q.reg.pic.boxIDs[of.box])
	if mail.Is(err, mail.NotFound) {
		return nil // it went meanwhile
	}
	if err != nil {
		return err
	}
	defer v.Close()
	uid := func(n uint32) mail.UID { return q.reg.pic.rows.at(rows[n]).uid }
	slices.SortFunc(places, func(a, b uint32) int { return cmp.Compare(uid(a), uid(b)) })
	seqs, there := make([]uint32, 0, len(places)), make([]uint32, 0, len(places))
	for _, n := range places {
		if seq, ok := v.Seq(uid(n)); ok {
			seqs, there = append(seqs, uint32(seq)), append(there, n)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	f, err := v.Facts(ctx, seqs, of.ranked, of.fact)
	if err != nil {
		return err
	}
	for at, n := range there {
		see(n, f, at)
	}
	return nil
}

// view gives a view of a mailbox of the register.
func (r *Register) view(ctx context.Context, box mail.MailboxID) (*View, error) {
	a := r.post.account
	s := a.service.boxes.take(a.tenant, boxKey{a.id.Tenant(), box})
	now, err := s.fresh(ctx)
	if err != nil {
		a.service.boxes.give(s)
		return nil, mail.Wrap(opQuery, err)
	}
	return &View{account: a, shared: s, access: access{rights: AllRights}, base: now, shown: now.marks, told: now.box.ModSeq}, nil
}

// rankTexts gives each text its place among all: equal ones the same.
func rankTexts(texts [][]byte, keys []uint64) {
	order := make([]uint32, len(texts))
	for n := range order {
		order[n] = uint32(n)
	}
	slices.SortFunc(order, func(a, b uint32) int { return bytes.Compare(texts[a], texts[b]) })
	rank := uint64(0)
	for i, n := range order {
		if i > 0 && !bytes.Equal(texts[order[i-1]], texts[n]) {
			rank++
		}
		keys[n] = rank
	}
}
