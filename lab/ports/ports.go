// Package ports gives a test ports that nobody else takes while it runs: no other test of this machine, in whatever
// process, and no connection the system makes by itself.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

const (
	// first is the lowest port given. It is above the well-known ones.
	first = 12_000
	// Size is how many ports a test gets, in a row.
	Size = 50
	// slots is how many tests can have ports at once. The last port stays below 32,768, where Linux begins to give
	// ports to connections by itself: a port of those may be taken at any moment.
	slots = 400
)

// Take gives the first of Size ports in a row that are free at each of the hosts (127.0.0.1 when none is named). They
// belong to the test until it ends.
func Take(t testing.TB, hosts ...string) int {
	t.Helper()
	base, release, err := Reserve(hosts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return base
}

// Reserve is Take for what outlives a test: release gives the ports back, as the end of the process does.
func Reserve(hosts ...string) (base int, release func(), err error) {
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1"}
	}
	for _, slot := range rand.Perm(slots) {
		lock, err := lock(slot)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		base := first + slot*Size
		if Free(base, Size, hosts...) {
			return base, func() { lock.Close() }, nil
		}
		lock.Close()
	}
	return 0, nil, fmt.Errorf("no %d free ports in a row between %d and %d", Size, first, first+slots*Size)
}

// lock takes a slot for this process. The lock ends with the file, and the file with the process. The file itself stays:
// who removed it could let two in.
func lock(slot int) (*os.File, error) {
	name := filepath.Join(os.TempDir(), "tegami-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(name, strconv.Itoa(slot)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Free tells whether n ports in a row can be listened on now, at each of the hosts.
func Free(base, n int, hosts ...string) bool {
	for _, host := range hosts {
		for i := range n {
			l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(base+i)))
			if err != nil {
				return false
			}
			l.Close()
		}
	}
	return true
}
