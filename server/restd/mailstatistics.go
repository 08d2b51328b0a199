package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// maxStatisticDays is how many days one request gives figures of.
const maxStatisticDays = 400

// MailDay counts what a domain's people got in one day, by recipients.
type MailDay struct {
	Day         string `json:"day" doc:"2026-11-23, in the company's time zone"`
	Domain      string `json:"domain"`
	Received    int64  `json:"received" doc:"Accepted, from outside or from colleagues; spam, virus and quarantined are among them"`
	Refused     int64  `json:"refused" doc:"Not accepted"`
	Spam        int64  `json:"spam" doc:"Judged to be unwanted, whatever was done then"`
	Virus       int64  `json:"virus" doc:"Held something harmful"`
	Quarantined int64  `json:"quarantined"`
	Released    int64  `json:"released" doc:"Taken out of quarantine"`
}

func (s *Server) addMailStatistics() {
	add(s, operation{ID: "getMailStatistics", Method: http.MethodGet, Path: "/tenants/{tenant}/statistics/mail", Right: directory.RightOverview, Tag: "statistics",
		Summary: "Count mail by domain and day: received, refused, spam, virus, quarantined, released. Days without mail are left out."}, s.mailStatistics)
}

func (s *Server) mailStatistics(ctx context.Context, c *Call, in *struct {
	InTenant
	Domain string `query:"domain" maxLength:"255" doc:"Only this domain"`
	From   string `query:"from" format:"date" doc:"The first day; absent: 29 days before the last"`
	To     string `query:"to" format:"date" doc:"The last day; absent: today"`
}) (*List[MailDay], error) {
	if s.config.Trace == nil {
		return nil, mail.E("restd.mailStatistics", mail.Unavailable, "storage.failed")
	}
	settings, err := c.Company.Settings(ctx)
	if err != nil {
		return nil, err
	}
	zone, err := zoneOf(settings.Zone)
	if err != nil {
		return nil, err
	}
	since, until, err := daysOf(in.From, in.To, zone, time.Now())
	if err != nil {
		return nil, err
	}
	domains, err := c.statisticDomains(ctx, in.Domain)
	if err != nil {
		return nil, err
	}
	days, err := s.config.Trace.Days(ctx, c.TenantID, domains, since, until)
	if err != nil {
		return nil, err
	}
	items := make([]MailDay, len(days))
	for i, d := range days {
		items[i] = MailDay{d.Day.Format(time.DateOnly), d.Domain, d.Received, d.Refused, d.Spam, d.Virus, d.Quarantined, d.Released}
	}
	out := listed(items, "")
	out.Body.Total = len(items)
	return out, nil
}

// statisticDomains are the domains that are asked for and that the caller may see. NotFound "domain.unknown".
func (c *Call) statisticDomains(ctx context.Context, name string) (names []string, err error) {
	if name != "" {
		d, err := c.domain(ctx, name)
		return []string{d.Name}, err
	}
	all, err := c.Company.Domains(ctx)
	for _, d := range all {
		if c.sees(d) {
			names = append(names, d.Name)
		}
	}
	return names, err
}

// daysOf reads the first and the last day that are asked for, and gives when they begin and end. Invalid "statistics.days" for what is no day, or
// too many.
func daysOf(first, last string, zone *time.Location, now time.Time) (since, until time.Time, err error) {
	const op = "restd.daysOf"
	if last == "" {
		last = now.In(zone).Format(time.DateOnly)
	}
	end, err := time.ParseInLocation(time.DateOnly, last, zone)
	if err != nil {
		return since, until, mail.E(op, mail.Invalid, "statistics.days", maxStatisticDays)
	}
	since, until = end.AddDate(0, 0, -29), end.AddDate(0, 0, 1)
	if first != "" {
		if since, err = time.ParseInLocation(time.DateOnly, first, zone); err != nil {
			return since, until, mail.E(op, mail.Invalid, "statistics.days", maxStatisticDays)
		}
	}
	if !since.Before(until) || since.Before(until.AddDate(0, 0, -maxStatisticDays)) {
		return since, until, mail.E(op, mail.Invalid, "statistics.days", maxStatisticDays)
	}
	return since, until, nil
}
