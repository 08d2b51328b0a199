package vcard

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// cardOf makes a card of what the columns of a line say. It has no uid.
func cardOf(said map[field]string) Card {
	c := Card{"@type": "Card", "version": "1.0"}
	c.setName(said)
	add := func(property string, o map[string]any) {
		all := object(c[property])
		if all == nil {
			all = map[string]any{}
			c[property] = all
		}
		all[strconv.Itoa(len(all)+1)] = o
	}
	if s := said[fieldNickname]; s != "" {
		add("nicknames", map[string]any{"name": s})
	}
	if o := organizationOf(said); len(o) > 0 {
		add("organizations", o)
	}
	if s := said[fieldJob]; s != "" {
		add("titles", map[string]any{"name": s})
	}
	for _, v := range valuesNumbered(said, "email") {
		add("emails", labelled(map[string]any{"address": bareAddress(v[0])}, v[1]))
	}
	for _, p := range phonesOf(said) {
		add("phones", p)
	}
	for _, a := range addressesOf(said) {
		add("addresses", a)
	}
	for _, v := range valuesNumbered(said, "url") {
		add("links", labelled(map[string]any{"uri": v[0]}, v[1]))
	}
	if d, ok := parseDate(said[fieldBirthday]); ok {
		add("anniversaries", map[string]any{"kind": "birth", "date": d.partial()})
	}
	if s := said[fieldNote]; s != "" {
		add("notes", map[string]any{"note": s})
	}
	if words := keywordsOf(said[fieldCategories]); len(words) > 0 {
		c["keywords"] = words
	}
	return c
}

// setName makes the name. A full name that only repeats its parts is left out.
func (c Card) setName(said map[field]string) {
	var components []any
	for _, kind := range nameParts[:5] {
		s := said[field(kind)]
		if s == "" {
			continue
		}
		o := map[string]any{"kind": kind, "value": s}
		if kana := said[field(kind+" kana")]; kana != "" {
			o["phonetic"] = kana
		}
		components = append(components, o)
	}
	name := map[string]any{}
	if components != nil {
		name["components"] = components
	}
	if kana := said[fieldSurKana] + said[fieldGivenKana]; kana != "" && components != nil {
		name["phoneticScript"] = ScriptOf(kana)
	}
	if kana := said[fieldKana]; kana != "" && said[fieldSurKana]+said[fieldGivenKana] == "" {
		surname, given, _ := strings.Cut(strings.Join(strings.Fields(kana), " "), " ")
		by := map[string]any{"surname": surname}
		if given != "" {
			by["given"] = given
		}
		name["sortAs"] = by
	}
	if len(name) > 0 {
		c["name"] = name
	}
	if full := said[fieldFull]; full != "" && full != c.FullName() {
		name["full"] = full
		c["name"] = name
	}
}

func organizationOf(said map[field]string) map[string]any {
	o := map[string]any{}
	if s := said[fieldCompany]; s != "" {
		o["name"] = s
	}
	if s := said[fieldCompKana]; s != "" && o["name"] != nil {
		o["sortAs"] = s
	}
	if s := said[fieldDepartment]; s != "" {
		o["units"] = []any{map[string]any{"name": s}}
	}
	return o
}

// valuesNumbered gives the values of a kind with their labels, in order. Gmail writes several into one field with " ::: " between.
func valuesNumbered(said map[field]string, what string) (list [][2]string) {
	for n := 1; n <= maxNumbered; n++ {
		f := numbered(what, n)
		for _, s := range strings.Split(said[f], ":::") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, [2]string{s, said[f+" label"]})
			}
		}
	}
	return list
}

// bareAddress takes an address out of "name <address>".
func bareAddress(s string) string {
	if _, rest, ok := strings.Cut(s, "<"); ok {
		s, _, _ = strings.Cut(rest, ">")
	}
	return strings.TrimSpace(s)
}

// labelled puts what a label says into an object: a context where it is one, else the label.
func labelled(o map[string]any, label string) map[string]any {
	label = strings.TrimSpace(strings.TrimPrefix(label, "*"))
	low := strings.ToLower(label)
	switch {
	case low == "" || low == "other" || low == "internet":
	case strings.HasPrefix(low, "work") || low == "勤務先" || low == "会社" || low == "仕事":
		o["contexts"] = map[string]any{"work": true}
	case strings.HasPrefix(low, "home") || low == "自宅":
		o["contexts"] = map[string]any{"private": true}
	case low == "mobile" || low == "携帯":
	default:
		o["label"] = label
	}
	return o
}

// phonePlaces are the telephones that have a column of their own, in the order of their columns.
var phonePlaces = []struct{ where, context, feature string }{
	{"work", "work", ""}, {"mobile", "", "mobile"}, {"private", "private", ""}, {"fax", "work", "fax"}, {"work2", "work", ""}, {"private2", "private", ""},
	{"privatefax", "private", "fax"}, {"pager", "", "pager"}, {"other", "", ""},
}

// phonesOf makes the telephones. An extension follows the number of the office (RFC 9553 has no place for one).
func phonesOf(said map[field]string) (list []map[string]any) {
	for _, p := range phonePlaces {
		number := said[placed("phone", p.where)]
		o := map[string]any{"number": number}
		if p.where == "work" && said[fieldExtension] != "" {
			o["number"] = strings.TrimSpace(number + extensionMark + said[fieldExtension])
		} else if number == "" {
			continue
		}
		list = append(list, placedPhone(o, p.context, p.feature))
	}
	for _, v := range valuesNumbered(said, "phone") {
		low, feature := strings.ToLower(v[1]), ""
		switch {
		case strings.Contains(low, "fax"):
			feature = "fax"
		case strings.Contains(low, "mobile"), low == "携帯":
			feature = "mobile"
		}
		list = append(list, placedPhone(labelled(map[string]any{"number": v[0]}, v[1]), "", feature))
	}
	return list
}

// extensionMark stands before an extension.
const extensionMark = " ;ext="

func placedPhone(o map[string]any, context, feature string) map[string]any {
	if context != "" {
		o["contexts"] = map[string]any{context: true}
	}
	if feature != "" {
		o["features"] = map[string]any{feature: true}
	}
	return o
}

// addressesOf makes the addresses: those with a place of their own, then the numbered.
func addressesOf(said map[field]string) (list []map[string]any) {
	where := []string{"work", "private"}
	for n := 1; n <= maxNumbered; n++ {
		where = append(where, strconv.Itoa(n))
	}
	for _, at := range where {
		o := map[string]any{}
		var components []any
		for _, kind := range addressParts[:plainAddress] {
			if s := said[part(at, kind)]; s != "" {
				components = append(components, map[string]any{"kind": kind, "value": s})
			}
		}
		if components != nil {
			o["components"] = components
		} else if s := said[part(at, "full")]; s != "" {
			o["full"] = s
		} else {
			continue
		}
		if at == "work" || at == "private" {
			o["contexts"] = map[string]any{at: true}
		}
		list = append(list, labelled(o, said[part(at, "label")]))
	}
	return list
}

// keywordsOf takes categories apart. Gmail's own groups begin with an asterisk.
func keywordsOf(s string) map[string]any {
	words := map[string]any{}
	for _, w := range strings.FieldsFunc(strings.ReplaceAll(s, ":::", ";"), func(r rune) bool { return r == ';' || r == '；' || r == ',' }) {
		if w = strings.TrimSpace(w); w != "" && !strings.HasPrefix(w, "*") {
			words[w] = true
		}
	}
	return words
}

// fieldsIn is what the columns say of a card. What has no column is left out.
func fieldsIn(c Card) map[field]string {
	said := map[field]string{
		fieldFull: c.FullName(), fieldSurKana: c.SurnameKana(), fieldGivenKana: c.GivenKana(), fieldDepartment: c.Department(),
		fieldCategories: strings.Join(slices.Sorted(maps.Keys(object(c["keywords"]))), ";"),
	}
	for _, kind := range nameParts[:5] {
		said[field(kind)] = c.part("value", kind)
	}
	first := func(f field, property, member string) {
		if list := c.Texts(property, member); len(list) > 0 {
			said[f] = list[0]
		}
	}
	first(fieldNickname, "nicknames", "name")
	first(fieldCompany, "organizations", "name")
	first(fieldCompKana, "organizations", "sortAs")
	first(fieldJob, "titles", "name")
	first(fieldURL, "links", "uri")
	for i, s := range c.Emails() {
		said[numbered("email", i+1)] = s
	}
	said[fieldNote] = strings.Join(c.Texts("notes", "note"), "\n")
	c.phonesIn(said)
	c.addressesIn(said)
	for _, id := range sorted(c["anniversaries"]) {
		o := object(object(c["anniversaries"])[id])
		if d, ok := partialDate(object(o["date"])); ok && text(o["kind"]) == "birth" {
			said[fieldBirthday] = d.dashed()
		}
	}
	return said
}

// dashed is the date as spreadsheets read it.
func (d date) dashed() string {
	if d.year != 0 && d.month != 0 && d.day != 0 {
		return four(d.year) + "-" + two(d.month) + "-" + two(d.day)
	}
	return d.String()
}

// phonesIn puts each telephone into the first column that is for such and empty.
func (c Card) phonesIn(said map[field]string) {
	phones := object(c["phones"])
	for _, id := range sorted(phones) {
		o := object(phones[id])
		number := strings.TrimPrefix(text(o["number"]), "tel:")
		if number == "" {
			continue
		}
		has := func(in, what string) bool { return object(o[in])[what] == true }
		for _, p := range phonePlaces {
			f := placed("phone", p.where)
			if said[f] != "" || p.feature != "" && !has("features", p.feature) || p.context != "" && p.feature == "" && !has("contexts", p.context) {
				continue
			}
			if p.feature == "" && (has("features", "fax") || has("features", "mobile") || has("features", "pager")) {
				continue
			}
			said[f] = number
			if main, ext, ok := strings.Cut(number, strings.TrimSpace(extensionMark)); ok && p.where == "work" {
				said[f], said[fieldExtension] = strings.TrimSpace(main), ext
			}
			break
		}
	}
}

// addressesIn puts the first address of home into the columns for that, and the first other one into those of the office.
func (c Card) addressesIn(said map[field]string) {
	all := object(c["addresses"])
	done := map[string]bool{}
	for _, id := range sorted(all) {
		o := object(all[id])
		where := "work"
		if object(o["contexts"])["private"] == true {
			where = "private"
		}
		list, _ := o["components"].([]any)
		if done[where] {
			continue
		}
		for _, v := range list {
			kind := text(object(v)["kind"])
			if !slices.Contains(addressParts[:plainAddress], kind) {
				kind = "name"
			}
			f := part(where, kind)
			said[f] = strings.TrimSpace(said[f] + " " + text(object(v)["value"]))
			done[where] = true
		}
		if s := text(o["full"]); list == nil && s != "" {
			said[part(where, "name")] = s
			done[where] = true
		}
	}
}
