package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// crashDir tells a copy of the test binary to deliver into a folder until it is killed.
const crashDir = "TEGAMI_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		deliverForever(dir)
	}
	os.Exit(m.Run())
}

// crashSizes are sizes of messages for each way octets are kept.
var crashSizes = []int{100, 4 << 10, 40 << 10, 200 << 10}

// deliverForever delivers with several callers and writes a line for each message that was acknowledged.
func deliverForever(dir string) {
	s, err := Open(dir, Options{PackSize: 4 << 20, BigSize: 8 << 20})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	tenant := s.Tenant(1)
	var boxes []mail.MailboxID
	tenant.View(context.Background(), func(r store.Reader) error {
		boxes = nil
		for a := range 3 {
			list, err := r.Mailboxes(mail.AccountID(a + 1))
			if err != nil {
				return err
			}
			boxes = append(boxes, list[0].ID)
		}
		return nil
	})
	var all sync.WaitGroup
	var mu sync.Mutex
	for range 10 {
		all.Go(func() {
			for i := s.ids.Next(); ; i = s.ids.Next() {
				n := int(i % 3)
				text := fmt.Sprintf("%0*d", crashSizes[i/3%4], i)
				if err := put(tenant, boxes[n], text, nothing); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println("kept", n, i)
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// crashes is how often TestCrash kills; TEGAMI_CRASHES sets another number.
const crashes = 4

// TestCrash kills a delivering process again and again. What it acknowledged is there, once and as it was written, and
// Check finds nothing but garbage.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, boxes := inboxes(t, s, 1, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rounds := crashes
	fmt.Sscan(os.Getenv("TEGAMI_CRASHES"), &rounds)
	var kept [3][]int64
	for round := range rounds {
		crash(t, dir, 50+137*(round%5), &kept)
	}
	s = openDir(t, dir, Options{})
	clean(t, s)
	for n, ids := range kept {
		found := subjects(t, s.Tenant(1), boxes[n])
		for text, times := range found {
			if times != 1 {
				t.Errorf("message %.20s is there %d times", text, times)
			}
		}
		for _, i := range ids {
			if found[fmt.Sprintf("%0*d", crashSizes[i/3%4], i)] != 1 {
				t.Errorf("message %d was acknowledged and is not there", i)
			}
		}
	}
}

// crash lets a process deliver until it has acknowledged n messages, and kills it.
func crash(t *testing.T, dir string, n int, kept *[3][]int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for seen := 0; lines.Scan(); seen++ {
		line := lines.Text()
		if strings.HasPrefix(line, "error") {
			t.Fatal(line)
		}
		var box int
		var id int64
		if _, err := fmt.Sscanf(line, "kept %d %d", &box, &id); err == nil {
			kept[box] = append(kept[box], id)
		}
		if seen == n {
			cmd.Process.Kill() // and read on: what it said before counts
		}
	}
	cmd.Wait() // always "signal: killed"
}
