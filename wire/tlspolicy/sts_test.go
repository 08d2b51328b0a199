package tlspolicy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tegami/mail"
)

func TestRecord(t *testing.T) {
	for _, c := range []struct{ text, id string }{
		{"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
		{"v=STSv1;id=a", "a"},
		{"v=STSv1 \t;\t id=a \t; ", "a"},
		{"v=STSv1; id=a; id=b", "a"},
		{"v=STSv1; x-new.field_1=value; id=a; y=,:!;", "a"},
		{"v=STSv1; id=" + strings.Repeat("Z", 32), strings.Repeat("Z", 32)},
		// what breaks the syntax
		{"v=STSv1", ""},
		{"v=STSv1;", ""},
		{"v=STSv1; ;id=a", ""},
		{"v=STSv1; id=a;;", ""},
		{"v=STSv1; x=1", ""},
		{"v=STSv1; id=", ""},
		{"v=STSv1; id=" + strings.Repeat("Z", 33), ""},
		{"v=STSv1; id=a-b", ""},
		{"v=STSv1; id= a", ""},
		{"v=STSv1; id =a", ""},
		{"v=STSv1; ID=a", ""},
		{"v=STSv1, id=a", ""},
		{"v=stsv1; id=a", ""},
		{"v=STSv2; id=a", ""},
		{" v=STSv1; id=a", ""},
		{"v=STSv1; id=a; x=a b", ""},
		{"v=STSv1; id=a; x=\x80", ""},
		{"v=STSv1; id=a; -x=1", ""},
		{"v=STSv1; id=a; " + strings.Repeat("x", 33) + "=1", ""},
		{"v=STSv1; id=a" + strings.Repeat("; x=1", 1000), ""},
		{"", ""},
	} {
		id, err := ParseRecord(c.text)
		if id != c.id || (c.id == "") != mail.Is(err, mail.Invalid) {
			t.Errorf("%.60q: %q, %v", c.text, id, err)
		}
	}
}

// TestRecords: among the texts of a name exactly one must be of ours.
func TestRecords(t *testing.T) {
	for _, c := range []struct {
		texts []string
		id    string
		kind  mail.Kind
	}{
		{[]string{"v=spf1 -all", "v=STSv1; id=1;"}, "1", mail.Other},
		{[]string{"v=STSv1; id=1;", "v=STSv1; id=2;"}, "", mail.Invalid},
		{[]string{"v=STSv1; id=1;", "v=STSv12; id=2;"}, "1", mail.Other},
		{[]string{"v=STSv1; id=1;", "v=STSv1"}, "", mail.Invalid},
		{[]string{"v=STSv1; nothing"}, "", mail.Invalid},
		{[]string{"hello"}, "", mail.NotFound},
		{nil, "", mail.NotFound},
	} {
		id, err := ParseRecords(c.texts)
		if id != c.id || mail.KindOf(err) != c.kind {
			t.Errorf("%q: %q, %v", c.texts, id, err)
		}
	}
	if id, err := ParseRecord(FormatRecord("20260101T000000")); id != "20260101T000000" || err != nil {
		t.Errorf("our own: %q, %v", id, err)
	}
}

func TestPolicy(t *testing.T) {
	week := 604800 * time.Second
	for _, c := range []struct {
		name, text string
		want       Policy
	}{
		{"the RFC's", "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n", Policy{Enforce, []string{"mail.example.com", "*.example.net", "backupmx.example.com"}, week}},
		{"line feeds, no end", "version:STSv1\nmode:\t testing \nmx: MX.Example.JP\nmax_age: 604800", Policy{Testing, []string{"mx.example.jp"}, week}},
		{"any order", "mx: a.jp\nmax_age: 604800\nmode: enforce\nversion: STSv1\n", Policy{Enforce, []string{"a.jp"}, week}},
		{"none needs no mx", "version: STSv1\nmode: none\nmax_age: 0\n", Policy{None, nil, 0}},
		{"the first counts", "version: STSv1\nmode: enforce\nmode: none\nmx: a.jp\nmax_age: 604800\nmax_age: x\n", Policy{Enforce, []string{"a.jp"}, week}},
		{"unknown fields", "version: STSv1\nnew-field.x_: 日本 and: more\nmode: enforce\nmx: a.jp\nmax_age: 604800\n", Policy{Enforce, []string{"a.jp"}, week}},
		{"too long an age", "version: STSv1\nmode: enforce\nmx: a.jp\nmax_age: 9999999999\n", Policy{Enforce, []string{"a.jp"}, MaxAge}},
		{"blank lines at the end", "version: STSv1\nmode: enforce\nmx: a.jp\nmax_age: 604800\n\n \r\n", Policy{Enforce, []string{"a.jp"}, week}},
	} {
		p, err := ParsePolicy([]byte(c.text))
		if err != nil || !reflect.DeepEqual(p, c.want) {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
	}
}

func TestBrokenPolicy(t *testing.T) {
	for name, c := range map[string]struct{ text, key string }{
		"empty":               {"", "sts.policy.missing"},
		"no version":          {"mode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.missing"},
		"no mode":             {"version: STSv1\nmx: a.jp\nmax_age: 1", "sts.policy.missing"},
		"no age":              {"version: STSv1\nmode: enforce\nmx: a.jp", "sts.policy.missing"},
		"no mx":               {"version: STSv1\nmode: testing\nmax_age: 1", "sts.policy.missing"},
		"other version":       {"version: STSv2\nmode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"other mode":          {"version: STSv1\nmode: Enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"negative age":        {"version: STSv1\nmode: enforce\nmx: a.jp\nmax_age: -1", "sts.policy.line"},
		"signed age":          {"version: STSv1\nmode: enforce\nmx: a.jp\nmax_age: +1", "sts.policy.line"},
		"no number":           {"version: STSv1\nmode: enforce\nmx: a.jp\nmax_age: ", "sts.policy.line"},
		"11 digits":           {"version: STSv1\nmode: enforce\nmx: a.jp\nmax_age: 00000000001", "sts.policy.line"},
		"blank line":          {"version: STSv1\n\nmode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"no colon":            {"version: STSv1\nmode enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"blank before colon":  {"version : STSv1\nmode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"inner wildcard":      {"version: STSv1\nmode: enforce\nmx: a.*.jp\nmax_age: 1", "sts.policy.line"},
		"half wildcard":       {"version: STSv1\nmode: enforce\nmx: a*.jp\nmax_age: 1", "sts.policy.line"},
		"wildcard alone":      {"version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", "sts.policy.line"},
		"leading dot":         {"version: STSv1\nmode: enforce\nmx: .a.jp\nmax_age: 1", "sts.policy.line"},
		"final dot":           {"version: STSv1\nmode: enforce\nmx: a.jp.\nmax_age: 1", "sts.policy.line"},
		"several mx":          {"version: STSv1\nmode: enforce\nmx: a.jp b.jp\nmax_age: 1", "sts.policy.line"},
		"U-labels":            {"version: STSv1\nmode: enforce\nmx: 日本.jp\nmax_age: 1", "sts.policy.line"},
		"control in a field":  {"version: STSv1\nx: a\x00b\nmode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"carriage return":     {"version: STSv1\rmode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"a web page":          {"<html><body>404</body></html>", "sts.policy.line"},
		"too many mx":         {"version: STSv1\nmode: enforce\n" + strings.Repeat("mx: a.jp\n", MaxPatterns+1) + "max_age: 1", "sts.policy.line"},
		"too long":            {"version: STSv1\nmode: enforce\nmx: a.jp\nmax_age: 1\n" + strings.Repeat("x: y\n", MaxPolicy/5), "sts.policy.long"},
		"value of blanks":     {"version: STSv1\nx: \nmode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"invalid UTF-8":       {"version: STSv1\nx: \xff\nmode: enforce\nmx: a.jp\nmax_age: 1", "sts.policy.line"},
		"hyphen at the start": {"version: STSv1\nmode: enforce\nmx: -a.jp\nmax_age: 1", "sts.policy.line"},
	} {
		p, err := ParsePolicy([]byte(c.text))
		if key, _ := mail.TextOf(err); !mail.Is(err, mail.Invalid) || key != c.key {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if ResultOf(err) != STSPolicyInvalid {
			t.Errorf("%s is reported as %s", name, ResultOf(err))
		}
	}
}

func TestMatches(t *testing.T) {
	p := Policy{Mode: Enforce, MX: []string{"mail.example.com", "*.example.net"}}
	for host, want := range map[string]bool{
		"mail.example.com": true, "MAIL.Example.com.": true, "a.example.net": true,
		"example.com": false, "x.mail.example.com": false, "example.net": false, "a.b.example.net": false,
		".example.net": false, "aexample.net": false, "": false, ".": false, "*.example.net": true, "mail.example.com..": false,
	} {
		if got := p.Matches(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

// TestPolicyWritten: what we write we read.
func TestPolicyWritten(t *testing.T) {
	for _, p := range []Policy{
		{Enforce, []string{"mx.example.jp", "*.example.net"}, 604800 * time.Second},
		{None, nil, 86400 * time.Second},
	} {
		text := p.Append(nil)
		back, err := ParsePolicy(text)
		if err != nil || !reflect.DeepEqual(back, p) {
			t.Errorf("%q: %+v, %v", text, back, err)
		}
	}
	if got := PolicyURL("example.jp"); got != "https://mta-sts.example.jp/.well-known/mta-sts.txt" {
		t.Error(got)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("v=STSv1; id=20160831085700Z;")
	f.Add("v=TLSRPTv1; rua=mailto:a@b.jp,https://c.jp/d")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseRecords([]string{text}); err == nil {
			if back, err := ParseRecord(FormatRecord(id)); back != id || err != nil {
				t.Errorf("id %q comes back as %q, %v", id, back, err)
			}
		}
		r, err := ParseReportRecords([]string{text})
		if err != nil || len(r.RUA) == 0 {
			return
		}
		if back, err := ParseReportRecord(r.String()); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%q comes back as %q, %v", r, back, err)
		}
		for _, a := range r.Mails() {
			again, err := ParseReportRecord(rptVersion + ";rua=" + MailtoURI(a))
			if err != nil || fmt.Sprint(again.Mails()) != fmt.Sprint([]mail.Address{a}) {
				t.Errorf("%v comes back as %v, %v", a, again, err)
			}
		}
	})
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte("version: STSv1\r\nmode: enforce\r\nmx: *.a.jp\r\nmax_age: 1\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err != nil {
			return
		}
		if back, err := ParsePolicy(p.Append(nil)); err != nil || !reflect.DeepEqual(back, p) {
			t.Errorf("%+v comes back as %+v, %v", p, back, err)
		}
		for _, mx := range p.MX {
			if !p.Matches(strings.Replace(mx, "*", "x", 1)) {
				t.Errorf("%q does not match itself", mx)
			}
		}
	})
}
