package directory

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tegami/mail"
	"tegami/store"
)

// Change is one value that a line of the operation log tells of.
type Change struct {
	Path   string // "profile.department", "networks.0"
	Before string // "" where there was none
	After  string // "" where there is none now
}

// Bounds of what is shown of a line.
const (
	maxChanges     = 500
	maxChangeValue = 2000 // octets
	maxDiffDepth   = 16
)

// Mask stands for a secret.
const Mask = "•••"

// secretNames are members of documents whose values are never shown. What is all secret is not in the log in the first place (store.Object.Secret).
var secretNames = map[string]bool{
	"password": true, "secret": true, "hash": true, "salt": true, "salts": true, "storedkey": true, "serverkey": true,
	"token": true, "private": true, "privatekey": true, "key": true, "keys": true, "passphrase": true, "bindpassword": true,
}

// Diff tells what is different between two documents, value by value in the order of their paths. nil is no document.
func Diff(before, after []byte) []Change {
	was, is := flat(before), flat(after)
	paths := slices.Collect(maps.Keys(was))
	for path := range is {
		if _, both := was[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.SortFunc(paths, byPath)
	var list []Change
	for _, path := range paths {
		if was[path].text != is[path].text && len(list) < maxChanges { // none, or an empty one, look the same
			list = append(list, Change{path, was[path].shown(path), is[path].shown(path)})
		}
	}
	return list
}

// byPath puts lists in the order of their numbers.
func byPath(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		n, notX := strconv.Atoi(x)
		m, notY := strconv.Atoi(y)
		if notX == nil && notY == nil {
			return n - m
		}
		return strings.Compare(x, y)
	})
}

// leaf is a value of a document as text; there is false for none.
type leaf struct {
	text  string
	there bool
}

// shown is the value as people may see it.
func (l leaf) shown(path string) string {
	if !l.there {
		return ""
	}
	for part := range strings.SplitSeq(path, ".") {
		if secretNames[strings.ToLower(part)] {
			return Mask
		}
	}
	if len(l.text) <= maxChangeValue {
		return l.text
	}
	end := maxChangeValue
	for end > 0 && !utf8.RuneStart(l.text[end]) {
		end--
	}
	return l.text[:end] + "…"
}

// flat gives the values of a document by their paths.
func flat(doc []byte) map[string]leaf {
	values := make(map[string]leaf)
	if doc == nil {
		return values
	}
	if string(doc) == store.Masked {
		values["secret"] = leaf{Mask, true}
		return values
	}
	var v any
	d := json.NewDecoder(strings.NewReader(string(doc)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		values["document"] = leaf{string(doc), true}
		return values
	}
	flatten(values, "", v, 0)
	return values
}

// addressOf is the text of a mail address, which documents have in two parts.
func addressOf(v map[string]any) (string, bool) {
	local, ok1 := v["Local"].(string)
	domain, ok2 := v["Domain"].(string)
	return mail.Address{Local: local, Domain: domain}.String(), ok1 && ok2 && len(v) == 2
}

// flatten adds the values of v, and of what is in it.
func flatten(into map[string]leaf, path string, v any, depth int) {
	below := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch v := v.(type) {
	case map[string]any:
		if address, ok := addressOf(v); ok {
			into[path] = leaf{address, true}
			return
		}
		if depth < maxDiffDepth {
			for name, value := range v {
				flatten(into, below(name), value, depth+1)
			}
			return
		}
	case []any:
		if depth < maxDiffDepth {
			for i, value := range v {
				flatten(into, below(strconv.Itoa(i)), value, depth+1)
			}
			return
		}
	case string:
		into[path] = leaf{v, true}
		return
	case nil:
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("?")
	}
	into[path] = leaf{string(text), true}
}
