// Package srs rewrites the sender of mail that is sent on, so that SPF at the next host looks at our domain and
// bounces come back to us (Sender Rewriting Scheme). The addresses are those of libsrs2 and postsrsd:
//
//	SRS0=HHHH=TT=domain=local@ours                        by the first who sends on
//	SRS1=HHHH=first.example==HHHH=TT=domain=local@ours    by a later one, around the first one's
//
// HHHH is an HMAC over what follows it, TT the day. A bounce to such an address goes to its original sender, for
// 21 days; what we did not make is refused, so nobody can reach others through us. Secrets are tried in order:
// the first makes new addresses, older ones are still known until they are taken away.
package srs

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"tegami/mail"
)

const (
	// MaxAge is how long an address can be written back to.
	MaxAge = 21 * 24 * time.Hour
	// hashLength is how many characters of the HMAC stand in an address, as in libsrs2. They are compared
	// without regard to case, since hosts on the way may have folded it.
	hashLength = 4
	// day is what the two characters of the time count. They wrap after 1,024 of it.
	day      = 24 * time.Hour
	dayWraps = 1024
)

// dayLetters are the digits of the time: base32 of RFC 4648 §6.
const dayLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// Forward gives the sender under which mail from an address is sent on by domain. The null
// sender stays null, and an address of domain itself stays what it is.
//
// The local part grows by 14 octets and the old domain, and may come to be longer than the 64 octets of
// RFC 5321 §4.5.3.1.1, as with all who use this scheme; Fits tells. Without a secret there is no address: the null one.
func Forward(from mail.Address, domain string, secrets [][]byte, now time.Time) mail.Address {
	if from.IsNull() || from.Domain == domain {
		return from
	}
	if len(secrets) == 0 {
		return mail.Address{}
	}
	if host, inner, ok := guarded(from); ok {
		return mail.Address{Local: "SRS1=" + hash(secrets[0], host, inner) + "=" + host + "=" + inner, Domain: domain}
	}
	at := stamp(now)
	return mail.Address{
		Local:  "SRS0=" + hash(secrets[0], at, from.Domain, from.Local) + "=" + at + "=" + from.Domain + "=" + from.Local,
		Domain: domain,
	}
}

// Fits tells whether an address keeps the limit of RFC 5321 §4.5.3.1.1.
func Fits(a mail.Address) bool { return len(a.Local) <= mail.MaxLocalPart }

// IsSRS tells whether a local part has the form of an address of this scheme.
func IsSRS(local string) bool {
	_, _, ok := cutTag(local)
	return ok
}

// Reverse gives the address that mail to a local part made by Forward goes back to. Errors: Invalid "srs.malformed",
// Denied "srs.forged" where no secret made it, NotFound "srs.expired".
func Reverse(local string, secrets [][]byte, now time.Time) (mail.Address, error) {
	const op = "srs.Reverse"
	tag, rest, ok := cutTag(local)
	if !ok {
		return mail.Address{}, mail.E(op, mail.Invalid, "srs.malformed")
	}
	given, rest, _ := strings.Cut(rest, "=")
	if tag == '1' {
		host, inner, ok := strings.Cut(rest, "=")
		if !ok || !isInner(inner) {
			return mail.Address{}, mail.E(op, mail.Invalid, "srs.malformed")
		}
		if !made(secrets, given, host, inner) {
			return mail.Address{}, mail.E(op, mail.Denied, "srs.forged")
		}
		return original(op, "SRS0"+inner, host)
	}
	at, rest, _ := strings.Cut(rest, "=")
	host, user, ok := strings.Cut(rest, "=")
	if !ok {
		return mail.Address{}, mail.E(op, mail.Invalid, "srs.malformed")
	}
	if !made(secrets, given, at, host, user) {
		return mail.Address{}, mail.E(op, mail.Denied, "srs.forged")
	}
	if !fresh(at, now) {
		return mail.Address{}, mail.E(op, mail.NotFound, "srs.expired")
	}
	return original(op, user, host)
}

// original puts an address together that stood in a local part.
func original(op mail.Op, local, host string) (mail.Address, error) {
	domain, ok := mail.ParseDomain(host)
	if !ok || local == "" {
		return mail.Address{}, mail.E(op, mail.Invalid, "srs.malformed")
	}
	return mail.Address{Local: local, Domain: domain}, nil
}

// cutTag takes "SRS0=" or "SRS1=" off, in any case; "+" and "-" are known as separators too.
func cutTag(local string) (tag byte, rest string, ok bool) {
	if len(local) < 6 || !strings.EqualFold(local[:3], "SRS") || !isSeparator(local[4]) {
		return 0, "", false
	}
	return local[3], local[5:], local[3] == '0' || local[3] == '1'
}

func isSeparator(c byte) bool { return c == '=' || c == '+' || c == '-' }

// isInner tells whether s is what follows the "SRS0" of an address: separator, hash, time, domain, local part.
func isInner(s string) bool {
	return s != "" && isSeparator(s[0]) && strings.Count(s[1:], "=") >= 3
}

// guarded takes an address of somebody who already sent it on: his host and what follows his "SRS0".
func guarded(from mail.Address) (host, inner string, ok bool) {
	tag, rest, ok := cutTag(from.Local)
	switch {
	case !ok:
		return "", "", false
	case tag == '0':
		inner = from.Local[4:]
		return from.Domain, inner, isInner(inner)
	}
	_, rest, _ = strings.Cut(rest, "=") // his hash says nothing to us
	host, inner, ok = strings.Cut(rest, "=")
	_, good := mail.ParseDomain(host)
	return host, inner, ok && good && isInner(inner)
}

// hash is the start of an HMAC-SHA-1 over the parts in lower case, in base64.
func hash(secret []byte, parts ...string) string {
	h := hmac.New(sha1.New, secret)
	for _, p := range parts {
		h.Write([]byte(lower(p)))
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))[:hashLength]
}

// lower folds ASCII only, octet by octet, as C's tolower does in libsrs2.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// made tells whether one of our secrets made a hash. All are tried, in equal time.
func made(secrets [][]byte, given string, parts ...string) bool {
	found := 0
	for _, secret := range secrets {
		found |= subtle.ConstantTimeCompare([]byte(lower(given)), []byte(lower(hash(secret, parts...))))
	}
	return found == 1
}

// stamp is the day, modulo dayWraps, in two letters.
func stamp(now time.Time) string {
	n := now.Unix() / int64(day/time.Second)
	return string([]byte{dayLetters[n>>5&31], dayLetters[n&31]})
}

// fresh tells whether a stamp is of today or of a day within MaxAge. One of tomorrow passes: clocks differ.
func fresh(at string, now time.Time) bool {
	if len(at) != 2 {
		return false
	}
	high, low := strings.IndexByte(dayLetters, upper(at[0])), strings.IndexByte(dayLetters, upper(at[1]))
	if high < 0 || low < 0 {
		return false
	}
	today := now.Unix() / int64(day/time.Second)
	age := (today - int64(high<<5|low)) & (dayWraps - 1)
	return age <= int64(MaxAge/day) || age == dayWraps-1
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c &^ 0x20
	}
	return c
}
