package restd

import (
	"compress/gzip"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/directory"
)

// minCompressed is from how many octets on an answer is compressed: less fits one packet anyway.
const minCompressed = 1400

// An answer is on its way to who called. It holds back its first octets until it is known whether compressing pays,
// answers 304 to who has it already (RFC 9110 §13.1.2), and keeps a copy for an Idempotency-Key.
type answer struct {
	http.ResponseWriter
	server  *Server
	request *http.Request
	id      string
	lang    string
	caller  *directory.Caller // who is known without asking; nil for all that come over the network
	who     string            // the caller's name, for the log
	pattern string            // of the operation
	key     string            // of the problem, for the log

	status int
	size   int64
	sent   bool   // the header has gone out
	none   bool   // the body is not wanted
	held   []byte // the first octets
	zip    *gzip.Writer
	record *record // a copy of what goes out; nil when nobody wants one
}

// answer begins the answer to a request.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, id, lang string) *answer {
	h := w.Header()
	h.Set(RequestHeader, id)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Encoding, Accept-Language")
	return &answer{ResponseWriter: w, server: s, request: r, id: id, lang: lang}
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader notes the status; it goes out with the first octets that are not held back.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	if status == http.StatusOK && a.reading() && known(a.request.Header.Get("If-None-Match"), a.Header().Get("ETag")) {
		status = http.StatusNotModified
	}
	a.status = status
	a.none = status == http.StatusNotModified || status == http.StatusNoContent || a.request.Method == http.MethodHead
}

// reading tells whether the request only reads.
func (a *answer) reading() bool {
	return a.request.Method == http.MethodGet || a.request.Method == http.MethodHead
}

// known tells whether who asks has what there is: one of the tags in If-None-Match is that of the answer, compared weakly
// (RFC 9110 §13.1.2).
func known(have, tag string) bool {
	if tag == "" || have == "" {
		return false
	}
	return have == "*" || slices.ContainsFunc(strings.Split(have, ","), func(one string) bool {
		return strings.TrimPrefix(strings.TrimSpace(one), "W/") == strings.TrimPrefix(tag, "W/")
	})
}

// Write takes octets of the body.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.none {
		return len(b), nil
	}
	a.record.add(b)
	if !a.sent && len(a.held)+len(b) < minCompressed {
		a.held = append(a.held, b...)
		return len(b), nil
	}
	if err := a.begin(true); err != nil {
		return 0, err
	}
	return len(b), a.pass(b)
}

// begin sends the header and what was held back. more tells that it is not all.
func (a *answer) begin(more bool) error {
	if a.sent {
		return nil
	}
	a.sent = true
	h := a.Header()
	switch {
	case a.status == 0:
		a.status = http.StatusOK
	case more && a.compressible():
		h.Set("Content-Encoding", "gzip")
		h.Del("Content-Length")
		a.zip = a.server.zips.Get().(*gzip.Writer)
		a.zip.Reset(counted{a})
	case !more && !a.none:
		h.Set("Content-Length", strconv.Itoa(len(a.held)))
	}
	if a.none && a.request.Method != http.MethodHead {
		h.Del("Content-Type")
	}
	a.record.head(a)
	a.ResponseWriter.WriteHeader(a.status)
	if a.none || len(a.held) == 0 {
		return nil
	}
	return a.pass(a.held)
}

// compressible tells whether who asks takes gzip, and the body is text.
func (a *answer) compressible() bool {
	h := a.Header()
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	text := strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || kind == "image/svg+xml"
	return text && h.Get("Content-Encoding") == "" && takesGzip(a.request.Header.Get("Accept-Encoding"))
}

// takesGzip reads Accept-Encoding (RFC 9110 §12.5.3) as far as gzip goes.
func takesGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(part, " ", "")), ";")
		if name == "gzip" {
			return strings.TrimRight(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

// pass sends octets on, compressed where that was decided.
func (a *answer) pass(b []byte) error {
	if a.zip != nil {
		_, err := a.zip.Write(b)
		return err
	}
	_, err := counted{a}.Write(b)
	return err
}

// counted counts the octets that go out.
type counted struct{ a *answer }

func (c counted) Write(b []byte) (int, error) {
	n, err := c.a.ResponseWriter.Write(b)
	c.a.size += int64(n)
	return n, err
}

// Flush sends what was held back, for answers that come in portions.
func (a *answer) Flush() {
	if a.begin(true) != nil {
		return
	}
	if a.zip != nil {
		a.zip.Flush()
	}
	http.NewResponseController(a.ResponseWriter).Flush()
}

// end sends what is left.
func (a *answer) end() {
	a.begin(false)
	if a.zip != nil {
		a.zip.Close()
		a.zip.Reset(nil)
		a.server.zips.Put(a.zip)
		a.zip = nil
	}
}

// line is what the log says of the request. Query and body are not in it: they name people.
func (a *answer) line(r *http.Request, took time.Duration) []any {
	line := []any{"request", a.id, "method", r.Method, "operation", a.pattern, "status", a.status, "octets", a.size,
		"took", took.Round(time.Microsecond), "remote", r.RemoteAddr}
	if a.who != "" {
		line = append(line, "who", a.who)
	}
	if a.key != "" {
		line = append(line, "key", a.key)
	}
	return line
}
