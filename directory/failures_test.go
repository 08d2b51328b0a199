package directory

import (
	"testing"
	"time"

	"tegami/mail"
)

// TestFailedSignIns counts by company, over the last 24 hours.
func TestFailedSignIns(t *testing.T) {
	var f failures
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	at := func(tenant mail.TenantID, id mail.ObjectID, ago time.Duration, times int) {
		for range times {
			f.note(holder{tenant, id}, now.Add(-ago))
		}
	}
	at(1, 7, 30*time.Hour, 5) // too old, and its place is used again
	at(1, 7, 6*time.Hour, 2)
	at(1, 8, 2*time.Hour, 1)
	at(1, 8, 0, 3)
	at(2, 9, 0, 9)
	if got, want := f.sum(1, now), (FailedSignIns{Count: 6, Accounts: 2, Most: 8, MostOf: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := f.sum(1, now.Add(25*time.Hour)); got != (FailedSignIns{}) {
		t.Errorf("a day later: %+v", got)
	}
	if got := f.sum(3, now); got != (FailedSignIns{}) {
		t.Errorf("a company without failures: %+v", got)
	}
	for id := range mail.ObjectID(maxFailing + 10) {
		at(4, id+1, 0, 1)
	}
	if got := f.sum(4, now); got.Count != maxFailing+10 || got.Accounts != maxFailing {
		t.Errorf("many accounts: %+v", got)
	}
}
