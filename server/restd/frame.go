package restd

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
)

// RequestHeader names a request in its answer and in the log.
const RequestHeader = "Request-Id"

// Handler answers everything below Prefix.
func (s *Server) Handler() http.Handler { return s.As(nil) }

// serve is what stands around every request: its id, the language, what happens when nothing answers, and the line in the log.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, as *directory.Caller) {
	begin := time.Now()
	a := s.answer(w, r, obs.NewSessionID(), string(door.LangOf(r)))
	a.caller = as
	defer func() { s.log.Info("request", a.line(r, time.Since(begin))...) }()
	defer a.end()
	defer s.caught(a)
	h, pattern := s.mux.Handler(r)
	a.pattern = pattern
	if pattern == "" {
		s.nowhere(a, r, h)
		return
	}
	s.mux.ServeHTTP(a, r)
}

// caught keeps a panic within its request. Somebody who hangs up makes huma panic; that is nobody's fault.
func (s *Server) caught(a *answer) {
	p := recover()
	if p == nil {
		return
	}
	if a.request.Context().Err() == nil {
		s.log.Error("panic", "request", a.id, "what", p, "stack", string(debug.Stack()))
	}
	if a.status == 0 {
		s.refuse(a, mail.E("restd.serve", mail.Other, "kind.other"))
	}
}

// nowhere answers for what is no operation: an unknown path, or a method that a path does not have. h is what the
// multiplexer would answer; it knows the methods there are.
func (s *Server) nowhere(a *answer, r *http.Request, h http.Handler) {
	const op = "restd.nowhere"
	seen := httptest.NewRecorder()
	h.ServeHTTP(seen, r)
	allow := seen.Header().Get("Allow")
	if allow == "" {
		s.refuse(a, mail.E(op, mail.NotFound, "request.path", r.URL.Path))
		return
	}
	if !strings.Contains(allow, http.MethodOptions) {
		allow += ", " + http.MethodOptions
	}
	a.Header().Set("Allow", allow)
	if r.Method == http.MethodOptions {
		a.WriteHeader(http.StatusNoContent)
		return
	}
	s.refuse(a, mail.E(op, mail.Invalid, "request.method", r.Method, allow))
}

// deadline bounds an operation; the answer to one that is late is 503 "request.late".
func (o operation) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := o.Deadline
	if limit == 0 {
		limit = DefaultDeadline
	}
	return context.WithTimeout(ctx, limit)
}
