package directory

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/sasl"
)

// PasswordPolicy says what a company's passwords must be like.
type PasswordPolicy struct {
	// MinLength is the least length in characters: 12 at least, or what operators allow.
	MinLength int `json:"minLength"`
	// History is how many former passwords may not be used again.
	History int `json:"history"`
	// ExpiryDays is after how many days a password must be changed. 0 = never.
	ExpiryDays int `json:"expiryDays"`
	// InitialForMail lets mail software sign in with an initial password, before its owner has changed it.
	InitialForMail bool `json:"initialForMail"`
}

// Bounds of a PasswordPolicy.
const (
	leastPassword = 8  // characters, that operators may allow
	mostPassword  = 64 // characters, that a company may ask for
	maxHistory    = 24
	maxExpiryDays = 730
	// leastOwn is how many characters have to be left of a password without words that everybody tries.
	leastOwn = 5
	// leastWord is how long a name has to be to count as such a word.
	leastWord = 3
	// leastKinds is how many different characters a password has.
	leastKinds = 5
)

// expired tells whether a password is too old. One from before there was a date is taken to be from the beginning, so it is.
func (p PasswordPolicy) expired(changed, now time.Time) bool {
	return p.ExpiryDays > 0 && now.Sub(changed) > time.Duration(p.ExpiryDays)*24*time.Hour
}

//go:embed passwords.txt
var commonText string

// commonWords are what people choose, and so what is tried first; the longest first.
var commonWords = func() []string {
	words := strings.Split(strings.TrimSpace(strings.ToLower(commonText)), "\n")
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}()

// guessable tells whether a password is one that is tried early: a common word or one of the names, with little beside it, or too few
// different characters. Digits and signs at the ends are not much of a difference.
func guessable(password string, names ...string) bool {
	low := strings.ToLower(password)
	kinds := map[rune]bool{}
	for _, r := range low {
		kinds[r] = true
	}
	if len(kinds) < leastKinds || sequence(low) {
		return true
	}
	rest := low
	for _, n := range names {
		for word := range strings.FieldsFuncSeq(strings.ToLower(n), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(word) >= leastWord {
				rest = strings.ReplaceAll(rest, word, " ")
			}
		}
	}
	for _, word := range commonWords {
		rest = strings.ReplaceAll(rest, word, " ")
	}
	if rest == low {
		return false
	}
	own := strings.FieldsFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
	return utf8.RuneCountInString(strings.Join(own, "")) < leastOwn
}

// sequence tells whether every character is the one after or before its neighbour, but for two.
func sequence(text string) bool {
	steps, last := 0, rune(0)
	for _, r := range text {
		if d := r - last; d >= -1 && d <= 1 {
			steps++
		}
		last = r
	}
	return steps >= utf8.RuneCountInString(text)-3
}

// judgePassword refuses a password that a policy does not allow. Operators, who bring passwords along from elsewhere, are held to what any password
// must be. tenant zero is the platform. Invalid "password.too_short", "password.guessable"; the owner of the credential is also refused
// one he had: Invalid "password.used".
func (d *Directory) judgePassword(ctx context.Context, by mail.Actor, tenant mail.TenantID, password string, have *credentialDoc, names ...string) error {
	const op = "directory.judgePassword"
	if by.Role() == mail.Operator && !tenant.IsZero() || by.Role() == mail.Platform {
		return nil
	}
	s, err := d.security(ctx, tenant)
	if err != nil {
		return mail.Wrap(op, err)
	}
	prepared, err := sasl.Prepare(password)
	switch {
	case err != nil:
		return mail.E(op, mail.Invalid, "password.malformed")
	case utf8.RuneCountInString(prepared) < s.Passwords.MinLength:
		return mail.E(op, mail.Invalid, "password.too_short", s.Passwords.MinLength)
	case guessable(prepared, names...):
		return mail.E(op, mail.Invalid, "password.guessable")
	case have == nil || len(prepared) > MaxPassword:
		return nil
	}
	for _, old := range have.former(s.Passwords.History) {
		same := false
		if err := d.hashing.do(ctx, func() error { same = matches(old, prepared); return nil }); err != nil {
			return err
		}
		if same {
			return mail.E(op, mail.Invalid, "password.used", s.Passwords.History)
		}
	}
	return nil
}

// former are the password and so many before it, as hashes.
func (d *credentialDoc) former(n int) []string {
	all := d.formerly()
	return all[:min(len(all), max(1, n))]
}

// formerly is the history as it is once the password is replaced.
func (d *credentialDoc) formerly() []string {
	if d.Password == "" {
		return d.History
	}
	all := append([]string{d.Password}, d.History...)
	return all[:min(len(all), maxHistory)]
}

// namesOf are the words of an account that its password must not be made of.
func (c *contract) namesOf(doc *accountDoc) []string {
	return []string{c.Name, doc.Address.Local, doc.Address.Domain, doc.Profile.Name(), doc.Profile.LastName, doc.Profile.FirstName}
}
