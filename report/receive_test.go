package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/tlspolicy"
)

// reportMail is a mail with a report about a domain.
func reportMail(domain, id string) []byte {
	return []byte("From: reports@google.example\r\nSubject: Report Domain: " + domain + "\r\nContent-Type: text/xml; name=r.xml\r\n\r\n" +
		"<feedback><report_metadata><org_name>Google</org_name><report_id>" + id + "</report_id><date_range><begin>1785542400</begin><end>1785628799</end></date_range></report_metadata>" +
		"<policy_published><domain>" + domain + "</domain><p>reject</p></policy_published>" +
		"<record><row><source_ip>192.0.2.1</source_ip><count>5</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated></row>" +
		"<identifiers><header_from>" + domain + "</header_from></identifiers></record>" +
		"<record><row><source_ip>192.0.2.9</source_ip><count>2</count><policy_evaluated><disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>" +
		"<identifiers><header_from>" + domain + "</header_from></identifiers></record></feedback>\r\n")
}

func (h *house) item() *queue.Item {
	facts := policy.Facts{Author: "reports@google.example", DMARC: &policy.DMARC{Result: "pass", Domain: "google.example"}}
	b, err := facts.Encode()
	h.must(err)
	return &queue.Item{Doc: queue.Doc{From: mail.Address{Local: "reports", Domain: "google.example"}, HeaderFrom: "reports@google.example", Facts: b}}
}

func (h *house) list(kind Kind, domain string) []Digest {
	h.Helper()
	list, err := h.Reports(h.ctx, h.tenant, kind, domain, store.Page{})
	h.must(err)
	return list
}

func TestReceive(t *testing.T) {
	h := newHouse(t)
	h.must(h.receive(h.tenant, reportMail("alpha.example", "1"), h.item()))
	h.must(h.receive(h.tenant, reportMail("alpha.example", "1"), h.item())) // again
	h.must(h.receive(h.tenant, reportMail("sub.alpha.example", "2"), h.item()))
	list := h.list(DMARC, "")
	if len(list) != 2 || len(h.list(DMARC, "alpha.example")) != 1 || len(h.list(TLS, "")) != 0 {
		t.Fatalf("%d digests", len(list))
	}
	d := list[0]
	if d.Organization != "Google" || d.Report != "1" || d.Domain != "alpha.example" || d.Policy != "reject" || d.Passed != 5 || d.Failed != 2 ||
		!d.Proved || d.From != "reports@google.example" || d.Begin.Unix() != 1785542400 || !d.Received.Equal(h.clock) {
		t.Errorf("%+v", d)
	}
	if got := fmt.Sprint(d.Sources); got != "[{192.0.2.9 alpha.example 0 2 0 0 0 2} {192.0.2.1 alpha.example 5 0 5 5 0 0}]" {
		t.Error(got)
	}
}

func TestReceiveRefuses(t *testing.T) {
	h := newHouse(t)
	beta := h.company("beta.example")
	h.says(h.receive(h.tenant, reportMail("beta.example", "1"), h.item()), "report.foreign")
	h.says(h.receive(beta, reportMail("alpha.example", "1"), h.item()), "report.foreign")
	h.says(h.receive(h.tenant, reportMail("elsewhere.example", "1"), h.item()), "report.foreign")
	h.says(h.receive(h.tenant, []byte("Subject: hello\r\n\r\nhello\r\n"), h.item()), "report.none")
	h.says(h.receive(h.tenant, []byte("Content-Type: text/xml\r\n\r\n<html/>\r\n"), h.item()), "dmarc.report_malformed")
	bounce := h.item()
	bounce.From = mail.Address{}
	h.says(h.receive(h.tenant, []byte("Subject: failed\r\n\r\nhello\r\n"), bounce), "")
	unproved := h.item()
	unproved.Facts = nil
	h.must(h.receive(h.tenant, reportMail("alpha.example", "1"), unproved))
	if list := h.list(DMARC, ""); len(list) != 1 || list[0].Proved {
		t.Errorf("%+v", list)
	}
}

// TestOwnReportsComeBack sends reports and reads them as another platform would.
func TestOwnReportsComeBack(t *testing.T) {
	h := newHouse(t)
	h.names.Add(`_dmarc.alpha.example. TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@alpha.example"
		_smtp._tls.alpha.example. TXT "v=TLSRPTv1; rua=mailto:tls-reports@alpha.example"`)
	h.Saw(h.seen("192.0.2.1", "alpha.example", "alpha.example"))
	h.SawTLS(tlspolicy.AppliedPolicy{Type: tlspolicy.PolicyNone, Domain: "alpha.example"}, nil)
	h.SawTLS(tlspolicy.AppliedPolicy{Type: tlspolicy.PolicyNone, Domain: "alpha.example"}, &tlspolicy.Failure{Result: tlspolicy.StartTLSNotSupported, MX: "mx.alpha.example"})
	h.must(h.Flush(h.ctx))
	h.clock = h.clock.Add(24 * time.Hour)
	h.must(h.Send(h.ctx))
	for _, l := range h.post.letters {
		h.must(h.receive(h.tenant, l.Octets, &queue.Item{Doc: queue.Doc{HeaderFrom: "noreply@mx.tegami.example"}}))
	}
	d, tls := h.list(DMARC, "alpha.example"), h.list(TLS, "alpha.example")
	if len(d) != 1 || d[0].Organization != "Tegami" || d[0].Passed != 1 || d[0].Policy != "quarantine" {
		t.Errorf("%+v", d)
	}
	if len(tls) != 1 || tls[0].Passed != 1 || tls[0].Failed != 1 || tls[0].Policy != "no-policy-found" || len(tls[0].Failures) != 1 || tls[0].Failures[0].Result != tlspolicy.StartTLSNotSupported {
		t.Errorf("%+v", tls)
	}
}

func TestReportsExpire(t *testing.T) {
	h := newHouse(t)
	for i := range 45 {
		h.must(h.receive(h.tenant, reportMail("alpha.example", fmt.Sprint(i)), h.item()))
	}
	h.clock = time.Now().Add(keepFor - time.Hour)
	h.must(h.Expire(h.ctx))
	if n := len(h.list(DMARC, "")); n != 45 {
		t.Errorf("%d digests before their time", n)
	}
	h.clock = time.Now().Add(keepFor + time.Hour)
	h.must(h.Expire(h.ctx))
	if n := len(h.list(DMARC, "")); n != 0 {
		t.Errorf("%d digests after it", n)
	}
}

func TestOldestGoesFirst(t *testing.T) {
	h := newHouse(t)
	h.most = 3
	for i := range 5 {
		h.must(h.receive(h.tenant, reportMail("alpha.example", fmt.Sprint(i)), h.item()))
	}
	var ids []string
	for _, d := range h.list(DMARC, "") {
		ids = append(ids, d.Report)
	}
	if strings.Join(ids, " ") != "2 3 4" {
		t.Error(ids)
	}
}

// TestDigestIsBounded reads a report with more sources than are kept.
func TestDigestIsBounded(t *testing.T) {
	g := gathering{sources: map[source]*Source{}}
	for i := range maxGathered + 5 {
		g.row(&dmarc.Row{Count: 1, HeaderFrom: fmt.Sprint(i)})
	}
	if d := g.finish(); len(d.Sources) != maxSources || d.Failed != maxGathered+5 || len(g.sources) != maxGathered {
		t.Errorf("%d sources of %d, %d failed", len(d.Sources), len(g.sources), d.Failed)
	}
}

// TestMailsOfOthers reads the mails of reports that receivers in the world have sent.
func TestMailsOfOthers(t *testing.T) {
	read := 0
	for _, pattern := range []string{"mailauth-stalwart/dmarc-feedback/*.eml", "mox-messages/dmarc-reports/*.eml", "mox-messages/tlsreports/*.eml"} {
		archive, _, _ := strings.Cut(pattern, "/")
		files, err := filepath.Glob(filepath.Join(archives.Unpack(t, archive), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := readMail(bytes.NewReader(b))
			if err != nil || d.Organization == "" || d.Domain == "" || d.Begin.IsZero() || (d.Kind == TLS) != strings.Contains(pattern, "tls") {
				t.Errorf("%s: %+v, %v", filepath.Base(file), d, err)
			}
			read++
		}
	}
	if read < 6 {
		t.Errorf("only %d mails were found", read)
	}
}

// FuzzReceive reads any mail.
func FuzzReceive(f *testing.F) {
	f.Add(reportMail("alpha.example", "1"))
	f.Add([]byte("Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n" +
		`{"organization-name":"x","policies":[{"policy":{"policy-domain":"a.example"},"summary":{"total-successful-session-count":1}}]}` + "\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		d, err := readMail(bytes.NewReader(octets))
		if err == nil && (d.Domain == "" || len(d.Sources) > maxSources || len(d.Failures) > maxSources || strings.ContainsAny(d.Organization+d.Report, "\r\n")) {
			t.Errorf("%+v", d)
		}
	})
}
