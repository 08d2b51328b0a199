package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	sync := func() string {
		t.Helper()
		run(t, "", "mbsync", "-c", conf, "-a")
		return picture(t, c, dir)
	}

	first := sync()
	same(t, c, dir, boxSize)
	if sync() != first {
		t.Error("the second run changed something")
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
	first = sync()
	same(t, c, dir, boxSize-gone(t, files[:100])+100)
	if sync() != first {
		t.Error("the run after the changes left differences")
	}
	flagged := 0
	for _, f := range maildir(t, dir) {
		if _, info, _ := strings.Cut(filepath.Base(f), ":2,"); strings.Contains(info, "F") {
			flagged++
		}
	}
	if far := strings.Count(first, `\Flagged`); flagged == 0 || flagged != far {
		t.Errorf("%d messages flagged near, %d far", flagged, far)
	}
}

// gone counts the messages that one side or the other removed: those of the files, and far UIDs 4001 to 4100.
func gone(t *testing.T, files []string) int {
	t.Helper()
	n := 100
	for _, f := range files {
		_, rest, ok := strings.Cut(filepath.Base(f), ",U=")
		uid, err := strconv.Atoi(strings.FieldsFunc(rest, func(r rune) bool { return r < '0' || r > '9' })[0])
		if !ok || err != nil {
			t.Fatalf("no UID in %s", f)
		}
		if uid <= 4000 || uid > 4100 {
			n++
		}
	}
	return n
}

// picture writes down both sides: UID and flags far, file names near, which hold UID and flags.
func picture(t *testing.T, c *imapclient.Client, dir string) string {
	t.Helper()
	if err := c.Noop().Wait(); err != nil {
		t.Fatal(err)
	}
	msgs, err := c.Fetch(imap.UIDSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{UID: true, Flags: true}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, m := range msgs {
		slices.Sort(m.Flags)
		fmt.Fprintln(&b, m.UID, m.Flags)
	}
	names := maildir(t, dir)
	slices.Sort(names)
	b.WriteString(strings.Join(names, "\n"))
	return b.String()
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
