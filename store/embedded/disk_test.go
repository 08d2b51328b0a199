package embedded

import (
	"sync"
	"syscall"
	"testing"
)

// testDisk is the disk, failing on demand, and able to forget what was written but not flushed.
type testDisk struct {
	fileSystem
	mu       sync.Mutex
	failSync int // the n-th Sync from now on fails with EIO; 0 = none
	room     int // octets that can still be written, then ENOSPC; negative = no limit
	undo     []func()
	syncs    int
	panics   bool // the next Sync panics, as a bug in the commit would
}

func newTestDisk() *testDisk { return &testDisk{fileSystem: osFiles{}, room: -1} }

func (d *testDisk) Open(path string, create, direct bool) (file, error) {
	f, err := d.fileSystem.Open(path, create, direct)
	if err != nil {
		return nil, err
	}
	return &testFile{file: f, disk: d, path: path}, nil
}

type testFile struct {
	file
	disk *testDisk
	path string
}

// WriteAt notes what stood there before, until Sync.
func (f *testFile) WriteAt(pieces [][]byte, off int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	n := total(pieces)
	if f.disk.room >= 0 && n > f.disk.room {
		return syscall.ENOSPC
	}
	if f.disk.room >= 0 {
		f.disk.room -= n
	}
	old := make([]byte, n)
	f.file.ReadAt(old, off) // behind the end it stays zero
	path := f.path
	f.disk.undo = append(f.disk.undo, func() {
		if g, err := (osFiles{}).Open(path, false, false); err == nil {
			g.WriteAt([][]byte{old}, off)
			g.Close()
		}
	})
	return f.file.WriteAt(pieces, off)
}

// Sync makes all durable that was written to any file; the tests flush one file at a time.
func (f *testFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.syncs++
	if f.disk.panics {
		f.disk.panics = false
		panic("a bug")
	}
	if f.disk.failSync > 0 {
		if f.disk.failSync--; f.disk.failSync == 0 {
			f.disk.forget()
			return syscall.EIO
		}
	}
	f.disk.undo = nil
	return f.file.Sync()
}

// forget loses what was not flushed.
func (d *testDisk) forget() {
	for i := len(d.undo) - 1; i >= 0; i-- {
		d.undo[i]()
	}
	d.undo = nil
}

// powerLoss loses what was not flushed.
func (d *testDisk) powerLoss() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
}

func (d *testDisk) set(failSync, room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failSync, d.room = failSync, room
}

func TestSkip(t *testing.T) {
	pieces := func() [][]byte { return [][]byte{[]byte("ab"), []byte("cde"), []byte("f")} }
	for n, want := range []string{"abcdef", "bcdef", "cdef", "def", "ef", "f", ""} {
		got := ""
		for _, p := range skip(pieces(), n) {
			got += string(p)
		}
		if got != want {
			t.Errorf("skip %d leaves %q, want %q", n, got, want)
		}
	}
}
