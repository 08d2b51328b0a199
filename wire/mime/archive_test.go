package mime

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tegami/lab/archives"
)

// exceptions are the known differences from what others expect, from testdata/exceptions.tsv:
// archive, file, place ("*" for all of them), and the reason.
type exceptions struct {
	t    *testing.T
	used map[string]bool
}

func loadExceptions(t *testing.T, archive string) *exceptions {
	t.Helper()
	b, err := os.ReadFile("testdata/exceptions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	x := &exceptions{t: t, used: map[string]bool{}}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[3] == "" {
			t.Fatalf("exceptions.tsv: want archive, file, place, reason: %q", line)
		}
		if f[0] == archive {
			x.used[f[1]+"\t"+f[2]] = false
		}
	}
	return x
}

// report fails the test unless the difference is a known exception.
func (x *exceptions) report(file, place, format string, args ...any) {
	x.t.Helper()
	base := strings.TrimSuffix(file, " crlf")
	for _, key := range []string{base + "\t" + strings.TrimSpace(place), base + "\t*"} {
		if _, known := x.used[key]; known {
			x.used[key] = true
			return
		}
	}
	x.t.Errorf("%s: %s: %s", file, place, fmt.Sprintf(format, args...))
}

// done fails the test for exceptions that are none any more.
func (x *exceptions) done() {
	for key, used := range x.used {
		if !used {
			x.t.Errorf("exceptions.tsv: %q does not differ", key)
		}
	}
}

// checkStructure checks what holds of every message: ranges nest, the pieces are the message,
// chunks do not matter, the kept form is the structure, and its texts are the rendered ones.
func checkStructure(t testing.TB, raw []byte, sizes ...int) *Message {
	t.Helper()
	m := ParseBytes(raw, Limits{})
	if m.Size != int64(len(raw)) || m.Lines != int64(bytes.Count(raw, []byte("\n"))) {
		t.Errorf("size %d, lines %d of %d octets", m.Size, m.Lines, len(raw))
	}
	if !bytes.Equal(rebuild(t, raw, m), raw) {
		t.Error("the pieces are not the message")
	}
	for _, size := range sizes {
		if other := ParseChunks(chunks(raw, size), Limits{}); !reflect.DeepEqual(m, other) {
			t.Errorf("in chunks of %d the structure differs:\n%s\n%s", size, AppendBodyStructure(nil, m.Root, true), AppendBodyStructure(nil, other.Root, true))
		}
	}
	checkIndex(t, m)
	return m
}

func chunks(b []byte, size int) (all [][]byte) {
	for len(b) > 0 {
		n := min(size, len(b))
		all = append(all, b[:n])
		b = b[n:]
	}
	return all
}

// rebuild joins the header and body of every leaf and the octets between them.
func rebuild(t testing.TB, raw []byte, m *Message) []byte {
	var out []byte
	at := int64(0)
	put := func(end int64) {
		if end < at || end > int64(len(raw)) {
			t.Fatalf("offset %d after %d of %d", end, at, len(raw))
		}
		out = append(out, raw[at:end]...)
		at = end
	}
	var walk func(p *Part, from, to int64)
	walk = func(p *Part, from, to int64) {
		if p.HeaderStart < from || p.BodyStart < p.HeaderStart || p.BodyEnd < p.BodyStart || p.BodyEnd > to {
			t.Fatalf("part [%d %d %d] is not within [%d %d]", p.HeaderStart, p.BodyStart, p.BodyEnd, from, to)
		}
		if n := int64(bytes.Count(raw[p.BodyStart:p.BodyEnd], []byte("\n"))); n != p.Lines {
			t.Errorf("part at %d: %d lines, want %d", p.HeaderStart, p.Lines, n)
		}
		put(p.HeaderStart)
		put(p.BodyStart)
		last := p.BodyStart
		for _, c := range p.Children {
			walk(c, last, p.BodyEnd)
			last = c.BodyEnd
		}
		put(p.BodyEnd)
	}
	walk(m.Root, 0, m.Size)
	put(m.Size)
	return out
}

func checkIndex(t testing.TB, m *Message) {
	t.Helper()
	x := Index(m.Encode(nil))
	back, err := Decode(x)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	if !reflect.DeepEqual(m, back) {
		t.Errorf("decoded structure differs:\n%s\n%s", dump(m.Root), dump(back.Root))
	}
	for _, c := range []struct{ name, got, want string }{
		{"Envelope", string(x.Envelope()), string(AppendEnvelope(nil, m.Root.Envelope))},
		{"BodyStructure", string(x.BodyStructure()), string(AppendBodyStructure(nil, m.Root, true))},
		{"Body", string(x.Body()), string(AppendBodyStructure(nil, m.Root, false))},
	} {
		if c.got != c.want {
			t.Errorf("Index.%s = %s\nwant %s", c.name, c.got, c.want)
		}
	}
	if x.HeaderSize() != m.Root.BodyStart || x.Size() != m.Size {
		t.Errorf("Index sizes %d %d", x.HeaderSize(), x.Size())
	}
}

func dump(p *Part) string { return fmt.Sprintf("%+v\n%+v", p, p.Envelope) }

// TestArchivesRebuild parses every file of the archives, mail or not.
func TestArchivesRebuild(t *testing.T) {
	for _, archive := range []string{
		"mime-cyrus", "mime-enmime", "mime-gmime", "mime-mailparser-stalwart", "mime-mimekit",
		"mime-python", "mime-rspamd", "mime-rubymail", "mime-tika", "mox-messages", "spam-gtube", "mailauth-stalwart", "spam-spamassassin",
	} {
		t.Run(archive, func(t *testing.T) {
			dir, n := archives.Unpack(t, archive), 0
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				raw, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				n++
				if n > 500 {
					checkStructure(t, raw, 13)
					return nil
				}
				checkStructure(t, raw, 1, 13, 4096)
				crlf := bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
				checkStructure(t, crlf, 7)
				if t.Failed() {
					return fmt.Errorf("first failure at %s", path)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if n == 0 {
				t.Error("the archive is empty")
			}
		})
	}
}
