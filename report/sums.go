package report

import (
	"encoding/json"
	"net/netip"
	"time"

	"tegami/mail"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/mailauth/spf"
	"tegami/wire/tlspolicy"
)

// dayFormat writes the day, in UTC, that a sum belongs to: reports are about whole days (RFC 9990 §3.1).
const dayFormat = "2006-01-02"

// maxSignatures is how many signatures of a message a report names.
const maxSignatures = 10

// Seen is what is reported of one message from outside.
type Seen struct {
	Remote      netip.Addr
	From        mail.Address // of the envelope
	Author      string       // the domain in the header's From
	SPF         spf.Result
	DKIM        []dkim.Result
	DMARC       dmarc.Result
	Disposition dmarc.Disposition // what became of it on account of DMARC; DispositionNone for a pass too
	// Reason is why that is not what the domain asks for; "" = by the rules of this house (dmarc.ReasonLocalPolicy).
	Reason string
}

// sum counts what agrees in all else. It is what objects hold, as JSON.
type sum struct {
	Day    string    `json:"day"`
	Domain string    `json:"domain"` // the policy domain
	DMARC  *dmarcSum `json:"dmarc,omitempty"`
	TLS    *tlsSum   `json:"tls,omitempty"`
	Count  int64     `json:"n"`
}

// dmarcSum is a row of a report, with the record it was judged by.
type dmarcSum struct {
	Record string    `json:"record"` // as text; what was wrong in it stands in Faults
	Faults []string  `json:"faults,omitempty"`
	Row    dmarc.Row `json:"row"` // Count is not used
}

// tlsSum is a kind of session: it went well under a policy, or failed in one way.
type tlsSum struct {
	Policy  tlspolicy.AppliedPolicy `json:"policy"`
	Failure *tlspolicy.Failure      `json:"failure,omitempty"` // Count is not used
}

// Saw counts a message of which DMARC gave pass or fail, for the owner of the domain in its From. It does not
// wait. A message without a record, or whose record wants no reports, is passed over.
func (s *Service) Saw(m Seen) {
	d := &m.DMARC.Discovery
	if s.cfg.Sender.IsZero() || len(d.Record.Reports) == 0 || m.DMARC.Status != dmarc.Pass && m.DMARC.Status != dmarc.Fail {
		return
	}
	s.add(&sum{
		Domain: d.Where,
		DMARC:  &dmarcSum{Record: d.Record.String(), Faults: d.Record.Faults, Row: m.row()},
	})
}

// row is what a report says about a message (RFC 9990 §3.1.1.6).
func (m *Seen) row() dmarc.Row {
	r := dmarc.Row{
		Source: m.Remote.Unmap().WithZone(""), Disposition: m.Disposition, DKIM: m.DMARC.DKIM, SPF: m.DMARC.SPF,
		HeaderFrom: m.Author, EnvelopeFrom: m.From.Domain, DKIMResults: m.signatures(),
	}
	if m.SPF.Scope == spf.MailFrom && m.SPF.Domain != "" {
		r.SPFResults = []dmarc.AuthResult{{Domain: m.SPF.Domain, Scope: string(spf.MailFrom), Result: string(m.SPF.Status)}}
	}
	record := m.DMARC.Discovery.Record
	switch {
	case m.DMARC.Status == dmarc.Pass:
		r.Disposition = dmarc.DispositionNone
		if record.Policy != dmarc.PolicyNone {
			r.Disposition = dmarc.DispositionPass
		}
	case string(r.Disposition) != string(m.DMARC.Policy):
		r.Reasons = []dmarc.Reason{{Type: m.Reason}}
		if m.Reason == "" {
			r.Reasons[0].Type = dmarc.ReasonLocalPolicy
		}
	case m.DMARC.Policy != m.DMARC.Published:
		r.Reasons = []dmarc.Reason{{Type: dmarc.ReasonTestMode}}
	}
	return r
}

// signatures are the results of DKIM: those that passed before the others, those for the author's domain first (RFC 9990 §3.1.3).
func (m *Seen) signatures() (list []dmarc.AuthResult) {
	rank := func(r *dkim.Result) int {
		switch {
		case r.Status != dkim.Pass:
			return 2
		case r.Domain != m.Author:
			return 1
		}
		return 0
	}
	for want := range 3 {
		for i := range m.DKIM {
			r := &m.DKIM[i]
			if r.Status != dkim.None && rank(r) == want && len(list) < maxSignatures {
				list = append(list, dmarc.AuthResult{Domain: r.Domain, Selector: r.Selector, Result: r.Status.String()})
			}
		}
	}
	return list
}

// SawTLS counts a session with another host (relay.TLSReporter). It does not wait.
func (s *Service) SawTLS(p tlspolicy.AppliedPolicy, f *tlspolicy.Failure) {
	if s.cfg.Sender.IsZero() || p.Domain == "" {
		return
	}
	t := &tlsSum{Policy: p}
	if f != nil {
		plain := *f
		plain.Count = 0
		t.Failure = &plain
	}
	s.add(&sum{Domain: p.Domain, TLS: t})
}

// add counts one of a sum. Past the limit only sums that are known count.
func (s *Service) add(one *sum) {
	one.Day = s.now().UTC().Format(dayFormat)
	key, err := json.Marshal(one)
	if err != nil {
		s.log.Error("something seen can't be written", "err", err)
		return
	}
	one.Count = 1
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(string(key), one)
}

// put adds to the sum of a key. The lock is held.
func (s *Service) put(key string, one *sum) {
	if known := s.sums[key]; known != nil {
		known.Count += one.Count
		return
	}
	if len(s.sums) >= maxSums {
		s.lost += one.Count
		return
	}
	s.sums[key] = one
}

// bounds are the first and the last second of a day.
func bounds(day string) (begin, end time.Time, ok bool) {
	begin, err := time.ParseInLocation(dayFormat, day, time.UTC)
	return begin, begin.Add(24*time.Hour - time.Second), err == nil
}
