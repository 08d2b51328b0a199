package door

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
)

// Config is one listener, as far as it is like those of other protocols.
type Config struct {
	// Name is the protocol as the directory, logs and figures know it: "imaps", "pop3", "smtps", "sieve".
	Name string
	// Zone is the access zone the listener belongs to (SV-9).
	Zone mail.Zone
	// ImplicitTLS tells that TLS begins with the first octet (RFC 8314 §3).
	ImplicitTLS bool
	// TLS serves ImplicitTLS and StartTLS. Without it there is neither.
	TLS    *tls.Config
	Limits Limits
	// Admit may refuse a peer before the protocol speaks, as Directory.Reachable does in the VPN zone. nil refuses nobody.
	Admit func(context.Context, mail.Origin) error
	// Current tells whether somebody who signed in may still act: Denied says that the session has to end. It is asked
	// of every open session again and again and should answer from memory. nil: nobody is asked.
	Current func(context.Context, *directory.Identity) error
	// Sessions is where the sessions of all doors of the process can be listed. nil: these are not.
	Sessions *Sessions
	Log      *slog.Logger // nil writes nothing
	Metrics  *obs.Metrics // nil counts nothing
}

// Limits bound what clients may take of one listener. Zero fields mean the defaults.
type Limits struct {
	// Connections is how many there may be at once. Default 20,000.
	Connections int
	// PerNetwork is how many one network may hold; loopback may hold any number. Default 200: a
	// whole office may stand behind one address.
	PerNetwork int
	// IPv4Bits is how long the prefix is that makes a network of IPv4. Default 32: each address is one. In
	// IPv6 a network is a /64, since who has one address of it has them all.
	IPv4Bits int
	// PerAccount is how many sessions one account may have signed in; loopback may have any number. Default: no limit.
	PerAccount int
	// Handshake is how long one of TLS may take. Default 30 seconds.
	Handshake time.Duration
	// Write is how long a client may take nothing of what is written to it. Default 5 minutes.
	Write time.Duration
	// Grace is how long a stop waits for running commands. Default 10 seconds.
	Grace time.Duration
	// Sweep is how often it is asked whether who signed in may still act. Default 2 seconds.
	Sweep time.Duration
}

func (l Limits) orDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 20_000)
	l.PerNetwork = cmp.Or(l.PerNetwork, 200)
	l.IPv4Bits = cmp.Or(l.IPv4Bits, 32)
	l.Handshake = cmp.Or(l.Handshake, 30*time.Second)
	l.Write = cmp.Or(l.Write, 5*time.Minute)
	l.Grace = cmp.Or(l.Grace, 10*time.Second)
	l.Sweep = cmp.Or(l.Sweep, 2*time.Second)
	return l
}
