// Package i18n is the catalogue of words: every text a person reads, in each
// language, under one key. The files locales/*.json are flat objects that Go and
// TypeScript share; a test fails on a key that is used and missing, or there and unused.
//
// A text has places: {0}, {1} are filled by the arguments in their order, {name}
// by the value of that name when the only argument is an Args.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tegami/mail"
)

// Lang is a language of the catalogue, as BCP 47 primary tag.
type Lang string

// The languages of the catalogue.
const (
	Japanese Lang = "ja"
	English  Lang = "en"
)

// Langs lists the languages, the default of the shipped service profile first.
func Langs() []Lang { return []Lang{Japanese, English} }

// ParseLang takes the primary tag of a language tag ("ja-JP" is Japanese); false for a language we lack.
func ParseLang(tag string) (Lang, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	l := Lang(primary)
	return l, slices.Contains(Langs(), l)
}

// Args fills places that have names.
type Args map[string]any

//go:embed locales/*.json
var locales embed.FS

// Catalogue holds the texts, ready to be filled. It does not change once made and may be shared.
type Catalogue struct {
	texts map[Lang]map[string]template
}

// New reads the catalogue that was compiled in. A locale that cannot be read has no
// texts (its keys are shown instead); the package's test keeps that from happening.
func New() *Catalogue {
	c := &Catalogue{texts: map[Lang]map[string]template{}}
	for _, l := range Langs() {
		c.texts[l] = readLocale(l)
	}
	return c
}

// readLocale compiles one locale file.
func readLocale(l Lang) map[string]template {
	texts := map[string]string{}
	data, err := locales.ReadFile("locales/" + string(l) + ".json")
	if err != nil || json.Unmarshal(data, &texts) != nil {
		return nil
	}
	compiled := make(map[string]template, len(texts))
	for key, text := range texts {
		compiled[key] = compile(text)
	}
	return compiled
}

// Text gives the text of key with its places filled. A text that lang lacks is
// taken from English; an unknown key is its own text.
func (c *Catalogue) Text(lang Lang, key string, args ...any) string {
	if t, ok := c.texts[lang][key]; ok {
		return t.fill(args)
	}
	if t, ok := c.texts[English][key]; ok {
		return t.fill(args)
	}
	return key
}

// Error gives the text of what went wrong for a person: the innermost key of
// err (mail.TextOf), or that of its kind where err has none. Causes are not shown.
func (c *Catalogue) Error(lang Lang, err error) string {
	if key, args := mail.TextOf(err); key != "" {
		return c.Text(lang, key, args...)
	}
	return c.Text(lang, kindKeys[mail.KindOf(err)])
}

// kindKeys are the texts for errors that bring none of their own.
var kindKeys = map[mail.Kind]string{
	mail.Other:       "kind.other",
	mail.Invalid:     "kind.invalid",
	mail.Denied:      "kind.denied",
	mail.NotFound:    "kind.not_found",
	mail.Conflict:    "kind.conflict",
	mail.Full:        "kind.full",
	mail.Busy:        "kind.busy",
	mail.Unavailable: "kind.unavailable",
}

// Has tells whether lang itself has a text for key.
func (c *Catalogue) Has(lang Lang, key string) bool {
	_, ok := c.texts[lang][key]
	return ok
}

// Keys lists the keys of a language, sorted.
func (c *Catalogue) Keys(lang Lang) []string {
	return slices.Sorted(maps.Keys(c.texts[lang]))
}

// template is a text cut at its places: literals at even indices, names of places at odd.
type template []string

// compile cuts a text at {…}. A brace that closes nothing stands for itself.
func compile(text string) template {
	var t template
	var literal strings.Builder
	for text != "" {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		length := strings.IndexByte(text[open:], '}')
		if length < 2 {
			break
		}
		literal.WriteString(text[:open])
		t = append(t, literal.String(), text[open+1:open+length])
		literal.Reset()
		text = text[open+length+1:]
	}
	return append(t, text)
}

// fill puts the arguments into the places; a place without a value stays as it is written.
func (t template) fill(args []any) string {
	if len(t) == 1 {
		return t[0]
	}
	var b strings.Builder
	for i, part := range t {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		if v, ok := argument(part, args); ok {
			fmt.Fprint(&b, v)
		} else {
			b.WriteString("{" + part + "}")
		}
	}
	return b.String()
}

// argument finds the value of a place.
func argument(place string, args []any) (any, bool) {
	if len(args) == 1 {
		if named, ok := args[0].(Args); ok {
			v, ok := named[place]
			return v, ok
		}
	}
	n, err := strconv.Atoi(place)
	if err != nil || n < 0 || n >= len(args) {
		return nil, false
	}
	return args[n], true
}

// Places lists the places of a text, sorted, each once.
func (c *Catalogue) Places(lang Lang, key string) []string {
	t := c.texts[lang][key]
	var places []string
	for i := 1; i < len(t); i += 2 {
		places = append(places, t[i])
	}
	slices.Sort(places)
	return slices.Compact(places)
}
