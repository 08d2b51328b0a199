package mime

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestMarker marks what a search finds: without case, width and line ends, in escaped text.
func TestMarker(t *testing.T) {
	for _, c := range []struct{ text, needles, want string }{
		{"The Quick <b>brown</b> fox", "quick", "The <mark>Quick</mark> &lt;b&gt;brown&lt;/b&gt; fox"},
		{"社\r\n外　秘の資料", "社外秘", "<mark>社\r\n外　秘</mark>の資料"},
		{"ﾊﾞﾅﾅとバナナ", "バナナ", "<mark>ﾊﾞﾅﾅ</mark>と<mark>バナナ</mark>"},
		{"ＡＢＣ abc", "abc", "<mark>ＡＢＣ</mark> <mark>abc</mark>"},
		{"㍿手紙", "会社", "<mark>㍿</mark>手紙"},
		{"one two", "two|one t", "<mark>one two</mark>"},
		{"straße & co", "STRASSE", "<mark>straße</mark> &amp; co"},
		{"nothing here", "x", ""},
		{"nothing asked", "", ""},
		{"\"a\" 'b'", "a", "&quot;<mark>a</mark>&quot; &#39;b&#39;"},
	} {
		if got := NewMarker(strings.Split(c.needles, "|")).Mark(c.text); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.needles, c.text, got, c.want)
		}
	}
}

// TestAround cuts a long text around what was found, between characters, and ends every mark.
func TestAround(t *testing.T) {
	long := strings.Repeat("これは長い文章です。", 100) + "見積書を\r\n\tお送りします。" + strings.Repeat("以上です。", 100)
	got := NewMarker([]string{"見積書"}).Around(long, 255)
	if !strings.HasPrefix(got, "…") || !strings.Contains(got, "<mark>見積書</mark>を お送り") || len(got) > 255 || len(got) < 240 {
		t.Errorf("%d octets: %q", len(got), got)
	}
	if got := NewMarker([]string{"word"}).Around("a word", 255); got != "a <mark>word</mark>" {
		t.Errorf("%q", got)
	}
	if got := NewMarker([]string{strings.Repeat("x", 300)}).Around(strings.Repeat("x", 300), 100); len(got) > 100 || !strings.HasSuffix(got, "x</mark>") {
		t.Errorf("%q", got)
	}
}

// FuzzMarker: marks are in pairs, nothing stands in the result that is a tag beside them, and its length is bounded.
func FuzzMarker(f *testing.F) {
	f.Add("a<b>&社外秘ﾊﾞ", "社外", 40)
	f.Add("\xff\xfe ab", "b", 20)
	f.Fuzz(func(t *testing.T, text, needle string, limit int) {
		limit = min(max(limit, 0), 1000)
		m := NewMarker([]string{needle, "a"})
		for _, got := range []string{m.Mark(text), m.Around(text, limit)} {
			plain := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(got)
			if strings.Count(got, "<mark>") != strings.Count(got, "</mark>") || strings.ContainsAny(plain, "<>\"'") || !utf8.ValidString(got) {
				t.Errorf("%q", got)
			}
		}
		if got := m.Around(text, limit); len(got) > limit {
			t.Errorf("%d octets of %d: %q", len(got), limit, got)
		}
	})
}
