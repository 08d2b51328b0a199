package dmarc

import (
	"compress/gzip"
	"encoding/xml"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
)

// namespace is that of the reports of RFC 9990. Older ones have none, or others.
const namespace = "urn:ietf:params:xml:ns:dmarc-2.0"

// The report as XML (RFC 9990, appendix A). Numbers and addresses are texts here: a bad one spoils its row and not the
// whole report. Names are compared without their namespace.
type (
	xmlFeedback struct {
		XMLName   xml.Name     `xml:"feedback"`
		Namespace string       `xml:"xmlns,attr"`
		Version   string       `xml:"version"`
		Metadata  xmlMetadata  `xml:"report_metadata"`
		Published xmlPublished `xml:"policy_published"`
		Records   []xmlRecord  `xml:"record"`
	}
	xmlMetadata struct {
		Organization string   `xml:"org_name"`
		Email        string   `xml:"email"`
		ExtraContact string   `xml:"extra_contact_info,omitempty"`
		ID           string   `xml:"report_id"`
		Begin        string   `xml:"date_range>begin"`
		End          string   `xml:"date_range>end"`
		Errors       []string `xml:"error,omitempty"`
		Generator    string   `xml:"generator,omitempty"`
	}
	xmlPublished struct {
		Domain     string `xml:"domain"`
		Discovery  string `xml:"discovery_method,omitempty"`
		Policy     string `xml:"p"`
		Subdomains string `xml:"sp,omitempty"`
		Missing    string `xml:"np,omitempty"`
		Options    string `xml:"fo,omitempty"`
		DKIM       string `xml:"adkim,omitempty"`
		SPF        string `xml:"aspf,omitempty"`
		Testing    string `xml:"testing,omitempty"`
		Percent    string `xml:"pct,omitempty"`
	}
	xmlRecord struct {
		Source      string      `xml:"row>source_ip"`
		Count       string      `xml:"row>count"`
		Disposition string      `xml:"row>policy_evaluated>disposition"`
		DKIM        string      `xml:"row>policy_evaluated>dkim"`
		SPF         string      `xml:"row>policy_evaluated>spf"`
		Reasons     []xmlReason `xml:"row>policy_evaluated>reason"`

		HeaderFrom   string `xml:"identifiers>header_from"`
		EnvelopeFrom string `xml:"identifiers>envelope_from,omitempty"`
		EnvelopeTo   string `xml:"identifiers>envelope_to,omitempty"`

		DKIMResults []xmlResult `xml:"auth_results>dkim"`
		SPFResults  []xmlResult `xml:"auth_results>spf"`
	}
	xmlReason struct {
		Type    string `xml:"type"`
		Comment string `xml:"comment,omitempty"`
	}
	xmlResult struct {
		Domain   string `xml:"domain"`
		Selector string `xml:"selector,omitempty"`
		Scope    string `xml:"scope,omitempty"`
		Result   string `xml:"result"`
		Human    string `xml:"human_result,omitempty"`
	}
)

// Write writes the report as XML. An error is the writer's.
func (r *Report) Write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return mail.Wrap("dmarc.Write", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(r.toXML()); err != nil {
		return mail.Wrap("dmarc.Write", err)
	}
	return mail.Wrap("dmarc.Write", e.Close())
}

// WriteGzip writes the report as XML, compressed (RFC 9990 §3.5.2).
func (r *Report) WriteGzip(w io.Writer) error {
	z := gzip.NewWriter(w)
	if err := r.Write(z); err != nil {
		return err
	}
	return mail.Wrap("dmarc.WriteGzip", z.Close())
}

func (r *Report) toXML() *xmlFeedback {
	f := &xmlFeedback{
		Namespace: namespace, Version: "1.0",
		Metadata: xmlMetadata{
			Organization: r.Organization, Email: r.Email, ExtraContact: r.ExtraContact, ID: r.ID,
			Begin: strconv.FormatInt(r.Begin.Unix(), 10), End: strconv.FormatInt(r.End.Unix(), 10),
			Errors: r.Errors, Generator: r.Generator,
		},
		Published: xmlPublished{
			Domain: r.Domain, Discovery: r.Published.Discovery, Policy: string(r.Published.Policy),
			Subdomains: string(r.Published.Subdomains), Missing: string(r.Published.Missing), Options: r.Published.FailureOptions,
			DKIM: string(r.Published.DKIM), SPF: string(r.Published.SPF), Testing: yesNo(r.Published.Test),
		},
	}
	for i := range r.Rows {
		f.Records = append(f.Records, r.Rows[i].toXML())
	}
	return f
}

func (r *Row) toXML() xmlRecord {
	x := xmlRecord{
		Source: r.Source.String(), Count: strconv.FormatInt(r.Count, 10), Disposition: string(r.Disposition),
		DKIM: passFail(r.DKIM), SPF: passFail(r.SPF),
		HeaderFrom: r.HeaderFrom, EnvelopeFrom: r.EnvelopeFrom, EnvelopeTo: r.EnvelopeTo,
	}
	for _, reason := range r.Reasons {
		x.Reasons = append(x.Reasons, xmlReason(reason))
	}
	for _, a := range r.DKIMResults {
		x.DKIMResults = append(x.DKIMResults, xmlResult(a))
	}
	for _, a := range r.SPFResults {
		x.SPFResults = append(x.SPFResults, xmlResult(a))
	}
	return x
}

func yesNo(b bool) string {
	if b {
		return "y"
	}
	return "n"
}

func passFail(b bool) string {
	if b {
		return "pass"
	}
	return "fail"
}

// metadata takes in what a report says of itself.
func (r *Report) metadata(x *xmlMetadata) {
	r.Organization, r.Email, r.ExtraContact = clean(x.Organization), clean(x.Email), clean(x.ExtraContact)
	r.ID, r.Generator = clean(x.ID), clean(x.Generator)
	r.Begin, r.End = seconds(x.Begin), seconds(x.End)
	for _, e := range x.Errors[:min(len(x.Errors), maxFaults)] {
		r.Errors = append(r.Errors, clean(e))
	}
}

// published takes in the record a report is about.
func (r *Report) published(x *xmlPublished) {
	r.Domain = domain(x.Domain)
	p := &r.Published
	p.Discovery, p.FailureOptions, p.PercentOfOlderRecords = clean(x.Discovery), clean(x.Options), clean(x.Percent)
	p.Policy, _ = oneOf(clean(x.Policy), PolicyNone, PolicyNone, PolicyQuarantine, PolicyReject)
	p.Subdomains, _ = oneOf(clean(x.Subdomains), "", PolicyNone, PolicyQuarantine, PolicyReject)
	p.Missing, _ = oneOf(clean(x.Missing), "", PolicyNone, PolicyQuarantine, PolicyReject)
	p.DKIM, _ = oneOf(clean(x.DKIM), "", Relaxed, Strict)
	p.SPF, _ = oneOf(clean(x.SPF), "", Relaxed, Strict)
	p.Test = strings.EqualFold(clean(x.Testing), "y")
}

// row gives a record as a Row; not ok without a source or a count.
func (x *xmlRecord) row() (r Row, ok bool) {
	source, err := netip.ParseAddr(clean(x.Source))
	count, bad := strconv.ParseInt(clean(x.Count), 10, 64)
	if err != nil || bad != nil || count < 0 {
		return r, false
	}
	r = Row{
		Source: source.Unmap().WithZone(""), Count: count,
		DKIM: strings.EqualFold(clean(x.DKIM), "pass"), SPF: strings.EqualFold(clean(x.SPF), "pass"),
		HeaderFrom: domain(x.HeaderFrom), EnvelopeFrom: domain(x.EnvelopeFrom), EnvelopeTo: domain(x.EnvelopeTo),
		DKIMResults: results(x.DKIMResults), SPFResults: results(x.SPFResults),
	}
	r.Disposition, _ = oneOf(clean(x.Disposition), DispositionNone, DispositionNone, DispositionPass, DispositionQuarantine, DispositionReject)
	for _, reason := range x.Reasons[:min(len(x.Reasons), maxResults)] {
		r.Reasons = append(r.Reasons, Reason{clean(reason.Type), clean(reason.Comment)})
	}
	return r, true
}

func results(list []xmlResult) (out []AuthResult) {
	for _, a := range list[:min(len(list), maxResults)] {
		out = append(out, AuthResult{domain(a.Domain), clean(a.Selector), clean(a.Scope), strings.ToLower(clean(a.Result)), clean(a.Human)})
	}
	return out
}

// domain puts a name into its canonical form where it has one.
func domain(s string) string {
	s = clean(s)
	if d, ok := mail.ParseDomain(s); ok {
		return d
	}
	return s
}

// clean makes a foreign text one line of bounded length.
func clean(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxText {
		s = s[:maxText]
		for !utf8.ValidString(s) && s != "" {
			s = s[:len(s)-1]
		}
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}

// seconds reads a time; zero for what is none.
func seconds(s string) time.Time {
	n, err := strconv.ParseInt(clean(s), 10, 64)
	if err != nil || n <= 0 || n > 1<<36 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
