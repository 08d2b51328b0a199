// Package httpd is the HTTPS door: the health check, the figures for the operator's
// monitoring, and a front page that says what runs here and how mail software
// is set up.
package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/obs"
)

// Limits of a connection.
const (
	headerTimeout  = 10 * time.Second // until the request's header is read
	requestTimeout = 30 * time.Second // until the whole request is read
	replyTimeout   = 60 * time.Second // until the reply is written
	idleTimeout    = 2 * time.Minute  // between requests
	maxHeader      = 16 << 10         // octets of a request's header
	maxBody        = 64 << 10         // octets of a request's body: nothing here takes any
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
	// Services are what the front page lists, in any order.
	Services []Service
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
}

// New makes the door. It serves nothing yet.
func New(c Config) *Server {
	c.Services = inReadingOrder(c.Services)
	s := &Server{config: c, log: obs.Named(c.Log, "httpd")}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      replyTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve answers on l over TLS until ctx ends, then lets running requests end within grace and returns
// nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, l net.Listener, config *tls.Config) error {
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		stopped <- s.http.Shutdown(late)
	})()
	err := s.http.Serve(tls.NewListener(l, config))
	if !errors.Is(err, http.ErrServerClosed) {
		return mail.Because("httpd.Serve", mail.Unavailable, "", err)
	}
	if err := <-stopped; err != nil {
		s.log.Warn("requests were cut", "err", err)
		s.http.Close()
	}
	return nil
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /healthz", s.health)
	mux.Handle("GET /metrics", s.restricted(s.config.Metrics.Handler()))
	return guarded(mux)
}

// guarded sets what every reply carries: no foreign content, no frames, no sniffing, no referrer.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Strict-Transport-Security", "max-age=31536000")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
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
