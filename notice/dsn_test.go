package notice

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/wire/mime"
)

// catalogue is the words of all tests: reading it costs more than they do.
var catalogue = i18n.New()

var update = flag.Bool("update", false, "write the golden files instead of comparing them")

// now is when the tests' notifications are written, a Monday.
// japan is the zone of the readers in these tests.
func japan() *time.Location { return time.FixedZone("JST", 9*60*60) }

var now = time.Date(2026, 11, 23, 9, 30, 0, 0, japan())

const letterHeader = "Return-Path: <sato@alpha.example>\r\n" +
	"Received: from [192.0.2.8] by mx.tegami.example with ESMTPSA id k3f9x2ab-1; Mon, 23 Nov 2026 09:00:00 +0900\r\n" +
	"From: =?UTF-8?B?5L2Q6Jek?= <sato@alpha.example>\r\n" +
	"To: tanaka@other.example\r\n" +
	"Subject: =?UTF-8?B?6KaL56mN5pu444Gu5Lu2?=\r\n" +
	"Message-ID: <1@alpha.example>\r\n"

// about makes an item on queue.RouteNotice.
func about(to ...queue.Recipient) *queue.Item {
	return &queue.Item{
		ID: 1 << 40, Route: queue.RouteNotice,
		Doc: queue.Doc{
			Trace: "k3f9x2ab-1", From: address("sato@alpha.example"), MessageID: "<1@alpha.example>",
			Origin: mail.Origin{Door: "smtps", Received: now.Add(-30 * time.Minute)}, To: to,
		},
	}
}

func address(s string) mail.Address {
	local, domain, _ := strings.Cut(s, "@")
	return mail.Address{Local: local, Domain: domain}
}

// rcpt makes a recipient with what became of it.
func rcpt(to string, o queue.Outcome, notify mail.Notify, reason, status, host, answer string) queue.Recipient {
	return queue.Recipient{
		Recipient: mail.Recipient{Address: address(to), Notify: notify},
		Outcome:   o, Reason: reason, Status: status, Host: host, Answer: answer, At: now.Add(-time.Minute),
	}
}

// write makes the octets of a notification.
func write(it *queue.Item, header string, lang string) []byte {
	d := &dsn{item: it, header: headerOf([]byte(header)), at: now, hostname: "mx.tegami.example", service: "Tegami", lifetime: 5 * 24 * time.Hour}
	if d.sort() == 0 {
		return nil
	}
	return d.octets(inLangs(catalogue, japan(), langsOf(lang)))
}

// samples are the notifications of the golden files.
func samples() map[string][]byte {
	failed := about(
		rcpt("tanaka@other.example", queue.Failed, 0, "remote.refused", "5.1.1", "mx.other.example", "550 5.1.1 <tanaka@other.example>: no such user here"),
		rcpt("full@alpha.example", queue.Failed, mail.NotifyFailure, "box.full", "", "", ""),
		rcpt("unasked@alpha.example", queue.Failed, mail.NotifyNever, "box.full", "", "", ""),
		rcpt("late@slow.example", queue.Failed, 0, "delivery.expired", "4.4.1", "", ""),
		rcpt("good@alpha.example", queue.Delivered, 0, "", "", "", ""),
	)
	failed.To[0].Orcpt = "rfc822;tanaka+list@other.example"
	failed.Opts.EnvID = "QQ314159"
	failed.Sender = 7
	delayed := about(rcpt("tanaka@other.example", queue.Waiting, 0, "remote.unreachable", "4.4.1", "", ""))
	asked := about(
		rcpt("a@alpha.example", queue.Delivered, mail.NotifySuccess, "", "", "", ""),
		rcpt("b@other.example", queue.Relayed, mail.NotifySuccess, "", "2.0.0", "mx.other.example", "250 2.0.0 ok"),
		rcpt("list@alpha.example", queue.Expanded, mail.NotifySuccess, "", "", "", ""),
	)
	global := about(rcpt("鈴木@other.example", queue.Failed, 0, "remote.utf8", "5.6.7", "mx.other.example", "553 5.6.7 国際化メールは未対応です"))
	global.From, global.Opts.UTF8 = address("佐藤@alpha.example"), true
	return map[string][]byte{
		"failed":    write(failed, letterHeader, ""),
		"failed_ja": write(failed, letterHeader, "ja"),
		"failed_en": write(failed, letterHeader, "en"),
		"delayed":   write(delayed, letterHeader, "en"),
		"asked":     write(asked, "", "ja"),
		"global":    write(global, "From: 佐藤@alpha.example\r\nSubject: 見積書\r\n", ""),
	}
}

// TestGolden compares notifications with testdata; run it with -update to write them.
func TestGolden(t *testing.T) {
	for name, got := range samples() {
		path := filepath.Join("testdata", name+".eml")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is now:\n%s", name, got)
		}
	}
}

// part gives the decoded text of a part.
func part(octets []byte, p *mime.Part) string {
	raw := bytes.NewReader(octets[p.BodyStart:p.BodyEnd])
	text, err := io.ReadAll(mime.TextReader(p, mime.DecodedReader(p, raw)))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestReadBack parses the notifications with our own parser.
func TestReadBack(t *testing.T) {
	for name, octets := range samples() {
		m := mime.ParseBytes(octets, mime.Limits{})
		root := m.Root
		want := []string{"text/plain", "message/delivery-status", "text/rfc822-headers"}
		switch name {
		case "asked":
			want = want[:2]
		case "global":
			want = []string{"text/plain", "message/global-delivery-status", "message/global-headers"}
		}
		var got []string
		for _, p := range root.Children {
			got = append(got, p.Type+"/"+p.Subtype)
		}
		if root.Type+"/"+root.Subtype != "multipart/report" || !slices.Equal(got, want) {
			t.Errorf("%s: %s/%s of %v, want %v", name, root.Type, root.Subtype, got, want)
		}
		for line := range strings.SplitSeq(string(octets), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
				t.Errorf("%s: line %q", name, line)
			}
		}
	}
}

// pythonReader prints what Python's email package finds in a notification.
const pythonReader = `
import sys, email, email.policy
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
print(m['From'].addresses[0].display_name, m['From'].addresses[0].addr_spec)
print(m['Subject'])
print(m.get_content_type(), m.get_param('report-type'), m['Auto-Submitted'])
parts = m.get_payload()
print(parts[0].get_content())
for g in parts[1].get_payload():
    print(dict(g.items()))
print(parts[2].get_content_type(), '見積書の件' in email.message_from_bytes(parts[2].get_payload(decode=True), policy=email.policy.default)['Subject'])
`

// TestPythonReads has Python's email package read a notification.
func TestPythonReads(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	cmd := exec.Command(python, "-c", pythonReader)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	cmd.Stdin = bytes.NewReader(samples()["failed"])
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out = bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n"))
	for _, want := range []string{
		"メールサービス通知 noreply@mx.tegami.example\n",
		"【配信エラー】メールを配信できませんでした / Undeliverable: your message\n",
		"multipart/report delivery-status auto-replied\n",
		"件名: 見積書の件\n", "受付日時: 2026年11月23日(月) 09:00\n", "Received: Mon, 23 Nov 2026 09:00 +0900\n",
		"'Reporting-MTA': 'dns; mx.tegami.example'", "'Original-Envelope-Id': 'QQ314159'", "'Arrival-Date': 'Mon, 23 Nov 2026 09:00:00 +0900'",
		"'Original-Recipient': 'rfc822; tanaka+list@other.example'", "'Final-Recipient': 'rfc822; full@alpha.example'",
		"'Action': 'failed', 'Status': '5.2.2'", "'Status': '4.4.1'", "'Remote-MTA': 'dns; mx.other.example'",
		"'Diagnostic-Code': 'smtp; 550 5.1.1 <tanaka@other.example>: no such user here'",
		"text/rfc822-headers True",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("Python does not see %q in:\n%s", want, out)
		}
	}
	for _, secret := range []string{"unasked@", "good@"} {
		if strings.Contains(string(out), secret) {
			t.Errorf("%s is told, but was not asked for", secret)
		}
	}
}

// TestEveryReasonHasAText looks at all reasons and actions in all languages.
func TestEveryReasonHasAText(t *testing.T) {
	c := catalogue
	for _, lang := range i18n.Langs() {
		var keys []string
		for name, r := range reasons {
			keys = append(keys, r.text)
			if !isStatus(r.status) {
				t.Errorf("%s has the status %q", name, r.status)
			}
			d := dsn{item: about(), lifetime: 5 * 24 * time.Hour}
			w := words{c, lang, japan()}
			said := rcpt("x@y.example", queue.Failed, 0, name, "", "mx.y.example", "")
			if text := d.sentence(&w, &said); !strings.Contains(text, "<x@y.example>") || !strings.Contains(text, r.status) || strings.Contains(text, "{") {
				t.Errorf("%s in %s: %q", name, lang, text)
			}
		}
		for _, a := range actions {
			keys = append(keys, a.lead, a.subject)
			if a.advice != "" {
				keys = append(keys, a.advice)
			}
		}
		for _, k := range keys {
			if !c.Has(lang, k) {
				t.Errorf("%s has no text in %s", k, lang)
			}
		}
	}
	said := rcpt("x@y.example", queue.Failed, 0, "remote.protocol", "", "", "")
	w := words{c, i18n.English, japan()}
	if text := unlisted(&w, &said); !strings.Contains(text, c.Text(i18n.English, "remote.protocol")) {
		t.Errorf("a reason without a sentence of its own: %q", text)
	}
}

// TestNeverTold: what nobody is told of.
func TestNeverTold(t *testing.T) {
	forgery := policy.Facts{SPF: &policy.SPF{Result: "fail"}, DMARC: &policy.DMARC{Result: "fail"}}
	noDMARC := policy.Facts{Author: "a@x.example", SPF: &policy.SPF{Result: "fail", Domain: "x.example"}, DMARC: &policy.DMARC{Result: "none"}}
	signed := noDMARC
	signed.DKIM = []policy.DKIM{{Result: "pass", Domain: "x.example"}}
	softly := policy.Facts{SPF: &policy.SPF{Result: "softfail"}, DMARC: &policy.DMARC{Result: "fail"}}
	facts := func(f policy.Facts) []byte {
		b, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		change func(*queue.Item)
		silent bool
	}{
		"usual":                {func(*queue.Item) {}, false},
		"null sender":          {func(it *queue.Item) { it.From = mail.Address{} }, true},
		"by the platform":      {func(it *queue.Item) { it.Auto = true }, true},
		"spam":                 {func(it *queue.Item) { it.Spam = true }, true},
		"forged":               {func(it *queue.Item) { it.Facts = facts(forgery) }, true},
		"forged, no DMARC":     {func(it *queue.Item) { it.Facts = facts(noDMARC) }, true},
		"forwarded by others":  {func(it *queue.Item) { it.Facts = facts(signed) }, false},
		"not surely forged":    {func(it *queue.Item) { it.Facts = facts(softly) }, false},
		"submitted":            {func(it *queue.Item) { it.Facts, it.Sender = facts(forgery), 5 }, false},
		"facts that are noise": {func(it *queue.Item) { it.Facts = []byte("{") }, false},
	} {
		it := about()
		c.change(it)
		if silent(&it.Doc) != c.silent {
			t.Errorf("%s: silent is %v", name, !c.silent)
		}
	}
	for _, c := range []struct {
		outcome queue.Outcome
		notify  mail.Notify
		want    bool
	}{
		{queue.Failed, 0, true}, {queue.Failed, mail.NotifyFailure, true}, {queue.Failed, mail.NotifyNever, false},
		{queue.Failed, mail.NotifySuccess, false}, {queue.Waiting, 0, true}, {queue.Waiting, mail.NotifyFailure, false},
		{queue.Waiting, mail.NotifyDelay, true}, {queue.Delivered, 0, false}, {queue.Delivered, mail.NotifySuccess, true},
		{queue.Relayed, mail.NotifyFailure, false}, {queue.Relayed, mail.NotifySuccess | mail.NotifyFailure, true}, {queue.Expanded, mail.NotifySuccess, true},
	} {
		r := rcpt("a@b.example", c.outcome, c.notify, "", "", "", "")
		if wants(&r) != c.want {
			t.Errorf("outcome %d, NOTIFY %b: told is %v", c.outcome, c.notify, !c.want)
		}
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		outcome              queue.Outcome
		reason, status, want string
	}{
		{queue.Failed, "box.full", "", "5.2.2"},
		{queue.Failed, "box.full", "5.7.999", "5.7.999"},
		{queue.Failed, "delivery.expired", "4.4.1", "4.4.1"},
		{queue.Failed, "delivery.expired", "", "4.4.7"},
		{queue.Failed, "never.heard", "2.0.0", "5.0.0"},
		{queue.Failed, "", "5.1", "5.0.0"}, {queue.Failed, "", "5.1.1\r\nX: y", "5.0.0"}, {queue.Failed, "", "5.1234.1", "5.0.0"}, {queue.Failed, "", "5..1", "5.0.0"},
		{queue.Waiting, "remote.refused", "5.1.1", "4.0.0"}, {queue.Waiting, "", "4.2.1", "4.2.1"},
		{queue.Delivered, "", "", "2.0.0"}, {queue.Relayed, "", "2.1.5", "2.1.5"}, {queue.Expanded, "", "5.0.0", "2.0.0"},
	} {
		r := rcpt("a@b.example", c.outcome, 0, c.reason, c.status, "", "")
		if got := status(&r); got != c.want {
			t.Errorf("%+v is %s", c, got)
		}
	}
}

// TestHeaderOfOriginal: no body, no half a field, at most 64 KB.
func TestHeaderOfOriginal(t *testing.T) {
	for in, want := range map[string]string{
		"A: b\r\n\r\nbody":     "A: b\r\n",
		"A: b\nC: d\n\nbody\n": "A: b\r\nC: d\r\n",
		"A: b":                 "A: b\r\n",
		"\r\nbody":             "",
		"":                     "",
	} {
		if got := string(headerOf([]byte(in))); got != want {
			t.Errorf("%q gives %q", in, got)
		}
	}
	long := "A: first\r\n" + "B: " + strings.Repeat("x", 70) + strings.Repeat("\r\n "+strings.Repeat("y", 70), MaxHeader/70) + "\r\n"
	if got := string(headerOf([]byte(long))); got != "A: first\r\n" {
		t.Errorf("%d octets came back, beginning %.40q", len(got), got)
	}
	many := strings.Repeat("A: "+strings.Repeat("x", 95)+"\r\n", 1000)
	if got := headerOf([]byte(many)); len(got) > MaxHeader || len(got) < MaxHeader-200 || !bytes.HasSuffix(got, []byte("x\r\n")) {
		t.Errorf("%d octets came back", len(got))
	}
}

// TestManyRecipients: all are reported to programs, people read of the first.
func TestManyRecipients(t *testing.T) {
	it := about()
	for i := range MaxReported + 5 {
		it.To = append(it.To, rcpt(fmt.Sprintf("u%d@other.example", i), queue.Failed, 0, "recipient.unknown", "", "", ""))
	}
	octets := write(it, letterHeader, "en")
	if n := bytes.Count(octets, []byte("\r\nFinal-Recipient: ")); n != MaxReported {
		t.Errorf("%d recipients are reported", n)
	}
	m := mime.ParseBytes(octets, mime.Limits{})
	text := part(octets, m.Root.Children[0])
	if n := strings.Count(text, "does not exist"); n != maxExplained || !strings.Contains(text, fmt.Sprintf("and %d more", MaxReported-maxExplained)) {
		t.Errorf("people read of %d recipients:\n%s", n, text)
	}
}

func TestWords(t *testing.T) {
	ja, en := words{catalogue, i18n.Japanese, japan()}, words{catalogue, i18n.English, japan()}
	if got := ja.date(now.UTC()); got != "2026年11月23日(月) 09:30" {
		t.Error(got)
	}
	if got := en.date(now.UTC()); got != "Mon, 23 Nov 2026 09:30 +0900" {
		t.Error(got)
	}
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KB", 1536: "1.5 KB", 3 << 30: "3 GB", 3 << 29: "1.5 GB", 1<<30 - 1: "1 GB", 100 << 20: "100 MB", 1 << 50: "1 PB",
	} {
		if got := sizeText(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for _, c := range []struct{ in, want string }{{"", ""}, {"a b", "a b"}, {strings.Repeat("word ", 16), strings.Repeat("word ", 13) + "word\nword word"}} {
		if got := wrap(c.in); got != c.want {
			t.Errorf("%q is wrapped as %q", c.in, got)
		}
	}
}

// FuzzDSN: whatever a sender, a header and another host say, the notification has the fields and parts it should have.
func FuzzDSN(f *testing.F) {
	f.Add("a", "b.example", "550 no", "mx.example", "rfc822;a@b", "id", "Subject: x\r\n\r\n")
	f.Add("a\r\nBcc: x@y", "b\r\n\r\n--=_dsn", "550 a\r\nb\r\n\r\nc", "h\nX: y", "rfc822;\r\nAction: delivered", "e\r\n", "Subject: =?utf-8?B?DQpCY2M6IHg=?=\r\n\r\n")
	f.Add(">,<x@y>", "[1.2.3.4]", "\x00\xff", "日本", ";", "\t", "--=_dsn-0000080000000\r\n--=_dsn-0000080000000_\r\n")
	f.Fuzz(func(t *testing.T, local, domain, answer, host, orcpt, env, header string) {
		for _, global := range []bool{false, true} {
			it := about(rcpt("", queue.Failed, 0, "remote.refused", "", host, answer), rcpt("x@y.example", queue.Waiting, 0, "", "", "", ""))
			it.From = mail.Address{Local: local, Domain: domain}
			it.To[0].Address, it.To[0].Orcpt, it.Opts.EnvID, it.Opts.UTF8 = it.From, orcpt, env, global
			it.MessageID, it.Trace = header, host
			checkShape(t, write(it, header, ""), len(headerOf([]byte(header))) > 0)
		}
	})
}

// checkFields wants exactly the fields a message of this room has, and no line that is none.
func checkFields(t *testing.T, octets []byte) {
	t.Helper()
	var names []string
	for f := range mime.Header(octets[:bytes.Index(octets, []byte("\r\n\r\n"))+2]).Fields() {
		if name := string(f.Name); !slices.Contains([]string{"References", "Content-Transfer-Encoding", "Content-Language"}, name) { // these may be there
			names = append(names, name)
		}
	}
	if want := []string{"Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}; !slices.Equal(names, want) {
		t.Errorf("fields %q", names)
	}
	for line := range strings.SplitSeq(string(octets), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("line %q", line)
		}
	}
}

// checkShape wants exactly the fields and parts of a notification about a failure and a delay.
func checkShape(t *testing.T, octets []byte, original bool) {
	t.Helper()
	checkFields(t, octets)
	root := mime.ParseBytes(octets, mime.Limits{}).Root
	parts := 2
	if original {
		parts = 3
	}
	if len(root.Children) != parts {
		t.Fatalf("%d parts in\n%s", len(root.Children), octets)
	}
	p := root.Children[1]
	report := string(octets[p.BodyStart:p.BodyEnd])
	for what, n := range map[string]int{"Action": 2, "Final-Recipient": 2, "Status": 2, "Reporting-MTA": 1, "Bcc": 0, "X": 0} {
		if got := strings.Count("\n"+report, "\n"+what+": "); got != n {
			t.Errorf("%d %s in\n%s", got, what, report)
		}
	}
	if strings.Count("\n"+report, "\r\n\r\n") != 2 {
		t.Errorf("groups in %q", report)
	}
}
