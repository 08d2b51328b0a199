package door

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"tegami/i18n"
	"tegami/mail"
)

// faults takes what net/http has to say: a handler's panic is a fault of ours, all else is what peers do.
type faults struct{ log *slog.Logger }

// Write takes one line.
func (f faults) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(line, []byte("panic serving")) {
		level = slog.LevelError
	}
	f.log.Log(context.Background(), level, strings.TrimSpace(string(line)))
	return len(line), nil
}

// HTTPS serves HTTP over TLS. It takes over the Server's ErrorLog.
type HTTPS struct {
	*http.Server
	Grace time.Duration // for requests that run when it is to end
	Log   *slog.Logger
}

// Serve answers on l until ctx ends, then lets running requests end within Grace and returns nil. Any other end is the
// listener's error.
func (h HTTPS) Serve(ctx context.Context, l net.Listener, config *tls.Config) error {
	h.ErrorLog = log.New(faults{h.Log}, "", 0)
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.Grace)
		defer cancel()
		stopped <- h.Shutdown(late)
	})()
	err := h.Server.Serve(tls.NewListener(l, config))
	if !errors.Is(err, http.ErrServerClosed) {
		return mail.Because("door.HTTPS", mail.Unavailable, "", err)
	}
	if err := <-stopped; err != nil {
		h.Log.Warn("requests were cut", "err", err)
		h.Close()
	}
	return nil
}

// RemoteOf is where a request comes from; the zero Addr where that is not known.
func RemoteOf(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// maxAgent is the length of what a program calls itself, in octets, as the operation log keeps it.
const maxAgent = 200

// OriginOf is from where, by what and when a request came, for a door of that name.
func OriginOf(r *http.Request, door string, zone mail.Zone, session string) mail.Origin {
	agent := r.UserAgent()
	return mail.Origin{
		Door: door, Zone: zone, Session: session, Received: time.Now(), Remote: RemoteOf(r), Agent: strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""),
	}
}

// LangOf is the language a request asks for: the first of Accept-Language that we have, Japanese where there is none.
func LangOf(r *http.Request) i18n.Lang {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		if lang, ok := i18n.ParseLang(strings.TrimSpace(tag)); ok {
			return lang
		}
	}
	return i18n.Japanese
}
