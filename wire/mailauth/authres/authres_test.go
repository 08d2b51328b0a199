package authres

import (
	"reflect"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/wire/mime"
)

// TestParse reads the examples of RFC 8601 appendix B and what well-known hosts write.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Field
	}{
		{"example.org 1; none", Field{Server: "example.org"}},
		{"example.org; none;", Field{Server: "example.org"}},
		{"example.com;\r\n\tspf=pass smtp.mailfrom=example.net", Field{"example.com", []Result{
			{Method: "spf", Value: "pass", Props: []Prop{{"smtp", "mailfrom", "example.net"}}}}}},
		{"example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net", Field{"example.com", []Result{
			{Method: "auth", Value: "pass", Comment: "cram-md5", Props: []Prop{{"smtp", "auth", "sender@example.net"}}},
			{Method: "spf", Value: "pass", Props: []Prop{{"smtp", "mailfrom", "example.net"}}}}}},
		{"example.com;\r\n dkim=pass reason=\"good signature\" header.i=@mail-router.example.net;\r\n dkim=fail reason=\"bad signature\" header.i=@newyork.example.com", Field{"example.com", []Result{
			{Method: "dkim", Value: "pass", Reason: "good signature", Props: []Prop{{"header", "i", "@mail-router.example.net"}}},
			{Method: "dkim", Value: "fail", Reason: "bad signature", Props: []Prop{{"header", "i", "@newyork.example.com"}}}}}},
		{"foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462", Field{"foo.example.net", []Result{
			{Method: "dkim", Value: "fail", Props: []Prop{{"policy", "expired", "1362471462"}}}}}},
		{`a.example; spf=pass smtp.mailfrom="joe blow"@example.com`, Field{"a.example", []Result{
			{Method: "spf", Value: "pass", Props: []Prop{{"smtp", "mailfrom", `"joe blow"@example.com`}}}}}},
		{`"a.example"; dkim=pass header.b="w4/i=="`, Field{"a.example", []Result{
			{Method: "dkim", Value: "pass", Props: []Prop{{"header", "b", "w4/i=="}}}}}},
		{"mx.google.com;\n dkim=pass header.i=@example.com header.s=s1 header.b=Ab/+cd12;\n spf=pass (google.com: domain of b@example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=b@example.com", Field{"mx.google.com", []Result{
			{Method: "dkim", Value: "pass", Props: []Prop{{"header", "i", "@example.com"}, {"header", "s", "s1"}, {"header", "b", "Ab/+cd12"}}},
			{Method: "spf", Value: "pass", Comment: "google.com: domain of b@example.com designates 192.0.2.1 as permitted sender", Props: []Prop{{"smtp", "mailfrom", "b@example.com"}}}}}},
		{"spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=example.com; dkim=none (message not signed)\r\n header.d=none;dmarc=pass action=none header.from=example.com;compauth=pass reason=100", Field{"", []Result{
			{Method: "spf", Value: "pass", Comment: "sender IP is 192.0.2.1", Props: []Prop{{"smtp", "mailfrom", "example.com"}}},
			{Method: "dkim", Value: "none", Comment: "message not signed", Props: []Prop{{"header", "d", "none"}}},
			{Method: "dmarc", Value: "pass", Props: []Prop{{"", "action", "none"}, {"header", "from", "example.com"}}},
			{Method: "compauth", Value: "pass", Reason: "100"}}}},
		{"a.example; spf=none smtp.mailfrom=; dmarc=pass(p=REJECT) header.from=x.example", Field{"a.example", []Result{
			{Method: "spf", Value: "none", Props: []Prop{{"smtp", "mailfrom", ""}}},
			{Method: "dmarc", Value: "pass", Comment: "p=REJECT", Props: []Prop{{"header", "from", "x.example"}}}}}},
		{`a.example; DKIM=Pass (a \(b\) (c)) Header.D=X`, Field{"a.example", []Result{
			{Method: "dkim", Value: "pass", Comment: "a (b) (c)", Props: []Prop{{"header", "d", "X"}}}}}},
	} {
		got, err := Parse(c.in)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parse(%q)\n = %+v, %v\nwant %+v", c.in, got, err, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ in, key string }{
		{"", "authres.syntax"},
		{";", "authres.syntax"},
		{"a.example 2; none", "authres.version"},
		{"a.example; dkim", "authres.syntax"},
		{"a.example; dkim=", "authres.syntax"},
		{"a.example; dkim=pass header.d", "authres.syntax"},
		{"a.example; dkim=pass (open", "authres.syntax"},
		{`a.example; dkim=pass reason="open`, "authres.syntax"},
		{"a.example; dkim=pass " + strings.Repeat("(", 20) + strings.Repeat(")", 20), "authres.syntax"},
		{"a.example" + strings.Repeat("; dkim=pass", MaxResults+1), "authres.too_long"},
		{"a.example; dkim=pass" + strings.Repeat(" header.d=x", MaxProps+1), "authres.syntax"},
		{"a.example; x=" + strings.Repeat("x", MaxField), "authres.too_long"},
	} {
		_, err := Parse(c.in)
		if key, _ := mail.TextOf(err); key != c.key || !mail.Is(err, mail.Invalid) {
			t.Errorf("Parse(%.60q): %v, want %s", c.in, err, c.key)
		}
	}
}

func TestParseARC(t *testing.T) {
	i, f, err := ParseARC(" i=2; lists.example.org;\r\n    spf=pass smtp.mfrom=jqd@d1.example")
	if err != nil || i != 2 || f.Server != "lists.example.org" || len(f.Results) != 1 {
		t.Errorf("%d %+v %v", i, f, err)
	}
	for _, bad := range []string{"", "lists.example.org; none", "i=; a; none", "i=1 a; none", "j=1; a; none", "i=99999999999999999999; a"} {
		if _, _, err := ParseARC(bad); err == nil {
			t.Errorf("ParseARC(%q) is taken", bad)
		}
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		f    Field
		want string
	}{
		{Field{Server: "mx.example.com"}, "Authentication-Results: mx.example.com; none\r\n"},
		{Field{"mx.example.com", []Result{
			{Method: "dkim", Value: "pass", Comment: "2048-bit key", Props: []Prop{{"header", "d", "example.org"}, {"header", "i", "@example.org"}, {"header", "s", "tg1r"}, {"header", "a", "rsa-sha256"}, {"header", "b", "Ab/+cd12"}}},
			{Method: "iprev", Value: "fail", Props: []Prop{{"policy", "iprev", "2001:db8::1"}}},
			{Method: "spf", Value: "fail", Reason: "not\r\nX: \"ours\"", Props: []Prop{{"smtp", "mailfrom", ""}}},
		}}, "Authentication-Results: mx.example.com;\r\n" +
			"\tdkim=pass (2048-bit key) header.d=example.org header.i=@example.org\r\n" +
			"\theader.s=tg1r header.a=rsa-sha256 header.b=\"Ab/+cd12\";\r\n" +
			"\tiprev=fail policy.iprev=\"2001:db8::1\";\r\n" +
			"\tspf=fail reason=\"not??X: \\\"ours\\\"\" smtp.mailfrom=\"\"\r\n"},
		{Field{"mx.example.com", []Result{{Method: "a b\r\n", Value: "", Comment: "1) x=y (", Props: []Prop{{"sm;tp", "", "\"a\r\nX: y\"@example.org"}}}}},
			"Authentication-Results: mx.example.com;\r\n\ta-b--=- (1\\) x=y \\() sm-tp.-=\"\\\"a??X: y\\\"@example.org\"\r\n"},
	} {
		if got := string(c.f.Append(nil)); got != c.want {
			t.Errorf("got\n%s\n%q\nwant\n%s", got, got, c.want)
		}
	}
	f := Field{"mx.example.com", []Result{{Method: "arc", Value: "none"}}}
	if got, want := string(f.AppendARC(nil, 3)), "ARC-Authentication-Results: i=3; mx.example.com;\r\n\tarc=none\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestForeign: fields that claim to be ours, in whatever disguise, are found, and others stay.
func TestForeign(t *testing.T) {
	fields := []struct {
		text    string
		foreign bool
	}{
		{"Received: by mx.example.com\r\n", false},
		{"Authentication-Results: mx.example.com; dkim=pass\r\n", true},
		{"Authentication-Results: other.example; dkim=pass\r\n", false},
		{"AUTHENTICATION-results : MX.Example.COM.;\r\n\tdkim=pass\r\n", true},
		{"Authentication-Results:\r\n (hello) \"mx.example.com\" 1; dkim=pass\r\n", true},
		{"Authentication-Results: \"mx.exa\\mple.com\"; dkim=pass\r\n", true},
		{"Authentication-Results: bücher.example; dkim=pass\r\n", true},
		{"Authentication-Results: mx.example.com(c) 7 ; what\r\n", true},
		{"Authentication-Results: mx.example.com.evil.example; dkim=pass\r\n", false},
		{"Authentication-Results: spf=pass smtp.mailfrom=a.example\r\n", true},
		{"Authentication-Results: (\r\n", true},
		{"Authentication-Results:\r\n", true},
		{"ARC-Authentication-Results: i=1; mx.example.com; dkim=pass\r\n", false},
	}
	var header string
	var want []mime.Range
	for _, f := range fields {
		if f.foreign {
			want = append(want, mime.Range{Start: len(header), End: len(header) + len(f.text)})
		}
		header += f.text
	}
	header += "\r\nAuthentication-Results: mx.example.com; dkim=pass\r\n"
	if got := Foreign([]byte(header), "mx.example.com", "xn--bcher-kva.example"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestGet(t *testing.T) {
	f, err := Parse("a; spf=fail; dkim=pass header.d=b; dkim=fail header.d=c")
	r, ok := f.Get("dkim")
	if err != nil || !ok || r.Prop("header", "d") != "b" || r.Prop("header", "x") != "" {
		t.Errorf("%+v %v %v", r, ok, err)
	}
	if _, ok := f.Get("arc"); ok {
		t.Error("there is no arc")
	}
}

// FuzzParse: what is read can be written, is one field of short enough lines then, and reads as the
// same; what claims our name is always found.
func FuzzParse(f *testing.F) {
	f.Add("example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net; x=y reason=\"a b\" a.b=\"c d\"@e")
	f.Add("i=1; a 1; none")
	f.Fuzz(func(t *testing.T, value string) {
		header := []byte("Authentication-Results:" + strings.NewReplacer("\r", "", "\n", "\r\n ").Replace(value) + "\r\n\r\n")
		ParseARC(value)
		got, err := Parse(value)
		if err != nil {
			return
		}
		out := got.Append(nil)
		if lines := strings.SplitAfter(string(out), "\r\n"); strings.Count(string(out), "\n") != len(lines)-1 {
			t.Fatalf("bare line ends in %q", out)
		}
		for i := range out[:len(out)-2] {
			if out[i] == '\n' && out[i+1] != '\t' {
				t.Fatalf("%q is more than one field", out)
			}
		}
		if got.Server != "" && len(Foreign(header, got.Server)) != 1 && !strings.ContainsAny(value, "\r\n") {
			t.Fatalf("Foreign does not find %q in %q", got.Server, header)
		}
		again, err := Parse(strings.TrimPrefix(string(out), FieldName+":"))
		if err != nil {
			t.Fatalf("%q of %q: %v", out, value, err)
		}
		second := again.Append(nil) // what could not be written is gone now
		again, err = Parse(strings.TrimPrefix(string(second), FieldName+":"))
		if third := again.Append(nil); err != nil || len(value) < maxValue && string(third) != string(second) {
			t.Fatalf("%q\nthen %q, %v", second, third, err)
		}
	})
}
