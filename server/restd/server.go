// Package restd is the control API: one documented REST interface for everything the panel and the command line do
// (CP-10). Its description (OpenAPI 3.1) is made from the code.
//
// An operation is a line in the table of its resource: method, path, what right it needs, and a function that translates
// into calls of the services below. Who calls is decided once, before it.
package restd

import (
	"compress/gzip"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tegami/billing"
	"tegami/directory"
	"tegami/directory/ldap"
	"tegami/domains"
	"tegami/i18n"
	"tegami/jobs"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/server/door"
	"tegami/trace"
	"tegami/webhooks"
	"tegami/wire/dns"
)

// Prefix is below what everything is served.
const Prefix = "/api/v1"

// Version of the interface, as its description says.
const Version = "1.0.0"

// Config is what the door needs.
type Config struct {
	Directory *directory.Directory
	Mailboxes *mailbox.Service
	Queue     *queue.Queue
	Runner    *queue.Runner // nil before the platform is started
	Sessions  *door.Sessions
	Trace     *trace.Service
	Jobs      *jobs.Service
	LDAP      *ldap.Service
	Domains   *domains.Service
	Billing   *billing.Service
	Webhooks  *webhooks.Service
	// Quarantine is the mail that was not let in; nil: there is no such thing here.
	Quarantine *quarantine.Service
	Lookup     dns.Lookup
	Machine    Machine
	Words      *i18n.Catalogue
	Log        *slog.Logger
	Zone       mail.Zone
	Tally      Tally // counts requests; nil: they are not limited
	Limits     Limits
}

// Server answers the operations. Make it with New.
type Server struct {
	config Config
	dir    *directory.Directory
	words  *i18n.Catalogue
	log    *slog.Logger
	mux    *http.ServeMux
	api    huma.API
	limits Limits
	uses   uses
	zips   sync.Pool // of *gzip.Writer

	described func() ([]byte, error)
	docs      map[i18n.Lang]func() ([]byte, error)
}

// New makes the door with all its operations.
func New(c Config) *Server {
	speakProblems()
	s := &Server{config: c, dir: c.Directory, words: c.Words, log: obs.Named(c.Log, "restd"), mux: http.NewServeMux(), limits: c.Limits.orDefaults()}
	s.zips.New = func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // fails for an unknown level only
		return w
	}
	s.api = humago.New(s.mux, description())
	s.described, s.docs = sync.OnceValues(s.describe), s.docsPages()
	s.mux.HandleFunc("GET "+Prefix+"/docs", s.serveDocs)
	s.mux.HandleFunc("GET "+Prefix+"/openapi.json", s.serveDescription)
	for _, add := range []func(){
		s.addSelf, s.addSelfSecurity, s.addSecurity, s.addSessions, s.addRoles, s.addKeys, s.addOperators, s.addLog, s.addJobs, s.addBulk, s.addLDAP,
		s.addTenants, s.addDomains, s.addSettings, s.addBranding, s.addOrders,
		s.addAccounts, s.addAliases, s.addGroups, s.addLists, s.addGAL, s.addForwarding,
		s.addWebhooks,
		s.addFilter, s.addQuarantine, s.addMailStatistics,
		s.addTrace, s.addOverview, s.addQueue, s.addNodes, s.addParts,
	} {
		add()
	}
	return s
}

// As answers everything below Prefix for a caller who is known already: somebody at the machine itself. He is not
// counted, and need not say why he changes something.
func (s *Server) As(c *directory.Caller) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, c) })
}

// speaking guards the one change of huma's own state.
var speaking sync.Once

// speakProblems has huma answer its own findings in our form. It knows no other place for that than a variable of its package.
func speakProblems() {
	speaking.Do(func() {
		huma.NewErrorWithContext = newProblem
		huma.NewError = func(status int, said string, errs ...error) huma.StatusError {
			return newProblem(nil, status, said, errs...)
		}
	})
}
