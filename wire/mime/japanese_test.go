package mime

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestT1T2Decode: what ISO-2022-JP is in mail, under all its labels.
func TestT1T2Decode(t *testing.T) {
	for _, label := range []string{"iso-2022-jp", "ISO-2022-JP-MS", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "cp50220", "CP50221", "cp50222", "jis", "csISO2022JP"} {
		for in, want := range map[string]string{
			"\x1b$BF|K\\8l\x1b(B":                   "日本語",
			"\x1b$BF|K\\8l":                         "日本語", // the final ESC ( B is missing
			"\x1b$@F|K\\8l\x1b(J":                   "日本語",
			"\x1b$B-!\x1b(B":                        "①",      // NEC row 13
			"\x1b$B|b\x1b(B":                        "髙",      // NEC selected IBM extension
			"\x1b(I1234\x1b(B":                      "ｱｲｳｴ",   // ESC ( I
			"\x0e1234\x0f.":                         "ｱｲｳｴ.",  // SO and SI, CP50222
			"\x1b$BF|\x1b(B\xb1\xb2\xb3.":           "日ｱｲｳ.",  // raw 8-bit kana
			"\x1b$BF|\nabc":                         "日\nabc", // a line ends in ASCII
			"\x1b(HA\x1b$BF|\x1b(B":                 "A日",
			"\x1b$(D0!\x1b(B":                       "丂", // JIS X 0212
			"plain":                                 "plain",
			"\x1b$BF|\x1b(B\x1b$BK\\\x1b(B \x1b(B!": "日本 !",
		} {
			if got, cs, guessed := DecodeCharset(label, []byte(in)); got != want || cs != ISO2022JP || guessed {
				t.Errorf("%s: %q = %q as %s, guessed %v; want %q", label, in, got, cs, guessed, want)
			}
		}
	}
}

func TestCharsetLabels(t *testing.T) {
	const sjis, euc = "\x93\xfa\x96{\x8c\xea\x83e\x83L\x83X\x83g", "\xc6\xfc\xcb\xdc\xb8\xec\xa5\xc6\xa5\xad\xa5\xb9\xa5\xc8"
	for _, c := range []struct{ labels, in, want string }{
		{"shift_jis shift-jis sjis x-sjis ms_kanji cp932 windows-31j ms932 Shift_JIS", sjis, "日本語テキスト"},
		{"shift_jis", "\x95\x5c\x8e\xa6\x83\x5c \x87@ \xfb\xfc", "表示ソ ① 髙"},
		{"euc-jp x-euc-jp eucjp-ms cp51932 ujis EUCJP", euc, "日本語テキスト"},
		{"utf-8 utf8 UTF_8 unicode-1-1-utf-8", "日本語", "日本語"},
		{"utf-7 unicode-1-1-utf-7", "+ZeVnLIqe- a+-b", "日本語 a+b"},
		{"utf-7", "+2D3eAA-", "😀"},
		{"utf-16", "\xff\xfe\xe5e,g", "日本"},
		{"utf-16le", "\xe5e,g", "日本"},
		{"koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		{"windows-1251 cp1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		{"gb18030 gbk gb2312 cp936 x-gbk", "\xc4\xe3\xba\xc3", "你好"},
		{"big5 cn-big5", "\xa7A\xa6n", "你好"},
		{"euc-kr ks_c_5601-1987 cp949", "\xbe\xc8\xb3\xe7", "안녕"},
		{"iso-2022-kr", "\x1b$)C\x0e>H3g\x0f!", "안녕!"},
		{"hz-gb-2312", "~{Dc:C~}", "你好"},
		{"iso-8859-2 latin2", "\xec\xb9\xe8", "ěšč"},
		{"iso-8859-1 latin1 windows-1252", "caf\xe9 \x80", "café €"},
		{"iso-8859-15", "\xa4", "€"},
		{"windows-1255", "\xf9\xec\xe5\xed", "שלום"},
		{"tis-620 windows-874", "\xca\xc7\xd1\xca\xb4\xd5", "สวัสดี"},
		{"ibm852", "\xa5", "ą"},
	} {
		for _, label := range strings.Fields(c.labels) {
			if got, cs, guessed := DecodeCharset(label, []byte(c.in)); got != c.want || guessed || cs == "" {
				t.Errorf("%s: %q = %q as %s, guessed %v; want %q", label, c.in, got, cs, guessed, c.want)
			}
		}
	}
}

// TestWrongLabels: the repairs (a) to (d) of §14.2, and labels that say nothing.
func TestWrongLabels(t *testing.T) {
	const (
		text = "会議の議事録をお送りします"
		jis  = "\x1b$B2q5D$N5D;vO?$r$*Aw$j$7$^$9\x1b(B"
		sjis = "\x89\xef\x8bc\x82\xcc\x8bc\x8e\x96\x98^\x82\xf0\x82\xa8\x91\x97\x82\xe8\x82\xb5\x82\xdc\x82\xb7"
		euc  = "\xb2\xf1\xb5\xc4\xa4\xce\xb5\xc4\xbb\xf6\xcf\xbf\xa4\xf2\xa4\xaa\xc1\xf7\xa4\xea\xa4\xb7\xa4\xde\xa4\xb9"
	)
	for _, c := range []struct {
		label, in, want, charset string
		guessed                  bool
	}{
		{"us-ascii", jis, text, ISO2022JP, true}, // (a)
		{"", jis, text, ISO2022JP, true},
		{"", "\x1b$@2q\x1b(J", "会", ISO2022JP, true},
		{"", "\x1b(I1\x1b(B", "ｱ", ISO2022JP, true},
		{"iso-8859-1", jis, text, ISO2022JP, true},
		{"utf-8", jis, text, ISO2022JP, true},
		{"shift_jis", jis, text, ISO2022JP, true},
		{"utf-8", sjis, text, ShiftJIS, true}, // (b)
		{"utf-8", euc, text, EUCJP, true},
		{"utf-8", text + "\xe3", text + "\ufffd", UTF8, false}, // a character is cut
		{"utf-8", "caf\xe9", "café", "windows-1252", true},
		{"iso-2022-jp", sjis, text, ShiftJIS, true}, // (c)
		{"iso-2022-jp", text, text, UTF8, true},
		{"iso-2022-jp", euc, text, EUCJP, true},
		{"shift_jis", euc, text, EUCJP, true}, // (d)
		{"euc-jp", sjis, text, ShiftJIS, true},
		{"shift_jis", text, text, UTF8, true},
		{"euc-jp", text, text, UTF8, true},
		{"shift_jis", sjis, text, ShiftJIS, false},
		{"euc-jp", euc, text, EUCJP, false},
		{"unknown-8bit", sjis, text, ShiftJIS, true},
		{"default", euc, text, EUCJP, true},
		{"", text, text, UTF8, true},
		{"us-ascii", "na\xefve", "naïve", "windows-1252", true},
		{"x-nonsense", "plain", "plain", ASCII, false},
		{"", "plain", "plain", ASCII, false},
		{"", "\xb1\xb2\xb3\xb4\xb5", "ｱｲｳｴｵ", ShiftJIS, true},
		{"shift_jis", "\xb1\xb2\xb3\xb4", "ｱｲｳｴ", ShiftJIS, false},
	} {
		got, cs, guessed := DecodeCharset(c.label, []byte(c.in))
		if got != c.want || cs != c.charset || guessed != c.guessed {
			t.Errorf("%s: %q = %q as %s, guessed %v; want %q as %s, %v", c.label, c.in, got, cs, guessed, c.want, c.charset, c.guessed)
		}
		p := &Part{Type: "text", Subtype: "plain", Params: []Param{{Name: "charset", Value: c.label, Raw: c.label}}}
		text := TextReader(p, strings.NewReader(c.in))
		b, err := io.ReadAll(text)
		if err != nil || string(b) != c.want || text.Charset != c.charset || text.Guessed != c.guessed {
			t.Errorf("TextReader %s: %q = %q as %s, guessed %v, %v", c.label, c.in, b, text.Charset, text.Guessed, err)
		}
	}
}

// TestTextReaderLong reads texts longer than what is looked at first, so that it ends inside a character.
func TestTextReaderLong(t *testing.T) {
	for _, shift := range []string{"", "a", "ab", "abc"} {
		want := shift + strings.Repeat("日本語", 3*sniffSize/9)
		p := &Part{Type: "text", Subtype: "plain"}
		text := TextReader(p, strings.NewReader(want))
		b, err := io.ReadAll(text)
		if err != nil || string(b) != want || text.Charset != UTF8 || !text.Guessed {
			t.Errorf("%d octets, want %d, as %s: %v", len(b), len(want), text.Charset, err)
		}
	}
}

func TestTextReaderMarks(t *testing.T) {
	html := &Part{Type: "text", Subtype: "html"}
	for in, want := range map[string]string{
		"\xef\xbb\xbfabc": "abc",
		"\xff\xfe\xe5e":   "日",
		"\xfe\xffe\xe5":   "日",
		"<html><META http-equiv=x content='text/html; charset=koi8-r'>\xf0": "<html><META http-equiv=x content='text/html; charset=koi8-r'>П",
	} {
		b, err := io.ReadAll(TextReader(html, strings.NewReader(in)))
		if err != nil || string(b) != want {
			t.Errorf("%q = %q, %v; want %q", in, b, err, want)
		}
	}
}

// TestT3T4Encode: what RFC 1468 lacks is mapped, or the whole is UTF-8.
func TestT3T4Encode(t *testing.T) {
	for in, want := range map[string]string{
		"日本語":        "\x1b$BF|K\\8l\x1b(B",
		"a日b":        "a\x1b$BF|\x1b(Bb",
		"ｱﾊﾟｰﾄ":      "\x1b$B%\"%Q!<%H\x1b(B", // T3
		"ｶﾞｷﾞ｡｢ｦ":    "\x1b$B%,%.!#!V%r\x1b(B",
		"ｱﾞ":         "\x1b$B%\"!+\x1b(B",
		"か\u3099":    "\x1b$B$,\x1b(B",              // decomposed by macOS
		"〜−‖¢£¬—":    "\x1b$B!A!]!B!q!r\"L!=\x1b(B", // T4
		"一行\r\n二行\n": "\x1b$B0l9T\x1b(B\r\n\x1b$BFs9T\x1b(B\r\n",
	} {
		body, cs, cte := EncodeText(in, "ISO-2022-JP")
		if string(body) != want || cs != ISO2022JP || cte != "7bit" {
			t.Errorf("%q = %q %s %s, want %q", in, body, cs, cte, want)
		}
	}
	for _, in := range []string{"€", "😀", "𠮷野家", "㍿", "¥100 日本", "①日本", "髙島屋", "日本\x1b", strings.Repeat("日", 600)} {
		body, cs, cte := EncodeText(in, "iso-2022-jp")
		if cs != UTF8 || cte != "base64" {
			t.Errorf("%q is %s %s", in, cs, cte)
		}
		back, err := io.ReadAll(DecodedReader(&Part{Encoding: cte}, bytes.NewReader(body)))
		if err != nil || string(back) != in {
			t.Errorf("%q comes back as %q, %v", in, back, err)
		}
	}
	if body, cs, cte := EncodeText("plain\ntext", "iso-2022-jp"); string(body) != "plain\r\ntext" || cs != ASCII || cte != "7bit" {
		t.Errorf("ASCII is %q %s %s", body, cs, cte)
	}
	if _, _, cte := EncodeText(strings.Repeat("a", 999), ""); cte != "base64" {
		t.Error("a line of 999 octets is 7bit")
	}
}

// TestEncodeHeader: words of at most 75 octets that end at characters and, in ISO-2022-JP, in ASCII.
func TestEncodeHeader(t *testing.T) {
	for _, c := range []struct{ text, charset, want string }{
		{"plain", "", "plain"},
		{"日本", "", "=?UTF-8?B?5pel5pys?="},
		{"日本", "iso-2022-jp", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?="},
		{"Re: 日本", "", "Re: =?UTF-8?B?5pel5pys?="},
		{"€日本", "iso-2022-jp", "=?UTF-8?B?4oKs5pel5pys?="},
		{"like =?a?= word", "", "like =?UTF-8?B?PT9hPz0gd29yZA==?="},
		{"a\r\nBcc: b@x", "", "a Bcc: b@x"},
	} {
		if got := EncodeHeader(c.text, c.charset); got != c.want {
			t.Errorf("%q %s = %q, want %q", c.text, c.charset, got, c.want)
		}
	}
	for _, text := range []string{
		strings.Repeat("長い件名でも文字の途中で切れません。", 8), strings.Repeat("word ", 60), "Re: Re: " + strings.Repeat("ｶﾅ半角 and ASCII ", 12),
		strings.Repeat("a", 200), strings.Repeat("😀", 50), " 先頭の空白", "末尾の空白 ", "二つ  の 空白", strings.Repeat("x", 40) + " 日本", "a  日本",
	} {
		for _, charset := range []string{"utf-8", "iso-2022-jp"} {
			checkEncoded(t, text, charset)
		}
	}
}

func checkEncoded(t *testing.T, text, charset string) {
	t.Helper()
	got := EncodeHeader(text, charset)
	for i, line := range strings.Split(got, "\r\n") {
		if i == 0 && strings.Contains(line, "=?") && len(line) > firstLine {
			t.Errorf("%q: %q leaves no room for the field's name", text, line)
		}
		if i > 0 && !strings.HasPrefix(line, " ") || strings.TrimSpace(line) == "" || len(line) > nextLine && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("%q: line %q is no continuation", text, line)
		}
		if w := strings.TrimSpace(line); strings.HasPrefix(w, "=?") {
			if len(w) > maxWord || len(line) > nextLine {
				t.Errorf("%q: %d octets in %q", text, len(w), w)
			}
			one, rest, ok := cutWord(w)
			s := string(appendBase64(nil, one.text))
			if plain, _, _ := DecodeCharset(one.charset, []byte(s)); !ok || rest != "" || strings.ContainsRune(plain, '\ufffd') {
				t.Errorf("%q: word %q", text, w)
			}
			if one.charset == "ISO-2022-JP" && strings.Contains(s, "\x1b$") && !strings.Contains(s[strings.LastIndex(s, "\x1b$"):], toASCII) {
				t.Errorf("%q: word %q does not end in ASCII", text, w)
			}
		}
	}
	want := text
	if strings.Contains(got, "ISO-2022-JP") {
		want = jisText(text)
	}
	if back := DecodeHeader(got); strings.TrimRight(back, " ") != strings.TrimRight(want, " ") {
		t.Errorf("%q\ncomes back as %q", want, back)
	}
}

// TestT7T8Params: parameters as they are met, no name is lost.
func TestT7T8Params(t *testing.T) {
	const name = "報告書.doc"
	for _, c := range []struct{ value, want string }{
		{"attachment; filename*=iso-2022-jp''%1B%24%42%4A%73%39%70%3D%71%1B%28%42.doc", name}, // T7
		{"attachment; filename*=utf-8'ja'%E5%A0%B1%E5%91%8A%E6%9B%B8.doc", name},
		{"attachment; filename*=Shift_JIS''%95%F1%8D%90%8F%91.doc", name},
		{"attachment; filename*0*=UTF-8''%E5%A0%B1%E5; filename*1*=%91%8A%E6%9B%B8; filename*2=.doc", name},
		{"attachment; filename*1*=%91%8A%E6%9B%B8; filename*2=.doc; filename*0*=UTF-8''%E5%A0%B1%E5", name},
		{`attachment; filename*0="long "; filename*1="name.doc"`, "long name.doc"},
		{"attachment; filename*=%E5%A0%B1%E5%91%8A%E6%9B%B8.doc", name},             // the charset is missing
		{`attachment; filename="=?ISO-2022-JP?B?GyRCSnM5cD1xGyhCLmRvYw==?="`, name}, // T8
		{"attachment; filename==?ISO-2022-JP?B?GyRCSnM5cD1xGyhCLmRvYw==?=", name},
		{"attachment; filename=\"=?utf-8?B?5aCx5ZGK?=\r\n =?utf-8?B?5pu4LmRvYw==?=\"", name},
		{"attachment; filename=" + name, name},
		{"attachment; filename=\"" + name + "\"", name},
		{"attachment; filename=\x95\xf1\x8d\x90\x8f\x91.doc", name},
		{"attachment; filename=\"\x1b$BJs9p=q\x1b(B.doc\"", name},
		{"attachment; filename=\"\x95\x5c\"; size=1", "表"},
		{"attachment; filename=\"\x1b$B\";<\x1b(B.doc\"", "\x1b$B\";<\x1b(B.doc"},
		{"attachment; filename=a b (1).doc; size=3", "a b (1).doc"},
		{`attachment; filename="a\"b.doc"`, `a"b.doc`},
		{`attachment; filename="not closed.doc; size=3`, "not closed.doc"},
		{`attachment;; filename = "a.doc" ;`, "a.doc"},
		{"attachment; FileName=a.doc", "a.doc"},
		{"filename=a.doc", "a.doc"},
		{"attachment; filename=a.doc; filename*=utf-8''b.doc", "b.doc"},
		{"attachment; filename*=utf-8''x%E3%81", "x\ufffd"},
	} {
		raw := "Content-Type: application/octet-stream\r\nContent-Disposition: " + c.value + "\r\n\r\n"
		p := checkStructure(t, []byte(raw), 9).Root
		if strings.Contains(c.want, "\x1b") {
			c.want, _, _ = DecodeCharset(ISO2022JP, []byte(c.want))
		}
		if got := p.Filename(); got != c.want {
			t.Errorf("%q = %q, want %q", c.value, got, c.want)
		}
	}
}

// TestT8Filenames: all the names a part could have.
func TestT8Filenames(t *testing.T) {
	raw := "Content-Type: application/pdf; name=\"=?utf-8?B?5aCx?=.pdf\"; name=c.exe\n" +
		"Content-Type: text/plain; name=d.js\n" +
		"Content-Disposition: attachment; filename=a.pdf; filename=b.exe; filename*=utf-8''e.scr\n\n"
	p := ParseBytes([]byte(raw), Limits{}).Root
	got := strings.Join(p.Filenames(), " ")
	for _, want := range []string{"a.pdf", "b.exe", "e.scr", "報.pdf", "c.exe", "d.js"} {
		if !strings.Contains(" "+got+" ", " "+want+" ") {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	if p.Filename() != "e.scr" || p.Type != "application" {
		t.Errorf("name %q, type %s", p.Filename(), p.Type)
	}
}

// TestT9Words: encoded words as they are met.
func TestT9Words(t *testing.T) {
	for in, want := range map[string]string{
		"=?utf-8?B?5pel5pys?=":                                  "日本",
		"=?UTF-8?b?5pel5pys?= =?utf-8?B?6Kqe?=":                 "日本語",
		"=?utf-8?B?5pel5pys?=\r\n =?utf-8?B?6Kqe?=":             "日本語",
		"=?utf-8?B?5pel5pys?==?utf-8?B?6Kqe?=":                  "日本語",
		"=?utf-8?B?5pel5g==?= =?utf-8?B?nKzoqp4=?=":             "日本語", // split inside of a character
		"=?utf-8?B?5pel5g?= =?utf-8?B?nKzoqp4?=":                "日本語",
		"=?utf-8?B?5pe?= =?utf-8?B?l5pys?=":                     "日本", // split inside of base64
		"=?utf-8?Q?=E6=97?= =?utf-8?B?pQ==?=":                   "日",
		"=?utf-8?Q?a_b=3D?= c":                                  "a b= c",
		"a =?utf-8?Q?b?= c =?utf-8?Q?d?=":                       "a b c d",
		"=?ISO-2022-JP?B?GyRCRnxLXA==?=":                        "日本", // no ESC ( B
		"=?ISO-2022-JP?B?GyRCRnw=?= =?ISO-2022-JP?B?GyRCS1w=?=": "日本",
		"=?ISO-2022-JP?B?GyRCRnw=?= =?ISO-2022-JP?B?S1wbKEI=?=": "日本", // split without escape sequences
		"=?iso-2022-jp?Q?=1B$BF|=1B=28B?=":                      "日",
		"=?iso-2022-jp?B?GyRCLSEbKEI=?=":                        "①",
		"=?Shift_JIS?B?k/qWew==?= =?utf-8?B?6Kqe?=":             "日本語",
		"=?utf-8*ja?B?5pel?=":                                   "日",
		"=?utf-8?B?5pel5pys":                                    "日本",
		"=?utf-8?B?5pel5pys?":                                   "日本",
		"=?utf-8?B?5pel*5pys?=":                                 "日本",
		"=?x-unknown?B?5pel5pys?=":                              "日本",
		"=?utf-8?B?k/qWew==?=":                                  "日本", // the label is wrong
		"\x1b$BF|K\\\x1b(B":                                     "日本", // raw
		"Re: \x1b$BF|K\\":                                       "Re: 日本",
		"\x93\xfa\x96{\x8c\xea\x83e\x83L\x83X\x83g":             "日本語テキスト",
		"日本":                              "日本",
		"\x1b$BF|\x1b(B =?utf-8?B?5pys?=": "日 本",
		"=?utf-8?X?abc?=":                 "=?utf-8?X?abc?=",
		"=?=?=":                           "=?=?=",
		"a =? b ?= c":                     "a =? b ?= c",
		"=?utf-8?Q?a=0D=0ABcc:_b=00?=":    "a Bcc: b",
		"plain text":                      "plain text",
		"folded\r\n text":                 "folded text",
		"":                                "",
	} {
		if got := DecodeHeader(in); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

// TestT10AttachmentFields: the two ways in which names are written (§14.4).
func TestT10AttachmentFields(t *testing.T) {
	typ, disp := AttachmentFields("application/pdf", "attachment", "報告書.pdf", NamesStandard)
	if typ != "application/pdf;\r\n name=\"=?UTF-8?B?5aCx5ZGK5pu4LnBkZg==?=\"" || disp != "attachment;\r\n filename*=UTF-8''%E5%A0%B1%E5%91%8A%E6%9B%B8.pdf" {
		t.Errorf("standard: %q %q", typ, disp)
	}
	typ, disp = AttachmentFields("application/pdf", "attachment", "報告書.pdf", NamesOutlook)
	if typ != "application/pdf;\r\n name=\"=?UTF-8?B?5aCx5ZGK5pu4LnBkZg==?=\"" || disp != "attachment;\r\n filename=\"=?UTF-8?B?5aCx5ZGK5pu4LnBkZg==?=\"" {
		t.Errorf("outlook: %q %q", typ, disp)
	}
	typ, disp = AttachmentFields("text/plain", "inline", `a "b".txt`, NamesStandard)
	if typ != "text/plain;\r\n name=\"a \\\"b\\\".txt\"" || disp != "inline;\r\n filename=\"a \\\"b\\\".txt\"" {
		t.Errorf("ASCII: %q %q", typ, disp)
	}
	if typ, disp = AttachmentFields("a/b", "attachment", "", NamesStandard); typ != "a/b" || disp != "attachment" {
		t.Errorf("no name: %q %q", typ, disp)
	}
	for _, style := range []NameStyle{NamesStandard, NamesOutlook} {
		for _, name := range []string{strings.Repeat("長い名前", 20) + ".xlsx", strings.Repeat("long name ", 10) + ".txt", "a;b=c'd%e.txt"} {
			typ, disp := AttachmentFields("a/b", "attachment", name, style)
			p := checkStructure(t, []byte("Content-Type: "+typ+"\r\nContent-Disposition: "+disp+"\r\n\r\n"), 8).Root
			for _, got := range []string{p.Filename(), paramValue(p.Params, "name"), paramValue(p.DispositionParams, "filename")} {
				if got != name {
					t.Errorf("%q comes back as %q from\n%s\n%s", name, got, typ, disp)
				}
			}
			for _, line := range strings.Split(disp, "\r\n") {
				if len(line) > nextLine && !strings.HasPrefix(name, "long name") {
					t.Errorf("a line of %d octets: %q", len(line), line)
				}
			}
		}
	}
}

func TestSanitizeFilename(t *testing.T) {
	for in, want := range map[string]string{
		"a.txt":                           "a.txt",
		"../../etc/passwd":                "passwd",
		`C:\temp\a.txt`:                   "a.txt",
		"a\u202etxt.exe":                  "atxt.exe",
		"か\u3099.txt":                     "が.txt",
		"a:b*c?d\"e<f>g|h.txt":            "a_b_c_d_e_f_g_h.txt",
		"a\x00\r\n.txt":                   "a.txt",
		" .hidden. ":                      "hidden",
		"\u200b":                          "",
		"..":                              "",
		"":                                "",
		"a\xff.txt":                       "a_.txt",
		strings.Repeat("あ", 100) + ".txt": strings.Repeat("あ", 83) + ".txt",
	} {
		if got := SanitizeFilename(in); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

// TestT11Normalize: the form for search and rules (§14.5).
func TestT11Normalize(t *testing.T) {
	for in, want := range map[string]string{
		"①":               "1",
		"㈱":               "(株)",
		"ｱﾊﾟｰﾄ":           "アパート",
		"Ａ１":              "a1",
		"㍿":               "株式会社",
		"10〜20":           "10~20",
		"10～20":           "10~20",
		"社\u200b外\u00ad秘": "社外秘",
		" a \r\n\tb　c ":   "a b c",
		"Straße":          "strasse",
		"ひらがな カタカナ":       "ひらがな カタカナ",
		"葛\U000e0100城":    "葛城",
		"か\u3099":         "が",
		"ABC def":         "abc def",
		"":                "",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"社 外 秘", "社外\r\n秘", "社　外秘"} {
		if got := NormalizeTight(in); got != "社外秘" {
			t.Errorf("%q = %q", in, got)
		}
	}
}
