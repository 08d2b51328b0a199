package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

type queueCommands struct {
	List   queueList   `cmd:"" help:"List what waits, is held, or came to rest."`
	Show   queueShow   `cmd:"" help:"Show all that is known of one message: where it came from, and what became of each recipient."`
	Delete queueDelete `cmd:"" help:"Remove a message from the queue: what was not delivered yet will not be, and nobody is told."`
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
	Recipients []recipientRow `json:"recipients"`
}

// recipientRow is a recipient with what became of it.
type recipientRow struct {
	Address string    `json:"address"`
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

var itemHeadings = []string{"cli.id", "cli.company", "cli.state", "cli.due", "cli.route", "cli.from", "cli.recipients"}

func (d *desk) newItemRow(tenant mail.TenantID, it queue.Item) itemRow {
	r := itemRow{it.ID, tenant, stateName(it.State), it.Due, it.Route, it.Tries, "<" + it.From.String() + ">", it.Blob.Size,
		it.MessageID, it.Trace, it.Origin.Door, it.Origin.Remote.String(), []recipientRow{}}
	for _, to := range it.To {
		reason := ""
		if to.Reason != "" {
			reason = d.text(to.Reason)
		}
		r.Recipients = append(r.Recipients, recipientRow{to.Address.String(), outcomeName(to.Outcome), reason, to.At})
	}
	return r
}

func outcomeName(o queue.Outcome) string {
	switch o {
	case queue.Waiting:
		return "waiting"
	case queue.Delivered:
		return "delivered"
	case queue.Failed:
		return "failed"
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
			items, err := d.platform.Queue().Of(t).List(d.ctx, stateNames[c.State], 0, c.Limit)
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

type queueDelete struct{ itemRef }

func (c queueDelete) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		id, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		return d.platform.Queue().Of(id).Remove(d.ctx, d.by, c.Item, false)
	})
}
