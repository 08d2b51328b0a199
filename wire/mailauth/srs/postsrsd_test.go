package srs

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBesidePostsrsd lets Debian's postsrsd read what we write, and the other way round.
func TestBesidePostsrsd(t *testing.T) {
	program, err := exec.LookPath("postsrsd")
	if err != nil {
		t.Skip("postsrsd is not installed")
	}
	if out, _ := exec.Command(program, "-v").CombinedOutput(); !strings.Contains(string(out), "1.") {
		t.Skip("this postsrsd has no tcp tables")
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, append(secret, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	forward, reverse := freePort(t), freePort(t)
	cmd := exec.Command(program, "-s", file, "-d", ours, "-l", "127.0.0.1", "-f", forward, "-r", reverse, "-4")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for _, s := range []string{"a@b.example", "x=y@b.example", "Hello+World@Domain.example"} {
		by := Forward(addr(s), ours, [][]byte{secret}, time.Now())
		if got := ask(t, reverse, by.String()); got != s {
			t.Errorf("postsrsd made %q of %s", got, by)
		}
		theirs := addr(ask(t, forward, s))
		if back, err := Reverse(theirs.Local, [][]byte{secret}, time.Now()); err != nil || !strings.EqualFold(back.String(), s) {
			t.Errorf("we made %v of their %s: %v", back, theirs, err)
		}
	}
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// ask asks a table of postsrsd, waiting for it to come up.
func ask(t *testing.T, port, key string) string {
	t.Helper()
	var conn net.Conn
	var err error
	for range 200 {
		if conn, err = net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "get %s\n", key)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, answer, _ := strings.Cut(strings.TrimSpace(line), " ")
	return answer
}
