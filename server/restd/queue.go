package restd

import (
	"context"
	"net/http"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
	"tegami/trace"
)

// QueueItem is a message that waits or is held, or came to rest.
type QueueItem struct {
	TraceEntry
	Tenant   mail.TenantID `json:"tenant"`
	Due      time.Time     `json:"due,omitzero" doc:"When it is tried next"`
	Tries    int           `json:"tries" doc:"How often a carrier had it"`
	Attempts int           `json:"attempts" doc:"How often a carrier tried in vain"`
	Hold     string        `json:"hold,omitempty" doc:"A stable name of why it is held"`
	HoldText string        `json:"holdText,omitempty" doc:"The same in the request's language"`
	InHand   time.Time     `json:"inHand,omitzero" doc:"A carrier has it, until then at least"`
	Facts    *trace.Facts  `json:"facts,omitempty" doc:"What was found out when it came; only where one item is asked for"`
}

// QueueRoute counts what waits by where it goes.
type QueueRoute struct {
	Tenant mail.TenantID `json:"tenant"`
	Route  string        `json:"route"`
	Items  int           `json:"items"`
	First  mail.ItemID   `json:"first" doc:"The oldest"`
	Due    time.Time     `json:"due,omitzero" doc:"The earliest"`
}

// Destination is how a place stands that mail goes to.
type Destination struct {
	Kind    string    `json:"kind" doc:"What kind of carrier serves it: remote, local, list, forward, filter, notice"`
	Name    string    `json:"name"`
	Waiting int       `json:"waiting" doc:"Items in memory that no carrier has yet"`
	Active  int       `json:"active" doc:"Connections or carriers at work"`
	Limit   int       `json:"limit" doc:"How many there may be, as learned"`
	Until   time.Time `json:"until,omitzero" doc:"It is left alone until then"`
	Last    string    `json:"last,omitempty" doc:"Its last error"`
}

// queueFilter says what of a queue is listed.
type QueueFilter struct {
	State string `query:"state" enum:"waiting,held,settled,all" default:"waiting"`
	Route string `query:"route" maxLength:"300" doc:"Only what waits or is held on this route"`
}

// InQueue is the path of one item.
type InQueue struct {
	InTenant
	Item Ref[mail.ItemID] `path:"item"`
}

func (s *Server) addQueue() {
	in := func(id, method, path, summary string, view bool) operation {
		return operation{ID: id, Method: method, Path: path, Right: directory.RightOrder, Tag: "queue", Summary: summary, View: view}
	}
	add(s, in("listQueue", http.MethodGet, "/tenants/{tenant}/queue", "List what waits in a company's queue, is held, or came to rest, the oldest first.", true), s.listQueue)
	add(s, in("listQueueRoutes", http.MethodGet, "/queue/routes", "Count what waits and is held by company and route, most first.", false), s.listRoutes)
	add(s, in("listDestinations", http.MethodGet, "/queue/destinations", "Tell how the places stand that mail goes to.", false), s.listDestinations)
	add(s, in("flushDestination", http.MethodPost, "/queue/destinations/{name}/flush", "Forget the failures of a destination and try it now.", false), s.flushDestination)
	add(s, in("getQueueItem", http.MethodGet, "/tenants/{tenant}/queue/{item}", "Tell all that is known of one item of the queue.", true), s.getQueueItem)
	add(s, in("deleteQueueItem", http.MethodDelete, "/tenants/{tenant}/queue/{item}", "Remove an item from the queue; its sender is told unless said otherwise.", false), s.deleteQueueItem)
	add(s, in("flushQueueItem", http.MethodPost, "/tenants/{tenant}/queue/{item}/flush", "Try an item now.", false), s.actOn((*queue.Lane).Flush))
	add(s, in("holdQueueItem", http.MethodPost, "/tenants/{tenant}/queue/{item}/hold", "Keep an item until it is released.", false), s.actOn((*queue.Lane).Hold))
	add(s, in("releaseQueueItem", http.MethodPost, "/tenants/{tenant}/queue/{item}/release", "Let a held item go on.", false), s.actOn((*queue.Lane).Release))
	add(s, in("flushQueueRoute", http.MethodPost, "/tenants/{tenant}/queue/flush", "Try now all that waits on a route.", false), s.flushRoute)
}

func (s *Server) listQueue(ctx context.Context, c *Call, in *struct {
	InTenant
	Paging
	QueueFilter
}) (*List[QueueItem], error) {
	const list = "listQueue"
	var after mail.ItemID
	err := afterID(in.Paging, list, &after)
	if err != nil {
		return nil, err
	}
	lane := s.config.Queue.Of(c.TenantID)
	var items []queue.Item
	if in.Route != "" {
		items, err = lane.On(ctx, in.Route, after, in.Limit)
	} else {
		items, err = lane.List(ctx, queue.StateNamed(in.State), after, in.Limit)
	}
	if err != nil {
		return nil, err
	}
	shown, next := make([]QueueItem, len(items)), ""
	for i := range items {
		shown[i] = s.queueItem(c, &items[i], listedTo)
	}
	if len(items) == in.Limit {
		next = cursorAt(list, items[len(items)-1].ID.String())
	}
	return listed(shown, next), nil
}

// queueItem shows an item to an operator, with so many recipients at most.
func (s *Server) queueItem(c *Call, it *queue.Item, most int) QueueItem {
	t := &tracing{Server: s, call: c, subjects: nobody}
	e := trace.Entry{Item: *it, Direction: trace.DirectionOf(it)}
	return QueueItem{
		TraceEntry: t.entry(&e, most), Tenant: c.TenantID, Due: utc(it.Due), Tries: it.Tries, Attempts: it.Attempts,
		Hold: it.Hold, HoldText: s.reason(c.Lang, it.Hold), InHand: utc(it.Until),
	}
}

func (s *Server) getQueueItem(ctx context.Context, c *Call, in *InQueue) (*struct{ Body QueueItem }, error) {
	it, err := s.config.Queue.Of(c.TenantID).Explain(ctx, in.Item.ID)
	if err != nil {
		return nil, err
	}
	out := s.queueItem(c, &it, len(it.To))
	out.Facts = trace.FactsOf(&it)
	return &struct{ Body QueueItem }{out}, nil
}

func (s *Server) deleteQueueItem(ctx context.Context, c *Call, in *struct {
	InQueue
	Quietly bool `query:"quietly" doc:"Tell nobody: for spam"`
}) (*struct{}, error) {
	return nil, s.config.Queue.Of(c.TenantID).Remove(ctx, c.Actor(), in.Item.ID, !in.Quietly)
}

// actOn makes the operation of something done with one item.
func (s *Server) actOn(do func(*queue.Lane, context.Context, mail.Actor, mail.ItemID) error) func(context.Context, *Call, *InQueue) (*struct{}, error) {
	return func(ctx context.Context, c *Call, in *InQueue) (*struct{}, error) {
		return nil, do(s.config.Queue.Of(c.TenantID), ctx, c.Actor(), in.Item.ID)
	}
}

func (s *Server) flushRoute(ctx context.Context, c *Call, in *struct {
	InTenant
	Body struct {
		Route string `json:"route" minLength:"1" maxLength:"300" doc:"As listQueueRoutes names it: remote example.org"`
	}
}) (*struct {
	Body struct {
		Items int `json:"items" doc:"How many were made due"`
	}
}, error) {
	if domain, ok := queue.RemoteDomain(in.Body.Route); ok {
		s.config.Runner.Flush(domain)
	}
	n, err := s.config.Queue.Of(c.TenantID).FlushRoute(ctx, c.Actor(), in.Body.Route)
	out := &struct {
		Body struct {
			Items int `json:"items" doc:"How many were made due"`
		}
	}{}
	out.Body.Items = n
	return out, err
}

// maxRouteTenants is how many companies' routes one answer goes through.
const maxRouteTenants = 500

func (s *Server) listRoutes(ctx context.Context, _ *Call, in *struct {
	Paging
	Tenant Ref[mail.TenantID] `query:"tenant" doc:"Only of this company"`
}) (*List[QueueRoute], error) {
	const list = "listQueueRoutes"
	var after mail.TenantID
	err := afterID(in.Paging, list, &after)
	if err != nil {
		return nil, err
	}
	tenants := []mail.TenantID{in.Tenant.ID}
	out := &List[QueueRoute]{}
	out.Body.Items = []QueueRoute{}
	if in.Tenant.ID.IsZero() {
		var more bool
		if tenants, more, err = s.tenantsBehind(ctx, after); err != nil {
			return nil, err
		}
		if more {
			out.Body.Next = cursorAt(list, tenants[len(tenants)-1].String())
		}
	}
	for _, t := range tenants {
		routes, err := s.config.Queue.Of(t).Routes(ctx, in.Limit)
		if err != nil {
			return nil, err
		}
		for _, r := range routes {
			out.Body.Items = append(out.Body.Items, QueueRoute{t, r.Route, r.Items, r.First, utc(r.Due)})
		}
	}
	return out, nil
}

// tenantsBehind gives some companies behind one; more: there are others.
func (s *Server) tenantsBehind(ctx context.Context, after mail.TenantID) (list []mail.TenantID, more bool, err error) {
	all, err := s.dir.Tenants(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, t := range all {
		if t.ID <= after {
			continue
		}
		if len(list) == maxRouteTenants {
			return list, true, nil
		}
		list = append(list, t.ID)
	}
	return list, false, nil
}

func (s *Server) listDestinations(context.Context, *Call, *struct{}) (*List[Destination], error) {
	out := &List[Destination]{}
	out.Body.Items = []Destination{}
	for _, d := range s.config.Runner.Destinations() {
		out.Body.Items = append(out.Body.Items, Destination{strings.TrimSpace(d.Kind), d.Name, d.Waiting, d.Active, d.Limit, utc(d.Until), d.Last})
	}
	out.Body.Total = len(out.Body.Items)
	return out, nil
}

func (s *Server) flushDestination(_ context.Context, _ *Call, in *struct {
	Name string `path:"name" doc:"As listDestinations names it"`
}) (*struct{}, error) {
	s.config.Runner.Flush(in.Name)
	return nil, nil
}
