package mailbox

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"tegami/mail"
	"tegami/mailbox/match"
	"tegami/store"
)

const (
	// queryWorkers is how many processors one query uses, if there are as many.
	queryWorkers = 2
	// workerShare is the least number of messages for which one more is worth it.
	workerShare = 50
	// judgedAtOnce is how many messages are judged before it is looked whether enough were found.
	judgedAtOnce = 256
	// fewOpen is how many messages are rather looked at one by one than that the index is asked.
	fewOpen = 20
)

// narrow leaves out messages of which the full-text index is sure that they do not fit. Without it all are looked at.
func (q *query) narrow(ctx context.Context, open []uint32) ([]uint32, error) {
	sure := q.Filter.sureStrings(nil)
	s := q.reg.post.account.service
	if len(sure) == 0 || len(open) < fewOpen || s.cfg.NoTextIndex {
		return open, nil
	}
	grams := gramsOf(sure)
	if len(grams) == 0 {
		return open, nil
	}
	found := map[uint32]*boxHits{}
	for _, at := range open {
		box := q.reg.pic.rows.at(at).box
		if found[box] != nil {
			continue
		}
		hits, err := q.reg.candidates(ctx, q.reg.pic.boxIDs[box], grams)
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			s.cfg.Log.Warn("searching without index", "account", q.reg.pic.account, "error", err)
			return open, nil
		}
		found[box] = hits
	}
	rest := 0
	left := slices.DeleteFunc(slices.Clone(open), func(at uint32) bool {
		m := q.reg.pic.rows.at(at)
		hits := found[m.box]
		if m.uid > hits.upto {
			rest++
			return false
		}
		_, ok := slices.BinarySearch(hits.uids, m.uid)
		return !ok
	})
	if rest > 0 {
		s.texts.grew(q.reg.post.key(), rest)
	}
	return left, nil
}

// boxHits are the messages that the index proposes of a mailbox, and up to where it knows.
type boxHits struct {
	uids []mail.UID
	upto mail.UID
}

// candidates asks the full-text index of a mailbox.
func (r *Register) candidates(ctx context.Context, box mail.MailboxID, grams []store.Gram) (*boxHits, error) {
	s, key := r.post.account.service, r.post.key()
	if err := s.trust(ctx, key, box); err != nil {
		return nil, err
	}
	uids, upto, err := s.store.Tenant(key.tenant).Texts().Find(ctx, key.account, box, grams)
	return &boxHits{uids, upto}, err
}

// judge looks at the messages that are open, in the order, and gives those that fit; not all of them where enough were found.
func (q *query) judge(ctx context.Context, order []uint32, open map[uint32]bool) (found []uint32, whole bool, err error) {
	enough := q.enough()
	seen := make([]bool, len(q.reg.pic.threads))
	for len(order) > 0 {
		n := len(order)
		if enough > 0 {
			n = min(n, judgedAtOnce)
		}
		part := order[:n]
		fits, err := q.fitting(ctx, part, open)
		if err != nil {
			return nil, false, err
		}
		for i, at := range part {
			t := q.reg.pic.rows.at(at).thread
			if !fits[i] || q.Collapse && seen[t] {
				continue
			}
			seen[t] = true
			found = append(found, at)
		}
		order = order[n:]
		if enough > 0 && len(found) >= enough && len(order) > 0 {
			return found, false, nil
		}
	}
	return found, true, nil
}

// fitting tells which of the rows fit. Several processors share the work.
func (q *query) fitting(ctx context.Context, rows []uint32, open map[uint32]bool) ([]bool, error) {
	fits := make([]bool, len(rows))
	var ids []mail.EmailID
	places := map[mail.EmailID]int{}
	for i, at := range rows {
		if !open[at] {
			fits[i] = true
			continue
		}
		id := q.reg.pic.rows.at(at).id
		ids = append(ids, id)
		places[id] = i
	}
	workers := max(min(queryWorkers, runtime.GOMAXPROCS(0), len(ids)/workerShare), 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		share := ids[w*len(ids)/workers : (w+1)*len(ids)/workers]
		work := func() {
			if errs[w] = q.look(ctx, share, func(id mail.EmailID) { fits[places[id]] = true }); errs[w] != nil {
				cancel()
			}
		}
		if w < workers-1 {
			wait.Go(work)
		} else {
			work()
		}
	}
	wait.Wait()
	return fits, firstError(errs)
}

// firstError gives the error for which the others were cancelled.
func firstError(errs []error) (first error) {
	for _, err := range errs {
		if err != nil && (first == nil || first == context.Canceled) {
			first = err
		}
	}
	return first
}

// look judges messages by themselves. fits may be called for different messages from several goroutines.
func (q *query) look(ctx context.Context, ids []mail.EmailID, fits func(mail.EmailID)) error {
	with := WithIndex
	if q.cond.deepest() > showEnvelope {
		with |= WithOctets
	}
	m := candidate{text: match.New(q.needles)}
	return q.reg.Messages(ctx, ids, with, func(msg *Message) error {
		m.row, _, _ = q.reg.pic.rows.find(msg.ID)
		ok, err := q.fits(ctx, &m, msg)
		if ok {
			fits(msg.ID)
		}
		if err != nil {
			return err
		}
		return ctx.Err()
	})
}

// fits judges a message by its index, its header and its text, as far as need be.
func (q *query) fits(ctx context.Context, m *candidate, msg *Message) (bool, error) {
	m.shown = showRow
	if m.text.Take(msg.Index) {
		m.shown = showEnvelope
		if v := q.cond.eval(m); v != unknown {
			return v == yes, nil
		}
	}
	body, err := q.reg.OpenBody(ctx, msg)
	if mail.Is(err, mail.NotFound) { // it went meanwhile
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m.text.Open(body)
	defer m.text.Close()
	v := unknown
	for m.shown = max(m.shown, showEnvelope); v == unknown && m.shown <= showText; m.shown++ {
		v = q.cond.eval(m)
	}
	if err := m.text.Err(); err != nil { // one that cannot be read does not keep the others from being found
		q.reg.post.account.service.cfg.Log.Warn("message not searched in full", "email", msg.ID, "error", err)
	}
	return v == yes, nil
}
