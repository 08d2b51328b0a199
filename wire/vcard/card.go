package vcard

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"

	"tegami/mail"
)

// A Card is a card in JSContact (RFC 9553 §2), as encoding/json reads an object: maps, slices, strings, float64, bool and nil.
type Card map[string]any

// Kinds of cards (RFC 9553 §2.1.4) that somebody here asks for.
const (
	KindIndividual = "individual"
	KindGroup      = "group"
	KindOrg        = "org"
)

// ParseCard reads a card. Invalid "card.malformed"; Full "vcard.too_big".
func ParseCard(b []byte) (Card, error) {
	const op = "vcard.ParseCard"
	if len(b) > MaxCard {
		return nil, mail.E(op, mail.Full, "vcard.too_big", MaxCard>>10)
	}
	var c Card
	if err := json.Unmarshal(b, &c); err != nil || c == nil {
		return nil, mail.Because(op, mail.Invalid, "card.malformed", err)
	}
	return c, nil
}

// UID is the card's uid.
func (c Card) UID() string { return text(c["uid"]) }

// Kind is the card's kind, KindIndividual where it says none.
func (c Card) Kind() string {
	if k := text(c["kind"]); k != "" {
		return k
	}
	return KindIndividual
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// sorted goes through the objects of a property by their ids: as they were written, numbers by their size.
func sorted(v any) []string {
	ids := slices.Collect(maps.Keys(object(v)))
	slices.SortFunc(ids, func(a, b string) int {
		if len(a) != len(b) && isNumber(a) && isNumber(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return ids
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// part joins the values of the name's components of some kinds.
func (c Card) part(member string, kinds ...string) string {
	var words []string
	list, _ := object(c["name"])["components"].([]any)
	for _, kind := range kinds {
		for _, v := range list {
			if o := object(v); text(o["kind"]) == kind && text(o[member]) != "" {
				words = append(words, text(o[member]))
			}
		}
	}
	return strings.Join(words, " ")
}

// Surname and Given are 姓 and 名.
func (c Card) Surname() string { return c.part("value", "surname") }

// Given is 名.
func (c Card) Given() string { return c.part("value", "given") }

// SurnameKana is the reading of the surname.
func (c Card) SurnameKana() string { return c.part("phonetic", "surname") }

// GivenKana is the reading of the given name.
func (c Card) GivenKana() string { return c.part("phonetic", "given") }

// Kana is the reading of the name: of its components, else by what it is sorted.
func (c Card) Kana() string {
	if kana := strings.TrimSpace(c.SurnameKana() + " " + c.GivenKana()); kana != "" {
		return kana
	}
	by := object(object(c["name"])["sortAs"])
	return strings.TrimSpace(text(by["surname"]) + " " + text(by["given"]))
}

// Name is what a card is called by: its full name, its components, else its company, a nickname or an address.
func (c Card) Name() string {
	if name := c.FullName(); name != "" {
		return name
	}
	for _, one := range [][2]string{{"organizations", "name"}, {"nicknames", "name"}, {"emails", "address"}, {"phones", "number"}} {
		if list := c.Texts(one[0], one[1]); len(list) > 0 {
			return list[0]
		}
	}
	return ""
}

// FullName is the full name as it is said, else made of the components in the order of their script.
func (c Card) FullName() string {
	if full := strings.TrimSpace(text(object(c["name"])["full"])); full != "" {
		return full
	}
	surname, given := c.part("value", "surname", "surname2"), c.part("value", "given", "given2")
	if strings.IndexFunc(surname+given, eastAsian) >= 0 {
		return strings.TrimSpace(surname + " " + given)
	}
	name := strings.Join([]string{c.part("value", "title"), given, surname, c.part("value", "generation"), c.part("value", "credential")}, " ")
	return strings.Join(strings.Fields(name), " ")
}

// eastAsian tells of letters of scripts in which the surname comes first.
func eastAsian(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// Texts lists a member of all objects of a property, such as "emails" and "address": what is preferred first, then in the order of their ids.
func (c Card) Texts(property, member string) (list []string) {
	objects := object(c[property])
	ids := sorted(c[property])
	slices.SortStableFunc(ids, func(a, b string) int { return rank(objects[a]) - rank(objects[b]) })
	for _, id := range ids {
		if s := strings.TrimSpace(text(object(objects[id])[member])); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// rank is by what an object is preferred (RFC 9553 §1.5.4); without a word it is the last.
func rank(v any) int {
	if n, ok := object(v)["pref"].(float64); ok && n >= 1 && n <= 100 {
		return int(n)
	}
	return 101
}

// Emails lists the addresses.
func (c Card) Emails() []string { return c.Texts("emails", "address") }

// Department is the first unit of the first organization, 所属.
func (c Card) Department() string {
	orgs := object(c["organizations"])
	for _, id := range sorted(orgs) {
		units, _ := object(orgs[id])["units"].([]any)
		var names []string
		for _, u := range units {
			names = append(names, text(object(u)["name"]))
		}
		if s := strings.TrimSpace(strings.Join(names, " ")); s != "" {
			return s
		}
	}
	return ""
}

// Members lists the uids of a group's members as PlainUID gives them, sorted.
func (c Card) Members() (uids []string) {
	for uid, in := range object(c["members"]) {
		if in == true {
			uids = append(uids, PlainUID(uid))
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

// PlainUID is the form in which uids are compared: groups name their members as URIs whether or not their uids are.
func PlainUID(uid string) string { return strings.TrimPrefix(uid, "urn:uuid:") }

// Clone copies a card with all that is in it.
func (c Card) Clone() Card { return clone(map[string]any(c)).(map[string]any) }

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := make(map[string]any, len(v))
		for k, one := range v {
			o[k] = clone(one)
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			list[i] = clone(one)
		}
		return list
	}
	return v
}

// NameParts lists the values of the name's components of a kind.
func (c Card) NameParts(kind string) []string {
	if s := c.part("value", kind); s != "" {
		return []string{s}
	}
	return nil
}
