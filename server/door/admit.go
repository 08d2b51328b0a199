package door

import (
	"net/netip"

	"tegami/mail"
)

// admit counts a connection in. It gives the reason where there is no place for it.
func (s *Server) admit(c *Conn) error {
	const op = "door.admit"
	network, counted := NetworkOf(c.Origin.Remote, s.cfg.Limits.IPv4Bits)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping:
		return mail.E(op, mail.Busy, "door.stopping")
	case len(s.open) >= s.cfg.Limits.Connections, counted && s.byNetwork[network] >= s.cfg.Limits.PerNetwork:
		return mail.E(op, mail.Busy, "door.too_many_connections")
	}
	s.open[c] = struct{}{}
	if counted {
		s.byNetwork[network]++
	}
	s.running.Add(1)
	return nil
}

// leave counts a connection out.
func (s *Server) leave(c *Conn) {
	network, counted := NetworkOf(c.Origin.Remote, s.cfg.Limits.IPv4Bits)
	c.SignedOut()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	if counted {
		dropCount(s.byNetwork, network)
	}
	s.cfg.Metrics.Sessions(s.cfg.Name, -1)
}

// admitAccount counts a session of an account. It is false where the account has too many.
func (s *Server) admitAccount(c *Conn, id mail.AccountID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.cfg.Limits.PerAccount
	if most > 0 && !c.Origin.Remote.IsLoopback() && s.byAccount[id] >= most {
		return false
	}
	s.byAccount[id]++
	return true
}

func (s *Server) leaveAccount(id mail.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropCount(s.byAccount, id)
}

func dropCount[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}

// NetworkOf is the network a peer counts to: a /64 of IPv6, and of IPv4 a prefix of so many bits. ok is false for
// those that are not counted: loopback, and what has no address.
func NetworkOf(a netip.Addr, bits4 int) (network netip.Prefix, ok bool) {
	if a.Unmap().IsLoopback() {
		return network, false
	}
	return mail.Network(a, bits4, 64)
}
