package rules

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tegami/mail"
)

// Names are what a script has to know beside the list.
type Names struct {
	Domains []string                  // the company's own
	Paths   map[mail.MailboxID]string // of the account's mailboxes
}

// The lines a script of ours begins with. sumLine tells of the rest whether it is still ours.
const (
	headLine = "# Rules and absence note of the webmail. Changed by hand, this script is yours, and the webmail leaves it alone."
	sumLine  = "# tegami-sum: "
	listLine = "# tegami-list: "
	// lineWidth is how many characters of the list stand in one line.
	lineWidth = 900
	// absenceDays is how long nobody is answered again (ML-12).
	absenceDays = 7
)

// Script writes the list as a script.
func (l *List) Script(n Names) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, mail.Because("rules.Script", mail.Other, "", err)
	}
	var b strings.Builder
	for kept := base64.StdEncoding.EncodeToString(text); kept != ""; {
		n := min(len(kept), lineWidth)
		b.WriteString(listLine + kept[:n] + "\r\n")
		kept = kept[n:]
	}
	w := writer{names: n}
	w.list(l)
	if len(w.needs) > 0 {
		slices.Sort(w.needs)
		b.WriteString("require " + quoteList(slices.Compact(w.needs)) + ";\r\n")
	}
	b.WriteString(w.b.String())
	body := b.String()
	return []byte(headLine + "\r\n" + sumLine + sum(body) + "\r\n" + body), nil
}

// sum is what tells whether a text was changed.
func sum(body string) string {
	s := sha256.Sum256([]byte(body))
	return hex.EncodeToString(s[:16])
}

// Read takes the list out of a script; false for one that is not ours, or was changed by hand.
func Read(script []byte) (l List, ours bool) {
	head, rest, _ := strings.Cut(string(script), "\r\n")
	sums, body, ok := strings.Cut(rest, "\r\n")
	if head != headLine || !ok || sums != sumLine+sum(body) {
		return l, false
	}
	var kept strings.Builder
	for line := range strings.SplitSeq(body, "\r\n") {
		part, ok := strings.CutPrefix(line, listLine)
		if !ok {
			break
		}
		kept.WriteString(part)
	}
	text, err := base64.StdEncoding.DecodeString(kept.String())
	if err != nil || json.Unmarshal(text, &l) != nil {
		return List{}, false
	}
	return l, true
}

// writer writes what a list means, and collects what the script requires.
type writer struct {
	names Names
	b     strings.Builder
	needs []string
}

func (w *writer) need(extensions ...string) { w.needs = append(w.needs, extensions...) }

func (w *writer) line(depth int, format string, args ...any) {
	w.b.WriteString(strings.Repeat("\t", depth))
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteString("\r\n")
}

func (w *writer) list(l *List) {
	w.absence(&l.Absence)
	for i := range l.Rules {
		w.rule(&l.Rules[i])
	}
	if l.Include != "" {
		w.need("include")
		w.line(0, "include :personal :optional %s;", quote(l.Include))
	}
}

// absence answers before the rules do anything: who wrote is answered wherever his message goes.
func (w *writer) absence(a *Absence) {
	if !a.On {
		return
	}
	w.need("vacation")
	when := w.when(a)
	switch {
	case a.Inside || a.InsideOnly:
		w.need("envelope")
		subject, text, html := a.Subject, a.Text, a.HTML
		if a.Inside {
			subject, text, html = a.InsideSubject, a.InsideText, ""
		}
		w.line(0, "if allof (%s%s) {", when, `envelope :domain :is "from" `+quoteList(w.names.Domains))
		w.answer(subject, text, html)
		if !a.InsideOnly {
			w.line(0, "} elsif %s {", condition(when))
			w.answer(a.Subject, a.Text, a.HTML)
		}
		w.line(0, "}")
	default:
		w.line(0, "if %s {", condition(when))
		w.answer(a.Subject, a.Text, a.HTML)
		w.line(0, "}")
	}
}

// when gives the tests of the time, each with a comma behind it.
func (w *writer) when(a *Absence) string {
	text := ""
	add := func(relation string, at time.Time) {
		if !at.IsZero() {
			w.need("date", "relational")
			text += `currentdate :zone "+0000" :value ` + quote(relation) + ` "iso8601" ` + quote(at.UTC().Format("2006-01-02T15:04:05+00:00")) + ", "
		}
	}
	add("ge", a.From)
	add("lt", a.Until)
	return text
}

// condition is a test of what when gives.
func condition(when string) string {
	if when == "" {
		return "true"
	}
	return "allof (" + strings.TrimSuffix(when, ", ") + ")"
}

func (w *writer) answer(subject, text, html string) {
	tags := fmt.Sprintf(":days %d", absenceDays)
	if subject != "" {
		tags += " :subject " + quote(oneLine(subject))
	}
	if html != "" {
		tags, text = tags+" :mime", alternative(text, html)
	}
	w.line(1, "vacation %s %s;", tags, quote(text))
}

// alternative is a MIME part with a text in two forms (RFC 2046 §5.1.4). In base64 no line of theirs can be the boundary.
func alternative(text, html string) string {
	const boundary = "tegami-absence"
	b := "Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\n\n"
	for _, part := range []struct{ kind, text string }{{"plain", text}, {"html", html}} {
		b += "--" + boundary + "\nContent-Type: text/" + part.kind + "; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
		for code := base64.StdEncoding.EncodeToString([]byte(part.text)); code != ""; {
			n := min(len(code), 76)
			b += code[:n] + "\n"
			code = code[n:]
		}
	}
	return b + "--" + boundary + "--\n"
}

func (w *writer) rule(r *Rule) {
	if !r.On {
		return
	}
	w.line(0, "# %s", oneLine(r.Name))
	tests := make([]string, len(r.Conditions))
	for i := range r.Conditions {
		tests[i] = w.test(&r.Conditions[i])
	}
	switch {
	case len(tests) == 0:
		w.line(0, "if true {")
	case r.Match == "any":
		w.line(0, "if anyof (%s) {", strings.Join(tests, ", "))
	default:
		w.line(0, "if allof (%s) {", strings.Join(tests, ", "))
	}
	for _, flags := range []bool{true, false} { // flags first: they belong to what follows
		for i := range r.Actions {
			if r.Actions[i].flags() == flags {
				w.action(&r.Actions[i])
			}
		}
	}
	w.line(0, "}")
}

// flags tells whether an action sets one.
func (a *Action) flags() bool { return a.Do == "flag" || a.Do == "markRead" || a.Do == "tag" }

// folding compares without regard of case, in all scripts.
const folding = `:comparator "i;unicode-casemap" `

// headers are the fields that a condition looks at.
var headers = map[string][]string{"from": {"from"}, "to": {"to"}, "cc": {"cc"}, "recipient": {"to", "cc"}, "subject": {"subject"}, "list": {"list-id"}}

func (w *writer) test(c *Condition) string {
	not := ""
	if c.Op == "notContains" || c.Op == "isNot" || c.Field == "attachment" && c.Value == "false" {
		not = "not "
	}
	switch c.Field {
	case "size":
		return "size :" + c.Op + " " + c.Value
	case "attachment":
		w.need("mime")
		return not + `header :mime :anychild :contains "content-disposition" "attachment"`
	case "body":
		w.need("body", "comparator-i;unicode-casemap")
		return not + "body :text " + folding + w.match(c)
	}
	w.need("comparator-i;unicode-casemap")
	names := headers[c.Field]
	if c.Field == "header" {
		names = []string{c.Header}
	}
	test := "header "
	if address := len(names) > 0 && slices.Contains([]string{"from", "to", "cc", "recipient"}, c.Field); address && !strings.Contains(strings.ToLower(c.Op), "contains") {
		test = "address "
	}
	how, key, _ := strings.Cut(w.match(c), " ")
	return not + test + folding + how + " " + quoteList(names) + " " + key
}

// match is how a condition compares, and with what.
func (w *writer) match(c *Condition) string {
	switch c.Op {
	case "is", "isNot":
		return ":is " + quote(c.Value)
	case "begins":
		return ":matches " + quote(plain.Replace(c.Value)+"*")
	case "ends":
		return ":matches " + quote("*"+plain.Replace(c.Value))
	}
	return ":contains " + quote(c.Value)
}

// plain takes their meaning from wildcards (RFC 5228 §2.7.1).
var plain = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

func (w *writer) action(a *Action) {
	switch a.Do {
	case "move":
		w.fileInto("", a)
	case "copy":
		w.need("copy")
		w.fileInto(":copy ", a)
	case "flag":
		w.flag(`\Flagged`)
	case "markRead":
		w.flag(`\Seen`)
	case "tag":
		w.flag(a.Keyword)
	case "forward":
		tag := ""
		if a.Keep {
			w.need("copy")
			tag = ":copy "
		}
		w.line(1, "redirect %s%s;", tag, quote(a.To))
	case "delete": // where it can be taken out again
		w.need("fileinto", "special-use")
		w.line(1, `fileinto :specialuse "\\Trash" "Trash";`)
	case "stop":
		w.line(1, "stop;")
	}
}

func (w *writer) fileInto(tag string, a *Action) {
	id, _ := a.mailbox()
	path, ok := w.names.Paths[id]
	if !ok {
		w.line(1, "# the folder is gone")
		return
	}
	w.need("fileinto", "mailboxid")
	w.line(1, "fileinto %s:mailboxid %s %s;", tag, quote(id.String()), quote(path))
}

func (w *writer) flag(name string) {
	w.need("imap4flags")
	w.line(1, "addflag %s;", quote(name))
}

// quote writes a string (RFC 5228 §2.4.2), its lines ended by CRLF.
func quote(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", "\r\n", "\x00", "").Replace(s)
	return `"` + s + `"`
}

func quoteList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// oneLine takes line ends and other controls out of a text.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
