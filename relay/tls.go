package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tegami/domains"
	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/tlspolicy"
)

// tlsMode is how a connection is protected.
type tlsMode uint8

const (
	tlsMay      tlsMode = iota // STARTTLS where it is offered and works
	tlsMust                    // STARTTLS, or another host
	tlsImplicit                // TLS from the first octet
	tlsNever                   // plain
)

// A guard is what the TLS of a host must prove, and by whose word.
type guard struct {
	mode   tlsMode
	tlsa   []dns.TLSA // DANE: usable records
	base   string     // DANE: the name the records are of
	names  []string   // DANE: those a certificate may be for
	policy *policy    // MTA-STS, and the host is one of its; nil with DANE
	pkix   bool       // a smart host: a certificate for its name is demanded
	// certain: nobody can have put the host's name between us and the domain, so that a certificate for that name
	// proves the domain's host (RFC 8689 §4.2.1).
	certain bool
	dane    bool // authentic TLSA records are there, usable or not
}

// protect finds out what the TLS of the host must prove: DANE goes before MTA-STS (RFC 8461 §2). secure
// says that DNSSEC vouches for the way from the domain to the host's addresses.
func (t *tour) protect(ctx context.Context, secure bool) *verdict {
	t.guard = guard{certain: t.host.secure && t.host.name[0] != '['}
	if t.way.smart != nil {
		t.guard.smartHost(t.way.smart.TLS)
		return nil
	}
	if secure {
		if v := t.dane(ctx); v != nil || t.guard.dane {
			return v
		}
	}
	if t.policy == nil {
		return nil
	}
	matches := t.policy.Matches(t.host.name)
	if !matches {
		t.relay.saw(t.policy.applied(t.way.domain), &tlspolicy.Failure{Result: tlspolicy.ValidationFailure, MX: t.host.name, Reason: "mx-mismatch"})
		if t.policy.Mode == tlspolicy.Enforce { // RFC 8461 §4.1: no such host of the domain
			return waiting("remote.tls", "4.7.0")
		}
		return nil
	}
	t.guard.policy, t.guard.certain = t.policy, true
	if t.policy.Mode == tlspolicy.Enforce {
		t.guard.mode = tlsMust
	}
	return nil
}

// smartHost is what the setting of a smart host demands.
func (g *guard) smartHost(mode domains.TLSMode) {
	switch mode {
	case domains.TLSStart:
		g.mode, g.pkix = tlsMust, true
	case domains.TLSImplicit:
		g.mode, g.pkix = tlsImplicit, true
	case domains.TLSOff:
		g.mode = tlsNever
	}
}

// dane looks for TLSA records (RFC 7672 §2.2): under the name the host's is an alias of, where that is authentic too, then
// under its own. Where they can't be had the host is not spoken with, or an attacker need only break the lookup.
func (t *tour) dane(ctx context.Context) *verdict {
	bases := []string{t.host.name}
	if canonical, meta, err := t.relay.cfg.Lookup.CNAME(ctx, t.host.name); err == nil && meta.Authentic && canonical != t.host.name {
		bases = []string{strings.TrimSuffix(canonical, "."), t.host.name}
	}
	for _, base := range bases {
		records, meta, err := t.relay.cfg.Lookup.TLSA(ctx, tlspolicy.TLSAName(base, 25)) // the port of mail, also where tests use another
		switch {
		case mail.Is(err, mail.NotFound):
			continue
		case err != nil:
			t.relay.saw(tlspolicy.AppliedPolicy{Type: tlspolicy.PolicyTLSA, Domain: t.way.domain},
				&tlspolicy.Failure{Result: tlspolicy.DNSSECInvalid, MX: t.host.name})
			return waiting("remote.tls", "4.7.5")
		case !meta.Authentic || len(records) == 0:
			continue
		}
		t.guard.dane, t.guard.mode, t.guard.base = true, tlsMust, base
		t.guard.tlsa = tlspolicy.UsableTLSA(records) // none: TLS is a must, nobody's word for it is (RFC 7672 §2.2)
		t.guard.names = append([]string{base, t.way.domain}, bases...)
		return nil
	}
	return nil
}

// tlsConfig is how the handshake is made. What the certificate proves is judged afterwards: before, nothing but names is said.
func (s *session) tlsConfig() *tls.Config {
	name := s.host
	if s.guard.base != "" {
		name = s.guard.base // RFC 7672 §8.1
	}
	if strings.HasPrefix(name, "[") {
		name = ""
	}
	c := &tls.Config{ServerName: name, InsecureSkipVerify: true, ClientSessionCache: s.relay.sessions, MinVersion: tls.VersionTLS12}
	if s.guard.mode == tlsMay {
		c.MinVersion = tls.VersionTLS10 // the worst TLS is better than none, which is what would come instead
	}
	return c
}

// prove judges the certificate by what the guard asks for, and reports it.
func (s *session) prove() *verdict {
	g := &s.guard
	var err error
	switch {
	case len(g.tlsa) > 0:
		err = tlspolicy.VerifyDANE(g.tlsa, g.names, s.client.TLS().PeerCertificates)
	case g.policy != nil || g.pkix:
		err = s.verifyPKIX()
	default:
		s.report("", "")
		return nil
	}
	s.proven = err == nil
	if err == nil {
		s.report("", "")
		return nil
	}
	if g.mode == tlsMay { // MTA-STS's testing mode
		s.report(tlspolicy.ResultOf(err), err.Error())
		return nil
	}
	return s.tlsFailed(tlspolicy.ResultOf(err), err)
}

// tlsFailed is the verdict of TLS that did not come about, or proved nothing.
func (s *session) tlsFailed(result tlspolicy.ResultType, err error) *verdict {
	s.report(result, err.Error())
	return waiting("remote.tls", "4.7.5").at(s.host, cause(err))
}

// verifyPKIX checks that an authority we trust says that the certificate is the host's.
func (s *session) verifyPKIX() error {
	chain := s.client.TLS().PeerCertificates
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: s.host, Roots: s.relay.cfg.Roots, Intermediates: between, CurrentTime: time.Now()})
	return err
}

// requireTLS tells whether the session may carry mail that asks for REQUIRETLS: the host proved that it is the domain's, and
// promises to demand the same of the next (RFC 8689 §4.2.1).
func (s *session) requireTLS() bool {
	if s.client.TLS() == nil || !s.offers("REQUIRETLS") {
		return false
	}
	if s.proven {
		return true
	}
	return s.guard.certain && len(s.guard.tlsa) == 0 && s.verifyPKIX() == nil
}

// A TLSReporter hears of the TLS of connections to other hosts, for the reports of RFC 8460.
type TLSReporter interface {
	// SawTLS is told of one session under a policy of a domain; failure is nil when it went well. Of failure, Count is not
	// set. It must not wait, and may be called from many goroutines.
	SawTLS(policy tlspolicy.AppliedPolicy, failure *tlspolicy.Failure)
}

func (r *Relay) saw(p tlspolicy.AppliedPolicy, f *tlspolicy.Failure) {
	if r.cfg.Reports != nil {
		r.cfg.Reports.SawTLS(p, f)
	}
}

// report tells the reporter of the session; result is "" for one that went well. Smart hosts and address literals have no
// domain that could be told.
func (s *session) report(result tlspolicy.ResultType, reason string) {
	if s.relay.cfg.Reports == nil || s.way.smart != nil || s.way.domain[0] == '[' || s.guard.mode == tlsNever {
		return
	}
	p := tlspolicy.AppliedPolicy{Type: tlspolicy.PolicyNone, Domain: s.way.domain}
	switch {
	case s.guard.dane:
		p.Type = tlspolicy.PolicyTLSA
		for _, r := range s.guard.tlsa {
			p.Text = append(p.Text, fmt.Sprintf("%s. IN TLSA %d %d %d %s", tlspolicy.TLSAName(s.guard.base, 25), r.Usage, r.Selector, r.Matching, hex.EncodeToString(r.Data)))
		}
	case s.guard.policy != nil:
		p = s.guard.policy.applied(s.way.domain)
	}
	var f *tlspolicy.Failure
	if result != "" {
		f = &tlspolicy.Failure{Result: result, MX: s.host, ReceivingIP: s.addr.String(), Reason: clean(reason)}
	}
	s.relay.saw(p, f)
}
