package mime

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

// TestPreview holds previews (RFC 8970) against what a reader sees first.
func TestPreview(t *testing.T) {
	jis, _ := japanese.ISO2022JP.NewEncoder().String("お世話になっております。\r\n佐藤です。\r\n")
	sjis, _ := japanese.ShiftJIS.NewEncoder().String("半角ｶﾅと\r\n全角　空白")
	long := strings.Repeat("日本語の長い文章。", 2000)
	for _, c := range []struct{ name, message, want string }{
		{"nothing", "Subject: x\r\n\r\n", ""},
		{"no header at all", "", ""},
		{"plain", "Subject: x\r\n\r\nHello,\r\n\r\n  how are\tyou?\r\n", "Hello, how are you?"},
		{"quotes are left out", "\r\n> you wrote\r\n> this\r\nI agree.\r\n", "I agree."},
		{"unless there is nothing else", "\r\n> you wrote\r\n", "> you wrote"},
		{"ISO-2022-JP", "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + jis, "お世話になっております。 佐藤です。"},
		{"Shift_JIS in base64", "Content-Type: text/plain; charset=shift_jis\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte(sjis)) + "\r\n", "半角ｶﾅと 全角 空白"},
		{"one long line in base64", "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte(long)) + "\r\n", string([]rune(long)[:MaxPreview])},
		{"one long line as it is", "Content-Type: text/plain; charset=utf-8\r\n\r\n" + long, string([]rune(long)[:MaxPreview])},
		{"HTML", "Content-Type: text/html; charset=utf-8\r\n\r\n<html><head><title>Not this</title><style>p{}</style></head>" +
			"<body><p>Hel<b>lo</b> &amp; <a href=\"http://x.example/\" title=\"nor this\">welcome</a></p><div>&zwnj;\u034f&nbsp;again</div>", "Hello & welcome again"},
		{"alternatives", "Content-Type: multipart/alternative; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b--\r\n", "plain"},
		{"an empty first part", "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b--\r\n", "html"},
		{"attachments are none", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment\r\n\r\nnot this\r\n--b\r\n\r\nthis\r\n--b--\r\n", "this"},
		{"nor are messages in it", "Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nnot this\r\n", ""},
		{"nor pictures", "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n", ""},
		{"control characters", "\r\na\x00b\x1b[31mc\r\n", "ab[31mc"},
	} {
		m := ParseBytes([]byte(c.message), Limits{})
		got, err := Preview(m, strings.NewReader(c.message))
		if err != nil || got != c.want {
			t.Errorf("%s: %q and %v, want %q", c.name, got, err, c.want)
		}
	}
}

// FuzzPreview: whatever the message is, its preview is one short line of valid UTF-8.
func FuzzPreview(f *testing.F) {
	f.Add([]byte("Content-Type: text/html\r\n\r\n<p>x"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\xff\xe3\x81\r\n--b--"))
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := Preview(ParseBytes(message, Limits{}), bytes.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > MaxPreview || strings.ContainsAny(got, "\r\n\x00") || got != strings.TrimSpace(got) {
			t.Errorf("%q", got)
		}
	})
}
