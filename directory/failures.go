package directory

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"tegami/mail"
)

const (
	// failureHours is for how many hours failed sign-ins are counted, the running one among them.
	failureHours = 24
	// maxFailing is how many accounts of a company are counted each by itself in an hour; what fails beyond counts for the company alone.
	maxFailing = 1000
	// maxFailingCompanies is how many companies are counted; past it all begin anew.
	maxFailingCompanies = 10_000
)

// FailedSignIns is how often people failed to sign in to the accounts of a company in the last 24 hours, as far as this process saw it.
type FailedSignIns struct {
	Count    int
	Accounts int            // at how many accounts
	Most     mail.AccountID // where most failed
	MostOf   int            // how often there
}

// failures counts failed sign-ins by company and hour.
type failures struct {
	mu  sync.Mutex
	all map[mail.TenantID]*[failureHours]failedHour
}

// failedHour is one hour's count; its place is used again after failureHours.
type failedHour struct {
	hour  int64 // since 1970
	count int
	at    map[mail.AccountID]int
}

func hourOf(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }

// note counts a failure.
func (f *failures) note(h holder, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ring := f.all[h.tenant]
	if ring == nil {
		if f.all == nil || len(f.all) >= maxFailingCompanies {
			f.all = make(map[mail.TenantID]*[failureHours]failedHour)
		}
		ring = &[failureHours]failedHour{}
		f.all[h.tenant] = ring
	}
	hour := hourOf(now)
	slot := &ring[hour%failureHours]
	if slot.hour != hour {
		*slot = failedHour{hour: hour, at: make(map[mail.AccountID]int)}
	}
	slot.count++
	if id := mail.AccountID(h.id); len(slot.at) < maxFailing || slot.at[id] > 0 {
		slot.at[id]++
	}
}

// sum is what failed at a company's accounts.
func (f *failures) sum(t mail.TenantID, now time.Time) (out FailedSignIns) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ring := f.all[t]
	if ring == nil {
		return out
	}
	at := make(map[mail.AccountID]int)
	for i := range ring {
		if ring[i].hour <= hourOf(now)-failureHours {
			continue
		}
		out.Count += ring[i].count
		for id, n := range ring[i].at {
			at[id] += n
		}
	}
	out.Accounts = len(at)
	ids := make([]mail.AccountID, 0, len(at))
	for id := range at {
		ids = append(ids, id)
	}
	if len(ids) > 0 {
		out.Most = slices.MinFunc(ids, func(a, b mail.AccountID) int { return cmp.Or(at[b]-at[a], cmp.Compare(a, b)) })
		out.MostOf = at[out.Most]
	}
	return out
}

// FailedSignIns tells how many sign-ins failed lately, for whoever watches over the company.
func (c *Company) FailedSignIns() FailedSignIns { return c.dir.failures.sum(c.id, time.Now()) }
