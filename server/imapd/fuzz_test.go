package imapd

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"tegami/lab/dialog"
)

// FuzzSession sends any octets to a signed-in session with a message in its mailbox. It must not hang or
// panic, and answers whole lines.
func FuzzSession(f *testing.F) {
	for _, line := range dialog.Commands(f, "testdata/*.dialog") {
		f.Add([]byte(line))
	}
	h := newHouse(f)
	user := h.user(f, "alpha.example")
	cfg := Config{Name: "imap", AllowPlainAuth: true, Limits: Limits{Message: 4096}}
	srv := New(cfg, h.dir, h.boxes)
	f.Fuzz(func(t *testing.T, in []byte) {
		here, there := net.Pipe()
		s := newSession(srv, there)
		done := make(chan struct{})
		go func() {
			s.serve(context.Background())
			close(done)
		}()
		go func() {
			io.WriteString(here, "a LOGIN "+user+" \""+password+"\"\r\nb SELECT INBOX\r\nc APPEND INBOX {5+}\r\na: b\n\r\n")
			here.Write(in)
			io.WriteString(here, "\r\nDONE\r\n\"\r\nz LOGOUT\r\n")
			here.SetReadDeadline(time.Now().Add(5 * time.Second))
			time.AfterFunc(100*time.Millisecond, func() { here.Close() }) // an open literal waits for more
		}()
		out, _ := io.ReadAll(here)
		here.Close()
		<-done
		if !bytes.HasPrefix(out, []byte("* OK ")) {
			t.Errorf("%q", out)
		}
	})
}
