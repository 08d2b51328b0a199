package tlspolicy

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
)

func TestReportRecord(t *testing.T) {
	for _, c := range []struct {
		text  string
		mails string
		posts int
		ok    bool
	}{
		{"v=TLSRPTv1;rua=mailto:reports@example.com", "reports@example.com", 0, true},
		{"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", "", 1, true},
		{"v=TLSRPTv1; rua=mailto:a@x.jp , https://y.jp/z,mailto:b@x.jp;", "a@x.jp b@x.jp", 1, true},
		{"v=TLSRPTv1; rua=mailto:%22a%2Cb%22%40x.jp,mailto:a@x.jp?subject=x", `"a,b"@x.jp a@x.jp`, 0, true},
		{"v=TLSRPTv1; rua=mailto:a@x.jp,mailto:a@x.jp", "a@x.jp", 0, true},
		{"v=TLSRPTv1; x=1; rua=ftp://x.jp/,mailto:a@x.jp; rua=mailto:b@x.jp", "a@x.jp", 0, true},
		{"v=TLSRPTv1; rua=http://x.jp/", "", 0, true},
		{"v=TLSRPTv1; rua=mailto:nobody", "", 0, true},
		{"v=TLSRPTv1", "", 0, false},
		{"v=TLSRPTv1; rua=", "", 0, false},
		{"v=TLSRPTv1; rua=,mailto:a@x.jp", "", 0, false},
		{"v=TLSRPTv1; rua=mailto:a@x.jp!10m", "", 0, false},
		{"v=TLSRPTv1; rua=mailto:a b@x.jp", "", 0, false},
		{"v=TLSRPTv1; ruf=mailto:a@x.jp", "", 0, false},
		{"v=DMARC1; rua=mailto:a@x.jp", "", 0, false},
		{"v=TLSRPTv1; rua=mailto:%zz", "", 0, true},
	} {
		r, err := ParseReportRecord(c.text)
		var mails []string
		for _, a := range r.Mails() {
			mails = append(mails, a.String())
		}
		if (err == nil) != c.ok || strings.Join(mails, " ") != c.mails || len(r.Posts()) != c.posts {
			t.Errorf("%q: %v %v, %v", c.text, mails, r.Posts(), err)
		}
	}
	if _, err := ParseReportRecords([]string{"v=TLSRPTv1; rua=mailto:a@x.jp", "v=TLSRPTv1;rua=mailto:b@x.jp"}); !mail.Is(err, mail.Invalid) {
		t.Errorf("two records: %v", err)
	}
	if _, err := ParseReportRecords([]string{"v=spf1"}); !mail.Is(err, mail.NotFound) {
		t.Errorf("no record: %v", err)
	}
	many := ReportRecord{RUA: slices.Repeat([]string{"mailto:a@x.jp"}, 20)}
	if r, err := ParseReportRecord(many.String()); err != nil || len(r.RUA) != maxDestinations {
		t.Errorf("%d destinations, %v", len(r.RUA), err)
	}
}

// example is the report of RFC 8460 Appendix B, with the one policy twice: senders write lists of one as a string, too.
const example = `{
  "organization-name": "Company-X",
  "date-range": {"start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z"},
  "contact-info": "sts-reporting@company-x.example",
  "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
  "policies": [{
    "policy": {
      "policy-type": "sts",
      "policy-string": ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
      "policy-domain": "company-y.example",
      "mx-host": ["*.mail.company-y.example"]
    },
    "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
    "failure-details": [{
      "result-type": "certificate-expired",
      "sending-mta-ip": "2001:db8:abcd:0012::1",
      "receiving-mx-hostname": "mx1.mail.company-y.example",
      "failed-session-count": 100
    }, {
      "result-type": "validation-failure",
      "sending-mta-ip": "198.51.100.62",
      "receiving-ip": "203.0.113.58",
      "receiving-mx-hostname": "mx-backup.mail.company-y.example",
      "failed-session-count": 3,
      "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
    }]
  }, {
    "policy": {"policy-type": "no-policy-found", "policy-domain": "company-y.example", "mx-host": "a.example", "policy-string": null},
    "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0},
    "vendor": {"x": [1, 2]}
  }]
}`

func TestReport(t *testing.T) {
	r, err := ReadReport(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	one := r.Policies[0]
	switch {
	case r.Organization != "Company-X" || r.ID != "5065427c-23d3-47ca-b6e0-946ea0e8c4be" || r.Contact == "",
		!r.Range.Start.Equal(time.Date(2016, 4, 1, 0, 0, 0, 0, time.UTC)) || r.Range.End.Second() != 59,
		len(r.Policies) != 2 || len(one.Failures) != 2 || one.Policy.Type != PolicySTS || len(one.Policy.Text) != 4,
		one.Summary != Summary{5326, 303} || one.Failures[0].Result != CertExpired || one.Failures[1].Count != 3,
		r.Policies[1].Policy.MX[0] != "a.example":
		t.Errorf("%+v", r)
	}
	if p, err := ParsePolicy([]byte(strings.Join(one.Policy.Text, "\n"))); err != nil || p.MX[0] != one.Policy.MX[0] {
		t.Errorf("the policy in it: %+v, %v", p, err)
	}
	var plain, packed bytes.Buffer
	if err := r.Write(&plain); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteGzip(&packed); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*bytes.Buffer{"plain": &plain, "compressed": &packed} {
		if back, err := ReadReport(b); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
	}
}

// TestReportForm: what we write has the names of RFC 8460, and no list is null.
func TestReportForm(t *testing.T) {
	r := Report{Policies: Policies{{Policy: AppliedPolicy{Type: PolicyNone, Domain: "x.jp"}, Failures: []Failure{{Result: StartTLSNotSupported, Count: 1}}}}}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"total-failure-session-count":0`, `"failed-session-count":1`, `"policy-domain":"x.jp"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in %s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "null") || !json.Valid(b.Bytes()) {
		t.Error(b.String())
	}
}

func TestReportLimits(t *testing.T) {
	list := func(one string, n int) string { return "[" + strings.Repeat(one+",", n-1) + one + "]" }
	zip := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.String()
	}
	for name, c := range map[string]struct{ text, key string }{
		"policies":           {`{"policies":` + list("{}", MaxReportPolicies) + "}", ""},
		"too many policies":  {`{"policies":` + list("{}", MaxReportPolicies+1) + "}", "tls.report.long"},
		"too many failures":  {`{"policies":[{"failure-details":` + list("{}", MaxReportFailures+1) + "}]}", "tls.report.long"},
		"too many lines":     {`{"policies":[{"policy":{"policy-string":` + list(`""`, MaxReportLines+1) + "}}]}", "tls.report.long"},
		"too long":           {`{"report-id":"` + strings.Repeat("x", MaxReport) + `"}`, "tls.report.long"},
		"too long inflated":  {zip(`{"report-id":"` + strings.Repeat("x", MaxReportInflated) + `"}`), "tls.report.long"},
		"long and flat":      {zip(`{"report-id":"` + strings.Repeat("x", MaxReport) + `"}`), ""},
		"cut off":            {example[:200], "tls.report.malformed"},
		"cut off in gzip":    {zip(example)[:100], "tls.report.malformed"},
		"half a gzip header": {"\x1f\x8b", "tls.report.malformed"},
		"empty":              {"", "tls.report.malformed"},
		"no object":          {"[]", "tls.report.malformed"},
		"no list":            {`{"policies":{}}`, "tls.report.malformed"},
		"list of no objects": {`{"policies":[1]}`, "tls.report.malformed"},
		"no time":            {`{"date-range":{"start-datetime":"yesterday"}}`, "tls.report.malformed"},
		"deep":               {strings.Repeat(`{"policies":[`, 100_000), "tls.report.malformed"},
	} {
		_, err := ReadReport(strings.NewReader(c.text))
		if key, _ := mail.TextOf(err); key != c.key || err != nil && !mail.Is(err, mail.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReportName(t *testing.T) {
	n := ReportName{Domain: "example.com", Submitter: "mail.sndr.example", Begin: time.Unix(1470013207, 0), End: time.Unix(1470186007, 0), ID: "735ff.e317+bf22029@example.net"}
	if got := n.Subject(); got != "Report Domain: example.com Submitter: mail.sndr.example Report-ID: <735ff.e317+bf22029@example.net>" {
		t.Error(got)
	}
	if got := n.Filename(); got != "mail.sndr.example!example.com!1470013207!1470186007!735ff.e317bf22029example.net.json.gz" {
		t.Error(got)
	}
	if got := MailtoURI(mail.Address{Local: "a,b!;%", Domain: "x.jp"}); got != "mailto:%22a%2Cb%21%3B%25%22@x.jp" {
		t.Error(got)
	}
	if got := len(ResultTypes()); got != 11 {
		t.Errorf("%d result types", got)
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(example))
	var b bytes.Buffer
	r, err := ReadReport(strings.NewReader(example))
	if err != nil {
		f.Fatal(err)
	}
	if err := r.WriteGzip(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ReadReport(bytes.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := r.Write(&b); err != nil {
			return // a year past 9999
		}
		if _, err := ReadReport(&b); err != nil {
			t.Errorf("what we wrote: %v", err)
		}
	})
}
