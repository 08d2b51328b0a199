package jmapd

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/mailbox"
	"tegami/wire/jmap"
)

// threadProperties are those of a thread (RFC 8621 §3).
var threadProperties = []string{"id", "emailIds"}

// getThreads is Thread/get (RFC 8621 §3.1).
func getThreads(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	asked, err := c.getIDs(in, threadProperties)
	if err != nil {
		return nil, err
	}
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	if asked == nil {
		if asked, err = c.allThreads(ctx, reg); err != nil {
			return nil, err
		}
	}
	out := &jmap.GetOut{AccountID: in.AccountID, State: reg.State().String(), List: []json.RawMessage{}, NotFound: []jmap.Id{}}
	whole := in.Properties == nil || slices.Contains(in.Properties, "emailIds")
	for _, ref := range asked {
		id, _ := parseThread(ref)
		emails := reg.Thread(id)
		if len(emails) == 0 {
			out.NotFound = append(out.NotFound, ref)
			continue
		}
		b := appendID([]byte(`{"id":`), ref)
		if whole {
			b = appendList(append(b, `,"emailIds":`...), ids(emails, emailRef), appendID)
		}
		out.List = append(out.List, append(b, '}'))
	}
	return out, nil
}

// allThreads lists the threads of an account that has not too many messages for that.
func (c *call) allThreads(ctx context.Context, reg *mailbox.Register) (list []jmap.Id, err error) {
	if reg.Emails() > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	found, err := reg.Query(ctx, mailbox.Query{Collapse: true})
	for _, id := range found.IDs {
		if row, ok := reg.Email(id); ok {
			list = append(list, threadRef(row.Thread))
		}
	}
	return list, err
}
