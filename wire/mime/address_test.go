package mime

import (
	"strings"
	"testing"

	"tegami/mail"
)

// show writes a list as "display|local|domain; ...".
func show(list []Address) string {
	var all []string
	for _, a := range list {
		switch a.Kind {
		case GroupStart:
			all = append(all, a.Display+"{")
		case GroupEnd:
			all = append(all, "}")
		default:
			all = append(all, a.Display+"|"+a.Local+"|"+a.Domain)
		}
	}
	return strings.Join(all, "; ")
}

func TestAddressList(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a@x.example", "|a|x.example"},
		{"Taro Yamada <taro@x>", "Taro Yamada|taro|x"},
		{`"Yamada, Taro" <taro@x>, b@x`, "Yamada, Taro|taro|x; |b|x"},
		{`"a\"b\\c" <a@x>`, `a"b\c|a|x`},
		{"a@x (Taro Yamada)", "Taro Yamada|a|x"},
		{"(before) a@x", "before|a|x"},
		{"Taro (office) <a@x>", "Taro (office)|a|x"},
		{"<a@x> (Taro)", "Taro|a|x"},
		{"<a@x> Taro Yamada", "Taro Yamada|a|x"},
		{"J. R. Tolkien <j@x>", "J. R. Tolkien|j|x"},
		{"Taro  Yamada\t<a@x>", "Taro  Yamada|a|x"},
		{`Taro "T." Yamada <a@x>`, "Taro T. Yamada|a|x"},
		{`"Taro"Yamada<a@x>`, "TaroYamada|a|x"},
		{"a@x; b@x;", "|a|x; |b|x"},
		{"a@x,,b@x,", "|a|x; |b|x"},
		{"A <a@x> B <b@x>", "A|a|x; B|b|x"},
		{"<<a@x>>", "|a|x"},
		{"A <a@x", "A|a|x"},
		{"A <a@x, b@x", "A|a|x; |b|x"},
		{"a@x>", "|a|x"},
		{"<@one,@two:a@x>", "|a|x"},
		{"mailto:a@x", "|a|x"},
		{"<mailto:a@x>", "|a|x"},
		{"a @ x . example", "|a|x"},
		{"<a @ x>", "|a|x"},
		{"a@[192.0.2.1]", "|a|[192.0.2.1]"},
		{"A <a@[IPv6:2001:db8::1]>", "A|a|[IPv6:2001:db8::1]"},
		{`"a b"@x`, "|a b|x"},
		{`<"a b"@x>`, "|a b|x"},
		{`"a@y"@x`, "|a@y|x"},
		{`"a@x"`, "|a|x"},
		{`"a@x" <a@x>`, "a@x|a|x"},
		{"b@y <a@x>", "b@y|a|x"},
		{"Taro a@x", "Taro|a|x"},
		{"root", "|root|"},
		{"<>", "||"},
		{"", ""},
		{" , ;", ""},
		{"Team: a@x, b@x;", "Team{; |a|x; |b|x; }"},
		{"Team: A <a@x>; c@x", "Team{; A|a|x; }; |c|x"},
		{"Team: a@x", "Team{; |a|x; }"},
		{"undisclosed-recipients:;", "undisclosed-recipients{; }"},
		{"A:;, B: b@x;", "A{; }; B{; |b|x; }"},
		{"=?utf-8?Q?Yamada,_Taro?= <a@x>", "=?utf-8?Q?Yamada,_Taro?=|a|x"},
		{"=?utf-8?Q?a@y?= <a@x>", "=?utf-8?Q?a@y?=|a|x"},
		{"=?utf-8?B?44GC?= =?utf-8?B?44GE?= <a@x>", "=?utf-8?B?44GC?= =?utf-8?B?44GE?=|a|x"},
		// §15: addresses that break RFCs.
		{"a..b@docomo.ne.jp", "|a..b|docomo.ne.jp"},
		{"T <a.b.@docomo.ne.jp>", "T|a.b.|docomo.ne.jp"},
		{".a@ezweb.ne.jp", "|.a|ezweb.ne.jp"},
		{"-a@ezweb.ne.jp", "|-a|ezweb.ne.jp"},
		{`"a..b."@docomo.ne.jp`, "|a..b.|docomo.ne.jp"},
		{"taro＠example．jp", "|taro|example.jp"},
		{"ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "|taro|example.jp"},
		{"山田 <taro＠example.jp>", "山田|taro|example.jp"},
		{"a@x.jp、b@y.jp，c@z.jp；d@w.jp", "|a|x.jp; |b|y.jp; |c|z.jp; |d|w.jp"},
		{"A <a@x>、B <b@x>", "A|a|x; B|b|x"},
		{"営業、企画 <a@x>", "営業、企画|a|x"},
		{"taro@日本語.jp", "|taro|日本語.jp"},
		// Raw text of Japan: octets of two-octet characters are no specials.
		{"\x1b$BF|K\\\x1b(B <a@x>", "\x1b$BF|K\\\x1b(B|a|x"},
		{"\"\x1b$B;3\"(,<\x1b(B\" <a@x>, b@x", "\x1b$B;3\"(,<\x1b(B|a|x; |b|x"},
		{"\"\x95\x5c\" <a@x>, b@x", "\x95\x5c|a|x; |b|x"},
	} {
		if got := show(ParseAddressList(c.in)); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestAddressName(t *testing.T) {
	for in, want := range map[string]string{
		"=?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <a@x>":   "山田",
		"\"=?utf-8?B?5bGx55Sw?=\" <a@x>":             "山田",
		"=?utf-8?Q?Yamada=2C?= Taro <a@x>":           "Yamada, Taro",
		"\x1b$B;3ED\x1b(B <a@x>":                     "山田",
		"\x8eR\x93c <a@x>":                           "山田",
		"=?utf-8?B?5bGx?= =?utf-8?B?55Sw?= Co <a@x>": "山田 Co",
	} {
		if list := ParseAddressList(in); len(list) != 1 || list[0].Name() != want {
			t.Errorf("%q = %q, want %q", in, list[0].Name(), want)
		}
	}
}

func TestAddressMail(t *testing.T) {
	for in, want := range map[string]mail.Address{
		"a..b@Docomo.ne.jp":   {Local: "a..b", Domain: "docomo.ne.jp"},
		`"a..b"@docomo.ne.jp`: {Local: "a..b", Domain: "docomo.ne.jp"},
		"taro@日本語.jp":         {Local: "taro", Domain: "xn--wgv71a119e.jp"},
		"root":                {},
		"<>":                  {},
		"a@x y":               {Local: "a", Domain: "x"},
	} {
		got, err := ParseAddressList(in)[0].Mail()
		if got != want || (err != nil) != want.IsNull() || err != nil && !mail.Is(err, mail.Invalid) {
			t.Errorf("%q = %v, %v; want %v", in, got, err, want)
		}
	}
}

func TestAddressFormat(t *testing.T) {
	for in, want := range map[string]string{
		"a@x":                    "a@x",
		"Taro Yamada <a@x>":      "Taro Yamada <a@x>",
		`"Yamada, Taro" <a@x>`:   `"Yamada, Taro" <a@x>`,
		`"a\"b" <a@x>`:           `"a\"b" <a@x>`,
		"山田 <a..b@docomo.ne.jp>": `=?UTF-8?B?5bGx55Sw?= <"a..b"@docomo.ne.jp>`,
	} {
		if got := ParseAddressList(in)[0].Format(""); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}
