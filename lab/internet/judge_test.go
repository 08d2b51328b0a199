package internet

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// judgement is what programs that are not ours make of a message.
type judgement struct {
	SPF    *string // of MAIL FROM, or of EHLO for the null sender
	DMARC  *string
	ARC    string
	ARCWhy string
	DKIM   []signature
}

type signature struct {
	Passed    bool
	Why       string
	Domain    string
	Selector  string
	Algorithm string
}

// python is the interpreter that knows Debian's modules.
const python = "/usr/bin/python3"

// needPython skips where the judges are not installed.
func needPython(t *testing.T) {
	t.Helper()
	if out, err := exec.Command(python, "-c", "import dkim, dns.resolver, nacl").CombinedOutput(); err != nil {
		t.Skipf("no Python with dkimpy, dnspython and nacl: make test installs python3-dkim on Debian: %v %s", err, out)
	}
}

// judge lets the judges look at a message as it stands at the receiver, coming from ip.
func (w *world) judge(t *testing.T, m *message, ip string) judgement {
	t.Helper()
	needPython(t)
	_, port, err := net.SplitHostPort(w.names.Addr())
	if err != nil {
		t.Fatal(err)
	}
	from := strings.Trim(m.header.Get("Return-Path"), "<>")
	file := write(t, filepath.Join(t.TempDir(), "message"), string(m.raw))
	cmd := exec.Command(python, filepath.Join("testdata", "judge.py"), port, file, ip, m.helo(t, ip), from)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var j judgement
	if err == nil {
		err = json.Unmarshal(out, &j)
	}
	if err != nil {
		t.Fatalf("judge.py: %v\n%s", err, out)
	}
	if j.SPF == nil || j.DMARC == nil {
		t.Log("NOT JUDGED in full: make test installs python3-spf and python3-authheaders on Debian")
	}
	return j
}

// helo is what the host at ip called itself to the receiver, whose Received field is the topmost.
func (m *message) helo(t *testing.T, ip string) string {
	t.Helper()
	found := regexp.MustCompile(`^from (\S+)\s+\(.*\[` + regexp.QuoteMeta(ip) + `\]`).FindStringSubmatch(m.header.Get("Received"))
	if found == nil {
		t.Fatalf("not received from %s: %s", ip, m.header.Get("Received"))
	}
	return found[1]
}

// wants compares what could be judged.
func (j judgement) wants(t *testing.T, spf, dmarc string) {
	t.Helper()
	if j.SPF != nil && *j.SPF != spf || j.DMARC != nil && *j.DMARC != dmarc {
		t.Errorf("spf=%s dmarc=%s; want %s and %s", deref(j.SPF), deref(j.DMARC), spf, dmarc)
	}
}

// signedBy wants passing signatures of a domain, of these algorithms.
func (j judgement) signedBy(t *testing.T, domain string, algorithms ...string) {
	t.Helper()
	good := map[string]bool{}
	for _, s := range j.DKIM {
		if s.Domain == domain && s.Passed {
			good[s.Algorithm] = true
		}
	}
	for _, a := range algorithms {
		if !good[a] {
			t.Errorf("no good signature of %s by %s in %+v", domain, a, j.DKIM)
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return "(not judged)"
	}
	return *s
}

// signed signs a letter with dkimpy in the name of gamma.example.
func (w *world) signed(t *testing.T, text string) string {
	t.Helper()
	needPython(t)
	key := write(t, filepath.Join(t.TempDir(), "key"), armour("RSA PRIVATE KEY", pkcs1(w.key)))
	cmd := exec.Command(python, filepath.Join("testdata", "sign.py"), "far", "gamma.example", key)
	cmd.Stdin, cmd.Stderr = strings.NewReader(text), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("sign.py: %w", err))
	}
	return string(out)
}
