package embedded

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOwnerOnly: whatever the umask is, all files and folders are for their owner alone.
func TestOwnerOnly(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "data")
	s := openDir(t, dir, Options{})
	tenant, boxes := inboxes(t, s, 1, 1)
	for _, size := range []int{10, 40 << 10, 200 << 10} {
		if err := put(tenant, boxes[0], strings.Repeat("x", size), nothing); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
