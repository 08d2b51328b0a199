package jmapd

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/server/door"
)

// The session of the pages, as restd and webd have it.
const (
	sessionCookie = "__Host-tegami"
	// pageHeader must be on every request with a session that is no reading: a foreign page can't set it.
	pageHeader = "Tegami-Page"
)

// protocol is what mail software signs in to here.
const protocol directory.Protocol = "jmap"

// client is who sends a request.
type client struct {
	id       string // of the request, in its answer and in the log
	lang     string // "ja" or "en"
	origin   mail.Origin
	identity *directory.Identity // nil before he is known
	session  string              // the token of his session of the pages; "" for mail software
}

// name is who it is, for the log and for counting.
func (c *client) name() string {
	if c.identity == nil {
		return ""
	}
	return name(c.identity)
}

// name is an account's, for counting.
func name(who *directory.Identity) string {
	return who.Tenant().String() + "/" + who.Account().ID.String()
}

// identify finds out who sends a request, and counts it: to him, or to his network if he can't prove it.
func (s *Server) identify(w http.ResponseWriter, r *http.Request, c *client) error {
	c.origin = s.origin(r, c.id)
	if err := s.strange(r, c.origin.Remote); err != nil {
		return err
	}
	err := s.prove(r, c)
	if mail.Is(err, mail.Denied) {
		if limited := s.countStranger(r, c.origin.Remote); limited != nil {
			return limited
		}
	}
	if err != nil {
		return err
	}
	if lang, ok := i18n.ParseLang(c.identity.Account().Lang); ok && r.Header.Get("Accept-Language") == "" {
		c.lang = string(lang)
	}
	if err = s.countCall(r.Context(), c.name()); err != nil {
		w.Header().Set("Retry-After", "15")
	}
	return err
}

// prove knows a client by a password, a token, or a browser's session.
func (s *Server) prove(r *http.Request, c *client) (err error) {
	const op = "jmapd.prove"
	ctx := r.Context()
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		user, password, ok := r.BasicAuth()
		if !ok {
			return mail.E(op, mail.Denied, "auth.failed")
		}
		c.identity, err = s.dir.SignIn(ctx, c.origin, protocol, user, password)
		return err
	case strings.EqualFold(scheme, "Bearer"):
		c.identity, err = s.dir.IdentityByBearer(ctx, c.origin, protocol, strings.TrimSpace(value))
		return err
	case scheme != "":
		return mail.E(op, mail.Denied, "auth.required")
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return mail.E(op, mail.Denied, "auth.required")
	}
	if !ownPage(r) {
		return mail.E(op, mail.Denied, "auth.foreign_page")
	}
	c.session, c.origin = cookie.Value, directory.Webmail(c.origin)
	c.identity, err = s.dir.IdentityBySession(ctx, c.origin, cookie.Value)
	return err
}

// ownPage tells whether a request with a session comes from our own pages: what changes something says so in a header, and what the browser
// says of its origin is ours.
func ownPage(r *http.Request) bool {
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !reading && r.Header.Get(pageHeader) == "" {
		return false
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && !(reading && site == "none") {
		return false
	}
	return ownOrigin(r)
}

// ownOrigin tells whether the origin a browser names is that of the request's host; true where it names none.
func ownOrigin(r *http.Request) bool {
	from := r.Header.Get("Origin")
	if from == "" {
		return true
	}
	at, err := url.Parse(from)
	return err == nil && at.Scheme == "https" && strings.EqualFold(at.Host, r.Host)
}

// origin is where a request comes from.
func (s *Server) origin(r *http.Request, id string) mail.Origin {
	return door.OriginOf(r, string(protocol), s.config.Zone, id)
}

const (
	// rateWindow is the time over which requests are counted.
	rateWindow = time.Minute
	// strangersNet is the prefix of IPv4 by which strangers are counted.
	strangersNet = 32
)

// countCall takes one request of a client's. Busy "rate.limited" when he made too many. A counter that fails limits nobody: it is a
// shield against too much, and not what decides who may.
func (s *Server) countCall(ctx context.Context, name string) error {
	if s.config.Tally == nil {
		return nil
	}
	sum, err := s.config.Tally(ctx, "jmap/account/"+name, 1, rateWindow)
	if err != nil {
		s.log.Warn("tally", "err", err)
		return nil
	}
	if sum <= s.limits.Requests {
		return nil
	}
	return mail.E("jmapd.count", mail.Busy, "rate.limited", s.limits.Requests)
}

// countStranger counts a request of nobody, by its network.
func (s *Server) countStranger(r *http.Request, from netip.Addr) error { return s.stranger(r, from, 1) }

// strange tells whether a network has failed too often to be heard: before anything is looked up for it.
func (s *Server) strange(r *http.Request, from netip.Addr) error { return s.stranger(r, from, 0) }

func (s *Server) stranger(r *http.Request, from netip.Addr, n int64) error {
	network, ok := door.NetworkOf(from, strangersNet)
	if !ok || s.config.Tally == nil {
		return nil
	}
	sum, err := s.config.Tally(r.Context(), "jmap/address/"+network.String(), n, rateWindow)
	if err != nil || sum < s.limits.Strangers {
		return nil
	}
	return mail.E("jmapd.strange", mail.Busy, "rate.limited", s.limits.Strangers)
}
