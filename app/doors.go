package app

import (
	"context"
	"net"

	"tegami/mail"
	"tegami/server/httpd"
	"tegami/server/imapd"
	"tegami/server/pop3d"
	"tegami/server/sieved"
	"tegami/server/smtpd"
)

// serving answers connections of a listener until its context ends.
type serving func(context.Context, net.Listener) error

// door makes the door for a listener. Protocols were checked with the boot file.
func (p *Platform) door(l ListenConfig) serving {
	switch l.Protocol {
	case "imap", "imaps":
		return p.imap(l)
	case "pop3", "pop3s":
		return p.pop3(l)
	case "sieve":
		return p.sieve(l)
	case "https":
		return p.https(l)
	case "https-content":
		return p.pictures()
	}
	return p.smtp(l)
}

func (p *Platform) smtp(l ListenConfig) serving {
	mode := smtpd.Submission
	if l.Protocol == "smtp" {
		mode = smtpd.MX
	}
	return smtpd.New(smtpd.Config{
		Name: l.Protocol, Mode: mode, Zone: mail.Zone(l.Zone), ImplicitTLS: protocols[l.Protocol], TLS: p.certs.tlsConfig(),
		AllowPlainAuth: l.PlainAuth, Hostname: p.config.Hostname, Sessions: &p.sessions, Log: p.log, Metrics: p.metrics,
		Limits: smtpd.Limits{Grace: p.grace()},
	}, smtpd.Through(p.intake)).Serve
}

func (p *Platform) imap(l ListenConfig) serving {
	return imapd.New(imapd.Config{
		Name: l.Protocol, ImplicitTLS: protocols[l.Protocol], TLS: p.certs.tlsConfig(), AllowPlainAuth: l.PlainAuth,
		Zone: mail.Zone(l.Zone), Hostname: p.config.Hostname, Sessions: &p.sessions, Log: p.log, Metrics: p.metrics,
		Limits: imapd.Limits{Grace: p.grace()},
	}, p.dir, p.boxes).Serve
}

func (p *Platform) pop3(l ListenConfig) serving {
	return pop3d.New(pop3d.Config{
		Name: l.Protocol, ImplicitTLS: protocols[l.Protocol], TLS: p.certs.tlsConfig(), AllowPlainAuth: l.PlainAuth,
		Zone: mail.Zone(l.Zone), Sessions: &p.sessions, Log: p.log, Metrics: p.metrics,
		Limits: pop3d.Limits{Grace: p.grace()},
	}, p.dir, p.boxes).Serve
}

func (p *Platform) sieve(l ListenConfig) serving {
	return sieved.New(sieved.Config{
		Name: l.Protocol, TLS: p.certs.tlsConfig(), AllowPlainAuth: l.PlainAuth,
		Zone: mail.Zone(l.Zone), Sessions: &p.sessions, Log: p.log, Metrics: p.metrics,
		Limits: sieved.Limits{Grace: p.grace()},
	}, p.dir, p.boxes).Serve
}

func (p *Platform) https(l ListenConfig) serving {
	monitors, _ := prefixes("metrics.from", p.config.Metrics.From) // were checked with the boot file
	proxies, _ := prefixes("http.proxies", p.config.HTTP.Proxies)
	door := httpd.New(httpd.Config{
		Words: p.words, Metrics: p.metrics, Log: p.log, Hostname: p.config.Hostname,
		Health: p.healthy, MetricsFrom: monitors, Proxies: proxies, Services: p.services(), Domains: p.domains, Zone: mail.Zone(l.Zone), Unsubscribe: p.dir,
		Certificate: p.certs.current.Load, Mounts: p.mounts(mail.Zone(l.Zone)),
	})
	return func(ctx context.Context, ln net.Listener) error { return door.Serve(ctx, ln, p.certs.tlsConfig()) }
}

// services are what the front page lists: what mail software may be set to, the secure ones.
func (p *Platform) services() (list []httpd.Service) {
	for _, l := range p.listening {
		s := httpd.Service{Port: l.Address.Port(), Security: httpd.ImplicitTLS}
		switch l.Protocol {
		case "smtps":
			s.Key, s.Protocol = "front.send", "SMTPS"
		case "submission":
			s.Key, s.Protocol, s.Security = "front.send", "SMTP", httpd.StartTLS
		case "imaps":
			s.Key, s.Protocol = "front.receive", "IMAPS"
		case "pop3s":
			s.Key, s.Protocol = "front.receive", "POP3S"
		default:
			continue
		}
		list = append(list, s)
	}
	return list
}
