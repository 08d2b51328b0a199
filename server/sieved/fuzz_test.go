package sieved

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"testing"
	"time"

	"tegami/lab/dialog"
)

// FuzzSession sends any octets to a signed-in session. It must not hang or panic, and greets.
func FuzzSession(f *testing.F) {
	for _, line := range dialog.Commands(f, "testdata/*.dialog") {
		f.Add([]byte(line))
	}
	h := newHouse(f)
	srv := New(Config{AllowPlainAuth: true}, h.dir, h.boxes)
	signIn := `AUTHENTICATE "PLAIN" "` + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)) + "\"\r\n"
	f.Fuzz(func(t *testing.T, in []byte) {
		here, there := net.Pipe()
		done := make(chan struct{})
		go func() {
			srv.serve(context.Background(), there)
			there.Close()
			close(done)
		}()
		go func() {
			io.WriteString(here, signIn)
			here.Write(in)
			io.WriteString(here, "\r\n\"\r\nLOGOUT\r\n")
			time.AfterFunc(100*time.Millisecond, func() { here.Close() }) // an open literal waits for more
		}()
		out, _ := io.ReadAll(here)
		here.Close()
		<-done
		if !bytes.HasPrefix(out, []byte(`"IMPLEMENTATION"`)) {
			t.Errorf("%q", out)
		}
	})
}
