package jmapd

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/mailbox/prefs"
	"tegami/wire/jmap"
)

// singleton is the id of a record of which an account has one.
const singleton jmap.Id = "singleton"

// settings are the choices of a webmail's user: what prefs has.
type settings struct {
	ID jmap.Id `json:"id"`
	prefs.Choices
}

var settingsProperties = propertiesOf(settings{})

// propertiesOf lists the names of a record's properties.
func propertiesOf(record any) (names []string) {
	text, err := jmap.Marshal(record)
	if err != nil {
		return nil
	}
	members, _ := jmap.Members(text)
	for _, m := range members {
		names = append(names, m.Name)
	}
	return names
}

func settingsMethods() []entry {
	return []entry{
		method("Settings/get", jmap.TegamiSettings, own, getSettings),
		method("Settings/changes", jmap.TegamiSettings, own, settingsChanges),
		method("Settings/set", jmap.TegamiSettings, own, setSettings),
		method("Branding/get", jmap.TegamiSettings, own, getBranding),
	}
}

func getSettings(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	choices, at, err := c.server.config.Prefs.Get(ctx, c.who)
	if err != nil {
		return nil, err
	}
	record := settings{singleton, choices}
	return get(ctx, c, in, source[settings]{
		properties: settingsProperties,
		id:         func(s *settings) jmap.Id { return s.ID },
		state:      func(context.Context) (string, error) { return jmap.State(at.Now), nil },
		fetch: func(_ context.Context, ids []jmap.Id) ([]settings, error) {
			return onlyNamed(record, singleton, ids), nil
		},
	})
}

func settingsChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	since, _, err := c.sinceState(in)
	if err != nil {
		return nil, err
	}
	_, at, err := c.server.config.Prefs.Get(ctx, c.who)
	if err != nil {
		return nil, err
	}
	out := onlyChanges(in, jmap.State(at.Now), singleton)
	if at.Changed <= since {
		out.Updated = []jmap.Id{}
	}
	return &out, nil
}

func setSettings(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	kept := c.server.config.Prefs
	return set(ctx, c, in, setter{
		state: func(ctx context.Context) (string, error) {
			_, at, err := kept.Get(ctx, c.who)
			return jmap.State(at.Now), err
		},
		create:  noSecond,
		update:  only(func(ctx context.Context, p jmap.Patch) (any, error) { return nil, c.updateSettings(ctx, kept, p) }),
		destroy: keepSingleton,
	})
}

// noSecond refuses to make another record where there is one (RFC 8620 §5.3).
func noSecond(context.Context, json.RawMessage) (jmap.Id, any, error) {
	return "", nil, &jmap.SetError{Type: jmap.Singleton}
}

// only changes the one record there is.
func only(do func(context.Context, jmap.Patch) (any, error)) func(context.Context, jmap.Id, jmap.Patch) (any, error) {
	return func(ctx context.Context, id jmap.Id, p jmap.Patch) (any, error) {
		if id != singleton {
			return nil, &jmap.SetError{Type: jmap.NotFound}
		}
		return do(ctx, p)
	}
}

// updateSettings changes choices; null takes one back to its default.
func (c *call) updateSettings(ctx context.Context, kept *prefs.Service, p jmap.Patch) error {
	err := kept.Change(ctx, c.who, func(choices *prefs.Choices) error {
		record := settings{singleton, *choices}
		if err := patched(p, &record, settings{singleton, prefs.Default(choices.TimeZone)}); err != nil {
			return err
		}
		*choices = record.Choices
		if wrong := choices.Wrong(); len(wrong) > 0 {
			return jmap.BadProperties(wrong...)
		}
		return nil
	})
	return inner(err)
}

// inner gives the SetError that lies within an error, and the error itself where there is none.
func inner(err error) error {
	var e *jmap.SetError
	if errors.As(err, &e) {
		return e
	}
	return err
}

// patched applies a patch to a record; what it takes away becomes as in defaults. Its id stays.
func patched[T any](p jmap.Patch, record *T, defaults T) error {
	text, err := jmap.Marshal(record)
	if err != nil {
		return err
	}
	if text, setErr := p.Apply(text); setErr != nil {
		return setErr
	} else if err := jmap.Exact(text, &defaults); err != nil {
		return wrongProperties(p, err)
	}
	if id, ok := p["id"]; ok && string(id) != `"`+string(singleton)+`"` {
		return jmap.BadProperties("id")
	}
	*record = defaults
	return nil
}

// wrongProperties names what of a patch could not be read.
func wrongProperties(p jmap.Patch, err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return jmap.BadProperties(kind.Field[strings.LastIndexByte(kind.Field, '.')+1:])
	}
	return jmap.BadProperties(p.Paths()...)
}

// branding is the company's part of its people's webmail: its mark (SV-10), and what it decided.
type branding struct {
	ID             jmap.Id  `json:"id"`
	Company        string   `json:"company"`
	LogoURL        *string  `json:"logoUrl"`
	Domains        []string `json:"domains"` // the company's own
	ConfirmOutside bool     `json:"confirmOutside"`
	Forwarding     string   `json:"forwarding"`      // of filters: "deny", "internal", "listed", "any"
	ForwardDomains []string `json:"forwardDomains"`  // for "listed"
	VacationAway   bool     `json:"vacationOutside"` // absence notes answer other companies too
	MaxSize        int64    `json:"maxSize"`         // octets of a message (ML-9)
	MaxRecipients  int      `json:"maxRecipients"`   // of a message (ML-8)
}

var brandingProperties = propertiesOf(branding{})

func getBranding(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	record, state, err := c.branding(ctx)
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[branding]{
		properties: brandingProperties,
		id:         func(b *branding) jmap.Id { return b.ID },
		state:      func(context.Context) (string, error) { return state, nil },
		fetch: func(_ context.Context, ids []jmap.Id) ([]branding, error) {
			return onlyNamed(record, singleton, ids), nil
		},
	})
}

// branding reads what the company says.
func (c *call) branding(ctx context.Context) (branding, string, error) {
	dir, tenant := c.server.dir, c.who.Tenant()
	company := dir.Company(tenant)
	t, err := dir.Tenant(ctx, tenant)
	if err != nil {
		return branding{}, "", err
	}
	decided, err := company.SettingsState(ctx)
	if err != nil {
		return branding{}, "", err
	}
	domains, err := company.Domains(ctx)
	if err != nil {
		return branding{}, "", err
	}
	b := branding{
		ID: singleton, Company: t.Name, Domains: []string{}, ConfirmOutside: decided.ConfirmOutside, Forwarding: string(decided.UserForward),
		ForwardDomains: append([]string{}, decided.ForwardDomains...), VacationAway: !decided.NoOutsideVacation,
		MaxSize: mail.MaxMessageSize, MaxRecipients: mail.MaxRecipients,
	}
	if c.who.Account().NoUserForward {
		b.Forwarding = "deny"
	}
	for _, d := range domains {
		b.Domains = append(b.Domains, d.Name)
	}
	slices.Sort(b.Domains)
	logo, err := company.Logo(ctx)
	switch {
	case err == nil:
		url := "/api/v1/tenants/" + tenant.String() + "/branding/logo?v=" + jmap.State(mail.ModSeq(logo.Version))
		b.LogoURL = &url
	case !mail.Is(err, mail.NotFound):
		return b, "", err
	}
	return b, jmap.State(mail.ModSeq(decided.Version)) + "." + jmap.State(mail.ModSeq(logo.Version)), nil
}
