package directory

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// TenantState is where a contract stands.
type TenantState string

// States of a contract, in their order (CP-2). From open it may go to suspended and
// back; closed is the end.
const (
	TenantOrdered     TenantState = "ordered"     // recorded; its store is not made yet
	TenantProvisioned TenantState = "provisioned" // its store is made; operators set it up, its people do nothing yet
	TenantOpen        TenantState = "open"        // in service from its start date on
	TenantSuspended   TenantState = "suspended"   // receives nothing, nobody signs in, nothing is deleted
	TenantClosed      TenantState = "closed"
)

// nextStates says what may follow a state.
var nextStates = map[TenantState][]TenantState{
	TenantOrdered:     {TenantProvisioned, TenantOpen, TenantClosed},
	TenantProvisioned: {TenantOpen, TenantClosed},
	TenantOpen:        {TenantSuspended, TenantClosed},
	TenantSuspended:   {TenantOpen, TenantClosed},
}

// Tenant is a contract: a customer company.
type Tenant struct {
	ID       mail.TenantID
	Version  uint64 // grows with each change
	Name     string // the company's
	Lang     string // "ja" or "en": what new accounts and notices to administrators use
	State    TenantState
	Start    time.Time      // service start date (CP-2)
	Networks []netip.Prefix // source networks in the VPN zone (SV-9)
	NoScram  bool           // passwords are kept as argon2id alone; see TenantSpec
}

// InService tells whether the tenant receives mail and its people may sign in.
func (t Tenant) InService(now time.Time) bool {
	return t.State == TenantOpen && !now.Before(t.Start)
}

// Usable gives nil where the tenant is in service, else why it is not: Denied
// "tenant.not_started" with the date (CP-2), "tenant.not_open" where the date has passed and the contract is not opened yet,
// "tenant.suspended" or "tenant.closed".
func (t Tenant) Usable(op mail.Op, now time.Time) error {
	switch {
	case t.State == TenantClosed:
		return mail.E(op, mail.Denied, "tenant.closed")
	case t.State == TenantSuspended:
		return mail.E(op, mail.Denied, "tenant.suspended")
	case now.Before(t.Start):
		return mail.E(op, mail.Denied, "tenant.not_started", t.StartDate())
	case t.State != TenantOpen:
		return mail.E(op, mail.Denied, "tenant.not_open")
	}
	return nil
}

// contractZone is where the dates of contracts are those of the calendar.
var contractZone = time.FixedZone("Asia/Tokyo", 9*60*60)

// StartDate is the service start date as the contract has it, such as "2026-04-01".
func (t Tenant) StartDate() string { return t.Start.In(contractZone).Format(time.DateOnly) }

// TenantSpec asks for a tenant.
type TenantSpec struct {
	Name     string
	Lang     string         // "" = "ja"
	Start    time.Time      // zero = now
	Networks []netip.Prefix // a network belongs to one tenant; inside another's it wins by its length
	// NoScram keeps passwords as argon2id alone. SCRAM (RFC 5802) needs a secret of its own
	// beside that hash. A client that uses it never shows its password to anybody, but
	// the secret is PBKDF2 with few rounds: who steals the database guesses
	// passwords against it thousands of times faster than against argon2id.
	NoScram bool
}

// Limits of contracts.
const (
	// MaxName is the length of a company's or person's name, in octets.
	MaxName = 255
	// MaxNetworks is the number of VPN networks of one tenant.
	MaxNetworks = 128
)

// tenantDoc is a tenant as stored.
type tenantDoc struct {
	Name     string         `json:"name"`
	Lang     string         `json:"lang"`
	State    TenantState    `json:"state"`
	Start    time.Time      `json:"start"`
	Networks []netip.Prefix `json:"networks,omitempty"`
	NoScram  bool           `json:"noScram,omitempty"`
}

// same tells whether two contracts say the same.
func (d tenantDoc) same(other tenantDoc) bool {
	return d.Name == other.Name && d.Lang == other.Lang && d.State == other.State && d.Start.Equal(other.Start) &&
		slices.Equal(d.Networks, other.Networks) && d.NoScram == other.NoScram
}

func tenantOf(o store.Object) (Tenant, error) {
	var doc tenantDoc
	if err := read(o, &doc); err != nil {
		return Tenant{}, err
	}
	return Tenant{mail.TenantID(o.ID), o.Version, doc.Name, doc.Lang, doc.State, doc.Start, doc.Networks, doc.NoScram}, nil
}

// putTenant writes a contract and gives it its new version.
func putTenant(tx store.Tx, t *Tenant) error {
	o := store.Object{Kind: kindTenant, ID: mail.ObjectID(t.ID), Version: t.Version}
	for _, n := range t.Networks {
		o.Unique = append(o.Unique, store.Key{Name: "network", Value: n.String()})
	}
	err := put(tx, o, t.doc())
	t.Version++
	return taken(err, "network.taken")
}

// doc is the contract as stored.
func (t *Tenant) doc() tenantDoc {
	return tenantDoc{t.Name, t.Lang, t.State, t.Start, t.Networks, t.NoScram}
}

// taken says in the directory's words that a unique key belongs to another object.
func taken(err error, text string) error {
	if key, args := mail.TextOf(err); key == "key.taken" {
		return mail.E("directory.put", mail.Conflict, text, args...)
	}
	return err
}

// OpenTenant makes a tenant with its store, open from its start date on (SV-12). It is
// recorded as ordered first: after a crash in between, SetTenantState completes it. Operators
// only. Conflict "network.taken".
func (d *Directory) OpenTenant(ctx context.Context, by mail.Actor, spec TenantSpec) (Tenant, error) {
	const op = "directory.OpenTenant"
	by = opens(by)
	t, err := newTenant(op, by, spec)
	if err != nil {
		return Tenant{}, err
	}
	err = d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		t.ID, t.Version = mail.TenantID(tx.NextID()), 0
		return putTenant(tx, &t)
	})
	if err != nil {
		return Tenant{}, mail.Wrap(op, err)
	}
	t, err = d.SetTenantState(ctx, by, t.ID, TenantOpen)
	return t, mail.Wrap(op, err)
}

// newTenant checks what was asked for.
func newTenant(op mail.Op, by mail.Actor, spec TenantSpec) (Tenant, error) {
	t := Tenant{Name: spec.Name, Lang: spec.Lang, State: TenantOrdered, Start: spec.Start, Networks: spec.Networks, NoScram: spec.NoScram}
	if t.Start.IsZero() {
		t.Start = time.Now().Truncate(time.Second)
	}
	if t.Lang == "" {
		t.Lang = "ja"
	}
	if by.Role() != mail.Operator {
		return Tenant{}, mail.E(op, mail.Denied, "actor.denied")
	}
	err := t.check(op)
	return t, err
}

// check judges what a contract says, and puts it into its canonical form.
func (t *Tenant) check(op mail.Op) error {
	t.Name = strings.TrimSpace(t.Name)
	networks := make([]netip.Prefix, 0, len(t.Networks))
	for _, n := range t.Networks {
		if !n.IsValid() {
			return mail.E(op, mail.Invalid, "network.malformed", n.String())
		}
		networks = append(networks, n.Masked())
	}
	slices.SortFunc(networks, netip.Prefix.Compare)
	t.Networks = slices.Compact(networks)
	switch {
	case t.Name == "" || len(t.Name) > MaxName:
		return mail.E(op, mail.Invalid, "name.malformed", MaxName)
	case len(t.Networks) > MaxNetworks:
		return mail.E(op, mail.Full, "networks.too_many", MaxNetworks)
	}
	return checkLang(op, t.Lang)
}

// checkLang refuses languages we have no words in.
func checkLang(op mail.Op, lang string) error {
	if lang != "ja" && lang != "en" {
		return mail.E(op, mail.Invalid, "lang.unknown", lang)
	}
	return nil
}

// Tenants lists all contracts, whatever their state, in order of ID.
func (d *Directory) Tenants(ctx context.Context) ([]Tenant, error) {
	var all []Tenant
	err := d.platform.View(ctx, func(r store.Reader) error {
		all = nil
		return each(r, kindTenant, func(o store.Object) error {
			t, err := tenantOf(o)
			all = append(all, t)
			return err
		})
	})
	return all, mail.Wrap("directory.Tenants", err)
}

// Tenant gives one contract. NotFound "tenant.unknown".
func (d *Directory) Tenant(ctx context.Context, id mail.TenantID) (Tenant, error) {
	c, err := d.contract(ctx, id)
	if err != nil {
		return Tenant{}, mail.Wrap("directory.Tenant", err)
	}
	return c.Tenant, nil
}

// SetTenantState moves a contract on; to where it stands is no error. Its store is made when it leaves the state
// ordered. Operators only. Conflict "tenant.state" for a step that isn't foreseen.
func (d *Directory) SetTenantState(ctx context.Context, by mail.Actor, id mail.TenantID, state TenantState) (Tenant, error) {
	const op = "directory.SetTenantState"
	t, err := d.changeTenant(ctx, by, op, id, func(t *Tenant) error {
		if state != t.State && !slices.Contains(nextStates[t.State], state) {
			return mail.E(op, mail.Conflict, "tenant.state", string(t.State), string(state))
		}
		t.State = state
		return nil
	})
	return t, mail.Wrap(op, err)
}

// SetTenantStart changes the service start date (CP-2). Operators only.
func (d *Directory) SetTenantStart(ctx context.Context, by mail.Actor, id mail.TenantID, start time.Time) (Tenant, error) {
	return d.ChangeTenant(ctx, by, id, TenantChange{Start: start})
}

// TenantChange is what an operator changes of a contract. What is zero stays as it is.
type TenantChange struct {
	Version  uint64 // what is meant to be changed; 0 = whatever stands there
	Name     string
	Lang     string
	Start    time.Time      // service start date (CP-2)
	Networks []netip.Prefix // source networks in the VPN zone (SV-9); empty, not nil: none
}

// ChangeTenant changes a contract. Operators only. Conflict "object.changed", "network.taken".
func (d *Directory) ChangeTenant(ctx context.Context, by mail.Actor, id mail.TenantID, change TenantChange) (Tenant, error) {
	const op = "directory.ChangeTenant"
	t, err := d.changeTenant(ctx, by, op, id, func(t *Tenant) error {
		if change.Version != 0 && change.Version != t.Version {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		t.Name, t.Lang = cmp.Or(change.Name, t.Name), cmp.Or(change.Lang, t.Lang)
		if !change.Start.IsZero() {
			t.Start = change.Start
		}
		if change.Networks != nil {
			t.Networks = change.Networks
		}
		return t.check(op)
	})
	return t, mail.Wrap(op, err)
}

// changeTenant lets fn change a contract. The tenant's store exists before the
// contract leaves the state ordered, so that no other state lacks it.
func (d *Directory) changeTenant(ctx context.Context, by mail.Actor, op mail.Op, id mail.TenantID, fn func(*Tenant) error) (t Tenant, err error) {
	if by.Role() != mail.Operator {
		return t, mail.E(op, mail.Denied, "actor.denied")
	}
	if err := reasoned(op, by); err != nil {
		return t, err
	}
	if _, err := d.contract(ctx, id); err != nil {
		return t, err
	}
	if err := d.store.CreateTenant(ctx, id); err != nil && !mail.Is(err, mail.Conflict) {
		return t, err
	}
	err = d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		o, err := tx.Object(kindTenant, mail.ObjectID(id))
		if err != nil {
			return err
		}
		if t, err = tenantOf(o); err != nil {
			return err
		}
		was := t.doc()
		if err = fn(&t); err != nil || was.same(t.doc()) {
			return err
		}
		return putTenant(tx, &t)
	})
	if err != nil {
		return t, err
	}
	return t, d.copyContract(ctx, by, op, &t)
}

// contractKey is under what a tenant's copy of its contract is found.
var contractKey = store.Key{Name: "contract", Value: "own"}

// copyContract writes the contract into the tenant's own store. Nobody reads it there: it is what the tenant's operation
// log shows of what operators did (CP-7). Where a crash left it out, KeepLogs or the next change brings it up.
func (d *Directory) copyContract(ctx context.Context, by mail.Actor, op mail.Op, t *Tenant) error {
	return d.store.Tenant(t.ID).Update(ctx, by, op, func(tx store.Tx) error {
		o, err := tx.ObjectByKey(contractKey)
		switch {
		case mail.Is(err, mail.NotFound):
			o = store.Object{Kind: kindContract, ID: mail.ObjectID(tx.NextID())}
		case err != nil:
			return err
		}
		var have tenantDoc
		if o.Version != 0 {
			if err := read(o, &have); err != nil || have.same(t.doc()) {
				return err
			}
		}
		o.Unique = []store.Key{contractKey}
		return put(tx, o, t.doc())
	})
}
