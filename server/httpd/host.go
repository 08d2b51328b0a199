package httpd

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"tegami/mail"
)

// site is what a host name stands for.
type site uint8

// The sites. A name that is none of ours still is one of them; that it is not is found out by who asks for its domain.
const (
	siteAny          site = iota // whatever the name
	siteOwn                      // this server's own name, localhost or an address
	siteAutoconfig               // autoconfig. of a mail domain
	siteAutodiscover             // autodiscover. of a mail domain
	siteSTS                      // mta-sts. of a mail domain
	siteDomain                   // a mail domain itself
)

// sitePrefixes are the names below a mail domain that lead to us.
var sitePrefixes = map[site]string{siteAutoconfig: "autoconfig.", siteAutodiscover: "autodiscover.", siteSTS: "mta-sts."}

// site tells what the host of a request stands for, and the domain it belongs to; that of the server's own site is its name.
func (s *Server) site(host string) (site, string) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || strings.EqualFold(host, "localhost") {
		return siteOwn, s.config.Hostname
	}
	name, ok := mail.ParseDomain(host)
	if !ok || name[0] == '[' {
		return siteAny, ""
	}
	if name == s.config.Hostname {
		return siteOwn, name
	}
	for where, prefix := range sitePrefixes {
		if domain, ok := strings.CutPrefix(name, prefix); ok && strings.Contains(domain, ".") {
			return where, domain
		}
	}
	return siteDomain, name
}

// page answers a request for a site of a domain.
type page func(w http.ResponseWriter, r *http.Request, domain string)

// route is what a page answers to. Paths are in lower case, since Outlook asks in several ways.
type route struct {
	site   site
	method string // GET answers HEAD too
	path   string
}

// routes is all that is served.
func (s *Server) routes() map[route]page {
	return map[route]page{
		{siteAny, http.MethodGet, "/healthz"}: plain(http.HandlerFunc(s.health)),
		{siteAny, http.MethodGet, "/metrics"}: plain(s.restricted(s.config.Metrics.Handler())),

		{siteOwn, http.MethodGet, "/"}:                            plain(http.HandlerFunc(s.front)),
		{siteOwn, http.MethodGet, unsubscribePath}:                s.askUnsubscribe,
		{siteOwn, http.MethodPost, unsubscribePath}:               s.unsubscribe,
		{siteOwn, http.MethodGet, profilePath}:                    s.byAddress(s.profile),
		{siteOwn, http.MethodGet, "/mail/config-v1.1.xml"}:        s.byAddress(s.autoconfig),
		{siteOwn, http.MethodPost, autodiscoverPath}:              s.autodiscover,
		{siteAutoconfig, http.MethodGet, "/mail/config-v1.1.xml"}: s.autoconfig,
		{siteAutoconfig, http.MethodGet, wellKnownAutoconfig}:     s.autoconfig,
		{siteAutoconfig, http.MethodGet, profilePath}:             s.profile,
		{siteDomain, http.MethodGet, wellKnownAutoconfig}:         s.autoconfig,
		{siteDomain, http.MethodPost, autodiscoverPath}:           s.autodiscover,
		{siteAutodiscover, http.MethodPost, autodiscoverPath}:     s.autodiscover,
		{siteSTS, http.MethodGet, "/.well-known/mta-sts.txt"}:     s.policy,
	}
}

// Paths that stand in several routes.
const (
	wellKnownAutoconfig = "/.well-known/autoconfig/mail/config-v1.1.xml"
	autodiscoverPath    = "/autodiscover/autodiscover.xml"
	profilePath         = "/profile.mobileconfig"
	unsubscribePath     = "/unsubscribe"
)

// plain is a page that needs no domain.
func plain(h http.Handler) page {
	return func(w http.ResponseWriter, r *http.Request, _ string) { h.ServeHTTP(w, r) }
}

// byAddress takes the domain from the address that is asked for, where there is one: on the server's own site the host doesn't tell.
func (s *Server) byAddress(next page) page {
	return func(w http.ResponseWriter, r *http.Request, domain string) {
		if a, err := mail.ParseAddress(r.URL.Query().Get("emailaddress")); err == nil {
			domain = a.Domain
		}
		next(w, r, domain)
	}
}

// handler answers everything.
func (s *Server) handler() http.Handler {
	return s.proxied(s.mounted(s.guarded(s.routed())))
}

// mounted gives the paths of mounts to their handlers, on the server's own site.
func (s *Server) mounted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if where, _ := s.site(r.Host); where == siteOwn {
			for _, m := range s.config.Mounts {
				if m.covers(r.URL.Path) {
					guardOwn(w.Header())
					if m.Visits && !s.visitors.admit(r.RemoteAddr) {
						tooMany(w)
						return
					}
					m.Handler.ServeHTTP(w, r)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// routed answers by the table of routes.
func (s *Server) routed() http.Handler {
	table := s.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		where, domain := s.site(r.Host)
		path := strings.ToLower(r.URL.Path)
		for _, at := range []site{siteAny, where} {
			if do := find(table, at, r.Method, path); do != nil {
				if at != siteAny && !s.visitors.admit(r.RemoteAddr) {
					tooMany(w)
					return
				}
				do(w, r, domain)
				return
			}
			if others := methods(table, at, path); others != "" {
				w.Header().Set("Allow", others)
				http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
				return
			}
		}
		http.NotFound(w, r)
	})
}

// find gives the page for a request.
func find(table map[route]page, at site, method, path string) page {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return table[route{at, method, path}]
}

// methods lists the methods a path knows, for the header Allow; "" for a path there is none of.
func methods(table map[route]page, at site, path string) string {
	var list []string
	if table[route{at, http.MethodGet, path}] != nil {
		list = append(list, "GET, HEAD")
	}
	if table[route{at, http.MethodPost, path}] != nil {
		list = append(list, "POST")
	}
	return strings.Join(list, ", ")
}

// guarded sets what every reply carries: no foreign content, no frames, no sniffing, no referrer. Only the server's own name
// is bound to HTTPS: what else a company runs under its domain is not ours to decide.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		guardAll(h)
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		if where, _ := s.site(r.Host); where == siteOwn {
			guardOwn(h)
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// guardAll sets what every reply carries: no sniffing, no referrer.
func guardAll(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// guardOwn sets what every reply of the server's own site carries besides.
func guardOwn(h http.Header) {
	guardAll(h)
	h.Set("Strict-Transport-Security", "max-age=31536000")
}
