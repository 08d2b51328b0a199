package domains

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// STSMode is what senders shall do when they can't reach a domain's hosts by TLS with a valid certificate (RFC 8461 §5).
type STSMode string

// The modes.
const (
	STSEnforce STSMode = "enforce" // not deliver
	STSTesting STSMode = "testing" // deliver, and report
	STSNone    STSMode = "none"    // as if there were no policy
)

// How long senders keep a policy, in seconds. One that ends the promise is to be forgotten soon.
const (
	stsMaxAge     = 604_800
	stsMaxAgeNone = 86_400
)

// STSPolicy is the MTA-STS policy of a domain (RFC 8461 §3.2).
type STSPolicy struct {
	Domain string
	Mode   STSMode
	MX     []string
	MaxAge int    // seconds
	ID     string // of the record _mta-sts; another for every other text
	Text   string // what is served as /.well-known/mta-sts.txt
}

// stsDoc is the setting as stored.
type stsDoc struct {
	Domain string  `json:"domain"`
	Mode   STSMode `json:"mode"`
}

// newPolicy writes the policy. Its id follows from its text: whenever the text changes the id does, and a
// sender that knows the id has that very text.
func newPolicy(domain string, mode STSMode, mx []string) STSPolicy {
	p := STSPolicy{Domain: domain, Mode: mode, MX: mx, MaxAge: stsMaxAge}
	if mode == STSNone {
		p.MaxAge = stsMaxAgeNone
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version: STSv1\r\nmode: %s\r\n", mode)
	for _, host := range mx {
		fmt.Fprintf(&b, "mx: %s\r\n", host)
	}
	fmt.Fprintf(&b, "max_age: %d\r\n", p.MaxAge)
	p.Text = b.String()
	sum := sha256.Sum256([]byte(p.Text))
	p.ID = hex.EncodeToString(sum[:10])
	return p
}

// Policy gives the MTA-STS policy of one of our domains, whosever it is, for serving. A domain nobody set a mode for is
// in testing. NotFound "domain.unknown".
func (s *Service) Policy(ctx context.Context, domain string) (STSPolicy, error) {
	const op = "domains.Policy"
	at, err := s.owner(ctx, op, domain)
	if err != nil {
		return STSPolicy{}, err
	}
	return s.policy(ctx, op, at)
}

func (s *Service) policy(ctx context.Context, op mail.Op, at place) (p STSPolicy, err error) {
	doc := stsDoc{Mode: STSTesting}
	err = s.handle(at.tenant).View(ctx, func(r store.Reader) error {
		_, _, err := find(r, kindSTS, at.domain, &doc)
		return err
	})
	return newPolicy(at.domain, doc.Mode, s.cfg.MX), mail.Wrap(op, err)
}

// STS gives the MTA-STS policy of a domain of the tenant. NotFound "domain.unknown".
func (c *Company) STS(ctx context.Context, domain string) (STSPolicy, error) {
	const op = "domains.STS"
	at, err := c.s.place(ctx, op, c.id, domain)
	if err != nil {
		return STSPolicy{}, err
	}
	return c.s.policy(ctx, op, at)
}

// SetSTS sets the mode of a domain's policy. The record _mta-sts must then be given the new id. To enforce
// promises that all hosts of Config.MX have certificates the world trusts; senders hold us to it for a week.
// Administrators and operators. Invalid "sts.mode".
func (c *Company) SetSTS(ctx context.Context, by mail.Actor, domain string, mode STSMode) (STSPolicy, error) {
	const op = "domains.SetSTS"
	if err := c.may(ctx, by, op, manages); err != nil {
		return STSPolicy{}, err
	}
	at, err := c.s.place(ctx, op, c.id, domain)
	if err != nil {
		return STSPolicy{}, err
	}
	if !slices.Contains([]STSMode{STSEnforce, STSTesting, STSNone}, mode) {
		return STSPolicy{}, mail.E(op, mail.Invalid, "sts.mode", string(mode))
	}
	err = c.update(ctx, by, op, manages, func(tx store.Tx) error {
		_, err := save(tx, kindSTS, at.domain, false, stsDoc{at.domain, mode})
		return err
	})
	return newPolicy(at.domain, mode, c.s.cfg.MX), err
}
