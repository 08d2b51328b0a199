package imap

import (
	"strings"

	"tegami/mail"
)

// Limits of one NOTIFY (RFC 5465 §9: it is easy to ask for too much).
const (
	// MaxNotifyGroups is how many groups of events it has.
	MaxNotifyGroups = 32
	// MaxNotifyMailboxes is how many mailboxes all its groups name.
	MaxNotifyMailboxes = 256
)

// Notify is what a NOTIFY command asks for (RFC 5465 §8).
type Notify struct {
	Set    bool // false: NONE
	Status bool
	Groups []NotifyGroup
}

// NotifyGroup is a group of events for some mailboxes.
type NotifyGroup struct {
	Filter    NotifyFilter
	Mailboxes []string // of NotifySubtree and NotifyMailboxes, UTF-8
	Events    NotifyEvents
	Unknown   string // the first event whose name means nothing here; "" = none
	Fetch     Fetch  // of MessageNew: what to tell of each new message; empty where nothing was asked for
}

// NotifyFilter says which mailboxes a group is for (RFC 5465 §6).
type NotifyFilter uint8

// The filters.
const (
	NotifySelected NotifyFilter = iota + 1
	NotifySelectedDelayed
	NotifyInboxes
	NotifyPersonal
	NotifySubscribed
	NotifySubtree
	NotifyMailboxes
)

var notifyFilters = [...]struct {
	name   string
	filter NotifyFilter
}{
	{"SELECTED", NotifySelected},
	{"SELECTED-DELAYED", NotifySelectedDelayed},
	{"INBOXES", NotifyInboxes},
	{"PERSONAL", NotifyPersonal},
	{"SUBSCRIBED", NotifySubscribed},
	{"SUBTREE", NotifySubtree},
	{"MAILBOXES", NotifyMailboxes},
}

// NotifyEvents are events, one bit each (RFC 5465 §5).
type NotifyEvents uint16

// The events.
const (
	NotifyMessageNew NotifyEvents = 1 << iota
	NotifyMessageExpunge
	NotifyFlagChange
	NotifyAnnotationChange
	NotifyMailboxName
	NotifySubscriptionChange
	NotifyMailboxMetadata
	NotifyServerMetadata

	// NotifyMessageEvents are those about messages.
	NotifyMessageEvents = NotifyMessageNew | NotifyMessageExpunge | NotifyFlagChange | NotifyAnnotationChange
)

// notifyEvents are the events by name.
var notifyEvents = [...]struct {
	name  string
	event NotifyEvents
}{
	{"MessageNew", NotifyMessageNew},
	{"MessageExpunge", NotifyMessageExpunge},
	{"FlagChange", NotifyFlagChange},
	{"AnnotationChange", NotifyAnnotationChange},
	{"MailboxName", NotifyMailboxName},
	{"SubscriptionChange", NotifySubscriptionChange},
	{"MailboxMetadataChange", NotifyMailboxMetadata},
	{"ServerMetadataChange", NotifyServerMetadata},
}

// String writes the names of events, for BADEVENT.
func (e NotifyEvents) String() string {
	var names []string
	for _, x := range notifyEvents {
		if e&x.event != 0 {
			names = append(names, x.name)
		}
	}
	return strings.Join(names, " ")
}

// Notify takes what stands behind the word NOTIFY, without the end of the line.
func (d *Decoder) Notify(dst *Notify) bool {
	var word string
	if !d.SP() || !d.Keyword(&word) {
		return false
	}
	switch word {
	case "NONE":
		return true
	case "SET":
		dst.Set = true
	default:
		return d.Expected("SET")
	}
	if !d.SP() {
		return false
	}
	if !d.IsNext('(') {
		if !d.Keyword(&word) || word != "STATUS" {
			return d.Expected("STATUS")
		}
		if dst.Status = true; !d.SP() {
			return false
		}
	}
	return d.notifyGroups(dst)
}

func (d *Decoder) notifyGroups(dst *Notify) bool {
	for selected, named := 0, 0; ; {
		if len(dst.Groups) == MaxNotifyGroups {
			return d.fail(mail.E(opDecode, mail.Full, "imap.notify_too_much"))
		}
		var g NotifyGroup
		if !d.Special('(') || !d.notifyGroup(&g) || !d.Special(')') {
			return false
		}
		if g.Filter <= NotifySelectedDelayed {
			selected++
		}
		if named += len(g.Mailboxes); named > MaxNotifyMailboxes {
			return d.fail(mail.E(opDecode, mail.Full, "imap.notify_too_much"))
		}
		if dst.Groups = append(dst.Groups, g); selected > 1 {
			return d.Expected("filter-mailboxes-other") // RFC 5465 §6.1
		}
		if !d.Accept(' ') || d.AtEnd() {
			return d.err == nil
		}
	}
}

// notifyGroup takes a filter and its events.
func (d *Decoder) notifyGroup(g *NotifyGroup) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	for _, f := range notifyFilters {
		if f.name == word {
			g.Filter = f.filter
		}
	}
	if g.Filter == 0 {
		return d.Expected("filter-mailboxes")
	}
	if g.Filter >= NotifySubtree && !(d.SP() && d.notifyMailboxes(g)) || !d.SP() {
		return false
	}
	if !d.IsNext('(') {
		return d.Keyword(&word) && word == "NONE" || d.Expected("events")
	}
	var last NotifyEvents
	if !d.List(func() bool { return d.notifyEvent(g, &last) }) {
		return false
	}
	return g.valid() || d.Expected("MessageNew and MessageExpunge")
}

// valid tells whether events may stand together (RFC 5465 §5, §6.1).
func (g *NotifyGroup) valid() bool {
	const both = NotifyMessageNew | NotifyMessageExpunge
	if g.Events == 0 && g.Unknown == "" || g.Events&NotifyMessageEvents != 0 && g.Events&both != both {
		return false
	}
	if g.Filter <= NotifySelectedDelayed {
		return g.Events&^NotifyMessageEvents == 0
	}
	return g.Fetch.Items == 0 && len(g.Fetch.Sections) == 0
}

// notifyMailboxes takes one mailbox or a list of them.
func (d *Decoder) notifyMailboxes(g *NotifyGroup) bool {
	one := func() bool {
		var name string
		if !d.Mailbox(&name) {
			return false
		}
		if len(g.Mailboxes) == MaxNotifyMailboxes {
			return d.fail(mail.E(opDecode, mail.Full, "imap.notify_too_much"))
		}
		g.Mailboxes = append(g.Mailboxes, name)
		return true
	}
	if d.IsNext('(') {
		return d.List(one) && (len(g.Mailboxes) > 0 || d.Expected("mailbox"))
	}
	return one()
}

// notifyEvent takes one event. Behind MessageNew may stand what to fetch of the message.
func (d *Decoder) notifyEvent(g *NotifyGroup, last *NotifyEvents) bool {
	var word string
	if d.IsNext('(') && *last == NotifyMessageNew {
		*last = 0
		return d.List(func() bool { return d.fetchItem(&g.Fetch) })
	}
	if !d.Atom(&word) {
		return false
	}
	*last = 0
	for _, e := range notifyEvents {
		if strings.EqualFold(e.name, word) {
			*last = e.event
			g.Events |= e.event
			return true
		}
	}
	if g.Unknown == "" {
		g.Unknown = word
	}
	return true
}

// AppendTo writes what follows the word NOTIFY.
func (n *Notify) AppendTo(dst []byte) []byte {
	if !n.Set {
		return append(dst, " NONE"...)
	}
	if dst = append(dst, " SET"...); n.Status {
		dst = append(dst, " STATUS"...)
	}
	for i := range n.Groups {
		dst = n.Groups[i].appendTo(append(dst, " ("...))
	}
	return dst
}

func (g *NotifyGroup) appendTo(dst []byte) []byte {
	dst = append(dst, notifyFilters[g.Filter-1].name...)
	if g.Filter >= NotifySubtree {
		dst = append(dst, " ("...)
		for i, name := range g.Mailboxes {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = AppendMailbox(dst, name, false)
		}
		dst = append(dst, ')')
	}
	if g.Events == 0 && g.Unknown == "" {
		return append(dst, " NONE)"...)
	}
	dst = append(dst, " ("...)
	start := len(dst)
	for _, e := range notifyEvents {
		if g.Events&e.event != 0 {
			dst = append(sep(dst, start), e.name...)
			if e.event == NotifyMessageNew && (g.Fetch.Items != 0 || len(g.Fetch.Sections) > 0) {
				dst = g.Fetch.AppendTo(append(dst, ' '))
			}
		}
	}
	if g.Unknown != "" {
		dst = append(sep(dst, start), g.Unknown...)
	}
	return append(dst, "))"...)
}
