package clients

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/lab/platform"
)

// patience is how long one client program may take.
const patience = 3 * time.Minute

var (
	sharedOnce sync.Once
	shared     *platform.Platform
)

// TestMain ends the platform that the tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		shared.Kill()
		os.RemoveAll(filepath.Dir(shared.Dir))
	}
	os.Exit(code)
}

// demo gives the platform all tests of this package share; each test uses boxes of its own.
func demo(t *testing.T) *platform.Platform {
	t.Helper()
	sharedOnce.Do(func() { shared = platform.StartShared(t, 40) })
	if shared == nil {
		t.Fatal("the platform did not come up")
	}
	return shared
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed; make test installs it on Debian", program)
	}
}

// run runs a client and fails the test when it fails.
func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	out, err := try(t, stdin, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func try(t *testing.T, stdin, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// write makes a private file, as password files must be.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// inbox reads a user's INBOX by curl over IMAPS and gives the n-th message.
func inbox(t *testing.T, p *platform.Platform, user, n int) string {
	t.Helper()
	need(t, "curl")
	return run(t, "", "curl", "-sS", "--cacert", p.Demo.CA, "--user", platform.User(user)+":"+platform.Password,
		fmt.Sprintf("imaps://localhost:%s/INBOX;MAILINDEX=%d", port(t, p.Demo.IMAPS), n))
}

func TestSwaksSends(t *testing.T) {
	need(t, "swaks")
	p := demo(t)
	run(t, "", "swaks", "--server", p.Demo.SMTP, "--from", "out@example.org", "--to", platform.User(1),
		"--tls", "--header", "Subject: swaks over STARTTLS", "--body", "line one\n.dot\nlast")
	text := inbox(t, p, 1, 1)
	for _, want := range []string{"Subject: swaks over STARTTLS\r\n", "\r\n.dot\r\n", "Return-Path: <out@example.org>\r\n", "Received: "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestML7SwaksSubmits sends by 465 with AUTH, and is refused without.
func TestML7SwaksSubmits(t *testing.T) {
	need(t, "swaks")
	p := demo(t)
	common := []string{"--server", "localhost:" + port(t, p.Demo.SMTPS), "--tls-on-connect", "--tls-verify", "--tls-ca-path", p.Demo.CA,
		"--from", platform.User(2), "--to", platform.User(3)}
	for _, mech := range []string{"PLAIN", "LOGIN"} {
		run(t, "", "swaks", append(common, "--auth", mech, "--auth-user", platform.User(2), "--auth-password", platform.Password,
			"--header", "Subject: by "+mech)...)
	}
	if out, err := try(t, "", "swaks", common...); err == nil || !strings.Contains(out, "530 5.7.0") {
		t.Errorf("without AUTH: %v\n%s", err, out)
	}
	out, err := try(t, "", "swaks", append(common, "--auth", "PLAIN", "--auth-user", platform.User(2), "--auth-password", "wrong")...)
	if err == nil || !strings.Contains(out, "535 5.7.8") {
		t.Errorf("wrong password: %v\n%s", err, out)
	}
	if text := inbox(t, p, 3, 2); !strings.Contains(text, "Subject: by LOGIN") {
		t.Error(text)
	}
}

func TestMsmtpSubmits(t *testing.T) {
	need(t, "msmtp")
	p := demo(t)
	conf := write(t, "msmtprc", fmt.Sprintf("account default\nhost localhost\nport %s\ntls on\ntls_starttls off\ntls_trust_file %s\nauth on\nuser %s\npassword %s\nfrom %s\n",
		port(t, p.Demo.SMTPS), p.Demo.CA, platform.User(4), platform.Password, platform.User(4)))
	run(t, "From: <"+platform.User(4)+">\nTo: <"+platform.User(5)+">\nSubject: from msmtp\n\nこんにちは\n", "msmtp", "-C", conf, platform.User(5))
	if text := inbox(t, p, 5, 1); !strings.Contains(text, "Subject: from msmtp") || !strings.Contains(text, "こんにちは") {
		t.Error(text)
	}
	// SCRAM-SHA-256 where this msmtp has it.
	if out, err := try(t, "To: <"+platform.User(5)+">\nSubject: scram\n\n.\n", "msmtp", "-C", conf, "--auth=scram-sha-256", platform.User(5)); err != nil && !strings.Contains(out, "not supported") {
		t.Errorf("scram: %v\n%s", err, out)
	}
}

func TestCurlReads(t *testing.T) {
	need(t, "curl")
	p := demo(t)
	mail := write(t, "mail.eml", "From: a@example.org\r\nTo: b@example.org\r\nSubject: by curl\r\n\r\nbody\r\n")
	login := platform.User(6) + ":" + platform.Password
	run(t, "", "curl", "-sS", "--mail-from", "a@example.org", "--mail-rcpt", platform.User(6), "-T", mail, "smtp://"+p.Demo.SMTP)
	for _, url := range []string{
		"imaps://localhost:" + port(t, p.Demo.IMAPS) + "/INBOX;MAILINDEX=1",
		"imap://" + p.Demo.IMAP + "/INBOX;MAILINDEX=1",
		"pop3s://localhost:" + port(t, p.Demo.POP3S) + "/1",
		"pop3://" + p.Demo.POP3 + "/1",
	} {
		out := run(t, "", "curl", "-sS", "--cacert", p.Demo.CA, "--user", login, url)
		if !strings.Contains(out, "Subject: by curl") || !strings.HasSuffix(out, "body\r\n") {
			t.Errorf("%s gave %q", url, out)
		}
	}
	if out, err := try(t, "", "curl", "-sS", "--cacert", p.Demo.CA, "--user", platform.User(6)+":wrong", "imaps://localhost:"+port(t, p.Demo.IMAPS)); err == nil {
		t.Errorf("a wrong password was let in: %s", out)
	}
}

func TestFetchmailReads(t *testing.T) {
	need(t, "fetchmail")
	p := demo(t)
	for i, proto := range []struct{ name, addr string }{{"pop3", p.Demo.POP3S}, {"imap", p.Demo.IMAPS}} {
		for n := range 3 {
			run(t, fmt.Sprintf("Subject: fetch %d\n\nbody %d\n", n, n), "swaks", "--server", p.Demo.SMTP, "--from", "a@example.org",
				"--to", platform.User(7+i), "--header", fmt.Sprintf("Subject: fetch %d", n))
		}
		got := filepath.Join(t.TempDir(), "got")
		conf := write(t, "fetchmailrc", fmt.Sprintf("poll localhost service %s protocol %s user %q password %q ssl sslcertck sslcertfile %q mda %q fetchall\n",
			port(t, proto.addr), proto.name, platform.User(7+i), platform.Password, p.Demo.CA, "cat >> "+got))
		run(t, "", "fetchmail", "-f", conf, "--nosyslog", "--pidfile", filepath.Join(t.TempDir(), "pid"), "--idfile", filepath.Join(t.TempDir(), "ids"))
		text, err := os.ReadFile(got)
		if err != nil || bytes.Count(text, []byte("Subject: fetch ")) != 3 {
			t.Errorf("%s: %v, got\n%s", proto.name, err, text)
		}
		// fetchall took them away: a second poll finds nothing (exit 1).
		if out, err := try(t, "", "fetchmail", "-f", conf, "--nosyslog", "--pidfile", filepath.Join(t.TempDir(), "pid"), "--idfile", filepath.Join(t.TempDir(), "ids")); err == nil || !strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("%s: second poll: %v\n%s", proto.name, err, out)
		}
	}
}
