package mime

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// spaceless is Searchable told in the words of Normalize.
func spaceless(s string) string {
	words := strings.Split(Normalize(s), " ")
	out := words[0]
	for _, w := range words[1:] {
		before, _ := utf8.DecodeLastRuneInString(out)
		after, _ := utf8.DecodeRuneInString(w)
		if out != "" && !compactRune(before) && !compactRune(after) {
			out += " "
		}
		out += w
	}
	return out
}

func TestSearchable(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		" Hello,\r\n  World ":              "hello, world",
		"社 外 秘":                            "社外秘",
		"社外\r\n秘":                          "社外秘",
		"Dovecot\r\nの設定":                   "dovecotの設定",
		"ＴＥＧＡＭＩ　ｶﾞｲﾄﾞ":                     "tegamiガイド",
		"東京〜大阪～京都~":                        "東京~大阪~京都~",
		"か\u3099く":                         "がく",
		"zero\u200bwidth soft\u00adhyphen": "zerowidth softhyphen",
		"Straße ÉCOLE e\u0301":             "strasse école é",
		"서울 특별시":                           "서울 특별시",
		"㈱手紙 ①":                            "(株)手紙1",
		"a\u00a0b\u2003c":                  "a b c",
	} {
		if got := Searchable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzSearchable(f *testing.F) {
	for _, s := range []string{"社 外\r\n秘 Word e\u0301", "ｶﾞ\u200bｷ  a\xffb\xe3\x81", "か\u3099 か", "İ ŉ ﷺ", "\u00a0x \u3000y"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, cut int) {
		got := Searchable(s)
		if want := spaceless(s); got != want && len(s) < maxHard {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
		var fold Folder
		var out []byte
		for rest := []byte(s); ; {
			n := min(max(cut&0xf, 1), len(rest))
			out = fold.Append(out, rest[:n], n == len(rest))
			if n == len(rest) {
				break
			}
			rest = rest[n:]
		}
		if string(out) != got && len(s) < maxHard {
			t.Errorf("%q in portions of %d: %q, want %q", s, cut&0xf, out, got)
		}
	})
}

func TestT11HTMLText(t *testing.T) {
	for in, want := range map[string]string{
		"<p>Hello <b>wo</b>rld</p><p>next":                                                  "hello world next",
		"社<span>外</span>秘<br>次":                                                             "社外秘次",
		"<style>p{color:red}</style><script>if (a<b) x()</script>ok":                        "ok",
		"a&amp;b &lt;c&gt; &#12354;&nbsp;x":                                                 "a&b <c>あx",
		`<a href="https://alpha.example/x?y=1" title="Tip">link</a><img src=cid:1 alt="図">`: "link https://alpha.example/x?y=1 tip cid:1図",
		"<!-- hidden --><td>one</td><td>two</td>":                                           "one two",
		"no tags at all, 1 < 2":                                                             "no tags at all, 1 < 2",
	} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			got, err := io.ReadAll(HTMLText(r))
			if err != nil || Searchable(string(got)) != want {
				t.Errorf("%q: %q, want %q (%v)", in, Searchable(string(got)), want, err)
			}
		}
	}
}

func BenchmarkSearchable(b *testing.B) {
	for name, text := range map[string]string{
		"ascii":    strings.Repeat("All work and no play makes a dull mail server.\r\n", 200),
		"japanese": strings.Repeat("お世話になっております。手紙株式会社の佐藤です。\r\n", 200),
		"cyrillic": strings.Repeat("Уважаемые коллеги, добрый день!\r\n", 200),
	} {
		b.Run(name, func(b *testing.B) {
			src, dst := []byte(text), make([]byte, 0, len(text))
			b.SetBytes(int64(len(src)))
			var f Folder
			for b.Loop() {
				dst = f.Append(dst[:0], src, true)
			}
		})
	}
}
