package vcard

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Convert gives a card in another version. Nothing is left out: what the other version does not know is written as it came.
func Convert(v *VCard, version string) *VCard {
	if v.Version == version || version != V3 && version != V4 {
		return v
	}
	out := &VCard{Version: version, Properties: make([]Property, 0, len(v.Properties)+2)}
	for _, p := range v.Properties {
		if v.Version == V21 {
			p = from21(p)
		}
		switch {
		case version == V4:
			out.Add(to4(p))
		case v.Version == V4:
			out.Add(to3(p))
		default:
			out.Add(p)
		}
	}
	if version == V3 {
		out.complete3()
	}
	return out
}

// from21 escapes commas, which were text in version 2.1.
func from21(p Property) Property {
	if p.Name == "CATEGORIES" || p.binary() {
		return p
	}
	parts := Split(p.Value, ',')
	p.Value = strings.Join(parts, `\,`)
	return p
}

// binary tells whether the value is base64.
func (p *Property) binary() bool {
	e := p.Param("ENCODING")
	return strings.EqualFold(e, "b") || strings.EqualFold(e, "base64")
}

// serverNames are properties of version 4.0 that software writes under other names in version 3.0.
var serverNames = [][2]string{
	{"KIND", "X-ADDRESSBOOKSERVER-KIND"},
	{"MEMBER", "X-ADDRESSBOOKSERVER-MEMBER"},
}

// to4 is a property of version 3.0 as one of 4.0.
func to4(p Property) Property {
	for _, n := range serverNames {
		if p.Name == n[1] {
			p.Name = n[0]
		}
	}
	if p.Name == "MEMBER" && !strings.Contains(p.Value, ":") {
		p.Value = "urn:uuid:" + p.Value
	}
	if p.binary() {
		return dataURI(p)
	}
	p.typesTo4()
	return p
}

// typesTo4 makes PREF of the type "pref", and leaves out "internet", which is what every address is.
func (p *Property) typesTo4() {
	types := p.Types()
	if types == nil {
		return
	}
	pref := slices.Contains(types, "pref")
	types = slices.DeleteFunc(types, func(t string) bool { return t == "pref" || t == "internet" && p.Name == "EMAIL" || t == "" })
	p.SetParam("TYPE", types...)
	if pref && p.Param("PREF") == "" {
		p.SetParam("PREF", "1")
	}
}

// mediaTypes are the types of pictures and sounds as version 3.0 names them.
var mediaTypes = map[string]string{
	"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "bmp": "image/bmp", "webp": "image/webp", "heic": "image/heic",
	"wave": "audio/wav", "wav": "audio/wav", "aiff": "audio/aiff", "mp3": "audio/mpeg", "pgp": "application/pgp-keys", "x509": "application/pkix-cert",
}

// dataURI is a property with base64 as one with a data: URI (RFC 2397).
func dataURI(p Property) Property {
	media := ""
	kept := p.Types()
	kept = slices.DeleteFunc(kept, func(t string) bool {
		name, known := mediaTypes[t]
		if strings.Contains(t, "/") {
			name, known = t, true
		}
		if known {
			media = name
		}
		return known
	})
	p.SetParam("ENCODING")
	p.SetParam("TYPE", kept...)
	p.SetParam("VALUE")
	p.typesTo4()
	p.Value = "data:" + media + ";base64," + p.Value
	return p
}

// to3 is a property of version 4.0 as one of 3.0.
func to3(p Property) Property {
	for _, n := range serverNames {
		if p.Name == n[0] {
			p.Name = n[1]
		}
	}
	if media, data, ok := cutDataURI(p.Value); ok && slices.Contains([]string{"PHOTO", "LOGO", "SOUND", "KEY"}, p.Name) {
		p.SetParam("VALUE")
		p.SetParam("MEDIATYPE")
		p.SetParam("ENCODING", "b")
		if name := mediaName(media); name != "" {
			p.SetParam("TYPE", append(p.Types(), name)...)
		}
		p.Value = data
		return p
	}
	if slices.Contains([]string{"PHOTO", "LOGO", "SOUND"}, p.Name) && strings.Contains(p.Value, ":") {
		p.SetParam("VALUE", "uri")
	}
	if rest, ok := strings.CutPrefix(p.Value, "tel:"); ok && p.Name == "TEL" && strings.EqualFold(p.Param("VALUE"), "uri") {
		p.SetParam("VALUE")
		p.Value = rest
	}
	switch pref := p.Param("PREF"); {
	case pref == "1":
		p.SetParam("PREF")
		p.SetParam("TYPE", append(p.Types(), "pref")...)
	case pref != "":
		p.SetParam("PREF")
	}
	switch p.Name {
	case "BDAY", "ANNIVERSARY":
		p.date3()
	case "FN":
		p.SetParam("DERIVED") // much software finds FN without parameters only
	}
	return p
}

// omitYear is the year that stands for none in version 3.0, with the parameter that says so; software by Apple began it.
const omitYear = "1604"

// date3 writes a date as version 3.0 wants it.
func (p *Property) date3() {
	if at, ok := parseInstant(p.Value); ok {
		p.Value = utcDate(at)
		return
	}
	d, ok := parseDate(p.Value)
	switch {
	case !ok || d.month == 0 || d.day == 0:
		return
	case d.year == 0:
		p.SetParam("X-APPLE-OMIT-YEAR", omitYear)
		p.Value = omitYear + "-" + two(d.month) + "-" + two(d.day)
	default:
		p.Value = four(d.year) + "-" + two(d.month) + "-" + two(d.day)
	}
}

// mediaName is how version 3.0 names a type of picture or sound.
func mediaName(media string) string {
	best := ""
	for short, long := range mediaTypes {
		if long == media && (best == "" || len(short) > len(best) || len(short) == len(best) && short < best) {
			best = short
		}
	}
	if best == "" {
		_, best, _ = strings.Cut(media, "/")
	}
	return strings.ToUpper(best)
}

// cutDataURI takes a data: URI with base64 apart.
func cutDataURI(uri string) (media, data string, ok bool) {
	rest, ok := strings.CutPrefix(uri, "data:")
	if !ok {
		return "", "", false
	}
	head, data, ok := strings.Cut(rest, ",")
	head, coded := strings.CutSuffix(strings.ReplaceAll(head, `\`, ""), ";base64")
	data = strings.ReplaceAll(data, "\\", "")
	if _, err := base64.StdEncoding.DecodeString(data); !ok || !coded || err != nil {
		return "", "", false
	}
	media, _, _ = strings.Cut(head, ";")
	return media, data, true
}

// complete3 adds what version 3.0 demands: N and FN (RFC 2426 §4).
func (v *VCard) complete3() {
	name := v.Get("N")
	switch {
	case name == nil:
		v.Add(Property{Name: "N", Value: Escape(v.Text("FN")) + ";;;;"})
	default:
		parts := Split(name.Value, ';')
		if sorts := name.param("SORT-AS"); sorts != "" && v.Get("SORT-STRING") == nil {
			name.SetParam("SORT-AS")
			defer v.Add(Property{Name: "SORT-STRING", Value: Escape(sorts)})
		}
		for len(parts) < 5 {
			parts = append(parts, "")
		}
		name.Value = strings.Join(parts[:5], ";") // the two of RFC 9554 §2.2 repeat others
	}
	if v.Get("FN") == nil {
		v.Add(Property{Name: "FN", Value: Escape(v.anyName())})
	}
}

// param gives all values of a parameter as one text, as a comma in quotes was read.
func (p *Property) param(name string) string {
	var all []string
	for i := range p.Params {
		if p.Params[i].Name == name {
			all = append(all, p.Params[i].Values...)
		}
	}
	return strings.Join(all, ",")
}

// anyName is what a card without FN is called by.
func (v *VCard) anyName() string {
	if p := v.Get("N"); p != nil {
		var words []string
		for _, part := range Split(p.Value, ';')[:] {
			if text := strings.TrimSpace(Unescape(part)); text != "" {
				words = append(words, text)
			}
		}
		if len(words) > 0 {
			return strings.Join(words, " ")
		}
	}
	for _, name := range []string{"ORG", "NICKNAME", "EMAIL", "TEL"} {
		if text := strings.Trim(v.Text(name), "; "); text != "" {
			return text
		}
	}
	return "?"
}
