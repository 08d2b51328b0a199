package restd

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"tegami/directory"
	"tegami/domains"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/trace"
)

// Overview is how a company stands.
type Overview struct {
	IDs        UseOfIDs      `json:"ids"`
	Storage    int64         `json:"storageOctets" doc:"In all boxes"`
	At         time.Time     `json:"at" doc:"When storage was summed up; it is kept for some minutes"`
	Domains    []DomainUse   `json:"domains"`
	Fullest    []BoxUse      `json:"fullest" doc:"The fullest boxes"`
	NearlyFull int           `json:"nearlyFull" doc:"How many boxes are over 90 %"`
	Outside    int           `json:"outside" doc:"How many accounts have mail forwarded outside"`
	Queue      QueueNow      `json:"queue"`
	Alerts     []Alert       `json:"alerts" doc:"What somebody should look at, the gravest first"`
	Hours      []MailFigures `json:"hours" doc:"Mail of the last 48 hours, by hour"`
	Days       []MailFigures `json:"days" doc:"Mail of the last 30 days, by day in the company's time zone"`
}

// UseOfIDs is how many IDs are in use.
type UseOfIDs struct {
	Ordered int `json:"ordered"`
	Used    int `json:"used"`
}

// DomainUse is how a domain stands.
type DomainUse struct {
	ID      mail.DomainID `json:"id"`
	Name    string        `json:"name"`
	Plan    string        `json:"plan"`
	IDs     UseOfIDs      `json:"ids"`
	Storage int64         `json:"storageOctets"`
	Proved  bool          `json:"proved" doc:"It is known to be the company's"`
}

// BoxUse is how full a box is.
type BoxUse struct {
	Account mail.AccountID `json:"account"`
	Address string         `json:"address"`
	Name    string         `json:"name,omitempty"`
	Used    int64          `json:"usedOctets"`
	Quota   int64          `json:"quotaOctets"`
	Percent int            `json:"percent"`
}

// QueueNow is what waits.
type QueueNow struct {
	Waiting int       `json:"waiting"`
	Held    int       `json:"held" doc:"Counted up to 1,000"`
	Oldest  time.Time `json:"oldest,omitzero" doc:"When the oldest came"`
}

// Alert is something to look at.
type Alert struct {
	Kind    string         `json:"kind" enum:"boxesNearlyFull,idsNearlyUsed,domainUnproved,recordsWrong,mailHeld,forwardsOutside,signInsFail,certificateEnds,diskFull,indexLate,searchLate,partFailed,destinationDown" doc:"A stable name"`
	Level   string         `json:"level" enum:"error,warning,info"`
	Domain  string         `json:"domain,omitempty"`
	Account mail.AccountID `json:"account,omitzero" doc:"The account it is about most"`
	Count   int            `json:"count,omitempty"`
	Text    string         `json:"text" doc:"In the request's language"`
}

// MailFigures counts recipients of one hour or day by what became of the mail.
type MailFigures struct {
	At        time.Time `json:"at" doc:"The beginning"`
	Received  int64     `json:"received" doc:"From outside, delivered"`
	Sent      int64     `json:"sent" doc:"To other hosts, taken by them"`
	Internal  int64     `json:"internal" doc:"Between accounts, delivered"`
	Forwarded int64     `json:"forwarded"`
	Expanded  int64     `json:"expanded" doc:"Posts to lists"`
	Refused   int64     `json:"refused"`
	Failed    int64     `json:"failed"`
	Delayed   int64     `json:"delayed"`
	Held      int64     `json:"held"`
	Removed   int64     `json:"removed"`
	Unwanted  int64     `json:"unwanted" doc:"Put away as unwanted"`
}

func (s *Server) addOverview() {
	add(s, operation{ID: "getOverview", Method: http.MethodGet, Path: "/tenants/{tenant}/overview", Right: directory.RightOverview, Tag: "overview",
		Summary: "Tell how a company stands: use, mail, queue, and what to look at."}, s.overview)
}

func (s *Server) overview(ctx context.Context, c *Call, _ *InTenant) (*struct{ Body Overview }, error) {
	o := Overview{Domains: []DomainUse{}, Fullest: []BoxUse{}, Alerts: []Alert{}, Hours: []MailFigures{}, Days: []MailFigures{}}
	for _, add := range []func(context.Context, *Call, *Overview) error{
		s.overviewUse, s.overviewQueue, s.overviewMail, s.overviewAlerts,
	} {
		if err := add(ctx, c, &o); err != nil {
			return nil, err
		}
	}
	return &struct{ Body Overview }{o}, nil
}

const (
	// usesFor is how long sums over all boxes are good, and checksFor what the DNS said.
	usesFor, checksFor = 5 * time.Minute, 30 * time.Minute
	// maxUses is how many companies' sums are kept.
	maxUses = 1000
	// checkFor is how long an overview waits for the DNS.
	checkFor = 4 * time.Second
	// fullest is how many boxes are listed.
	fullest = 10
)

// uses are sums over companies' boxes, kept for some minutes.
type uses struct {
	mu  sync.Mutex
	all map[mail.TenantID]*use
}

// use is what was summed up of a company. Its mutex is held while that is done, so that it is done once.
type use struct {
	mu      sync.Mutex
	at      time.Time
	domains map[mail.DomainID]int64
	checked time.Time
	wrong   map[string]int // records that are missing or others, by domain
}

// of gives a company's sums.
func (u *uses) of(id mail.TenantID) *use {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.all[id]
	if one == nil {
		if u.all == nil || len(u.all) >= maxUses {
			u.all = make(map[mail.TenantID]*use)
		}
		one = &use{}
		u.all[id] = one
	}
	return one
}

// grants are the caller's roles as a roster takes them: nil reaches all.
func (c *Call) within(right directory.Right) []directory.Grant {
	if c.Whole(right) {
		return nil
	}
	grants := []directory.Grant{}
	for _, g := range c.Grants() {
		if g.Role.Gives(right) {
			grants = append(grants, g)
		}
	}
	return grants
}

// overviewUse adds IDs and boxes. A scoped caller sees the domains he has a role for.
func (s *Server) overviewUse(ctx context.Context, c *Call, o *Overview) error {
	list, err := c.Company.Domains(ctx)
	if err != nil {
		return err
	}
	sums, at, err := s.storage(ctx, c)
	if err != nil {
		return err
	}
	o.At = at
	for _, d := range list {
		if !c.MayIn(directory.RightOverview, directory.Place{Domain: d.ID}) {
			continue
		}
		use := DomainUse{
			ID: d.ID, Name: d.Name, Plan: d.Plan.String(), IDs: UseOfIDs{d.IDs, d.Accounts}, Storage: sums[d.ID], Proved: d.Owner.Proved(),
		}
		o.Domains = append(o.Domains, use)
		o.IDs.Ordered += d.IDs
		o.IDs.Used += d.Accounts
		o.Storage += use.Storage
	}
	return s.overviewBoxes(ctx, c, o)
}

// overviewBoxes adds the fullest boxes and who forwards outside.
func (s *Server) overviewBoxes(ctx context.Context, c *Call, o *Overview) error {
	q := directory.RosterQuery{Within: c.within(directory.RightOverview), Sort: directory.SortUsed, Descending: true, Limit: fullest}
	page, err := c.Company.Roster(ctx, q)
	if err != nil {
		return err
	}
	for _, r := range page.Rows {
		fill := mailbox.Fill{Used: r.Used, Quota: r.Quota}
		o.Fullest = append(o.Fullest, BoxUse{r.ID, r.Address.String(), r.Name, r.Used, r.Quota, fill.Percent()})
	}
	slices.SortStableFunc(o.Fullest, func(a, b BoxUse) int { return cmp.Compare(b.Percent, a.Percent) })
	q.Limit, q.OverPercent = 1, mailbox.NearPercent
	if page, err = c.Company.Roster(ctx, q); err != nil {
		return err
	}
	o.NearlyFull = page.Total
	q.OverPercent, q.Outside = 0, true
	if page, err = c.Company.Roster(ctx, q); err != nil {
		return err
	}
	o.Outside = page.Total
	return nil
}

// storage sums up the boxes of each domain, or tells what was summed up lately.
func (s *Server) storage(ctx context.Context, c *Call) (map[mail.DomainID]int64, time.Time, error) {
	u := s.uses.of(c.TenantID)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.domains != nil && time.Since(u.at) < usesFor {
		return u.domains, u.at, nil
	}
	sums := make(map[mail.DomainID]int64)
	for q := (directory.RosterQuery{Limit: directory.MaxRosterPage}); ; {
		page, err := c.Company.Roster(ctx, q)
		if err != nil {
			return nil, time.Time{}, err
		}
		for i := range page.Rows {
			sums[page.Rows[i].Domain] += page.Rows[i].Used
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	u.domains, u.at = sums, time.Now().UTC()
	return sums, u.at, nil
}

// overviewQueue adds what waits. It is the whole company's: a scoped caller learns a number.
func (s *Server) overviewQueue(ctx context.Context, c *Call, o *Overview) error {
	lane := s.config.Queue.Of(c.TenantID)
	routes, err := lane.Routes(ctx, 0)
	if err != nil {
		return err
	}
	for _, r := range routes {
		o.Queue.Waiting += r.Items
		if at := r.First.Time().UTC(); o.Queue.Oldest.IsZero() || at.Before(o.Queue.Oldest) {
			o.Queue.Oldest = at
		}
	}
	held, err := lane.List(ctx, queue.StateNamed("held"), 0, 0)
	o.Queue.Held = len(held)
	o.Queue.Waiting = max(0, o.Queue.Waiting-len(held))
	return err
}

const (
	figureHours = 48
	figureDays  = 30
)

// overviewMail adds the figures of mail, for whom the whole company is open.
func (s *Server) overviewMail(ctx context.Context, c *Call, o *Overview) error {
	if s.config.Trace == nil || !c.Whole(directory.RightOverview) {
		return nil
	}
	zone, err := c.Company.Zone(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	hour := now.Truncate(time.Hour).Add(-(figureHours - 1) * time.Hour).UTC()
	day := midnight(now.In(zone)).AddDate(0, 0, -(figureDays - 1))
	figures, err := s.config.Trace.Figures(ctx, c.TenantID, day, now.Add(time.Hour))
	if err != nil {
		return err
	}
	for i := range figureHours {
		o.Hours = append(o.Hours, MailFigures{At: hour.Add(time.Duration(i) * time.Hour)})
	}
	for i := range figureDays {
		o.Days = append(o.Days, MailFigures{At: day.AddDate(0, 0, i)})
	}
	for _, f := range figures {
		if i := int(f.Hour.Sub(hour) / time.Hour); !f.Hour.Before(hour) && i < figureHours {
			o.Hours[i].add(f)
		}
		at := midnight(f.Hour.In(zone))
		if i := slices.IndexFunc(o.Days, func(m MailFigures) bool { return m.At.Equal(at) }); i >= 0 {
			o.Days[i].add(f)
		}
	}
	return nil
}

// midnight is the beginning of a day.
func midnight(at time.Time) time.Time {
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, at.Location())
}

// add adds a figure of the trace.
func (m *MailFigures) add(f trace.Figure) {
	switch f.Result {
	case trace.Delivered:
		switch f.Direction {
		case trace.Inbound:
			m.Received += f.Count
		case trace.Outbound:
			m.Sent += f.Count
		case trace.Internal:
			m.Internal += f.Count
		}
	case trace.Forwarded:
		m.Forwarded += f.Count
	case trace.Expanded:
		m.Expanded += f.Count
	case trace.Refused:
		m.Refused += f.Count
	case trace.Failed:
		m.Failed += f.Count
	case trace.Delayed:
		m.Delayed += f.Count
	case trace.Held:
		m.Held += f.Count
	case trace.Removed:
		m.Removed += f.Count
	case trace.Quarantined:
		m.Unwanted += f.Count
	}
}

// failingMany is from how many failed sign-ins within 24 hours on somebody should look: a device with an old password alone is locked out before.
const failingMany = 100

// failingAlert tells of many failed sign-ins, to whom the whole company is open, and of the account at which most failed.
func (s *Server) failingAlert(ctx context.Context, c *Call, o *Overview) error {
	failed := c.Company.FailedSignIns()
	if failed.Count < failingMany || !c.Whole(directory.RightAccountsRead) {
		return nil
	}
	most, err := c.Company.Account(ctx, failed.Most)
	if err != nil && !mail.Is(err, mail.NotFound) {
		return err
	}
	o.alert(s, c, "warning", Alert{Kind: "signInsFail", Account: most.ID, Count: failed.Count}, failed.Count, failed.Accounts, most.Address.String(), failed.MostOf)
	return nil
}

// usedUp is from what share of ordered IDs on somebody should order more, in percent.
const usedUp = 90

// overviewAlerts adds what somebody should look at.
func (s *Server) overviewAlerts(ctx context.Context, c *Call, o *Overview) error {
	wrong := s.wrongRecords(ctx, c, o.Domains)
	for _, d := range o.Domains {
		if !d.Proved {
			o.alert(s, c, "error", Alert{Kind: "domainUnproved", Domain: d.Name}, d.Name)
		} else if n := wrong[d.Name]; n > 0 {
			o.alert(s, c, "warning", Alert{Kind: "recordsWrong", Domain: d.Name, Count: n}, d.Name, n)
		}
		if d.IDs.Used*100 >= d.IDs.Ordered*usedUp {
			o.alert(s, c, "warning", Alert{Kind: "idsNearlyUsed", Domain: d.Name, Count: d.IDs.Ordered - d.IDs.Used}, d.Name, d.IDs.Used, d.IDs.Ordered)
		}
	}
	if o.NearlyFull > 0 {
		o.alert(s, c, "warning", Alert{Kind: "boxesNearlyFull", Count: o.NearlyFull}, o.NearlyFull)
	}
	if err := s.failingAlert(ctx, c, o); err != nil {
		return err
	}
	if o.Queue.Held > 0 {
		o.alert(s, c, "warning", Alert{Kind: "mailHeld", Count: o.Queue.Held}, o.Queue.Held)
	}
	if o.Outside > 0 {
		o.alert(s, c, "info", Alert{Kind: "forwardsOutside", Count: o.Outside}, o.Outside)
	}
	levels := []string{"error", "warning", "info"}
	slices.SortStableFunc(o.Alerts, func(a, b Alert) int { return slices.Index(levels, a.Level) - slices.Index(levels, b.Level) })
	return nil
}

// alertTexts are the texts of alerts.
var alertTexts = map[string]string{
	"boxesNearlyFull": "alert.boxes_nearly_full", "idsNearlyUsed": "alert.ids_nearly_used", "domainUnproved": "alert.domain_unproved",
	"recordsWrong": "alert.records_wrong", "mailHeld": "alert.mail_held", "forwardsOutside": "alert.forwards_outside",
	"certificateEnds": "alert.certificate_ends", "diskFull": "alert.disk_full", "indexLate": "alert.index_late",
	"signInsFail": "alert.sign_ins_fail", "searchLate": "alert.search_late",
	"partFailed": "alert.part_failed", "destinationDown": "alert.destination_down",
}

// alert adds one, with its text.
func (o *Overview) alert(s *Server, c *Call, level string, a Alert, args ...any) {
	o.Alerts = append(o.Alerts, s.alert(c, level, a, args...))
}

// wrongRecords tells how many records of each domain the DNS does not have as it should, as far as that is known within a few seconds.
func (s *Server) wrongRecords(ctx context.Context, c *Call, list []DomainUse) map[string]int {
	if s.config.Domains == nil || s.config.Lookup == nil {
		return nil
	}
	u := s.uses.of(c.TenantID)
	u.mu.Lock()
	defer u.mu.Unlock()
	if time.Since(u.checked) < checksFor {
		return u.wrong
	}
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	wrong := make(map[string]int)
	for _, d := range list {
		findings, err := s.config.Domains.Check(ctx, s.config.Lookup, c.TenantID, d.Name)
		if err != nil { // asked again with the next overview; what the DNS says is no reason to show none
			s.log.Warn("records are not checked", "domain", d.Name, "err", err)
			continue
		}
		for _, f := range findings {
			if f.State == domains.RecordMissing || f.State == domains.RecordDifferent {
				wrong[d.Name]++
			}
		}
	}
	u.wrong, u.checked = wrong, time.Now()
	return wrong
}
