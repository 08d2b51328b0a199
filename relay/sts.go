package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"tegami/mail"
	"tegami/wire/tlspolicy"
)

const (
	// fetchTime is how long fetching a policy may take.
	fetchTime = 20 * time.Second
	// fetchPause is how long a fetch that failed is not tried again (RFC 8461 §3.3).
	fetchPause = 5 * time.Minute
	// refreshAfter is the age at which a policy is fetched again although its id is the same, so that who suppresses our
	// fetches must do so for all of its life (RFC 8461 §10.2).
	refreshAfter = 24 * time.Hour
	// maxFetches is how many policies are fetched at a time.
	maxFetches = 32
	// maxHeaders bounds the header of an answer, in octets.
	maxHeaders = 16 << 10
)

// A StoredPolicy is a domain's MTA-STS policy as it was fetched.
type StoredPolicy struct {
	tlspolicy.Policy
	ID      string    // of the record it was fetched for
	Fetched time.Time // it counts for MaxAge from here on
}

// A PolicyStore keeps MTA-STS policies over restarts: who can suppress the DNS and HTTPS of a domain at our start must not
// thereby get its mail in plain. Put overwrites; a store may forget what is past its MaxAge.
type PolicyStore interface {
	Policy(ctx context.Context, domain string) (StoredPolicy, bool, error)
	PutPolicy(ctx context.Context, domain string, p StoredPolicy) error
}

// policy is one that applies: its mode is enforce or testing.
type policy struct{ StoredPolicy }

// applied is the policy as reports name it.
func (p *policy) applied(domain string) tlspolicy.AppliedPolicy {
	return tlspolicy.AppliedPolicy{Type: tlspolicy.PolicySTS, Domain: domain, Text: p.Lines(), MX: p.MX}
}

// policies are the MTA-STS policies of domains.
type policies struct {
	relay   *Relay
	fetches chan struct{}

	mu      sync.Mutex
	domains map[string]*standing
}

// standing is what is known of a domain. Its lock is held while the policy is fetched, so that it is fetched once.
type standing struct {
	mu    sync.Mutex
	have  StoredPolicy // Fetched is zero: none
	asked bool         // the PolicyStore was asked
	next  time.Time    // no fetch before
}

func newPolicies(r *Relay) *policies {
	return &policies{relay: r, fetches: make(chan struct{}, maxFetches), domains: make(map[string]*standing)}
}

// find gives the policy of a domain, nil where none applies. A policy that is known counts until it is too old, whatever the
// DNS says now or can't say; only a record with a new id makes us fetch another (RFC 8461 §3.1, §5.1).
func (p *policies) find(ctx context.Context, domain string) *policy {
	texts, _, err := p.relay.cfg.Lookup.TXT(ctx, tlspolicy.STSName(domain))
	id := ""
	if err == nil {
		id, err = tlspolicy.ParseRecords(texts)
	}
	if mail.Is(err, mail.Invalid) {
		p.relay.saw(tlspolicy.AppliedPolicy{Type: tlspolicy.PolicySTS, Domain: domain}, &tlspolicy.Failure{Result: tlspolicy.ResultOf(err), Reason: clean(err.Error())})
	}
	s := p.standing(domain)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.recall(ctx, domain, s)
	now := time.Now()
	if now.Sub(s.have.Fetched) > s.have.MaxAge {
		s.have = StoredPolicy{}
	}
	if id != "" && now.After(s.next) && (s.have.ID != id || now.Sub(s.have.Fetched) > refreshAfter) {
		p.renew(ctx, domain, id, s)
	}
	if s.have.Mode != tlspolicy.Enforce && s.have.Mode != tlspolicy.Testing {
		return nil
	}
	return &policy{s.have}
}

// standing gives what is known of a domain. Where too many are known some are forgotten: those kept elsewhere come back.
func (p *policies) standing(domain string) *standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.domains[domain]
	if s != nil {
		return s
	}
	for name := range p.domains { // in no order: that of a map
		if len(p.domains) < p.relay.cfg.Limits.Policies {
			break
		}
		delete(p.domains, name)
	}
	s = new(standing)
	p.domains[domain] = s
	return s
}

// recall asks the store, once.
func (p *policies) recall(ctx context.Context, domain string, s *standing) {
	if s.asked || p.relay.cfg.Policies == nil {
		return
	}
	have, ok, err := p.relay.cfg.Policies.Policy(ctx, domain)
	switch {
	case err != nil:
		p.relay.log.Warn("MTA-STS policy not recalled", "domain", domain, "error", err)
		return
	case ok:
		s.have = have
	}
	s.asked = true
}

// renew fetches the policy. One that can't be had leaves the old in force (RFC 8461 §5.1).
func (p *policies) renew(ctx context.Context, domain, id string, s *standing) {
	got, err := p.fetch(ctx, domain)
	switch {
	case err != nil && ctx.Err() != nil: // we were told to stop
		return
	case err != nil:
		s.next = time.Now().Add(fetchPause)
		p.relay.log.Info("MTA-STS policy not fetched", "domain", domain, "error", err)
		p.relay.saw(tlspolicy.AppliedPolicy{Type: tlspolicy.PolicySTS, Domain: domain}, &tlspolicy.Failure{Result: fetchResult(err), Reason: clean(err.Error())})
		return
	}
	s.have = StoredPolicy{got, id, time.Now()}
	if p.relay.cfg.Policies == nil {
		return
	}
	if err := p.relay.cfg.Policies.PutPolicy(ctx, domain, s.have); err != nil {
		p.relay.log.Warn("MTA-STS policy not stored", "domain", domain, "error", err)
	}
}

// fetchResult is what a failed fetch is reported as (RFC 8460 §4.3.2.2).
func fetchResult(err error) tlspolicy.ResultType {
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return tlspolicy.STSWebPKIInvalid
	case mail.Is(err, mail.Invalid):
		return tlspolicy.STSPolicyInvalid
	}
	return tlspolicy.STSPolicyFetchError
}

// fetch gets a policy from its host, RFC 8461 §3.3: over verified HTTPS, without redirects.
func (p *policies) fetch(ctx context.Context, domain string) (tlspolicy.Policy, error) {
	ctx, stop := context.WithTimeout(ctx, fetchTime)
	defer stop()
	select {
	case p.fetches <- struct{}{}:
		defer func() { <-p.fetches }()
	case <-ctx.Done():
		return tlspolicy.Policy{}, ctx.Err()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, tlspolicy.PolicyURL(domain), nil)
	if err != nil {
		return tlspolicy.Policy{}, err
	}
	transport := &http.Transport{
		DialContext: p.dial, TLSClientConfig: &tls.Config{RootCAs: p.relay.cfg.Roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeaders, ForceAttemptHTTP2: true,
	}
	response, err := transport.RoundTrip(request) // a client would follow redirects
	if err != nil {
		return tlspolicy.Policy{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return tlspolicy.Policy{}, fmt.Errorf("the policy's host answered %s", response.Status)
	}
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != tlspolicy.PolicyMediaType {
		return tlspolicy.Policy{}, fmt.Errorf("the policy is of type %q", media)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, tlspolicy.MaxPolicy+1))
	if err != nil {
		return tlspolicy.Policy{}, err
	}
	return tlspolicy.ParsePolicy(text)
}

// dial connects to a policy's host: at addresses of our own resolver, and only where mail might go too.
func (p *policies) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, _, err := p.relay.cfg.Lookup.Addrs(ctx, name)
	if err != nil {
		return nil, err
	}
	err = errForbidden
	for _, ip := range alternate(addrs)[:min(len(addrs), p.relay.cfg.Limits.Addresses)] {
		if !p.relay.mayConnect(&way{}, ip) {
			continue
		}
		if conn, err = p.connect(ctx, network, ip, port); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

func (p *policies) connect(ctx context.Context, network string, ip netip.Addr, port string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, fetchTime/2) // one address that is silent leaves time for another
	defer stop()
	return p.relay.cfg.Dial(ctx, network, net.JoinHostPort(ip.String(), port))
}

// errForbidden: none of the host's addresses may be connected to.
var errForbidden = errors.New("the policy's host has no address of the public internet")
