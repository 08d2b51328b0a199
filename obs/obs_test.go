package obs

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSessionIDsAreShortAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewSessionID()
		if len(id) != 8 || strings.Trim(id, "0123456789abcdefghjkmnpqrstvwxyz") != "" {
			t.Fatalf("session id %q", id)
		}
		seen[id] = true
	}
	if len(seen) < 1000 {
		t.Errorf("%d ids of 1000 differ", len(seen))
	}
}

func TestMetricsAreServed(t *testing.T) {
	m := NewMetrics()
	m.Accepted("smtp")
	m.Delivered(3)
	m.Refused("smtp", "550")
	m.SignIn("imap", true)
	m.SignIn("imap", false)
	m.Sessions("pop3", 2)
	m.Sessions("pop3", -1)
	m.CommandTime("imap", "fetch", 2*time.Millisecond)
	m.Connected("tls")
	m.Filtered("quarantined", 3)
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`tegami_accepted_total{door="smtp"} 1`,
		`tegami_delivered_total 3`,
		`tegami_refused_total{code="550",door="smtp"} 1`,
		`tegami_sign_ins_total{door="imap",result="ok"} 1`,
		`tegami_sign_ins_total{door="imap",result="failed"} 1`,
		`tegami_sessions{door="pop3"} 1`,
		`tegami_command_seconds_count{door="imap",verb="fetch"} 1`,
		`tegami_mail_recipients_total{what="quarantined"} 3`,
		`tegami_relay_connections_total{result="tls"} 1`,
		`go_goroutines`,
	} {
		if !strings.Contains(rec.Body.String(), line) {
			t.Errorf("no line %q", line)
		}
	}
}

func TestNilMetricsCountNothing(t *testing.T) {
	var m *Metrics
	m.Accepted("x")
	m.Delivered(1)
	m.Refused("x", "y")
	m.SignIn("x", true)
	m.Sessions("x", 1)
	m.CommandTime("x", "y", time.Second)
	m.Connected("x")
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 404 {
		t.Errorf("status %d", rec.Code)
	}
}

func TestLogForms(t *testing.T) {
	var out bytes.Buffer
	Named(NewLog(&out, LogJSON, slog.LevelInfo), "pop3").Info("sign-in", "user", "a")
	if !strings.Contains(out.String(), `"part":"pop3"`) {
		t.Error(out.String())
	}
	out.Reset()
	log := NewLog(&out, LogText, slog.LevelWarn)
	log.Info("hidden")
	log.Warn("shown")
	if strings.Contains(out.String(), "hidden") || !strings.Contains(out.String(), "msg=shown") {
		t.Error(out.String())
	}
	Named(nil, "x").Error("nowhere")
}
