package queue

import (
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

func TestNext(t *testing.T) {
	s := Schedule{First: time.Minute, Max: time.Hour}
	for _, c := range []struct {
		attempts int
		jitter   float64
		want     time.Duration
	}{
		{1, .5, time.Minute}, {2, .5, 2 * time.Minute}, {3, .5, 4 * time.Minute}, {6, .5, 32 * time.Minute}, {7, .5, time.Hour},
		{1000, .5, time.Hour}, {1 << 30, .5, time.Hour}, {0, .5, time.Minute},
		{1, 0, 52500 * time.Millisecond}, {1, 1, 67500 * time.Millisecond}, {1000, 0, 52*time.Minute + 30*time.Second},
	} {
		if got := s.Next(c.attempts, c.jitter); got != c.want {
			t.Errorf("Next(%d, %v) = %v, want %v", c.attempts, c.jitter, got, c.want)
		}
	}
	if got := (Schedule{}).Next(1, .5); got != time.Minute {
		t.Errorf("the default's first wait is %v", got)
	}
	if got := (Schedule{First: time.Second, Max: 3 * time.Second}).Next(5, .5); got != 3*time.Second {
		t.Errorf("at most 3 s gives %v", got)
	}
}

// TestFates: what becomes of an item that was tried, or was put off untried.
func TestFates(t *testing.T) {
	const w, d, f, r, e = Waiting, Delivered, Failed, Relayed, Expanded
	const never, success, failure, delay = mail.NotifyNever, mail.NotifySuccess, mail.NotifyFailure, mail.NotifyDelay
	remote, day := RouteRemote("a.example"), 24*time.Hour
	for name, c := range map[string]struct {
		route   string
		age     time.Duration
		before  []Outcome
		after   []Outcome
		notify  mail.Notify
		change  func(*Item)
		untried bool

		state  store.ItemState
		told   []Outcome
		wait   time.Duration // until it is due
		warned bool
	}{
		"all relayed":                {before: []Outcome{w, w}, after: []Outcome{r, r}, state: store.ItemSettled},
		"relayed, success asked":     {before: []Outcome{w}, after: []Outcome{r}, notify: success, state: store.ItemSettled, told: []Outcome{r}},
		"delivered by another host":  {before: []Outcome{w}, after: []Outcome{d}, notify: success, state: store.ItemSettled},
		"delivered here":             {route: RouteLocal, before: []Outcome{w}, after: []Outcome{d}, notify: success, state: store.ItemSettled, told: []Outcome{d}},
		"expanded":                   {route: RouteLocal, before: []Outcome{w}, after: []Outcome{e}, notify: success, state: store.ItemSettled, told: []Outcome{e}},
		"failed":                     {before: []Outcome{w, w}, after: []Outcome{r, f}, state: store.ItemSettled, told: []Outcome{f}},
		"failed, failure asked":      {before: []Outcome{w}, after: []Outcome{f}, notify: failure, state: store.ItemSettled, told: []Outcome{f}},
		"failed, only delay asked":   {before: []Outcome{w}, after: []Outcome{f}, notify: delay, state: store.ItemSettled},
		"failed, nothing asked":      {before: []Outcome{w}, after: []Outcome{f}, notify: never, state: store.ItemSettled},
		"failed before":              {before: []Outcome{f, w}, after: []Outcome{f, r}, state: store.ItemSettled},
		"failed, null sender":        {before: []Outcome{w}, after: []Outcome{f}, change: func(it *Item) { it.From = mail.Address{} }, state: store.ItemSettled},
		"failed, the platform's own": {before: []Outcome{w}, after: []Outcome{f}, change: func(it *Item) { it.Auto = true }, state: store.ItemSettled},
		"failed, spam":               {before: []Outcome{w}, after: []Outcome{f}, change: func(it *Item) { it.Spam = true }, state: store.ItemSettled},
		"waits":                      {before: []Outcome{w, w}, after: []Outcome{w, r}, state: store.ItemWaiting, wait: time.Minute},
		"waits, one failed":          {before: []Outcome{w, w}, after: []Outcome{w, f}, state: store.ItemWaiting, wait: time.Minute, told: []Outcome{f}},
		"late":                       {age: 5 * time.Hour, before: []Outcome{w, r}, after: []Outcome{w, r}, state: store.ItemWaiting, wait: time.Minute, told: []Outcome{w}, warned: true},
		"late, one failed":           {age: 5 * time.Hour, before: []Outcome{w, w}, after: []Outcome{f, w}, state: store.ItemWaiting, wait: time.Minute, told: []Outcome{f, w}, warned: true},
		"late, told before":          {age: 5 * time.Hour, before: []Outcome{w}, after: []Outcome{w}, change: func(it *Item) { it.Warned = true }, state: store.ItemWaiting, wait: time.Minute, warned: true},
		"late, only failure asked":   {age: 5 * time.Hour, before: []Outcome{w}, after: []Outcome{w}, notify: failure, state: store.ItemWaiting, wait: time.Minute},
		"late, delay asked":          {age: 5 * time.Hour, before: []Outcome{w}, after: []Outcome{w}, notify: delay, state: store.ItemWaiting, wait: time.Minute, told: []Outcome{w}, warned: true},
		"released late":              {age: 5 * time.Hour, before: []Outcome{w}, after: []Outcome{w}, change: func(it *Item) { it.Opts.HoldUntil = now }, state: store.ItemWaiting, wait: time.Minute},
		"late, untried":              {age: 5 * time.Hour, untried: true, before: []Outcome{w}, after: []Outcome{w}, state: store.ItemWaiting, wait: time.Hour, told: []Outcome{w}, warned: true},
		"too old":                    {age: 5 * day, before: []Outcome{w, r}, after: []Outcome{w, r}, state: store.ItemSettled, told: []Outcome{f}},
		"too old, untried":           {age: 6 * day, untried: true, before: []Outcome{w}, after: []Outcome{w}, state: store.ItemSettled, told: []Outcome{f}},
		"nearly too old":             {age: 5*day - time.Second, before: []Outcome{w}, after: []Outcome{w}, change: func(it *Item) { it.Warned = true }, state: store.ItemWaiting, wait: time.Second, warned: true},
		"held by its carrier":        {before: []Outcome{w}, after: []Outcome{w}, change: func(it *Item) { it.State = store.ItemHeld }, state: store.ItemHeld},
		"a notice":                   {route: RouteNotice, before: []Outcome{w, f}, after: []Outcome{w, f}, state: store.ItemSettled},
		"a notice of old mail":       {route: RouteNotice, age: 6 * day, untried: true, before: []Outcome{w, f}, after: []Outcome{w, f}, change: madeNow, state: store.ItemWaiting, wait: time.Hour},
		"a notice, too old":          {route: RouteNotice, age: 6 * day, untried: true, before: []Outcome{w, f}, after: []Outcome{w, f}, state: store.ItemSettled},
	} {
		t.Run(name, func(t *testing.T) {
			it := letter("a.example")
			it.Route, it.Origin.Received = remote, now.Add(-c.age)
			if c.route != "" {
				it.Route = c.route
			}
			one := it.To[0]
			it.To = nil
			for _, o := range c.after {
				one.Outcome, one.Notify = o, c.notify
				it.To = append(it.To, one)
			}
			if c.change != nil {
				c.change(&it)
			}
			s := Schedule{}.withDefaults()
			var told []Recipient
			if c.untried {
				told = s.delay(&it, c.before, now.Add(time.Hour), now)
			} else {
				told = s.settle(&it, c.before, now, .5)
			}
			var got []Outcome
			for _, t := range told {
				got = append(got, t.Outcome)
			}
			if it.State != c.state || !equal(got, c.told) || it.Warned != c.warned {
				t.Errorf("state %d, told %v, warned %v; want %d, %v, %v", it.State, got, it.Warned, c.state, c.told, c.warned)
			}
			if it.State == store.ItemWaiting && it.Due.Sub(now) != c.wait {
				t.Errorf("due in %v, want %v", it.Due.Sub(now), c.wait)
			}
			tried := 0
			if c.state == store.ItemWaiting && !c.untried || name == "too old" {
				tried = 1
			}
			if it.Attempts != tried {
				t.Errorf("%d attempts, want %d", it.Attempts, tried)
			}
		})
	}
}

// now is when pure tests happen.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// madeNow gives an item an id of now, whenever the message it is about came.
func madeNow(it *Item) { it.ID = mail.ItemID((now.UnixMilli() - 1767225600000) << 22) }

func equal(a, b []Outcome) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
