package pop3d

import (
	"crypto/tls"
	"log/slog"
	"time"

	"tegami/mail"
	"tegami/obs"
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
	Zone    mail.Zone
	Limits  Limits
	Log     *slog.Logger // nil writes nothing
	Metrics *obs.Metrics // nil counts nothing
}

// Limits bound what clients may take. Zero fields mean the defaults.
type Limits struct {
	// Connections is how many there may be at once. Default 20,000.
	Connections int
	// PerAddress is how many one IPv4 address or /64 of IPv6 may hold; loopback may hold any number. Default 200:
	// a whole office may stand behind one address.
	PerAddress int
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
	// Grace is how long a stop waits for running commands. Default 10 seconds.
	Grace time.Duration
}

func (l Limits) orDefaults() Limits {
	l.Connections = or(l.Connections, 20_000)
	l.PerAddress = or(l.PerAddress, 200)
	l.Login = or(l.Login, time.Minute)
	l.Idle = or(l.Idle, 10*time.Minute)
	l.Write = or(l.Write, 5*time.Minute)
	l.Errors = or(l.Errors, 20)
	l.Failures = or(l.Failures, 3)
	l.Grace = or(l.Grace, 10*time.Second)
	return l
}

// or gives v, or def where v says nothing.
func or[T int | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
