package deliver

import (
	"context"
	"errors"
	"io"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
	"tegami/wire/sieve"
)

const (
	// filterBatch is how many accounts' filters are run for one transaction.
	filterBatch = 25
	// maxEdited is how many octets the messages have together that one filter makes of one by editing, and how many those of
	// several filters have that are run for one transaction. Until the commit they are in the memory that all mail on
	// its way shares.
	maxEdited = 32 << 20
	// filterTimeout is how long one filter may take with all it asks for.
	filterTimeout = 30 * time.Second
	// maxFilterSteps is how many steps the filter of one account may take within stepsWindow: a minute or two of a processor. A thousand
	// rules take some thousand. What comes then is kept in the inbox: one account's mail does not hold up all others'.
	maxFilterSteps = 100_000_000
	stepsWindow    = time.Hour
	// maxFilterTries is how often a filter is tried while what it needs cannot be had, and maxFilterCarries how often its item is
	// carried, whatever goes wrong. After that the message goes into the inbox: a filter is no reason for it to come back.
	maxFilterTries   = 5
	maxFilterCarries = 20
)

// filtering is an item on queue.RouteFilter while it is carried: mail for accounts with a filter (ML-12). What the filters
// of some accounts want is found out first, and then written in one transaction with what became of the recipients: after a
// crash either all of it was done for an account or nothing.
type filtering struct {
	*House
	job     *queue.Job
	it      *queue.Item
	message *message
	parsed  *mime.Message
	zone    *time.Location
	late    map[int]bool // places of those who are put off
}

// filter carries an item on queue.RouteFilter.
func (h *House) filter(ctx context.Context, job *queue.Job) error {
	f := &filtering{House: h, job: job, it: &job.Item, late: make(map[int]bool)}
	if err := f.open(ctx); err != nil {
		return err
	}
	defer f.message.Close()
	for {
		if done, err := f.serve(ctx, f.waiting()); err != nil || done {
			return err
		}
	}
}

// open opens the message and reads its structure.
func (f *filtering) open(ctx context.Context) (err error) {
	if f.message, err = openMessage(ctx, f.job); err != nil {
		return err
	}
	f.parsed, err = mime.Parse(io.NewSectionReader(f.message.blob, 0, f.message.blob.Size()), mime.Limits{})
	if err == nil {
		f.zone, err = f.cfg.Directory.Company(f.job.Tenant).Zone(ctx)
	}
	if err != nil {
		f.message.Close()
	}
	return err
}

// waiting gives the places of those who wait and were not put off.
func (f *filtering) waiting() (places []int) {
	for i := range f.it.To {
		if f.it.To[i].Outcome == queue.Waiting && !f.late[i] {
			places = append(places, i)
		}
	}
	return places
}

// serve does for the first of the accounts what their filters want; with the last of them the item is settled and all is done.
func (f *filtering) serve(ctx context.Context, places []int) (done bool, err error) {
	plans := make([]*plan, 0, filterBatch)
	defer func() {
		for _, p := range plans {
			p.release()
		}
	}()
	n := 0
	for edited := int64(0); n < min(len(places), filterBatch) && edited < maxEdited; n++ {
		i := places[n]
		p, err := f.plan(ctx, i)
		if err != nil {
			f.cfg.Log.Warn("a filter could not be run now", "tenant", f.job.Tenant.String(), "item", f.it.ID.String(), "to", f.it.To[i].Address.String(), "err", err)
			later(&f.it.To[i])
			f.it.To[i].Reason = "filter.later"
			f.late[i] = true
			continue
		}
		plans = append(plans, p)
		edited += p.editedSize()
	}
	write := f.job.Progress
	if done = n == len(places); done {
		write = f.job.Settle
	}
	err = write(ctx, "deliver.Filter", func(tx store.Tx, it *queue.Item) error {
		for _, p := range plans {
			if err := p.write(tx, &it.To[p.place]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	for _, p := range plans {
		p.committed(ctx)
	}
	return done, nil
}

// plan finds out what the filter of one account wants. An error says that this cannot be found out now.
func (f *filtering) plan(ctx context.Context, place int) (p *plan, err error) {
	ctx, cancel := context.WithTimeout(ctx, filterTimeout)
	defer cancel()
	p = &plan{filtering: f, place: place}
	if err := p.who(ctx); err != nil || p.gone {
		return p, err
	}
	if f.givenUp(place) {
		p.inbox(nil)
		return p, nil
	}
	actions, err := p.run(ctx)
	if err != nil {
		return p, err
	}
	for _, a := range actions {
		if err := p.add(ctx, a); err != nil {
			p.release()
			return p, err
		}
	}
	return p, nil
}

// givenUp tells whether a filter was tried often enough.
func (f *filtering) givenUp(place int) bool {
	n := f.it.Attempts
	return n >= maxFilterCarries || n >= maxFilterTries && f.it.To[place].Reason == "filter.later"
}

// who finds the account.
func (p *plan) who(ctx context.Context) error {
	r := &p.it.To[p.place]
	target, err := p.resolve(ctx, r.Address)
	if err == nil && isOwn(&target) && target.Account.ID == r.Account {
		p.account = target.Account
		return nil
	}
	p.account, err = p.cfg.Directory.Company(p.job.Tenant).Account(ctx, r.Account)
	if mail.Is(err, mail.NotFound) {
		p.gone = true
		return nil
	}
	return err
}

// run runs the account's script. One that fails keeps the message, as having no script does.
func (p *plan) run(ctx context.Context) ([]sieve.Action, error) {
	keep := []sieve.Action{sieve.Keep{Implicit: true}}
	script, err := p.cfg.Mailbox.ActiveFilter(ctx, &p.account)
	switch {
	case err != nil:
		return nil, err
	case script == nil:
		return keep, nil
	case script.Broken != nil:
		p.failed(script, script.Broken.Faults[0])
		return keep, nil
	}
	if taken, err := p.worked(ctx, 0); err != nil {
		return nil, err
	} else if taken > maxFilterSteps {
		p.failed(script, sieve.Fault{Line: 1, Key: "sieve.limit_steps", Args: []any{maxFilterSteps}})
		return keep, nil
	}
	result, err := script.Script.Run(ctx, p.input())
	var fault *sieve.RunError
	switch {
	case errors.As(err, &fault):
		p.failed(script, fault.Fault)
		_, err := p.worked(ctx, fault.Steps)
		return keep, err
	case err != nil:
		return nil, err
	}
	if _, err := p.worked(ctx, result.Steps); err != nil {
		return nil, err
	}
	if editedSize(result.Actions) > maxEdited {
		p.failed(script, sieve.Fault{Line: 1, Key: "sieve.limit_memory", Args: []any{maxEdited}})
		return keep, nil
	}
	if result.Silence != "" {
		p.cfg.Log.Debug("no automatic answer", "item", p.it.ID.String(), "account", p.account.Address.String(), "why", result.Silence)
	}
	return result.Actions, nil
}

// worked counts steps that the account's filter took, and gives how many it took within stepsWindow.
func (p *plan) worked(ctx context.Context, steps int) (int64, error) {
	return p.cfg.Store.Tally(ctx, "filter.steps "+p.job.Tenant.String()+" "+p.account.ID.String(), int64(steps), stepsWindow)
}

// editedSize is how many octets the messages have that a script made.
func editedSize(actions []sieve.Action) (size int64) {
	counted := map[*sieve.Content]bool{nil: true}
	for _, action := range actions {
		var c *sieve.Content
		switch a := action.(type) {
		case sieve.Keep:
			c = a.Content
		case sieve.FileInto:
			c = a.Content
		case sieve.Redirect:
			c = a.Content
		}
		if !counted[c] {
			counted[c] = true
			size += c.Size()
		}
	}
	return size
}

// input is the message as the script sees it.
func (p *plan) input() *sieve.Input {
	r := &p.it.To[p.place]
	return &sieve.Input{
		From: p.it.From, To: r.Address,
		Octets: p.message.blob, Structure: p.parsed,
		Zone:        p.zone,
		Environment: p.environment(),
		Owner:       sieve.Owner{Addresses: append([]mail.Address{p.account.Address}, p.account.Aliases...)},
		Host:        &filterHost{p.House, &p.account},
	}
}

// environment are the items of RFC 5183 §4 that are known.
func (p *plan) environment() map[string]string {
	env := map[string]string{
		"domain": p.account.Address.Domain, "host": p.cfg.Hostname, "location": "MDA", "name": "Tegami", "phase": "during",
	}
	if o := &p.it.Origin; o.Remote.IsValid() {
		env["remote-ip"] = o.Remote.String()
		env["remote-host"] = "" // RFC 5183 §4.1: empty where nobody looked it up
	}
	return env
}

// filterHost answers what a script asks.
type filterHost struct {
	*House
	account *directory.Account
}

// MailboxExists tells whether the account has a mailbox.
func (h *filterHost) MailboxExists(ctx context.Context, name string) (bool, error) {
	return h.cfg.Mailbox.HasMailbox(ctx, h.account, name)
}

// MailboxID tells whether the account has a mailbox with an id (RFC 9042).
func (h *filterHost) MailboxID(ctx context.Context, id string) (bool, error) {
	return h.cfg.Mailbox.HasMailboxID(ctx, h.account, mailboxID(id))
}

// SpecialUse gives the account's mailbox with an attribute (RFC 8579).
func (h *filterHost) SpecialUse(ctx context.Context, use string) (string, bool, error) {
	path, err := h.cfg.Mailbox.MailboxOf(ctx, h.account, roleOf(use))
	return path, path != "", err
}

// Metadata gives an annotation of one of the account's mailboxes (RFC 5490 §3.3).
func (h *filterHost) Metadata(ctx context.Context, path, annotation string) (string, bool, error) {
	return h.cfg.Mailbox.Annotation(ctx, h.account, path, annotation)
}

// ListExists tells whether there is a list of this name: filters know none yet.
func (h *filterHost) ListExists(context.Context, string) (bool, error) { return false, nil }

// InList tells whether a value is on a list.
func (h *filterHost) InList(context.Context, string, string) (bool, error) { return false, nil }

// Include gives another script of the account. There are none for everybody.
func (h *filterHost) Include(ctx context.Context, global bool, name string) (*sieve.Script, error) {
	if global {
		return nil, nil
	}
	f, err := h.cfg.Mailbox.PersonalFilter(ctx, h.account, name)
	switch {
	case err != nil || f == nil:
		return nil, err
	case f.Broken != nil:
		return nil, f.Broken
	}
	return f.Script, nil
}

// Seen tells whether an id is remembered (RFC 7352).
func (h *filterHost) Seen(ctx context.Context, id string) (seen bool, err error) {
	err = h.cfg.Store.Tenant(h.account.Tenant).View(ctx, func(r store.Reader) error {
		until, err := r.Memo(h.account.ID, memoSeen+id)
		seen = !until.IsZero()
		return err
	})
	return seen, err
}
