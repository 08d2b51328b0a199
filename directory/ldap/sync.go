package ldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Watcher is told how far a sync is.
type Watcher interface {
	Phase(name string, total int)
	Step(n int)
}

// Phases of a sync.
const (
	PhaseReading   = "reading"
	PhaseComparing = "comparing"
	PhaseWriting   = "writing"
)

// Sync is a source to be read.
type Sync struct {
	By     mail.Actor
	Tenant mail.TenantID
	Source mail.ObjectID
	DryRun bool
	Watch  Watcher
	// Also is called at the end of the transaction that does the work, as part of the same commit.
	Also func(store.Tx, *Diff) error
}

// What a sync does about somebody, as keys of the catalogue. Their arguments are the address and the entry's name.
const (
	Added     = "ldap.added"
	Linked    = "ldap.linked"
	Updated   = "ldap.updated"
	Suspended = "ldap.suspended"
	Resumed   = "ldap.resumed"
)

// Note is one line of what was done, or found.
type Note struct {
	What    string // one of the above; "" = Err
	Address string
	DN      string
	Err     error
}

// Diff is what differs between a source and the accounts.
type Diff struct {
	People int // entries
	Same   int // accounts that need nothing
	Counts map[string]int
	Notes  []Note // what is done, and entries that can't be taken
	Bad    int    // of those
}

// errTrial takes a dry run back.
var errTrial = errors.New("only a trial")

// Run reads a source and brings the accounts into agreement with it, or only tells what it would do. Errors: those of Test, and
// Conflict "ldap.too_many_gone" with how many of how many vanished, and the share that is allowed.
func (s *Service) Run(ctx context.Context, y *Sync) (*Diff, error) {
	const op = "ldap.Run"
	began := s.now().UTC().Truncate(time.Second)
	doc, password, links, err := s.load(ctx, y.Tenant, y.Source)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	y.Watch.Phase(PhaseReading, 0)
	people, err := s.cfg.Reach.fetch(ctx, &doc.Spec, password, y.Watch.Step)
	if err == nil {
		var d *Diff
		w := &work{service: s, sync: y, spec: &doc.Spec, people: people, links: links, began: began}
		if d, err = w.run(ctx); err == nil {
			return d, mail.Wrap(op, err)
		}
	}
	if !y.DryRun {
		err = errors.Join(err, s.NoteFailure(ctx, y.By, y.Tenant, y.Source, err))
	}
	return nil, mail.Wrap(op, err)
}

// NoteFailure keeps beside a source why its sync failed. by is who syncs, or the platform at work.
func (s *Service) NoteFailure(ctx context.Context, by mail.Actor, tenant mail.TenantID, source mail.ObjectID, why error) error {
	key, values := mail.TextOf(why)
	args := make([]string, len(values))
	for i, v := range values {
		args[i] = fmt.Sprint(v)
	}
	at := s.now().UTC().Truncate(time.Second)
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	err := s.cfg.Store.Tenant(tenant).Update(keep, by, "ldap.note", func(tx store.Tx) error {
		doc, o, err := readSource(tx, source)
		if err != nil {
			return err
		}
		doc.Last.Started, doc.Last.Ended, doc.Last.Failure, doc.Last.Args = at, at, cmp.Or(key, "kind.other"), args
		o.Quiet = true
		return put(tx, o, doc)
	})
	return mail.Wrap("ldap.NoteFailure", err)
}

// work is a sync at work.
type work struct {
	service *Service
	sync    *Sync
	spec    *Spec
	people  []person
	links   map[string]link // as they were
	began   time.Time

	diff Diff
	now  map[string]link // as they will be
	room map[string]int  // IDs that are left, by domain (ML-1)
}

// run compares and does, in one commit.
func (w *work) run(ctx context.Context) (*Diff, error) {
	if err := w.tooManyGone(); err != nil {
		return nil, err
	}
	w.sync.Watch.Phase(PhaseWriting, len(w.people))
	company := w.service.cfg.Directory.Company(w.sync.Tenant)
	err := company.Together(ctx, w.sync.By, "ldap.sync", directory.RightAccounts, func(c *directory.Company, tx store.Tx) error {
		if err := directory.StillMay(tx, w.sync.By, "ldap.sync", directory.RightAccounts); err != nil {
			return err
		}
		w.diff = Diff{People: len(w.people), Counts: map[string]int{}}
		w.now, w.room = maps.Clone(w.links), map[string]int{}
		if w.now == nil {
			w.now = map[string]link{}
		}
		if err := w.all(ctx, c); err != nil {
			return err
		}
		if w.sync.DryRun {
			return errTrial
		}
		if err := w.keep(tx); err != nil {
			return err
		}
		if w.sync.Also == nil {
			return nil
		}
		return w.sync.Also(tx, &w.diff)
	})
	if err != nil && !errors.Is(err, errTrial) {
		return nil, err
	}
	return &w.diff, nil
}

// tooManyGone refuses a source that lacks more of the linked entries than the company allows.
func (w *work) tooManyGone() error {
	here := make(map[string]bool, len(w.people))
	for i := range w.people {
		here[w.people[i].key] = true
	}
	linked, gone := 0, 0
	for key, l := range w.links {
		if l.Suspended {
			continue
		}
		linked++
		if !here[key] {
			gone++
		}
	}
	if gone > leastGone && gone*100 > linked*w.spec.MaxGone {
		return mail.E("ldap.tooManyGone", mail.Conflict, "ldap.too_many_gone", gone, linked, w.spec.MaxGone)
	}
	return nil
}

// all does what is to be done about every entry, and every account whose entry has gone.
func (w *work) all(ctx context.Context, c *directory.Company) error {
	here := make(map[string]bool, len(w.people))
	for i := range w.people {
		if err := ctx.Err(); err != nil {
			return mail.Wrap("ldap.all", err)
		}
		p := &w.people[i]
		err := w.one(ctx, c, p, here)
		if isAbout(err) {
			w.note(Note{Address: p.address, DN: p.dn, Err: err})
		} else if err != nil {
			return err
		}
		w.sync.Watch.Step(1)
	}
	for _, key := range slices.Sorted(maps.Keys(w.links)) {
		if !here[key] {
			if err := w.vanished(ctx, c, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// isAbout tells whether an error is about one entry, and not about the whole.
func isAbout(err error) bool {
	switch mail.KindOf(err) {
	case mail.Invalid, mail.NotFound, mail.Full, mail.Conflict, mail.Denied:
		return err != nil
	}
	return false
}

// note writes down what is done about somebody.
func (w *work) note(n Note) {
	if n.Err != nil {
		w.diff.Bad++
	} else {
		w.diff.Counts[n.What]++
	}
	w.diff.Notes = append(w.diff.Notes, n)
}

// one does what is to be done about one entry.
func (w *work) one(ctx context.Context, c *directory.Company, p *person, here map[string]bool) error {
	const op = "ldap.one"
	switch {
	case p.key == "":
		return mail.E(op, mail.Invalid, "ldap.no_key")
	case here[p.key]:
		return mail.E(op, mail.Conflict, "ldap.twice", p.key)
	}
	here[p.key] = true
	address, err := mail.ParseAddress(p.address)
	if err != nil {
		return err
	}
	address.Local = strings.ToLower(address.Local)
	if w.spec.Domain != "" && address.Domain != w.spec.Domain {
		return mail.E(op, mail.Invalid, "ldap.other_domain", p.address)
	}
	known, linked := w.now[p.key]
	if linked {
		a, err := c.Account(ctx, known.Account)
		if err == nil && a.State != directory.AccountDeleted {
			return w.change(ctx, c, p, &a, address, known)
		}
		if err != nil && !mail.Is(err, mail.NotFound) {
			return err
		}
		delete(w.now, p.key) // an administrator deleted it: only what has its address is taken up again
	}
	a, err := c.Find(ctx, address)
	switch {
	case err == nil && a.State == directory.AccountDeleted:
		return mail.E(op, mail.Conflict, "account.deleted", address.String())
	case err == nil:
		w.note(Note{What: Linked, Address: address.String(), DN: p.dn})
		return w.change(ctx, c, p, &a, a.Address, link{Account: a.ID})
	case !mail.Is(err, mail.NotFound):
		return err
	}
	return w.add(ctx, c, p, address)
}

// add makes the account of an entry. It has no password: that is given out by an administrator.
func (w *work) add(ctx context.Context, c *directory.Company, p *person, address mail.Address) error {
	if p.disabled {
		w.diff.Same++
		return nil // who may not sign in there needs no ID here
	}
	left, known := w.room[address.Domain]
	if !known {
		var err error
		if left, _, err = c.Room(ctx, address.Domain); err != nil {
			return err
		}
		w.room[address.Domain] = left
	}
	if left <= 0 {
		return mail.E("ldap.add", mail.Full, "ldap.no_id", address.Domain)
	}
	l := directory.AccountLine{Address: address, Change: directory.AccountChange{Profile: changes(&directory.Profile{}, &p.profile)}}
	id, err := c.AddLine(ctx, w.sync.By, &l)
	if err != nil {
		return err
	}
	w.room[address.Domain]--
	w.now[p.key] = link{Account: id}
	w.note(Note{What: Added, Address: address.String(), DN: p.dn})
	return nil
}

// change brings an account into agreement with its entry.
func (w *work) change(ctx context.Context, c *directory.Company, p *person, a *directory.Account, address mail.Address, l link) error {
	changed := false
	if address.Key() != a.Address.Key() {
		if _, err := c.ChangeAccount(ctx, w.sync.By, a.ID, directory.AccountChange{Address: &address, KeepAddress: true}); err != nil {
			return err
		}
		changed = true
	}
	line := directory.AccountLine{Address: address, Change: directory.AccountChange{Profile: changes(&a.Profile, &p.profile)}}
	what := Updated
	switch {
	case p.disabled && a.State == directory.AccountActive:
		line.State, l.Suspended, what = state(directory.AccountSuspended), true, Suspended
	case !p.disabled && l.Suspended:
		line.State, l.Suspended, what = state(directory.AccountActive), false, Resumed
	}
	_, more, err := c.SetLine(ctx, w.sync.By, &line)
	if err != nil {
		return err
	}
	w.now[p.key] = l
	if !changed && !more {
		w.diff.Same++
		return nil
	}
	w.note(Note{What: what, Address: address.String(), DN: p.dn})
	return nil
}

func state(s directory.AccountState) *directory.AccountState { return &s }

// vanished suspends the account of an entry that is not there any more.
func (w *work) vanished(ctx context.Context, c *directory.Company, key string) error {
	l := w.links[key]
	a, err := c.Account(ctx, l.Account)
	switch {
	case mail.Is(err, mail.NotFound) || err == nil && a.State == directory.AccountDeleted:
		delete(w.now, key)
		return nil
	case err != nil || a.State != directory.AccountActive:
		return err
	}
	_, _, err = c.SetLine(ctx, w.sync.By, &directory.AccountLine{Address: a.Address, State: state(directory.AccountSuspended)})
	switch {
	case isAbout(err):
		w.note(Note{Address: a.Address.String(), Err: err})
		return nil
	case err != nil:
		return err
	}
	w.now[key] = link{l.Account, true}
	w.note(Note{What: Suspended, Address: a.Address.String()})
	return nil
}

// changes says what of a profile differs. What the source does not have stays.
func changes(was, is *directory.Profile) (c directory.ProfileChange) {
	for _, part := range []struct {
		was, is *string
		to      **string
	}{
		{&was.LastName, &is.LastName, &c.LastName}, {&was.FirstName, &is.FirstName, &c.FirstName},
		{&was.LastKana, &is.LastKana, &c.LastKana}, {&was.FirstKana, &is.FirstKana, &c.FirstKana},
		{&was.DisplayName, &is.DisplayName, &c.DisplayName}, {&was.Company, &is.Company, &c.Company},
		{&was.Department, &is.Department, &c.Department}, {&was.Title, &is.Title, &c.Title},
		{&was.Phone, &is.Phone, &c.Phone}, {&was.Mobile, &is.Mobile, &c.Mobile},
	} {
		if *part.is != "" && *part.is != *part.was {
			*part.to = part.is
		}
	}
	return c
}

// keep writes the links, and how it went.
func (w *work) keep(tx store.Tx) error {
	doc, o, err := readSource(tx, w.sync.Source)
	if err != nil {
		return err
	}
	doc.Last = Last{Started: w.began, Ended: w.service.now().UTC().Truncate(time.Second), Linked: len(w.now)}
	o.Quiet = true
	if err := put(tx, o, doc); err != nil {
		return err
	}
	if maps.Equal(w.now, w.links) {
		return nil
	}
	var was linksDoc
	l, err := read(tx, keyFor(kindLinks, w.sync.Source), &was)
	if err != nil {
		return err
	}
	if l.ID.IsZero() {
		l.ID = mail.ObjectID(tx.NextID())
	}
	l.Kind, l.Quiet = kindLinks, true
	return put(tx, l, linksDoc{w.now})
}
