package marks

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// minLabel is the length in octets from which on a name is compared with others by letters: short names are neighbours of each other by chance.
const minLabel = 6

// lookAlike gives the known domain that a domain is made to look like, "" for none: it is written with letters that look alike, differs by one
// letter, has the same name below another suffix or with a word beside it, or bears the whole of it below a domain of somebody else's.
func (c *Circle) lookAlike(domain string) string {
	own := owner(domain)
	if own == "" || c.domains[own] || common[own] {
		return ""
	}
	if like := c.looks[skeleton(unicodeOf(own))]; len(like) > 0 {
		return like[0]
	}
	if like := c.borne(strings.ToLower(domain), own); like != "" {
		return like
	}
	name, _, _ := strings.Cut(own, ".")
	for _, l := range c.labels {
		if near(name, l.name) || beside(name, l.name) {
			return l.domain
		}
	}
	return ""
}

// borne gives a known domain that stands whole in the labels before a domain of somebody else's: "example.co.jp.evil.net".
func (c *Circle) borne(domain, own string) string {
	head := strings.TrimSuffix(strings.TrimSuffix(domain, own), ".")
	for head != "" {
		for rest := head; rest != ""; {
			if c.domains[rest] {
				return rest
			}
			cut := strings.LastIndexByte(rest, '.')
			if cut < 0 {
				break
			}
			rest = rest[:cut]
		}
		_, after, found := strings.Cut(head, ".")
		if !found {
			break
		}
		head = after
	}
	return ""
}

// beside tells whether a name is another one with a word joined to it: "example-support". A longer word without a hyphen may be anybody's.
func beside(name, known string) bool {
	return name == known || strings.HasPrefix(name, known+"-") || strings.HasSuffix(name, "-"+known)
}

// near tells whether two names differ by one letter that was changed, left out, put in or swapped with its neighbour.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < minLabel-1 || len(b)-len(a) > 1 || a == b || strings.HasPrefix(a, "xn--") || strings.HasPrefix(b, "xn--") {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// unicodeOf is a domain as a browser might show it.
func unicodeOf(domain string) string {
	if shown, err := idna.Punycode.ToUnicode(domain); err == nil {
		return shown
	}
	return domain
}

// skeleton is how a text looks: letters of other scripts, with marks, and pairs that look like a Latin letter are that letter (after UTS #39 §4,
// for the letters that names of hosts are made of).
func skeleton(text string) string {
	var b strings.Builder
	for _, c := range norm.NFKD.String(strings.ToLower(text)) {
		if plain, ok := confusable[c]; ok {
			b.WriteString(plain)
		} else if c < 0x300 || c > 0x36F { // marks above and below letters
			b.WriteRune(c)
		}
	}
	return pairs.Replace(b.String())
}

// pairs are letters that together look like another one.
var pairs = strings.NewReplacer("rn", "m", "vv", "w", "cl", "d", "nn", "m")

// confusable are letters that look like Latin ones: of the Cyrillic, Greek, Armenian and other scripts, and digits.
var confusable = map[rune]string{
	'0': "o", '1': "l", 'i': "l", '|': "l", '5': "s", '3': "e",
	'а': "a", 'в': "b", 'с': "c", 'ԁ': "d", 'е': "e", 'ё': "e", 'һ': "h", 'і': "l", 'ї': "l", 'ј': "j", 'к': "k", 'ӏ': "l", 'м': "m", 'н': "h", 'о': "o", 'р': "p",
	'ԛ': "q", 'ѕ': "s", 'т': "t", 'у': "y", 'ѵ': "v", 'ԝ': "w", 'х': "x", 'ү': "y", 'ғ': "f", 'ɡ': "g", 'п': "n", 'г': "r", 'э': "e", 'ь': "b",
	'α': "a", 'β': "b", 'ε': "e", 'η': "n", 'ι': "l", 'κ': "k", 'ν': "v", 'ο': "o", 'ρ': "p", 'σ': "o", 'τ': "t", 'υ': "u", 'χ': "x", 'ω': "w", 'γ': "y", 'ϲ': "c",
	'ո': "n", 'օ': "o", 'ս': "u", 'հ': "h", 'ց': "g", 'զ': "q", 'յ': "j", 'ք': "f", 'ա': "w",
	'ı': "l", 'ł': "l", 'ɩ': "l", 'ø': "o", 'đ': "d", 'ħ': "h", 'ŧ': "t", 'ɑ': "a", 'ʏ': "y", 'ᴏ': "o", 'ᴄ': "c", 'ᴠ': "v", 'ᴡ': "w", 'ᴢ': "z", 'ꜱ': "s", 'ß': "b",
	'〇': "o", '一': "-", 'ー': "-", '‐': "-", '‑': "-", '–': "-", '—': "-", '−': "-", '٠': "o", '۰': "o", 'ه': "o", 'ס': "o", 'o': "o",
}
