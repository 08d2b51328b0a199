package sieve

import (
	"io"
	"time"

	"tegami/mail"
	"tegami/wire/mime"
)

// An Input is one message and what is known around it. Run changes nothing of it.
type Input struct {
	From mail.Address // the envelope's sender; zero = the null reverse-path
	To   mail.Address // the recipient this run is for, as the sender addressed it
	Auth string       // AUTH= of MAIL FROM (RFC 4954 §5); "" = unknown

	Octets    io.ReaderAt   // the message
	Structure *mime.Message // its structure

	Now time.Time // the time of the run; zero = the machine's clock
	// Zone is the local time of dates without :zone (RFC 5260 §4.1); nil = UTC.
	Zone *time.Location
	// Environment holds the items of RFC 5183 §4 that are known, as "remote-ip"; "name", "version", "phase", "location"
	// and "domain" are the caller's to give too.
	Environment map[string]string
	Owner       Owner
	Host        Host // nil = one that knows nothing
}

// Owner is whose script it is.
type Owner struct {
	// Addresses are those the account receives mail under, its main one first. An automatic answer is given only to mail
	// that names one of them, or one the script adds with :addresses (RFC 5230 §4.5).
	Addresses []mail.Address
}

// A Result is what a script wants done.
type Result struct {
	// Actions in their order, without duplicates: no mailbox and no address stands twice (RFC 5228 §2.10.3). It is never empty.
	Actions []Action
	// Silence says why vacation or notify tells nobody, for the operator's log: "null sender"; "" when it does or was not asked.
	Silence string
	// Warnings are faults that ended nothing: a regular expression made of variables that is none.
	Warnings []Fault
	// Steps is how many the run took (Limits.Steps), each about a microsecond.
	Steps int
}
