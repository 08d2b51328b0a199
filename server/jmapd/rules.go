package jmapd

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/mailbox/rules"
	"tegami/wire/jmap"
)

// filterRules are an account's filters as its pages have them: one record, since their order counts.
type filterRules struct {
	ID    jmap.Id      `json:"id"`
	Rules []rules.Rule `json:"rules"`
	// Active tells that they filter; HandWritten that a script does which somebody wrote himself, called ScriptName.
	Active      bool   `json:"active"`
	HandWritten bool   `json:"handWritten"`
	ScriptName  string `json:"handWrittenName"`
	// Include has that script run behind the rules. Without it, where one is active, nothing can be filtered by rules.
	Include bool `json:"includeHandWritten"`
}

var ruleProperties = propertiesOf(filterRules{})

func ruleMethods() []entry {
	return []entry{
		method("FilterRules/get", jmap.TegamiRules, own, getRules),
		method("FilterRules/set", jmap.TegamiRules, own, setRules),
	}
}

// keptRules reads what an account filters by.
func (c *call) keptRules(ctx context.Context) (rules.Kept, error) {
	box, err := c.box(ctx)
	if err != nil {
		return rules.Kept{}, err
	}
	return rules.Load(ctx, box)
}

// rulesState is the state of what depends on an account's scripts.
func (c *call) rulesState(ctx context.Context) (string, error) {
	kept, err := c.keptRules(ctx)
	return kept.State, err
}

func rulesOf(k *rules.Kept) filterRules {
	r := filterRules{ID: singleton, Rules: k.Rules, Active: k.Active, HandWritten: k.HandWritten != "" || k.Include != "", ScriptName: k.HandWritten, Include: k.Include != ""}
	if k.Include != "" && k.HandWritten == "" {
		r.ScriptName = k.Include
	}
	if r.Rules == nil {
		r.Rules = []rules.Rule{}
	}
	return r
}

func getRules(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	kept, err := c.keptRules(ctx)
	if err != nil {
		return nil, err
	}
	record := rulesOf(&kept)
	return get(ctx, c, in, source[filterRules]{
		properties: ruleProperties,
		id:         func(r *filterRules) jmap.Id { return r.ID },
		state:      func(context.Context) (string, error) { return kept.State, nil },
		fetch: func(_ context.Context, ids []jmap.Id) ([]filterRules, error) {
			return onlyNamed(record, singleton, ids), nil
		},
	})
}

func setRules(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	return set(ctx, c, in, setter{state: c.rulesState, create: noSecond, update: only(c.updateRules), destroy: keepSingleton})
}

// keepSingleton refuses to destroy the one record there is (RFC 8620 §5.3).
func keepSingleton(context.Context, jmap.Id) error { return &jmap.SetError{Type: jmap.Singleton} }

func (c *call) updateRules(ctx context.Context, p jmap.Patch) (any, error) {
	kept, err := c.keptRules(ctx)
	if err != nil {
		return nil, err
	}
	before := rulesOf(&kept)
	record := before
	if err := patched(p, &record, filterRules{ID: singleton, Rules: []rules.Rule{}, Active: before.Active, HandWritten: before.HandWritten, ScriptName: before.ScriptName}); err != nil {
		return nil, err
	}
	if record.Active != before.Active || record.HandWritten != before.HandWritten || record.ScriptName != before.ScriptName {
		return nil, jmap.BadProperties(p.Paths()...)
	}
	next := kept.List
	next.Rules = record.Rules
	switch {
	case !record.Include:
		next.Include = ""
	case next.Include == "" || kept.HandWritten != "":
		next.Include = kept.HandWritten
	}
	if err := c.storeRules(ctx, next, "rules"); err != nil {
		return nil, err
	}
	return map[string]bool{"active": true}, nil
}

// storeRules has the account filter by a list.
func (c *call) storeRules(ctx context.Context, l rules.List, property string) error {
	box, err := c.box(ctx)
	if err != nil {
		return err
	}
	if err := rules.Store(ctx, c.server.dir, box, l); err != nil {
		return c.setError(c.scriptFault(err), property)
	}
	return nil
}

// vacation is an absence note (RFC 8621 §8), with what ours has beside it.
type vacation struct {
	ID        jmap.Id       `json:"id"`
	IsEnabled bool          `json:"isEnabled"`
	FromDate  *jmap.UTCDate `json:"fromDate"`
	ToDate    *jmap.UTCDate `json:"toDate"`
	Subject   *string       `json:"subject"`
	TextBody  *string       `json:"textBody"`
	HTMLBody  *string       `json:"htmlBody"`
	// For the company's own people, where a text is given: they get it in place of the above. InsideOnly: nobody else is answered.
	InsideSubject *string `json:"insideSubject"`
	InsideText    *string `json:"insideTextBody"`
	InsideOnly    bool    `json:"insideOnly"`
}

var vacationProperties = propertiesOf(vacation{})

func vacationMethods() []entry {
	return []entry{
		method("VacationResponse/get", jmap.Vacation, own, getVacation),
		method("VacationResponse/set", jmap.Vacation, own, setVacation),
	}
}

func vacationOf(a *rules.Absence) vacation {
	v := vacation{
		ID: singleton, IsEnabled: a.On, FromDate: dateOrNil(a.From), ToDate: dateOrNil(a.Until), Subject: textOrNil(a.Subject), TextBody: textOrNil(a.Text),
		HTMLBody: textOrNil(a.HTML), InsideOnly: a.InsideOnly,
	}
	if a.Inside {
		v.InsideSubject, v.InsideText = textOrNil(a.InsideSubject), &a.InsideText
	}
	return v
}

func (v *vacation) absence() rules.Absence {
	return rules.Absence{
		On: v.IsEnabled, From: timeOf(v.FromDate), Until: timeOf(v.ToDate), Subject: textOf(v.Subject), Text: textOf(v.TextBody), HTML: textOf(v.HTMLBody),
		Inside: v.InsideText != nil, InsideSubject: textOf(v.InsideSubject), InsideText: textOf(v.InsideText), InsideOnly: v.InsideOnly,
	}
}

func dateOrNil(t time.Time) *jmap.UTCDate {
	if t.IsZero() {
		return nil
	}
	return &jmap.UTCDate{Time: t}
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOf(d *jmap.UTCDate) time.Time {
	if d == nil {
		return time.Time{}
	}
	return d.UTC()
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func getVacation(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	kept, err := c.keptRules(ctx)
	if err != nil {
		return nil, err
	}
	if in.Properties == nil && !c.uses(jmap.TegamiRules) {
		in.Properties = vacationProperties[:7] // those of the standard
	}
	return get(ctx, c, in, source[vacation]{
		properties: vacationProperties,
		id:         func(v *vacation) jmap.Id { return v.ID },
		state:      func(context.Context) (string, error) { return kept.State, nil },
		fetch: func(_ context.Context, ids []jmap.Id) ([]vacation, error) {
			return onlyNamed(vacationOf(&kept.Absence), singleton, ids), nil
		},
	})
}

func setVacation(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	return set(ctx, c, in, setter{state: c.rulesState, create: noSecond, update: only(c.updateVacation), destroy: keepSingleton})
}

func (c *call) updateVacation(ctx context.Context, p jmap.Patch) (any, error) {
	kept, err := c.keptRules(ctx)
	if err != nil {
		return nil, err
	}
	record := vacationOf(&kept.Absence)
	if err := patched(p, &record, vacation{ID: singleton}); err != nil {
		return nil, err
	}
	next := kept.List
	next.Absence = record.absence()
	if next.Absence.On && next.Absence.Text == "" && next.Absence.HTML == "" && next.Absence.InsideText == "" {
		return nil, c.setError(mail.E("jmapd.updateVacation", mail.Invalid, "rules.absence_empty"), "textBody")
	}
	return nil, c.storeRules(ctx, next, "textBody")
}
