package jmapd

import (
	"cmp"
	"compress/gzip"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tegami/contacts"
	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/mailbox/prefs"
	"tegami/obs"
	"tegami/outbox"
	"tegami/push"
	"tegami/quarantine"
	"tegami/server/door"
	"tegami/wire/jmap"
)

// Tally adds n to a counter that forgets what is older than window, and gives its sum (store.Store.Tally).
type Tally func(ctx context.Context, key string, n int64, window time.Duration) (int64, error)

// Config is what the door needs.
type Config struct {
	Directory *directory.Directory
	Mailboxes *mailbox.Service
	Outbox    *outbox.Service   // nil: nobody sends here
	Contacts  *contacts.Service // nil: nobody has address books here
	Prefs     *prefs.Service
	// Quarantine is the mail that was not let in; nil: there is no such thing here.
	Quarantine *quarantine.Service
	Push       *push.Service
	Words      *i18n.Catalogue
	Log        *slog.Logger
	Zone       mail.Zone
	Tally      Tally // counts requests; nil: they are not limited
	// Content makes addresses of what HTML mail shows; nil: no pictures are shown.
	Content Content
	// Hostname is the name under which this platform says what it found out about mail (RFC 8601 §2.5).
	Hostname string
	// OneClick asks lists to let somebody go (RFC 8058). nil: a client that reaches the public internet only.
	OneClick *http.Client
	Limits   Limits
	// Stopping is closed when the process stops: what waits for changes ends then. nil: it never does.
	Stopping <-chan struct{}
}

// Limits bound what a client may ask for. Zero values mean the defaults.
type Limits struct {
	Request    int64 // octets of a request; 0 = 10 MiB
	Calls      int   // method calls in a request; 0 = 32
	Objects    int   // records in a /get or a /set; 0 = 1,000
	Concurrent int   // requests of an account at a time; 0 = 16
	Upload     int64 // octets of an upload; 0 = mail.MaxMessageSize (ML-9)
	Uploads    int   // uploads of an account at a time; 0 = 4
	Downloads  int   // downloads of an account at a time: each holds its file open; 0 = 32
	Kept       int64 // octets that an account uploads within an hour, as long as they are kept; 0 = 512 MiB
	Response   int   // octets of a response, behind which no further call is done; 0 = 64 MiB
	// Requests is how many requests one account may make in a minute. 0 = 3,000.
	Requests int64
	// Strangers is how many requests that failed to prove who calls one network may make in a minute. 0 = 120.
	Strangers int64
	// Time is how long a request may take. 0 = 60 s.
	Time time.Duration
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Request: cmp.Or(l.Request, 10<<20), Calls: cmp.Or(l.Calls, 32), Objects: cmp.Or(l.Objects, 1000), Concurrent: cmp.Or(l.Concurrent, 16),
		Upload: cmp.Or(l.Upload, mail.MaxMessageSize), Uploads: cmp.Or(l.Uploads, 4), Downloads: cmp.Or(l.Downloads, 32), Kept: cmp.Or(l.Kept, 512<<20), Response: cmp.Or(l.Response, 64<<20),
		Requests: cmp.Or(l.Requests, 3000), Strangers: cmp.Or(l.Strangers, 120), Time: cmp.Or(l.Time, time.Minute),
	}
}

// Server answers requests. Make it with New.
type Server struct {
	config  Config
	dir     *directory.Directory
	words   *i18n.Catalogue
	log     *slog.Logger
	limits  Limits
	methods map[string]entry
	mux     *http.ServeMux
	gates   door.Gates
	zips    sync.Pool // of *gzip.Writer

	circles  circles
	oneClick *http.Client
}

// New makes the door with all its methods.
func New(c Config) *Server {
	s := &Server{config: c, dir: c.Directory, words: c.Words, log: obs.Named(c.Log, "jmapd"), limits: c.Limits.orDefaults()}
	s.zips.New = func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // fails for an unknown level only
		return w
	}
	s.methods = byName(methods())
	s.oneClick = cmp.Or(c.OneClick, publicOnly())
	s.route()
	return s
}

// Do answers a request of somebody within this process: the Standard webmail is such a client. lang is that of the words in errors. A
// *jmap.RequestError refuses the request as a whole.
func (s *Server) Do(ctx context.Context, who *directory.Identity, lang i18n.Lang, q *jmap.Request) (*jmap.Response, error) {
	c, err := s.begin(ctx, who, lang, q)
	if err != nil {
		return nil, err
	}
	return c.all(ctx, q), nil
}
