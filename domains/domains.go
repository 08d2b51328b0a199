package domains

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
	"tegami/store"
)

// Config is what the service needs beside its store and the directory.
type Config struct {
	// Hostname is this platform's name: where clients connect to and what the platform signs its own mail as.
	Hostname string
	// MX are the hosts that take mail for our domains, best first. Empty: Hostname.
	MX []string
	// SPF is what the SPF records of our domains must contain for our hosts to be allowed to send (RFC 7208 §5): one or more
	// mechanisms. Empty: "a:" and Hostname.
	SPF string
	// By is under what keys are made when somebody first asks for them, and rotated (queue.Worker).
	By mail.Actor
	// Ports tells where clients of a zone connect. nil: the standard ports.
	Ports func(mail.Zone) Ports
	// RotateAfter is the age at which Tend makes the next generation of keys. 0 = a year, below: never.
	RotateAfter time.Duration
	Log         *slog.Logger // nil: none
}

// Ports are those of the services for mail software with TLS from the first octet; 0 where the service is not offered.
type Ports struct{ SMTPS, POP3S, IMAPS uint16 }

// standardPorts are those of RFC 8314 §7.
var standardPorts = Ports{SMTPS: 465, POP3S: 995, IMAPS: 993}

// Limits and lifetimes.
const (
	// RetiredFor is how long a key stays published when it signs no more: longer than any mail signed with it is under way.
	RetiredFor = 8 * 24 * time.Hour
	// MaxGenerations is how many generations of keys a domain can have at once.
	MaxGenerations   = 6
	yearly           = 365 * 24 * time.Hour
	cachedRings      = 10_000 // domains whose keys are in memory, about 8 KiB each
	cachedSignatures = 4_096  // signatures in memory, about 1 KiB each
	signatureLife    = 10 * time.Minute
	cachedRoutes     = 10_000 // domains whose smart host is in memory
)

// A Service looks after the domains of an installation. Its methods may be called from many goroutines.
type Service struct {
	store store.Store
	dir   *directory.Directory
	cfg   Config
	log   *slog.Logger
	seed  maphash.Seed

	rings   *recent[place, *ring]
	making  [64]sync.Mutex // of loading and making the keys of a domain, by its hash
	signed  *signatures
	leaving *recent[place, *leaving]
}

// place is a domain of a tenant.
type place struct {
	tenant mail.TenantID // 0: the platform
	domain string
}

// New makes the service over a store and its directory.
func New(st store.Store, dir *directory.Directory, cfg Config) *Service {
	if name, ok := mail.ParseDomain(cfg.Hostname); ok {
		cfg.Hostname = name
	}
	if len(cfg.MX) == 0 {
		cfg.MX = []string{cfg.Hostname}
	}
	if cfg.SPF == "" {
		cfg.SPF = "a:" + cfg.Hostname
	}
	if cfg.RotateAfter == 0 {
		cfg.RotateAfter = yearly
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		store: st, dir: dir, cfg: cfg, log: obs.Named(cfg.Log, "domains"), seed: maphash.MakeSeed(),
		rings: newRecent[place, *ring](cachedRings), leaving: newRecent[place, *leaving](cachedRoutes),
		signed: newSignatures(cachedSignatures),
	}
}

// handle gives the store of a tenant, or the platform's.
func (s *Service) handle(tenant mail.TenantID) store.Tenant {
	if tenant.IsZero() {
		return s.store.Platform()
	}
	return s.store.Tenant(tenant)
}

// place gives the canonical form of a domain of a tenant. NotFound "domain.unknown" where it is not the
// tenant's, "tenant.unknown" for a tenant there is none of.
func (s *Service) place(ctx context.Context, op mail.Op, tenant mail.TenantID, domain string) (place, error) {
	name, ok := mail.ParseDomain(domain)
	if tenant.IsZero() {
		if !ok || name != s.cfg.Hostname {
			return place{}, mail.E(op, mail.NotFound, "domain.unknown", domain)
		}
		return place{0, name}, nil
	}
	if _, err := s.dir.Tenant(ctx, tenant); err != nil {
		return place{}, mail.Wrap(op, err)
	}
	owner, ours, err := s.dir.LocalDomain(ctx, name)
	if err != nil {
		return place{}, mail.Wrap(op, err)
	}
	if !ok || !ours || owner != tenant {
		return place{}, mail.E(op, mail.NotFound, "domain.unknown", domain)
	}
	return place{tenant, name}, nil
}

// owner gives the place of one of our domains, whosever it is. NotFound "domain.unknown".
func (s *Service) owner(ctx context.Context, op mail.Op, domain string) (place, error) {
	name, ok := mail.ParseDomain(domain)
	tenant, ours, err := s.dir.LocalDomain(ctx, name)
	if err != nil {
		return place{}, mail.Wrap(op, err)
	}
	if !ok || !ours {
		return place{}, mail.E(op, mail.NotFound, "domain.unknown", domain)
	}
	return place{tenant, name}, nil
}

// ports are where clients of a zone connect.
func (s *Service) ports(zone mail.Zone) Ports {
	if s.cfg.Ports == nil {
		return standardPorts
	}
	return s.cfg.Ports(zone)
}
