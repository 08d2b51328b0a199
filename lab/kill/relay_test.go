package kill

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/lab/platform"
)

// sink is another host that takes mail, dies now and then, and remembers what it has taken. What it took without
// being able to say so counts: the sender cannot know.
type sink struct {
	addr string

	mu    sync.Mutex
	ln    net.Listener
	conns map[net.Conn]bool
	crash int              // how many crashes there were, of the sink or of the platform
	taken map[string][]int // message and recipient -> after which crash each copy came
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{conns: map[net.Conn]bool{}, taken: map[string][]int{}}
	s.live(t)
	t.Cleanup(s.die)
	return s
}

// live listens, again at the same place.
func (s *sink) live(t *testing.T) {
	t.Helper()
	at := s.addr
	if at == "" {
		at = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.ln, s.addr = ln, ln.Addr().String()
	s.mu.Unlock()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			go s.serve(c)
		}
	}()
}

// die closes everything at once.
func (s *sink) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crash++
	s.ln.Close()
	s.hangUp()
}

// crashed notes that the platform was killed. What it had sent and nobody read yet is lost with its connections.
func (s *sink) crashed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crash++
	s.hangUp()
}

// hangUp closes all connections.
func (s *sink) hangUp() {
	for c := range s.conns {
		c.Close()
	}
	s.conns = map[net.Conn]bool{}
}

// serve speaks as much SMTP as a sink needs.
func (s *sink) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	say := func(text string) bool { _, err := c.Write([]byte(text + "\r\n")); return err == nil }
	if !say("220 sink.example ESMTP") {
		return
	}
	var to []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		answer := "250 2.0.0 OK"
		switch verb := strings.ToUpper(strings.TrimRight(line, "\r\n")); {
		case strings.HasPrefix(verb, "EHLO"):
			answer = "250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME"
		case strings.HasPrefix(verb, "MAIL"):
			to = nil
		case strings.HasPrefix(verb, "RCPT"):
			to = append(to, strings.Trim(strings.Fields(line[len("RCPT TO:"):])[0], "<>"))
		case verb == "DATA":
			if !say("354 go on") || !s.take(c, r, to) {
				return
			}
		case verb == "QUIT":
			say("221 bye")
			return
		}
		if !say(answer) {
			return
		}
	}
}

// take reads a message and books it, unless its connection was closed meanwhile.
func (s *sink) take(c net.Conn, r *bufio.Reader, to []string) bool {
	id := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		if rest, ok := strings.CutPrefix(line, "Message-ID: <"); ok && id == "" {
			id = strings.TrimRight(rest, ">\r\n")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.conns[c] {
		return false
	}
	for _, r := range to {
		key := id + " " + r
		s.taken[key] = append(s.taken[key], s.crash)
	}
	return true
}

// TestRelayKillNine kills the platform while it relays, and the host it relays to: nothing promised is lost, and nothing comes twice
// without a crash in between.
func TestRelayKillNine(t *testing.T) {
	kills := 4
	if n := os.Getenv("TEGAMI_KILLS"); n != "" {
		kills, _ = strconv.Atoi(n)
	}
	s := newSink(t)
	p := platform.StartIn(t, t.TempDir(), 20, "--smarthost", s.addr)
	var mu sync.Mutex
	promised := map[string]bool{}
	rnd := rand.New(rand.NewPCG(3, uint64(kills)))
	for round := range kills {
		var wg sync.WaitGroup
		for n := range senders {
			wg.Go(func() {
				relayUntilError(p, fmt.Sprintf("r%d.s%d", round, n), func(key string) {
					mu.Lock()
					promised[key] = true
					mu.Unlock()
				})
			})
		}
		for range rnd.IntN(3) { // the sink dies up to twice before the platform does
			time.Sleep(time.Duration(20+rnd.IntN(150)) * time.Millisecond)
			s.die()
			time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
			s.live(t)
		}
		time.Sleep(time.Duration(50+rnd.IntN(300)) * time.Millisecond)
		p.Kill()
		s.crashed()
		wg.Wait()
		if round%20 == 19 || round == kills-1 {
			checkClean(t, p)
		}
		p.Run(t)
		if t.Failed() {
			t.Fatalf("after kill %d of %d", round+1, kills)
		}
	}
	missing := s.await(promised, 3*time.Minute)
	for i, key := range missing {
		if i < 10 {
			t.Errorf("promised and not relayed: %s", key)
		}
	}
	doubles := s.doubles(t)
	waitEmpty(t, p)
	p.Stop(t)
	checkClean(t, p)
	t.Logf("%d kills, %d crashes in all; %d recipients promised, %d lost, %d doubles, each with a crash in between", kills, s.crash, len(promised), len(missing), doubles)
}

// await waits until all that was promised was taken; it gives what was not.
func (s *sink) await(promised map[string]bool, patience time.Duration) (missing []string) {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		missing = nil
		s.mu.Lock()
		for key := range promised {
			if len(s.taken[key]) == 0 {
				missing = append(missing, key)
			}
		}
		s.mu.Unlock()
		if len(missing) == 0 || time.Now().After(end) {
			return missing
		}
	}
}

// doubles counts copies beyond the first. Two without a crash in between are a fault.
func (s *sink) doubles(t *testing.T) (n int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, after := range s.taken {
		for i := 1; i < len(after); i++ {
			n++
			if after[i] == after[i-1] {
				t.Errorf("%s came twice without a crash in between", key)
			}
		}
	}
	return n
}

// relayUntilError submits messages for other hosts from the VPN, and tells which were promised.
func relayUntilError(p *platform.Platform, name string, promise func(key string)) {
	c, err := net.Dial("tcp", p.Demo.SMTPVPN)
	if err != nil {
		return
	}
	defer c.Close()
	r := bufio.NewReader(c)
	ask := func(want, text string) bool {
		if _, err := c.Write([]byte(text)); err != nil {
			return false
		}
		return reply(r, want)
	}
	if !reply(r, "220") || !ask("250", "EHLO kill.test\r\n") {
		return
	}
	from := platform.User(0)
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s.n%d@kill.test", name, n)
		to := []string{fmt.Sprintf("a@one%d.example", n%7), fmt.Sprintf("b@one%d.example", n%7), "c@two.example"}
		if !ask("250", "MAIL FROM:<"+from+">\r\n") {
			return
		}
		for _, rcpt := range to {
			if !ask("250", "RCPT TO:<"+rcpt+">\r\n") {
				return
			}
		}
		if !ask("354", "DATA\r\n") || !ask("250", "From: <"+from+">\r\nMessage-ID: <"+id+">\r\nSubject: relay\r\n\r\nHello.\r\n.\r\n") {
			return
		}
		for _, rcpt := range to {
			promise(id + " " + rcpt)
		}
	}
}

// waitEmpty waits until the queue holds nothing that waits.
func waitEmpty(t *testing.T, p *platform.Platform) {
	t.Helper()
	var out []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var err error
		out, err = exec.Command(platform.Binary(t), "admin", "--data", p.Dir, "--json", "queue", "list").CombinedOutput()
		if err != nil {
			t.Fatalf("admin queue list: %v\n%s", err, out)
		}
		if strings.TrimSpace(string(out)) == "[]" {
			return
		}
	}
	t.Errorf("the queue is not empty:\n%.2000s", out)
}
