package jmap

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Patch says what of a record changes (RFC 8620 §5.3): pointers without their first "/", and new values; null takes a property away,
// or sets it to its default.
type Patch map[string]json.RawMessage

// Paths lists what the patch changes, sorted.
func (p Patch) Paths() []string {
	list := make([]string, 0, len(p))
	for path := range p {
		list = append(list, path)
	}
	slices.Sort(list)
	return list
}

// Split takes the first step of a path off and its escapes away: "keywords/$seen" is "keywords", "$seen".
func Split(path string) (step, rest string, deeper bool) {
	step, rest, deeper = strings.Cut(path, "/")
	return untilde.Replace(step), rest, deeper
}

// check refuses a patch with a path that lies below another, or deeper than anything does.
func (p Patch) check() *SetError {
	for _, path := range p.Paths() {
		if path == "" || path[0] == '/' || strings.Count(path, "/") >= MaxDepth {
			return &SetError{Type: InvalidPatch, Properties: []string{path}}
		}
		for at := strings.IndexByte(path, '/'); at >= 0; {
			if _, above := p[path[:at]]; above {
				return &SetError{Type: InvalidPatch, Properties: []string{path}}
			}
			next := strings.IndexByte(path[at+1:], '/')
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return nil
}

// Apply gives a record as it is after the patch. Type invalidPatch where a path leads nowhere, into an array, or stands below another.
func (p Patch) Apply(record json.RawMessage) (json.RawMessage, *SetError) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var doc map[string]any
	if json.Unmarshal(record, &doc) != nil {
		return nil, &SetError{Type: InvalidPatch}
	}
	for path, value := range p {
		if !put(doc, strings.Split(path, "/"), value) {
			return nil, &SetError{Type: InvalidPatch, Properties: []string{path}}
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil, &SetError{Type: InvalidPatch}
	}
	return out, nil
}

// put sets the value at a path; false where there is no such place.
func put(doc map[string]any, path []string, value json.RawMessage) bool {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := doc[untilde.Replace(path[0])].(map[string]any)
		if !ok {
			return false
		}
		doc = inner
	}
	name := untilde.Replace(path[0])
	if string(value) == "null" {
		delete(doc, name)
		return true
	}
	doc[name] = value
	return true
}
