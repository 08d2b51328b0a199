package imapd

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/wire/mime"
)

// multiply puts n messages that share their octets into a user's inbox, straight through the store.
func (h *house) multiply(t testing.TB, user string, n int) {
	t.Helper()
	ctx := context.Background()
	address, err := mail.ParseAddress(user)
	must(t, err)
	target, err := h.dir.Resolve(ctx, address)
	must(t, err)
	tenant := h.store.Tenant(target.Tenant)
	staged, err := tenant.Blobs().Stage(ctx, 0)
	must(t, err)
	defer staged.Release()
	_, err = io.WriteString(staged, sample)
	must(t, err)
	must(t, staged.Seal(ctx))
	index := mime.ParseChunks(staged.Chunks(), mime.Limits{}).Encode(nil)
	const portion = 5000
	var ref mail.BlobRef
	for done := 0; done < n; done += portion {
		must(t, tenant.Update(ctx, h.admin, "test.multiply", func(tx store.Tx) error {
			if done == 0 {
				if ref, err = tx.Keep(staged, index); err != nil {
					return err
				}
			}
			boxes, err := tx.Mailboxes(target.Account.ID)
			if err != nil {
				return err
			}
			for i := done; i < min(n, done+portion); i++ {
				m := store.NewMessage{Mailbox: boxes[0].ID, Blob: ref, Flags: mail.Seen, Thread: mail.ThreadID(tx.NextID())}
				if _, err := tx.AddMessage(m); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// heap is what is in use after collecting garbage.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A mailbox may be large: what a session of it costs grows with its messages by a few octets each, and a change of one
// message hardly at all. TEGAMI_LARGE is how many messages it has (20,000); `make large` takes the figures of docs/benchmarks.md
// with a million. Only the memory is tested.
func TestLargeMailbox(t *testing.T) {
	n := 20_000
	if text := os.Getenv("TEGAMI_LARGE"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		must(t, err)
	}
	h := newHouse(t)
	user := h.user(t, "alpha.example")
	h.multiply(t, user, n)
	h.boxes = mailbox.New(h.store, h.dir, mailbox.Config{})
	addr := h.door(t, Config{AllowPlainAuth: true})
	open := func() *client {
		c := dial(t, addr)
		t.Cleanup(func() { c.Close() })
		c.do(t, "LOGIN "+user+" \""+password+"\"")
		return c
	}
	timed := func(c *client, command string) time.Duration {
		began := time.Now()
		c.do(t, command)
		return time.Since(began)
	}
	first, second, third := open(), open(), open()
	before := heap()
	cold := timed(first, "SELECT INBOX")
	each := float64(heap()-before) / float64(n)
	warm := timed(second, "SELECT INBOX")
	must(t, second.until("i IDLE\r\n", "+ "))
	third.do(t, "SELECT INBOX")
	again := float64(heap()-before) / float64(n)
	t.Logf("%d messages: SELECT cold %v, warm %v; %.1f octets a message with one session, %.1f with three", n, cold, warm, each, again)
	if each > 150 || again > 1.2*each+10 {
		t.Errorf("%.1f octets a message with one session, %.1f with three", each, again)
	}

	middle := n / 2
	t.Logf("STORE of one %v, FETCH of all flags %v, SEARCH UNSEEN %v", timed(first, fmt.Sprintf("STORE %d -FLAGS.SILENT (\\Seen)", middle)),
		timed(first, "FETCH 1:* (UID FLAGS)"), timed(first, "SEARCH UNSEEN"))
	must(t, second.until("", fmt.Sprintf("* %d FETCH", middle)))
	first.do(t, "UID STORE 1 +FLAGS.SILENT (\\Deleted)")
	was := mallocated()
	took := timed(first, "EXPUNGE")
	must(t, second.until("", "* 1 EXPUNGE"))
	moved := mallocated() - was
	t.Logf("EXPUNGE of the first %v; %d KB allocated until all sessions knew it", took, moved/1024)
	if moved > int64(4<<20+n) {
		t.Errorf("%d KB were allocated to expunge one message", moved/1024)
	}
	timed(third, "UNSELECT")
	t.Logf("SELECT once more %v", timed(third, "SELECT INBOX"))
}

// mallocated is how much was ever allocated.
func mallocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// until sends text and reads up to a line that begins with want.
func (c *client) until(text, want string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil || len(line) >= len(want) && line[:len(want)] == want {
			return err
		}
	}
}
