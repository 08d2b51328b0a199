package smtp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tegami/mail"
)

// keyIs compares an error's catalogue key; "" wants no error.
func keyIs(err error, want string) bool {
	if err == nil {
		return want == ""
	}
	key, _ := mail.TextOf(err)
	return want != "" && key == want
}

func TestLine(t *testing.T) {
	long := strings.Repeat("x", 600)
	for _, c := range []struct{ in, line, key string }{
		{"NOOP\r\n", "NOOP", ""},
		{"\r\n", "", ""},
		{"NOOP\n", "", "smtp.line.bare"},
		{"\n", "", "smtp.line.bare"},
		{"NO\rOP\r\n", "", "smtp.line.bare"},
		{"NOOP\r\r\n", "", "smtp.line.bare"},
		{long[:512] + "\r\n", long[:512], ""},
		{long[:513] + "\r\n", "", "smtp.line.too_long"},
		{strings.Repeat(long, 500) + "\r\n", "", "smtp.line.too_long"},
	} {
		for _, src := range []io.Reader{strings.NewReader(c.in + "QUIT\r\n"), iotest.OneByteReader(strings.NewReader(c.in + "QUIT\r\n"))} {
			r := NewReader(src, nil)
			line, err := r.Line(512)
			if string(line) != c.line || !keyIs(err, c.key) || err != nil && !InStep(err) {
				t.Errorf("%.20q: %.20q, %v", c.in, line, err)
			}
			if line, err := r.Line(512); string(line) != "QUIT" || err != nil {
				t.Errorf("after %.20q: %.20q, %v", c.in, line, err)
			}
			if _, err := r.Line(512); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
		}
	}
	if _, err := NewReader(endless{"x"}, nil).Line(512); !errors.Is(err, ErrEndless) {
		t.Errorf("endless line: %v", err)
	}
	if _, err := NewReader(strings.NewReader("QUI"), nil).Line(512); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken off: %v", err)
	}
}

// TestBlockGoesBack: a reader that waits for a command holds no block.
func TestBlockGoesBack(t *testing.T) {
	blocks := NewBlocks(1)
	r := NewReader(strings.NewReader("a\r\n.\r\nNOOP\r\n"+strings.Repeat("x", 5000)+"\r\nQUIT\r\n"), blocks)
	if _, err := r.Data(io.Discard, 100); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{4, 5000, 4} {
		if line, err := r.Line(8000); err != nil || len(line) != want {
			t.Fatalf("%.10q, %v", line, err)
		}
	}
	if _, err := r.Line(100); err != io.EOF || len(r.buf) != smallBuffer || len(blocks.free) != 1 {
		t.Errorf("%v; buffer of %d, %d blocks free", err, len(r.buf), len(blocks.free))
	}
	if n := r.Reset(strings.NewReader("")); n != 0 {
		t.Error(n)
	}
}

// TestLongBatch: a batch that is larger than the small buffer is read in large pieces.
func TestLongBatch(t *testing.T) {
	src := &countingReader{src: strings.NewReader(strings.Repeat("RCPT TO:<somebody@x.example>\r\n", 1000))}
	r := NewReader(src, nil)
	for i := range 1000 {
		if line, err := r.Line(512); err != nil || string(line) != "RCPT TO:<somebody@x.example>" {
			t.Fatalf("line %d: %q, %v", i, line, err)
		}
	}
	if src.reads > 3 {
		t.Errorf("%d reads", src.reads)
	}
}

type countingReader struct {
	src   io.Reader
	reads int
}

func (r *countingReader) Read(p []byte) (int, error) {
	r.reads++
	return r.src.Read(p)
}

func TestParseCommand(t *testing.T) {
	for _, c := range []struct {
		in   string
		verb Verb
		args string
		key  string
	}{
		{"EHLO mx.example", Ehlo, "mx.example", ""},
		{"mail FROM:<> SIZE=1 ", Mail, "FROM:<> SIZE=1", ""},
		{"StartTLS", StartTLS, "", ""},
		{"DATA\t", Data, "", ""},
		{"", Unknown, "", ""},
		{" NOOP", Unknown, "NOOP", ""},
		{"unknown", Unknown, "", ""},
		{"MAILFROM:<>", Unknown, "", ""},
		{"STARTTLSX", Unknown, "", ""},
		{"NOOP a\x00b", Noop, "a\x00b", "smtp.syntax"},
		{"RCPT TO:<\xff@x.example>", Rcpt, "TO:<\xff@x.example>", "smtp.syntax"},
		{"RCPT TO:<佐藤@x.example>", Rcpt, "TO:<佐藤@x.example>", ""},
		{"NOOP " + strings.Repeat("x", MaxCommandLine), Noop, "", "smtp.line.too_long"},
	} {
		got, err := ParseCommand([]byte(c.in))
		if got != (Command{c.verb, c.args}) || !keyIs(err, c.key) {
			t.Errorf("%.40q: %+v, %v", c.in, got, err)
		}
	}
	if _, err := ParseCommand([]byte("AUTH PLAIN " + strings.Repeat("x", 12288))); err != nil {
		t.Error(err)
	}
}

const everything = ExtSize | Ext8BitMIME | ExtBinaryMIME | ExtUTF8 | ExtDSN | ExtAuth | ExtFutureRelease | ExtRequireTLS

func TestParseMail(t *testing.T) {
	until := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		in, from string
		opts     mail.Options
	}{
		{"FROM:<>", "", mail.Options{}},
		{"from: <a@x.example>", "a@x.example", mail.Options{}},
		{"FROM:a@x.example SIZE=5", "a@x.example", mail.Options{Size: 5}},
		{"FROM:<@r1.example,@r2.example:a@x.example>", "a@x.example", mail.Options{}},
		{`FROM:<"a> b\"@c"@x.example> BODY=8bitmime`, `"a> b\"@c"@x.example`, mail.Options{Body: mail.Body8BitMIME}},
		{"FROM:<a..b@docomo.ne.jp>", `"a..b"@docomo.ne.jp`, mail.Options{}},
		{"FROM:<佐藤@例.jp> SMTPUTF8", "佐藤@xn--fsq.jp", mail.Options{UTF8: true}},
		{"FROM:<a@[IPv6:2001:db8::1]> BODY=BINARYMIME", "a@[IPv6:2001:db8::1]", mail.Options{Body: mail.BodyBinaryMIME}},
		{"FROM:<> SIZE=99999999999999999999 RET=HDRS ENVID=a+2Bb", "", mail.Options{Size: 1<<63 - 1, Ret: mail.RetHeaders, EnvID: "a+b"}},
		{"FROM:<>  RET=full  AUTH=<> REQUIRETLS", "", mail.Options{Ret: mail.RetFull, RequireTLS: true}},
		{"FROM:<> HOLDUNTIL=2027-01-02T03:04:05Z BODY=7BIT", "", mail.Options{HoldUntil: until}},
	} {
		from, opts, err := ParseMail(c.in, everything)
		if from.String() != c.from || opts != c.opts || err != nil {
			t.Errorf("%s: %q, %+v, %v", c.in, from, opts, err)
		}
	}
	_, opts, err := ParseMail("FROM:<> HOLDFOR=3600", everything)
	if d := time.Until(opts.HoldUntil); err != nil || d < 59*time.Minute || d > time.Hour {
		t.Errorf("HOLDFOR: %v, %v", d, err)
	}
}

func TestParseMailRefuses(t *testing.T) {
	for in, key := range map[string]string{
		"": "smtp.syntax", "TO:<a@x.example>": "smtp.syntax", "FROM": "smtp.syntax", "FROM:": "smtp.syntax", "FROM:<a@x.example": "smtp.syntax",
		"FROM:<>SIZE=1": "smtp.syntax", "FROM:<@r.example>": "smtp.syntax", "FROM:<@r.example:>": "smtp.syntax", `FROM:<"a@x.example>`: "smtp.syntax",
		"FROM:a@x.example> SIZE=1": "smtp.syntax", "FROM:<> =1": "smtp.syntax",
		"FROM:<a>": "smtp.path.from", "FROM:<a@>": "smtp.path.from", "FROM:<a b@x.example>": "smtp.path.from", "FROM:<<a@x.example>>": "smtp.syntax",
		"FROM:<佐藤@x.example>": "smtp.utf8.needed", "FROM:<a@例.jp>": "smtp.utf8.needed",
		"FROM:<> FOO=1": "smtp.param.unknown", "FROM:<> NOTIFY=NEVER": "smtp.param.unknown",
		"FROM:<> SIZE": "smtp.param.value", "FROM:<> SIZE=-1": "smtp.param.value", "FROM:<> SIZE=1 size=2": "smtp.param.value",
		"FROM:<> SIZE=999999999999999999999": "smtp.param.value", "FROM:<> BODY=BINARY": "smtp.param.value", "FROM:<> SMTPUTF8=1": "smtp.param.value",
		"FROM:<> RET=ALL": "smtp.param.value", "FROM:<> ENVID=": "smtp.param.value", "FROM:<> ENVID=a+2b": "smtp.param.value",
		"FROM:<> ENVID=a+0D+0A": "smtp.param.value", "FROM:<> ENVID=" + strings.Repeat("x", 101): "smtp.param.value",
		"FROM:<> HOLDFOR=1 HOLDUNTIL=2027-01-02T03:04:05Z": "smtp.param.value", "FROM:<> HOLDFOR=1000000000": "smtp.param.value", "FROM:<> AUTH=": "smtp.param.value",
	} {
		if _, _, err := ParseMail(in, everything); !keyIs(err, key) {
			t.Errorf("%.60s: %v, want %s", in, err, key)
		}
	}
	if _, _, err := ParseMail("FROM:<> RET=FULL", ExtSize); !keyIs(err, "smtp.param.unknown") {
		t.Errorf("a parameter of an extension that isn't offered: %v", err)
	}
}

func TestParseRcpt(t *testing.T) {
	for _, c := range []struct {
		in, to, orcpt string
		notify        mail.Notify
	}{
		{"TO:<b@x.example>", "b@x.example", "", 0},
		{"to:<@r.example:b@x.example> NOTIFY=success,DELAY", "b@x.example", "", mail.NotifySuccess | mail.NotifyDelay},
		{"TO:<b@x.example> NOTIFY=NEVER ORCPT=rfc822;b+2Bc@x.example", "b@x.example", "rfc822;b+c@x.example", mail.NotifyNever},
		{"TO:<Postmaster>", "postmaster@", "", 0},
	} {
		r, err := ParseRcpt(c.in, everything)
		if r.Address.String() != c.to || r.Orcpt != c.orcpt || r.Notify != c.notify || err != nil {
			t.Errorf("%s: %+v, %v", c.in, r, err)
		}
	}
	for in, key := range map[string]string{
		"TO:<>": "smtp.path.to", "TO:b": "smtp.path.to", "TO:": "smtp.syntax", "TO:<b@x.example> SIZE=1": "smtp.param.unknown",
		"TO:<b@x.example> NOTIFY=": "smtp.param.value", "TO:<b@x.example> NOTIFY=NEVER,DELAY": "smtp.param.value",
		"TO:<b@x.example> NOTIFY=DELAY,DELAY": "smtp.param.value", "TO:<b@x.example> ORCPT=x": "smtp.param.value", "TO:<b@x.example> ORCPT=;x": "smtp.param.value",
		"TO:<b@x.example> ORCPT=rfc822;" + strings.Repeat("x", 500): "smtp.param.value",
	} {
		if _, err := ParseRcpt(in, everything); !keyIs(err, key) {
			t.Errorf("%.60s: %v, want %s", in, err, key)
		}
	}
	if _, err := ParseRcpt("TO:<佐藤@x.example>", everything&^ExtUTF8); !keyIs(err, "smtp.utf8.needed") {
		t.Error(err)
	}
}

func TestParseBdat(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "10": 10, "86 LAST": 86, "0 last": 0, "9223372036854775807": 1<<63 - 1} {
		n, last, err := ParseBdat(in)
		if n != want || last != strings.Contains(strings.ToUpper(in), "LAST") || err != nil {
			t.Errorf("%s: %d %v %v", in, n, last, err)
		}
	}
	for _, in := range []string{"", "x", "-1", "+1", "1 FIRST", "1 LAST x", "9223372036854775808", "LAST"} {
		if _, _, err := ParseBdat(in); !keyIs(err, "smtp.syntax") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestXtext(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "a", "a+b=c d": "a+2Bb+3Dc+20d", "é": "+C3+A9"} {
		if got := EncodeXtext(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
		if back, ok := DecodeXtext(want); !ok || back != in {
			t.Errorf("%q: back %q, %v", want, back, ok)
		}
	}
	for _, in := range []string{"+", "+2", "+2b", "a=b", "+00", "+FF", "a+2B=", "+0A"} {
		if got, ok := DecodeXtext(in); ok {
			t.Errorf("%q: %q passed", in, got)
		}
	}
}

func TestReply(t *testing.T) {
	for _, c := range []struct {
		r          Reply
		note, wire string
	}{
		{R(250, [3]int{2, 0, 0}, "Done"), "", "250 2.0.0 Done\r\n"},
		{R(220, [3]int{}, "mx.example ESMTP"), "", "220 mx.example ESMTP\r\n"},
		{Reply{Code: 250, Lines: []string{"mx.example", "SIZE 5"}}, "", "250-mx.example\r\n250 SIZE 5\r\n"},
		{Reply{Code: 550, Enhanced: [3]int{5, 1, 1}, Lines: []string{"No", "user"}}, " (s: 1)", "550-5.1.1 No\r\n550 5.1.1 user (s: 1)\r\n"},
		{R(500, [3]int{5, 5, 2}, "a\r\nb佐"), "", "500 5.5.2 a??b???\r\n"},
	} {
		got := string(c.r.AppendTo(nil, c.note))
		if got != c.wire {
			t.Errorf("%q, want %q", got, c.wire)
		}
		back, err := ReadReply(NewReader(strings.NewReader(got), nil))
		if err != nil || back.Code != c.r.Code || back.Enhanced != c.r.Enhanced || len(back.Lines) != len(c.r.Lines) {
			t.Errorf("%q: back %+v, %v", got, back, err)
		}
	}
	long := R(550, [3]int{5, 1, 1}, strings.Repeat("x", 2000)).AppendTo(nil, " (s: abc)")
	if len(long) != MaxReplyLine || !strings.HasSuffix(string(long), "x (s: abc)\r\n") {
		t.Errorf("%d octets", len(long))
	}
	for _, in := range []string{"", "25\r\n", "250", "250?x\r\n", "999 x\r\n", "250-a\r\n251 b\r\n", "150 x\r\n", "250 a\n", strings.Repeat("250-a\r\n", 200)} {
		if r, err := ReadReply(NewReader(strings.NewReader(in), nil)); err == nil || InStep(err) {
			t.Errorf("%.20q: %+v, %v", in, r, err)
		}
	}
	if r, err := ReadReply(NewReader(strings.NewReader("250\r\n"), nil)); err != nil || r.String() != "250 " {
		t.Errorf("%q, %v", r, err)
	}
	if r, _ := ReadReply(NewReader(strings.NewReader("550 4.1.1 mismatch\r\n"), nil)); r.Enhanced != [3]int{} {
		t.Errorf("an enhanced code of another class was believed: %v", r)
	}
}

func FuzzCommand(f *testing.F) {
	for _, s := range []string{"MAIL FROM:<a@x.example> SIZE=1 BODY=8BITMIME", `RCPT TO:<"a b"@x> ORCPT=rfc822;a+2B NOTIFY=NEVER`, "BDAT 5 LAST", "AUTH PLAIN =", "RCPT TO:<@a,@b:c@d>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := ParseCommand([]byte(line))
		if err != nil {
			return
		}
		if from, opts, err := ParseMail(c.Args, everything); err == nil {
			if strings.ContainsAny(from.String()+opts.EnvID, "\r\n\x00") {
				t.Fatalf("%q gave %q %q", line, from, opts.EnvID)
			}
			if back, err := mail.ParseAddress(from.String()); !from.IsNull() && (err != nil || back != from) {
				t.Fatalf("%q gave %q, which reads as %q, %v", line, from, back, err)
			}
		}
		if r, err := ParseRcpt(c.Args, everything); err == nil && r.Local == "" {
			t.Fatalf("%q gave %+v", line, r)
		}
		if n, _, err := ParseBdat(c.Args); err == nil && n < 0 {
			t.Fatalf("%q gave %d", line, n)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("250-a\r\n250 2.0.0 b\r\n"))
	f.Add([]byte("550 5.1.1\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := ReadReply(NewReader(strings.NewReader(string(in)), nil))
		if err == nil && (r.Code < 200 || r.Code > 599 || len(r.Lines) == 0) {
			t.Fatalf("%q: %+v", in, r)
		}
	})
}
