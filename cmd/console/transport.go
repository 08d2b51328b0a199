package console

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"tegami/mail"
)

// Remote gives the way to a server over HTTPS, and the server's URL as Console.Base takes it. caFile names its certificate authority where
// the system doesn't know that; "" where it does. A key never goes over anything else: only to loopback plain HTTP is allowed.
func Remote(server, caFile string) (http.RoundTripper, string, error) {
	const op = "console.Remote"
	if !strings.Contains(server, "://") {
		server = "https://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return nil, "", mail.Because(op, mail.Invalid, "cli.server_url", err)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && ip != nil && ip.IsLoopback()) {
		return nil, "", mail.E(op, mail.Invalid, "cli.server_https", server)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.ResponseHeaderTimeout = remotePatience
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return nil, "", mail.Because(op, mail.Unavailable, "cli.unreadable", err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
			return nil, "", mail.E(op, mail.Invalid, "cli.no_certificate", caFile)
		}
	}
	return t, u.Scheme + "://" + u.Host, nil
}

// remotePatience is how long an answer may take to begin.
const remotePatience = 5 * time.Minute

// Straight is the way into a handler of this process.
type Straight struct{ Handler http.Handler }

// RoundTrip calls the handler.
func (s Straight) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	s.Handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// Wired is a request as it goes through a control socket.
type Wired struct {
	Method string            `json:"method"`
	Path   string            `json:"path"` // with the query
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body,omitempty"`
}

// Wire makes one of a request.
func Wire(r *http.Request) (Wired, error) {
	w := Wired{Method: r.Method, Path: r.URL.RequestURI(), Header: map[string]string{}}
	for name := range r.Header {
		w.Header[name] = r.Header.Get(name)
	}
	if r.Body == nil {
		return w, nil
	}
	var err error
	w.Body, err = io.ReadAll(r.Body)
	return w, err
}

// Request makes a request of it again.
func (w Wired) Request() (*http.Request, error) {
	r, err := http.NewRequest(w.Method, "https://localhost"+w.Path, bytes.NewReader(w.Body))
	if err != nil {
		return nil, err
	}
	r.RequestURI = w.Path
	for name, value := range w.Header {
		r.Header.Set(name, value)
	}
	return r, nil
}
