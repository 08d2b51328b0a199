package jmapd

import (
	"cmp"
	"context"
	"slices"

	"tegami/mail"
	"tegami/outbox"
	"tegami/wire/jmap"
)

// submissionRecord is an EmailSubmission as clients have it (RFC 8621 §7).
type submissionRecord struct {
	ID             jmap.Id                   `json:"id"`
	IdentityID     jmap.Id                   `json:"identityId"`
	EmailID        jmap.Id                   `json:"emailId"`
	ThreadID       jmap.Id                   `json:"threadId"`
	Envelope       outbox.Envelope           `json:"envelope"`
	SendAt         jmap.UTCDate              `json:"sendAt"`
	UndoStatus     outbox.Undo               `json:"undoStatus"`
	DeliveryStatus map[string]deliveryRecord `json:"deliveryStatus"`
	DSNBlobIDs     []jmap.Id                 `json:"dsnBlobIds"`
	MDNBlobIDs     []jmap.Id                 `json:"mdnBlobIds"`
}

// deliveryRecord is how far one recipient's delivery has come.
type deliveryRecord struct {
	SMTPReply string `json:"smtpReply"`
	Delivered string `json:"delivered"`
	Displayed string `json:"displayed"`
}

var submissionProperties = []string{
	"id", "identityId", "emailId", "threadId", "envelope", "sendAt", "undoStatus", "deliveryStatus", "dsnBlobIds", "mdnBlobIds",
}

func submissionOf(s *outbox.Submission) submissionRecord {
	return submissionRecord{
		ID: jmap.Of(jmap.LetterObject, s.ID), IdentityID: jmap.Of(jmap.LetterObject, s.Identity), EmailID: jmap.Of(jmap.LetterEmail, s.Email),
		ThreadID: jmap.Of(jmap.LetterThread, s.Thread), Envelope: s.Envelope, SendAt: jmap.UTCDate{Time: s.SendAt}, UndoStatus: s.Undo,
		DSNBlobIDs: []jmap.Id{}, MDNBlobIDs: []jmap.Id{},
	}
}

// getSubmissions is EmailSubmission/get (RFC 8621 §7.1).
func getSubmissions(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	deliveries := in.Properties == nil || slices.Contains(in.Properties, "deliveryStatus")
	return get(ctx, c, in, source[submissionRecord]{
		properties: submissionProperties, state: outboxState(b), id: func(r *submissionRecord) jmap.Id { return r.ID },
		fetch: func(ctx context.Context, ids []jmap.Id) ([]submissionRecord, error) {
			list, err := b.Submissions(ctx, readObjects(ids))
			if err != nil {
				return nil, err
			}
			out := make([]submissionRecord, len(list))
			for i := range list {
				out[i] = submissionOf(&list[i])
				if !deliveries {
					continue
				}
				if out[i].DeliveryStatus, err = deliveryStatus(ctx, b, &list[i]); err != nil {
					return nil, err
				}
			}
			return out, nil
		},
	})
}

// readObjects reads ids of entries and leaves out what is none; nil stays nil.
func readObjects(ids []jmap.Id) []mail.ObjectID {
	if ids == nil {
		return nil
	}
	out := make([]mail.ObjectID, 0, len(ids))
	for _, id := range ids {
		if o, err := objectID(id); err == nil {
			out = append(out, o)
		}
	}
	return out
}

// deliveryStatus tells how far a submission has come; nil while nothing of it was begun.
func deliveryStatus(ctx context.Context, b *outbox.Box, s *outbox.Submission) (map[string]deliveryRecord, error) {
	if s.Undo != outbox.Final {
		return nil, nil
	}
	found, err := b.Deliveries(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make(map[string]deliveryRecord, len(found))
	for address, d := range found {
		out[address] = deliveryRecord{d.Reply, d.Delivered, "unknown"}
	}
	return out, nil
}

// submissionChanges is EmailSubmission/changes (RFC 8621 §7.2).
func submissionChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	return outboxChanges(ctx, c, in, outbox.Submissions)
}

// submissionFilter is a condition of RFC 8621 §7.3.
type submissionFilter struct {
	IdentityIDs []jmap.Id     `json:"identityIds"`
	EmailIDs    []jmap.Id     `json:"emailIds"`
	ThreadIDs   []jmap.Id     `json:"threadIds"`
	UndoStatus  *outbox.Undo  `json:"undoStatus"`
	Before      *jmap.UTCDate `json:"before"`
	After       *jmap.UTCDate `json:"after"`
}

func (f *submissionFilter) fits(r *submissionRecord) bool {
	in := func(list []jmap.Id, id jmap.Id) bool { return list == nil || slices.Contains(list, id) }
	return in(f.IdentityIDs, r.IdentityID) && in(f.EmailIDs, r.EmailID) && in(f.ThreadIDs, r.ThreadID) &&
		(f.UndoStatus == nil || *f.UndoStatus == r.UndoStatus) &&
		(f.Before == nil || r.SendAt.Before(f.Before.Time)) && (f.After == nil || !r.SendAt.Before(f.After.Time))
}

// submissionOrder are the properties that submissions are sorted by (RFC 8621 §7.3).
var submissionOrder = map[string]func(a, b *submissionRecord) int{
	"emailId":  func(a, b *submissionRecord) int { return cmp.Compare(a.EmailID, b.EmailID) },
	"threadId": func(a, b *submissionRecord) int { return cmp.Compare(a.ThreadID, b.ThreadID) },
	"sentAt":   func(a, b *submissionRecord) int { return a.SendAt.Compare(b.SendAt.Time) },
}

// querySubmissions is EmailSubmission/query (RFC 8621 §7.3).
func querySubmissions(ctx context.Context, c *call, in *jmap.QueryIn[submissionFilter]) (*jmap.QueryOut, error) {
	for _, s := range in.Sort {
		if submissionOrder[s.Property] == nil {
			return nil, &jmap.MethodError{Type: jmap.UnsupportedSort}
		}
	}
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	state, err := outboxState(b)(ctx)
	if err != nil {
		return nil, err
	}
	list, err := b.Submissions(ctx, nil)
	if err != nil {
		return nil, err
	}
	var found []submissionRecord
	for i := range list {
		if r := submissionOf(&list[i]); fits(in.Filter, &r, (*submissionFilter).fits) {
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b submissionRecord) int {
		for _, s := range in.Sort {
			order := submissionOrder[s.Property](&a, &b)
			if !s.Ascending() {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return cmp.Compare(a.ID, b.ID)
	})
	ids := make([]jmap.Id, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	out, err := window(in, ids, c.server.limits.Objects)
	if err == nil {
		out.QueryState = state
	}
	return out, err
}
