package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
)

type queueCommands struct {
	List         queueList         `cmd:"" help:"List what waits, is held, or came to rest."`
	Routes       queueRoutes       `cmd:"" help:"Count what waits and is held by where it goes, most first."`
	Destinations queueDestinations `cmd:"" help:"Show how the hosts the server sends to stand: connections, waiting after failures, their last answers."`
	Show         queueShow         `cmd:"" help:"Show all that is known of one message: where it came from, the last answer for each recipient, and the next try."`
	Flush        queueFlush        `cmd:"" help:"Try now, without waiting for the next try: a message, or all on a route."`
	Hold         queueHold         `cmd:"" help:"Keep a message until it is released."`
	Release      queueRelease      `cmd:"" help:"Let a held message go on."`
	Delete       queueDelete       `cmd:"" help:"Remove a message from the queue; its sender is told, unless you say otherwise."`
}

// stateNames are the states of items as the command line knows them.
var stateNames = map[string]store.ItemState{
	"waiting": store.ItemWaiting, "held": store.ItemHeld, "settled": store.ItemSettled, "all": 0,
}

func stateName(s store.ItemState) string {
	for name, state := range stateNames {
		if state == s {
			return name
		}
	}
	return strconv.Itoa(int(s))
}

// itemRow is an item as it is printed.
type itemRow struct {
	ID         mail.ItemID    `json:"id"`
	Tenant     mail.TenantID  `json:"tenant"`
	State      string         `json:"state"`
	Due        time.Time      `json:"due"`
	Route      string         `json:"route"`
	Tries      int            `json:"tries"`
	From       string         `json:"from"`
	Size       int64          `json:"size"` // octets
	MessageID  string         `json:"messageId"`
	Trace      string         `json:"trace"`
	Door       string         `json:"door"`
	Remote     string         `json:"remote"`
	Accepted   time.Time      `json:"accepted"`
	Attempts   int            `json:"attempts"`
	Hold       string         `json:"hold,omitempty"`   // why it is held
	InHand     *time.Time     `json:"inHand,omitempty"` // a carrier has it, until then at least
	Authentic  *policy.Facts  `json:"facts,omitempty"`  // what was known when it came
	Recipients []recipientRow `json:"recipients"`
}

// recipientRow is a recipient with what became of it.
type recipientRow struct {
	Address string    `json:"address"`
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason,omitempty"`
	Status  string    `json:"status,omitempty"` // RFC 3463
	Host    string    `json:"host,omitempty"`   // who answered
	Answer  string    `json:"answer,omitempty"` // its words
	At      time.Time `json:"at,omitzero"`
}

var itemHeadings = []string{"cli.id", "cli.company", "cli.state", "cli.due", "cli.route", "cli.from", "cli.recipients"}

func (d *desk) newItemRow(tenant mail.TenantID, it queue.Item) itemRow {
	r := itemRow{
		ID: it.ID, Tenant: tenant, State: stateName(it.State), Due: it.Due, Route: it.Route, Tries: it.Tries,
		From: "<" + it.From.String() + ">", Size: it.Blob.Size, MessageID: it.MessageID, Trace: it.Trace,
		Door: it.Origin.Door, Remote: it.Origin.Remote.String(), Accepted: it.Origin.Received, Attempts: it.Attempts,
		Hold: d.reason(it.Hold), Recipients: []recipientRow{},
	}
	if !it.Until.IsZero() {
		r.InHand = &it.Until
	}
	if facts, err := policy.ParseFacts(it.Facts); err == nil {
		r.Authentic = &facts
	}
	for _, to := range it.To {
		r.Recipients = append(r.Recipients, recipientRow{
			to.Address.String(), outcomeName(to.Outcome), d.reason(to.Reason), to.Status, to.Host, to.Answer, to.At,
		})
	}
	return r
}

// reason gives the text of a reason, "" for none.
func (d *desk) reason(key string) string {
	if key == "" {
		return ""
	}
	return d.text(key)
}

func outcomeName(o queue.Outcome) string {
	switch o {
	case queue.Waiting:
		return "waiting"
	case queue.Delivered:
		return "delivered"
	case queue.Failed:
		return "failed"
	case queue.Relayed:
		return "relayed"
	case queue.Expanded:
		return "expanded"
	}
	return strconv.Itoa(int(o))
}

func (r itemRow) columns() []string {
	to := make([]string, 0, len(r.Recipients))
	for _, one := range r.Recipients {
		to = append(to, one.Address)
	}
	const shown = 3 // recipients of a message to many
	if len(to) > shown {
		to = append(to[:shown], fmt.Sprintf("+%d", len(r.Recipients)-shown))
	}
	return []string{r.ID.String(), r.Tenant.String(), r.State, r.Due.Format(time.DateTime), r.Route, r.From, strings.Join(to, " ")}
}

type queueList struct {
	Tenant string `help:"Only of this company: its id, or a domain it has."`
	State  string `help:"waiting, held, settled or all." enum:"waiting,held,settled,all" default:"waiting"`
	Route  string `help:"Only what waits or is held on this route, as queue routes shows it: remote example.org."`
	Limit  int    `help:"At most so many of each company." default:"1000"`
}

func (c queueList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenants, err := d.tenants(c.Tenant)
		if err != nil {
			return err
		}
		var rows []itemRow
		for _, t := range tenants {
			items, err := c.items(d, d.platform.Queue().Of(t))
			if err != nil {
				return err
			}
			for _, it := range items {
				rows = append(rows, d.newItemRow(t, it))
			}
		}
		return printList(sh, a.format, itemHeadings, rows)
	})
}

func (c queueList) items(d *desk, lane *queue.Lane) ([]queue.Item, error) {
	if c.Route != "" {
		return lane.On(d.ctx, c.Route, 0, c.Limit)
	}
	return lane.List(d.ctx, stateNames[c.State], 0, c.Limit)
}

// itemRef names an item.
type itemRef struct {
	Item   mail.ItemID `arg:"" help:"The message's id in the queue."`
	Tenant string      `help:"The company: its id, or a domain it has." required:""`
}

type queueShow struct{ itemRef }

func (c queueShow) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		id, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		it, err := d.platform.Queue().Of(id).Explain(d.ctx, c.Item)
		if err != nil {
			return err
		}
		return printJSON(sh.out, d.newItemRow(id, it))
	})
}

type queueDelete struct {
	itemRef
	Quietly bool `help:"Tell nobody: for spam."`
}

func (c queueDelete) Run(sh *shell, a *adminCommand) error {
	return c.do(sh, a, func(d *desk, lane *queue.Lane) error { return lane.Remove(d.ctx, d.by, c.Item, !c.Quietly) })
}

// do works on the lane of the item's company.
func (r itemRef) do(sh *shell, a *adminCommand, with func(*desk, *queue.Lane) error) error {
	return a.open(sh, func(d *desk) error {
		id, err := d.tenant(r.Tenant)
		if err != nil {
			return err
		}
		if err := with(d, d.platform.Queue().Of(id)); err != nil {
			return err
		}
		d.platform.Runner().Wake()
		return nil
	})
}

type queueHold struct{ itemRef }

func (c queueHold) Run(sh *shell, a *adminCommand) error {
	return c.do(sh, a, func(d *desk, lane *queue.Lane) error { return lane.Hold(d.ctx, d.by, c.Item) })
}

type queueRelease struct{ itemRef }

func (c queueRelease) Run(sh *shell, a *adminCommand) error {
	return c.do(sh, a, func(d *desk, lane *queue.Lane) error { return lane.Release(d.ctx, d.by, c.Item) })
}

type queueFlush struct {
	Item        mail.ItemID `arg:"" optional:"" help:"The message's id in the queue."`
	Tenant      string      `help:"The company: its id, or a domain it has. With --route: of this company only."`
	Route       string      `help:"All that waits on this route, as queue routes shows it: remote example.org."`
	Destination string      `help:"Forget the failures of a destination, as queue destinations shows it, and try it now."`
}

// Run flushes what was named.
func (c queueFlush) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		defer d.platform.Runner().Wake()
		switch {
		case c.Destination != "":
			d.platform.Runner().Flush(c.Destination)
			return nil
		case c.Route != "":
			return c.flushRoute(d)
		case c.Item.IsZero() || c.Tenant == "":
			return mail.E("tegami.queueFlush", mail.Invalid, "cli.flush_what")
		}
		id, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		return d.platform.Queue().Of(id).Flush(d.ctx, d.by, c.Item)
	})
}

// flushRoute makes due what waits on a route. What a carrier has in hand is being tried anyway, and what its sender wants held until a time stays.
func (c queueFlush) flushRoute(d *desk) error {
	tenants, err := d.tenants(c.Tenant)
	if err != nil {
		return err
	}
	if domain, ok := queue.RemoteDomain(c.Route); ok {
		d.platform.Runner().Flush(domain)
	}
	for _, t := range tenants {
		if _, err := d.platform.Queue().Of(t).FlushRoute(d.ctx, d.by, c.Route); err != nil {
			return err
		}
	}
	return nil
}

// routeRow counts a route of a company.
type routeRow struct {
	Tenant mail.TenantID `json:"tenant"`
	Route  string        `json:"route"`
	Items  int           `json:"items"`
	Due    time.Time     `json:"due"` // the earliest
	First  mail.ItemID   `json:"first"`
}

func (r routeRow) columns() []string {
	return []string{strconv.Itoa(r.Items), r.Route, r.Due.Format(time.DateTime), r.Tenant.String(), r.First.String()}
}

type queueRoutes struct {
	Tenant string `help:"Only of this company: its id, or a domain it has."`
	Limit  int    `help:"At most so many of each company." default:"100"`
}

func (c queueRoutes) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		tenants, err := d.tenants(c.Tenant)
		if err != nil {
			return err
		}
		var rows []routeRow
		for _, t := range tenants {
			routes, err := d.platform.Queue().Of(t).Routes(d.ctx, c.Limit)
			if err != nil {
				return err
			}
			for _, r := range routes {
				rows = append(rows, routeRow{t, r.Route, r.Items, r.Due, r.First})
			}
		}
		slices.SortStableFunc(rows, func(x, y routeRow) int { return cmp.Compare(y.Items, x.Items) })
		return printList(sh, a.format, []string{"cli.messages", "cli.route", "cli.due", "cli.company", "cli.oldest"}, rows)
	})
}

// destinationRow is how a destination stands.
type destinationRow struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Waiting int       `json:"waiting"`
	Active  int       `json:"active"`
	Limit   int       `json:"limit"`
	Until   time.Time `json:"until,omitzero"` // left alone until then
	Last    string    `json:"last,omitempty"` // its last error
}

func (r destinationRow) columns() []string {
	until := ""
	if !r.Until.IsZero() {
		until = r.Until.Format(time.DateTime)
	}
	return []string{r.Name, strings.TrimSpace(r.Kind), strconv.Itoa(r.Waiting), fmt.Sprintf("%d/%d", r.Active, r.Limit), until, r.Last}
}

type queueDestinations struct{}

// Run shows what the server knows of its destinations. There is nothing to show where none runs.
func (queueDestinations) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		var rows []destinationRow
		for _, s := range d.platform.Runner().Destinations() {
			rows = append(rows, destinationRow{s.Name, s.Kind, s.Waiting, s.Active, s.Limit, s.Until, s.Last})
		}
		return printList(sh, a.format, []string{"cli.destination", "cli.route", "cli.waiting", "cli.connections", "cli.until", "cli.last_error"}, rows)
	})
}
