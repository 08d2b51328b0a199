package dmarc

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/wire/dns/dnstest"
)

const tree = `
	_dmarc.example.com.        TXT "v=DMARC1; p=reject; sp=quarantine; np=reject; rua=mailto:d@example.com"
	mail.example.com.          A 192.0.2.1
	_dmarc.own.example.com.    TXT "v=DMARC1; p=none; sp=reject"
	_dmarc.dept.example.com.   TXT "v=DMARC1; p=quarantine; psd=n; adkim=s"
	a.dept.example.com.        A 192.0.2.1
	_dmarc.bank.               TXT "v=DMARC1; p=reject; psd=y; sp=quarantine; np=reject"
	big.bank.                  A 192.0.2.1
	_dmarc.own.bank.           TXT "v=DMARC1; p=none"
	_dmarc.b.mid.bank.         TXT "v=DMARC1; p=none"
	a.b.mid.bank.              A 192.0.2.1
	_dmarc.two.example.        TXT "v=DMARC1; p=reject"
	_dmarc.two.example.        TXT "v=DMARC1; p=none"
	_dmarc.test.example.       TXT "v=DMARC1; p=reject; t=y"
	_dmarc.quar.example.       TXT "v=DMARC1; p=quarantine; t=y"
	_dmarc.bad.example.        TXT "v=DMARC1; p=rejekt"
	_dmarc.strict.example.     TXT "v=DMARC1; p=reject; aspf=s; adkim=s"
	_dmarc.deep.example.       TXT "v=DMARC1; p=quarantine"
	_dmarc.a.b.c.d.e.f.deep.example. TXT "v=DMARC1; p=reject"
	_dmarc.tld.                TXT "v=DMARC1; p=none"
	noise.example.             TXT "v=spf1 -all"
	_dmarc.noise.example.      TXT "v=spf1 -all"
	_dmarc.noise.example.      TXT "v=DMARC1; p=reject"
`

func forest() *dnstest.Names {
	n := dnstest.Zone(tree)
	n.Fail("_dmarc.dead.example", "_dmarc.down.example.com", "limbo.example.com")
	return n
}

func TestDiscover(t *testing.T) {
	for _, c := range []struct {
		domain, where, org string
		status             Status
	}{
		{"example.com", "example.com", "example.com", Pass},
		{"mail.example.com", "example.com", "example.com", Pass},
		{"a.b.mail.example.com", "example.com", "example.com", Pass},
		{"own.example.com", "own.example.com", "example.com", Pass},
		{"x.own.example.com", "example.com", "example.com", Pass}, // the organization's, not what lies between
		{"dept.example.com", "dept.example.com", "dept.example.com", Pass},
		{"a.dept.example.com", "dept.example.com", "dept.example.com", Pass},
		{"bank", "bank", "bank", Pass},
		{"big.bank", "bank", "big.bank", Pass},
		{"a.big.bank", "bank", "big.bank", Pass},
		{"own.bank", "own.bank", "own.bank", Pass},
		{"a.own.bank", "own.bank", "own.bank", Pass},
		{"a.b.mid.bank", "bank", "mid.bank", Pass}, // neither the author's nor the organization's: the suffix's
		{"none.example", "", "none.example", None},
		{"a.none.example", "", "a.none.example", None},
		{"two.example", "", "two.example", None}, // several records are as none
		{"noise.example", "noise.example", "noise.example", Pass},
		{"x.tld", "tld", "tld", Pass}, // a top domain that does not say psd=y
		{"bad.example", "bad.example", "bad.example", PermError},
		{"dead.example", "", "", TempError},
		{"a.dead.example", "", "", TempError},
	} {
		d := Discover(context.Background(), forest(), c.domain)
		if d.Status != c.status || d.Where != c.where || d.Org != c.org || d.Domain != c.domain {
			t.Errorf("%s: %s at %q, organization %q (%v); want %s at %q, %q", c.domain, d.Status, d.Where, d.Org, d.Err, c.status, c.where, c.org)
		}
	}
}

// TestWalkOfALongName asks what RFC 9989 §4.10 asks for its example, and no more.
func TestWalkOfALongName(t *testing.T) {
	const domain = "a.b.c.d.e.f.g.h.i.j.mail.example.com"
	n := dnstest.Zone("")
	if org, err := OrgDomain(context.Background(), n, domain); err != nil || org != domain {
		t.Errorf("%q, %v", org, err)
	}
	asked := 0
	for name := domain; name != ""; _, name, _ = strings.Cut(name, ".") {
		asked += n.AskedType("_dmarc."+name, "TXT")
	}
	for _, name := range []string{domain, "g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com", "mail.example.com", "example.com", "com"} {
		if n.AskedType("_dmarc."+name, "TXT") != 1 {
			t.Errorf("%s was not asked for once", name)
		}
	}
	if asked != MaxWalk {
		t.Errorf("%d questions, want %d", asked, MaxWalk)
	}
}

func TestParent(t *testing.T) {
	for name, want := range map[string]string{
		"com": "", "a.com": "com", "1.2.3.4.5.6.7": "2.3.4.5.6.7", "1.2.3.4.5.6.7.8": "2.3.4.5.6.7.8", "1.2.3.4.5.6.7.8.9": "3.4.5.6.7.8.9",
	} {
		if got := parent(name); got != want {
			t.Errorf("parent(%s) = %q, want %q", name, got, want)
		}
	}
}

func id(domain string) Identifier   { return Identifier{Domain: domain, Pass: true} }
func temp(domain string) Identifier { return Identifier{Domain: domain, Temp: true} }

func TestCheck(t *testing.T) {
	nobody := Identifier{}
	for _, c := range []struct {
		name, author string
		spf          Identifier
		dkim         []Identifier
		want         Result
	}{
		{"the same domain by SPF", "example.com", id("example.com"), nil, Result{Status: Pass, SPF: true}},
		{"the same domain by DKIM", "example.com", nobody, []Identifier{id("example.com")}, Result{Status: Pass, DKIM: true}},
		{"both", "mail.example.com", id("bounce.example.com"), []Identifier{id("x.example"), id("EXAMPLE.com.")}, Result{Status: Pass, SPF: true, DKIM: true}},
		{"SPF failed", "example.com", Identifier{Domain: "example.com"}, nil, Result{Status: Fail, Published: PolicyReject, Policy: PolicyReject}},
		{"others", "example.com", id("example.net"), []Identifier{id("list.example")}, Result{Status: Fail, Published: PolicyReject, Policy: PolicyReject}},
		{"an organization below", "example.com", nobody, []Identifier{id("dept.example.com")}, Result{Status: Fail, Published: PolicyReject, Policy: PolicyReject}},
		{"an organization above", "dept.example.com", id("example.com"), nil, Result{Status: Fail, Published: PolicyQuarantine, Policy: PolicyQuarantine}},
		{"strict DKIM below psd=n", "a.dept.example.com", nobody, []Identifier{id("dept.example.com")}, Result{Status: Fail, Published: PolicyQuarantine, Policy: PolicyQuarantine}},
		{"relaxed SPF below psd=n", "a.dept.example.com", id("b.dept.example.com"), nil, Result{Status: Pass, SPF: true}},
		{"a suffix aligns with nobody", "big.bank", nobody, []Identifier{id("bank"), id("other.bank")}, Result{Status: Fail, Published: PolicyQuarantine, Policy: PolicyQuarantine}},
		{"a subdomain that exists", "mail.example.com", nobody, nil, Result{Status: Fail, Published: PolicyQuarantine, Policy: PolicyQuarantine}},
		{"one that doesn't", "nope.example.com", nobody, nil, Result{Status: Fail, Missing: true, Published: PolicyReject, Policy: PolicyReject}},
		{"one of which nobody knows", "limbo.example.com", nobody, nil, Result{Status: TempError, Published: PolicyNone, Policy: PolicyNone}},
		{"its own record below", "own.example.com", nobody, nil, Result{Status: Fail, Published: PolicyNone, Policy: PolicyNone}},
		{"test mode", "test.example", nobody, nil, Result{Status: Fail, Published: PolicyReject, Policy: PolicyQuarantine}},
		{"test mode of quarantine", "quar.example", nobody, nil, Result{Status: Fail, Published: PolicyQuarantine, Policy: PolicyNone}},
		{"strict", "strict.example", id("a.strict.example"), []Identifier{id("b.strict.example")}, Result{Status: Fail, Published: PolicyReject, Policy: PolicyReject}},
		{"strict and the same", "strict.example", id("strict.example"), nil, Result{Status: Pass, SPF: true}},
		{"no record", "none.example", id("none.example"), nil, Result{Status: None}},
		{"a bad record", "bad.example", id("bad.example"), nil, Result{Status: PermError}},
		{"no answer about the record", "dead.example", id("dead.example"), nil, Result{Status: TempError}},
		{"SPF will know later", "example.com", temp("example.com"), nil, Result{Status: TempError}},
		{"SPF will know later of another", "example.com", temp("example.net"), nil, Result{Status: Fail, Published: PolicyReject, Policy: PolicyReject}},
		{"DKIM passes meanwhile", "example.com", temp("example.com"), []Identifier{id("example.com")}, Result{Status: Pass, DKIM: true}},
		{"nobody knows the signer's organization", "example.com", nobody, []Identifier{id("down.example.com")}, Result{Status: TempError}},
		{"more signers than are looked at", "example.com", nobody, append(make([]Identifier, MaxIdentifiers), id("example.com")), Result{Status: Fail, Published: PolicyReject, Policy: PolicyReject}},
	} {
		got := Check(context.Background(), forest(), c.author, c.spf, c.dkim)
		if c.want.Policy == "" {
			c.want.Policy, c.want.Published = PolicyNone, PolicyNone
		}
		if (got.Err != nil) != (got.Status == TempError || got.Status == PermError) {
			t.Errorf("%s: %s with error %v", c.name, got.Status, got.Err)
		}
		got.Discovery, got.Err = Discovery{}, nil
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

// TestCheckAsksLittle counts: where domains are equal no walk is needed (RFC 9989 §4.10.2).
func TestCheckAsksLittle(t *testing.T) {
	n := forest()
	Check(context.Background(), n, "own.example.com", id("own.example.com"), []Identifier{id("own.example.com"), id("mailer.example")})
	if n.Asked("_dmarc.own.example.com") != 1 || n.Asked("_dmarc.example.com") != 0 || n.Asked("_dmarc.example") != 0 {
		t.Error("it asked for more than the author's record")
	}
}

func TestOrgDomainNeedsAnswers(t *testing.T) {
	if _, err := OrgDomain(context.Background(), forest(), "a.dead.example"); !mail.Is(err, mail.Unavailable) {
		t.Error(err)
	}
}

// FuzzWalk walks from any name: at most MaxWalk questions, and the organization is the name or above it.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{"a.b.c.d.e.f.g.h.i.example.com", "mail.example.com", "a.b.mid.bank", "com"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, author, signer string) {
		a, ok := mail.ParseDomain(author)
		s, good := mail.ParseDomain(signer)
		if !ok || !good || a[0] == '[' || s[0] == '[' {
			return
		}
		n := forest()
		org, err := OrgDomain(context.Background(), n, a)
		if err == nil && org != a && !strings.HasSuffix(a, "."+org) {
			t.Errorf("%s belongs to %s", a, org)
		}
		r := Check(context.Background(), n, a, id(s), nil)
		if r.SPF && topLabel(a) != topLabel(s) {
			t.Errorf("%s aligned with %s", s, a)
		}
	})
}
