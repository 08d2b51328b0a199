package directory

import (
	"cmp"
	"context"
	"runtime"
	"strings"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store"
)

// A book is what a process holds in memory of one company's people, so that lists of 50,000 are searched and sorted in milliseconds:
// accounts, lists and contacts, about 1 KiB each. It is read once, and kept up from the operation log, whose
// lines hold the documents; where too much happened it is read again. Books nobody opened for a while are dropped.
type book struct {
	mu     sync.RWMutex
	tenant mail.TenantID
	store  store.Tenant
	epoch  uint64 // up to which it is kept up
	act    uint64 // the last line of the operation log that is in it
	loaded bool
	read   time.Time // when it was read as a whole

	people   map[mail.AccountID]*colleague
	others   map[mail.ObjectID]*card // lists and contacts
	domains  map[mail.DomainID]Domain
	settings Settings
	names    map[string]bool // of the domains
	opened   time.Time       // last; guarded by the library
}

// forms are how an entry is sorted and searched.
type forms struct {
	address    string
	reading    string // of the name; the name where none is known
	department string
	text       string // in which is searched
}

// newForms prepares what a profile says.
func newForms(f *Profile, addresses ...mail.Address) forms {
	name, kana := Folded(f.Name()), Folded(f.Kana())
	s := forms{address: addresses[0].Key(), reading: cmp.Or(kana, name), department: Folded(f.Department)}
	parts := []string{
		name, Folded(f.LastName + f.FirstName), kana, strings.ReplaceAll(kana, " ", ""), s.department, Folded(f.Title), Folded(f.Company),
	}
	for _, a := range addresses {
		parts = append(parts, a.Key())
	}
	s.text = strings.Join(parts, "\n")
	return s
}

// says tells whether all words are in the text.
func (f *forms) says(words []string) bool {
	for _, w := range words {
		if !strings.Contains(f.text, w) {
			return false
		}
	}
	return true
}

// colleague is an account in a book. It isn't changed.
type colleague struct {
	forms
	id  mail.AccountID
	doc accountDoc
}

// account is a colleague as an Account; its version is not known.
func (b *book) account(p *colleague) Account {
	return p.doc.account(p.id, b.tenant, b.domains[p.doc.Domain].Plan)
}

// Limits of books.
const (
	// maxBookPeople is how many people all books of a process hold together before those opened longest ago go.
	maxBookPeople = 500_000
	// maxBookAge is after what time a book is read again all the same, because of what the operation log doesn't tell.
	maxBookAge = 6 * time.Hour
	// bookIdle is after what time a book is dropped that nobody opened.
	bookIdle = 30 * time.Minute
	// maxBookActs is how many lines of the operation log a book reads to be kept up. Past that it is read anew.
	maxBookActs = 20_000
)

// library holds the books of a process.
type library struct {
	mu    sync.Mutex
	books map[mail.TenantID]*book
}

// open gives the book of a company, and drops those that are not used.
func (l *library) open(t *contract) *book {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.books == nil {
		l.books = make(map[mail.TenantID]*book)
	}
	b := l.books[t.ID]
	if b == nil {
		b = &book{tenant: t.ID, store: t.store}
		l.books[t.ID] = b
	}
	b.opened = time.Now()
	l.trim(b)
	return b
}

// signedIn notes in a company's book, if there is one, that an account signed in. Nothing in the operation log tells of that; a
// process that did not see it knows when it reads its book again.
func (l *library) signedIn(tenant mail.TenantID, id mail.AccountID, at time.Time) {
	l.mu.Lock()
	b := l.books[tenant]
	l.mu.Unlock()
	if b == nil || !b.mu.TryLock() { // who signs in does not wait for a book to be read
		return
	}
	defer b.mu.Unlock()
	if p := b.people[id]; p != nil {
		now := *p
		now.doc.LastSignIn = at.Truncate(time.Second)
		b.people[id] = &now
	}
}

// trim drops idle books, and while there is too much, the one opened longest ago; never the one in hand.
func (l *library) trim(inHand *book) {
	for {
		var oldest *book
		held := 0
		for _, b := range l.books {
			held += b.size()
			if b != inHand && (oldest == nil || b.opened.Before(oldest.opened)) {
				oldest = b
			}
		}
		if oldest == nil || held <= maxBookPeople && time.Since(oldest.opened) < bookIdle {
			return
		}
		delete(l.books, oldest.tenant)
	}
}

// size is how many people a book holds; what is being read counts as nothing.
func (b *book) size() int {
	if !b.mu.TryRLock() {
		return 0
	}
	defer b.mu.RUnlock()
	return len(b.people) + len(b.others)
}

// people calls fn with the book of the company as it is now. fn must not keep what it can reach but colleagues.
func (c *Company) people(ctx context.Context, fn func(*book)) error {
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return err
	}
	b := c.dir.books.open(t)
	if err := b.refresh(ctx); err != nil {
		return mail.Wrap("directory.people", err)
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	fn(b)
	return nil
}

// refresh keeps the book up. One caller reads, the others wait for it.
func (b *book) refresh(ctx context.Context) error {
	b.mu.RLock()
	fresh := b.loaded && b.epoch == b.store.Epoch()
	b.mu.RUnlock()
	if fresh {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	epoch := b.store.Epoch() // before reading: what changes meanwhile is read the next time
	if b.loaded && b.epoch == epoch {
		return nil
	}
	err := b.store.View(ctx, func(r store.Reader) error {
		if b.loaded && time.Since(b.read) < maxBookAge {
			done, err := b.follow(r)
			if err != nil || done {
				return err
			}
		}
		return b.load(r)
	})
	b.loaded = err == nil
	if err == nil {
		b.epoch = epoch
	}
	return err
}

// load reads everything.
func (b *book) load(r store.Reader) error {
	b.read = time.Now()
	b.people = make(map[mail.AccountID]*colleague)
	b.others = make(map[mail.ObjectID]*card)
	if err := b.loadFrame(r); err != nil {
		return err
	}
	if err := b.loadPeople(r); err != nil {
		return err
	}
	for _, kind := range []string{kindList, kindContact} {
		err := each(r, kind, func(o store.Object) error { return b.take(kind, o.ID, o.Doc) })
		if err != nil {
			return err
		}
	}
	var err error
	b.act, err = lastAct(r)
	return err
}

// loadPeople reads the accounts. Most of the time goes into taking documents apart, which all cores do at once, a page each.
func (b *book) loadPeople(r store.Reader) error {
	var readers sync.WaitGroup
	var mu sync.Mutex
	var failed error
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	err := pages(func(p store.Page) ([]store.Object, error) {
		objects, err := r.Objects(kindAccount, p)
		slots <- struct{}{}
		readers.Go(func() {
			defer func() { <-slots }()
			people, err := colleaguesOf(objects)
			mu.Lock()
			defer mu.Unlock()
			failed = cmp.Or(failed, err)
			for _, one := range people {
				b.people[one.id] = one
			}
		})
		return objects, err
	}, func(store.Object) error { return nil })
	readers.Wait()
	return cmp.Or(err, failed)
}

// colleaguesOf takes accounts' objects apart.
func colleaguesOf(objects []store.Object) ([]*colleague, error) {
	people := make([]*colleague, 0, len(objects))
	for _, o := range objects {
		one, err := newColleague(mail.AccountID(o.ID), o.Doc)
		if err != nil {
			return nil, err
		}
		people = append(people, one)
	}
	return people, nil
}

// newColleague takes an account's document apart.
func newColleague(id mail.AccountID, doc []byte) (*colleague, error) {
	var d accountDoc
	if err := read(store.Object{Doc: doc}, &d); err != nil {
		return nil, err
	}
	return &colleague{newForms(&d.Profile, d.addresses()...), id, d}, nil
}

// loadFrame reads what is little and says something about everybody.
func (b *book) loadFrame(r store.Reader) (err error) {
	b.domains, b.names = make(map[mail.DomainID]Domain), make(map[string]bool)
	if b.settings, _, err = readSettings(r); err != nil {
		return err
	}
	return each(r, kindDomain, func(o store.Object) error {
		d, err := domainOf(o)
		b.domains[d.ID], b.names[d.Name] = d, true
		return err
	})
}

// follow reads what the operation log says since; done is false where that is too much.
func (b *book) follow(r store.Reader) (done bool, err error) {
	frame := false
	for read := 0; read < maxBookActs; {
		acts, err := r.Acts(b.act, 0)
		if err != nil {
			return false, err
		}
		for i := range acts {
			a := &acts[i]
			if a.Seq != b.act+1 {
				return false, nil // the log was cut: lines are missing
			}
			b.act = a.Seq
			frame = frame || a.Kind == kindDomain || a.Kind == kindSettings
			if err := b.take(a.Kind, a.ID, a.After); err != nil {
				return false, err
			}
		}
		if read += len(acts); len(acts) < store.MaxPage {
			if frame {
				err = b.loadFrame(r)
			}
			return err == nil, err
		}
	}
	return false, nil
}

// take brings one object into the book; without a document it is gone.
func (b *book) take(kind string, id mail.ObjectID, doc []byte) (err error) {
	switch kind {
	case kindAccount:
		delete(b.people, mail.AccountID(id))
		if doc == nil {
			return nil
		}
		one, err := newColleague(mail.AccountID(id), doc)
		if err == nil {
			b.people[one.id] = one
		}
		return err
	case kindList, kindContact:
		delete(b.others, id)
		if doc != nil {
			b.others[id], err = newCard(kind, id, doc)
		}
	}
	return err
}

// lastAct finds the number of the last line of the operation log.
func lastAct(r store.Reader) (uint64, error) {
	chain, err := r.Chain()
	return chain.Head.Seq, err
}
