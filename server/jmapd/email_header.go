package jmapd

import (
	"slices"
	"strings"

	"tegami/wire/mime"
)

// A form is how the value of a header field is told (RFC 8621 §4.1.2).
type form uint8

// The forms, with the names they have in a property.
const (
	formRaw form = iota
	formText
	formAddresses
	formGroups
	formMessageIDs
	formDate
	formURLs
)

var formNames = map[string]form{
	"asRaw": formRaw, "asText": formText, "asAddresses": formAddresses, "asGroupedAddresses": formGroups,
	"asMessageIds": formMessageIDs, "asDate": formDate, "asURLs": formURLs,
}

// knownFields are the fields of RFC 5322 and RFC 2369 with the forms they may be told in beside the raw one; any other field may be
// told in all of them (RFC 8621 §4.1.2).
var knownFields = map[string][]form{
	"from": addressForms, "sender": addressForms, "reply-to": addressForms, "to": addressForms, "cc": addressForms, "bcc": addressForms,
	"resent-from": addressForms, "resent-sender": addressForms, "resent-reply-to": addressForms, "resent-to": addressForms,
	"resent-cc": addressForms, "resent-bcc": addressForms,
	"message-id": {formMessageIDs}, "in-reply-to": {formMessageIDs}, "references": {formMessageIDs}, "resent-message-id": {formMessageIDs},
	"date": {formDate}, "resent-date": {formDate},
	"subject": {formText}, "comments": {formText}, "keywords": {formText},
	"list-help": {formURLs}, "list-unsubscribe": {formURLs}, "list-subscribe": {formURLs}, "list-post": {formURLs},
	"list-owner": {formURLs}, "list-archive": {formURLs},
	"return-path": {}, "received": {},
}

var addressForms = []form{formAddresses, formGroups}

// headerProperty is "header:Name:asForm:all" (RFC 8621 §4.1.3).
type headerProperty struct {
	field string // its name as it was asked for
	as    form
	all   bool
}

// maxFieldName is how long the name of a field may be that is asked for, in octets.
const maxFieldName = 200

// parseHeaderProperty reads the property; false for what is none, or a form the field can't be told in.
func parseHeaderProperty(name string) (p headerProperty, ok bool) {
	rest, ok := strings.CutPrefix(name, "header:")
	if !ok {
		return p, false
	}
	rest, p.all = strings.CutSuffix(rest, ":all")
	field, as, given := strings.Cut(rest, ":")
	if p.field = field; !fieldName(field) {
		return p, false
	}
	if given {
		if p.as, ok = formNames[as]; !ok {
			return p, false
		}
	}
	known, restricted := knownFields[strings.ToLower(field)]
	return p, p.as == formRaw || !restricted || slices.Contains(known, p.as)
}

// fieldName tells whether s can be the name of a field (RFC 5322 §2.2).
func fieldName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ':' {
			return false
		}
	}
	return s != "" && len(s) <= maxFieldName
}

// append writes the property's value out of a header: the last field of the name, or all of them.
func (p headerProperty) append(b []byte, h mime.Header) []byte {
	var last []byte
	found := false
	if p.all {
		b = append(b, '[')
	}
	for f := range h.Fields() {
		if len(f.Name) != len(p.field) || !strings.EqualFold(string(f.Name), p.field) {
			continue
		}
		if p.all {
			if found {
				b = append(b, ',')
			}
			b = p.as.append(b, f.Value)
		}
		last, found = f.Value, true
	}
	switch {
	case p.all:
		return append(b, ']')
	case !found:
		return append(b, "null"...)
	}
	return p.as.append(b, last)
}

// append writes a value in a form; null where it can't be read in it.
func (f form) append(b, value []byte) []byte {
	switch f {
	case formText:
		return appendText(b, mime.TextForm(value))
	case formAddresses:
		return appendAddresses(b, mime.AddressesForm(value))
	case formGroups:
		return appendList(b, mime.GroupedForm(value), appendGroup)
	case formMessageIDs:
		if ids, ok := mime.MessageIDsForm(value); ok {
			return appendList(b, ids, appendText)
		}
	case formDate:
		if at, ok := mime.DateForm(value); ok {
			return appendDate(b, at)
		}
	case formURLs:
		if urls, ok := mime.URLsForm(value); ok {
			return appendList(b, urls, appendText)
		}
	default:
		return appendText(b, mime.RawForm(value))
	}
	return append(b, "null"...)
}

// appendHeaders writes all fields of a header as a list of EmailHeader (RFC 8621 §4.1.3).
func appendHeaders(b []byte, h mime.Header) []byte {
	b = append(b, '[')
	first := true
	for f := range h.Fields() {
		if f.Name == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendText(append(b, `{"name":`...), string(f.Name))
		b = append(appendText(append(b, `,"value":`...), mime.RawForm(f.Value)), '}')
	}
	return append(b, ']')
}
