package mime

import (
	"bytes"
	"strings"
	"testing"
)

// TestSF1TagSubject shows that a tag goes before what the subject was, which stays as it is.
func TestSF1TagSubject(t *testing.T) {
	const tag = "[SPAM!!]"
	long := "=?ISO-2022-JP?B?" + strings.Repeat("GyRC", 12) + "?="
	for _, c := range []struct{ name, header, want string }{
		{"plain", "From: a\r\nSubject: hello\r\nTo: b\r\n\r\n", "From: a\r\nSubject: [SPAM!!] hello\r\nTo: b\r\n\r\n"},
		{"encoded", "Subject: =?ISO-2022-JP?B?GyRCJCIbKEI=?=\r\n\r\n", "Subject: [SPAM!!] =?ISO-2022-JP?B?GyRCJCIbKEI=?=\r\n\r\n"},
		{"folded", "Subject: =?UTF-8?B?44GC?=\r\n =?UTF-8?B?44GE?=\r\n\r\n", "Subject: [SPAM!!] =?UTF-8?B?44GC?=\r\n =?UTF-8?B?44GE?=\r\n\r\n"},
		{"folded behind the colon", "Subject:\r\n =?UTF-8?B?44GC?=\r\n\r\n", "Subject: [SPAM!!]\r\n =?UTF-8?B?44GC?=\r\n\r\n"},
		{"folded behind a space", "Subject: \r\n\t=?UTF-8?B?44GC?=\r\n", "Subject: [SPAM!!]\r\n\t=?UTF-8?B?44GC?=\r\n"},
		{"long first line", "Subject: " + long + "\r\n =?UTF-8?B?44GE?=\r\n", "Subject: [SPAM!!]\r\n " + long + "\r\n =?UTF-8?B?44GE?=\r\n"},
		{"no space", "subject:hi\r\n", "subject: [SPAM!!] hi\r\n"},
		{"space before the colon", "SUBJECT : hi\r\n", "SUBJECT : [SPAM!!] hi\r\n"},
		{"empty", "Subject:\r\n\r\n", "Subject: [SPAM!!]\r\n\r\n"},
		{"empty with a space", "Subject: \r\n\r\n", "Subject: [SPAM!!]\r\n\r\n"},
		{"none", "From: a\r\n\r\nbody", "From: a\r\nSubject: [SPAM!!]\r\n\r\nbody"},
		{"none, no blank line", "From: a", "From: a\r\nSubject: [SPAM!!]\r\n"},
		{"no header at all", "\r\nSubject: of the body\r\n", "Subject: [SPAM!!]\r\n\r\nSubject: of the body\r\n"},
		{"nothing", "", "Subject: [SPAM!!]\r\n"},
		{"line feeds", "From: a\nSubject: hi\n\n", "From: a\nSubject: [SPAM!!] hi\n\n"},
		{"line feeds, none", "From: a\n\n", "From: a\nSubject: [SPAM!!]\n\n"},
		{"raw 8-bit", "Subject: \x83\x65\x83\x58\x83\x67\r\n\r\n", "Subject: [SPAM!!] \x83\x65\x83\x58\x83\x67\r\n\r\n"},
		{"raw ISO-2022-JP", "Subject: \x1b$B$\"\x1b(B\r\n\r\n", "Subject: [SPAM!!] \x1b$B$\"\x1b(B\r\n\r\n"},
		{"twice", "Subject: [SPAM!!] hello\r\n\r\n", "Subject: [SPAM!!] hello\r\n\r\n"},
		{"twice, encoded", "Subject: =?UTF-8?B?W1NQQU0hIV0g44GC?=\r\n\r\n", "Subject: =?UTF-8?B?W1NQQU0hIV0g44GC?=\r\n\r\n"},
		{"twice, in a reply", "Subject: Re: Fwd: [SPAM!!] a\r\n\r\n", "Subject: Re: Fwd: [SPAM!!] a\r\n\r\n"},
		{"elsewhere in the text", "Subject: about [SPAM!!]\r\n\r\n", "Subject: [SPAM!!] about [SPAM!!]\r\n\r\n"},
		{"another tag", "Subject: [list] hi\r\n\r\n", "Subject: [SPAM!!] [list] hi\r\n\r\n"},
		{"two subjects", "Subject: a\r\nTo: b\r\nSubject: [SPAM!!] c\r\nSubject: d\r\n\r\n", "Subject: [SPAM!!] a\r\nTo: b\r\nSubject: [SPAM!!] c\r\nSubject: [SPAM!!] d\r\n\r\n"},
		{"a body with a subject", "Subject: a\r\n\r\nSubject: b\r\n", "Subject: [SPAM!!] a\r\n\r\nSubject: b\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := bytes.Clone([]byte(c.header))
			got := TagSubject([]byte(c.header), tag)
			if string(got) != c.want {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
			if again := TagSubject(got, tag); string(again) != string(got) {
				t.Errorf("tagged twice: %q", again)
			}
			if string(before) != c.header {
				t.Error("the header given was changed")
			}
		})
	}
}

func FuzzTagSubject(f *testing.F) {
	for _, s := range []string{"Subject: a\r\n\r\n", "Subject:\r\n b", "subject", ":\r\n", "Subject:\n\n", "a: b\nSubject \t: =?x?", "\xef\xbb\xbfSubject: a\n", "0\n\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		const tag = "[SPAM!!]"
		got := TagSubject(header, tag)
		if again := TagSubject(got, tag); !bytes.Equal(again, got) {
			t.Errorf("tagged twice: %q of %q", again, got)
		}
		want := DecodeHeader(Header(header).Get("Subject"))
		if have := DecodeHeader(Header(got).Get("Subject")); !strings.HasSuffix(have, strings.TrimLeft(want, " \t")) {
			t.Errorf("the subject was %q, is %q", want, have)
		}
	})
}
