package spf

import (
	"context"
	"strings"

	blitiri "blitiri.com.ar/go/spf"
)

const (
	// MaxExplanation is how long an explanation may be, in octets: it goes into an SMTP reply. A longer one is none.
	MaxExplanation = 400
	// maxRedirects bounds the chain of records an explanation is looked for in.
	maxRedirects = MaxLookups
)

// explain gives the domain's words for a fail (RFC 7208 §6.2), "" where it has none or where they can't be had or shown.
// The record that failed explains: that of the domain itself, or of the last redirect (RFC 7208 §6.2), never that of
// an include. Policies are remembered by the resolver, so only the explanation itself is asked for.
func (e *evaluation) explain() string {
	at := *e
	for range maxRedirects {
		record := at.record()
		target, redirected := at.redirect(record)
		if !redirected {
			return at.words(modifier(record, "exp"))
		}
		at.domain = target
	}
	return ""
}

// record gives the policy of the domain at hand, as it was evaluated.
func (e *evaluation) record() string {
	for _, text := range e.names.texts[e.domain] {
		if isPolicy(text) {
			return text
		}
	}
	return ""
}

// redirect tells whether the record's redirect decided, and to where. It did if the record
// does not fail without it.
func (e *evaluation) redirect(record string) (target string, decided bool) {
	spec := modifier(record, "redirect")
	if spec == "" {
		return "", false
	}
	target, ok := e.expand(spec, false)
	if target, good := askable(target); ok && good {
		status, _ := e.evaluate(&cut{resolver: e.names, domain: e.domain})
		return target, status != blitiri.Fail
	}
	return "", false
}

// cut is a resolver that gives the record of a domain without its redirect.
type cut struct {
	*resolver
	domain string
}

// LookupTXT gives the strings at a name.
func (c *cut) LookupTXT(ctx context.Context, name string) ([]string, error) {
	texts, err := c.resolver.LookupTXT(ctx, name)
	if plain, _ := askable(name); err != nil || plain != c.domain {
		return texts, err
	}
	short := make([]string, len(texts))
	for i, text := range texts {
		short[i] = withoutModifier(text, "redirect")
	}
	return short, nil
}

// words asks for the explanation and fills its macros.
func (e *evaluation) words(spec string) string {
	if spec == "" {
		return ""
	}
	name, ok := e.expand(spec, false)
	if !ok {
		return ""
	}
	texts, err := e.names.LookupTXT(e.ctx, name)
	if err != nil || len(texts) != 1 { // RFC 7208 §6.2: several are as none
		return ""
	}
	words, ok := e.expand(texts[0], true)
	if !ok || !printable(words) {
		return ""
	}
	return words
}

// printable tells whether an explanation may be shown: it ends in an SMTP reply and in log lines.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= MaxExplanation
}

// modifier gives the value of a modifier of a record (RFC 7208 §6), "" without it.
func modifier(record, name string) string {
	for term := range strings.SplitSeq(record, " ") {
		if key, value, ok := strings.Cut(term, "="); ok && strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// withoutModifier leaves a modifier out of a record.
func withoutModifier(record, name string) string {
	var kept []string
	for term := range strings.SplitSeq(record, " ") {
		if key, _, ok := strings.Cut(term, "="); !ok || !strings.EqualFold(key, name) {
			kept = append(kept, term)
		}
	}
	return strings.Join(kept, " ")
}
