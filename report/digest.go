package report

import (
	"cmp"
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/tlspolicy"
)

// Kind is what a report is about.
type Kind string

// Kinds of reports.
const (
	DMARC Kind = "dmarc"
	TLS   Kind = "tls"
)

const (
	// maxSources is how many sources a digest names: those with most failures, then with most messages.
	maxSources = 100
	// maxGathered is how many are told apart while a report is read.
	maxGathered = 10_000
)

// Digest is what is kept of a report that came in.
type Digest struct {
	ID           mail.ObjectID `json:"-"`
	Kind         Kind          `json:"kind"`
	Received     time.Time     `json:"received"`
	From         string        `json:"from"`   // the address in the mail's From
	Proved       bool          `json:"proved"` // the mail is from there indeed; otherwise it may be anybody's
	Organization string        `json:"organization"`
	Report       string        `json:"report"` // its id, as the organization gave it
	Domain       string        `json:"domain"` // what it is about
	Begin        time.Time     `json:"begin"`
	End          time.Time     `json:"end"`
	Policy       string        `json:"policy"` // of DMARC: "reject"; of TLS: the types of policies, "sts tlsa"
	Passed       int64         `json:"passed"` // messages or sessions
	Failed       int64         `json:"failed"`
	Sources      []Source      `json:"sources,omitempty"`  // of DMARC
	Failures     []Failure     `json:"failures,omitempty"` // of TLS
}

// Source is a host that sent mail with the domain in its From.
type Source struct {
	IP          netip.Addr `json:"ip"`
	HeaderFrom  string     `json:"headerFrom"`
	Passed      int64      `json:"passed"`
	Failed      int64      `json:"failed"`
	DKIM        int64      `json:"dkim"` // messages with an aligned signature
	SPF         int64      `json:"spf"`  // messages with an aligned sender
	Quarantined int64      `json:"quarantined,omitempty"`
	Rejected    int64      `json:"rejected,omitempty"`
}

// Failure is a way in which sessions failed.
type Failure struct {
	Result tlspolicy.ResultType `json:"result"`
	MX     string               `json:"mx,omitempty"`
	Count  int64                `json:"count"`
	Reason string               `json:"reason,omitempty"`
}

// gathering adds up the rows of a report while it is read.
type gathering struct {
	digest  Digest
	sources map[source]*Source
}

type source struct {
	ip   netip.Addr
	from string
}

// row takes in one row.
func (g *gathering) row(r *dmarc.Row) {
	n := min(r.Count, 1<<40)
	if r.Passed() {
		g.digest.Passed += n
	} else {
		g.digest.Failed += n
	}
	key := source{r.Source, r.HeaderFrom}
	one := g.sources[key]
	if one == nil {
		if len(g.sources) >= maxGathered {
			return
		}
		one = &Source{IP: r.Source, HeaderFrom: r.HeaderFrom}
		g.sources[key] = one
	}
	one.add(r, n)
}

func (s *Source) add(r *dmarc.Row, n int64) {
	if r.Passed() {
		s.Passed += n
	} else {
		s.Failed += n
	}
	if r.DKIM {
		s.DKIM += n
	}
	if r.SPF {
		s.SPF += n
	}
	switch r.Disposition {
	case dmarc.DispositionQuarantine:
		s.Quarantined += n
	case dmarc.DispositionReject:
		s.Rejected += n
	}
}

// finish puts the sources into order.
func (g *gathering) finish() Digest {
	for _, one := range g.sources {
		g.digest.Sources = append(g.digest.Sources, *one)
	}
	slices.SortFunc(g.digest.Sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(b.Passed, a.Passed), a.IP.Compare(b.IP), cmp.Compare(a.HeaderFrom, b.HeaderFrom))
	})
	g.digest.Sources = g.digest.Sources[:min(len(g.digest.Sources), maxSources)]
	return g.digest
}

// ofKind marks the digests of a kind, aboutDomain those about a domain.
func ofKind(k Kind) store.Key { return store.Key{Name: "reports", Value: string(k)} }

func aboutDomain(k Kind, domain string) store.Key {
	return store.Key{Name: "reports", Value: string(k) + " " + domain}
}

// keep writes a digest. One that is there already (RFC 9990 §3.5.4) stays as it is. Past MaxReports the oldest goes.
func (s *Service) keep(ctx context.Context, tenant mail.TenantID, d *Digest) error {
	b, err := json.Marshal(d)
	if err != nil {
		return mail.Because("report.keep", mail.Other, "report.damaged", err)
	}
	o := store.Object{
		Kind: kindDigest, Doc: b, Secret: true,
		Unique: []store.Key{{Name: "report", Value: string(d.Kind) + " " + d.Domain + " " + d.Organization + " " + d.Report}},
		Marks:  []store.Key{ofKind(d.Kind), aboutDomain(d.Kind, d.Domain)},
	}
	err = s.cfg.Store.Tenant(tenant).Update(ctx, queue.Worker(), "report.Receive", func(tx store.Tx) error {
		n, err := tx.CountMarked(kindDigest, ofKind(d.Kind))
		if err != nil {
			return err
		}
		if n >= s.most {
			if err := removeFirst(tx, ofKind(d.Kind), n-s.most+1); err != nil {
				return err
			}
		}
		o.ID = mail.ObjectID(tx.NextID())
		_, err = tx.PutObject(o)
		return err
	})
	if mail.Is(err, mail.Conflict) {
		return nil
	}
	return mail.Wrap("report.keep", err)
}

// removeFirst removes the oldest n digests with a mark.
func removeFirst(tx store.Tx, mark store.Key, n int) error {
	objects, err := tx.Marked(kindDigest, mark, store.Page{Limit: min(n, objectsPerCommit)})
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := tx.DeleteObject(kindDigest, o.ID, o.Version); err != nil {
			return err
		}
	}
	return nil
}

// Reports lists what others reported to a tenant, in the order in which it came, behind an id, at most limit (0: store.MaxPage).
// domain is what they are about; "" = all.
func (s *Service) Reports(ctx context.Context, tenant mail.TenantID, kind Kind, domain string, page store.Page) (list []Digest, err error) {
	mark := ofKind(kind)
	if domain != "" {
		mark = aboutDomain(kind, domain)
	}
	err = s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		list = nil
		objects, err := r.Marked(kindDigest, mark, page)
		if err != nil {
			return err
		}
		for _, o := range objects {
			d := Digest{ID: o.ID}
			if err := json.Unmarshal(o.Doc, &d); err != nil {
				return mail.Because("report.Reports", mail.Other, "report.damaged", err)
			}
			list = append(list, d)
		}
		return nil
	})
	return list, mail.Wrap("report.Reports", err)
}

// Expire removes digests that are older than 90 days, of all tenants.
func (s *Service) Expire(ctx context.Context) error {
	const op = "report.Expire"
	tenants, err := s.cfg.Store.Tenants(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	for _, id := range tenants {
		if err := removeOld(ctx, s.cfg.Store.Tenant(id), kindDigest, s.now().Add(-keepFor)); err != nil && !mail.Is(err, mail.NotFound) {
			return mail.Wrap(op, err)
		}
	}
	return nil
}

// removeOld removes the objects of a kind that were last written before a time. Their ids are in the order of time, so it
// ends at the first younger one.
func removeOld(ctx context.Context, t store.Tenant, kind string, before time.Time) error {
	for {
		var old []store.Object
		err := t.View(ctx, func(r store.Reader) error {
			objects, err := r.Objects(kind, store.Page{Limit: objectsPerCommit})
			i := slices.IndexFunc(objects, func(o store.Object) bool { return !o.Changed.Before(before) })
			if old = objects; i >= 0 {
				old = objects[:i]
			}
			return err
		})
		if err != nil || len(old) == 0 {
			return mail.Wrap("report.removeOld", err)
		}
		err = t.Update(ctx, queue.Worker(), "report.Expire", func(tx store.Tx) error {
			for _, o := range old {
				if err := tx.DeleteObject(kind, o.ID, o.Version); err != nil && !mail.Is(err, mail.NotFound) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return mail.Wrap("report.removeOld", err)
		}
	}
}
