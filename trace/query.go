package trace

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Result is what became of a message for a recipient, in the words of the trace (DOMAIN §16.4).
type Result string

// The results.
const (
	Delivered   Result = "delivered"   // at rest here, or taken by another host
	Waiting     Result = "waiting"     // not tried yet
	Delayed     Result = "delayed"     // tried, and to be tried again
	Failed      Result = "error"       // given up; the sender was told where that is due
	Held        Result = "held"        // waits for somebody
	Quarantined Result = "quarantined" // put away as unwanted mail
	Removed     Result = "removed"     // taken out by an administrator, taken back by its sender, or thrown away by the account's filter
	Refused     Result = "refused"     // not accepted: the sender's side has it still
	Forwarded   Result = "forwarded"   // sent on: another item says what became of it
	Expanded    Result = "expanded"    // became the members of a list
	Filtered    Result = "filtered"    // with the account's filter: another item says what became of it
)

// Results lists the results there are.
func Results() []Result {
	return []Result{Delivered, Waiting, Delayed, Failed, Held, Quarantined, Removed, Refused, Forwarded, Expanded, Filtered}
}

// ResultOf tells what became of a recipient of an item.
func ResultOf(it *queue.Item, r *queue.Recipient) Result {
	if it.Route == queue.RouteRefused {
		return Refused
	}
	switch r.Outcome {
	case queue.Waiting:
		switch {
		case it.State == store.ItemHeld:
			return Held
		case r.Reason != "" || it.Attempts > 0:
			return Delayed
		}
		return Waiting
	case queue.Failed:
		if r.Reason == "delivery.removed" || r.Reason == "submission.canceled" {
			return Removed
		}
		return Failed
	case queue.Expanded:
		return expandedInto(r.Into)
	}
	switch r.Into {
	case queue.IntoNothing, queue.IntoDenied, queue.IntoVirus:
		return Removed
	case queue.IntoJunk, queue.IntoQuarantine:
		return Quarantined
	}
	return Delivered
}

func expandedInto(into queue.Into) Result {
	switch into {
	case queue.IntoList:
		return Expanded
	case queue.IntoFilter:
		return Filtered
	}
	return Forwarded
}

// Direction is which way a message goes, seen from the company.
type Direction string

// The directions.
const (
	Inbound  Direction = "in"       // from outside
	Outbound Direction = "out"      // from somebody of ours to another host
	Internal Direction = "internal" // from somebody of ours to somebody of ours
	System   Direction = "system"   // written by the platform, or by a list
)

// Directions lists the directions there are.
func Directions() []Direction { return []Direction{Inbound, Outbound, Internal, System} }

// DirectionOf tells which way an item goes.
func DirectionOf(it *queue.Item) Direction {
	_, remote := queue.RemoteDomain(it.Route)
	switch {
	case it.Auto || it.Route == queue.RouteNotice:
		return System
	case it.Sender.IsZero() && it.Sign == "":
		return Inbound
	case remote, it.Route == queue.RouteRefused:
		return Outbound
	}
	return Internal
}

// Limits of a search.
const (
	// MaxPage is how many entries one answer has.
	MaxPage = 1000
	// MaxWords is how long a condition may be, in octets.
	MaxWords = 512
	// lookAt is how many items one search looks at; then it answers with what it found, and where to go on.
	lookAt = 20_000
)

// Query says what is looked for. Zero fields ask for nothing; all others must hold.
type Query struct {
	Sender    string // an address, or a domain: of the envelope or of the header's From
	Recipient string // an address, or a domain; also one that the message was first addressed to
	MessageID string // with or without angle brackets
	Trace     string // the id in our Received field, in refusals and answers; or a session's id
	Subject   string // a part of it, without regard to case and width
	Remote    string // the host that gave us the message: its IP address, a network, or the name it called itself by
	Account   mail.AccountID
	Since     time.Time
	Until     time.Time
	Result    Result
	Direction Direction

	Before mail.ItemID // go on behind this item; zero = from the newest
	Limit  int         // 1 to MaxPage; 0 = 100
}

// check says what is wrong with a query. Invalid "trace.condition".
func (q *Query) check() error {
	const op = "trace.Search"
	for _, text := range []string{q.Sender, q.Recipient, q.MessageID, q.Trace, q.Subject, q.Remote} {
		if len(text) > MaxWords {
			return mail.E(op, mail.Invalid, "trace.condition", text[:32]+"…")
		}
	}
	if q.Result != "" && !slices.Contains(Results(), q.Result) {
		return mail.E(op, mail.Invalid, "trace.condition", string(q.Result))
	}
	if q.Direction != "" && !slices.Contains(Directions(), q.Direction) {
		return mail.E(op, mail.Invalid, "trace.condition", string(q.Direction))
	}
	if q.Limit <= 0 || q.Limit > MaxPage {
		q.Limit = defaultPage
	}
	return nil
}

// defaultPage is how many entries are given to who does not say.
const defaultPage = 100

// party is an address or a domain as somebody asks for it.
type party struct {
	local, domain string // local in lower case; "" = the whole domain
}

// partyOf reads an address or a domain, with or without an @ before it. What is neither finds nothing.
func partyOf(text string) party {
	text = strings.Trim(strings.TrimSpace(text), "<>")
	if a, err := mail.ParseAddress(text); err == nil {
		return party{strings.ToLower(a.Local), a.Domain}
	}
	text = strings.TrimPrefix(text, "@")
	if d, ok := mail.ParseDomain(text); ok {
		return party{"", d}
	}
	return party{"", strings.ToLower(text)}
}

func (p party) is(a mail.Address) bool {
	return strings.EqualFold(a.Domain, p.domain) && (p.local == "" || strings.EqualFold(a.Local, p.local))
}

// isText is is for an address as text.
func (p party) isText(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && p.is(a)
}

// original is the address a recipient stands for (RFC 3461 §4.2), "" where it was not said.
func original(r *queue.Recipient) string {
	kind, text, ok := strings.Cut(r.Orcpt, ";")
	if !ok || !strings.EqualFold(kind, "rfc822") {
		return ""
	}
	return text
}

// A matcher holds items against a query.
type matcher struct {
	Query
	sender, recipient party
	subject           string
	network           netip.Prefix
	item              mail.ItemID // where Trace is the id of an item
}

func newMatcher(q Query) *matcher {
	m := &matcher{Query: q, sender: partyOf(q.Sender), recipient: partyOf(q.Recipient), subject: folded(q.Subject)}
	if id, err := mail.ParseID[struct{}](q.Trace); err == nil {
		m.item = mail.ItemID(id)
	}
	if ip, err := netip.ParseAddr(q.Remote); err == nil {
		ip = ip.Unmap()
		m.network = netip.PrefixFrom(ip, ip.BitLen())
	} else if p, err := netip.ParsePrefix(q.Remote); err == nil {
		m.network = p.Masked()
	}
	return m
}

// is tells whether an item is looked for.
func (m *matcher) is(it *queue.Item) bool {
	return m.isOf(it) && m.isFor(it) &&
		(m.Direction == "" || DirectionOf(it) == m.Direction) &&
		(m.Subject == "" || strings.Contains(folded(it.Subject), m.subject))
}

// isOf judges what an item has once.
func (m *matcher) isOf(it *queue.Item) bool {
	switch {
	case m.Sender != "" && !m.sender.is(it.From) && !m.sender.isText(it.HeaderFrom):
		return false
	case m.MessageID != "" && strings.Trim(m.MessageID, "<> ") != strings.Trim(it.MessageID, "<> "):
		return false
	case m.Trace != "" && m.Trace != it.Trace && m.Trace != sessionOf(it.Trace) && m.Trace != it.ID.String():
		return false
	case m.Remote != "" && !m.isFrom(&it.Origin):
		return false
	}
	return true
}

// isFrom judges where an item came from.
func (m *matcher) isFrom(o *mail.Origin) bool {
	if m.network.IsValid() {
		return m.network.Contains(o.Remote.Unmap())
	}
	return strings.EqualFold(o.Helo, m.Remote)
}

// isFor judges the recipients: one of them must be as is asked for.
func (m *matcher) isFor(it *queue.Item) bool {
	if m.Recipient == "" && m.Result == "" && m.Account.IsZero() {
		return true
	}
	sent := !m.Account.IsZero() && it.Sender == m.Account
	for i := range it.To {
		r := &it.To[i]
		if (m.Recipient == "" || m.recipient.is(r.Address) || m.recipient.isText(original(r))) &&
			(m.Result == "" || ResultOf(it, r) == m.Result) &&
			(m.Account.IsZero() || sent || r.Account == m.Account) {
			return true
		}
	}
	return len(it.To) == 0 && m.Recipient == "" && (m.Result == "" || m.Result == Refused && it.Route == queue.RouteRefused) &&
		(m.Account.IsZero() || sent)
}

// sessionOf is the session of a trace id.
func sessionOf(trace string) string {
	if i := strings.LastIndexByte(trace, '-'); i > 0 {
		return trace[:i]
	}
	return trace
}

// shown tells whether an item stands for itself in a list: notices to senders, and what a filter took over, are told of with the others.
func shown(it *queue.Item) bool {
	if it.Route == queue.RouteNotice {
		return false
	}
	for i := range it.To {
		if ResultOf(it, &it.To[i]) != Filtered {
			return true
		}
	}
	return len(it.To) == 0
}
