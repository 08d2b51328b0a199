package vcard

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ToVCard gives a card of JSContact as vCard (RFC 9555 §3), in version 3.0 or 4.0. It always gives the same for the same card. FromVCard gives the
// same card back, also where vCard has no word for what is in it: that stands in JSPROP.
func ToVCard(c Card, version string) *VCard {
	w := &writing{card: c, out: &VCard{Version: V4}}
	w.texts()
	w.writeName()
	for _, in := range order {
		w.objects(in)
	}
	w.sets()
	w.kept()
	w.rest()
	return Convert(w.out, version)
}

// order is in what order properties with objects are written.
var order = []string{
	"nicknames", "organizations", "titles", "emails", "phones", "addresses", "onlineServices", "links", "anniversaries", "notes", "media",
	"preferredLanguages", "directories", "calendars", "schedulingAddresses", "cryptoKeys", "personalInfo",
}

// writing is a card on its way into vCard.
type writing struct {
	card  Card
	out   *VCard
	items int // groups made for labels
}

func (w *writing) texts() {
	for _, row := range texts {
		if s := text(w.card[row[1]]); s != "" {
			w.out.Add(Property{Name: row[0], Value: Escape(s)})
		}
	}
	for _, row := range instantsOf {
		if at, ok := parseInstant(text(w.card[row[1]])); ok {
			w.out.Add(Property{Name: row[0], Value: at.Format("20060102T150405Z")})
		}
	}
}

// writeName writes FN, N and the reading.
func (w *writing) writeName() {
	name := object(w.card["name"])
	full := Property{Name: "FN", Value: Escape(text(name["full"]))}
	if strings.TrimSpace(text(name["full"])) == "" {
		full.Value = Escape(orDash(w.card.Name()))
		full.SetParam("DERIVED", "true")
	}
	w.out.Add(full)
	list, _ := name["components"].([]any)
	parts, any := make([]string, len(nameParts)), false
	for i, kind := range nameParts {
		var values []string
		for _, v := range list {
			if o := object(v); text(o["kind"]) == kind && text(o["value"]) != "" {
				values = append(values, Escape(text(o["value"])))
			}
		}
		parts[i] = strings.Join(values, ",")
		any = any || values != nil
	}
	if any {
		if parts[5] == "" && parts[6] == "" {
			parts = parts[:5]
		}
		n := Property{Name: "N", Value: strings.Join(parts, ";")}
		by := object(name["sortAs"])
		if s := []string{text(by["surname"]), text(by["given"])}; s[0] != "" {
			n.SetParam("SORT-AS", slices.DeleteFunc(s, func(s string) bool { return s == "" })...)
		}
		w.out.Add(n)
	}
	for _, row := range phonetics {
		if s := w.card.part("phonetic", row[1]); s != "" {
			w.out.Add(Property{Name: row[0], Value: Escape(s)})
		}
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// objects writes the objects of a property.
func (w *writing) objects(in string) {
	all := object(w.card[in])
	n := 0
	for _, id := range sorted(all) {
		o := object(all[id])
		p, ok := property(in, o)
		if !ok {
			continue
		}
		if n++; id != strconv.Itoa(n) && isID(id) {
			p.Params = append(p.Params, Param{"PROP-ID", []string{id}})
		}
		w.add(p, o)
	}
}

// property is one object as a property; false where vCard has none for it.
func property(in string, o map[string]any) (p Property, ok bool) {
	switch in {
	case "organizations":
		return organization(o)
	case "addresses":
		return address(o)
	case "anniversaries":
		return anniversary(o)
	}
	m := mappingFor(in, o)
	if m == nil {
		return p, false
	}
	value := strings.TrimSpace(text(o[m.value]))
	p.Name = m.name
	if in == "onlineServices" {
		if value == "" {
			value, ok = Escape(text(o["user"])), true
			p.SetParam("VALUE", "text")
		} else if s := text(o["user"]); s != "" {
			p.SetParam("USERNAME", s)
		}
		if s := text(o["service"]); s != "" {
			p.SetParam("SERVICE-TYPE", s)
		}
	}
	if value == "" {
		return p, false
	}
	if p.Value = value; !m.uri {
		p.Value = Escape(value)
	}
	if m.name == "TEL" && strings.HasPrefix(value, "tel:") {
		p.SetParam("VALUE", "uri")
	}
	if at, isTime := parseInstant(text(o["created"])); isTime && in == "notes" {
		p.SetParam("CREATED", at.Format("20060102T150405Z"))
	}
	if s := text(o["level"]); s != "" && in == "personalInfo" {
		p.SetParam("LEVEL", s)
	}
	if s := text(o["mediaType"]); s != "" {
		p.SetParam("MEDIATYPE", s)
	}
	return p, true
}

// mappingFor finds by what property of vCard an object is written.
func mappingFor(in string, o map[string]any) *mapping {
	kind := text(o["kind"])
	for i := range mappings {
		m := &mappings[i]
		if m.in != in {
			continue
		}
		if in == "onlineServices" {
			if (m.name == "IMPP") == (text(o["vCardName"]) == "impp") {
				return m
			}
			continue
		}
		if m.kind == kind || m.kind == "" && in == "titles" && kind == "title" {
			return m
		}
	}
	return nil
}

func organization(o map[string]any) (p Property, ok bool) {
	p.Name = "ORG"
	parts, sorts := []string{Escape(text(o["name"]))}, []string{text(o["sortAs"])}
	units, _ := o["units"].([]any)
	for _, u := range units {
		parts, sorts = append(parts, Escape(text(object(u)["name"]))), append(sorts, text(object(u)["sortAs"]))
	}
	p.Value = strings.Join(parts, ";")
	if strings.Trim(p.Value, ";") == "" {
		return p, false
	}
	for len(sorts) > 0 && sorts[len(sorts)-1] == "" {
		sorts = sorts[:len(sorts)-1]
	}
	if len(sorts) > 0 && !slices.Contains(sorts, "") {
		p.SetParam("SORT-AS", sorts...)
	}
	return p, true
}

func address(o map[string]any) (p Property, ok bool) {
	p.Name = "ADR"
	list, _ := o["components"].([]any)
	parts, long := make([][]string, len(addressParts)), false
	for _, v := range list {
		c := object(v)
		i := slices.Index(addressParts, text(c["kind"]))
		if i < 0 || text(c["value"]) == "" {
			continue
		}
		long = long || i >= plainAddress
		parts[i] = append(parts[i], Escape(text(c["value"])))
	}
	if long {
		lengthen(parts)
	} else {
		parts = parts[:plainAddress]
	}
	values := make([]string, len(parts))
	for i, part := range parts {
		values[i] = strings.Join(part, ",")
	}
	p.Value = strings.Join(values, ";")
	for _, row := range [][2]string{{"LABEL", "full"}, {"CC", "countryCode"}, {"GEO", "coordinates"}, {"TZ", "timeZone"}} {
		if s := text(o[row[1]]); s != "" {
			p.SetParam(row[0], s)
			ok = true
		}
	}
	return p, ok || strings.Trim(p.Value, ";") != ""
}

// lengthen puts the parts that RFC 9554 §2.1 has apart in their places, and one line of them where older software looks.
func lengthen(parts [][]string) {
	parts[8], parts[11] = parts[1], parts[2]
	var street []string
	for _, i := range []int{13, 11, 10, 12, 9, 8, 7} {
		street = append(street, parts[i]...)
	}
	parts[1], parts[2] = nil, nil
	if street != nil {
		parts[2] = []string{strings.Join(street, " ")}
	}
}

func anniversary(o map[string]any) (p Property, ok bool) {
	for _, row := range anniversaries {
		if row[1] == text(o["kind"]) {
			p.Name = row[0]
		}
	}
	when := object(o["date"])
	if at, isInstant := parseInstant(text(when["utc"])); isInstant {
		p.Value = at.Format("20060102T150405Z")
		return p, p.Name != ""
	}
	d, ok := partialDate(when)
	p.Value = d.String()
	return p, ok && p.Name != "" && p.Value != ""
}

// add writes a property with what its object says that all objects can have.
func (w *writing) add(p Property, o map[string]any) {
	var types []string
	for _, row := range contexts {
		if object(o["contexts"])[row[1]] == true {
			types = append(types, row[0])
		}
	}
	for _, row := range features {
		if object(o["features"])[row[1]] == true && p.Name == "TEL" {
			types = append(types, row[0])
		}
	}
	if types != nil {
		p.Params = append(p.Params, Param{"TYPE", types})
	}
	if n := rank(o); n <= 100 {
		p.Params = append(p.Params, Param{"PREF", []string{strconv.Itoa(n)}})
	}
	group, params := paramsBack(o["vCardParams"])
	p.Group, p.Params = group, append(p.Params, params...)
	label := text(o["label"])
	if label != "" && p.Group == "" {
		w.items++
		p.Group = "tegami" + strconv.Itoa(w.items)
	}
	w.out.Add(p)
	if label != "" {
		w.out.Add(Property{Group: p.Group, Name: "X-ABLABEL", Value: Escape(label)})
	}
}

// paramsBack are the parameters and the group that were kept.
func paramsBack(v any) (group string, params []Param) {
	all := object(v)
	for _, name := range keysOf(all) {
		var values []string
		switch one := all[name].(type) {
		case string:
			values = []string{one}
		case []any:
			for _, s := range one {
				values = append(values, text(s))
			}
		}
		if name == "group" {
			group = text(all[name])
			continue
		}
		if name = token(strings.ToUpper(name)); name != "" && values != nil {
			params = append(params, Param{name, values})
		}
	}
	return token(group), params
}

// sets writes what is a set of texts.
func (w *writing) sets() {
	var words []string
	for _, k := range keysOf(object(w.card["keywords"])) {
		words = append(words, Escape(k))
	}
	if words != nil {
		w.out.Add(Property{Name: "CATEGORIES", Value: strings.Join(words, ",")})
	}
	for _, uid := range w.card.Members() {
		if !strings.Contains(uid, ":") {
			uid = "urn:uuid:" + uid
		}
		w.out.Add(Property{Name: "MEMBER", Value: uid})
	}
	related := object(w.card["relatedTo"])
	for _, whom := range keysOf(related) {
		p := Property{Name: "RELATED", Value: Escape(whom)}
		if types := keysOf(object(object(related[whom])["relation"])); len(types) > 0 {
			p.SetParam("TYPE", types...)
		}
		if !strings.Contains(whom, ":") {
			p.SetParam("VALUE", "text")
		}
		w.out.Add(p)
	}
}

// kept writes the properties that had no place.
func (w *writing) kept() {
	list, _ := w.card["vCardProps"].([]any)
	for _, v := range list {
		one, _ := v.([]any)
		if len(one) < 4 {
			continue
		}
		p := Property{Name: token(strings.ToUpper(text(one[0]))), Value: text(one[3])}
		p.Group, p.Params = paramsBack(one[1])
		if kind := text(one[2]); kind != "unknown" && kind != "" {
			p.Params = append(p.Params, Param{"VALUE", []string{kind}})
		}
		if p.Name != "" && p.Name != "BEGIN" && p.Name != "END" && p.Name != "VERSION" {
			w.out.Add(p)
		}
	}
}

// rest writes as JSPROP what does not come back from what was written.
func (w *writing) rest() {
	back := FromVCard(w.out)
	for _, key := range keysOf(w.card) {
		if key != "vCardProps" && key != "version" && key != "members" {
			w.differ(pointerEncoder.Replace(key), w.card[key], back[key])
		}
	}
}

func (w *writing) differ(at string, want, have any) {
	if reflect.DeepEqual(want, have) || strings.HasSuffix(at, "@type") && have == nil {
		return
	}
	inner, ok := want.(map[string]any)
	if was, both := have.(map[string]any); ok && both && strings.Count(at, "/") < maxSteps-1 {
		for _, key := range keysOf(inner) {
			if key == "components" && inner["isOrdered"] != true && sameParts(inner[key], was[key]) {
				continue
			}
			w.differ(at+"/"+pointerEncoder.Replace(key), inner[key], was[key])
		}
		return
	}
	value, err := json.Marshal(want)
	if err != nil {
		return // a card is made of what JSON has
	}
	p := Property{Name: "JSPROP", Value: Escape(string(value))}
	p.SetParam("JSPTR", at)
	w.out.Add(p)
}

// sameParts tells whether two lists of components say the same but for their order and their types.
func sameParts(a, b any) bool {
	one, ok := a.([]any)
	other, both := b.([]any)
	if !ok || !both || len(one) != len(other) {
		return false
	}
	return slices.Equal(partTexts(one), partTexts(other))
}

func partTexts(list []any) []string {
	all := make([]string, len(list))
	for i, v := range list {
		o := object(clone(v))
		delete(o, "@type")
		text, _ := json.Marshal(o) // a card is made of what JSON has
		all[i] = string(text)
	}
	slices.Sort(all)
	return all
}
