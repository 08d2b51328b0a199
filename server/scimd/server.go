package scimd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// Prefix is below what everything is served.
const Prefix = "/scim/v2"

const (
	// MaxResults is how many resources one answer lists.
	MaxResults = 200
	// maxBody is the size of a request in octets.
	maxBody = 4 << 20
	// deadline is how long a request may take.
	deadline = 30 * time.Second
	// calls is how many requests a key has in callsWindow.
	calls       = 1200
	callsWindow = time.Minute
	// strangers is how many requests that failed to prove who calls one address has in callsWindow. Loopback is not counted.
	strangers = 120
	// mediaType is that of all bodies (RFC 7644 §8.1).
	mediaType = "application/scim+json"
)

// Config is what the door needs.
type Config struct {
	Directory *directory.Directory
	Words     *i18n.Catalogue
	Log       *slog.Logger
	Zone      mail.Zone
	// Tally counts requests (store.Store.Tally); nil: they are not limited.
	Tally func(ctx context.Context, key string, n int64, window time.Duration) (int64, error)
}

// Server answers the requests. Make it with New.
type Server struct {
	config Config
	dir    *directory.Directory
	log    *slog.Logger
	mux    *http.ServeMux
}

// request is one request of somebody who is known.
type request struct {
	*http.Request
	caller  *directory.Caller
	company *directory.Company
	sees    directory.Selected // what the caller may read
	lang    string
}

// reply is an answer.
type reply struct {
	status   int
	body     any // nil = none
	tag      string
	location string
}

// handler answers a request.
type handler func(*Server, context.Context, *request) (*reply, error)

// routes are all there is to ask for, with the right it takes.
var routes = []struct {
	pattern string
	need    directory.Right
	do      handler
}{
	{"GET /ServiceProviderConfig", directory.RightAccountsRead, (*Server).provider},
	{"GET /ResourceTypes", directory.RightAccountsRead, (*Server).types},
	{"GET /ResourceTypes/{id}", directory.RightAccountsRead, (*Server).resourceType},
	{"GET /Schemas", directory.RightAccountsRead, (*Server).schemas},
	{"GET /Schemas/{id}", directory.RightAccountsRead, (*Server).schema},
	{"GET /Users", directory.RightAccountsRead, (*Server).listUsers},
	{"POST /Users", directory.RightAccounts, (*Server).createUser},
	{"GET /Users/{id}", directory.RightAccountsRead, (*Server).getUser},
	{"PUT /Users/{id}", directory.RightAccounts, (*Server).replaceUser},
	{"PATCH /Users/{id}", directory.RightAccounts, (*Server).patchUser},
	{"DELETE /Users/{id}", directory.RightAccounts, (*Server).deleteUser},
	{"GET /Groups", directory.RightAccountsRead, (*Server).listGroups},
	{"POST /Groups", directory.RightAccounts, (*Server).createGroup},
	{"GET /Groups/{id}", directory.RightAccountsRead, (*Server).getGroup},
	{"PUT /Groups/{id}", directory.RightAccounts, (*Server).replaceGroup},
	{"PATCH /Groups/{id}", directory.RightAccounts, (*Server).patchGroup},
	{"DELETE /Groups/{id}", directory.RightAccounts, (*Server).deleteGroup},
}

// New makes the door.
func New(c Config) *Server {
	s := &Server{config: c, dir: c.Directory, log: obs.Named(c.Log, "scimd"), mux: http.NewServeMux()}
	for _, r := range routes {
		method, path, _ := strings.Cut(r.pattern, " ")
		s.mux.HandleFunc(method+" "+Prefix+path, func(w http.ResponseWriter, hr *http.Request) { s.serve(w, hr, r.need, r.do) })
	}
	s.mux.HandleFunc(Prefix+"/", func(w http.ResponseWriter, hr *http.Request) {
		s.refuse(w, langOf(hr), mail.E("scimd.serve", mail.NotFound, "scim.unknown", hr.URL.Path))
	})
	return s
}

// Handler answers everything below Prefix.
func (s *Server) Handler() http.Handler { return s.mux }

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, hr *http.Request, need directory.Right, do handler) {
	ctx, cancel := context.WithTimeout(hr.Context(), deadline)
	defer cancel()
	hr.Body = http.MaxBytesReader(w, hr.Body, maxBody)
	r, err := s.admit(ctx, hr, need)
	var out *reply
	if err == nil {
		out, err = do(s, ctx, r)
	}
	if err != nil {
		s.refuse(w, langOf(hr), err)
		return
	}
	h := w.Header()
	if out.tag != "" {
		h.Set("ETag", out.tag)
	}
	if out.location != "" {
		h.Set("Location", out.location)
	}
	if out.tag != "" && hr.Method == http.MethodGet && matches(hr.Header.Get("If-None-Match"), out.tag) {
		out.status, out.body = http.StatusNotModified, nil
	}
	s.send(w, out.status, out.body)
}

// send writes an answer.
func (s *Server) send(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	if body == nil {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", mediaType)
	text, err := json.Marshal(body)
	if err != nil {
		s.log.Error("answer", "err", err)
		status, text = http.StatusInternalServerError, nil
	}
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		s.log.Debug("answer", "err", err)
	}
}

// admit finds out who calls and whether he may. Only API keys of companies get in.
func (s *Server) admit(ctx context.Context, hr *http.Request, need directory.Right) (*request, error) {
	const op = "scimd.admit"
	kind, key, ok := strings.Cut(hr.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(kind, "Bearer") {
		return nil, mail.E(op, mail.Denied, "auth.required")
	}
	origin := mail.Origin{Door: "scim", Zone: s.config.Zone, Received: time.Now(), Remote: door.RemoteOf(hr)}
	if err := s.strange(ctx, origin.Remote, 0); err != nil {
		return nil, err
	}
	c, err := s.dir.CallerByKey(ctx, origin, strings.TrimSpace(key))
	if mail.Is(err, mail.Denied) {
		if limited := s.strange(ctx, origin.Remote, 1); limited != nil {
			return nil, limited
		}
	}
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if c.Operator() || c.Tenant().IsZero() || !c.May(need) {
		return nil, mail.E(op, mail.Denied, "actor.denied")
	}
	if err := s.count(ctx, c); err != nil {
		return nil, err
	}
	return &request{
		Request: hr, caller: c, company: s.dir.Company(c.Tenant()), sees: directory.SelectedBy(c, directory.RightAccountsRead, ""), lang: langOf(hr),
	}, nil
}

// strange counts n requests of nobody by their network, and refuses one that made too many. A counter that fails limits nobody.
func (s *Server) strange(ctx context.Context, from netip.Addr, n int64) error {
	network, ok := door.NetworkOf(from, 32)
	if !ok || s.config.Tally == nil {
		return nil
	}
	sum, err := s.config.Tally(ctx, "scim/address/"+network.String(), n, callsWindow)
	if err != nil {
		s.log.Warn("tally", "err", err)
		return nil
	}
	if sum-n >= strangers {
		return mail.E("scimd.strange", mail.Busy, "rate.limited", strangers)
	}
	return nil
}

// count refuses a key that asks too often. A counter that fails limits nobody.
func (s *Server) count(ctx context.Context, c *directory.Caller) error {
	if s.config.Tally == nil {
		return nil
	}
	n, err := s.config.Tally(ctx, "scim/"+c.Tenant().String()+"/"+c.Actor().Name(), 1, callsWindow)
	if err != nil {
		s.log.Warn("tally", "err", err)
		return nil
	}
	if n > calls {
		return mail.E("scimd.count", mail.Busy, "rate.limited", calls)
	}
	return nil
}

// read reads the body of a request. Invalid "scim.syntax", Full "scim.too_big".
func (r *request) read(into any) error {
	const op = "scimd.read"
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != mediaType && kind != "application/json" {
		return mail.E(op, mail.Invalid, "scim.syntax")
	}
	text, err := io.ReadAll(r.Body)
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return mail.E(op, mail.Full, "scim.too_big", maxBody>>20)
	}
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(text)).Decode(into)
	}
	if err != nil {
		return mail.Because(op, mail.Invalid, "scim.syntax", err)
	}
	return nil
}

// matches tells whether one of the tags in a header is a tag, compared weakly (RFC 9110 §13.1).
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == "*" || part != "" && strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// meant refuses a change of another version than the one that is meant (If-Match). Conflict "object.changed".
func (r *request) meant(tag string) error {
	if want := r.Header.Get("If-Match"); want != "" && !matches(want, tag) {
		return mail.E("scimd.meant", mail.Conflict, "object.changed")
	}
	return nil
}

// statuses maps kinds of errors, and keyStatuses the errors whose status says more than their kind.
var (
	statuses = map[mail.Kind]int{
		mail.Other: http.StatusInternalServerError, mail.Invalid: http.StatusBadRequest, mail.Denied: http.StatusForbidden,
		mail.NotFound: http.StatusNotFound, mail.Conflict: http.StatusConflict, mail.Full: http.StatusConflict,
		mail.Busy: http.StatusTooManyRequests, mail.Unavailable: http.StatusServiceUnavailable,
	}
	keyStatuses = map[string]int{
		"auth.required": http.StatusUnauthorized, "auth.failed": http.StatusUnauthorized, "auth.expired": http.StatusUnauthorized,
		"object.changed": http.StatusPreconditionFailed, "scim.too_big": http.StatusRequestEntityTooLarge,
		"domain.unknown": http.StatusBadRequest, "group.unknown": http.StatusNotFound,
	}
	// types are the scimType of RFC 7644 §3.12 by key.
	types = map[string]string{
		"scim.filter": "invalidFilter", "scim.path": "invalidPath", "scim.no_target": "noTarget", "scim.syntax": "invalidSyntax",
		"scim.operation": "invalidSyntax", "address.taken": "uniqueness", "group.exists": "uniqueness", "account.deleted": "uniqueness",
	}
)

// refuse answers an error (RFC 7644 §3.12).
func (s *Server) refuse(w http.ResponseWriter, lang string, err error) {
	key, _ := mail.TextOf(err)
	kind := mail.KindOf(err)
	status := statuses[kind]
	if special, ok := keyStatuses[key]; ok {
		status = special
	}
	if status >= http.StatusInternalServerError {
		s.log.Error("request", "err", err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if kind == mail.Busy {
		w.Header().Set("Retry-After", "10")
	}
	body := object{"schemas": []string{errorMessage}, "status": strconv.Itoa(status), "detail": s.config.Words.Error(i18n.Lang(lang), err)}
	if t, ok := types[key]; ok {
		body["scimType"] = t
	} else if status == http.StatusBadRequest {
		body["scimType"] = "invalidValue"
	}
	s.send(w, status, body)
}

// langOf is the language a request asks for: English unless it asks for Japanese.
func langOf(r *http.Request) string {
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "ja") {
		return string(i18n.Japanese)
	}
	return string(i18n.English)
}

func (s *Server) provider(context.Context, *request) (*reply, error) {
	return &reply{status: http.StatusOK, body: providerConfig()}, nil
}

func (s *Server) types(context.Context, *request) (*reply, error) {
	return fixed(resourceTypes()), nil
}

func (s *Server) schemas(context.Context, *request) (*reply, error) { return fixed(schemas()), nil }

func (s *Server) resourceType(_ context.Context, r *request) (*reply, error) {
	return oneOf(resourceTypes(), r.PathValue("id"))
}

func (s *Server) schema(_ context.Context, r *request) (*reply, error) {
	return oneOf(schemas(), r.PathValue("id"))
}

// fixed answers a list that is always the same.
func fixed(all []object) *reply {
	return &reply{status: http.StatusOK, body: object{"schemas": []string{listMessage}, "totalResults": len(all), "startIndex": 1, "itemsPerPage": len(all), "Resources": all}}
}

// oneOf answers one of them. NotFound "scim.unknown".
func oneOf(all []object, id string) (*reply, error) {
	for _, o := range all {
		if o["id"] == id {
			return &reply{status: http.StatusOK, body: o}, nil
		}
	}
	return nil, mail.E("scimd.oneOf", mail.NotFound, "scim.unknown", id)
}
