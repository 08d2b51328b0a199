package rules

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/jmap"
)

// Limits of a list. All together have to fit into a script (mailbox.MaxScript).
const (
	MaxRules      = 200
	MaxConditions = 30  // of a rule
	MaxActions    = 10  // of a rule
	MaxName       = 200 // octets
	MaxValue      = 1024
	MaxAnswer     = 20 << 10 // octets of an absence note's text
)

// List is what an account filters by in its pages.
type List struct {
	Rules   []Rule  `json:"rules,omitempty"`
	Absence Absence `json:"absence,omitzero"`
	// Include is the name of a script that runs behind the rules; "" for none.
	Include string `json:"include,omitempty"`
}

// Empty tells that nothing is filtered.
func (l *List) Empty() bool { return len(l.Rules) == 0 && l.Absence == Absence{} && l.Include == "" }

// Rule does something with the messages that meet its conditions.
type Rule struct {
	Name       string      `json:"name"`
	On         bool        `json:"on"`
	Match      string      `json:"match"` // "all" or "any" of the conditions; without any, every message
	Conditions []Condition `json:"conditions"`
	Actions    []Action    `json:"actions"`
}

// Condition is one thing a message is asked.
type Condition struct {
	Field  string `json:"field"`            // a name in fields
	Header string `json:"header,omitempty"` // the name of the header field, for "header"
	Op     string `json:"op"`               // a name in ops
	Value  string `json:"value"`            // text; octets as a number for "size"
}

// Action is one thing that is done.
type Action struct {
	Do        string  `json:"do"`                  // a name in deeds
	MailboxID jmap.Id `json:"mailboxId,omitempty"` // for "move" and "copy"
	Keyword   string  `json:"keyword,omitempty"`   // for "tag"
	To        string  `json:"to,omitempty"`        // the address, for "forward"
	Keep      bool    `json:"keep,omitempty"`      // "forward" leaves the message here too
}

// Absence is a note to those who write while somebody is away (RFC 8621 §8).
type Absence struct {
	On      bool      `json:"on,omitempty"`
	From    time.Time `json:"from,omitzero"`  // zero: at once
	Until   time.Time `json:"until,omitzero"` // zero: until it is switched off
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text,omitempty"`
	HTML    string    `json:"html,omitempty"`
	// Inside differs from the above for the company's own people: InsideSubject and InsideText count for them.
	Inside        bool   `json:"inside,omitempty"`
	InsideSubject string `json:"insideSubject,omitempty"`
	InsideText    string `json:"insideText,omitempty"`
	// InsideOnly: nobody else is answered.
	InsideOnly bool `json:"insideOnly,omitempty"`
}

// Names of what is asked and done.
var (
	fields = []string{"from", "to", "cc", "recipient", "subject", "header", "body", "size", "attachment", "list"}
	ops    = []string{"contains", "notContains", "is", "isNot", "begins", "ends"}
	sizes  = []string{"over", "under"}
	deeds  = []string{"move", "copy", "flag", "markRead", "tag", "forward", "delete", "stop"}
)

// Check refuses a list that can't be: Invalid "rules.wrong" with what is wrong, as "rules/2/actions/0", Full "rules.too_many".
func (l *List) Check() error {
	const op = "rules.Check"
	if len(l.Rules) > MaxRules {
		return mail.E(op, mail.Full, "rules.too_many", MaxRules)
	}
	for i := range l.Rules {
		if where := l.Rules[i].wrong(); where != "" {
			return mail.E(op, mail.Invalid, "rules.wrong", i+1, where)
		}
	}
	return l.Absence.check()
}

// wrong names the part of a rule that can't be; "" for none.
func (r *Rule) wrong() string {
	switch {
	case !short(r.Name, MaxName):
		return "name"
	case r.Match != "all" && r.Match != "any":
		return "match"
	case len(r.Conditions) > MaxConditions || slices.ContainsFunc(r.Conditions, func(c Condition) bool { return !c.valid() }):
		return "conditions"
	case len(r.Actions) == 0 || len(r.Actions) > MaxActions || slices.ContainsFunc(r.Actions, func(a Action) bool { return !a.valid() }):
		return "actions"
	}
	return ""
}

// short tells whether a text is one that may be kept.
func short(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

func (c *Condition) valid() bool {
	switch c.Field {
	case "size":
		_, ok := octets(c.Value)
		return ok && slices.Contains(sizes, c.Op)
	case "attachment":
		return c.Op == "is" && (c.Value == "true" || c.Value == "false")
	case "header":
		if !fieldName(c.Header) {
			return false
		}
	}
	return slices.Contains(fields, c.Field) && slices.Contains(ops, c.Op) && c.Value != "" && short(c.Value, MaxValue)
}

// octets reads a size.
func octets(text string) (n int64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' || n > 1<<40 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, text != "" && n <= 1<<31-1
}

// fieldName tells whether a text names a header field (RFC 5322 §2.2).
func fieldName(s string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
}

func (a *Action) valid() bool {
	switch a.Do {
	case "move", "copy":
		_, ok := a.mailbox()
		return ok
	case "tag":
		return a.Keyword != "" && short(a.Keyword, 100) && !strings.ContainsFunc(a.Keyword, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r)
		})
	case "forward":
		to, err := mail.ParseAddress(a.To)
		return err == nil && !to.IsNull() && short(a.To, MaxValue)
	}
	return slices.Contains(deeds, a.Do)
}

// mailbox is where a message is put.
func (a *Action) mailbox() (id mail.MailboxID, ok bool) {
	ok = jmap.Read(jmap.LetterMailbox, a.MailboxID, &id)
	return id, ok && !id.IsZero()
}

func (a *Absence) check() error {
	for _, text := range []string{a.Text, a.HTML, a.InsideText} {
		if !short(text, MaxAnswer) {
			return mail.E("rules.Check", mail.Invalid, "rules.absence", MaxAnswer>>10)
		}
	}
	if !short(a.Subject, MaxValue) || !short(a.InsideSubject, MaxValue) || !a.From.IsZero() && !a.Until.IsZero() && !a.Until.After(a.From) {
		return mail.E("rules.Check", mail.Invalid, "rules.absence", MaxAnswer>>10)
	}
	return nil
}
