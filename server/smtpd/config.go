// Package smtpd is the SMTP door (RFC 5321): port 25 for mail from everybody (mode MX)
// and 465 for the platform's own users (mode Submission; 587 too, when an operator
// switches it on). A session is a table of verbs with the states they are allowed in
// (verbs.go); a handler takes a command's arguments and gives a reply. What the door may
// call is the Gate (gate.go); it knows no storage and takes no decision. Every text it
// says stands in replies.go, and errors.go is the one place where errors become replies.
package smtpd

import (
	"crypto/tls"
	"log/slog"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// Mode is for whom a listener is.
type Mode uint8

// The modes.
const (
	// MX takes mail from everybody for people here (port 25). In the VPN zone it also
	// takes mail of the tenants' own networks without AUTH (ML-7).
	MX Mode = iota
	// Submission takes mail from signed-in users only (port 465, or 587 with STARTTLS).
	Submission
)

// Config is one listener.
type Config struct {
	// Name is the door's name in origins, logs and figures: "smtp", "smtps", "submission".
	Name string
	Mode Mode
	Zone mail.Zone // of who connects here (SV-9)
	// ImplicitTLS: TLS from the first octet (RFC 8314 §3.3).
	ImplicitTLS bool
	// TLS is for ImplicitTLS and STARTTLS; nil: there is neither.
	TLS *tls.Config
	// OfferAuth: an MX listener in the internet zone offers AUTH, over TLS. Off by default
	// (ML-7). Elsewhere AUTH is always offered.
	OfferAuth bool
	// AllowPlainAuth: AUTH is offered in any mode, and without TLS. For demonstrations on loopback.
	AllowPlainAuth bool
	// Hostname is how the server calls itself.
	Hostname string
	Limits   Limits
	Sessions *door.Sessions // where the door's sessions are listed; nil lists them nowhere
	Log      *slog.Logger
	Metrics  *obs.Metrics
}

// offersAuth tells whether the listener has AUTH at all.
func (c *Config) offersAuth() bool {
	return c.Mode == Submission || c.Zone == mail.ZoneVPN || c.OfferAuth || c.AllowPlainAuth
}

// Limits bound what one listener and one session may cost. A zero field means its default.
type Limits struct {
	// MessageSize is the largest message in octets; default mail.MaxMessageSize (ML-9).
	MessageSize int64
	// Recipients is how many recipients one message may have; default mail.MaxRecipients (ML-8).
	Recipients int
	// Connections is how many sessions may be open; default 5,000.
	Connections int
	// ConnectionsPerNetwork is how many of them may come from one /24 of IPv4 or /64 of
	// IPv6; default 100. Loopback has no limit.
	ConnectionsPerNetwork int
	// BodiesPerNetwork is how many octets of bodies may be on their way from one such network at once, where
	// nobody signed in: they are held in memory that all share, and a peer may take an hour over its
	// own. Default 96 MiB. Loopback has no limit.
	BodiesPerNetwork int64
	// Errors is how many commands may fail with 5xx in one session, but for RCPT; default 50.
	Errors int
	// Unrecognised is how many commands may be none; default 10.
	Unrecognised int
	// RefusedRecipients is how many RCPT may be refused in one session; default 1,000.
	RefusedRecipients int
	// AuthFailures is how many AUTH may fail in one session; default 3.
	AuthFailures int
	// Commands is how many commands may come without a message accepted in between; default 5,000.
	Commands int
	// CommandTimeout is how long the next command may take; default 5 minutes (RFC 5321 §4.5.3.2.7).
	CommandTimeout time.Duration
	// DataTimeout is how long the next part of a body may take; default 3 minutes (§4.5.3.2.5).
	DataTimeout time.Duration
	// MessageTimeout is how long a whole body may take; default 1 hour.
	MessageTimeout time.Duration
	// WriteTimeout is how long a client may take to read a reply; default 1 minute.
	WriteTimeout time.Duration
	// HandshakeTimeout is for that of TLS; default 30 seconds.
	HandshakeTimeout time.Duration
	// GreetPause is how long the greeting waits for somebody who talks before it, as only
	// spam software does (RFC 5321 §3.1 lets the server speak first). Zero: 1 second on MX
	// listeners of the internet zone, but not for loopback. Below zero: never.
	GreetPause time.Duration
	// Grace and Sweep are those of door.Limits, with its defaults.
	Grace, Sweep time.Duration
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	setDefault(&l.MessageSize, mail.MaxMessageSize)
	setDefault(&l.Recipients, mail.MaxRecipients)
	setDefault(&l.Connections, 5000)
	setDefault(&l.ConnectionsPerNetwork, 100)
	setDefault(&l.BodiesPerNetwork, 96<<20)
	setDefault(&l.Errors, 50)
	setDefault(&l.Unrecognised, 10)
	setDefault(&l.RefusedRecipients, 1000)
	setDefault(&l.AuthFailures, 3)
	setDefault(&l.Commands, 5000)
	setDefault(&l.CommandTimeout, 5*time.Minute)
	setDefault(&l.DataTimeout, 3*time.Minute)
	setDefault(&l.MessageTimeout, time.Hour)
	setDefault(&l.WriteTimeout, time.Minute)
	setDefault(&l.HandshakeTimeout, 30*time.Second)
	return l
}

func setDefault[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// defaultGreetPause is what GreetPause is where it is zero and strangers connect.
const defaultGreetPause = time.Second
