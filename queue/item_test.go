package queue

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tegami/mail"
)

// firstDoc has all that version 1 of the document had.
func firstDoc() Doc {
	at := time.UnixMilli(1795427415123)
	return Doc{
		Of: 77, Trace: "k3f9x2ab-1", From: mail.Address{Local: "a..b", Domain: "docomo.ne.jp"},
		Opts: mail.Options{Size: 4096, Body: mail.BodyBinaryMIME, UTF8: true, EnvID: "e=1", Ret: mail.RetHeaders, RequireTLS: true, HoldUntil: at},
		Origin: mail.Origin{
			Door: "smtp", Zone: mail.ZoneVPN, Remote: netip.MustParseAddr("2001:db8::25"), Helo: "mx.example",
			TLS: "TLS1.3 TLS_AES_128_GCM_SHA256", Session: "k3f9x2ab", Received: at,
		},
		Sender: 1 << 62, MessageID: "<1@x.example>", HeaderFrom: "sato@example.jp",
		To: []Recipient{
			{Recipient: mail.Recipient{Address: mail.Address{Local: "佐藤", Domain: "xn--fsq.jp"}, Orcpt: "rfc822;sato@x", Notify: mail.NotifyDelay}},
			{Outcome: Failed, Reason: "box.full", At: at, Account: 5, Email: 6},
		},
	}
}

// secondDoc has all that version 2 had.
func secondDoc() Doc {
	d := firstDoc()
	d.Sign, d.Prefix, d.Auto, d.Spam, d.Warned = "example.jp", []byte("ARC-Seal: i=1\r\n"), true, true, true
	d.Attempts, d.Hold, d.Facts = 77, "hold.administrator", []byte{1, 2, 3}
	d.To[0].Status, d.To[0].Host, d.To[0].Answer = "4.2.1", "mx.example.org", "450 4.2.1 後で"
	return d
}

// thirdDoc has all that version 3 had.
func thirdDoc() Doc {
	d := secondDoc()
	d.Subject, d.Size, d.Repeats = "件名", 4711, 3
	at := time.UnixMilli(1795427415999)
	d.Deferrals = []Deferral{{At: at, Last: at, Times: 2, Reason: "remote.deferred", Status: "4.2.1", Host: "mx.example.org", Answer: "450 4.2.1 後で"}}
	d.To[0].Into, d.To[1].TLS = IntoFolder, "TLS1.3 TLS_AES_128_GCM_SHA256"
	return d
}

// fullDoc has something in every field.
func fullDoc() Doc {
	d := thirdDoc()
	d.Submission = 4712
	return d
}

// TestDocOfEarlierVersions: what earlier versions wrote is read.
func TestDocOfEarlierVersions(t *testing.T) {
	for file, want := range map[string]Doc{"doc.v1.hex": firstDoc(), "doc.v2.hex": secondDoc(), "doc.v3.hex": thirdDoc()} {
		t.Run(file, func(t *testing.T) { readEarlier(t, file, want) })
	}
}

func readEarlier(t *testing.T, file string, want Doc) {
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseDoc(stored)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("\ngot  %+v, %v\nwant %+v", got, err, want)
	}
	for i := range stored {
		if _, err := parseDoc(stored[:i]); !mail.Is(err, mail.Other) {
			t.Errorf("cut at %d of %d: %v, want an error", i, len(stored), err)
		}
	}
}

// TestAnswerIsClipped: another host's words are kept up to a limit, whole characters of them.
func TestAnswerIsClipped(t *testing.T) {
	d := Doc{To: []Recipient{{Answer: "x" + strings.Repeat("後", MaxAnswer)}}}
	got, err := parseDoc(appendDoc(nil, &d))
	if err != nil {
		t.Fatal(err)
	}
	if a := got.To[0].Answer; len(a) > MaxAnswer || len(a) < MaxAnswer-3 || !utf8.ValidString(a) {
		t.Errorf("%d octets are kept: %q", len(a), a)
	}
	if got := clip("\x80\x80\x80", 2); len(got) > 2 {
		t.Errorf("clip gives %q", got)
	}
}

func TestDocComesBack(t *testing.T) {
	for name, d := range map[string]Doc{
		"full":  fullDoc(),
		"empty": {To: []Recipient{}},
		"IPv4":  {Origin: mail.Origin{Remote: netip.MustParseAddr("192.0.2.1")}, To: []Recipient{}},
	} {
		got, err := parseDoc(appendDoc(nil, &d))
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", name, got, err, d)
		}
	}
}

// TestDocIsRefusedWhenCut cuts a document everywhere, and lengthens it.
func TestDocIsRefusedWhenCut(t *testing.T) {
	d := fullDoc()
	b := appendDoc(nil, &d)
	for i := range b {
		if _, err := parseDoc(b[:i]); !mail.Is(err, mail.Other) {
			t.Errorf("cut at %d of %d: %v, want an error", i, len(b), err)
		}
	}
	if _, err := parseDoc(append(b, 0)); err == nil {
		t.Error("an octet too many was accepted")
	}
	if _, err := parseDoc([]byte{docVersion + 1}); err == nil {
		t.Error("a newer version was accepted")
	}
}

func FuzzParseDoc(f *testing.F) {
	d := fullDoc()
	f.Add(appendDoc(nil, &d))
	f.Add([]byte{docVersion})
	if text, err := os.ReadFile("testdata/doc.v1.hex"); err == nil {
		old, _ := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		f.Add(old)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDoc(b)
		if err != nil {
			return
		}
		again, err := parseDoc(appendDoc(nil, &d))
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Errorf("%x: %+v became %+v, %v", b, d, again, err)
		}
	})
}

func TestRoutes(t *testing.T) {
	if d, ok := RemoteDomain(RouteRemote("example.org")); d != "example.org" || !ok {
		t.Errorf("RemoteDomain = %q, %v", d, ok)
	}
	if _, ok := RemoteDomain(RouteNotice); ok {
		t.Error("a notice is no remote domain")
	}
}

func BenchmarkDoc(b *testing.B) {
	for _, n := range []int{1, 1000} {
		d := fullDoc()
		d.To = nil
		for i := range n {
			d.To = append(d.To, Recipient{Recipient: mail.Recipient{Address: mail.Address{Local: fmt.Sprint("user", i), Domain: "alpha.example"}}, Outcome: Delivered, Account: 1 << 60, Email: 1 << 61})
		}
		b.Run(fmt.Sprintf("recipients=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				appendDoc(nil, &d)
			}
		})
	}
}

// TestCP8DeferralsAreKept: tries with the same words are one, the first stays, and of the others the last ones.
func TestCP8DeferralsAreKept(t *testing.T) {
	it := Item{Doc: Doc{To: []Recipient{{Outcome: Delivered, Reason: "x"}, {}}}}
	now := time.UnixMilli(1795427415000)
	try := func(reason, answer string) {
		it.To[1].Reason, it.To[1].Answer = reason, answer
		now = now.Add(time.Minute)
		deferred(&it, now)
	}
	try("", "")
	if it.Deferrals != nil {
		t.Errorf("nothing was said: %+v", it.Deferrals)
	}
	try("remote.deferred", "450 first")
	before := it.Deferrals
	try("remote.deferred", "450 first")
	if d := it.Deferrals; len(d) != 1 || d[0].Times != 2 || d[0].Last.Sub(d[0].At) != time.Minute || before[0].Times != 1 {
		t.Errorf("%+v, before %+v", d, before)
	}
	for i := range 20 {
		try("remote.deferred", fmt.Sprint("450 ", i))
	}
	if d := it.Deferrals; len(d) != MaxDeferrals || d[0].Answer != "450 first" || d[1].Answer != "450 13" || d[7].Answer != "450 19" {
		t.Errorf("%+v", d)
	}
}
