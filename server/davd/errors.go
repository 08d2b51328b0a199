package davd

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"tegami/mail"
)

// refusal is an answer of HTTP's own, with the precondition of a standard that was not met (RFC 4918 §16).
type refusal struct {
	status int
	name   xml.Name // zero: none
	inner  string   // XML
}

func (e *refusal) Error() string {
	return "davd: " + strconv.Itoa(e.status) + " " + e.name.Local
}

// status is an answer with nothing but a status.
func status(code int) error { return &refusal{status: code} }

// precondition is an answer with a precondition that was not met.
func precondition(code int, space, local string) error {
	return &refusal{status: code, name: xml.Name{Space: space, Local: local}}
}

// statuses maps kinds of errors to those of HTTP, the only place where that is decided.
var statuses = map[mail.Kind]int{
	mail.Other: http.StatusInternalServerError, mail.Invalid: http.StatusBadRequest, mail.Denied: http.StatusForbidden, mail.NotFound: http.StatusNotFound,
	mail.Conflict: http.StatusConflict, mail.Full: http.StatusInsufficientStorage, mail.Busy: http.StatusTooManyRequests, mail.Unavailable: http.StatusServiceUnavailable,
}

// keyRefusals are the errors that say more than their kind.
var keyRefusals = map[string]*refusal{
	"auth.required": {status: http.StatusUnauthorized}, "auth.failed": {status: http.StatusUnauthorized}, "auth.expired": {status: http.StatusUnauthorized},
	"auth.changed":         {status: http.StatusUnauthorized},
	"object.changed":       {status: http.StatusPreconditionFailed},
	"contacts.path_taken":  {status: http.StatusPreconditionFailed},                                                             // RFC 4918 §9.8.5
	"vcard.malformed":      {status: http.StatusForbidden, name: xml.Name{Space: cardNS, Local: "valid-address-data"}},          // RFC 6352 §6.3.2.1
	"vcard.several":        {status: http.StatusForbidden, name: xml.Name{Space: cardNS, Local: "valid-address-data"}},          // RFC 6352 §5.1
	"contacts.uid":         {status: http.StatusForbidden, name: xml.Name{Space: cardNS, Local: "valid-address-data"}},          // RFC 6352 §6.3.2.1
	"contacts.uid_taken":   {status: http.StatusConflict, name: xml.Name{Space: cardNS, Local: "no-uid-conflict"}},              // RFC 6352 §6.3.2.1
	"vcard.too_big":        {status: http.StatusForbidden, name: xml.Name{Space: cardNS, Local: "max-resource-size"}},           // RFC 6352 §6.3.2.1
	"contacts.too_many":    {status: http.StatusInsufficientStorage, name: xml.Name{Space: davNS, Local: "quota-not-exceeded"}}, // RFC 4331 §6
	"contacts.book.fixed":  {status: http.StatusForbidden},
	"contacts.book.exists": {status: http.StatusMethodNotAllowed},
	// The client begins anew (RFC 6578 §3.2).
	"contacts.changes_forgotten": {status: http.StatusForbidden, name: xml.Name{Space: davNS, Local: "valid-sync-token"}},
}

// refusalOf puts an error into the words of HTTP and WebDAV.
func (q *request) refusalOf(err error) *refusal {
	var known *refusal
	if errors.As(err, &known) {
		return known
	}
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return &refusal{status: http.StatusRequestEntityTooLarge}
	}
	if key, _ := mail.TextOf(err); keyRefusals[key] != nil {
		return keyRefusals[key]
	}
	kind := mail.KindOf(err)
	if kind == mail.Other || kind == mail.Unavailable {
		q.server.log.Error("request", "request", q.id, "method", q.Method, "who", q.name(), "err", err)
	}
	return &refusal{status: statuses[kind]}
}

// refuse answers with an error. Its text is for people who look at what their software was told.
func (q *request) refuse(err error) {
	r := q.refusalOf(err)
	h := q.w.Header()
	if r.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="Tegami", charset="UTF-8"`)
	}
	if r.status == http.StatusTooManyRequests {
		h.Set("Retry-After", "15")
	}
	if r.name.Local == "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		q.w.WriteHeader(r.status)
		if q.Method == http.MethodHead {
			return
		}
		text := http.StatusText(r.status)
		if key, _ := mail.TextOf(err); key != "" {
			text = q.server.config.Words.Error(q.lang, err)
		}
		q.w.Write([]byte(text + "\n")) // who hangs up needs no answer
		return
	}
	var w writer
	w.begin("error")
	w.element(r.name, r.inner)
	w.WriteString("</D:error>\n")
	q.xml(r.status, &w)
}

// xml answers with XML.
func (q *request) xml(status int, w *writer) {
	h := q.w.Header()
	h.Set("Content-Type", `application/xml; charset=utf-8`)
	h.Set("Content-Length", strconv.Itoa(w.Len()))
	q.w.WriteHeader(status)
	q.w.Write(w.Bytes()) // who hangs up needs no answer
}
