package spam

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/mime"
)

// Limits of reading a header.
const (
	maxHeader    = 128 << 10 // octets of the header that are read
	maxSubject   = 1 << 10   // octets of the decoded subject that are read
	gappyLetters = 5         // single letters in a row, parted by the same sign: v.i.a.g.r.a
	staleDays    = 4         // how far Date may be from when the message came, in days
)

// formFields are fields whose mere presence tells how a message was made. Nothing a mailing list or the way of a message adds is among
// them: that says who receives it.
var formFields = set("in-reply-to references reply-to cc x-priority x-msmail-priority x-mimeole importance priority organization user-agent x-mailer " +
	"mime-version content-transfer-encoding content-disposition x-originating-ip x-face comments keywords x-library x-sender " +
	"disposition-notification-to return-receipt-to x-accept-language content-language x-url x-newsreader feedback-id auto-submitted")

// header is what the rules about a header need.
type header struct {
	subject          string // decoded
	froms, tos       []mime.Address
	replyTo          []mime.Address
	date, id, mailer string
	fromFields       int
	references, raw8 bool
	rawSubject       string
}

// readHeader reads the fields once.
func (l *look) readHeader(h mime.Header) {
	p := &l.head
	for f := range h.Fields() {
		name := strings.ToLower(string(f.Name))
		if has(formFields, name) {
			l.words.tokens.add(hash(inForm, name))
		}
		p.field(name, f.Value)
	}
	l.words.tokens.add(hash(inForm, "id "+shape(p.id)))
	if p.mailer != "" {
		l.words.text(inForm, p.mailer)
	}
}

func (p *header) field(name string, value []byte) {
	switch name {
	case "subject":
		p.rawSubject = mime.Unfold(value)
		p.subject = cut(mime.DecodeHeader(p.rawSubject), maxSubject)
		p.raw8 = p.raw8 || !ascii(p.rawSubject) && !utf8.ValidString(p.rawSubject)
	case "from":
		p.fromFields++
		p.froms = append(p.froms, mime.Ungrouped(mime.ParseAddressList(mime.Unfold(value)))...)
	case "to", "cc":
		p.tos = append(p.tos, mime.Ungrouped(mime.ParseAddressList(mime.Unfold(value)))...)
	case "reply-to":
		p.replyTo = mime.Ungrouped(mime.ParseAddressList(mime.Unfold(value)))
	case "date":
		p.date = mime.Unfold(value)
	case "message-id":
		p.id = strings.TrimSpace(mime.Unfold(value))
	case "x-mailer", "user-agent":
		p.mailer = mime.Unfold(value)
	case "references", "in-reply-to":
		p.references = true
	}
}

// judgeHeader applies the rules about the header.
func (l *look) judgeHeader(q *Inquiry) {
	p, h := &l.head, &l.hits
	h.addIf(p.id == "" || !strings.Contains(p.id, "@"), ruleNoMessageID)
	h.addIf(p.fromFields > 1, ruleManyFrom)
	h.addIf(len(p.tos) == 0, ruleNoRecipient)
	h.addIf(p.raw8, rulePlain8Bit)
	l.judgeDate(q.Origin.Received)
	l.judgeSubject()
	l.judgeAuthor(q)
	l.judgeHelo(q.Origin)
}

// judgeDate looks for dates no mail program writes, and for such as are far from now.
func (l *look) judgeDate(received time.Time) {
	date := l.head.date
	if date == "" {
		l.hits.add(ruleNoDate)
		return
	}
	at, err := mime.ParseDate(date)
	if err != nil || badZone(date) {
		l.hits.add(ruleBadDate, date)
		return
	}
	if off := received.Sub(at).Abs(); !received.IsZero() && off > staleDays*24*time.Hour {
		l.hits.add(ruleStaleDate, date)
	}
}

// badZone tells of a zone that is nowhere on earth: more than 14 hours from UTC, or of minutes that don't exist.
func badZone(date string) bool {
	at := strings.LastIndexAny(date, "+-")
	if at < 0 || len(date) < at+5 {
		return false
	}
	z := date[at+1 : at+5]
	return ascii(z) && digits(z) == 4 && (z > "1400" || z[2:] > "59")
}

// judgeSubject looks at how the subject is written.
func (l *look) judgeSubject() {
	s, h := strings.TrimSpace(l.head.subject), &l.hits
	upper, lower := cases(s)
	h.addIf(s == "", ruleBlankSubject)
	h.addIf(upper >= 8 && upper > 4*lower, ruleLoudSubject)
	h.addIf(gappy(s), ruleGappySubject, s)
	h.addIf(numbered(l.head.subject), ruleNumberedSubject, s)
	_, reply := mime.BaseSubject(s)
	reply = reply && len(s) > 3 && !strings.HasPrefix(strings.ToLower(s), "fw")
	h.addIf(reply && !l.head.references, ruleFalseReply)
	h.addIf(reply && l.head.references, ruleAnswer)
	h.addIf(ascii(s) && strings.HasPrefix(strings.ToLower(l.head.rawSubject), "=?") && s != "", ruleNeedlessEncoding)
	if strings.ContainsAny(s, "!") {
		l.words.tokens.add(hash(inForm, "subject !"))
	}
	if strings.Contains(s, "?") {
		l.words.tokens.add(hash(inForm, "subject ?"))
	}
	if upper > 2 && upper > lower {
		l.words.tokens.add(hash(inForm, "subject caps"))
	}
}

// judgeAuthor looks at who the message says it is from.
func (l *look) judgeAuthor(q *Inquiry) {
	p, h := &l.head, &l.hits
	if len(p.froms) == 0 {
		h.add(ruleNoFrom)
		return
	}
	from := p.froms[0]
	l.f.display = strings.TrimSpace(from.Name())
	a, err := from.Mail()
	if err != nil {
		h.add(ruleNoFrom)
		return
	}
	l.f.author = a
	folded := mime.Normalize(l.f.display)
	if shown, ok := addressIn(folded); ok && registered(shown) != registered(a.Domain) {
		h.add(ruleNameIsAddress, l.f.display, a.String())
	}
	if b := brandOfName(folded, a.Domain); b != "" {
		h.add(ruleBrandName, l.f.display, a.Domain)
	}
	h.addIf(oddLocal(a.Local), ruleOddAuthor, a.String())
	h.addIf(slices.ContainsFunc(p.tos, func(to mime.Address) bool { t, err := to.Mail(); return err == nil && t == a }), ruleSelfSent)
	l.authorHost(a.Domain)
	l.judgeReplyTo(a)
	l.authorTokens(a, q)
}

// authorHost looks at the author's domain as at the host of a link.
func (l *look) authorHost(domain string) {
	if b := lookAlike(domain); b != "" {
		l.hits.add(ruleLookAlike, domain, b)
	} else if b := brandOfHost(domain); b != "" {
		l.hits.add(ruleBrandLink, domain, b)
	}
	l.hits.addIf(has(cheapTLDs, lastLabel(domain)), ruleCheapDomain, domain)
}

func (l *look) judgeReplyTo(a mail.Address) {
	for _, r := range l.head.replyTo {
		to, err := r.Mail()
		if err != nil || registered(to.Domain) == registered(a.Domain) {
			continue
		}
		l.f.replyTo = to
		l.hits.addIf(has(freeMail, to.Domain), ruleReplyElsewhere, to.String())
		l.words.tokens.add(hash(inForm, "reply elsewhere"))
	}
}

// authorTokens counts the author's name and domain.
func (l *look) authorTokens(a mail.Address, q *Inquiry) {
	t := l.words.tokens
	t.add(hash(inAuthor, a.Key()))
	t.add(hash(inAuthor, registered(a.Domain)))
	t.add(hash(inAuthor, lastLabel(a.Domain)))
	if has(freeMail, a.Domain) {
		t.add(hash(inForm, "free mail"))
	}
	if l.f.display == "" {
		t.add(hash(inForm, "no name"))
	}
	l.words.text(inName, l.f.display)
	if at := strings.LastIndexByte(l.head.id, '@'); at >= 0 {
		same := registered(strings.ToLower(strings.Trim(l.head.id[at+1:], "<> "))) == registered(a.Domain)
		t.add(hash(inForm, map[bool]string{true: "id of author", false: "id elsewhere"}[same]))
	}
}

// judgeHelo looks at what the peer called itself: an address or a bare word is no mail server of the internet.
func (l *look) judgeHelo(o mail.Origin) {
	if o.Door != "smtp" || o.Helo == "" {
		return
	}
	bare := !strings.Contains(o.Helo, ".") && !strings.HasPrefix(o.Helo, "[")
	l.hits.addIf(bare || digits(strings.ReplaceAll(o.Helo, ".", "")) == len(strings.ReplaceAll(o.Helo, ".", "")), ruleHeloAddress, o.Helo)
}

// addressIn gives the domain of a mail address that a display name shows.
func addressIn(name string) (domain string, ok bool) {
	at := strings.LastIndexByte(name, '@')
	if at <= 0 || at+3 > len(name) {
		return "", false
	}
	end := at + 1
	for end < len(name) && (name[end] == '.' || name[end] == '-' || alnum(name[end])) {
		end++
	}
	domain = strings.Trim(name[at+1:end], ".-")
	return domain, strings.Contains(domain, ".") && alnum(name[at-1])
}

// oddLocal tells of local parts programs make up: letters with many digits behind or between them.
func oddLocal(local string) bool {
	n, turns := digits(local), 0
	for i := 1; i < len(local); i++ {
		if digit(local[i]) != digit(local[i-1]) && alnum(local[i]) && alnum(local[i-1]) {
			turns++
		}
	}
	return len(local) >= 8 && n >= 3 && n < len(local) && (turns >= 3 || n >= 5 && !strings.ContainsAny(local, "-_.+=#"))
}

// gappy tells of letters parted by the same sign, so that a word is not found.
func gappy(s string) bool {
	single := 0
	for i := 0; i+1 < len(s); i += 2 {
		if !letter(s[i]) || alnum(s[i+1]) || i >= 2 && s[i+1] != s[i-1] {
			i, single = i-1, 0
			continue
		}
		if single++; single >= gappyLetters {
			return true
		}
	}
	return false
}

// numbered tells of a subject with a number or made-up word behind a wide gap, which makes each copy another.
func numbered(s string) bool {
	at := strings.LastIndex(s, "    ")
	if at <= 0 {
		return false
	}
	tail := strings.TrimSpace(s[at:])
	return tail != "" && !strings.Contains(tail, " ") && len(tail) < 20
}

// shape writes a text with each run of digits as 0, of capitals as A, of small letters as a, and what is left as it is: Message-IDs of one
// program have one shape. The host is left out.
func shape(id string) string {
	id, _, _ = strings.Cut(strings.Trim(id, "<>"), "@")
	b := make([]byte, 0, 24)
	for i := 0; i < len(id) && len(b) < cap(b); i++ {
		c := id[i]
		switch {
		case digit(c):
			c = '0'
		case 'A' <= c && c <= 'Z':
			c = 'A'
		case 'a' <= c && c <= 'z':
			c = 'a'
		}
		if len(b) == 0 || b[len(b)-1] != c {
			b = append(b, c)
		}
	}
	return string(b)
}

func cases(s string) (upper, lower int) {
	for _, c := range s {
		switch {
		case unicode.IsUpper(c):
			upper++
		case unicode.IsLower(c):
			lower++
		}
	}
	return upper, lower
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }
func alnum(c byte) bool  { return digit(c) || letter(c) }

func digits(s string) (n int) {
	for i := range len(s) {
		if digit(s[i]) {
			n++
		}
	}
	return n
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// cut shortens a text to some octets, between characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
