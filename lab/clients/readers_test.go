package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"tegami/lab/platform"
)

// The scripts in testdata go through an account with one client each, check what they see, and say "done" at the end.

func TestPythonImaplib(t *testing.T) {
	need(t, "python3")
	p := demo(t)
	done(t, run(t, "", "python3", append([]string{"testdata/through_imaplib.py"}, endpoint(t, p, 20)...)...))
}

func TestMailIMAPClient(t *testing.T) {
	need(t, "perl")
	if _, err := try(t, "", "perl", "-MMail::IMAPClient", "-MIO::Socket::SSL", "-e", "1"); err != nil {
		t.Skip("Mail::IMAPClient is not installed; make test installs it on Debian")
	}
	p := demo(t)
	done(t, run(t, "", "perl", append([]string{"testdata/mailimapclient.pl"}, endpoint(t, p, 21)...)...))
}

// TestImapflow runs the JavaScript client, which its lock file names.
func TestImapflow(t *testing.T) {
	need(t, "node")
	need(t, "npm")
	p := demo(t)
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "check.mjs"} {
		text, err := os.ReadFile(filepath.Join("testdata/imapflow", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("imapflow cannot be installed: %v\n%s", err, out)
	}
	done(t, run(t, "", "node", append([]string{filepath.Join(dir, "check.mjs")}, endpoint(t, p, 22)...)...))
}

// TestNeomutt drives neomutt in a terminal: it reads, flags, copies into a folder it makes, deletes, limits, and leaves.
func TestNeomutt(t *testing.T) {
	need(t, "neomutt")
	need(t, "expect")
	p := demo(t)
	const user = 23
	for n := 1; n <= 3; n++ {
		text := fmt.Sprintf("Subject: mutt %d\r\nFrom: a@example.org\r\n\r\nbody of mutt %d\r\n", n, n)
		run(t, "", "curl", "-sS", "--mail-from", "a@example.org", "--mail-rcpt", platform.User(user), "-T", write(t, "mail", text), "smtp://"+p.Demo.SMTP)
	}
	conf := write(t, "muttrc", fmt.Sprintf(`set folder="imaps://%s@localhost:%s/"
set imap_user="%s"
set imap_pass="%s"
set spoolfile="+INBOX"
set ssl_ca_certificates_file="%s"
set certificate_file=""
set sort=date-received
set delete=yes
set confirmcreate=no
set confirmappend=no
set move=no
set wait_key=no
set quit=yes
set use_threads=flat
`, platform.User(user), port(t, p.Demo.IMAPS), platform.User(user), platform.Password, p.Demo.CA))
	done(t, run(t, "", "expect", "testdata/neomutt.exp", conf, "mutt.{0,20}1"))
	c := login(t, p, user)
	if n := count(t, c, "INBOX"); n != 2 {
		t.Errorf("%d messages are left in the inbox", n)
	}
	if n := count(t, c, "Kept"); n != 1 {
		t.Errorf("%d messages were copied", n)
	}
}

// TestOfflineimapBothWays synchronises a Maildir, changes both sides, and synchronises again.
func TestOfflineimapBothWays(t *testing.T) {
	need(t, "offlineimap")
	p := demo(t)
	const user = 24
	c := login(t, p, user)
	fill(t, c, 200)
	dir := t.TempDir()
	conf := write(t, "offlineimaprc", fmt.Sprintf(`[general]
accounts = a
metadata = %s/meta
ui = quiet
[Account a]
localrepository = l
remoterepository = r
[Repository l]
type = Maildir
localfolders = %s/mail
[Repository r]
type = IMAP
remotehost = localhost
remoteport = %s
remoteuser = %s
remotepass = %s
ssl = yes
sslcacertfile = %s
maxconnections = 2
`, dir, dir, port(t, p.Demo.IMAPS), platform.User(user), platform.Password, p.Demo.CA))
	sync := func() { run(t, "", "offlineimap", "-o", "-c", conf) }
	sync()
	box := filepath.Join(dir, "mail", "INBOX")
	files := filesIn(t, box)
	if len(files) != 200 {
		t.Fatalf("%d messages came", len(files))
	}
	for _, f := range files[:10] {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(box, "new", "1700000000.near.host"), []byte("From: near@example.org\nSubject: near\n\nbody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, c, 5)
	store(t, c, imap.UIDSet{{Start: 201, Stop: 203}}, imap.FlagSeen)
	sync()
	if near, far := len(filesIn(t, box)), count(t, c, "INBOX"); near != 196 || far != 196 {
		t.Errorf("%d messages near, %d far, want 196", near, far)
	}
	sync()
	if near, far := len(filesIn(t, box)), count(t, c, "INBOX"); near != 196 || far != 196 {
		t.Errorf("after the third run: %d messages near, %d far, want 196", near, far)
	}
}

// filesIn lists the messages of a Maildir.
func filesIn(t *testing.T, box string) (files []string) {
	t.Helper()
	for _, sub := range []string{"cur", "new"} {
		found, err := filepath.Glob(filepath.Join(box, sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

// TestGetmail fetches by IMAP and POP3, as a user who is not root: getmail refuses to write mail as root.
func TestGetmail(t *testing.T) {
	need(t, "getmail")
	p := demo(t)
	for i, how := range []struct{ kind, addr, rest string }{
		{"SimpleIMAPSSLRetriever", p.Demo.IMAPS, "mailboxes = ('INBOX',)\n"},
		{"SimplePOP3SSLRetriever", p.Demo.POP3S, ""},
	} {
		user := 25 + i
		fill(t, login(t, p, user), 30)
		dir := userDir(t)
		for _, sub := range []string{"new", "cur", "tmp"} {
			if err := os.MkdirAll(filepath.Join(dir, "mail", sub), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		ca, err := os.ReadFile(p.Demo.CA)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "ca.pem"), string(ca))
		put(t, filepath.Join(dir, "getmailrc"), fmt.Sprintf("[retriever]\ntype = %s\nserver = localhost\nport = %s\nusername = %s\npassword = %s\nca_certs = %s/ca.pem\n%s"+
			"[destination]\ntype = Maildir\npath = %s/mail/\n[options]\nread_all = false\n", how.kind, port(t, how.addr), platform.User(user), platform.Password, dir, how.rest, dir))
		script, err := os.ReadFile("testdata/getmail.py")
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "getmail.py"), string(script))
		owned(t, dir)
		getmail := func() {
			asUser(t, "/usr/bin/python3", filepath.Join(dir, "getmail.py"), "--getmaildir="+dir, "--rcfile=getmailrc")
		}
		getmail()
		if n := len(filesIn(t, filepath.Join(dir, "mail"))); n != 30 {
			t.Errorf("%s: %d messages came", how.kind, n)
		}
		getmail() // knows them by UIDL or UID
		if n := len(filesIn(t, filepath.Join(dir, "mail"))); n != 30 {
			t.Errorf("%s: after the second run there are %d messages", how.kind, n)
		}
	}
}

// endpoint is what the scripts are told: host, port, user, password, certificate.
func endpoint(t *testing.T, p *platform.Platform, user int) []string {
	return []string{"localhost", port(t, p.Demo.IMAPS), platform.User(user), platform.Password, p.Demo.CA}
}

// done fails where a script did not come to its end.
func done(t *testing.T, out string) {
	t.Helper()
	if !strings.HasSuffix(strings.TrimSpace(out), "done") {
		t.Errorf("it did not end well:\n%s", out)
	}
}
