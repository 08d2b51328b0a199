package domains_test

import (
	"testing"

	"tegami/directory"
	"tegami/domains"
	"tegami/mail"
	"tegami/wire/dns/dnstest"
)

// TestSV2VerifyAsksTheDNS looks the challenge up: absent, wrong, behind an outage, and there among others.
func TestSV2VerifyAsksTheDNS(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	owner := h.admin(alpha, "sato@alpha.example")
	d, err := h.dir.Company(alpha).AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "new.example", Plan: directory.Plan3GB, IDs: 10, Unverified: true})
	h.must(err)
	c, names := h.Company(alpha), dnstest.Zone("")
	name, text := d.Challenge()
	_, err = c.Verify(h.ctx, owner, names, "new.example")
	h.says(err, mail.Conflict, "domain.no_challenge")
	if _, args := mail.TextOf(err); len(args) != 2 || args[0] != name || args[1] != text {
		t.Errorf("the answer names %v", args)
	}
	names.Add(name + `. TXT "tegami-verification=somebody-else"`)
	_, err = c.Verify(h.ctx, owner, names, "new.example")
	h.says(err, mail.Conflict, "domain.no_challenge")
	names.Fail(name)
	_, err = c.Verify(h.ctx, owner, names, "new.example")
	h.says(err, mail.Unavailable, "dns.failed")
	names.Heal(name)
	names.Add(name + `. TXT "` + text + `"`)
	d, err = c.Verify(h.ctx, owner, names, "new.example")
	h.must(err)
	if d.Owner.State != directory.OwnerVerified {
		t.Errorf("owned as %+v", d.Owner)
	}
	_, err = c.Verify(h.ctx, owner, names, "elsewhere.example")
	h.says(err, mail.NotFound, "domain.unknown")

	user := h.user(alpha, "suzuki@alpha.example")
	_, err = c.Verify(h.ctx, user, names, "new.example")
	h.says(err, mail.Denied, "actor.denied")
	records, err := c.Records(h.ctx, "new.example")
	h.must(err)
	if len(records) == 0 || domains.Required != records[0].Need {
		t.Errorf("the records are %+v", records)
	}
}
