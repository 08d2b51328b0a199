package spam

import (
	"context"
	"io"

	"tegami/mail"
	"tegami/policy"
	"tegami/wire/mime"
)

// An Inquiry is what is known of a message before it is looked at. All but Octets and Message may be missing.
type Inquiry struct {
	Octets  io.ReaderAt   // of the whole message
	Message *mime.Message // its structure

	Texts    []string  // of attachments, in UTF-8
	Files    []File    // attachments, and what is in them
	Findings []Finding // of the virus check's static analysis

	Facts      *policy.Facts // SPF, DKIM, DMARC, ARC; nil: nobody asked
	Origin     mail.Origin   // where it came from
	From       mail.Address  // the envelope's sender
	Recipients int           // of the envelope
	Listed     []Listing     // what DNS lists said
	Opinion    *Opinion      // what an Rspamd said; nil: it was not asked, or did not answer
}

// A File is an attachment, or a member of one that is an archive.
type File struct {
	Name      string // as the message calls it, decoded
	Kind      string // by its content, as package apart calls kinds: "zip", "pe", "html"
	Claimed   string // kind by its name or type; "" where they say nothing
	Encrypted bool   // it can't be read without a password
}

// A Finding is something suspicious in a file that is no known virus.
type Finding struct {
	Rule  string  // catalogue key: "finding.macro_autorun"
	Score float64 // in log odds
}

// A Listing is an entry of a DNS list that was found.
type Listing struct {
	List   string  // the list's zone
	What   string  // that was looked up: an address or a domain
	Weight float64 // in log odds, as the operator weighs the list
}

// An Opinion is what another filter said.
type Opinion struct {
	Score    float64 // as it counts
	Required float64 // its score from which on it calls a message spam
	Action   string  // its word for what to do
}

// OwnPeople are the people and domains of a company, as far as strangers may pretend to be one of them.
type OwnPeople interface {
	// Name gives the address of the person of a display name, compared as the directory compares names.
	Name(display string) (mail.Address, bool)
	// Domain tells whether a domain, in lower case and A-label form, is the company's.
	Domain(domain string) bool
}

// A Memory is what a company remembers. Each call answers from memory or by one read, within the context's deadline. An error is
// a thing not known: the score is made without it, and says so.
type Memory interface {
	// Tokens gives how many messages with each token the company called spam and ham, in the order asked,
	// and how many messages it called so in all. The base is not in it.
	Tokens(ctx context.Context, tokens []uint64) (counts []Count, total Count, err error)
	// Reputation gives the decayed numbers of good and bad messages from each key, in the order asked: "net:192.0.2.0/24",
	// "net:2001:db8::/48", "dom:example.com".
	Reputation(ctx context.Context, keys []string) ([]Rep, error)
	// FirstContact tells whether nobody of the company has had mail from, or written to, an address.
	FirstContact(ctx context.Context, from mail.Address) (bool, error)
	// Near gives how many messages of the last days were much like one, and how many of these are called spam.
	Near(ctx context.Context, digest Simhash) (seen, spam int, err error)
}

// A Count is how many messages were called spam and how many were not.
type Count struct{ Spam, Ham uint32 }

// A Rep is how much good and bad came from a network or domain, decayed with time.
type Rep struct{ Good, Bad float64 }

// Config is what differs from company to company, and what an operator may set. The zero Config is of use.
type Config struct {
	Own      OwnPeople // nil: nobody is known
	Internal bool      // the message is from within the company: signed in, or between its own boxes (SF-3)
	NoBase   bool      // leave the base that ships with the program aside
	Base     []byte    // another base in its stead, for trials; nil: the one that ships
}
