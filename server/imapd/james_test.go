package imapd

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestJamesDialogues runs the IMAP scripts of Apache James's protocol tests against the door. They pin James's
// wording, so only tags, statuses and untagged data are compared. What differs for a
// reason stands in testdata/james.tsv.
func TestJamesDialogues(t *testing.T) {
	scripts := jamesScripts(t)
	reasons := jamesReasons(t)
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true, Limits: Limits{Errors: 1000}})
	for name, text := range scripts {
		if name == "SelectedStateSetup" || name == "SelectedStateCleanup" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			reason, whole := jamesReason(reasons, name)
			if whole {
				t.Skip(reason)
			}
			err := runJames(h, t, addr, text, scripts["SelectedStateSetup"])
			switch {
			case err == nil && reason != "":
				t.Errorf("passes, though testdata/james.tsv says: %s", reason)
			case err != nil && reason == "":
				t.Error(err)
			case err != nil:
				t.Skip(reason)
			}
		})
	}
	for name := range reasons {
		if !strings.HasSuffix(name, "*") {
			t.Errorf("testdata/james.tsv lists %s, which is no script", name)
		}
	}
}

// jamesScripts reads the scripts, or skips the test where they are not there.
func jamesScripts(t *testing.T) map[string]string {
	dir := os.Getenv("TEGAMI_TESTDATA")
	if dir == "" {
		dir = "../../../shared/testdata"
	}
	archive := path.Join(dir, "mpt-james.tar.xz")
	if _, err := os.Stat(archive); err != nil {
		t.Skip("no James dialogues: ", err)
	}
	packed, err := exec.Command("xz", "-dc", archive).Output()
	if err != nil {
		t.Skip("xz: ", err)
	}
	scripts := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(packed)); ; {
		head, err := r.Next()
		if err == io.EOF {
			return scripts
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, name, ok := strings.Cut(head.Name, "/imap/"); ok && strings.HasSuffix(name, ".test") {
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			scripts[strings.TrimSuffix(name, ".test")] = string(text)
		}
	}
}

// jamesReason takes the reason of a script out of reasons. whole tells that it is that of a group, whose
// scripts are not even run.
func jamesReason(reasons map[string]string, name string) (reason string, whole bool) {
	for key, reason := range reasons {
		if group, ok := strings.CutSuffix(key, "*"); ok && strings.HasPrefix(name, group) {
			return reason, true
		}
	}
	reason = reasons[name]
	delete(reasons, name)
	return reason, false
}

// jamesReasons reads testdata/james.tsv: a script, or the beginning of names and "*", a tab, the reason.
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

// jamesPeers are the sessions of one script, all of one account.
type jamesPeers struct {
	peers map[string]*jamesPeer
	open  func() (*jamesPeer, error)
}

type jamesPeer struct {
	net.Conn
	in *bufio.Reader
}

// runJames runs a script in the states for which James has it: signed in, with a mailbox selected, not
// signed in. The scripts do not say; one in which all is as expected is enough.
func runJames(h *house, t testing.TB, addr, text, setup string) error {
	var all []error
	for _, state := range []string{"", setup, "-"} {
		err := runJamesIn(h, t, addr, text, state)
		if err == nil {
			return nil
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// runJamesIn runs a script after a setup script; "-" is without signing in.
func runJamesIn(h *house, t testing.TB, addr, text, setup string) error {
	user := h.user(t, "alpha.example")
	text = strings.ReplaceAll(text, "imapuser password", user+` "`+password+`"`)
	p := jamesPeers{peers: map[string]*jamesPeer{}, open: func() (*jamesPeer, error) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		conn.SetDeadline(time.Now().Add(2 * time.Second))
		peer := &jamesPeer{conn, bufio.NewReader(conn)}
		if setup == "-" {
			_, err = peer.until("* OK ")
			return peer, err
		}
		fmt.Fprintf(conn, "login LOGIN %s \"%s\"\r\n", user, password)
		_, err = peer.until("login ")
		return peer, err
	}}
	defer func() {
		for _, peer := range p.peers {
			peer.Close()
		}
	}()
	if len(setup) > 1 {
		if err := p.run(setup + "\nC: setup SELECT selected\nS: setup OK\n"); err != nil {
			return fmt.Errorf("setup: %w", err)
		}
	}
	return p.run(text)
}

// until reads lines up to one with a prefix.
func (p *jamesPeer) until(prefix string) (lines []string, err error) {
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return lines, err
		}
		lines = append(lines, strings.TrimRight(line, "\r\n"))
		if strings.HasPrefix(line, prefix) {
			return lines, nil
		}
	}
}

// run runs a script: lines the client sends, then what the server is expected to say to them.
func (p *jamesPeers) run(script string) error {
	session := "1"
	var send, want []string
	turn := func() error {
		defer func() { send, want = nil, nil }()
		return p.turn(session, send, want)
	}
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, ":")
		switch verb {
		case "C", "SESSION":
			if len(want) > 0 || verb == "SESSION" {
				if err := turn(); err != nil {
					return err
				}
			}
			if verb == "C" {
				send = append(send, strings.TrimPrefix(rest, " "))
			} else {
				session = strings.TrimSpace(rest)
			}
		case "S":
			want = append(want, strings.TrimPrefix(rest, " "))
		case "REINIT":
			return errors.New("REINIT")
		}
	}
	return turn()
}

// turn sends and compares.
func (p *jamesPeers) turn(session string, send, want []string) (err error) {
	if len(send) == 0 {
		return nil
	}
	peer := p.peers[session]
	if peer == nil {
		if peer, err = p.open(); err != nil {
			return err
		}
		p.peers[session] = peer
	}
	fmt.Fprint(peer, strings.Join(send, "\r\n")+"\r\n")
	var got []string
	for _, w := range want {
		head, rest, _ := strings.Cut(w, " ")
		if strings.HasPrefix(w, `\*`) || !slices.Contains([]string{"OK", "NO", "BAD"}, strings.Trim(firstWord(rest), ".")) && head != `\+` {
			continue
		}
		lines, err := peer.until(strings.ReplaceAll(head, `\+`, "+") + " ")
		got = append(got, lines...)
		if err != nil {
			return fmt.Errorf("%q: %w after %q", w, err, got)
		}
		last := got[len(got)-1]
		if status := firstWord(rest); head != `\+` && !strings.HasPrefix(last, head+" "+status) {
			return fmt.Errorf("%q: came %q", w, last)
		}
	}
	for _, w := range want {
		if !jamesSaid(w, got) {
			return fmt.Errorf("%q: not in %q", w, got)
		}
	}
	return nil
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

var (
	recent  = regexp.MustCompile(`\\*Recent|RECENT \d+`)
	wording = regexp.MustCompile(`^(\\\* (OK|NO|BAD|BYE|FLAGS|CAPABILITY)|\\\* \S+ (RECENT|EXPUNGE)|\\\+|\S+ (OK|NO|BAD))`)
)

// jamesSaid tells whether untagged data was said, whatever the order of its items. Wording is not compared, nor
// \Recent, which this door never says, nor the numbers of EXPUNGE, which depend on the order.
func jamesSaid(want string, got []string) bool {
	if want == "" || wording.MatchString(want) || !strings.HasPrefix(want, `\*`) {
		return true
	}
	want = strings.ReplaceAll(recent.ReplaceAllString(want, ""), `\"\.\"`, `"/"`)
	re, err := regexp.Compile("^" + want + "$")
	plain := sortedWords(strings.ReplaceAll(want, `\`, ""))
	for _, g := range got {
		g = recent.ReplaceAllString(g, "")
		if err == nil && re.MatchString(g) || slices.Equal(plain, sortedWords(strings.ReplaceAll(g, `\`, ""))) {
			return true
		}
	}
	return false
}

// sortedWords gives the words of a line, in capitals, without regard to their order and to parentheses.
func sortedWords(s string) []string {
	words := strings.FieldsFunc(strings.ToUpper(s), func(r rune) bool { return strings.ContainsRune(` ()"`, r) })
	slices.Sort(words)
	return words
}
