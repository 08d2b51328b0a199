package webd

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/jmap"
)

// folders shows the folders with what can be done to them.
func (v *visit) folders() {
	v.said()
	v.show("folders", v.T("webmail.folders"), nil)
}

// changeFolders makes, renames, empties or removes a folder.
func (v *visit) changeFolders() {
	id, name := v.r.PostFormValue("id"), v.typed("name")
	b := v.boxOf(id)
	do := v.r.PostFormValue("do")
	if b == nil && do != "create" {
		v.fail(mail.E("webd.changeFolders", mail.NotFound, "webmail.folder.gone"))
		return
	}
	var err error
	switch do {
	case "create":
		var parent any
		if in := v.boxOf(v.r.PostFormValue("parent")); in != nil {
			parent = in.ID
		}
		_, err = v.set("Mailbox/set", args{"create": args{"new": args{"name": name, "parentId": parent}}})
	case "rename":
		_, err = v.set("Mailbox/set", args{"update": args{id: args{"name": name}}})
	case "remove", "empty":
		text := v.T("webmail.folder.delete_loses", b.Label, b.Total)
		if do == "empty" {
			text = v.T("webmail.folder.empty_loses", b.Label, b.Total)
		}
		if v.r.PostFormValue("sure") == "" {
			title := map[string]string{"remove": "webmail.folder.delete", "empty": "webmail.folder.empty"}[do]
			v.ask(question{Title: v.T(title), Text: text, Path: "/standard/folders", Fields: []line{{"do", do}, {"id", id}}, Back: "/standard/folders"})
			return
		}
		if do == "empty" {
			err = v.empty(b)
		} else {
			_, err = v.set("Mailbox/set", args{"destroy": []string{id}, "onDestroyRemoveEmails": true})
		}
	}
	if err != nil {
		v.Wrong = v.words(err)
		v.showAs(422, "folders", v.T("webmail.folders"), nil)
		return
	}
	v.leave("/standard/folders", url.Values{"done": {"kept"}})
}

// Limits of emptying a folder by one form: what is left is told by the folder's number.
const (
	emptyStep  = 500
	emptySteps = 40
)

// empty destroys what lies in a folder.
func (v *visit) empty(b *box) error {
	for range emptySteps {
		var ids found
		if err := v.talk(ask{"Email/query", args{"filter": args{"inMailbox": b.ID}, "limit": emptyStep}, &ids}); err != nil {
			return err
		}
		if len(ids.IDs) == 0 {
			return nil
		}
		if _, err := v.set("Email/set", args{"destroy": ids.IDs}); err != nil {
			return err
		}
	}
	return nil
}

// rule is a filter as JMAP has it (urn:tegami:params:jmap:rules).
type rule struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Enabled    bool        `json:"enabled"`
	Match      string      `json:"match"`
	Conditions []condition `json:"conditions"`
	Actions    []action    `json:"actions"`
}

type condition struct {
	Field  string `json:"field"`
	Test   string `json:"test"`
	Header string `json:"header,omitempty"`
	Value  string `json:"value,omitempty"`
}

type action struct {
	Action  string  `json:"action"`
	Box     jmap.Id `json:"mailboxId,omitempty"`
	Keyword string  `json:"keyword,omitempty"`
	Address string  `json:"address,omitempty"`
}

// rules are an account's filters.
type rules struct {
	Rules       []rule `json:"rules"`
	HandWritten bool   `json:"handWritten"`
	Script      string `json:"handWrittenName"`
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

// changeFilters moves, switches or removes a filter, or has them take the place of a script that somebody wrote.
func (v *visit) changeFilters() {
	r, err := v.rules()
	if err != nil {
		v.fail(err)
		return
	}
	at := slices.IndexFunc(r.Rules, func(one rule) bool { return one.ID == v.r.PostFormValue("id") })
	switch do := v.r.PostFormValue("do"); {
	case do == "activate":
		_, err = v.set("FilterRules/set", args{"update": args{"singleton": args{"handWritten": false}}})
	case at < 0:
	case do == "up" && at > 0:
		r.Rules[at-1], r.Rules[at] = r.Rules[at], r.Rules[at-1]
		err = v.keepRules(r.Rules)
	case do == "down" && at+1 < len(r.Rules):
		r.Rules[at+1], r.Rules[at] = r.Rules[at], r.Rules[at+1]
		err = v.keepRules(r.Rules)
	case do == "switch":
		r.Rules[at].Enabled = !r.Rules[at].Enabled
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
		{"header", "webmail.rule.header"}, {"size", "webmail.rule.size"}, {"attachment", "webmail.rule.attachment"},
	}
	ruleTests = []choice{
		{"contains", "webmail.rule.contains"}, {"notContains", "webmail.rule.not_contains"}, {"is", "webmail.rule.is"}, {"isNot", "webmail.rule.is_not"}, {"startsWith", "webmail.rule.starts"},
		{"endsWith", "webmail.rule.ends"}, {"exists", "webmail.rule.exists"}, {"notExists", "webmail.rule.not_exists"}, {"over", "webmail.rule.over"}, {"under", "webmail.rule.under"},
	}
	ruleActions = []choice{
		{"move", "webmail.rule.move"}, {"copy", "webmail.rule.copy"}, {"star", "webmail.rule.star"}, {"read", "webmail.rule.read"}, {"forward", "webmail.rule.forward"},
		{"delete", "webmail.rule.delete"}, {"stop", "webmail.rule.stop"},
	}
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
	Fields, Tests, Does []choice
	Forwards            bool // the company lets filters send mail on
}

func (v *visit) filterPage(r rule) filterPage {
	p := filterPage{rule: r, Fields: ruleFields, Tests: ruleTests, Does: ruleActions, Forwards: v.Branding.Forwarding != "deny" && v.Branding.Forwarding != ""}
	for len(p.Conditions) < minLines || p.Conditions[len(p.Conditions)-1].Value != "" && len(p.Conditions) < maxLines {
		p.Conditions = append(p.Conditions, condition{Field: "from", Test: "contains"})
	}
	for len(p.Actions) < minLines {
		p.Actions = append(p.Actions, action{})
	}
	if !p.Forwards {
		p.Does = slices.DeleteFunc(slices.Clone(p.Does), func(c choice) bool { return c.Value == "forward" })
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
	one := rule{Enabled: true, Match: "all"}
	for _, have := range r.Rules {
		if have.ID == v.r.URL.Query().Get("id") {
			one = have
		}
	}
	v.show("filter", v.T("standard.filter"), v.filterPage(one))
}

// changeFilter keeps a filter as the form has it.
func (v *visit) changeFilter() {
	one := v.typedRule()
	r, err := v.rules()
	if err == nil {
		if at := slices.IndexFunc(r.Rules, func(have rule) bool { return have.ID == one.ID }); at >= 0 {
			r.Rules[at] = one
		} else {
			one.ID = rand.Text()
			r.Rules = append(r.Rules, one)
		}
		if len(one.Actions) == 0 {
			err = mail.E("webd.changeFilter", mail.Invalid, "standard.filter_does_nothing")
		} else {
			err = v.keepRules(r.Rules)
		}
	}
	if err != nil {
		v.Wrong = v.words(err)
		v.showAs(422, "filter", v.T("standard.filter"), v.filterPage(one))
		return
	}
	v.leave("/standard/filters", url.Values{"done": {"kept"}})
}

// typedRule is the filter of the form: lines that say nothing are left out.
func (v *visit) typedRule() rule {
	one := rule{ID: v.typed("id"), Name: v.typed("name"), Enabled: v.r.PostFormValue("enabled") != "", Match: "all"}
	if v.r.PostFormValue("match") == "any" {
		one.Match = "any"
	}
	form := v.r.PostForm
	at := func(name string, n int) string {
		if n < len(form[name]) {
			return strings.TrimSpace(cleanText(form[name][n]))
		}
		return ""
	}
	for n := range min(len(form["field"]), maxLines) {
		c := condition{Field: at("field", n), Test: at("test", n), Header: at("header", n), Value: at("value", n)}
		whole := c.Test == "exists" || c.Test == "notExists"
		if c.Value == "" && !whole {
			continue
		}
		if c.Field != "header" {
			c.Header = ""
		}
		if whole {
			c.Value = ""
		}
		one.Conditions = append(one.Conditions, c)
	}
	for n := range min(len(form["action"]), maxLines) {
		a := action{Action: at("action", n)}
		switch a.Action {
		case "":
			continue
		case "move", "copy":
			a.Box = jmap.Id(at("into", n))
		case "forward":
			a.Address = at("address", n)
		}
		one.Actions = append(one.Actions, a)
	}
	return one
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
		text := v.label(ruleActions, a.Action)
		if b := v.boxOf(string(a.Box)); b != nil {
			text += " " + b.Label
		}
		parts = append(parts, strings.TrimSpace(text+" "+a.Address))
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

// away is the answer while one is away (RFC 8621 §8).
type away struct {
	On          bool          `json:"isEnabled"`
	From        *jmap.UTCDate `json:"fromDate"`
	To          *jmap.UTCDate `json:"toDate"`
	Subject     string        `json:"subject"`
	Text        string        `json:"textBody"`
	Outside     bool          `json:"tegami:outsideReply"`
	OwnOutside  bool          `json:"tegami:outside"`
	OutsideText string        `json:"tegami:outsideTextBody"`
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

// Local is a time as a field of a form has it; "" for none.
func (v *visit) Local(at *jmap.UTCDate) string {
	if at == nil || at.IsZero() {
		return ""
	}
	return at.In(v.zone).Format(localForm)
}

// changeVacation keeps the answer as the form has it.
func (v *visit) changeVacation() {
	a := away{On: v.r.PostFormValue("on") != "", Subject: v.typed("subject"), Text: v.typed("text"), Outside: v.r.PostFormValue("outside") != "", OutsideText: v.typed("outsidetext")}
	a.OwnOutside = a.OutsideText != ""
	day := func(name string) (any, *jmap.UTCDate, error) {
		text := v.typed(name)
		if text == "" {
			return nil, nil, nil
		}
		for _, form := range []string{localForm, "2006-01-02 15:04", time.DateOnly, "2006/01/02"} { // browsers without such a field let people write
			if t, err := time.ParseInLocation(form, text, v.zone); err == nil {
				at := jmap.UTCDate{Time: t}
				return at, &at, nil
			}
		}
		return nil, nil, mail.E("webd.changeVacation", mail.Invalid, "standard.no_date", text)
	}
	from, shownFrom, err := day("from")
	to, shownTo, wrong := day("to")
	a.From, a.To = shownFrom, shownTo
	if err = errors.Join(err, wrong); err == nil {
		change := args{"isEnabled": a.On, "fromDate": from, "toDate": to, "subject": nothing(a.Subject), "textBody": nothing(a.Text)}
		if v.Branding.VacationAway {
			change["tegami:outsideReply"], change["tegami:outside"], change["tegami:outsideTextBody"] = a.Outside, a.OwnOutside, nothing(a.OutsideText)
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

// settingsPage shows the reader's own choices, his signature and his password.
func (v *visit) settingsPage() {
	var l letter
	if err := v.identities(&l); err != nil {
		v.fail(err)
		return
	}
	v.said()
	v.show("settings", v.T("webmail.settings.title"), l.from())
}

// pageSizes are what can be chosen.
var pageSizes = []int{10, 25, 50, 100}

// PageSizes are how many rows a page may have.
func (v *visit) PageSizes() []int { return pageSizes }

// undoTimes are what can be chosen, in seconds.
var undoTimes = []int{0, 5, 10, 30, 60}

// UndoTimes are for how long a letter can be taken back.
func (v *visit) UndoTimes() []int { return undoTimes }

// changeSettings keeps the reader's choices and his signature.
func (v *visit) changeSettings() {
	change := args{"language": v.typed("language"), "timeZone": v.typed("timezone"), "remotePictures": "ask", "signaturePlace": "above", "composeCharset": "utf-8"}
	for field, name := range map[string]string{"pagesize": "pageSize", "undo": "undoSeconds"} {
		if n, err := strconv.Atoi(v.typed(field)); err == nil {
			change[name] = n
		}
	}
	if v.r.PostFormValue("pictures") != "" {
		change["remotePictures"] = "always"
	}
	if v.r.PostFormValue("below") != "" {
		change["signaturePlace"] = "below"
	}
	if v.r.PostFormValue("jis") != "" {
		change["composeCharset"] = "iso-2022-jp"
	}
	_, err := v.set("Settings/set", args{"update": args{"singleton": change}})
	if id := v.typed("identity"); err == nil && id != "" {
		_, err = v.set("Identity/set", args{"update": args{id: args{"textSignature": strings.TrimRight(cleanText(v.r.PostFormValue("signature")), "\r\n ")}}})
	}
	if err != nil {
		v.refuseSettings(err)
		return
	}
	if l := v.typed("language"); l == "ja" || l == "en" {
		rememberLang(v.w, l)
	}
	v.leave("/standard/settings", url.Values{"done": {"kept"}})
}

func (v *visit) refuseSettings(err error) {
	v.Wrong = v.words(err)
	var l letter
	if err := v.identities(&l); err != nil {
		v.fail(err)
		return
	}
	v.showAs(422, "settings", v.T("webmail.settings.title"), l.from())
}

// changePassword changes the reader's own password. His other sessions end.
func (v *visit) changePassword() {
	dir, password := v.server.dir, v.r.PostFormValue("password")
	if password != v.r.PostFormValue("again") {
		v.refuseSettings(mail.E("webd.changePassword", mail.Invalid, "login.not_the_same"))
		return
	}
	c, err := dir.CallerBySession(v.r.Context(), v.server.browser(v.r).Origin, cookie(v.r, sessionCookie))
	if err == nil {
		err = dir.ChangeOwnPassword(v.r.Context(), c, v.r.PostFormValue("old"), password)
	}
	if err != nil {
		v.refuseSettings(err)
		return
	}
	v.leave("/standard/settings", url.Values{"done": {"kept"}})
}
