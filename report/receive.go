package report

import (
	"context"
	"io"
	"strings"

	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/mime"
	"tegami/wire/tlspolicy"
)

// maxParts is how many parts of a mail are tried as reports.
const maxParts = 8

// Receive reads the report in a mail to an address of directory.TargetReport, and keeps a digest of it. A mail without
// any, such as a bounce, is passed over.
//
// Errors: Invalid "report.none" where no part can be read; Denied "report.foreign" about a domain that is not the tenant's; Full
// "dmarc.report_large"; Busy when too many are read at once; those of the store.
func (s *Service) Receive(ctx context.Context, tenant mail.TenantID, to mail.Address, it *queue.Item, octets store.Blob) error {
	const op = "report.Receive"
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return mail.Because(op, mail.Busy, "report.busy", ctx.Err())
	}
	if it.From.IsNull() && it.Auto { // our own
		return nil
	}
	d, err := readMail(octets)
	if err != nil {
		if it.From.IsNull() { // a bounce, most likely
			return nil
		}
		return mail.Wrap(op, err)
	}
	d.Received, d.From, d.Proved = s.now().UTC(), it.HeaderFrom, proved(it)
	ours, err := s.ours(ctx, tenant, d.Domain)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if !ours {
		return mail.E(op, mail.Denied, "report.foreign", d.Domain)
	}
	return mail.Wrap(op, s.keep(ctx, tenant, d))
}

// proved tells whether a mail is from whom its header names.
func proved(it *queue.Item) bool {
	if len(it.Facts) == 0 {
		return false
	}
	f, err := policy.ParseFacts(it.Facts)
	return err == nil && f.Proved()
}

// ours tells whether a domain, or one above it, is the tenant's.
func (s *Service) ours(ctx context.Context, tenant mail.TenantID, domain string) (bool, error) {
	for ; domain != ""; _, domain, _ = strings.Cut(domain, ".") {
		owner, local, err := s.cfg.Directory.LocalDomain(ctx, domain)
		if err != nil {
			return false, err
		}
		if local {
			return owner == tenant, nil
		}
	}
	return false, nil
}

// readMail finds the report among the parts of a mail and reads it.
func readMail(raw interface {
	io.ReaderAt
	Size() int64
}) (*Digest, error) {
	m, err := mime.Parse(io.NewSectionReader(raw, 0, raw.Size()), mime.Limits{})
	if err != nil {
		return nil, mail.Wrap("report.readMail", err)
	}
	var parts []*mime.Part
	m.Root.Walk(func(p *mime.Part) bool {
		if len(p.Children) == 0 && mayBeReport(p) {
			parts = append(parts, p)
		}
		return len(parts) < maxParts
	})
	failed := mail.E("report.readMail", mail.Invalid, "report.none")
	for _, p := range parts {
		body := mime.DecodedReader(p, io.NewSectionReader(raw, p.BodyStart, p.Size()))
		d, err := readPart(p, body)
		if err == nil {
			return d, nil
		}
		if failed.Err == nil {
			failed.Err = err
		}
	}
	return nil, failed
}

// mayBeReport tells whether a part is worth a try: by its type, or by its name.
func mayBeReport(p *mime.Part) bool {
	switch p.Type + "/" + p.Subtype {
	case "application/gzip", "application/x-gzip", "application/zip", "application/x-zip-compressed", "application/x-zip",
		"application/xml", "text/xml", "application/octet-stream", tlspolicy.ReportTypeGzip, tlspolicy.ReportTypeJSON, "application/json":
		return true
	}
	name := strings.ToLower(p.Filename())
	for _, end := range []string{".xml", ".gz", ".zip", ".json"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// readPart reads a part as what it looks like.
func readPart(p *mime.Part, body io.Reader) (*Digest, error) {
	name := strings.ToLower(p.Filename())
	if strings.Contains(p.Subtype, "tlsrpt") || p.Subtype == "json" || strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".json.gz") {
		return readTLS(body)
	}
	return readDMARC(body)
}

func readDMARC(body io.Reader) (*Digest, error) {
	g := gathering{sources: map[source]*Source{}}
	r, err := dmarc.ReadReport(body, g.row)
	if err != nil {
		return nil, err
	}
	d := g.finish()
	d.Kind, d.Organization, d.Report, d.Domain = DMARC, r.Organization, r.ID, r.Domain
	d.Begin, d.End, d.Policy = r.Begin, r.End, string(r.Published.Policy)
	return &d, nil
}

func readTLS(body io.Reader) (*Digest, error) {
	r, err := tlspolicy.ReadReport(body)
	if err != nil {
		return nil, err
	}
	d := &Digest{
		Kind: TLS, Organization: oneLine(r.Organization), Report: oneLine(r.ID), Begin: r.Range.Start.UTC(), End: r.Range.End.UTC(),
	}
	var types []string
	for i := range r.Policies {
		p := &r.Policies[i]
		domain, ok := mail.ParseDomain(p.Policy.Domain)
		if !ok || d.Domain != "" && domain != d.Domain { // RFC 8460 §4: a report is about one domain
			continue
		}
		d.Domain = domain
		if t := oneLine(string(p.Policy.Type)); len(types) < 3 {
			types = append(types, t)
		}
		d.Passed += max(0, min(p.Summary.Success, 1<<40))
		d.Failed += max(0, min(p.Summary.Failure, 1<<40))
		for _, f := range p.Failures[:min(len(p.Failures), maxSources-len(d.Failures))] {
			d.Failures = append(d.Failures, Failure{tlspolicy.ResultType(oneLine(string(f.Result))), oneLine(f.MX), f.Count, oneLine(f.Reason)})
		}
	}
	d.Policy = strings.Join(types, " ")
	if d.Domain == "" {
		return nil, mail.E("report.readTLS", mail.Invalid, "report.none")
	}
	return d, nil
}

// maxText is how much of a foreign text is kept, in octets.
const maxText = 200

// oneLine makes a foreign text fit to be shown.
func oneLine(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "?")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}
