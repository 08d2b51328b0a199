package report

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/mailauth/spf"
	"tegami/wire/mime"
	"tegami/wire/tlspolicy"
)

// TestDailyReports lets two processes see mail over two hours; a report goes to each domain, once.
func TestDailyReports(t *testing.T) {
	h := newHouse(t)
	other := h.service()
	for range 3 {
		h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
		other.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	}
	h.Saw(h.seen("192.0.2.2", "a.example.com", "spammer.example"))
	h.Saw(h.seen("192.0.2.3", "other.example", "spammer.example"))
	h.Saw(h.seen("192.0.2.3", "refused.example", "spammer.example"))
	h.Saw(h.seen("192.0.2.3", "none.example", "none.example"))
	h.must(h.Flush(h.ctx))
	h.clock = h.clock.Add(time.Hour)
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	h.must(h.Flush(h.ctx))
	h.must(other.Flush(h.ctx))

	h.must(h.Send(h.ctx))
	if len(h.post.letters) != 0 {
		t.Fatal("the day is not over, and a report was sent")
	}
	h.clock = time.Date(2026, 8, 2, 2, 0, 0, 0, time.UTC)
	h.must(h.Send(h.ctx))
	h.must(other.Send(h.ctx))
	if len(h.post.letters) != 2 {
		t.Fatalf("%d letters, want 2", len(h.post.letters))
	}
	for _, l := range h.post.letters {
		r := h.dmarcReport(l)
		to := map[string]string{"example.com": "d@example.com", "other.example": "d@collector.example"}[r.Domain]
		if l.Tenant != h.tenant || l.Sign != "mx.tegami.example" || !l.From.IsNull() || len(l.To) != 1 || l.To[0].String() != to {
			t.Errorf("%s: the letter is %+v", r.Domain, l)
		}
		if r.Domain == "example.com" {
			h.looksAtReport(r)
			h.looksAtMail(l.Octets)
		}
	}
	if days, err := h.days(h.ctx); err != nil || len(days) != 0 {
		t.Errorf("sums of %v are left, %v", days, err)
	}
}

func (h *house) looksAtReport(r *dmarc.Report) {
	h.Helper()
	begin := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	if r.Organization != "Tegami" || r.Email != "postmaster@mx.tegami.example" || !r.Begin.Equal(begin) || !r.End.Equal(begin.Add(24*time.Hour-time.Second)) {
		h.Errorf("%+v", r)
	}
	want := []dmarc.Row{{
		Source: netip.MustParseAddr("192.0.2.1"), Count: 7, Disposition: dmarc.DispositionPass, SPF: true, HeaderFrom: "example.com", EnvelopeFrom: "example.com",
		DKIMResults: []dmarc.AuthResult{{Domain: "list.example", Selector: "x", Result: "fail"}},
		SPFResults:  []dmarc.AuthResult{{Domain: "example.com", Scope: "mfrom", Result: "pass"}},
	}, {
		Source: netip.MustParseAddr("192.0.2.2"), Count: 1, Disposition: dmarc.DispositionReject, HeaderFrom: "a.example.com", EnvelopeFrom: "spammer.example",
		DKIMResults: []dmarc.AuthResult{{Domain: "list.example", Selector: "x", Result: "fail"}},
		SPFResults:  []dmarc.AuthResult{{Domain: "spammer.example", Scope: "mfrom", Result: "pass"}},
	}}
	if !reflect.DeepEqual(r.Rows, want) {
		h.Errorf("got  %+v\nwant %+v", r.Rows, want)
	}
}

func (h *house) looksAtMail(octets []byte) {
	h.Helper()
	m := mime.ParseBytes(octets, mime.Limits{})
	e := m.Root.Envelope
	if !strings.HasPrefix(e.SubjectText(), "Report Domain: example.com Submitter: mx.tegami.example Report-ID: <20260801.") ||
		len(m.Root.Children) != 2 || !strings.HasPrefix(m.Root.Children[1].Filename(), "mx.tegami.example!example.com!1785542400!1785628799!") ||
		!bytes.Contains(octets, []byte("Auto-Submitted: auto-generated\r\n")) || !bytes.Contains(octets, []byte("From: noreply@mx.tegami.example\r\n")) {
		h.Errorf("the mail is\n%s", octets)
	}
	if bytes.Contains(bytes.ReplaceAll(octets, []byte("\r\n"), nil), []byte("\n")) {
		h.Error("a line ends without CR")
	}
}

// TestRows compares what a report says of messages with what DMARC and this house made of them.
func TestRows(t *testing.T) {
	base := dmarc.Result{Status: dmarc.Fail, Published: dmarc.PolicyReject, Policy: dmarc.PolicyReject, Discovery: dmarc.Discovery{Record: dmarc.Record{Policy: dmarc.PolicyReject}}}
	tested := base
	tested.Policy = dmarc.PolicyQuarantine
	passed := base
	passed.Status, passed.DKIM = dmarc.Pass, true
	watched := passed
	watched.Discovery.Record.Policy = dmarc.PolicyNone
	for name, c := range map[string]struct {
		result      dmarc.Result
		disposition dmarc.Disposition
		reason      string
		want        string
	}{
		"as asked":                         {base, dmarc.DispositionReject, "", "reject []"},
		"accepted all the same":            {base, dmarc.DispositionNone, "", "none [{local_policy }]"},
		"of a list":                        {base, dmarc.DispositionNone, dmarc.ReasonMailingList, "none [{mailing_list }]"},
		"in test mode":                     {tested, dmarc.DispositionQuarantine, "", "quarantine [{policy_test_mode }]"},
		"passed":                           {passed, dmarc.DispositionNone, "", "pass []"},
		"passed where nothing is enforced": {watched, dmarc.DispositionNone, "", "none []"},
	} {
		m := Seen{DMARC: c.result, Disposition: c.disposition, Reason: c.reason}
		r := m.row()
		if got := fmt.Sprintf("%s %v", r.Disposition, r.Reasons); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestSignaturesInTheirOrder(t *testing.T) {
	m := Seen{Author: "example.com", SPF: spf.Result{Scope: spf.Helo, Domain: "x.example"}, DKIM: []dkim.Result{
		{Status: dkim.None}, {Status: dkim.Fail, Domain: "a"}, {Status: dkim.Pass, Domain: "b"}, {Status: dkim.Pass, Domain: "example.com"},
	}}
	r := m.row()
	if got := fmt.Sprint(r.DKIMResults); got != "[{example.com   pass } {b   pass } {a   fail }]" || r.SPFResults != nil {
		t.Errorf("%s, %v", got, r.SPFResults)
	}
}

// TestNothingTwice ends a process between the commit of a report and the end of its day.
func TestNothingTwice(t *testing.T) {
	h := newHouse(t)
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	h.must(h.Flush(h.ctx))
	h.clock = h.clock.Add(24 * time.Hour)
	h.post.before = mail.E("test", mail.Busy, "storage.busy")
	h.says(h.Send(h.ctx), "storage.busy")
	h.post.before, h.post.after = nil, mail.E("test", mail.Unavailable, "storage.busy")
	h.says(h.Send(h.ctx), "storage.busy")
	h.post.after = nil
	h.must(h.service().Send(h.ctx))
	if len(h.post.letters) != 1 {
		t.Errorf("%d letters, want 1", len(h.post.letters))
	}
}

// TestDNSOutage puts reports off while nobody answers, and gives them up in the end.
func TestDNSOutage(t *testing.T) {
	h := newHouse(t)
	h.Saw(h.seen("192.0.2.3", "other.example", "spammer.example"))
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	h.must(h.Flush(h.ctx))
	h.names.Fail("other.example._report._dmarc.collector.example")
	h.clock = h.clock.Add(24 * time.Hour)
	h.says(h.Send(h.ctx), "dns.failed")
	if len(h.post.letters) != 1 {
		t.Errorf("%d letters: one domain holds up the other", len(h.post.letters))
	}
	h.names.Heal("other.example._report._dmarc.collector.example")
	h.must(h.Send(h.ctx))
	if len(h.post.letters) != 2 {
		t.Errorf("%d letters after the outage, want 2", len(h.post.letters))
	}
	h.Saw(h.seen("192.0.2.3", "other.example", "spammer.example"))
	h.must(h.Flush(h.ctx))
	h.names.Fail("other.example._report._dmarc.collector.example")
	h.clock = h.clock.Add(72 * time.Hour)
	h.must(h.Send(h.ctx))
	if days, err := h.days(h.ctx); err != nil || len(days) != 0 || len(h.post.letters) != 2 {
		t.Errorf("%d letters, sums of %v, %v", len(h.post.letters), days, err)
	}
}

func TestTLSReports(t *testing.T) {
	h := newHouse(t)
	sts := tlspolicy.AppliedPolicy{Type: tlspolicy.PolicySTS, Domain: "example.com", Text: []string{"version: STSv1"}, MX: []string{"*.example.com"}}
	none := tlspolicy.AppliedPolicy{Type: tlspolicy.PolicyNone, Domain: "web.example"}
	expired := &tlspolicy.Failure{Result: tlspolicy.CertExpired, MX: "mx.example.com", ReceivingIP: "192.0.2.1"}
	for range 2 {
		h.SawTLS(sts, nil)
		h.SawTLS(sts, expired)
		h.SawTLS(none, nil)
		h.must(h.Flush(h.ctx))
	}
	h.SawTLS(sts, &tlspolicy.Failure{Result: tlspolicy.CertNotTrusted, MX: "mx.example.com"})
	h.must(h.Flush(h.ctx))
	h.clock = h.clock.Add(24 * time.Hour)
	h.must(h.Send(h.ctx))
	if len(h.post.letters) != 1 {
		t.Fatalf("%d letters, want 1", len(h.post.letters))
	}
	l := h.post.letters[0]
	r, err := tlspolicy.ReadReport(bytes.NewReader(h.attachment(l.Octets, tlspolicy.ReportTypeGzip)))
	h.must(err)
	if len(r.Policies) != 1 || r.Policies[0].Summary != (tlspolicy.Summary{Success: 2, Failure: 3}) || len(r.Policies[0].Failures) != 2 ||
		r.Policies[0].Failures[0].Count+r.Policies[0].Failures[1].Count != 3 || !reflect.DeepEqual(r.Policies[0].Policy, sts) {
		t.Errorf("%+v", r)
	}
	if l.To[0].String() != "t@elsewhere.example" || !bytes.Contains(l.Octets, []byte("TLS-Report-Domain: example.com\r\n")) ||
		!bytes.Contains(l.Octets, []byte("TLS-Report-Submitter: mx.tegami.example\r\n")) || !bytes.Contains(l.Octets, []byte("multipart/report; report-type=\"tlsrpt\"")) {
		t.Errorf("the letter is %v\n%s", l.To, l.Octets)
	}
}

// TestOffByDefault: without a tenant to send through nothing is collected.
func TestOffByDefault(t *testing.T) {
	h := newHouse(t)
	s := h.service()
	s.cfg.Sender = 0
	s.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	s.SawTLS(tlspolicy.AppliedPolicy{Domain: "example.com"}, nil)
	h.must(s.Flush(h.ctx))
	h.must(s.Send(h.ctx))
	if days, err := h.days(h.ctx); err != nil || len(days) != 0 {
		t.Errorf("sums of %v, %v", days, err)
	}
}

// TestFailedFlushKeepsAll counts the same whether a write failed before or not.
func TestFailedFlushKeepsAll(t *testing.T) {
	h := newHouse(t)
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	gone, cancel := context.WithCancel(h.ctx)
	cancel()
	if err := h.Flush(gone); err == nil {
		t.Fatal("a flush without time succeeded")
	}
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	h.must(h.Flush(h.ctx))
	sums, err := h.load(h.ctx, "2026-08-01")
	if err != nil || len(sums) != 1 || sums[0].Count != 2 {
		t.Errorf("%+v, %v", sums, err)
	}
}

// TestSumsAreBounded counts more kinds of mail than are kept. What is known goes on counting.
func TestSumsAreBounded(t *testing.T) {
	h := newHouse(t)
	m := h.seen("192.0.2.1", "example.com", "example.com")
	for i := range maxSums + 10 {
		m.Author = fmt.Sprintf("a%d.example.com", i)
		h.Saw(m)
	}
	m.Author = "a0.example.com"
	h.Saw(m)
	if len(h.sums) != maxSums || h.lost != 10 {
		t.Errorf("%d sums, %d lost", len(h.sums), h.lost)
	}
	h.must(h.Flush(h.ctx))
	sums, err := h.load(h.ctx, "2026-08-01")
	total := int64(0)
	for _, one := range sums {
		total += one.Count
	}
	if err != nil || len(sums) != maxSums || total != maxSums+1 {
		t.Errorf("%d sums of %d messages, %v", len(sums), total, err)
	}
}

// TestRunWritesAtTheEnd stops the service: what it saw is in the store.
func TestRunWritesAtTheEnd(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan struct{})
	go func() {
		h.Run(ctx)
		close(done)
	}()
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	cancel()
	<-done
	if sums, err := h.load(h.ctx, "2026-08-01"); err != nil || len(sums) != 1 {
		t.Errorf("%d sums, %v", len(sums), err)
	}
}

// TestLogStaysSmall: the operation log, which nobody can erase, does not hold the sums.
func TestLogStaysSmall(t *testing.T) {
	h := newHouse(t)
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	h.must(h.Flush(h.ctx))
	h.must(h.store.Platform().View(h.ctx, func(r store.Reader) error {
		acts, err := r.Acts(0, 0)
		for _, a := range acts {
			if a.Kind == kindSums && string(a.After) != store.Masked {
				t.Errorf("%s", a.After)
			}
		}
		return err
	}))
}

// TestMarksAreForgotten removes the marks of sent reports after a week.
func TestMarksAreForgotten(t *testing.T) {
	h := newHouse(t)
	h.Saw(h.seen("192.0.2.1", "example.com", "example.com"))
	h.must(h.Flush(h.ctx))
	h.clock = h.clock.Add(24 * time.Hour)
	h.must(h.Send(h.ctx))
	marks := func() (n int) {
		h.must(h.store.Tenant(h.tenant).View(h.ctx, func(r store.Reader) error {
			list, err := r.Objects(kindSent, store.Page{})
			n = len(list)
			return err
		}))
		return n
	}
	h.clock = time.Now().Add(markFor - time.Hour)
	h.must(h.Send(h.ctx))
	if n := marks(); n != 1 {
		t.Errorf("%d marks within the week", n)
	}
	h.clock = time.Now().Add(markFor + time.Hour)
	h.must(h.Send(h.ctx))
	if n := marks(); n != 0 {
		t.Errorf("%d marks after it", n)
	}
}
