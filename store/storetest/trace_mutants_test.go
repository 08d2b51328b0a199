package storetest

import (
	"context"
	"slices"
	"testing"

	"tegami/mail"
	"tegami/store"
)

// hasTraces is a tenant with an index of the trace of its own.
type hasTraces struct {
	store.Tenant
	traces store.Traces
}

func (t hasTraces) Traces() store.Traces { return t.traces }

// What indexes of the trace, and lists of items, do wrong.
type (
	losesOldest  struct{ store.Traces } // a search does not give the last item
	anyCursor    struct{ store.Traces } // takes portions wherever they begin
	oldestFirst  struct{ store.Traces }
	deafToRange  struct{ store.Traces }
	sumsLast     struct{ store.Traces } // keeps the last number and not the sum
	neverDone    struct{ store.Traces } // lists what was done with
	neverPrunes  struct{ store.Traces }
	prunesCursor struct{ store.Traces }
	forwards     struct{ store.Reader }
	unbounded    struct{ store.Reader } // does not heed from
	prunesAll    struct{ store.Tx }     // also what waits
)

func (x losesOldest) Find(ctx context.Context, f store.TraceFind) ([]mail.ItemID, error) {
	found, err := x.Traces.Find(ctx, f)
	return found[:max(0, len(found)-1)], err
}

func (x anyCursor) Add(ctx context.Context, p store.TracePortion) (err error) {
	at, err := x.Traces.Cursor(ctx)
	if err != nil {
		return err
	}
	p.After = at
	return x.Traces.Add(ctx, p)
}

func (x oldestFirst) Find(ctx context.Context, f store.TraceFind) ([]mail.ItemID, error) {
	found, err := x.Traces.Find(ctx, f)
	slices.Sort(found)
	return found, err
}

func (x deafToRange) Find(ctx context.Context, f store.TraceFind) ([]mail.ItemID, error) {
	f.From = 0
	return x.Traces.Find(ctx, f)
}

func (x sumsLast) Add(ctx context.Context, p store.TracePortion) error {
	seen := map[string]bool{}
	p.Sums = slices.DeleteFunc(slices.Clone(p.Sums), func(s store.TraceSum) bool {
		again := seen[s.Name]
		seen[s.Name] = true
		return again
	})
	return x.Traces.Add(ctx, p)
}

func (x neverDone) Add(ctx context.Context, p store.TracePortion) error {
	p.Done = nil
	return x.Traces.Add(ctx, p)
}

func (x neverPrunes) Prune(context.Context, mail.ItemID) error { return nil }

func (x prunesCursor) Prune(ctx context.Context, _ mail.ItemID) error { return x.Traces.Drop(ctx) }

func (r forwards) ItemsBack(from, before mail.ItemID, limit int) ([]store.Item, error) {
	list, err := r.Reader.ItemsBack(from, before, limit)
	slices.Reverse(list)
	return list, err
}

func (r unbounded) ItemsBack(_, before mail.ItemID, limit int) ([]store.Item, error) {
	return r.Reader.ItemsBack(0, before, limit)
}

func (t prunesAll) PruneItems(before mail.ItemID, limit int) (int, error) {
	list, err := t.Items(0, 0, limit)
	n := 0
	for _, i := range list {
		if err == nil && i.ID < before {
			n, err = n+1, t.DeleteItem(i.ID, 0)
		}
	}
	return n, err
}

// mistracing makes a mutant of a wrong index of the trace.
func mistracing(wrong func(store.Traces) store.Traces) mutant {
	m := breaking(func(t store.Tenant) store.Tenant { return hasTraces{t, wrong(t.Traces())} })
	m.only = tracePromises
	return m
}

// TestCP8Mutants is TestMutants for the trace.
func TestCP8Mutants(t *testing.T) {
	for name, m := range map[string]mutant{
		"loses the oldest":         mistracing(func(x store.Traces) store.Traces { return losesOldest{x} }),
		"indexes in any order":     mistracing(func(x store.Traces) store.Traces { return anyCursor{x} }),
		"finds the oldest first":   mistracing(func(x store.Traces) store.Traces { return oldestFirst{x} }),
		"looks further back":       mistracing(func(x store.Traces) store.Traces { return deafToRange{x} }),
		"does not sum":             mistracing(func(x store.Traces) store.Traces { return sumsLast{x} }),
		"is never done":            mistracing(func(x store.Traces) store.Traces { return neverDone{x} }),
		"never prunes":             mistracing(func(x store.Traces) store.Traces { return neverPrunes{x} }),
		"prunes the cursor":        mistracing(func(x store.Traces) store.Traces { return prunesCursor{x} }),
		"lists items forwards":     {reader: func(r store.Reader) store.Reader { return forwards{r} }, only: tracePromises},
		"lists items without end":  {reader: func(r store.Reader) store.Reader { return unbounded{r} }, only: tracePromises},
		"prunes items that waited": {tx: func(tx store.Tx) store.Tx { return prunesAll{tx} }, only: tracePromises},
	} {
		t.Run(name, func(t *testing.T) {
			if by := noticed(t, m); by == "" {
				t.Error("no test of the contract notices")
			} else {
				t.Log("noticed by", by)
			}
		})
	}
}
