package marks_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"tegami/mail"
	"tegami/mailbox/marks"
	"tegami/wire/mailauth/authres"
)

func circle() *marks.Circle {
	return marks.NewCircle([]string{"alpha.example", "alpha-trading.co.jp"}, []string{"mail.bigbank.co.jp", "partner.com", "gmail.com", "modern.jp", "日本商事.jp"}, []marks.Person{
		{Name: "佐藤 一郎", Kana: "サトウ イチロウ", Address: mail.Address{Local: "sato", Domain: "alpha.example"}},
		{Name: "Hanako Suzuki", Address: mail.Address{Local: "suzuki", Domain: "alpha.example"}},
		{Name: "info", Address: mail.Address{Local: "info", Domain: "alpha.example"}},
	})
}

func said(list []marks.Mark) string {
	var words []string
	for _, m := range list {
		words = append(words, strings.TrimSuffix(string(m.Kind)+":"+m.Of, ":"))
	}
	return strings.Join(words, " ")
}

func TestJudge(t *testing.T) {
	c := circle()
	for _, v := range []struct {
		name, from, checked string
		known               bool
		want                string
	}{
		{"佐藤 一郎", "sato@alpha.example", "", false, ""},
		{"somebody", "x@partner.com", "", true, "external"},
		{"somebody", "x@partner.com", "", false, "firstTime external"},
		{"佐藤一郎", "sato.ichiro@gmail.com", "", true, "colleagueName:sato@alpha.example external"},
		{"ｻﾄｳ　ｲﾁﾛｳ", "x@gmail.com", "", true, "colleagueName:sato@alpha.example external"},
		{"SUZUKI, Hanako", "x@gmail.com", "", true, "colleagueName:suzuki@alpha.example external"},
		{"info", "info@partner.com", "", true, "external"},
		{"sato@alpha.example", "x@gmail.com", "", true, "otherAddress:sato@alpha.example external"},
		{"x@partner.com", "x@partner.com", "", true, "external"},
		{"a", "x@partner.com", "m.example; dmarc=fail header.from=partner.com", true, "failedAuthentication:partner.com external"},
		{"a", "x@partner.com", "m.example; dmarc=pass; spf=fail", true, "external"},
		{"a", "x@partner.com", "m.example; dmarc=none; spf=fail", true, "failedAuthentication:partner.com external"},
		{"a", "x@partner.com", "m.example; dmarc=none; spf=fail; dkim=pass", true, "external"},
		{"a", "x@partner.com", "m.example; spf=softfail", true, "external"},
		{"a", "x@partner.com", "m.example; dmarc=temperror", true, "external"},
		{"佐藤 一郎", "sato@alpha.example", "m.example; dmarc=fail", true, "failedAuthentication:alpha.example"},
	} {
		address, err := mail.ParseAddress(v.from)
		if err != nil {
			t.Fatal(err)
		}
		s := marks.Sender{Name: v.name, Address: address, Known: v.known}
		if v.checked != "" {
			f, err := authres.Parse(v.checked)
			if err != nil {
				t.Fatal(err)
			}
			s.Checked = &f
		}
		if got := said(c.Judge(s)); got != v.want {
			t.Errorf("%s <%s> %s: %q, want %q", v.name, v.from, v.checked, got, v.want)
		}
	}
	if got := c.Judge(marks.Sender{Name: "x"}); got != nil {
		t.Errorf("nobody: %v", got)
	}
}

func TestLookAlike(t *testing.T) {
	c := circle()
	for domain, want := range map[string]string{
		"bigbank.co.jp": "", "www.bigbank.co.jp": "", "b1gbank.co.jp": "bigbank.co.jp", "bigbanк.co.jp": "bigbank.co.jp", "bigbank.com": "bigbank.co.jp", "bigbank-support.com": "bigbank.co.jp",
		"secure-bigbank.net": "bigbank.co.jp", "bigbnak.co.jp": "bigbank.co.jp", "bigbanks.co.jp": "bigbank.co.jp", "bigbank.co.jp.evil.net": "bigbank.co.jp", "login.bigbank.co.jp.evil.net": "bigbank.co.jp",
		"rnodern.jp": "modern.jp", "moclern.jp": "modern.jp", "pаrtner.com": "partner.com", "partner.co": "partner.com", "partnership.com": "", "artner.com": "partner.com",
		"alpha-tradlng.co.jp": "alpha-trading.co.jp", "alpha-trading.com": "alpha-trading.co.jp", "gmai1.com": "", "gmail.com": "", "example.org": "", "日本商亊.jp": "", "日本商事.com": "日本商事.jp",
		"[192.0.2.1]": "",
	} {
		ascii, err := idna.Punycode.ToASCII(domain)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range c.Judge(marks.Sender{Address: mail.Address{Local: "x", Domain: ascii}, Known: true}) {
			if m.Kind == marks.LookAlike {
				got = m.Of
			}
		}
		if shown, _ := idna.Punycode.ToASCII(want); got != shown {
			t.Errorf("%s looks like %q, want %q", domain, got, shown)
		}
	}
}

// TestManyDomains: a circle holds a limited number of them.
func TestManyDomains(t *testing.T) {
	var known []string
	for i := range marks.MaxDomains + 100 {
		known = append(known, fmt.Sprintf("company-number%d.com", i))
	}
	c := marks.NewCircle(nil, known, nil)
	last := fmt.Sprintf("company-number%d.net", marks.MaxDomains+50)
	for _, m := range c.Judge(marks.Sender{Address: mail.Address{Local: "x", Domain: last}, Known: true}) {
		if m.Kind == marks.LookAlike && m.Of == strings.Replace(last, ".net", ".com", 1) {
			t.Error("more are held")
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("佐藤 <a@b>", "x", "xn--bigbank-.co.jp")
	c := circle()
	f.Fuzz(func(t *testing.T, name, local, domain string) {
		for _, m := range c.Judge(marks.Sender{Name: name, Address: mail.Address{Local: local, Domain: domain}}) {
			if m.Kind == "" {
				t.Error("a mark of no kind")
			}
		}
	})
}
