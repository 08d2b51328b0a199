package embedded

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// maxTallies is how many counters are kept; past it the ones that would be forgotten next go first.
const maxTallies = 100_000

// metaTally is where the platform's database keeps the counters.
const metaTally = "tally"

// tally are counters that forget. A counter has two slices of its window, this one and the one before,
// of which the part counts that the window still covers, as if its events had come evenly.
type tally struct {
	mu    sync.Mutex
	of    map[string]*window
	dirty bool
}

type window struct {
	Begin  int64 // of the slice, in milliseconds since 1970
	Length int64 // of a slice, in milliseconds
	Now    int64 // sum of this slice
	Before int64 // sum of the slice before
}

// Tally adds n to a counter and returns its sum over the window.
func (s *Store) Tally(ctx context.Context, key string, n int64, length time.Duration) (int64, error) {
	const op mail.Op = "store.Tally"
	if err := s.usable(ctx, op); err != nil {
		return 0, err
	}
	if length < time.Millisecond {
		return 0, mail.E(op, mail.Invalid, "tally.window")
	}
	return s.tally.add(key, n, length.Milliseconds(), time.Now().UnixMilli()), nil
}

func (t *tally) add(key string, n, length, now int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.of[key]
	if w == nil || w.Length != length {
		t.makeRoom(now)
		w = &window{Begin: now, Length: length}
		t.of[key] = w
	}
	w.advance(now)
	w.Now += n
	t.dirty = true
	return w.sum(now)
}

// advance moves the slices to where now is in the first of them.
func (w *window) advance(now int64) {
	switch past := (now - w.Begin) / w.Length; {
	case past == 1:
		w.Begin, w.Before, w.Now = w.Begin+w.Length, w.Now, 0
	case past > 1:
		w.Begin, w.Before, w.Now = now, 0, 0
	}
}

func (w *window) sum(now int64) int64 {
	return w.Now + w.Before*max(w.Length-(now-w.Begin), 0)/w.Length
}

// makeRoom forgets counters that are over, and if that is not enough any.
func (t *tally) makeRoom(now int64) {
	if t.of == nil {
		t.of = make(map[string]*window)
	}
	if len(t.of) < maxTallies {
		return
	}
	for key, w := range t.of {
		if now-w.Begin >= 2*w.Length {
			delete(t.of, key)
		}
	}
	for key := range t.of {
		if len(t.of) < maxTallies*9/10 {
			break
		}
		delete(t.of, key)
	}
}

// loadTally reads the counters at the start.
func (s *Store) loadTally() error {
	v, err := s.platform.acquire()
	if err != nil {
		return err
	}
	defer s.platform.release()
	return v.view(context.Background(), func(r *sql.Reader) error {
		_, data, found, err := r.Meta(metaTally)
		if err != nil || !found {
			return err
		}
		return json.Unmarshal(data, &s.tally.of)
	})
}

// saveTally writes the counters if they changed.
func (s *Store) saveTally(ctx context.Context) error {
	s.tally.mu.Lock()
	if !s.tally.dirty {
		s.tally.mu.Unlock()
		return nil
	}
	s.tally.dirty = false
	data, err := json.Marshal(s.tally.of)
	s.tally.mu.Unlock()
	if err != nil {
		return mail.Because("store.Tally", mail.Other, "", err)
	}
	v, err := s.platform.acquire()
	if err != nil {
		return err
	}
	defer s.platform.release()
	return v.committer.do(ctx, mail.Actor{}, "store.Tally", func(store.Tx) error {
		return v.tx.PutMeta(metaTally, 0, data)
	})
}
