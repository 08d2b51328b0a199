package mime

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"

	"tegami/mail"
)

// AddressKind tells an address from the marks of a group (RFC 5322 §3.4).
type AddressKind uint8

// Kinds of entries in an address list.
const (
	Mailbox    AddressKind = iota // an address
	GroupStart                    // Display is the group's name; its members follow
	GroupEnd                      // ends a group; nothing else is set
)

// An Address is one entry of an address field.
type Address struct {
	Kind    AddressKind
	Display string // display name, unquoted, encoded words as written; "" when there is none
	Local   string // local part, unquoted, as written
	Domain  string // as written; "" when there is none
}

// Name is the display name, decoded.
func (a Address) Name() string { return DecodeHeader(a.Display) }

// Mail gives the address as the house knows it: canonical domain, unquoted local part. The error's kind is Invalid.
func (a Address) Mail() (mail.Address, error) {
	const op = "mime.Address.Mail"
	domain, ok := mail.ParseDomain(a.Domain)
	if !ok || a.Local == "" || a.Kind != Mailbox || len(a.Local) > mail.MaxLocalPart || !utf8.ValidString(a.Local) {
		return mail.Address{}, mail.E(op, mail.Invalid, "address.malformed", a.Local+"@"+a.Domain)
	}
	return mail.Address{Local: a.Local, Domain: domain}, nil
}

// Limits of one address field.
const (
	maxAddresses    = 20000 // entries that are read
	maxAddressWords = 200   // words of one entry that are heeded
)

// ParseAddressList reads an address field's unfolded value. It takes what real programs
// write: dots anywhere in a local part, unquoted dots and 8-bit text in display names,
// encoded words with specials in them, full-width ＠ and 、 typed by people, semicolons for
// commas, missing brackets, names in comments. A bare word is an address without a domain.
func ParseAddressList(raw string) []Address {
	p := addressParser{s: raw, dbcs: !utf8.ValidString(raw)}
	for p.at < len(p.s) && len(p.out) < maxAddresses {
		p.entry()
	}
	if p.group {
		p.out = append(p.out, Address{Kind: GroupEnd})
	}
	return p.out
}

// addressParser reads one list. words are those of the entry at hand.
type addressParser struct {
	s     string
	at    int
	dbcs  bool // not UTF-8: octets may be pairs of Shift_JIS
	group bool // inside a group
	out   []Address

	words   []token
	buf     [6]token // what words uses at first
	comment string   // the entry's last comment
}

// token is an atom-like run of text or the content of a quoted string.
type token struct {
	text       string
	start, end int // where it stands, quotes included
	quoted     bool
}

// entry reads up to the next separator.
func (p *addressParser) entry() {
	p.words, p.comment = p.buf[:0], ""
	for p.at < len(p.s) {
		switch c := p.s[p.at]; c {
		case ' ', '\t', '\r', '\n':
			p.at++
		case '(':
			p.comment = p.readComment()
		case '"':
			p.add(p.readQuoted())
		case ',', ';':
			p.at++
			p.bare()
			p.endGroup(c)
			return
		case ':':
			p.at++
			if p.startGroup() {
				return
			}
		case '<':
			p.angle()
			return
		case '>', ')':
			p.at++
		default:
			p.add(p.readText())
			if p.wideSeparator() {
				p.bare()
				return
			}
		}
	}
	p.bare()
}

func (p *addressParser) add(w token) {
	if len(p.words) < maxAddressWords {
		p.words = append(p.words, w)
	}
}

func (p *addressParser) endGroup(separator byte) {
	if separator == ';' && p.group {
		p.group = false
		p.out = append(p.out, Address{Kind: GroupEnd})
	}
}

// startGroup begins a group if the words before the colon can name one.
func (p *addressParser) startGroup() bool {
	if p.group || len(p.words) == 0 {
		return false
	}
	if len(p.words) == 1 && strings.EqualFold(p.words[0].text, "mailto") {
		p.words = p.words[:0]
		return false
	}
	p.group = true
	p.out = append(p.out, Address{Kind: GroupStart, Display: p.display(p.words)})
	return true
}

// bare ends an entry without angle brackets.
func (p *addressParser) bare() {
	if len(p.words) == 0 {
		return
	}
	a, before := p.spec(p.words)
	if a.Display = p.display(before); a.Display == "" {
		a.Display = p.comment
	}
	p.out = append(p.out, a)
}

// angle reads "<spec>" and what is behind it up to the separator.
func (p *addressParser) angle() {
	n, comment := len(p.words), p.comment
	for p.at < len(p.s) && p.s[p.at] == '<' {
		p.at++
	}
	p.inAngle()
	inside := p.words[n:]
	a, _ := p.spec(inside)
	p.words = p.words[:n]
	separator := p.trailer()
	switch a.Display = p.display(p.words); {
	case a.Display == "":
		a.Display = p.comment
	case n > 0 && comment != "":
		a.Display += " (" + comment + ")" // people mean it to be seen
	}
	p.out = append(p.out, a)
	p.endGroup(separator)
}

// inAngle gathers the words up to ">", or to a comma when that is missing.
func (p *addressParser) inAngle() {
	outside, seen := len(p.words), false
	for p.at < len(p.s) {
		switch c := p.s[p.at]; c {
		case '>':
			p.at++
			return
		case ' ', '\t', '\r', '\n':
			p.at++
		case '"':
			p.add(p.readQuoted())
		case '(':
			p.readComment()
		case ',', ';':
			if seen {
				return
			}
			p.at++
		case ':', '<', ')':
			p.at++
			if c == ':' { // behind a source route, or a scheme
				p.words = p.words[:outside]
				seen = false
			}
		default:
			t := p.readText()
			seen = seen || strings.IndexByte(t.text, '@') > 0
			p.add(t)
		}
	}
}

// trailer passes to the next separator and gives it, 0 at the end. Words there are a display name if there is none yet.
func (p *addressParser) trailer() byte {
	begin, words := p.at, len(p.words)
	named := words > 0
	for p.at < len(p.s) {
		switch c := p.s[p.at]; c {
		case ',', ';':
			p.at++
			return c
		case '(':
			p.comment = p.readComment()
		case '"':
			if w := p.readQuoted(); !named {
				p.add(w)
			}
		case ' ', '\t', '\r', '\n', '>', ')', ':':
			p.at++
		case '<': // no separator between two addresses: the words are the next one's
			p.at, p.words = begin, p.words[:words]
			return 0
		default:
			if n := wideSeparatorAt(p.s[p.at:]); n > 0 {
				p.at += n
				return ','
			}
			if w := p.readText(); !named {
				p.add(w)
			}
		}
	}
	return 0
}

// readText reads a run up to white space or a special. Encoded words and two-octet text are passed over whole.
func (p *addressParser) readText() token {
	start, spec := p.at, false
	for p.at < len(p.s) {
		c := p.s[p.at]
		switch {
		case c == '=' && strings.HasPrefix(p.s[p.at:], "=?"):
			p.at += encodedWordLen(p.s[p.at:])
			continue
		case c == '[':
			p.literal()
			continue
		case textSpecial(c):
			if p.at == start {
				p.at++
			}
			return token{text: p.s[start:p.at], start: start, end: p.at}
		case c == '@' || c >= 0x80 && strings.HasPrefix(p.s[p.at:], "＠"):
			spec = true
		case spec && c >= 0x80 && wideSeparatorAt(p.s[p.at:]) > 0:
			return token{text: p.s[start:p.at], start: start, end: p.at}
		}
		p.at += textStep(p.s, p.at, p.dbcs)
	}
	return token{text: p.s[start:p.at], start: start, end: p.at}
}

// literal passes over a domain literal; a bracket that isn't closed in its word is text.
func (p *addressParser) literal() {
	near := p.s[p.at:min(len(p.s), p.at+mail.MaxDomain)]
	if i := strings.IndexAny(near, "] \t<>"); i > 0 && near[i] == ']' {
		p.at += i
	}
	p.at++
}

func textSpecial(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', '"', '(', ')', '<', '>', ',', ';', ':':
		return true
	}
	return false
}

// encodedWordLen is the length of the encoded word s begins with, or 1.
func encodedWordLen(s string) int {
	_, rest, ok := cutWord(s)
	n := len(s) - len(rest)
	if !ok || !strings.HasSuffix(s[:n], "?=") || strings.ContainsAny(s[:n], " \t") {
		return 1
	}
	return n
}

// wideSeparator passes over 、 ， or ； behind an address, as people type them (§15).
func (p *addressParser) wideSeparator() bool {
	n := wideSeparatorAt(p.s[p.at:])
	if n == 0 || wideAt(p.words[len(p.words)-1].text) < 0 {
		return false
	}
	p.at += n
	return true
}

func wideSeparatorAt(s string) int {
	for _, sep := range [...]string{"、", "，", "；"} {
		if strings.HasPrefix(s, sep) {
			return len(sep)
		}
	}
	return 0
}

// wideAt is the place of the last @ or ＠ of s, or -1.
func wideAt(s string) int {
	return max(strings.LastIndexByte(s, '@'), strings.LastIndex(s, "＠"))
}

// readQuoted reads a quoted string; one without end goes to the end of the field.
func (p *addressParser) readQuoted() token {
	start := p.at
	p.at++
	plain := true
	for p.at < len(p.s) && p.s[p.at] != '"' {
		if p.s[p.at] == '\\' {
			plain = false
			p.at = min(p.at+2, len(p.s))
			continue
		}
		p.at += textStep(p.s, p.at, p.dbcs)
	}
	text := p.s[start+1 : p.at]
	p.at = min(p.at+1, len(p.s))
	if !plain {
		q := paramScanner{dbcs: p.dbcs}
		text = q.unescape(text)
	}
	return token{text: text, start: start, end: p.at, quoted: true}
}

// readComment reads a comment and gives its content.
func (p *addressParser) readComment() string {
	c := paramScanner{s: p.s, at: p.at}
	c.comment()
	text := p.s[p.at+1 : c.at]
	p.at = c.at
	text = strings.TrimSuffix(text, ")")
	if strings.IndexByte(text, '\\') >= 0 {
		text = c.unescape(text)
	}
	return strings.TrimSpace(text)
}

// display makes a display name of words: as it was written if they are plain, else joined by spaces.
func (p *addressParser) display(words []token) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return strings.TrimSpace(words[0].text)
	}
	first, last := words[0], words[len(words)-1]
	plain := p.s[first.start:last.end]
	if strings.IndexByte(plain, '"') < 0 && strings.IndexByte(plain, '(') < 0 {
		return plain
	}
	var b strings.Builder
	for i, w := range words {
		if i > 0 && words[i-1].end != w.start {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	return strings.TrimSpace(b.String())
}

// spec finds the address among words and gives the words before it.
func (p *addressParser) spec(words []token) (a Address, before []token) {
	for i := len(words) - 1; i >= 0; i-- {
		if w := words[i]; !w.quoted {
			if at := strings.LastIndexByte(w.text, '@'); at >= 0 {
				return p.around(words, i, at, 1)
			}
		}
	}
	for i := len(words) - 1; i >= 0; i-- {
		if at := strings.LastIndex(words[i].text, "＠"); at >= 0 {
			a, before = p.around(words, i, at, len("＠"))
			a.Local, a.Domain = narrow(a.Local), narrow(a.Domain)
			return a, before
		}
	}
	if len(words) == 1 && words[0].quoted { // "user@example" in quotes
		if local, domain, ok := cutLast(words[0].text, '@'); ok && strings.IndexByte(words[0].text, ' ') < 0 {
			return Address{Local: local, Domain: domain}, nil
		}
	}
	return Address{Local: p.display(words)}, nil
}

// around takes the address whose @ of n octets stands at an offset of word i. Words that touch
// it belong to it, and where one side is empty, the nearest word does (RFC 5322 §4.4).
func (p *addressParser) around(words []token, i, at, n int) (a Address, before []token) {
	a.Local, a.Domain = words[i].text[:at], words[i].text[at+n:]
	first := i
	for first > 0 && (a.Local == "" || words[first-1].end == words[first].start) {
		first--
		a.Local = words[first].text + a.Local
	}
	for j := i + 1; j < len(words) && (a.Domain == "" || words[j-1].end == words[j].start); j++ {
		a.Domain += words[j].text
	}
	if strings.HasPrefix(a.Local, "=?") { // an encoded address, against RFC 2047 §5
		a.Local = DecodeHeader(a.Local)
	}
	return a, words[:first]
}

func cutLast(s string, c byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, c); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// Format writes an address for a header: the display name quoted where it has to be, or in
// encoded words of a charset (see EncodeHeader), the local part quoted where RFC 5321 needs it.
func (a Address) Format(charset string) string {
	spec := cleanText(mail.QuoteLocal(a.Local) + "@" + a.Domain)
	name := a.Name()
	switch {
	case name == "":
		return spec
	case !plainASCII(name) || strings.Contains(name, "=?"):
		return EncodeHeader(name, charset) + " <" + spec + ">"
	case strings.ContainsAny(name, "()<>@,;:\\\".[]\t"):
		return quoteString(name) + " <" + spec + ">"
	}
	return name + " <" + spec + ">"
}

// narrow makes ASCII of full-width letters, digits and signs.
func narrow(s string) string { return width.Narrow.String(s) }
