package jmapd_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/jmapd"
	"tegami/wire/jmap"
)

const echo = `{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"hello":true,"high":5},"b3ff"]]}`

// TestEcho is RFC 8620 §4's example.
func TestEcho(t *testing.T) {
	u := one(t)
	var r struct {
		MethodResponses json.RawMessage
		SessionState    string
	}
	got := u.http("POST", "/jmap/api", echo).is(200)
	u.must(json.Unmarshal(got.Body.Bytes(), &r))
	if string(r.MethodResponses) != `[["Core/echo",{"hello":true,"high":5},"b3ff"]]` || r.SessionState == "" {
		t.Errorf("%s", got.Body)
	}
	if kind := got.Header().Get("Content-Type"); kind != "application/json" {
		t.Error(kind)
	}
}

// TestML12Session: RFC 8620 §2, on the server's own name for Basic and Bearer.
func TestML12Session(t *testing.T) {
	u := one(t)
	token := base64.StdEncoding.EncodeToString([]byte(u.address + ":" + password))
	for _, path := range []string{"/.well-known/jmap", "/jmap/session"} {
		for _, sign := range []string{"", "Bearer " + token} {
			var s jmap.Session
			headers := []string{}
			if sign != "" {
				headers = []string{"Authorization", sign}
			}
			u.must(json.Unmarshal(u.http("GET", path, "", headers...).is(200).Body.Bytes(), &s))
			a, ok := s.Accounts[u.id]
			if !ok || !a.IsPersonal || a.IsReadOnly || a.Name != u.address || s.Username != u.address || s.PrimaryAccounts[jmap.Mail] != u.id {
				t.Errorf("%+v", s)
			}
			if s.APIURL != "https://mail.tegami.example/jmap/api" || !strings.Contains(s.DownloadURL, "{blobId}") || s.State == "" {
				t.Errorf("%+v", s)
			}
			if key, _ := s.Capabilities[jmap.WebPushVAPID].(map[string]any); len(fmt.Sprint(key["applicationServerKey"])) != 87 { // a point of P-256 (RFC 9749)
				t.Errorf("%v", key)
			}
			core, _ := s.Capabilities[jmap.Core].(map[string]any)
			if core["maxCallsInRequest"] != 32.0 || core["maxSizeUpload"] != float64(mail.MaxMessageSize) {
				t.Errorf("%v", core)
			}
		}
	}
}

// TestWhoMayCall: what proves who somebody is, and what does not.
func TestWhoMayCall(t *testing.T) {
	u := one(t)
	app := func(scopes ...directory.Scope) string {
		c := u.dir.Company(u.who.Tenant())
		_, secret, err := c.AddAppPassword(t.Context(), u.who.Actor(), u.who.Account().ID, directory.AppPasswordSpec{Name: "x", Scopes: scopes})
		u.must(err)
		return secret
	}
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.address+":"+password))
	}
	for _, c := range []struct {
		name, sign string
		want       int
	}{
		{"password", basic(password), 200},
		{"wrong password", basic("wrong"), 401},
		{"app password of JMAP", basic(app(directory.ScopeJMAP)), 200},
		{"app password of all", basic(app()), 200},
		{"app password of IMAP", basic(app(directory.ScopeIMAP)), 403},
		{"app password as token", "Bearer " + base64.StdEncoding.EncodeToString([]byte(u.address+":"+app(directory.ScopeJMAP))), 200},
		{"unknown token", "Bearer abcdef", 401},
		{"another scheme", "Digest abc", 401},
		{"nothing", "", 401},
		{"broken Basic", "Basic !!!", 401},
	} {
		r := u.http("POST", "/jmap/api", echo, "Authorization", c.sign)
		if r.Code != c.want {
			t.Errorf("%s: %d %s", c.name, r.Code, r.Body)
		}
		if c.want == 401 && len(r.Header().Values("WWW-Authenticate")) != 2 {
			t.Errorf("%s: %v", c.name, r.Header())
		}
	}
}

// TestLockOut: guessing closes the door as it does elsewhere.
func TestLockOut(t *testing.T) {
	u := one(t)
	for range 10 {
		u.http("GET", "/jmap/session", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.address+":guess"))).is(401)
	}
	u.http("GET", "/jmap/session", "").is(429)
}

// TestSessionOfThePages: a cookie counts only with what a foreign page can't send.
func TestSessionOfThePages(t *testing.T) {
	u := one(t)
	step, err := u.dir.BeginWeb(t.Context(), directory.Browser{Origin: mail.Origin{Door: "web"}}, u.address, password)
	u.must(err)
	cookie := "__Host-tegami=" + step.Token
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"own page", []string{"Tegami-Page", "1", "Origin", "https://mail.tegami.example", "Sec-Fetch-Site", "same-origin"}, 200},
		{"no header", nil, 403},
		{"foreign origin", []string{"Tegami-Page", "1", "Origin", "https://evil.example"}, 403},
		{"foreign scheme", []string{"Tegami-Page", "1", "Origin", "http://mail.tegami.example"}, 403},
		{"foreign site", []string{"Tegami-Page", "1", "Sec-Fetch-Site", "cross-site"}, 403},
		{"a neighbour", []string{"Tegami-Page", "1", "Sec-Fetch-Site", "same-site"}, 403},
	} {
		headers := append([]string{"Authorization", "", "Cookie", cookie}, c.headers...)
		if r := u.http("POST", "/jmap/api", echo, headers...); r.Code != c.want {
			t.Errorf("%s: %d %s", c.name, r.Code, r.Body)
		}
	}
	u.http("GET", "/jmap/session", "", "Authorization", "", "Cookie", cookie).is(200)
	u.http("GET", "/jmap/session", "", "Authorization", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site").is(403)
	u.http("GET", "/jmap/session", "", "Authorization", "", "Cookie", "__Host-tegami=x", "Sec-Fetch-Site", "same-origin").is(401)
	if r := u.http("GET", "/jmap/session", "", "Authorization", "", "Tegami-Page", "1"); r.Header().Get("WWW-Authenticate") != "" {
		t.Error("a page is asked for a password by the browser")
	}
	u.must(u.dir.EndSession(t.Context(), mail.Origin{Door: "web"}, step.Token))
	u.http("GET", "/jmap/session", "", "Authorization", "", "Cookie", cookie).is(401)
}

// TestRequestErrors: RFC 8620 §3.6.1.
func TestRequestErrors(t *testing.T) {
	u := one(t, func(_ *house, c *jmapd.Config) { c.Limits = jmapd.Limits{Request: 600, Calls: 2} })
	call := `["Core/echo",{},"a"]`
	for _, c := range []struct{ body, kind, limit string }{
		{`{`, jmap.NotJSON, ""},
		{``, jmap.NotJSON, ""},
		{"\xff", jmap.NotJSON, ""},
		{`{"using":[],"using":[],"methodCalls":[]}`, jmap.NotJSON, ""},
		{strings.Repeat("[", 100) + strings.Repeat("]", 100), jmap.NotJSON, ""},
		{`"\ud800"`, jmap.NotJSON, ""},
		{`[]`, jmap.NotRequest, ""},
		{`{}`, jmap.NotRequest, ""},
		{`{"using":[],"methodCalls":[["Core/echo",{}]]}`, jmap.NotRequest, ""},
		{`{"using":[],"methodCalls":[["Core/echo",[],"a"]]}`, jmap.NotRequest, ""},
		{`{"using":["urn:x"],"methodCalls":[]}`, jmap.UnknownCapability, ""},
		{`{"using":[],"methodCalls":[` + call + `,` + call + `,` + call + `]}`, jmap.LimitError, jmap.LimitCalls},
		{`{"using":["` + strings.Repeat("x", 600) + `"],"methodCalls":[]}`, jmap.LimitError, jmap.LimitSize},
	} {
		got := u.http("POST", "/jmap/api", c.body).is(400)
		var e jmap.RequestError
		u.must(json.Unmarshal(got.Body.Bytes(), &e))
		if e.Type != c.kind || e.Limit != c.limit || e.Status != 400 || got.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60s: %s", c.body, got.Body)
		}
	}
	u.http("POST", "/jmap/api", echo, "Content-Type", "text/plain").is(400)
	u.http("GET", "/jmap/api", "").is(405)
	u.http("GET", "/jmap/elsewhere", "").is(404)
}

// TestMethodErrors: RFC 8620 §3.6.2.
func TestMethodErrors(t *testing.T) {
	u := one(t)
	u.refuses("Mail/nothing", object{}, jmap.UnknownMethod)
	u.refuses("Mailbox/get", object{"accountId": "anobody"}, jmap.AccountNotFound)
	u.refuses("Mailbox/get", object{"accountId": ""}, jmap.InvalidArguments)
	u.refuses("Mailbox/get", object{"ids": "x"}, jmap.InvalidArguments)
	u.refuses("Mailbox/get", object{"nothing": 1}, jmap.InvalidArguments)
	u.refuses("Mailbox/get", object{"#ids": object{"resultOf": "x", "name": "Foo/get", "path": "/ids"}}, jmap.InvalidResultReference)
	u.using = []string{jmap.Core}
	u.refuses("Mailbox/get", object{}, jmap.UnknownMethod)
}

// TestCompressed: a large answer is compressed for who takes it.
func TestCompressed(t *testing.T) {
	u := one(t)
	long := strings.Replace(echo, "true", `"`+strings.Repeat("x", 5000)+`"`, 1)
	plain := u.http("POST", "/jmap/api", long).is(200)
	zipped := u.http("POST", "/jmap/api", long, "Accept-Encoding", "gzip").is(200)
	if plain.Header().Get("Content-Encoding") != "" || zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Body.Len() > 1000 {
		t.Errorf("%v %d", zipped.Header(), zipped.Body.Len())
	}
}

// TestML9Upload: what is brought comes back, up to the limit of a message, and to nobody else.
func TestML9Upload(t *testing.T) {
	h := newHouse(t, func(_ *house, c *jmapd.Config) { c.Limits = jmapd.Limits{Upload: 1 << 20, Kept: 3 << 20} })
	h.company("alpha.example", "sato", "ito")
	u, other := h.user("sato@alpha.example"), h.user("ito@alpha.example")
	content := bytes.Repeat([]byte("手紙\r\n\x00"), 1000)
	put := func(octets []byte, want int) (up jmap.Uploaded) {
		t.Helper()
		r := u.http("POST", "/jmap/upload/"+string(u.id)+"/", string(octets), "Content-Type", "image/png; name=x").is(want)
		if want == 201 {
			u.must(json.Unmarshal(r.Body.Bytes(), &up))
		}
		return up
	}
	up := put(content, 201)
	if up.AccountID != u.id || up.Size != int64(len(content)) || up.Type != "image/png" || !up.BlobID.Valid() {
		t.Errorf("%+v", up)
	}
	path := "/jmap/download/" + string(u.id) + "/" + string(up.BlobID) + "/%E8%A6%8B%E7%A9%8D%2F%22.png?accept=image/png"
	got := u.http("GET", path, "").is(200)
	if !bytes.Equal(got.Body.Bytes(), content) {
		t.Error("other octets")
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment; filename*=UTF-8''%E8%A6%8B%E7%A9%8D__.png",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if have := got.Header().Get(name); have != want {
			t.Errorf("%s: %s", name, have)
		}
	}
	if head := u.http("HEAD", path, "").is(200); head.Body.Len() != 0 || head.Header().Get("Content-Length") != "9000" {
		t.Errorf("%v", head.Header())
	}
	other.http("GET", path, "").is(404)
	other.http("GET", strings.Replace(path, string(u.id), string(other.id), 1), "").is(404)
	other.http("POST", "/jmap/upload/"+string(u.id)+"/", "x").is(404)
	u.http("GET", "/jmap/download/"+string(u.id)+"/unothing/x", "").is(404)
	end, last := len(up.BlobID)-1, "0" // another blob's id
	if strings.HasSuffix(string(up.BlobID), last) {
		last = "1"
	}
	u.http("GET", "/jmap/download/"+string(u.id)+"/"+string(up.BlobID[:end])+last+"/x", "").is(404)
	put(bytes.Repeat([]byte("x"), 1<<20), 201)
	put(bytes.Repeat([]byte("x"), 1<<20+1), 413)
	put(bytes.Repeat([]byte("x"), 1<<20), 201)
	put(bytes.Repeat([]byte("x"), 1<<20), 507)
	empty := put(nil, 201)
	if empty.Size != 0 {
		t.Errorf("%+v", empty)
	}
}

// TestUploadWithoutLength: a body whose length nobody says ends at the limit all the same.
func TestUploadWithoutLength(t *testing.T) {
	u := one(t, func(_ *house, c *jmapd.Config) { c.Limits = jmapd.Limits{Upload: 1000} })
	r := u.request("POST", "/jmap/upload/"+string(u.id)+"/", "")
	r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 1<<20)), -1
	w := httptest.NewRecorder()
	u.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), jmap.LimitUpload) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
