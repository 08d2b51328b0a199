package restd_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/restd"
	"tegami/store"
)

// TestCP10NothingThere: what is no operation is a problem too, and OPTIONS tells the methods. No other origin is let in.
func TestCP10NothingThere(t *testing.T) {
	h := newHouse(t)
	h.operate("GET", "/nothing", nil).says(404, "request.path")
	r := h.operate("POST", "/self", nil)
	r.says(405, "request.method")
	if got := r.Header().Get("Allow"); got != "GET, HEAD, OPTIONS" {
		t.Errorf("Allow: %q", got)
	}
	r = h.operate("OPTIONS", "/self", nil, "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "GET")
	if r.Code != 204 || r.Header().Get("Allow") != "GET, HEAD, OPTIONS" || r.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS: %d %v", r.Code, r.Header())
	}
	r = h.operate("HEAD", "/self", nil)
	if r.Code != 200 || r.Body.Len() != 0 || r.Header().Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %v %s", r.Code, r.Header(), r.Body)
	}
}

// TestCP10Headers: every answer names its request, and is kept by nobody.
func TestCP10Headers(t *testing.T) {
	h := newHouse(t)
	for _, r := range []reply{h.operate("GET", "/self", nil), h.operate("GET", "/nothing", nil), h.ask("", "GET", "/self", nil)} {
		if r.Header().Get("Cache-Control") != "no-store" || len(r.Header().Get(restd.RequestHeader)) != 8 || r.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d %v", r.Code, r.Header())
		}
	}
}

// TestCP10Problems: what is wrong with the form of a request is said for each field, in the language that was asked for.
func TestCP10Problems(t *testing.T) {
	h := newHouse(t)
	restd.AddToys(h.Server)
	for _, c := range []struct {
		body   string
		status int
		key    string
		field  string
		what   string
		en, ja string // of the detail
	}{
		{``, 400, "request.body_missing", "", "", "The request has no body.", "リクエストの本文がありません。"},
		{`{`, 400, "request.json", "", "", "The body is no JSON.", "本文がJSONとして読み取れません。"},
		{`{"name":"x"`, 400, "request.json", "", "", "The body is no JSON.", ""},
		{`{}`, 422, "request.malformed", "body.name", "request.field.required", "body.name: This is required.", "body.name：必須項目です。"},
		{`{"name":"abc","extra":1}`, 422, "request.malformed", "body.extra", "request.field.unknown", "body.extra: There is no such field.", ""},
		{`{"name":"x"}`, 422, "request.malformed", "body.name", "request.field.min_length", "body.name: This needs at least 2 characters.", "body.name：2文字以上で入力してください。"},
		{`{"name":"abcdef"}`, 422, "request.malformed", "body.name", "request.field.max_length", "body.name: This may have at most 5 characters.", ""},
		{`{"name":"ABC"}`, 422, "request.malformed", "body.name", "request.field.pattern", "", ""},
		{`{"name":7}`, 422, "request.malformed", "body.name", "request.field.string", "", ""},
		{`{"name":"abc","count":0}`, 422, "request.malformed", "body.count", "request.field.at_least", "body.count: This must be at least 1.", ""},
		{`{"name":"abc","count":10}`, 422, "request.malformed", "body.count", "request.field.at_most", "body.count: This must be at most 9.", ""},
		{`{"name":"abc","count":1.5}`, 422, "request.malformed", "body.count", "request.field.integer", "", ""},
		{`{"name":"abc","mode":"green"}`, 422, "request.malformed", "body.mode", "request.field.one_of", "body.mode: This must be one of: red, blue", ""},
		{`{"name":"abc","at":"yesterday"}`, 422, "request.malformed", "body.at", "request.field.time", "", ""},
		{`{"name":"abc","mail":"nobody"}`, 422, "request.malformed", "body.mail", "request.field.address", "", ""},
		{`{"name":"abc","tags":["a","b","c"]}`, 422, "request.malformed", "body.tags", "request.field.max_items", "body.tags: At most 2 are allowed.", ""},
		{`{"name":"abc","tags":["a","a"]}`, 422, "request.malformed", "body.tags", "request.field.unique", "", ""},
		{`{"name":"abc","tags":["a",1]}`, 422, "request.malformed", "body.tags[1]", "request.field.string", "", ""},
		{`{"name":"abc","on":"yes"}`, 422, "request.malformed", "body.on", "request.field.boolean", "", ""},
		{`[]`, 422, "request.malformed", "body", "request.field.object", "", ""},
		{`{"name":"` + strings.Repeat("a", restd.DefaultBody) + `"}`, 413, "request.too_big", "", "", "The request is too big: 1 MiB at most.", ""},
	} {
		p := h.operate("PUT", "/toys", c.body).says(c.status, c.key)
		name := c.body[:min(len(c.body), 60)]
		if c.field != "" && (len(p.Fields) != 1 || p.Fields[0].Name != c.field || p.Fields[0].Key != c.what) || c.field == "" && len(p.Fields) != 0 {
			t.Errorf("%s: %+v", name, p.Fields)
		}
		if c.en != "" && p.Detail != c.en {
			t.Errorf("%s: %s", name, p.Detail)
		}
		if got := h.operate("PUT", "/toys", c.body, "Accept-Language", "ja").problem().Detail; c.ja != "" && got != c.ja {
			t.Errorf("%s: %s", name, got)
		}
	}
	p := h.operate("PUT", "/toys", `x=1`, "Content-Type", "application/x-www-form-urlencoded").says(415, "request.media")
	if len(p.Fields) != 0 {
		t.Errorf("%+v", p)
	}
	p = h.operate("GET", "/toys?limit=0&cursor="+strings.Repeat("x", 600), nil).says(422, "request.malformed")
	if len(p.Fields) != 2 || p.Fields[0].Name != "query.limit" || p.Fields[1].Key != "request.field.max_length" {
		t.Errorf("%+v", p)
	}
	p = h.operate("GET", "/toys?colour=red", nil).says(422, "request.malformed")
	if len(p.Fields) != 1 || p.Fields[0].Name != "query.colour" || p.Fields[0].Key != "request.field.unknown" {
		t.Errorf("%+v", p)
	}
}

// TestCP10Unforeseen: a panic and a late operation are problems, the cause stands in the log with the request's id and not in the answer.
func TestCP10Unforeseen(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(c *restd.Config, _ store.Store) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	restd.AddToys(h.Server)
	p := h.operate("DELETE", "/toys", nil).says(500, "kind.other")
	if !strings.Contains(log.String(), "panic") || !strings.Contains(log.String(), "request="+p.Request) || strings.Contains(p.Detail, "toy") {
		t.Errorf("%+v: %s", p, log.String())
	}
	r := h.operate("PATCH", "/toys", nil)
	r.says(503, "request.late")
	if r.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// TestCP10Log: a line a request, without what was searched for.
func TestCP10Log(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(c *restd.Config, _ store.Store) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	restd.AddToys(h.Server)
	h.operate("GET", "/toys?size=50&limit=3", nil).into(new([]string))
	var line map[string]any
	h.must(json.Unmarshal(log.Bytes(), &line))
	if line["operation"] != "GET /api/v1/toys" || line["who"] != "operator:test" || line["status"] != 200.0 || strings.Contains(log.String(), "limit=3") {
		t.Error(log.String())
	}
}

// TestCP10Conditional: who has the thing as it is gets 304 and no body.
func TestCP10Conditional(t *testing.T) {
	h := newHouse(t)
	restd.AddToys(h.Server)
	for tag, want := range map[string]int{`"7"`: 304, `W/"7"`: 304, `"1", "7"`: 304, `*`: 304, `"8"`: 200, `7`: 200} {
		r := h.operate("GET", "/toys?size=5000", nil, "If-None-Match", tag)
		if r.Code != want || want == 304 && (r.Body.Len() != 0 || r.Header().Get("ETag") != `"7"`) {
			t.Errorf("%s: %d, %d octets, ETag %s", tag, r.Code, r.Body.Len(), r.Header().Get("ETag"))
		}
	}
	for text, want := range map[string]uint64{"": 0, "*": 0, `"7"`: 7, ` "7" `: 7} {
		if v, err := restd.VersionOf(text); v != want || err != nil {
			t.Errorf("%q: %d, %v", text, v, err)
		}
	}
	for _, text := range []string{`W/"7"`, `7`, `"07"`, `"x"`, `"7`, `"7", "8"`, `"-1"`} {
		if _, err := restd.VersionOf(text); !mail.Is(err, mail.Conflict) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestCP10Compression: large answers are compressed for who takes that, small ones never.
func TestCP10Compression(t *testing.T) {
	h := newHouse(t)
	restd.AddToys(h.Server)
	plain := h.operate("GET", "/toys?size=50000", nil)
	for accept, want := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "identity": false, "gzip;q=1": true} {
		r := h.operate("GET", "/toys?size=50000", nil, "Accept-Encoding", accept)
		if got := r.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%s: %v", accept, r.Header())
			continue
		}
		if !want {
			continue
		}
		if r.Body.Len() > plain.Body.Len()/10 {
			t.Errorf("%d of %d octets", r.Body.Len(), plain.Body.Len())
		}
		z, err := gzip.NewReader(r.Body)
		h.must(err)
		text, err := io.ReadAll(z)
		h.must(err)
		if !bytes.Equal(text, plain.Body.Bytes()) {
			t.Error("another text")
		}
	}
	if r := h.operate("GET", "/toys?size=50", nil, "Accept-Encoding", "gzip"); r.Header().Get("Content-Encoding") != "" || r.Header().Get("Content-Length") == "" {
		t.Error(r.Header())
	}
}

// TestCP10Cursors: a cursor leads back to where its list ended, and nowhere else.
func TestCP10Cursors(t *testing.T) {
	h := newHouse(t)
	restd.AddToys(h.Server)
	var got []string
	good := restd.CursorAt("listToys", "a", "b")
	h.operate("GET", "/toys?cursor="+good, nil).into(&got)
	if len(got) != 3 || got[0] != "a" || got[1] != "b" || got[2] != "limit 100" {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"x", "%20", good + "A", good[:len(good)-1], "A" + good, restd.CursorAt("listOthers", "a"), restd.CursorAt("listToys")} {
		h.operate("GET", "/toys?cursor="+bad, nil).says(422, "cursor.malformed")
	}
}

// FuzzCursor: no cursor that somebody makes up does harm.
func FuzzCursor(f *testing.F) {
	h := newHouse(f)
	restd.AddToys(h.Server)
	f.Add(restd.CursorAt("listToys", "a"))
	f.Add("....")
	f.Fuzz(func(t *testing.T, cursor string) {
		r := request("GET", "/toys", nil)
		q := r.URL.Query()
		q.Set("cursor", cursor)
		r.URL.RawQuery = q.Encode()
		w := httptest.NewRecorder()
		h.As(directory.OperatorCaller("test", "")).ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 422 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// TestCP10RateLimit: so many requests a minute, for a caller and for a network of strangers; the answer tells what is left.
func TestCP10RateLimit(t *testing.T) {
	h := newHouse(t, func(c *restd.Config, st store.Store) {
		c.Tally, c.Limits = st.Tally, restd.Limits{Strangers: 3}
	})
	restd.AddToys(h.Server)
	from := func(address, path, key string) reply {
		r := request("GET", path, nil, "Authorization", key)
		r.RemoteAddr = address
		return h.send(h.Handler(), r)
	}
	for i, left := range []string{"2", "1", "0"} {
		r := from("192.0.2.1:1", "/toys/open", "")
		if r.Code != 204 && r.Code != 200 || r.Header().Get("RateLimit") != `"address";r=`+left+`;t=60` || r.Header().Get("RateLimit-Policy") != `"address";q=3;w=60` {
			t.Errorf("%d: %d %v", i, r.Code, r.Header())
		}
	}
	for _, path := range []string{"/toys/open", "/self"} {
		r := from("192.0.2.1:2", path, "Bearer nobody")
		r.says(429, "rate.limited")
		if r.Header().Get("Retry-After") != "15" {
			t.Error(r.Header())
		}
	}
	from("192.0.2.2:1", "/self", "").says(401, "auth.required")
	from("192.0.2.2:1", "/self", "Bearer nobody").says(401, "auth.failed")
	from("192.0.2.2:1", "/self", "Bearer nobody").says(401, "auth.failed")
	from("192.0.2.2:1", "/self", "Bearer nobody").says(429, "rate.limited")
	from("127.0.0.1:1", "/self", "").says(401, "auth.required")
}

// TestCP10CountersFail: a counter that fails limits nobody.
func TestCP10CountersFail(t *testing.T) {
	h := newHouse(t, func(c *restd.Config, _ store.Store) {
		c.Tally = func(context.Context, string, int64, time.Duration) (int64, error) { return 0, errors.New("down") }
	})
	restd.AddToys(h.Server)
	r := request("GET", "/toys/open", nil)
	r.RemoteAddr = "192.0.2.1:1"
	if got := h.send(h.Handler(), r); got.Code >= 300 {
		t.Error(got.Code)
	}
}

// TestCP6ReasonOfOperators: an operator who changes something of a company says why, but for the one at the machine itself.
func TestCP6ReasonOfOperators(t *testing.T) {
	h := newHouse(t)
	toys := restd.AddToys(h.Server)
	path := "/tenants/" + h.company("alpha.example").String() + "/toys"
	toy := restd.Toy{Name: "abc"}
	h.operate("POST", path, toy).into(new(any))
	for given, want := range map[string]string{
		"ticket 7": "ticket 7", "障害対応": "障害対応", "UTF-8''%E9%9A%9C%E5%AE%B3": "障害", "  x ": "x",
	} {
		h.operate("POST", path, toy, restd.ReasonHeader, given).into(new(any))
		if toys.Actor.Reason() != want {
			t.Errorf("%q became %q", given, toys.Actor.Reason())
		}
	}
	h.operate("POST", path, toy, restd.ReasonHeader, "UTF-8''%zz").says(422, "reason.malformed")
	h.operate("POST", path, toy, restd.ReasonHeader, "a\x01b").says(422, "reason.malformed")
	h.operate("POST", path, toy, restd.ReasonHeader, strings.Repeat("x", mail.MaxReason+1)).says(422, "reason.too_long")
}

// TestCP10Idempotency: a POST with a key is done once and answered the same; not when it could not be done.
func TestCP10Idempotency(t *testing.T) {
	h := newHouse(t)
	toys := restd.AddToys(h.Server)
	path := "/tenants/" + h.company("alpha.example").String() + "/toys"
	post := func(key, name string, more ...string) reply {
		return h.operate("POST", path, restd.Toy{Name: name}, append(more, restd.IdempotencyHeader, key)...)
	}
	first := post(`"k1"`, "abc")
	second := post("k1", "abc")
	if first.Code != second.Code || !bytes.Equal(first.Body.Bytes(), second.Body.Bytes()) || toys.Made.Load() != 1 ||
		second.Header().Get("Location") != "/toys/1" || second.Header().Get(restd.ReplayedHeader) != "true" || first.Header().Get(restd.ReplayedHeader) != "" {
		t.Errorf("%d %s %v, made %d", second.Code, second.Body, second.Header(), toys.Made.Load())
	}
	post("k1", "other").says(422, "idempotency.other_request")
	h.operate("POST", path+"?x=1", restd.Toy{Name: "abc"}, restd.IdempotencyHeader, "k1").says(422, "idempotency.other_request")
	for _, bad := range []string{`""`, "a b", "日本", strings.Repeat("x", 129), `a"b`} {
		post(bad, "abc").says(422, "idempotency.malformed")
	}
	post("k2", "taken").says(409, "key.taken")
	before := toys.Made.Load()
	if r := post("k2", "taken"); r.Header().Get(restd.ReplayedHeader) != "true" || toys.Made.Load() != before {
		t.Error("a refusal was not remembered")
	}
	post("k3", "down").says(503, "kind.unavailable")
	post("k3", "down").says(503, "kind.unavailable")
	post("k4", "panic").says(500, "kind.other")
	post("k4", "panic").says(500, "kind.other")
	if got := toys.Made.Load() - before; got != 4 {
		t.Errorf("what failed was tried %d times, not 4", got)
	}
	other := request("POST", path, restd.Toy{Name: "abc"}, restd.IdempotencyHeader, "k1")
	if r := h.send(h.As(directory.OperatorCaller("other", "")), other); r.Header().Get(restd.ReplayedHeader) != "" {
		t.Error("another caller's key")
	}
}

// TestCP10IdempotencyAtOnce: while the first is under way, the second waits for nothing and does nothing; after a restart, what was
// answered is answered.
func TestCP10IdempotencyAtOnce(t *testing.T) {
	h := newHouse(t)
	toys := restd.AddToys(h.Server)
	path := "/tenants/" + h.company("alpha.example").String() + "/toys"
	post := func() reply {
		return h.operate("POST", path, restd.Toy{Name: "abc"}, restd.IdempotencyHeader, "k1")
	}
	toys.Enter, toys.Leave = make(chan struct{}), make(chan struct{})
	done := make(chan reply)
	go func() { done <- post() }()
	<-toys.Enter
	post().says(409, "idempotency.running")
	close(toys.Leave)
	first := <-done
	again := restd.New(restd.Config{Directory: directory.New(h.store, directory.Config{}), Words: h.words()})
	later := restd.AddToys(again)
	r := request("POST", path, restd.Toy{Name: "abc"}, restd.IdempotencyHeader, "k1")
	second := h.send(again.As(directory.OperatorCaller("test", "")), r)
	if second.Code != http.StatusOK || !bytes.Equal(first.Body.Bytes(), second.Body.Bytes()) || later.Made.Load() != 0 {
		t.Errorf("%d %s", second.Code, second.Body)
	}
}
