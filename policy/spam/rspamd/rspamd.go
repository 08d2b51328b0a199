// Package rspamd asks an Rspamd what it thinks of a message, over its HTTP protocol: POST /checkv2 with the message as body, and what
// is known of it in header fields. Its answer is one more fact. It is off until an operator names a server.
package rspamd

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegami/mail"
	"tegami/policy/spam"
)

// Limits of asking.
const (
	DefaultDeadline = 5 * time.Second
	maxAnswer       = 1 << 20  // octets of an answer that are read
	maxMessage      = 10 << 20 // octets of a message that are sent; a longer one is not asked about
)

// A Client asks one server. Its methods may be called at the same time.
type Client struct {
	URL      string        // the server: "http://127.0.0.1:11333"
	Password string        // that the server asks for; "" for none
	Deadline time.Duration // of one question; 0 is DefaultDeadline
	HTTP     *http.Client  // nil: the client of net/http
}

// A Question is a message and what is known of it.
type Question struct {
	Octets     io.Reader
	Size       int64
	Origin     mail.Origin
	From       mail.Address
	Recipients []mail.Address
}

// answer is what of the server's answer is used.
type answer struct {
	Score    float64 `json:"score"`
	Required float64 `json:"required_score"`
	Action   string  `json:"action"`
	Skipped  bool    `json:"is_skipped"`
}

// Ask asks about a message. There is no opinion, and no error, where the server skips the message or it is too long. The error's kind is
// Unavailable: the server did not answer, not in time, or not in its protocol.
func (c *Client) Ask(ctx context.Context, q Question) (*spam.Opinion, error) {
	const op = "rspamd.Ask"
	if q.Size > maxMessage {
		return nil, nil
	}
	deadline := c.Deadline
	if deadline <= 0 {
		deadline = DefaultDeadline
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	req, err := c.request(ctx, q)
	if err != nil {
		return nil, mail.Because(op, mail.Unavailable, "spam.rspamd_down", err)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return nil, mail.Because(op, mail.Unavailable, "spam.rspamd_down", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, mail.E(op, mail.Unavailable, "spam.rspamd_down", resp.Status)
	}
	var a answer
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&a); err != nil {
		return nil, mail.Because(op, mail.Unavailable, "spam.rspamd_down", err)
	}
	if a.Skipped {
		return nil, nil
	}
	return &spam.Opinion{Score: a.Score, Required: a.Required, Action: a.Action}, nil
}

func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return http.DefaultClient
}

// request writes the question.
func (c *Client) request(ctx context.Context, q Question) (*http.Request, error) {
	at, err := url.JoinPath(c.URL, "checkv2")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, q.Octets)
	if err != nil {
		return nil, err
	}
	req.ContentLength = q.Size
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, clean(value))
		}
	}
	if q.Origin.Remote.IsValid() {
		set("IP", q.Origin.Remote.String())
	}
	set("Helo", q.Origin.Helo)
	set("From", q.From.String())
	set("Queue-Id", q.Origin.Session)
	set("Password", c.Password)
	for _, r := range q.Recipients[:min(len(q.Recipients), maxRecipients)] {
		req.Header.Add("Rcpt", clean(r.String()))
	}
	return req, nil
}

// maxRecipients is how many recipients the server is told of.
const maxRecipients = 50

// clean leaves out what a field of HTTP can't hold: the text is a stranger's.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
