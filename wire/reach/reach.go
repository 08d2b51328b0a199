// Package reach dials the public internet only. Who dials where a stranger or a customer says must not be led into the platform's own network.
package reach

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// closed are the networks of special use that are never dialled unless they are allowed (RFC 6890 and its registry; RFC 6598, RFC 8215, RFC 3849, RFC 5737).
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// ErrClosed is the error of dialling an address that is not dialled. It stands within what net gives.
var ErrClosed = errors.New("an address in a closed network")

// Open tells whether an address may be dialled: it is a public one, or lies in an allowed network.
func Open(ip netip.Addr, allowed []netip.Prefix) bool {
	ip = ip.Unmap().WithZone("")
	holds := func(p netip.Prefix) bool { return p.Contains(ip) }
	return ip.IsValid() && (slices.ContainsFunc(allowed, holds) || !slices.ContainsFunc(closed, holds))
}

// Dialer makes a dialer that looks at the address that is dialled, after the name was resolved: a name that leads somewhere else the second
// time is of no use.
func Dialer(timeout time.Duration, allowed []netip.Prefix) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !Open(at.Addr(), allowed) {
			return ErrClosed
		}
		return nil
	}}
}
