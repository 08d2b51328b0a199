package domains

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
)

// RecordState is how a wanted record stands in the DNS.
type RecordState string

// States of a record.
const (
	RecordPass      RecordState = "pass"      // it is there
	RecordMissing   RecordState = "missing"   // nothing of its kind is there
	RecordDifferent RecordState = "different" // something else is there
	RecordUnknown   RecordState = "unknown"   // the DNS could not be asked; nothing follows from that
)

// Finding is what the DNS says about a wanted record.
type Finding struct {
	Record
	State RecordState
	Found []string // what is there instead, in the form of Record.Value; at most maxFound
}

// Limits of a check.
const (
	checkTimeout = 15 * time.Second
	checkAtOnce  = 8
	maxFound     = 8
)

// Check holds the records of a domain against what the DNS says, in the order of Records. An outage of the DNS is
// a finding and no error. NotFound "domain.unknown".
func (s *Service) Check(ctx context.Context, l dns.Lookup, tenant mail.TenantID, domain string) ([]Finding, error) {
	wanted, err := s.Records(ctx, tenant, domain)
	if err != nil {
		return nil, err
	}
	return s.check(ctx, l, wanted), nil
}

// check asks for each record, some at once.
func (s *Service) check(ctx context.Context, l dns.Lookup, wanted []Record) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	findings := make([]Finding, len(wanted))
	room := make(chan struct{}, checkAtOnce)
	var all sync.WaitGroup
	for i, r := range wanted {
		room <- struct{}{}
		all.Go(func() {
			findings[i] = s.checkOne(ctx, l, r)
			<-room
		})
	}
	all.Wait()
	return findings
}

func (s *Service) checkOne(ctx context.Context, l dns.Lookup, r Record) Finding {
	f := Finding{Record: r}
	found, err := ask(ctx, l, r)
	switch {
	case err == nil:
		f.State, f.Found = s.judge(r, found)
		if r.Type == "CNAME" && f.State == RecordDifferent && s.leadsHere(ctx, l, r) {
			f.State, f.Found = RecordPass, nil
		}
	case !mail.Is(err, mail.NotFound):
		f.State = RecordUnknown
	case r.Type == "CNAME":
		f.State, f.Found = s.sameAddresses(ctx, l, r)
	default:
		f.State = RecordMissing
	}
	f.Found = f.Found[:min(len(f.Found), maxFound)]
	return f
}

// ask gives what is there, each in the form of Record.Value.
func ask(ctx context.Context, l dns.Lookup, r Record) (found []string, err error) {
	switch r.Type {
	case "MX":
		list, _, err := l.MX(ctx, r.Name)
		for _, m := range list {
			found = append(found, fmt.Sprintf("%d %s", m.Preference, m.Host))
		}
		return found, err
	case "SRV":
		list, _, err := l.SRV(ctx, r.Name)
		for _, v := range list {
			found = append(found, fmt.Sprintf("%d %d %d %s", v.Priority, v.Weight, v.Port, canonical(v.Target)))
		}
		return found, err
	case "CNAME":
		name, _, err := l.CNAME(ctx, r.Name)
		return []string{canonical(name)}, err
	}
	found, _, err = l.TXT(ctx, r.Name)
	return found, err
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// judge says whether what was found will do.
func (s *Service) judge(r Record, found []string) (RecordState, []string) {
	var fits func(string) bool
	switch r.Purpose {
	case ForMX:
		return judgeMX(r, found)
	case ForSPF:
		found, fits = versions(found, "v=spf1"), s.allowsUs
	case ForDMARC:
		found, fits = versions(found, "v=DMARC1"), hasPolicy
	case ForSTS:
		found, fits = versions(found, "v=STSv1"), func(t string) bool { return tagOf(t, "id") == tagOf(r.Value, "id") }
	case ForTLSReports:
		found, fits = versions(found, "v=TLSRPTv1"), func(t string) bool { return tagOf(t, "rua") != "" }
	case ForDKIM, ForDKIMNext, ForDKIMRetired:
		fits = func(t string) bool { return tagOf(t, "p") == tagOf(r.Value, "p") }
	default:
		fits = func(t string) bool { return sameService(r, t) }
	}
	return judgeOnly(r, found, fits)
}

// judgeOnly wants one record that fits. Of the policies by TXT a second one makes all of them void; services may have others beside.
func judgeOnly(r Record, found []string, fits func(string) bool) (RecordState, []string) {
	switch {
	case len(found) == 0:
		return RecordMissing, nil
	case slices.ContainsFunc(found, fits) && (len(found) == 1 || r.Type != "TXT"):
		return RecordPass, nil
	}
	return RecordDifferent, found
}

// judgeMX wants our host among them, and none that is not ours before it: mail would go there.
func judgeMX(r Record, found []string) (RecordState, []string) {
	_, ours, _ := strings.Cut(r.Value, " ")
	for _, m := range found {
		if _, host, _ := strings.Cut(m, " "); host == ours {
			return RecordPass, nil
		}
	}
	return RecordDifferent, found
}

// sameService holds SRV records without their priority and weight, which are the domain's choice, and other records to the letter.
func sameService(r Record, found string) bool {
	if r.Type != "SRV" {
		return found == r.Value
	}
	a, b := strings.Fields(found), strings.Fields(r.Value)
	return len(a) == 4 && len(b) == 4 && a[2] == b[2] && a[3] == b[3]
}

// versions leaves the texts that begin with a version tag. SPF's ends at a blank, the others' at a semicolon.
func versions(found []string, version string) (list []string) {
	for _, t := range found {
		rest, ok := strings.CutPrefix(strings.TrimSpace(t), version)
		if ok && (rest == "" || strings.ContainsAny(rest[:1], " ;\t")) {
			list = append(list, t)
		}
	}
	return list
}

// tagOf gives the value of a tag in a list such as "v=DKIM1; p=…" (RFC 6376 §3.2), without white space.
func tagOf(text, name string) string {
	for part := range strings.SplitSeq(text, ";") {
		key, value, ok := strings.Cut(part, "=")
		if ok && strings.TrimSpace(key) == name {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// allowsUs tells whether an SPF record has all our mechanisms. A domain may reach them through an include of its own; that
// is told as different, with what is there.
func (s *Service) allowsUs(text string) bool {
	terms := strings.Fields(strings.ToLower(text))
	for i, t := range terms {
		terms[i] = strings.TrimPrefix(t, "+")
	}
	for _, want := range strings.Fields(strings.ToLower(s.cfg.SPF)) {
		if !slices.Contains(terms, want) {
			return false
		}
	}
	return true
}

// hasPolicy tells whether a DMARC record asks for anything. Which of the policies is the domain's choice.
func hasPolicy(text string) bool {
	return slices.Contains([]string{"none", "quarantine", "reject"}, strings.ToLower(tagOf(text, "p")))
}

// leadsHere tells whether an alias of another name ends at our host.
func (s *Service) leadsHere(ctx context.Context, l dns.Lookup, r Record) bool {
	state, _ := s.sameAddresses(ctx, l, r)
	return state == RecordPass
}

// sameAddresses tells whether a name without a CNAME leads to our host all the same: by addresses that all are ours.
func (s *Service) sameAddresses(ctx context.Context, l dns.Lookup, r Record) (RecordState, []string) {
	there, _, err := l.Addrs(ctx, r.Name)
	if mail.Is(err, mail.NotFound) {
		return RecordMissing, nil
	}
	ours, _, ourErr := l.Addrs(ctx, r.Value)
	if err != nil || ourErr != nil && !mail.Is(ourErr, mail.NotFound) {
		return RecordUnknown, nil
	}
	var found []string
	state := RecordPass
	for _, a := range there {
		found = append(found, a.String())
		if !slices.Contains(ours, a) {
			state = RecordDifferent
		}
	}
	return state, found
}
