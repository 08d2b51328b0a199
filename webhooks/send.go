package webhooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"tegami/mail"
	"tegami/wire/reach"
)

// Limits of a delivery.
const (
	// patience is how long a receiver has for its whole answer.
	patience = 15 * time.Second
	// maxAnswer is what is read of an answer, in octets: only its status counts.
	maxAnswer = 4 << 10
	// maxHeader is how large an answer's header is at most, in octets.
	maxHeader = 16 << 10
)

// newClient makes the client that deliveries go by. It reaches no closed network that is not allowed, follows no redirects and uses no proxy.
func newClient(allowed []netip.Prefix, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: reach.Dialer(patience, allowed).DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, DisableKeepAlives: true,
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// sign makes the signature of a delivery as Standard Webhooks says: HMAC-SHA256 over id, time and body.
func sign(key []byte, id string, at time.Time, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// result is what became of a delivery.
type result struct {
	Delivery
	gone  bool          // the receiver wants to hear nothing any more (410)
	after time.Duration // it asks to wait so long
}

// deliver tells a receiver of an event once.
func (s *Service) deliver(ctx context.Context, h Hook, key []byte, id string, e Event) result {
	begin := time.Now()
	r := result{Delivery: Delivery{At: begin.UTC(), ID: id, Type: e.Type}}
	body, err := json.Marshal(e)
	if err != nil {
		r.Error = "webhook.failed"
		return r
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		r.Error = "webhook.url"
		return r
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", "Tegami-Webhooks/1.0")
	q.Header.Set("webhook-id", id)
	q.Header.Set("webhook-timestamp", strconv.FormatInt(begin.Unix(), 10))
	q.Header.Set("webhook-signature", sign(key, id, begin, body))
	got, err := s.client.Do(q)
	r.Took = time.Since(begin)
	if err != nil {
		r.Error = why(err)
		return r
	}
	defer got.Body.Close()
	io.Copy(io.Discard, io.LimitReader(got.Body, maxAnswer)) // only the status counts
	r.Took, r.Status = time.Since(begin), got.StatusCode
	switch {
	case got.StatusCode/100 == 2:
	case got.StatusCode == http.StatusGone:
		r.Error, r.gone = "webhook.gone", true
	case got.StatusCode/100 == 3:
		r.Error = "webhook.redirected"
	default:
		r.Error = "webhook.refused"
	}
	if seconds, err := strconv.Atoi(got.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.after = min(time.Duration(seconds)*time.Second, maxPause)
	}
	return r
}

// why names a failure to connect, as a key of the catalogue.
func why(err error) string {
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	var name *net.DNSError
	switch {
	case errors.Is(err, reach.ErrClosed):
		return "webhook.closed_network"
	case errors.As(err, &certificate):
		return "webhook.certificate"
	case errors.As(err, &name):
		return "webhook.no_host"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "webhook.timeout"
	}
	return "webhook.unreachable"
}

// Test tells a receiver of an event that did not happen, once, and says what came of it. For who may appoint.
func (s *Service) Test(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ObjectID) (Delivery, error) {
	const op = "webhooks.Test"
	if err := s.mayTest(ctx, by, tenant, op); err != nil {
		return Delivery{}, err
	}
	h, key, err := s.keyed(ctx, tenant, id)
	if err != nil {
		return Delivery{}, mail.Wrap(op, err)
	}
	now := time.Now().UTC()
	name := "msg_" + tenant.String() + "_test_" + strconv.FormatInt(now.UnixMilli(), 36)
	r := s.deliver(ctx, h, key, name, Event{Type: TypeTest, At: now, Data: Data{Tenant: tenant, Kind: "webhook", ID: id, Name: h.Name, Actor: by.Name()}})
	r.Try = 1
	return r.Delivery, s.note(ctx, tenant, id, func(doc *stateDoc) { doc.keep(r.Delivery) })
}
