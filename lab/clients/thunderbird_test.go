package clients

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"tegami/lab/platform"
)

// TestThunderbird runs Thunderbird without a screen and drives it by Marionette: it reads, marks, copies, moves and deletes
// with its own code, and new mail shows while it idles. testdata/thunderbird.py says what it does.
func TestThunderbird(t *testing.T) {
	need(t, "thunderbird")
	need(t, "python3")
	p := demo(t)
	const user = 27
	c := login(t, p, user)
	for n := range 20 {
		text := fmt.Sprintf("Subject: 会議 %02d\r\nFrom: a@example.org\r\nMessage-ID: <%d@bird.example>\r\n\r\nline %d\r\n", n, n, n)
		put := c.Append("INBOX", int64(len(text)), nil)
		if _, err := io.WriteString(put, text); err != nil {
			t.Fatal(err)
		}
		if err := put.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := put.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	drive(t, append([]string{"testdata/thunderbird.py", filepath.Join(t.TempDir(), "profile")}, endpoint(t, p, user)...), func() {
		text := "Subject: while idle\r\nFrom: a@example.org\r\n\r\nhello\r\n"
		run(t, "", "curl", "-sS", "--mail-from", "a@example.org", "--mail-rcpt", platform.User(user), "-T", write(t, "mail", text), "smtp://"+p.Demo.SMTP)
	})
	if n := count(t, c, "鳥の仕事"); n != 6 {
		t.Errorf("%d messages came into the folder it made", n)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	seen, err := c.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{imap.FlagSeen, imap.FlagFlagged}, NotFlag: []imap.Flag{imap.FlagDeleted}}, nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(seen.AllUIDs()); n != 3 {
		t.Errorf("%d messages are seen and flagged", n)
	}
}

// drive runs a script that says "waiting" when it waits for mail and "done" at its end.
func drive(t *testing.T, args []string, mail func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last = lines.Text(); last == "waiting" {
			mail()
			io.WriteString(in, "\n")
		}
	}
	if err := cmd.Wait(); err != nil || last != "done" {
		t.Fatalf("%v, last said %q\n%s", err, last, said.String())
	}
}
