package trace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
)

// DoorQuarantine is the door (mail.Origin.Door) of the item that says that a message was taken out of quarantine, and by whom.
const DoorQuarantine = "quarantine"

// Day counts what a domain's people got in one day, by recipients.
type Day struct {
	Day         time.Time // its beginning in the company's zone
	Domain      string
	Received    int64 // accepted for somebody here, from outside or from colleagues; those of the following are among them, but for refused
	Refused     int64 // not accepted
	Spam        int64 // judged to be unwanted, whatever was done then
	Virus       int64 // held something harmful; a message that was not let out counts for its sender's domain
	Quarantined int64 // put into quarantine
	Released    int64 // taken out of it
}

// what is a figure of a day.
type what string

// The figures of a day, as their sums are called.
const (
	wasReceived    what = "received"
	wasRefused     what = "refused"
	wasSpam        what = "spam"
	wasVirus       what = "virus"
	wasQuarantined what = "quarantined"
	wasReleased    what = "released"
)

// dayPrefix begins the names of sums of days. Those of hours begin with a direction.
const dayPrefix = "day."

// dayKey is a figure of a domain on a day.
type dayKey struct {
	day    time.Time
	domain string
	what   what
}

// name is what the sum of a day's figure is called: a domain can be longer than that may be.
func (k *dayKey) name() string { return dayPrefix + domainMark(k.domain) + "." + string(k.what) }

// domainMark stands for a domain in the names of sums.
func domainMark(domain string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(domain)))
	return hex.EncodeToString(sum[:8])
}

// days are figures of days that are being made.
type days struct {
	zone *time.Location
	n    map[dayKey]int64
}

func newDays(zone *time.Location) *days { return &days{zone, map[dayKey]int64{}} }

// add counts n for a domain on the day of a time.
func (d *days) add(at time.Time, domain string, w what, n int) {
	if domain == "" {
		return
	}
	d.n[dayKey{startOfDay(at, d.zone), strings.ToLower(domain), w}] += int64(n)
}

// startOfDay is when the day of a time begins in a zone, to the hour, as sums have it.
func startOfDay(at time.Time, zone *time.Location) time.Time {
	at = at.In(zone)
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone).UTC().Truncate(time.Hour)
}

// list gives them as the store takes them.
func (d *days) list() (list []store.TraceSum) {
	for k, n := range d.n {
		list = append(list, store.TraceSum{Hour: k.day, Name: k.name(), N: n})
	}
	return list
}

// measured counts them in the figures for monitoring, once they are kept.
func (d *days) measured(m *obs.Metrics) {
	for k, n := range d.n {
		m.Filtered(string(k.what), n)
	}
}

// settled counts an item that is settled.
func (d *days) settled(it *queue.Item) {
	switch it.Route {
	case queue.RouteNotice:
		return
	case queue.RouteRefused:
		d.refused(it)
		return
	}
	if _, remote := queue.RemoteDomain(it.Route); remote || it.Auto {
		return
	}
	harmful := infected(it)
	for i := range it.To {
		r := &it.To[i]
		if r.Outcome != queue.Delivered || r.Account.IsZero() {
			continue
		}
		at := r.At
		if at.IsZero() {
			at = it.ID.Time()
		}
		if it.Origin.Door == DoorQuarantine {
			d.add(at, r.Domain, wasReleased, 1)
			continue
		}
		d.add(at, r.Domain, wasReceived, 1)
		if it.Spam || r.Into == queue.IntoQuarantine || r.Into == queue.IntoJunk {
			d.add(at, r.Domain, wasSpam, 1)
		}
		if r.Into == queue.IntoQuarantine {
			d.add(at, r.Domain, wasQuarantined, 1)
		}
		if harmful || r.Into == queue.IntoVirus {
			d.add(at, r.Domain, wasVirus, 1)
		}
	}
}

// refused counts what was not accepted: for who was to get it, and of what was not let out for its sender.
func (d *days) refused(it *queue.Item) {
	harmful := infected(it)
	if !it.Sender.IsZero() || it.Sign != "" {
		d.add(it.Origin.Received, it.From.Domain, wasRefused, 1+it.Repeats)
		if harmful {
			d.add(it.Origin.Received, it.From.Domain, wasVirus, 1+it.Repeats)
		}
		return
	}
	for i := range it.To {
		d.add(it.Origin.Received, it.To[i].Domain, wasRefused, 1+it.Repeats)
		if harmful {
			d.add(it.Origin.Received, it.To[i].Domain, wasVirus, 1+it.Repeats)
		}
	}
}

// infected tells whether the message held something harmful when it came.
func infected(it *queue.Item) bool {
	if len(it.Facts) == 0 {
		return false
	}
	f, err := policy.ParseFacts(it.Facts)
	return err == nil && f.Virus.Infected()
}

// Days gives the figures of domains for the days from that of since to that before until, in order of day and domain; days and domains without
// mail are left out. They come some seconds after the mail, and are kept as long as the items.
func (s *Service) Days(ctx context.Context, tenant mail.TenantID, domains []string, since, until time.Time) ([]Day, error) {
	const op mail.Op = "trace.Days"
	zone := s.zone(ctx, tenant)
	list, err := s.cfg.Store.Tenant(tenant).Traces().Sums(ctx, startOfDay(since, zone), until)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	names := make(map[string]string, len(domains))
	for _, d := range domains {
		names[domainMark(d)] = d
	}
	byDay := map[dayKey]*Day{}
	for _, sum := range list {
		rest, ok := strings.CutPrefix(sum.Name, dayPrefix)
		mark, w, _ := strings.Cut(rest, ".")
		domain, asked := names[mark]
		if !ok || !asked {
			continue
		}
		key := dayKey{day: sum.Hour, domain: domain}
		if byDay[key] == nil {
			byDay[key] = &Day{Day: sum.Hour.In(zone), Domain: domain}
		}
		byDay[key].add(what(w), sum.N)
	}
	all := make([]Day, 0, len(byDay))
	for _, d := range byDay {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b Day) int {
		if c := a.Day.Compare(b.Day); c != 0 {
			return c
		}
		return strings.Compare(a.Domain, b.Domain)
	})
	return all, nil
}

func (d *Day) add(w what, n int64) {
	switch w {
	case wasReceived:
		d.Received += n
	case wasRefused:
		d.Refused += n
	case wasSpam:
		d.Spam += n
	case wasVirus:
		d.Virus += n
	case wasQuarantined:
		d.Quarantined += n
	case wasReleased:
		d.Released += n
	}
}

// zone is where a company's days begin.
func (s *Service) zone(ctx context.Context, tenant mail.TenantID) *time.Location {
	if s.cfg.Zone != nil {
		if zone := s.cfg.Zone(ctx, tenant); zone != nil {
			return zone
		}
	}
	return time.FixedZone("JST", 9*60*60)
}
