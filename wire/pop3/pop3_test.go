package pop3

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"tegami/mail"
)

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Command
		text string // key of the error
	}{
		{"QUIT\r\n", Command{"QUIT", ""}, ""},
		{"quit\n", Command{"QUIT", ""}, ""},
		{"top 1 10\r\n", Command{"TOP", "1 10"}, ""},
		{"PASS  two  blanks \r\n", Command{"PASS", " two  blanks "}, ""},
		{"USER 佐藤@例.jp\r\n", Command{"USER", "佐藤@例.jp"}, ""},
		{"PASS " + strings.Repeat("x", MaxCommand-7) + "\r\n", Command{"PASS", strings.Repeat("x", MaxCommand-7)}, ""},
		{"PASS " + strings.Repeat("x", MaxCommand-6) + "\r\n", Command{}, "pop3.line_too_long"},
		{"PASS " + strings.Repeat("x", 3*MaxCommand) + "\r\n", Command{}, "pop3.line_too_long"},
		{"\r\n", Command{}, "pop3.syntax"},
		{" QUIT\r\n", Command{}, "pop3.syntax"},
		{"USER a\x00b\r\n", Command{}, "pop3.syntax"},
		{"USER \xff\r\n", Command{}, "pop3.syntax"},
	} {
		r := NewReader(strings.NewReader(c.in + "NOOP\r\n"))
		got, err := r.Command()
		key, _ := mail.TextOf(err)
		if got != c.want || key != c.text {
			t.Errorf("%.40q: %.60v, %v", c.in, got, err)
		}
		if next, err := r.Command(); next.Verb != "NOOP" {
			t.Errorf("behind %.40q: %v, %v", c.in, next, err)
		}
		if _, err := r.Command(); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestCutLines(t *testing.T) {
	for _, in := range []string{"QUI", strings.Repeat("x", 3*MaxCommand)} {
		if _, err := NewReader(strings.NewReader(in)).Command(); !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
			t.Errorf("%.10q: %v", in, err)
		}
	}
	r := NewReader(strings.NewReader(strings.Repeat("A", MaxAuthLine-2) + "\r\n" + strings.Repeat("B", MaxAuthLine) + "\r\nC\r\n"))
	if line, err := r.Line(MaxAuthLine); len(line) != MaxAuthLine-2 || err != nil {
		t.Errorf("%d octets, %v", len(line), err)
	}
	if _, err := r.Line(MaxAuthLine); !mail.Is(err, mail.Invalid) {
		t.Errorf("a line that is too long: %v", err)
	}
	if line, err := r.Line(MaxAuthLine); line != "C" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
}

func TestReplies(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	w.OK("")
	w.OK("two\r\nlines")
	w.Err("", "no")
	w.Err(InUse, "locked")
	w.Challenge("")
	w.Size(1, 1234567890123)
	w.UniqueID(2, "abc")
	w.Line("USER")
	w.End()
	if out.Len() != 0 {
		t.Error("written before Flush")
	}
	w.Flush()
	want := "+OK\r\n+OK two lines\r\n-ERR no\r\n-ERR [IN-USE] locked\r\n+ \r\n1 1234567890123\r\n2 abc\r\nUSER\r\n.\r\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}

func TestListingLeavesInFewWrites(t *testing.T) {
	var writes int
	w := NewWriter(writerFunc(func(p []byte) (int, error) { writes++; return len(p), nil }))
	const messages = 100000
	for n := range messages {
		w.Size(n+1, 5000)
	}
	w.Flush()
	if limit := messages*12/bufferSize + 2; writes > limit {
		t.Errorf("%d writes, want at most %d", writes, limit)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func stuff(pieces ...string) string {
	var out bytes.Buffer
	w := NewWriter(&out)
	b := w.Body()
	for _, p := range pieces {
		b.Write([]byte(p))
	}
	b.Close()
	w.Flush()
	return out.String()
}

func TestBody(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ".\r\n"},
		{"a\r\n", "a\r\n.\r\n"},
		{"a", "a\r\n.\r\n"},
		{"a\n", "a\n\r\n.\r\n"},
		{".a\r\n.\r\n..b\r\n", "..a\r\n..\r\n...b\r\n.\r\n"},
		{"a\n.\nb\r\n", "a\n..\nb\r\n.\r\n"},
		{"\r\n.", "\r\n..\r\n.\r\n"},
		{"x\r", "x\r\r\n.\r\n"},
	} {
		if got := stuff(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		if got := stuff(strings.Split(c.in, "")...); got != c.want {
			t.Errorf("%q octet by octet: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestTop(t *testing.T) {
	const header, body = "A: 1\r\nB: 2\r\n\r\n", "one\r\n\r\nthree\r\nfour"
	for _, c := range []struct {
		lines int
		want  string
	}{
		{0, header}, {1, header + "one\r\n"}, {2, header + "one\r\n\r\n"}, {3, header + "one\r\n\r\nthree\r\n"}, {9, header + body},
	} {
		for size := 1; size < 40; size++ {
			top := NewTop(c.lines)
			var got []byte
			in := []byte(header + body)
			for len(in) > 0 {
				piece := in[:min(size, len(in))]
				n, done := top.Take(piece)
				got = append(got, piece[:n]...)
				if done {
					break
				}
				in = in[len(piece):]
			}
			if string(got) != c.want {
				t.Fatalf("TOP %d in pieces of %d: %q", c.lines, size, got)
			}
		}
	}
	if n, done := NewTop(0).Take([]byte("A: 1\n\nbody")); n != 6 || !done {
		t.Errorf("bare LF: %d, %v", n, done)
	}
}

// FuzzBody checks that a client gets back what was sent, whatever the pieces, and that nothing ends the reply early.
func FuzzBody(f *testing.F) {
	f.Add([]byte("a\r\n.\r\nb"), uint64(1))
	f.Add([]byte("\n.\n.\r\n."), uint64(2))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		var out bytes.Buffer
		w := NewWriter(&out)
		b := w.Body()
		random := rand.New(rand.NewPCG(seed, seed))
		for rest := in; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			if got, err := b.Write(rest[:n]); got != n || err != nil {
				t.Fatal(got, err)
			}
			rest = rest[n:]
		}
		b.Close()
		w.Flush()
		wire := out.Bytes()
		if i := bytes.Index(append([]byte("\n"), wire...), []byte("\n.\r\n")); i != len(wire)-3 {
			t.Fatalf("the reply %q ends at %d", wire, i)
		}
		var back []byte
		for line := range bytes.Lines(wire[:len(wire)-3]) {
			back = append(back, bytes.TrimPrefix(line, []byte("."))...)
		}
		if string(back) != string(in) && string(back) != string(in)+"\r\n" {
			t.Fatalf("%q came back as %q", in, back)
		}
	})
}

// FuzzReader checks that any octets give commands or errors, never more than the limits, and come to an end.
func FuzzReader(f *testing.F) {
	f.Add([]byte("USER a\r\nPASS b\r\nLIST\r\n"))
	f.Add(bytes.Repeat([]byte("x"), 5000))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(iotest.OneByteReader(bytes.NewReader(in)))
		for range bytes.Count(in, []byte("\n")) + 1 {
			c, err := r.Command()
			if len(c.Verb)+len(c.Args) > MaxCommand {
				t.Fatalf("%d octets", len(c.Verb)+len(c.Args))
			}
			if err != nil && !mail.Is(err, mail.Invalid) {
				return
			}
		}
		if _, err := r.Command(); err == nil {
			t.Fatal("more commands than lines")
		}
	})
}
