// Package dns asks the domain name system: with deadlines, a cache, and the state of
// DNSSEC, so that whoever asks can tell "there is none" from "nobody answered".
package dns

import (
	"context"
	"net/netip"
	"time"
)

// Lookup answers the questions a mail server has. Names are given as A-labels, with or
// without the final dot, in any case.
//
// Errors: NotFound "dns.nxdomain" where the name does not exist, NotFound "dns.nodata" where it
// has no such record (RFC 2308 §2), Unavailable "dns.failed" where no answer could be had
// in time, or DNSSEC says that it is forged. The last is never proof of anything:
// whoever asks must put its work off or go on without.
type Lookup interface {
	TXT(ctx context.Context, name string) ([]string, Meta, error)       // character-strings of a record are joined
	MX(ctx context.Context, name string) ([]MX, Meta, error)            // ascending by preference; a null MX (RFC 7505) is one with Host "."
	Addrs(ctx context.Context, name string) ([]netip.Addr, Meta, error) // A and AAAA; Unavailable when either failed and the other has none
	PTR(ctx context.Context, ip netip.Addr) ([]string, Meta, error)
	TLSA(ctx context.Context, name string) ([]TLSA, Meta, error)
	CNAME(ctx context.Context, name string) (string, Meta, error) // the canonical name; NotFound "dns.nodata" where it is none
	NS(ctx context.Context, name string) ([]string, Meta, error)
	SRV(ctx context.Context, name string) ([]SRV, Meta, error)
}

// Meta says how far an answer can be trusted, and how long. A NotFound comes with it too.
type Meta struct {
	Authentic bool          // DNSSEC was verified by a resolver we trust (RFC 4035 §3.2.3, the AD bit)
	TTL       time.Duration // 0 = unknown
}

// MX is a mail exchanger; Host is in lower case and without a final dot.
type MX struct {
	Preference uint16
	Host       string
}

// SRV is a service's place (RFC 2782).
type SRV struct {
	Priority, Weight, Port uint16
	Target                 string
}

// TLSA is a statement about a certificate (RFC 6698 §2).
type TLSA struct {
	Usage, Selector, Matching uint8
	Data                      []byte
}
