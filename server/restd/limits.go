package restd

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"tegami/mail"
	"tegami/server/door"
)

// DefaultDeadline is how long an operation may take that names no time of its own.
const DefaultDeadline = 30 * time.Second

// DefaultBody is how many octets a request's body may have where the operation names no number.
const DefaultBody = 1 << 20

// Tally adds n to a counter that forgets what is older than window, and gives its sum (store.Store.Tally).
type Tally func(ctx context.Context, key string, n int64, window time.Duration) (int64, error)

// Limits bound how often the API is called. Zero values mean the defaults.
type Limits struct {
	// Calls is how many requests one caller may make in a minute: a key, or an account in all its browsers. 0 = 1,200.
	Calls int64
	// Strangers is how many requests of nobody one network may make in a minute, with those that failed to prove who
	// calls. 0 = 120. Loopback is not counted.
	Strangers int64
}

// Defaults of Limits.
const (
	defaultCalls     = 1200
	defaultStrangers = 120
)

func (l Limits) orDefaults() Limits {
	return Limits{cmp.Or(l.Calls, defaultCalls), cmp.Or(l.Strangers, defaultStrangers)}
}

const (
	// rateWindow is the time over which requests are counted.
	rateWindow = time.Minute
	// rateRetry is when to come again: by then a quarter of the requests is forgotten.
	rateRetry = rateWindow / 4
	// strangersNet is the prefix of IPv4 by which strangers are counted.
	strangersNet = 32
)

// rate is a limit by its name in the RateLimit header fields (draft-ietf-httpapi-ratelimit-headers-10).
type rate struct {
	name  string
	limit int64
}

// count takes one request from a rate and tells in the answer what is left. Busy "rate.limited" when nothing is. A counter that
// fails limits nobody: it is a shield against too much, and not what decides who may.
func (s *Server) count(a *answer, p rate, key string) error {
	if s.config.Tally == nil {
		return nil
	}
	ctx := a.request.Context()
	sum, err := s.config.Tally(ctx, "rest/"+p.name+"/"+key, 1, rateWindow)
	if err != nil {
		s.log.Warn("tally", "request", a.id, "err", err)
		return nil
	}
	h, seconds := a.Header(), int(rateWindow/time.Second)
	h.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, p.name, p.limit, seconds))
	h.Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, p.name, max(p.limit-sum, 0), seconds))
	if sum <= p.limit {
		return nil
	}
	if _, err := s.config.Tally(ctx, "rest/"+p.name+"/"+key, -1, rateWindow); err != nil { // what is refused does not count
		s.log.Warn("tally", "request", a.id, "err", err)
	}
	h.Set("Retry-After", strconv.Itoa(int(rateRetry/time.Second)))
	return mail.E("restd.count", mail.Busy, "rate.limited", p.limit)
}

// countStranger counts a request of nobody, by its network.
func (s *Server) countStranger(a *answer, from netip.Addr) error {
	network, ok := door.NetworkOf(from, strangersNet)
	if !ok {
		return nil
	}
	return s.count(a, rate{"address", s.limits.Strangers}, network.String())
}

// strange tells whether a network has failed too often to be heard: before anything is looked up for it.
func (s *Server) strange(a *answer, from netip.Addr) error {
	network, ok := door.NetworkOf(from, strangersNet)
	if !ok || s.config.Tally == nil {
		return nil
	}
	sum, err := s.config.Tally(a.request.Context(), "rest/address/"+network.String(), 0, rateWindow)
	if err != nil || sum < s.limits.Strangers {
		return nil // a counter that fails limits nobody; count says so in the log
	}
	a.Header().Set("Retry-After", strconv.Itoa(int(rateRetry/time.Second)))
	return mail.E("restd.strange", mail.Busy, "rate.limited", s.limits.Strangers)
}

// bounded limits what is read of a request.
func (o operation) bounded(w http.ResponseWriter, r *http.Request) {
	limit := o.MaxBody
	if limit == 0 {
		limit = DefaultBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit+1) // huma says it of bodies it reads, this is for those that stream
}
