package restd

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tegami/i18n"
	"tegami/mail"
)

// Problem is an answer that is no success (RFC 9457). Key is stable and for programs; Detail is for people, in the
// language of the request.
type Problem struct {
	Type   string  `json:"type" doc:"about:blank; Key tells what happened"`
	Title  string  `json:"title" doc:"The HTTP status in words"`
	Status int     `json:"status"`
	Detail string  `json:"detail" doc:"What happened, why, and what to do, in the request's language"`
	Key    string  `json:"key" doc:"A stable name of what happened"`
	Args   []any   `json:"args,omitempty" doc:"The values in Detail"`
	Fields []Field `json:"fields,omitempty" doc:"What is wrong with which part of the request"`
}

// Field is what is wrong with a part of a request.
type Field struct {
	Name   string `json:"name" doc:"Where: body.address, query.limit"`
	Detail string `json:"detail"`
}

// Error is the problem for the log.
func (p *Problem) Error() string { return p.Key + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

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
}

// problem puts an error into the words of a language. What nobody foresaw goes into the log and not into the answer.
func (s *Server) problem(lang string, err error) *Problem {
	key, args := mail.TextOf(err)
	status := statuses[mail.KindOf(err)]
	if special, ok := keyStatuses[key]; ok {
		status = special
	}
	if status >= http.StatusInternalServerError {
		s.log.Error("operation", "err", err)
	}
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Key: key, Args: args}
	p.Detail = s.words.Error(i18n.Lang(lang), err)
	return p
}

// refuse answers a problem outside huma.
func (s *Server) refuse(w http.ResponseWriter, lang string, err error) {
	p := s.problem(lang, err)
	w.Header().Set("Content-Type", p.ContentType(""))
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// newProblem is a finding of huma's own: what is wrong with the form of a request.
func newProblem(_ huma.Context, status int, msg string, errs ...error) huma.StatusError {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Key: "request.malformed", Detail: msg}
	for _, err := range errs {
		var at *huma.ErrorDetail
		if errors.As(err, &at) {
			p.Fields = append(p.Fields, Field{at.Location, at.Message})
		} else if err != nil {
			p.Fields = append(p.Fields, Field{Detail: err.Error()})
		}
	}
	return p
}
