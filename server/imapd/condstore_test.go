package imapd

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// swap is a conditional STORE that was done: nobody else changed the message after since and before made.
type swap struct {
	uid, since, made uint64
	flags            string
}

// racer is a session that changes flags on the condition that it knows them.
type racer struct {
	c     *client
	name  int
	rnd   *rand.Rand
	known map[uint64]uint64 // ModSeq by UID, from responses alone
	own   uint64            // the first one told by a command: what it did itself
	done  []swap
}

var fetchLine = regexp.MustCompile(`^\* \d+ FETCH \(UID (\d+)(?: FLAGS \(([^)]*)\))? MODSEQ \((\d+)\)\)`)

// run sends a command and learns from all that comes back; it gives the tagged line.
func (r *racer) run(command string) (string, error) {
	fmt.Fprintf(r.c, "t %s\r\n", command)
	r.own = 0
	for {
		line, err := r.c.in.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "t ") {
			return line, err
		}
		if m := fetchLine.FindStringSubmatch(line); m != nil {
			uid, _ := strconv.ParseUint(m[1], 10, 64)
			modseq, _ := strconv.ParseUint(m[3], 10, 64)
			if modseq < r.known[uid] {
				return "", fmt.Errorf("the ModSeq of UID %d went from %d back: %s", uid, r.known[uid], line)
			}
			if r.known[uid] = modseq; r.own == 0 {
				r.own = modseq
			}
		}
	}
}

// race tries to change messages, one at a time, some of which others change as well.
func (r *racer) race(messages, tries int) error {
	if _, err := r.run("UID FETCH 1:* (UID FLAGS MODSEQ)"); err != nil {
		return err
	}
	for n := range tries {
		uid := uint64(1 + r.rnd.IntN(messages))
		s := swap{uid: uid, since: r.known[uid], flags: fmt.Sprintf("s%d n%d", r.name, n%20)}
		silent := []string{"", ".SILENT"}[r.rnd.IntN(2)]
		tagged, err := r.run(fmt.Sprintf("UID STORE %d (UNCHANGEDSINCE %d) FLAGS%s (%s)", uid, s.since, silent, s.flags))
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(tagged, "t OK UID STORE"):
			if s.made = r.own; s.made > s.since { // else the flags were these already
				r.done = append(r.done, s)
			}
		case !strings.HasPrefix(tagged, fmt.Sprintf("t OK [MODIFIED %d]", uid)):
			return fmt.Errorf("%q", tagged)
		case r.known[uid] <= s.since:
			return fmt.Errorf("refused, and nothing newer than %d was told of UID %d", s.since, uid)
		}
	}
	return nil
}

// TestConditionalStoreRaces: of 20 sessions that change the same messages each on the condition that nobody else did, none
// overwrites what it did not know (RFC 7162 §3.1.3), and what each was told fits the others.
func TestConditionalStoreRaces(t *testing.T) {
	const sessions, messages, tries = 20, 4, 40
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	user := h.user(t, "alpha.example")
	h.multiply(t, user, messages)
	racers := make([]*racer, sessions)
	var all sync.WaitGroup
	for i := range racers {
		r := &racer{c: dial(t, addr), name: i, rnd: rand.New(rand.NewPCG(uint64(i), 1)), known: map[uint64]uint64{}}
		defer r.c.Close()
		r.c.do(t, "LOGIN "+user+" \""+password+"\"")
		r.c.do(t, "SELECT INBOX (CONDSTORE)")
		racers[i] = r
		all.Go(func() {
			if err := r.race(messages, tries); err != nil {
				t.Errorf("session %d: %v", r.name, err)
			}
		})
	}
	all.Wait()
	var done []swap
	for _, r := range racers {
		done = append(done, r.done...)
	}
	slices.SortFunc(done, func(a, b swap) int { return int(int64(a.made) - int64(b.made)) })
	last := map[uint64]swap{}
	for _, s := range done {
		if before := last[s.uid]; before.made > s.since {
			t.Errorf("%+v was done over %+v, which it did not know", s, before)
		}
		last[s.uid] = s
	}
	if len(done) < messages || len(done) == sessions*tries {
		t.Errorf("%d of %d changes were done: there was no race", len(done), sessions*tries)
	}
	reader := racers[0].c
	reader.do(t, "NOOP")
	for uid, s := range last {
		fmt.Fprintf(reader, "t UID FETCH %d (FLAGS MODSEQ)\r\n", uid)
		words := strings.Fields(s.flags)
		slices.Sort(words)
		for line := ""; !strings.HasPrefix(line, "t OK"); {
			var err error
			if line, err = reader.in.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if m := fetchLine.FindStringSubmatch(line); m != nil && m[1] == fmt.Sprint(uid) {
				there := strings.Fields(m[2])
				if slices.Sort(there); !slices.Equal(there, words) || m[3] != fmt.Sprint(s.made) {
					t.Errorf("%s; want %+v", line, s)
				}
			}
		}
	}
}
