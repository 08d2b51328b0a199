package imapd

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/mailbox/match"
	"tegami/wire/imap"
)

// Limits of one search.
const (
	// maxSearchTime is how long a search may take before it is given up.
	maxSearchTime = 3 * time.Minute
	// maxNeedles is how many strings are looked for in the text of a message at once: those of BODY and TEXT keys, and the words of
	// fuzzy ones.
	maxNeedles = 64
	// searchWorkers is how many processors one search uses, if there are as many.
	searchWorkers = 2
	// workerShare is the least number of messages for which one more is worth it.
	workerShare = 50
	// fewMessages is how many messages are rather looked at one by one than that the index is asked.
	fewMessages = 20
	// fewFacts is for how many messages that have to be read anyway facts are not asked for before.
	fewFacts = 500
)

// query is a search made ready for one view.
type query struct {
	s       *session
	view    *mailbox.View
	cond    condition
	needles []match.Needle // of BODY and TEXT keys
	sure    []string       // what every message found must contain, for View.Candidates
	quiet   bool           // the client does not hear of progress

	modseq, fuzzy, thread bool // keys that the answer depends on

	mu     sync.Mutex
	scores map[uint32]uint8 // relevancy of messages found that is not the highest
	done   atomic.Int64     // messages looked at
}

// prepare makes a search ready. saved is what "$" stands for in the view.
func (s *session) prepare(ctx context.Context, view *mailbox.View, k *imap.Key, saved []mail.UID) (*query, error) {
	c := compiler{view: view, saved: saved, uidOnly: s.uidOnly}
	if err := c.learnKeywords(ctx, k); err != nil {
		return nil, err
	}
	cond, err := c.compile(k)
	if err == nil && len(c.needles) > maxNeedles {
		err = mail.E(opSearch, mail.Full, "imap.search_too_complex")
	}
	if err != nil {
		return nil, err
	}
	return &query{s: s, view: view, cond: cond, needles: c.needles, sure: sure(k, false, nil), modseq: c.usesModSeq, fuzzy: c.usesFuzzy, thread: c.usesThread}, nil
}

// find gives the sequence numbers of the messages that fit, ascending.
func (q *query) find(ctx context.Context) ([]uint32, error) { return q.judge(ctx, nil) }

// inTime runs a search with what follows it. Full "imap.search_too_long" after maxSearchTime.
func inTime(ctx context.Context, run func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, maxSearchTime)
	defer cancel()
	err := run(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return mail.Because(opSearch, mail.Full, "imap.search_too_long", err)
	}
	return err
}

// judge gives those of the messages that fit: of these, ascending, or of all in the view where seqs is nil. It asks first the view,
// then for facts, and for what is still open the messages themselves.
func (q *query) judge(ctx context.Context, seqs []uint32) ([]uint32, error) {
	found, open := q.byMarks(seqs)
	if len(open) == 0 {
		return found, nil
	}
	open, err := q.narrow(ctx, open)
	if err != nil {
		return nil, err
	}
	byFacts, open, err := q.byFacts(ctx, open)
	if err != nil {
		return nil, err
	}
	if q.thread {
		if err := q.view.GiveThreads(ctx, open); err != nil {
			return nil, err
		}
	}
	byRows, err := q.byRows(ctx, open)
	return mergeNumbers(mergeNumbers(found, byFacts), byRows), err
}

// byMarks judges by what the view knows.
func (q *query) byMarks(seqs []uint32) (found, open []uint32) {
	if c := &q.cond; c.op == imap.KeyFlag && seqs == nil {
		return q.byFlags(c.mask, c.want), nil
	}
	m := subject{now: today()}
	see := func(seq uint32, mark mailbox.Mark) {
		m.glance(seq, mark)
		switch q.cond.eval(&m) {
		case yes:
			found = append(found, seq)
		case unknown:
			open = append(open, seq)
		}
	}
	first, last := q.bounds()
	switch {
	case seqs != nil:
		for _, seq := range seqs {
			if mark, ok := q.view.Mark(seq); ok {
				see(seq, mark)
			}
		}
	case first == 1 && last == uint32(q.view.Len()):
		for seq, mark := range q.view.All() {
			see(seq, mark)
		}
	default:
		for seq := first; seq <= last; seq++ {
			mark, _ := q.view.Mark(seq)
			see(seq, mark)
		}
	}
	return found, open
}

// bounds gives the first and the last message that can fit: clients ask for the newest of a large mailbox by their UIDs.
func (q *query) bounds() (first, last uint32) {
	lo, hi := q.cond.span()
	if lo > hi {
		return 1, 0
	}
	from, _ := q.view.Seq(mail.UID(lo))
	to, ok := q.view.Seq(mail.UID(hi))
	if !ok {
		to--
	}
	return uint32(from), uint32(to)
}

// byFlags gives the messages whose flags of mask are as in want.
func (q *query) byFlags(mask, want mail.Flags) []uint32 {
	found := make([]uint32, 0, q.view.Len())
	for seq, mark := range q.view.All() {
		if mark.Flags&mask == want {
			found = append(found, seq)
		}
	}
	return found
}

// narrow leaves out messages of which the full-text index is sure that they do not fit.
func (q *query) narrow(ctx context.Context, open []uint32) ([]uint32, error) {
	if len(q.sure) == 0 || len(open) < fewMessages {
		return open, nil
	}
	c, err := q.view.Candidates(ctx, q.sure)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		q.s.log.Warn("searching without index", "error", err)
		return open, nil
	case !c.Use:
		return open, nil
	}
	return common(open, mergeNumbers(c.Seqs, c.Rest)), nil
}

// byFacts judges by size and arrival, where the search asks for them.
func (q *query) byFacts(ctx context.Context, open []uint32) (found, left []uint32, err error) {
	if !q.cond.asksFacts() || len(open) < fewFacts && q.cond.deepest() > needFact {
		return nil, open, nil
	}
	facts, err := q.view.Facts(ctx, open, false, mailbox.FactArrival, mailbox.FactSize)
	if err != nil {
		return nil, nil, err
	}
	m := subject{now: today()}
	for n, seq := range open {
		mark, _ := q.view.Mark(seq)
		m.glance(seq, mark)
		m.shown, m.arrived, m.size = needFact, facts.Number(mailbox.FactArrival, n), facts.Number(mailbox.FactSize, n)
		switch q.cond.eval(&m) {
		case yes:
			found = append(found, seq)
		case unknown:
			left = append(left, seq)
		}
	}
	return found, left, nil
}

// byRows judges by the messages themselves. Where octets are looked at, several processors share the work.
func (q *query) byRows(ctx context.Context, open []uint32) ([]uint32, error) {
	workers := 1
	if q.cond.deepest() >= needHeader {
		workers = max(min(searchWorkers, runtime.GOMAXPROCS(0), len(open)/workerShare), 1)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	found, errs := make([][]uint32, workers), make([]error, workers)
	for w := 1; w < workers; w++ {
		view, share := q.view.Beside(), part(open, w, workers)
		wait.Go(func() {
			if found[w], errs[w] = q.rows(ctx, view, share, nil); errs[w] != nil {
				cancel()
			}
		})
	}
	found[0], errs[0] = q.rows(ctx, q.view, part(open, 0, workers), func() error { return q.tick(ctx, len(open)) })
	if errs[0] != nil {
		cancel()
	}
	wait.Wait()
	return slices.Concat(found...), firstCause(errs)
}

// tick tells the client how far the search is. Its error ends the search: there is nobody any more to hear the result.
func (q *query) tick(ctx context.Context, total int) error {
	if !q.quiet {
		q.s.progress(int(q.done.Load()), total)
		if err := q.s.out.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// part gives the n-th of equal parts of a list.
func part(list []uint32, n, parts int) []uint32 {
	return list[n*len(list)/parts : (n+1)*len(list)/parts]
}

// firstCause gives the error for which the others were cancelled.
func firstCause(errs []error) (first error) {
	for _, err := range errs {
		if err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	return first
}

// rows judges messages by themselves. tick, where given, is called between them.
func (q *query) rows(ctx context.Context, view *mailbox.View, open []uint32, tick func() error) (found []uint32, err error) {
	var with mailbox.With
	switch deepest := q.cond.deepest(); {
	case deepest > needEnvelope:
		with = mailbox.WithIndex | mailbox.WithOctets
	case deepest == needEnvelope:
		with = mailbox.WithIndex
	}
	m := newSubject(q.needles, today())
	var failed error
	err = view.Fetch(ctx, open, with, func(seq uint32, row *mailbox.Message) error {
		mark, ok := view.Mark(seq)
		if !ok {
			return nil
		}
		m.take(seq, mark, row)
		fits, err := q.fits(ctx, m)
		if err != nil && failed == nil {
			failed = err
		}
		if fits {
			found = append(found, seq)
			q.note(seq, m.score())
		}
		q.done.Add(1)
		if tick != nil {
			return tick()
		}
		return ctx.Err()
	})
	if err == nil {
		err = failed
	}
	return found, err
}

// fits judges a message by its row, its header and its text, as far as need be.
func (q *query) fits(ctx context.Context, m *subject) (bool, error) {
	if v := q.cond.eval(m); v != unknown {
		return v == yes, nil
	}
	body, err := q.s.account.OpenBody(ctx, m.row)
	if err != nil {
		return false, err
	}
	m.text.Open(body)
	defer m.text.Close()
	for m.shown = max(m.shown, needEnvelope); m.shown < needText; {
		m.shown++
		if v := q.cond.eval(m); v != unknown {
			return v == yes, m.text.Err()
		}
	}
	return false, m.text.Err()
}

// note keeps the relevancy of a message found.
func (q *query) note(seq uint32, score uint8) {
	if !q.fuzzy || score == scorePhrase {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.scores == nil {
		q.scores = map[uint32]uint8{}
	}
	q.scores[seq] = score
}

// score gives the relevancy of a message found, 1 to 100.
func (q *query) score(seq uint32) uint8 {
	if score, ok := q.scores[seq]; ok {
		return score
	}
	return scorePhrase
}

// mergeNumbers joins two ascending lists.
func mergeNumbers(a, b []uint32) []uint32 {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := make([]uint32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// common gives what two ascending lists have in common.
func common(a, b []uint32) []uint32 {
	var out []uint32
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return out
}
