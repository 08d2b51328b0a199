package spam

import (
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/mime"
)

// Limits of looking at a message.
const (
	maxParts    = 100       // leaf parts that are looked at
	maxBody     = 512 << 10 // octets of text that are read of all parts together
	maxTexts    = 64 << 10  // octets of text that are read of all attachments together
	minShouting = 60        // letters a text needs for its capitals to mean something
	minBroken   = 10        // characters that can't be decoded, from which a text is broken
	minMasked   = 3         // words of mixed alphabets, or invisible characters within words, that are a trick
)

// GTUBE is the line by which a filter is tried: every message with it is spam.
const GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

// Features are what Look noticed of a message. They are the same for every company.
type Features struct {
	hits    []hit
	tokens  []uint64
	keys    []string // of reputation
	domains []string // registered, of links and the author
	author  mail.Address
	replyTo mail.Address // where answers go, when that is another domain
	display string       // the author's name as it is shown
	proved  bool         // the author's domain said that the message is its own
	sender  mail.Address // of the envelope
	Digest  Simhash      // of its words; 0 where there are too few
}

// look is one message being looked at.
type look struct {
	f        Features
	hits     hits
	words    reader
	head     header
	links    links
	htmlSeen int // octets of text that HTML shows
	plain    int // octets of plain text
	room     int // octets of text that may still be read
	parts    int
	rich     bool // there is an HTML part
}

// Look reads a message. It never fails: what can't be read is a trait of the message.
func Look(q *Inquiry) *Features {
	l := &look{room: maxBody}
	l.words.tokens = newTokenSet()
	if q.Octets != nil && q.Message != nil && q.Message.Root != nil {
		l.readHeader(headerOf(q))
		l.judgeHeader(q)
		l.words.text(inSubject, l.head.subject)
		l.words.text(inBody, l.head.subject)
		l.body(q, q.Message.Root)
		l.structure(q.Message)
	}
	l.attached(q)
	l.facts(q)
	l.f.hits = l.hits.list
	l.f.domains = l.named()
	l.f.tokens = l.words.tokens.sorted()
	l.f.Digest = l.words.near.digest()
	return &l.f
}

// Tokens are what is counted when somebody says that a message is spam, or is not: each once, sorted, at most MaxTokens.
func Tokens(f *Features) []uint64 { return f.tokens }

// Keys are the networks and domains the message speaks for: what Memory's Reputation is asked, and what is counted when it is known
// to be good or bad.
func (f *Features) Keys() []string { return f.keys }

// Author is the address in the header's From; null where there is none.
func (f *Features) Author() mail.Address { return f.author }

// headerOf reads the message's header, as much of it as is looked at.
func headerOf(q *Inquiry) mime.Header {
	b := make([]byte, min(q.Message.Root.BodyStart, maxHeader))
	n, err := q.Octets.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil
	}
	return b[:n]
}

// body looks at the texts of a message, leaf by leaf.
func (l *look) body(q *Inquiry, root *mime.Part) {
	root.Walk(func(p *mime.Part) bool {
		if p.IsMultipart() || p.IsMessage() {
			return true
		}
		if l.parts++; l.parts > maxParts {
			return false
		}
		l.words.tokens.add(hash(inForm, p.Type+"/"+p.Subtype+" "+p.Encoding))
		switch {
		case p.IsText() && p.Disposition != "attachment":
			l.text(q, p)
		default:
			l.name(p.Filename())
		}
		return true
	})
}

// text looks at a part of text.
func (l *look) text(q *Inquiry, p *mime.Part) {
	if l.room <= 0 {
		return
	}
	v, err := mime.ReadValue(p, q.Octets, min(l.room, maxText))
	if err != nil {
		return
	}
	l.room -= len(v.Text)
	l.charset(p, v)
	text := v.Text
	if p.Subtype == "html" {
		l.rich = true
		text = l.markup(text)
	} else {
		l.plain += len(strings.TrimSpace(text))
		l.textLinks(text)
	}
	if strings.Contains(text, GTUBE) {
		l.hits.add(ruleGTUBE)
	}
	l.tricks(text)
	l.words.text(inBody, text)
}

// charset looks at how a text is encoded.
func (l *look) charset(p *mime.Part, v mime.Value) {
	label := p.Charset()
	l.words.tokens.add(hash(inForm, "charset "+cut(label, maxWord)))
	l.hits.addIf(label != "" && mime.CharsetName(label) == "", ruleUnknownCharset, label)
	l.hits.addIf(p.Encoding == "base64" && len(v.Text) > 0 && ascii(v.Text), ruleEncodedText)
	l.hits.addIf(strings.Count(v.Text, string(utf8.RuneError)) >= minBroken, ruleBrokenText)
}

// tricks looks for what hides words from filters, and for shouting.
func (l *look) tricks(text string) {
	var upper, lower, masked, mixed int
	var before rune
	for _, c := range text {
		switch {
		case c < utf8.RuneSelf:
			if 'A' <= c && c <= 'Z' {
				upper++
			} else if 'a' <= c && c <= 'z' {
				lower++
			}
			if before >= utf8.RuneSelf && unicode.In(before, unicode.Cyrillic, unicode.Greek) && letter(byte(c)) {
				mixed++
			}
		case c == 0x200b || c == 0x2060 || c == 0xfeff || c == 0xad || c == 0x200d && before < utf8.RuneSelf:
			if before < utf8.RuneSelf && letter(byte(before)) || scriptOf(before) != scriptNone {
				masked++
			}
		case before < utf8.RuneSelf && before > 0 && letter(byte(before)) && unicode.In(c, unicode.Cyrillic, unicode.Greek):
			mixed++
		}
		before = c
	}
	l.hits.addIf(upper+lower >= minShouting && upper > lower/2, ruleShouting)
	l.hits.addIf(mixed >= minMasked, ruleMixedScripts)
	l.hits.addIf(masked >= minMasked, ruleInvisible)
}

// structure applies the rules about the message's build.
func (l *look) structure(m *mime.Message) {
	root := m.Root
	l.words.tokens.add(hash(inForm, "root "+root.Type+"/"+root.Subtype))
	l.hits.addIf(l.rich && l.plain == 0 && (root.Type == "text" || root.Subtype == "alternative" || root.Subtype == "related"), ruleHTMLOnly)
}

// attached looks at attachments: their names, kinds, texts, and what the static analysis found.
func (l *look) attached(q *Inquiry) {
	room := maxTexts
	for _, text := range q.Texts {
		text = cut(text, room)
		room -= len(text)
		l.textLinks(text)
		l.words.text(inBody, text)
	}
	for _, f := range q.Files {
		l.name(f.Name)
		l.hits.addIf(f.Encrypted, ruleLockedArchive, f.Name)
		l.hits.addIf(f.Kind == "pe" || f.Kind == "elf" || f.Kind == "lnk", ruleProgram, f.Name)
		l.hits.addIf(f.Claimed != "" && f.Kind != "" && f.Claimed != f.Kind && f.Kind != "text", ruleWrongKind, f.Name, f.Kind)
		l.words.tokens.add(hash(inFile, "kind "+f.Kind))
	}
	sum, worst := 0.0, Finding{}
	for _, f := range q.Findings {
		if sum += f.Score; f.Score > worst.Score {
			worst = f
		}
	}
	if sum > 0 {
		l.hits.weigh(ruleFinding, min(sum, 6), worst.Rule)
	}
}

// name looks at a file's name.
func (l *look) name(name string) {
	if name == "" {
		return
	}
	low := strings.ToLower(strings.TrimSpace(name))
	dot := strings.LastIndexByte(low, '.')
	if dot < 0 {
		return
	}
	ext, stem := low[dot+1:], strings.TrimSpace(low[:dot])
	l.words.tokens.add(hash(inFile, cut(ext, 8)))
	l.words.text(inFile, stem)
	if !has(programNames, ext) {
		l.hits.addIf(ext == "html" || ext == "htm" || ext == "shtml" || ext == "svg", ruleHTMLFile, name)
		l.hits.addIf(strings.ContainsRune(name, '\u202e'), ruleDoubleName, name)
		return
	}
	l.hits.add(ruleProgram, name)
	inner := strings.LastIndexByte(stem, '.')
	l.hits.addIf(inner >= 0 && has(documentNames, stem[inner+1:]) || strings.Contains(low, "    "), ruleDoubleName, name)
}

// named are the registered domains of the links and the author, sorted.
func (l *look) named() (list []string) {
	if d := l.f.author.Domain; d != "" {
		list = append(list, registered(d))
	}
	for host := range l.links.hosts {
		list = append(list, registered(host))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Domains are the registered domains that the message's links and its author name: what lists of domains are asked about.
func (f *Features) Domains() []string { return f.domains }

// Listed gives the features with what lists said of Domains, which are known only after Look. f stays as it is.
func (f *Features) Listed(found []Listing) *Features {
	l := look{}
	l.lists(found)
	more := *f
	more.hits = slices.Concat(f.hits, l.hits.list)
	return &more
}
