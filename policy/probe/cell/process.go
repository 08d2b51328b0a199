package cell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"

	"tegami/policy/probe/apart"
)

const timeOut = apart.TimeOut

// mostSaid is how much of what a child says on its standard error is kept, in octets: the beginning, where Go names what went wrong.
const mostSaid = 2 << 10

// A child is a process that takes files apart. One question at a time.
type child struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	pipe     io.Closer // below out
	out      *bufio.Reader
	said     *beginning
	confined Confinement
	uses     int
	gone     chan struct{} // closed when the process has ended
	killOnce sync.Once
}

// startChild starts a child and waits for its hello; apart from the rest of the system in namespaces of its own where those are wanted.
func startChild(ctx context.Context, command []string, namespaces bool) (*child, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=single"}
	c := &child{cmd: cmd, said: &beginning{}, gone: make(chan struct{})}
	if namespaces && !isolate(cmd) {
		return nil, errors.ErrUnsupported
	}
	cmd.Stderr = c.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.pipe, c.out = in, out, bufio.NewReaderSize(out, chunkSize)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return c, c.greet(ctx)
}

// greet waits for the child's hello.
func (c *child) greet(ctx context.Context) error {
	go c.wait()
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	var h hello
	if err := readFrame(c.out, &h, maxQuestion); err != nil {
		c.kill()
		<-c.gone
		return fmt.Errorf("%w: %s", err, c.said)
	}
	c.confined = h.Confined
	return nil
}

// wait takes note of the process's end. What it said before may still be read: Wait of package exec would cut it.
func (c *child) wait() {
	_, _ = c.cmd.Process.Wait() // whatever it ended by: who asks sees it by the pipe
	close(c.gone)
}

// alive tells whether the process has not ended.
func (c *child) alive() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// kill ends the process and gives its pipes back. What fails here is gone already.
func (c *child) kill() {
	c.killOnce.Do(func() {
		_ = c.cmd.Process.Kill()
		_ = c.in.Close()
		_ = c.pipe.Close()
	})
}

// ask asks a question. Any error leaves the child of no use.
func (c *child) ask(ctx context.Context, lim Limits, parts []Part) (*Report, error) {
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	if err := c.tell(lim, parts); err != nil {
		return nil, err
	}
	var r Report
	if err := readFrame(c.out, &r, maxAnswer); err != nil {
		return nil, err
	}
	return &r, r.check(len(parts), lim)
}

// tell writes the question.
func (c *child) tell(lim Limits, parts []Part) error {
	q := question{Limits: lim, Within: lim.Time, Parts: make([]partHead, len(parts))}
	for i, p := range parts {
		q.Parts[i] = partHead{p.Name, p.Type}
	}
	w := bufio.NewWriterSize(c.in, chunkSize)
	if err := writeFrame(w, q, maxQuestion); err != nil {
		return err
	}
	for _, p := range parts {
		if err := writeOctets(w, p.Octets); err != nil {
			return err
		}
	}
	return w.Flush()
}

var errAnswer = errors.New("an answer that can't be one")

// check holds a report against what was asked: a child that was taken over may say anything.
func (r *Report) check(parts int, lim Limits) error {
	ok := len(r.Problems) == parts && len(r.Files) <= lim.Files+parts && len(r.Texts) <= lim.Texts && r.More >= 0
	for _, f := range r.Files {
		ok = ok && f.Part >= 0 && f.Part < parts
	}
	length := 0
	for _, t := range r.Texts {
		ok = ok && t.Part >= 0 && t.Part < parts
		length += len(t.Body)
	}
	for _, t := range r.Threats {
		ok = ok && t.Part >= 0 && t.Part < parts
	}
	if !ok || length > growth*lim.Text {
		return errAnswer
	}
	return nil
}

// growth is how many times longer a text may get on its way: JSON has three octets in place of one that is no UTF-8.
const growth = 3

// A beginning keeps the first octets that are written to it.
type beginning struct {
	mu   sync.Mutex
	kept []byte
}

// Write implements io.Writer; it takes all and never fails.
func (b *beginning) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, p[:min(len(p), mostSaid-len(b.kept))]...)
	return len(p), nil
}

// String gives what was kept.
func (b *beginning) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.kept)
}
