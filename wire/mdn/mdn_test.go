package mdn

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/wire/compose"
	"tegami/wire/mime"
)

func octets(t *testing.T, n *Notification) []byte {
	t.Helper()
	e, err := n.Entity("seed", "ja")
	if err != nil {
		t.Fatal(err)
	}
	var h compose.Header
	h.Text("Subject", n.Subject)
	return h.Message(e)
}

// TestReadsBack: what is written is read.
func TestReadsBack(t *testing.T) {
	n := &Notification{
		Subject: "開封確認", Text: "メールは開封されました。\r\n", ReportingUA: "mx.example; Tegami", OriginalRecipient: "rfc822; a@b.example",
		FinalRecipient: "rfc822; c@d.example", OriginalMessageID: "<1@x.example>", Disposition: Disposition{"manual-action", "mdn-sent-manually", "displayed"},
		Errors: []string{"oops"}, Extension: map[string]string{"X-More": "日本"}, Original: []byte("Subject: x\r\n"),
	}
	text := octets(t, n)
	got, err := Parse(mime.ParseBytes(text, mime.Limits{}), bytes.NewReader(text))
	n.Original = nil
	if err != nil || !reflect.DeepEqual(got, n) {
		t.Errorf("\ngot  %+v, %v\nwant %+v in\n%s", got, err, n, text)
	}
}

// TestReadsOthers: the example of RFC 8098 §8.
func TestReadsOthers(t *testing.T) {
	text := []byte(strings.ReplaceAll(`Date: Wed, 20 Sep 1995 00:19:00 (EDT) -0400
From: Joe Recipient <Joe_Recipient@example.com>
Subject: Re: First draft of report
To: Jane Sender <Jane_Sender@example.org>
MIME-Version: 1.0
Content-Type: multipart/report;
 report-type=disposition-notification;
 boundary="RAA14128.773615765/example.com"

--RAA14128.773615765/example.com
Content-type: text/plain

The message sent on 1995 Sep 19 at 13:30:00 (EDT) -0400 to Joe
has been displayed.

--RAA14128.773615765/example.com
content-type: message/disposition-notification

Reporting-UA: joes-pc.cs.example.com; Foomail 97.1
Original-Recipient: rfc822;Joe_Recipient@example.com
Final-Recipient: rfc822;Joe_Recipient@example.com
Original-Message-ID: <199509192301.23456@example.org>
Disposition: manual-action/MDN-sent-manually; displayed

--RAA14128.773615765/example.com
content-type: message/rfc822

[original message optionally goes here]

--RAA14128.773615765/example.com--
`, "\n", "\r\n"))
	n, err := Parse(mime.ParseBytes(text, mime.Limits{}), bytes.NewReader(text))
	if err != nil || !n.Disposition.Valid() || n.OriginalMessageID != "<199509192301.23456@example.org>" || !n.WithMessage || !strings.HasPrefix(n.Text, "The message sent") {
		t.Errorf("%+v, %v", n, err)
	}
	if _, err := Parse(mime.ParseBytes([]byte("Subject: x\r\n\r\ny"), mime.Limits{}), bytes.NewReader(nil)); !mail.Is(err, mail.Invalid) {
		t.Errorf("%v", err)
	}
}

func TestRequested(t *testing.T) {
	for field, want := range map[string]string{"a@b.example": "a@b.example", "A <a@b.example>": "a@b.example", "a@b.example, c@d.example": "", "none": "", "": ""} {
		got, ok := Requested(mime.Header("Disposition-Notification-To: " + field + "\r\n"))
		if got.String() != want || ok != (want != "") {
			t.Errorf("%q: %q", field, got)
		}
	}
	if _, ok := Requested(mime.Header("X: y\r\n")); ok {
		t.Error("asked for nothing")
	}
}

// TestFields: further fields can't be those of the receipt, nor begin others.
func TestFields(t *testing.T) {
	for _, name := range []string{"Disposition", "", "a b", "x\r\ny", "é"} {
		n := Notification{Extension: map[string]string{name: "x"}}
		if _, err := n.Entity("s"); !mail.Is(err, mail.Invalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// FuzzParse: whatever comes, it is read or refused, and what was read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: a/b; c\r\nError: x\r\nX-Y: z\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Parse(mime.ParseBytes(b, mime.Limits{}), bytes.NewReader(b))
		if err != nil {
			return
		}
		text := octets(t, n)
		if again, err := Parse(mime.ParseBytes(text, mime.Limits{}), bytes.NewReader(text)); err != nil || len(again.Extension) != len(n.Extension) {
			t.Errorf("%+v became %+v, %v", n, again, err)
		}
	})
}
