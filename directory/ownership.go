package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// OwnerState says how it is known that a domain is the company's.
type OwnerState string

// States of ownership. An unverified domain can be set up, and its accounts can sign in; but it is nobody's in the flow of
// mail: what is sent to it goes where the DNS says, and nobody sends as it. Otherwise who merely names a
// domain would get the mail that the platform's other customers write to its true owner.
const (
	OwnerUnverified OwnerState = "unverified"
	OwnerVouched    OwnerState = "vouched"  // an operator answers for it
	OwnerVerified   OwnerState = "verified" // the DNS showed the domain's token
)

// Ownership is what is known about whose a domain is.
type Ownership struct {
	State  OwnerState `json:"state"`
	Token  string     `json:"token"`            // random, of this domain and tenant
	Since  time.Time  `json:"since,omitzero"`   // of State; zero where it is unverified
	By     string     `json:"by,omitempty"`     // who verified or vouched
	Reason string     `json:"reason,omitempty"` // why an operator vouches
}

// Proved tells whether the domain may receive and send.
func (o Ownership) Proved() bool { return o.State == OwnerVouched || o.State == OwnerVerified }

// What shows in the DNS that a domain is the company's: a TXT record below the domain, of which one text is
// ChallengePrefix and the token.
const (
	ChallengeLabel  = "_tegami-challenge"
	ChallengePrefix = "tegami-verification="
)

// Challenge gives the name and the text of the TXT record that shows whose the domain is.
func (d Domain) Challenge() (name, text string) {
	return ChallengeLabel + "." + d.Name, ChallengePrefix + d.Owner.Token
}

// ownership is that of a new domain. Operators who add a domain answer for it, unless they want it shown.
func (s DomainSpec) ownership(by mail.Actor) Ownership {
	o := Ownership{State: OwnerUnverified, Token: strings.ToLower(rand.Text())}
	if !s.Unverified {
		o.State, o.Since, o.By, o.Reason = OwnerVouched, time.Now().Truncate(time.Second), by.Name(), cmp.Or(s.Reason, by.Reason())
	}
	return o
}

// VerifyDomain takes the texts that the DNS has at a domain's Challenge, and verifies the domain where its own is
// among them. For administrators of policy; again is no error. Conflict "domain.no_challenge" with the record that is wanted.
func (c *Company) VerifyDomain(ctx context.Context, by mail.Actor, name string, texts []string) (Domain, error) {
	const op = "directory.VerifyDomain"
	return c.prove(ctx, by, op, RightPolicy, name, func(d *Domain) error {
		at, want := d.Challenge()
		if !slices.ContainsFunc(texts, func(t string) bool { return strings.TrimSpace(t) == want }) {
			return mail.E(op, mail.Conflict, "domain.no_challenge", at, want)
		}
		if d.Owner.State != OwnerVerified {
			d.Owner = Ownership{State: OwnerVerified, Token: d.Owner.Token, Since: time.Now().Truncate(time.Second), By: by.Name()}
		}
		return nil
	})
}

// VouchDomain lets an unverified domain receive and send because an operator answers for it. reason "" is the
// actor's. Invalid "reason.missing".
func (c *Company) VouchDomain(ctx context.Context, by mail.Actor, name, reason string) (Domain, error) {
	const op = "directory.VouchDomain"
	reason = strings.TrimSpace(cmp.Or(reason, by.Reason()))
	if reason == "" || len(reason) > mail.MaxReason {
		return Domain{}, mail.E(op, mail.Invalid, "reason.missing", mail.MaxReason)
	}
	return c.prove(ctx, by, op, RightOrder, name, func(d *Domain) error {
		if !d.Owner.Proved() {
			d.Owner.State, d.Owner.Since, d.Owner.By, d.Owner.Reason = OwnerVouched, time.Now().Truncate(time.Second), by.Name(), reason
		}
		return nil
	})
}

// prove changes what is known about a domain's owner: in the tenant, where it is looked up and logged, then on the platform,
// where it takes effect. After a crash between them the same again completes it.
func (c *Company) prove(ctx context.Context, by mail.Actor, op mail.Op, need Right, name string, fn func(*Domain) error) (d Domain, err error) {
	err = c.change(ctx, by, op, need, func(tx store.Tx) error {
		if d, _, err = domainNamed(tx, name); err != nil {
			return err
		}
		if err := c.permit(tx, by, op, need, Place{Domain: d.ID}); err != nil {
			return err
		}
		was := d.Owner
		if err := fn(&d); err != nil || d.Owner == was {
			return err
		}
		return putDomain(tx, &d)
	})
	if err != nil {
		return Domain{}, err
	}
	return d, mail.Wrap(op, c.dir.proveClaim(ctx, by, d.Name, c.id))
}

// proveClaim makes a tenant's claim one that counts in the flow of mail.
func (d *Directory) proveClaim(ctx context.Context, by mail.Actor, name string, tenant mail.TenantID) error {
	const op = "directory.proveClaim"
	if all, err := d.known(ctx); err != nil || !all.unproved[name] {
		return err
	}
	return d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		o, err := tx.ObjectByKey(domainKey(name))
		if err != nil {
			return err
		}
		var doc claimDoc
		if err := read(o, &doc); err != nil {
			return err
		}
		if doc.Tenant != tenant {
			return mail.E(op, mail.Conflict, "domain.taken", name)
		}
		doc.Unverified = false
		return put(tx, o, doc)
	})
}

// MaySendAs refuses to let a tenant send as a domain that is not its own: Denied "sender.not_owned", or "domain.unverified" for
// one that is not shown to be.
func (d *Directory) MaySendAs(ctx context.Context, tenant mail.TenantID, domain string) error {
	const op = "directory.MaySendAs"
	all, err := d.known(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	owner := all.domains[domain]
	switch {
	case owner == nil || owner.ID != tenant:
		return mail.E(op, mail.Denied, "sender.not_owned", domain)
	case all.unproved[domain]:
		return mail.E(op, mail.Denied, "domain.unverified", domain)
	}
	return nil
}
