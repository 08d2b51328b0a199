package mime

import (
	"reflect"
	"testing"
)

// The rules of RFC 5256 §2.1 one by one, cases of Dovecot's and Cyrus' tests in kind, and what Japanese programs write.
func TestBaseSubject(t *testing.T) {
	for _, c := range []struct {
		in, base string
		reply    bool
	}{
		{"", "", false},
		{"hello", "hello", false},
		{"  two   words\t here ", "two words here", false},
		{"Re: hello", "hello", true},
		{"RE : hello", "hello", true},
		{"re:re: Re:hello", "hello", true},
		{"Fwd: hello", "hello", true},
		{"fw: hello", "hello", true},
		{"Fw [x] : hello", "hello", true},
		{"Re[2]: hello", "hello", true},
		{"Re [list]: [list] hello", "hello", true},
		{"[list] Re: hello", "hello", true},
		{"[a][b] Re: hello", "hello", true},
		{"[list] hello", "hello", false},
		{"[a] [b] hello", "hello", false},
		{"[list]", "[list]", false},
		{"Re: [list]", "[list]", true},
		{"[a] [b]", "[b]", false},
		{"hello (fwd)", "hello", true},
		{"hello (FWD) (fwd) ", "hello", true},
		{"Re: hello (fwd)", "hello", true},
		{"(fwd)", "", true},
		{"[fwd: hello]", "hello", true},
		{"[Fwd: Re: [list] hello (fwd)]", "hello", true},
		{"[fwd: [fwd: hello]]", "hello", true},
		{"Re: [fwd: hello] (fwd)", "hello", true},
		{"[fwd: hello", "[fwd: hello", false},
		{"[fwd:]", "", true},
		{"Re", "Re", false},
		{"Re hello", "Re hello", false},
		{"Re:", "", true},
		{"Rex: hello", "Rex: hello", false},
		{"forward: hello", "forward: hello", false},
		{"fwdd: hello", "fwdd: hello", false},
		{"Aw: hello", "Aw: hello", false},
		{"[unclosed Re: hello", "[unclosed Re: hello", false},
		{"[a[b] hello", "[a[b] hello", false},
		{"hello [list]", "hello [list]", false},
		{"Ｒｅ：会議の件", "会議の件", true},
		{"RE：会議の件", "会議の件", true},
		{"ＦＷＤ: Re: 会議の件", "会議の件", true},
		{"[社内:00012] Re: 会議の件", "会議の件", true},
		{"返信: 会議の件", "返信: 会議の件", false},
		{"転送：会議の件", "転送：会議の件", false},
	} {
		if base, reply := BaseSubject(c.in); base != c.base || reply != c.reply {
			t.Errorf("%q: %q %v, want %q %v", c.in, base, reply, c.base, c.reply)
		}
	}
}

func FuzzBaseSubject(f *testing.F) {
	f.Add("Re: [a] [fwd: Ｒｅ： x (fwd)]")
	f.Fuzz(func(t *testing.T, s string) {
		base, _ := BaseSubject(s)
		if again, reply := BaseSubject(base); again != base || reply {
			t.Errorf("%q: base %q has base %q", s, base, again)
		}
	})
}

func TestCasemap(t *testing.T) {
	for in, want := range map[string]string{"aBc_1": "ABC_1", "é": "E\u0301", "Ａ": "A", "ǆ": "Dz\u030c", "が": "か\u3099"} {
		if got := string(AppendCasemap(nil, in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Each field of the envelope read by itself is what Decode reads.
func TestIndexFields(t *testing.T) {
	for _, raw := range []string{
		"From: \"A \\\"B\" <a@alpha.example>\r\nTo: list: x@beta.example, y@beta.example;\r\nSubject: =?utf-8?q?=E3=81=82?= (x\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n" +
			"References: <1@a> <2@a>\r\nIn-Reply-To: <2@a>\r\nMessage-ID: <3@a>\r\n\r\nx",
		"From: \xe3\x81\x82 <a@b.example>\r\nReply-To: c@d.example\r\nSender: e@f.example\r\nSubject:\r\nBcc: g@h.example\r\nCc: i@j.example\r\n\r\n",
		"\r\n",
		"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--\r\n",
	} {
		m := ParseBytes([]byte(raw), Limits{})
		x, e := Index(m.Encode(nil)), m.Root.Envelope
		for f, want := range map[EnvelopeField]string{FieldDate: e.Date, FieldSubject: e.Subject, FieldInReplyTo: e.InReplyTo, FieldMessageID: e.MessageID} {
			if got := x.EnvelopeText(f); got != want {
				t.Errorf("%q: field %d is %q, want %q", raw, f, got, want)
			}
		}
		for f, want := range map[EnvelopeField][]Address{FieldFrom: e.From, FieldSender: orFrom(e.Sender, e), FieldReplyTo: orFrom(e.ReplyTo, e),
			FieldTo: e.To, FieldCc: e.Cc, FieldBcc: e.Bcc} {
			if got := x.EnvelopeAddresses(f); !reflect.DeepEqual(got, want) {
				t.Errorf("%q: field %d is %v, want %v", raw, f, got, want)
			}
			if first, ok := x.FirstAddress(f); ok != (len(want) > 0) || ok && first != want[0] {
				t.Errorf("%q: first of field %d is %v %v, want %v", raw, f, first, ok, want)
			}
		}
		if got := x.References(); !reflect.DeepEqual(got, e.References) {
			t.Errorf("%q: references %q, want %q", raw, got, e.References)
		}
	}
}

// A damaged Index gives nothing, and does not fail.
func FuzzIndexFields(f *testing.F) {
	f.Add(ParseBytes([]byte("From: a@b\r\nReferences: <1@a>\r\n\r\n"), Limits{}).Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := Index(b)
		for field := FieldDate; field <= FieldMessageID; field++ {
			x.EnvelopeText(field)
			x.EnvelopeAddresses(field)
			x.FirstAddress(field)
		}
		x.References()
	})
}
