package domains

import (
	"context"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/dns"
)

// verifyTimeout is how long the DNS is waited for when somebody wants to show that a domain is the company's.
const verifyTimeout = 10 * time.Second

// Verify looks up the TXT record that shows that a domain is the company's, and verifies the domain where it is there (see
// directory.Ownership). Administrators of policy, and operators. Conflict "domain.no_challenge" where the record is missing or
// another; Unavailable "dns.failed" where the DNS could not be asked, from which nothing follows.
func (c *Company) Verify(ctx context.Context, by mail.Actor, l dns.Lookup, domain string) (directory.Domain, error) {
	const op = "domains.Verify"
	if err := c.may(ctx, by, op, manages); err != nil {
		return directory.Domain{}, err
	}
	company := c.s.dir.Company(c.id)
	d, err := company.Domain(ctx, domain)
	if err != nil {
		return directory.Domain{}, mail.Wrap(op, err)
	}
	late, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	name, _ := d.Challenge()
	texts, _, err := l.TXT(late, name)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return directory.Domain{}, mail.Wrap(op, err)
	}
	d, err = company.VerifyDomain(ctx, by, d.Name, texts)
	return d, mail.Wrap(op, err)
}
