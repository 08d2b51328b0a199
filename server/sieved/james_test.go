package sieved

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
)

// TestJamesDialogues runs the ManageSieve scripts of Apache James's protocol tests against the door. They pin James's
// wording, so only statuses and response codes are compared. What differs for a reason stands in testdata/james.tsv.
func TestJamesDialogues(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(archives.Unpack(t, "mpt-james"), "mpt-james/managesieve/*.test"))
	if err != nil || len(files) < 15 {
		t.Fatal(files, err)
	}
	reasons, used := jamesReasons(t), map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".test")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := newJamesPeer(t)
			for _, turn := range jamesTurns(string(text)) {
				if _, known := reasons[name+" "+turn.verb()]; known {
					used[name+" "+turn.verb()] = true
					continue
				}
				if err := p.play(turn); err != nil {
					t.Fatalf("%q: %v", turn.send, err)
				}
			}
		})
	}
	for name := range reasons {
		if !used[name] {
			t.Errorf("testdata/james.tsv lists %s, which no script has", name)
		}
	}
}

// jamesReasons reads testdata/james.tsv: a script with one of its commands, a tab, the reason why that is left out.
func jamesReasons(t *testing.T) map[string]string {
	text, err := os.ReadFile("testdata/james.tsv")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && line[0] != '#' {
			reasons[name] = reason
		}
	}
	return reasons
}

// jamesTurn is what a client sends, and what the server says to it.
type jamesTurn struct{ send, want []string }

// verb is the first line that is sent.
func (t *jamesTurn) verb() string { return t.send[0] }

// jamesTurns takes a script apart.
func jamesTurns(text string) (turns []jamesTurn) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		side, rest, _ := strings.Cut(line, ":")
		rest = strings.TrimPrefix(rest, " ")
		switch n := len(turns); {
		case side == "C" && (n == 0 || len(turns[n-1].want) > 0):
			turns = append(turns, jamesTurn{send: []string{rest}})
		case side == "C":
			turns[n-1].send = append(turns[n-1].send, rest)
		case side == "S" && n > 0:
			turns[n-1].want = append(turns[n-1].want, rest)
		}
	}
	return turns
}

type jamesPeer struct {
	net.Conn
	in *bufio.Reader
	h  *house
}

func newJamesPeer(t *testing.T) *jamesPeer {
	h := newHouse(t)
	conn, err := net.Dial("tcp", h.open(t, func(c *Config) { c.AllowPlainAuth, c.Limits.Failures = true, 100 }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &jamesPeer{conn, bufio.NewReader(conn), h}
	p.SetDeadline(time.Now().Add(30 * time.Second))
	if status, err := p.status(); err != nil || status != "OK" {
		t.Fatal(status, err)
	}
	return p
}

var (
	jamesLiteral = regexp.MustCompile(`\{(\d+)\+\}$`)
	jamesStatus  = regexp.MustCompile(`^(OK|NO|BYE)( \\\(([A-Z/]+)\\\))?`)
)

// octets is what the client sends. James counts the line end of a literal's last line into it or not; a command ends in one of its
// own in any case.
func (t *jamesTurn) octets() string {
	text := strings.Join(t.send, "\r\n") + "\r\n"
	m := jamesLiteral.FindStringSubmatch(t.send[0])
	if m == nil {
		return jamesSecret(text)
	}
	n, _ := strconv.Atoi(m[1])
	if len(text)-len(t.send[0])-2 == n {
		text += "\r\n"
	}
	if longer := strings.Replace(text, jamesRequire, jamesRequires, 1); longer != text {
		n += len(jamesRequires) - len(jamesRequire)
		text = strings.Replace(longer, m[0], "{"+strconv.Itoa(n)+"+}", 1)
	}
	return text
}

// What James's scripts require, and what they would have to (RFC 5228 §5.4).
const (
	jamesRequire  = `require ["fileinto"];`
	jamesRequires = `require ["fileinto", "envelope"];`
)

// jamesSecret puts a name and a password as the house has them, in base64 as RFC 5804 §2.1 has it.
func jamesSecret(text string) string {
	quoted := func(user, password string) string {
		return `"` + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)) + `"`
	}
	for old, now := range map[string]string{
		"user password":          quoted(user, password),
		"tin password":           quoted("tin@alpha.example", password),
		`"AHVzZXIAcGFzc3dvcmQ="`: quoted(user, password),
	} {
		text = strings.ReplaceAll(text, old, now)
	}
	return text
}

// play sends and compares.
func (p *jamesPeer) play(t jamesTurn) error {
	fmt.Fprint(p, t.octets())
	if len(t.want) == 0 {
		return nil
	}
	want := ""
	for _, w := range t.want {
		if m := jamesStatus.FindStringSubmatch(w); m != nil {
			want = strings.TrimSpace(m[1] + " " + m[3])
		}
	}
	if want == "" { // a challenge
		line, err := p.in.ReadString('\n')
		if err == nil && line != "\"\"\r\n" {
			err = fmt.Errorf("challenge %q", line)
		}
		return err
	}
	got, err := p.status()
	if err == nil && got != want && !(want == "OK" && strings.HasPrefix(got, "OK ")) && !(want == "NO" && strings.HasPrefix(got, "NO ")) {
		err = fmt.Errorf("came %q, want %q", got, want)
	}
	if err == nil && t.verb() == "STARTTLS" && got == "OK" {
		secure := tls.Client(p.Conn, p.h.client)
		p.Conn, p.in = secure, bufio.NewReader(secure)
		_, err = p.status()
	}
	return err
}

// status reads up to the end of a response, and gives its status and code.
func (p *jamesPeer) status() (string, error) {
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		for {
			m := regexp.MustCompile(`\{(\d+)\}\r\n$`).FindStringSubmatch(line)
			if m == nil {
				break
			}
			n, _ := strconv.Atoi(m[1])
			if _, err := p.in.Discard(n); err != nil {
				return "", err
			}
			rest, err := p.in.ReadString('\n')
			if err != nil {
				return "", err
			}
			line = line[:len(line)-len(m[0])] + rest
		}
		if m := regexp.MustCompile(`^(OK|NO|BYE)(?: \(([A-Z/-]+))?`).FindStringSubmatch(line); m != nil {
			return strings.TrimSpace(m[1] + " " + m[2]), nil
		}
	}
}
