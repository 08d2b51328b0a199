package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/domains"
	"tegami/i18n"
)

// DNSRecord is a record a domain should have, and how it stands.
type DNSRecord struct {
	Name    string              `json:"name"`
	Type    string              `json:"type" enum:"MX,TXT,CNAME,SRV"`
	Value   string              `json:"value"`
	Zone    string              `json:"zone" doc:"The record as a line of a zone file"`
	Purpose string              `json:"purpose" doc:"What it is for, in the request's language"`
	Need    domains.Need        `json:"need" enum:"required,recommended,helpful"`
	State   domains.RecordState `json:"state" enum:"pass,missing,different,unknown"`
	Found   []string            `json:"found,omitempty" doc:"What is there instead"`
}

// DKIMKey is the public side of a key that signs a domain's mail.
type DKIMKey struct {
	Selector   string            `json:"selector"`
	Algorithm  domains.Algorithm `json:"algorithm" enum:"rsa-sha256,ed25519-sha256"`
	Generation int               `json:"generation"`
	State      domains.KeyState  `json:"state" enum:"next,active,retired"`
	Since      time.Time         `json:"since"`
	Record     string            `json:"record" doc:"The TXT record as one text"`
}

// MTASTS is the policy by which others deliver to the domain over TLS (RFC 8461).
type MTASTS struct {
	Mode domains.STSMode `json:"mode" enum:"enforce,testing,none"`
	ID   string          `json:"id,omitempty" readOnly:"true" doc:"Of the record _mta-sts"`
	Text string          `json:"text,omitempty" readOnly:"true" doc:"What is served"`
}

func (s *Server) addDNS() {
	const one = "/tenants/{tenant}/domains/{domain}"
	get, post, tag := http.MethodGet, http.MethodPost, "domains"
	add(s, operation{ID: "checkDomainRecords", Method: get, Path: one + "/dns", Right: directory.RightPolicyRead, Tag: tag, Summary: "Hold the records a domain should have against what the DNS says."}, s.checkDomainRecords)
	add(s, operation{ID: "listDomainKeys", Method: get, Path: one + "/dkim", Right: directory.RightPolicyRead, Tag: tag, Summary: "List the keys that sign a domain's mail, public halves only."}, s.listDomainKeys)
	add(s, operation{ID: "rotateDomainKeys", Method: post, Path: one + "/dkim/rotate", Right: directory.RightPolicy, Tag: tag, Summary: "Make the next generation of a domain's keys."}, s.rotateDomainKeys)
	add(s, operation{ID: "activateDomainKeys", Method: post, Path: one + "/dkim/activate", Right: directory.RightPolicy, Tag: tag, Summary: "Let the next generation of a domain's keys sign, whatever the DNS shows."}, s.activateDomainKeys)
	add(s, operation{ID: "getDomainSTS", Method: get, Path: one + "/mta-sts", Right: directory.RightPolicyRead, Tag: tag, Summary: "Show a domain's MTA-STS policy."}, s.getDomainSTS)
	add(s, operation{ID: "setDomainSTS", Method: http.MethodPut, Path: one + "/mta-sts", Right: directory.RightPolicy, Tag: tag, Summary: "Set the mode of a domain's MTA-STS policy."}, s.setDomainSTS)
}

// domainsOf gives what looks after a domain that the caller may see.
func (s *Server) domainsOf(ctx context.Context, c *Call, in *InDomain) (*domains.Company, error) {
	service, err := s.domainService()
	if err != nil {
		return nil, err
	}
	_, err = c.domain(ctx, in.Domain)
	return service.Company(c.TenantID), err
}

func (s *Server) checkDomainRecords(ctx context.Context, c *Call, in *InDomain) (*List[DNSRecord], error) {
	company, err := s.domainsOf(ctx, c, in)
	if err != nil {
		return nil, err
	}
	found, err := company.Check(ctx, s.config.Lookup, in.Domain)
	if err != nil {
		return nil, err
	}
	list := make([]DNSRecord, 0, len(found))
	for _, f := range found {
		purpose := s.words.Text(i18n.Lang(c.Lang), string(f.Purpose))
		list = append(list, DNSRecord{f.Name, f.Type, f.Value, f.Zone(), purpose, f.Need, f.State, f.Found})
	}
	return listed(list, ""), nil
}

func dkimKeys(keys []domains.Key, err error) (*List[DKIMKey], error) {
	list := make([]DKIMKey, 0, len(keys))
	for _, k := range keys {
		list = append(list, DKIMKey{k.Selector, k.Algorithm, k.Generation, k.State, k.Since, k.Record})
	}
	return listed(list, ""), err
}

func (s *Server) listDomainKeys(ctx context.Context, c *Call, in *InDomain) (*List[DKIMKey], error) {
	company, err := s.domainsOf(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return dkimKeys(company.Keys(ctx, in.Domain))
}

func (s *Server) rotateDomainKeys(ctx context.Context, c *Call, in *InDomain) (*List[DKIMKey], error) {
	company, err := s.domainsOf(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return dkimKeys(company.Rotate(ctx, c.Actor(), in.Domain))
}

func (s *Server) activateDomainKeys(ctx context.Context, c *Call, in *InDomain) (*List[DKIMKey], error) {
	company, err := s.domainsOf(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return dkimKeys(company.Activate(ctx, c.Actor(), in.Domain))
}

func (s *Server) getDomainSTS(ctx context.Context, c *Call, in *InDomain) (*struct{ Body MTASTS }, error) {
	company, err := s.domainsOf(ctx, c, in)
	if err != nil {
		return nil, err
	}
	p, err := company.STS(ctx, in.Domain)
	return &struct{ Body MTASTS }{MTASTS{p.Mode, p.ID, p.Text}}, err
}

func (s *Server) setDomainSTS(ctx context.Context, c *Call, in *struct {
	InDomain
	Body MTASTS
}) (*struct{ Body MTASTS }, error) {
	company, err := s.domainsOf(ctx, c, &in.InDomain)
	if err != nil {
		return nil, err
	}
	p, err := company.SetSTS(ctx, c.Actor(), in.Domain, in.Body.Mode)
	return &struct{ Body MTASTS }{MTASTS{p.Mode, p.ID, p.Text}}, err
}
