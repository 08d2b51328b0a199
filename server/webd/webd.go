// Package webd is the web door for people: the one sign-in page of the platform (SV-11), signing out, and the built pages of
// the panel.
//
// The sign-in works without JavaScript. What a step needs to remember is a sealed token in a cookie; what the steps are, the
// directory says. A script helps with passkeys, which no form can do.
package webd

import (
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// maxBody is how many octets a form may have.
const maxBody = 64 << 10

// Config is what the door needs.
type Config struct {
	Directory *directory.Directory
	Words     *i18n.Catalogue
	Log       *slog.Logger // nil writes nothing
	// Zone is the access zone of who connects here (SV-9).
	Zone mail.Zone
	// Hostname is the server's own name, which passkeys are bound to.
	Hostname string
	// Service is the name on the sign-in page (SV-10). "" = Tegami.
	Service string
	// Panel are the built files of the panel, as web.Panel gives them. nil: they were not built, and a page says so.
	Panel fs.FS
	// Mail are the built files of the Advanced webmail, as web.Mail gives them. nil: as Panel.
	Mail fs.FS
	// JMAP is what the Standard webmail reads and writes mail by. nil: there is no such version.
	JMAP JMAP
	// Digest answers the links of the quarantine digest (SF-6). nil: there are none.
	Digest Digest
	// Content is the origin that pictures of mail come from, "https://content.example". "" = none: they are not shown.
	Content string
}

// Server answers requests. Make it with New.
type Server struct {
	config Config
	dir    *directory.Directory
	log    *slog.Logger
	assets *assets
	mux    *http.ServeMux

	mailPolicy, framePolicy string // content security policies of the webmail
}

// New makes the door.
func New(c Config) *Server {
	if c.Service == "" {
		c.Service = "Tegami"
	}
	s := &Server{config: c, dir: c.Directory, log: obs.Named(c.Log, "webd"), assets: readAssets(), mux: http.NewServeMux()}
	s.mailPolicy, s.framePolicy = mailPolicies(c.Content)
	s.mux.HandleFunc("GET /login", s.showLogin)
	s.mux.HandleFunc("POST /login", s.postLogin)
	s.mux.HandleFunc("POST /login/passkey/begin", s.beginPasskey)
	s.mux.HandleFunc("POST /login/passkey/finish", s.finishPasskey)
	s.mux.HandleFunc("GET /logout", s.askLogout)
	s.mux.HandleFunc("POST /logout", s.logout)
	s.mux.HandleFunc("GET /assets/{name...}", s.serveAsset)
	s.mux.HandleFunc("GET /panel/{path...}", s.servePanel)
	s.mux.Handle("GET /panel", http.RedirectHandler(panelPath, http.StatusSeeOther))
	s.mux.HandleFunc("GET /mail/{path...}", s.serveMail)
	if c.Digest != nil {
		s.mux.HandleFunc("GET "+digestPath+"{token}", s.askDigest)
		s.mux.HandleFunc("POST "+digestPath+"{token}", s.doDigest)
	}
	s.standardRoutes()
	s.mux.Handle("GET /mail", http.RedirectHandler(mailPath, http.StatusSeeOther))
	return s
}

// Handler answers /login, /logout, /assets/, /panel/, /mail/, /standard/ and /digest/.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		limit := int64(maxBody)
		if r.URL.Path == writePath {
			limit = maxWrite
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		s.mux.ServeHTTP(w, r)
	})
}

// contentPolicy lets a page load what stands here, and nothing inline.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard sets what every reply carries.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), publickey-credentials-get=(self), publickey-credentials-create=(self)")
}

// browser is who makes a request.
func (s *Server) browser(r *http.Request) directory.Browser {
	o := mail.Origin{Door: "web", Zone: s.config.Zone, Session: obs.NewSessionID(), Received: time.Now(), Remote: door.RemoteOf(r)}
	return directory.Browser{Origin: o, Agent: r.UserAgent(), Trusted: cookie(r, trustCookie)}
}
