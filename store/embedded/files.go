package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"tegami/mail"
)

// fileSystem is the disk as the packs use it; tests put one in that fails.
type fileSystem interface {
	// Open opens a file for reading and writing. create makes it if need be; direct asks for writes past the page
	// cache, which need aligned memory, and gives them up silently where the file system has none.
	Open(path string, create, direct bool) (file, error)
	Remove(path string) error
	// SyncDir makes new and removed names durable.
	SyncDir(path string) error
	// List gives the names in a folder and their sizes.
	List(path string) (map[string]int64, error)
}

// file is an open file.
type file interface {
	ReadAt(p []byte, off int64) (int, error)
	// WriteAt writes the pieces one behind the other from off on.
	WriteAt(pieces [][]byte, off int64) error
	// Sync makes what was written durable, and the size.
	Sync() error
	Size() (int64, error)
	Truncate(size int64) error
	Close() error
}

type osFiles struct{}

type osFile struct{ *os.File }

func (osFiles) Open(path string, create, direct bool) (file, error) {
	flag := os.O_RDWR
	if create {
		flag |= os.O_CREATE
	}
	if direct {
		f, err := os.OpenFile(path, flag|unix.O_DIRECT, 0o600)
		if err == nil {
			return osFile{f}, nil
		}
		if !errors.Is(err, syscall.EINVAL) {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFiles) Remove(path string) error { return os.Remove(path) }

func (osFiles) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (osFiles) List(path string) (map[string]int64, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	names := make(map[string]int64, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		names[e.Name()] = info.Size()
	}
	return names, nil
}

// maxPieces is how many pieces of memory one system call takes (IOV_MAX).
const maxPieces = 1024

func (f osFile) WriteAt(pieces [][]byte, off int64) error {
	for len(pieces) > 0 {
		n, err := unix.Pwritev(int(f.Fd()), pieces[:min(len(pieces), maxPieces)], off)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "pwritev", Path: f.Name(), Err: err}
		}
		off += int64(n)
		pieces = skip(pieces, n)
	}
	return nil
}

// skip leaves out the first n octets of pieces.
func skip(pieces [][]byte, n int) [][]byte {
	for len(pieces) > 0 && n >= len(pieces[0]) {
		n -= len(pieces[0])
		pieces = pieces[1:]
	}
	if n > 0 {
		pieces = append([][]byte{pieces[0][n:]}, pieces[1:]...)
	}
	return pieces
}

func (f osFile) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// makeFile makes an empty file that its owner alone may read, whatever the umask is.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return diskFailure("embedded.Create", err)
	}
	return diskFailure("embedded.Create", f.Close())
}

// makeDir makes a folder, those above it, and their names durable.
func makeDir(path string) error {
	above := filepath.Dir(path)
	if _, err := os.Stat(above); errors.Is(err, os.ErrNotExist) && above != path {
		if err := makeDir(above); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return diskFailure("embedded.Open", err)
	}
	if err := (osFiles{}).SyncDir(filepath.Dir(path)); err != nil {
		return diskFailure("embedded.Open", err)
	}
	return nil
}

// diskFailure maps what the disk says to the errors of the house.
func diskFailure(op mail.Op, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return mail.Because(op, mail.Unavailable, "storage.full", err)
	}
	return mail.Because(op, mail.Unavailable, "storage.failed", err)
}
