package trace

import (
	"cmp"
	"context"
	"slices"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Entry is an item of the queue as the trace shows it.
type Entry struct {
	queue.Item
	Direction Direction
	// Hidden is how many of its recipients who asks may not see: they are not in To.
	Hidden int
}

// Result tells what became of the message on the whole: the worst of what became of its recipients.
func (e *Entry) Result() Result {
	worst := Delivered
	if e.Route == queue.RouteRefused {
		worst = Refused
	}
	for i := range e.To {
		if r := ResultOf(&e.Item, &e.To[i]); slices.Index(severity, r) > slices.Index(severity, worst) {
			worst = r
		}
	}
	return worst
}

// severity orders results from the one with least news.
var severity = []Result{Delivered, Filtered, Expanded, Forwarded, Quarantined, Removed, Waiting, Delayed, Held, Failed, Refused}

// Sees judges whether who asks may see what concerns an account (zero where it is none of ours) or an address. A nil Sees sees all.
type Sees func(mail.AccountID, mail.Address) bool

// Only sees what one account sent and got.
func Only(id mail.AccountID) Sees {
	return func(a mail.AccountID, _ mail.Address) bool { return a == id }
}

// entry shows an item to somebody; not ok when he may see nothing of it. Who sees the sender sees all recipients.
func (sees Sees) entry(it *queue.Item) (e Entry, ok bool) {
	e = Entry{Item: *it, Direction: DirectionOf(it)}
	ours := !it.Sender.IsZero() || it.Sign != "" // of an account, or of a machine in the company's VPN
	if sees == nil || ours && sees(it.Sender, it.From) {
		return e, true
	}
	e.To = nil
	for _, r := range it.To {
		if sees(r.Account, r.Address) {
			e.To = append(e.To, r)
		}
	}
	e.Hidden = len(it.To) - len(e.To)
	return e, len(e.To) > 0
}

// Page is a part of what a search finds.
type Page struct {
	Entries []Entry
	// Next is where to go on; zero when all was looked at. There may be a Next without Entries: one search looks at a bounded
	// number of items.
	Next mail.ItemID
}

// Search finds items, the newest first. Invalid "trace.condition".
func (s *Service) Search(ctx context.Context, tenant mail.TenantID, q Query, sees Sees) (Page, error) {
	const op mail.Op = "trace.Search"
	if err := q.check(); err != nil {
		return Page{}, err
	}
	x := &searching{tenant: s.cfg.Store.Tenant(tenant), m: newMatcher(q), sees: sees, left: lookAt}
	x.from, x.before = mail.ItemID(mail.FirstID(s.oldest(q.Since))), mail.ItemID(maxID)
	if !q.Until.IsZero() {
		x.before = mail.ItemID(mail.FirstID(q.Until))
	}
	if !q.Before.IsZero() {
		x.before = min(x.before, q.Before)
	}
	err := x.run(ctx)
	return x.page, mail.Wrap(op, err)
}

// maxID is larger than every id.
const maxID = 1<<63 - 1

// searching is a search under way. It goes back in time: from and before are what is left to look at.
type searching struct {
	tenant       store.Tenant
	m            *matcher
	sees         Sees
	from, before mail.ItemID
	left         int  // how many items may still be looked at
	all          bool // also items that do not stand for themselves
	page         Page
}

// full tells whether the search is over for now, and notes where to go on.
func (x *searching) full() bool {
	if len(x.page.Entries) < x.m.Limit && x.left > 0 {
		return false
	}
	x.page.Next = x.before
	return true
}

// run looks at what the index does not have yet, and then at what it proposes.
func (x *searching) run(ctx context.Context) error {
	if !x.m.item.IsZero() {
		x.from, x.before = max(x.from, x.m.item), min(x.before, x.m.item+1)
	}
	grams := x.m.wanted()
	if len(grams) == 0 {
		return x.scan(ctx, x.from)
	}
	at, err := x.tenant.Traces().Cursor(ctx)
	if err != nil {
		return err
	}
	if err := x.scan(ctx, max(at+1, x.from)); err != nil || !x.page.Next.IsZero() {
		return err
	}
	for x.before > x.from && !x.full() {
		if err := x.propose(ctx, grams); err != nil {
			return err
		}
	}
	return nil
}

// propose looks at the next items that the index proposes.
func (x *searching) propose(ctx context.Context, grams []store.Gram) error {
	n := min(max(x.m.Limit, leastProposed)+1, x.left, store.MaxPage)
	ids, err := x.tenant.Traces().Find(ctx, store.TraceFind{Grams: grams, From: x.from, Before: x.before, Limit: n})
	if err != nil {
		return err
	}
	var items []store.Item
	err = x.tenant.View(ctx, func(r store.Reader) (err error) {
		items, err = r.ItemsOf(ids)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(items, func(a, b store.Item) int { return cmp.Compare(b.ID, a.ID) })
	x.look(items)
	if len(x.page.Entries) == x.m.Limit {
		return nil
	}
	if x.before = x.from; len(ids) == n {
		x.before = ids[n-1]
	}
	return nil
}

// leastProposed is how many items the index is asked for at least.
const leastProposed = 100

// scanPortion is how many items are read at once.
const scanPortion = 500

// scan looks at all items down to one.
func (x *searching) scan(ctx context.Context, down mail.ItemID) error {
	for x.before > down && !x.full() {
		var items []store.Item
		n := min(scanPortion, x.left)
		err := x.tenant.View(ctx, func(r store.Reader) (err error) {
			items, err = r.ItemsBack(down, x.before, n)
			return err
		})
		if err != nil {
			return err
		}
		if x.look(items); len(items) < n && len(x.page.Entries) < x.m.Limit {
			x.before = down
		}
	}
	return nil
}

// look holds items, the newest first, against the query until the page is full.
func (x *searching) look(items []store.Item) {
	for _, stored := range items {
		x.before = stored.ID
		x.left--
		it, err := queue.Open(stored)
		if err != nil || !x.all && !shown(&it) || !x.m.is(&it) {
			continue // a damaged one is told of by who carries it
		}
		if e, ok := x.sees.entry(&it); ok {
			x.page.Entries = append(x.page.Entries, e)
			if len(x.page.Entries) == x.m.Limit {
				return
			}
		}
	}
}
