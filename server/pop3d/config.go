package pop3d

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// Config is what one listener of the door needs.
type Config struct {
	// Name is the protocol as the directory, logs and figures know it: "pop3" or "pop3s".
	Name string
	// ImplicitTLS tells that TLS begins with the first octet (RFC 8314 §3.3).
	ImplicitTLS bool
	// TLS serves ImplicitTLS and STLS. Without it there is neither.
	TLS *tls.Config
	// AllowPlainAuth allows passwords without TLS. Without it, USER and AUTH are there under TLS only.
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
	// Login is how long a client may take to sign in. Default 1 minute.
	Login time.Duration
	// Idle is how long a signed-in client may say nothing: at least 10 minutes (RFC 1939 §3), the default.
	Idle time.Duration
	// Write is how long a client may take nothing of what is sent. Default 5 minutes.
	Write time.Duration
	// Errors is how many commands in a row may be refused as malformed. Default 20.
	Errors int
	// Failures is how many sign-ins may fail before the connection ends. Default 3.
	Failures int
}

func (l Limits) orDefaults() Limits {
	l.Login = cmp.Or(l.Login, time.Minute)
	l.Idle = cmp.Or(l.Idle, 10*time.Minute)
	l.Write = cmp.Or(l.Write, 5*time.Minute)
	l.Errors = cmp.Or(l.Errors, 20)
	l.Failures = cmp.Or(l.Failures, 3)
	return l
}
