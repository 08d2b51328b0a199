package queue

import (
	"math"
	"time"
)

const (
	// unknownRate is how many jobs a second a destination is thought to take before it was measured.
	unknownRate = 100
	// slowestRate is the least it is thought to take.
	slowestRate = 0.01
	// measureFor is how long a measurement takes: a fast destination is through with its share in less than a second.
	measureFor = 100 * time.Millisecond
	// enough is how many jobs a measurement needs to say something before it is over.
	enough = 10
	// closer is how much closer together than measured the times are to which items are put off, because destinations learn.
	closer = 1.25
	// farthest is how far away items are put off at most because a destination is slow.
	farthest = time.Hour
)

// A pace is how fast a destination takes jobs, measured while others wait for it, and until when it has enough to do.
type pace struct {
	rate    float64   // jobs a second; 0 = not known
	begun   time.Time // of the measurement at work; zero = none
	done    int       // jobs since then
	horizon time.Time // what was put off keeps it busy until then
}

// did counts a job that ended.
func (p *pace) did(now time.Time) {
	if p.begun.IsZero() {
		p.begun, p.done = now, 0
		return
	}
	p.done++
	took := now.Sub(p.begun)
	if took < measureFor {
		return
	}
	rate := float64(p.done) / took.Seconds()
	if p.rate != 0 {
		rate = (p.rate + rate) / 2
	}
	p.rate, p.begun, p.done = rate, now, 0
}

// pulled notes that n of the items that were put off were made due now.
func (p *pace) pulled(n int, now time.Time) {
	p.horizon = p.horizon.Add(-time.Duration(n) * p.step(now))
}

// pause ends a measurement: nothing waits, so what follows says how fast mail comes in and not how fast it goes out.
func (p *pace) pause() { p.begun = time.Time{} }

// expected is the rate to reckon with, from slowestRate up: as measured, or as the measurement at work has it when that is more.
func (p *pace) expected(now time.Time) float64 {
	rate := p.rate
	if took := now.Sub(p.begun); !p.begun.IsZero() && p.done >= enough && took >= measureFor/20 {
		rate = math.Max(rate, float64(p.done)/took.Seconds())
	}
	if rate == 0 {
		return unknownRate
	}
	return math.Max(rate, slowestRate)
}

// drain is how long n jobs take.
func (p *pace) drain(n int, now time.Time) time.Duration {
	return time.Duration(min(float64(n)/p.expected(now), farthest.Seconds()) * float64(time.Second))
}

// step is how far apart items are put off.
func (p *pace) step(now time.Time) time.Duration {
	return time.Duration(float64(time.Second) / (closer * p.expected(now)))
}

// slot gives the time to which one more item is put off, when ahead jobs are in memory and nothing is served before earliest.
// What would lie too far away comes at any time (jitter, 0 to 1) around farthest.
func (p *pace) slot(now, earliest time.Time, ahead int, jitter float64) time.Time {
	base := now
	if earliest.After(base) {
		base = earliest
	}
	at := now.Add(max(p.drain(ahead, now), time.Second))
	for _, t := range []time.Time{earliest, p.horizon} {
		if t.After(at) {
			at = t
		}
	}
	if at.Sub(base) > farthest {
		return base.Add(farthest/2 + time.Duration(jitter*float64(farthest)))
	}
	p.horizon = at.Add(p.step(now))
	return at
}
