package davd

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tegami/contacts"
	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
	"tegami/wire/vcard"
)

// Where the door is.
const (
	wellKnown = "/.well-known/carddav" // RFC 6764 §5
	root      = "/dav/"
)

// Paths are what belongs to the door, for who mounts it.
func Paths() []string { return []string{wellKnown, "/dav", root} }

// Config is what the door needs.
type Config struct {
	Directory *directory.Directory
	Contacts  *contacts.Service
	Words     *i18n.Catalogue
	Log       *slog.Logger
	Zone      mail.Zone
	// Tally counts requests (store.Store.Tally); nil: they are not limited.
	Tally  func(ctx context.Context, key string, n int64, window time.Duration) (int64, error)
	Limits Limits
}

// Limits bound what a client may ask for. Zero values mean the defaults.
type Limits struct {
	Body int64 // octets of a request that is no card; 0 = 4 MiB
	// Requests is how many requests one account may make in a minute. 0 = 3,000.
	Requests int64
	// Concurrent is how many requests one account may have answered at a time. 0 = 16.
	Concurrent int
	// Strangers is how many requests that failed to prove who calls one network may make in a minute. 0 = 120.
	Strangers int64
	// Time is how long a request may take. 0 = 60 s.
	Time time.Duration
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Body: cmp.Or(l.Body, 4<<20), Requests: cmp.Or(l.Requests, 3000), Concurrent: cmp.Or(l.Concurrent, 16), Strangers: cmp.Or(l.Strangers, 120),
		Time: cmp.Or(l.Time, time.Minute),
	}
}

// Server answers requests. Make it with New.
type Server struct {
	config     Config
	log        *slog.Logger
	limits     Limits
	methods    []method
	properties []property
	reports    []report
	gates      door.Gates
}

// New makes the door.
func New(c Config) *Server {
	return &Server{config: c, log: obs.Named(c.Log, "davd"), limits: c.Limits.orDefaults(), methods: methods(), properties: properties(), reports: reports()}
}

// request is a request of somebody who is known.
type request struct {
	*http.Request
	w        http.ResponseWriter
	server   *Server
	id       string // in the log
	identity *directory.Identity
	account  *contacts.Account
	lang     i18n.Lang
	at       *resource
}

// handler answers a request for a resource.
type handler func(*request, context.Context) error

// kinds are kinds of resources, as a set.
type kinds uint16

// Kinds of resources.
const (
	isRoot kinds = 1 << iota
	isPrincipals
	isPrincipal
	isHomes
	isHome
	isBook
	isCard
	isNewBook // nothing yet: a name at the place of a book
	isNewCard // nothing yet: a name in a book
	isGAL
	isGALCard

	existing    = isRoot | isPrincipals | isPrincipal | isHomes | isHome | isBook | isCard | isGAL | isGALCard
	collections = existing &^ (isCard | isGALCard)
)

// method is a line of the table: what it is called, for which resources it is there, and for which it is refused because they are only read.
type method struct {
	name   string
	at     kinds
	denied kinds
	do     handler
}

// methods is the table.
func methods() []method {
	return []method{
		{"OPTIONS", existing | isNewBook | isNewCard, 0, (*request).options},
		{"PROPFIND", existing, 0, (*request).propfind},
		{"PROPPATCH", existing, isGAL | isGALCard, (*request).proppatch},
		{"REPORT", existing, 0, (*request).report},
		{"GET", isCard | isGALCard, 0, (*request).get},
		{"HEAD", isCard | isGALCard, 0, (*request).get},
		{"PUT", isCard | isNewCard, isGAL | isGALCard, (*request).put},
		{"DELETE", isCard | isBook, isGAL | isGALCard, (*request).delete},
		{"MKCOL", isNewBook, isGAL | isGALCard, (*request).mkcol},
		{"COPY", isCard | isGALCard, isGAL, (*request).copy},
		{"MOVE", isCard, isGAL | isGALCard, (*request).copy},
	}
}

// allowed lists the methods that are there for a resource.
func (s *Server) allowed(at kinds) string {
	var names []string
	for _, m := range s.methods {
		if m.at&at != 0 {
			names = append(names, m.name)
		}
	}
	return strings.Join(names, ", ")
}

// Handler answers everything below Paths.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		q := &request{Request: r, w: w, server: s, id: obs.NewSessionID(), lang: door.LangOf(r)}
		h := w.Header()
		h.Set("Request-Id", q.id)
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		h.Set("X-Content-Type-Options", "nosniff")
		ctx, cancel := context.WithTimeout(r.Context(), s.limits.Time)
		defer cancel()
		if err := s.serve(ctx, q); err != nil {
			q.refuse(err)
		}
		s.log.Debug("request", "request", q.id, "method", r.Method, "who", q.name(), "took", time.Since(begin).Round(time.Microsecond), "remote", r.RemoteAddr)
	})
}

// serve finds out who calls and what for, and answers.
func (s *Server) serve(ctx context.Context, q *request) error {
	switch {
	case q.URL.Path == wellKnown || q.URL.Path == "/dav":
		q.w.Header().Set("Location", root)
		q.w.WriteHeader(http.StatusMovedPermanently)
		return nil
	case q.Method == http.MethodOptions && q.Header.Get("Authorization") == "": // what is there for nobody in particular
		q.at = &resource{kind: isRoot}
		return q.options(ctx)
	}
	if err := s.identify(ctx, q); err != nil {
		return err
	}
	leave, ok := s.gates.Enter(q.name(), s.limits.Concurrent)
	if !ok {
		return status(http.StatusTooManyRequests)
	}
	defer leave()
	var err error
	if q.account, err = s.config.Contacts.Open(ctx, q.identity); err != nil {
		return err
	}
	if q.at, err = q.resolve(ctx, q.URL.Path); err != nil {
		return err
	}
	for _, m := range s.methods {
		switch {
		case m.name != q.Method:
		case m.denied&q.at.kind != 0:
			return precondition(http.StatusForbidden, davNS, "need-privileges")
		case m.at&q.at.kind != 0:
			most := s.limits.Body
			if m.name == "PUT" {
				most = vcard.MaxCard + 1
			}
			q.Body = http.MaxBytesReader(q.w, q.Body, most)
			return m.do(q, ctx)
		case q.at.kind&(isNewBook|isNewCard) != 0:
			return status(http.StatusNotFound)
		}
	}
	q.w.Header().Set("Allow", s.allowed(q.at.kind))
	if q.Method == "MKCOL" && q.at.kind&existing != 0 { // RFC 4918 §9.3.1
		return precondition(http.StatusMethodNotAllowed, davNS, "resource-must-be-null")
	}
	return status(http.StatusMethodNotAllowed)
}

// options tells what is there (RFC 4918 §9.1).
func (q *request) options(context.Context) error {
	h := q.w.Header()
	h.Set("DAV", "1, 3, access-control, extended-mkcol, addressbook") // RFC 6352 §6.1, RFC 5689 §3.1
	h.Set("Allow", q.server.allowed(q.at.kind))
	h.Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusOK)
	return nil
}
