package kill

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"tegami/lab/platform"
)

const (
	users   = 12
	senders = 8
)

// ledger is what the senders know: which message was promised to whom.
type ledger struct {
	mu       sync.Mutex
	sent     map[string][32]byte // message id -> hash of what was sent
	promised map[string][]int    // message id -> users, once the 250 came
}

func TestKillNine(t *testing.T) {
	kills := 4
	if s := os.Getenv("TEGAMI_KILLS"); s != "" {
		kills, _ = strconv.Atoi(s)
	}
	p := platform.Start(t, 20)
	l := &ledger{sent: map[string][32]byte{}, promised: map[string][]int{}}
	seen := newInboxes()
	rnd := rand.New(rand.NewPCG(1, uint64(kills)))
	for round := range kills {
		loadUntilKilled(p, l, round, time.Duration(50+rnd.IntN(500))*time.Millisecond)
		if round%20 == 19 || round == kills-1 {
			checkClean(t, p)
		}
		p.Run(t)
		seen.read(t, p)
		seen.compare(t, l)
		if t.Failed() {
			t.Fatalf("after kill %d of %d", round+1, kills)
		}
	}
	p.Stop(t)
	checkClean(t, p)
	t.Logf("%d kills, %d messages promised, %d copies found", kills, len(l.promised), seen.copies)
}

func checkClean(t *testing.T, p *platform.Platform) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if out, err := p.Check(ctx, t); err != nil {
		t.Errorf("tegami check: %v\n%s", err, out)
	}
}

// loadUntilKilled lets all senders work for a while, then kills the platform under them.
func loadUntilKilled(p *platform.Platform, l *ledger, round int, after time.Duration) {
	var wg sync.WaitGroup
	for s := range senders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewPCG(uint64(round), uint64(s)))
			if s%4 == 3 {
				appendUntilError(p, l, fmt.Sprintf("r%d.s%d", round, s), rnd)
			} else {
				sendUntilError(p, l, fmt.Sprintf("r%d.s%d", round, s), rnd)
			}
		}()
	}
	time.Sleep(after)
	p.Kill()
	wg.Wait()
}

// compose makes a message of a random size with its id, and books it.
func (l *ledger) compose(id string, rnd *rand.Rand) []byte {
	size := 200 + rnd.IntN(3000)
	switch rnd.IntN(20) {
	case 0:
		size = 20_000 + rnd.IntN(100_000)
	case 1:
		size = 130_000 + rnd.IntN(600_000)
	}
	raw := make([]byte, size*3/4)
	for i := range raw {
		raw[i] = byte(rnd.Uint32())
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: <sender@example.org>\r\nTo: <u@alpha.example>\r\nSubject: kill\r\nMessage-ID: <%s>\r\n\r\n", id)
	text := base64.StdEncoding.EncodeToString(raw)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text + "\r\n")
	l.mu.Lock()
	l.sent[id] = sha256.Sum256(b.Bytes())
	l.mu.Unlock()
	return b.Bytes()
}

func (l *ledger) promise(id string, to []int) {
	l.mu.Lock()
	l.promised[id] = to
	l.mu.Unlock()
}

// sendUntilError speaks SMTP by hand: only a 250 after the dot is a promise.
func sendUntilError(p *platform.Platform, l *ledger, name string, rnd *rand.Rand) {
	c, err := net.Dial("tcp", p.Demo.SMTP)
	if err != nil {
		return
	}
	defer c.Close()
	r := bufio.NewReader(c)
	ask := func(want string, text string) bool {
		if _, err := c.Write([]byte(text)); err != nil {
			return false
		}
		return reply(r, want)
	}
	if !reply(r, "220") || !ask("250", "EHLO kill.test\r\n") {
		return
	}
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s.n%d@kill.test", name, n)
		msg := l.compose(id, rnd)
		to := rnd.Perm(users)[:1+rnd.IntN(3)]
		if !ask("250", "MAIL FROM:<sender@example.org>\r\n") {
			return
		}
		for _, u := range to {
			if !ask("250", "RCPT TO:<"+platform.User(u)+">\r\n") {
				return
			}
		}
		if !ask("354", "DATA\r\n") || !ask("250", string(msg)+".\r\n") {
			return
		}
		l.promise(id, to)
	}
}

func reply(r *bufio.Reader, want string) bool {
	for {
		line, err := r.ReadString('\n')
		if err != nil || len(line) < 4 || line[:3] != want {
			return false
		}
		if line[3] == ' ' {
			return true
		}
	}
}

// appendUntilError puts messages into one user's INBOX by IMAP APPEND.
func appendUntilError(p *platform.Platform, l *ledger, name string, rnd *rand.Rand) {
	c, err := imapclient.DialInsecure(p.Demo.IMAP, nil)
	if err != nil {
		return
	}
	defer c.Close()
	u := rnd.IntN(users)
	if c.Login(platform.User(u), platform.Password).Wait() != nil {
		return
	}
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s.a%d@kill.test", name, n)
		msg := l.compose(id, rnd)
		cmd := c.Append("INBOX", int64(len(msg)), nil)
		if _, err := cmd.Write(msg); err != nil {
			return
		}
		if cmd.Close() != nil {
			return
		}
		if _, err := cmd.Wait(); err != nil {
			return
		}
		l.promise(id, []int{u})
	}
}

// inboxes is what the boxes hold, read by UID from where the last reading ended.
type inboxes struct {
	next   [users]imap.UID
	found  map[string]map[int][][32]byte // message id -> user -> hashes
	copies int
}

func newInboxes() *inboxes { return &inboxes{found: map[string]map[int][][32]byte{}} }

func (in *inboxes) read(t *testing.T, p *platform.Platform) {
	t.Helper()
	for u := range users {
		c, err := imapclient.DialInsecure(p.Demo.IMAP, nil)
		if err != nil {
			t.Fatal(err)
		}
		in.readBox(t, c, u)
		c.Close()
	}
}

func (in *inboxes) readBox(t *testing.T, c *imapclient.Client, u int) {
	t.Helper()
	if err := c.Login(platform.User(u), platform.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	box, err := c.Select("INBOX", nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if box.NumMessages == 0 || in.next[u] >= box.UIDNext {
		return
	}
	set := imap.UIDSet{{Start: max(in.next[u], 1), Stop: box.UIDNext - 1}}
	body := &imap.FetchItemBodySection{Peek: true}
	msgs, err := c.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{body}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range msgs {
		if m.UID >= in.next[u] {
			in.add(t, u, m.FindBodySection(body))
		}
	}
	in.next[u] = box.UIDNext
}

// add books one message found. The platform's own fields stand before "From:".
func (in *inboxes) add(t *testing.T, u int, text []byte) {
	t.Helper()
	at := bytes.Index(text, []byte("From: <sender@example.org>\r\n"))
	_, rest, ok := bytes.Cut(text, []byte("Message-ID: <"))
	id, _, ok2 := strings.Cut(string(rest[:min(len(rest), 200)]), ">")
	if at < 0 || !ok || !ok2 {
		t.Errorf("user %d holds a message nobody sent: %.200q", u, text)
		return
	}
	if in.found[id] == nil {
		in.found[id] = map[int][][32]byte{}
	}
	in.found[id][u] = append(in.found[id][u], sha256.Sum256(text[at:]))
	in.copies++
}

// compare holds the boxes against the ledger: promised is there, nothing is there twice or changed.
func (in *inboxes) compare(t *testing.T, l *ledger) {
	t.Helper()
	for id, to := range l.promised {
		for _, u := range to {
			if n := len(in.found[id][u]); n != 1 {
				t.Errorf("%s was promised to user %d and is there %d times", id, u, n)
			}
		}
	}
	for id, boxes := range in.found {
		for u, hashes := range boxes {
			if len(hashes) > 1 {
				t.Errorf("%s stands %d times in the box of user %d", id, len(hashes), u)
			}
			if hashes[0] != l.sent[id] {
				t.Errorf("%s in the box of user %d is not what was sent", id, u)
			}
		}
	}
}
