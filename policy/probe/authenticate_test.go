package probe

import (
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/policy"
	"tegami/wire/dns/dnstest"
)

const zone = `
	good.example.          TXT "v=spf1 ip4:192.0.2.7 -all"
	_dmarc.good.example.   TXT "v=DMARC1; p=reject"
	helo.example.          TXT "v=spf1 ip4:192.0.2.7 -all"
	_dmarc.helo.example.   TXT "v=DMARC1; p=reject"
	_dmarc.bad.example.    TXT "v=DMARC1; p=reject; t=y"
`

// message is one from 192.0.2.7.
func message(from, author mail.Address) Message {
	text := "From: <" + author.String() + ">\r\n\r\n"
	return Message{
		Origin: mail.Origin{Remote: netip.MustParseAddr("192.0.2.7"), Helo: "helo.example"}, From: from, Author: author,
		Header: []byte(text), Body: func() io.Reader { return strings.NewReader("Hello.\r\n") },
	}
}

func address(t *testing.T, s string) mail.Address {
	t.Helper()
	if s == "" {
		return mail.Address{}
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestFacts turns what was found into facts and a header field.
func TestFacts(t *testing.T) {
	for name, c := range map[string]struct {
		from, author string
		broken       []string
		want         policy.Facts
		field        string
		proved       bool
	}{
		"aligned": {
			"a@good.example", "a@good.example", nil,
			policy.Facts{SPF: &policy.SPF{Result: "pass", Domain: "good.example"}, DMARC: &policy.DMARC{Result: "pass", Domain: "good.example", Record: "good.example", Policy: "none"}},
			"spf=pass smtp.mailfrom=a@good.example; dkim=none; dmarc=pass header.from=good.example", true,
		},
		"a bounce: HELO proves nothing about its author": {
			"", "mailer-daemon@helo.example", nil,
			policy.Facts{SPF: &policy.SPF{Result: "pass", Domain: "helo.example", Helo: true}, DMARC: &policy.DMARC{Result: "fail", Domain: "helo.example", Record: "helo.example", Policy: "reject"}},
			"spf=pass smtp.helo=helo.example; dkim=none; dmarc=fail header.from=helo.example policy.dmarc=reject", false,
		},
		"a domain that tries DMARC out": {
			"a@good.example", "a@bad.example", nil,
			policy.Facts{SPF: &policy.SPF{Result: "pass", Domain: "good.example"}, DMARC: &policy.DMARC{Result: "fail", Domain: "bad.example", Record: "bad.example", Policy: "quarantine"}},
			"spf=pass smtp.mailfrom=a@good.example; dkim=none; dmarc=fail header.from=bad.example policy.dmarc=quarantine", false,
		},
		"no author": {
			"a@good.example", "", nil,
			policy.Facts{SPF: &policy.SPF{Result: "pass", Domain: "good.example"}},
			"spf=pass smtp.mailfrom=a@good.example; dkim=none", false,
		},
		"names that nobody answers for": {
			"a@broken.example", "a@broken.example", []string{"broken.example", "_dmarc.broken.example"},
			policy.Facts{SPF: &policy.SPF{Result: "temperror", Domain: "broken.example"}, DMARC: &policy.DMARC{Result: "temperror", Domain: "broken.example", Policy: "none"}, Late: []string{"spf", "dmarc"}},
			"spf=temperror smtp.mailfrom=a@broken.example; dkim=none; dmarc=temperror header.from=broken.example", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			names := dnstest.Zone(zone)
			for _, n := range c.broken {
				names.Fail(n)
			}
			m := message(address(t, c.from), address(t, c.author))
			found := Authenticate(t.Context(), names, m, nil)
			var got policy.Facts
			found.Into(&got)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("facts:\n%+v %+v\nwant\n%+v %+v", got, got.DMARC, c.want, c.want.DMARC)
			}
			field := found.Results("mx.example", m)
			text := strings.Join(strings.Fields(string(field.Append(nil))), " ")
			if want := "Authentication-Results: mx.example; " + c.field; text != want {
				t.Errorf("field:\n%s\nwant\n%s", text, want)
			}
			got.Author = c.author
			if got.Proved() != c.proved {
				t.Errorf("proved: %v", got.Proved())
			}
		})
	}
}

// TestSenderOnce takes what was found out at MAIL FROM and asks no second time.
func TestSenderOnce(t *testing.T) {
	names := dnstest.Zone(zone)
	m := message(address(t, "a@good.example"), mail.Address{})
	sender := Sender(t.Context(), names, m.Origin, m.From)
	if n := names.Asked("good.example"); n != 1 {
		t.Fatalf("asked %d times", n)
	}
	Authenticate(t.Context(), names, m, &sender)
	if n := names.Asked("good.example"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
