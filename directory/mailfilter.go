package directory

import (
	"context"
	"math"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// SpamAction is what becomes of mail that is likely unwanted (SF-1). The words are those of policy.SpamAction.
type SpamAction string

// What may become of it.
const (
	SpamPass       SpamAction = "pass"       // delivered as it is
	SpamMeiwaku    SpamAction = "meiwaku"    // delivered with [MEIWAKU!!] in the subject
	SpamTag        SpamAction = "spam"       // delivered with [SPAM!!] in the subject
	SpamQuarantine SpamAction = "quarantine" // into the recipient's quarantine box
)

// SpamActions lists them, from the mildest to the strictest.
func SpamActions() []SpamAction {
	return []SpamAction{SpamPass, SpamMeiwaku, SpamTag, SpamQuarantine}
}

// Limits of a domain's filter.
const (
	MinThreshold      = 1.0 // percent
	MaxThreshold      = 100.0
	DefaultThreshold  = 90.0
	MinQuarantineDays = 1 // SF-4
	MaxQuarantineDays = 14
	// MaxDigestHours is how often a day the digest of the quarantine can be sent.
	MaxDigestHours = 6
	// defaultDigestHour is when it is sent where nobody said, by the company's clock.
	defaultDigestHour = 9
)

// FilterSettings are what the administrator of a domain decides about unwanted mail (SF-1 to SF-6).
type FilterSettings struct {
	Action         SpamAction `json:"action"`
	Threshold      float64    `json:"threshold"`             // from how many percent on; to two decimals
	QuarantineDays int        `json:"quarantineDays"`        // for how long it is kept (SF-4)
	UserAllow      bool       `json:"userAllow,omitempty"`   // users' lists of whose mail is let in are heeded (SF-5)
	UserFirst      bool       `json:"userFirst,omitempty"`   // users' lists go before the company's
	AllowForged    bool       `json:"allowForged,omitempty"` // lists let in also what failed DMARC though its domain wants it rejected
	Digest         Digest     `json:"digest"`                // of the quarantine (SF-6)
}

// Digest says when users hear what is new in their quarantine.
type Digest struct {
	On    bool  `json:"on"`
	Hours []int `json:"hours"` // 0 to 23 by the company's clock (Settings.Zone), ascending
}

// DefaultFilter is what holds for a domain for which nothing was set: nobody has to set anything (SV-8).
func DefaultFilter() FilterSettings {
	return FilterSettings{
		Action: SpamTag, Threshold: DefaultThreshold, QuarantineDays: MaxQuarantineDays,
		Digest: Digest{On: true, Hours: []int{defaultDigestHour}},
	}
}

// check puts settings into their stored form. Invalid "filter.action", "filter.threshold", "filter.days", "filter.hours".
func (s FilterSettings) check(op mail.Op) (FilterSettings, error) {
	s.Threshold = math.Round(s.Threshold*100) / 100
	s.Digest.Hours = slices.Clone(s.Digest.Hours)
	slices.Sort(s.Digest.Hours)
	s.Digest.Hours = slices.Compact(s.Digest.Hours)
	switch n := len(s.Digest.Hours); {
	case !slices.Contains(SpamActions(), s.Action):
		return s, mail.E(op, mail.Invalid, "filter.action", string(s.Action))
	case !(s.Threshold >= MinThreshold && s.Threshold <= MaxThreshold): // NaN too
		return s, mail.E(op, mail.Invalid, "filter.threshold", int(MinThreshold), int(MaxThreshold))
	case s.QuarantineDays < MinQuarantineDays || s.QuarantineDays > MaxQuarantineDays:
		return s, mail.E(op, mail.Invalid, "filter.days", MinQuarantineDays, MaxQuarantineDays)
	case n > MaxDigestHours || n == 0 && s.Digest.On || n > 0 && (s.Digest.Hours[0] < 0 || s.Digest.Hours[n-1] > 23):
		return s, mail.E(op, mail.Invalid, "filter.hours", MaxDigestHours)
	}
	return s, nil
}

// DomainFilter is the filter of a domain with who set it last.
type DomainFilter struct {
	FilterSettings
	Domain  Domain
	Version uint64 // 0 before anything was set
	Changed time.Time
	By      string
}

// filterDoc is the filter of a domain as stored.
type filterDoc struct {
	FilterSettings
	Domain mail.DomainID `json:"domain"`
	Name   string        `json:"name"` // of the domain, for the operation log
	By     string        `json:"by,omitempty"`
}

// filterKey is under what the filter of a domain is found.
func filterKey(id mail.DomainID) store.Key { return store.Key{Name: "mail-filter", Value: id.String()} }

// readFilter gives the filter of a domain, the default where none was set.
func readFilter(r store.Reader, id mail.DomainID) (doc filterDoc, o store.Object, err error) {
	doc.FilterSettings = DefaultFilter()
	o, err = r.ObjectByKey(filterKey(id))
	switch {
	case mail.Is(err, mail.NotFound):
		o, err = store.Object{Kind: kindFilter, Unique: []store.Key{filterKey(id)}}, nil
	case err == nil:
		err = read(o, &doc)
	}
	return doc, o, err
}

// DomainFilter gives the filter of one of the company's domains. NotFound "domain.unknown".
func (c *Company) DomainFilter(ctx context.Context, name string) (f DomainFilter, err error) {
	err = c.view(ctx, "directory.DomainFilter", func(r store.Reader) error {
		d, _, err := domainNamed(r, name)
		if err != nil {
			return err
		}
		doc, o, err := readFilter(r, d.ID)
		f = DomainFilter{doc.FilterSettings, d, o.Version, o.Changed, doc.By}
		return err
	})
	return f, err
}

// SetDomainFilter replaces the filter of a domain (SF-1). version is that of the one that was read, 0 = whatever stands there. For its
// administrators of policy. NotFound "domain.unknown"; Conflict "object.changed"; Invalid "filter.action", "filter.threshold", "filter.days",
// "filter.hours".
func (c *Company) SetDomainFilter(ctx context.Context, by mail.Actor, name string, version uint64, s FilterSettings) error {
	const op = "directory.SetDomainFilter"
	s, err := s.check(op)
	if err != nil {
		return err
	}
	return c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		d, _, err := domainNamed(tx, name)
		if err != nil {
			return err
		}
		if err := c.permit(tx, by, op, RightPolicy, Place{Domain: d.ID}); err != nil {
			return err
		}
		_, o, err := readFilter(tx, d.ID)
		switch {
		case err != nil:
			return err
		case version != 0 && version != o.Version:
			return mail.E(op, mail.Conflict, "object.changed")
		}
		return put(tx, o, filterDoc{s, d.ID, d.Name, by.Name()})
	})
}

// dropFilter forgets the filter of a domain that is given back.
func dropFilter(tx store.Tx, id mail.DomainID) error {
	o, err := tx.ObjectByKey(filterKey(id))
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.DeleteObject(kindFilter, o.ID, o.Version)
}

// FilterOverride is what an administrator decides about one account's mail in place of its domain's settings. A zero field leaves those.
type FilterOverride struct {
	Action    SpamAction `json:"action,omitempty"`
	Threshold float64    `json:"threshold,omitempty"`
}

// SetAccountFilter gives an account a filter of its own; the zero FilterOverride takes it away. For administrators of policy. Invalid
// "filter.action", "filter.threshold"; Denied "actor.outranked".
func (c *Company) SetAccountFilter(ctx context.Context, by mail.Actor, id mail.AccountID, o FilterOverride) error {
	const op = "directory.SetAccountFilter"
	s, err := DefaultFilter().with(o).check(op)
	if err != nil {
		return err
	}
	if o.Threshold != 0 {
		o.Threshold = s.Threshold
	}
	return c.changeAccount(ctx, by, op, RightPolicy, id, func(_ store.Tx, doc *accountDoc) error {
		doc.Spam = o
		return nil
	})
}

// with puts what is decided for an account into its domain's settings.
func (s FilterSettings) with(o FilterOverride) FilterSettings {
	if o.Action != "" {
		s.Action = o.Action
	}
	if o.Threshold != 0 {
		s.Threshold = o.Threshold
	}
	return s
}

// EngineDown is what becomes of mail while no engine of the virus check answers.
type EngineDown string

// What becomes of it. Mail that nobody looked at is never called clean.
const (
	VirusDefer EngineDown = "defer" // it is not taken in, and comes again; the default
	VirusMark  EngineDown = "mark"  // it is taken in, and says that nobody looked
)

// MaxVirusAdmins is how many addresses hear of viruses.
const MaxVirusAdmins = 10

// VirusSettings are what a company decides about the virus check.
type VirusSettings struct {
	Down EngineDown `json:"down"`
	// QuietAdmins: administrators are not told of viruses that were found in mail that came in. Of those that the company's own people send they always are
	// (VC-2).
	QuietAdmins bool `json:"quietAdmins,omitempty"`
	// Admins are who is told; none = the postmaster of the domain.
	Admins []mail.Address `json:"admins,omitempty"`
}

// Tell gives who is told of a virus in mail to or from somebody of a domain.
func (s *VirusSettings) Tell(domain string) []mail.Address {
	if len(s.Admins) == 0 {
		return []mail.Address{{Local: postmaster, Domain: domain}}
	}
	return s.Admins
}

// VirusState are the settings of the virus check with who set them last.
type VirusState struct {
	VirusSettings
	Version uint64 // 0 before anything was set
	Changed time.Time
	By      string
}

// virusDoc are the settings as stored.
type virusDoc struct {
	VirusSettings
	By string `json:"by,omitempty"`
}

// virusKey is under what they are found.
var virusKey = store.Key{Name: "settings", Value: "virus"}

func readVirus(r store.Reader) (doc virusDoc, o store.Object, err error) {
	o, err = r.ObjectByKey(virusKey)
	switch {
	case mail.Is(err, mail.NotFound):
		o, err = store.Object{Kind: kindSettings, Unique: []store.Key{virusKey}}, nil
	case err == nil:
		err = read(o, &doc)
	}
	if doc.Down == "" {
		doc.Down = VirusDefer
	}
	return doc, o, err
}

// VirusSettings gives the company's settings of the virus check; the defaults before any were set.
func (c *Company) VirusSettings(ctx context.Context) (s VirusState, err error) {
	err = c.view(ctx, "directory.VirusSettings", func(r store.Reader) error {
		doc, o, err := readVirus(r)
		s = VirusState{doc.VirusSettings, o.Version, o.Changed, doc.By}
		return err
	})
	return s, err
}

// SetVirusSettings replaces them. version is that of the ones that were read, 0 = whatever stands there. For the administrators of the
// company's policy. Invalid "virus.down", "address.malformed"; Full "virus.admins_full"; Conflict "object.changed".
func (c *Company) SetVirusSettings(ctx context.Context, by mail.Actor, version uint64, s VirusSettings) error {
	const op = "directory.SetVirusSettings"
	if s.Down != VirusDefer && s.Down != VirusMark {
		return mail.E(op, mail.Invalid, "virus.down", string(s.Down))
	}
	if len(s.Admins) > MaxVirusAdmins {
		return mail.E(op, mail.Full, "virus.admins_full", MaxVirusAdmins)
	}
	for i, a := range s.Admins {
		switch {
		case a.Local == "" || a.Domain == "":
			return mail.E(op, mail.Invalid, "address.malformed", a.String())
		case containsAddress(s.Admins[:i], a):
			return mail.E(op, mail.Invalid, "forward.twice", a.String())
		}
	}
	return c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightPolicy, Place{}); err != nil {
			return err
		}
		_, o, err := readVirus(tx)
		switch {
		case err != nil:
			return err
		case version != 0 && version != o.Version:
			return mail.E(op, mail.Conflict, "object.changed")
		}
		return put(tx, o, virusDoc{s, by.Name()})
	})
}
