package sieve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/wire/mime"
)

// plainMail is what most tests look at.
const plainMail = `Return-Path: <taro@example.co.jp>
From: Taro <taro@example.co.jp>
To: Hanako <hanako+work@example.com>, soumu@example.com
Subject: =?ISO-2022-JP?B?GyRCMnE1RCROJCpDTiRpJDsbKEI=?=
Date: Mon, 21 Sep 2026 09:59:58 +0900
Message-ID: <1@example.co.jp>
X-Number: 10

Hello.
`

// testHost is a Host with fixed answers.
type testHost struct {
	boxes   []string
	uses    map[string]string
	lists   map[string][]string
	scripts map[string]string
	seen    map[string]bool
	fail    error
}

func (h *testHost) MailboxExists(_ context.Context, name string) (bool, error) {
	return slices.Contains(h.boxes, name), h.fail
}

func (h *testHost) MailboxID(_ context.Context, id string) (bool, error) { return id == "id-of-a", nil }

func (h *testHost) SpecialUse(_ context.Context, use string) (string, bool, error) {
	box, ok := h.uses[use]
	return box, ok, h.fail
}

func (h *testHost) Metadata(_ context.Context, mailbox, name string) (string, bool, error) {
	if mailbox == "" {
		return "server", name == "/shared/comment", h.fail
	}
	return "box " + mailbox, name == "/private/comment", h.fail
}

func (h *testHost) ListExists(_ context.Context, list string) (bool, error) {
	return h.lists[list] != nil, h.fail
}

func (h *testHost) InList(_ context.Context, list, value string) (bool, error) {
	return slices.Contains(h.lists[list], value), h.fail
}

func (h *testHost) Include(_ context.Context, global bool, name string) (*Script, error) {
	if global {
		name = "global/" + name
	}
	src, ok := h.scripts[name]
	if !ok {
		return nil, h.fail
	}
	return Compile([]byte(src), Limits{})
}

func (h *testHost) Seen(_ context.Context, id string) (bool, error) { return h.seen[id], h.fail }

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// newInput is a message from Taro to Hanako.
func newInput(message string, host Host) *Input {
	message = crlf(message)
	return &Input{
		From: mail.Address{Local: "taro", Domain: "example.co.jp"}, To: mail.Address{Local: "hanako+work", Domain: "example.com"},
		Octets: strings.NewReader(message), Structure: mime.ParseBytes([]byte(message), mime.Limits{}),
		Now: time.Date(2026, 9, 21, 1, 2, 3, 0, time.UTC), Zone: time.FixedZone("", 9*3600), Host: host,
		Owner:       Owner{Addresses: []mail.Address{{Local: "hanako", Domain: "example.com"}}},
		Environment: map[string]string{"name": "tegami", "remote-ip": "192.0.2.1"},
	}
}

// outcome runs a script and gives its actions, one a line.
func outcome(t *testing.T, script string, in *Input) string {
	t.Helper()
	s, err := Compile([]byte(script), Limits{})
	if err != nil {
		t.Fatalf("%s\n%v", script, err)
	}
	res, err := s.Run(context.Background(), in)
	if err != nil {
		return err.Error()
	}
	return describe(in, res)
}

func describe(in *Input, res *Result) string {
	var lines []string
	for _, a := range res.Actions {
		lines = append(lines, describeAction(a))
	}
	if res.Silence != "" {
		lines = append(lines, "silence: "+res.Silence)
	}
	return strings.Join(lines, "\n")
}

func describeAction(a Action) string {
	words := func(list ...string) string {
		return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), " ")
	}
	when := func(on bool, s string) string {
		if on {
			return s
		}
		return ""
	}
	switch a := a.(type) {
	case Keep:
		return words("keep", when(a.Implicit, "implicit"), strings.Join(a.Flags, " "), when(a.Content != nil, "edited"))
	case FileInto:
		return words("fileinto", a.Mailbox, a.SpecialUse, when(a.MailboxID != "", "="+a.MailboxID), when(a.Create, "create"), when(a.Copy, "copy"), strings.Join(a.Flags, " "), when(a.Content != nil, "edited"))
	case Redirect:
		return words("redirect", a.To.String(), a.List, when(a.Copy, "copy"), when(a.Content != nil, "edited"))
	case Reject:
		return words(when(a.Extended, "e")+"reject", a.Text)
	case Discard:
		return "discard"
	case Vacation:
		s := words("vacation", a.To.String(), a.Period.String(), fmt.Sprintf("%q %q", a.Subject, a.Text), a.From, a.InReplyTo)
		if a.Copy != nil {
			s += " + " + describeAction(*a.Copy)
		}
		return s
	case Notify:
		var to []string
		for _, m := range slices.Concat(a.To, a.Cc, a.Bcc) {
			to = append(to, m.String())
		}
		return words("notify", strings.Join(to, ","), fmt.Sprint(a.Importance), fmt.Sprintf("%q %q", a.Subject, a.Body), a.From)
	case Track:
		return words("track", a.For.String())
	}
	return fmt.Sprintf("%T", a)
}

// table is scripts and what they want done with a message.
type table []struct{ script, want string }

func (list table) run(t *testing.T, message string, host Host) {
	t.Helper()
	for _, x := range list {
		if got := outcome(t, x.script, newInput(message, host)); got != x.want {
			t.Errorf("%s\ngot  %s\nwant %s", x.script, got, x.want)
		}
	}
}

// conditions are tests; each file into "yes" tells that it is true.
type conditions []struct {
	require, test string
	want          bool
}

func (list conditions) run(t *testing.T, message string, host Host) {
	t.Helper()
	for _, x := range list {
		script := "require [\"fileinto\"" + quoteList(x.require) + "];\nif " + x.test + " { fileinto \"yes\"; } else { fileinto \"no\"; }"
		want := "fileinto no"
		if x.want {
			want = "fileinto yes"
		}
		if got := outcome(t, script, newInput(message, host)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", script, got, want)
		}
	}
}

func quoteList(words string) string {
	s := ""
	for _, w := range strings.Fields(words) {
		s += ", \"" + w + "\""
	}
	return s
}

func TestActions(t *testing.T) {
	table{
		{``, "keep implicit"},
		{`keep;`, "keep"},
		{`discard;`, "discard"},
		{`discard; keep;`, "keep"},
		{`stop; discard;`, "keep implicit"},
		{`require "fileinto"; fileinto "A"; fileinto "A"; fileinto "B";`, "fileinto A\nfileinto B"},
		{`require "fileinto"; fileinto "inbox"; keep;`, "keep"},
		{`require "fileinto"; keep; fileinto "INBOX";`, "keep"},
		{`redirect "a@example.net"; redirect "A <A@EXAMPLE.net>";`, "redirect a@example.net"},
		{`require ["fileinto", "copy"]; fileinto :copy "A"; redirect :copy "a@example.net";`, "fileinto A copy\nredirect a@example.net copy\nkeep implicit"},
		{`require ["copy"]; redirect :copy "a@example.net"; redirect "a@example.net";`, "redirect a@example.net"},
		{`if false { discard; } elsif not true { discard; } else { redirect "a@example.net"; }`, "redirect a@example.net"},
		{`if true { keep; } elsif true { discard; } else { discard; }`, "keep"},
		{`if allof(true, anyof(false, true), not false) { discard; }`, "discard"},
	}.run(t, plainMail, nil)
}

func TestReject(t *testing.T) {
	table{
		{"require \"reject\"; reject \"No\nmore\";", "reject No\nmore"},
		{`require "ereject"; ereject "No";`, "ereject No"},
		{`require "reject"; keep; reject "No";`, "sieve.Run: 1: sieve.conflict reject"},
		{`require "reject"; reject "No"; redirect "a@example.net";`, "sieve.Run: 1: sieve.conflict redirect"},
		{`require ["reject", "vacation"]; vacation "Away"; reject "No";`, "sieve.Run: 1: sieve.conflict reject"},
		{`require ["reject", "enotify"]; notify "mailto:a@example.net"; reject "No";`, "notify a@example.net 2 \"[SIEVE] 会議のお知らせ\" \"\"\nreject No"},
	}.run(t, plainMail, nil)
}

func TestTests(t *testing.T) {
	conditions{
		{"", `header "subject" "会議のお知らせ"`, true},
		{"", `header :contains "SUBJECT" "会議"`, true},
		{"", `header :matches "subject" "会議の??ら?"`, true},
		{"", `header :matches "subject" "会議の?ら?"`, false},
		{"", `header :comparator "i;octet" "x-number" "10"`, true},
		{"", `header ["a", "x-number"] ["9", "10"]`, true},
		{"", `header "subject" ""`, false},
		{"", `header :contains "cc" ""`, false},
		{"", `exists ["from", "x-number"]`, true},
		{"", `exists ["from", "cc"]`, false},
		{"", `size :over 200`, true},
		{"", `size :over 1K`, false},
		{"", `size :under 1M`, true},
		{"", `address "to" "SOUMU@example.com"`, true},
		{"", `address :domain "from" "example.co.jp"`, true},
		{"", `address :localpart "to" "hanako"`, false},
		{"subaddress", `address :user "to" "hanako"`, true},
		{"subaddress", `address :detail "to" "work"`, true},
		{"subaddress", `address :detail "from" ""`, false},
		{"envelope", `envelope "from" "taro@example.co.jp"`, true},
		{"envelope", `envelope :domain "to" "example.com"`, true},
		{"envelope", `envelope "auth" ""`, false},
		{"envelope subaddress", `envelope :detail "to" "work"`, true},
		{"environment", `environment "name" "tegami"`, true},
		{"environment", `environment :contains "unknown" ""`, false},
		{"relational comparator-i;ascii-numeric", `header :value "gt" :comparator "i;ascii-numeric" "x-number" "9"`, true},
		{"relational", `header :value "gt" "x-number" "9"`, false},
		{"relational comparator-i;ascii-numeric", `address :count "eq" :comparator "i;ascii-numeric" "to" "2"`, true},
		{"relational", `header :count "eq" "to" "1"`, true},
		{"mailbox", `mailboxexists ["A", "B"]`, true},
		{"mailbox", `mailboxexists ["A", "C"]`, false},
		{"special-use", `specialuse_exists "\\Junk"`, true},
		{"special-use", `specialuse_exists "B" "\\Junk"`, true},
		{"special-use", `specialuse_exists "A" "\\Junk"`, false},
		{"mailboxid", `mailboxidexists "id-of-a"`, true},
		{"mailboxid", `mailboxidexists ["id-of-a", "id-of-c"]`, false},
		{"mboxmetadata", `metadata "A" "/private/comment" "box a"`, true},
		{"mboxmetadata", `metadataexists "A" ["/private/comment", "/private/x"]`, false},
		{"servermetadata", `servermetadata "/shared/comment" "server"`, true},
		{"servermetadata", `servermetadataexists "/shared/x"`, false},
		{"extlists", `address :list "from" ":addrbook:default"`, true},
		{"extlists", `valid_ext_list ["tag:none"]`, false},
		{"enotify", `valid_notify_method ["mailto:a@example.net"]`, true},
		{"enotify", `valid_notify_method ["mailto:a@example.net", "tel:+81"]`, false},
		{"enotify", `notify_method_capability "mailto:a@example.net" "Online" "maybe"`, true},
	}.run(t, plainMail, &testHost{
		boxes: []string{"A", "B"}, uses: map[string]string{`\Junk`: "B"},
		lists: map[string][]string{"urn:ietf:params:sieve:addrbook:default": {"taro@example.co.jp"}},
	})
}

// TestComparators: RFC 4790 and RFC 5051.
func TestComparators(t *testing.T) {
	for _, x := range []struct {
		c    *comparator
		a, b string
		want int
	}{
		{octet, "a", "A", 1}, {octet, "a", "a", 0},
		{asciiCasemap, "Stra\u00dfe", "STRA\u00dfE", 0}, {asciiCasemap, "\u00e4", "\u00c4", 1},
		{asciiNumeric, "10", "9", 1}, {asciiNumeric, "007x", "7", 0}, {asciiNumeric, "x", "9", 1}, {asciiNumeric, "x", "", 0},
		{asciiNumeric, "99999999999999999999999", "99999999999999999999998", 1},
		{unicodeCasemap, "ＡＢＣ", "abc", 0}, {unicodeCasemap, "ﾃｽﾄ", "テスト", 0}, {unicodeCasemap, "\u00c4", "a\u0308", 0},
	} {
		if got := x.c.compare(x.a, x.b); (got > 0) != (x.want > 0) || (got < 0) != (x.want < 0) {
			t.Errorf("%s: %q and %q: %d", x.c.name, x.a, x.b, got)
		}
	}
}

func TestJapanese(t *testing.T) {
	message := "From: =?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <yamada@example.jp>\nTo: hanako@example.com\nSubject: \x1b$B2q5D\x1b(B\nX-Sjis: \x89\xef\x8b\x63\nX-Wide: ＡＢＣ１２３\nContent-Type: text/plain; charset=ISO-2022-JP\n\n\x1b$B2q5D$N$*CN$i$;\x1b(B\n"
	conditions{
		{"", `header "subject" "会議"`, true},
		{"", `header "x-sjis" "会議"`, true},
		{"", `header :contains "from" "山田"`, true},
		{"comparator-i;unicode-casemap", `header :comparator "i;unicode-casemap" "x-wide" "abc123"`, true},
		{"comparator-i;unicode-casemap", `header :matches :comparator "i;unicode-casemap" "x-wide" "a*3"`, true},
		{"body", `body :contains "会議のお知らせ"`, true},
		{"body", `body :raw :contains "会議"`, false},
		{"regex", `header :regex "subject" "^会.$"`, true},
	}.run(t, message, nil)
}

func TestVariables(t *testing.T) {
	file := func(value string) string {
		return `require ["variables", "fileinto", "enotify", "regex"]; ` + value + ` fileinto "${x}";`
	}
	table{
		{file(`set "x" "a${y}b";`), "fileinto ab"},
		{file(`set :upper "x" "ab";`), "fileinto AB"},
		{file(`set :lower :upperfirst "x" "juMBlEd lETteRS";`), "fileinto Jumbled letters"},
		{file(`set :upperfirst :lower "x" "juMBlEd";`), "fileinto Jumbled"},
		{file(`set :quotewildcard "x" "Rock*";`), `fileinto Rock\*`},
		{file(`set :quoteregex "x" "a.b";`), `fileinto a\.b`},
		{file(`set :encodeurl "x" "a b&会";`), "fileinto a%20b%26%E4%BC%9A"},
		{file(`set :length "x" "会議";`), "fileinto 2"},
		{file(`if header :matches "subject" "*の*" { set "x" "${2}/${1}/${0}"; }`), "fileinto お知らせ/会議/会議のお知らせ"},
		{file(`if header :regex "from" "<(.*)@(.*)>" { set "x" "${1} ${2}"; }`), "fileinto taro example.co.jp"},
		{file(`set "x" "y"; if string :matches "abc" "a*" {} if string :matches "abc" "b*" {} set "x" "${1}";`), "fileinto bc"},
		{`require "variables"; require "fileinto"; set "x" ""; fileinto "${x}";`, "sieve.Run: 1: sieve.mailbox_name "},
		{`require ["encoded-character", "fileinto"]; fileinto "${unicode:4f1a 8b70}${hex:41 42}";`, "fileinto 会議AB"},
	}.run(t, plainMail, nil)
}

func TestFlags(t *testing.T) {
	table{
		{`require "imap4flags"; setflag "\\Seen $label"; addflag ["\\flagged", "$LABEL"]; removeflag "\\SEEN";`, `keep implicit $label \flagged`},
		{`require "imap4flags"; setflag ["\\Recent", "bad flag{", "\\bogus"]; keep;`, `keep bad`},
		{`require ["imap4flags", "fileinto"]; addflag "a"; fileinto :flags "b c" "A"; fileinto "B"; keep :flags "";`, "fileinto A b c\nfileinto B a\nkeep"},
		{`require ["imap4flags", "variables"]; setflag "f" "a b"; addflag "f" "c"; removeflag "f" "A"; keep :flags "${f}";`, "keep b c"},
		{`require "imap4flags"; setflag "a b"; if allof(hasflag "A", not hasflag "c", hasflag :contains ["x", "b"]) { discard; }`, "discard"},
	}.run(t, plainMail, nil)
}

func TestMailboxes(t *testing.T) {
	table{
		{`require ["fileinto", "mailbox"]; fileinto :create "A/B";`, "fileinto A/B create"},
		{`require ["fileinto", "special-use", "mailbox"]; fileinto :specialuse "\\Junk" :create "Spam";`, `fileinto Spam \Junk create`},
		{`require ["fileinto", "mailboxid"]; fileinto :mailboxid "id-of-a" "A";`, "fileinto A =id-of-a"},
		{`require ["fileinto", "mailboxid"]; fileinto :mailboxid "id-of-a" "INBOX"; keep;`, "fileinto INBOX =id-of-a\nkeep"},
	}.run(t, plainMail, nil)
}

func TestDate(t *testing.T) {
	conditions{
		{"date", `date "date" "date" "2026-09-21"`, true},
		{"date", `date :zone "+0000" "date" "hour" "00"`, true},
		{"date", `date :originalzone "date" "zone" "+0900"`, true},
		{"date", `date "date" "weekday" "1"`, true},
		{"date", `date "date" "julian" "61304"`, true},
		{"date", `date "date" "std11" "Mon, 21 Sep 2026 09:59:58 +0900"`, true},
		{"date", `date "date" "iso8601" "2026-09-21T09:59:58+09:00"`, true},
		{"date", `date "subject" "year" "2026"`, false},
		{"date", `currentdate "time" "10:02:03"`, true},
		{"date", `currentdate :zone "-0100" "date" "2026-09-21"`, true},
		{"date relational", `allof(currentdate :value "ge" "date" "2026-09-01", currentdate :value "lt" "date" "2026-10-01")`, true},
	}.run(t, plainMail, nil)
}

func TestIndex(t *testing.T) {
	message := "From: a@example.com\nX-A: 1\nX-A: 2\nX-A: 3\nReceived: by x; Mon, 21 Sep 2026 09:00:00 +0900\nReceived: by y; Mon, 21 Sep 2026 08:00:00 +0900\n\n.\n"
	conditions{
		{"index", `header :index 2 "x-a" "2"`, true},
		{"index", `header :index 1 :last "x-a" "3"`, true},
		{"index", `header :index 4 :contains "x-a" ""`, false},
		{"index date", `date :index 2 "received" "hour" "08"`, true},
		{"date", `date "received" "hour" "08"`, false},
	}.run(t, message, nil)
}

const mixedMail = `From: a@example.com
To: b@example.com
Subject: parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=AA

before
--AA
Content-Type: text/plain; charset=utf-8

plain text
--AA
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<style>p{color:red}</style><p>H=C3=A9llo <b>w</b>orld</p>
--AA
Content-Type: message/rfc822

Subject: inner
Content-Type: text/plain

inner text
--AA
Content-Type: application/pdf; name="=?utf-8?B?6KaL56mNLnBkZg==?="
Content-Disposition: attachment
Content-Transfer-Encoding: base64

JVBERg==
--AA--
after
`

func TestBody(t *testing.T) {
	conditions{
		{"body", `body :contains "PLAIN text"`, true},
		{"body", `body :contains "héllo world"`, true},
		{"body", `body :contains "color"`, false},
		{"body", `body :contains "inner text"`, true},
		{"body", `body :contains "before"`, false},
		{"body", `body :raw :contains "H=C3=A9llo"`, true},
		{"body", `body :content "text/html" :contains "<b>w</b>"`, true},
		{"body", `body :content "multipart" :matches "before*after*"`, true},
		{"body", `body :content "message/rfc822" :contains "Subject: inner"`, true},
		{"body", `body :content "message/rfc822" :contains "inner text"`, false},
		{"body", `body :content "application" :contains "%PDF"`, true},
		{"body", `body :content "" :contains "%PDF"`, true},
		{"body", `body :content "application/" :contains ""`, false},
	}.run(t, mixedMail, nil)
	table{{`require ["body", "variables", "fileinto"]; if header :matches "subject" "*" {} if body :matches "*text*" { fileinto "${1}"; }`, "fileinto parts"}}.run(t, mixedMail, nil)
}

func TestMIMEParts(t *testing.T) {
	conditions{
		{"mime", `header :mime :type "content-type" "multipart"`, true},
		{"mime", `header :mime :anychild :contenttype "content-type" "application/pdf"`, true},
		{"mime", `header :mime :anychild :param "name" "content-type" "見積.pdf"`, true},
		{"mime", `header :mime :anychild :subtype "content-type" "zip"`, false},
		{"mime", `exists :mime :anychild "content-disposition"`, true},
	}.run(t, mixedMail, nil)
	table{
		{`require ["foreverypart", "mime", "fileinto", "variables"]; set "n" "";
			foreverypart { if header :mime :subtype "content-type" "html" { break; } set "n" "${n}x"; } fileinto "${n}";`, "fileinto xx"},
		{`require ["foreverypart", "variables", "extracttext", "fileinto", "mime"];
			foreverypart { if header :mime :subtype "content-type" "html" { extracttext :upper :first 5 "x"; } } fileinto "${x}";`, "fileinto HéLLO"},
		{`require ["foreverypart"]; foreverypart :name "a" { foreverypart { break :name "a"; } discard; }`, "keep implicit"},
	}.run(t, mixedMail, nil)
}

// edited runs a script and gives the message as it keeps it.
func edited(t *testing.T, script, message string) string {
	t.Helper()
	s, err := Compile([]byte(script), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	in := newInput(message, nil)
	res, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	c := res.Actions[len(res.Actions)-1].(Keep).Content
	if c == nil {
		return "unchanged"
	}
	b, err := io.ReadAll(c.Open(in.Octets))
	if err != nil || int64(len(b)) != c.Size() {
		t.Fatalf("%d of %d octets: %v", len(b), c.Size(), err)
	}
	if n := bytes.Count(b, []byte("\n")); n != bytes.Count(b, []byte("\r\n")) {
		t.Errorf("%q has lines that end in LF alone", b)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func TestEditHeader(t *testing.T) {
	for _, x := range []struct{ script, want string }{
		{``, "unchanged"},
		{`addheader "X" "1";`, "X: 1\nA: 1\nB: 2\nA: 3\nReceived: x\n\nbody\n"},
		{`addheader :last "X" "会議";`, "A: 1\nB: 2\nA: 3\nReceived: x\nX: =?UTF-8?B?5Lya6K2w?=\n\nbody\n"},
		{`deleteheader "a";`, "B: 2\nReceived: x\n\nbody\n"},
		{`deleteheader :index 1 :last "a";`, "A: 1\nB: 2\nReceived: x\n\nbody\n"},
		{`deleteheader :contains "a" "3";`, "A: 1\nB: 2\nReceived: x\n\nbody\n"},
		{`deleteheader "received";`, "unchanged"},
		{`deleteheader "x";`, "unchanged"},
		{`addheader "X" "1"; deleteheader "X";`, "A: 1\nB: 2\nA: 3\nReceived: x\n\nbody\n"},
	} {
		if got := edited(t, `require "editheader"; `+x.script, "A: 1\nB: 2\nA: 3\nReceived: x\n\nbody\n"); got != x.want {
			t.Errorf("%s\ngot  %q\nwant %q", x.script, got, x.want)
		}
	}
	if got := edited(t, `require "editheader"; addheader :last "X" "1";`, "A: 1\n"); got != "A: 1\nX: 1\n\n" {
		t.Errorf("without a body: %q", got)
	}
}

// TestEditsBetweenActions: every action has the message as it was then (RFC 5293 §6).
func TestEditsBetweenActions(t *testing.T) {
	table{{`require ["editheader", "fileinto", "copy"]; fileinto :copy "A"; addheader "X" "1"; if exists "x" { fileinto "B"; }`, "fileinto A copy\nfileinto B edited"}}.run(t, plainMail, nil)
}

func TestReplaceAndEnclose(t *testing.T) {
	got := edited(t, `require ["foreverypart", "mime", "replace", "editheader"]; addheader "X" "1";
		foreverypart { if header :mime :contenttype "content-type" "application/pdf" { replace "removed"; } }
		if header :mime :anychild :subtype "content-type" "pdf" { discard; stop; }`, mixedMail)
	if !strings.HasPrefix(got, "X: 1\nFrom: a@example.com\n") || !strings.Contains(got, "--AA\nContent-Type: text/plain; charset=") ||
		!strings.Contains(got, "\n\nremoved") || strings.Contains(got, "JVBERg") || !strings.HasSuffix(got, "\n--AA--\nafter\n") {
		t.Errorf("replaced part: %q", got)
	}
	got = edited(t, `require "replace"; replace :subject "新しい件名" :from "山田 <c@example.com>" "all";`, mixedMail)
	for _, want := range []string{"Original-From: a@example.com\n", "Original-Subject: parts\n", "Subject: =?UTF-8?B?", "From: =?UTF-8?B?5bGx55Sw?= <c@example.com>\n", "\n\nall"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if strings.Contains(got, "multipart") {
		t.Errorf("the old type is left: %q", got)
	}
	got = edited(t, `require "enclose"; enclose :subject "careful" :headers "X-Number" "warning";`, plainMail)
	m := mime.ParseBytes([]byte(crlf(got)), mime.Limits{})
	if kids := m.Root.Children; len(kids) != 2 || !kids[1].IsMessage() || kids[1].Children[0].Envelope.MessageID == "" {
		t.Fatalf("enclosed: %q", got)
	}
	if !strings.Contains(got, "\nX-Number: 10\n") || !strings.Contains(got, "Subject: careful\n") || !strings.HasSuffix(got, "--\n") {
		t.Errorf("enclosed: %q", got)
	}
}

func TestVacation(t *testing.T) {
	answer := `vacation taro@example.co.jp 168h0m0s "Auto: 会議のお知らせ" "Away." <1@example.co.jp>` + "\nkeep implicit"
	table{
		{`require "vacation"; vacation "Away.";`, answer},
		{`require "vacation"; vacation :days 1 :subject "S" :from "H <hanako@example.com>" "Away."; discard;`, `vacation taro@example.co.jp 24h0m0s "S" "Away." H <hanako@example.com> <1@example.co.jp>` + "\ndiscard"},
		{`require "vacation-seconds"; vacation :seconds 0 "Away.";`, strings.Replace(answer, "168h0m0s", "0s", 1)},
		{`require "vacation"; vacation :days 1000 "Away.";`, strings.Replace(answer, "168h0m0s", "1440h0m0s", 1)},
		{`require "vacation"; vacation "a"; vacation "b";`, "sieve.Run: 1: sieve.vacation_twice"},
		{`require ["vacation", "fcc", "mailbox"]; vacation :fcc "Sent" :create "Away.";`, strings.Replace(answer, "\n", " + fileinto Sent create copy\n", 1)},
	}.run(t, plainMail, nil)
}

// TestVacationSilence: who is never answered (RFC 5230 §4.5, §4.6; RFC 3834 §2).
func TestVacationSilence(t *testing.T) {
	for _, x := range []struct{ from, header, want string }{
		{"", "To: hanako@example.com\n", "null sender"},
		{"hanako@example.com", "To: hanako@example.com\n", "own address"},
		{"list-request@example.net", "To: hanako@example.com\n", "sender is no person"},
		{"owner-list@example.net", "To: hanako@example.com\n", "sender is no person"},
		{"MAILER-DAEMON@example.net", "To: hanako@example.com\n", "sender is no person"},
		{"a@example.net", "To: hanako@example.com\nList-Unsubscribe: <x>\n", "mailing list"},
		{"a@example.net", "To: hanako@example.com\nPrecedence: Bulk\n", "precedence bulk"},
		{"a@example.net", "To: hanako@example.com\nAuto-Submitted: auto-replied (vacation)\n", "auto-submitted"},
		{"a@example.net", "To: hanako@example.com\nX-Auto-Response-Suppress: DR, OOF\n", "suppressed by the sender"},
		{"a@example.net", "To: hanako@example.com\nX-Spam-Flag: YES\n", "spam"},
		{"a@example.net", "To: all@example.com\n", "not addressed to the owner"},
		{"a@example.net", "Bcc: \"Hanako\" <HANAKO@example.com>\nAuto-Submitted: no\n", ""},
		{"a@example.net", "Cc: other@example.com\n", ""}, // one of :addresses
	} {
		in := newInput(x.header+"\n.\n", nil)
		in.From = pathAddress(x.from)
		got := outcome(t, `require "vacation"; vacation :addresses "other@example.com" "Away.";`, in)
		if x.want == "" && !strings.HasPrefix(got, "vacation ") || x.want != "" && got != "keep implicit\nsilence: "+x.want {
			t.Errorf("%s %q: %s", x.from, x.header, got)
		}
	}
}

// TestVacationHandle: the same answer has the same handle, whatever the message (RFC 5230 §4.2).
func TestVacationHandle(t *testing.T) {
	handleOf := func(script, subject string) string {
		s, err := Compile([]byte(script), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Run(context.Background(), newInput("To: hanako@example.com\nSubject: "+subject+"\n\n.\n", nil))
		if err != nil {
			t.Fatal(err)
		}
		return res.Actions[0].(Vacation).Handle
	}
	one := `require ["vacation", "variables"]; if header :matches "subject" "*" {} vacation :subject "Re: ${1}" "Away.";`
	if handleOf(one, "a") != handleOf(one, "b") {
		t.Error("the message's subject changes the handle")
	}
	if handleOf(one, "a") == handleOf(strings.Replace(one, "Away", "Gone", 1), "a") {
		t.Error("two answers have one handle")
	}
	long := strings.Repeat("long ", 1000)
	if handleOf(`require "vacation"; vacation "`+long+`a";`, "a") == handleOf(`require "vacation"; vacation "`+long+`b";`, "a") {
		t.Error("two long answers have one handle")
	}
	if handleOf(`require "vacation"; vacation :handle "h" "a";`, "a") != handleOf(`require "vacation"; vacation :handle "h" "b";`, "a") {
		t.Error(":handle does not decide")
	}
}

func TestReferences(t *testing.T) {
	many := strings.Repeat("<r@x> ", 50)
	for _, x := range []struct{ header, reply, references string }{
		{"", "", ""},
		{"Message-ID: <1@x>\n", "<1@x>", "<1@x>"},
		{"Message-ID: <2@x>\nIn-Reply-To: <1@x>\n", "<2@x>", "<1@x> <2@x>"},
		{"Message-ID: <3@x>\nReferences: <1@x>\n <2@x>\n", "<3@x>", "<1@x> <2@x> <3@x>"},
		{"Message-ID: <4@x>\nReferences: " + many + "\n", "<4@x>", strings.Repeat("<r@x> ", maxReferences-1) + "<4@x>"},
	} {
		in := newInput(x.header+"\n.\n", nil)
		h, err := newMessage(in).head(in.Structure.Root)
		if err != nil {
			t.Fatal(err)
		}
		if reply, references := thread(h); reply != x.reply || references != x.references {
			t.Errorf("%q: %q %q", x.header, reply, references)
		}
	}
}

func TestNotify(t *testing.T) {
	table{
		{`require "enotify"; notify :importance "1" :from "H <hanako@example.com>" :message "急ぎ" "mailto:a@example.net?cc=b@example.net&subject=Hi%20there";`,
			"notify a@example.net,b@example.net 1 \"Hi there\" \"急ぎ\" H <hanako@example.com>\nkeep implicit"},
		{`require "enotify"; notify :message "one" "mailto:a@example.net"; notify "mailto:a@example.net,b@example.net";`,
			"notify a@example.net 2 \"one\" \"\"\nnotify b@example.net 2 \"[SIEVE] 会議のお知らせ\" \"\"\nkeep implicit"},
		{`require ["enotify", "variables"]; set "m" "tel:+81"; notify "${m}";`, "sieve.Run: 1: sieve.notify_method tel:+81"},
	}.run(t, plainMail, nil)
	table{{`require "enotify"; notify "mailto:a@example.net";`, "keep implicit\nsilence: auto-submitted"}}.run(t, "Auto-Submitted: auto-replied\n\n.\n", nil)
	m, key := parseMailto("mailto:a@example.net?From=x%40y.z&X-Tag=1&Received=r&body=%E4%BC%9A%0D%0Ax")
	if key != "" || len(m.header) != 1 || m.header[0] != (Field{"X-Tag", "1"}) || m.body != "会\nx" {
		t.Errorf("%+v %s", m, key)
	}
}

func TestDuplicate(t *testing.T) {
	host := &testHost{seen: map[string]bool{}}
	script := `require "duplicate"; if duplicate { discard; }`
	table{
		{script, "keep implicit\ntrack 12h0m0s"},
		{`require "duplicate"; if duplicate :header "X-None" { discard; }`, "keep implicit"},
		{`require "duplicate"; if anyof(duplicate, duplicate :seconds 60 :last) { discard; }`, "keep implicit\ntrack 1m0s"},
		{`require "duplicate"; if anyof(duplicate :handle "a", duplicate :uniqueid "1") { discard; }`, "keep implicit\ntrack 12h0m0s\ntrack 12h0m0s"},
	}.run(t, plainMail, host)
	host.seen[digest("duplicate", "", "header:message-id:<1@example.co.jp>")] = true
	table{
		{script, "discard"},
		{`require "duplicate"; if duplicate :last { discard; }`, "discard\ntrack 12h0m0s"},
	}.run(t, plainMail, host)
}

func TestInclude(t *testing.T) {
	host := &testHost{scripts: map[string]string{
		"a":        `require ["include", "variables"]; global "g"; set "g" "${g}a"; set "local" "x"; return; discard;`,
		"stop":     `stop;`,
		"global/a": `require "fileinto"; fileinto "global";`,
		"self":     `require "include"; include "self";`,
		"broken":   `fileinto "x";`,
		"error":    "\n\nrequire \"ihave\"; error \"oh\";",
	}}
	table{
		{`require ["include", "variables", "fileinto"]; global "g"; include "a"; include :once "a"; include "a"; fileinto "${g}${local}";`, "fileinto aa"},
		{`require ["include", "variables", "fileinto"]; include "a"; fileinto "${global.g}";`, "fileinto a"},
		{`require "include"; include :global "a";`, "fileinto global"},
		{`require "include"; include "stop"; discard;`, "keep implicit"},
		{`require "include"; include :optional "none"; discard;`, "discard"},
		{`require "include"; include "none"; discard;`, "sieve.Run: 1: sieve.include_missing none"},
		{`require "include"; include "self";`, "sieve.Run: self:1: sieve.include_circle self"},
		{`require "include"; include "broken";`, "sieve.Run: 1: sieve.include_broken broken"},
		{`require "include"; include "error";`, "sieve.Run: error:3: sieve.error oh"},
	}.run(t, plainMail, host)
}

func TestIHave(t *testing.T) {
	table{
		{`require "ihave"; if ihave "fileinto" { fileinto "A"; }`, "fileinto A"},
		{`require "ihave"; if ihave ["fileinto", "vnd.none"] { none :x "A" { y; } } else { discard; }`, "discard"},
		{`require "ihave"; if not ihave "vnd.none" { error "none"; }`, "sieve.Run: 1: sieve.error none"},
		{`require "ihave"; if allof(ihave "vnd.none", none :x "a") { discard; }`, "keep implicit"},
		{`require "ihave"; if ihave "variables" { discard; }`, "keep implicit"},
	}.run(t, plainMail, nil)
}

func TestExternalLists(t *testing.T) {
	table{
		{`require "extlists"; redirect :list "tag:example.com,2026:l";`, "redirect tag:example.com,2026:l"},
		{`require ["extlists", "variables", "fileinto"]; if header :list "x-number" "tag:n" { fileinto "${0}"; }`, "fileinto 10"},
	}.run(t, plainMail, &testHost{lists: map[string][]string{"tag:n": {"10"}}})
}

// TestHostFails: what the Host can't tell now is no fault of the script.
func TestHostFails(t *testing.T) {
	s, err := Compile([]byte(`require "mailbox"; if mailboxexists "A" { discard; }`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	down := mail.E("test", mail.Unavailable, "kind.unavailable")
	_, err = s.Run(context.Background(), newInput(plainMail, &testHost{fail: down}))
	var broken *RunError
	if errors.As(err, &broken) || mail.KindOf(err) != mail.Unavailable {
		t.Error(err)
	}
}

// TestScriptIsShared: one script runs for many messages at once.
func TestScriptIsShared(t *testing.T) {
	s, err := Compile([]byte(`require ["variables", "fileinto", "regex"]; if header :regex "x" "(.*)" { set "v" "${1}"; } fileinto "${v}";`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	for i := range 8 {
		go func() {
			want := fmt.Sprint("box", i)
			in := newInput("X: "+want+"\n\n.\n", nil)
			for range 50 {
				res, err := s.Run(context.Background(), in)
				if err != nil || describe(in, res) != "fileinto "+want {
					done <- fmt.Sprint(want, res, err)
					return
				}
			}
			done <- ""
		}()
	}
	for range 8 {
		if s := <-done; s != "" {
			t.Error(s)
		}
	}
}
