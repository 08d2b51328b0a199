package storetest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/embedded"
)

// A mutant is a sound store that breaks one promise. Some test of the contract must notice.
type mutant struct {
	store.Store
	tenant func(mutant, mail.TenantID) store.Tenant
	tx     func(store.Tx) store.Tx
	reader func(store.Reader) store.Reader
	claim  func([]store.Claimed) []store.Claimed
	only   []promise // those that may notice; nil for all
}

func (m mutant) Tenant(id mail.TenantID) store.Tenant {
	if m.tenant != nil {
		return m.tenant(m, id)
	}
	return mutantTenant{m.Store.Tenant(id), m}
}

func (m mutant) Claim(ctx context.Context, worker string, max int, lease time.Duration) ([]store.Claimed, error) {
	list, err := m.Store.Claim(ctx, worker, max, lease)
	if m.claim != nil {
		list = m.claim(list)
	}
	return list, err
}

type mutantTenant struct {
	store.Tenant
	m mutant
}

func (t mutantTenant) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	return t.Tenant.Update(ctx, by, why, func(tx store.Tx) error {
		if t.m.tx != nil {
			tx = t.m.tx(tx)
		}
		return fn(tx)
	})
}

func (t mutantTenant) View(ctx context.Context, fn func(store.Reader) error) error {
	return t.Tenant.View(ctx, func(r store.Reader) error {
		if t.m.reader != nil {
			r = t.m.reader(r)
		}
		return fn(r)
	})
}

// What the mutants do wrong.
type (
	keepsErrors   struct{ store.Tenant } // what a failed function wrote stays
	swallowsError struct{ store.Tenant }
	anybody       struct{ store.Tenant } // nobody may write
	lateWatch     struct{ store.Tenant }
	stillEpoch    struct{ store.Tenant }
	emptyUsage    struct{ store.Tenant }
	forgetfulTx   struct{ store.Tx } // flags are not written
	newEmailTx    struct{ store.Tx } // moving makes a new message
	wideTx        struct{ store.Tx } // a change of flags does not end where it should
	caseTx        struct{ store.Tx } // keywords are compared with case
	noIndexTx     struct{ store.Tx }
	openFenceTx   struct{ store.Tx } // a lease keeps nobody out
	noRenewalTx   struct{ store.Tx } // every write ends the lease
	noBirthTx     struct{ store.Tx } // a new item is leased to nobody
	greedyTx      struct{ store.Tx } // any item can be leased by writing it
	longMemoTx    struct{ store.Tx } // what was remembered first stays
	hoarderTx     struct{ store.Tx } // nothing is forgotten together
	endlessLease  struct{ store.Reader }
	allRoutes     struct{ store.Reader } // settled items count
	sortedRoutes  struct{ store.Reader } // by name
	wholeRoute    struct{ store.Reader } // from the start, always
	anyRoute      struct{ store.Reader }
	allMarks      struct{ store.Reader }
	noGone        struct{ store.Reader }
	longRange     struct{ store.Reader }
	lastPlace     struct{ store.Reader } // of the message before
	unsorted      struct{ store.Reader }
	oneMore       struct{ store.Reader } // a counter is wrong
	bareActs      struct{ store.Reader }
	endlessActs   struct{ store.Reader }
	muteTx        struct{ store.Tx }
	blindTx       struct{ store.Tx }     // entries are written whatever stands there
	barestTx      struct{ store.Tx }     // entries have no octets and no end
	constantTx    struct{ store.Tx }     // counts never fade
	overCountsTx  struct{ store.Tx }     // counts are written over all others
	greedyPruneTx struct{ store.Tx }     // large counts are pruned too
	endless       struct{ store.Reader } // all entries with an end have ended
	oneSum        struct{ store.Reader } // sums begin with the first account
	entriesUpward struct{ store.Reader } // entries come the wrong way round
	remainsTx     struct{ store.Tx }     // entries outlive their account
	noTraces      struct{ store.Reader }
	anyGroup      struct{ store.Reader }
	allEntries    struct{ store.Reader } // since the beginning, always
	noFloor       struct{ store.Reader }
	newThreadTx   struct{ store.Tx }     // references lead to who used them last
	sinceFlags    struct{ store.Reader } // what came is not given
)

func (t keepsErrors) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	var failed error
	if err := t.Tenant.Update(ctx, by, why, func(tx store.Tx) error { failed = fn(tx); return nil }); err != nil {
		return err
	}
	return failed
}

func (t swallowsError) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	err := t.Tenant.Update(ctx, by, why, fn)
	if strings.Contains(fmt.Sprint(err), errGiveUp.Error()) {
		return nil
	}
	return err
}

func (t anybody) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	if !by.Valid() {
		by = Actor()
	}
	return t.Tenant.Update(ctx, by, why, fn)
}

func (t lateWatch) Watch(ctx context.Context, a mail.AccountID) <-chan mail.ModSeq {
	out := make(chan mail.ModSeq)
	go func() {
		defer close(out)
		last := mail.ModSeq(0)
		for n := range t.Tenant.Watch(ctx, a) { // always the one before
			select {
			case out <- last:
			case <-ctx.Done():
			}
			last = n
		}
	}()
	return out
}

func (t stillEpoch) Epoch() uint64 { return 1 }

func (t emptyUsage) Usage(context.Context, mail.AccountID) (store.Box, error) {
	return store.Box{}, nil
}

func (tx forgetfulTx) SetFlags(m mail.MailboxID, uid mail.UID, f mail.Flags) (store.Mark, error) {
	return store.Mark{UID: uid, Flags: f, ModSeq: 1 << 40}, nil
}

func (tx wideTx) ChangeFlags(m mail.MailboxID, lo, hi mail.UID, clear, set mail.Flags) (mail.ModSeq, int, error) {
	return tx.Tx.ChangeFlags(m, lo, hi+1, clear, set)
}

func (tx newEmailTx) MoveMessage(from mail.MailboxID, uid mail.UID, to mail.MailboxID) (store.Mark, error) {
	var source store.Message
	if err := tx.Messages(from, uid, uid, 0, func(m *store.Message) bool { source = *m; return false }); err != nil {
		return store.Mark{}, err
	}
	if source.ID == 0 {
		return tx.Tx.MoveMessage(from, uid, to)
	}
	m, err := tx.AddMessage(store.NewMessage{Mailbox: to, Flags: source.Flags, Received: source.Received, Blob: source.Blob, Thread: source.Thread})
	if err != nil {
		return store.Mark{}, err
	}
	return store.Mark{UID: m.UID, Flags: m.Flags, ModSeq: m.ModSeq}, tx.Expunge(from, uid)
}

func (tx caseTx) AddKeyword(a mail.AccountID, name string) (mail.Flags, error) {
	return tx.Tx.AddKeyword(a, fmt.Sprintf("%x", name))
}

func (tx noIndexTx) Keep(s store.Staged, _ []byte) (mail.BlobRef, error) { return tx.Tx.Keep(s, nil) }

func (tx openFenceTx) PutItem(i store.Item) error {
	if there, err := tx.Item(i.ID); err == nil {
		i.Fence = there.Fence
	}
	return tx.Tx.PutItem(i)
}

func (tx noRenewalTx) PutItem(i store.Item) error {
	if i.Fence != 0 {
		i.Until = time.Time{}
	}
	return tx.Tx.PutItem(i)
}

func (tx noBirthTx) PutItem(i store.Item) error {
	if i.Fence == 0 {
		i.Until = time.Time{}
	}
	return tx.Tx.PutItem(i)
}

func (tx greedyTx) PutItem(i store.Item) error {
	if there, err := tx.Item(i.ID); err == nil && there.Fence == 0 && !i.Until.IsZero() && i.Fence == 0 {
		i.Until = time.Time{}
	}
	return tx.Tx.PutItem(i)
}

func (r endlessLease) Item(id mail.ItemID) (store.Item, error) {
	i, err := r.Reader.Item(id)
	i.Until = time.Time{}
	return i, err
}

func (r allRoutes) Routes(limit int) ([]store.RouteCount, error) {
	list, err := r.Reader.Routes(limit)
	settled, _ := r.Items(store.ItemSettled, 0, 0)
	for _, i := range settled {
		for n := range list {
			if list[n].Route == i.Route {
				list[n].Items++
			}
		}
	}
	return list, err
}

func (r sortedRoutes) Routes(limit int) ([]store.RouteCount, error) {
	list, err := r.Reader.Routes(limit)
	slices.SortFunc(list, func(a, b store.RouteCount) int { return cmp.Compare(a.Route, b.Route) })
	return list, err
}

func (r wholeRoute) ItemsOn(route string, _ mail.ItemID, limit int) ([]store.Item, error) {
	return r.Reader.ItemsOn(route, 0, limit)
}

func (r anyRoute) ItemsOn(_ string, after mail.ItemID, limit int) ([]store.Item, error) {
	list, err := r.Items(store.ItemWaiting, after, limit)
	held, _ := r.Items(store.ItemHeld, after, limit)
	return append(list, held...), err
}

func (r allMarks) Marks(m mail.MailboxID, _ mail.ModSeq, fn func(store.Mark) bool) error {
	return r.Reader.Marks(m, 0, fn)
}

func (r noGone) Gone(mail.MailboxID, mail.ModSeq, func(store.Gone) bool) error { return nil }

func (r longRange) Messages(m mail.MailboxID, lo, hi mail.UID, with store.With, fn func(*store.Message) bool) error {
	return r.Reader.Messages(m, lo, max(hi, hi+1), with, fn)
}

func (r lastPlace) Messages(m mail.MailboxID, lo, hi mail.UID, with store.With, fn func(*store.Message) bool) error {
	var last store.Place
	return r.Reader.Messages(m, lo, hi, with, func(msg *store.Message) bool {
		own := msg.Place
		if last.Pack != 0 && own.Pack != 0 {
			msg.Place.Pack, msg.Place.Off = last.Pack, last.Off
		}
		last = own
		return fn(msg)
	})
}

func (r unsorted) Marks(m mail.MailboxID, since mail.ModSeq, fn func(store.Mark) bool) error {
	var list []store.Mark
	if err := r.Reader.Marks(m, since, func(k store.Mark) bool { list = append(list, k); return true }); err != nil {
		return err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if !fn(list[i]) {
			return nil
		}
	}
	return nil
}

func (r oneMore) Mailbox(id mail.MailboxID) (store.Mailbox, error) {
	m, err := r.Reader.Mailbox(id)
	if m.Messages > 1 {
		m.Unseen++
	}
	return m, err
}

func (r bareActs) Acts(after uint64, limit int) ([]store.Act, error) {
	list, err := r.Reader.Acts(after, limit)
	for i := range list {
		list[i].Before = nil
	}
	return list, err
}

func (r endlessActs) ActsBack(q store.ActQuery) ([]store.Act, error) {
	q.Until = time.Time{}
	return r.Reader.ActsBack(q)
}

func (t muteTx) Note(kind string, id mail.ObjectID, doc []byte) error { return nil }

func (t blindTx) PutEntry(e store.Entry) (store.Entry, error) {
	e.ModSeq = 0
	return t.Tx.PutEntry(e)
}

func (t remainsTx) DropBelongings(mail.AccountID) error { return nil }

func (r noTraces) EntriesSince(a mail.AccountID, kind string, since mail.ModSeq, limit int) ([]store.Entry, error) {
	list, err := r.Reader.EntriesSince(a, kind, since, limit)
	return slices.DeleteFunc(list, func(e store.Entry) bool { return e.Gone }), err
}

func (r anyGroup) Entries(a mail.AccountID, kind string, _ mail.ObjectID, page store.Page) ([]store.Entry, error) {
	return r.Reader.Entries(a, kind, 0, page)
}

func (r allEntries) EntriesSince(a mail.AccountID, kind string, _ mail.ModSeq, limit int) ([]store.Entry, error) {
	return r.Reader.EntriesSince(a, kind, 0, limit)
}

func (t barestTx) PutEntry(e store.Entry) (store.Entry, error) {
	e.Blob, e.Ends = mail.BlobRef{}, time.Time{}
	return t.Tx.PutEntry(e)
}

func (r endless) EntriesEnded(kind string, _ time.Time, limit int) ([]store.Entry, error) {
	return r.Reader.EntriesEnded(kind, memoEnd, limit)
}

func (r oneSum) EntrySums(kind string, _ mail.AccountID, limit int) ([]store.EntrySum, error) {
	return r.Reader.EntrySums(kind, 0, limit)
}

func (r entriesUpward) EntriesBack(a mail.AccountID, kind string, before mail.ObjectID, limit int) ([]store.Entry, error) {
	list, err := r.Reader.EntriesBack(a, kind, before, limit)
	slices.Reverse(list)
	return list, err
}

func (t constantTx) AddCounts(kind store.CountKind, _ bool, list []store.Count) error {
	return t.Tx.AddCounts(kind, false, list)
}

func (t overCountsTx) AddCounts(kind store.CountKind, fades bool, list []store.Count) error {
	if err := t.DropCounts(kind); err != nil {
		return err
	}
	return t.Tx.AddCounts(kind, fades, list)
}

func (t greedyPruneTx) PruneCounts(kind store.CountKind, _ int64, limit int) (int, error) {
	return t.Tx.PruneCounts(kind, 1<<62, limit)
}

func (r noFloor) EntriesFloor(mail.AccountID, string) (mail.ModSeq, error) { return 0, nil }

func (t newThreadTx) PutThreadRefs(a mail.AccountID, refs []store.ThreadRef, thread mail.ThreadID) error {
	if err := t.PruneThreadRefs(a, time.Now().Add(48*time.Hour)); err != nil {
		return err
	}
	return t.Tx.PutThreadRefs(a, refs, thread)
}

func (r sinceFlags) MessagesSince(m mail.MailboxID, since mail.ModSeq, fn func(*store.Message) bool) error {
	return r.Reader.MessagesSince(m, since, func(msg *store.Message) bool { return msg.Born > since || fn(msg) })
}

func (t longMemoTx) PutMemo(a mail.AccountID, name string, until time.Time) error {
	if have, err := t.Memo(a, name); err != nil || !have.IsZero() {
		return err
	}
	return t.Tx.PutMemo(a, name, until)
}

func (t hoarderTx) DropMemos(mail.AccountID) error { return nil }

// breaking makes a mutant of a wrong Tenant.
func breaking(wrong func(store.Tenant) store.Tenant) mutant {
	return mutant{tenant: func(m mutant, id mail.TenantID) store.Tenant { return wrong(m.Store.Tenant(id)) }}
}

// hasTexts is a tenant with indexes of its own.
type hasTexts struct {
	store.Tenant
	texts store.Texts
}

func (t hasTexts) Texts() store.Texts { return t.texts }

// What indexes do wrong.
type (
	missesOne    struct{ store.Texts } // does not find the last message
	findsForeign struct{ store.Texts } // in the wrong account
	anyOrder     struct{ store.Texts } // takes portions wherever they begin
	hidesUnknown struct{ store.Texts }
	neverTrims   struct{ store.Texts }
	dropsAll     struct{ store.Texts }
	dropsNothing struct{ store.Texts }
)

func (x missesOne) Find(ctx context.Context, a mail.AccountID, m mail.MailboxID, grams []store.Gram) ([]mail.UID, mail.UID, error) {
	found, upto, err := x.Texts.Find(ctx, a, m, grams)
	return found[:max(len(found)-1, 0)], upto, err
}

func (x findsForeign) Find(ctx context.Context, _ mail.AccountID, m mail.MailboxID, grams []store.Gram) ([]mail.UID, mail.UID, error) {
	list, err := x.Accounts(ctx)
	if err != nil || len(list) == 0 {
		return nil, 0, err
	}
	return x.Texts.Find(ctx, list[0], m, grams)
}

func (x anyOrder) Add(ctx context.Context, a mail.AccountID, p store.TextPortion) error {
	all, err := x.Cursors(ctx, a)
	if err != nil {
		return err
	}
	if at := all[p.Mailbox].Upto; at < p.Upto {
		p.After = at
	}
	return x.Texts.Add(ctx, a, p)
}

func (x hidesUnknown) Add(ctx context.Context, a mail.AccountID, p store.TextPortion) error {
	p.Docs = slices.Clone(p.Docs)
	for i := range p.Docs {
		p.Docs[i].Any = false
	}
	return x.Texts.Add(ctx, a, p)
}

func (x neverTrims) Trim(context.Context, mail.AccountID, mail.MailboxID, mail.UID, iter.Seq[mail.UID]) error {
	return nil
}

func (x dropsAll) Drop(ctx context.Context, a mail.AccountID, _ ...mail.MailboxID) error {
	return x.Texts.Drop(ctx, a)
}

func (x dropsNothing) Drop(context.Context, mail.AccountID, ...mail.MailboxID) error { return nil }

// misreading makes a mutant of wrong indexes.
func misreading(wrong func(store.Texts) store.Texts) mutant {
	m := breaking(func(t store.Tenant) store.Tenant { return hasTexts{t, wrong(t.Texts())} })
	m.only = textPromises
	return m
}

// TestMutants holds stores that are wrong against the contract: each must fail some test of it.
func TestMutants(t *testing.T) {
	for name, m := range map[string]mutant{
		"keeps what failed":            breaking(func(t store.Tenant) store.Tenant { return keepsErrors{t} }),
		"swallows errors":              breaking(func(t store.Tenant) store.Tenant { return swallowsError{t} }),
		"lets anybody write":           breaking(func(t store.Tenant) store.Tenant { return anybody{t} }),
		"never tells the last":         breaking(func(t store.Tenant) store.Tenant { return lateWatch{t} }),
		"has no epoch":                 breaking(func(t store.Tenant) store.Tenant { return stillEpoch{t} }),
		"knows no usage":               breaking(func(t store.Tenant) store.Tenant { return emptyUsage{t} }),
		"has one tenant":               {tenant: func(m mutant, id mail.TenantID) store.Tenant { return m.Store.Tenant(min(id, 1001)) }},
		"forgets flags":                {tx: func(tx store.Tx) store.Tx { return forgetfulTx{tx} }},
		"changes one message more":     {tx: func(tx store.Tx) store.Tx { return wideTx{tx} }},
		"moves by copying":             {tx: func(tx store.Tx) store.Tx { return newEmailTx{tx} }},
		"minds the case":               {tx: func(tx store.Tx) store.Tx { return caseTx{tx} }},
		"loses the index":              {tx: func(tx store.Tx) store.Tx { return noIndexTx{tx} }},
		"does not look at fences":      {tx: func(tx store.Tx) store.Tx { return openFenceTx{tx} }},
		"ends leases that are renewed": {tx: func(tx store.Tx) store.Tx { return noRenewalTx{tx} }},
		"leases nothing from birth":    {tx: func(tx store.Tx) store.Tx { return noBirthTx{tx} }},
		"leases without Claim":         {tx: func(tx store.Tx) store.Tx { return greedyTx{tx} }},
		"keeps the first memo":         {tx: func(tx store.Tx) store.Tx { return longMemoTx{tx} }},
		"forgets no memos":             {tx: func(tx store.Tx) store.Tx { return hoarderTx{tx} }},
		"hides the end of leases":      {reader: func(r store.Reader) store.Reader { return endlessLease{r} }},
		"counts what is settled":       {reader: func(r store.Reader) store.Reader { return allRoutes{r} }},
		"sorts routes by name":         {reader: func(r store.Reader) store.Reader { return sortedRoutes{r} }},
		"lists a route from its start": {reader: func(r store.Reader) store.Reader { return wholeRoute{r} }},
		"lists any route":              {reader: func(r store.Reader) store.Reader { return anyRoute{r} }},
		"gives all marks":              {reader: func(r store.Reader) store.Reader { return allMarks{r} }},
		"forgets who left":             {reader: func(r store.Reader) store.Reader { return noGone{r} }},
		"gives one message more":       {reader: func(r store.Reader) store.Reader { return longRange{r} }},
		"mixes up places":              {reader: func(r store.Reader) store.Reader { return lastPlace{r} }},
		"gives marks backwards":        {reader: func(r store.Reader) store.Reader { return unsorted{r} }},
		"miscounts":                    {reader: func(r store.Reader) store.Reader { return oneMore{r} }},
		"logs no document before":      {reader: func(r store.Reader) store.Reader { return bareActs{r} }},
		"searches acts without end":    {reader: func(r store.Reader) store.Reader { return endlessActs{r} }},
		"notes nothing":                {tx: func(tx store.Tx) store.Tx { return muteTx{tx} }},
		"overwrites entries":           {tx: func(tx store.Tx) store.Tx { return blindTx{tx} }, only: entryPromises},
		"keeps entries for ever":       {tx: func(tx store.Tx) store.Tx { return remainsTx{tx} }, only: entryPromises},
		"forgets removed entries":      {reader: func(r store.Reader) store.Reader { return noTraces{r} }, only: entryPromises},
		"lists entries of any group":   {reader: func(r store.Reader) store.Reader { return anyGroup{r} }, only: entryPromises},
		"gives all entries":            {reader: func(r store.Reader) store.Reader { return allEntries{r} }, only: entryPromises},
		"hides that traces went":       {reader: func(r store.Reader) store.Reader { return noFloor{r} }, only: entryPromises},
		"forgets octets of entries":    {tx: func(tx store.Tx) store.Tx { return barestTx{tx} }, only: keptPromises},
		"ends entries too early":       {reader: func(r store.Reader) store.Reader { return endless{r} }, only: keptPromises},
		"sums from the start":          {reader: func(r store.Reader) store.Reader { return oneSum{r} }, only: keptPromises},
		"lists the oldest first":       {reader: func(r store.Reader) store.Reader { return entriesUpward{r} }, only: keptPromises},
		"counts that never fade":       {tx: func(tx store.Tx) store.Tx { return constantTx{tx} }, only: countPromises},
		"counts over others":           {tx: func(tx store.Tx) store.Tx { return overCountsTx{tx} }, only: countPromises},
		"prunes what is large":         {tx: func(tx store.Tx) store.Tx { return greedyPruneTx{tx} }, only: countPromises},
		"moves threads":                {tx: func(tx store.Tx) store.Tx { return newThreadTx{tx} }, only: threadPromises},
		"gives what was changed only":  {reader: func(r store.Reader) store.Reader { return sinceFlags{r} }, only: changePromises},
		"misses a message":             misreading(func(x store.Texts) store.Texts { return missesOne{x} }),
		"finds foreign messages":       misreading(func(x store.Texts) store.Texts { return findsForeign{x} }),
		"indexes in any order":         misreading(func(x store.Texts) store.Texts { return anyOrder{x} }),
		"hides what is not known":      misreading(func(x store.Texts) store.Texts { return hidesUnknown{x} }),
		"never trims an index":         misreading(func(x store.Texts) store.Texts { return neverTrims{x} }),
		"drops all of an index":        misreading(func(x store.Texts) store.Texts { return dropsAll{x} }),
		"drops nothing of an index":    misreading(func(x store.Texts) store.Texts { return dropsNothing{x} }),
		"claims one item at most":      {claim: func(c []store.Claimed) []store.Claimed { return c[:min(1, len(c))] }},
		"forgets fences in claims": {claim: func(c []store.Claimed) []store.Claimed {
			for i := range c {
				c[i].Item.Fence = 0
			}
			return c
		}},
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

// noticed gives the first test that the mutant fails.
func noticed(t *testing.T, m mutant) string {
	for _, group := range [][]promise{
		itemPromises, objectPromises, actPromises, mailboxPromises, messagePromises, changePromises, updatePromises, watchPromises, isolationPromises, blobPromises, memoPromises,
	} {
		if m.only != nil {
			group = m.only
		}
		for _, p := range group {
			s, err := embedded.Open(t.TempDir(), embedded.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m.Store = s
			quiet := &recorder{TB: t}
			err = caught(func() {
				f := newFixture(quiet, m)
				f.patience = 100 * time.Millisecond
				defer f.release()
				p.test(f)
			})
			if closing := s.Close(); closing != nil {
				t.Error(closing)
			}
			if err != nil || quiet.failed {
				return p.name
			}
		}
	}
	return ""
}

// recorder notes that a test failed instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
