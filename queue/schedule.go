package queue

import (
	"time"

	"tegami/store"
)

// Schedule says when what could not be delivered is tried again, and for how long. A zero field means its default.
type Schedule struct {
	First    time.Duration // before the second try, and before a destination that failed is tried again. Default 1 minute
	Max      time.Duration // between two tries: the time doubles up to it. Default 1 hour
	Lifetime time.Duration // after which a message is given up. Default 5 days (RFC 5321 §4.5.4.1: at least 4 to 5)
	Warn     time.Duration // after which the sender is told of the delay. Default 4 hours; negative = never
}

func (s Schedule) withDefaults() Schedule {
	orElse(&s.First, time.Minute)
	orElse(&s.Max, time.Hour)
	s.Max = max(s.Max, s.First)
	orElse(&s.Lifetime, 5*24*time.Hour)
	if s.Warn == 0 {
		s.Warn = 4 * time.Hour
	}
	return s
}

// Next is the wait after so many tries: First after one, doubled for each more, at most Max. jitter from 0 to 1 moves it
// by up to an eighth down or up, so that what failed together does not come back together.
func (s Schedule) Next(attempts int, jitter float64) time.Duration {
	s = s.withDefaults()
	wait := s.First
	for range attempts - 1 {
		if wait >= s.Max/2 {
			wait = s.Max
			break
		}
		wait *= 2
	}
	return wait + time.Duration((jitter-.5)/4*float64(wait))
}

// settle decides what becomes of an item that a carrier tried: its state, its time, who is given up. It gives the
// recipients of whom the sender is to hear. before are the outcomes as they were.
func (s Schedule) settle(it *Item, before []Outcome, now time.Time, jitter float64) (told []Recipient) {
	stamp(it, before, now)
	switch {
	case it.Route == RouteNotice:
		it.State = store.ItemSettled
		return nil
	case it.State == store.ItemHeld:
		return news(it, before)
	}
	if !waits(it) {
		it.State = store.ItemSettled
		return news(it, before)
	}
	it.Attempts++
	deferred(it, now)
	return s.delay(it, before, now.Add(s.Next(it.Attempts, jitter)), now)
}

// delay decides the same of an item that waits on until a time, tried or not.
func (s Schedule) delay(it *Item, before []Outcome, again, now time.Time) (told []Recipient) {
	end := birth(it).Add(s.Lifetime)
	if !now.Before(end) {
		expire(it, now)
		return news(it, before)
	}
	it.State, it.Due = store.ItemWaiting, again
	if end.Before(again) {
		it.Due = end
	}
	told = news(it, before)
	if !it.Warned && s.Warn > 0 && now.Sub(birth(it)) >= s.Warn {
		if l := late(it); len(l) > 0 {
			it.Warned, told = true, append(told, l...)
		}
	}
	return told
}

// birth is when an item's lifetime begins: when the message came, or was released. A notice has a lifetime of its own.
func birth(it *Item) time.Time {
	if made := it.ID.Time(); it.Route == RouteNotice && made.After(it.Origin.Received) {
		return made
	}
	if it.Opts.HoldUntil.After(it.Origin.Received) {
		return it.Opts.HoldUntil
	}
	return it.Origin.Received
}

// waits tells whether a recipient is still Waiting.
func waits(it *Item) bool {
	for i := range it.To {
		if it.To[i].Outcome == Waiting {
			return true
		}
	}
	return false
}

// expire gives up who still waits. What the other host said last stays beside it. RFC 3463 §3.5: X.4.7, delivery time expired.
func expire(it *Item, now time.Time) {
	it.State = store.ItemSettled
	if it.Route == RouteNotice {
		return // its To is what is to be told, not who waits
	}
	for i := range it.To {
		if t := &it.To[i]; t.Outcome == Waiting {
			t.Outcome, t.Reason, t.Status, t.At = Failed, "delivery.expired", "4.4.7", now
		}
	}
}

// stamp dates the outcomes that are new and have no date.
func stamp(it *Item, before []Outcome, now time.Time) {
	for i := range it.To {
		t := &it.To[i]
		if t.At.IsZero() && t.Outcome != Waiting && (i >= len(before) || before[i] == Waiting) {
			t.At = now
		}
	}
}
