package httpd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"tegami/i18n"
	"tegami/obs"
)

func newDoor(health error) *Server {
	return New(Config{
		Words: i18n.New(), Metrics: obs.NewMetrics(), Hostname: "mail.example",
		Health:      func(context.Context) error { return health },
		MetricsFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Services:    []Service{{"front.send", "SMTPS", 465, ImplicitTLS}, {"front.receive", "POP3", 110, StartTLS}},
	})
}

func get(s *Server, target, remote string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	r.RemoteAddr, r.Host = remote, "mail.example"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	s.handler().ServeHTTP(rec, r)
	return rec
}

const stranger = "198.51.100.7:1234"

func TestHealth(t *testing.T) {
	if rec := get(newDoor(nil), "/healthz", stranger); rec.Code != 200 || rec.Body.String() != "ok\n" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	rec := get(newDoor(errors.New("disk on fire")), "/healthz", stranger)
	if rec.Code != 503 || strings.Contains(rec.Body.String(), "fire") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestMetricsAreForTheOperator(t *testing.T) {
	for remote, want := range map[string]int{
		"127.0.0.1:1": 200, "[::1]:1": 200, "192.0.2.9:1": 200, "[::ffff:192.0.2.9]:1": 200, stranger: 404, "": 404,
	} {
		if rec := get(newDoor(nil), "/metrics", remote); rec.Code != want {
			t.Errorf("from %q: %d, want %d", remote, rec.Code, want)
		}
	}
}

func TestFrontPageSpeaksTheReadersLanguage(t *testing.T) {
	for _, c := range []struct {
		target, accept string
		want           i18n.Lang
	}{
		{"/", "", i18n.Japanese}, {"/", "de, en-GB;q=0.8", i18n.English}, {"/", "ja, en;q=0.5", i18n.Japanese},
		{"/?lang=en", "ja", i18n.English}, {"/?lang=xx", "en", i18n.English}, {"/", ";;;", i18n.Japanese},
	} {
		rec := get(newDoor(nil), c.target, stranger, "Accept-Language", c.accept)
		body := rec.Body.String()
		if rec.Code != 200 || rec.Header().Get("Content-Language") != string(c.want) || !strings.Contains(body, `<html lang="`+string(c.want)) {
			t.Errorf("%s with %q: %d, %s", c.target, c.accept, rec.Code, rec.Header().Get("Content-Language"))
		}
		for _, word := range []string{"mail.example", "465", i18n.New().Text(c.want, "front.tls"), i18n.New().Text(c.want, "front.starttls")} {
			if !strings.Contains(body, word) {
				t.Errorf("%s with %q: the page lacks %q", c.target, c.accept, word)
			}
		}
		if strings.Contains(body, "front.") {
			t.Errorf("%s: the page shows a key of the catalogue", c.target)
		}
	}
}

// TestServicesStandInReadingOrder: what works for every reader stands first, whatever the order of the listeners.
func TestServicesStandInReadingOrder(t *testing.T) {
	s := New(Config{Words: i18n.New(), Metrics: obs.NewMetrics(), Hostname: "mail.example", Services: []Service{
		{"front.send", "SMTP", 10587, StartTLS}, {"front.receive", "IMAPS", 10993, ImplicitTLS},
		{"front.receive", "POP3S", 10995, ImplicitTLS}, {"front.send", "SMTPS", 10465, ImplicitTLS},
	}})
	body, last := get(s, "/", stranger).Body.String(), -1
	for _, port := range []string{"10465", "10995", "10993", "10587"} {
		at := strings.Index(body, "<td>"+port+"</td>")
		if at <= last {
			t.Errorf("port %s stands at %d, after %d was expected", port, at, last)
		}
		last = at
	}
}

func TestNothingElseIsServed(t *testing.T) {
	if rec := get(newDoor(nil), "/mail/", stranger); rec.Code != 404 {
		t.Errorf("%d", rec.Code)
	}
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "https://mail.example/", strings.NewReader("x"))
	newDoor(nil).handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", rec.Code)
	}
}

func TestServesOverTLSUntilItsContextEnds(t *testing.T) {
	probe := httptest.NewTLSServer(nil) // for its certificate
	config := probe.TLS.Clone()
	client := probe.Client()
	probe.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newDoor(nil)
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- s.Serve(ctx, l, config) }()
	res, err := client.Get("https://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(body) != "ok\n" || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%q, %v", body, res.Header)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
}
