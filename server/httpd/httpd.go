// Package httpd is the HTTPS door: the health check, the figures for the operator's
// monitoring, a front page that says what runs here and how mail software
// is set up, and what programs fetch: settings for mail software (Thunderbird's, Outlook's and Apple's formats), MTA-STS
// policies, and the unsubscribing of mailing lists. The control API and the pages of the platform are mounted here.
//
// The host of a request says for which domain it is (SV-3): our own name, a mail domain, or one of the names
// autoconfig, autodiscover and mta-sts below it. For a host that is none of ours there is nothing.
package httpd

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// Limits of a connection.
const (
	headerTimeout  = 10 * time.Second // until the request's header is read
	requestTimeout = 30 * time.Second // until the whole request is read
	replyTimeout   = 60 * time.Second // until the reply is written
	idleTimeout    = 2 * time.Minute  // between requests
	maxHeader      = 16 << 10         // octets of a request's header
	maxBody        = 64 << 10         // octets of a request's body
	grace          = 10 * time.Second // for running requests at a stop
	healthTimeout  = 5 * time.Second  // a health check that takes longer has failed
)

// Config is what the door needs.
type Config struct {
	Words   *i18n.Catalogue
	Metrics *obs.Metrics
	Log     *slog.Logger
	// Hostname is the name the page shows, and what mail software connects to.
	Hostname string
	// Health says nil while the platform works. /healthz answers 200 or 503 by it.
	Health func(context.Context) error
	// MetricsFrom are the networks that may read /metrics, beside loopback.
	MetricsFrom []netip.Prefix
	// Proxies are the networks of reverse proxies in front of this server: what they say in X-Forwarded-For is who asks.
	Proxies []netip.Prefix
	// Services are what the front page lists, in any order.
	Services []Service
	// Domains tells about our mail domains. nil: nothing is served for them.
	Domains Domains
	// Zone is the access zone of who connects here (SV-9). Empty: the internet.
	Zone mail.Zone
	// Unsubscribe knows the tokens of List-Unsubscribe fields. nil: there are none.
	Unsubscribe Unsubscriber
	// Certificate gives the server's certificate as it is now: it signs configuration profiles for Apple's systems. nil: they go
	// out unsigned, and a device says so.
	Certificate func() *tls.Certificate
	// Mounts are whole parts of the server's own site that others answer, such as the control API: each sets its own
	// limits of bodies and its own content policy.
	Mounts []Mount
}

// Mount gives all paths that are Path, or lie below it where it ends in a slash, to a handler.
type Mount struct {
	Path    string
	Handler http.Handler
	// Visits has its requests counted for the network they come from, as those of our own pages are. For what does not count who calls.
	Visits bool
}

// covers tells whether a path belongs to the mount.
func (m Mount) covers(path string) bool {
	return path == m.Path || strings.HasSuffix(m.Path, "/") && strings.HasPrefix(path, m.Path)
}

// Service is a line of the front page: what mail software is set to.
type Service struct {
	Key      string // of the catalogue: what it is for, such as "front.smtps"
	Protocol string // "SMTPS"
	Port     uint16
	Security Security
}

// Security is how a service is protected.
type Security string

// Kinds of security, as keys of the catalogue.
const (
	ImplicitTLS Security = "front.tls"
	StartTLS    Security = "front.starttls"
)

// Server answers requests. Make it with New.
type Server struct {
	config Config
	log    *slog.Logger
	http   *http.Server

	visitors *visitors
}

// New makes the door. It serves nothing yet.
func New(c Config) *Server {
	c.Services = inReadingOrder(c.Services)
	if name, ok := mail.ParseDomain(c.Hostname); ok {
		c.Hostname = name
	}
	s := &Server{config: c, log: obs.Named(c.Log, "httpd"), visitors: newVisitors()}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      replyTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	return s
}

// Serve answers on l over TLS until ctx ends, then lets running requests end within grace and returns
// nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, l net.Listener, config *tls.Config) error {
	return mail.Wrap("httpd.Serve", door.HTTPS{Server: s.http, Grace: grace, Log: s.log}.Serve(ctx, l, config))
}

// health answers whether the platform works, for load balancers and monitors. It gives no reason to strangers; the log does.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if s.config.Health != nil {
		if err := s.config.Health(ctx); err != nil {
			s.log.Error("health", "err", err)
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write([]byte("unavailable\n"))
			return
		}
	}
	w.Write([]byte("ok\n"))
}

// restricted serves loopback and the configured networks, and is not there for anybody else.
func (s *Server) restricted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !s.mayMonitor(from.Addr().Unmap()) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) mayMonitor(from netip.Addr) bool {
	if from.IsLoopback() {
		return true
	}
	for _, n := range s.config.MetricsFrom {
		if n.Contains(from) {
			return true
		}
	}
	return false
}
