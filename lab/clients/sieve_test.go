package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/lab/platform"
)

// TestSieveConnect looks after a script with sieve-connect, over STARTTLS, and has mail filtered by it.
func TestSieveConnect(t *testing.T) {
	need(t, "sieve-connect")
	need(t, "swaks")
	p := demo(t)
	const user = 30
	connect := func(args ...string) (string, error) {
		t.Helper()
		// Its SASL library knows no SCRAM-SHA-256; sieve-connect takes the strongest that both know.
		common := []string{"--server", "localhost", "--port", port(t, p.Demo.Sieve), "--user", platform.User(user), "--passwordfd", "0", "--tlscafile", p.Demo.CA}
		return try(t, platform.Password+"\n", "sieve-connect", append(common, args...)...)
	}
	done := func(args ...string) string {
		t.Helper()
		out, err := connect(args...)
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return out
	}
	script := write(t, "filter.sieve", "require [\"fileinto\", \"mailbox\"];\r\nif header :contains \"subject\" \"請求書\" {\r\n  fileinto :create \"Bills\";\r\n}\r\n")
	done("--localsieve", script, "--remotesieve", "bills", "--upload")
	if out, err := connect("--localsieve", write(t, "wrong.sieve", "keep;\nnonsense;\n"), "--remotesieve", "wrong", "--upload"); err == nil && !strings.Contains(out, "line 2") {
		t.Errorf("a script that is wrong: %v\n%s", err, out)
	}
	done("--remotesieve", "bills", "--activate")
	if out := done("--list"); !strings.Contains(out, `"bills" ACTIVE`) {
		t.Errorf("listed as\n%s", out)
	}
	back := filepath.Join(t.TempDir(), "back.sieve")
	done("--remotesieve", "bills", "--localsieve", back, "--download")
	sent, _ := os.ReadFile(script)
	if got, err := os.ReadFile(back); err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(string(sent)) {
		t.Errorf("came back as %q, %v", got, err)
	}
	for _, subject := range []string{"=?UTF-8?B?6KuL5rGC5pu4?= 11", "other"} {
		run(t, "", "swaks", "--server", p.Demo.SMTP, "--from", "out@example.org", "--to", platform.User(user), "--header", "Subject: "+subject)
	}
	c := login(t, p, user)
	for box, want := range map[string]uint32{"Bills": 1, "INBOX": 1} {
		waitFor(t, box, func() bool {
			data, err := c.Select(box, nil).Wait()
			return err == nil && data.NumMessages == want
		})
	}
	done("--deactivate")
	done("--remotesieve", "bills", "--delete")
	if out := done("--list"); strings.Contains(out, "bills") {
		t.Errorf("listed as\n%s", out)
	}
}

// waitFor waits until something is true.
func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what + ": it never came")
		}
	}
}
