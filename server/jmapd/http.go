package jmapd

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/obs"
	"tegami/server/door"
	"tegami/wire/jmap"
)

// Where the door is.
const (
	wellKnown    = "/.well-known/jmap"
	sessionPath  = "/jmap/session"
	apiPath      = "/jmap/api"
	uploadPath   = "/jmap/upload/"
	downloadPath = "/jmap/download/"
	eventPath    = "/jmap/eventsource/"
	socketPath   = "/jmap/ws"
)

// Paths are what belongs to the door, for who mounts it.
func Paths() []string { return []string{wellKnown, "/jmap/"} }

// handler answers a request of somebody known.
type handler func(http.ResponseWriter, *http.Request, *client)

// route fills the multiplexer.
func (s *Server) route() {
	s.mux = http.NewServeMux()
	for pattern, do := range map[string]handler{
		"GET " + wellKnown:                                s.serveSession,
		"GET " + sessionPath:                              s.serveSession,
		"POST " + apiPath:                                 s.serveAPI,
		"POST " + uploadPath + "{account}/{$}":            s.serveUpload,
		"GET " + eventPath + "{$}":                        s.serveEvents,
		"GET " + socketPath:                               s.serveSocket,
		"GET " + downloadPath + "{account}/{blob}/{name}": s.serveDownload,
		"POST " + unsubscribePath + "{account}/{email}":   s.serveUnsubscribe,
	} {
		s.mux.Handle(pattern, s.known(do))
	}
}

// Handler answers everything below Paths.
func (s *Server) Handler() http.Handler { return s.mux }

// known finds out who calls before do, and guards the answer.
func (s *Server) known(do handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		c := &client{id: obs.NewSessionID(), lang: string(door.LangOf(r))}
		guard(w.Header(), c.id)
		defer func() {
			s.log.Debug("request", "request", c.id, "path", r.Pattern, "who", c.name(), "took", time.Since(begin).Round(time.Microsecond), "remote", r.RemoteAddr)
		}()
		if err := s.identify(w, r, c); err != nil {
			s.refuse(w, r, c, err)
			return
		}
		do(w, r, c)
	})
}

// guard sets what every answer carries.
func guard(h http.Header, id string) {
	h.Set("Request-Id", id)
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Encoding, Accept-Language")
}

// serveAPI answers a request (RFC 8620 §3.1).
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, who *client) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		s.refuse(w, r, who, &jmap.RequestError{Type: jmap.NotJSON, Status: http.StatusBadRequest, Detail: "Content-Type"})
		return
	}
	leave, ok := s.gates.Enter("api/"+who.name(), s.limits.Concurrent)
	if !ok {
		s.refuse(w, r, who, jmap.TooMuch(jmap.LimitRequests))
		return
	}
	defer leave()
	q, err := jmap.Decode(r.Body, jmap.Limits{Size: s.limits.Request, Calls: s.limits.Calls})
	if err != nil {
		s.refuse(w, r, who, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Time)
	defer cancel()
	answer, err := s.Do(ctx, who.identity, i18n.Lang(who.lang), q)
	if err != nil {
		s.refuse(w, r, who, err)
		return
	}
	text, err := answer.Append(nil)
	if err != nil {
		s.refuse(w, r, who, err)
		return
	}
	s.send(w, r, http.StatusOK, "application/json", text)
}

// json answers with a value.
func (s *Server) json(w http.ResponseWriter, r *http.Request, status int, v any) {
	text, err := jmap.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	s.send(w, r, status, "application/json", text)
}

// minCompressed is from how many octets on an answer is compressed: less fits one packet anyway.
const minCompressed = 1400

// send answers with JSON, compressed where that pays.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, kind string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	if len(text) < minCompressed || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(status)
		w.Write(text) // who hangs up needs no answer
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	zip := s.zips.Get().(*gzip.Writer)
	zip.Reset(w)
	zip.Write(text)
	zip.Close()
	zip.Reset(io.Discard)
	s.zips.Put(zip)
}

// statuses maps kinds of errors to those of HTTP, for what fails before or beside a method.
var statuses = map[mail.Kind]int{
	mail.Other: http.StatusInternalServerError, mail.Invalid: http.StatusBadRequest, mail.Denied: http.StatusForbidden,
	mail.NotFound: http.StatusNotFound, mail.Conflict: http.StatusConflict, mail.Full: http.StatusInsufficientStorage,
	mail.Busy: http.StatusTooManyRequests, mail.Unavailable: http.StatusServiceUnavailable,
}

// keyStatuses are the errors whose status says more than their kind.
var keyStatuses = map[string]int{
	"auth.required": http.StatusUnauthorized, "auth.failed": http.StatusUnauthorized, "auth.expired": http.StatusUnauthorized,
	"auth.changed": http.StatusUnauthorized, "message.too_big": http.StatusRequestEntityTooLarge,
}

// refuse answers with a problem (RFC 8620 §3.6.1).
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, who *client, err error) {
	p := &jmap.RequestError{}
	if !errors.As(err, &p) {
		p = s.problem(who, err)
	}
	if p.Status == http.StatusUnauthorized {
		challenge(w.Header(), r)
	}
	text, err := json.Marshal(p)
	if err != nil {
		text = nil
	}
	s.send(w, r, p.Status, "application/problem+json", text)
}

// problem puts an error into the words of HTTP and of the caller.
func (s *Server) problem(who *client, err error) *jmap.RequestError {
	kind := mail.KindOf(err)
	p := &jmap.RequestError{Type: "about:blank", Status: statuses[kind], Detail: s.detail(who, err)}
	if key, _ := mail.TextOf(err); keyStatuses[key] != 0 {
		p.Status = keyStatuses[key]
	}
	if p.Status >= http.StatusInternalServerError {
		s.log.Error("request", "request", who.id, "err", err)
	}
	return p
}

// detail is what went wrong, in the words of the caller.
func (s *Server) detail(who *client, err error) string {
	return s.words.Error(i18n.Lang(who.lang), err)
}

// challenge says how to sign in. A page of ours is not asked by the browser itself.
func challenge(h http.Header, r *http.Request) {
	if r.Header.Get(pageHeader) != "" || r.Header.Get("Sec-Fetch-Mode") == "cors" || r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return
	}
	h.Add("WWW-Authenticate", `Basic realm="JMAP", charset="UTF-8"`)
	h.Add("WWW-Authenticate", `Bearer realm="JMAP"`)
}
