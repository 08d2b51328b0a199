package trace_test

import (
	"reflect"
	"testing"
	"time"

	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
	"tegami/trace"
)

// TestDays: what domains got, by the day in the company's zone.
func TestDays(t *testing.T) {
	h := newHouse(t)
	tokyo := time.FixedZone("JST", 9*60*60)
	now := time.Now()
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, tokyo).AddDate(0, 0, -2)
	at := func(it *queue.Item, hours int, into queue.Into) *queue.Item {
		it.Origin.Received = noon.Add(time.Duration(hours) * time.Hour)
		for i := range it.To {
			it.To[i].At, it.To[i].Into, it.To[i].Account = it.Origin.Received, into, mail.AccountID(11+i)
		}
		return it
	}
	spam := func(it *queue.Item) *queue.Item { it.Spam = true; return it }
	harmful := func(it *queue.Item) *queue.Item {
		facts := policy.Facts{Virus: &policy.Virus{Result: "infected"}}
		var err error
		if it.Facts, err = facts.Encode(); err != nil {
			t.Fatal(err)
		}
		return it
	}
	released := at(inbound(6, "x@outside.example", "sato@alpha.example"), 13, queue.IntoInbox)
	released.Origin.Door = trace.DoorQuarantine
	refused := at(inbound(7, "x@outside.example", "sato@alpha.example", "nobody@beta.example"), 1, 0)
	refused.Route, refused.Repeats = queue.RouteRefused, 2
	stopped := harmful(at(outbound(8, "y@outside.example"), 1, 0))
	stopped.Route = queue.RouteRefused
	waits := at(inbound(9, "x@outside.example", "sato@alpha.example"), 2, 0)
	waits.State, waits.To[0].Outcome = store.ItemHeld, queue.Waiting
	expanded := at(inbound(10, "x@outside.example", "sato@alpha.example"), 2, queue.IntoFilter)
	expanded.To[0].Outcome = queue.Expanded
	h.put(
		at(inbound(1, "x@outside.example", "sato@alpha.example", "suzuki@Beta.example"), 0, queue.IntoInbox),
		spam(at(inbound(2, "x@outside.example", "sato@alpha.example"), 11, queue.IntoQuarantine)),
		spam(at(inbound(3, "x@outside.example", "sato@alpha.example"), 11, queue.IntoInbox)), // marked
		harmful(at(inbound(4, "x@outside.example", "sato@alpha.example"), 13, queue.IntoVirus)),
		at(inbound(5, "x@outside.example", "sato@alpha.example"), 13, queue.IntoDenied),
		released, refused, stopped, waits, expanded,
		at(outbound(11, "y@outside.example"), 1, 0),
	)
	h.index()
	day := time.Date(noon.Year(), noon.Month(), noon.Day(), 0, 0, 0, 0, tokyo)
	want := []trace.Day{
		{Day: day, Domain: "alpha.example", Received: 3, Refused: 4, Spam: 2, Virus: 1, Quarantined: 1},
		{Day: day, Domain: "beta.example", Received: 1, Refused: 3},
		{Day: day.AddDate(0, 0, 1), Domain: "alpha.example", Received: 2, Virus: 1, Released: 1},
	}
	got, err := h.trace.Days(t.Context(), tenant, []string{"alpha.example", "beta.example", "gamma.example"}, noon, noon.AddDate(0, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if !got[i].Day.Equal(want[i].Day) {
			t.Errorf("day %v, want %v", got[i].Day, want[i].Day)
		}
		got[i].Day = want[i].Day
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	one, err := h.trace.Days(t.Context(), tenant, []string{"beta.example"}, noon, noon.AddDate(0, 0, 2))
	if err != nil || len(one) != 1 || one[0].Domain != "beta.example" {
		t.Errorf("of one domain: %+v, %v", one, err)
	}
	hours, err := h.trace.Figures(t.Context(), tenant, noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 3))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range hours {
		if f.Direction == "day" {
			t.Errorf("a day is among the hours: %+v", f)
		}
	}
}
