package html

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/publicsuffix"

	"tegami/wire/mailauth/dmarc"
)

// maxCandidates is how many elements are looked at as the quoted original.
const maxCandidates = 64

// quoteNames are classes and ids by which programs mark the original below an answer.
var quoteNames = words("m_gmail_quote m_gmail_quote_container m_yahoo_quoted m_protonmail_quote m_tutanota_quote m_moz-forward-container m_zmail_extra " +
	"m_OutlookMessageHeader m_divRplyFwdMsg m_appendonsend m_stopSpelling m_reply-intro m_mail-editor-reference-message-container m_isReplyContent m_mailcontent-quote")

// tail are those of them that only stand at the original's beginning: all behind them belongs to it.
var tail = words("m_OutlookMessageHeader m_divRplyFwdMsg m_appendonsend m_stopSpelling m_mail-editor-reference-message-container")

// markQuote finds the original below an answer: the first quotation that has text before it and none behind. It is false where there is
// none; an original that somebody wrote between is no such thing.
func (p *pass) markQuote(root *html.Node) bool {
	looked := 0
	for n := range root.Descendants() {
		whole := p.hints[n] || isQuote(n)
		if n.Type != html.ElementNode || !whole && !beginsQuote(n) {
			continue
		}
		if looked++; looked > maxCandidates {
			return false
		}
		if !textBeside(n, root, before) {
			continue
		}
		if whole && textBeside(n, root, behind) {
			continue
		}
		if !whole {
			n = gather(n)
		}
		addClass(n, classQuote)
		return true
	}
	return false
}

// isQuote tells whether an element holds a quoted original.
func isQuote(n *html.Node) bool {
	if n.DataAtom == atom.Blockquote && strings.EqualFold(value(n, "type"), "cite") {
		return true
	}
	return marked(n, func(name string) bool { return quoteNames[name] && !tail[name] })
}

// marked tells whether an element's id or one of its classes is of a kind.
func marked(n *html.Node, kind func(string) bool) bool {
	return kind(value(n, "id")) || slices.ContainsFunc(strings.Fields(value(n, "class")), kind)
}

// originalHeader are the lines that Outlook puts above the original, in the languages of its users here.
var originalHeader = regexp.MustCompile(`(?s)^\s*(From|差出人|送信者|Von|De|发件人|보낸 사람)\s*[:：].*(Sent|Date|送信日時|日付|Gesendet|Envoyé|发送时间|To|宛先|Subject|件名)\s*[:：]`)

// beginsQuote tells whether an original begins with an element and goes on behind it.
func beginsQuote(n *html.Node) bool {
	if n.DataAtom != atom.Div && n.DataAtom != atom.Hr && n.DataAtom != atom.Table {
		return false
	}
	if marked(n, func(name string) bool { return tail[name] }) {
		return true
	}
	return n.DataAtom == atom.Div && strings.Contains(value(n, "style"), "border-top:solid") && originalHeader.MatchString(firstText(n, 400))
}

// firstText is the beginning of an element's text, at most so many octets and a little more.
func firstText(n *html.Node, limit int) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
		if b.Len() > limit {
			break
		}
	}
	return b.String()
}

// gather puts an element and all behind it within its parent into a div.
func gather(n *html.Node) *html.Node {
	all := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	n.Parent.InsertBefore(all, n)
	for c := n; c != nil; {
		next := c.NextSibling
		c.Parent.RemoveChild(c)
		all.AppendChild(c)
		c = next
	}
	return all
}

// textBeside tells whether there is text before or behind an element within root.
func textBeside(n, root *html.Node, step func(*html.Node) *html.Node) bool {
	for ; n != nil && n != root; n = n.Parent {
		for c := step(n); c != nil; c = step(c) {
			if c.DataAtom != atom.Style && hasText(c) {
				return true
			}
		}
	}
	return false
}

func hasText(n *html.Node) bool {
	if n.Type == html.TextNode {
		return strings.TrimSpace(n.Data) != ""
	}
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.DataAtom != atom.Style && strings.TrimSpace(c.Data) != "" {
			return true
		}
	}
	return false
}

// hostInText finds the name of a host in the text of a link: behind a scheme, or beginning with "www.", or as all of the text.
var hostInText = regexp.MustCompile(`(?i)(?:https?://|\b(www\.)|^)((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}{2,})([:/?#]\S*$|\s|$|[:/?#])`)

// namedHost is the host that a link's text names, "" for none.
func namedHost(text string) string {
	found := hostInText.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	host, ok := hostName(found[2])
	if !ok {
		return ""
	}
	if bare := len(found[0]) > 0 && strings.HasPrefix(text, found[2]) && found[1] == ""; bare {
		_, known := publicsuffix.PublicSuffix(host)
		if !known || strings.ContainsFunc(text, isBlank) {
			return "" // "report.pdf", "example.jp is down"
		}
	}
	return host
}

// markLinks gives links what keeps the page out of reach of what they open, says in their title where they lead, and lists them.
func (p *pass) markLinks(root *html.Node) {
	for n := range root.Descendants() {
		href := value(n, "href")
		if href == "" || n.DataAtom != atom.A && n.DataAtom != atom.Area {
			continue
		}
		if strings.HasPrefix(href, "#") {
			continue
		}
		set(n, "title", href)
		set(n, "rel", "noopener noreferrer nofollow")
		set(n, "target", "_blank")
		l := Link{Text: short(strings.Join(strings.Fields(firstText(n, maxValue)), " ")), Target: href}
		name, rest := scheme(href)
		if name == "http" || name == "https" {
			_, l.Host, _ = web(name, rest)
			l.Mismatch = feigned(href, l)
		}
		if l.Mismatch {
			addClass(n, classMismatch)
			set(n, "data-host", l.Host)
		}
		if len(p.clean.Links) < MaxLinks {
			p.clean.Links = append(p.clean.Links, l)
		}
	}
}

// feigned tells whether a link makes believe that it leads to another host.
func feigned(href string, l Link) bool {
	_, rest, _ := strings.Cut(href, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if user, _, ok := strings.Cut(rest, "@"); ok && strings.Contains(user, ".") {
		return true
	}
	shown := namedHost(l.Text)
	return shown != "" && registrable(shown) != registrable(l.Host)
}

// registrable is what belongs to one owner: the domain below the public suffix, or an IP address.
func registrable(host string) string {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return host
	}
	if domain := dmarc.Registrable(host); domain != "" {
		return domain
	}
	return host
}

// maxShown is how much of a link's text is listed, in octets.
const maxShown = 200

func short(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "")
}

func before(n *html.Node) *html.Node { return n.PrevSibling }

func behind(n *html.Node) *html.Node { return n.NextSibling }
