package smtp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"tegami/mail"
)

// TestSmuggling: only <CRLF>.<CRLF> ends a body, and a body with any other line end
// is read to its end and refused (RFC 5321 §2.3.8). rest is what the next command would be.
func TestSmuggling(t *testing.T) {
	const next = "MAIL FROM:<evil@x.example>\r\n"
	for _, c := range []struct {
		name, in, body string
		bare           bool
	}{
		{"empty", ".\r\n", "", false},
		{"one line", "a\r\n.\r\n", "a\r\n", false},
		{"stuffed dots", "..\r\n..a\r\n.b\r\n...\r\n.\r\n", ".\r\n.a\r\nb\r\n..\r\n", false},
		{"dot within a line", "a.\r\n.\r\n", "a.\r\n", false},
		{"LF . LF", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", true},
		{"LF . CRLF", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", true},
		{"CRLF . LF", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", true},
		{"CR . CR", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", true},
		{"CRLF . CR", "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", true},
		{"CR . CRLF", "a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", true},
		{"CR CRLF . CRLF", "a\r\r\n.\r\n", "a\r\r\n", true},
		{"CRLF . CR CRLF", "a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", true},
		{"LF CR . CR LF", "a\n\r.\r\nb\r\n.\r\n", "a\n\r.\r\nb\r\n", true},
		{"LF first", "\n.\r\n.\r\n", "\n.\r\n", true},
		{"CR last", "a\r\n\r\r\n.\r\n", "a\r\n\r\r\n", true},
		{"NUL", "a\x00b\r\n.\r\n", "a\x00b\r\n", false},
		{"CRLF .. CRLF", "a\r\n..\r\n.\r\n", "a\r\n.\r\n", false},
	} {
		for _, reader := range []struct {
			name string
			make func(io.Reader) io.Reader
		}{{"whole", func(r io.Reader) io.Reader { return r }}, {"by octet", iotest.OneByteReader}, {"by half", iotest.HalfReader}, {"data with EOF", iotest.DataErrReader}} {
			t.Run(c.name+"/"+reader.name, func(t *testing.T) {
				r := NewReader(reader.make(strings.NewReader(c.in+next)), nil)
				var got bytes.Buffer
				size, err := r.Data(&got, 1000)
				if got.String() != c.body || size != int64(len(c.body)) {
					t.Errorf("body %q (%d), want %q", &got, size, c.body)
				}
				if key, _ := mail.TextOf(err); c.bare != (key == "message.bare_newline") || err != nil && !InStep(err) {
					t.Errorf("err %v, want bare: %v", err, c.bare)
				}
				if line, err := r.Line(100); err != nil || string(line)+"\r\n" != next {
					t.Errorf("next line %q, %v", line, err)
				}
			})
		}
	}
}

// TestML9MessageSize: what is over the limit isn't stored but read to its end.
func TestML9MessageSize(t *testing.T) {
	const limit = mail.MaxMessageSize
	for _, size := range []int{limit - 1, limit, limit + 1, limit + BlockSize} {
		body := strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", size/64+1)[:size-2] + "\r\n"
		r := NewReader(strings.NewReader(body+".\r\nQUIT\r\n"), nil)
		var got bytes.Buffer
		n, err := r.Data(&got, limit)
		if n != int64(size) || got.Len() > limit {
			t.Errorf("size %d: counted %d, stored %d", size, n, got.Len())
		}
		key, _ := mail.TextOf(err)
		if tooBig := key == "message.too_big" && mail.Is(err, mail.Full); tooBig != (size > limit) {
			t.Errorf("size %d: %v", size, err)
		}
		if err == nil && got.String() != body {
			t.Errorf("size %d: body differs", size)
		}
		if line, err := r.Line(10); string(line) != "QUIT" {
			t.Errorf("size %d: next line %q, %v", size, line, err)
		}
	}
}

// endless gives the same octets for ever.
type endless struct{ text string }

func (e endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], e.text)
	}
	return n, nil
}

// broken is a sink that fails.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestDataFailures(t *testing.T) {
	if n, err := NewReader(endless{"aaaaaaaa"}, nil).Data(io.Discard, 100); !errors.Is(err, ErrEndless) || n < MaxDrain {
		t.Errorf("endless body: %d, %v", n, err)
	}
	if _, err := NewReader(strings.NewReader("a\r\n"), nil).Data(io.Discard, 100); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken off: %v", err)
	}
	full := mail.E("sink", mail.Unavailable, "storage.full")
	r := NewReader(strings.NewReader("a\r\n.\r\nQUIT\r\n"), nil)
	if _, err := r.Data(broken{full}, 100); !mail.Is(err, mail.Unavailable) || !InStep(err) {
		t.Errorf("failing sink: %v", err)
	}
	if line, err := r.Line(10); string(line) != "QUIT" {
		t.Errorf("after a failing sink: %q, %v", line, err)
	}
	r = NewReader(strings.NewReader(".\r\nQUIT\r\n"), nil)
	if _, err := r.Data(broken{errors.New("x")}, 100); err != nil {
		t.Errorf("an empty body needs no sink: %v", err)
	}
	r = NewReader(strings.NewReader("a\r\n.\r\nQUIT\r\n"), nil)
	if _, err := r.Data(broken{errors.New("x")}, 100); !InStep(err) {
		t.Errorf("a sink's foreign error: %v", err)
	}
}

func TestChunk(t *testing.T) {
	r := NewReader(iotest.HalfReader(strings.NewReader("a\n.\r\nbQUIT\r\n")), nil)
	var got bytes.Buffer
	check := LineCheck{Dst: &got}
	if err := r.Chunk(&check, 4, 100); err != nil || got.String() != "a\n.\r" {
		t.Errorf("%q, %v", &got, err)
	}
	if err := r.Chunk(&check, 2, 1); !mail.Is(err, mail.Full) {
		t.Errorf("over the limit: %v", err)
	}
	if line, err := r.Line(10); string(line) != "QUIT" {
		t.Errorf("%q, %v", line, err)
	}
	if err := r.Chunk(&check, 1, 100); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken off: %v", err)
	}
	for in, want := range map[string]bool{
		"a|\r\n": false, "a\r|\nb\r\n": false, "a\n": true, "a\r|b": true, "a|\nb": true, "": false, "a": false, "\r|\r\n": true, "a\r": true,
	} {
		var c LineCheck
		for part := range strings.SplitSeq(in, "|") {
			c.Write([]byte(part))
		}
		if c.Bare() != want {
			t.Errorf("%q: bare %v", in, c.Bare())
		}
	}
}

// referenceData is Data by the octet, as plainly as can be said.
func referenceData(in string) (body, rest string, bare, ok bool) {
	var out []byte
	for i := 0; i < len(in); i++ {
		if i == 0 || strings.HasSuffix(in[:i], "\r\n") {
			if strings.HasPrefix(in[i:], ".\r\n") {
				return string(out), in[i+3:], bare, true
			}
			if in[i] == '.' {
				if i+1 < len(in) && in[i+1] == '\n' {
					bare = true
				}
				continue
			}
		}
		out = append(out, in[i])
		bare = bare || in[i] == '\n' && (i == 0 || in[i-1] != '\r') || in[i] == '\r' && (i+1 == len(in) || in[i+1] != '\n')
	}
	return "", "", false, false
}

func FuzzData(f *testing.F) {
	for _, s := range []string{".\r\n", "a\r\n..b\r\n.\r\nQUIT\r\n", "a\n.\r\n\r\n.\r\n", "a\r\n.\r\r\n.\r\n", "\r\r\n.\r\n"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, in string, step int) {
		body, rest, bare, ok := referenceData(in)
		var src io.Reader = strings.NewReader(in)
		if step%2 == 0 {
			src = iotest.OneByteReader(src)
		}
		r := NewReader(src, nil)
		var got bytes.Buffer
		_, err := r.Data(&got, 1<<20)
		if ok != (err == nil || InStep(err)) {
			t.Fatalf("%q: err %v, reference ends: %v", in, err, ok)
		}
		if !ok {
			return
		}
		left, _ := io.ReadAll(io.MultiReader(bytes.NewReader(r.buf[r.r:r.w]), src))
		if got.String() != body || string(left) != rest || bare != (err != nil) {
			t.Fatalf("%q: body %q rest %q err %v, want %q %q bare %v", in, &got, left, err, body, rest, bare)
		}
	})
}

// FuzzDotWriter: what the writer makes, the reader takes back, and never refuses.
func FuzzDotWriter(f *testing.F) {
	for _, s := range []string{"", "a", ".", "a\r\n.\r\nb", "a\n.\n", "\r", "a\rb\r\n", "\r\n.\r"} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		var wire bytes.Buffer
		w := NewDotWriter(&wire)
		at := 0
		if len(in) > 0 {
			at = int(uint(cut) % uint(len(in)))
		}
		w.Write(in[:at])
		w.Write(in[at:])
		w.Close()
		r := NewReader(&wire, nil)
		var got bytes.Buffer
		if _, err := r.Data(&got, 1<<20); err != nil || r.Buffered() != 0 || wire.Len() != 0 {
			t.Fatalf("%q: %v, %d left", in, err, r.Buffered()+wire.Len())
		}
		var c LineCheck
		c.Write(in)
		clean := !c.Bare() && (len(in) == 0 || bytes.HasSuffix(in, []byte("\r\n")))
		if clean && !bytes.Equal(got.Bytes(), in) {
			t.Fatalf("%q became %q", in, &got)
		}
	})
}

func BenchmarkData(b *testing.B) {
	line := strings.Repeat("x", 74) + "\r\n"
	in := strings.Repeat(line, 1<<20/len(line)) + ".\r\n"
	blocks := NewBlocks(1)
	src := strings.NewReader(in)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	r := NewReader(src, blocks)
	for b.Loop() {
		src.Reset(in)
		r.Reset(src)
		if _, err := r.Data(io.Discard, 2<<20); err != nil {
			b.Fatal(err)
		}
	}
}
