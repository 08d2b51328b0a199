package queue

import (
	"time"
)

// Schedule says when what could not be delivered is tried again, and for how long. A zero field means its default.
type Schedule struct {
	First    time.Duration // before the second try, and before a destination that failed is tried again. Default 1 minute
	Max      time.Duration // between two tries: the time doubles up to it. Default 1 hour
	Lifetime time.Duration // after which a message is given up. Default 5 days (RFC 5321 §4.5.4.1: at least 4 to 5)
	Warn     time.Duration // after which the sender is told of the delay. Default 4 hours; negative = never
}

func (s Schedule) withDefaults() Schedule {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&s.First, time.Minute}, {&s.Max, time.Hour}, {&s.Lifetime, 5 * 24 * time.Hour}, {&s.Warn, 4 * time.Hour}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return s
}

// Next is the wait after so many tries: First after one, doubled for each more, at most Max. jitter from 0 to 1 moves it
// by up to an eighth down or up, so that what failed together does not come back together.
func (s Schedule) Next(attempts int, jitter float64) time.Duration {
	s = s.withDefaults()
	wait := s.First
	for range attempts - 1 {
		if wait *= 2; wait >= s.Max || wait <= 0 {
			break
		}
	}
	wait = min(wait, s.Max)
	return wait + time.Duration((jitter-.5)/4*float64(wait))
}
