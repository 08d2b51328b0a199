package imapd

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipelined are commands of every sort: what changes the session's state, literals, what is refused, what is read past.
var pipelined = strings.Split(strings.ReplaceAll(`CAPABILITY
LOGIN USER "correct horse"
CREATE Box/One
APPEND Box/One {5+}~hello {3+}~abc
SELECT Box/One
FETCH 1:2 (UID FLAGS RFC822.SIZE BODY.PEEK[])
STORE 1 +FLAGS (\Deleted $Word)
FETCH 9 FLAGS
FROB
SEARCH RETURN (SAVE) DELETED
SEARCH $
SEARCH SUBJECT {3+}~abc
CREATE {3000000+}~LONG
IDLE~DONE
COPY $ INBOX
EXPUNGE
FETCH 1:* (UID)
ENABLE IMAP4rev2 QRESYNC
UID STORE 2 +FLAGS.SILENT (\Seen)
UID SEARCH SEEN
SELECT INBOX
UID MOVE 1:* Box/One
STATUS Box/One (MESSAGES UIDNEXT UNSEEN)
LIST "" Box* RETURN (STATUS (MESSAGES))
UNSELECT
DELETE Box/One
ENABLE UIDONLY
SELECT INBOX
FETCH 1 FLAGS
UNAUTHENTICATE
SELECT INBOX
LOGIN USER {13+}~correct horse
EXAMINE INBOX
CLOSE
LOGOUT`, "~", "\r\n"), "\n")

// varying is what differs between two runs of the same commands.
var varying = regexp.MustCompile(`\(session \w{8}\)|\[(UIDVALIDITY|APPENDUID|COPYUID) \d+|MAILBOXID \(\w+\)|user\d+@`)

// Pipelined commands are answered as if they came one by one (RFC 9051 §5.5), wherever the network cuts them.
func TestPipelinedAsOneByOne(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	long := strings.Repeat("x", 3000000)
	commands := func() (list []string) {
		user := h.user(t, "alpha.example")
		for i, c := range pipelined {
			c = strings.ReplaceAll(strings.ReplaceAll(c, "USER", user), "LONG", long)
			list = append(list, fmt.Sprintf("t%d %s\r\n", i, c))
		}
		return list
	}
	open := func() *client {
		c := dial(t, addr)
		c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
	var want strings.Builder
	c := open()
	for i, command := range commands() {
		io.WriteString(c, command)
		for done := false; !done; {
			line, err := c.in.ReadString('\n')
			check(t, err)
			want.WriteString(line)
			done = strings.HasPrefix(line, fmt.Sprintf("t%d ", i))
		}
	}
	for range 5 {
		c := open()
		all := strings.Join(commands(), "")
		go func() {
			for rest := all; rest != ""; {
				n := min(len(rest), 1+rand.IntN(1<<rand.IntN(17)))
				io.WriteString(c, rest[:n])
				rest = rest[n:]
			}
		}()
		got, err := io.ReadAll(c.in)
		check(t, err)
		diffLines(t, varying.ReplaceAllString(string(got), "…"), varying.ReplaceAllString(want.String(), "…"))
	}
}

// diffLines reports the first line that is not as wanted.
func diffLines(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("line %d: %q, one by one it was %q", i, a, b)
		}
	}
}

// mostAhead is how many octets of commands a session takes from a client that reads no answers: what fits into its buffers.
const mostAhead = 256 << 10

// A client that sends without end and reads nothing is not read from any more: neither its commands nor their answers gather.
func TestPipelineIsBounded(t *testing.T) {
	h := newHouse(t)
	srv := New(Config{Name: "imap", AllowPlainAuth: true}, h.dir, h.boxes)
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		s := newSession(srv, there)
		go s.serve(t.Context())
		in := bufio.NewReader(here)
		if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "* OK ") {
			t.Fatal(line, err)
		}
		const commands = 100_000
		var taken atomic.Int64
		go func() {
			for i := range commands {
				n, err := fmt.Fprintf(here, "t%d NOOP\r\n", i)
				taken.Add(int64(n))
				if err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		if n := taken.Load(); n == 0 || n > mostAhead {
			t.Errorf("%d octets of commands were taken with no answer read", n)
		}
		for i := range commands {
			if line, err := in.ReadString('\n'); err != nil || line != fmt.Sprintf("t%d OK NOOP completed\r\n", i) {
				t.Fatal(i, line, err)
			}
		}
		here.Close()
	})
}
