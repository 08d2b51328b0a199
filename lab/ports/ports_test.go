package ports

import (
	"net"
	"strconv"
	"testing"
)

// Two who hold ports at a time hold different ones, and what is given back can be had again.
func TestReserve(t *testing.T) {
	held := map[int]bool{}
	var releases []func()
	for range 20 {
		base, release, err := Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if held[base] {
			t.Errorf("port %d was given twice", base)
		}
		held[base] = true
		releases = append(releases, release)
	}
	for _, release := range releases {
		release()
	}
}

// A row with one port in use is passed over.
func TestInUse(t *testing.T) {
	base := Take(t)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(base+Size-1)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if Free(base, Size, "127.0.0.1") {
		t.Errorf("ports from %d count as free, and the last is in use", base)
	}
}
