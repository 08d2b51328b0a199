package vcard

import (
	"strings"
	"unicode"
)

// name is the name of the card in hand.
func (r *reading) name() map[string]any {
	n := object(r.card["name"])
	if n == nil {
		n = map[string]any{}
		r.card["name"] = n
	}
	return n
}

// takeFullName takes FN, unless it was only made of the components.
func (r *reading) takeFullName(p *Property) bool {
	s := strings.TrimSpace(p.Text())
	if s == "" || strings.EqualFold(p.Param("DERIVED"), "true") {
		return true
	}
	if _, there := r.name()["full"]; there || p.Param("ALTID") != "" && p.Param("LANGUAGE") != "" {
		return false
	}
	r.name()["full"] = s
	return true
}

// takeName takes N. One with PHONETIC is the reading of another (RFC 9554 §4.6).
func (r *reading) takeName(p *Property) bool {
	parts := Split(p.Value, ';')
	if p.Param("PHONETIC") != "" {
		for i, part := range parts[:min(len(parts), len(nameParts))] {
			if s := strings.TrimSpace(Unescape(part)); s != "" {
				r.phonetic[nameParts[i]] = s
			}
		}
		return true
	}
	if object(r.card["name"])["components"] != nil {
		return false
	}
	var components []any
	for i, part := range parts[:min(len(parts), len(nameParts))] {
		for _, value := range Split(part, ',') {
			if value = strings.TrimSpace(Unescape(value)); value != "" {
				components = append(components, map[string]any{"kind": nameParts[i], "value": value})
			}
		}
	}
	if components != nil {
		r.name()["components"] = components
	}
	if s := p.param("SORT-AS"); s != "" {
		r.sortAs(s)
	}
	return true
}

// sortAs takes by what the name is sorted: the surname, and behind a comma the given name.
func (r *reading) sortAs(s string) {
	surname, given, _ := strings.Cut(s, ",")
	by := map[string]any{}
	if surname = strings.TrimSpace(surname); surname != "" {
		by["surname"] = surname
	}
	if given = strings.TrimSpace(given); given != "" {
		by["given"] = given
	}
	if len(by) > 0 {
		r.name()["sortAs"] = by
	}
}

// dropDerived leaves out a full name that only says what its components say: software that changes a component would leave it behind, and everybody
// would still see the old name.
func (r *reading) dropDerived() {
	name := object(r.card["name"])
	list, _ := name["components"].([]any)
	full, ok := name["full"].(string)
	if !ok || len(list) < 2 {
		return
	}
	delete(name, "full")
	if r.card.FullName() != full {
		name["full"] = full
	}
}

// finishName puts the readings to the components they are of; where there are none, the name is sorted by them.
func (r *reading) finishName() {
	r.dropDerived()
	if len(r.phonetic) == 0 {
		return
	}
	list, _ := r.name()["components"].([]any)
	placed := ""
	for _, v := range list {
		o := object(v)
		kind := text(o["kind"])
		if s := r.phonetic[kind]; s != "" {
			o["phonetic"] = s
			placed += s
			delete(r.phonetic, kind)
		}
	}
	if placed != "" {
		r.name()["phoneticScript"] = ScriptOf(placed)
	}
	if by := object(r.name()["sortAs"]); by == nil {
		r.sortAs(r.phonetic["surname"] + "," + r.phonetic["given"])
	}
	if len(object(r.card["name"])) == 0 {
		delete(r.card, "name")
	}
}

// ScriptOf names the script of a reading (ISO 15924), which RFC 9553 §2.2.1 wants beside one.
func ScriptOf(s string) string {
	switch {
	case strings.IndexFunc(s, func(r rune) bool { return unicode.Is(unicode.Hiragana, r) }) >= 0:
		return "Hira"
	case strings.IndexFunc(s, func(r rune) bool { return unicode.Is(unicode.Katakana, r) }) >= 0:
		return "Kana"
	}
	return "Latn"
}
