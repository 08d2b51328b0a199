package cell

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tegami/policy/probe/apart"
)

// envChild has this test program be a child, in the manner its value names.
const envChild = "-tegami-cell="

func TestMain(m *testing.M) {
	if last := os.Args[len(os.Args)-1]; strings.HasPrefix(last, envChild) {
		if err := manners[strings.TrimPrefix(last, envChild)](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// manners are children: a true one, and such as a hostile file may have made of one.
var manners = map[string]func() error{
	"true":   func() error { return Serve(os.Stdin, os.Stdout, "") },
	"never":  func() error { return errors.New("not today") },
	"hang":   func() error { return afterHello(func() { time.Sleep(time.Hour) }) },
	"crash":  func() error { return afterHello(func() { panic("overrun") }) },
	"memory": func() error { return afterHello(hoard) },
	"long": func() error {
		return afterHello(func() { os.Stdout.Write([]byte{0xff, 0xff, 0xff, 0xff, 0}) })
	},
	"babble": func() error {
		return afterHello(func() { io.Copy(os.Stdout, strings.NewReader("\x00\x00\x00\x05hello")) })
	},
	"wrong": func() error {
		return afterHello(func() { writeFrame(os.Stdout, Report{Problems: []string{""}, Files: []File{{Part: 7}}}, maxAnswer) })
	},
	"escape": func() error { return afterHello(func() { writeFrame(os.Stdout, escapes(), maxAnswer) }) },
}

// afterHello is a child that does something else than it was asked.
func afterHello(do func()) error {
	if err := writeFrame(os.Stdout, hello{Confine()}, maxQuestion); err != nil {
		return err
	}
	if _, err := readChunk(os.Stdin, maxQuestion); err != nil {
		return err
	}
	do()
	return nil
}

// hoard takes memory until there is none.
func hoard() {
	var held [][]byte
	for {
		b := make([]byte, 64<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
		runtime.KeepAlive(held)
	}
}

// escapes tries what a taken-over child would, and reports as a problem what it could do.
func escapes() Report {
	var did []string
	try := func(what string, err error) {
		if err == nil {
			did = append(did, what)
		}
	}
	_, err := os.ReadFile("/etc/passwd")
	try("read a file", err)
	try("write a file", os.WriteFile("/tmp/tegami-cell-escape", []byte("x"), 0o600))
	c, err := net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	try("connect", err)
	if c != nil {
		c.Close()
	}
	_, err = net.Listen("tcp", "127.0.0.1:0")
	try("listen", err)
	try("start a program", exec.Command("/bin/true").Run())
	try("end another process", func() error {
		p, err := os.FindProcess(os.Getppid())
		if err != nil {
			return err
		}
		return p.Signal(os.Kill)
	}())
	return Report{Problems: []string{strings.Join(did, ", ")}}
}

func pool(t *testing.T, manner string, change func(*Config)) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Command: []string{self, envChild + manner}, Children: 1, Limits: Default(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&cfg)
	}
	p := NewPool(cfg)
	t.Cleanup(p.Close)
	return p
}

func part(name string, octets []byte) Part {
	return Part{Name: name, Size: int64(len(octets)), Octets: bytes.NewReader(octets)}
}

func zipped(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, files[i+1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inspectors are both ways to look into files; they say the same.
func inspectors(t *testing.T) map[string]Inspector {
	return map[string]Inspector{"inline": Inline(Default()), "child": pool(t, "true", nil)}
}

func TestVC1ArchivesInArchives(t *testing.T) {
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	outer := zipped(t, "memo.txt", "見積もりをお送りします。", "inner.zip", string(zipped(t, "invoice.com", eicar)))
	for name, x := range inspectors(t) {
		t.Run(name, func(t *testing.T) {
			r, err := x.Inspect(t.Context(), []Part{part("hello.txt", []byte("hello")), part("outer.zip", outer)})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Threats) != 1 || r.Threats[0].Part != 1 || strings.Join(r.Threats[0].Path, "/") != "outer.zip/inner.zip/invoice.com" {
				t.Errorf("threats %+v", r.Threats)
			}
			if len(r.Files) != 5 {
				t.Errorf("%d files %+v", len(r.Files), r.Files)
			}
			var texts []string
			for _, x := range r.Texts {
				texts = append(texts, x.Body)
			}
			if all := strings.Join(texts, "|"); !strings.Contains(all, "見積もりをお送りします。") || !strings.Contains(all, "hello") {
				t.Errorf("texts %q", all)
			}
			if strings.Join(r.Problems, "") != "" {
				t.Errorf("problems %q", r.Problems)
			}
		})
	}
}

func TestVC1LimitsOfAPart(t *testing.T) {
	lim := Default()
	lim.Part = 100
	for name, x := range map[string]Inspector{"inline": Inline(lim), "child": pool(t, "true", func(c *Config) { c.Limits = lim })} {
		r, err := x.Inspect(t.Context(), []Part{part("big", make([]byte, 101)), part("fits.txt", []byte("fits"))})
		if err != nil {
			t.Fatal(err)
		}
		if r.Problems[0] != apart.TooLarge || r.Problems[1] != "" || len(r.Files) != 2 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// What a file does to a child is no error, and the next one is looked into by another child.
func TestVC1ChildrenThatFail(t *testing.T) {
	for _, c := range []struct{ manner, problem string }{
		{"hang", apart.TimeOut}, {"crash", Lost}, {"memory", Lost}, {"long", Lost}, {"babble", Lost}, {"wrong", Lost},
	} {
		t.Run(c.manner, func(t *testing.T) {
			p := pool(t, c.manner, func(cfg *Config) {
				if cfg.Limits.Time = 20 * time.Second; c.manner == "hang" {
					cfg.Limits.Time = 200*time.Millisecond - grace
				}
			})
			for range 2 {
				r, err := p.Inspect(t.Context(), []Part{part("a.doc", []byte("x"))})
				if err != nil || len(r.Files) != 1 || r.Problems[0] != c.problem || r.Files[0].Name != "a.doc" {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			if lost := p.State().Lost; lost != 2 {
				t.Errorf("%d lost", lost)
			}
		})
	}
}

func TestNoChild(t *testing.T) {
	p := pool(t, "never", nil)
	r, err := p.Inspect(t.Context(), []Part{part("a.doc", []byte("x"))})
	if err != nil || r.Problems[0] != Down {
		t.Fatalf("%+v, %v", r, err)
	}
	if s := p.State(); s.Err == nil || !strings.Contains(s.Err.Error(), "not today") || s.Children != 0 {
		t.Errorf("%+v", s)
	}
}

// A child that a file took over reaches nothing.
func TestConfined(t *testing.T) {
	p := pool(t, "escape", nil)
	r, err := p.Inspect(t.Context(), []Part{part("a", []byte("x"))})
	if err != nil {
		t.Fatal(err)
	}
	s := p.State()
	if runtime.GOOS != "linux" {
		t.Skipf("no confinement on %s: %+v", runtime.GOOS, s.Confined)
	}
	if !s.Confined.Whole() || r.Problems[0] != "" {
		t.Errorf("a child could: %s; %+v", r.Problems[0], s.Confined)
	}
	if !s.Confined.Network {
		t.Logf("no network namespace here: %+v", s.Confined)
	}
}

// An error of reading what the caller gave is the caller's.
func TestSourceFails(t *testing.T) {
	broken := errors.New("disk")
	for name, x := range inspectors(t) {
		_, err := x.Inspect(t.Context(), []Part{{Name: "a", Octets: iotest.ErrReader(broken)}})
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if r, err := x.Inspect(t.Context(), []Part{part("b.txt", []byte("b"))}); err != nil || r.Problems[0] != "" {
			t.Errorf("%s: after it %+v, %v", name, r, err)
		}
	}
}

// Children are replaced after their uses, and several are asked at once.
func TestReplaced(t *testing.T) {
	p := pool(t, "true", func(c *Config) { c.Children, c.Uses = 2, 3 })
	done := make(chan error)
	for range 8 {
		go func() {
			for range 4 {
				r, err := p.Inspect(t.Context(), []Part{part("b.txt", []byte("b"))})
				if err == nil && (len(r.Texts) != 1 || r.Problems[0] != "") {
					err = fmt.Errorf("%+v", r)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if s := p.State(); s.Children > 2 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// An asker who goes away gets no answer, and a pool that is closed gives none.
func TestGivenUp(t *testing.T) {
	p := pool(t, "hang", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if r, err := p.Inspect(ctx, []Part{part("a", nil)}); err != nil || r.Problems[0] != apart.TimeOut && r.Problems[0] != Down {
		t.Errorf("%+v, %v", r, err)
	}
	p.Close()
	if r, err := p.Inspect(t.Context(), []Part{part("a", nil)}); err != nil || r.Problems[0] != Down {
		t.Errorf("%+v, %v", r, err)
	}
}

// Bombs end within the time.
func TestVC1Bomb(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("zeros")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(f, zeros{}, 300<<20); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := pool(t, "true", nil).Inspect(t.Context(), []Part{part("bomb.zip", b.Bytes())})
	if err != nil || r.Problems[0] != apart.Ratio && r.Problems[0] != apart.TooLarge {
		t.Fatalf("%+v, %v", r, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// FuzzServe has a child read hostile questions, and FuzzAnswer a parent hostile answers: neither panics.
func FuzzServe(f *testing.F) {
	var b bytes.Buffer
	writeFrame(&b, question{Limits: Default(), Within: time.Second, Parts: []partHead{{"a.txt", "text/plain"}}}, maxQuestion)
	b.WriteString("\x00\x00\x00\x02hi\x00\x00\x00\x00")
	f.Add(b.Bytes())
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		var q question
		if readFrame(r, &q, maxQuestion) != nil {
			return
		}
		q.Within = min(q.Within, 100*time.Millisecond)
		_, _ = q.answer(r, nil)
	})
}

func FuzzAnswer(f *testing.F) {
	var b bytes.Buffer
	writeFrame(&b, blind([]Part{{Name: "a"}}, Lost), maxAnswer)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Report
		if readFrame(bytes.NewReader(in), &r, maxAnswer) == nil {
			_ = r.check(1, Default())
		}
	})
}
