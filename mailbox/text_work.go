package mailbox

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// When mail is put into the full-text index. Until then a search looks at it itself.
const (
	// indexAfter is how long new mail waits for more, so that one writing does for several messages.
	indexAfter = 15 * time.Second
	// indexAtOnce is how many new messages do not wait.
	indexAtOnce = 64
	// indexPatience is how long the index waits for the doors to have less to do. Then it works on, resting
	// for indexRests times as long as it works.
	indexPatience = 10 * time.Second
	indexRests    = 3
	// busyRate is how many reads and writes a second mean that the doors have much to do.
	busyRate = 200
	// retryIndex is after what time an account that could not be indexed is tried again.
	retryIndex = time.Minute
	// walkIndexes is how often all accounts are looked at: for mail that another process took in, or that nobody noted, and
	// for indexes of accounts that are gone.
	walkIndexes = time.Hour
	// maxDirty is how many accounts with new mail are noted. Those beyond are found by looking at all.
	maxDirty = 10_000
	// maxTrusted is how many mailboxes are known to have an index of their own.
	maxTrusted = 100_000
	// maxIndexedAccounts is how many accounts are remembered with the ModSeq up to which they are indexed.
	maxIndexedAccounts = 1_000_000
)

// textWork is what there is to index.
type textWork struct {
	active atomic.Int64 // reads and writes of the doors so far
	wake   chan struct{}
	turn   chan struct{} // held by the one who indexes
	tools  indexTools    // whose these are

	mu      sync.Mutex
	dirty   map[textAccount]*newMail
	lost    bool // an account was not noted: look at all
	trusted map[mail.MailboxID]bool
	indexed map[textAccount]mail.ModSeq
}

// newMail is how much came into an account since it was indexed.
type newMail struct {
	since time.Time // when to begin counting indexAfter
	n     int
}

func (w *textWork) init() {
	w.wake, w.turn = make(chan struct{}, 1), make(chan struct{}, 1)
	w.tools = indexTools{words: new(wordReader), active: &w.active}
	w.dirty, w.trusted, w.indexed = map[textAccount]*newMail{}, map[mail.MailboxID]bool{}, map[textAccount]mail.ModSeq{}
}

// IndexLag tells for how long the mail that has waited longest waits to be put into the full-text index; 0 when nothing waits. Searches look at
// such mail itself.
func (s *Service) IndexLag() time.Duration {
	w := &s.texts
	w.mu.Lock()
	defer w.mu.Unlock()
	var lag time.Duration
	for _, d := range w.dirty {
		lag = max(lag, time.Since(d.since))
	}
	return lag
}

// grew notes that n messages came into an account, or are about to.
func (w *textWork) grew(key textAccount, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.dirty[key]
	if d == nil {
		if len(w.dirty) >= maxDirty {
			w.lost = true
			return
		}
		d = &newMail{since: time.Now()}
		w.dirty[key] = d
	}
	first := len(w.dirty) == 1 && d.n == 0 // else the next to be due is waited for already
	if d.n += n; first || d.n >= indexAtOnce && d.n-n < indexAtOnce {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// next takes an account that is due, the one that waits longest first. Where none is, wait tells when one will be.
func (w *textWork) next(now time.Time) (key textAccount, m newMail, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var first *newMail
	wait = walkIndexes
	for k, d := range w.dirty {
		left := d.since.Add(indexAfter).Sub(now)
		if d.n >= indexAtOnce {
			left = min(left, d.since.Sub(now)) // one that is tried again is in the future
		}
		wait = min(wait, left)
		if left <= 0 && (first == nil || d.since.Before(first.since)) {
			key, first = k, d
		}
	}
	if first == nil {
		return key, m, wait
	}
	delete(w.dirty, key)
	return key, *first, 0
}

// again notes an account that could not be indexed.
func (w *textWork) again(key textAccount) {
	w.grew(key, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := w.dirty[key]; d != nil {
		d.since = time.Now().Add(retryIndex)
	}
}

func (w *textWork) isTrusted(box mail.MailboxID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trusted[box]
}

func (w *textWork) trust(box mail.MailboxID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.trusted) >= maxTrusted {
		clear(w.trusted)
	}
	w.trusted[box] = true
}

// finished remembers up to where an account is indexed.
func (w *textWork) finished(key textAccount, upto mail.ModSeq) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.indexed) >= maxIndexedAccounts {
		clear(w.indexed)
	}
	w.indexed[key] = upto
}

// upTo gives the ModSeq up to which an account is indexed; false where this process did not index it.
func (w *textWork) upTo(key textAccount) (mail.ModSeq, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	upto, ok := w.indexed[key]
	return upto, ok
}

// takeLost tells whether accounts were not noted, and forgets it.
func (w *textWork) takeLost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := w.lost
	w.lost = false
	return lost
}

// indexTools are what the one who indexes has: what he reads messages with, what he remembers of the last ones,
// and a sense of how much the doors have to do.
type indexTools struct {
	words *wordReader
	known map[textBlob][]store.Gram // of messages read lately, for others that have the same octets
	grams int                       // in known

	active  *atomic.Int64
	seen    int64
	at      time.Time
	busy    bool
	working time.Duration // since the last rest
}

// textBlob names the octets of a message.
type textBlob struct {
	tenant mail.TenantID
	blob   mail.BlobID
}

// maxKnownGrams is how many grams are remembered; then all are forgotten.
const maxKnownGrams = 1 << 19

func (t *indexTools) remember(blob textBlob, grams []store.Gram) {
	if t.grams += len(grams); t.grams > maxKnownGrams || t.known == nil {
		t.known, t.grams = map[textBlob][]store.Gram{}, len(grams)
	}
	t.known[blob] = grams
}

// tidy gives memory back that an ordinary message does not need.
func (t *indexTools) tidy() {
	if t.words.large() {
		t.words = new(wordReader)
	}
}

// sampling is how long reads and writes are counted for a rate, stale how old a rate may be.
const (
	sampling = 50 * time.Millisecond
	stale    = time.Second
)

// look tells whether the doors have much to do.
func (t *indexTools) look(ctx context.Context) bool {
	if time.Since(t.at) > stale {
		t.seen, t.at = t.active.Load(), time.Now()
		_ = pause(ctx, sampling) // that ctx ended is seen by who works on
	}
	now := time.Now()
	if d := now.Sub(t.at); d >= sampling {
		n := t.active.Load()
		t.busy = float64(n-t.seen) > busyRate*d.Seconds()
		t.seen, t.at = n, now
	}
	return t.busy
}

// breathe waits while the doors are busy, and not for ever. since is when the mail came that is to be indexed.
func (t *indexTools) breathe(ctx context.Context, since time.Time) error {
	for t.look(ctx) && time.Since(since) < indexPatience {
		if err := pause(ctx, sampling); err != nil {
			return err
		}
	}
	rest := t.working * indexRests
	t.working = 0
	if !t.busy {
		return ctx.Err()
	}
	return pause(ctx, rest)
}

// pause waits. It fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Index keeps the full-text indexes up to date until ctx ends: it indexes accounts where mail came in, soon, and looks at all
// accounts at the start and now and then. Failures are logged and tried again.
func (s *Service) Index(ctx context.Context) {
	if s.cfg.NoTextIndex {
		return
	}
	var walking sync.WaitGroup
	walking.Go(func() { s.walkIndexes(ctx) })
	defer walking.Wait()
	for ctx.Err() == nil {
		key, m, wait := s.texts.next(time.Now())
		if key.account != 0 {
			s.indexNew(ctx, key, m.since)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.texts.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// indexNew indexes an account whose mail came at some time.
func (s *Service) indexNew(ctx context.Context, key textAccount, since time.Time) {
	done, err := s.index(ctx, key, since, nil)
	switch {
	case err == nil:
		s.cfg.Log.Debug("indexed", "tenant", key.tenant, "account", key.account, "messages", done.Messages, "skipped", done.Skipped, "took", done.Took)
	case ctx.Err() != nil:
	case mail.Is(err, mail.Conflict): // another process was faster
		s.texts.again(key)
	default:
		s.cfg.Log.Warn("account not indexed, will be tried again", "tenant", key.tenant, "account", key.account, "error", err)
		s.texts.again(key)
	}
}

// index brings the index of an account up to its mail. One account is indexed at a time; another's turn comes after each portion. tell, where given, hears of progress.
func (s *Service) index(ctx context.Context, key textAccount, since time.Time, tell func(Indexed)) (Indexed, error) {
	return s.indexing(ctx, key, since, tell, func(x *indexing) error { return nil })
}

// indexing is index, with something to be done before.
func (s *Service) indexing(ctx context.Context, key textAccount, since time.Time, tell func(Indexed), before func(*indexing) error) (Indexed, error) {
	const op = "mailbox.Index"
	x := &indexing{service: s, key: key, tenant: s.store.Tenant(key.tenant), tools: &s.texts.tools, since: since, tell: tell}
	if err := x.take(ctx); err != nil {
		return Indexed{}, mail.Wrap(op, err)
	}
	defer x.give()
	if err := before(x); err != nil {
		return Indexed{}, mail.Wrap(op, err)
	}
	upto, err := x.run(ctx)
	if err == nil {
		s.texts.finished(key, upto)
	}
	return x.done, mail.Wrap(op, err)
}

// take waits for the turn to index.
func (x *indexing) take(ctx context.Context) error {
	select {
	case x.service.texts.turn <- struct{}{}:
		x.holds = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give lets others index.
func (x *indexing) give() {
	if x.holds {
		x.holds = false
		x.tools.tidy()
		<-x.service.texts.turn
	}
}

// Reindex makes the index of an account anew. tell hears how far it is; it may be nil. Denied "text.off" where no index is kept.
func (s *Service) Reindex(ctx context.Context, t mail.TenantID, a mail.AccountID, tell func(Indexed)) (Indexed, error) {
	if s.cfg.NoTextIndex {
		return Indexed{}, mail.E("mailbox.Reindex", mail.Denied, "text.off")
	}
	return s.indexing(ctx, textAccount{t, a}, time.Now(), tell, func(x *indexing) error { return x.tenant.Texts().Drop(ctx, a) })
}

// IndexSize tells how large the index of an account is.
func (s *Service) IndexSize(ctx context.Context, t mail.TenantID, a mail.AccountID) (store.TextSize, error) {
	size, err := s.store.Tenant(t).Texts().Size(ctx, a)
	return size, mail.Wrap("mailbox.IndexSize", err)
}

// walkIndexes looks at all accounts, now and again. Of several processes one does.
func (s *Service) walkIndexes(ctx context.Context) {
	for ctx.Err() == nil {
		held, _, err := s.store.Lead(ctx, "texts")
		for err == nil && held.Err() == nil {
			if err = s.walk(held); err != nil && ctx.Err() == nil {
				s.cfg.Log.Warn("looking for mail to be indexed", "error", err)
			}
			err = s.untilNextWalk(held)
		}
		_ = pause(ctx, time.Second) // the duty was lost
	}
}

// untilNextWalk waits until all accounts are to be looked at again.
func (s *Service) untilNextWalk(ctx context.Context) error {
	for until := time.Now().Add(walkIndexes); time.Now().Before(until) && !s.texts.takeLost(); {
		if err := pause(ctx, retryIndex); err != nil {
			return err
		}
	}
	return nil
}

// walk looks at all accounts of all tenants. One that cannot be read does not keep it from the others.
func (s *Service) walk(ctx context.Context) error {
	tenants, err := s.store.Tenants(ctx)
	errs := []error{err}
	for _, t := range tenants {
		if ctx.Err() == nil {
			errs = append(errs, s.walkTenant(ctx, t))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) walkTenant(ctx context.Context, t mail.TenantID) error {
	there := map[mail.AccountID]bool{}
	for page := (directory.AccountPage{}); ; {
		list, err := s.dir.Company(t).Accounts(ctx, page)
		if err != nil {
			return err
		}
		for i := range list {
			there[list[i].ID] = true
			if err := s.lookAt(ctx, textAccount{t, list[i].ID}); err != nil {
				return err
			}
			page.After = list[i].ID
		}
		if len(list) == 0 {
			return s.dropStrangers(ctx, t, there)
		}
	}
}

// lookAt indexes an account if something happened there since it was indexed.
func (s *Service) lookAt(ctx context.Context, key textAccount) error {
	upto, known := s.texts.upTo(key)
	if known {
		box, err := s.store.Tenant(key.tenant).Usage(ctx, key.account)
		if err == nil && box.ModSeq <= upto {
			return nil
		}
	}
	s.indexNew(ctx, key, time.Now())
	if !known && ctx.Err() == nil { // once for each process
		s.pruneThreads(ctx, key)
	}
	return ctx.Err()
}

// dropStrangers removes indexes of accounts that are gone.
func (s *Service) dropStrangers(ctx context.Context, t mail.TenantID, there map[mail.AccountID]bool) error {
	texts := s.store.Tenant(t).Texts()
	list, err := texts.Accounts(ctx)
	for _, a := range list {
		if err != nil || there[a] {
			continue
		}
		if _, err = s.dir.Company(t).Account(ctx, a); mail.Is(err, mail.NotFound) { // else it was made meanwhile
			err = texts.Drop(ctx, a)
		}
	}
	return err
}
