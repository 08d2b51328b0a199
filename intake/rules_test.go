package intake

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/wire/mime"
)

func at(t *testing.T) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, "2026-11-23T10:09:08+09:00")
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestStamp(t *testing.T) {
	sato := mail.Address{Local: "sato", Domain: "alpha.example"}
	for _, c := range []struct {
		name   string
		stamp  stamp
		from   mail.Address
		origin mail.Origin
		utf8   bool
		want   string
	}{
		{
			"plain, one recipient",
			stamp{host: "mx.tegami.example", trace: "k3f9x2ab-1", at: at(t), returnPath: true, to: "sato@alpha.example"},
			mail.Address{Local: "a..b", Domain: "docomo.ne.jp"},
			mail.Origin{Helo: "mail.example", Remote: netip.MustParseAddr("192.0.2.7")}, false,
			"Return-Path: <\"a..b\"@docomo.ne.jp>\r\n" +
				"Received: from mail.example ([192.0.2.7])\r\n" +
				"\tby mx.tegami.example with ESMTP id k3f9x2ab-1\r\n" +
				"\tfor <sato@alpha.example>; Mon, 23 Nov 2026 10:09:08 +0900\r\n",
		},
		{
			"signed in over TLS, to other hosts",
			stamp{host: "mx.tegami.example", trace: "x-2", at: at(t), authenticated: true},
			sato,
			mail.Origin{Helo: "[192.0.2.8]", Remote: netip.MustParseAddr("::ffff:192.0.2.8"), TLS: "TLS1.3 TLS_AES_128_GCM_SHA256"}, false,
			"Received: from [192.0.2.8] ([192.0.2.8])\r\n" +
				"\tby mx.tegami.example with ESMTPSA (TLS1.3 TLS_AES_128_GCM_SHA256) id x-2; Mon, 23 Nov 2026 10:09:08 +0900\r\n",
		},
		{
			"a notification over IPv6",
			stamp{host: "mx.tegami.example", trace: "x-3", at: at(t), returnPath: true},
			mail.Address{},
			mail.Origin{Helo: "mx", Remote: netip.MustParseAddr("2001:db8::1"), TLS: "TLS1.2 X"}, true,
			"Return-Path: <>\r\n" +
				"Received: from mx ([IPv6:2001:db8::1])\r\n" +
				"\tby mx.tegami.example with UTF8SMTPS (TLS1.2 X) id x-3; Mon, 23 Nov 2026 10:09:08 +0900\r\n",
		},
		{
			"a device that says HELO",
			stamp{host: "mx.tegami.example", trace: "x-4", at: at(t)},
			mail.Address{},
			mail.Origin{Helo: "copier", Remote: netip.MustParseAddr("192.0.2.7"), Basic: true}, false,
			"Received: from copier ([192.0.2.7])\r\n" +
				"\tby mx.tegami.example with SMTP id x-4; Mon, 23 Nov 2026 10:09:08 +0900\r\n",
		},
		{
			"a peer that wants to write our header",
			stamp{host: "h", trace: "x", at: at(t), returnPath: true, to: "a\r\nTo: x@y"},
			mail.Address{Local: "a\r\nBcc: x", Domain: "b.example"},
			mail.Origin{Helo: "evil (\r\nSubject: x)"}, false,
			"Return-Path: <\"aBcc: x\"@b.example>\r\n" +
				"Received: from evilSubject:x\r\n\tby h with ESMTP id x\r\n\tfor <aTo: x@y>; Mon, 23 Nov 2026 10:09:08 +0900\r\n",
		},
	} {
		if got := string(c.stamp.append(nil, c.from, &c.origin, c.utf8)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestHeloNames(t *testing.T) {
	for in, want := range map[string]string{
		"mail.example": "mail.example", "": "unknown", "日本語": "unknown", "a b(c)": "abc", "[IPv6:2001:db8::1]": "[IPv6:2001:db8::1]",
		strings.Repeat("a", 1000): strings.Repeat("a", maxHelo),
	} {
		if got := heloName(in); got != want {
			t.Errorf("heloName(%.20q) = %.20q, want %.20q", in, got, want)
		}
	}
}

// TestComplete adds what a submission lacks (RFC 6409 §8), and nothing else.
func TestComplete(t *testing.T) {
	s := stamp{host: "mx.tegami.example", trace: "k3f9x2ab-1", at: at(t)}
	author := mail.Address{Local: "sato", Domain: "alpha.example"}
	got := string(s.complete(nil, lookOver([]byte("Subject: x\r\n\r\nFrom: a@b\r\n")), author))
	want := "From: <sato@alpha.example>\r\nDate: Mon, 23 Nov 2026 10:09:08 +0900\r\n" +
		"Message-ID: <20261123010908.000000.k3f9x2ab-1@mx.tegami.example>\r\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
	header := "FROM: a@b\r\ndate: x\r\nMessage-Id: y\r\n\r\n"
	if got := s.complete(nil, lookOver([]byte(header)), author); len(got) > 0 {
		t.Errorf("added %q to a complete header", got)
	}
}

func TestHeaderOfPieces(t *testing.T) {
	message := []byte("From: a@b.example\r\nReceived: x\r\n\ty\r\nreceived: z\r\n\r\nReceived: in the body\r\n")
	for size := 1; size <= len(message); size++ {
		var chunks [][]byte
		for rest := message; len(rest) > 0; {
			n := min(size, len(rest))
			chunks, rest = append(chunks, rest[:n:n]), rest[n:]
		}
		if f := lookOver(headerOf(chunks)); f.received != 2 || f.froms != 1 || string(f.from) == "" || f.hasDate || f.hasMessage {
			t.Errorf("in pieces of %d: %+v", size, f)
		}
	}
	if !bytes.Equal(bytes.Join([][]byte{message}, nil), message) || headerOf(nil) != nil {
		t.Error("no pieces give a header")
	}
}

func TestJudge(t *testing.T) {
	owns := func(a mail.Address) bool { return a.Domain == "own.example" }
	nobody := func(mail.Address) bool { return false }
	for _, c := range []struct {
		name, header string
		owns         func(mail.Address) bool
		text         string
	}{
		{"from outside", "From: anybody@else.example\r\n", nil, ""},
		{"from outside, no From", "Subject: x\r\n", nil, ""},
		{"own", "From: Sato <sato@own.example>\r\n", owns, ""},
		{"no From, which we add", "Subject: x\r\n", nobody, ""},
		{"somebody else", "From: ceo@else.example\r\n", owns, "sender.not_owned"},
		{"somebody else behind an own name", "From: \"sato@own.example\" <ceo@else.example>\r\n", owns, "sender.not_owned"},
		{"somebody else beside", "From: sato@own.example, ceo@else.example\r\n", owns, "sender.not_owned"},
		{"two From fields", "From: sato@own.example\r\nFrom: ceo@else.example\r\n", owns, "sender.not_owned"},
		{"a From field with a space before its colon", "From : ceo@else.example\r\nFrom: sato@own.example\r\n", owns, "sender.not_owned"},
		{"two From fields from outside", "From: a@own.example\r\nFrom: b@else.example\r\n", nil, "message.several_froms"},
		{"a Sender who isn't", "From: sato@own.example\r\nSender: ceo@else.example\r\n", owns, "sender.not_owned"},
		{"a Sender for somebody else", "From: ceo@else.example\r\nSender: sato@own.example\r\n", owns, "sender.not_owned"},
		{"no address at all", "From: the boss\r\n", owns, "sender.not_owned"},
		{"25 hops", strings.Repeat("Received: x\r\n", 25), nil, ""},
		{"26 hops", strings.Repeat("Received: x\r\n", 26), nil, "message.looping"},
		{"26 hops of a submission", strings.Repeat("Received: x\r\n", 26) + "From: sato@own.example\r\n", owns, "message.looping"},
	} {
		message := []byte(c.header + "\r\nbody\r\n")
		seen := lookOver(message)
		facts := policy.Facts{Received: seen.received, Froms: seen.froms}
		if c.owns != nil {
			list, nameless := authors(mime.ParseBytes(message, mime.Limits{}).Root.Envelope)
			facts.NotOwned = notOwned(list, nameless, c.owns)
		}
		err := policy.Judge(policy.Rules{MaxReceived: mail.MaxReceived}, &facts).Refuse
		if text, _ := mail.TextOf(err); text != c.text {
			t.Errorf("%s: %v, want %q", c.name, err, c.text)
		}
	}
}

func TestWhoHearsOfAnOutcome(t *testing.T) {
	for _, c := range []struct {
		name    string
		from    string
		outcome queue.Outcome
		notify  mail.Notify
		want    bool
	}{
		{"delivered", "a", queue.Delivered, 0, false},
		{"delivered, asked for", "a", queue.Delivered, mail.NotifySuccess | mail.NotifyFailure, true},
		{"went on to others, asked for", "a", queue.Expanded, mail.NotifySuccess, true},
		{"failed", "a", queue.Failed, 0, true},
		{"failed, asked for", "a", queue.Failed, mail.NotifyFailure, true},
		{"failed, only success asked for", "a", queue.Failed, mail.NotifySuccess, false},
		{"failed, never", "a", queue.Failed, mail.NotifyNever, false},
		{"failed, nobody to tell", "", queue.Failed, 0, false},
	} {
		d := queue.Doc{To: []queue.Recipient{{Outcome: queue.Delivered}, {Outcome: c.outcome, Recipient: mail.Recipient{Notify: c.notify}}}}
		if c.from != "" {
			d.From = mail.Address{Local: c.from, Domain: "x.example"}
		}
		if got := queue.Tells(&queue.Item{Route: queue.RouteLocal, Doc: d}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// FuzzStamp lets a peer choose all it can: our fields stay ours, each line within RFC 5322 §2.1.1.
func FuzzStamp(f *testing.F) {
	f.Add("mx.example", "a", "b.example", "TLS1.3 X")
	f.Add("a\r\nb", "\"\\\r\nx", "[1.2.3.4]", "")
	f.Fuzz(func(t *testing.T, helo, local, domain, tls string) {
		if len(local) > mail.MaxLocalPart || len(domain) > mail.MaxDomain {
			return
		}
		s := stamp{host: "h.example", trace: "t-1", returnPath: true, to: domain}
		from := mail.Address{Local: local, Domain: domain}
		b := s.append(nil, from, &mail.Origin{Helo: helo, TLS: tls}, false)
		var names []string
		for field := range mime.Header(b).Fields() {
			names = append(names, string(field.Name))
		}
		if strings.Join(names, " ") != "Return-Path Received" {
			t.Errorf("fields %q in %q", names, b)
		}
	})
}
