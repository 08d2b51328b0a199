package kill

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tegami/lab/platform"
)

const (
	diskSize    = 96 << 20 // of the file system the platform gets
	ballastSize = 30 << 20 // what is freed when it is full
)

// TestDiskFull fills a real file system under the running platform: what can't be kept is refused for now
// (452 or 451), what got its 250 is there, and when there is room again it goes on by itself.
func TestDiskFull(t *testing.T) {
	dir := smallDisk(t)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, ballastSize), 0o600); err != nil {
		t.Fatal(err)
	}
	p := platform.StartIn(t, dir, 20)
	l := &ledger{sent: map[string][32]byte{}, promised: map[string][]int{}}
	rnd := rand.New(rand.NewPCG(3, 4))

	sent, refused := 0, 0
	for n := 0; refused < 20; n++ {
		if n > 5000 {
			t.Fatalf("%d messages and the disk is not full", n)
		}
		switch code := sendOne(t, p, l, fmt.Sprintf("full.n%d@kill.test", n), rnd); code {
		case "250":
			sent++
		case "452", "451":
			refused++
		default:
			t.Fatalf("message %d: reply %s", n, code)
		}
	}
	seen := newInboxes()
	seen.read(t, p) // reading goes on
	seen.compare(t, l)

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	code := ""
	for end := time.Now().Add(20 * time.Second); code != "250" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		code = sendOne(t, p, l, fmt.Sprintf("again.n%d@kill.test", time.Now().UnixNano()), rnd)
	}
	if code != "250" {
		t.Errorf("with room again the platform still says %s", code)
	}
	seen.read(t, p)
	seen.compare(t, l)
	p.Stop(t)
	checkClean(t, p)
	t.Logf("%d accepted, %d refused, %d copies found", sent, refused, seen.copies)
}

// smallDisk mounts a file system of diskSize; it skips where that is not allowed.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", diskSize), "tmpfs", dir).CombinedOutput()
	if err != nil {
		t.Skipf("a small file system cannot be mounted here (root may): %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// sendOne sends a message to one or two users on a connection of its own and gives the code of the first refusal, or 250.
func sendOne(t *testing.T, p *platform.Platform, l *ledger, id string, rnd *rand.Rand) string {
	t.Helper()
	c, err := net.Dial("tcp", p.Demo.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(c)
	msg := l.compose(id, rnd)
	to := rnd.Perm(users)[:1+rnd.IntN(2)]
	lines := []string{"", "EHLO kill.test\r\n", "MAIL FROM:<sender@example.org>\r\n"}
	for _, u := range to {
		lines = append(lines, "RCPT TO:<"+platform.User(u)+">\r\n")
	}
	for _, line := range append(lines, "DATA\r\n", string(msg)+".\r\n") {
		if _, err := c.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if code := replyCode(t, r); code[0] != '2' && code != "354" {
			return code
		}
	}
	l.promise(id, to)
	return "250"
}

func replyCode(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil || len(line) < 4 {
			t.Fatalf("reply %q, %v", line, err)
		}
		if line[3] == ' ' {
			return line[:3]
		}
	}
}
