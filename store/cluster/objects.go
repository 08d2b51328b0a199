package cluster

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tegami/mail"
)

// Objects keeps octets under keys of the form "tenant/blob", each of lower-case letters and digits. An
// object is written once and never changed.
type Objects interface {
	// Put writes an object. It is durable and whole when Put returns, or it is not there.
	Put(ctx context.Context, key string, chunks [][]byte) error
	// Get reads octets [from, from+n), which are there. NotFound if there is no such object.
	Get(ctx context.Context, key string, from, n int64) (io.ReadCloser, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, key string) error
	// List calls fn with the objects of a tenant, in any order, until it returns false.
	List(ctx context.Context, tenant string, fn func(key string, size int64) bool) error
}

// Folder keeps objects as files, for one machine or a shared file system: tenant/xy/blob, where xy are
// the last two characters of the blob.
type Folder struct{ Dir string }

// unfinished begins the names of files that are being written.
const unfinished = ".new-"

func (f Folder) path(key string) (string, error) {
	tenant, blob, ok := strings.Cut(key, "/")
	if !ok || tenant == "" || len(blob) < 2 || strings.ContainsAny(key, `.\`) || strings.Contains(blob, "/") {
		return "", mail.E("cluster.Folder", mail.Invalid, "object.key", key)
	}
	return filepath.Join(f.Dir, tenant, blob[len(blob)-2:], blob), nil
}

// Put writes a file of another name, and renames it when it is on disk.
func (f Folder) Put(ctx context.Context, key string, chunks [][]byte) error {
	const op mail.Op = "cluster.Put"
	if err := ctx.Err(); err != nil {
		return mail.Wrap(op, err)
	}
	path, err := f.path(key)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := f.makeDir(dir); err != nil {
		return fileError(op, err)
	}
	file, err := os.CreateTemp(dir, unfinished)
	if err != nil {
		return fileError(op, err)
	}
	if err := writeFile(file, path, chunks); err != nil {
		return fileError(op, errors.Join(err, os.Remove(file.Name())))
	}
	return fileError(op, syncDir(dir))
}

// writeFile writes the chunks to disk and gives the file its name.
func writeFile(file *os.File, path string, chunks [][]byte) error {
	for _, c := range chunks {
		if _, err := file.Write(c); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if err := file.Sync(); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// makeDir makes a directory of objects, and its names durable: also where it is there already, since who made
// it may not have got that far yet. To flush what has not changed costs next to nothing.
func (f Folder) makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(dir)), syncDir(f.Dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get reads a part of a file.
func (f Folder) Get(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	const op mail.Op = "cluster.Get"
	path, err := f.path(key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fileError(op, err)
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return nil, fileError(op, errors.Join(err, file.Close()))
	}
	return section{io.LimitReader(file, n), file}, nil
}

// section is a part of a file. io.Copy finds the file behind the LimitReader, so the kernel can send it.
type section struct {
	io.Reader
	io.Closer
}

// WriteTo copies the part.
func (s section) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, s.Reader) }

// Delete removes a file.
func (f Folder) Delete(ctx context.Context, key string) error {
	path, err := f.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return fileError("cluster.Delete", err)
	}
	return nil
}

// List walks through a tenant's files.
func (f Folder) List(ctx context.Context, tenant string, fn func(key string, size int64) bool) error {
	err := filepath.WalkDir(filepath.Join(f.Dir, tenant), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // no object yet, or one that is gone by now
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir(), strings.HasPrefix(d.Name(), unfinished):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !fn(tenant+"/"+d.Name(), info.Size()) {
			return fs.SkipAll
		}
		return nil
	})
	return fileError("cluster.List", err)
}

// fileError tells in the house's words what the file system said; nil stays nil.
func fileError(op mail.Op, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return mail.Because(op, mail.NotFound, "blob.unknown", err)
	case noRoom(err):
		return mail.Because(op, mail.Unavailable, "storage.full", err)
	}
	return mail.Because(op, mail.Unavailable, "storage.failed", err)
}
