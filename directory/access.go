package directory

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"tegami/mail"
)

// Door is a way in that a company can close to the outside (DOMAIN §16.3).
type Door string

// Doors. DoorPanel is the panel and the API, DoorWeb the webmail.
const (
	DoorWeb   Door = "web"
	DoorPanel Door = "panel"
	DoorIMAP  Door = "imap"
	DoorPOP3  Door = "pop3"
	DoorSMTP  Door = "smtp"
	DoorSieve Door = "sieve"
)

// Doors lists them.
func Doors() []Door { return []Door{DoorWeb, DoorPanel, DoorIMAP, DoorPOP3, DoorSMTP, DoorSieve} }

// door is the one that a protocol goes through.
func (p Protocol) door() Door {
	if p == webmail || p == "jmap" || p == "dav" {
		return DoorWeb
	}
	if scope, ok := scopes[p]; ok {
		return Door(scope)
	}
	return DoorPanel
}

// AccessMode says from where a door may be used.
type AccessMode string

// Modes of access.
const (
	AccessAll    AccessMode = "all"    // from everywhere, which "" means too
	AccessNone   AccessMode = "none"   // from nowhere
	AccessListed AccessMode = "listed" // from the rule's networks
)

// AccessRule says from where a door may be used.
type AccessRule struct {
	Mode     AccessMode     `json:"mode"`
	Networks []netip.Prefix `json:"networks,omitempty"`
}

// AccessPolicy says from where each door may be used; one that it doesn't name, from everywhere.
type AccessPolicy struct {
	Rules map[Door]AccessRule `json:"rules,omitempty"`
	// VPNExempt lets everybody in who comes through the VPN zone, where the company's own networks are proved (SV-9).
	VPNExempt bool `json:"vpnExempt"`
}

const (
	// MaxAccessNetworks is how many networks a rule lists.
	MaxAccessNetworks = 128
	// RollbackAfter is when access rules go back by themselves that would keep the one out who set them.
	RollbackAfter = 5 * time.Minute
)

// check refuses rules that say nothing. Invalid "access.mode", "access.networks", "network.malformed"; Full "access.too_many".
func (a *AccessPolicy) check(op mail.Op) error {
	for door, rule := range a.Rules {
		switch {
		case !slices.Contains(Doors(), door) || !slices.Contains([]AccessMode{"", AccessAll, AccessNone, AccessListed}, rule.Mode):
			return mail.E(op, mail.Invalid, "access.mode", string(door), string(rule.Mode))
		case len(rule.Networks) > MaxAccessNetworks:
			return mail.E(op, mail.Full, "access.too_many", MaxAccessNetworks)
		case rule.Mode == AccessListed && len(rule.Networks) == 0:
			return mail.E(op, mail.Invalid, "access.networks", string(door))
		}
		for i, n := range rule.Networks {
			if !n.IsValid() {
				return mail.E(op, mail.Invalid, "network.malformed", n.String())
			}
			rule.Networks[i] = n.Masked()
		}
	}
	return nil
}

// admits tells whether a door may be used from somewhere.
func (a *AccessPolicy) admits(door Door, o mail.Origin) bool {
	rule := a.Rules[door]
	switch {
	case rule.Mode == "" || rule.Mode == AccessAll, a.VPNExempt && o.Zone == mail.ZoneVPN:
		return true
	case rule.Mode == AccessNone:
		return false
	}
	ip := o.Remote.Unmap().WithZone("")
	return slices.ContainsFunc(rule.Networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// same tells whether two policies say the same.
func (a *AccessPolicy) same(b AccessPolicy) bool {
	if a.VPNExempt != b.VPNExempt {
		return false
	}
	return !slices.ContainsFunc(Doors(), func(d Door) bool {
		x, y := a.Rules[d], b.Rules[d]
		return x.Mode != y.Mode || !slices.Equal(x.Networks, y.Networks)
	})
}

// admitted refuses somebody who comes from where his company lets nobody in: Denied "access.network".
func (d *Directory) admitted(ctx context.Context, o mail.Origin, tenant mail.TenantID, doors ...Door) error {
	const op = "directory.admitted"
	s, err := d.security(ctx, tenant)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(doors, func(door Door) bool { return s.Access.admits(door, o) }) {
		return mail.E(op, mail.Denied, "access.network", o.Remote.String())
	}
	return nil
}
