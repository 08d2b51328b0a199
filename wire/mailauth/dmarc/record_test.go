package dmarc

import (
	"reflect"
	"strings"
	"testing"

	"tegami/mail"
)

func addrs(list ...string) (to []mail.Address) {
	for _, s := range list {
		local, domain, _ := strings.Cut(s, "@")
		to = append(to, mail.Address{Local: local, Domain: domain})
	}
	return to
}

// defaults is a record that says nothing, with what f changes.
func defaults(f func(*Record)) Record {
	r := Record{Policy: PolicyNone, PSD: PSDUnknown, DKIM: Relaxed, SPF: Relaxed, FailureOptions: "0"}
	if f != nil {
		f(&r)
	}
	return r
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want Record
	}{
		{"v=DMARC1", defaults(nil)},
		{"v=DMARC1;", defaults(nil)},
		{" v = DMARC1 ; p = Reject ;", defaults(func(r *Record) { r.Policy = PolicyReject })},
		{"V=DMARC1; P=none; pct=50; rf=afrf; ri=86400; x-new=1", defaults(nil)},
		{"v=DMARC1; sp=quarantine; np=reject; p=none; psd=y; t=y; adkim=s; aspf=S; fo=1:d", defaults(func(r *Record) {
			r.Subdomains, r.Missing, r.PSD, r.Test, r.DKIM, r.SPF, r.FailureOptions = PolicyQuarantine, PolicyReject, PSDYes, true, Strict, Strict, "1:d"
		})},
		{"v=DMARC1; p=reject; rua=mailto:a@x.example , https://x.example/report,mailto:b%2Bc@y.example!10m;ruf=mailto:f@x.example", defaults(func(r *Record) {
			r.Policy, r.Reports, r.Failures = PolicyReject, addrs("a@x.example", "b+c@y.example"), addrs("f@x.example")
		})},
		{"v=DMARC1; p=quarantine; psd=maybe; adkim=x; t=1; fo=9; p=reject; junk", defaults(func(r *Record) {
			r.Policy = PolicyQuarantine
			r.Faults = []string{"bad value of tag psd", "bad value of tag adkim", "bad value of tag t", "bad value of tag fo", "not understood tag p", "not understood tag junk"}
		})},
		{"v=DMARC1; p=rejekt; rua=mailto:a@x.example; sp=reject", defaults(func(r *Record) {
			r.Reports, r.Faults = addrs("a@x.example"), []string{"bad value of tag p"}
		})},
		{"v=DMARC1; p=reject; sp=all; rua=https://x.example/", defaults(func(r *Record) {
			r.Faults = []string{"bad value of tag sp"}
		})},
	} {
		got, err := Parse(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", c.text, got, err, c.want)
		}
	}
	for text, key := range map[string]string{
		"":                                  "dmarc.no_record",
		"v=DMARC2; p=none":                  "dmarc.no_record",
		"v=dmarc1; p=none":                  "dmarc.no_record",
		"v=DMARC1 p=none":                   "dmarc.no_record",
		"p=none; v=DMARC1":                  "dmarc.no_record",
		"v=DMARC1; p=rejekt":                "dmarc.bad_record",
		"v=DMARC1; p=reject; np=x; rua=foo": "dmarc.bad_record",
	} {
		_, err := Parse(text)
		if got, _ := mail.TextOf(err); got != key || !mail.Is(err, mail.Invalid) {
			t.Errorf("%q: %v, want %s", text, err, key)
		}
	}
}

func TestRecordString(t *testing.T) {
	r := defaults(func(r *Record) {
		r.Policy, r.Subdomains, r.Test, r.Reports = PolicyQuarantine, PolicyReject, true, addrs("a+b@x.example", "c!,;d@y.example")
	})
	const want = `v=DMARC1; p=quarantine; sp=reject; t=y; rua=mailto:a+b@x.example,mailto:%22c%21%2C%3Bd%22@y.example`
	if got := r.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if back, err := Parse(want); err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestManyURIs(t *testing.T) {
	text := "v=DMARC1; rua=mailto:a@x.example" + strings.Repeat(",mailto:a@x.example", 100)
	if r, err := Parse(text); err != nil || len(r.Reports) != MaxReportURIs {
		t.Errorf("%d addresses, %v", len(r.Reports), err)
	}
}

// FuzzParse reads any text; what is read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add("v=DMARC1; p=reject; rua=mailto:a@x.example,mailto:%22b%20c%22@y.example!5g; fo=0:1:d:s; t=y; psd=n; np=none; sp=quarantine")
	f.Add("v=DMARC1;p=x;rua=mailto:@;;=;a=b=c")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		r.Faults = nil
		if back, err := Parse(r.String()); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%q:\n%+v\n%s\n%+v, %v", text, r, r, back, err)
		}
	})
}
