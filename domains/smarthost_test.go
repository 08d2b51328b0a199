package domains_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tegami/domains"
	"tegami/mail"
	"tegami/store"
)

// nopStore is a store for what needs none.
type nopStore struct{ store.Store }

// servers writes the servers of a configuration in a line.
func servers(c domains.ClientConfig) string {
	var list []string
	for _, s := range append(c.Incoming, c.Outgoing...) {
		list = append(list, fmt.Sprintf("%s %s %d", s.Protocol, s.Host, s.Port))
	}
	return strings.Join(list, ", ")
}

const hostPassword = "do-not-show-me"

// leaves says where mail of a domain leaves by.
func (h *house) leaves(tenant mail.TenantID, domain string) string {
	h.Helper()
	host, err := h.SmartHost(h.ctx, tenant, domain)
	h.must(err)
	if host == nil {
		return "direct"
	}
	return fmt.Sprintf("%s:%d %s %s/%s", host.Host, host.Port, host.TLS, host.User, host.Password.Reveal())
}

func TestSmartHosts(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example"), h.company("beta.example")
	h.domain(alpha, "second.example")
	c := h.Company(alpha)
	for domain, want := range map[string]string{"alpha.example": "direct", "": "direct", "mail.example": "direct"} {
		if got := h.leaves(alpha, domain); got != want {
			t.Errorf("%q at first: %s", domain, got)
		}
	}
	h.must(c.SetSmartHost(h.ctx, h.ops, domains.SmartHost{Host: "Gate.Example.", Port: 465, TLS: domains.TLSImplicit, User: "alpha", Password: hostPassword}))
	h.must(c.SetSmartHost(h.ctx, h.ops, domains.SmartHost{Domain: "Second.example", Host: "192.0.2.7", Port: 25, TLS: domains.TLSOff}))
	all := "gate.example:465 tls alpha/" + hostPassword
	for domain, want := range map[string]string{
		"alpha.example": all, "second.example": "192.0.2.7:25 off /", "": all, "outside.example": all, "beta.example": all,
	} {
		if got := h.leaves(alpha, domain); got != want {
			t.Errorf("%q: %s, want %s", domain, got, want)
		}
	}
	if got := h.leaves(beta, "beta.example") + h.leaves(beta, "alpha.example") + h.leaves(0, "alpha.example"); got != "directdirectdirect" {
		t.Errorf("another tenant's mail: %s", got)
	}
	// Another host under the same user keeps the password, another process sees it at once.
	h.must(h.other().Company(alpha).SetSmartHost(h.ctx, h.ops, domains.SmartHost{Host: "gate2.example", Port: 587, TLS: domains.TLSStart, User: "alpha"}))
	if got := h.leaves(alpha, "alpha.example"); got != "gate2.example:587 starttls alpha/"+hostPassword {
		t.Errorf("changed: %s", got)
	}
	h.must(c.RemoveSmartHost(h.ctx, h.ops, "second.example"))
	h.must(c.SetSmartHost(h.ctx, h.ops, domains.SmartHost{Host: "gate2.example", Port: 25, TLS: domains.TLSStart}))
	if got := h.leaves(alpha, "second.example"); got != "gate2.example:25 starttls /" {
		t.Errorf("without a user: %s", got)
	}
	h.must(c.RemoveSmartHost(h.ctx, h.ops, ""))
	h.says(c.RemoveSmartHost(h.ctx, h.ops, ""), mail.NotFound, "smarthost.unknown")
	if got := h.leaves(alpha, "second.example"); got != "direct" {
		t.Errorf("removed: %s", got)
	}
}

// TestSmartHostPasswordIsNeverShown looks at all that could show it.
func TestSmartHostPasswordIsNeverShown(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example")
	c := h.Company(alpha)
	spec := domains.SmartHost{Host: "gate.example", Port: 465, TLS: domains.TLSImplicit, User: "alpha", Password: hostPassword}
	h.must(c.SetSmartHost(h.ctx, h.ops, spec))
	list, err := c.SmartHosts(h.ctx)
	h.must(err)
	if len(list) != 1 || list[0].Password != "" || list[0].User != "alpha" || list[0].Domain != "" {
		t.Errorf("%+v", list)
	}
	host, err := h.SmartHost(h.ctx, alpha, "alpha.example")
	h.must(err)
	asJSON, err := json.Marshal(host)
	h.must(err)
	shown := fmt.Sprintf("%v %+v %#v %s %q", *host, *host, *host, asJSON, host.Password)
	for _, kind := range []string{"smarthost", "smarthost-password"} {
		for _, a := range h.acts(alpha, kind) {
			shown += string(a.Before) + string(a.After)
		}
	}
	if strings.Contains(shown, hostPassword) {
		t.Errorf("it is shown: %s", shown)
	}
	if !strings.Contains(shown, "gate.example") || host.Password.Reveal() != hostPassword {
		t.Error("the test can't fail")
	}
}

func TestSmartHostsAreChecked(t *testing.T) {
	h := newHouse(t)
	alpha, _ := h.company("alpha.example"), h.company("beta.example")
	c := h.Company(alpha)
	good := domains.SmartHost{Host: "gate.example", Port: 465, TLS: domains.TLSImplicit, User: "alpha", Password: hostPassword}
	for name, x := range map[string]struct {
		change func(*domains.SmartHost)
		kind   mail.Kind
		key    string
	}{
		"no host":           {func(s *domains.SmartHost) { s.Host = "" }, mail.Invalid, "smarthost.malformed"},
		"a literal":         {func(s *domains.SmartHost) { s.Host = "[192.0.2.1]" }, mail.Invalid, "smarthost.malformed"},
		"two lines":         {func(s *domains.SmartHost) { s.Host = "a.example\r\nb" }, mail.Invalid, "smarthost.malformed"},
		"no port":           {func(s *domains.SmartHost) { s.Port = 0 }, mail.Invalid, "smarthost.malformed"},
		"no mode":           {func(s *domains.SmartHost) { s.TLS = "" }, mail.Invalid, "smarthost.malformed"},
		"a user of 2 lines": {func(s *domains.SmartHost) { s.User = "a\nb" }, mail.Invalid, "smarthost.malformed"},
		"a long password":   {func(s *domains.SmartHost) { s.Password = domains.Secret(strings.Repeat("x", 1025)) }, mail.Invalid, "smarthost.malformed"},
		"no user":           {func(s *domains.SmartHost) { s.User = "" }, mail.Invalid, "smarthost.malformed"},
		"no TLS":            {func(s *domains.SmartHost) { s.TLS = domains.TLSOff }, mail.Invalid, "smarthost.password_needs_tls"},
		"another's domain":  {func(s *domains.SmartHost) { s.Domain = "beta.example" }, mail.NotFound, "domain.unknown"},
	} {
		s := good
		x.change(&s)
		err := c.SetSmartHost(h.ctx, h.ops, s)
		if key, _ := mail.TextOf(err); !mail.Is(err, x.kind) || key != x.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.says(c.SetSmartHost(h.ctx, h.admin(alpha, "sato@alpha.example"), good), mail.Denied, "actor.denied")
	h.says(c.RemoveSmartHost(h.ctx, h.ops, "beta.example"), mail.NotFound, "domain.unknown")
}
