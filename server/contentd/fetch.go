package contentd

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"image"
	_ "image/gif"  // their sizes are read
	_ "image/jpeg" // their sizes are read
	_ "image/png"  // their sizes are read
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tegami/mail"
	"tegami/wire/reach"
)

// Limits of a fetch.
const (
	maxRedirects = 5
	dialTimeout  = 5 * time.Second
	// maxAnswerHeader is how large an answer's header is at most, in octets.
	maxAnswerHeader = 32 << 10
	maxIdle         = 64 // connections that are kept
)

// kinds are the pictures that are passed on, by their content. SVG is a document, and never is.
var kinds = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// ports are where pictures may be fetched from: a mail must not make us speak to anything but web servers.
var ports = []string{"", "80", "443", "8080", "8443"}

// errRefused is for addresses that are not fetched.
var errRefused = errors.New("an address that is not fetched")

// judge tells whether an address may be fetched, as far as it says itself; what its name leads to is looked at when it is dialled.
func judge(address string) error {
	at, err := url.Parse(address)
	switch {
	case err != nil:
		return err
	case len(address) > maxAddress, at.Scheme != "https" && at.Scheme != "http", at.Hostname() == "", at.User != nil, !slices.Contains(ports, at.Port()):
		return errRefused
	}
	return nil
}

// newClient makes the client that pictures are fetched with. It keeps no cookies, uses no proxy, and judges every step of a redirection.
func (s *Server) newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: reach.Dialer(dialTimeout, s.config.Allow).DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.config.Roots},
			TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxAnswerHeader, MaxIdleConns: maxIdle, IdleConnTimeout: dialTimeout,
		},
		CheckRedirect: func(q *http.Request, via []*http.Request) error {
			q.Header.Del("Referer")
			if len(via) > maxRedirects {
				return errRefused
			}
			return judge(q.URL.String())
		},
	}
}

// picture is one that was fetched.
type picture struct {
	kind   string
	octets []byte
}

// get gives a picture that is kept, or fetches it; who asks for the same meanwhile waits for that. Busy when its turn does not come in time.
func (s *Server) get(ctx context.Context, a asked) (picture, error) {
	const op = "contentd.get"
	if p, ok := s.cache.get(a.URL, time.Now()); ok {
		return p, nil
	}
	got := s.once.DoChan(a.URL, func() (any, error) {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.Time)
		defer cancel()
		done, err := s.turns.take(late, a.Account)
		if err != nil {
			return nil, err
		}
		defer done()
		p, err := s.fetch(late, a.URL)
		if err == nil {
			s.cache.put(a.URL, p, time.Now())
		}
		return p, err
	})
	select {
	case <-ctx.Done():
		return picture{}, mail.Wrap(op, ctx.Err())
	case r := <-got:
		if r.Err != nil {
			return picture{}, mail.Wrap(op, r.Err)
		}
		return r.Val.(picture), nil
	}
}

// fetch fetches a picture. Invalid for what is none, or too large.
func (s *Server) fetch(ctx context.Context, address string) (picture, error) {
	const op = "contentd.fetch"
	if err := judge(address); err != nil {
		return picture{}, mail.Because(op, mail.Denied, "", err)
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return picture{}, mail.Because(op, mail.Invalid, "", err)
	}
	q.Header.Set("Accept", "image/webp,image/png,image/jpeg,image/gif")
	q.Header.Set("User-Agent", "Mozilla/5.0 (compatible; Tegami picture proxy)")
	got, err := s.client.Do(q)
	if err != nil {
		return picture{}, mail.Because(op, mail.Unavailable, "", err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK || got.ContentLength > s.limits.Octets {
		return picture{}, mail.E(op, mail.NotFound, "")
	}
	octets, err := io.ReadAll(io.LimitReader(got.Body, s.limits.Octets+1))
	if err != nil {
		return picture{}, mail.Because(op, mail.Unavailable, "", err)
	}
	return s.checked(octets)
}

// checked tells by its content what a picture is. Invalid for one that is none of ours, or larger than a browser should open.
func (s *Server) checked(octets []byte) (picture, error) {
	const op = "contentd.checked"
	kind := http.DetectContentType(octets)
	if !slices.Contains(kinds, kind) || int64(len(octets)) > s.limits.Octets {
		return picture{}, mail.E(op, mail.Invalid, "")
	}
	wide, high, ok := size(kind, octets)
	if !ok || wide > s.limits.Pixels/max(1, high) {
		return picture{}, mail.E(op, mail.Invalid, "")
	}
	return picture{kind, octets}, nil
}

// size reads how wide and high a picture is.
func size(kind string, octets []byte) (wide, high int, ok bool) {
	if kind == "image/webp" {
		return webpSize(octets)
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(octets))
	return c.Width, c.Height, err == nil
}

// webpSize reads the size of a WebP picture from its first chunk (RFC 9649 §2.5, §2.6, §2.7; VP8: RFC 6386 §9.1).
func webpSize(b []byte) (wide, high int, ok bool) {
	if len(b) < 30 {
		return 0, 0, false
	}
	number := func(at, n int) (v int) {
		for i := n - 1; i >= 0; i-- {
			v = v<<8 | int(b[at+i])
		}
		return v
	}
	switch string(b[12:16]) {
	case "VP8X":
		return number(24, 3) + 1, number(27, 3) + 1, true
	case "VP8 ":
		return number(26, 2) & 0x3FFF, number(28, 2) & 0x3FFF, true
	case "VP8L":
		bits := number(21, 4)
		return bits&0x3FFF + 1, bits>>14&0x3FFF + 1, b[20] == 0x2F
	}
	return 0, 0, false
}
