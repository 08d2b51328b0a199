package contacts

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"tegami/directory"
	"tegami/mail"
)

// A lookup finds candidates by the beginning of any of their words. Words stand sorted; what was added lately is looked through one by one until
// it is sorted in.
type lookup struct {
	words []wordAt
	fresh []*candidate
	gone  int // candidates in words that were removed
	keys  map[string][]*candidate
}

// wordAt is a word of a candidate, with the candidate's place by reading: of the many that begin with one letter only those are looked at that come
// first.
type wordAt struct {
	text string
	rank int32
	of   *candidate
}

// candidate is something that can be proposed for what was typed: an address of somebody, or a group.
type candidate struct {
	Suggestion
	key     string // of the address
	reading string // by what it is sorted
	words   []string
	gone    bool
}

const (
	// maxFresh is how many candidates are looked through one by one.
	maxFresh = 256
	// maxWords is how many words one is found by.
	maxWords = 40
	// maxWord is the length of a word in octets that counts.
	maxWord = 64
)

// add brings candidates in. They are sorted in by the next search, where they are many: a thousand that come one behind the other are sorted once.
func (l *lookup) add(list []*candidate) {
	if l.keys == nil {
		l.keys = map[string][]*candidate{}
	}
	for _, c := range list {
		l.keys[c.key] = append(l.keys[c.key], c)
	}
	l.fresh = append(l.fresh, list...)
}

// remove takes candidates out.
func (l *lookup) remove(list []*candidate) {
	for _, c := range list {
		c.gone = true
		if l.keys[c.key] = slices.DeleteFunc(l.keys[c.key], func(o *candidate) bool { return o == c }); len(l.keys[c.key]) == 0 {
			delete(l.keys, c.key)
		}
		if i := slices.Index(l.fresh, c); i >= 0 {
			l.fresh = slices.Delete(l.fresh, i, i+1)
			continue
		}
		l.gone++
	}
}

// due tells whether it is time to sort.
func (l *lookup) due() bool {
	return len(l.fresh) > maxFresh || l.gone > maxFresh && l.gone*8 > len(l.words)
}

// sort sorts everything in.
func (l *lookup) sort() {
	var all []*candidate
	for _, list := range l.keys {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b *candidate) int {
		return cmp.Or(strings.Compare(a.reading, b.reading), strings.Compare(a.key, b.key))
	})
	l.words, l.fresh, l.gone = l.words[:0], nil, 0
	for i, c := range all {
		for _, w := range c.words {
			l.words = append(l.words, wordAt{w, int32(i), c})
		}
	}
	slices.SortFunc(l.words, func(a, b wordAt) int { return strings.Compare(a.text, b.text) })
}

// used gives the candidates with an address that have for each of the typed words one that begins with it.
func (l *lookup) used(key string, typed []string, fn func(*candidate)) {
	for _, c := range l.keys[key] {
		if c.begins(typed) {
			fn(c)
		}
	}
}

// first gives candidates that have for each of the typed words one that begins with it: at least so many of those that come first by reading, if
// there are so many.
func (l *lookup) first(typed []string, limit int, fn func(*candidate)) {
	if len(typed) == 0 {
		return
	}
	word := longest(typed)
	from := sort.Search(len(l.words), func(i int) bool { return l.words[i].text >= word })
	top := make([]*wordAt, 0, limit+1)
	for i := from; i < len(l.words) && strings.HasPrefix(l.words[i].text, word); i++ {
		w := &l.words[i]
		if len(top) == limit && w.rank >= top[limit-1].rank || w.of.gone {
			continue
		}
		at, known := slices.BinarySearchFunc(top, w.rank, func(o *wordAt, rank int32) int { return cmp.Compare(o.rank, rank) })
		if known || len(typed) > 1 && !w.of.begins(typed) {
			continue
		}
		top = slices.Insert(top, at, w)
		top = top[:min(len(top), limit)]
	}
	for _, w := range top {
		fn(w.of)
	}
	for _, c := range l.fresh {
		if c.begins(typed) {
			fn(c)
		}
	}
}

// longest is the typed word that the fewest begin with, presumably.
func longest(typed []string) string {
	return slices.MaxFunc(typed, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
}

// begins tells whether for each typed word one of the candidate's begins with it.
func (c *candidate) begins(typed []string) bool {
	for _, t := range typed {
		if !slices.ContainsFunc(c.words, func(w string) bool { return strings.HasPrefix(w, t) }) {
			return false
		}
	}
	return true
}

// wordsOf takes texts apart into folded words, each once.
func wordsOf(texts ...string) []string {
	var words []string
	add := func(w string) {
		if w = cut(w, maxWord); w != "" && len(words) < maxWords && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	for _, t := range texts {
		parts := strings.FieldsFunc(directory.Folded(t), separates)
		for _, p := range parts {
			add(p)
		}
	}
	return words
}

// separates tells what stands between words.
func separates(r rune) bool { return strings.ContainsRune(" \n\t・,、，;()[]<>\"", r) }

// addressWords are the words by which an address is found: all of it, and the parts of its local part. The domain is one where it tells somebody
// apart.
func addressWords(address string, domain bool) []string {
	folded := directory.Folded(address)
	local, at, _ := strings.Cut(folded, "@")
	words := []string{folded}
	for i, p := range strings.FieldsFunc(local, func(r rune) bool { return strings.ContainsRune(".-_+", r) }) {
		if i > 0 {
			words = append(words, p)
		}
	}
	if domain && at != "" {
		words = append(words, at)
	}
	return words
}

// addressKey is the form in which addresses are compared.
func addressKey(text string) string {
	a, err := mail.ParseAddress(strings.TrimSpace(text))
	if err != nil {
		return strings.ToLower(strings.TrimSpace(text))
	}
	return a.Key()
}
