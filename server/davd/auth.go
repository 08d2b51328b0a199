package davd

import (
	"context"
	"net/netip"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/server/door"
)

// protocol is what mail software signs in to here.
const protocol directory.Protocol = "dav"

const (
	// rateWindow is the time over which requests are counted.
	rateWindow = time.Minute
	// strangersNet is the prefix of IPv4 by which strangers are counted.
	strangersNet = 32
)

// name is who sends a request, for the log and for counting.
func (q *request) name() string {
	if q.identity == nil {
		return ""
	}
	return q.identity.Tenant().String() + "/" + q.identity.Account().ID.String()
}

// identify finds out who sends a request, by his password or an app password, and counts it: to him, or to his network if he can't prove it.
// Cookies mean nothing here: no page of ours asks this door.
func (s *Server) identify(ctx context.Context, q *request) error {
	origin := s.origin(q)
	if err := s.countStranger(ctx, origin.Remote, 0); err != nil {
		return err
	}
	var err error = mail.E("davd.identify", mail.Denied, "auth.required")
	if user, password, ok := q.BasicAuth(); ok {
		q.identity, err = s.config.Directory.SignIn(ctx, origin, protocol, user, password)
	}
	if mail.Is(err, mail.Denied) && q.Header.Get("Authorization") != "" {
		if limited := s.countStranger(ctx, origin.Remote, 1); limited != nil {
			return limited
		}
	}
	if err != nil {
		return err
	}
	if lang, ok := i18n.ParseLang(q.identity.Account().Lang); ok && q.Header.Get("Accept-Language") == "" {
		q.lang = lang
	}
	return s.count(ctx, "dav/account/"+q.name(), 1, s.limits.Requests)
}

// origin is where a request comes from.
func (s *Server) origin(q *request) mail.Origin {
	return door.OriginOf(q.Request, string(protocol), s.config.Zone, q.id)
}

// count adds n to a counter. Busy "rate.limited" where that is too many. A counter that fails limits nobody: it is a shield against too much, and
// not what decides who may.
func (s *Server) count(ctx context.Context, key string, n, most int64) error {
	if s.config.Tally == nil {
		return nil
	}
	sum, err := s.config.Tally(ctx, key, n, rateWindow)
	if err != nil {
		s.log.Warn("tally", "err", err)
		return nil
	}
	if sum > most || n == 0 && sum >= most {
		return mail.E("davd.count", mail.Busy, "rate.limited", most)
	}
	return nil
}

// countStranger counts a request of nobody, by its network; n zero asks whether it failed too often to be heard.
func (s *Server) countStranger(ctx context.Context, from netip.Addr, n int64) error {
	network, ok := door.NetworkOf(from, strangersNet)
	if !ok {
		return nil
	}
	return s.count(ctx, "dav/address/"+network.String(), n, s.limits.Strangers)
}
