package directory

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

// TargetKind is what an address leads to.
type TargetKind uint8

// Kinds of targets.
const (
	TargetAccount         TargetKind = iota + 1 // the account's own address
	TargetAlias                                 // a further address of the account
	TargetList                                  // a mailing list (LI-1)
	TargetListBounce                            // the return path of a list's mail: Member's copy, or nobody's in particular
	TargetListOwner                             // the owners of a list
	TargetListUnsubscribe                       // removes a member from a list: Member, where the address proves itself
	TargetReturn                                // the return path of forwarded mail (SRS): Original sent it
	TargetReport                                // aggregate reports about a domain of the tenant (RFC 9990, RFC 8460)
)

// Target is what a recipient's address leads to.
type Target struct {
	Kind     TargetKind
	Tenant   mail.TenantID
	Account  Account      // of TargetAccount and TargetAlias
	List     *List        // of the kinds of lists; shared, don't change it
	Member   mail.Address // of TargetListBounce and TargetListUnsubscribe
	Original mail.Address // of TargetReturn
}

// entry is an address in memory: what it leads to, and all that signing in asks for.
type entry struct {
	target     Target
	domain     Domain      // of the account, not of the alias
	credential *credential // nil where no password is set
	tenant     mail.TenantID
	floating   bool          // who has it is not known from its own objects alone: the postmaster nobody named
	epoch      atomic.Uint64 // of the tenant, under which it was as it is
}

// Resolve tells what an address leads to. It answers from memory where it can, in
// well under a microsecond and without allocating. Denied "relay.denied" when the domain is
// nobody's here or unverified; NotFound "recipient.unknown" when nobody has the address, the
// tenant is not in service, or the address should prove itself and does not.
func (d *Directory) Resolve(ctx context.Context, to mail.Address) (Target, error) {
	const op = "directory.Resolve"
	all, err := d.known(ctx)
	if err != nil {
		return Target{}, mail.Wrap(op, err)
	}
	c := all.proved(to.Domain)
	if c == nil {
		return Target{}, mail.E(op, mail.Denied, "relay.denied", to.String())
	}
	if !c.InService(time.Now()) {
		return Target{}, mail.E(op, mail.NotFound, "recipient.unknown", to.String())
	}
	e, err := d.entry(ctx, c, to)
	if mail.Is(err, mail.NotFound) {
		target, err := d.special(ctx, c, to)
		if mail.Is(err, mail.NotFound) {
			target, err = d.detailed(ctx, c, to)
		}
		return target, mail.Wrap(op, err)
	}
	if err != nil {
		return Target{}, mail.Wrap(op, err)
	}
	return e.target, nil
}

// detailed resolves user+detail@ (RFC 5233 §4): mail for an account, with a word of the sender's that filters can ask for. Lists
// have no details.
func (d *Directory) detailed(ctx context.Context, c *contract, to mail.Address) (Target, error) {
	user, _, found := strings.Cut(to.Local, "+")
	if !found || user == "" {
		return Target{}, unknown(to)
	}
	e, err := d.entry(ctx, c, mail.Address{Local: user, Domain: to.Domain})
	if err != nil {
		return Target{}, err
	}
	if e.target.Kind == TargetList {
		return Target{}, unknown(to)
	}
	return e.target, nil
}

// entry gives what is known of an address in a tenant's domain. NotFound "recipient.unknown".
func (d *Directory) entry(ctx context.Context, c *contract, to mail.Address) (*entry, error) {
	epoch := c.store.Epoch() // before reading: what changes meanwhile makes the entry stale
	var room [mail.MaxLocalPart + 1 + mail.MaxDomain]byte
	key := appendKey(room[:0], to)
	if e, ok := getBytes(d.addresses, key); ok && e.tenant == c.ID && d.fresh(ctx, c, e, epoch) {
		return e, nil
	}
	e := &entry{tenant: c.ID}
	e.epoch.Store(epoch)
	err := c.store.View(ctx, func(r store.Reader) error { return e.read(r, to) })
	if err != nil {
		return nil, err
	}
	d.addresses.put(string(key), e)
	return e, nil
}

// appendKey is mail.Address.Key without allocating where the local part is ASCII.
func appendKey(b []byte, a mail.Address) []byte {
	start := len(b)
	for i := range len(a.Local) {
		c := a.Local[i]
		if c >= 0x80 {
			return append(b[:start], a.Key()...)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	b = append(b, '@')
	return append(b, a.Domain...)
}

// getBytes is get for a key still in a buffer; the map lookup doesn't copy it.
func getBytes[V any](g *generations[string, V], key []byte) (v V, ok bool) {
	g.mu.RLock()
	v, ok = g.young[string(key)]
	g.mu.RUnlock()
	if ok {
		return v, true
	}
	return g.get(string(key))
}

// read fills the entry from the store.
func (e *entry) read(r store.Reader, to mail.Address) error {
	o, err := r.ObjectByKey(addressKey(to))
	if mail.Is(err, mail.NotFound) && strings.EqualFold(to.Local, postmaster) {
		o, err = firstAdmin(r)
		e.floating = true
	}
	if err == nil && o.Kind == kindList {
		l, err := listOf(o, e.tenant)
		e.target = Target{Kind: TargetList, Tenant: e.tenant, List: &l}
		return err
	}
	if mail.Is(err, mail.NotFound) || err == nil && o.Kind != kindAccount {
		return unknown(to)
	}
	if err != nil {
		return err
	}
	var doc accountDoc
	if err := read(o, &doc); err != nil {
		return err
	}
	if doc.State == AccountDeleted {
		return unknown(to) // the address stays its own, and nobody has it
	}
	id := mail.AccountID(o.ID)
	if e.credential, err = readCredential(r, id); err != nil {
		return err
	}
	domain, err := r.Object(kindDomain, mail.ObjectID(doc.Domain))
	if err != nil {
		return err
	}
	if e.domain, err = domainOf(domain); err != nil {
		return err
	}
	e.target = Target{Kind: TargetAlias, Tenant: e.tenant, Account: doc.account(id, e.tenant, e.domain.Plan)}
	if sameAddress(doc.Address, to) {
		e.target.Kind = TargetAccount
	}
	return nil
}

// unknown says that nobody has an address.
func unknown(to mail.Address) error {
	return mail.E("directory.entry", mail.NotFound, "recipient.unknown", to.String())
}

// firstAdmin gives the tenant's oldest administrator, to whom mail for the postmaster
// goes unless somebody has that alias. NotFound where there is none.
func firstAdmin(r store.Reader) (store.Object, error) {
	admins, err := r.Marked(kindAccount, hasRole(RoleOwner), store.Page{Limit: 1})
	if err == nil && len(admins) == 0 {
		return store.Object{}, mail.E("directory.firstAdmin", mail.NotFound, "account.unknown", postmaster)
	}
	if err != nil {
		return store.Object{}, err
	}
	return admins[0], nil
}
