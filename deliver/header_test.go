package deliver

import (
	"fmt"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/mime"
)

func TestLI4SubjectTags(t *testing.T) {
	jis := "=?ISO-2022-JP?B?GyRCMnE1RCRONyobKEI=?="
	for _, x := range []struct {
		prefix string
		number int
		old    string
		want   string
		text   string // what a reader sees
	}{
		{"[team]", 0, "hello", "[team] hello", ""},
		{"[team]", 0, "Re: [team] hello", "[team] Re: hello", ""},
		{"[team]", 12, "Re: [team 11] hello", "[team 12] Re: hello", ""},
		{"[team]", 12, "[other 3] hello", "[team 12] [other 3] hello", ""},
		{"", 3, "hello", "[all 3] hello", ""},
		{"Sales:", 0, "hello", "Sales: hello", ""},
		{"[team]", 0, jis, "[team] " + jis, ""},
		{"[team]", 7, "Re: [team 6] " + jis, "[team 7] Re: " + jis, ""},
		{"[a.b*c]", 1, "[a.b*c 22] x", "[a.b*c 1] x", ""},
		{"[営業]", 2, jis, "=?ISO-2022-JP?B?", "[営業 2] " + mime.DecodeHeader(jis)},
		{"[営業]", 2, "hello", "=?UTF-8?B?", "[営業 2] hello"},
		{"[team]", 0, "", "[team] ", ""},
	} {
		l := &directory.List{Address: mail.Address{Local: "all", Domain: "x.example"}}
		l.Prefix, l.Number = x.prefix, x.number > 0
		got := taggedSubject(x.old, tagOf(l), x.number)
		if x.text == "" && got != x.want || !strings.HasPrefix(got, x.want) {
			t.Errorf("%q, %d: %q, want %q", x.old, x.number, got, x.want)
		}
		if seen := mime.DecodeHeader(mime.Unfold([]byte(got))); x.text != "" && seen != x.text {
			t.Errorf("%q, %d: a reader sees %q, want %q", x.old, x.number, seen, x.text)
		}
	}
}

// TestSubjectStaysOneField: no tag takes the space away that makes a line belong to the field.
func TestSubjectStaysOneField(t *testing.T) {
	for prefix, old := range map[string]string{" [team]": "a\r\n [team]Bcc: x", "]": "a\r\n 12]Bcc: x", "[team]": "[team] a\r\n [team 3] Bcc: x"} {
		l := &directory.List{Address: mail.Address{Local: "all", Domain: "x.example"}}
		l.Prefix, l.Number = prefix, true
		header := rewriteSubject([]byte("Subject: "+old+"\r\nTo: y\r\n\r\n"), tagOf(l), 13)
		if _, found := mime.Header(header).Lookup("Bcc"); found {
			t.Errorf("%q made %q", prefix, header)
		}
	}
}

// TestSubjectKeepsTheRest changes that one field only.
func TestSubjectKeepsTheRest(t *testing.T) {
	tag := subjectTag{"[t", "]"}
	for in, want := range map[string]string{
		"A: 1\r\nSUBJECT: x\r\n y\r\nB: 2\r\n\r\n": "A: 1\r\nSubject: [t] x\r\n y\r\nB: 2\r\n\r\n",
		"A: 1\r\n\r\n": "Subject: [t]\r\nA: 1\r\n\r\n",
	} {
		if got := string(rewriteSubject([]byte(in), tag, 0)); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestLI7FromThatPassesDMARC(t *testing.T) {
	l := &directory.List{Address: mail.Address{Local: "team", Domain: "alpha.example"}}
	l.Name = "Sales"
	for in, want := range map[string]string{
		"From: \"Abe, A.\" <abe@bank.example>\r\nTo: x\r\n\r\n": "From: \"Abe, A. via Sales\" <team@alpha.example>\r\nReply-To: \"Abe, A.\" <abe@bank.example>\r\n" +
			"X-Original-From: \"Abe, A.\" <abe@bank.example>\r\nTo: x\r\n\r\n",
		"Reply-To: r@x.example\r\nFrom: abe@bank.example\r\n\r\n": "Reply-To: r@x.example\r\nFrom: abe via Sales <team@alpha.example>\r\n" +
			"X-Original-From: abe@bank.example\r\n\r\n",
	} {
		if got := string(rewriteFrom([]byte(in), l)); got != want {
			t.Errorf("%q became\n%q, want\n%q", in, got, want)
		}
	}
}

func TestListName(t *testing.T) {
	l := &directory.List{Address: mail.Address{Local: "team", Domain: "alpha.example"}}
	for name, want := range map[string]string{"": "", `A "B" \C`: `"A \"B\" \\C"` + "\r\n ", "営業": "=?UTF-8?B?5Za25qWt?=\r\n "} {
		l.Name = name
		if got := listName(l); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestIsHard(t *testing.T) {
	for status, want := range map[string]bool{
		"5.1.1": true, "5.0.0": true, "5.2.1": true, "5.4.4": true, "5.2.2": false, "5.3.4": false, "5.7.1": false, "5.7.26": false,
		"5.6.0": false, "4.1.1": false, "2.0.0": false, "": false, "5": true, "55.1.1": false,
	} {
		if got := isHard(status); got != want {
			t.Errorf("%q: %v", status, got)
		}
	}
}

func TestHardBounce(t *testing.T) {
	status := func(text string) string {
		return "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nSorry\r\n--b\r\nContent-Type: message/delivery-status\r\n" + text + "\r\n--b--\r\n"
	}
	for name, x := range map[string]struct {
		text string
		want bool
	}{
		"one":            {status("\r\nReporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n"), true},
		"second":         {status("\r\nReporting-MTA: dns; x\r\n\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\nAction: Failed\r\nStatus: 5.1.10 (why)\r\n"), true},
		"quoted":         {status("Content-Transfer-Encoding: quoted-printable\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.1=\r\n.1\r\n"), true},
		"of the message": {status("\r\nReporting-MTA: dns; x\r\nAction: failed\r\nStatus: 5.1.1\r\n"), false},
		"late":           {status("\r\nReporting-MTA: dns; x\r\n\r\nAction: delayed\r\nStatus: 4.4.7\r\n"), false},
		"text":           {"Subject: failed\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n", false},
		"nothing":        {"", false},
	} {
		if got := hardBounce([]byte(x.text)); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzHardBounce(f *testing.F) {
	f.Add([]byte("Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) { hardBounce(b) })
}

// FuzzSubject checks that a rewritten header has one Subject and loses nothing else.
func FuzzSubject(f *testing.F) {
	f.Add([]byte("A: b\r\nSubject: [t 1] x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		old := 0
		for fld := range mime.Header(b).Fields() {
			if strings.EqualFold(string(fld.Name), "Subject") {
				old++
			}
		}
		now, out := 0, rewriteSubject(b, subjectTag{"[t", "]"}, 2)
		for fld := range mime.Header(out).Fields() {
			if strings.EqualFold(string(fld.Name), "Subject") {
				now++
			}
		}
		if now != max(old, 1) {
			t.Errorf("%q became %q", b, out)
		}
	})
}

// TestStations: a message that passed too many lists and forwards goes no further, wherever it comes to next.
func TestStations(t *testing.T) {
	never := func(mail.Address) bool { return false }
	for n, want := range map[int]bool{0: false, maxStations: false, maxStations + 1: true} {
		header := ""
		for i := range n {
			header += fmt.Sprintf("%s: list%d@x.example\r\n", []string{"X-Loop", "Delivered-To"}[i%2], i)
		}
		if got := (&message{header: mime.Header(header + "\r\n")}).looping(never); got != want {
			t.Errorf("%d stations: %v", n, got)
		}
	}
}
