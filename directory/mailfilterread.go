package directory

import (
	"context"
	"sync/atomic"

	"tegami/mail"
	"tegami/store"
)

// MailFilter is what holds for the mail of one account: the settings of its domain with what is decided for the account, the virus
// settings and lists of its company, and its own lists. It is shared: don't change it.
type MailFilter struct {
	FilterSettings
	Virus    VirusSettings
	Company  SenderSet
	User     SenderSet
	NoDigest bool // the user wants no digest of his quarantine
}

// SenderSet are lists of senders, to be asked often.
type SenderSet struct{ Allow, Deny mail.SenderPatterns }

func (l *SenderLists) set() SenderSet {
	return SenderSet{mail.NewSenderPatterns(l.Allow), mail.NewSenderPatterns(l.Deny)}
}

// Limits of filters in memory.
const (
	maxKnownFilters = 100_000 // of accounts, some hundred octets each and what their lists take
	maxKnownRules   = 10_000  // of companies, up to 200 KiB each
)

// knownFilter is an account's filter in memory.
type knownFilter struct {
	MailFilter
	account Account
	epoch   atomic.Uint64 // of the tenant, under which it was as it is
}

// knownRules is what a company set, in memory.
type knownRules struct {
	domains map[mail.DomainID]FilterSettings // those that were set
	virus   VirusSettings
	company SenderSet
	epoch   atomic.Uint64
}

// MailFilter gives what holds for the mail of an account, for its delivery: from memory where it can, in well under a microsecond and
// without allocating. account is as Resolve gave it.
func (d *Directory) MailFilter(ctx context.Context, account *Account) (*MailFilter, error) {
	const op mail.Op = "directory.MailFilter"
	c, err := d.contract(ctx, account.Tenant)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	epoch := c.store.Epoch() // before reading: what changes meanwhile makes it stale
	k, ok := d.filters.get(account.ID)
	if ok && k.account.Tenant == account.Tenant && k.account.Domain == account.Domain && k.account.Spam == account.Spam &&
		d.unchanged(ctx, c, &k.epoch, epoch, mail.ObjectID(account.ID)) {
		return &k.MailFilter, nil
	}
	rules, err := d.rules(ctx, c, epoch)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	k = &knownFilter{account: Account{Tenant: account.Tenant, Domain: account.Domain, Spam: account.Spam}}
	k.epoch.Store(epoch)
	err = c.store.View(ctx, func(r store.Reader) error {
		doc, _, err := readSenders(r, account.ID)
		k.User, k.NoDigest = doc.set(), doc.NoDigest
		return err
	})
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	k.Virus, k.Company = rules.virus, rules.company
	k.FilterSettings = rules.of(account.Domain).with(account.Spam)
	d.filters.put(account.ID, k)
	return &k.MailFilter, nil
}

// DomainMailFilter gives what holds for the mail of a domain where it concerns no account: mail that is checked for viruses before
// anybody's box is looked at. NotFound "domain.unknown".
func (d *Directory) DomainMailFilter(ctx context.Context, tenant mail.TenantID, domain mail.DomainID) (MailFilter, error) {
	const op mail.Op = "directory.DomainMailFilter"
	c, err := d.contract(ctx, tenant)
	if err != nil {
		return MailFilter{}, mail.Wrap(op, err)
	}
	rules, err := d.rules(ctx, c, c.store.Epoch())
	if err != nil {
		return MailFilter{}, mail.Wrap(op, err)
	}
	return MailFilter{FilterSettings: rules.of(domain), Virus: rules.virus, Company: rules.company}, nil
}

// of gives the settings of a domain.
func (k *knownRules) of(id mail.DomainID) FilterSettings {
	if s, ok := k.domains[id]; ok {
		return s
	}
	return DefaultFilter()
}

// rules gives what a company set.
func (d *Directory) rules(ctx context.Context, c *contract, epoch uint64) (*knownRules, error) {
	if k, ok := d.rulebooks.get(c.ID); ok && d.unchanged(ctx, c, &k.epoch, epoch, 0) {
		return k, nil
	}
	k := &knownRules{}
	k.epoch.Store(epoch)
	if err := c.store.View(ctx, k.read); err != nil {
		return nil, err
	}
	d.rulebooks.put(c.ID, k)
	return k, nil
}

// read fills the rules from the store.
func (k *knownRules) read(r store.Reader) error {
	k.domains = make(map[mail.DomainID]FilterSettings)
	err := each(r, kindFilter, func(o store.Object) error {
		var doc filterDoc
		err := read(o, &doc)
		k.domains[doc.Domain] = doc.FilterSettings
		return err
	})
	if err != nil {
		return err
	}
	virus, _, err := readVirus(r)
	if err != nil {
		return err
	}
	lists, _, err := readSenders(r, 0)
	k.virus, k.company = virus.VirusSettings, lists.set()
	return err
}

// unchanged tells whether a filter that was read under an epoch is as it would be read now: neither the company's settings of filters changed, nor the lists
// of an account, zero = of none. Where that can't be found out it is not.
func (d *Directory) unchanged(ctx context.Context, c *contract, read *atomic.Uint64, epoch uint64, account mail.ObjectID) bool {
	was := read.Load()
	if was == epoch {
		return true
	}
	dr := d.drifts.of(c)
	if dr.catchUp(ctx, epoch) != nil {
		return false
	}
	dr.mu.RLock()
	defer dr.mu.RUnlock()
	if was <= dr.floor || dr.filters >= was {
		return false
	}
	if at, ok := dr.changed[account]; ok && at >= was {
		return false
	}
	read.CompareAndSwap(was, dr.epoch)
	return true
}

// noteFilter takes in a line of the operation log that tells of a filter's settings or of lists, seen under an epoch.
func (d *drift) noteFilter(a *store.Act, then uint64) {
	if a.Kind != kindSenders {
		d.filters = then
		return
	}
	var doc sendersDoc
	for _, text := range [2][]byte{a.Before, a.After} {
		if text != nil && read(store.Object{Doc: text}, &doc) == nil && !doc.Account.IsZero() {
			d.changed[mail.ObjectID(doc.Account)] = then
			return
		}
	}
	d.filters = then
}
