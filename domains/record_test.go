package domains_test

import (
	"crypto"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/domains"
	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/dns/dnstest"
	"tegami/wire/mailauth/dkim"
)

// TestDN3Records holds the wanted records to the letter; keys and ids are replaced.
func TestDN3Records(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", directory.OptionIMAPS)
	records, err := h.Company(alpha).Records(h.ctx, "alpha.example")
	h.must(err)
	text := regexp.MustCompile(`p=[A-Za-z0-9+/=]{20,}`).ReplaceAllString(strings.ReplaceAll(zone(records), `" "`, ""), "p=KEY")
	text = regexp.MustCompile(`id=[0-9a-f]{20};`).ReplaceAllString(text, "id=ID;")
	want := `alpha.example. 3600 IN MX 10 mail.example.
alpha.example. 3600 IN TXT "v=spf1 a:mail.example ~all"
tg1r._domainkey.alpha.example. 3600 IN TXT "v=DKIM1; k=rsa; p=KEY"
tg1e._domainkey.alpha.example. 3600 IN TXT "v=DKIM1; k=ed25519; p=KEY"
_dmarc.alpha.example. 3600 IN TXT "v=DMARC1; p=none; rua=mailto:dmarc-reports@alpha.example"
_mta-sts.alpha.example. 3600 IN TXT "v=STSv1; id=ID;"
mta-sts.alpha.example. 3600 IN CNAME mail.example.
_smtp._tls.alpha.example. 3600 IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@alpha.example"
autoconfig.alpha.example. 3600 IN CNAME mail.example.
autodiscover.alpha.example. 3600 IN CNAME mail.example.
_submissions._tcp.alpha.example. 3600 IN SRV 0 1 465 mail.example.
_pop3s._tcp.alpha.example. 3600 IN SRV 0 1 995 mail.example.
_imaps._tcp.alpha.example. 3600 IN SRV 10 1 993 mail.example.
_autodiscover._tcp.alpha.example. 3600 IN SRV 0 1 443 mail.example.
`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	h.domain(alpha, "plain.example")
	records, err = h.Records(h.ctx, alpha, "plain.example")
	h.must(err)
	if strings.Contains(zone(records), "_imaps") || strings.Contains(zone(records), "_submission.") {
		t.Error("leads to a service that the domain has not contracted, or nobody offers")
	}
}

// TestKeysInTheDNS does what opendkim-testkey does: each key as published is the one that signs, in strings of at most 255 octets.
func TestKeysInTheDNS(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	_, err := h.Company(alpha).Rotate(h.ctx, h.ops, "alpha.example")
	h.must(err)
	records, err := h.Records(h.ctx, alpha, "alpha.example")
	h.must(err)
	for _, r := range records {
		for _, part := range regexp.MustCompile(`"[^"]*"`).FindAllString(r.Zone(), -1) {
			if len(part)-2 > 255 {
				t.Errorf("%s has a string of %d octets", r.Name, len(part)-2)
			}
		}
	}
	names := dnstest.Zone(zone(records))
	signers, err := h.Signers(h.ctx, alpha, "alpha.example")
	h.must(err)
	for _, k := range signers {
		found, err := dkim.Find(h.ctx, names, k.Selector, k.Domain)
		h.must(err)
		if !k.Signer.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(found.Public) || found.Testing {
			t.Errorf("%s: another key is published", k.Selector)
		}
	}
	for _, selector := range []string{"tg2r", "tg2e"} {
		if _, err := dkim.Find(h.ctx, names, selector, "alpha.example"); err != nil {
			t.Errorf("the next key: %v", err)
		}
	}
}

// TestPurposesHaveWords: each purpose is explained in each language.
func TestPurposesHaveWords(t *testing.T) {
	words := i18n.New()
	for _, p := range domains.Purposes() {
		for _, l := range i18n.Langs() {
			if !words.Has(l, string(p)) {
				t.Errorf("%s has no %s", p, l)
			}
		}
	}
}

// TestCheckSaysWhatTheDNSHas begins with a zone that has everything, and changes it.
func TestCheckSaysWhatTheDNSHas(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", directory.OptionIMAPS)
	records, err := h.Records(h.ctx, alpha, "alpha.example")
	h.must(err)
	const own = "mail.example. A 192.0.2.1\nmail.example. AAAA 2001:db8::1\n"
	check := func(name, change string, remove ...string) map[string]domains.RecordState {
		t.Helper()
		names := dnstest.Zone(zone(records) + own)
		names.Remove(remove...)
		names.Add(change)
		findings, err := h.Company(alpha).Check(h.ctx, names, "alpha.example")
		h.must(err)
		if len(findings) != len(records) {
			t.Fatalf("%s: %d findings for %d records", name, len(findings), len(records))
		}
		states := map[string]domains.RecordState{}
		for i, f := range findings {
			if f.Record != records[i] {
				t.Errorf("%s: out of order", name)
			}
			if f.State != domains.RecordPass {
				states[f.Name+" "+f.Type] = f.State
			}
		}
		return states
	}
	for name, c := range map[string]struct {
		remove string
		change string
		record string
		want   domains.RecordState
	}{
		"all there":              {"", "", "", ""},
		"no MX":                  {"alpha.example", `alpha.example. TXT "v=spf1 a:mail.example ~all"`, "alpha.example MX", domains.RecordMissing},
		"MX of others":           {"alpha.example", "alpha.example. MX 5 mx.elsewhere.example.\nalpha.example. TXT \"v=spf1 a:mail.example ~all\"", "alpha.example MX", domains.RecordDifferent},
		"a second MX":            {"", "alpha.example. MX 20 mx.elsewhere.example.", "", ""},
		"SPF of others":          {"alpha.example", "alpha.example. MX 10 mail.example.\nalpha.example. TXT \"v=spf1 mx -all\"", "alpha.example TXT", domains.RecordDifferent},
		"SPF with more":          {"alpha.example", "alpha.example. MX 10 mail.example.\nalpha.example. TXT \"v=spf1 ip4:192.0.2.7 +A:Mail.Example include:x.example -all\"", "", ""},
		"two SPF records":        {"", `alpha.example. TXT "v=spf1 mx -all"`, "alpha.example TXT", domains.RecordDifferent},
		"another TXT":            {"", `alpha.example. TXT "some-verification=v=spf1"`, "", ""},
		"SPF of another version": {"", `alpha.example. TXT "v=spf10 mx -all"`, "", ""},
		"no DKIM key":            {"tg1e._domainkey.alpha.example", "", "tg1e._domainkey.alpha.example TXT", domains.RecordMissing},
		"another DKIM key":       {"tg1r._domainkey.alpha.example", `tg1r._domainkey.alpha.example. TXT "v=DKIM1; p=AAAA"`, "tg1r._domainkey.alpha.example TXT", domains.RecordDifferent},
		"two DKIM keys":          {"", `tg1r._domainkey.alpha.example. TXT "v=DKIM1; p=AAAA"`, "tg1r._domainkey.alpha.example TXT", domains.RecordDifferent},
		"DMARC by choice":        {"_dmarc.alpha.example", `_dmarc.alpha.example. TXT "v=DMARC1;p=reject"`, "", ""},
		"DMARC without policy":   {"_dmarc.alpha.example", `_dmarc.alpha.example. TXT "v=DMARC1"`, "_dmarc.alpha.example TXT", domains.RecordDifferent},
		"an old STS id":          {"_mta-sts.alpha.example", `_mta-sts.alpha.example. TXT "v=STSv1; id=old;"`, "_mta-sts.alpha.example TXT", domains.RecordDifferent},
		"a host by addresses":    {"mta-sts.alpha.example", "mta-sts.alpha.example. A 192.0.2.1", "", ""},
		"a host elsewhere":       {"mta-sts.alpha.example", "mta-sts.alpha.example. A 198.51.100.1", "mta-sts.alpha.example CNAME", domains.RecordDifferent},
		"an alias elsewhere":     {"autoconfig.alpha.example", "autoconfig.alpha.example. CNAME web.elsewhere.example.\nweb.elsewhere.example. A 198.51.100.1", "autoconfig.alpha.example CNAME", domains.RecordDifferent},
		"an alias of an alias":   {"autoconfig.alpha.example", "autoconfig.alpha.example. CNAME m.alpha.example.\nm.alpha.example. CNAME mail.example.", "", ""},
		"another port":           {"_pop3s._tcp.alpha.example", "_pop3s._tcp.alpha.example. SRV 0 1 1995 mail.example.", "_pop3s._tcp.alpha.example SRV", domains.RecordDifferent},
		"another priority":       {"_pop3s._tcp.alpha.example", "_pop3s._tcp.alpha.example. SRV 7 9 995 Mail.Example.", "", ""},
		"no service":             {"_imaps._tcp.alpha.example", "", "_imaps._tcp.alpha.example SRV", domains.RecordMissing},
		"TLS reports elsewhere":  {"_smtp._tls.alpha.example", `_smtp._tls.alpha.example. TXT "v=TLSRPTv1; rua=https://x.example/"`, "", ""},
	} {
		var remove []string
		if c.remove != "" {
			remove = []string{c.remove}
		}
		states := check(name, c.change, remove...)
		if c.record == "" && len(states) > 0 || c.record != "" && (len(states) != 1 || states[c.record] != c.want) {
			t.Errorf("%s: %v, want %s %s alone", name, states, c.record, c.want)
		}
	}
}

// TestAnOutageIsNoFinding: what could not be asked is unknown, all else is told.
func TestAnOutageIsNoFinding(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	records, err := h.Records(h.ctx, alpha, "alpha.example")
	h.must(err)
	names := dnstest.Zone(zone(records) + "mail.example. A 192.0.2.1")
	names.Fail("_dmarc.alpha.example", "mta-sts.alpha.example")
	findings, err := h.Check(h.ctx, names, alpha, "alpha.example")
	h.must(err)
	for _, f := range findings {
		want := domains.RecordPass
		if slices.Contains([]string{"_dmarc.alpha.example", "mta-sts.alpha.example"}, f.Name) {
			want = domains.RecordUnknown
		}
		if f.State != want {
			t.Errorf("%s %s: %s, want %s", f.Name, f.Type, f.State, want)
		}
	}
}

// FuzzJudge holds what strangers write into the DNS against what we want.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{"v=spf1 a:mail.example ~all", "v=DMARC1; p=none", "v=STSv1; id=1", "p==;;=", "10 mail.example", ""} {
		f.Add(seed, seed)
	}
	s := domains.New(nopStore{}, nil, configured(domains.Config{}))
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, p := range domains.Purposes() {
			for _, kind := range []string{"TXT", "SRV", "CNAME", "MX"} {
				r := domains.Record{Name: "alpha.example", Type: kind, Value: "v=DKIM1; p=abc", Purpose: p}
				state, found := domains.Judge(s, r, []string{a, b})
				if len(found) > 2 || state == domains.RecordUnknown || state == "" {
					t.Errorf("%s %s: %s %q", p, kind, state, found)
				}
			}
		}
	})
}

// TestSTSPolicy holds the policy to the letter, and its id to its text.
func TestSTSPolicy(t *testing.T) {
	h := newHouseWith(t, domains.Config{MX: []string{"mx1.example", "mx2.example"}})
	alpha := h.company("alpha.example")
	admin := h.admin(alpha, "sato@alpha.example")
	c := h.Company(alpha)
	first, err := h.Policy(h.ctx, "ALPHA.example")
	h.must(err)
	want := "version: STSv1\r\nmode: testing\r\nmx: mx1.example\r\nmx: mx2.example\r\nmax_age: 604800\r\n"
	if first.Text != want || len(first.ID) > 32 {
		t.Errorf("%q %s", first.Text, first.ID)
	}
	ids := map[string]bool{first.ID: true}
	for _, mode := range []domains.STSMode{domains.STSEnforce, domains.STSNone} {
		p, err := c.SetSTS(h.ctx, admin, "alpha.example", mode)
		h.must(err)
		served, err := h.Policy(h.ctx, "alpha.example")
		h.must(err)
		own, err := c.STS(h.ctx, "alpha.example")
		h.must(err)
		if p.Text != served.Text || own.Text != p.Text || served.Mode != mode || ids[p.ID] || !strings.Contains(p.Text, "mode: "+string(mode)+"\r\n") {
			t.Errorf("%s: %q, served %q", mode, p.Text, served.Text)
		}
		ids[p.ID] = true
	}
	back, err := c.SetSTS(h.ctx, admin, "alpha.example", domains.STSTesting)
	h.must(err)
	if back.ID != first.ID {
		t.Error("the same text has another id")
	}
	_, err = c.SetSTS(h.ctx, admin, "alpha.example", "loud")
	h.says(err, mail.Invalid, "sts.mode")
	_, err = c.SetSTS(h.ctx, admin, "beta.example", domains.STSNone)
	h.says(err, mail.NotFound, "domain.unknown")
	_, err = h.Policy(h.ctx, "beta.example")
	h.says(err, mail.NotFound, "domain.unknown")
	if acts := h.acts(alpha, "sts"); len(acts) != 3 || acts[0].Actor != "sato@alpha.example" || !strings.Contains(string(acts[0].After), "enforce") {
		t.Errorf("the operation log: %+v", acts)
	}
}

// TestClientConfig: POP3S first, IMAPS where it is contracted, SMTPS alone (DOMAIN §16.7, ML-7, SV-7).
func TestClientConfig(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", directory.OptionIMAPS)
	h.domain(alpha, "plain.example")
	for _, c := range []struct {
		domain string
		zone   mail.Zone
		want   string
	}{
		{"Alpha.Example", mail.ZoneInternet, "pop3 mail.example 995, imap mail.example 993, smtp mail.example 465"},
		{"alpha.example", mail.ZoneVPN, "pop3 mail.example 995, smtp mail.example 465"},
		{"plain.example", mail.ZoneInternet, "pop3 mail.example 995, smtp mail.example 465"},
	} {
		got, err := h.ClientConfig(h.ctx, c.domain, c.zone)
		h.must(err)
		if servers(got) != c.want {
			t.Errorf("%s %s: %s, want %s", c.domain, c.zone, servers(got), c.want)
		}
	}
	for _, domain := range []string{"beta.example", "", "mail.example", "sub.alpha.example", "alpha.example\x00"} {
		_, err := h.ClientConfig(h.ctx, domain, mail.ZoneInternet)
		h.says(err, mail.NotFound, "domain.unknown")
	}
	ported := domains.New(h.store, h.dir, domains.Config{Hostname: "mail.example", By: worker, Ports: func(mail.Zone) domains.Ports {
		return domains.Ports{POP3S: 24005}
	}})
	got, err := ported.ClientConfig(h.ctx, "alpha.example", mail.ZoneInternet)
	h.must(err)
	if servers(got) != "pop3 mail.example 24005" {
		t.Errorf("with only POP3S: %s", servers(got))
	}
}
