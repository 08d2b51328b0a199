package jmapd

import (
	"context"

	"tegami/quarantine"
	"tegami/wire/jmap"
)

// quarantineCondition is what a message in quarantine must be like.
type quarantineCondition struct {
	Text   string        `json:"text"` // words in subject, sender or recipient; all of them
	From   string        `json:"from"` // an address, or a domain with what is below it
	After  *jmap.UTCDate `json:"after"`
	Before *jmap.UTCDate `json:"before"`
}

// quarantineSorts are what a list can be sorted by.
var quarantineSorts = map[string]quarantine.Sort{
	"receivedAt": quarantine.ByReceived, "from": quarantine.BySender, "subject": quarantine.BySubject, "percent": quarantine.ByPercent, "size": quarantine.BySize,
}

// quarantineQuery makes a query of the house. One condition is taken, and one order.
func quarantineQuery(in *jmap.QueryIn[quarantineCondition]) (q quarantine.Query, err error) {
	if f := in.Filter; f != nil {
		if f.Condition == nil {
			return q, &jmap.MethodError{Type: jmap.UnsupportedFilter}
		}
		q.Text, q.From, q.Since, q.Until = f.Condition.Text, f.Condition.From, instant(f.Condition.After), instant(f.Condition.Before)
	}
	if len(in.Sort) == 0 {
		return q, nil
	}
	by := in.Sort[0]
	if q.Sort, q.Ascending = quarantineSorts[by.Property], by.Ascending(); len(in.Sort) > 1 || q.Sort == "" || !known(collations, by.Collation) {
		err = &jmap.MethodError{Type: jmap.UnsupportedSort}
	}
	return q, err
}

// queryQuarantined is QuarantinedEmail/query, the newest first.
func queryQuarantined(ctx context.Context, c *call, in *jmap.QueryIn[quarantineCondition]) (*jmap.QueryOut, error) {
	box, err := c.quarantine()
	if err != nil {
		return nil, err
	}
	q, err := quarantineQuery(in)
	if err != nil {
		return nil, err
	}
	if in.Anchor != nil || in.Position < 0 || in.Limit == nil || *in.Limit <= 0 || *in.Limit > quarantine.MaxPageSize {
		ids, at, err := box.IDs(ctx, q)
		if err != nil {
			return nil, err
		}
		out, err := window(in, objectRefs(ids), c.server.limits.Objects)
		if out != nil {
			out.QueryState = jmap.State(at)
		}
		return out, err
	}
	q.Offset, q.Limit = in.Position, *in.Limit
	page, err := box.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &jmap.QueryOut{AccountID: in.AccountID, QueryState: jmap.State(page.State), Position: in.Position, IDs: make([]jmap.Id, len(page.Entries))}
	for i := range page.Entries {
		out.IDs[i] = objectRef(page.Entries[i].ID)
	}
	if in.CalculateTotal {
		out.Total = &page.Total
	}
	return out, nil
}
