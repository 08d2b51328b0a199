package relay

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/domains"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// sink starts Debian's smtp-sink and gives its port.
func sink(t testing.TB, args ...string) int {
	t.Helper()
	path, err := exec.LookPath("smtp-sink")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/smtp-sink"); err != nil {
			t.Skip("smtp-sink (Debian's postfix) is not here")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that was free a moment ago: smtp-sink can't say which it took
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	command := exec.Command(path, append(args, "127.0.0.1:"+strconv.Itoa(port), "100")...)
	var words strings.Builder
	command.Stderr = &words
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill(); command.Wait() })
	for range 1000 {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			conn.Close()
			return port
		}
		time.Sleep(5 * time.Millisecond) // another process: there is nothing to wait on
	}
	t.Fatal("smtp-sink did not start: ", words.String())
	return 0
}

// TestSink sends to a server that others wrote, and reads what it kept.
func TestSink(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} { // smtp-sink gives root up before it writes
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	port := sink(t, "-d", filepath.Join(dir, "%M."), "-h", "sink.example")
	l := newLab(t, "x.example. MX 1 mx.x.example.\nmx.x.example. A 127.0.0.1")
	l.cfg.Port = uint16(port)
	text := shortText + ".\r\n..\r\n" + strings.Repeat("x", 900) + "\r\n"
	one, two := l.item(text, "b@x.example", "c@x.example"), l.item(shortText, "d@x.example")
	if err := l.carry(one, two); err != nil {
		t.Error(err)
	}
	l.became(one, "delivered 2.0.0 mx.x.example", "delivered 2.0.0 mx.x.example")
	l.became(two, "delivered 2.0.0 mx.x.example")
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	all := ""
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	want := strings.ReplaceAll(text, "\r\n", "\n")
	if len(files) != 2 || !strings.Contains(all, want) || !strings.Contains(all, "b@x.example") {
		t.Errorf("%d files, such as %.600q", len(files), all)
	}
}

// BenchmarkSend measures messages of 4 KB from the store to smtp-sink, over 20 connections.
func BenchmarkSend(b *testing.B) {
	port := sink(b)
	l := newLab(b, "x.example. MX 1 mx.x.example.\nmx.x.example. A 127.0.0.1")
	l.cfg.Port, l.cfg.Allow = uint16(port), []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	l.cfg.SmartHost = &domains.SmartHost{Host: "127.0.0.1", Port: uint16(port), TLS: domains.TLSOff}
	r := l.start()
	first := l.item(shortText+strings.Repeat("a line of a letter of 4 KB, as most are, more or less\r\n", 75), "b@x.example")
	jobs := make(chan *queue.Item, 100)
	var all sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 20 {
		all.Go(func() {
			tr := &trip{relay: r}
			defer tr.end()
			for it := range jobs {
				open := func(ctx context.Context) (store.Blob, error) { return l.tenant.Blobs().Open(ctx, it.Blob) }
				if err := tr.serve(b.Context(), &parcel{ourTenant, it, open}); err != nil || it.To[0].Outcome == queue.Waiting {
					b.Error(err, it.To[0])
				}
			}
		})
	}
	for range b.N {
		it := *first
		it.To = []queue.Recipient{{Recipient: mail.Recipient{Address: first.To[0].Address}}}
		jobs <- &it
	}
	close(jobs)
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
