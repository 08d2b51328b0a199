package platform

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// process is the program while it runs, with what it writes kept in a file.
type process struct {
	args []string
	cmd  *exec.Cmd
	log  *os.File
}

// open makes the file of what the program writes.
func (p *process) open(t testing.TB, name string) {
	t.Helper()
	log, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	p.log = log
}

// launch starts the program and waits until ready says that it can be used.
func (p *process) launch(t testing.TB, ready func() bool) {
	t.Helper()
	p.cmd = exec.Command(Binary(t), p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(Ready); !ready(); time.Sleep(20 * time.Millisecond) {
		if p.cmd.Process.Signal(syscall.Signal(0)) != nil || p.gone() || time.Now().After(end) {
			p.Kill()
			t.Fatalf("the platform did not come up:\n%s", p.tail(20))
		}
	}
}

// gone tells whether the program has ended without having been waited for.
func (p *process) gone() bool {
	var info unix.Siginfo
	return unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == nil && info.Signo != 0
}

// tail is the end of what the program wrote.
func (p *process) tail(lines int) string {
	out, err := exec.Command("tail", "-"+strconv.Itoa(lines), p.log.Name()).Output()
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// endWith ends the program with the test, and shows what it wrote last if the test failed.
func (p *process) endWith(t testing.TB, end func()) {
	t.Cleanup(func() {
		end()
		p.log.Close()
		if t.Failed() {
			t.Logf("%s ends:\n%s", p.log.Name(), p.tail(40))
		}
	})
}

// Kill ends the program at once, as a power cut of the process would.
func (p *process) Kill() {
	if p.cmd != nil && p.cmd.Process != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

// Stop asks the program to end and waits for it.
func (p *process) Stop(t testing.TB) {
	t.Helper()
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("tegami ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		p.cmd.Process.Kill()
		t.Error("tegami did not end within 30 s of SIGTERM")
	}
	p.cmd = nil
}

// Resident is how much memory the program takes now, in octets.
func (p *process) Resident() (int64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/statm")
	if err != nil {
		return 0, err
	}
	var size, pages int64
	_, err = fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize()), err
}
