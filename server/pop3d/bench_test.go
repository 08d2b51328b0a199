package pop3d

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/mailbox"
)

// benchMessages is how many messages of 4 KB the benchmarks' inbox holds beside the usual ones.
const benchMessages = 1000

func benchHouse(b *testing.B) *Server {
	h := newHouse(b)
	h.fill(b, benchMessages, "Subject: bench\r\n\r\n"+strings.Repeat(strings.Repeat("x", 70)+"\r\n", 56))
	return New(Config{Name: "pop3", AllowPlainAuth: true}, h.dir, h.boxes)
}

// fill puts n copies of a message into the inbox, many in one commit.
func (h *house) fill(b *testing.B, n int, text string) {
	a := h.account(b)
	defer a.Close()
	for n > 0 {
		batch := make([]mailbox.Appended, min(n, mailbox.MaxAppended))
		for i := range batch {
			up, err := a.Stage(b.Context(), int64(len(text)))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := up.Write([]byte(text)); err != nil {
				b.Fatal(err)
			}
			batch[i].Upload = up
		}
		if _, err := a.Append(b.Context(), "INBOX", batch); err != nil {
			b.Fatal(err)
		}
		for _, one := range batch {
			one.Release()
		}
		n -= len(batch)
	}
}

// benchSession runs one whole session over memory and gives the octets it answered.
func benchSession(b *testing.B, door *Server, commands string) int {
	conn := &script{said: bytes.NewReader([]byte("USER " + user + "\r\nPASS " + password + "\r\n" + commands + "QUIT\r\n"))}
	door.serve(b.Context(), conn)
	return conn.heard.Len()
}

// BenchmarkPoll is what most sessions are: sign in, ask for the list, leave.
func BenchmarkPoll(b *testing.B) {
	door := benchHouse(b)
	for b.Loop() {
		b.SetBytes(int64(benchSession(b, door, "STAT\r\nUIDL\r\n")))
	}
}

// BenchmarkRetrieve reads a thousand messages of 4 KB in one session.
func BenchmarkRetrieve(b *testing.B) {
	door := benchHouse(b)
	var commands strings.Builder
	for n := range benchMessages {
		fmt.Fprintf(&commands, "RETR %d\r\n", n+1)
	}
	for b.Loop() {
		b.SetBytes(int64(benchSession(b, door, commands.String())))
	}
	b.ReportMetric(benchMessages*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkLargeBox asks a box of 100,000 messages for its lists: at first by a process that has not seen the box, then again.
func BenchmarkLargeBox(b *testing.B) {
	h := newHouse(b)
	h.fill(b, 100_000, "Subject: x\r\n\r\nx\r\n")
	for _, command := range []string{"STAT", "LIST", "UIDL"} {
		fresh := mailbox.New(h.store, h.dir, mailbox.Config{})
		door := New(Config{Name: "pop3", AllowPlainAuth: true}, h.dir, fresh)
		began := time.Now()
		benchSession(b, door, command+"\r\n")
		cold := time.Since(began)
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				b.SetBytes(int64(benchSession(b, door, command+"\r\n")))
			}
			b.ReportMetric(cold.Seconds()*1000, "first-ms")
		})
	}
}
