package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"tegami/mail"
	"tegami/server/restd/openapi"
)

// A plan says what there shall be: companies with their domains, settings, groups, accounts and lists. What is missing is made,
// what differs is changed, and what the plan does not name stays as it is; nothing is ever removed. So a plan can be applied
// again at any time.
//
//	tenants:
//	  - name: Alpha
//	    owner: {address: sato@alpha.example}
//	    domains:
//	      - {name: alpha.example, plan: 3GB, ids: 20, options: [{option: imaps}]}
//	    settings: {userForward: internal}
//	    groups: [{name: Sales}]
//	    accounts:
//	      - {address: ito@alpha.example, lastName: 伊藤, groups: [Sales], aliases: [info@alpha.example]}
//	    lists:
//	      - {address: all@alpha.example, posting: tenant, members: [ito@alpha.example]}
//
// A company's own key applies a plan with the same below "company", without a name.
type plan struct {
	Tenants []tree `yaml:"tenants"`
	Company tree   `yaml:"company"`
}

// Limits of plans.
const (
	// maxPlan is the size of a plan in octets.
	maxPlan = 16 << 20
	// maxPlanItems is how many things of a kind one company has in a plan.
	maxPlanItems = 50_000
)

// kind is how things of a part of a plan are listed, made and changed: by operations of the API.
type kind struct {
	name   string // in the plan
	key    string // the field by which a thing is known
	place  string // of its id in the path
	list   string
	create string
	update string
	apart  string // the field that has operations of its own
}

// kinds are in the order in which one needs the other.
var kinds = []kind{
	{"domains", "name", "domain", "listDomains", "addDomain", "changeDomain", ""},
	{"groups", "name", "group", "listGroups", "createGroup", "updateGroup", ""},
	{"accounts", "address", "account", "listAccounts", "createAccount", "updateAccount", "aliases"},
	{"lists", "address", "list", "listLists", "createList", "updateList", "members"},
}

// work is the application of a plan.
type work struct {
	*Console
	dry     bool
	tenant  string
	groups  map[string]string // id by name
	changed int
	same    int
}

// apply does what a plan says, or shows what it would do.
func (c *Console) apply(ctx context.Context, in Invocation) error {
	if len(in.Words) != 2 {
		return misused("cli.missing_word", "FILE", "apply")
	}
	p, err := c.readPlan(in.Words[1])
	if err != nil {
		return err
	}
	w := &work{Console: c, dry: in.Global["dry-run"] != ""}
	if p.Company != nil {
		if w.tenant, err = c.tenant(ctx, in, nil); err == nil {
			err = w.company(ctx, p.Company)
		}
	}
	for _, t := range p.Tenants {
		if err == nil {
			err = w.openOrChange(ctx, t)
		}
	}
	key := "cli.applied"
	if w.dry {
		key = "cli.would_apply"
	}
	fmt.Fprintln(c.Out, c.text(key, w.changed, w.same))
	return err
}

// readPlan reads a plan in YAML or JSON, which is YAML. Fields that no plan has are errors.
func (c *Console) readPlan(name string) (p plan, err error) {
	const op = "console.readPlan"
	text, err := c.read(name)
	if err != nil {
		return p, err
	}
	if len(text) > maxPlan {
		return p, mail.E(op, mail.Full, "cli.input_too_big", maxPlan>>20)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return p, mail.E(op, mail.Invalid, "cli.plan", err.Error())
	}
	for _, t := range append(p.Tenants, p.Company) {
		for name, v := range t {
			if list, ok := v.([]any); ok && len(list) > maxPlanItems {
				return p, mail.E(op, mail.Full, "cli.plan_too_long", name, maxPlanItems)
			}
		}
	}
	return p, nil
}

// operation gives an operation by its name.
func (c *Console) operation(id string) openapi.Operation {
	i := slices.IndexFunc(c.commands, func(cmd Command) bool { return cmd.Operation.ID == id })
	if i < 0 {
		return openapi.Operation{ID: id}
	}
	return c.commands[i].Operation
}

// openOrChange makes a company, or changes what the contract says, and goes on with what is in it.
func (w *work) openOrChange(ctx context.Context, t tree) error {
	name := fmt.Sprint(t["name"])
	if t["name"] == nil {
		return mail.E("console.openOrChange", mail.Invalid, "cli.plan", "tenants: name")
	}
	r := request{method: "GET", path: w.api("/tenants"), query: url.Values{"q": {name}}}
	found, err := w.all(ctx, r, "")
	if err != nil {
		return err
	}
	var have tree
	for _, raw := range found {
		var one tree
		if decode(raw, &one) == nil && one["name"] == name {
			have = one
		}
	}
	if have == nil {
		return w.openTenant(ctx, name, t)
	}
	w.tenant, _ = have["id"].(string)
	wanted := only(t, "lang", "networks")
	if err := w.change(ctx, "tenant "+name, "changeTenant", nil, have, wanted); err != nil {
		return err
	}
	return w.company(ctx, t)
}

// openTenant makes a company with the first of its domains.
func (w *work) openTenant(ctx context.Context, name string, t tree) error {
	domains, _ := t["domains"].([]any)
	if len(domains) == 0 || t["owner"] == nil {
		return mail.E("console.openTenant", mail.Invalid, "cli.plan", "tenants: "+name+": domains, owner")
	}
	body := only(t, "name", "lang", "networks", "start", "noScram", "owner")
	body["domain"] = domains[0]
	if day, ok := body["start"].(string); ok && len(day) == len("2026-04-01") {
		body["start"] = day + "T00:00:00+09:00"
	}
	w.say("+", "tenant "+name)
	if w.dry {
		for _, k := range kinds {
			list, _ := t[k.name].([]any)
			for _, item := range list {
				w.say("+", k.place+" "+fmt.Sprint(keyOf(item, k.key)))
			}
		}
		return nil
	}
	made, err := w.call(ctx, "openTenant", nil, body, "")
	if err != nil {
		return err
	}
	var got struct {
		Tenant struct{ ID string } `json:"tenant"`
		ID     string              `json:"id"`
	}
	if err := json.Unmarshal(made.body, &got); err != nil {
		return mail.E("console.openTenant", mail.Unavailable, "cli.no_api", w.Base, made.status)
	}
	w.tenant = cmp.Or(got.Tenant.ID, got.ID)
	return w.company(ctx, t)
}

// only takes some fields of an object.
func only(t tree, names ...string) tree {
	out := tree{}
	for _, name := range names {
		if v, ok := t[name]; ok {
			out[name] = v
		}
	}
	return out
}

// company applies what is in a company.
func (w *work) company(ctx context.Context, t tree) error {
	known := []string{"name", "lang", "networks", "start", "noScram", "owner", "settings"}
	for _, k := range kinds {
		known = append(known, k.name)
	}
	for name := range t {
		if !slices.Contains(known, name) {
			return mail.E("console.company", mail.Invalid, "cli.plan", name+"?")
		}
	}
	for _, k := range kinds {
		list, _ := t[k.name].([]any)
		if err := w.things(ctx, k, list); err != nil {
			return err
		}
	}
	if settings, ok := t["settings"].(tree); ok {
		return w.settings(ctx, settings)
	}
	return nil
}

// settings changes the settings that the plan names.
func (w *work) settings(ctx context.Context, wanted tree) error {
	got, err := w.call(ctx, "getSettings", nil, nil, "")
	if err != nil {
		return err
	}
	var have tree
	if err := decode(got.body, &have); err != nil {
		return mail.E("console.settings", mail.Unavailable, "cli.no_api", w.Base, got.status)
	}
	different := w.differences(have, wanted)
	if len(different) == 0 {
		w.same++
		return nil
	}
	w.sayChanges("settings", have, wanted, different)
	if w.dry {
		return nil
	}
	for _, f := range w.Doc.Fields(bodyOf(w.operation("setSettings"))) {
		if f.Schema.ReadOnly || f.Name == "changed" || f.Name == "by" {
			delete(have, f.Name)
		}
	}
	maps.Copy(have, wanted)
	_, err = w.call(ctx, "setSettings", nil, have, got.etag)
	return err
}

// things makes and changes the things of a kind.
func (w *work) things(ctx context.Context, k kind, wanted []any) error {
	if len(wanted) == 0 && k.name != "groups" {
		return nil
	}
	have, err := w.have(ctx, k)
	if err != nil {
		return err
	}
	if k.name == "groups" {
		w.groups = map[string]string{}
		for name, one := range have {
			w.groups[name], _ = one["id"].(string)
		}
	}
	for _, item := range wanted {
		t, ok := item.(tree)
		if !ok {
			return mail.E("console.things", mail.Invalid, "cli.plan", k.name+": "+fmt.Sprint(item))
		}
		if err := w.thing(ctx, k, have, maps.Clone(t)); err != nil {
			return err
		}
	}
	return nil
}

// have lists what there is, by the key it is known by.
func (w *work) have(ctx context.Context, k kind) (map[string]tree, error) {
	o := w.operation(k.list)
	r := request{method: o.Method, path: w.at(o.Path, nil), query: url.Values{}}
	if !slices.ContainsFunc(o.Parameters, func(p openapi.Param) bool { return p.Name == "cursor" }) {
		r.query = nil
	}
	items, err := w.everything(ctx, r)
	if err != nil {
		return nil, err
	}
	have := make(map[string]tree, len(items))
	for _, raw := range items {
		var one tree
		if err := decode(raw, &one); err != nil {
			return nil, mail.E("console.have", mail.Unavailable, "cli.no_api", w.Base, 200)
		}
		have[strings.ToLower(fmt.Sprint(one[k.key]))] = one
	}
	return have, nil
}

// everything reads a list that comes in parts, or whole.
func (w *work) everything(ctx context.Context, r request) ([]json.RawMessage, error) {
	if r.query != nil {
		return w.all(ctx, r, "")
	}
	a, err := w.send(ctx, r)
	if err != nil {
		return nil, err
	}
	var p page
	if err := json.Unmarshal(a.body, &p); err != nil {
		return nil, mail.E("console.everything", mail.Unavailable, "cli.no_api", w.Base, a.status)
	}
	return p.Items, nil
}

// thing makes or changes one thing.
func (w *work) thing(ctx context.Context, k kind, all map[string]tree, wanted tree) error {
	key := fmt.Sprint(keyOf(wanted, k.key))
	label := k.place + " " + key
	apart, _ := wanted[k.apart].([]any)
	delete(wanted, k.apart)
	if err := w.groupIDs(label, wanted); err != nil {
		return err
	}
	have, exists := all[strings.ToLower(key)]
	id, _ := have["id"].(string)
	if k.place == "domain" {
		id = key
	}
	var err error
	if exists {
		err = w.change(ctx, label, k.update, map[string]string{k.place: id}, have, wanted)
	} else {
		id, err = w.create(ctx, k, label, key, wanted)
	}
	if err != nil || id == "" || len(apart) == 0 {
		return err
	}
	if k.name == "lists" {
		return w.members(ctx, label, id, apart)
	}
	return w.aliases(ctx, label, id, have, apart)
}

func keyOf(item any, name string) any {
	t, _ := item.(tree)
	return cmp.Or[any](t[name], "")
}

// groupIDs puts ids in place of the names of groups.
func (w *work) groupIDs(label string, wanted tree) error {
	names, ok := wanted["groups"].([]any)
	if !ok {
		return nil
	}
	ids := make([]any, len(names))
	for i, name := range names {
		id, ok := w.groups[strings.ToLower(fmt.Sprint(name))]
		if !ok {
			return mail.E("console.groupIDs", mail.NotFound, "cli.no_such", "group", fmt.Sprintf("%v (%s)", name, label))
		}
		ids[i] = id
	}
	wanted["groups"] = ids
	return nil
}

// create makes a thing, and changes what only a change takes.
func (w *work) create(ctx context.Context, k kind, label, key string, wanted tree) (id string, err error) {
	w.say("+", label)
	if k.name == "groups" {
		w.groups[strings.ToLower(key)] = "(new)"
	}
	if w.dry {
		return "", nil
	}
	first, later := tree{}, tree{}
	takes := w.Doc.Resolve(bodyOf(w.operation(k.create))).Properties
	for name, v := range wanted {
		if takes[name] != nil {
			first[name] = v
		} else {
			later[name] = v
		}
	}
	a, err := w.call(ctx, k.create, nil, first, "")
	if err != nil {
		return "", w.about(label, err)
	}
	var got struct{ ID string }
	if json.Unmarshal(a.body, &got) != nil || got.ID == "" {
		return "", mail.E("console.create", mail.Unavailable, "cli.no_api", w.Base, a.status)
	}
	id = got.ID
	if k.place == "domain" {
		id = key
	}
	if k.name == "groups" {
		w.groups[strings.ToLower(key)] = id
	}
	if len(later) > 0 {
		_, err = w.call(ctx, k.update, map[string]string{k.place: id}, later, "")
	}
	return id, w.about(label, err)
}

// change changes what differs.
func (w *work) change(ctx context.Context, label, update string, places map[string]string, have, wanted tree) error {
	different := w.differences(have, wanted)
	if len(different) == 0 {
		w.same++
		return nil
	}
	body := tree{}
	takes := w.Doc.Resolve(bodyOf(w.operation(update))).Properties
	for _, name := range different {
		if takes[name] == nil {
			return mail.E("console.change", mail.Invalid, "cli.plan_fixed", label, name)
		}
		body[name] = wanted[name]
	}
	w.sayChanges(label, have, wanted, different)
	if w.dry {
		return nil
	}
	_, err := w.call(ctx, update, places, body, "")
	return w.about(label, err)
}

// about says of what thing of the plan an error is.
func (w *work) about(label string, err error) error {
	var refused *Refusal
	if errors.As(err, &refused) {
		refused.Detail = label + ": " + refused.Detail
	}
	return err
}

// members puts the missing addresses on a list.
func (w *work) members(ctx context.Context, label, id string, wanted []any) error {
	k := kind{list: "listMembers", key: "address"}
	o := w.operation(k.list)
	items, err := w.everything(ctx, request{method: o.Method, path: w.at(o.Path, map[string]string{"list": id})})
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, raw := range items {
		var one struct{ Address string }
		if json.Unmarshal(raw, &one) == nil {
			have[strings.ToLower(one.Address)] = true
		}
	}
	var add []any
	for _, item := range wanted {
		member, ok := item.(tree)
		if !ok {
			member = tree{"address": item}
		}
		if address := fmt.Sprint(member["address"]); !have[strings.ToLower(address)] {
			add = append(add, member)
			w.say("+", label+": member "+address)
		}
	}
	if len(add) == 0 || w.dry {
		return nil
	}
	_, err = w.call(ctx, "changeMembers", map[string]string{"list": id}, tree{"add": add}, "")
	return w.about(label, err)
}

// aliases gives an account the missing ones.
func (w *work) aliases(ctx context.Context, label, id string, have tree, wanted []any) error {
	known, _ := have["aliases"].([]any)
	for _, alias := range wanted {
		if slices.ContainsFunc(known, func(v any) bool { return strings.EqualFold(fmt.Sprint(v), fmt.Sprint(alias)) }) {
			continue
		}
		w.say("+", label+": alias "+fmt.Sprint(alias))
		if w.dry {
			continue
		}
		if _, err := w.call(ctx, "addAlias", map[string]string{"account": id}, tree{"address": alias}, ""); err != nil {
			return w.about(label, err)
		}
	}
	return nil
}

// call performs an operation.
func (w *work) call(ctx context.Context, id string, places map[string]string, body tree, tag string) (answer, error) {
	o := w.operation(id)
	r := request{method: o.Method, path: w.at(o.Path, places), header: map[string]string{"Tegami-Reason": "tegami admin apply"}}
	if tag != "" {
		r.header["If-Match"] = tag
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, mail.Because("console.call", mail.Invalid, "cli.plan", err)
		}
		r.kind, r.body = jsonType, text
	}
	return w.send(ctx, r)
}

// at fills the places of a path.
func (w *work) at(path string, places map[string]string) string {
	path = strings.ReplaceAll(path, "{"+tenantPlace+"}", url.PathEscape(w.tenant))
	for name, id := range places {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(id))
	}
	return path
}

func bodyOf(o openapi.Operation) *openapi.Schema {
	_, s := o.Request()
	return s
}

// say prints a line of the difference.
func (w *work) say(sign, what string) {
	w.changed++
	fmt.Fprintln(w.Out, sign, cellText(what))
}

func (w *work) sayChanges(label string, have, wanted tree, names []string) {
	w.changed++
	for _, name := range names {
		fmt.Fprintf(w.Out, "~ %s: %s: %s → %s\n", cellText(label), name, compact(have[name]), compact(wanted[name]))
	}
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}

// differences lists the fields in which what there is lacks what is wanted.
func (w *work) differences(have, wanted tree) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if !holds(plain(have[name]), plain(wanted[name])) {
			names = append(names, name)
		}
	}
	return names
}

// plain is a value as JSON has it, whatever it was read from.
func plain(v any) (out any) {
	text, err := json.Marshal(v)
	if err != nil || json.Unmarshal(text, &out) != nil {
		return nil
	}
	return out
}

// holds tells whether there is what is wanted: an object has the fields, a list the same values in any order. An empty value is as good
// as none.
func holds(have, wanted any) bool {
	switch want := wanted.(type) {
	case map[string]any:
		got, _ := have.(map[string]any)
		for name, v := range want {
			if !holds(got[name], v) {
				return false
			}
		}
		return true
	case []any:
		got, _ := have.([]any)
		return len(got) == len(want) && !slices.ContainsFunc(want, func(v any) bool {
			return !slices.ContainsFunc(got, func(g any) bool { return holds(g, v) })
		})
	case string:
		if want == "" && have == nil {
			return true
		}
	case bool:
		if !want && have == nil {
			return true
		}
	}
	return reflect.DeepEqual(have, wanted)
}
