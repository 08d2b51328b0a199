package directory

import "time"

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
)

// expired tells whether a password is too old. One from before there was a date is taken to be from the beginning, so it is.
func (p PasswordPolicy) expired(changed, now time.Time) bool {
	return p.ExpiryDays > 0 && now.Sub(changed) > time.Duration(p.ExpiryDays)*24*time.Hour
}
