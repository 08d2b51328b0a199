package sieve

import (
	"context"
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

	Now      time.Time // zero = the machine's clock
	Received time.Time // when it was accepted; zero = Now
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

// Host is what a script may ask. Each answer has ctx's deadline; an error ends the run with that error.
type Host interface {
	// MailboxExists tells whether the mailbox is there and the owner may put messages into it (RFC 5490 §3.1).
	MailboxExists(ctx context.Context, name string) (bool, error)
	// SpecialUse gives the mailbox with an attribute, as `\Junk` (RFC 8579); ok is false when there is none.
	SpecialUse(ctx context.Context, use string) (mailbox string, ok bool, err error)
	// Metadata gives an annotation of a mailbox, or with "" of the server (RFC 5490 §3.3, §4).
	Metadata(ctx context.Context, mailbox, annotation string) (value string, ok bool, err error)
	// ListExists tells whether a list of this name is known (RFC 6134 §2.7).
	ListExists(ctx context.Context, list string) (bool, error)
	// InList tells whether a value is on a list (RFC 6134 §2.4).
	InList(ctx context.Context, list, value string) (bool, error)
	// Include gives a script of the owner, or of everybody (RFC 6609 §3.1); nil when there is none of the name. One that
	// does not compile gives its *SyntaxError.
	Include(ctx context.Context, global bool, name string) (*Script, error)
	// Seen tells whether an id is remembered (RFC 7352); see Track.
	Seen(ctx context.Context, id string) (bool, error)
}

// A Result is what a script wants done.
type Result struct {
	// Actions in their order, without duplicates: no mailbox and no address stands twice (RFC 5228 §2.10.3). It is never empty.
	Actions []Action
	// Silence says why vacation or notify tells nobody, for the operator's log: "null sender"; "" when it does or was not asked.
	Silence string
	// Warnings are faults that ended nothing: a regular expression made of variables that is none.
	Warnings []Fault
}
