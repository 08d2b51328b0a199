package relay

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"tegami/domains"
	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

func sha(b []byte) [32]byte { return sha256.Sum256(b) }

// ourDomains signs with a mark, and knows smart hosts.
type ourDomains struct {
	hosts   map[string]*domains.SmartHost
	err     error // of SmartHost
	signErr error
	headers []string
}

func (d *ourDomains) Sign(_ context.Context, _ mail.TenantID, domain string, _ mail.BlobRef, header []byte, body io.Reader) ([]byte, error) {
	if d.signErr != nil {
		return nil, d.signErr
	}
	n, err := io.Copy(io.Discard, body)
	d.headers = append(d.headers, string(header))
	return fmt.Appendf(nil, "DKIM-Signature: d=%s; l=%d\r\n", domain, n), err
}

func (d *ourDomains) SmartHost(_ context.Context, _ mail.TenantID, domain string) (*domains.SmartHost, error) {
	return d.hosts[domain], d.err
}

// refusing answers each command of one transaction for b, c and d by a line.
const opening = "GREET mx.x.example PIPELINING\nC: MAIL FROM:<a@tegami.example>\n"

// TestReplies: what each reply makes of each recipient.
func TestReplies(t *testing.T) {
	to := []string{"b@x.example", "c@x.example", "d@x.example"}
	three := opening + "C: RCPT TO:<b@x.example>\nC: RCPT TO:<c@x.example>\nC: RCPT TO:<d@x.example>\nC: DATA\n"
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"4xx and 5xx beside 250", three + "S: 250 ok\nS: 250 ok\nS: 450 4.2.1 busy\nS: 550 5.1.1 who\nS: 354 go\nBODY\nS: 250 2.0.0 taken",
			[]string{okAtMX, "waiting remote.deferred 4.2.1 mx.x.example", "failed remote.refused 5.1.1 mx.x.example"}},
		{"no enhanced codes", three + "S: 250 ok\nS: 250 ok\nS: 450 busy\nS: 550 who\nS: 354 go\nBODY\nS: 250 taken",
			[]string{okAtMX, "waiting remote.deferred 4.0.0 mx.x.example", "failed remote.refused 5.0.0 mx.x.example"}},
		{"enhanced code of another class", three + "S: 250 ok\nS: 250 ok\nS: 550 2.0.0 no\nS: 550 4.1.1 no\nS: 354 go\nBODY\nS: 250 taken",
			[]string{okAtMX, "failed remote.refused 5.0.0 mx.x.example", "failed remote.refused 5.0.0 mx.x.example"}},
		{"refused after the body", three + "S: 250 ok\nS: 250 ok\nS: 450 4.2.1 busy\nS: 250 ok\nS: 354 go\nBODY\nS: 554 5.7.1 spam",
			[]string{"failed remote.refused 5.7.1 mx.x.example", "waiting remote.deferred 4.2.1 mx.x.example", "failed remote.refused 5.7.1 mx.x.example"}},
		{"put off after the body", three + "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 250 ok\nS: 354 go\nBODY\nS: 451 4.3.0 later",
			[]string{"waiting remote.deferred 4.3.0 mx.x.example", "failed remote.refused 5.0.0 mx.x.example", "waiting remote.deferred 4.3.0 mx.x.example"}},
		{"sender refused", three + "S: 550 5.7.1 not you\nS: 503 what\nS: 503 what\nS: 503 what\nS: 503 what",
			[]string{"failed remote.refused 5.7.1 mx.x.example", "failed remote.refused 5.7.1 mx.x.example", "failed remote.refused 5.7.1 mx.x.example"}},
		{"sender put off", three + "S: 451 4.7.1 greylisted\nS: 503 what\nS: 503 what\nS: 503 what\nS: 503 what",
			[]string{"waiting remote.deferred 4.7.1 mx.x.example", "waiting remote.deferred 4.7.1 mx.x.example", "waiting remote.deferred 4.7.1 mx.x.example"}},
		{"nobody accepted", three + "S: 250 ok\nS: 550 5.1.1 a\nS: 550 5.1.1 b\nS: 450 4.2.0 c\nS: 503 no recipients",
			[]string{"failed remote.refused 5.1.1 mx.x.example", "failed remote.refused 5.1.1 mx.x.example", "waiting remote.deferred 4.2.0 mx.x.example"}},
		{"DATA refused", three + "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 451 4.3.2 not now",
			[]string{"waiting remote.deferred 4.3.2 mx.x.example", "waiting remote.deferred 4.3.2 mx.x.example", "failed remote.refused 5.1.1 mx.x.example"}},
		{"354 for RCPT", three + "S: 250 ok\nS: 250 ok\nS: 354 what\nS: 250 ok\nS: 354 go\nBODY\nS: 250 taken",
			[]string{okAtMX, "waiting remote.deferred 4.0.0 mx.x.example", okAtMX}},
		{"without pipelining", "GREET mx.x.example\nC: MAIL\nS: 250 ok\nC: RCPT TO:<b\nS: 550 5.1.1 no\nC: RCPT TO:<c\nS: 250 ok\nC: RCPT TO:<d\nS: 250 ok\nC: DATA\nS: 354 go\nBODY\nS: 250 taken",
			[]string{"failed remote.refused 5.1.1 mx.x.example", okAtMX, okAtMX}},
		{"only HELO", "S: 220 mx.x.example\nC: EHLO\nS: 500 what\nC: HELO mx.tegami.example\nS: 250 hi\nACCEPT", []string{okAtMX, okAtMX, okAtMX}},
		{"too many, one by one", three + "S: 250 ok\nS: 250 ok\nS: 452 4.5.3 too many\nS: 452 too many\nS: 354 go\nBODY\nS: 250 taken\n" +
			"C: MAIL\nC: RCPT TO:<c\nC: RCPT TO:<d\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 552 5.5.3 too many\nS: 354 go\nBODY\nS: 250 taken\nACCEPT", []string{okAtMX, okAtMX, okAtMX}},
		{"too many for none", three + "S: 250 ok\nS: 452 4.5.3 too many\nS: 452 4.5.3 too many\nS: 452 4.5.3 too many\nS: 503 no",
			[]string{"waiting remote.deferred 4.5.3 mx.x.example", "waiting remote.deferred 4.5.3 mx.x.example", "waiting remote.deferred 4.5.3 mx.x.example"}},
		{"a full box is not too many", three + "S: 250 ok\nS: 250 ok\nS: 552 5.2.2 full\nS: 452 4.2.2 full\nS: 354 go\nBODY\nS: 250 taken",
			[]string{okAtMX, "failed remote.refused 5.2.2 mx.x.example", "waiting remote.deferred 4.2.2 mx.x.example"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, plainMX)
			l.host("127.0.0.2", "mx.x.example", c.script)
			it := l.item(shortText, to...)
			if err := l.carry(it); err != nil {
				t.Errorf("the destination: %v", err)
			}
			l.became(it, c.want...)
		})
	}
}

// TestOnlyWhoWaits: recipients with an outcome are left alone.
func TestOnlyWhoWaits(t *testing.T) {
	l := newLab(t, plainMX)
	h := l.host("127.0.0.2", "mx.x.example", good)
	it := l.item(shortText, "b@x.example", "c@x.example")
	it.To[0].Outcome, it.To[0].Reason = queue.Failed, "remote.refused"
	l.carry(it)
	l.became(it, "failed remote.refused", okAtMX)
	it.To[1].Outcome = queue.Delivered
	l.carry(it)
	if said := strings.Join(h.said(), " "); strings.Contains(said, "<b@") || strings.Count(said, "MAIL") != 1 {
		t.Error(said)
	}
}

func TestExtensions(t *testing.T) {
	full := "GREET mx.x.example SIZE_1000 8BITMIME SMTPUTF8 DSN CHUNKING BINARYMIME PIPELINING\nSERVE"
	bare := "GREET mx.x.example\nSERVE"
	for _, c := range []struct {
		name, script string
		change       func(*queue.Item)
		want         string
		mail, rcpt   string // what the host heard
	}{
		{"DSN", full, func(it *queue.Item) {
			it.Opts.Ret, it.Opts.EnvID = mail.RetHeaders, "x=1"
			it.To[0].Notify, it.To[0].Orcpt = mail.NotifySuccess|mail.NotifyFailure, "rfc822;b@x.example"
		}, "delivered 2.0.0 mx.x.example", "MAIL FROM:<a@tegami.example> SIZE=45 RET=HDRS ENVID=x+3D1", "RCPT TO:<b@x.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@x.example"},
		{"no DSN", bare, func(it *queue.Item) { it.Opts.EnvID, it.To[0].Notify = "x", mail.NotifySuccess }, okAtMX, "MAIL FROM:<a@tegami.example>", "RCPT TO:<b@x.example>"},
		{"8 bits", full, func(it *queue.Item) { it.Opts.Body = mail.Body8BitMIME }, "delivered 2.0.0 mx.x.example", "MAIL FROM:<a@tegami.example> SIZE=45 BODY=8BITMIME", "RCPT TO:<b@x.example>"},
		{"8 bits to one who did not ask", bare, func(it *queue.Item) { it.Opts.Body = mail.Body8BitMIME }, okAtMX, "MAIL FROM:<a@tegami.example>", "RCPT TO:<b@x.example>"},
		{"null sender", bare, func(it *queue.Item) { it.From = mail.Address{} }, okAtMX, "MAIL FROM:<>", "RCPT TO:<b@x.example>"},
		{"UTF-8", full, func(it *queue.Item) { it.To[0].Local = "佐藤" }, "delivered 2.0.0 mx.x.example", "MAIL FROM:<a@tegami.example> SIZE=45 SMTPUTF8", "RCPT TO:<佐藤@x.example>"},
		{"UTF-8 recipient, not there", bare, func(it *queue.Item) { it.To[0].Local = "佐藤" }, "failed remote.utf8 5.6.7 mx.x.example", "", ""},
		{"UTF-8 sender, not there", bare, func(it *queue.Item) { it.From.Local = "佐藤" }, "failed remote.utf8 5.6.7 mx.x.example", "", ""},
		{"UTF-8 asked for, not needed", bare, func(it *queue.Item) { it.Opts.UTF8 = true }, okAtMX, "MAIL FROM:<a@tegami.example>", "RCPT TO:<b@x.example>"},
		{"binary", full, func(it *queue.Item) { it.Opts.Body = mail.BodyBinaryMIME }, "delivered 2.0.0 mx.x.example", "MAIL FROM:<a@tegami.example> SIZE=45 BODY=BINARYMIME", "RCPT TO:<b@x.example>"},
		{"binary, not there", bare, func(it *queue.Item) { it.Opts.Body = mail.BodyBinaryMIME }, "failed remote.binary 5.6.3 mx.x.example", "", ""},
		{"too big", full, func(it *queue.Item) { it.Prefix = []byte("X: " + strings.Repeat("x", 1000) + "\r\n") }, "failed remote.too_big 5.3.4 mx.x.example", "", ""},
		{"an address nobody can write", bare, func(it *queue.Item) { it.To[0].Local = "b\r\nQUIT" }, "failed remote.envelope 5.1.3", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, plainMX)
			h := l.host("127.0.0.2", "mx.x.example", c.script)
			it := l.item(shortText, "b@x.example")
			c.change(it)
			if err := l.carry(it); err != nil {
				t.Error(err)
			}
			l.became(it, c.want)
			said := h.said()
			for _, line := range []string{c.mail, c.rcpt} {
				if line != "" && !slices.Contains(said, line) {
					t.Errorf("not said: %q in %q", line, said)
				}
			}
			if c.mail == "" && len(said) > 1 && said[1] != "QUIT" {
				t.Errorf("said all the same: %q", said)
			}
		})
	}
	t.Run("UTF-8 in the header, not there", func(t *testing.T) {
		l := newLab(t, plainMX)
		l.host("127.0.0.2", "mx.x.example", bare)
		it := l.item("Subject: 手紙\r\n\r\nx\r\n", "b@x.example")
		it.Opts.UTF8 = true
		l.carry(it)
		l.became(it, "failed remote.utf8 5.6.7 mx.x.example")
	})
	t.Run("UTF-8 for one of two, not there", func(t *testing.T) {
		l := newLab(t, plainMX)
		l.host("127.0.0.2", "mx.x.example", bare)
		it := l.item(shortText, "佐藤@x.example", "b@x.example")
		l.carry(it)
		l.became(it, "failed remote.utf8 5.6.7 mx.x.example", okAtMX)
	})
}

// TestOctets: what goes before the blob, and what of it stays here.
func TestOctets(t *testing.T) {
	long := "From: a@tegami.example\r\nX: " + strings.Repeat("x", 50_000) + "\r\n\r\n" + strings.Repeat("line\r\n..\r\n.\r\n", 20_000)
	for name, c := range map[string]struct {
		text, prefix, sign string
		signErr            error
		want               string
	}{
		"as it is":               {text: shortText, want: shortText},
		"no end":                 {text: "A: b\r\n\r\nx", want: "A: b\r\n\r\nx\r\n"},
		"prefix":                 {text: shortText, prefix: "ARC-Seal: i=1\r\n", want: "ARC-Seal: i=1\r\n" + shortText},
		"signed":                 {text: shortText, sign: "tegami.example", want: "DKIM-Signature: d=tegami.example; l=7\r\n" + shortText},
		"prefix and signed":      {text: shortText, prefix: "A: b\r\n", sign: "t.example", want: "A: b\r\nDKIM-Signature: d=t.example; l=7\r\n" + shortText},
		"our Return-Path":        {text: "Return-Path: <a@b>\r\nReceived: x\r\n\ty\r\n\r\nx\r\n", sign: "t.example", want: "DKIM-Signature: d=t.example; l=3\r\nReceived: x\r\n\ty\r\n\r\nx\r\n"},
		"a folded Return-Path":   {text: "return-path:\r\n\t<a@b>\r\nA: b\r\n\r\nx\r\n", want: "A: b\r\n\r\nx\r\n"},
		"Return-Path in a body":  {text: "\r\nReturn-Path: x\r\n", want: "\r\nReturn-Path: x\r\n"},
		"long":                   {text: long, sign: "t.example", want: fmt.Sprintf("DKIM-Signature: d=t.example; l=%d\r\n", 20_000*13) + long},
		"no header's end":        {text: "A: b\r\n", sign: "t.example", want: "A: b\r\n"},
		"a header too long":      {text: "X: " + strings.Repeat("x", 300<<10) + "\r\n\r\nx\r\n", sign: "t.example", want: "X: " + strings.Repeat("x", 300<<10) + "\r\n\r\nx\r\n"},
		"a long header":          {text: "X: " + strings.Repeat("x", 200<<10) + "\r\n\r\nx\r\n", sign: "t.example", want: "DKIM-Signature: d=t.example; l=3\r\nX: " + strings.Repeat("x", 200<<10) + "\r\n\r\nx\r\n"},
		"empty":                  {text: "", prefix: "A: b\r\n", want: "A: b\r\n"},
		"no key for the domain":  {text: shortText, sign: "t.example", signErr: mail.E("x", mail.NotFound, "domain.unknown"), want: shortText},
		"can't be signed at all": {text: shortText, sign: "t.example", signErr: io.ErrNoProgress, want: shortText},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, plainMX)
			d := &ourDomains{signErr: c.signErr}
			l.cfg.Domains = d
			h := l.host("127.0.0.2", "mx.x.example", good)
			it := l.item(c.text, "b@x.example")
			it.Prefix, it.Sign = []byte(c.prefix), c.sign
			l.carry(it)
			l.became(it, okAtMX)
			if got := h.got(); len(got) != 1 || got[0] != c.want {
				t.Errorf("sent %.200q\nwant %.200q", got, c.want)
			}
			if len(d.headers) > 0 && !strings.HasSuffix(d.headers[0], "\r\n\r\n") {
				t.Errorf("signed header %q", d.headers[0])
			}
		})
	}
	t.Run("one click is signed with the rest", func(t *testing.T) {
		l := newLab(t, plainMX)
		d := &ourDomains{}
		l.cfg.Domains = d
		l.host("127.0.0.2", "mx.x.example", good)
		it := l.item(shortText, "b@x.example")
		prefix := "List-Unsubscribe: <https://t.example/u?t=1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
		it.Prefix, it.Sign = []byte(prefix), "t.example"
		l.carry(it)
		header, _, _ := strings.Cut(shortText, "\r\n\r\n")
		if want := prefix + header + "\r\n\r\n"; len(d.headers) != 1 || d.headers[0] != want {
			t.Errorf("signed %q, want %q", d.headers, want)
		}
	})
	t.Run("keys out of reach", func(t *testing.T) {
		l := newLab(t, plainMX)
		l.cfg.Domains = &ourDomains{signErr: mail.E("x", mail.Unavailable, "storage.failed")}
		h := l.host("127.0.0.2", "mx.x.example", good)
		it := l.item(shortText, "b@x.example")
		it.Sign = "t.example"
		if err := l.carry(it); err != nil {
			t.Error("our trouble is told as the destination's:", err)
		}
		l.became(it, "waiting remote.storage 4.3.0")
		if h.connections() > 0 {
			t.Error("connected for nothing")
		}
	})
}

// TestReuse: one connection for what waits, kept for what comes, and given up after so many.
func TestReuse(t *testing.T) {
	l := newLab(t, plainMX)
	l.cfg.Limits.Messages = 5
	h := l.host("127.0.0.2", "mx.x.example", good)
	var items []*queue.Item
	for range 3 {
		items = append(items, l.item(shortText, "b@x.example"))
	}
	l.carry(items...)
	l.sent(okAtMX)
	l.sent(okAtMX)
	if h.connections() != 1 || len(h.got()) != 5 {
		t.Errorf("%d connections for %d messages", h.connections(), len(h.got()))
	}
	l.sent(okAtMX)
	if h.connections() != 2 {
		t.Errorf("%d connections past the limit of messages", h.connections())
	}
	items = nil
	for range 14 {
		items = append(items, l.item(shortText, "b@x.example"))
	}
	if err := l.carry(items...); err != nil || h.connections() != 4 || len(h.got()) != 20 {
		t.Errorf("%v, %d connections for %d messages", err, h.connections(), len(h.got()))
	}
	if said := h.said(); slices.Contains(said, "RSET") {
		t.Error("RSET after success")
	}
}

// TestReuseAfterRefusal: what a refusal left open is reset.
func TestReuseAfterRefusal(t *testing.T) {
	l := newLab(t, plainMX)
	l.host("127.0.0.2", "mx.x.example", "GREET mx.x.example\nC: MAIL\nS: 250 ok\nC: RCPT\nS: 550 no\nC: RSET\nS: 250 ok\nSERVE")
	a, b := l.item(shortText, "b@x.example"), l.item(shortText, "c@x.example")
	l.carry(a, b)
	l.became(a, "failed remote.refused 5.0.0 mx.x.example")
	l.became(b, okAtMX)
}

// TestStaleConnection: a connection the host closed meanwhile costs nothing but another.
func TestStaleConnection(t *testing.T) {
	l := newLab(t, plainMX)
	h := l.host("127.0.0.2", "mx.x.example", "GREET mx.x.example PIPELINING\nACCEPT\nC: MAIL\nS: 421 4.4.2 idle too long\nCLOSE", "GREET mx.x.example PIPELINING\nACCEPT\nCLOSE", good)
	l.sent(okAtMX)
	l.sent(okAtMX)
	if err := l.sent(okAtMX); err != nil || h.connections() != 3 {
		t.Error(err, h.connections())
	}
}

// TestManyStaleConnections: a host that was restarted closed all that were kept, and the next message does not try them all.
func TestManyStaleConnections(t *testing.T) {
	const kept = 2 * maxSessions
	l := newLab(t, plainMX)
	l.cfg.Limits.PerHost = kept
	scripts := slices.Repeat([]string{"GREET mx.x.example PIPELINING\nACCEPT\nCLOSE"}, kept)
	h := l.host("127.0.0.2", "mx.x.example", append(scripts, good)...)
	var trips []*trip
	for range kept {
		it := l.item(shortText, "b@x.example")
		tr := &trip{relay: l.start()}
		open := func(ctx context.Context) (store.Blob, error) { return l.tenant.Blobs().Open(ctx, it.Blob) }
		if err := tr.serve(l.ctx, &parcel{ourTenant, it, open}); err != nil {
			t.Fatal(err)
		}
		trips = append(trips, tr)
	}
	for _, tr := range trips {
		tr.end()
	}
	if err := l.sent(okAtMX); err != nil || h.connections() != kept+1 {
		t.Error(err, h.connections())
	}
}

func TestSmartHost(t *testing.T) {
	l := newLab(t, "relay.example. A 127.0.0.2\nrelay.example. MX 1 elsewhere.example.")
	h := l.host("127.0.0.2", "relay.example", "GREET relay.example STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\nC: EHLO\nS: 250-relay.example\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235 ok\nSERVE",
		"GREET relay.example STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\nC: EHLO\nS: 250-relay.example\nS: 250 AUTH PLAIN\nC: AUTH\nS: 535 5.7.8 no\nC: QUIT")
	smart := &domains.SmartHost{Host: "relay.example", Port: uint16(l.port), TLS: domains.TLSStart, User: "user", Password: "secret"}
	d := &ourDomains{hosts: map[string]*domains.SmartHost{"tegami.example": smart}}
	l.cfg.Domains = d
	l.sent("relayed 2.0.0 relay.example")
	it := l.item(shortText, "b@y.example")
	l.carry(it)
	l.became(it, "relayed 2.0.0 relay.example")
	if h.connections() != 1 {
		t.Errorf("%d connections for one smart host", h.connections())
	}
	other := *smart
	other.Password = "wrong"
	d.hosts["tegami.example"] = &other
	if err := l.sent("waiting remote.sign_in 4.7.8 relay.example"); err == nil || h.connections() != 2 {
		t.Error("another password went over the same connection", err, h.connections())
	}
	d.err = mail.E("test", mail.Unavailable, "storage.failed")
	if err := l.sent("waiting remote.settings 4.3.5"); err == nil {
		t.Error("not known, and served")
	}
	l.reported()
}

// TestSmartHostHidesThePassword: to a host that proves nothing no password is shown.
func TestSmartHostHidesThePassword(t *testing.T) {
	tlsHello := "TLS\nC: EHLO\nS: 250-relay.example\nS: 250 AUTH PLAIN LOGIN\nC: QUIT"
	for name, c := range map[string]struct {
		mode         domains.TLSMode
		script, cert string
		want         string
	}{
		"wrong certificate":          {domains.TLSStart, "GREET relay.example STARTTLS\nC: STARTTLS\nS: 220 go\n" + tlsHello, "other.example", "waiting remote.tls 4.7.5 relay.example"},
		"wrong certificate, at once": {domains.TLSImplicit, "TLS\nSILENT", "other.example", "waiting remote.tls 4.7.5 relay.example"},
		"no TLS":                     {domains.TLSStart, "GREET relay.example AUTH_PLAIN\nC: QUIT", "relay.example", "waiting remote.tls 4.7.4 relay.example"},
		"TLS off":                    {domains.TLSOff, "GREET relay.example AUTH_PLAIN_LOGIN STARTTLS\nC: QUIT", "relay.example", "waiting remote.sign_in 4.7.0 relay.example"},
		"anybody's TLS":              {"", "GREET relay.example STARTTLS\nC: STARTTLS\nS: 220 go\n" + tlsHello, "other.example", "waiting remote.sign_in 4.7.0 relay.example"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "relay.example. A 127.0.0.2")
			l.host("127.0.0.2", c.cert, c.script)
			l.cfg.SmartHost = &domains.SmartHost{Host: "relay.example", Port: uint16(l.port), TLS: c.mode, User: "u", Password: "p"}
			if err := l.sent(c.want); err == nil {
				t.Error("no error")
			}
		})
	}
	t.Run("TLS at once", func(t *testing.T) {
		l := newLab(t, "relay.example. A 127.0.0.2")
		l.host("127.0.0.2", "relay.example", "TLS\nGREET relay.example AUTH_LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\nS: 334 UGFzc3dvcmQ6\nC: cA==\nS: 235 ok\nSERVE")
		l.cfg.SmartHost = &domains.SmartHost{Host: "relay.example", Port: uint16(l.port), TLS: domains.TLSImplicit, User: "u", Password: "p"}
		l.sent("relayed 2.0.0 relay.example")
	})
}
