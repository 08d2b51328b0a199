package sieved

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// Config is what one listener of the door needs. ManageSieve begins in the clear (RFC 5804 §1.8); there is no port for TLS from the
// first octet.
type Config struct {
	// Name is the protocol as the directory, logs and figures know it. "" = "sieve".
	Name string
	// TLS serves STARTTLS. Without it there is none.
	TLS *tls.Config
	// AllowPlainAuth allows passwords without TLS. Without it, AUTHENTICATE is there under TLS only.
	AllowPlainAuth bool
	// Zone is the access zone the listener belongs to (SV-9).
	Zone     mail.Zone
	Limits   Limits
	Sessions *door.Sessions // where the door's sessions are listed; nil lists them nowhere
	Log      *slog.Logger   // nil writes nothing
	Metrics  *obs.Metrics   // nil counts nothing
}

// Limits bound what clients may take. Zero fields mean the defaults.
type Limits struct {
	// Connections, PerAddress, Grace and Sweep are those of door.Limits, with its defaults; an address is
	// one of IPv4 or a /64 of IPv6.
	Connections, PerAddress int
	Grace, Sweep            time.Duration
	// PerAccount is how many sessions one account may have. Default 20.
	PerAccount int
	// Login is how long a client may take to sign in. Default 1 minute.
	Login time.Duration
	// Idle is how long a signed-in client may say nothing: at least 30 minutes (RFC 5804 §1.2), the default.
	Idle time.Duration
	// Write is how long a client may take nothing of what is sent. Default 5 minutes.
	Write time.Duration
	// Errors is how many commands in a row may be refused as malformed. Default 20.
	Errors int
	// Failures is how many sign-ins may fail before the connection ends. Default 3.
	Failures int
}

func (l Limits) orDefaults() Limits {
	l.PerAccount = cmp.Or(l.PerAccount, 20)
	l.Login = cmp.Or(l.Login, time.Minute)
	l.Idle = cmp.Or(l.Idle, 30*time.Minute)
	l.Write = cmp.Or(l.Write, 5*time.Minute)
	l.Errors = cmp.Or(l.Errors, 20)
	l.Failures = cmp.Or(l.Failures, 3)
	return l
}
