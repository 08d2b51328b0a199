package internet

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// postfix is a running Postfix with files of its own.
type postfix struct {
	dir string
}

// startPostfix starts gamma.example's host. Where that can't be, it says why, and gamma stays nil.
func (w *world) startPostfix(t *testing.T) {
	t.Helper()
	if why := noPostfix(); why != "" {
		t.Logf("NO POSTFIX: %s; all that needs it is skipped", why)
		return
	}
	p := &postfix{dir: filepath.Join(w.dir, "postfix")}
	for _, sub := range []string{"etc", "spool", "lib", "log", "box"} {
		if err := os.MkdirAll(filepath.Join(p.dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := w.ca.issue(t, filepath.Join(p.dir, "etc", "tls"), "mx.gamma.example")
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	w.names.Add(t, "_25._tcp.mx.gamma.example. TLSA 3 1 1 "+fingerprint(t, text))
	p.configure(t, w.port, cert, key)
	p.own(t, "postfix", "lib")
	p.own(t, "nobody", "box")
	p.run(t, "start")
	t.Cleanup(func() {
		p.run(t, "stop")
		if t.Failed() {
			t.Logf("Postfix's log ends:\n%s", p.logTail())
		}
	})
	p.await(t, at(gammaIP, w.port))
	w.gamma = p
}

// noPostfix says why there can be none here; "" if there can.
func noPostfix() string {
	if os.Getuid() != 0 {
		return "it needs root"
	}
	for _, program := range []string{"postfix", "/usr/lib/postfix/sbin/virtual"} {
		if _, err := exec.LookPath(program); err != nil {
			return program + " is not installed; make test installs it on Debian"
		}
	}
	return ""
}

// own gives a folder to a user.
func (p *postfix) own(t *testing.T, name, sub string) {
	t.Helper()
	uid, gid := userID(t, name)
	if err := os.Chown(filepath.Join(p.dir, sub), uid, gid); err != nil {
		t.Fatal(err)
	}
}

func userID(t *testing.T, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if uidErr != nil || gidErr != nil {
		t.Fatal(uidErr, gidErr)
	}
	return uid, gid
}

// configure writes the instance's files. It asks no DNS: where mail goes stands in the transport map, with the address that
// connections come from. Who is 127.0.0.1 may send through it; the other hosts may not.
func (p *postfix) configure(t *testing.T, port int, cert, key string) {
	t.Helper()
	uid, gid := userID(t, "nobody")
	etc := filepath.Join(p.dir, "etc")
	write(t, filepath.Join(etc, "main.cf"), strings.NewReplacer("DIR", p.dir, "CERT", cert, "KEY", key, "UID", strconv.Itoa(uid), "GID", strconv.Itoa(gid)).Replace(mainCF))
	write(t, filepath.Join(etc, "master.cf"), at(gammaIP, port)+" inet n - n - - smtpd\n"+masterCF)
	write(t, filepath.Join(etc, "boxes"), "carol@gamma.example gamma/carol/\ncarol@epsilon.example epsilon/carol/\n"+
		"clara@gamma.example gamma/clara/\ncyril@gamma.example gamma/cyril/\nchloe@gamma.example gamma/chloe/\ncecil@gamma.example gamma/cecil/\n")
	write(t, filepath.Join(etc, "transport"), fmt.Sprintf("alpha.example smtp:[%s]:%d\nbeta.example smtp:[%s]:%d\n", alphaIP, port, betaIP, port))
}

const mainCF = `compatibility_level = 3.6
queue_directory = DIR/spool
data_directory = DIR/lib
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.gamma.example
myorigin = gamma.example
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
smtp_bind_address = 127.0.1.3
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_cert_file = CERT
smtpd_tls_key_file = KEY
smtpd_tls_received_header = yes
smtp_tls_security_level = encrypt
transport_maps = texthash:DIR/etc/transport
virtual_mailbox_domains = gamma.example, epsilon.example
virtual_mailbox_base = DIR/box
virtual_mailbox_maps = texthash:DIR/etc/boxes
virtual_uid_maps = static:UID
virtual_gid_maps = static:GID
virtual_minimum_uid = 1
maillog_file = DIR/log/postfix.log
maillog_file_prefixes = DIR/log
`

const masterCF = `cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
smtp      unix - - n - - smtp
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
tlsmgr    unix - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
`

// run gives the instance a command.
func (p *postfix) run(t *testing.T, command string) {
	t.Helper()
	out, err := exec.Command("postfix", "-c", filepath.Join(p.dir, "etc"), command).CombinedOutput()
	if err != nil {
		t.Errorf("postfix %s: %v\n%s%s", command, err, out, p.logTail())
	}
}

func (p *postfix) await(t *testing.T, address string) {
	t.Helper()
	poll(t, "Postfix answers", func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

func (p *postfix) logTail() string {
	out, _ := exec.Command("tail", "-60", filepath.Join(p.dir, "log", "postfix.log")).Output() // shown, nothing follows from it
	return string(out)
}

// files are the messages in a box.
func (p *postfix) files(t *testing.T, address string) []string {
	t.Helper()
	name, domain, _ := strings.Cut(address, "@")
	domain, _, _ = strings.Cut(domain, ".")
	found, err := filepath.Glob(filepath.Join(p.dir, "box", domain, name, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
