package door_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tegami/lab/tlstest"
	"tegami/server/door"
)

// kept is a log that several goroutines write.
type kept struct {
	sync.Mutex
	bytes.Buffer
}

func (k *kept) Write(b []byte) (int, error) {
	k.Lock()
	defer k.Unlock()
	return k.Buffer.Write(b)
}

func (k *kept) String() string {
	k.Lock()
	defer k.Unlock()
	return k.Buffer.String()
}

// A handler's panic is an error in the log: it is a fault of ours.
func TestPanicsAreErrors(t *testing.T) {
	var lines kept
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := door.HTTPS{
		Server: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fault") })},
		Log:    slog.New(slog.NewTextHandler(&lines, nil)),
	}
	config, trust := tlstest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l, config) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
	if answer, err := client.Get("https://" + l.Addr().String()); err == nil {
		answer.Body.Close()
		t.Error("a request that panicked was answered")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := lines.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "a fault") {
		t.Errorf("the log says %q", got)
	}
}
