package domains

import (
	"context"
	"fmt"
	"strings"

	"tegami/mail"
	"tegami/wire/mailauth/dkim"
)

// Need says how much depends on a record.
type Need string

// How much depends on a record.
const (
	Required    Need = "required"    // without it mail does not come, or is not believed
	Recommended Need = "recommended" // a well kept domain has it
	Helpful     Need = "helpful"     // mail software finds its settings by it
)

// Purpose is what a record is for, as key of the catalogue.
type Purpose string

// The purposes.
const (
	ForMX          Purpose = "dns.mx"
	ForSPF         Purpose = "dns.spf"
	ForDKIM        Purpose = "dns.dkim"
	ForDKIMNext    Purpose = "dns.dkim_next"
	ForDKIMRetired Purpose = "dns.dkim_retired"
	ForDMARC       Purpose = "dns.dmarc"
	ForSTS         Purpose = "dns.sts"
	ForSTSHost     Purpose = "dns.sts_host"
	ForTLSReports  Purpose = "dns.tls_reports"
	ForClients     Purpose = "dns.clients"
)

// Purposes lists all purposes, for tests that each has its words.
func Purposes() []Purpose {
	return []Purpose{ForMX, ForSPF, ForDKIM, ForDKIMNext, ForDKIMRetired, ForDMARC, ForSTS, ForSTSHost, ForTLSReports, ForClients}
}

// Record is a record that a domain should have in the DNS.
type Record struct {
	Name    string // without the final dot
	Type    string // MX, TXT, CNAME, SRV
	Value   string // a host as "mail.example", an MX as "10 mail.example", a TXT as its whole text
	Purpose Purpose
	Need    Need
}

// Zone gives the record as a line of a zone file (RFC 1035 §5.1).
func (r Record) Zone() string {
	value := r.Value + "."
	if r.Type == "TXT" {
		value = quoteTXT(r.Value)
	}
	return fmt.Sprintf("%s. 3600 IN %s %s", r.Name, r.Type, value)
}

// maxString is the length of one character-string of a TXT record (RFC 1035 §3.3).
const maxString = 255

// quoteTXT writes a text as character-strings in quotes. Who reads it joins them (RFC 7208 §3.3, RFC 6376 §3.6.2.2).
func quoteTXT(text string) string {
	var b strings.Builder
	for i := 0; i == 0 || i < len(text); i += maxString {
		if i > 0 {
			b.WriteByte(' ')
		}
		part := text[i:min(len(text), i+maxString)]
		b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(part) + `"`)
	}
	return b.String()
}

// Addresses that reports about a domain are sent to, at that domain.
const (
	DMARCReports = "dmarc-reports"
	TLSReports   = "tls-reports"
)

// Records lists what a domain should have in the DNS for its mail to work and to be believed, most needed first. NotFound
// "domain.unknown". The platform's own host name (tenant 0) has its keys and what goes with them.
func (s *Service) Records(ctx context.Context, tenant mail.TenantID, domain string) ([]Record, error) {
	const op = "domains.Records"
	r, err := s.ring(ctx, op, tenant, domain)
	if err != nil {
		return nil, err
	}
	at := place{tenant, r.doc.Domain}
	keys, err := keyRecords(r.doc)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if tenant.IsZero() {
		return append([]Record{s.spf(at)}, append(keys, dmarcRecord(at))...), nil
	}
	policy, err := s.policy(ctx, op, at)
	if err != nil {
		return nil, err
	}
	clients, err := s.clientRecords(ctx, op, at)
	if err != nil {
		return nil, err
	}
	list := append(s.mx(at), s.spf(at))
	list = append(append(list, keys...), dmarcRecord(at))
	return append(append(list, s.tlsRecords(at, policy)...), clients...), nil
}

func (s *Service) mx(at place) (list []Record) {
	for i, host := range s.cfg.MX {
		list = append(list, Record{at.domain, "MX", fmt.Sprintf("%d %s", 10*(i+1), host), ForMX, Required})
	}
	return list
}

// spf allows our hosts, and lets DMARC decide about others: a hard -all would make hosts refuse
// forwarded mail before they look at its DKIM signature (RFC 7489 §10.1 gives the warning).
func (s *Service) spf(at place) Record {
	return Record{at.domain, "TXT", "v=spf1 " + s.cfg.SPF + " ~all", ForSPF, Required}
}

// dmarcRecord is where a domain begins: nothing is refused, reports are read (RFC 9989 §5).
func dmarcRecord(at place) Record {
	return Record{"_dmarc." + at.domain, "TXT", "v=DMARC1; p=none; rua=mailto:" + DMARCReports + "@" + at.domain, ForDMARC, Required}
}

// keyRecords lists the records of all keys.
func keyRecords(doc *keysDoc) (list []Record, err error) {
	keys, err := doc.public()
	for _, k := range keys {
		r := Record{dkim.Name(k.Selector, k.Domain), "TXT", k.Record, ForDKIM, Required}
		switch k.State {
		case KeyNext:
			r.Purpose, r.Need = ForDKIMNext, Recommended
		case KeyRetired:
			r.Purpose, r.Need = ForDKIMRetired, Recommended
		}
		list = append(list, r)
	}
	return list, err
}

// tlsRecords say that mail to us is encrypted (RFC 8461 §3.1) and where failures are reported (RFC 8460 §3).
func (s *Service) tlsRecords(at place, p STSPolicy) []Record {
	return []Record{
		{"_mta-sts." + at.domain, "TXT", "v=STSv1; id=" + p.ID + ";", ForSTS, Recommended},
		{"mta-sts." + at.domain, "CNAME", s.cfg.Hostname, ForSTSHost, Recommended},
		{"_smtp._tls." + at.domain, "TXT", "v=TLSRPTv1; rua=mailto:" + TLSReports + "@" + at.domain, ForTLSReports, Recommended},
	}
}

// services are the names under which clients look for the servers of a protocol (RFC 6186 §3.2, §3.3, RFC 8314 §5.1).
var services = map[ClientProtocol]string{ClientSMTP: "_submissions", ClientPOP3: "_pop3s", ClientIMAP: "_imaps"}

// clientRecords lead mail software to its settings. Lower is better: POP3 stands before IMAP (RFC 6186 §3.4).
func (s *Service) clientRecords(ctx context.Context, op mail.Op, at place) ([]Record, error) {
	c, err := s.clientConfig(ctx, op, at, mail.ZoneInternet)
	if err != nil {
		return nil, err
	}
	var list []Record
	for _, name := range []string{"autoconfig", "autodiscover"} {
		list = append(list, Record{name + "." + at.domain, "CNAME", s.cfg.Hostname, ForClients, Helpful})
	}
	for _, servers := range [][]ClientServer{c.Outgoing, c.Incoming} {
		for i, one := range servers {
			value := fmt.Sprintf("%d 1 %d %s", 10*i, one.Port, one.Host)
			list = append(list, Record{services[one.Protocol] + "._tcp." + at.domain, "SRV", value, ForClients, Helpful})
		}
	}
	return append(list, Record{"_autodiscover._tcp." + at.domain, "SRV", "0 1 443 " + s.cfg.Hostname, ForClients, Helpful}), nil
}
