package dns

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// systemConfig lists the system's resolvers (resolv.conf(5)).
	systemConfig = "/etc/resolv.conf"
	// recheck is how often it is looked at.
	recheck = 5 * time.Second
	// avoidFor is how long a server that failed is asked after the others.
	avoidFor = 30 * time.Second
	// maxServers is how many resolvers are used.
	maxServers = 8
	// maxConfig is how much of resolv.conf is read, in octets.
	maxConfig = 64 << 10
)

// servers knows whom to ask, and who failed lately.
type servers struct {
	file string // "" = the list is fixed

	mu      sync.Mutex
	all     []netip.AddrPort
	avoid   map[netip.AddrPort]time.Time // until when
	checked time.Time
	changed time.Time // of the file
}

func newServers(fixed []netip.AddrPort) *servers {
	s := &servers{avoid: make(map[netip.AddrPort]time.Time)}
	if fixed == nil {
		s.file = systemConfig
		return s
	}
	s.all = slices.Clone(fixed[:min(len(fixed), maxServers)])
	return s
}

// list gives the servers in the order to ask them: as configured, those that failed lately last.
func (s *servers) list() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.reload(now)
	good := make([]netip.AddrPort, 0, len(s.all))
	var bad []netip.AddrPort
	for _, server := range s.all {
		if now.Before(s.avoid[server]) {
			bad = append(bad, server)
		} else {
			good = append(good, server)
		}
	}
	return append(good, bad...)
}

func (s *servers) failed(server netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.avoid[server] = time.Now().Add(avoidFor)
}

func (s *servers) worked(server netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.avoid, server)
}

// reload reads the file again when it has changed. One that cannot be read means a resolver on this
// host, as for everybody else (resolv.conf(5)).
func (s *servers) reload(now time.Time) {
	if s.file == "" || !s.checked.IsZero() && now.Sub(s.checked) < recheck {
		return
	}
	s.checked = now
	var changed time.Time
	if info, err := os.Stat(s.file); err == nil {
		changed = info.ModTime()
	}
	if s.all != nil && changed.Equal(s.changed) {
		return
	}
	s.changed = changed
	text, err := os.ReadFile(s.file)
	if err != nil || len(text) > maxConfig {
		text = nil
	}
	s.all = parseServers(string(text))
	clear(s.avoid)
}

// parseServers reads the lines "nameserver ADDRESS" of resolv.conf(5).
func parseServers(text string) []netip.AddrPort {
	var list []netip.AddrPort
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" || len(list) == maxServers {
			continue
		}
		if ip, err := netip.ParseAddr(f[1]); err == nil {
			list = append(list, netip.AddrPortFrom(ip, 53))
		}
	}
	if list == nil {
		list = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	}
	return list
}
