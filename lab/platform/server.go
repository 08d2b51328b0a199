package platform

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Server is a running `tegami serve` with a boot file of the test's.
type Server struct {
	process
	Dir  string // its data folder
	Boot string // its boot file
}

// Serve runs `tegami serve` in an empty folder, and waits until its doors are open. boot is the boot file without the data
// folder. It ends with the test, and must then end in order.
func Serve(t testing.TB, boot string) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{Dir: filepath.Join(dir, "data"), Boot: filepath.Join(dir, "tegami.toml")}
	text := fmt.Sprintf("data = %q\n%s", s.Dir, boot)
	if err := os.WriteFile(s.Boot, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{"serve", "--config", s.Boot}
	s.open(t, filepath.Join(dir, "tegami.log"))
	s.endWith(t, func() { s.Stop(t) })
	s.Run(t)
	return s
}

// Run starts the program again after Kill or Stop.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	socket := filepath.Join(s.Dir, "control.sock")
	s.launch(t, func() bool { // the socket is opened after the doors
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

// Authority is the file with the authority of the server's own certificate.
func (s *Server) Authority() string { return filepath.Join(s.Dir, "tls", "ca.pem") }

// Admin runs `tegami admin` beside the server with what it reads, and gives what it prints. It must succeed.
func (s *Server) Admin(t testing.TB, input string, args ...string) string {
	t.Helper()
	out, err := s.TryAdmin(t, input, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TryAdmin is Admin for a command that may fail; the error says what it wrote.
func (s *Server) TryAdmin(t testing.TB, input string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(Binary(t), append([]string{"admin", "--config", s.Boot}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("tegami admin %s: %w\n%s%s", strings.Join(args, " "), err, out, failed.String())
	}
	return string(out), err
}

// Ask runs `tegami admin --json` and puts what it prints into what it is given.
func (s *Server) Ask(t testing.TB, into any, args ...string) {
	t.Helper()
	out := s.Admin(t, "", append([]string{"--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("tegami admin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
