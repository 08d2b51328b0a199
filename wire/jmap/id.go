package jmap

import (
	"encoding"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
)

// MaxID is the length of an Id in octets (RFC 8620 §1.2).
const MaxID = 255

// An Id names one record (RFC 8620 §1.2). In arguments of /set, and where a standard says so, "#" and a creation id stand for
// the id of a record made in the same request.
type Id string

// Valid tells whether an id has the form of one: letters, digits, "-" and "_".
func (id Id) Valid() bool {
	if len(id) == 0 || len(id) > MaxID {
		return false
	}
	for i := range len(id) {
		if !idOctet(id[i]) {
			return false
		}
	}
	return true
}

func idOctet(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// Creation gives the creation id of "#name"; false for an id.
func (id Id) Creation() (Id, bool) {
	name, ok := strings.CutPrefix(string(id), "#")
	return Id(name), ok
}

// Letters before the ids of ours, so that none begins with a digit (RFC 8620 §1.2) and an id of one kind is none of another.
const (
	LetterAccount = 'a'
	LetterMailbox = 'm'
	LetterEmail   = 'e'
	LetterThread  = 't'
	LetterBlob    = 'b' // the octets of a message, or a part of them
	LetterUpload  = 'u' // octets that were uploaded and are nobody's mail yet
	LetterObject  = 'o' // entries: cards, identities, submissions, subscriptions
)

// Of writes an id of ours; "" for the zero id.
func Of[K any](letter byte, id mail.ID[K]) Id {
	if id.IsZero() {
		return ""
	}
	return Id(string(letter) + id.String())
}

// Read reads what Of wrote into an id; false for anything else.
func Read(letter byte, text Id, id encoding.TextUnmarshaler) bool {
	return len(text) > 1 && text[0] == letter && id.UnmarshalText([]byte(text[1:])) == nil
}

// State writes a state: it is the account's ModSeq.
func State(n mail.ModSeq) string { return strconv.FormatUint(uint64(n), 10) }

// ParseState reads a state; false for one that is not ours.
func ParseState(text string) (mail.ModSeq, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return mail.ModSeq(n), err == nil && State(mail.ModSeq(n)) == text
}

// A Date is a time with the offset it was written with (RFC 8620 §1.4).
type Date struct{ time.Time }

// A UTCDate is a time in UTC (RFC 8620 §1.4).
type UTCDate struct{ time.Time }

// dateForm leaves a fraction of zero out, as RFC 8620 §1.4 wants it.
const dateForm = "2006-01-02T15:04:05.999999999Z07:00"

// MarshalText writes the date as RFC 8620 §1.4 says.
func (d Date) MarshalText() ([]byte, error) { return d.AppendFormat(nil, dateForm), nil }

// UnmarshalText reads a date. Invalid "jmap.date".
func (d *Date) UnmarshalText(text []byte) (err error) {
	d.Time, err = parseDate(string(text))
	return err
}

// MarshalText writes the date as RFC 8620 §1.4 says, in UTC.
func (d UTCDate) MarshalText() ([]byte, error) { return d.UTC().AppendFormat(nil, dateForm), nil }

// UnmarshalText reads a date in UTC. Invalid "jmap.date".
func (d *UTCDate) UnmarshalText(text []byte) (err error) {
	if d.Time, err = parseDate(string(text)); err == nil && !strings.HasSuffix(string(text), "Z") {
		err = badDate(string(text))
	}
	return err
}

func parseDate(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || strings.ContainsAny(text, "tz,") {
		return time.Time{}, badDate(text)
	}
	return at, nil
}

func badDate(text string) error { return mail.E("jmap.Date", mail.Invalid, "jmap.date", text) }
