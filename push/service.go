package push

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/reach"
)

// Limits of a push.
const (
	// patience is how long a push service has for its whole answer.
	patience = 15 * time.Second
	// maxAnswer is what is read of an answer, in octets: only its status counts.
	maxAnswer = 4 << 10
	maxHeader = 16 << 10
	// keepFor is for how long a push service keeps what it can't hand on, in seconds (RFC 8030 §5.2).
	keepFor = 24 * 60 * 60
	// tries is how often one push is tried, pause how long between, maxPause the longest a push service may ask to wait.
	tries    = 4
	pause    = 5 * time.Second
	maxPause = 10 * time.Minute
	// maxFailures is after how many pushes in a row that failed for good a subscription ends.
	maxFailures = 10
	// senders is how many pushes go out at a time.
	senders = 32
)

// Config is what a Service stands on.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	Log       *slog.Logger
	Contact   string         // where push services reach the operator: "mailto:postmaster@example.jp"; "" = not said
	Allow     []netip.Prefix // networks of special use that are pushed to, for tests
	Roots     *x509.CertPool // that vouch for push services; nil: those of the system
	// Again is how often the accounts with subscriptions are looked up anew. 0 = a minute.
	Again time.Duration
}

// Service keeps subscriptions and pushes to them. Make it with New.
type Service struct {
	cfg    Config
	client *http.Client
	slots  chan struct{}
	nudged chan struct{}

	busy sync.WaitGroup // pushes on their way

	signing sync.Mutex
	signs   *signer
}

// New makes the service. It pushes nothing before Run, but the codes of new subscriptions.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Again = cmp.Or(c.Again, time.Minute)
	return &Service{cfg: c, client: newClient(c.Allow, c.Roots), slots: make(chan struct{}, senders), nudged: make(chan struct{}, 1)}
}

// newClient makes the client that pushes go by. It reaches no closed network that is not allowed, follows no redirects and uses no proxy.
func newClient(allowed []netip.Prefix, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: reach.Dialer(patience, allowed).DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// nudge has Run look at the subscriptions at once.
func (s *Service) nudge() {
	select {
	case s.nudged <- struct{}{}:
	default:
	}
}

// subscriber is a subscription with whose it is.
type subscriber struct {
	tenant mail.TenantID
	id     mail.ObjectID
	doc
}

// verification is the push that shows a client its code (RFC 8620 §7.2.2).
type verification struct {
	Type string `json:"@type"`
	ID   string `json:"pushSubscriptionId"`
	Code string `json:"verificationCode"`
}

// verify pushes the code of a subscription, beside whatever else happens. A client that does not get it subscribes again.
func (s *Service) verify(to subscriber) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		text, err := json.Marshal(verification{"PushVerification", "o" + to.id.String(), to.Code})
		if err == nil {
			_, err = s.send(ctx, to, text, false)
		}
		if err != nil {
			s.cfg.Log.Info("push verification", "subscription", to.id, "err", err)
		}
	}()
}

// outcome is what became of a push.
type outcome struct {
	status int
	gone   bool          // the subscription is none any more
	after  time.Duration // the push service asks to wait so long
}

// ok tells that the push service took it.
func (o outcome) ok() bool { return o.status/100 == 2 }

// again tells that trying again makes sense.
func (o outcome) again() bool {
	return o.status == 0 || o.status == http.StatusTooManyRequests || o.status >= 500
}

// send pushes text to a subscriber once. An error is one of getting there, or of our own.
func (s *Service) send(ctx context.Context, to subscriber, text []byte, urgent bool) (outcome, error) {
	const op = "push.send"
	q, err := s.request(ctx, to, text)
	if err != nil {
		return outcome{}, mail.Wrap(op, err)
	}
	q.Header.Set("Urgency", "normal")
	if urgent {
		q.Header.Set("Urgency", "high")
	}
	got, err := s.client.Do(q)
	if err != nil {
		return outcome{}, mail.Because(op, mail.Unavailable, "push.unreachable", err)
	}
	defer got.Body.Close()
	io.Copy(io.Discard, io.LimitReader(got.Body, maxAnswer)) // only the status counts
	out := outcome{status: got.StatusCode, gone: got.StatusCode == http.StatusNotFound || got.StatusCode == http.StatusGone}
	if n, err := strconv.Atoi(got.Header.Get("Retry-After")); err == nil && n > 0 {
		out.after = min(time.Duration(n)*time.Second, maxPause)
	}
	return out, nil
}

// request makes the request of a push (RFC 8030 §5).
func (s *Service) request(ctx context.Context, to subscriber, text []byte) (*http.Request, error) {
	endpoint, err := url.Parse(to.URL)
	if err != nil {
		return nil, mail.E("push.request", mail.Invalid, "push.url")
	}
	if to.Keys != nil {
		if text, err = to.Keys.encrypt(text); err != nil {
			return nil, err
		}
	}
	signs, err := s.signer(ctx)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(text))
	if err != nil {
		return nil, mail.Because("push.request", mail.Invalid, "push.url", err)
	}
	h := q.Header
	if h["Authorization"], err = one(signs.header(endpoint, time.Now())); err != nil {
		return nil, err
	}
	h.Set("TTL", strconv.Itoa(keepFor))
	h.Set("Topic", strings.ToUpper(to.id.String())) // RFC 8030 §5.4: a newer one takes the place of one that waits
	h.Set("Content-Type", "application/json")
	if to.Keys != nil {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Encoding", "aes128gcm")
	}
	return q, nil
}

func one(value string, err error) ([]string, error) { return []string{value}, err }
