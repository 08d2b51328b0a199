package storetest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

var tracePromises = []promise{
	{"CP8TracesBeginEmpty", tracesBeginEmpty},
	{"CP8TracesFindWhatWasAdded", tracesFindWhatWasAdded},
	{"CP8TracesAreAddedInOrder", tracesAreAddedInOrder},
	{"CP8TracesTakeAnItemAgain", tracesTakeAnItemAgain},
	{"CP8TracesKeepSumsAndWhatIsOpen", tracesKeepSums},
	{"CP8TracesArePrunedAndDropped", tracesArePruned},
	{"CP8TracesOfOthersStayApart", tracesOfOthers},
	{"CP8TracesAreAddedOnce", tracesAreAddedOnce},
	{"CP8ItemsAreListedBack", itemsAreListedBack},
	{"CP8ItemsArePruned", itemsArePruned},
}

// traceLog is a tenant's index of the trace as it should be.
type traceLog struct {
	*fixture
	rng  *rand.Rand
	upto mail.ItemID
	docs map[mail.ItemID][]store.Gram
}

func (f *fixture) traceLog(seed uint64) *traceLog {
	return &traceLog{f, rand.New(rand.NewPCG(seed, 2)), 0, map[mail.ItemID][]store.Gram{}}
}

// gram is one of which many items have it, or few.
func (l *traceLog) gram() store.Gram {
	if l.rng.IntN(2) == 0 {
		return store.Gram(l.rng.IntN(8)) * 0x15555555
	}
	return store.Gram(l.rng.Uint32() >> l.rng.IntN(24))
}

// portion makes the next n items.
func (l *traceLog) portion(n int) store.TracePortion {
	p := store.TracePortion{After: l.upto, Upto: l.upto}
	for range n {
		p.Upto += mail.ItemID(1 + l.rng.IntN(1<<30))
		d := store.TraceDoc{Item: p.Upto}
		for range 1 + l.rng.IntN(10) {
			if g := l.gram(); !slices.Contains(d.Grams, g) {
				d.Grams = append(d.Grams, g)
			}
		}
		p.Docs = append(p.Docs, d)
	}
	p.Upto += mail.ItemID(1 + l.rng.IntN(1000))
	return p
}

func (l *traceLog) add(n int) {
	p := l.portion(n)
	l.ok(l.tenant.Traces().Add(context.Background(), p))
	l.took(p)
}

func (l *traceLog) took(p store.TracePortion) {
	l.upto = p.Upto
	for _, d := range p.Docs {
		l.docs[d.Item] = append(l.docs[d.Item], d.Grams...)
	}
}

// having gives the items with all grams, the newest first.
func (l *traceLog) having(f store.TraceFind) (list []mail.ItemID) {
	for id, grams := range l.docs {
		all := id >= f.From && id < f.Before
		for _, g := range f.Grams {
			all = all && slices.Contains(grams, g)
		}
		if all {
			list = append(list, id)
		}
	}
	slices.SortFunc(list, func(a, b mail.ItemID) int { return cmp.Compare(b, a) })
	return list[:min(len(list), f.Limit)]
}

func (l *traceLog) find(f store.TraceFind) []mail.ItemID {
	got, err := l.tenant.Traces().Find(context.Background(), f)
	l.ok(err)
	return got
}

const allItems = mail.ItemID(1<<63 - 1)

// look holds the index against what it should be, page after page.
func (l *traceLog) look() {
	at, err := l.tenant.Traces().Cursor(context.Background())
	l.ok(err)
	l.same("cursor", at, l.upto)
	for range 30 {
		f := store.TraceFind{Before: allItems, Limit: 1 + l.rng.IntN(50)}
		for range l.rng.IntN(4) {
			f.Grams = append(f.Grams, l.gram())
		}
		if l.rng.IntN(2) == 0 && l.upto > 2 {
			f.From, f.Before = mail.ItemID(l.rng.Int64N(int64(l.upto)/2)), l.upto/2+mail.ItemID(l.rng.Int64N(int64(l.upto)/2))
		}
		for pages := 0; pages < 5; pages++ {
			got, want := l.find(f), l.having(f)
			l.same("found", got, want)
			if len(got) < f.Limit {
				break
			}
			f.Before = got[len(got)-1]
		}
	}
}

func tracesBeginEmpty(f *fixture) {
	ctx := context.Background()
	t := f.tenant.Traces()
	f.traceLog(1).look()
	again, err := t.Again(ctx, 0, 0)
	f.ok(err)
	f.same("to be looked at again", len(again), 0)
	sums, err := t.Sums(ctx, time.Unix(0, 0), time.Now())
	f.ok(err)
	f.same("sums", len(sums), 0)
	size, err := t.Size(ctx)
	f.ok(err)
	f.same("size", size, store.TextSize{})
	f.ok(t.Drop(ctx))
	f.ok(t.Prune(ctx, 5))
	_, err = f.store.Tenant(f.id + 999).Traces().Cursor(ctx)
	f.is(err, mail.NotFound)
}

func tracesFindWhatWasAdded(f *fixture) {
	l := f.traceLog(2)
	for _, n := range []int{1, 3, 200, 1, 1, 1, 1, 1, 1, 1, 1, 40, 500, 2} {
		l.add(n)
		l.look()
	}
	for range 40 { // until segments are merged
		l.add(1 + l.rng.IntN(60))
	}
	l.look()
	size, err := f.tenant.Traces().Size(context.Background())
	f.ok(err)
	f.same("items", size.Docs, len(l.docs))
	f.same("segments are merged", size.Segments > 0 && size.Segments < 40, true)
	f.same("more than there may be are not asked for", len(l.find(store.TraceFind{Before: allItems})), min(store.MaxPage, len(l.docs)))
}

func tracesAreAddedInOrder(f *fixture) {
	l := f.traceLog(3)
	l.add(5)
	add := func(p store.TracePortion) error { return f.tenant.Traces().Add(context.Background(), p) }
	p := l.portion(3)
	early, late := p, p
	early.After--
	late.After++
	f.says(add(early), mail.Conflict, "trace.moved")
	f.says(add(late), mail.Conflict, "trace.moved")
	for what, wrong := range map[string]func(*store.TracePortion){
		"back":         func(p *store.TracePortion) { p.Upto = p.After - 1; p.Docs = nil },
		"past the end": func(p *store.TracePortion) { p.Upto = p.Docs[len(p.Docs)-1].Item - 1 },
		"descending":   func(p *store.TracePortion) { p.Docs = slices.Clone(p.Docs); slices.Reverse(p.Docs) },
		"twice":        func(p *store.TracePortion) { p.Docs = append([]store.TraceDoc{p.Docs[0]}, p.Docs...) },
		"no item":      func(p *store.TracePortion) { p.Docs = append([]store.TraceDoc{{}}, p.Docs...) },
		"no name":      func(p *store.TracePortion) { p.Sums = []store.TraceSum{{N: 1}} },
		"too many": func(p *store.TracePortion) {
			p.Docs = nil
			for i := range store.MaxTraceDocs + 1 {
				p.Docs = append(p.Docs, store.TraceDoc{Item: p.After + mail.ItemID(i) + 1})
			}
			p.Upto += store.MaxTraceDocs + 1
		},
	} {
		bad := p
		wrong(&bad)
		if err := add(bad); !mail.Is(err, mail.Invalid) {
			f.Fatalf("%s: %v", what, err)
		}
	}
	l.look()
	f.ok(add(p))
	l.took(p)
	l.look()
}

// tracesTakeAnItemAgain: an item comes with further words, long after it came first, and stays in its place.
func tracesTakeAnItemAgain(f *fixture) {
	l := f.traceLog(4)
	const word store.Gram = 0x77777777
	var old []mail.ItemID
	for range 20 {
		l.add(1 + l.rng.IntN(40))
		for id := range l.docs {
			if len(old) < 5 || l.rng.IntN(50) == 0 {
				old = append(old, id)
				break
			}
		}
		p := store.TracePortion{After: l.upto, Upto: l.upto, Docs: []store.TraceDoc{{Item: old[l.rng.IntN(len(old))], Grams: []store.Gram{word}}}}
		f.ok(f.tenant.Traces().Add(context.Background(), p))
		if id := p.Docs[0].Item; !slices.Contains(l.docs[id], word) {
			l.docs[id] = append(l.docs[id], word)
		}
		f.same("found again", l.find(store.TraceFind{Grams: []store.Gram{word}, Before: allItems, Limit: 50}),
			l.having(store.TraceFind{Grams: []store.Gram{word}, Before: allItems, Limit: 50}))
		f.same("all, once each", l.find(store.TraceFind{Before: allItems, Limit: 7}), l.having(store.TraceFind{Before: allItems, Limit: 7}))
	}
}

func tracesKeepSums(f *fixture) {
	ctx := context.Background()
	t := f.tenant.Traces()
	hour := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	sum := func(h int, name string, n int64) store.TraceSum {
		return store.TraceSum{Hour: hour.Add(time.Duration(h) * time.Hour), Name: name, N: n}
	}
	f.ok(t.Add(ctx, store.TracePortion{Upto: 10, Again: []mail.ItemID{3, 1, 7}, Sums: []store.TraceSum{sum(0, "in", 2), sum(1, "in", 1), sum(0, "in", 3), sum(0, "out", 1)}}))
	f.ok(t.Add(ctx, store.TracePortion{After: 10, Upto: 10, Again: []mail.ItemID{7, 9}, Done: []mail.ItemID{3, 4}, Sums: []store.TraceSum{sum(1, "in", 4), sum(2, "in", -1)}}))
	all, err := t.Sums(ctx, hour, hour.Add(2*time.Hour))
	f.ok(err)
	f.same("sums", all, []store.TraceSum{sum(0, "in", 5), sum(0, "out", 1), sum(1, "in", 5)})
	all, err = t.Sums(ctx, hour.Add(time.Minute), hour.Add(2*time.Hour+time.Minute))
	f.ok(err)
	f.same("sums of hours that begin in between", all, []store.TraceSum{sum(1, "in", 5), sum(2, "in", -1)})
	again, err := t.Again(ctx, 0, 2)
	f.ok(err)
	f.same("to be looked at again", again, []mail.ItemID{1, 7})
	again, err = t.Again(ctx, 7, 2)
	f.ok(err)
	f.same("the others", again, []mail.ItemID{9})
}

func tracesArePruned(f *fixture) {
	ctx := context.Background()
	t := f.tenant.Traces()
	l := f.traceLog(5)
	for range 12 {
		l.add(300)
	}
	middle := l.upto / 2
	f.ok(t.Add(ctx, store.TracePortion{After: l.upto, Upto: l.upto, Again: []mail.ItemID{5, middle + 1},
		Sums: []store.TraceSum{{Hour: middle.Time().Add(-48 * time.Hour), Name: "old", N: 1}, {Hour: middle.Time().Add(time.Hour), Name: "new", N: 1}}}))
	f.ok(t.Prune(ctx, middle))
	q := store.TraceFind{From: middle, Before: allItems, Limit: store.MaxPage}
	f.same("what is left", l.find(q), l.having(q))
	again, err := t.Again(ctx, 0, 0)
	f.ok(err)
	f.same("to be looked at again", again, []mail.ItemID{middle + 1})
	sums, err := t.Sums(ctx, time.Unix(0, 0), middle.Time().Add(1000*time.Hour))
	f.ok(err)
	f.same("sums", len(sums) == 1 && sums[0].Name == "new", true)
	f.ok(t.Prune(ctx, l.upto))
	size, err := t.Size(ctx)
	f.ok(err)
	f.same("all is old", size, store.TextSize{})
	at, err := t.Cursor(ctx)
	f.ok(err)
	f.same("the cursor stays", at, l.upto)
	f.ok(t.Drop(ctx))
	l.docs, l.upto = map[mail.ItemID][]store.Gram{}, 0
	l.look()
	l.add(20)
	l.look()
}

func tracesOfOthers(f *fixture) {
	other := f.on(f.newTenant())
	mine, theirs := f.traceLog(6), other.traceLog(7)
	mine.add(30)
	theirs.look()
	theirs.add(20)
	mine.look()
	theirs.look()
	f.ok(f.tenant.Traces().Drop(context.Background()))
	theirs.look()
}

// tracesAreAddedOnce lets several add the same portions: each is taken from one of them.
func tracesAreAddedOnce(f *fixture) {
	l := f.traceLog(8)
	var portions []store.TracePortion
	for range 10 {
		p := l.portion(4)
		p.Sums = []store.TraceSum{{Name: "n", N: 1}}
		portions = append(portions, p)
		l.took(p)
	}
	var taken atomic.Int64
	f.together(4, func(int) error {
		for _, p := range portions {
			switch err := f.tenant.Traces().Add(context.Background(), p); {
			case err == nil:
				taken.Add(1)
			case !mail.Is(err, mail.Conflict):
				return err
			}
		}
		return nil
	})
	f.same("portions taken", taken.Load(), int64(len(portions)))
	l.look()
}

// putItems writes items with these ids and states.
func (f *fixture) putItems(states map[mail.ItemID]store.ItemState) {
	f.ok(f.tenant.Update(context.Background(), Actor(), "test", func(tx store.Tx) error {
		for id, state := range states {
			if err := tx.PutItem(store.Item{ID: id, State: state, Due: past, Route: "local", Doc: []byte{1}}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (f *fixture) itemIDs(read func(store.Reader) ([]store.Item, error)) (ids []mail.ItemID) {
	f.ok(f.tenant.View(context.Background(), func(r store.Reader) error {
		list, err := read(r)
		for _, i := range list {
			ids = append(ids, i.ID)
		}
		return err
	}))
	return ids
}

func itemsAreListedBack(f *fixture) {
	states := map[mail.ItemID]store.ItemState{}
	for i := range mail.ItemID(40) {
		states[10+i] = store.ItemState(i%3) + store.ItemWaiting
	}
	f.putItems(states)
	back := func(from, before mail.ItemID, limit int) []mail.ItemID {
		return f.itemIDs(func(r store.Reader) ([]store.Item, error) { return r.ItemsBack(from, before, limit) })
	}
	f.same("the newest", back(0, allItems, 3), []mail.ItemID{49, 48, 47})
	f.same("in between", back(20, 23, 0), []mail.ItemID{22, 21, 20})
	f.same("none", len(back(23, 23, 0)), 0)
	of := func(ids ...mail.ItemID) []mail.ItemID {
		list := f.itemIDs(func(r store.Reader) ([]store.Item, error) { return r.ItemsOf(ids) })
		slices.Sort(list)
		return list
	}
	f.same("by their ids", of(49, 11, 5), []mail.ItemID{11, 49})
	f.same("none asked for", len(of()), 0)
	var many []mail.ItemID
	for i := range mail.ItemID(30) {
		many = append(many, 15+i)
	}
	f.same("more than a query takes", of(many...), many)
}

func itemsArePruned(f *fixture) {
	states := map[mail.ItemID]store.ItemState{}
	for i := range mail.ItemID(30) {
		states[10+i] = store.ItemSettled
	}
	states[12], states[15] = store.ItemWaiting, store.ItemHeld
	f.putItems(states)
	prune := func(before mail.ItemID, limit int) (n int) {
		f.ok(f.tenant.Update(context.Background(), Actor(), "test", func(tx store.Tx) (err error) {
			n, err = tx.PruneItems(before, limit)
			return err
		}))
		return n
	}
	f.same("none", prune(10, 0), 0)
	f.same("the oldest", prune(20, 3), 3)
	f.same("the others", prune(20, 0), 5)
	f.same("those that are left", f.itemIDs(func(r store.Reader) ([]store.Item, error) { return r.Items(0, 0, 4) }), []mail.ItemID{12, 15, 20, 21})
}
