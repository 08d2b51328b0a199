package html

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// tame keeps a document from growing while it is parsed. What opens bold and its like but does not close it is opened anew by the parser
// in every block behind (HTML §13.2.4.3, at most three of each kind): a few thousand octets could become millions of elements. So only as many kinds of them
// stay as the number of pieces allows; all real mail is within it. The end of a document with too many pieces is cut.
func tame(src string) (string, Cut) {
	if strings.Count(src, "<") < 1<<8 {
		return src, 0
	}
	pieces, kinds, end := survey(src)
	var cut Cut
	if end < len(src) {
		src, cut = src[:end], CutNodes
	}
	may := max(4, maxWork/(3*pieces))
	if kinds <= may {
		return src, cut
	}
	return thinned(src, may), cut | CutNodes
}

// survey counts the pieces of a document and its kinds of formatting, and tells where it is to end.
func survey(src string) (pieces, kinds, end int) {
	z := html.NewTokenizer(strings.NewReader(src))
	seen := map[string]bool{}
	for pieces < maxPieces {
		kind := z.Next()
		if kind == html.ErrorToken {
			return max(1, pieces), len(seen), len(src)
		}
		pieces++
		raw := z.Raw()
		end += len(raw)
		if kind == html.StartTagToken && opensFormat(z) {
			seen[string(raw)] = true
		}
	}
	return pieces, len(seen), end
}

func opensFormat(z *html.Tokenizer) bool {
	name, _ := z.TagName()
	return formatting[atom.Lookup(name)]
}

// thinned is a document with its first kinds of formatting only.
func thinned(src string, may int) string {
	z := html.NewTokenizer(strings.NewReader(src))
	seen := map[string]bool{}
	var out strings.Builder
	for {
		kind := z.Next()
		raw := string(z.Raw())
		if kind == html.ErrorToken {
			out.WriteString(raw)
			return out.String()
		}
		if kind == html.StartTagToken && opensFormat(z) && !seen[raw] {
			if len(seen) >= may {
				continue
			}
			seen[raw] = true
		}
		out.WriteString(raw)
	}
}
