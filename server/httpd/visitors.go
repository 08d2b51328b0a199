package httpd

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"tegami/mail"
)

// How much one network may ask for. A settings page or a policy is asked for a few times by a client; a company behind one
// address has many.
const (
	visitsPerWindow = 300
	visitWindow     = time.Minute
	maxNetworks     = 100_000 // counted at once, about 50 octets each; past it all start anew
	visitBits4      = 32      // an IPv4 address is counted by itself,
	visitBits6      = 64      // an IPv6 address with its network
)

// visitors counts requests by the network they come from.
type visitors struct {
	now func() time.Time

	mu    sync.Mutex
	since time.Time
	seen  map[netip.Prefix]int
}

func newVisitors() *visitors { return &visitors{now: time.Now, seen: map[netip.Prefix]int{}} }

// admit counts a request, and tells whether its network has asked for no more than it may. Loopback is not counted: it is us, or
// a proxy of ours.
func (v *visitors) admit(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	network, _ := mail.Network(at.Addr(), visitBits4, visitBits6) // what was parsed is an address
	if at.Addr().Unmap().IsLoopback() {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := v.now(); now.Sub(v.since) >= visitWindow || len(v.seen) >= maxNetworks {
		v.since = now
		clear(v.seen)
	}
	v.seen[network]++
	return v.seen[network] <= visitsPerWindow
}

// tooMany answers a network that asks for too much.
func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(int(visitWindow/time.Second)))
	http.Error(w, http.StatusText(http.StatusTooManyRequests), http.StatusTooManyRequests)
}
