package intake_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/intake"
	"tegami/mail"
	"tegami/policy"
	"tegami/wire/dns/dnstest"
	"tegami/wire/mailauth/dkim"
)

// names is the DNS of those who write to us. 192.0.2.7 is where outside comes from.
func names(key ed25519.PublicKey) *dnstest.Names {
	return dnstest.Zone(`
		good.example.                  TXT "v=spf1 ip4:192.0.2.7 -all"
		_dmarc.good.example.           TXT "v=DMARC1; p=reject"
		strict.example.                TXT "v=spf1 -all"
		_dmarc.strict.example.         TXT "v=DMARC1; p=reject"
		s1._domainkey.strict.example.  TXT "` + dkim.FormatRecord(key) + `"
		_dmarc.careful.example.        TXT "v=DMARC1; p=quarantine"
		_dmarc.plain.example.          TXT "v=DMARC1; p=none"
	`)
}

// TestAuthentication judges mail from outside by SPF, DKIM and DMARC, and says what was found.
func TestAuthentication(t *testing.T) {
	pub, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	zone := names(pub)
	zone.Fail("broken.example")
	zone.Fail("_dmarc.broken.example")
	h := newHouse(t, func(c *intake.Config) { c.Lookup = zone })
	user := h.company("alpha.example", 10)[0]
	text := func(from string) string { return "From: " + from + "\r\nSubject: x\r\n\r\nHello.\r\n" }
	header, body, _ := strings.Cut(text("x@strict.example"), "\r\n\r\n")
	signature, err := dkim.Sign([]byte(header+"\r\n\r\n"), strings.NewReader(body), []dkim.Key{{Domain: "strict.example", Selector: "s1", Signer: private}}, dkim.Options{Time: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, text string
		refused    string
		results    []string
		spam       bool
	}{
		"SPF passes":        {"x@good.example", text("x@good.example"), "", []string{"spf=pass", "dmarc=pass"}, false},
		"SPF fails":         {"x@strict.example", text("x@strict.example"), "dmarc.rejected", nil, false},
		"signed":            {"x@strict.example", string(signature) + text("x@strict.example"), "", []string{"spf=fail", "dkim=pass", "dmarc=pass"}, false},
		"signed, changed":   {"x@strict.example", string(signature) + text("y@strict.example"), "dmarc.rejected", nil, false},
		"another envelope":  {"x@good.example", text("x@strict.example"), "dmarc.rejected", nil, false},
		"quarantine":        {"x@good.example", text("x@careful.example"), "", []string{"dmarc=fail"}, true},
		"none":              {"x@good.example", text("x@plain.example"), "", []string{"dmarc=fail"}, false},
		"no record":         {"x@nothing.example", text("x@nothing.example"), "", []string{"spf=none", "dmarc=none"}, false},
		"DNS does not work": {"x@broken.example", text("x@broken.example"), "", []string{"spf=temperror", "dmarc=temperror"}, false},
		"a group":           {"x@nothing.example", text("boss: x@nothing.example;"), "", []string{"dmarc=none"}, false},
		"an encoded domain": {"x@good.example", text("ceo@=?utf-8?q?strict.example?="), "", []string{"spf=pass"}, true},
		"only a name":       {"x@good.example", text("ceo@strict.example <>"), "", []string{"spf=pass"}, true},
		"claims a result":   {"x@nothing.example", "Authentication-Results: mx.tegami.example; dmarc=pass\r\n" + text("x@nothing.example"), "", []string{"X-Untrusted-Auth-Claim: mx.tegami.example; dmarc=pass", "dmarc=none"}, false},
	} {
		before := len(h.inbox(user))
		_, err := h.send(letter{outside, nil, c.from, []string{user.Address.String()}, c.text})
		if key, _ := mail.TextOf(err); key != c.refused {
			t.Errorf("%s: %v, want %q", name, err, c.refused)
			continue
		}
		if got := h.inbox(user); c.refused != "" && len(got) != before || c.refused == "" && len(got) != before+1 {
			t.Errorf("%s: %d messages, before %d", name, len(got), before)
			continue
		}
		if c.refused != "" {
			continue
		}
		got := h.inbox(user)[before].text
		if !strings.Contains(got, "\r\nAuthentication-Results: mx.tegami.example;") {
			t.Errorf("%s: no results in\n%s", name, got)
		}
		for _, want := range c.results {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s in\n%s", name, want, got)
			}
		}
		items := h.items(user.Tenant)
		last := items[len(items)-1]
		if _, err := policy.ParseFacts(last.Facts); err != nil || last.Spam != c.spam {
			t.Errorf("%s: facts %v, spam %v", name, err, last.Spam)
		}
	}
	h.check()
}

// TestTheAuthenticatedAuthorCounts keeps the address that was authenticated with the item, whatever stands before it.
func TestTheAuthenticatedAuthorCounts(t *testing.T) {
	h := newHouse(t, func(c *intake.Config) { c.Lookup = names(make(ed25519.PublicKey, ed25519.PublicKeySize)) })
	user := h.company("alpha.example", 10)[0]
	for _, shown := range []string{"boss: x@good.example;", "boss@, x@good.example", "x@good.example\r\nSender: boss@alpha.example"} {
		h.accepted(letter{outside, nil, "x@good.example", []string{user.Address.String()}, "From: " + shown + "\r\n\r\nHello.\r\n"})
	}
	for _, it := range h.items(user.Tenant) {
		if f, err := policy.ParseFacts(it.Facts); err != nil || it.HeaderFrom != "x@good.example" || f.Author != it.HeaderFrom {
			t.Errorf("%q by %q, %v", it.HeaderFrom, f.Author, err)
		}
	}
}

// TestNobodyClaimsOurResults renames what claims to be ours in submissions too: seals of lists and forwards repeat it.
func TestNobodyClaimsOurResults(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	h.accepted(letter{secure, h.signIn("user0@alpha.example"), "user0@alpha.example", []string{"user0@alpha.example"}, "Authentication-Results: mx.tegami.example; dmarc=pass\r\nSubject: x\r\n\r\ny\r\n"})
	if got := h.inbox(user)[0].text; strings.Contains(got, "\nAuthentication-Results:") {
		t.Errorf("a claim of a result was left in\n%s", got)
	}
}

// TestListWithoutOwners refuses mail for them at the door.
func TestListWithoutOwners(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example", 10)[0]
	_, err := h.dir.Company(user.Tenant).AddList(h.ctx, h.ops, addr("team@alpha.example"), directory.ListSpec{})
	h.must(err)
	_, err = h.send(letter{outside, nil, "x@victim.example", []string{"team-owner@alpha.example"}, "From: x@victim.example\r\n\r\nHello.\r\n"})
	h.says(err, mail.NotFound, "recipient.unknown")
}

// TestDMARCOverride lets a tenant take what it would else refuse, for itself alone.
func TestDMARCOverride(t *testing.T) {
	h := newHouse(t, func(c *intake.Config) { c.Lookup = names(make(ed25519.PublicKey, ed25519.PublicKeySize)) })
	alpha, beta := h.company("alpha.example", 10)[0], h.company("beta.example", 10)[0]
	h.must(h.dir.Company(alpha.Tenant).SetSettings(h.ctx, h.ops, directory.Settings{DMARCOverride: directory.DMARCAccept}))
	spoofed := "From: x@strict.example\r\n\r\nHello.\r\n"
	h.accepted(letter{outside, nil, "x@strict.example", []string{alpha.Address.String()}, spoofed})
	_, err := h.send(letter{outside, nil, "x@strict.example", []string{beta.Address.String()}, spoofed})
	h.says(err, mail.Denied, "dmarc.rejected")
	_, err = h.send(letter{outside, nil, "x@strict.example", []string{alpha.Address.String(), beta.Address.String()}, spoofed})
	h.says(err, mail.Denied, "dmarc.rejected")
}
