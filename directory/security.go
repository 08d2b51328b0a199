package directory

import (
	"cmp"
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

// SecurityPolicy is what a company decides about signing in (CP-9). The platform has one too, for its operators.
type SecurityPolicy struct {
	Passwords PasswordPolicy `json:"passwords"`
	Factors   FactorPolicy   `json:"factors"`
	Sessions  SessionPolicy  `json:"sessions"`
	Access    AccessPolicy   `json:"access"`
}

// FactorPolicy says who needs a second factor.
type FactorPolicy struct {
	// Admins and Users: who has a role, and who has none, must have a second factor.
	Admins bool `json:"admins"`
	Users  bool `json:"users"`
	// GraceDays is for how long after it was asked for the first time somebody may put that off. 0 = not at all.
	GraceDays int `json:"graceDays"`
	// TrustDays is for how long a browser may be trusted, so that it need not show the second factor again. 0 = never.
	TrustDays int `json:"trustDays"`
	// MailPasswords: who has a second factor may still use the account's own password in mail software. Without it, mail
	// software needs app passwords, since it can't show a second factor.
	MailPasswords bool `json:"mailPasswords"`
}

// SessionPolicy bounds sessions of the pages.
type SessionPolicy struct {
	IdleMinutes int `json:"idleMinutes"` // without a request
	AdminHours  int `json:"adminHours"`  // in all, for who has a role
	UserHours   int `json:"userHours"`   // in all, for who has none
}

// Bounds of a SecurityPolicy.
const (
	maxGraceDays   = 90
	maxTrustDays   = 90
	minIdleMinutes = 5
	maxIdleMinutes = 24 * 60
	maxAdminHours  = 24
	maxUserHours   = 30 * 24
)

// DefaultSecurity is what holds where nothing was decided.
func DefaultSecurity() SecurityPolicy {
	return SecurityPolicy{
		Passwords: PasswordPolicy{MinLength: MinPassword},
		Factors:   FactorPolicy{Admins: true, GraceDays: 7, TrustDays: 30},
		Sessions:  SessionPolicy{IdleMinutes: 30, AdminHours: 12, UserHours: 7 * 24},
	}
}

// check refuses what is out of bounds. Invalid "security.bounds" with the field and its bounds, and the errors of its parts.
func (s *SecurityPolicy) check(op mail.Op, by mail.Actor) error {
	least := MinPassword
	if by.Role() == mail.Operator {
		least = leastPassword
	}
	for _, f := range []struct {
		name            string
		value, min, max int
	}{
		{"passwords.history", s.Passwords.History, 0, maxHistory},
		{"passwords.expiryDays", s.Passwords.ExpiryDays, 0, maxExpiryDays},
		{"passwords.minLength", s.Passwords.MinLength, least, mostPassword},
		{"factors.graceDays", s.Factors.GraceDays, 0, maxGraceDays},
		{"factors.trustDays", s.Factors.TrustDays, 0, maxTrustDays},
		{"sessions.idleMinutes", s.Sessions.IdleMinutes, minIdleMinutes, maxIdleMinutes},
		{"sessions.adminHours", s.Sessions.AdminHours, 1, maxAdminHours},
		{"sessions.userHours", s.Sessions.UserHours, 1, maxUserHours},
	} {
		if f.value < f.min || f.value > f.max {
			return mail.E(op, mail.Invalid, "security.bounds", f.name, f.min, f.max)
		}
	}
	return s.Access.check(op)
}

// securityDoc is a policy as stored, with what it was before an access rule that still has to be confirmed.
type securityDoc struct {
	SecurityPolicy
	Before   *AccessPolicy `json:"before,omitempty"`
	RevertAt time.Time     `json:"revertAt,omitzero"`
	By       string        `json:"by,omitempty"` // who changed it last
	At       time.Time     `json:"at,omitzero"`
}

// effective is the policy that holds at a time: what nobody confirmed has gone back by itself.
func (d *securityDoc) effective(now time.Time) SecurityPolicy {
	s := d.SecurityPolicy
	if d.Before != nil && now.After(d.RevertAt) {
		s.Access = *d.Before
	}
	return s
}

// Security is a policy with what there is to know about it.
type Security struct {
	SecurityPolicy
	Version   uint64
	ChangedBy string    // "" where it is the default
	ChangedAt time.Time // zero where it is the default
	// RevertAt is when Access goes back to what it was, unless ConfirmAccess is called before. Zero: it stays.
	RevertAt time.Time
}

// securityKey is under what a security policy is found.
var securityKey = store.Key{Name: "settings", Value: "security"}

// readSecurity reads a policy; the default where none was set.
func readSecurity(r store.Reader) (doc securityDoc, o store.Object, err error) {
	doc.SecurityPolicy = DefaultSecurity()
	o, err = r.ObjectByKey(securityKey)
	switch {
	case mail.Is(err, mail.NotFound):
		o, err = store.Object{Kind: kindSettings, Unique: []store.Key{securityKey}}, nil
	case err == nil:
		err = read(o, &doc)
	}
	return doc, o, err
}

// knownSecurity is a policy in memory, as of an epoch.
type knownSecurity struct {
	epoch uint64
	doc   securityDoc
}

// maxPolicies bounds the policies in memory, about 1 KiB each.
const maxPolicies = 10_000

// security gives a tenant's policy, and the platform's for tenant zero, from memory where it can.
func (d *Directory) security(ctx context.Context, tenant mail.TenantID) (SecurityPolicy, error) {
	st := d.storeOf(holder{tenant: tenant})
	epoch := st.Epoch() // before reading
	if k, ok := d.policies.get(tenant); ok && k.epoch == epoch {
		return k.doc.effective(time.Now()), nil
	}
	k := &knownSecurity{epoch: epoch}
	err := st.View(ctx, func(r store.Reader) (err error) {
		k.doc, _, err = readSecurity(r)
		return err
	})
	if err != nil {
		return SecurityPolicy{}, mail.Wrap("directory.security", err)
	}
	d.policies.put(tenant, k)
	return k.doc.effective(time.Now()), nil
}

// securityOf joins what is stored with what holds now.
func securityOf(doc securityDoc, o store.Object, now time.Time) Security {
	s := Security{SecurityPolicy: doc.effective(now), Version: o.Version, ChangedBy: doc.By, ChangedAt: doc.At}
	if doc.Before != nil && now.Before(doc.RevertAt) {
		s.RevertAt = doc.RevertAt
	}
	return s
}

// Security gives the company's policy.
func (c *Company) Security(ctx context.Context) (s Security, err error) {
	err = c.view(ctx, "directory.Security", func(r store.Reader) error {
		doc, o, err := readSecurity(r)
		s = securityOf(doc, o, time.Now())
		return err
	})
	return s, err
}

// SetSecurity replaces the company's policy. Where its access rules would keep the one out who sets them, they go back by themselves
// after RollbackAfter, unless ConfirmAccess is called by somebody whom they let in. version is that of the policy that was read; 0 = whatever
// stands there. Invalid "security.bounds", "access.mode", "access.networks"; Conflict "object.changed".
func (c *Company) SetSecurity(ctx context.Context, by mail.Actor, s SecurityPolicy, version uint64) (made Security, err error) {
	const op = "directory.SetSecurity"
	if err := s.check(op, by); err != nil {
		return made, err
	}
	err = c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightPolicy, Place{}); err != nil {
			return err
		}
		made, err = putSecurity(tx, by, op, s, version)
		return err
	})
	return made, err
}

// putSecurity writes a policy.
func putSecurity(tx store.Tx, by mail.Actor, op mail.Op, s SecurityPolicy, version uint64) (Security, error) {
	doc, o, err := readSecurity(tx)
	if err != nil {
		return Security{}, err
	}
	if version != 0 && version != o.Version {
		return Security{}, mail.E(op, mail.Conflict, "object.changed")
	}
	now := time.Now()
	was := doc.effective(now).Access
	doc = securityDoc{SecurityPolicy: s, By: by.Name(), At: now}
	if by.Role() != mail.Operator && !was.same(s.Access) && !s.Access.admits(DoorPanel, by.Origin()) {
		doc.Before, doc.RevertAt = &was, now.Add(RollbackAfter)
	}
	if err := put(tx, o, doc); err != nil {
		return Security{}, err
	}
	o.Version++
	return securityOf(doc, o, now), nil
}

// ConfirmAccess keeps access rules that would go back by themselves. Whoever calls it gets in under them. Conflict
// "access.nothing_to_confirm"; Denied "access.network" from where they let nobody in.
func (c *Company) ConfirmAccess(ctx context.Context, by mail.Actor) error {
	const op = "directory.ConfirmAccess"
	return c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightPolicy, Place{}); err != nil {
			return err
		}
		doc, o, err := readSecurity(tx)
		switch {
		case err != nil:
			return err
		case doc.Before == nil || time.Now().After(doc.RevertAt):
			return mail.E(op, mail.Conflict, "access.nothing_to_confirm")
		case by.Role() != mail.Operator && !doc.Access.admits(DoorPanel, by.Origin()):
			return mail.E(op, mail.Denied, "access.network", by.Origin().Remote.String())
		}
		doc.Before, doc.RevertAt = nil, time.Time{}
		return put(tx, o, doc)
	})
}

// idle and limit are how long a session may be unused, and how long it lasts in all.
func (s *SessionPolicy) idle() time.Duration { return time.Duration(s.IdleMinutes) * time.Minute }

func (s *SessionPolicy) limit(administers bool) time.Duration {
	hours := s.UserHours
	if administers {
		hours = cmp.Or(s.AdminHours, hours)
	}
	return time.Duration(hours) * time.Hour
}
