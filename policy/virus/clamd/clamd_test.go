package clamd

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/policy/virus"
)

// start runs a clamd of its own with one signature: of the octets "TEGAMI-TEST-VIRUS" anywhere.
func start(t *testing.T) (c *Client, stop func()) {
	t.Helper()
	program, err := exec.LookPath("clamd")
	if err != nil {
		t.Skip("there is no clamd here (Debian: apt-get install clamav-daemon)")
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	os.Mkdir(filepath.Join(dir, "db"), 0o755)
	write("db/local.ndb", "Tegami.Test:0:*:"+hex.EncodeToString([]byte("TEGAMI-TEST-VIRUS"))+"\n")
	os.Chmod(dir, 0o755)
	socket := filepath.Join(dir, "s")
	conf := write("clamd.conf", fmt.Sprintf("Foreground yes\nDatabaseDirectory %s/db\nLocalSocket %s\nStreamMaxLength 1M\nMaxThreads 2\nMaxQueue 4\nUser root\n", dir, socket))
	cmd := exec.Command(program, "--config-file="+conf)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	stop = func() {
		cmd.Process.Kill()
		<-ended
	}
	t.Cleanup(stop)
	c = New(socket, 4)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for c.Ping(ctx) != nil {
		select {
		case <-ended:
			t.Fatalf("clamd ended: %s", said.String())
		case <-ctx.Done():
			t.Fatalf("clamd does not answer: %s", said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return c, stop
}

func message(parts ...string) *virus.Message {
	m := &virus.Message{Raw: func() io.Reader { return strings.NewReader("Subject: x\r\n\r\n" + strings.Join(parts, "\r\n")) }}
	for _, p := range parts {
		m.Parts = append(m.Parts, virus.Part{Open: func() io.Reader { return strings.NewReader(p) }})
	}
	return m
}

// TestVC1Clamd asks a real clamd: it says which part is harmful, of what is outside of the parts that the message is; what is too large is not clean;
// and when it is killed, that is a failure at once.
func TestVC1Clamd(t *testing.T) {
	c, stop := start(t)
	const bad = "xx TEGAMI-TEST-VIRUS xx"
	for _, x := range []struct {
		what    string
		m       *virus.Message
		verdict virus.Verdict
		parts   string
	}{
		{"nothing", message("hello", "there"), virus.Clean, "[]"},
		{"the second part", message("hello", bad, "x"), virus.Infected, "[1]"},
		{"two parts", message(bad, bad), virus.Infected, "[0 1]"},
		{"outside of parts", &virus.Message{Raw: func() io.Reader { return strings.NewReader(bad) }}, virus.Infected, "[-1]"},
		{"past StreamMaxLength", message(strings.Repeat("x", 3<<20)), virus.Unscannable, "[]"},
	} {
		a, err := c.Scan(t.Context(), x.m)
		if err != nil {
			t.Errorf("%s: %v", x.what, err)
			continue
		}
		parts := []int{}
		for _, threat := range a.Threats {
			parts = append(parts, threat.Part)
			if threat.Name != "Tegami.Test.UNOFFICIAL" || threat.Engine != "clamd" {
				t.Errorf("%s: %+v", x.what, threat)
			}
		}
		if a.Verdict != x.verdict || fmt.Sprint(parts) != x.parts || !strings.HasPrefix(a.Version, "ClamAV ") {
			t.Errorf("%s: %+v", x.what, a)
		}
	}
	stop()
	if _, err := c.Scan(t.Context(), message("hello")); err == nil {
		t.Error("a clamd that was killed says that a message is clean")
	}
}

// TestVC1ClamdFaults: one that hangs ends with the deadline, one that ends in mid-scan or says what nobody knows is a failure, and what waits for a free
// connection waits no longer than that.
func TestVC1ClamdFaults(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"hangs":   func(c net.Conn) { io.Copy(io.Discard, c) },
		"ends":    func(c net.Conn) { c.Read(make([]byte, 10)); c.Close() },
		"babbles": func(c net.Conn) { c.Write([]byte("I am a teapot\x00")); io.Copy(io.Discard, c) },
		"floods":  func(c net.Conn) { c.Write(bytes.Repeat([]byte("x"), 1<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() { defer c.Close(); serve(c) }()
				}
			}()
			c := New(l.Addr().String(), 1)
			c.version, c.asked = "ClamAV", time.Now()
			check := &virus.Check{Engines: []virus.Engine{c, virus.Known{}}, Time: 300 * time.Millisecond}
			r := check.Scan(t.Context(), message("hello"))
			if r.Verdict != virus.Failed || r.Engines[0].Err == nil || r.Engines[1].Verdict != virus.Clean {
				t.Errorf("%+v", r)
			}
		})
	}
}

// FuzzReply: whatever an engine says, nothing but "OK" is clean.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"stream: OK", "stream: Eicar FOUND", "INSTREAM size limit exceeded. ERROR", "stream: Heuristics.Encrypted.Zip FOUND", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		verdict, _, err := readReply(s)
		if verdict == virus.Clean && strings.TrimSpace(strings.TrimPrefix(s, "stream:")) != "OK" || verdict == virus.Failed && err == nil {
			t.Errorf("%q is %s, %v", s, verdict, err)
		}
	})
}
