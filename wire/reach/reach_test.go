package reach

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestOpen: no address of a closed network is dialled, however it is written.
func TestOpen(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
		"::1", "::", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1", "fe80::1%eth0", "198.18.0.1"} {
		if Open(netip.MustParseAddr(ip), nil) {
			t.Errorf("%s is dialled", ip)
		}
	}
	for _, ip := range []string{"8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1"} {
		if !Open(netip.MustParseAddr(ip), nil) {
			t.Errorf("%s is not dialled", ip)
		}
	}
	if !Open(netip.MustParseAddr("::ffff:10.0.0.1"), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}) {
		t.Error("an allowed network is not dialled")
	}
}

// TestDialer looks at the address behind the name.
func TestDialer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if _, err := Dialer(time.Second, nil).DialContext(ctx, "tcp4", net.JoinHostPort(host, port)); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", host, err)
		}
	}
	c, err := Dialer(time.Second, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).DialContext(ctx, "tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
