package sieve

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/wire/mime"
)

var vacationTags = []tagSpec{
	{name: "days", group: "period", value: numberArg},
	{name: "seconds", group: "period", needs: "vacation-seconds", value: numberArg},
	{name: "subject", value: stringArg},
	{name: "from", value: stringArg},
	{name: "addresses", value: listArg},
	{name: "mime"},
	{name: "handle", value: stringArg},
}

// checkVacation checks vacation (RFC 5230 §4) as far as its arguments are known.
func checkVacation(k *compiler, c *call) {
	if v := c.tag("from"); v != nil && v.list[0].constant() {
		if _, _, ok := parseMailbox(v.list[0].fixed); !ok {
			k.fault(c.line, "sieve.address", v.list[0].fixed)
			return
		}
	}
	k.copies(c)
}

// copies checks :fcc and the tags that go with it (RFC 8580 §3).
func (k *compiler) copies(c *call) {
	fcc := c.tag("fcc")
	if fcc == nil {
		for _, name := range []string{"create", "flags", "specialuse", "mailboxid"} {
			if c.has(name) {
				k.fault(c.line, "sieve.tag_without", ":"+name, ":fcc")
				return
			}
		}
		return
	}
	if t := &fcc.list[0]; t.constant() && !validMailbox(t.fixed) {
		k.fault(c.line, "sieve.mailbox_name", t.fixed)
		return
	}
	k.specialUse(c)
}

// copy makes the FileInto of :fcc, nil when there is none. What it stores has no flags but those of :flags.
func (r *run) copy(c *call) (*FileInto, error) {
	v := c.tag("fcc")
	if v == nil {
		return nil, nil
	}
	a, err := r.target(c, r.string(v))
	if !c.has("flags") {
		a.Flags = nil
	}
	a.Copy = true
	return &a, err
}

// doVacation answers once a run (RFC 5230 §4.7), and only who may be answered.
func doVacation(r *run, c *call) error {
	if r.result.vacation {
		return r.fault(c, "sieve.vacation_twice")
	}
	r.result.vacation = true
	a, err := r.answer(c)
	if err != nil {
		return err
	}
	why, err := r.silence(c)
	if err != nil {
		return err
	}
	if why != "" {
		r.result.silence = why
		return r.conflicts(c, a)
	}
	return r.add(c, a)
}

// answer makes the action of the arguments.
func (r *run) answer(c *call) (a Vacation, err error) {
	a.To, a.MIME = r.in.From, c.has("mime")
	a.Text = strings.ReplaceAll(r.string(&c.args[0]), "\r\n", "\n")
	if !utf8.ValidString(a.Text) {
		return a, r.fault(c, "sieve.text_utf8")
	}
	if v := c.tag("from"); v != nil {
		a.From = r.string(v)
		if _, _, ok := parseMailbox(a.From); !ok {
			return a, r.fault(c, "sieve.address", a.From)
		}
	}
	h, err := r.message.head(r.message.root)
	if err != nil {
		return a, err
	}
	a.Subject = r.answerSubject(c, h)
	a.InReplyTo, a.References = thread(h)
	a.Period = r.period(c)
	a.Handle = handle(c, r)
	r.hold(len(a.Text) + len(a.Subject) + len(a.References))
	a.Copy, err = r.copy(c)
	return a, err
}

// maxSubject is the length of a subject that is made here, in characters.
const maxSubject = 256

// answerSubject is the answer's subject: what the script says, or the message's behind "Auto: " (RFC 5230 §5.1).
func (r *run) answerSubject(c *call, h *head) string {
	if v := c.tag("subject"); v != nil {
		return ellipsis(oneLine(r.string(v)), maxSubject)
	}
	if f := h.named("subject"); len(f) > 0 {
		return ellipsis("Auto: "+oneLine(f[0].text()), maxSubject)
	}
	return "Automated reply"
}

// oneLine makes one line of a text.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, string(utf8.RuneError)), func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}

// ellipsis cuts a text to a number of characters, the last of which then tells that something is missing.
func ellipsis(s string, longest int) string {
	n := 0
	cut := 0
	for i := range s {
		n++
		if n == longest {
			cut = i
		}
		if n > longest {
			return s[:cut] + "…"
		}
	}
	return s
}

// maxReferences is how many messages the References of an answer name: the first and the last ones.
const maxReferences = 30

// thread gives In-Reply-To and References of an answer (RFC 5230 §5.6, RFC 5322 §3.6.4).
func thread(h *head) (inReplyTo, references string) {
	id := h.ids("message-id")
	if len(id) == 0 {
		return "", ""
	}
	refs := h.ids("references")
	if len(refs) == 0 {
		if parent := h.ids("in-reply-to"); len(parent) == 1 {
			refs = parent
		}
	}
	if n := len(refs); n >= maxReferences {
		refs = slices.Concat(refs[:1], refs[n-maxReferences+2:])
	}
	return id[0], strings.Join(append(refs, id[0]), " ")
}

// ids gives the message ids of the first field of a name, with their brackets.
func (h *head) ids(name string) []string {
	fields := h.named(name)
	if len(fields) == 0 {
		return nil
	}
	all := mime.ParseMessageIDs(fields[0].value())
	for i, id := range all {
		all[i] = "<" + strings.Trim(id, "<>") + ">"
	}
	return all
}

// period is how long a sender is not answered again (RFC 5230 §4.1, RFC 6131 §2).
func (r *run) period(c *call) time.Duration {
	lim := &r.limits
	if v := c.tag("days"); v != nil {
		return max(lim.VacationMin, min(time.Duration(min(v.number, 10000))*24*time.Hour, lim.VacationMax))
	}
	if v := c.tag("seconds"); v != nil {
		return seconds(v.number, lim.VacationMax)
	}
	return lim.VacationDefault
}

// handle names the answer. Without :handle it is made of the arguments as they are written, so that an answer with the
// message's subject in it is one answer (RFC 5230 §4.2).
func handle(c *call, r *run) string {
	if v := c.tag("handle"); v != nil {
		return digest("handle", r.string(v))
	}
	parts := []string{"reason", c.args[0].list[0].written()}
	for _, name := range []string{"subject", "from"} {
		if v := c.tag(name); v != nil {
			parts = append(parts, name, v.list[0].written())
		}
	}
	if c.has("mime") {
		parts = append(parts, "mime")
	}
	return digest(parts...)
}

// silence tells why the sender must not be answered, "" when nothing forbids it (RFC 5230 §4.5, §4.6, RFC 3834 §2).
func (r *run) silence(c *call) (string, error) {
	h, err := r.message.head(r.message.root)
	if err != nil {
		return "", err
	}
	mine := r.addresses(c)
	from := r.in.From
	switch {
	case from.IsNull():
		return "null sender", nil
	case slices.Contains(mine, from.Key()):
		return "own address", nil
	case automatic(from.Local):
		return "sender is no person", nil
	}
	if why := h.machine(); why != "" {
		return why, nil
	}
	if !h.addressed(mine) {
		return "not addressed to the owner", nil
	}
	return "", nil
}

// addresses are those of the owner, the recipient's and those of :addresses among them.
func (r *run) addresses(c *call) []string {
	mine := []string{r.in.To.Key()}
	for _, a := range r.in.Owner.Addresses {
		mine = append(mine, a.Key())
	}
	if v := c.tag("addresses"); v != nil {
		for _, s := range r.strings(v) {
			if _, a, ok := parseMailbox(s); ok {
				mine = append(mine, a.Key())
			}
		}
	}
	return mine
}

// automatic tells of local parts nobody reads an answer under (RFC 5230 §4.6).
func automatic(local string) bool {
	local = strings.ToLower(local)
	switch local {
	case "mailer-daemon", "postmaster", "listserv", "majordomo", "noreply", "no-reply", "donotreply", "do-not-reply":
		return true
	}
	return strings.HasPrefix(local, "owner-") || strings.HasSuffix(local, "-owner") || strings.HasSuffix(local, "-request") ||
		strings.HasSuffix(local, "-bounces") || strings.Contains(local, "-bounces+")
}

// machine tells what in the header says that no person wrote to this person (RFC 3834 §2, RFC 5230 §4.6).
func (h *head) machine() string {
	for _, f := range h.fields {
		v := strings.ToLower(f.value())
		word, _, _ := strings.Cut(v, ";")
		word = strings.TrimSpace(word)
		switch name := strings.ToLower(f.name); {
		case strings.HasPrefix(name, "list-"):
			return "mailing list"
		case name == "auto-submitted" && word != "no":
			return "auto-submitted"
		case name == "precedence" && (word == "bulk" || word == "list" || word == "junk"):
			return "precedence " + word
		case name == "x-auto-response-suppress" && suppresses(v):
			return "suppressed by the sender"
		case name == "x-spam-flag" && strings.HasPrefix(v, "yes"):
			return "spam"
		}
	}
	return ""
}

// suppresses reads X-Auto-Response-Suppress, as Exchange writes it.
func suppresses(v string) bool {
	for _, word := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if word == "all" || word == "oof" || word == "autoreply" {
			return true
		}
	}
	return false
}

// recipientFields are those that name whom a message is for (RFC 5230 §4.5).
var recipientFields = []string{"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"}

// addressed tells whether the header names one of the addresses.
func (h *head) addressed(mine []string) bool {
	for _, name := range recipientFields {
		for _, f := range h.named(name) {
			for _, a := range f.addresses() {
				if m, err := a.Mail(); err == nil && slices.Contains(mine, m.Key()) {
					return true
				}
			}
		}
	}
	return false
}
