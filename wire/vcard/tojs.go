package vcard

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// FromVCard gives a card of any version as JSContact (RFC 9555 §2). It always gives the same for the same card. Without UID it has none.
func FromVCard(v *VCard) Card {
	v = Convert(v, V4)
	r := &reading{card: Card{"@type": "Card", "version": "1.0"}, labels: map[string]string{}, grouped: map[string]group{}, phonetic: map[string]string{}}
	for i := range v.Properties {
		p := &v.Properties[i]
		if p.Group == "" {
			continue
		}
		if p.Name == "X-ABLABEL" {
			r.labels[p.Group] = plainLabel(p.Text())
			continue
		}
		g := r.grouped[p.Group]
		if g.size++; !strings.HasPrefix(p.Name, "X-") {
			g.standard++
		}
		r.grouped[p.Group] = g
	}
	for i := range v.Properties {
		if !r.take(&v.Properties[i]) {
			r.keep(&v.Properties[i])
		}
	}
	r.finishName()
	for i := range r.pointers {
		r.point(&r.pointers[i])
	}
	return r.card
}

// reading is a card on its way into JSContact.
type reading struct {
	card     Card
	labels   map[string]string // of groups, as X-ABLabel says them
	grouped  map[string]group
	phonetic map[string]string // by kind of component
	pointers []Property        // JSPROP
}

// group counts the properties of a group beside its label, and those of them that are no extension. A label is that of the only one of those.
type group struct{ size, standard int }

// plainLabel takes the brackets off a label that Apple's software knows itself.
func plainLabel(s string) string {
	if inner, ok := strings.CutPrefix(s, "_$!<"); ok {
		return strings.TrimSuffix(inner, ">!$_")
	}
	return s
}

// take brings a property into the card; false where it has no place there.
func (r *reading) take(p *Property) bool {
	if m := byName[p.Name]; m != nil {
		return r.takeMapped(p, m)
	}
	if property, ok := second(texts, p.Name); ok {
		return r.takeText(property, p)
	}
	if property, ok := second(instantsOf, p.Name); ok {
		at, ok := parseInstant(p.Value)
		if !ok {
			return false
		}
		return r.once(property, utcDate(at))
	}
	if kind, ok := second(phonetics, p.Name); ok {
		r.phonetic[kind] = p.Text()
		return true
	}
	if kind, ok := second(anniversaries, p.Name); ok {
		return r.takeDate(p, kind)
	}
	switch p.Name {
	case "FN":
		return r.takeFullName(p)
	case "N":
		return r.takeName(p)
	case "SORT-STRING":
		r.sortAs(Unescape(p.Value))
		return true
	case "ADR":
		return r.takeAddress(p)
	case "ORG":
		return r.takeOrganization(p)
	case "CATEGORIES":
		return r.takeSet("keywords", Split(p.Value, ','))
	case "MEMBER":
		return r.takeSet("members", []string{PlainUID(p.Value)})
	case "RELATED":
		return r.takeRelated(p)
	case "X-ABLABEL":
		return r.grouped[p.Group].standard == 1
	case "JSPROP":
		r.pointers = append(r.pointers, *p)
		return true
	}
	return false
}

// once sets a property that a card has once.
func (r *reading) once(property string, value any) bool {
	if _, there := r.card[property]; there {
		return false
	}
	r.card[property] = value
	return true
}

func (r *reading) takeText(property string, p *Property) bool {
	s := strings.TrimSpace(p.Text())
	if property == "kind" {
		s = strings.ToLower(s)
	}
	return s != "" && r.once(property, s)
}

// takeMapped takes a property whose value is one text or URI.
func (r *reading) takeMapped(p *Property, m *mapping) bool {
	if p.Name == "SOUND" && slices.Contains(p.Types(), "x-irmc-n") { // the reading of the name on Japanese telephones
		parts := Split(p.Value, ';')
		for i, kind := range nameParts[:min(2, len(parts))] {
			if s := strings.TrimSpace(Unescape(parts[i])); s != "" {
				r.phonetic[kind] = s
			}
		}
		return true
	}
	values := []string{p.Value}
	if m.name == "NICKNAME" {
		values = Split(p.Value, ',')
	}
	for _, value := range values {
		if !m.uri {
			value = Unescape(value)
		}
		if value = strings.TrimSpace(value); value == "" {
			continue
		}
		o := map[string]any{m.value: value}
		if m.kind != "" {
			o["kind"] = m.kind
		}
		rest := slices.Clone(p.Params)
		rest = takeMembers(o, p, m, rest)
		r.add(m.in, o, p, rest)
	}
	return true
}

// takeMembers takes what the parameters of some properties say.
func takeMembers(o map[string]any, p *Property, m *mapping, rest []Param) []Param {
	member := func(param, name string) {
		if s := p.Param(param); s != "" {
			o[name] = s
			rest = without(rest, param)
		}
	}
	member("MEDIATYPE", "mediaType")
	switch m.in {
	case "phones":
		return takeFeatures(o, rest)
	case "onlineServices":
		member("SERVICE-TYPE", "service")
		member("USERNAME", "user")
		if m.name == "IMPP" {
			o["vCardName"] = "impp"
		}
		if strings.EqualFold(p.Param("VALUE"), "text") {
			delete(o, "uri")
			o["user"] = p.Text()
		}
	case "notes":
		member("CREATED", "created")
		if s, ok := o["created"].(string); ok {
			if at, ok := parseInstant(s); ok {
				o["created"] = utcDate(at)
			}
		}
	case "personalInfo":
		member("LEVEL", "level")
	}
	return rest
}

// takeFeatures takes the types of a telephone.
func takeFeatures(o map[string]any, rest []Param) []Param {
	is := map[string]any{}
	rest = takeTypes(rest, features, is)
	if len(is) > 0 {
		o["features"] = is
	}
	return rest
}

// takeTypes takes the types that a table knows, and gives what is left of the parameters.
func takeTypes(params []Param, table [][2]string, to map[string]any) (rest []Param) {
	for _, q := range params {
		if q.Name != "TYPE" {
			rest = append(rest, q)
			continue
		}
		var other []string
		for _, v := range q.Values {
			if name, ok := second(table, strings.ToLower(v)); ok {
				to[name] = true
			} else {
				other = append(other, v)
			}
		}
		if other != nil {
			rest = append(rest, Param{"TYPE", other})
		}
	}
	return rest
}

func without(params []Param, names ...string) []Param {
	return slices.DeleteFunc(slices.Clone(params), func(q Param) bool { return slices.Contains(names, q.Name) })
}

// add puts an object into a property, with what the parameters say that all objects can have. Other parameters are kept with it.
func (r *reading) add(property string, o map[string]any, p *Property, rest []Param) {
	in := map[string]any{}
	if rest = takeTypes(rest, contexts, in); len(in) > 0 {
		o["contexts"] = in
	}
	if n, err := strconv.Atoi(p.Param("PREF")); err == nil && n >= 1 && n <= 100 {
		o["pref"] = float64(n)
		rest = without(rest, "PREF")
	}
	if label := r.labels[p.Group]; label != "" && r.grouped[p.Group].standard == 1 {
		o["label"] = label
	}
	rest = without(rest, "PROP-ID")
	if v := p.Param("VALUE"); strings.EqualFold(v, "uri") || strings.EqualFold(v, "text") {
		rest = without(rest, "VALUE")
	}
	kept := paramsOf(rest)
	if p.Group != "" && r.grouped[p.Group].size > 1 {
		kept["group"] = p.Group
	}
	if len(kept) > 0 {
		o["vCardParams"] = kept
	}
	all := object(r.card[property])
	if all == nil {
		all = map[string]any{}
		r.card[property] = all
	}
	all[freeID(all, p.Param("PROP-ID"))] = o
}

// freeID is the id of the next object: the one that is wished, or its number.
func freeID(all map[string]any, wish string) string {
	if _, taken := all[wish]; isID(wish) && !taken {
		return wish
	}
	for n := len(all) + 1; ; n++ {
		if id := strconv.Itoa(n); all[id] == nil {
			return id
		}
	}
}

// isID tells whether a text is an id of an object (RFC 9553 §1.4.1).
func isID(s string) bool { return s != "" && len(s) <= 255 && token(s) == s }

// paramsOf are parameters as vCardParams has them (RFC 9555 §4.1).
func paramsOf(params []Param) map[string]any {
	all := map[string]any{}
	for _, q := range params {
		name := strings.ToLower(q.Name)
		switch have := all[name].(type) {
		case nil:
			if len(q.Values) == 1 {
				all[name] = q.Values[0]
				continue
			}
			all[name] = anyList(q.Values)
		case string:
			all[name] = append([]any{have}, anyList(q.Values)...)
		case []any:
			all[name] = append(have, anyList(q.Values)...)
		}
	}
	return all
}

func anyList(values []string) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}

// takeSet takes texts that are the names of a set.
func (r *reading) takeSet(property string, values []string) bool {
	set := object(r.card[property])
	for _, v := range values {
		if v = strings.TrimSpace(Unescape(v)); v == "" {
			continue
		}
		if set == nil {
			set = map[string]any{}
			r.card[property] = set
		}
		set[v] = true
	}
	return true
}

// takeDate takes a birthday and the like. One that is a text has no place.
func (r *reading) takeDate(p *Property, kind string) bool {
	if strings.EqualFold(p.Param("VALUE"), "text") {
		return false
	}
	o := map[string]any{"kind": kind}
	rest := without(p.Params, "VALUE", "X-APPLE-OMIT-YEAR")
	d, ok := parseDate(p.Text())
	at, isInstant := parseInstant(p.Value)
	switch {
	case isInstant && strings.HasSuffix(p.Value, "Z"):
		o["date"] = map[string]any{"@type": "Timestamp", "utc": utcDate(at)}
	case !ok:
		return false
	default:
		if omit := p.Param("X-APPLE-OMIT-YEAR"); omit != "" && omit == four(d.year) {
			d.year = 0
		}
		o["date"] = d.partial()
	}
	r.add("anniversaries", o, p, rest)
	return true
}

// takeRelated takes how somebody is related (RFC 9553 §2.1.8). One who is a text and no URI is named by it as well.
func (r *reading) takeRelated(p *Property) bool {
	is := map[string]any{}
	for _, t := range p.Types() {
		is[t] = true
	}
	whom := strings.TrimSpace(p.Text())
	if whom == "" {
		return false
	}
	all := object(r.card["relatedTo"])
	if all == nil {
		all = map[string]any{}
		r.card["relatedTo"] = all
	}
	all[whom] = map[string]any{"relation": is}
	return true
}

// takeOrganization takes a company with its units.
func (r *reading) takeOrganization(p *Property) bool {
	parts := Split(p.Value, ';')
	sorts := Split(strings.Join(valuesOf(p, "SORT-AS"), ","), ',')
	o := map[string]any{}
	if name := strings.TrimSpace(Unescape(parts[0])); name != "" {
		o["name"] = name
	}
	if sorts[0] != "" {
		o["sortAs"] = sorts[0]
	}
	var units []any
	for i, part := range parts[1:] {
		name := strings.TrimSpace(Unescape(part))
		if name == "" {
			continue
		}
		unit := map[string]any{"name": name}
		if i+1 < len(sorts) && sorts[i+1] != "" {
			unit["sortAs"] = sorts[i+1]
		}
		units = append(units, unit)
	}
	if units != nil {
		o["units"] = units
	}
	if len(o) > 0 {
		r.add("organizations", o, p, without(p.Params, "SORT-AS"))
	}
	return true
}

func valuesOf(p *Property, param string) (values []string) {
	for i := range p.Params {
		if p.Params[i].Name == param {
			values = append(values, p.Params[i].Values...)
		}
	}
	return values
}

// takeAddress takes a postal address.
func (r *reading) takeAddress(p *Property) bool {
	parts := Split(p.Value, ';')
	long := len(parts) > plainAddress && strings.Trim(strings.Join(parts[plainAddress:], ""), " ") != ""
	var components []any
	for i, part := range parts {
		if i >= len(addressParts) || long && (i == 1 || i == 2) {
			continue
		}
		for _, value := range Split(part, ',') {
			if value = strings.TrimSpace(Unescape(value)); value != "" {
				components = append(components, map[string]any{"kind": addressParts[i], "value": value})
			}
		}
	}
	o := map[string]any{}
	if components != nil {
		o["components"] = components
	}
	rest := p.Params
	for param, member := range map[string]string{"LABEL": "full", "CC": "countryCode", "GEO": "coordinates", "TZ": "timeZone"} {
		if s := p.param(param); s != "" {
			o[member] = s
			rest = without(rest, param)
		}
	}
	if len(o) > 0 {
		r.add("addresses", o, p, rest)
	}
	return true
}

// keep puts a property that has no place into vCardProps (RFC 9555 §4.2), its value as it is written.
func (r *reading) keep(p *Property) {
	params := paramsOf(without(p.Params, "VALUE"))
	if p.Group != "" {
		params["group"] = p.Group
	}
	kind := strings.ToLower(p.Param("VALUE"))
	if kind == "" {
		kind = "unknown"
	}
	list, _ := r.card["vCardProps"].([]any)
	r.card["vCardProps"] = append(list, []any{strings.ToLower(p.Name), params, kind, p.Value})
}

// notPointed are properties that a JSPROP does not set: they are not of the card itself.
var notPointed = []string{"", "vCardProps", "@type", "version", "id", "addressBookIds"}

// point sets what a JSPROP says (RFC 9555 §3.2.1). What can't be set, or would leave a property as RFC 9553 does not have it, is left out.
func (r *reading) point(p *Property) {
	steps := strings.Split(strings.TrimPrefix(p.param("JSPTR"), "/"), "/")
	for i := range steps {
		steps[i] = pointerDecoder.Replace(steps[i])
	}
	var value any
	if len(steps) > maxSteps || slices.Contains(notPointed, steps[0]) || json.Unmarshal([]byte(p.Text()), &value) != nil {
		return
	}
	top := steps[0]
	now := map[string]any{top: clone(r.card[top])}
	if now[top] == nil {
		delete(now, top)
	}
	if !place(now, steps, value) || Card(now).Malformed() != nil {
		return
	}
	r.card[top] = now[top]
}

// place sets a value at a path, and makes the objects on the way; false where something else stands there.
func place(at map[string]any, steps []string, value any) bool {
	for ; len(steps) > 1; steps = steps[1:] {
		inner, ok := at[steps[0]].(map[string]any)
		if !ok && at[steps[0]] != nil {
			return false
		}
		if !ok {
			inner = map[string]any{}
			at[steps[0]] = inner
		}
		at = inner
	}
	at[steps[0]] = value
	return true
}

// maxSteps is how deep what a JSPROP names may lie.
const maxSteps = 8

var (
	pointerDecoder = strings.NewReplacer("~1", "/", "~0", "~")
	pointerEncoder = strings.NewReplacer("~", "~0", "/", "~1")
)

// keysOf are the names in an object, sorted.
func keysOf(o map[string]any) []string { return slices.Sorted(maps.Keys(o)) }
