package apart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// gzipped packs octets.
func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zeros gives a gzip of n MiB of zeros.
func zeros(t testing.TB, n int) []byte { return gzipped(t, make([]byte, n<<20)) }

// nested packs a file in zips within zips.
func nested(t testing.TB, levels int) []byte {
	data := []byte("the end")
	for i := range levels {
		data = makeZip(t, inside{fmt.Sprintf("%d.zip", i), data})
	}
	return data
}

// fortyTwo is a bomb as 42.zip: each level holds the same archive many times.
func fortyTwo(t testing.TB) []byte {
	data := makeZip(t, inside{"0.dll", make([]byte, 4<<20)})
	for level := range 5 {
		var files []inside
		for i := range 16 {
			files = append(files, inside{fmt.Sprintf("lib %d.%d.zip", level, i), data})
		}
		data = makeZip(t, files...)
	}
	return data
}

// overlapping is a zip of n members that all have the same octets, as David Fifield's bombs.
func overlapping(t testing.TB, n int) []byte {
	one := makeZip(t, inside{"a", make([]byte, 1<<20)})
	at := bytes.Index(one, []byte("PK\x01\x02"))
	end := bytes.Index(one, []byte("PK\x05\x06"))
	record := one[at:end]
	all := append([]byte{}, one[:at]...)
	for range n {
		all = append(all, record...)
	}
	last := append([]byte{}, one[end:]...)
	little.PutUint16(last[8:], uint16(n))
	little.PutUint16(last[10:], uint16(n))
	little.PutUint32(last[12:], uint32(n*len(record)))
	return append(all, last...)
}

// many is a tar of n empty files.
func many(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := range n {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint(i), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return gzipped(t, b.Bytes())
}

// parts is a message of multiparts in each other.
func parts(levels int) []byte {
	var b strings.Builder
	b.WriteString("From: a@example.com\r\nMIME-Version: 1.0\r\n")
	for i := range levels {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	b.WriteString("\r\nend\r\n")
	return []byte(b.String())
}

// TestVC1Bombs: every bomb ends in a verdict of its own, with bounded work.
func TestVC1Bombs(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		lim  Limits
		want string
	}{
		{"zeros beyond the ratio", zeros(t, 64), Limits{}, Ratio},
		{"zeros beyond a member", zeros(t, 20), Limits{Each: 16 << 20, Ratio: 5000}, TooLarge},
		{"zeros beyond all", zeros(t, 20), Limits{Total: 16 << 20, Ratio: 5000}, TooLarge},
		{"zeros in gzip in gzip", gzipped(t, zeros(t, 64)), Limits{}, Ratio},
		{"a hundred levels", nested(t, 100), Limits{}, TooDeep},
		{"seventeen levels", nested(t, 17), Limits{}, ""},
		{"eighteen levels", nested(t, 18), Limits{}, TooDeep},
		{"42.zip", fortyTwo(t), Limits{}, TooLarge},
		{"overlapping", overlapping(t, 2000), Limits{}, Ratio},
		{"overlapping, within the ratio", overlapping(t, 2000), Limits{Ratio: 1 << 20}, TooLarge},
		{"many files", many(t, 20_000), Limits{}, TooMany},
		{"many records for one file", overlapping(t, 60_000), Limits{Ratio: 1 << 20, Total: 1 << 40}, TooMany},
		{"a hundred multiparts", parts(100), Limits{}, TooDeep},
	} {
		t.Run(c.name, func(t *testing.T) {
			var live runtime.MemStats
			peak := uint64(0)
			lim := c.lim.filled()
			if c.lim.Total > 1<<30 { // members of a MiB each: a smaller number of them will do
				lim.Members = 100
			}
			out, err := Walk(context.Background(), lim, "bomb", "", bytes.NewReader(c.data), int64(len(c.data)), func(*Member) error {
				runtime.ReadMemStats(&live)
				peak = max(peak, live.HeapInuse)
				return nil
			})
			if err != nil || out.Problem != c.want {
				t.Errorf("%v %+v", err, out)
			}
			if out.Octets > lim.Total+chunkSize || out.Members > lim.Members {
				t.Errorf("%d octets, %d members", out.Octets, out.Members)
			}
			if peak > 3*uint64(Default().Total) {
				t.Errorf("%d octets of memory", peak)
			}
		})
	}
}

// TestVC1Quine: Russ Cox's r.zip holds itself without end. Go's own tests have it.
func TestVC1Quine(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("no go command here")
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src", "archive", "zip", "reader_test.go"))
	if err != nil {
		t.Skip("no source of Go here")
	}
	_, dump, ok := strings.Cut(string(source), "func rZipBytes() []byte")
	if !ok {
		t.Skip("Go's tests have no r.zip any more")
	}
	dump, _, _ = strings.Cut(dump, "\n}")
	var data []byte
	for _, line := range regexp.MustCompile(`(?m)^[0-9a-f]{7} ([0-9a-f ]+)$`).FindAllStringSubmatch(dump, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, b...)
	}
	if len(data) < 400 {
		t.Skipf("%d octets of r.zip were found", len(data))
	}
	got, out := list(t, Limits{}, "r.zip", "", data)
	if out.Problem != TooDeep || len(got) != Default().Depth+1 {
		t.Errorf("%d members, %+v", len(got), out)
	}
}

// TestVC1Ends: the end of the context, of the time, and of the caller's patience.
func TestVC1Ends(t *testing.T) {
	data := nested(t, 5)
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	out, err := Walk(ctx, Limits{}, "a.zip", "", bytes.NewReader(data), int64(len(data)), func(*Member) error {
		if seen++; seen == 2 {
			cancel()
		}
		return nil
	})
	if err != nil || out.Problem != TimeOut || seen != 2 {
		t.Errorf("%v %+v after %d", err, out, seen)
	}
	if out, err = Walk(context.Background(), Limits{Time: time.Nanosecond}, "a.zip", "", bytes.NewReader(data), int64(len(data)), func(*Member) error { return nil }); err != nil || out.Problem != TimeOut {
		t.Errorf("%v %+v", err, out)
	}
	enough := errors.New("enough")
	if _, err = Walk(context.Background(), Limits{}, "a.zip", "", bytes.NewReader(data), int64(len(data)), func(*Member) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
	seen = 0
	out, err = Walk(context.Background(), Limits{}, "a.zip", "", bytes.NewReader(data), int64(len(data)), func(*Member) error { seen++; return ErrSkipMembers })
	if err != nil || out.Problem != "" || seen != 1 {
		t.Errorf("%v %+v after %d", err, out, seen)
	}
}

// broken can't be read.
type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errors.New("the disk is gone") }

// TestVC1SourceFails: that the octets can't be read is an error and no fact about the file.
func TestVC1SourceFails(t *testing.T) {
	if _, err := Walk(context.Background(), Limits{}, "a.zip", "", broken{}, 1000, func(*Member) error { return nil }); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Error(err)
	}
}
