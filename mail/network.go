package mail

import "net/netip"

// Network is the network that an address counts to: its first bits4 bits, or bits6 of IPv6. An IPv4 address in IPv6 is one of IPv4, and zones do
// not count. ok is false where there is no address.
func Network(ip netip.Addr, bits4, bits6 int) (network netip.Prefix, ok bool) {
	ip = ip.Unmap().WithZone("")
	bits := bits6
	if ip.Is4() {
		bits = bits4
	}
	network, err := ip.Prefix(bits)
	return network, err == nil && network.IsValid()
}
