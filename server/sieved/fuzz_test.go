package sieved

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// FuzzSession sends any octets to a signed-in session. It must not hang or panic, and greets.
func FuzzSession(f *testing.F) {
	for _, line := range dialogLines(f) {
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

// dialogLines are the commands of all dialogs.
func dialogLines(t testing.TB) (lines []string) {
	files, err := filepath.Glob("testdata/*.dialog")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogs", err)
	}
	client := regexp.MustCompile(`(?m)^C: (.*)$`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range client.FindAllSubmatch(text, -1) {
			lines = append(lines, string(m[1]))
		}
	}
	return lines
}
