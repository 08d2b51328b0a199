package domains

import (
	"context"
	"net/netip"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// TLSMode is how the connection to a smart host is protected.
type TLSMode string

// The modes. Certificates are verified against the host's name in both that use TLS.
const (
	TLSImplicit TLSMode = "tls"      // from the first octet (RFC 8314 §3)
	TLSStart    TLSMode = "starttls" // STARTTLS, or no mail
	TLSOff      TLSMode = "off"      // for a host in a closed network; no password then
)

// Secret is a text that shows itself to nobody but who calls Reveal.
type Secret string

// Reveal gives the text.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString hides the text.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// SmartHost is the host that mail leaves by instead of going to the hosts of its recipients: a gateway, a company's
// old server during a migration, a host in its VPN.
type SmartHost struct {
	Domain   string // whose mail; "" = of all domains without one of their own
	Host     string // a name in lower case, or an address
	Port     uint16
	TLS      TLSMode
	User     string // "" = no authentication
	Password Secret // given by Service.SmartHost alone
}

// Limits of a smart host's texts, in octets.
const (
	maxUser     = 255
	maxPassword = 1024
)

// everyDomain is the key of the smart host for all domains without one.
const everyDomain = "*"

// hostDoc is a smart host as stored, and passwordDoc its password, in a secret object: the operation log shows who
// changed what, and no password.
type (
	hostDoc struct {
		Domain string  `json:"domain"`
		Host   string  `json:"host"`
		Port   uint16  `json:"port"`
		TLS    TLSMode `json:"tls"`
		User   string  `json:"user,omitempty"`
	}
	passwordDoc struct {
		Password string `json:"password"`
	}
)

func (d hostDoc) smartHost() SmartHost {
	return SmartHost{Domain: strings.TrimPrefix(d.Domain, everyDomain), Host: d.Host, Port: d.Port, TLS: d.TLS, User: d.User}
}

// leaving is where the mail of a domain leaves, as of an epoch of its tenant.
type leaving struct {
	epoch uint64
	by    *SmartHost // nil: to the hosts of its recipients
}

// SmartHost gives the host that mail from a domain of the tenant leaves by: the domain's, else the one
// for all; nil for none. It is kept in memory. A domain that is not the tenant's (a list's member
// writes through us, or the null sender) has the one for all.
func (s *Service) SmartHost(ctx context.Context, tenant mail.TenantID, senderDomain string) (*SmartHost, error) {
	const op = "domains.SmartHost"
	if tenant.IsZero() {
		return nil, nil
	}
	at, err := s.place(ctx, op, tenant, senderDomain)
	if key, _ := mail.TextOf(err); key == "domain.unknown" {
		at, err = place{tenant, everyDomain}, nil
	}
	if err != nil {
		return nil, err
	}
	epoch := s.handle(tenant).Epoch() // before reading: what changes meanwhile makes it stale
	if l, ok := s.leaving.get(at); ok && l.epoch == epoch {
		return l.by, nil
	}
	host, err := s.readHost(ctx, at)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	s.leaving.put(at, &leaving{epoch, host})
	return host, nil
}

// readHost gives the stored smart host of a domain, else the one for all; nil for none.
func (s *Service) readHost(ctx context.Context, at place) (host *SmartHost, err error) {
	err = s.handle(at.tenant).View(ctx, func(r store.Reader) error {
		host = nil
		for _, key := range []string{at.domain, everyDomain} {
			var doc hostDoc
			var password passwordDoc
			_, found, err := find(r, kindHost, key, &doc)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			h := doc.smartHost()
			if _, _, err = find(r, kindPassword, key, &password); err != nil {
				return err
			}
			h.Password = Secret(password.Password)
			host = &h
			return nil
		}
		return nil
	})
	return host, err
}

// SmartHosts lists the tenant's smart hosts, without their passwords.
func (c *Company) SmartHosts(ctx context.Context) (list []SmartHost, err error) {
	err = c.view(ctx, "domains.SmartHosts", func(r store.Reader) error {
		list = nil
		var p store.Page
		for {
			objects, err := r.Objects(kindHost, p)
			if err != nil {
				return err
			}
			for _, o := range objects {
				var doc hostDoc
				if err := decode(o, &doc); err != nil {
					return err
				}
				list = append(list, doc.smartHost())
				p.After = o.ID
			}
			if len(objects) < store.MaxPage {
				return nil
			}
		}
	})
	return list, err
}

// SetSmartHost lets the mail of a domain (h.Domain; "" = of all without one of their own) leave by a host. An
// empty password with a user keeps the one that is stored. Operators only, since the platform will connect there. Invalid
// "smarthost.malformed", or "smarthost.password_needs_tls".
func (c *Company) SetSmartHost(ctx context.Context, by mail.Actor, h SmartHost) error {
	const op = "domains.SetSmartHost"
	if err := c.may(ctx, by, op, orders); err != nil {
		return err
	}
	key, err := c.hostKey(ctx, op, h.Domain)
	if err != nil {
		return err
	}
	if h, err = checkHost(op, h); err != nil {
		return err
	}
	return c.update(ctx, by, op, orders, func(tx store.Tx) error {
		if _, err := save(tx, kindHost, key, false, hostDoc{key, h.Host, h.Port, h.TLS, h.User}); err != nil {
			return err
		}
		switch {
		case h.User == "":
			_, err = drop(tx, kindPassword, key)
		case h.Password != "":
			_, err = save(tx, kindPassword, key, true, passwordDoc{h.Password.Reveal()})
		}
		return err
	})
}

// RemoveSmartHost lets the mail of a domain go to the hosts of its recipients again, or by the host for all. Operators
// only. NotFound "smarthost.unknown".
func (c *Company) RemoveSmartHost(ctx context.Context, by mail.Actor, domain string) error {
	const op = "domains.RemoveSmartHost"
	if err := c.may(ctx, by, op, orders); err != nil {
		return err
	}
	key, err := c.hostKey(ctx, op, domain)
	if err != nil {
		return err
	}
	return c.update(ctx, by, op, orders, func(tx store.Tx) error {
		found, err := drop(tx, kindHost, key)
		if err != nil {
			return err
		}
		if !found {
			return mail.E(op, mail.NotFound, "smarthost.unknown", domain)
		}
		_, err = drop(tx, kindPassword, key)
		return err
	})
}

// hostKey is under what a domain's smart host is kept.
func (c *Company) hostKey(ctx context.Context, op mail.Op, domain string) (string, error) {
	if domain == "" && !c.id.IsZero() {
		_, err := c.s.dir.Tenant(ctx, c.id)
		return everyDomain, mail.Wrap(op, err)
	}
	at, err := c.s.place(ctx, op, c.id, domain)
	return at.domain, err
}

// checkHost puts a smart host into its canonical form.
func checkHost(op mail.Op, h SmartHost) (SmartHost, error) {
	host, named := mail.ParseDomain(h.Host)
	ip, err := netip.ParseAddr(h.Host)
	switch {
	case err == nil:
		h.Host = ip.String()
	case named && host[0] != '[':
		h.Host = host
	default:
		return h, mail.E(op, mail.Invalid, "smarthost.malformed")
	}
	known := h.TLS == TLSImplicit || h.TLS == TLSStart || h.TLS == TLSOff
	bad := func(s string, limit int) bool { return len(s) > limit || strings.ContainsAny(s, "\r\n\x00") }
	if h.Port == 0 || !known || bad(h.User, maxUser) || bad(h.Password.Reveal(), maxPassword) || h.User == "" && h.Password != "" {
		return h, mail.E(op, mail.Invalid, "smarthost.malformed")
	}
	if h.User != "" && h.TLS == TLSOff {
		return h, mail.E(op, mail.Invalid, "smarthost.password_needs_tls")
	}
	return h, nil
}
