package domains

import (
	"context"
	"hash/maphash"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mailauth/dkim"
)

// ring are the keys of a domain in memory, as of an epoch of its tenant. It does not change once it can be found.
type ring struct {
	epoch   uint64
	version uint64 // of the object
	doc     *keysDoc
	signers []dkim.Key // of the active generation
}

// Signers gives the keys that sign for a domain now: RSA and Ed25519, made if it has none. They are kept
// in memory; with nothing changed this costs no I/O. Tenant 0 is the platform, whose domain is its host name. NotFound
// "domain.unknown" for a domain that is not the tenant's.
func (s *Service) Signers(ctx context.Context, tenant mail.TenantID, domain string) ([]dkim.Key, error) {
	r, err := s.ring(ctx, "domains.Signers", tenant, domain)
	if err != nil {
		return nil, err
	}
	return r.signers, nil
}

// ring gives the keys of a domain as they are now.
func (s *Service) ring(ctx context.Context, op mail.Op, tenant mail.TenantID, domain string) (*ring, error) {
	at, err := s.place(ctx, op, tenant, domain)
	if err != nil {
		return nil, err
	}
	if r, ok := s.rings.get(at); ok && r.epoch == s.handle(tenant).Epoch() {
		return r, nil
	}
	mu := &s.making[maphash.Comparable(s.seed, at)%uint64(len(s.making))]
	mu.Lock()
	defer mu.Unlock()
	epoch := s.handle(tenant).Epoch() // before reading: what changes meanwhile makes it stale
	have, ok := s.rings.get(at)
	if ok && have.epoch == epoch {
		return have, nil
	}
	r, err := s.readRing(ctx, at, have)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	r.epoch = epoch
	s.rings.put(at, r)
	return r, nil
}

// readRing reads the keys of a domain, or makes them. Keys that have not changed since have are not parsed again.
func (s *Service) readRing(ctx context.Context, at place, have *ring) (*ring, error) {
	doc, version, err := s.readKeys(ctx, at)
	if err == nil && version == 0 {
		doc, version, err = s.makeKeys(ctx, at)
	}
	if err != nil {
		return nil, err
	}
	r := &ring{version: version, doc: doc}
	if have != nil && have.version == version {
		r.doc, r.signers = have.doc, have.signers
		return r, nil
	}
	if g := doc.in(KeyActive); g != nil {
		for _, p := range g.Keys {
			k, err := p.signer(at.domain)
			if err != nil {
				return nil, err
			}
			r.signers = append(r.signers, k)
		}
	}
	return r, nil
}

// readKeys gives the stored keys of a domain; version 0 where it has none.
func (s *Service) readKeys(ctx context.Context, at place) (doc *keysDoc, version uint64, err error) {
	err = s.handle(at.tenant).View(ctx, func(r store.Reader) error {
		doc = &keysDoc{}
		o, _, err := find(r, kindKeys, at.domain, doc)
		version = o.Version
		return err
	})
	return doc, version, mail.Wrap("domains.readKeys", err)
}

// makeKeys makes the first generation of a domain. When another process was faster, its keys are taken.
func (s *Service) makeKeys(ctx context.Context, at place) (doc *keysDoc, version uint64, err error) {
	const op = "domains.makeKeys"
	first, err := newGeneration(at, 1, KeyActive, time.Now())
	if err != nil {
		return nil, 0, err
	}
	err = s.handle(at.tenant).Update(ctx, s.cfg.By, op, func(tx store.Tx) error {
		doc = &keysDoc{}
		o, found, err := find(tx, kindKeys, at.domain, doc)
		if found || err != nil {
			version = o.Version
			return err
		}
		doc = &keysDoc{at.domain, []generation{first}}
		version, err = putKeys(tx, doc)
		return err
	})
	if mail.Is(err, mail.Conflict) {
		return s.readKeys(ctx, at)
	}
	return doc, version, mail.Wrap(op, err)
}
