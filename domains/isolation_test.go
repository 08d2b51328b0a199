package domains_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tegami/domains"
	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/dns/dnstest"
)

// TestIsolation calls everything a Company can do with what belongs to another tenant: under the other's administrator, the
// own one, an operator who mixes tenants up, and nobody. It finds nothing and changes nothing.
func TestIsolation(t *testing.T) {
	h := newHouse(t)
	alpha, beta := h.company("alpha.example"), h.company("beta.example")
	actors := map[string]mail.Actor{
		"the own administrator": h.admin(alpha, "sato@alpha.example"), "the stranger's": h.admin(beta, "smith@beta.example"),
		"an operator": h.ops, "nobody": {},
	}
	h.must(h.Company(beta).SetSmartHost(h.ctx, h.ops, domains.SmartHost{Domain: "beta.example", Host: "gate.beta.example", Port: 465, TLS: domains.TLSImplicit, User: "beta", Password: hostPassword}))
	_, err := h.Company(beta).Rotate(h.ctx, h.ops, "beta.example")
	h.must(err)
	names := dnstest.Zone("beta.example. MX 10 mx.beta.example.")
	before := h.dump(alpha, "alpha.example") + h.dump(beta, "beta.example")

	for name, by := range actors {
		walked := 0
		for _, tenant := range []mail.TenantID{alpha, 0} {
			c := h.Company(tenant)
			for i := range reflect.TypeOf(c).NumMethod() {
				stranger{h, name, by, names}.try(c, reflect.TypeOf(c).Method(i))
				walked++
			}
		}
		if walked < 18 {
			t.Fatalf("only %d methods were found: the walk is broken", walked)
		}
	}
	if after := h.dump(alpha, "alpha.example") + h.dump(beta, "beta.example"); after != before {
		t.Errorf("something changed:\n%s\nwas\n%s", after, before)
	}
	if !strings.Contains(before, "gate.beta.example") || !strings.Contains(before, "2 next") {
		t.Error("the test can't fail")
	}
}

// stranger is what a method is tried with.
type stranger struct {
	*house
	name  string
	by    mail.Actor
	names dns.Lookup
}

func (s stranger) try(c *domains.Company, m reflect.Method) {
	args, writes, names := []reflect.Value{reflect.ValueOf(c)}, false, false
	for i := 1; i < m.Type.NumIn(); i++ {
		args = append(args, s.argument(m.Name, m.Type.In(i)))
		writes = writes || m.Type.In(i) == reflect.TypeFor[mail.Actor]()
		names = names || i > 1
	}
	results := m.Func.Call(args)
	err, _ := results[len(results)-1].Interface().(error)
	switch {
	case mail.Is(err, mail.Denied), mail.Is(err, mail.NotFound):
	case err != nil:
		s.Errorf("%s, %s: %v; want Denied or NotFound", m.Name, s.name, err)
	case writes || names:
		s.Errorf("%s, %s: no error", m.Name, s.name)
	default:
		if seen := fmt.Sprintf("%+v", results[0].Interface()); strings.Contains(seen, "beta") {
			s.Errorf("%s, %s: shows %s", m.Name, s.name, seen)
		}
	}
}

// argument makes a value for a parameter out of what is the other tenant's.
func (s stranger) argument(method string, typ reflect.Type) reflect.Value {
	for _, v := range []any{
		s.by, "beta.example", domains.STSEnforce,
		domains.SmartHost{Domain: "beta.example", Host: "gate.alpha.example", Port: 465, TLS: domains.TLSImplicit},
	} {
		if reflect.TypeOf(v) == typ {
			return reflect.ValueOf(v)
		}
	}
	switch typ {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(s.ctx)
	case reflect.TypeFor[dns.Lookup]():
		return reflect.ValueOf(&s.names).Elem()
	}
	s.Fatalf("%s has a parameter of type %v: teach this test what a stranger's would be", method, typ)
	return reflect.Value{}
}

// dump writes down all of a tenant.
func (h *house) dump(tenant mail.TenantID, domain string) string {
	h.Helper()
	keys, err := h.Company(tenant).Keys(h.ctx, domain)
	h.must(err)
	hosts, err := h.Company(tenant).SmartHosts(h.ctx)
	h.must(err)
	policy, err := h.Company(tenant).STS(h.ctx, domain)
	h.must(err)
	return fmt.Sprintf("%s\n%+v\n%+v\n%+v\n%s\n", life(keys), keys, hosts, policy, h.leaves(tenant, domain))
}

// TestUnknownTenants asks a tenant that was never opened.
func TestUnknownTenants(t *testing.T) {
	h := newHouse(t)
	h.company("beta.example")
	nobody := h.Company(12345)
	for i := range reflect.TypeOf(nobody).NumMethod() {
		m := reflect.TypeOf(nobody).Method(i)
		args := []reflect.Value{reflect.ValueOf(nobody)}
		for j := 1; j < m.Type.NumIn(); j++ {
			args = append(args, stranger{h, "", h.ops, dnstest.Zone("")}.argument(m.Name, m.Type.In(j)))
		}
		results := m.Func.Call(args)
		err, _ := results[len(results)-1].Interface().(error)
		h.says(err, mail.NotFound, "tenant.unknown")
	}
}
