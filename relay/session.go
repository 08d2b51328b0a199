package relay

import (
	"context"
	"crypto/tls"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tegami/wire/sasl"
	"tegami/wire/smtp"
	"tegami/wire/tlspolicy"
)

// A session is a connection to a host that takes mail from us.
type session struct {
	relay  *Relay
	client *smtp.Client
	way    *way
	host   string
	addr   netip.Addr
	guard  guard
	proven bool        // TLS showed what the guard asks for
	sent   int         // messages that went over it
	timer  *time.Timer // while it is parked
}

// leave ends the session. What goes wrong then is nobody's concern any more.
func (s *session) leave() { s.client.Leave() }

// greet gets the session to where it takes mail: greeting, TLS, signing in.
func (s *session) greet(ctx context.Context) *verdict {
	if s.guard.mode == tlsImplicit {
		if err := s.client.Secure(ctx, s.tlsConfig()); err != nil {
			return s.tlsFailed(tlspolicy.ValidationFailure, err)
		}
		if v := s.prove(); v != nil {
			return v
		}
	}
	reply, err := s.client.Greet(ctx)
	switch {
	case err != nil:
		return broken(s.host, err)
	case !reply.OK():
		return putOff(s.host, reply)
	case s.way.smart == nil && s.client.Named(s.relay.cfg.Hostname): // RFC 5321 §5.1: mail for this host would come back to us
		return failed("remote.loop", "5.4.6").at(s.host, reply.String())
	}
	if s.guard.mode == tlsMay || s.guard.mode == tlsMust {
		if v := s.startTLS(ctx); v != nil {
			return v
		}
	}
	if s.way.smart != nil && s.way.smart.User != "" {
		return s.signIn(ctx)
	}
	return nil
}

// startTLS goes over to TLS where it is offered.
func (s *session) startTLS(ctx context.Context) *verdict {
	if _, offered := s.client.Extension("STARTTLS"); !offered {
		return s.withoutTLS(waiting("remote.tls", "4.7.4").at(s.host, ""))
	}
	reply, err := s.client.StartTLS(ctx, s.tlsConfig())
	switch {
	case err != nil:
		return s.tlsFailed(tlspolicy.ValidationFailure, err)
	case s.client.TLS() == nil: // refused, and the session goes on as if it had not been offered
		v := waiting("remote.tls", "4.7.4").at(s.host, reply.String())
		if reply.Code == 421 {
			return v
		}
		return s.withoutTLS(v)
	case !reply.OK():
		return putOff(s.host, reply)
	}
	return s.prove()
}

// withoutTLS goes on in plain where that is allowed, else v stands.
func (s *session) withoutTLS(v *verdict) *verdict {
	s.report(tlspolicy.StartTLSNotSupported, v.answer)
	if s.guard.mode == tlsMay {
		return nil
	}
	return v
}

// tls names version and cipher of the connection; "" in the clear.
func (s *session) tls() string {
	state := s.client.TLS()
	if state == nil {
		return ""
	}
	return strings.ReplaceAll(tls.VersionName(state.Version), " ", "") + " " + tls.CipherSuiteName(state.CipherSuite)
}

// signIn authenticates at a smart host. That it fails is a mistake in our settings, which the mail can wait out.
func (s *session) signIn(ctx context.Context) *verdict {
	offered, _ := s.client.Extension("AUTH")
	channel := sasl.Channel{}
	if state := s.client.TLS(); state != nil && s.proven { // to a host that proved nothing no password is shown
		channel = sasl.Channel{TLS: state, Leaf: state.PeerCertificates[0]}
	}
	exchange, err := sasl.NewClient(strings.Fields(offered), s.way.smart.User, s.way.smart.Password.Reveal(), channel)
	if err != nil {
		return waiting("remote.sign_in", "4.7.0").at(s.host, "AUTH "+offered)
	}
	reply, err := s.client.Auth(ctx, exchange)
	switch {
	case err != nil && reply.Code == 0:
		return broken(s.host, err)
	case err != nil || !reply.OK():
		return waiting("remote.sign_in", statusOf(reply, 4)).at(s.host, reply.String())
	}
	return nil
}

// fits tells whether the session can take one more message.
func (s *session) fits(w *way, need bool) bool {
	return s.sent < s.relay.cfg.Limits.Messages && s.way.same(w) && (!need || s.requireTLS())
}

// maxSize is the largest message the host takes; 0 = it did not say (RFC 1870 §3).
func (s *session) maxSize() int64 {
	text, offered := s.client.Extension("SIZE")
	if !offered || text == "" {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// offers tells whether the host knows an extension.
func (s *session) offers(name string) bool {
	_, ok := s.client.Extension(name)
	return ok
}
