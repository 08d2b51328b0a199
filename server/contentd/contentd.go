// Package contentd is the door for untrusted content: the remote pictures of mail. It has an origin of its own (another host name or port than the
// pages), so that nothing it serves stands beside somebody's session.
//
// A picture is asked for by a sealed address, which only the platform makes and which ends after a day. The picture is fetched from its
// server by us: who sent the mail learns neither the reader's address nor browser. Nothing but the public internet is reached.
package contentd

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// Limits of a connection.
const (
	headerTimeout = 10 * time.Second // until the request's header is read
	replyTimeout  = 60 * time.Second // until the reply is written
	idleTimeout   = 2 * time.Minute  // between requests
	maxHeader     = 16 << 10         // octets of a request's header: an address may be long
	grace         = 5 * time.Second  // for running requests at a stop
)

// Config is what the door needs.
type Config struct {
	// URL is the origin under which browsers reach this door: "https://content.example".
	URL string
	// Keys gives the secrets that addresses are sealed with, of 32 octets each, the newest first.
	Keys func(context.Context) ([][]byte, error)
	Log  *slog.Logger // nil writes nothing
	// Allow are networks of special use that pictures may be fetched from. None by default.
	Allow []netip.Prefix
	// Roots are the authorities that servers of pictures are trusted by. nil: the system's.
	Roots  *x509.CertPool
	Limits Limits
}

// Limits bound what a picture may cost. Zero values mean the defaults.
type Limits struct {
	Octets  int64         // of a picture; 0 = 8 MiB
	Pixels  int           // of a picture; 0 = 50 million
	Time    time.Duration // until a picture is there; 0 = 15 s
	Fetches int           // at a time; 0 = 64
	Each    int           // at a time for one account; 0 = 12
	Asking  int           // requests at a time for one account, those that wait among them; 0 = 256
	Sending int64         // octets of pictures on their way at a time for one account; 0 = 64 MiB
	Cache   int64         // octets of pictures that are kept in memory; 0 = 64 MiB
	Kept    time.Duration // how long a picture is kept; 0 = 1 h
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Octets: cmp.Or(l.Octets, 8<<20), Pixels: cmp.Or(l.Pixels, 50_000_000), Time: cmp.Or(l.Time, 15*time.Second), Fetches: cmp.Or(l.Fetches, 64),
		Each: cmp.Or(l.Each, 12), Asking: cmp.Or(l.Asking, 256), Sending: cmp.Or(l.Sending, 64<<20), Cache: cmp.Or(l.Cache, 64<<20), Kept: cmp.Or(l.Kept, time.Hour),
	}
}

// Server answers requests for pictures, and makes their addresses. Make it with New.
type Server struct {
	config Config
	limits Limits
	log    *slog.Logger
	client *http.Client
	http   *http.Server
	cache  *cache
	turns  *turns
	asking door.Gates
	shares shares
	once   singleflight.Group
}

// New makes the door. It serves nothing yet.
func New(c Config) *Server {
	c.URL = strings.TrimSuffix(c.URL, "/")
	s := &Server{config: c, limits: c.Limits.orDefaults(), log: obs.Named(c.Log, "contentd")}
	s.client = s.newClient()
	s.cache = newCache(s.limits.Cache, s.limits.Kept)
	s.turns = newTurns(s.limits.Fetches, s.limits.Each)
	s.http = &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: replyTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader,
	}
	return s
}

// Serve answers on l over TLS until ctx ends, then lets running requests end and returns nil. Any other end is the listener's error.
func (s *Server) Serve(ctx context.Context, l net.Listener, config *tls.Config) error {
	return mail.Wrap("contentd.Serve", door.HTTPS{Server: s.http, Grace: grace, Log: s.log}.Serve(ctx, l, config))
}

// Handler answers requests for pictures.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+picturePath+"{sealed}", s.picture)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		mux.ServeHTTP(w, r)
	})
}

// guard sets what every reply carries: nothing here runs, is framed or is taken for something else than it says.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the frame that shows a mail has no origin at all
	h.Set("Cache-Control", "no-store")
}

// picture serves the picture of a sealed address.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Time)
	defer cancel()
	got, done, err := s.take(ctx, r.PathValue("sealed"))
	if err != nil {
		s.refuse(w, err)
		return
	}
	defer done()
	h := w.Header()
	h.Set("Content-Type", got.kind)
	h.Set("Content-Length", strconv.Itoa(len(got.octets)))
	h.Set("Content-Disposition", "inline")
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	w.Write(got.octets)
}

// take gives the picture of a sealed address; done ends its use. Busy where too much is under way for its account: whoever knows an address may
// ask, and may be slow in taking what he asked for.
func (s *Server) take(ctx context.Context, sealed string) (got picture, done func(), err error) {
	const op = "contentd.take"
	a, err := s.unseal(ctx, sealed)
	if err != nil {
		return got, nil, err
	}
	leave, ok := s.asking.Enter(a.Account, s.limits.Asking)
	if !ok {
		return got, nil, mail.E(op, mail.Busy, "")
	}
	if got, err = s.get(ctx, a); err != nil {
		leave()
		return got, nil, err
	}
	give, ok := s.shares.take(a.Account, int64(len(got.octets)), s.limits.Sending)
	if !ok {
		leave()
		return got, nil, mail.E(op, mail.Busy, "")
	}
	return got, func() { give(); leave() }, nil
}

// refuse says that there is no picture; why is only said in the log: it would tell strangers what we reach.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	switch mail.KindOf(err) {
	case mail.Denied, mail.Invalid, mail.NotFound:
		status = http.StatusNotFound
	case mail.Busy:
		status = http.StatusServiceUnavailable
	}
	s.log.Debug("picture", "err", err)
	http.Error(w, http.StatusText(status), status)
}
