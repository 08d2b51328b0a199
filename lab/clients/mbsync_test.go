package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"tegami/lab/platform"
)

// boxSize is the number of messages mbsync has to synchronise.
const boxSize = 5000

// TestMbsyncBothWays synchronises a box of 5,000 messages with a Maildir both ways, changes
// both sides, and synchronises again until nothing differs.
func TestMbsyncBothWays(t *testing.T) {
	need(t, "mbsync")
	p := demo(t)
	const user = 10
	c := login(t, p, user)
	fill(t, c, boxSize)

	dir := t.TempDir()
	conf := write(t, "mbsyncrc", fmt.Sprintf(`IMAPAccount t
Host localhost
Port %s
User %s
Pass %s
SSLType IMAPS
CertificateFile %s

IMAPStore far
Account t

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
`, port(t, p.Demo.IMAPS), platform.User(user), platform.Password, p.Demo.CA, dir, dir))
	sync := func() string { t.Helper(); return run(t, "", "mbsync", "-V", "-c", conf, "-a") }

	sync()
	same(t, c, dir, boxSize)
	if out := sync(); !quiet(out) {
		t.Errorf("the second run found differences:\n%s", out)
	}

	// Change both sides: near loses 100 and gets 50; far loses 100 others, gets 50 and flags 200.
	files := maildir(t, dir)
	for _, f := range files[:100] {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		name := filepath.Join(dir, "INBOX", "new", fmt.Sprintf("17000000%02d.near.host", i))
		if err := os.WriteFile(name, []byte(fmt.Sprintf("From: near@example.org\nSubject: near %d\n\nbody\n", i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, c, 50)
	store(t, c, imap.UIDSet{{Start: 4001, Stop: 4100}}, imap.FlagDeleted)
	store(t, c, imap.UIDSet{{Start: 4101, Stop: 4300}}, imap.FlagFlagged)
	if _, err := c.Expunge().Collect(); err != nil {
		t.Fatal(err)
	}
	sync()
	if out := sync(); !quiet(out) {
		t.Errorf("the run after the changes left differences:\n%s", out)
	}
	n := len(maildir(t, dir))
	if n < boxSize-100 || n > boxSize {
		t.Errorf("%d messages near, want %d less what both sides removed", n, boxSize)
	}
	same(t, c, dir, n)
}

func login(t *testing.T, p *platform.Platform, user int) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(p.Demo.IMAP, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login(platform.User(user), platform.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

func fill(t *testing.T, c *imapclient.Client, n int) {
	t.Helper()
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		text := fmt.Sprintf("From: far@example.org\r\nSubject: far %d\r\nMessage-ID: <%d@far.test>\r\n\r\nbody %d\r\n", i, i, i)
		cmd := c.Append("INBOX", int64(len(text)), nil)
		if _, err := cmd.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

func store(t *testing.T, c *imapclient.Client, set imap.UIDSet, flag imap.Flag) {
	t.Helper()
	if err := c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{flag}, Silent: true}, nil).Close(); err != nil {
		t.Fatal(err)
	}
}

// maildir lists the message files of the near INBOX.
func maildir(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	for _, sub := range []string{"cur", "new"} {
		files, err := filepath.Glob(filepath.Join(dir, "INBOX", sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, files...)
	}
	return all
}

// same holds both sides against n.
func same(t *testing.T, c *imapclient.Client, dir string, n int) {
	t.Helper()
	st, err := c.Status("INBOX", &imap.StatusOptions{NumMessages: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if near := len(maildir(t, dir)); near != n || int(*st.NumMessages) != n {
		t.Errorf("near %d, far %d, want %d", near, *st.NumMessages, n)
	}
}

// quiet tells whether mbsync's last summary counts no change.
func quiet(out string) bool {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "F: +") && !strings.Contains(line, "F: +0/0 *0/0 #0/0") {
			return false
		}
	}
	return true
}
