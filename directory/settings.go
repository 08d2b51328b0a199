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

	// GALWide: users see the address book of all the company's domains, not of their own alone (ML-6).
	GALWide bool `json:"galWide,omitempty"`

	// ConfirmOutside has the webmail ask before a message leaves for other domains than the company's.
	ConfirmOutside bool `json:"confirmOutside,omitempty"`
	// NoOutsideVacation: absence notes of users answer the company's own people only (ML-12).
	NoOutsideVacation bool `json:"noOutsideVacation,omitempty"`

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

// Location is the zone of the company's dates: Zone, and Japan's where that says nothing. It has no summer time.
func (s *Settings) Location() *time.Location {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "" {
		return time.FixedZone("JST", 9*60*60)
	}
	return zone
}

// Zone is where the company's days begin. With an error it is Japan's, so that what is told by the day can go on.
func (c *Company) Zone(ctx context.Context) (*time.Location, error) {
	s, err := c.Settings(ctx)
	if err != nil {
		s = Settings{}
	}
	return s.Location(), err
}

// SettingsState are the settings with who changed them last, and when.
type SettingsState struct {
	Settings
	Version uint64 // 0 before any were set
	Changed time.Time
	By      string
}

// settingsDoc are settings as stored.
type settingsDoc struct {
	Settings
	By string `json:"by,omitempty"`
}

// SettingsState gives the tenant's settings with who changed them last.
func (c *Company) SettingsState(ctx context.Context) (s SettingsState, err error) {
	err = c.view(ctx, "directory.SettingsState", func(r store.Reader) error {
		settings, o, err := readSettings(r)
		if err != nil || o.Version == 0 {
			s = SettingsState{Settings: settings}
			return err
		}
		var doc settingsDoc
		err = read(o, &doc)
		s = SettingsState{settings, o.Version, o.Changed, doc.By}
		return err
	})
	return s, err
}

// SetSettings replaces the tenant's settings. For its administrators of policy, but for TenantRate: another one than is set is
// Denied "actor.denied" unless by an operator. Invalid "settings.mode",
// "settings.rate", "settings.override", "settings.zone", "domain.malformed", "lang.unknown"; Full "settings.domains_full".
func (c *Company) SetSettings(ctx context.Context, by mail.Actor, s Settings) error {
	return c.ReplaceSettings(ctx, by, 0, s)
}

// ReplaceSettings is SetSettings for the version that was read, 0 = whatever stands there. Conflict "object.changed".
func (c *Company) ReplaceSettings(ctx context.Context, by mail.Actor, version uint64, s Settings) error {
	const op = "directory.SetSettings"
	s, err := checkSettings(op, s)
	if err != nil {
		return err
	}
	return c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightPolicy, Place{}); err != nil {
			return err
		}
		old, o, err := readSettings(tx)
		switch {
		case err != nil:
			return err
		case version != 0 && version != o.Version:
			return mail.E(op, mail.Conflict, "object.changed")
		case s.TenantRate != old.TenantRate && by.Role() != mail.Operator:
			return mail.E(op, mail.Denied, "actor.denied")
		}
		return put(tx, o, settingsDoc{s, by.Name()})
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
