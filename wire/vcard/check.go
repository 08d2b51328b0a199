package vcard

import (
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// Limits of cards in JSContact.
const (
	// maxDepth is how deep objects and lists may lie in each other.
	maxDepth = 12
	// maxMembers is how many members an object has.
	maxMembers = 1000
)

// shape is what a property of a card has to be.
type shape uint8

const (
	isText    shape = iota
	isMap           // of objects by their ids
	isSet           // of names, each true
	isObject        // one object
	isInstant       // a time in UTC
	isList          // a list
)

// shapes are those of the properties that RFC 9553 and RFC 9555 know. Others may be anything.
var shapes = map[string]shape{
	"@type": isText, "version": isText, "uid": isText, "kind": isText, "language": isText, "prodId": isText, "created": isInstant, "updated": isInstant,
	"members": isSet, "keywords": isSet, "relatedTo": isObject, "name": isObject, "speakToAs": isObject, "localizations": isObject,
	"nicknames": isMap, "organizations": isMap, "titles": isMap, "emails": isMap, "onlineServices": isMap, "phones": isMap, "preferredLanguages": isMap,
	"calendars": isMap, "schedulingAddresses": isMap, "addresses": isMap, "cryptoKeys": isMap, "directories": isMap, "links": isMap, "media": isMap,
	"anniversaries": isMap, "notes": isMap, "personalInfo": isMap, "vCardProps": isList,
}

// needed are members that objects of a property must have, as text.
var needed = map[string]string{
	"nicknames": "name", "titles": "name", "emails": "address", "phones": "number", "preferredLanguages": "language", "calendars": "uri",
	"schedulingAddresses": "uri", "cryptoKeys": "uri", "directories": "uri", "links": "uri", "media": "uri", "notes": "note", "personalInfo": "value",
}

// Malformed tells which properties of a card are not as RFC 9553 has them, sorted.
func (c Card) Malformed() (bad []string) {
	for _, name := range keysOf(c) {
		known, ok := shapes[name]
		if !sound(c[name], 1) || ok && !fits(name, c[name], known) || !utf8.ValidString(name) || name == "" {
			bad = append(bad, name)
		}
	}
	if t := text(c["@type"]); t != "" && t != "Card" && !slices.Contains(bad, "@type") {
		bad = append(bad, "@type")
	}
	if list, ok := object(c["name"])["components"]; ok && !soundName(list) && !slices.Contains(bad, "name") {
		bad = append(bad, "name")
	}
	return bad
}

// Check refuses a card with properties that are not as RFC 9553 has them: Invalid "card.property" with their names.
func (c Card) Check() error {
	if bad := c.Malformed(); bad != nil {
		return mail.E("vcard.Check", mail.Invalid, "card.property", strings.Join(bad, ", "))
	}
	return nil
}

// fits tells whether a value has a shape.
func fits(name string, v any, as shape) bool {
	switch as {
	case isText:
		s, ok := v.(string)
		return ok && !strings.ContainsAny(s, "\r\n\x00")
	case isInstant:
		s, ok := v.(string)
		_, isTime := parseInstant(s)
		return ok && isTime
	case isList:
		_, ok := v.([]any)
		return ok
	case isObject:
		_, ok := v.(map[string]any)
		return ok
	}
	all, ok := v.(map[string]any)
	for id, one := range all {
		if as == isSet {
			ok = ok && one == true && id != ""
			continue
		}
		o, is := one.(map[string]any)
		ok = ok && is && isID(id) && fitsObject(name, o)
	}
	return ok
}

// fitsObject tells whether an object of a property has what it needs.
func fitsObject(name string, o map[string]any) bool {
	if member := needed[name]; member != "" && strings.TrimSpace(text(o[member])) == "" {
		return false
	}
	for _, member := range []string{"contexts", "features"} {
		if v, there := o[member]; there && !fits(member, v, isSet) {
			return false
		}
	}
	if v, there := o["pref"]; there {
		if n, ok := v.(float64); !ok || n != float64(int(n)) || n < 1 || n > 100 {
			return false
		}
	}
	if list, there := o["components"]; there && !soundName(list) {
		return false
	}
	return true
}

// soundName tells whether components have a kind and a value each.
func soundName(v any) bool {
	list, ok := v.([]any)
	for _, one := range list {
		o := object(one)
		_, hasValue := o["value"].(string)
		ok = ok && text(o["kind"]) != "" && hasValue
	}
	return ok
}

// sound tells whether a value is within the limits.
func sound(v any, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) > maxMembers {
			return false
		}
		for _, one := range v {
			if !sound(one, depth+1) {
				return false
			}
		}
	case []any:
		if len(v) > maxMembers {
			return false
		}
		for _, one := range v {
			if !sound(one, depth+1) {
				return false
			}
		}
	}
	return true
}
