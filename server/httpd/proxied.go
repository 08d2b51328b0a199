package httpd

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxForwardedFor is how many octets of X-Forwarded-For are read, from its end.
const maxForwardedFor = 2 << 10

// proxied tells everybody behind it who asks, where a reverse proxy of ours stands between: lock-outs, limits and networks
// (SV-9, CP-9) are about the client and not about the proxy. From anybody else the field means nothing.
func (s *Server) proxied(next http.Handler) http.Handler {
	if len(s.config.Proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && s.isProxy(at.Addr().Unmap()) {
			if client, ok := s.clientOf(r.Header); ok {
				r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// clientOf is the last address of X-Forwarded-For that is none of our proxies'. What stands before it was written by the client
// and may be anything.
func (s *Server) clientOf(h http.Header) (netip.Addr, bool) {
	line := strings.Join(h.Values("X-Forwarded-For"), ",")
	line = line[max(0, len(line)-maxForwardedFor):]
	for line != "" {
		comma := strings.LastIndexByte(line, ',')
		ip, err := forwardedAddr(line[comma+1:])
		if err != nil {
			return netip.Addr{}, false
		}
		if !s.isProxy(ip) {
			return ip, true
		}
		line = line[:max(comma, 0)]
	}
	return netip.Addr{}, false
}

// forwardedAddr reads an address as proxies write it: with or without brackets and a port.
func forwardedAddr(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone(""), nil
	}
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return ip.Unmap().WithZone(""), err
}

func (s *Server) isProxy(ip netip.Addr) bool {
	for _, n := range s.config.Proxies {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
