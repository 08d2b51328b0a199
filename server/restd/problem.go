package restd

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"tegami/i18n"
	"tegami/mail"
)

// Problem is an answer that is no success (RFC 9457). Key is stable and for programs; Detail is for people, in the
// language of the request.
type Problem struct {
	Type    string  `json:"type" doc:"about:blank; key tells what happened"`
	Title   string  `json:"title" doc:"The HTTP status in words"`
	Status  int     `json:"status" doc:"The HTTP status"`
	Detail  string  `json:"detail" doc:"What happened, why, and what to do, in the request's language"`
	Key     string  `json:"key" doc:"A stable name of what happened"`
	Args    []any   `json:"args,omitempty" doc:"The values in detail"`
	Fields  []Field `json:"fields,omitempty" doc:"What is wrong with which part of the request"`
	Request string  `json:"request,omitempty" doc:"The request's id, which the server's log has too"`

	headers http.Header // that go with it
}

// Field is what is wrong with a part of a request.
type Field struct {
	Name   string `json:"name" doc:"Where: body.address, query.limit"`
	Key    string `json:"key" doc:"A stable name of what is wrong"`
	Detail string `json:"detail" doc:"What is wrong, in the request's language"`
	Args   []any  `json:"args,omitempty" doc:"The values in detail"`
}

// problemType is the media type of problems (RFC 9457 §3).
const problemType = "application/problem+json"

// Error is the problem for the log.
func (p *Problem) Error() string { return p.Key + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are the header fields that go with the problem.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType is that of problems.
func (p *Problem) ContentType(string) string { return problemType }

// statuses maps kinds of errors, the only place where that is decided.
var statuses = map[mail.Kind]int{
	mail.Other: http.StatusInternalServerError, mail.Invalid: http.StatusUnprocessableEntity, mail.Denied: http.StatusForbidden,
	mail.NotFound: http.StatusNotFound, mail.Conflict: http.StatusConflict, mail.Full: http.StatusConflict,
	mail.Busy: http.StatusTooManyRequests, mail.Unavailable: http.StatusServiceUnavailable,
}

// keyStatuses are the errors whose status says more than their kind.
var keyStatuses = map[string]int{
	"auth.required": http.StatusUnauthorized, "auth.failed": http.StatusUnauthorized, "auth.expired": http.StatusUnauthorized,
	"auth.changed": http.StatusUnauthorized, "object.changed": http.StatusPreconditionFailed,
	"request.method": http.StatusMethodNotAllowed, "request.late": http.StatusServiceUnavailable,
	"request.too_big": http.StatusRequestEntityTooLarge, "request.json": http.StatusBadRequest,
}

// kindKeys name what happened where an error has no key of its own.
var kindKeys = map[mail.Kind]string{
	mail.Other: "kind.other", mail.Invalid: "kind.invalid", mail.Denied: "kind.denied", mail.NotFound: "kind.not_found",
	mail.Conflict: "kind.conflict", mail.Full: "kind.full", mail.Busy: "kind.busy", mail.Unavailable: "kind.unavailable",
}

// retryAfter is after how many seconds to try again what failed because of something that passes.
const retryAfter = 5

// problem puts an error into the words of a language. What nobody foresaw goes into the log and not into the answer.
func (s *Server) problem(a *answer, err error) *Problem {
	if errors.Is(err, context.DeadlineExceeded) && a.request.Context().Err() == nil {
		err = mail.Because("restd.problem", mail.Unavailable, "request.late", err)
	}
	key, args := mail.TextOf(err)
	kind := mail.KindOf(err)
	if key == "" {
		key = kindKeys[kind]
	}
	p := &Problem{Type: "about:blank", Status: statuses[kind], Key: key, Args: args, Request: a.id, headers: http.Header{}}
	if special, ok := keyStatuses[key]; ok {
		p.Status = special
	}
	if p.Status == http.StatusPreconditionFailed && a.request.Header.Get("If-Match") == "" {
		p.Status = http.StatusConflict
	}
	p.Title, p.Detail = http.StatusText(p.Status), s.words.Error(i18n.Lang(a.lang), err)
	switch {
	case p.Status == http.StatusUnauthorized:
		p.headers.Set("WWW-Authenticate", "Bearer")
	case kind == mail.Busy || kind == mail.Unavailable:
		p.headers.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if p.Status >= http.StatusInternalServerError {
		s.log.Error("operation", "request", a.id, "operation", a.pattern, "err", err)
	}
	a.key = key
	return p
}

// refuse answers a problem outside huma.
func (s *Server) refuse(a *answer, err error) {
	p := s.problem(a, err)
	h := a.Header()
	for name, values := range p.headers {
		if h.Get(name) == "" {
			h[name] = values
		}
	}
	h.Set("Content-Type", problemType)
	a.WriteHeader(p.Status)
	json.NewEncoder(a).Encode(p) // who hangs up needs no answer
}
