package vcard

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of cards. What is over one of them is refused as a whole.
const (
	// MaxCard is the size of one card in octets, as vCard or as JSON.
	MaxCard = 240 << 10
	// MaxProperties is how many properties a card has.
	MaxProperties = 1000
	// maxParams is how many parameters a property has.
	maxParams = 50
)

// Versions of vCard.
const (
	V21 = "2.1"
	V3  = "3.0" // RFC 2426
	V4  = "4.0" // RFC 6350
)

// Param is a parameter of a property.
type Param struct {
	Name   string   // in upper case
	Values []string // as they are meant: RFC 6868 and quotes are taken off
}

// Property is one line of a card.
type Property struct {
	Group  string // in what spelling it came; "" for none
	Name   string // in upper case
	Params []Param
	// Value is written as it stands in the card, on one line: escaped where the property is text.
	Value string
}

// VCard is a card without BEGIN, VERSION and END, in the order of its lines.
type VCard struct {
	Version    string
	Properties []Property
}

// Get gives the first property of a name, nil where there is none.
func (v *VCard) Get(name string) *Property {
	i := slices.IndexFunc(v.Properties, func(p Property) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &v.Properties[i]
}

// Text is the text of the first property of a name, "" where there is none.
func (v *VCard) Text(name string) string {
	if p := v.Get(name); p != nil {
		return p.Text()
	}
	return ""
}

// Add appends a property.
func (v *VCard) Add(p Property) { v.Properties = append(v.Properties, p) }

// Set puts a text in place of all properties of a name.
func (v *VCard) Set(name, text string) {
	i := slices.IndexFunc(v.Properties, func(p Property) bool { return p.Name == name })
	v.Properties = slices.DeleteFunc(v.Properties, func(p Property) bool { return p.Name == name })
	v.Properties = slices.Insert(v.Properties, max(min(i, len(v.Properties)), 0), Property{Name: name, Value: Escape(text)})
}

// Text is the value of a property that is one text.
func (p *Property) Text() string { return Unescape(p.Value) }

// Param gives the first value of a parameter, "" where there is none.
func (p *Property) Param(name string) string {
	for i := range p.Params {
		if p.Params[i].Name == name && len(p.Params[i].Values) > 0 {
			return p.Params[i].Values[0]
		}
	}
	return ""
}

// Types gives the values of all TYPE parameters in lower case.
func (p *Property) Types() (types []string) {
	for i := range p.Params {
		if p.Params[i].Name != "TYPE" {
			continue
		}
		for _, v := range p.Params[i].Values {
			types = append(types, strings.ToLower(v))
		}
	}
	return types
}

// SetParam puts values in place of all parameters of a name; none takes it away.
func (p *Property) SetParam(name string, values ...string) {
	p.Params = slices.DeleteFunc(slices.Clone(p.Params), func(q Param) bool { return q.Name == name })
	if len(values) > 0 {
		p.Params = append(p.Params, Param{name, values})
	}
}

// Unescape gives the text of a value (RFC 6350 §3.4). A backslash before anything else stays, as old software writes it.
func Unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		case '\\', ',', ';', ':':
			b.WriteByte(s[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// Escape writes a text as a value, or as a part of one.
func Escape(s string) string {
	if !strings.ContainsAny(s, "\\,;\n\r") {
		return s
	}
	return escaper.Replace(s)
}

var escaper = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`, `\`, `\\`, ",", `\,`, ";", `\;`)

// Split takes a value apart where a separator stands that is not escaped. The parts are still escaped.
func Split(s string, at byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case at:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// printable leaves out what may not stand in a card: control characters but tab (RFC 6350 §3.3), and octets that are no text.
func printable(s string) string {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r < ' ' && r != '\t' || r == 0x7f || r == utf8.RuneError && n == 1 {
			return strings.Map(func(r rune) rune {
				if r < ' ' && r != '\t' || r == 0x7f {
					return -1
				}
				return r
			}, strings.ToValidUTF8(s, string(utf8.RuneError)))
		}
		i += n
	}
	return s
}
