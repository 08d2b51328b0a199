package sieve

import (
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/wire/mime"
)

var notifyTags = []tagSpec{
	{name: "from", value: stringArg},
	{name: "importance", value: stringArg},
	{name: "options", value: listArg},
	{name: "message", value: stringArg},
}

// checkNotify checks notify (RFC 5435 §3) as far as its arguments are known.
func checkNotify(k *compiler, c *call) {
	before := len(k.faults.all)
	if v := c.tag("from"); v != nil && v.list[0].constant() {
		if _, _, ok := parseMailbox(v.list[0].fixed); !ok {
			k.fault(c.line, "sieve.address", v.list[0].fixed)
		}
	}
	if v := c.tag("importance"); v != nil && v.list[0].constant() && importance(v.list[0].fixed) == 0 {
		k.fault(c.line, "sieve.importance", v.list[0].fixed)
	}
	if v := c.tag("options"); v != nil {
		for i := range v.list {
			if t := &v.list[i]; t.constant() && !validOption(t.fixed) {
				k.fault(c.line, "sieve.notify_option", t.fixed)
			}
		}
	}
	if t := &c.args[0].list[0]; t.constant() && len(k.faults.all) == before {
		if _, key := parseMailto(t.fixed); key != "" {
			k.fault(c.line, key, t.fixed)
			return
		}
	}
	k.copies(c)
}

// importance reads :importance (RFC 5435 §3.4), 0 when it is none.
func importance(s string) int {
	if len(s) == 1 && '1' <= s[0] && s[0] <= '3' {
		return int(s[0] - '0')
	}
	return 0
}

// validOption tells whether s is an option: a name, "=", a value in one line (RFC 5435 §3.5).
func validOption(s string) bool {
	name, value, ok := strings.Cut(s, "=")
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || digit(c)
		if !letter && (i == 0 || strings.IndexByte("._-", c) < 0) {
			return false
		}
	}
	return ok && name != "" && !strings.ContainsAny(value, "\r\n\x00")
}

// doNotify tells somebody of the message, unless a machine wrote it (RFC 5436 §2.7.1), and nobody twice in a run.
func doNotify(r *run, c *call) error {
	a, err := r.notice(c)
	if err != nil {
		return err
	}
	h, err := r.message.head(r.message.root)
	if err != nil {
		return err
	}
	if f := h.named("auto-submitted"); len(f) > 0 && !strings.EqualFold(strings.TrimSpace(f[0].value()), "no") {
		r.result.silence = "auto-submitted"
		return nil
	}
	r.onlyNew(&a)
	if len(a.To)+len(a.Cc)+len(a.Bcc) == 0 {
		return nil
	}
	if r.result.notifies++; r.result.notifies > r.limits.Notifies {
		return r.fault(c, "sieve.limit_notifies", r.limits.Notifies)
	}
	return r.add(c, a)
}

// notice makes the action of the arguments.
func (r *run) notice(c *call) (a Notify, err error) {
	uri := r.string(&c.args[0])
	m, key := parseMailto(uri)
	if key != "" {
		return a, r.fault(c, key, uri)
	}
	a = Notify{Method: uri, Importance: 2, To: m.to, Cc: m.cc, Bcc: m.bcc, Subject: m.subject, Header: m.header, Body: m.body}
	if v := c.tag("from"); v != nil {
		a.From = r.string(v)
		if _, _, ok := parseMailbox(a.From); !ok {
			return a, r.fault(c, "sieve.address", a.From)
		}
	}
	if v := c.tag("importance"); v != nil {
		if a.Importance = importance(r.string(v)); a.Importance == 0 {
			return a, r.fault(c, "sieve.importance", r.string(v))
		}
	}
	if v := c.tag("options"); v != nil {
		a.Options = slices.DeleteFunc(r.strings(v), func(o string) bool { return !validOption(o) })
	}
	if v := c.tag("message"); v != nil {
		a.Text = strings.ToValidUTF8(strings.ReplaceAll(r.string(v), "\r\n", "\n"), string(utf8.RuneError))
	}
	if err := r.noticeText(&a); err != nil {
		return a, err
	}
	r.hold(len(a.Text) + len(a.Subject) + len(a.Body))
	a.Copy, err = r.copy(c)
	return a, err
}

// noticeText puts :message where the URI leaves room: it is the subject, else the body (RFC 5436 §2.3, §2.4).
func (r *run) noticeText(a *Notify) error {
	h, err := r.message.head(r.message.root)
	if err != nil {
		return err
	}
	switch {
	case a.Subject != "" && a.Body == "":
		a.Body = a.Text
	case a.Subject != "":
	case a.Text != "":
		a.Subject = a.Text
	default:
		a.Subject = "[SIEVE] New message"
		if f := h.named("subject"); len(f) > 0 {
			a.Subject = "[SIEVE] " + f[0].text()
		}
	}
	a.Subject = ellipsis(oneLine(a.Subject), maxSubject)
	return nil
}

// onlyNew leaves out whom this run notifies already.
func (r *run) onlyNew(a *Notify) {
	told := map[string]bool{}
	for _, have := range r.result.actions {
		if n, ok := have.(Notify); ok {
			for _, m := range slices.Concat(n.To, n.Cc, n.Bcc) {
				told[m.Key()] = true
			}
		}
	}
	for _, list := range []*[]Mailbox{&a.To, &a.Cc, &a.Bcc} {
		*list = slices.DeleteFunc(*list, func(m Mailbox) bool {
			was := told[m.Key()]
			told[m.Key()] = true
			return was
		})
	}
}

// mailto is what a mailto URI says (RFC 6068 §2).
type mailto struct {
	to, cc, bcc   []Mailbox
	subject, body string
	header        []Field
}

// Limits of a mailto URI.
const (
	maxURI        = 8 << 10 // octets
	maxURIFields  = 16      // further header fields
	maxRecipients = 8       // all fields together
)

// parseMailto reads a mailto URI. What is wrong with it is a key of the catalogue.
func parseMailto(uri string) (m mailto, key string) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !strings.EqualFold(scheme, "mailto") {
		return m, "sieve.notify_method"
	}
	if len(uri) > maxURI {
		return m, "sieve.mailto"
	}
	path, query, asks := strings.Cut(rest, "?")
	to, ok := unescape(path)
	if m.to, ok = addressesIn(to, ok); !ok {
		return m, "sieve.mailto"
	}
	if asks {
		for _, pair := range strings.Split(query, "&") {
			if !m.field(pair) {
				return m, "sieve.mailto"
			}
		}
	}
	if len(m.to)+len(m.cc)+len(m.bcc) > maxRecipients || len(m.header) > maxURIFields {
		return m, "sieve.mailto"
	}
	return m, ""
}

// addressesIn reads a list of addresses that was escaped. It stays not ok.
func addressesIn(s string, ok bool) ([]Mailbox, bool) {
	if !ok {
		return nil, false
	}
	return parseMailboxes(s)
}

// field reads name=value of a URI.
func (m *mailto) field(pair string) bool {
	name, value, _ := strings.Cut(pair, "=")
	name, ok1 := unescape(name)
	value, ok2 := unescape(value)
	if !ok1 || !ok2 || !validFieldName(name) {
		return false
	}
	var more []Mailbox
	ok := true
	switch strings.ToLower(name) {
	case "to":
		more, ok = parseMailboxes(value)
		m.to = append(m.to, more...)
	case "cc":
		more, ok = parseMailboxes(value)
		m.cc = append(m.cc, more...)
	case "bcc":
		more, ok = parseMailboxes(value)
		m.bcc = append(m.bcc, more...)
	case "subject":
		m.subject = oneLine(mime.DecodeHeader(value))
	case "body":
		m.body = strings.ReplaceAll(value, "\r\n", "\n")
	default:
		if mayNotify(strings.ToLower(name)) {
			m.header = append(m.header, Field{name, oneLine(mime.DecodeHeader(value))})
		}
	}
	return ok
}

// ours are fields of a notification that its URI can't set (RFC 5436 §2.2, RFC 6068 §4): who wrote it, when, how it
// came here and how it is to be read.
var ours = []string{"from", "sender", "reply-to", "date", "message-id", "received", "return-path", "auto-submitted", "in-reply-to", "references", "importance", "priority", "x-priority", "precedence", "dkim-signature", "authentication-results"}

func mayNotify(name string) bool {
	for _, prefix := range []string{"content-", "mime-", "resent-", "list-", "arc-", "x-sieve", "delivered-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return !slices.Contains(ours, name)
}

// unescape undoes percent encoding (RFC 3986 §2.1). It is not ok when a character stands there that no URI has.
func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b.WriteByte(byte(unhex(s[i+1])<<4 | unhex(s[i+2])))
			i += 2
		case unreserved(c) || strings.IndexByte("!$'()*+,:@/?", c) >= 0:
			b.WriteByte(c)
		default:
			return "", false
		}
	}
	out := b.String()
	return out, utf8.ValidString(out) && strings.IndexByte(out, 0) < 0
}

func unhex(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }

// testValidNotify tells whether all URIs can be notified (RFC 5435 §4).
func testValidNotify(r *run, c *call) (bool, error) {
	for _, uri := range r.strings(&c.args[0]) {
		if _, key := parseMailto(uri); key != "" {
			return false, nil
		}
	}
	return true, nil
}

// testNotifyCapability compares a capability of a URI (RFC 5435 §5). Whether somebody is online, mail doesn't tell
// (RFC 5436 §2.8).
func testNotifyCapability(r *run, c *call) (bool, error) {
	_, key := parseMailto(r.string(&c.args[0]))
	if key != "" || !strings.EqualFold(r.string(&c.args[1]), "online") {
		return false, nil
	}
	return r.compare(c, []string{"maybe"})
}
