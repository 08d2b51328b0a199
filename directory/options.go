package directory

import (
	"slices"
	"time"

	"tegami/mail"
)

// Option is something a domain has by contract only.
type Option string

// The options. Only those in Options can be had; the others are named so that an order for one gets an honest answer.
const (
	OptionIMAPS   Option = "imaps"   // reading by IMAP (SV-7)
	OptionAudit   Option = "audit"   // holding mail until it is approved
	OptionArchive Option = "archive" // keeping all mail
	OptionSandbox Option = "sandbox" // opening attachments in a sandbox
	OptionDNS     Option = "dns"     // serving the domain's zone
	OptionSSO     Option = "sso"     // signing in at the company's own identity provider
)

// Options lists the options that can be had.
func Options() []Option { return []Option{OptionIMAPS} }

// AllOptions lists the options that have a name, those of Options first.
func AllOptions() []Option {
	return append(Options(), OptionAudit, OptionArchive, OptionSandbox, OptionDNS, OptionSSO)
}

// Offered tells whether the option can be had.
func (o Option) Offered() bool { return slices.Contains(Options(), o) }

// Term is a time in which a domain has an option.
type Term struct {
	Option Option    `json:"option"`
	From   time.Time `json:"from,omitzero"`  // the first moment; zero = always until Until
	Until  time.Time `json:"until,omitzero"` // the first moment without; zero = no end
}

// MaxTerms is how many terms a domain has, past ones included.
const MaxTerms = 100

// holds tells whether a moment lies in the term.
func (t Term) holds(at time.Time) bool {
	return !at.Before(t.From) && (t.Until.IsZero() || at.Before(t.Until))
}

// meets tells whether two terms have a moment in common.
func (t Term) meets(other Term) bool {
	return (t.Until.IsZero() || other.From.Before(t.Until)) && (other.Until.IsZero() || t.From.Before(other.Until))
}

// checkOption refuses what can't be had: Invalid "option.unknown", Denied "option.not_offered".
func checkOption(op mail.Op, o Option) error {
	switch {
	case !slices.Contains(AllOptions(), o):
		return mail.E(op, mail.Invalid, "option.unknown", string(o))
	case !o.Offered():
		return mail.E(op, mail.Denied, "option.not_offered", string(o))
	}
	return nil
}

// checkTerms judges terms and puts them into order: by option, the earlier first. Besides checkOption's errors Invalid
// "option.term" for one that ends before it begins, "option.twice" for two that meet, Full "option.too_many".
func checkTerms(op mail.Op, terms []Term) ([]Term, error) {
	if len(terms) > MaxTerms {
		return nil, mail.E(op, mail.Full, "option.too_many", MaxTerms)
	}
	sorted := slices.Clone(terms)
	slices.SortFunc(sorted, func(a, b Term) int {
		if a.Option != b.Option {
			return slices.Index(AllOptions(), a.Option) - slices.Index(AllOptions(), b.Option)
		}
		return a.From.Compare(b.From)
	})
	for i, t := range sorted {
		if err := checkOption(op, t.Option); err != nil {
			return nil, err
		}
		switch {
		case !t.Until.IsZero() && !t.From.Before(t.Until):
			return nil, mail.E(op, mail.Invalid, "option.term", string(t.Option))
		case i > 0 && sorted[i-1].Option == t.Option && sorted[i-1].meets(t):
			return nil, mail.E(op, mail.Invalid, "option.twice", string(t.Option))
		}
	}
	return sorted, nil
}

// fromNow changes terms so that from a moment on exactly these options are there, without end. What was before that stays
// written; what would have come later is dropped.
func fromNow(terms []Term, options []Option, now time.Time) []Term {
	var changed []Term
	for _, t := range terms {
		switch {
		case t.From.After(now): // had not begun
		case t.holds(now) && slices.Contains(options, t.Option):
			t.Until = time.Time{}
			changed = append(changed, t)
		case t.holds(now) && t.From.Before(now):
			t.Until = now
			changed = append(changed, t)
		case !t.holds(now):
			changed = append(changed, t)
		}
	}
	for _, o := range options {
		if !slices.ContainsFunc(changed, func(t Term) bool { return t.Option == o && t.holds(now) }) {
			changed = append(changed, Term{Option: o, From: now})
		}
	}
	return changed
}

// Check refuses what can't be had: Invalid "option.unknown", Denied "option.not_offered".
func (o Option) Check() error { return checkOption("directory.Check", o) }
