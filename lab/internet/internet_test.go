package internet

import (
	"strings"
	"testing"
)

// TestInternet lets the hosts exchange mail. Each part has people of its own, so that they run at the same time.
func TestInternet(t *testing.T) {
	if testing.Short() {
		t.Skip("starts four servers")
	}
	w := newWorld(t)
	t.Run("group", func(t *testing.T) {
		for _, part := range []struct {
			name string
			run  func(*world, *testing.T)
		}{
			{"STS", (*world).testSTS}, {"BrokenCertificate", (*world).testBrokenCertificate},
			{"DANE", (*world).testDANE}, {"BrokenDANE", (*world).testBrokenDANE},
			{"Between", (*world).testBetween}, {"BounceBetween", (*world).testBounceBetween},
			{"BelievedAtPostfix", (*world).testBelieved}, {"BelievedAtTegami", (*world).testBelievedHere}, {"Forged", (*world).testForged},
			{"Bounce", (*world).testBounce},
			{"Forward", (*world).testForward}, {"ForwardUnsigned", (*world).testForwardUnsigned},
			{"ForwardBounce", (*world).testForwardBounce}, {"ForwardChainBounce", (*world).testChainBounce},
			{"List", (*world).testList},
			{"Records", (*world).testRecords},
		} {
			t.Run(part.name, func(t *testing.T) {
				t.Parallel()
				part.run(w, t)
			})
		}
	})
}

// needPostfix skips where there is no Postfix.
func (w *world) needPostfix(t *testing.T) {
	t.Helper()
	if w.gamma == nil {
		t.Skip("no Postfix here: " + noPostfix())
	}
}

// queued is what the queue of a platform says of a message.
type queued struct {
	ID         string
	Route      string
	Attempts   int
	Recipients []struct{ Address, Outcome, Status, Host, Answer string }
}

// deferred waits until a message to a domain was tried in vain, and wants the status that says why.
func (w *world) deferred(t *testing.T, domain, status string) queued {
	t.Helper()
	var items []queued
	poll(t, "mail to "+domain+" is put off", func() bool {
		w.alpha.Ask(t, &items, "queue", "list", "--route", "remote "+domain)
		return len(items) == 1 && items[0].Recipients[0].Status != ""
	})
	if r := items[0].Recipients[0]; r.Outcome != "waiting" || r.Status != status {
		t.Errorf("mail to %s is %+v; want status %s", domain, r, status)
	}
	return items[0]
}

// testRecords: once what a platform wants stands in the DNS, the platform finds it there.
func (w *world) testRecords(t *testing.T) {
	var records []struct{ Name, Type, Value, State string }
	w.alpha.Ask(t, &records, "domain", "dns", "alpha.example", "--check")
	for _, r := range records {
		if r.State != "pass" && !strings.HasPrefix(r.Value, "v=DMARC1") { // the lab's is stricter
			t.Errorf("%s %s %q is %s", r.Name, r.Type, r.Value, r.State)
		}
	}
	if len(records) < 5 {
		t.Errorf("only these records are wanted: %+v", records)
	}
}
