package report

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tegami/deliver"
	"tegami/i18n"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/compose"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/tlspolicy"
)

// Send sends the reports about the days that are over. What was sent is marked in the commit that accepts its mail, so
// a crash sends nothing twice. It goes on with the next domain where one can't be served; the first error is given.
func (s *Service) Send(ctx context.Context) error {
	const op = "report.Send"
	if s.cfg.Sender.IsZero() {
		return nil
	}
	days, err := s.days(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	for _, day := range days {
		_, end, ok := bounds(day)
		since := s.now().Sub(end)
		if ok && since < settle {
			continue
		}
		err := s.sendDay(ctx, day)
		if err != nil && ctx.Err() == nil && since < sendFor {
			return mail.Wrap(op, err)
		}
		if ctx.Err() != nil {
			return mail.Wrap(op, ctx.Err())
		}
		if err != nil {
			s.log.Warn("reports were given up", "day", day, "err", err)
		}
		if err := s.drop(ctx, day); err != nil {
			return mail.Wrap(op, err)
		}
	}
	return mail.Wrap(op, s.forgetSent(ctx))
}

// sendDay sends all reports about a day.
func (s *Service) sendDay(ctx context.Context, day string) error {
	sums, err := s.load(ctx, day)
	if err != nil {
		return err
	}
	var first error
	note := func(domain string, err error) {
		if err != nil {
			s.log.Warn("a report was not sent", "domain", domain, "day", day, "err", err)
			first = cmp.Or(first, err)
		}
	}
	for domain, rows := range byDomain(sums, func(one *sum) bool { return one.DMARC != nil }) {
		note(domain, s.sendDMARC(ctx, day, domain, rows))
	}
	for domain, rows := range byDomain(sums, func(one *sum) bool { return one.TLS != nil }) {
		note(domain, s.sendTLS(ctx, day, domain, rows))
	}
	return first
}

func byDomain(sums []*sum, want func(*sum) bool) map[string][]*sum {
	m := map[string][]*sum{}
	for _, one := range sums {
		if want(one) {
			m[one.Domain] = append(m[one.Domain], one)
		}
	}
	return m
}

// reportID names a report. It is made from what the report is about, so that it is the same when it is made again.
func (s *Service) reportID(kind, day, domain string) string {
	h := sha256.Sum256([]byte(kind + "\n" + day + "\n" + domain + "\n" + s.cfg.Hostname))
	return strings.ReplaceAll(day, "-", "") + "." + hex.EncodeToString(h[:8]) + "@" + s.cfg.Hostname
}

// sendDMARC sends the report to those who may have it. The record seen last is the one it names (RFC 9990 §3.1.5).
func (s *Service) sendDMARC(ctx context.Context, day, domain string, sums []*sum) error {
	begin, end, _ := bounds(day)
	last := sums[len(sums)-1].DMARC
	record, err := dmarc.Parse(last.Record)
	if err != nil {
		return err
	}
	to, err := dmarc.Destinations(ctx, s.cfg.Lookup, domain, record.Reports)
	if err != nil {
		return err
	}
	if len(to) == 0 {
		return nil
	}
	r := dmarc.Report{
		Organization: s.cfg.Organization, Email: s.cfg.Contact.String(), ID: s.reportID("dmarc", day, domain),
		Begin: begin, End: end, Errors: last.Faults, Generator: "Tegami",
		Domain: domain, Published: dmarc.PublishedOf(record), Rows: rows(sums),
	}
	var body bytes.Buffer
	if err := r.WriteGzip(&body); err != nil {
		return err
	}
	attached := compose.Attachment("application/gzip", r.FileName(s.cfg.Hostname), body.Bytes())
	words := compose.Text(s.cfg.Words.Text(i18n.English, "report.dmarc_text", domain, s.cfg.Organization, day))
	h := s.header(r.Subject(s.cfg.Hostname), r.ID, end, to)
	return s.post(ctx, "dmarc "+day+" "+domain, to, h.Message(compose.Multipart("multipart/mixed", r.ID, words, attached)))
}

// rows merges what several processes and hours saw, most messages first.
func rows(sums []*sum) []dmarc.Row {
	merged := map[string]*dmarc.Row{}
	for _, one := range sums {
		key := keyOf(one.DMARC.Row)
		r := merged[key]
		if r == nil {
			r = &one.DMARC.Row
			r.Count = 0
			merged[key] = r
		}
		r.Count += one.Count
	}
	list := make([]dmarc.Row, 0, len(merged))
	for _, r := range merged {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b dmarc.Row) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Source.Compare(b.Source), cmp.Compare(a.HeaderFrom, b.HeaderFrom), cmp.Compare(a.EnvelopeFrom, b.EnvelopeFrom), cmp.Compare(a.Disposition, b.Disposition))
	})
	return list[:min(len(list), maxRows)]
}

// sendTLS sends the report on TLS to those the domain names, by mail (RFC 8460 §3).
func (s *Service) sendTLS(ctx context.Context, day, domain string, sums []*sum) error {
	texts, _, err := s.cfg.Lookup.TXT(ctx, tlspolicy.ReportRecordName(domain))
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	record, err := tlspolicy.ParseReportRecords(texts)
	if err != nil { // none, several or a broken one: nobody wants reports (RFC 8460 §3)
		return nil
	}
	to := record.Mails()
	if len(to) == 0 {
		return nil
	}
	begin, end, _ := bounds(day)
	id := s.reportID("tls", day, domain)
	r := tlspolicy.Report{
		Organization: s.cfg.Organization, Contact: s.cfg.Contact.String(), ID: id,
		Range: tlspolicy.Range{Start: begin, End: end}, Policies: policies(sums),
	}
	var body bytes.Buffer
	if err := r.WriteGzip(&body); err != nil {
		return err
	}
	name := tlspolicy.ReportName{Domain: domain, Submitter: s.cfg.Hostname, Begin: begin, End: end, ID: id}
	attached := compose.Attachment(tlspolicy.ReportTypeGzip, name.Filename(), body.Bytes())
	words := compose.Text(s.cfg.Words.Text(i18n.English, "report.tls_text", domain, s.cfg.Organization, day))
	h := s.header(name.Subject(), id, end, to)
	h.Line(tlspolicy.ReportDomainField, domain)
	h.Line(tlspolicy.ReportSenderField, s.cfg.Hostname)
	return s.post(ctx, "tls "+day+" "+domain, to, h.Message(compose.Multipart(tlspolicy.ReportMailType, id, words, attached)))
}

// policies puts together what was seen under each policy.
func policies(sums []*sum) (list []tlspolicy.PolicyResult) {
	at := map[string]int{}
	for _, one := range sums {
		key := keyOf(one.TLS.Policy)
		i, known := at[key]
		if !known {
			i = len(list)
			at[key] = i
			list = append(list, tlspolicy.PolicyResult{Policy: one.TLS.Policy})
		}
		count(&list[i], one)
	}
	return list
}

// count adds a sum to what was seen under its policy.
func count(p *tlspolicy.PolicyResult, one *sum) {
	f := one.TLS.Failure
	if f == nil {
		p.Summary.Success += one.Count
		return
	}
	p.Summary.Failure += one.Count
	for i := range p.Failures {
		known := p.Failures[i]
		known.Count = 0
		if known == *f {
			p.Failures[i].Count += one.Count
			return
		}
	}
	if len(p.Failures) < maxFailures {
		p.Failures = append(p.Failures, *f)
		p.Failures[len(p.Failures)-1].Count = one.Count
	}
}

// keyOf is equal for equal things.
func keyOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // nothing that was read from JSON
		return ""
	}
	return string(b)
}

// header begins the mail of a report. Its sender is the platform, whose domain signs it (RFC 9990 §3.5.2).
func (s *Service) header(subject, id string, at time.Time, to []mail.Address) *compose.Header {
	h := new(compose.Header)
	h.Addresses("From", compose.Mailbox{Address: mail.Address{Local: "noreply", Domain: s.cfg.Hostname}})
	var list []compose.Mailbox
	for _, a := range to {
		list = append(list, compose.Mailbox{Address: a})
	}
	h.Addresses("To", list...)
	h.Time("Date", s.now())
	h.IDs("Message-ID", "<"+id+">")
	h.Line("Subject", subject)
	h.Line("Auto-Submitted", "auto-generated")
	return h
}

// post accepts the mail of a report, once for each name.
func (s *Service) post(ctx context.Context, name string, to []mail.Address, octets []byte) error {
	l := deliver.Letter{Tenant: s.cfg.Sender, Octets: octets, Sign: s.cfg.Hostname}
	for _, a := range to {
		l.To = append(l.To, mail.Recipient{Address: a, Notify: mail.NotifyNever})
	}
	sent, err := s.sent(ctx, name)
	if err != nil || sent {
		return err
	}
	_, err = s.cfg.House.Post(ctx, l, func(tx store.Tx) error {
		_, err := tx.PutObject(store.Object{
			Kind: kindSent, ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{sentKey(name)}, Doc: []byte("{}"), Secret: true,
		})
		return err
	})
	if mail.Is(err, mail.Conflict) { // another process was faster
		return nil
	}
	return mail.Wrap("report.post", err)
}

func sentKey(name string) store.Key { return store.Key{Name: "reportsent", Value: name} }

// sent tells whether the report of a name was sent.
func (s *Service) sent(ctx context.Context, name string) (found bool, err error) {
	err = s.cfg.Store.Tenant(s.cfg.Sender).View(ctx, func(r store.Reader) error {
		_, err := r.ObjectByKey(sentKey(name))
		found = err == nil
		if mail.Is(err, mail.NotFound) {
			return nil
		}
		return err
	})
	return found, mail.Wrap("report.sent", err)
}

// forgetSent removes marks that nothing can ask for any more.
func (s *Service) forgetSent(ctx context.Context) error {
	return removeOld(ctx, s.cfg.Store.Tenant(s.cfg.Sender), kindSent, s.now().Add(-markFor))
}
