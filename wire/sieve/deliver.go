package sieve

import (
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

var (
	copyTags     = []tagSpec{{name: "copy", needs: "copy"}}
	redirectTags = []tagSpec{
		{name: "copy", needs: "copy"},
		{name: "list", needs: "extlists"},
	}
)

// inbox is the name of the mailbox keep stores into (RFC 9051 §5.1).
const inbox = "INBOX"

// result gathers what a run wants.
type result struct {
	actions   []Action
	warnings  []Fault
	tracks    []Track
	cancelled bool // the implicit keep
	discarded bool
	vacation  bool // it was executed
	redirects int
	notifies  int
	silence   string
}

// add adds an action.
func (r *run) add(c *call, a Action) error {
	if err := r.conflicts(c, a); err != nil {
		return err
	}
	if len(r.result.actions) == r.limits.Actions {
		return r.fault(c, "sieve.limit_actions", r.limits.Actions)
	}
	r.result.actions = append(r.result.actions, a)
	return nil
}

// conflicts tells of actions that exclude each other: reject stands beside nothing but a notification
// (RFC 5429 §2.3, RFC 5230 §4.7).
func (r *run) conflicts(c *call, a Action) error {
	_, refusal := a.(Reject)
	if _, notice := a.(Notify); notice {
		return nil
	}
	for _, have := range r.result.actions {
		_, refused := have.(Reject)
		_, notice := have.(Notify)
		if refused || refusal && !notice {
			return r.fault(c, "sieve.conflict", c.name)
		}
	}
	if refusal && r.result.vacation {
		return r.fault(c, "sieve.conflict", c.name)
	}
	return nil
}

// finish adds the implicit keep, unless it was cancelled (RFC 5228 §2.10.2).
func (r *run) finish() (*Result, error) {
	res := &r.result
	if !res.cancelled {
		if err := r.keep(r.last, Keep{Flags: r.flags, Implicit: true, Content: r.content()}); err != nil {
			return nil, err
		}
	}
	if len(res.actions) == 0 || res.discarded && !res.keeps() {
		res.actions = append(res.actions, Discard{})
	}
	for _, t := range res.tracks {
		res.actions = append(res.actions, t)
	}
	return &Result{Actions: res.actions, Silence: res.silence, Warnings: res.warnings, Steps: r.taken()}, nil
}

// keeps tells whether an action leaves the message somewhere.
func (res *result) keeps() bool {
	return slices.ContainsFunc(res.actions, func(a Action) bool {
		switch a.(type) {
		case Keep, FileInto, Redirect, Reject:
			return true
		}
		return false
	})
}

// keep adds a Keep. A message is stored in a mailbox once, with the flags that were said last (RFC 5228 §2.10.3).
func (r *run) keep(c *call, a Keep) error {
	for i, have := range r.result.actions {
		switch have := have.(type) {
		case Keep:
			have.Flags = a.Flags
			r.result.actions[i] = have
			return nil
		case FileInto:
			if !have.elsewhere() && strings.EqualFold(have.Mailbox, inbox) {
				a.Content = have.Content
				r.result.actions[i] = a
				return nil
			}
		}
	}
	return r.add(c, a)
}

// fileInto adds a FileInto, under the same rule.
func (r *run) fileInto(c *call, a FileInto) error {
	for i, have := range r.result.actions {
		switch have := have.(type) {
		case Keep:
			if !a.elsewhere() && strings.EqualFold(a.Mailbox, inbox) {
				have.Flags = a.Flags
				r.result.actions[i] = have
				return nil
			}
		case FileInto:
			if have.SpecialUse == a.SpecialUse && have.MailboxID == a.MailboxID && sameMailbox(have.Mailbox, a.Mailbox) {
				have.Flags, have.Create, have.Copy = a.Flags, have.Create || a.Create, have.Copy && a.Copy
				r.result.actions[i] = have
				return nil
			}
		}
	}
	return r.add(c, a)
}

// elsewhere tells whether another mailbox may be meant than the one that is named.
func (a *FileInto) elsewhere() bool { return a.SpecialUse != "" || a.MailboxID != "" }

// sameMailbox compares names; the inbox is known in any case (RFC 9051 §5.1).
func sameMailbox(a, b string) bool {
	return a == b || strings.EqualFold(a, inbox) && strings.EqualFold(b, inbox)
}

func doKeep(r *run, c *call) error {
	flags, err := r.flagsOf(c)
	if err != nil {
		return err
	}
	r.result.cancelled = true
	return r.keep(c, Keep{Flags: flags, Content: r.content()})
}

func doDiscard(r *run, _ *call) error {
	r.result.cancelled, r.result.discarded = true, true
	return nil
}

// checkFileInto checks what is known of the mailbox.
func checkFileInto(k *compiler, c *call) {
	if t := &c.args[0].list[0]; t.constant() && !validMailbox(t.fixed) {
		k.fault(c.line, "sieve.mailbox_name", t.fixed)
	}
	k.specialUse(c)
}

// specialUse checks the attribute of :specialuse (RFC 8579 §4).
func (k *compiler) specialUse(c *call) {
	if v := c.tag("specialuse"); v != nil && v.list[0].constant() && !validUse(v.list[0].fixed) {
		k.fault(c.line, "sieve.special_use", v.list[0].fixed)
	}
}

// validUse tells whether s looks like a special-use attribute (RFC 6154 §6).
func validUse(s string) bool { return len(s) > 1 && s[0] == '\\' && validFlag(s) }

// maxMailboxName is the length of a mailbox name, in octets.
const maxMailboxName = 1024

// validMailbox tells whether s can be a mailbox's name; whether it is one is the caller's business.
func validMailbox(s string) bool {
	return s != "" && len(s) <= maxMailboxName && utf8.ValidString(s) && strings.IndexFunc(s, control) < 0
}

// control tells of characters that stand in no name (RFC 5198 §2, RFC 5804 §1.6).
func control(r rune) bool {
	return r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

func doFileInto(r *run, c *call) error {
	a, err := r.target(c, r.string(&c.args[0]))
	if err != nil {
		return err
	}
	a.Copy, a.Content = c.has("copy"), r.content()
	r.result.cancelled = r.result.cancelled || !a.Copy
	return r.fileInto(c, a)
}

// target makes a FileInto of a mailbox and the tags of a call.
func (r *run) target(c *call, mailbox string) (a FileInto, err error) {
	if !validMailbox(mailbox) {
		return a, r.fault(c, "sieve.mailbox_name", mailbox)
	}
	a.Mailbox, a.Create = mailbox, c.has("create")
	if v := c.tag("specialuse"); v != nil {
		if a.SpecialUse = r.string(v); !validUse(a.SpecialUse) {
			return a, r.fault(c, "sieve.special_use", a.SpecialUse)
		}
	}
	if v := c.tag("mailboxid"); v != nil {
		a.MailboxID = r.string(v)
	}
	a.Flags, err = r.flagsOf(c)
	return a, err
}

// checkRedirect checks what is known of the address.
func checkRedirect(k *compiler, c *call) {
	t := &c.args[0].list[0]
	if !t.constant() || c.has("list") {
		return
	}
	_, to, ok := parseMailbox(t.fixed)
	switch {
	case !ok:
		k.fault(c.line, "sieve.address", t.fixed)
	case !slices.ContainsFunc(k.redirects, func(a mail.Address) bool { return sameAddress(a, to) }):
		k.redirects = append(k.redirects, to)
	}
}

func doRedirect(r *run, c *call) error {
	a := Redirect{Copy: c.has("copy"), Content: r.content()}
	s := r.string(&c.args[0])
	if c.has("list") {
		a.List = listName(s)
	} else {
		var ok bool
		if _, a.To, ok = parseMailbox(s); !ok {
			return r.fault(c, "sieve.address", s)
		}
	}
	r.result.cancelled = r.result.cancelled || !a.Copy
	return r.redirect(c, a)
}

// redirect adds a Redirect. Nobody gets the message twice (RFC 5228 §2.10.3).
func (r *run) redirect(c *call, a Redirect) error {
	for i, have := range r.result.actions {
		if have, ok := have.(Redirect); ok && have.List == a.List && sameAddress(have.To, a.To) {
			have.Copy = have.Copy && a.Copy
			r.result.actions[i] = have
			return nil
		}
	}
	if r.result.redirects++; r.result.redirects > r.limits.Redirects {
		return r.fault(c, "sieve.limit_redirects", r.limits.Redirects)
	}
	return r.add(c, a)
}

func sameAddress(a, b mail.Address) bool { return a.Key() == b.Key() }

// doReject does reject and ereject (RFC 5429 §2).
func doReject(r *run, c *call) error {
	r.result.cancelled = true
	text := r.string(&c.args[0])
	if !utf8.ValidString(text) {
		return r.fault(c, "sieve.text_utf8")
	}
	r.hold(len(text))
	return r.add(c, Reject{Text: strings.ReplaceAll(text, "\r\n", "\n"), Extended: c.name == "ereject"})
}

func testMailboxExists(r *run, c *call) (bool, error) {
	for _, name := range r.strings(&c.args[0]) {
		if err := r.spend(c, askCost); err != nil || !validMailbox(name) {
			return false, err
		}
		if ok, err := r.host.MailboxExists(r.ctx, name); !ok || err != nil {
			return false, hostError(err)
		}
	}
	return true, nil
}

// testMailboxID tells whether there is a mailbox with each of the ids (RFC 9042 §5).
func testMailboxID(r *run, c *call) (bool, error) {
	for _, id := range r.strings(&c.args[0]) {
		if ok, err := r.host.MailboxID(r.ctx, id); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// checkSpecialUse checks specialuse_exists (RFC 8579 §3).
func checkSpecialUse(k *compiler, c *call) {
	for i := range c.args[1].list {
		if t := &c.args[1].list[i]; t.constant() && !validUse(t.fixed) {
			k.fault(c.line, "sieve.special_use", t.fixed)
			return
		}
	}
}

// testSpecialUse tells whether a mailbox has the attributes, or some mailbox for each of them.
func testSpecialUse(r *run, c *call) (bool, error) {
	mailbox := ""
	if c.args[0].set() {
		if mailbox = r.string(&c.args[0]); !validMailbox(mailbox) {
			return false, nil
		}
	}
	for _, use := range r.strings(&c.args[1]) {
		if err := r.spend(c, askCost); err != nil {
			return false, err
		}
		found, ok, err := r.host.SpecialUse(r.ctx, use)
		if !ok || err != nil || mailbox != "" && !sameMailbox(found, mailbox) {
			return false, hostError(err)
		}
	}
	return true, nil
}

// annotation takes the mailbox and the last argument's place of a metadata test; the server's have no mailbox
// (RFC 5490 §4).
func (r *run) annotation(c *call) (mailbox string, rest []value, ok bool) {
	if strings.HasPrefix(c.name, "server") {
		return "", c.args, true
	}
	mailbox = r.string(&c.args[0])
	return mailbox, c.args[1:], validMailbox(mailbox)
}

func testMetadata(r *run, c *call) (bool, error) {
	mailbox, args, ok := r.annotation(c)
	if err := r.spend(c, askCost); err != nil || !ok {
		return false, err
	}
	v, ok, err := r.host.Metadata(r.ctx, mailbox, r.string(&args[0]))
	if !ok || err != nil {
		return false, hostError(err)
	}
	return r.compare(c, []string{v})
}

func testMetadataExists(r *run, c *call) (bool, error) {
	mailbox, args, ok := r.annotation(c)
	if !ok {
		return false, nil
	}
	for _, name := range r.strings(&args[0]) {
		if err := r.spend(c, askCost); err != nil {
			return false, err
		}
		if _, ok, err := r.host.Metadata(r.ctx, mailbox, name); !ok || err != nil {
			return false, hostError(err)
		}
	}
	return true, nil
}

// testValidList tells whether all lists are known (RFC 6134 §2.7).
func testValidList(r *run, c *call) (bool, error) {
	for _, list := range r.strings(&c.args[0]) {
		if err := r.spend(c, askCost); err != nil {
			return false, err
		}
		if ok, err := r.host.ListExists(r.ctx, listName(list)); !ok || err != nil {
			return false, hostError(err)
		}
	}
	return true, nil
}
