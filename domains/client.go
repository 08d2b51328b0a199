package domains

import (
	"context"

	"tegami/directory"
	"tegami/mail"
)

// ClientConfig is what mail software of a domain's people is set to. The user name is the whole mail address everywhere, and the
// password is sent as it is, inside TLS.
type ClientConfig struct {
	Domain   string
	Incoming []ClientServer // best first: POP3S, then IMAPS where the domain has the option (SV-7)
	Outgoing []ClientServer // SMTPS alone (ML-7)
}

// ClientProtocol is what a client speaks with a server. TLS is always from the first octet (RFC 8314 §3).
type ClientProtocol string

// The protocols.
const (
	ClientPOP3 ClientProtocol = "pop3"
	ClientIMAP ClientProtocol = "imap"
	ClientSMTP ClientProtocol = "smtp"
)

// ClientServer is one server.
type ClientServer struct {
	Protocol ClientProtocol
	Host     string
	Port     uint16
}

// ClientConfig gives the settings for mail software of a domain's people in an access zone (SV-9). They are the same for every
// address of the domain, so that nobody learns which there are. NotFound "domain.unknown".
func (s *Service) ClientConfig(ctx context.Context, domain string, zone mail.Zone) (ClientConfig, error) {
	const op = "domains.ClientConfig"
	at, err := s.owner(ctx, op, domain)
	if err != nil {
		return ClientConfig{}, err
	}
	return s.clientConfig(ctx, op, at, zone)
}

func (s *Service) clientConfig(ctx context.Context, op mail.Op, at place, zone mail.Zone) (ClientConfig, error) {
	d, err := s.dir.Company(at.tenant).Domain(ctx, at.domain)
	if err != nil {
		return ClientConfig{}, mail.Wrap(op, err)
	}
	ports, c := s.ports(zone), ClientConfig{Domain: at.domain}
	c.Incoming = s.offer(c.Incoming, ClientPOP3, ports.POP3S)
	if d.Has(directory.OptionIMAPS) && zone != mail.ZoneVPN {
		c.Incoming = s.offer(c.Incoming, ClientIMAP, ports.IMAPS)
	}
	c.Outgoing = s.offer(c.Outgoing, ClientSMTP, ports.SMTPS)
	return c, nil
}

// offer adds a server that is there.
func (s *Service) offer(list []ClientServer, p ClientProtocol, port uint16) []ClientServer {
	if port == 0 {
		return list
	}
	return append(list, ClientServer{p, s.cfg.Hostname, port})
}
