package restd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// IdempotencyHeader names a request that may be sent again: it is done once (draft-ietf-httpapi-idempotency-key-header-07).
const IdempotencyHeader = "Idempotency-Key"

// ReplayedHeader is on answers that were given before.
const ReplayedHeader = "Idempotency-Replayed"

const (
	// maxIdempotencyKey is the length of a key in octets.
	maxIdempotencyKey = 128
	// keepPatience is how long storing an answer may take, when the answer itself is done.
	keepPatience = 10 * time.Second
)

// keptHeaders are the header fields of an answer that are remembered.
var keptHeaders = []string{"Content-Type", "ETag", "Location"}

// once does a POST with an Idempotency-Key one time, and answers the second as the first. Answers that may be other next time
// (too much, not now, our own mistakes, nobody signed in) are not remembered.
func (s *Server) once(a *answer, call *Call, o operation, do func()) {
	key := a.request.Header.Get(IdempotencyHeader)
	if key == "" || o.Method != http.MethodPost || o.Public || o.Unkept {
		do()
		return
	}
	ask, err := askOf(a.request, key)
	if err != nil {
		s.refuse(a, err)
		return
	}
	ctx, by := a.request.Context(), call.Caller.Actor()
	before, err := s.dir.BeginAsk(ctx, by, ask)
	switch {
	case err != nil:
		s.refuse(a, err)
		return
	case before != nil:
		a.replay(before)
		return
	}
	a.record = &record{}
	finished := false
	defer func() { // also when do panics: then nothing is remembered
		var answer *directory.Answer
		if finished {
			a.end() // what was held back belongs to the record
			answer = a.record.answer()
		}
		keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepPatience)
		defer cancel()
		if err := s.dir.EndAsk(keep, by, ask, answer); err != nil {
			s.log.Error("idempotency", "request", a.id, "err", err)
		}
	}()
	do()
	finished = true
}

// askOf reads the whole request, for its fingerprint. Invalid "idempotency.malformed"; Full "request.too_big".
func askOf(r *http.Request, key string) (ask directory.Ask, err error) {
	const op = "restd.askOf"
	key = strings.TrimSuffix(strings.TrimPrefix(key, `"`), `"`) // the draft wants quotes, many send none
	if key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, func(c rune) bool { return c < '!' || c > '~' || c == '"' }) {
		return ask, mail.E(op, mail.Invalid, "idempotency.malformed", maxIdempotencyKey)
	}
	body, err := io.ReadAll(r.Body)
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return ask, mail.E(op, mail.Full, "request.too_big", sizeText([]any{big.Limit - 1}))
	}
	if err != nil {
		return ask, mail.Because(op, mail.Busy, "request.slow", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sum := sha256.New()
	io.WriteString(sum, r.Method+" "+r.URL.RequestURI()+"\x00"+r.Header.Get("Content-Type")+"\x00") // a hash takes everything
	sum.Write(body)
	ask.Key = key
	sum.Sum(ask.Print[:0])
	return ask, nil
}

// replay gives an answer again.
func (a *answer) replay(before *directory.Answer) {
	for name, value := range before.Header {
		a.Header().Set(name, value)
	}
	a.Header().Set(ReplayedHeader, "true")
	a.WriteHeader(before.Status)
	a.Write(before.Body) // who hangs up needs no answer
}

// record is a copy of what goes out. A nil record copies nothing.
type record struct {
	status int
	header map[string]string
	body   []byte
	long   bool // it is longer than what is remembered
}

func (r *record) head(a *answer) {
	if r == nil {
		return
	}
	r.status, r.header = a.status, map[string]string{}
	for _, name := range keptHeaders {
		if v := a.Header().Get(name); v != "" {
			r.header[name] = v
		}
	}
}

func (r *record) add(b []byte) {
	if r == nil || r.long {
		return
	}
	if len(r.body)+len(b) > directory.MaxAnswer {
		r.body, r.long = nil, true
		return
	}
	r.body = append(r.body, b...)
}

// answer is what is remembered; nil where that is nothing.
func (r *record) answer() *directory.Answer {
	switch {
	case r.status >= http.StatusInternalServerError, r.status == http.StatusTooManyRequests,
		r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		return nil
	}
	return &directory.Answer{Status: r.status, Header: r.header, Body: r.body}
}
