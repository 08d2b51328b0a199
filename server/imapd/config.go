package imapd

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
	// Name is the protocol as the directory, logs and figures know it: "imap" or "imaps".
	Name string
	// ImplicitTLS tells that TLS begins with the first octet (RFC 8314 §3.2).
	ImplicitTLS bool
	// TLS serves ImplicitTLS and STARTTLS. Without it there is neither.
	TLS *tls.Config
	// AllowPlainAuth allows passwords without TLS, for networks that are closed otherwise. Without it,
	// LOGINDISABLED is announced until TLS is there (RFC 9051 §6.2.3).
	AllowPlainAuth bool
	// Zone is the access zone the listener belongs to (SV-9).
	Zone mail.Zone
	// Hostname is said in the greeting.
	Hostname string
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
	// PerAccount is how many sessions one account may have; loopback may have any number. Default
	// 50: a mail client opens about five.
	PerAccount int
	// Login is how long a client may take to sign in. Default 1 minute.
	Login time.Duration
	// Idle is how long a signed-in client may say nothing: at least 30 minutes (RFC 9051 §5.4), the default.
	Idle time.Duration
	// Command is how long a client may pause within a command, and how long it may take to
	// read what was sent. Default 5 minutes.
	Command time.Duration
	// Keepalive is how often IDLE says that it is still there, so that NAT boxes
	// remember the connection. Default 4 minutes.
	Keepalive time.Duration
	// Errors is how many commands in a row may be refused as malformed, or how many sign-ins may
	// fail, before the connection ends. Default 20.
	Errors int
	// Message is the size of an appended message in octets (ML-9). Default mail.MaxMessageSize.
	Message int64
}

func (l Limits) orDefaults() Limits {
	l.PerAccount = cmp.Or(l.PerAccount, 50)
	l.Login = cmp.Or(l.Login, time.Minute)
	l.Idle = cmp.Or(l.Idle, 30*time.Minute)
	l.Command = cmp.Or(l.Command, 5*time.Minute)
	l.Keepalive = cmp.Or(l.Keepalive, 4*time.Minute)
	l.Errors = cmp.Or(l.Errors, 20)
	l.Message = cmp.Or(l.Message, mail.MaxMessageSize)
	return l
}
