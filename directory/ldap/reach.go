package ldap

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"tegami/mail"
)

// Reach says where connections may go.
type Reach struct {
	// Allow are networks that may be reached although they are the machine's own, loopback or link-local.
	Allow []netip.Prefix
	// Own are further addresses of the platform that may not be reached, beside those of this machine.
	Own []netip.Prefix
	// Ports that may be reached; none: 389, 636, 3268, 3269.
	Ports []uint16
}

// usualPorts are those of LDAP, and of Active Directory's global catalogue.
var usualPorts = []uint16{389, 636, 3268, 3269}

// dialTime is how long connecting takes at most.
const dialTime = 10 * time.Second

// May tells whether an address may be reached. Denied "ldap.unreachable".
func (r Reach) May(to netip.AddrPort) error {
	const op = "ldap.May"
	ip := to.Addr().Unmap().WithZone("")
	ports := r.Ports
	if len(ports) == 0 {
		ports = usualPorts
	}
	if !slices.Contains(ports, to.Port()) {
		return mail.E(op, mail.Denied, "ldap.unreachable", to.String())
	}
	within := func(n netip.Prefix) bool { return n.Contains(ip) }
	if slices.ContainsFunc(r.Allow, within) {
		return nil
	}
	special := ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsInterfaceLocalMulticast() || !ip.IsValid()
	if special || slices.ContainsFunc(r.Own, within) || slices.ContainsFunc(tunnels, within) || ours(ip) {
		return mail.E(op, mail.Denied, "ldap.unreachable", to.String())
	}
	return nil
}

// tunnels are networks whose addresses hide another one, or nothing: 0.0.0.0/8, NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380),
// IPv4-compatible addresses.
var tunnels = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("255.255.255.255/32"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("::/96"),
}

// ours tells whether an address is one of this machine. When that can't be found out, it is.
func ours(ip netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		n, err := netip.ParsePrefix(a.String())
		return err == nil && n.Addr().Unmap() == ip
	})
}

// dial connects to a host, wherever its name leads that may be reached.
func (r Reach) dial(ctx context.Context, host string) (net.Conn, error) {
	const op = "ldap.dial"
	var denied error
	d := net.Dialer{Timeout: dialTime, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err == nil {
			err = r.May(to)
		}
		if err != nil {
			denied = err
		}
		return err
	}}
	conn, err := d.DialContext(ctx, "tcp", host)
	switch {
	case err != nil && denied != nil:
		return nil, mail.Wrap(op, denied)
	case err != nil:
		e := mail.E(op, mail.Unavailable, "ldap.no_answer", host)
		e.Err = err
		return nil, e
	}
	return &metered{Conn: conn, left: maxOctets}, nil
}

// maxOctets is how much one connection may bring: the memory it can cost us.
const maxOctets = 256 << 20

// metered is a connection that brings so much and no more.
type metered struct {
	net.Conn
	left int64 // read by one goroutine only
}

func (m *metered) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, mail.E("ldap.Read", mail.Full, "ldap.too_much", maxOctets>>20)
	}
	n, err := m.Conn.Read(b[:min(int64(len(b)), m.left)])
	m.left -= int64(n)
	return n, err
}
