package rspamd

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegami/mail"
)

func TestSF6Rspamd(t *testing.T) {
	var got *http.Request
	var body string
	answer := `{"is_skipped":false,"score":10.35,"required_score":15.0,"action":"add header","symbols":{}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		io.WriteString(w, answer)
	}))
	defer server.Close()
	c := &Client{URL: server.URL, Password: "secret"}
	ask := func() (any, error) {
		o, err := c.Ask(t.Context(), Question{
			Octets: strings.NewReader("Subject: x\r\n\r\n"), Size: 14, Origin: mail.Origin{Helo: "a\r\nb"},
			From: mail.Address{Local: "a", Domain: "example.org"}, Recipients: []mail.Address{{Local: "b", Domain: "example.com"}},
		})
		if o == nil {
			return nil, err
		}
		return *o, err
	}
	o, err := c.Ask(t.Context(), Question{Octets: strings.NewReader("Subject: x\r\n\r\n"), Size: 14, Origin: mail.Origin{Helo: "a\r\nb"},
		From: mail.Address{Local: "a", Domain: "example.org"}, Recipients: []mail.Address{{Local: "b", Domain: "example.com"}}})
	if err != nil || o.Score != 10.35 || o.Required != 15 || o.Action != "add header" {
		t.Fatalf("%+v, %v", o, err)
	}
	if got.URL.Path != "/checkv2" || body != "Subject: x\r\n\r\n" || got.Header.Get("Helo") != "ab" || got.Header.Get("Rcpt") != "b@example.com" || got.Header.Get("Password") != "secret" {
		t.Errorf("asked %s %q %v", got.URL, body, got.Header)
	}
	for _, bad := range []string{`{"is_skipped":true}`, `{`} {
		answer = bad
		if o, err := ask(); o != nil || (err == nil) != (bad != `{`) {
			t.Errorf("%s: %v, %v", bad, o, err)
		}
	}
}

func TestSF6RspamdDeadline(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer server.Close()
	defer close(stop)
	c := &Client{URL: server.URL, Deadline: 20 * time.Millisecond}
	if o, err := c.Ask(t.Context(), Question{Octets: strings.NewReader("x")}); o != nil || mail.KindOf(err) != mail.Unavailable {
		t.Errorf("%v, %v", o, err)
	}
}
