package notice

import (
	"context"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// Limits of the report of forwards.
const (
	maxForwards  = 100                 // accounts that are named; of the rest their number is said
	forwardsOnce = 40 * 24 * time.Hour // for how long a month's report is known to have been sent: longer than a month
)

// ReportForwards tells the administrators of a company, once in each calendar month, whose mail leaves it by itself (ML-5): forwarding
// that nobody remembers is how mail gets lost to strangers. Where nothing is forwarded to the outside nobody is told. It may be called as often as one likes.
func (s *Service) ReportForwards(ctx context.Context, tenant mail.TenantID, now time.Time) error {
	const op = "notice.ReportForwards"
	n := Notice{
		subject: "notice.forwards.title", what: "notice.forwards.what", do: "notice.forwards.do",
		admins: true, once: now.UTC().Format("2006-01"), every: forwardsOnce,
	}
	if told, err := s.cfg.Store.Tally(ctx, n.counter(tenant), 0, n.every); err != nil || told > 0 {
		return mail.Wrap(op, err)
	}
	page, err := s.cfg.Directory.Company(tenant).Forwards(ctx, directory.ForwardQuery{Outside: true, Limit: maxForwards})
	if err != nil || page.Total == 0 {
		return mail.Wrap(op, err)
	}
	n.args = []any{page.Total}
	for _, f := range page.Forwards {
		n.lines = append(n.lines, line{forwardedBy(f.By), f.Address.String() + " → " + addressList(f.Outside)})
	}
	if more := page.Total - len(page.Forwards); more > 0 {
		n.lines = append(n.lines, line{"notice.forwards.more", more})
	}
	return s.Tell(ctx, tenant, n)
}

func forwardedBy(by directory.ForwardedBy) key {
	if by == directory.ForwardedByFilter {
		return "notice.forwards.filter"
	}
	return "notice.forwards.admin"
}

func addressList(list []mail.Address) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}
