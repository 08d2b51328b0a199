package directory

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// ForwardMode says whereto mail may be forwarded by itself (ML-5).
type ForwardMode string

// Modes of forwarding. They hold at the moment a message is forwarded: what was set up before
// a mode became stricter stays, and does nothing.
const (
	ForwardDeny     ForwardMode = "deny"
	ForwardInternal ForwardMode = "internal" // to the tenant's own domains
	ForwardListed   ForwardMode = "listed"   // to those and the tenant's ForwardDomains
	ForwardAny      ForwardMode = "any"
)

// Rate is how many recipients may be written to (ML-10); 0 = the platform's default.
type Rate struct {
	Hour int `json:"hour,omitempty"`
	Day  int `json:"day,omitempty"`
}

// Settings are what a tenant decides about its mail.
type Settings struct {
	UserForward    ForwardMode `json:"userForward"`  // of users' filters; "" = ForwardInternal
	AdminForward   ForwardMode `json:"adminForward"` // of Account.Forward; "" = ForwardAny
	ForwardDomains []string    `json:"forwardDomains,omitempty"`

	// Limits of sending (ML-10): recipients of submissions of one account, one domain, the whole tenant. That of the
	// tenant is set by operators: it is what the platform allows the tenant.
	AccountRate Rate `json:"accountRate"`
	DomainRate  Rate `json:"domainRate"`
	TenantRate  Rate `json:"tenantRate"`

	// DMARCOverride is what becomes of mail that its domain wants rejected (RFC 9989): "reject", which ""
	// means too, or "accept".
	DMARCOverride string `json:"dmarcOverride,omitempty"`

	// NoticeLang is the language of delivery status notifications: "ja", "en", or "" = both.
	NoticeLang string `json:"noticeLang,omitempty"`
	// NoticeBoth: notices to people here are in all languages, not in the reader's alone.
	NoticeBoth bool `json:"noticeBoth,omitempty"`
	// Zone is the time zone of dates in notices, such as "Asia/Tokyo", which "" means too.
	Zone string `json:"zone,omitempty"`
}

// Values of Settings.DMARCOverride.
const (
	DMARCReject = "reject"
	DMARCAccept = "accept"
)

// Limits of settings.
const (
	// MaxForwardDomains is how many domains Settings.ForwardDomains names.
	MaxForwardDomains = 1000
	// MaxRate bounds a rate in recipients.
	MaxRate = 10_000_000
)

// settingsKey is under what a tenant's settings are found.
var settingsKey = store.Key{Name: "settings", Value: "mail"}

// readSettings gives the tenant's settings, the defaults where none were set.
func readSettings(r store.Reader) (s Settings, o store.Object, err error) {
	o, err = r.ObjectByKey(settingsKey)
	switch {
	case mail.Is(err, mail.NotFound):
		o, err = store.Object{Kind: kindSettings, Unique: []store.Key{settingsKey}}, nil
	case err == nil:
		err = read(o, &s)
	}
	return s.complete(), o, err
}

// complete puts the defaults where nothing was said.
func (s Settings) complete() Settings {
	if s.UserForward == "" {
		s.UserForward = ForwardInternal
	}
	if s.AdminForward == "" {
		s.AdminForward = ForwardAny
	}
	if s.DMARCOverride == "" {
		s.DMARCOverride = DMARCReject
	}
	return s
}

// Settings gives the tenant's settings; the defaults before any were set.
func (c *Company) Settings(ctx context.Context) (s Settings, err error) {
	err = c.view(ctx, "directory.Settings", func(r store.Reader) error {
		s, _, err = readSettings(r)
		return err
	})
	return s, err
}

// SetSettings replaces the tenant's settings. For its administrators, but for TenantRate: another one than is set is
// Denied "actor.denied" unless by an operator. Invalid "settings.mode",
// "settings.rate", "settings.override", "settings.zone", "domain.malformed", "lang.unknown"; Full "settings.domains_full".
func (c *Company) SetSettings(ctx context.Context, by mail.Actor, s Settings) error {
	const op = "directory.SetSettings"
	s, err := checkSettings(op, s)
	if err != nil {
		return err
	}
	return c.update(ctx, by, op, manages, func(tx store.Tx) error {
		old, o, err := readSettings(tx)
		if err == nil && s.TenantRate != old.TenantRate && by.Role() != mail.Operator {
			err = mail.E(op, mail.Denied, "actor.denied")
		}
		if err != nil {
			return err
		}
		if o.ID.IsZero() {
			o.ID = mail.ObjectID(tx.NextID())
		}
		return put(tx, o, s)
	})
}

func checkSettings(op mail.Op, s Settings) (Settings, error) {
	s = s.complete()
	for _, m := range []ForwardMode{s.UserForward, s.AdminForward} {
		if !slices.Contains([]ForwardMode{ForwardDeny, ForwardInternal, ForwardListed, ForwardAny}, m) {
			return s, mail.E(op, mail.Invalid, "settings.mode", string(m))
		}
	}
	for _, r := range []Rate{s.AccountRate, s.DomainRate, s.TenantRate} {
		if min(r.Hour, r.Day) < 0 || max(r.Hour, r.Day) > MaxRate {
			return s, mail.E(op, mail.Invalid, "settings.rate", MaxRate)
		}
	}
	if s.DMARCOverride != DMARCReject && s.DMARCOverride != DMARCAccept {
		return s, mail.E(op, mail.Invalid, "settings.override", s.DMARCOverride)
	}
	if _, err := time.LoadLocation(s.Zone); err != nil {
		return s, mail.E(op, mail.Invalid, "settings.zone", s.Zone)
	}
	if len(s.ForwardDomains) > MaxForwardDomains {
		return s, mail.E(op, mail.Full, "settings.domains_full", MaxForwardDomains)
	}
	domains := make([]string, 0, len(s.ForwardDomains))
	for _, d := range s.ForwardDomains {
		name, ok := mail.ParseDomain(d)
		if !ok {
			return s, mail.E(op, mail.Invalid, "domain.malformed", d)
		}
		domains = append(domains, name)
	}
	slices.Sort(domains)
	s.ForwardDomains = slices.Compact(domains)
	if s.NoticeLang == "" {
		return s, nil
	}
	return s, checkLang(op, s.NoticeLang)
}
