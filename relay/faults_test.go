package relay

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

// TestFaults: a host that misbehaves, and another behind it. One host's fault costs nobody his mail, and no mail is sent twice
// where it is known what became of it.
func TestFaults(t *testing.T) {
	const taken = "relayed 2.0.0 two.x.example"
	greet := "GREET one.x.example PIPELINING\n"
	envelope := greet + "C: MAIL\nC: RCPT\nC: DATA\n"
	for _, c := range []struct {
		name, script string
		with         string // what becomes of it where there is another host
		alone        string // where there is none
		second       int    // connections to the other host
	}{
		{"closes at once", "CLOSE", taken, "waiting remote.lost 4.4.2 one.x.example", 1},
		{"silent", "SILENT", taken, "waiting remote.lost 4.4.2 one.x.example", 1},
		{"421 as greeting", "S: 421 4.3.2 down\nCLOSE", taken, "waiting remote.deferred 4.3.2 one.x.example", 1},
		{"554 as greeting", "S: 554 5.3.2 no service here\nCLOSE", taken, "waiting remote.deferred 4.3.2 one.x.example", 1},
		{"no SMTP", "S: HTTP/1.1 400 Bad Request\nCLOSE", taken, "waiting remote.protocol 4.5.0 one.x.example", 1},
		{"no line's end", "SAY \"220 " + strings.Repeat("x", 5000) + "\"\nSILENT", taken, "waiting remote.protocol 4.5.0 one.x.example", 1},
		{"a greeting without end", strings.Repeat("S: 220-x\n", 200) + "SILENT", taken, "waiting remote.protocol 4.5.0 one.x.example", 1},
		{"421 to EHLO", "S: 220 one\nC: EHLO\nS: 421 bye\nCLOSE", taken, "waiting remote.deferred 4.0.0 one.x.example", 1},
		{"550 to EHLO and HELO", "S: 220 one\nC: EHLO\nS: 550 no\nC: HELO\nS: 550 5.7.1 no\nCLOSE", taken, "waiting remote.deferred 4.7.1 one.x.example", 1},
		{"421 to MAIL", envelope + "S: 421 4.3.0 bye\nCLOSE", taken, "waiting remote.deferred 4.3.0 one.x.example", 1},
		{"421 to RCPT", envelope + "S: 250 ok\nS: 421 4.3.0 bye\nCLOSE", taken, "waiting remote.deferred 4.3.0 one.x.example", 1},
		{"421 to DATA", envelope + "S: 250 ok\nS: 250 ok\nS: 421 4.3.0 bye\nCLOSE", taken, "waiting remote.deferred 4.3.0 one.x.example", 1},
		{"421 to the body", envelope + "S: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 421 4.3.0 bye\nCLOSE", taken, "waiting remote.deferred 4.3.0 one.x.example", 1},
		{"drops at MAIL", greet + "C: MAIL\nCLOSE", taken, "waiting remote.lost 4.4.2 one.x.example", 1},
		{"drops after RCPT", envelope + "S: 250 ok\nS: 250 ok\nCLOSE", taken, "waiting remote.lost 4.4.2 one.x.example", 1},
		{"drops after the body", envelope + "S: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nCLOSE", "waiting remote.unsure 4.4.2 one.x.example", "waiting remote.unsure 4.4.2 one.x.example", 0},
		{"silent after the body", envelope + "S: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nSILENT", "waiting remote.unsure 4.4.2 one.x.example", "waiting remote.unsure 4.4.2 one.x.example", 0},
		{"nonsense after the body", envelope + "S: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: ok\nCLOSE", "waiting remote.unsure 4.4.2 one.x.example", "waiting remote.unsure 4.4.2 one.x.example", 0},
		{"silent at MAIL", greet + "C: MAIL\nSILENT", taken, "waiting remote.lost 4.4.2 one.x.example", 1},
		{"refuses pipelining it promised", greet + "C: MAIL\nS: 250 ok\nS: 503 5.5.0 no pipelining\nCLOSE", taken, "waiting remote.lost 4.4.2 one.x.example", 1},
	} {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/alone=%v", c.name, alone), func(t *testing.T) {
				zone, want := twoHosts, c.with
				if alone {
					zone, want = "x.example. MX 10 one.x.example.\none.x.example. A 127.0.0.2\n", c.alone
				}
				l := newLab(t, zone)
				if strings.Contains(c.script, "SILENT") {
					wait := 50 * time.Millisecond
					l.cfg.Waits.Greeting, l.cfg.Waits.Command, l.cfg.Waits.End = wait, wait, wait
				}
				l.host("127.0.0.2", "one.x.example", c.script)
				two := l.host("127.0.0.3", "two.x.example", "GREET two.x.example PIPELINING\nSERVE")
				it := l.item(shortText, "b@x.example")
				err := l.carry(it)
				l.became(it, want)
				unsure := strings.Contains(want, "unsure")
				if (err != nil) != (alone && !unsure) {
					t.Errorf("the destination: %v", err)
				}
				if !alone && two.connections() != c.second {
					t.Errorf("%d connections to the second host", two.connections())
				}
			})
		}
	}
}

// TestDropsInTheMiddle: a host that hangs up within a large body.
func TestDropsInTheMiddle(t *testing.T) {
	l := newLab(t, twoHosts)
	l.host("127.0.0.2", "one.x.example", "GREET one.x.example PIPELINING\nC: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: From\nCLOSE")
	two := l.host("127.0.0.3", "two.x.example", "GREET two.x.example PIPELINING\nSERVE")
	text := shortText + strings.Repeat("a line of a long letter\r\n", 200_000)
	it := l.item(text, "b@x.example")
	l.carry(it)
	l.became(it, "relayed 2.0.0 two.x.example")
	if got := two.got(); len(got) != 1 || got[0] != text {
		t.Error("the second host did not get the whole letter")
	}
}

// TestPartBeforeTheLoss: who has his answer keeps it when the connection is lost for the others.
func TestPartBeforeTheLoss(t *testing.T) {
	l := newLab(t, twoHosts)
	l.host("127.0.0.2", "one.x.example", "GREET one.x.example PIPELINING\nC: MAIL\nC: RCPT\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 550 5.1.1 who\nS: 354 go\nBODY\nS: 421 4.3.0 bye\nCLOSE")
	two := l.host("127.0.0.3", "two.x.example", "GREET two.x.example PIPELINING\nSERVE")
	it := l.item(shortText, "b@x.example", "c@x.example")
	l.carry(it)
	l.became(it, "relayed 2.0.0 two.x.example", "failed remote.refused 5.1.1 one.x.example")
	if said := strings.Join(two.said(), " "); strings.Contains(said, "<c@") {
		t.Error("asked again for one who was refused:", said)
	}
}

// TestSmallPortions: a host that takes one recipient at a time and hangs up each time.
func TestSmallPortions(t *testing.T) {
	l := newLab(t, plainMX)
	one := "GREET mx.x.example\nC: MAIL\nS: 250 ok\nC: RCPT\nS: 250 ok\nC: RCPT\nS: 452 4.5.3 one\n"
	l.host("127.0.0.2", "mx.x.example", one+"C: DATA\nS: 354 go\nBODY\nS: 250 taken\nCLOSE", good)
	it := l.item(shortText, "b@x.example", "c@x.example")
	l.carry(it)
	l.became(it, "relayed 2.0.0 mx.x.example", okAtMX)
}

// TestHugeReplies: as much of an answer is kept as there is room for, in characters that harm nobody.
func TestHugeReplies(t *testing.T) {
	l := newLab(t, plainMX)
	l.host("127.0.0.2", "mx.x.example", opening+"C: RCPT\nC: DATA\nS: 250 ok\nSAY \""+strings.Repeat("550-5.1.1 \\x1b[2J\\x00\\xff手紙 words and words and words\\r\\n", 100)+"550 5.1.1 end\\r\\n\"\nS: 503 no\nSERVE")
	it := l.item(shortText, "b@x.example")
	l.carry(it)
	l.became(it, "failed remote.refused 5.1.1 mx.x.example")
	if a := it.To[0].Answer; len(a) < queue.MaxAnswer-8 || !strings.HasPrefix(a, "550 5.1.1 [2J?手紙 words") {
		t.Errorf("%d octets: %q", len(a), a)
	}
}

// TestStopped: a relay that is told to stop hears the answer to a body that is out, and begins nothing.
func TestStopped(t *testing.T) {
	l := newLab(t, plainMX)
	ctx, stop := context.WithCancel(t.Context())
	l.host("127.0.0.2", "mx.x.example", opening+"C: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nSTOP\nS: 250 2.0.0 taken\nSILENT")
	l.stop = stop
	it := l.item(shortText, "b@x.example")
	tr := &trip{relay: l.start()}
	defer tr.end()
	open := func(context.Context) (store.Blob, error) { return l.tenant.Blobs().Open(t.Context(), it.Blob) }
	if err := tr.serve(ctx, &parcel{ourTenant, it, open}); err != nil {
		t.Error(err)
	}
	l.became(it, okAtMX)
	again := l.item(shortText, "b@x.example")
	if err := tr.serve(ctx, &parcel{ourTenant, again, open}); err == nil || again.To[0].Outcome != queue.Waiting {
		t.Error("begun although it was told to stop:", err, again.To)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("250 ok\r\n\x00\x1b手紙\xff" + strings.Repeat("é", 300))
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if len(got) > queue.MaxAnswer || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.ToValidUTF8(got, "") != got {
			t.Errorf("%q became %q", s, got)
		}
		if clean(got) != got {
			t.Errorf("%q is not clean", got)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte("Return-Path: <a@b>\r\n\tx\r\nA: b\r\n\r\nbody"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := mime.HeaderEnd(b); n > len(b) {
			t.Error(n)
		}
		if n := returnPath(b); n > len(b) || n > 0 && string(b[n-2:n]) != "\r\n" {
			t.Error(n)
		}
	})
}

func FuzzLiteral(f *testing.F) {
	f.Add("[IPv6:2001:db8::1]")
	f.Fuzz(func(t *testing.T, s string) {
		if ip, ok := parseLiteral(s); ok && (!ip.IsValid() || ip.Zone() != "") {
			t.Errorf("%q: %v", s, ip)
		}
	})
}
