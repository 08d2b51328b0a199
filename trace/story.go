package trace

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
)

// StepKind is what happened to a message at one time.
type StepKind string

// Kinds of steps.
const (
	StepAccepted    StepKind = "accepted"    // it became ours
	StepRefused     StepKind = "refused"     // it was not accepted
	StepDelivered   StepKind = "delivered"   // put into a box, or given to a reader of reports
	StepSent        StepKind = "sent"        // another host took it
	StepDeferred    StepKind = "deferred"    // tried in vain, and to be tried again
	StepFailed      StepKind = "failed"      // given up, as somebody said no for good
	StepExpired     StepKind = "expired"     // given up, as it took too long
	StepHeld        StepKind = "held"        // waits for somebody
	StepRemoved     StepKind = "removed"     // taken out by an administrator, or thrown away by a filter
	StepExpanded    StepKind = "expanded"    // to the members of a list
	StepForwarded   StepKind = "forwarded"   // sent on
	StepFiltered    StepKind = "filtered"    // handed to an account's filter
	StepHandedOver  StepKind = "handedOver"  // to another company of this house, or to the carrier for other hosts
	StepWaiting     StepKind = "waiting"     // for its next try
	StepNotified    StepKind = "notified"    // the sender was told
	StepNotifyLater StepKind = "notifyLater" // the sender is about to be told
)

// Step is one thing that happened to a message.
type Step struct {
	At     time.Time
	Until  time.Time // of several alike: the last
	Times  int       // how many alike; 0 = one
	Kind   StepKind
	Item   mail.ItemID
	Route  string
	To     []mail.Address // whom it concerns; none: all of the item, or more than maxStepTo
	Count  int            // how many those are
	Into   queue.Into     // of StepDelivered
	Reason string         // a key of the catalogue
	Status string         // RFC 3463
	Host   string         // who said so; "" = we
	Answer string         // its words
	TLS    string         // of the connection to Host
	Next   time.Time      // of StepWaiting: when it is tried
}

// maxStepTo is how many recipients one step names.
const maxStepTo = 100

// Message is all that is known of one message.
type Message struct {
	Entries []Entry // its items, the oldest first
	Steps   []Step  // in the order of time
	Facts   *Facts
	// Cut: it has more items than are shown.
	Cut bool
}

// Facts are what was found out about a message when it came.
type Facts = policy.Facts

// FactsOf gives the facts of an item; nil where there are none.
func FactsOf(it *queue.Item) *Facts {
	if len(it.Facts) == 0 {
		return nil
	}
	f, err := policy.ParseFacts(it.Facts)
	if err != nil {
		return nil
	}
	return &f
}

// maxItems is how many items of one message are shown.
const maxItems = 1000

// Message tells the story of a message by one of its items. NotFound "item.unknown", also where who asks may see nothing of it.
func (s *Service) Message(ctx context.Context, tenant mail.TenantID, id mail.ItemID, sees Sees) (*Message, error) {
	const op mail.Op = "trace.Message"
	unknown := mail.E(op, mail.NotFound, "item.unknown", id.String())
	t := s.cfg.Store.Tenant(tenant)
	var it queue.Item
	err := t.View(ctx, func(r store.Reader) error {
		stored, err := r.Item(id)
		if err == nil {
			it, err = queue.Open(stored)
		}
		return err
	})
	if mail.Is(err, mail.NotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	items, cut, err := s.related(ctx, tenant, &it)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	m := tell(items, sees)
	m.Cut = cut
	if !slices.ContainsFunc(m.Entries, func(e Entry) bool { return e.ID == id }) && sees != nil {
		return nil, unknown
	}
	return m, nil
}

// tell makes the story of some items of one message.
func tell(items []queue.Item, sees Sees) *Message {
	m := &Message{}
	slices.SortFunc(items, func(a, b queue.Item) int { return cmp.Compare(a.ID, b.ID) })
	for i := range items {
		e, ok := sees.entry(&items[i])
		if !ok {
			continue
		}
		if len(m.Entries) == 0 {
			m.Steps = append(m.Steps, came(&e))
		}
		m.Entries = append(m.Entries, e)
		m.Steps = append(m.Steps, stepsOf(&e)...)
		if m.Facts == nil {
			m.Facts = FactsOf(&e.Item)
		}
	}
	slices.SortStableFunc(m.Steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return m
}

// came is how a message came.
func came(e *Entry) Step {
	s := Step{At: e.Origin.Received, Kind: StepAccepted, Item: e.ID, Count: len(e.To), TLS: e.Origin.TLS, Host: e.Origin.Helo}
	if e.Route == queue.RouteRefused {
		s.Kind = StepRefused
	}
	if s.At.IsZero() {
		s.At = e.ID.Time()
	}
	return s
}

// stepsOf tells what happened to an item.
func stepsOf(e *Entry) (list []Step) {
	if e.Route == queue.RouteNotice {
		return []Step{noticeStep(e)}
	}
	for i := range e.Deferrals {
		d := &e.Deferrals[i]
		list = append(list, Step{
			At: d.At, Until: d.Last, Times: d.Times, Kind: StepDeferred, Item: e.ID, Route: e.Route,
			Reason: d.Reason, Status: d.Status, Host: d.Host, Answer: d.Answer,
		})
	}
	var told []Step
	for i := range e.To {
		told = addStep(told, stepOf(e, &e.To[i]), e.To[i].Address)
	}
	return append(list, told...)
}

func noticeStep(e *Entry) Step {
	s := Step{At: e.ID.Time(), Kind: StepNotifyLater, Item: e.ID, Route: e.Route, Count: len(e.To)}
	if e.State == store.ItemSettled {
		s.Kind = StepNotified
	}
	return s
}

// addStep adds a step of a recipient, to one that is alike where there is one.
func addStep(list []Step, s Step, to mail.Address) []Step {
	i := slices.IndexFunc(list, func(o Step) bool {
		return o.Kind == s.Kind && o.Host == s.Host && o.Answer == s.Answer && o.Reason == s.Reason && o.Into == s.Into &&
			o.At.Truncate(time.Second).Equal(s.At.Truncate(time.Second))
	})
	if i < 0 {
		i, list = len(list), append(list, s)
	}
	if list[i].Count++; list[i].Count <= maxStepTo {
		list[i].To = append(list[i].To, to)
	}
	return list
}

// stepOf is what became of a recipient.
func stepOf(e *Entry, r *queue.Recipient) Step {
	s := Step{
		At: r.At, Item: e.ID, Route: e.Route, Into: r.Into, Reason: r.Reason, Status: r.Status, Host: r.Host, Answer: r.Answer, TLS: r.TLS,
	}
	if s.At.IsZero() {
		s.At = e.ID.Time()
	}
	switch ResultOf(&e.Item, r) {
	case Refused:
		s.Kind, s.Times = StepRefused, e.Repeats
	case Held:
		s.Kind, s.Reason = StepHeld, e.Hold
	case Waiting, Delayed:
		s.Kind, s.Next, s.Answer, s.Host = StepWaiting, e.Due, "", "" // the tries stand before it
		s.At = later(e.Origin.Received, e.ID.Time(), s.At)
	case Failed:
		s.Kind = StepFailed
		if r.Reason == "delivery.expired" {
			s.Kind = StepExpired
		}
	case Removed:
		s.Kind = StepRemoved
	case Expanded:
		s.Kind = StepExpanded
	case Filtered:
		s.Kind = StepFiltered
	case Forwarded:
		s.Kind = StepForwarded
		if r.Into == queue.IntoCompany || r.Into == queue.IntoRemote {
			s.Kind = StepHandedOver
		}
	default:
		s.Kind = StepDelivered
		if _, remote := queue.RemoteDomain(e.Route); remote {
			s.Kind = StepSent
		}
	}
	return s
}

// later gives the latest of some times.
func later(list ...time.Time) time.Time { return slices.MaxFunc(list, time.Time.Compare) }

// related gives the items of the message that an item belongs to: they have its trace id.
func (s *Service) related(ctx context.Context, tenant mail.TenantID, it *queue.Item) (items []queue.Item, cut bool, err error) {
	if it.Trace == "" {
		return []queue.Item{*it}, false, nil
	}
	first := it.ID.Time()
	if r := it.Origin.Received; !r.IsZero() && r.Before(first) {
		first = r
	}
	x := &searching{
		tenant: s.cfg.Store.Tenant(tenant), m: newMatcher(Query{Trace: it.Trace, Limit: maxItems}), left: lookAt, all: true,
		from: mail.ItemID(mail.FirstID(first.Add(-time.Minute))), before: maxID,
	}
	if err := x.run(ctx); err != nil {
		return nil, false, err
	}
	for i := range x.page.Entries {
		items = append(items, x.page.Entries[i].Item)
	}
	if !slices.ContainsFunc(items, func(o queue.Item) bool { return o.ID == it.ID }) {
		items = append(items, *it)
	}
	return items, !x.page.Next.IsZero() && len(x.page.Entries) == maxItems, nil
}

// intoNames are the names of places.
var intoNames = [...]string{"", "inbox", "junk", "folder", "nothing", "filter", "forward", "list", "company", "remote", "owners", "return", "reader", "quarantine", "denied", "virus"}

// IntoName names a place for programs; "" where it is not known.
func IntoName(i queue.Into) string {
	if int(i) >= len(intoNames) {
		return ""
	}
	return intoNames[i]
}
