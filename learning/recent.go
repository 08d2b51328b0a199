package learning

import (
	"maps"
	"math/bits"
	"time"

	"tegami/mail"
	"tegami/store"
)

const (
	// FadeDays is after how many days a message counts half for a reputation.
	FadeDays = 14
	// NearFor is for how long a message is compared with later ones.
	NearFor = 24 * time.Hour
	// NearBits is in how many of 64 bits the digests of messages may differ that are nearly the same.
	NearBits = 3
	// maxNear is how many messages of a company are compared with.
	maxNear = 4096
	// maxRecent is how much of a company's experience waits to be written: reputations and contacts. What comes past it is not noted.
	maxRecent = 20_000
	// flushAt is at how much it is written without waiting.
	flushAt = store.MaxCounts
	// maxTenants is of how many companies something is held in memory.
	maxTenants = 256
	// totalsFor is for how long it is known how many lessons there were.
	totalsFor = 30 * time.Second
	// tokensFor is for how long tokens are held in memory: lessons of other processes are seen after it. maxKnown is how many of a company are.
	tokensFor = 5 * time.Minute
	maxKnown  = 50_000
)

// Seen is a message that went through the filter: what it says of who sent it.
type Seen struct {
	Tenant mail.TenantID
	// Keys are the networks and domains that brought it, such as "net:192.0.2.0/24" and "dom:example.com".
	Keys []string
	// Good and Bad are by how much they become better and worse: 1 for a message that is surely so.
	Good, Bad float64
	// Met are those the company's people know from now on: the author of a message that was let in, the recipients of one that they sent.
	Met    []mail.Address
	Digest uint64 // by which near-duplicates are found; 0 = none
	Spam   bool
}

// recent is what is held in memory of a company.
type recent struct {
	used        time.Time
	reputations map[int64]store.Count // to be written
	contacts    map[int64]store.Count
	leaving     map[int64]store.Count // contacts that are being written; nobody changes it
	digests     []digest              // a ring
	at          int                   // where the next goes

	// What was read of the store.
	lessons     int   // grows with each lesson that this process writes
	all         Count // lessons
	allKnown    time.Time
	tokens      map[uint64]Count
	tokensSince time.Time
}

// digest is a message to compare with.
type digest struct {
	value uint64
	at    int64 // seconds since 1970
	spam  bool
}

// recentOf gives what is held of a company, with the lock held. Where there are too many, one that has nothing to write goes.
func (s *Service) recentOf(tenant mail.TenantID) *recent {
	r := s.tenants[tenant]
	if r == nil {
		if len(s.tenants) >= maxTenants {
			s.forgetOne()
		}
		r = &recent{reputations: map[int64]store.Count{}, contacts: map[int64]store.Count{}}
		s.tenants[tenant] = r
	}
	r.used = time.Now()
	return r
}

// forgetOne forgets the company that was used longest ago and has nothing to write.
func (s *Service) forgetOne() {
	var oldest mail.TenantID
	for id, r := range s.tenants {
		if r.pending() == 0 && (oldest == 0 || r.used.Before(s.tenants[oldest].used)) {
			oldest = id
		}
	}
	delete(s.tenants, oldest)
}

func (r *recent) pending() int { return len(r.reputations) + len(r.contacts) }

// Saw notes a message that went through the filter. It returns at once.
func (s *Service) Saw(m Seen) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.recentOf(m.Tenant)
	if r.pending() < maxRecent {
		for _, k := range m.Keys[:min(len(m.Keys), MaxKeys)] {
			r.judge(hashed(k), m.Good, m.Bad, now)
		}
		for _, a := range m.Met {
			if !a.IsNull() {
				r.contacts[hashed(a.Key())] = store.Count{Key: hashed(a.Key()), A: r.contacts[hashed(a.Key())].A + 1, Turn: day(now)}
			}
		}
	}
	r.look(m.Digest, m.Spam, now)
	if r.pending() >= flushAt {
		select {
		case s.full <- struct{}{}:
		default:
		}
	}
}

// unit is by how much the numbers of the store are finer than messages.
const unit = 1024

// turnOf gives the turn of reputations at a time, and how much a number of that turn is worth by then: 1 at its start, half at its end.
func turnOf(t time.Time) (turn int64, worth float64) {
	const length = FadeDays * 24 * 60 * 60
	turn = t.Unix() / length
	return turn, 1 - float64(t.Unix()%length)/(2*length)
}

// judge adds to the reputation under a key.
func (r *recent) judge(key int64, good, bad float64, now time.Time) {
	turn, worth := turnOf(now)
	c := r.reputations[key]
	if c.Turn != turn { // it is new, or from before the turn's end
		fade := max(min(turn-c.Turn, 62), 0)
		c.A, c.B = c.A>>fade, c.B>>fade
	}
	r.reputations[key] = store.Count{Key: key, A: c.A + int64(good*unit/worth), B: c.B + int64(bad*unit/worth), Turn: turn}
}

// faded tells what a count of the store is worth at a time.
func faded(c store.Count, now time.Time) Reputation {
	turn, worth := turnOf(now)
	fade := max(min(turn-c.Turn, 62), 0)
	return Reputation{float64(max(c.A, 0)>>fade) * worth / unit, float64(max(c.B, 0)>>fade) * worth / unit}
}

// look notes a digest.
func (r *recent) look(value uint64, spam bool, now time.Time) {
	if value == 0 {
		return
	}
	d := digest{value, now.Unix(), spam}
	if len(r.digests) < maxNear {
		r.digests = append(r.digests, d)
		return
	}
	r.digests[r.at] = d
	r.at = (r.at + 1) % maxNear
}

// near counts the digests of a company that are like one.
func (s *Service) near(tenant mail.TenantID, value uint64) (seen, spam int) {
	since := time.Now().Add(-NearFor).Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.tenants[tenant]
	if r == nil || value == 0 {
		return 0, 0
	}
	for _, d := range r.digests {
		if bits.OnesCount64(d.value^value) <= NearBits && d.at >= since {
			seen++
			if d.spam {
				spam++
			}
		}
	}
	return seen, spam
}

// met tells whether somebody was met who is not written yet.
func (s *Service) met(tenant mail.TenantID, key int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.tenants[tenant]
	return r != nil && (r.contacts[key].A > 0 || r.leaving[key].A > 0)
}

// lessonWeight is what a lesson counts for a reputation: somebody looked.
const lessonWeight = 5

// taught notes what a lesson says beside its words.
func (s *Service) taught(l *Lesson) {
	m := Seen{Tenant: l.Tenant, Keys: l.Keys, Digest: l.Digest, Spam: l.Spam}
	if l.Spam {
		m.Bad = lessonWeight
	} else {
		m.Good = lessonWeight
	}
	s.Saw(m)
}

// known gives what is in memory of tokens and of the number of lessons, and which tokens are to be asked for; fresh: the number is known.
func (s *Service) known(tenant mail.TenantID, tokens []uint64) (list []Count, ask []uint64, all Count, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.recentOf(tenant)
	if fresh = time.Since(r.allKnown) < totalsFor; fresh && r.all == (Count{}) {
		return nil, nil, r.all, true
	}
	if time.Since(r.tokensSince) > tokensFor || len(r.tokens) > maxKnown {
		r.tokens, r.tokensSince = nil, time.Now()
	}
	list = make([]Count, len(tokens))
	for i, t := range tokens {
		c, ok := r.tokens[t]
		if list[i] = c; !ok && len(ask) < store.MaxCounts {
			ask = append(ask, t)
		}
	}
	return list, ask, r.all, fresh
}

// generation tells which lessons what is read from now on includes.
func (s *Service) generation(tenant mail.TenantID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recentOf(tenant).lessons
}

// learnedOf keeps what was read in memory, unless there was a lesson meanwhile.
func (s *Service) learnedOf(tenant mail.TenantID, generation int, all Count, tokens map[uint64]Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.recentOf(tenant)
	if r.lessons != generation {
		return
	}
	r.all, r.allKnown = all, time.Now()
	if r.tokens == nil {
		r.tokens = make(map[uint64]Count, len(tokens))
	}
	maps.Copy(r.tokens, tokens)
}

// forgetKnown has the next who asks read what a company learned: there was a lesson.
func (s *Service) forgetKnown(tenant mail.TenantID, tokens ...uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.recentOf(tenant)
	r.lessons++
	r.allKnown = time.Time{}
	if len(tokens) == 0 {
		r.tokens = nil
	}
	for _, t := range tokens {
		delete(r.tokens, t)
	}
}

func (s *Service) dropRecent(tenant mail.TenantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tenants, tenant)
}
