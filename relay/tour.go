package relay

import (
	"context"
	"net"
	"net/netip"
	"strconv"

	"tegami/mail"
	"tegami/wire/smtp"
)

// A tour goes through the addresses of a destination, best host first, until one takes the mail.
type tour struct {
	relay  *Relay
	way    *way
	need   bool // for mail that asks for REQUIRETLS
	hosts  []host
	policy *policy // of MTA-STS; nil: none

	next    int          // the host that is looked at next
	host    *host        // whose addresses are being tried
	addrs   []netip.Addr // of that host, not tried yet
	guard   guard        // of that host
	visited int          // hosts
	tried   int          // addresses
	last    *verdict     // why it has not worked so far; nil until the first failure
}

// begin makes a tour of a way. A verdict in it says that there is nothing to visit.
func (r *Relay) begin(ctx context.Context, w *way, need bool) *tour {
	t := &tour{relay: r, way: w, need: need}
	t.hosts, t.last = r.hosts(ctx, w)
	if len(t.hosts) > 0 && w.smart == nil && w.domain[0] != '[' {
		t.policy = r.sts.find(ctx, w.domain)
	}
	return t
}

// session connects to the next address that takes mail. With a verdict none did.
func (t *tour) session(ctx context.Context) (*session, *verdict) {
	for ctx.Err() == nil {
		if len(t.addrs) == 0 || t.tried == t.relay.cfg.Limits.Addresses {
			if !t.nextHost(ctx) {
				return nil, t.end()
			}
		}
		ip := t.addrs[0]
		t.addrs = t.addrs[1:]
		t.tried++
		s, v := t.connect(ctx, ip)
		t.relay.cfg.Metrics.Connected(resultOf(s))
		if v == nil {
			return s, nil
		}
		t.note(v)
		if v.reason == "remote.loop" { // it is us: it and all hosts that are no better are left out
			t.hosts, t.addrs = betterThan(t.hosts, t.host.preference), nil
		}
	}
	return nil, waiting("remote.lost", "4.4.2")
}

// resultOf is as what a session is counted; nil: there is none.
func resultOf(s *session) string {
	switch {
	case s == nil:
		return "failed"
	case s.client.TLS() != nil:
		return "tls"
	}
	return "plain"
}

// end is why no host took the mail.
func (t *tour) end() *verdict {
	if t.last == nil { // not to be reached: whoever got a session and lost it noted that
		return waiting("remote.unreachable", "4.4.1")
	}
	return t.last
}

// note remembers why it did not work.
func (t *tour) note(v *verdict) { t.last = better(t.last, v) }

// nextHost goes on to a host that has addresses to try.
func (t *tour) nextHost(ctx context.Context) bool {
	l := &t.relay.cfg.Limits
	for t.next < len(t.hosts) && t.visited < l.Hosts && t.tried < l.Addresses {
		t.host = &t.hosts[t.next]
		t.next++
		v := t.prepare(ctx)
		if v == nil {
			t.visited++
			return true
		}
		t.note(v.at(t.host.name, ""))
	}
	return false
}

// prepare finds the addresses of the host, and what its TLS must prove.
func (t *tour) prepare(ctx context.Context) *verdict {
	ctx, stop := context.WithTimeout(ctx, t.relay.cfg.Limits.Resolve)
	defer stop()
	addrs, secure := t.host.addrs, false
	if addrs == nil {
		found, meta, err := t.relay.cfg.Lookup.Addrs(ctx, t.host.name)
		switch {
		case mail.Is(err, mail.NotFound) && t.way.smart == nil:
			return failed("remote.no_host", "5.4.4")
		case err != nil:
			return waiting("remote.dns", "4.4.3")
		}
		addrs, secure = found, meta.Authentic && t.host.secure
	}
	t.addrs = t.addrs[:0]
	for _, ip := range alternate(addrs) {
		if t.relay.mayConnect(t.way, ip) {
			t.addrs = append(t.addrs, ip)
		}
	}
	if len(t.addrs) == 0 {
		return failed("remote.forbidden", "5.4.4")
	}
	v := t.protect(ctx, secure)
	if v != nil {
		t.addrs = nil
	}
	return v
}

// connect opens a session with an address. Where the handshake fails and nobody asked for TLS it
// goes on in plain, on a new connection: who speaks TLS badly gets his mail as if he spoke none.
func (t *tour) connect(ctx context.Context, ip netip.Addr) (*session, *verdict) {
	s, v := t.speak(ctx, ip, t.guard.mode)
	if v != nil && v.reason == "remote.tls" && t.guard.mode == tlsMay && !t.need {
		s, v = t.speak(ctx, ip, tlsNever)
	}
	return s, v
}

// speak opens a session in one way of protecting it.
func (t *tour) speak(ctx context.Context, ip netip.Addr, mode tlsMode) (*session, *verdict) {
	port := t.relay.cfg.Port
	if t.way.smart != nil {
		port = t.way.smart.Port
	}
	dialled, stop := context.WithTimeout(ctx, t.relay.cfg.Limits.Connect)
	defer stop()
	conn, err := t.relay.cfg.Dial(dialled, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(int(port))))
	if err != nil {
		return nil, waiting("remote.unreachable", "4.4.1").at(t.host.name, cause(err))
	}
	c := smtp.NewClient(conn, t.relay.cfg.Hostname)
	c.SetWaits(t.relay.cfg.Waits)
	s := &session{relay: t.relay, client: c, way: t.way, host: t.host.name, addr: ip, guard: t.guard}
	s.guard.mode = mode
	v := s.greet(ctx)
	if v == nil && t.need && !s.requireTLS() {
		v = failed("remote.requiretls", "5.7.30").at(s.host, "")
	}
	if v != nil {
		s.leave()
		return nil, v
	}
	return s, nil
}
