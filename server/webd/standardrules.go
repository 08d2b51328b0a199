package webd

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/jmap"
)

// rule is a filter as JMAP has it (urn:tegami:params:jmap:rules).
type rule struct {
	Name       string      `json:"name"`
	On         bool        `json:"on"`
	Match      string      `json:"match"`
	Conditions []condition `json:"conditions"`
	Actions    []action    `json:"actions"`
}

type condition struct {
	Field  string `json:"field"`
	Header string `json:"header,omitempty"`
	Op     string `json:"op"`
	Value  string `json:"value"`
}

type action struct {
	Do      string  `json:"do"`
	Box     jmap.Id `json:"mailboxId,omitempty"`
	Keyword string  `json:"keyword,omitempty"`
	To      string  `json:"to,omitempty"`
	Keep    bool    `json:"keep,omitempty"`
}

// rules are an account's filters.
type rules struct {
	Rules       []rule `json:"rules"`
	HandWritten bool   `json:"handWritten"`
	Script      string `json:"handWrittenName"`
	Include     bool   `json:"includeHandWritten"`
}

func (v *visit) rules() (r rules, err error) {
	var got listOf[rules]
	err = v.talk(ask{"FilterRules/get", args{"ids": nil}, &got})
	r, _ = got.first()
	return r, err
}

func (v *visit) keepRules(list []rule) error {
	if list == nil {
		list = []rule{}
	}
	_, err := v.set("FilterRules/set", args{"update": args{"singleton": args{"rules": list}}})
	return err
}

// place is which filter of the list a form means; -1 for none. A filter has no id: its place and its name must both fit.
func (v *visit) place(r rules) int {
	at, err := strconv.Atoi(v.r.FormValue("at"))
	if err != nil || at < 0 || at >= len(r.Rules) || v.r.FormValue("was") != r.Rules[at].Name {
		return -1
	}
	return at
}

// filters shows the filters in their order.
func (v *visit) filters() {
	r, err := v.rules()
	if err != nil {
		v.fail(err)
		return
	}
	v.said()
	v.show("filters", v.T("webmail.settings.filters"), r)
}

// changeFilters moves, switches or removes a filter, or has a script that somebody wrote run behind them.
func (v *visit) changeFilters() {
	r, err := v.rules()
	if err != nil {
		v.fail(err)
		return
	}
	at := v.place(r)
	switch do := v.r.PostFormValue("do"); {
	case do == "include":
		_, err = v.set("FilterRules/set", args{"update": args{"singleton": args{"rules": r.Rules, "includeHandWritten": true}}})
	case at < 0:
	case do == "up" && at > 0:
		r.Rules[at-1], r.Rules[at] = r.Rules[at], r.Rules[at-1]
		err = v.keepRules(r.Rules)
	case do == "down" && at+1 < len(r.Rules):
		r.Rules[at+1], r.Rules[at] = r.Rules[at], r.Rules[at+1]
		err = v.keepRules(r.Rules)
	case do == "switch":
		r.Rules[at].On = !r.Rules[at].On
		err = v.keepRules(r.Rules)
	case do == "remove":
		err = v.keepRules(slices.Delete(r.Rules, at, at+1))
	}
	if err != nil {
		v.fail(err)
		return
	}
	v.leave("/standard/filters", url.Values{"done": {"kept"}})
}

// What a filter can look at, how, and what it can do. Not every field can be looked at in every way: what is wrong is said when it is kept.
var (
	ruleFields = []choice{
		{"from", "webmail.from"}, {"to", "webmail.to"}, {"cc", "webmail.cc"}, {"recipient", "webmail.rule.recipient"}, {"subject", "webmail.subject"}, {"body", "webmail.rule.body"},
		{"header", "webmail.rule.header"}, {"list", "webmail.rule.list"}, {"size", "webmail.rule.size"}, {"attachment", "webmail.rule.attachment"},
	}
	ruleOps = []choice{
		{"contains", "webmail.rule.contains"}, {"notContains", "webmail.rule.not_contains"}, {"is", "webmail.rule.is"}, {"isNot", "webmail.rule.is_not"}, {"begins", "webmail.rule.starts"},
		{"ends", "webmail.rule.ends"}, {"over", "webmail.rule.over"}, {"under", "webmail.rule.under"}, {"exists", "webmail.rule.exists"}, {"notExists", "webmail.rule.not_exists"},
	}
	ruleDeeds = []choice{
		{"move", "webmail.rule.move"}, {"copy", "webmail.rule.copy"}, {"flag", "webmail.rule.star"}, {"markRead", "webmail.rule.read"}, {"forward", "webmail.rule.forward"},
		{"delete", "webmail.rule.delete"}, {"stop", "webmail.rule.stop"},
	}
	ruleTag = choice{"tag", "webmail.rule.label"} // made in the Advanced version, and kept here
)

// choice is one of a list, with the key of what it is called.
type choice struct{ Value, Key string }

// The form of a filter has so many lines of each kind at least, and one more than the filter needs.
const (
	minLines = 3
	maxLines = 30
)

// filterPage is what the form of a filter shows.
type filterPage struct {
	rule
	At                 int    // its place; -1 for a new one
	Was                string // its name as it is kept
	Fields, Ops, Deeds []choice
	Forwards           bool // the company lets filters send mail on
	Keeps              bool // what is sent on stays here too
}

func (v *visit) filterPage(r rule, at int, was string) filterPage {
	p := filterPage{rule: r, At: at, Was: was, Fields: ruleFields, Ops: ruleOps, Deeds: ruleDeeds, Forwards: v.Branding.Forwarding != "deny" && v.Branding.Forwarding != "", Keeps: true}
	p.Conditions, p.Actions = slices.Clone(p.Conditions), slices.Clone(p.Actions)
	for i, c := range p.Conditions {
		if c.Field == "attachment" {
			p.Conditions[i].Op, p.Conditions[i].Value = map[string]string{"true": "exists"}[c.Value], ""
			if c.Value == "false" {
				p.Conditions[i].Op = "notExists"
			}
		}
	}
	for _, a := range p.Actions {
		if a.Do == "forward" && !a.Keep {
			p.Keeps = false
		}
		if a.Do == "tag" {
			p.Deeds = append(slices.Clone(ruleDeeds), ruleTag)
		}
	}
	for n := len(p.Conditions); n < max(minLines, len(r.Conditions)+1) && n < maxLines; n++ {
		p.Conditions = append(p.Conditions, condition{Field: "from", Op: "contains"})
	}
	for n := len(p.Actions); n < max(minLines, len(r.Actions)+1) && n < maxLines; n++ {
		p.Actions = append(p.Actions, action{})
	}
	if !p.Forwards {
		p.Deeds = slices.DeleteFunc(slices.Clone(p.Deeds), func(c choice) bool { return c.Value == "forward" })
	}
	return p
}

// filter shows the form of a filter, an empty one for a new one.
func (v *visit) filter() {
	r, err := v.rules()
	if err != nil {
		v.fail(err)
		return
	}
	one, at := rule{On: true, Match: "all"}, v.place(r)
	if at >= 0 {
		one = r.Rules[at]
	}
	v.show("filter", v.T("standard.filter"), v.filterPage(one, at, one.Name))
}

// changeFilter keeps a filter as the form has it.
func (v *visit) changeFilter() {
	one, wrong := v.typedRule()
	r, err := v.rules()
	at := v.place(r)
	switch {
	case err != nil:
	case wrong != nil:
		err = wrong
	case len(one.Actions) == 0:
		err = mail.E("webd.changeFilter", mail.Invalid, "standard.filter_does_nothing")
	default:
		if at >= 0 {
			r.Rules[at] = one
		} else {
			r.Rules = append(r.Rules, one)
		}
		err = v.keepRules(r.Rules)
	}
	if err != nil {
		v.Wrong = v.words(err)
		v.showAs(422, "filter", v.T("standard.filter"), v.filterPage(one, at, v.r.PostFormValue("was")))
		return
	}
	v.leave("/standard/filters", url.Values{"done": {"kept"}})
}

// typedRule is the filter of the form: lines that say nothing are left out. Invalid for a line that can't be.
func (v *visit) typedRule() (one rule, err error) {
	one = rule{Name: v.typed("name"), On: v.r.PostFormValue("on") != "", Match: "all", Conditions: []condition{}}
	if v.r.PostFormValue("match") == "any" {
		one.Match = "any"
	}
	at := func(name string, n int) string {
		if list := v.r.PostForm[name]; n < len(list) {
			return strings.TrimSpace(cleanText(list[n]))
		}
		return ""
	}
	for n := range min(len(v.r.PostForm["field"]), maxLines) {
		c, ok := typedCondition(condition{at("field", n), at("header", n), at("op", n), at("value", n)})
		if ok {
			one.Conditions = append(one.Conditions, c)
		}
		if c.Field == "size" && strings.Trim(c.Value, "0123456789") != "" {
			err = mail.E("webd.typedRule", mail.Invalid, "standard.no_size", c.Value)
		}
	}
	for n := range min(len(v.r.PostForm["deed"]), maxLines) {
		switch a := (action{Do: at("deed", n)}); a.Do {
		case "":
		case "move", "copy":
			a.Box = jmap.Id(at("into", n))
			one.Actions = append(one.Actions, a)
		case "forward":
			a.To, a.Keep = at("address", n), v.r.PostFormValue("keep") != ""
			one.Actions = append(one.Actions, a)
		case "tag":
			a.Keyword = at("keyword", n)
			one.Actions = append(one.Actions, a)
		default:
			one.Actions = append(one.Actions, a)
		}
	}
	return one, err
}

// typedCondition is a line of the form as the server has it; false for one that says nothing.
func typedCondition(c condition) (condition, bool) {
	there := c.Op == "exists" || c.Op == "notExists"
	if c.Field != "header" {
		c.Header = ""
	}
	switch {
	case c.Field == "attachment":
		c.Value = strconv.FormatBool(c.Op != "notExists" && c.Op != "isNot" && c.Op != "notContains")
		c.Op = "is"
		return c, there // the other ways of a line nobody touched say nothing of attachments
	case c.Value == "" || there:
		return c, false
	case c.Field == "size":
		c.Value = typedSize(c.Value)
		if c.Op != "under" {
			c.Op = "over"
		}
	}
	return c, true
}

// typedSize is a size in octets, as "10 MB" says it; what is none stays as it is.
func typedSize(text string) string {
	number := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	for n, unit := range []string{"KB", "MB", "GB"} {
		if digits, ok := strings.CutSuffix(number, unit); ok {
			if f, err := strconv.ParseFloat(digits, 64); err == nil && f >= 0 && f < 1<<20 {
				return strconv.FormatInt(int64(f*float64(int64(1)<<(10*(n+1)))), 10)
			}
		}
	}
	return text
}

// Says is a filter in a few words.
func (v *visit) Says(r rule) string {
	if r.Name != "" {
		return r.Name
	}
	var parts []string
	for _, c := range r.Conditions {
		parts = append(parts, v.label(ruleFields, c.Field)+" "+c.Value)
	}
	return cmp.Or(strings.Join(parts, v.T("webmail.comma")), v.T("webmail.rule.all_mail"))
}

// Does is what a filter does, in a few words.
func (v *visit) Does(r rule) string {
	var parts []string
	for _, a := range r.Actions {
		text := v.label(append(ruleDeeds, ruleTag), a.Do)
		if b := v.boxOf(string(a.Box)); b != nil {
			text += " " + b.Label
		}
		parts = append(parts, strings.TrimSpace(text+" "+a.To+a.Keyword))
	}
	return strings.Join(parts, v.T("webmail.comma"))
}

func (v *visit) label(list []choice, value string) string {
	for _, c := range list {
		if c.Value == value {
			return v.T(c.Key)
		}
	}
	return value
}

// away is the answer while one is away (RFC 8621 §8), with another one for colleagues.
type away struct {
	On         bool          `json:"isEnabled"`
	From       *jmap.UTCDate `json:"fromDate"`
	To         *jmap.UTCDate `json:"toDate"`
	Subject    string        `json:"subject"`
	Text       string        `json:"textBody"`
	InsideText string        `json:"insideTextBody"`
	InsideOnly bool          `json:"insideOnly"`
}

// vacation shows the answer while one is away.
func (v *visit) vacation() {
	var got listOf[away]
	if err := v.talk(ask{"VacationResponse/get", args{"ids": nil}, &got}); err != nil {
		v.fail(err)
		return
	}
	a, _ := got.first()
	v.said()
	v.show("vacation", v.T("webmail.settings.vacation"), a)
}

// localForm is how a browser writes a time in a field of a form.
const localForm = "2006-01-02T15:04"

// timeForms are those in which people may write one: not every browser has such a field.
var timeForms = []string{localForm, "2006-01-02 15:04", "2006/01/02 15:04", time.DateOnly, "2006/01/02"}

// Local is a time as a field of a form has it; "" for none.
func (v *visit) Local(at *jmap.UTCDate) string {
	if at == nil || at.IsZero() {
		return ""
	}
	return at.In(v.zone).Format(localForm)
}

// typedTime is a time of the form; nil for none. Invalid "standard.no_date".
func (v *visit) typedTime(name string) (*jmap.UTCDate, error) {
	text := v.typed(name)
	if text == "" {
		return nil, nil
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, text, v.zone); err == nil {
			return &jmap.UTCDate{Time: t}, nil
		}
	}
	return nil, mail.E("webd.typedTime", mail.Invalid, "standard.no_date", text)
}

// changeVacation keeps the answer as the form has it.
func (v *visit) changeVacation() {
	a := away{On: v.r.PostFormValue("on") != "", Subject: v.typed("subject"), Text: v.typed("text"), InsideText: v.typed("inside"), InsideOnly: v.r.PostFormValue("outside") == "" && v.Branding.VacationAway}
	var err, wrong error
	a.From, err = v.typedTime("from")
	a.To, wrong = v.typedTime("to")
	if err = errors.Join(err, wrong); err == nil {
		change := args{"isEnabled": a.On, "fromDate": a.From, "toDate": a.To, "subject": nothing(a.Subject), "textBody": nothing(a.Text), "insideTextBody": nothing(a.InsideText)}
		if v.Branding.VacationAway {
			change["insideOnly"] = a.InsideOnly
		}
		_, err = v.set("VacationResponse/set", args{"update": args{"singleton": change}})
	}
	if err != nil {
		v.Wrong = v.words(err)
		v.showAs(422, "vacation", v.T("webmail.settings.vacation"), a)
		return
	}
	v.leave("/standard/vacation", url.Values{"done": {"kept"}})
}
