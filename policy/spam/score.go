package spam

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"tegami/policy"
	"tegami/wire/mime"
)

// offset is the log odds of a message of which nothing is known.
const offset = -2.5

// certain is the sum from which on a percentage reads 100.00.
const certain = 9.3

// Weights of what a company remembers, in log odds.
const (
	maxReputation = 3   // of a network or domain
	halfKnown     = 4   // messages by which a reputation is half trusted
	maxBulk       = 3   // of a text much like others
	minReason     = .05 // a reason of less is not told
)

// sum is a score being added up.
type sum struct {
	total   float64
	reasons []policy.Reason
}

func (s *sum) add(r rule, weight float64, args ...string) {
	s.total += weight
	if math.Abs(weight) >= minReason || ruleTable[r].key == ruleTable[ruleUnknown].key {
		s.reasons = append(s.reasons, policy.Reason{Key: ruleTable[r].key, Weight: math.Round(weight*100) / 100, Args: args})
	}
}

// Score says how likely a message is unwanted in a company (SF-1). A nil Memory is a company that never taught anything. What the
// memory does not tell in time is a reason of weight 0.
func Score(ctx context.Context, f *Features, m Memory, c Config) policy.Spam {
	s := &sum{total: offset}
	for _, h := range f.hits {
		if h.rule == ruleGTUBE {
			return policy.Spam{Percent: 100, Reasons: []policy.Reason{{Key: ruleTable[ruleGTUBE].key, Weight: certain}}}
		}
		s.add(h.rule, h.weight, h.args...)
	}
	s.words(ctx, f, m, c)
	if m != nil && !c.Internal {
		s.remembered(ctx, f, m)
	}
	if c.Internal {
		s.add(ruleInternal, ruleTable[ruleInternal].weight)
	} else if c.Own != nil {
		s.people(f, c.Own)
	}
	return s.spam()
}

// spam writes the sum as a percentage, the weightiest reasons first.
func (s *sum) spam() policy.Spam {
	slices.SortStableFunc(s.reasons, func(a, b policy.Reason) int { return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)) })
	percent := 100 / (1 + math.Exp(-s.total))
	return policy.Spam{Percent: math.Round(percent*100) / 100, Reasons: s.reasons[:min(len(s.reasons), policy.MaxReasons)]}
}

// words asks for the tokens.
func (s *sum) words(ctx context.Context, f *Features, m Memory, c Config) {
	var counts []Count
	var total Count
	if m != nil {
		var err error
		if counts, total, err = m.Tokens(ctx, f.tokens); err != nil || len(counts) != len(f.tokens) {
			s.add(ruleUnknown, 0, "tokens")
			counts, total = nil, Count{}
		}
	}
	trust := total.trust()
	if own, heard := listen(f.tokens, counts, total); heard > 0 {
		s.add(ruleWords, trust*(own+wordsOffset), strconv.Itoa(heard))
	}
	if c.NoBase {
		return
	}
	ground := shipped
	if c.Base != nil {
		ground = base{c.Base}
	}
	if counts, total = ground.counts(f.tokens); total.trust() > 0 {
		own, heard := listen(f.tokens, counts, total)
		s.add(ruleBase, (1-trust)*own, strconv.Itoa(heard))
	}
}

// remembered asks what is known of the networks, the domains, the sender and the text.
func (s *sum) remembered(ctx context.Context, f *Features, m Memory) {
	if reps, err := m.Reputation(ctx, f.keys); err != nil || len(reps) != len(f.keys) {
		s.add(ruleUnknown, 0, "reputation")
	} else {
		s.reputation(f.keys, reps)
	}
	if first, err := m.FirstContact(ctx, f.author); err != nil {
		s.add(ruleUnknown, 0, "first contact")
	} else if first && !f.author.IsNull() {
		s.add(ruleFirstContact, ruleTable[ruleFirstContact].weight, f.author.String())
	}
	if f.Digest == 0 {
		return
	}
	seen, spam, err := m.Near(ctx, f.Digest)
	switch {
	case err != nil:
		s.add(ruleUnknown, 0, "near")
	case seen > 0 && spam > 0:
		share := float64(spam) / float64(seen)
		s.add(ruleBulk, maxBulk*share*float64(spam)/float64(spam+1), strconv.Itoa(seen), strconv.Itoa(spam))
	}
}

// reputation weighs the strongest word of the network, and that of the domains.
func (s *sum) reputation(keys []string, reps []Rep) {
	for i, r := range reps {
		if w := r.weight(); w != 0 {
			if strings.HasPrefix(keys[i], "net:") {
				w /= 2
			}
			s.add(ruleReputation, w, keys[i])
		}
	}
}

// weight is a reputation in log odds: the share of bad mail, trusted the more the more of it was seen.
func (r Rep) weight() float64 {
	n := r.Good + r.Bad
	if n <= 0 {
		return 0
	}
	odds := math.Log((r.Bad + .5) / (r.Good + .5))
	return min(maxReputation, max(-maxReputation, odds*n/(n+halfKnown)))
}

// people looks for strangers who pretend to be of the company: business mail compromise.
func (s *sum) people(f *Features, own OwnPeople) {
	d := f.author.Domain
	switch {
	case d == "":
		return
	case own.Domain(d):
		if !f.proved {
			s.add(ruleOwnDomain, ruleTable[ruleOwnDomain].weight, d)
		}
		return
	}
	name := mime.Normalize(f.display)
	if person, ok := own.Name(f.display); ok && name != "" {
		s.add(ruleOwnName, ruleTable[ruleOwnName].weight, f.display, person.String(), f.author.String())
	} else if shown, ok := addressIn(name); ok && own.Domain(shown) {
		s.add(ruleOwnName, ruleTable[ruleOwnName].weight, f.display, shown, f.author.String())
	}
	if twin, ok := twinOf(d, own); ok {
		s.add(ruleNearOwnDomain, ruleTable[ruleNearOwnDomain].weight, d, twin)
	}
}

// twinOf finds a domain of the company that another is made to look like.
func twinOf(domain string, own OwnPeople) (string, bool) {
	label, rest, _ := strings.Cut(domain, ".")
	if plain := unmask.Replace(label); plain != label && own.Domain(plain+"."+rest) {
		return plain + "." + rest, true
	}
	b := []byte(domain)
	for i := range len(label) { // one letter left out, doubled, or two changed places
		if try := domain[:i] + domain[i+1:]; len(label) > 4 && own.Domain(try) {
			return try, true
		}
		if i > 0 {
			b[i], b[i-1] = b[i-1], b[i]
			if try := string(b); try != domain && own.Domain(try) {
				return try, true
			}
			b[i], b[i-1] = b[i-1], b[i]
		}
	}
	for _, ending := range []string{".co.jp", ".com", ".jp", ".ne.jp", ".net"} {
		if try := label + ending; len(label) > 6 && try != domain && own.Domain(try) {
			return try, true
		}
	}
	return "", false
}
