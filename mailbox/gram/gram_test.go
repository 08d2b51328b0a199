package gram

import (
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"tegami/wire/mime"
)

// read gives the letters of a text.
func read(text string) (list []letter) {
	for _, r := range text {
		entry, page := letters.of(r)
		switch {
		case entry == 0:
		case entry&several == 0:
			list = append(list, letter(entry))
		default:
			list = append(list, page.lists[entry&^several]...)
		}
	}
	return list
}

// TestLettersOfEveryCharacter holds each character's letters against every way in which texts are normalized before they are compared.
func TestLettersOfEveryCharacter(t *testing.T) {
	forms := map[string]func(string) string{
		"Normalize": mime.Normalize, "NormalizeTight": mime.NormalizeTight, "NFC": norm.NFC.String, "NFD": norm.NFD.String,
		"NFKC": norm.NFKC.String, "NFKD": norm.NFKD.String, "lower": strings.ToLower,
		"NFKC, lower": func(s string) string { return strings.ToLower(norm.NFKC.String(s)) },
	}
	for name, form := range forms {
		wrong := 0
		for r := range unicode.MaxRune + 1 {
			if !utf8.ValidRune(r) {
				continue
			}
			if got, want := read(form(string(r))), read(string(r)); !slices.Equal(got, want) {
				if wrong++; wrong < 5 {
					t.Errorf("%s of %U %q: letters %x, want %x", name, r, r, got, want)
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d characters", name, wrong)
		}
	}
}

func TestASCIIIsAsTheTable(t *testing.T) {
	for c := range rune(utf8.RuneSelf) {
		var want letter
		if list := lettersOf(c); len(list) == 1 {
			want = list[0]
		} else if len(list) > 1 {
			t.Errorf("%q: %x", c, list)
		}
		if ascii[c] != want {
			t.Errorf("%q is %x, want %x", c, ascii[c], want)
		}
	}
}

func TestNeedle(t *testing.T) {
	for _, c := range []struct {
		needle string
		grams  int
	}{
		{"", 0}, {"a", 0}, {"ab", 0}, {"a b", 0}, {"abc", 1}, {"a b c", 1}, {"abcd", 2}, {"ABC", 1},
		{"会", 1}, {"会議", 1}, {"の", 0}, {"メール", 2}, {"が", 0}, {"がん", 1}, {"A社", 1}, {"社A", 1}, {"AB社", 2},
		{"🎉", 1}, {"a🎉", 2}, {"aab", 1}, {"aaaa", 1}, {"\u200b\u00ad", 0}, {"㍿", 3}, {"한국", 4}, {"ß1", 1},
	} {
		if got := Needle(c.needle); len(got) != c.grams {
			t.Errorf("%q has %d grams, want %d", c.needle, len(got), c.grams)
		}
	}
}

func TestSameGrams(t *testing.T) {
	for _, c := range [][2]string{
		{"ＡＢＣ株式会社", "abc株式会社"}, {"ﾒｰﾙｻｰﾋﾞｽ", "メールサービス"}, {"ガ\u3099ス", "カス"}, {"１〜５", "1～5"}, {"社 外\r\n 秘", "社外秘"}, {"Straße", "STRASSE"},
		{"co\u00adop", "coop"}, {"Café", "cafe\u0301"}, {"①②③", "123"}, {"㈱手紙", "(株)手紙"}, {"か\u309bれ", "がれ"},
	} {
		a, b := Needle(c[0]), Needle(c[1])
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%q and %q: %x, %x", c[0], c[1], a, b)
		}
	}
	if slices.Equal(Needle("メール"), Needle("めーる")) {
		t.Error("hiragana and katakana are the same")
	}
}

// pieces are what random texts are made of.
var pieces = strings.Split("the|invoice| of |2026-11-30|Ｔｏｋｙｏ|御請求書|について|ﾃﾞｰﾀﾍﾞｰｽ|メール|か\u3099っこう|社\r\n 外|秘|🎉|👩‍💻|①|㈱|Straße|Œuvre|naïve|\u200b|\u00ad| |\r\n|　|ー|〜|~|한국어|Москва|ไทย|a|Ａ|\ufe0f|é|e\u0301", "|")

func randomText(rng *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

// mutate gives another way in which people write the same.
func mutate(rng *rand.Rand, s string) string {
	switch rng.IntN(7) {
	case 0:
		return mime.Normalize(s)
	case 1:
		return mime.NormalizeTight(s)
	case 2:
		return norm.NFD.String(s)
	case 3:
		return width.Narrow.String(s)
	case 4:
		return strings.ToLower(s)
	case 5:
		return width.Widen.String(s)
	}
	return s
}

// TestPartHasNoOtherGrams is what the index rests on: whatever part of a text is looked for, however it is written, all
// grams of the part are grams of the text.
func TestPartHasNoOtherGrams(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s Set
	for range 20_000 {
		text := []rune(randomText(rng, 1+rng.IntN(12)))
		from := rng.IntN(len(text))
		needle := mutate(rng, string(text[from:from+rng.IntN(len(text)-from)+1]))
		s.Reset()
		for rest := []byte(mutate(rng, string(text))); len(rest) > 0; {
			n := 1 + rng.IntN(len(rest))
			s.Write(rest[:n]) // in portions that cut characters
			rest = rest[n:]
		}
		for _, k := range Needle(needle) {
			if !slices.Contains(s.Keys(), k) {
				t.Fatalf("%q in %q: %x is missing", needle, string(text), k)
			}
		}
	}
}

func TestSetKeepsEachOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var s Set
	for range 20 {
		s.Reset()
		text := randomText(rng, rng.IntN(40_000))
		s.WriteString(text)
		s.Cut()
		s.WriteString(text)
		keys := slices.Clone(s.Keys())
		slices.Sort(keys)
		if len(slices.Compact(keys)) != s.Len() {
			t.Fatal("a gram twice")
		}
	}
	s.Reset()
	for range 200_000 { // the table grows
		s.add(rng.Uint32())
	}
	keys := slices.Clone(s.Keys())
	slices.Sort(keys)
	if n := len(slices.Compact(keys)); n != s.Len() || n < 199_000 {
		t.Fatalf("%d of %d", n, s.Len())
	}
}

func TestCutKeepsStretchesApart(t *testing.T) {
	var s Set
	s.Reset()
	s.WriteString("ab")
	s.Cut()
	s.WriteString("cd")
	if s.Len() != 0 {
		t.Errorf("%d grams across a cut", s.Len())
	}
}

// FuzzSet holds what is written in portions against what is written at once.
func FuzzSet(f *testing.F) {
	f.Add([]byte("日本語 text"), 4)
	f.Add([]byte("\xff\xe3\x81"), 1)
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		var one, two Set
		one.Reset()
		two.Reset()
		one.WriteString(strings.ToValidUTF8(string(text), ""))
		if at = max(0, min(at, len(text))); !utf8.Valid(text) {
			two.Write(text[:at])
			two.Write(text[at:])
			return
		}
		two.Write(text[:at])
		two.Write(text[at:])
		if !slices.Equal(one.Keys(), two.Keys()) {
			t.Errorf("%q at %d: %x, %x", text, at, one.Keys(), two.Keys())
		}
	})
}

func BenchmarkSet(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	english := strings.Repeat("All work and no play makes Jack a dull boy, they say.\r\n", 20)
	var japanese strings.Builder
	for range 2500 {
		japanese.WriteRune(0x4e00 + rune(rng.ExpFloat64()*300))
	}
	for name, text := range map[string]string{"English": english, "Japanese": japanese.String(), "mixed": randomText(rng, 1200)} {
		b.Run(name, func(b *testing.B) {
			var s Set
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s.Reset()
				io.WriteString(&s, text)
			}
			b.ReportMetric(float64(s.Len()), "grams")
		})
	}
}

// TestPlacesAreRandom: where a gram stands in a set cannot be known beforehand, so that no text makes a set slow on purpose.
func TestPlacesAreRandom(t *testing.T) {
	places := map[string]bool{}
	for range 4 {
		var s Set
		s.Reset()
		s.WriteString("the quick brown fox jumps over the lazy dog")
		var b strings.Builder
		for _, slot := range s.seen {
			b.WriteByte(byte(slot.age))
		}
		places[b.String()] = true
	}
	if len(places) == 1 {
		t.Error("all sets have their grams in the same places")
	}
}
