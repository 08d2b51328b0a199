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
}

// wordAt is a word of a candidate.
type wordAt struct {
	text string
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
func (l *lookup) add(list []*candidate) { l.fresh = append(l.fresh, list...) }

// remove takes candidates out.
func (l *lookup) remove(list []*candidate) {
	for _, c := range list {
		c.gone = true
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
	all := slices.DeleteFunc(l.words, func(w wordAt) bool { return w.of.gone })
	for _, c := range l.fresh {
		for _, w := range c.words {
			all = append(all, wordAt{w, c})
		}
	}
	slices.SortFunc(all, func(a, b wordAt) int { return strings.Compare(a.text, b.text) })
	l.words, l.fresh, l.gone = all, nil, 0
}

// each gives the candidates that have for each of the typed words one that begins with it, some of them more than once.
func (l *lookup) each(typed []string, fn func(*candidate)) {
	if len(typed) == 0 {
		return
	}
	first := longest(typed)
	from := sort.Search(len(l.words), func(i int) bool { return l.words[i].text >= first })
	for i := from; i < len(l.words) && strings.HasPrefix(l.words[i].text, first); i++ {
		if c := l.words[i].of; !c.gone && c.begins(typed) {
			fn(c)
		}
	}
	for _, c := range l.fresh {
		if !c.gone && c.begins(typed) {
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
