package relay

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/wire/tlspolicy"
)

// Scripts of hosts and their TLS.
const (
	startTLS  = "GREET mx.x.example STARTTLS PIPELINING\nC: STARTTLS\nS: 220 go\n"
	secure    = startTLS + "TLS\nC: EHLO\nS: 250-mx.x.example\nS: 250-REQUIRETLS\nS: 250 PIPELINING\nSERVE"
	tooOld    = startTLS + "TLS\nC: EHLO\nS: 250-mx.x.example\nS: 250 PIPELINING\nSERVE" // no REQUIRETLS
	onlyPlain = "GREET mx.x.example PIPELINING\nSERVE"
	badTLS    = "waiting remote.tls 4.7.5 mx.x.example"
	noTLS     = "waiting remote.tls 4.7.4 mx.x.example"
)

// lies are hosts that offer STARTTLS and don't have it.
var lies = map[string]string{
	"refuses":         "GREET mx.x.example STARTTLS PIPELINING\nC: STARTTLS\nS: 454 4.7.0 not today\nSERVE",
	"hangs up":        startTLS + "CLOSE",
	"garbage":         startTLS + "SAY \"no TLS at all\\r\\n\"\nCLOSE",
	"an alert":        startTLS + "SAY \"\\x15\\x03\\x01\\x00\\x02\\x02\\x28\"\nCLOSE",
	"plain before":    "GREET mx.x.example STARTTLS\nC: STARTTLS\nSAY \"220 go\\r\\n250 injected\\r\\n\"\nCLOSE",
	"silent":          startTLS + "SILENT",
	"hangs up before": "GREET mx.x.example STARTTLS\nC: STARTTLS\nCLOSE",
}

// TestOpportunistic: TLS where it works, whoever's certificate it is, else plain.
func TestOpportunistic(t *testing.T) {
	for name, c := range map[string]struct {
		scripts []string
		cert    string
		conns   int
		report  []string
	}{
		"TLS":               {[]string{secure}, "mx.x.example", 1, []string{"no-policy-found x.example ok"}},
		"wrong certificate": {[]string{secure}, "other.example", 1, []string{"no-policy-found x.example ok"}},
		"not offered":       {[]string{onlyPlain}, "x", 1, []string{"no-policy-found x.example mx.x.example starttls-not-supported"}},
		"refused":           {[]string{lies["refuses"]}, "x", 1, []string{"no-policy-found x.example mx.x.example starttls-not-supported"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, plainMX)
			h := l.host("127.0.0.2", c.cert, c.scripts...)
			l.sent(okAtMX)
			if h.connections() != c.conns {
				t.Errorf("%d connections", h.connections())
			}
			l.reported(c.report...)
		})
	}
	for name, script := range lies {
		if name == "refuses" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			l := newLab(t, plainMX)
			if name == "silent" {
				l.cfg.Waits.Command = 50 * time.Millisecond
			}
			h := l.host("127.0.0.2", "mx.x.example", script, onlyPlain)
			l.sent(okAtMX)
			if h.connections() != 2 || len(h.got()) != 1 {
				t.Errorf("%d connections, %d messages", h.connections(), len(h.got()))
			}
			l.reported("no-policy-found x.example mx.x.example validation-failure")
		})
	}
	t.Run("the second time too", func(t *testing.T) {
		l := newLab(t, plainMX)
		h := l.host("127.0.0.2", "mx.x.example", lies["hangs up"], "CLOSE")
		l.sent("waiting remote.lost 4.4.2 mx.x.example")
		if h.connections() != 2 {
			t.Errorf("%d connections", h.connections())
		}
	})
}

// signed makes all of the domain's names authentic.
func (l *lab) signed() {
	l.names.Sign("x.example", "mx.x.example", "_25._tcp.mx.x.example", "real.x.example", "_25._tcp.real.x.example")
}

// TestDANE: RFC 7672.
func TestDANE(t *testing.T) {
	const daneOK, fail = "tlsa x.example ok", "tlsa x.example mx.x.example validation-failure"
	for name, c := range map[string]struct {
		script string
		zone   string // more records; %s is the TLSA data of the certificate
		change func(*lab)
		want   string
		report []string
	}{
		"pass":                     {secure, "_25._tcp.mx.x.example. TLSA %s", nil, okAtMX, []string{daneOK}},
		"another key":              {secure, "_25._tcp.mx.x.example. TLSA 3 1 1 " + strings.Repeat("00", 32), nil, badTLS, []string{fail}},
		"no STARTTLS":              {onlyPlain, "_25._tcp.mx.x.example. TLSA %s", nil, noTLS, []string{"tlsa x.example mx.x.example starttls-not-supported"}},
		"STARTTLS refused":         {lies["refuses"], "_25._tcp.mx.x.example. TLSA %s", nil, noTLS, []string{"tlsa x.example mx.x.example starttls-not-supported"}},
		"STARTTLS fails":           {lies["garbage"], "_25._tcp.mx.x.example. TLSA %s", nil, badTLS, []string{fail}},
		"lookup fails":             {secure, "", func(l *lab) { l.names.FailType("_25._tcp.mx.x.example", "TLSA") }, "waiting remote.tls 4.7.5 mx.x.example", []string{"tlsa x.example mx.x.example dnssec-invalid"}},
		"not usable: any TLS":      {secure, "_25._tcp.mx.x.example. TLSA 0 0 1 " + strings.Repeat("00", 32), nil, okAtMX, []string{daneOK}},
		"not usable, and no TLS":   {onlyPlain, "_25._tcp.mx.x.example. TLSA 0 0 1 " + strings.Repeat("00", 32), nil, noTLS, []string{"tlsa x.example mx.x.example starttls-not-supported"}},
		"none":                     {secure, "", nil, okAtMX, []string{"no-policy-found x.example ok"}},
		"TLSA not authentic":       {secure, "_25._tcp.mx.x.example. TLSA 3 1 1 " + strings.Repeat("00", 32), func(l *lab) { l.names.Unsign("_25._tcp.mx.x.example") }, okAtMX, []string{"no-policy-found x.example ok"}},
		"MX not authentic":         {secure, "_25._tcp.mx.x.example. TLSA 3 1 1 " + strings.Repeat("00", 32), func(l *lab) { l.names.Unsign("x.example") }, okAtMX, []string{"no-policy-found x.example ok"}},
		"addresses not authentic":  {secure, "_25._tcp.mx.x.example. TLSA 3 1 1 " + strings.Repeat("00", 32), func(l *lab) { l.names.Unsign("mx.x.example") }, okAtMX, []string{"no-policy-found x.example ok"}},
		"of the canonical name":    {secure, "_25._tcp.real.x.example. TLSA %s", alias, okAtMX, []string{daneOK}},
		"canonical, another key":   {secure, "_25._tcp.real.x.example. TLSA 3 1 1 " + strings.Repeat("00", 32) + "\n_25._tcp.mx.x.example. TLSA %s", alias, badTLS, []string{fail}},
		"alias, of the first name": {secure, "_25._tcp.mx.x.example. TLSA %s", alias, okAtMX, []string{daneOK}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, plainMX)
			l.signed()
			h := l.host("127.0.0.2", "whatever.example", c.script)
			if strings.Contains(c.zone, "%s") {
				c.zone = fmt.Sprintf(c.zone, tlsa(h.cert))
			}
			l.names.Add(c.zone)
			if c.change != nil {
				c.change(l)
			}
			err := l.sent(c.want)
			if (err != nil) != strings.HasPrefix(c.want, "waiting") {
				t.Errorf("the destination: %v", err)
			}
			if h.connections() > 1 {
				t.Errorf("%d connections: tried again in plain?", h.connections())
			}
			l.reported(c.report...)
		})
	}
}

// alias makes mx.x.example an alias of real.x.example.
func alias(l *lab) {
	l.names.Remove("mx.x.example")
	l.names.Add("mx.x.example. CNAME real.x.example.\nreal.x.example. A 127.0.0.2")
}

// TestDANENextHost: what DANE refuses at one host another may take.
func TestDANENextHost(t *testing.T) {
	l := newLab(t, twoHosts+"_25._tcp.one.x.example. TLSA 3 1 1 "+strings.Repeat("00", 32))
	l.names.Sign("x.example", "one.x.example", "_25._tcp.one.x.example")
	l.host("127.0.0.2", "one.x.example", secure)
	l.host("127.0.0.3", "two.x.example", onlyPlain)
	l.sent("relayed 2.0.0 two.x.example")
}

// TestRequireTLS: RFC 8689 §4.2.1.
func TestRequireTLS(t *testing.T) {
	const no = "failed remote.requiretls 5.7.30 mx.x.example"
	for name, c := range map[string]struct {
		script, cert string
		change       func(*lab, *mx)
		want         string
	}{
		"certificate and DNSSEC":    {secure, "mx.x.example", func(l *lab, _ *mx) { l.signed() }, okAtMX},
		"certificate alone":         {secure, "mx.x.example", nil, no},
		"DNSSEC alone":              {secure, "other.example", func(l *lab, _ *mx) { l.signed() }, no},
		"DANE":                      {secure, "other.example", func(l *lab, h *mx) { l.signed(); l.names.Add("_25._tcp.mx.x.example. TLSA " + tlsa(h.cert)) }, okAtMX},
		"DANE that can't be used":   {secure, "other.example", func(l *lab, _ *mx) { l.signed(); l.names.Add("_25._tcp.mx.x.example. TLSA 1 1 1 00") }, no},
		"the next does not promise": {tooOld, "mx.x.example", func(l *lab, _ *mx) { l.signed() }, no},
		"no TLS":                    {onlyPlain, "mx.x.example", func(l *lab, _ *mx) { l.signed() }, no},
		"TLS fails":                 {lies["garbage"], "mx.x.example", func(l *lab, _ *mx) { l.signed() }, badTLS},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, plainMX)
			h := l.host("127.0.0.2", c.cert, c.script)
			if c.change != nil {
				c.change(l, h)
			}
			it := l.item(shortText, "b@x.example")
			it.Opts.RequireTLS = true
			err := l.carry(it)
			l.became(it, c.want)
			if (err != nil) != strings.HasPrefix(c.want, "waiting") {
				t.Errorf("the destination: %v", err)
			}
			said := strings.Join(h.said(), "|")
			if want := "MAIL FROM:<a@tegami.example> REQUIRETLS"; strings.Contains(said, "MAIL") && !strings.Contains(said, want) || strings.Contains(said, want) != (c.want == okAtMX) {
				t.Error(said)
			}
		})
	}
	t.Run("no MX: nothing to forge", func(t *testing.T) {
		l := newLab(t, "x.example. A 127.0.0.2")
		l.host("127.0.0.2", "x.example", secure)
		it := l.item(shortText, "b@x.example")
		it.Opts.RequireTLS = true
		l.carry(it)
		l.became(it, "relayed 2.0.0 x.example")
	})
	t.Run("beside other mail", func(t *testing.T) {
		l := newLab(t, plainMX)
		h := l.host("127.0.0.2", "mx.x.example", onlyPlain)
		first, must, last := l.item(shortText, "b@x.example"), l.item(shortText, "b@x.example"), l.item(shortText, "b@x.example")
		must.Opts.RequireTLS = true
		if err := l.carry(first, must, last); err != nil {
			t.Error(err)
		}
		l.became(first, okAtMX)
		l.became(must, no)
		l.became(last, okAtMX)
		if len(h.got()) != 2 {
			t.Error(len(h.got()))
		}
	})
	t.Run("over a connection that was open", func(t *testing.T) {
		l := newLab(t, plainMX)
		l.signed()
		h := l.host("127.0.0.2", "mx.x.example", secure)
		a, b := l.item(shortText, "b@x.example"), l.item(shortText, "b@x.example")
		b.Opts.RequireTLS = true
		l.carry(a, b)
		l.became(b, okAtMX)
		if h.connections() != 1 {
			t.Errorf("%d connections", h.connections())
		}
	})
}

// TestOldTLS: the worst TLS is better than none, where nobody asked for better.
func TestOldTLS(t *testing.T) {
	l := newLab(t, plainMX)
	s := &session{relay: l.start(), host: "mx.x.example", way: &way{domain: "x.example"}}
	if v := s.tlsConfig().MinVersion; v != tls.VersionTLS10 {
		t.Errorf("%x", v)
	}
	s.guard = guard{mode: tlsMust, policy: &policy{StoredPolicy{Policy: tlspolicy.Policy{Mode: tlspolicy.Enforce}}}}
	if c := s.tlsConfig(); c.MinVersion != tls.VersionTLS12 || c.ServerName != "mx.x.example" {
		t.Errorf("%x %s", c.MinVersion, c.ServerName)
	}
}

// TestCP8TLSIsNoted: the trace knows over which TLS another host took the message, or refused it.
func TestCP8TLSIsNoted(t *testing.T) {
	for script, want := range map[string]string{secure: "TLS1.3 TLS_", onlyPlain: ""} {
		l := newLab(t, plainMX)
		l.host("127.0.0.2", "mx.x.example", script)
		it := l.item(shortText, "b@x.example")
		if err := l.carry(it); err != nil {
			t.Fatal(err)
		}
		if got := it.To[0].TLS; !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
