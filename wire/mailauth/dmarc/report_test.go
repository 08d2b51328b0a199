package dmarc

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
	"tegami/mail"
	"tegami/wire/dns/dnstest"
)

func sample() *Report {
	return &Report{
		Organization: "Tegami & Söhne", Email: "postmaster@mx.example", ExtraContact: "https://mx.example/", ID: "20260801.k3f9@mx.example",
		Begin: time.Unix(1785542400, 0).UTC(), End: time.Unix(1785628799, 0).UTC(), Errors: []string{"bad value of tag t"}, Generator: "Tegami 1",
		Domain: "example.com", Published: PublishedOf(Record{Policy: PolicyReject, Subdomains: PolicyQuarantine, Missing: PolicyReject, FailureOptions: "0", DKIM: Relaxed, SPF: Strict, Test: true}),
		Rows: []Row{
			{Source: netip.MustParseAddr("192.0.2.1"), Count: 12, Disposition: DispositionPass, DKIM: true, HeaderFrom: "example.com", EnvelopeFrom: "b.example.com",
				DKIMResults: []AuthResult{{Domain: "example.com", Selector: "s1", Result: "pass"}, {Domain: "list.example", Selector: "x", Result: "fail", Human: "body <hash>"}},
				SPFResults:  []AuthResult{{Domain: "b.example.com", Scope: "mfrom", Result: "softfail"}}},
			{Source: netip.MustParseAddr("2001:db8::1"), Count: 1, Disposition: DispositionQuarantine, HeaderFrom: "a.example.com",
				Reasons: []Reason{{Type: ReasonTestMode}, {ReasonLocalPolicy, "the tenant accepts"}}},
		},
	}
}

func TestReportComesBack(t *testing.T) {
	want := sample()
	var plain, packed, archive bytes.Buffer
	if err := want.Write(&plain); err != nil {
		t.Fatal(err)
	}
	if err := want.WriteGzip(&packed); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&archive)
	for name, octets := range map[string]string{"readme.txt": "hello", "report.XML": plain.String()} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(octets)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"plain": plain.Bytes(), "gzip": packed.Bytes(), "zip": archive.Bytes()} {
		got, err := ReadReport(bytes.NewReader(b), nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", name, got, err, want)
		}
	}
}

// TestReportAsXML looks at order and names: readers of other houses depend on them.
func TestReportAsXML(t *testing.T) {
	r := sample()
	r.Rows = r.Rows[1:]
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
 <version>1.0</version>
 <report_metadata>
  <org_name>Tegami &amp; Söhne</org_name>
  <email>postmaster@mx.example</email>
  <extra_contact_info>https://mx.example/</extra_contact_info>
  <report_id>20260801.k3f9@mx.example</report_id>
  <date_range>
   <begin>1785542400</begin>
   <end>1785628799</end>
  </date_range>
  <error>bad value of tag t</error>
  <generator>Tegami 1</generator>
 </report_metadata>
 <policy_published>
  <domain>example.com</domain>
  <discovery_method>treewalk</discovery_method>
  <p>reject</p>
  <sp>quarantine</sp>
  <np>reject</np>
  <fo>0</fo>
  <adkim>r</adkim>
  <aspf>s</aspf>
  <testing>y</testing>
 </policy_published>
 <record>
  <row>
   <source_ip>2001:db8::1</source_ip>
   <count>1</count>
   <policy_evaluated>
    <disposition>quarantine</disposition>
    <dkim>fail</dkim>
    <spf>fail</spf>
    <reason>
     <type>policy_test_mode</type>
    </reason>
    <reason>
     <type>local_policy</type>
     <comment>the tenant accepts</comment>
    </reason>
   </policy_evaluated>
  </row>
  <identifiers>
   <header_from>a.example.com</header_from>
  </identifiers>
  <auth_results></auth_results>
 </record>
</feedback>`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestReportNames(t *testing.T) {
	r := sample()
	if got := r.FileName("mx.example"); got != "mx.example!example.com!1785542400!1785628799!20260801k3f9mxexample.xml.gz" {
		t.Error(got)
	}
	if got := r.Subject("mx.example"); got != "Report Domain: example.com Submitter: mx.example Report-ID: <20260801.k3f9@mx.example>" {
		t.Error(got)
	}
}

// packed compresses a text.
func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

const (
	head = "<feedback><policy_published><domain>x.example</domain></policy_published>"
	row  = "<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row></record>"
)

func TestHostileReports(t *testing.T) {
	for name, c := range map[string]struct {
		octets string
		kind   mail.Kind
	}{
		"nothing":                  {"", mail.Invalid},
		"text":                     {"hello", mail.Invalid},
		"other XML":                {"<html><body/></html>", mail.Invalid},
		"no domain":                {"<feedback></feedback>", mail.Invalid},
		"cut":                      {head + row, mail.Invalid},
		"a broken gzip":            {packed(head + row + "</feedback>")[:40], mail.Invalid},
		"a broken zip":             {"PK\x03\x04", mail.Invalid},
		"entities":                 {`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><feedback><policy_published><domain>&b;</domain></policy_published></feedback>`, mail.Invalid},
		"an encoding nobody has":   {`<?xml version="1.0" encoding="x-none"?>` + head + "</feedback>", mail.Invalid},
		"a bomb":                   {packed(head + strings.Repeat(" ", 3<<20) + "</feedback>"), mail.Full},
		"a heavy row":              {head + "<record><auth_results>" + strings.Repeat("<dkim/>", 300_000) + "</auth_results></record></feedback>", mail.Full},
		"a heavy start":            {"<feedback" + strings.Repeat(` a=""`, 300_000) + ">" + head[len("<feedback>"):] + "</feedback>", mail.Full},
		"more octets than we read": {strings.Repeat("x", MaxReport+1), mail.Full},
		"deep":                     {"<feedback>" + strings.Repeat("<a>", 20000) + strings.Repeat("</a>", 20000) + "</feedback>", mail.Invalid},
	} {
		if r, err := ReadReport(strings.NewReader(c.octets), nil); !mail.Is(err, c.kind) {
			t.Errorf("%s: %+v, %v; want %s", name, r, err, c.kind)
		}
	}
}

func TestTooManyRows(t *testing.T) {
	rows := 0
	_, err := ReadReport(strings.NewReader(head+strings.Repeat("<record/>", MaxRows+1)+"</feedback>"), func(*Row) { rows++ })
	if !mail.Is(err, mail.Full) || rows != 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestLenientReports(t *testing.T) {
	text := `<?xml version="1.0" encoding="windows-1252"?><x:feedback xmlns:x="urn:x" xmlns:y="urn:y"><x:report_metadata><x:org_name> M` + "\xfc" + `ller
		AG </x:org_name><x:date_range><x:begin>x</x:begin><x:end>1785628799</x:end></x:date_range></x:report_metadata><extension><y:z>1</y:z></extension>
		<policy_published><domain>X.example.</domain><p>Reject</p><pct>50</pct></policy_published>` +
		`<record><row><source_ip>::ffff:192.0.2.1</source_ip><count> 2 </count><policy_evaluated><disposition>other</disposition><dkim>PASS</dkim></policy_evaluated></row></record>` +
		`<record><row><source_ip>nonsense</source_ip><count>2</count></row></record><record><row><source_ip>192.0.2.1</source_ip><count>-1</count></row></record></x:feedback>`
	r, err := ReadReport(strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(strings.Fields(r.Organization), " ") != "Müller AG" || !r.Begin.IsZero() || r.End.Unix() != 1785628799 || r.Domain != "x.example" ||
		r.Published.Policy != PolicyReject || r.Published.PercentOfOlderRecords != "50" {
		t.Errorf("%+v", r)
	}
	if len(r.Rows) != 1 || r.Rows[0].Source != netip.MustParseAddr("192.0.2.1") || r.Rows[0].Count != 2 || !r.Rows[0].DKIM || r.Rows[0].Disposition != DispositionNone {
		t.Errorf("%+v", r.Rows)
	}
}

// TestReportsOfOthers reads what receivers in the world have sent.
func TestReportsOfOthers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(archives.Unpack(t, "mailauth-stalwart"), "*", "dmarc-feedback", "*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadReport(f, nil)
		f.Close()
		if err != nil || r.Organization == "" || r.ID == "" || r.Begin.IsZero() || len(r.Rows) == 0 {
			t.Errorf("%s: %+v, %v", filepath.Base(file), r, err)
		}
	}
}

func TestDestinations(t *testing.T) {
	n := dnstest.Zone(`
		_dmarc.example.com.                         TXT "v=DMARC1; p=none"
		example.com._report._dmarc.agreed.example.  TXT "v=DMARC1"
		*._report._dmarc.any.example.               TXT "v=DMARC1;"
		example.com._report._dmarc.other.example.   TXT "v=DMARC1; rua=mailto:new@other.example"
		example.com._report._dmarc.away.example.    TXT "v=DMARC1; rua=mailto:new@victim.example"
		example.com._report._dmarc.text.example.    TXT "hello"
	`)
	n.Fail("example.com._report._dmarc.dead.example")
	for to, want := range map[string]string{
		"d@example.com":      "[d@example.com]",
		"d@mail.example.com": "[d@mail.example.com]",
		"d@agreed.example":   "[d@agreed.example]",
		"d@any.example":      "[d@any.example]",
		"d@other.example":    "[new@other.example]",
		"d@away.example":     "[]",
		"d@text.example":     "[]",
		"d@none.example":     "[]",
		"d@dead.example":     "[]",
		"d@[192.0.2.1]":      "[]",
		"d@" + strings.Repeat("x.", 120) + "example": "[]",
	} {
		got, err := Destinations(context.Background(), n, "example.com", addrs(to))
		if fmt.Sprint(got) != want || (err != nil) != strings.Contains(to, "dead") {
			t.Errorf("%s: %v, %v; want %s", to, got, err, want)
		}
	}
}

// FuzzReadReport reads any octets; what is read can be written and read again.
func FuzzReadReport(f *testing.F) {
	var b bytes.Buffer
	_ = sample().Write(&b)
	f.Add(b.Bytes())
	f.Add([]byte(packed(b.String())))
	f.Add([]byte(head + row + "</feedback>"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		r, err := ReadReport(bytes.NewReader(octets), nil)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		back, err := ReadReport(&b, nil)
		if err != nil || len(back.Rows) != len(r.Rows) || back.Domain != r.Domain {
			t.Errorf("%+v\n%+v, %v", r, back, err)
		}
	})
}
