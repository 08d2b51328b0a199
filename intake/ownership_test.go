package intake_test

import (
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// TestSV2UnverifiedDomainsTakeNoPart gives a company a domain that nobody answers for yet: nothing is taken for it from outside, and
// nobody sends as it, neither after signing in nor from the company's network.
func TestSV2UnverifiedDomainsTakeNoPart(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 1, "10.1.0.0/16")[0]
	c := h.dir.Company(user.Tenant)
	_, err := c.AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: "new.example", Plan: directory.Plan100MB, IDs: 10, Unverified: true})
	h.must(err)
	h.must(c.AddAlias(h.ctx, h.ops, addr("user0@new.example"), user.ID))
	in := letter{origin: outside, from: "x@elsewhere.example", to: []string{"user0@new.example"}, text: "Subject: x\r\n\r\nx\r\n"}
	out := letter{origin: secure, who: h.signIn("user0@alpha.example"), from: "user0@new.example", to: []string{"user0@alpha.example"}, text: "From: user0@new.example\r\n\r\nx\r\n"}
	copier := letter{origin: vpn("10.1.0.1"), from: "copier@new.example", to: []string{"user0@alpha.example"}, text: "From: copier@new.example\r\n\r\nx\r\n"}
	_, err = h.send(in)
	h.says(err, mail.Denied, "relay.denied")
	for _, l := range []letter{out, copier} {
		_, err = h.send(l)
		h.says(err, mail.Denied, "domain.unverified")
	}
	_, err = c.VouchDomain(h.ctx, h.ops, "new.example", "register")
	h.must(err)
	for _, l := range []letter{in, out, copier} {
		_, err = h.send(l)
		h.must(err)
	}
}
