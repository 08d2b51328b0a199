package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	miekg "github.com/miekg/dns"

	"tegami/mail"
)

var (
	first  = netip.MustParseAddrPort("192.0.2.53:53")
	second = netip.MustParseAddrPort("[2001:db8::53]:53")
)

// script is a Transport that answers as a function says; nil is silence.
type script struct {
	answer func(server netip.AddrPort, tcp bool, q *miekg.Msg) *miekg.Msg

	mu    sync.Mutex
	asked []string // "server type"
}

func (s *script) Exchange(ctx context.Context, server netip.AddrPort, tcp bool, query []byte) ([]byte, error) {
	q := new(miekg.Msg)
	if err := q.Unpack(query); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.asked = append(s.asked, server.String()+" "+miekg.TypeToString[q.Question[0].Qtype])
	s.mu.Unlock()
	a := s.answer(server, tcp, q)
	if a == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return a.Pack()
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// reply makes an answer of records; a first one that is a number is the code.
func reply(q *miekg.Msg, rcode int, records ...string) *miekg.Msg {
	a := new(miekg.Msg).SetReply(q)
	a.Rcode = rcode
	for _, record := range records {
		rr, err := miekg.NewRR(record)
		if err != nil {
			panic(err)
		}
		if rr.Header().Rrtype == miekg.TypeSOA {
			a.Ns = append(a.Ns, rr)
		} else {
			a.Answer = append(a.Answer, rr)
		}
	}
	return a
}

func always(rcode int, records ...string) func(netip.AddrPort, bool, *miekg.Msg) *miekg.Msg {
	return func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg { return reply(q, rcode, records...) }
}

func resolver(s *script) *Resolver {
	return New(Config{Servers: []netip.AddrPort{first, second}, Transport: s, TrustAD: true})
}

func TestTexts(t *testing.T) {
	s := &script{answer: always(0, `x.jp. TXT "v=DKIM1; p=" "abc" "\"\\\009\227\129\130;"`, `x.jp. TXT ""`, `y.jp. TXT "of another name"`, `x.jp. CH TXT "of another class"`)}
	got, _, err := resolver(s).TXT(t.Context(), "X.jp")
	want := []string{"v=DKIM1; p=abc\"\\\t\xe3\x81\x82;", ""}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRecords(t *testing.T) {
	s := &script{answer: always(0,
		"x.jp. MX 20 B.x.jp.", "x.jp. MX 5 a.x.jp.", "x.jp. MX 20 c.x.jp.", "x.jp. SRV 2 1 25 b.x.jp.", "x.jp. SRV 1 5 465 A.x.jp.",
		"x.jp. NS NS.x.jp.", "x.jp. TLSA 3 1 1 00FFab", "1.2.0.192.in-addr.arpa. PTR X.jp.", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR six.x.jp.")}
	r, ctx := resolver(s), t.Context()
	mx, _, err := r.MX(ctx, "x.jp")
	if err != nil || fmt.Sprint(mx) != "[{5 a.x.jp} {20 b.x.jp} {20 c.x.jp}]" {
		t.Errorf("MX %v, %v", mx, err)
	}
	srv, _, err := r.SRV(ctx, "x.jp")
	if err != nil || fmt.Sprint(srv) != "[{1 5 465 a.x.jp} {2 1 25 b.x.jp}]" {
		t.Errorf("SRV %v, %v", srv, err)
	}
	ns, _, err := r.NS(ctx, "x.jp")
	if err != nil || fmt.Sprint(ns) != "[ns.x.jp]" {
		t.Errorf("NS %v, %v", ns, err)
	}
	tlsa, _, err := r.TLSA(ctx, "x.jp")
	if err != nil || fmt.Sprint(tlsa) != "[{3 1 1 [0 255 171]}]" {
		t.Errorf("TLSA %v, %v", tlsa, err)
	}
	for ip, want := range map[string]string{"192.0.2.1": "x.jp", "::ffff:192.0.2.1": "x.jp", "2001:db8::1%eth0": "six.x.jp"} {
		names, _, err := r.PTR(ctx, netip.MustParseAddr(ip))
		if err != nil || len(names) != 1 || names[0] != want {
			t.Errorf("PTR of %s: %v, %v", ip, names, err)
		}
	}
	if _, _, err := r.PTR(ctx, netip.Addr{}); !IsNXDomain(err) {
		t.Errorf("PTR of nothing: %v", err)
	}
}

// TestNames: what is no name is not asked for, and does not exist.
func TestNames(t *testing.T) {
	long := strings.Repeat("a.", 126) + "b" // 253 octets
	for name, want := range map[string]string{
		"Example.JP": "example.jp.", "example.jp.": "example.jp.", "_dmarc.日本語.jp": "_dmarc.xn--wgv71a119e.jp.", "例え。jp": "xn--r8jz45g.jp.",
		"-odd-.x_y.jp": "-odd-.x_y.jp.", "user@x.jp._spf.example": "user@x.jp._spf.example.", "jp": "jp.", "1.2.0.192.in-addr.arpa": "1.2.0.192.in-addr.arpa.",
		long: long + ".", strings.Repeat("a", 63) + ".jp": strings.Repeat("a", 63) + ".jp.",
		"": "", ".": "", "..": "", "a..jp": "", ".jp": "", "a.jp..": "", long + "c": "", strings.Repeat("a", 64) + ".jp": "",
		"192.0.2.1": "", "192.0.2.1.": "", "2001:db8::1": "", "[192.0.2.1]": "", "a b.jp": "", "a\n.jp": "", `a\.b.jp`: "", "a\x00.jp": "", "a\x7f.jp": "", "\xff.jp": "",
		"例え..jp": "", strings.Repeat("例", 4000): "",
	} {
		got, ok := canonical(name)
		if got != want || ok != (want != "") {
			t.Errorf("%.80q: %q, %v", name, got, ok)
		}
	}
	s := &script{answer: always(0)}
	if _, _, err := resolver(s).MX(t.Context(), "a..jp"); !IsNXDomain(err) || !mail.Is(err, mail.NotFound) || s.count() != 0 {
		t.Errorf("%v, %d questions", err, s.count())
	}
}

func TestAliases(t *testing.T) {
	chain := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("n%d.jp. %d CNAME N%d.jp.", i, 100+i, i+1))
		}
		return list
	}
	end := func(n int) string { return fmt.Sprintf("n%d.jp. 50 A 192.0.2.1", n) }
	for name, c := range map[string]struct {
		answer func(netip.AddrPort, bool, *miekg.Msg) *miekg.Msg
		key    string
		ttl    time.Duration
	}{
		"none":            {always(0, "n0.jp. 70 A 192.0.2.1"), "", 70 * time.Second},
		"in one message":  {always(0, append(chain(5), end(5))...), "", 50 * time.Second},
		"in disorder":     {always(0, append([]string{end(5)}, chain(5)...)...), "", 50 * time.Second},
		"the longest":     {always(0, append(chain(maxChain), end(maxChain))...), "", 50 * time.Second},
		"too long":        {always(0, append(chain(maxChain+1), end(maxChain+1))...), "dns.failed", 0},
		"a loop":          {always(0, "n0.jp. CNAME n1.jp.", "n1.jp. CNAME n0.jp."), "dns.failed", 0},
		"to nowhere":      {always(miekg.RcodeNameError, chain(1)...), "dns.nxdomain", minTTL},
		"to no address":   {always(0, append(chain(1), "jp. 900 SOA a. b. 1 1 1 1 30")...), "dns.nodata", 30 * time.Second},
		"to no name":      {always(0, `n0.jp. CNAME a\.b.jp.`), "dns.failed", 0},
		"a foreign chain": {always(0, "x.jp. CNAME n1.jp.", "n1.jp. A 192.0.2.1"), "dns.nodata", minTTL},
		"link by link": {func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			if q.Question[0].Name == "n4.jp." {
				return reply(q, 0, end(4))
			}
			return reply(q, 0, chain(4)...)
		}, "", 50 * time.Second},
		"link by link, without end": {func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			return reply(q, 0, q.Question[0].Name+" CNAME x"+q.Question[0].Name)
		}, "dns.failed", 0},
	} {
		records, meta, err := resolver(&script{answer: c.answer}).lookup(t.Context(), "test", "n0.jp", miekg.TypeA)
		key, _ := mail.TextOf(err)
		if key != c.key || (len(records) == 1) != (c.key == "") || meta.TTL != c.ttl {
			t.Errorf("%s: %v, %v, %v", name, records, meta, err)
		}
	}
}

// TestCanonicalName: CNAME follows a chain to its end.
func TestCanonicalName(t *testing.T) {
	s := &script{answer: func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
		to := map[string]string{"a.jp.": "B.jp.", "b.jp.": "c.jp.", "d.jp.": "gone.jp.", "loop.jp.": "loop.jp.", "bad.jp.": "broken.jp."}[q.Question[0].Name]
		switch {
		case to != "":
			return reply(q, 0, q.Question[0].Name+" CNAME "+to)
		case q.Question[0].Name == "gone.jp.":
			return reply(q, miekg.RcodeNameError)
		case q.Question[0].Name == "broken.jp.":
			return reply(q, miekg.RcodeServerFailure)
		}
		return reply(q, 0)
	}}
	r := resolver(s)
	for name, want := range map[string]string{"a.jp": "c.jp", "b.jp": "c.jp", "d.jp": "gone.jp", "c.jp": "dns.nodata", "gone.jp": "dns.nxdomain", "loop.jp": "dns.failed", "bad.jp": "dns.failed"} {
		got, _, err := r.CNAME(t.Context(), name)
		if key, _ := mail.TextOf(err); got+key != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestAddrs(t *testing.T) {
	const nx, servfail = miekg.RcodeNameError, miekg.RcodeServerFailure
	four, six := []string{"x.jp. 60 A 192.0.2.1", "x.jp. 60 A 192.0.2.2"}, []string{"x.jp. 30 AAAA 2001:db8::1", "x.jp. 30 AAAA ::ffff:192.0.2.3"}
	for name, c := range map[string]struct {
		rcode4, rcode6   int
		four, six        []string
		secure4, secure6 bool
		want             string
		key              string
		secure           bool
	}{
		"both":                    {0, 0, four, six, true, true, "[192.0.2.1 192.0.2.2 2001:db8::1 192.0.2.3]", "", true},
		"one of them signed":      {0, 0, four, six, true, false, "[192.0.2.1 192.0.2.2 2001:db8::1 192.0.2.3]", "", false},
		"IPv4 only":               {0, 0, four, nil, true, false, "[192.0.2.1 192.0.2.2]", "", true},
		"IPv6 only":               {0, 0, nil, six, false, true, "[2001:db8::1 192.0.2.3]", "", true},
		"IPv6 fails":              {0, servfail, four, nil, false, false, "[192.0.2.1 192.0.2.2]", "", false},
		"IPv4 fails":              {servfail, 0, nil, six, false, false, "[2001:db8::1 192.0.2.3]", "", false},
		"IPv6 fails, no IPv4":     {0, servfail, nil, nil, false, false, "[]", "dns.failed", false},
		"IPv4 fails, no IPv6":     {servfail, 0, nil, nil, false, false, "[]", "dns.failed", false},
		"no name":                 {nx, nx, nil, nil, true, true, "[]", "dns.nxdomain", true},
		"no name, as one says":    {0, nx, nil, nil, true, false, "[]", "dns.nxdomain", false},
		"no name, says the other": {nx, 0, nil, nil, false, true, "[]", "dns.nxdomain", false},
		"neither":                 {0, 0, nil, nil, true, true, "[]", "dns.nodata", true},
		"both fail":               {servfail, servfail, nil, nil, true, true, "[]", "dns.failed", false},
	} {
		s := &script{answer: func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			a := reply(q, c.rcode4, c.four...)
			a.AuthenticatedData = c.secure4
			if q.Question[0].Qtype == miekg.TypeAAAA {
				a = reply(q, c.rcode6, c.six...)
				a.AuthenticatedData = c.secure6
			}
			return a
		}}
		ips, meta, err := resolver(s).Addrs(t.Context(), "x.jp")
		key, _ := mail.TextOf(err)
		if fmt.Sprint(ips) != c.want || key != c.key || meta.Authentic != c.secure {
			t.Errorf("%s: %v, %+v, %v", name, ips, meta, err)
		}
	}
}

// TestTrustAD: the AD bit is asked for and believed only where the operator says so.
func TestTrustAD(t *testing.T) {
	for _, trust := range []bool{true, false} {
		var ad, do bool
		s := &script{answer: func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			ad, do = q.AuthenticatedData, q.IsEdns0().Do()
			a := reply(q, 0, "x.jp. TXT a", "x.jp. RRSIG TXT 8 2 60 20300101000000 20200101000000 1 jp. AAAA")
			a.AuthenticatedData = true
			return a
		}}
		r := New(Config{Servers: []netip.AddrPort{first}, Transport: s, TrustAD: trust})
		texts, meta, err := r.TXT(t.Context(), "x.jp")
		if err != nil || len(texts) != 1 || meta.Authentic != trust || ad != trust || do != trust {
			t.Errorf("trust %v: %q, %v, %v, AD %v, DO %v", trust, texts, meta, err, ad, do)
		}
	}
}

// TestFailover: who is silent or refuses is asked after the others, for a while; SERVFAIL is the name's fault.
func TestFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		s := &script{}
		s.answer = func(server netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			if down && server == first {
				return nil
			}
			return reply(q, 0, q.Question[0].Name+" TXT a")
		}
		r := resolver(s)
		for i, want := range []time.Duration{DefaultTimeout, 0, 0} {
			begin := time.Now()
			if _, _, err := r.TXT(t.Context(), fmt.Sprintf("x%d.jp", i)); err != nil || time.Since(begin) != want {
				t.Errorf("question %d: after %v, %v", i, time.Since(begin), err)
			}
		}
		down = false
		time.Sleep(avoidFor + time.Second)
		if _, _, err := r.TXT(t.Context(), "y.jp"); err != nil || !strings.HasPrefix(s.asked[len(s.asked)-1], first.String()) {
			t.Errorf("asked %v, %v", s.asked, err)
		}
		s.asked, s.answer = nil, func(server netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			if server == first {
				return reply(q, miekg.RcodeServerFailure)
			}
			return reply(q, 0, q.Question[0].Name+" TXT a")
		}
		for i := range 2 {
			if _, _, err := r.TXT(t.Context(), fmt.Sprintf("z%d.jp", i)); err != nil {
				t.Error(err)
			}
		}
		if want := []string{first.String() + " TXT", second.String() + " TXT", first.String() + " TXT", second.String() + " TXT"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %v", s.asked)
		}
	})
}

// TestOutage: an outage is Unavailable, after a time with a limit; what was said is in the log.
func TestOutage(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(netip.AddrPort, bool, *miekg.Msg) *miekg.Msg
		why    string
		tries  int
		after  time.Duration
	}{
		"silence":  {func(netip.AddrPort, bool, *miekg.Msg) *miekg.Msg { return nil }, "deadline exceeded", 2 * DefaultTries, 2 * DefaultTries * DefaultTimeout},
		"refused":  {always(miekg.RcodeRefused), "REFUSED", 2, 0},
		"servfail": {always(miekg.RcodeServerFailure), "SERVFAIL", 2, 0},
		"bogus": {func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			a := reply(q, miekg.RcodeServerFailure)
			a.SetEdns0(udpSize, true)
			a.IsEdns0().Option = []miekg.EDNS0{&miekg.EDNS0_EDE{InfoCode: miekg.ExtendedErrorCodeDNSBogus, ExtraText: "signature expired"}}
			return a
		}, `DNSSEC Bogus "signature expired"`, 2, 0},
		"another question": {func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			a := reply(q, 0)
			a.Question[0].Name = "y.jp."
			return a
		}, "another question", 2 * DefaultTries, 0},
		"another id": {func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			a := reply(q, 0)
			a.Id++
			return a
		}, "another question", 2 * DefaultTries, 0},
		"a question": {func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg { return q }, "another question", 2 * DefaultTries, 0},
		"truncated for ever": {func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			a := reply(q, 0)
			a.Truncated = true
			return a
		}, "truncated", 4 * DefaultTries, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answer: c.answer}
			r := resolver(s)
			begin := time.Now()
			_, _, err := r.MX(t.Context(), "x.jp")
			if !mail.Is(err, mail.Unavailable) || !strings.Contains(err.Error(), c.why) || s.count() != c.tries || time.Since(begin) != c.after {
				t.Errorf("%s: %v after %v, asked %d times", name, err, time.Since(begin), s.count())
			}
			if stats := r.Stats(); stats.Questions != 1 || stats.Failed != 1 || stats.Cached != 0 || stats.Sent == 0 {
				t.Errorf("%s: %+v", name, stats)
			}
		})
	}
	if _, _, err := New(Config{Servers: []netip.AddrPort{}}).MX(t.Context(), "x.jp"); !mail.Is(err, mail.Unavailable) || !errors.Is(err, errServers) {
		t.Errorf("without servers: %v", err)
	}
}

// TestOldServers: a server that does not know EDNS is asked without, and one by UDP that says too much by TCP.
func TestOldServers(t *testing.T) {
	for _, old := range []int{miekg.RcodeFormatError, miekg.RcodeNotImplemented} {
		var tcps int
		s := &script{answer: func(_ netip.AddrPort, tcp bool, q *miekg.Msg) *miekg.Msg {
			if q.IsEdns0() != nil {
				return reply(q, old)
			}
			a := reply(q, 0, "x.jp. TXT a")
			if a.Truncated = !tcp; tcp {
				tcps++
			}
			return a
		}}
		if texts, _, err := resolver(s).TXT(t.Context(), "x.jp"); err != nil || len(texts) != 1 || tcps != 1 || s.count() != 3 {
			t.Errorf("%q, %v, %v", texts, err, s.asked)
		}
	}
}

// TestCaching: how long an answer of each kind is remembered.
func TestCaching(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(netip.AddrPort, bool, *miekg.Msg) *miekg.Msg
		life   time.Duration
	}{
		"records":             {always(0, "x.jp. 300 TXT a", "x.jp. 200 TXT b"), 200 * time.Second},
		"floor":               {always(0, "x.jp. 0 TXT a"), minTTL},
		"ceiling":             {always(0, "x.jp. 604800 TXT a"), maxTTL},
		"no name":             {always(miekg.RcodeNameError, "jp. 900 SOA a. b. 1 1 1 1 60"), time.Minute},
		"no name, by the SOA": {always(miekg.RcodeNameError, "jp. 30 SOA a. b. 1 1 1 1 60"), 30 * time.Second},
		"no record":           {always(0, "jp. 86400 SOA a. b. 1 1 1 1 86400"), maxTTL},
		"no SOA":              {always(0), minTTL},
		"failure":             {always(miekg.RcodeServerFailure), failureTTL},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answer: c.answer}
			r := resolver(s)
			_, meta, want := r.TXT(t.Context(), "x.jp")
			if want == nil && meta.TTL != c.life {
				t.Errorf("%s: TTL %v", name, meta.TTL)
			}
			asked := s.count()
			time.Sleep(c.life - time.Second)
			if _, meta, err := r.TXT(t.Context(), "X.JP."); s.count() != asked || fmt.Sprint(mail.KindOf(err)) != fmt.Sprint(mail.KindOf(want)) || want == nil && meta.TTL != time.Second {
				t.Errorf("%s: asked again, %v, %v", name, meta, err)
			}
			time.Sleep(time.Second)
			r.TXT(t.Context(), "x.jp")
			if s.count() == asked {
				t.Errorf("%s: remembered too long", name)
			}
		})
	}
}

// TestCacheIsBounded: by entries, and by octets of long answers.
func TestCacheIsBounded(t *testing.T) {
	now := time.Now()
	c := newCache(100)
	for i := range 1000 {
		c.put(question{fmt.Sprint(i), 1}, &answer{ttl: time.Duration(1000+i) * time.Second, size: i % 3 * cacheUnit}, now)
		if c.used > 100 || len(c.entries) > 100 {
			t.Fatalf("%d entries, %d used", len(c.entries), c.used)
		}
	}
	if a, left := c.get(question{"999", 1}, now); a == nil || left != 1999*time.Second {
		t.Errorf("the newest: %v, %v", a, left)
	}
	c.put(question{"999", 1}, &answer{ttl: time.Second}, now)
	if a, _ := c.get(question{"999", 1}, now.Add(time.Second)); a != nil {
		t.Error("it outlived its time")
	}
	c.put(question{"giant", 1}, &answer{ttl: time.Hour, size: 100 * cacheUnit}, now)
	if a, _ := c.get(question{"giant", 1}, now); a != nil {
		t.Error("an answer larger than the cache is in it")
	}
	sum := 0
	for _, e := range c.entries {
		sum += e.answer.cost()
	}
	if sum != c.used {
		t.Errorf("%d used, %d counted", sum, c.used)
	}
	off := newCache(-1)
	off.put(question{"x", 1}, &answer{ttl: time.Hour}, now)
	if a, _ := off.get(question{"x", 1}, now); a != nil {
		t.Error("no cache remembers")
	}
}

// TestOneFlight: equal questions at the same time are asked once, and an answer nobody waits for any more is remembered.
func TestOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			time.Sleep(time.Second)
			return reply(q, 0, "x.jp. TXT a")
		}}
		r := resolver(s)
		hasty, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if i == 0 {
					if _, _, err := r.TXT(hasty, "x.jp"); !mail.Is(err, mail.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("who has no time: %v", err)
					}
				} else if texts, _, err := r.TXT(t.Context(), "x.jp"); err != nil || len(texts) != 1 {
					t.Errorf("%q, %v", texts, err)
				}
			})
		}
		wg.Wait()
		hasty, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, _, err := r.MX(hasty, "x.jp"); err == nil {
			t.Error("an answer before its time")
		}
		time.Sleep(time.Second)
		if _, _, err := r.MX(t.Context(), "x.jp"); !mail.Is(err, mail.NotFound) {
			t.Error(err)
		}
		if s.count() != 2 {
			t.Errorf("asked %v", s.asked)
		}
	})
}

// TestFlightsAreBounded: over the limit a question waits for its turn, and no longer than its context.
func TestFlightsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(_ netip.AddrPort, _ bool, q *miekg.Msg) *miekg.Msg {
			if q.Question[0].Name != "y.jp." {
				return nil
			}
			return reply(q, 0, "y.jp. TXT a")
		}}
		r := resolver(s)
		for i := range maxFlights {
			go r.TXT(t.Context(), fmt.Sprintf("x%d.jp", i))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		before := s.count()
		if _, _, err := r.TXT(ctx, "y.jp"); !mail.Is(err, mail.Unavailable) || s.count() != before {
			t.Errorf("%v, %d asked", err, s.count()-before)
		}
		time.Sleep(maxWait)
		if _, _, err := r.TXT(t.Context(), "y.jp"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	q := new(miekg.Msg).SetQuestion("n0.jp.", miekg.TypeMX)
	for _, records := range [][]string{{"n0.jp. MX 1 a.jp."}, {"n0.jp. CNAME n1.jp.", "n1.jp. MX 0 ."}, {"jp. SOA a. b. 1 1 1 1 1"}} {
		octets, err := reply(q, 0, records...).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		query, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		answers(query, octets)
		m := new(miekg.Msg)
		if m.Unpack(octets) != nil {
			return
		}
		for _, kind := range []uint16{miekg.TypeMX, miekg.TypeTXT, miekg.TypeCNAME, miekg.TypeA} {
			a := read(question{"n0.jp.", kind}, m)
			if a.cause == nil && (a.ttl < minTTL || a.ttl > maxTTL || a.links > maxChain || (len(a.records) > 0) != (a.fault == found && a.next == "")) {
				t.Errorf("%+v", a)
			}
		}
	})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"Example.jp.", "例え。jp", "a..b", `a\.b`, "192.0.2.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := canonical(s)
		if !ok {
			return
		}
		if again, ok := canonical(name); !ok || again != name {
			t.Errorf("%q becomes %q, and that %q", s, name, again)
		}
		m := new(miekg.Msg).SetQuestion(name, miekg.TypeA)
		octets, err := m.Pack()
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		back := new(miekg.Msg)
		if err := back.Unpack(octets); err != nil || plain(back.Question[0].Name) != name {
			t.Errorf("%q comes back as %q, %v", name, back.Question[0].Name, err)
		}
		if questionEnd(octets) != len(octets) {
			t.Errorf("the question about %q ends at %d of %d", name, questionEnd(octets), len(octets))
		}
	})
}
