package directory

import (
	"context"
	"net/netip"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// contract is a tenant with the handle of its store.
type contract struct {
	Tenant
	store store.Tenant
}

// contracts is the platform's part of the directory in memory: all of it, since it is
// small (some hundred octets a tenant and domain) and asked for with every recipient. It
// does not change; a new one is read when the platform's epoch grew.
type contracts struct {
	epoch    uint64
	tenants  map[mail.TenantID]*contract
	domains  map[string]*contract
	unproved map[string]bool // domains of which it is not known that they are their tenant's; mostly none
	networks map[netip.Prefix]*contract
	lengths  []int // of the prefixes in networks, each once, longest first
	tokens   Tokens
	salts    []byte // from which false salts are derived; nil before the first was needed
}

// claimDoc says whose a domain is.
type claimDoc struct {
	Name       string        `json:"name"`
	Tenant     mail.TenantID `json:"tenant"`
	Unverified bool          `json:"unverified,omitempty"` // see OwnerUnverified
}

// known gives the contracts as they are now.
func (d *Directory) known(ctx context.Context) (*contracts, error) {
	if c := d.contracts.Load(); c != nil && c.epoch == d.platform.Epoch() {
		return c, nil
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	epoch := d.platform.Epoch() // before reading: what changes meanwhile makes it stale
	if c := d.contracts.Load(); c != nil && c.epoch == epoch {
		return c, nil
	}
	c, err := d.readContracts(ctx)
	if err != nil {
		return nil, mail.Wrap("directory.known", err)
	}
	c.epoch = epoch
	d.contracts.Store(c)
	return c, nil
}

func (d *Directory) readContracts(ctx context.Context) (c *contracts, err error) {
	err = d.platform.View(ctx, func(r store.Reader) error {
		c = &contracts{
			tenants:  make(map[mail.TenantID]*contract),
			domains:  make(map[string]*contract),
			unproved: make(map[string]bool),
			networks: make(map[netip.Prefix]*contract),
		}
		if err := each(r, kindTenant, func(o store.Object) error { return c.addTenant(d.store, o) }); err != nil {
			return err
		}
		if err := each(r, kindDomain, c.addDomain); err != nil {
			return err
		}
		secrets, _, err := readSecrets(r)
		c.tokens.keys, c.salts = secrets.Keys, secrets.Salts
		return err
	})
	return c, err
}

func (c *contracts) addTenant(st store.Store, o store.Object) error {
	t, err := tenantOf(o)
	if err != nil {
		return err
	}
	one := &contract{t, st.Tenant(t.ID)}
	c.tenants[t.ID] = one
	for _, n := range t.Networks {
		c.networks[n] = one
		if !slices.Contains(c.lengths, n.Bits()) {
			c.lengths = append(c.lengths, n.Bits())
		}
	}
	slices.SortFunc(c.lengths, func(a, b int) int { return b - a })
	return nil
}

func (c *contracts) addDomain(o store.Object) error {
	var doc claimDoc
	if err := read(o, &doc); err != nil {
		return err
	}
	if t := c.tenants[doc.Tenant]; t != nil {
		c.domains[doc.Name] = t
		if doc.Unverified {
			c.unproved[doc.Name] = true
		}
	}
	return nil
}

// proved gives whose a domain is in the flow of mail; nil for nobody's, and for one that is unverified.
func (c *contracts) proved(domain string) *contract {
	if c.unproved[domain] {
		return nil
	}
	return c.domains[domain]
}

// network gives whose network an address lies in, the longest prefix winning; nil for nobody's.
func (c *contracts) network(ip netip.Addr) *contract {
	ip = ip.Unmap().WithZone("")
	for _, bits := range c.lengths {
		if p, err := ip.Prefix(bits); err == nil {
			if t := c.networks[p]; t != nil {
				return t
			}
		}
	}
	return nil
}

// contract gives a tenant's contract. NotFound "tenant.unknown".
func (d *Directory) contract(ctx context.Context, id mail.TenantID) (*contract, error) {
	all, err := d.known(ctx)
	if err != nil {
		return nil, err
	}
	c := all.tenants[id]
	if c == nil {
		return nil, mail.E("directory.contract", mail.NotFound, "tenant.unknown", id.String())
	}
	return c, nil
}

// LocalDomain tells whose a domain is, be it verified or not. A subdomain is a domain of its own (SV-2).
func (d *Directory) LocalDomain(ctx context.Context, domain string) (mail.TenantID, bool, error) {
	all, err := d.known(ctx)
	if err != nil {
		return 0, false, err
	}
	if c := all.domains[domain]; c != nil {
		return c.ID, true, nil
	}
	return 0, false, nil
}

// VPNTenant tells whose network of the VPN zone an address lies in (SV-9).
func (d *Directory) VPNTenant(ctx context.Context, ip netip.Addr) (mail.TenantID, bool, error) {
	all, err := d.known(ctx)
	if err != nil {
		return 0, false, err
	}
	if c := all.network(ip); c != nil {
		return c.ID, true, nil
	}
	return 0, false, nil
}

// onOwnNetwork refuses somebody of one company in the VPN zone who comes from the network of another (SV-9): Denied
// "zone.other_network".
func (d *Directory) onOwnNetwork(ctx context.Context, o mail.Origin, c *contract) error {
	const op = "directory.onOwnNetwork"
	if o.Zone != mail.ZoneVPN {
		return nil
	}
	whose, ok, err := d.VPNTenant(ctx, o.Remote)
	if err == nil && (!ok || whose != c.ID) {
		return mail.E(op, mail.Denied, "zone.other_network", o.Remote.String())
	}
	return mail.Wrap(op, err)
}

// Reachable judges a peer before it said anything: in the VPN zone it must be in the network of a company (SV-9), else
// Denied "zone.unknown_network".
func (d *Directory) Reachable(ctx context.Context, o mail.Origin) error {
	const op = "directory.Reachable"
	if o.Zone != mail.ZoneVPN {
		return nil
	}
	_, ok, err := d.VPNTenant(ctx, o.Remote)
	if err == nil && !ok {
		return mail.E(op, mail.Denied, "zone.unknown_network", o.Remote.String())
	}
	return mail.Wrap(op, err)
}
