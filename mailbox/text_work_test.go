package mailbox

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
)

// TestWhatIsIndexedNext: few new messages wait for more, many do not, and who waits longest is first.
func TestWhatIsIndexedNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w textWork
		w.init()
		next := func(want textAccount, wantWait time.Duration) {
			t.Helper()
			key, _, wait := w.next(time.Now())
			if key != want || wait != wantWait {
				t.Fatalf("%v in %v, want %v in %v", key, wait, want, wantWait)
			}
		}
		a, b, c := textAccount{1, 1}, textAccount{1, 2}, textAccount{2, 1}
		next(textAccount{}, walkIndexes)
		w.grew(a, 1)
		next(textAccount{}, indexAfter)
		time.Sleep(5 * time.Second)
		w.grew(b, 1)
		w.grew(a, 1)
		next(textAccount{}, indexAfter-5*time.Second)
		w.grew(c, indexAtOnce)
		next(c, 0)
		time.Sleep(indexAfter)
		next(a, 0)
		next(b, 0)
		next(textAccount{}, walkIndexes)
		w.grew(a, indexAtOnce)
		w.again(a)
		next(textAccount{}, retryIndex)
		time.Sleep(retryIndex)
		next(a, 0)
	})
}

// TestManyAccountsAreNotLost: accounts that find no room among those noted are found by looking at all.
func TestManyAccountsAreNotLost(t *testing.T) {
	var w textWork
	w.init()
	for i := range maxDirty {
		w.grew(textAccount{1, mail.AccountID(i + 1)}, 1)
	}
	if w.takeLost() {
		t.Error("lost before it was full")
	}
	w.grew(textAccount{1, 1}, 1) // known already
	if w.takeLost() {
		t.Error("lost what is noted")
	}
	w.grew(textAccount{2, 1}, 1)
	if !w.takeLost() || w.takeLost() || len(w.dirty) != maxDirty {
		t.Error("not said once that an account was lost")
	}
}

// TestIndexingRests: while the doors are busy it waits, but not for ever, and then rests between portions.
func TestIndexingRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w textWork
		w.init()
		tools := &w.tools
		breathe := func(since time.Time) time.Duration {
			t.Helper()
			begun := time.Now()
			if err := tools.breathe(t.Context(), since); err != nil {
				t.Fatal(err)
			}
			return time.Since(begun)
		}
		if d := breathe(time.Now()); d > 2*sampling {
			t.Errorf("waited %v for idle doors", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { // doors with much to do
			for ctx.Err() == nil {
				w.active.Add(100)
				time.Sleep(10 * time.Millisecond)
			}
		}()
		time.Sleep(2 * sampling)
		if d := breathe(time.Now()); d < indexPatience || d > indexPatience+stale {
			t.Errorf("waited %v for busy doors", d)
		}
		tools.working = time.Second
		if d := breathe(time.Now().Add(-time.Hour)); d < indexRests*time.Second || d > indexRests*time.Second+stale {
			t.Errorf("rested %v after a second of work", d)
		}
		cancel()
		time.Sleep(time.Second)
		tools.working = time.Second
		if d := breathe(time.Now().Add(-time.Hour)); d > stale {
			t.Errorf("rested %v though the doors are idle", d)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := tools.breathe(ended, time.Now()); err == nil {
			t.Error("no error when it is to end")
		}
	})
}
