package jmapd_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/server/jmapd"
	"tegami/wire/jmap"
)

// deliver puts a message into the user's inbox, as mail that comes is.
func (u *user) deliver(subject string) mailbox.Message {
	u.Helper()
	a, err := u.boxes.Open(u.Context(), u.who)
	u.must(err)
	up, err := a.Stage(u.Context(), 0)
	u.must(err)
	defer up.Release()
	_, err = up.Write([]byte("From: ito@beta.example\r\nTo: " + u.address + "\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@beta.example>\r\n\r\nHello.\r\n"))
	u.must(err)
	got, err := a.Append(u.Context(), "INBOX", []mailbox.Appended{{Upload: up}})
	u.must(err)
	return got[0]
}

// serve puts the door on a TLS server.
func (u *user) serve() *httptest.Server {
	s := httptest.NewTLSServer(u.Handler())
	u.Cleanup(s.Close)
	return s
}

// stream opens an event stream.
func (u *user) stream(ctx context.Context, s *httptest.Server, query string, headers ...string) *bufio.Scanner {
	u.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/jmap/eventsource/"+query, nil)
	u.must(err)
	r.SetBasicAuth(u.address, password)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := s.Client().Do(r)
	u.must(err)
	u.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || kind != "text/event-stream" {
		u.Fatalf("%s %s", answer.Status, kind)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Scan() // the comment that the stream begins with: from here on changes are told
	return lines
}

// event reads the next event.
func event(t testing.TB, lines *bufio.Scanner) (name, id string, change jmap.StateChange) {
	t.Helper()
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			if err := json.Unmarshal([]byte(value), &change); err != nil {
				t.Fatal(err)
			}
			return name, id, change
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return "", "", change
}

// TestEventSource: RFC 8620 §7.3.
func TestEventSource(t *testing.T) {
	u := one(t)
	s := u.serve()
	lines := u.stream(t.Context(), s, "?types=*&closeafter=no&ping=0")
	u.deliver("one")
	name, id, change := event(t, lines)
	states := change.Changed[u.id]
	if name != "state" || change.Type != "StateChange" || states["Email"] == "" || states["Mailbox"] == "" || states["Thread"] == "" || states["EmailDelivery"] == "" || states["Quota"] == "" {
		t.Fatalf("%s %+v", name, change)
	}
	if states["Identity"] != "" || states["ContactCard"] != "" {
		t.Errorf("what did not change is told: %v", states)
	}
	var got jmap.GetOut
	u.call("Email/get", object{"ids": []string{}}, &got)
	if got.State != states["Email"] {
		t.Errorf("state %s is told, Email/get says %s", states["Email"], got.State)
	}
	u.call("Quota/get", object{"ids": nil}, &got)
	if got.State != states["Quota"] {
		t.Errorf("state %s is told, Quota/get says %s", states["Quota"], got.State)
	}
	u.deliver("two")
	_, id2, _ := event(t, lines)
	again := u.stream(t.Context(), s, "?types=Email&closeafter=state&ping=0", "Last-Event-ID", id)
	_, id3, change := event(t, again)
	if id3 != id2 || len(change.Changed[u.id]) != 1 {
		t.Errorf("resumed: %s, want %s: %v", id3, id2, change)
	}
	again.Scan() // the empty line behind the event
	if again.Scan() {
		t.Errorf("it goes on behind the first: %s", again.Text())
	}
}

// TestEventSourceRefuses: what can't be asked for.
func TestEventSourceRefuses(t *testing.T) {
	u := one(t)
	for _, query := range []string{"?closeafter=never", "?ping=x", "?ping=-1", "?types=" + strings.Repeat("a,", 100)} {
		u.http("GET", "/jmap/eventsource/"+query, "").is(400)
	}
}

// TestStoppingEndsStreams: what waits for changes doesn't keep the process.
func TestStoppingEndsStreams(t *testing.T) {
	stopping := make(chan struct{})
	u := one(t, func(_ *house, c *jmapd.Config) { c.Stopping = stopping })
	lines := u.stream(t.Context(), u.serve(), "?ping=0")
	close(stopping)
	for lines.Scan() {
		if lines.Text() != "" {
			t.Errorf("%s", lines.Text())
		}
	}
}

// dial opens a WebSocket.
func (u *user) dial(s *httptest.Server, headers ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	r, _ := http.NewRequest("GET", "/", nil)
	r.SetBasicAuth(u.address, password)
	h.Set("Authorization", r.Header.Get("Authorization"))
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return websocket.Dial(u.Context(), s.URL+"/jmap/ws", &websocket.DialOptions{HTTPClient: s.Client(), HTTPHeader: h, Subprotocols: []string{"jmap"}})
}

// TestWebSocket: RFC 8887 §4.
func TestWebSocket(t *testing.T) {
	u := one(t)
	s := u.serve()
	c, answer, err := u.dial(s)
	u.must(err)
	defer c.CloseNow()
	if answer.Header.Get("Sec-WebSocket-Protocol") != "jmap" {
		t.Error("no subprotocol")
	}
	say := func(text string) { t.Helper(); u.must(c.Write(t.Context(), websocket.MessageText, []byte(text))) }
	hear := func() (m struct {
		Type            string `json:"@type"`
		RequestID       *string
		Limit, Kind     string
		MethodResponses json.RawMessage
		Changed         map[jmap.Id]map[string]string
		PushState       string
	}) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, text, err := c.Read(ctx)
		u.must(err)
		u.must(json.Unmarshal(text, &m))
		return m
	}
	say(`{"@type":"Request","id":"R1",` + echo[1:])
	if m := hear(); m.Type != "Response" || *m.RequestID != "R1" || !strings.Contains(string(m.MethodResponses), `"b3ff"`) {
		t.Errorf("%+v", m)
	}
	say(`{"@type":"Request","id":"R2","using":["urn:x"],"methodCalls":[]}`)
	if m := hear(); m.Type != "RequestError" || *m.RequestID != "R2" {
		t.Errorf("%+v", m)
	}
	for _, wrong := range []string{`{`, `{"@type":"Nothing"}`, `[]`} {
		say(wrong)
		if m := hear(); m.Type != "RequestError" || m.RequestID != nil {
			t.Errorf("%s: %+v", wrong, m)
		}
	}
	say(`{"@type":"WebSocketPushEnable","dataTypes":["Email","Unknown"],"pushState":null}`)
	say(`{"@type":"Request","id":"R3",` + echo[1:])
	hear() // pushing is on when this is answered
	u.deliver("one")
	m := hear()
	if m.Type != "StateChange" || m.Changed[u.id]["Email"] == "" || len(m.Changed[u.id]) != 1 || m.PushState == "" {
		t.Fatalf("%+v", m)
	}
	say(`{"@type":"WebSocketPushDisable"}`)
	say(`{"@type":"Request","id":"R4",` + echo[1:])
	hear()
	u.deliver("two")
	say(`{"@type":"WebSocketPushEnable","dataTypes":null,"pushState":"` + m.PushState + `"}`)
	if after := hear(); after.Type != "StateChange" || after.PushState == m.PushState || after.Changed[u.id]["Mailbox"] == "" {
		t.Errorf("what happened meanwhile is not told: %+v", after)
	}
	u.must(c.Write(t.Context(), websocket.MessageBinary, []byte("x")))
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Errorf("binary: %v", err)
	}
}

// TestWebSocketOrigin: a foreign page opens none, whatever the browser sends along.
func TestWebSocketOrigin(t *testing.T) {
	u := one(t)
	s := u.serve()
	if _, answer, err := u.dial(s, "Origin", "https://evil.example"); err == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("%v %v", answer, err)
	}
	c, _, err := u.dial(s, "Origin", s.URL)
	u.must(err)
	c.CloseNow()
	u.http("GET", "/jmap/ws", "").is(http.StatusUpgradeRequired)
}

// TestRevokedSocket: with the password that opened it a socket is of no use any more.
func TestRevokedSocket(t *testing.T) {
	u := one(t)
	c, _, err := u.dial(u.serve())
	u.must(err)
	defer c.CloseNow()
	u.must(u.dir.Company(u.who.Tenant()).SetPassword(t.Context(), u.ops, u.who.Account().ID, "another good password"))
	u.must(c.Write(t.Context(), websocket.MessageText, []byte(`{"@type":"Request","id":"R1",`+echo[1:])))
	_, text, err := c.Read(t.Context())
	u.must(err)
	if !strings.Contains(string(text), `"status":401`) {
		t.Errorf("%s", text)
	}
}

// TestSV6Quota: the figure of IMAP QUOTA (RFC 9425).
func TestSV6Quota(t *testing.T) {
	u := one(t)
	u.deliver("one")
	a, err := u.boxes.Open(t.Context(), u.who)
	u.must(err)
	used, limit, err := a.Quota(t.Context())
	u.must(err)
	var got struct {
		State string
		List  []struct {
			ID, Scope, ResourceType, Name string
			Used, HardLimit               int64
			Types                         []string
		}
	}
	u.call("Quota/get", object{"ids": nil}, &got)
	if q := got.List[0]; q.Used != used || q.HardLimit != limit || used == 0 || limit != mail.Plan100MB || q.Scope != "account" || q.ResourceType != "octets" || q.Name == "" {
		t.Errorf("%+v, want %d of %d", q, used, limit)
	}
	var changes jmap.ChangesOut
	u.call("Quota/changes", object{"sinceState": got.State}, &changes)
	if len(changes.Updated) != 0 {
		t.Errorf("%+v", changes)
	}
	u.deliver("two")
	u.call("Quota/changes", object{"sinceState": got.State}, &changes)
	if len(changes.Updated) != 1 || changes.NewState == got.State {
		t.Errorf("%+v", changes)
	}
	for filter, want := range map[string]int{`{"type":"Mail"}`: 1, `{"type":"Calendar"}`: 0, `{"operator":"NOT","conditions":[{"scope":"domain"}]}`: 1} {
		var found jmap.QueryOut
		u.call("Quota/query", object{"filter": json.RawMessage(filter)}, &found)
		if len(found.IDs) != want {
			t.Errorf("%s: %v", filter, found.IDs)
		}
	}
	u.refuses("Quota/queryChanges", object{"sinceQueryState": got.State}, jmap.CannotCalculateChanges)
}

// TestWebSocketHalfMessages: of messages that are large and not whole yet, a client has few: the next socket that begins one is closed.
func TestWebSocketHalfMessages(t *testing.T) {
	u := one(t)
	s := u.serve()
	const sockets = 6 // maxLargeMessages is 4
	closed := make(chan error, sockets)
	half := bytes.Repeat([]byte(" "), 300<<10) // past smallMessage
	for range sockets {
		c, _, err := u.dial(s)
		u.must(err)
		defer c.CloseNow()
		w, err := c.Writer(t.Context(), websocket.MessageText)
		u.must(err)
		_, err = w.Write(half)
		u.must(err)
		go func() {
			_, _, err := c.Read(t.Context())
			closed <- err
		}()
	}
	for range sockets - 4 {
		if err := <-closed; websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
			t.Errorf("closed with %v", err)
		}
	}
	select {
	case err := <-closed:
		t.Errorf("one more ended: %v", err)
	default:
	}
}
