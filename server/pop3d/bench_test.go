package pop3d

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// benchMessages is how many messages of 4 KB the benchmarks' inbox holds beside the usual ones.
const benchMessages = 1000

func benchHouse(b *testing.B) *Server {
	h := newHouse(b)
	text := "Subject: bench\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 56)
	texts := make([]string, benchMessages)
	for i := range texts {
		texts[i] = text
	}
	h.put(b, texts...)
	return New(Config{Name: "pop3", AllowPlainAuth: true}, h.dir, h.boxes)
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
