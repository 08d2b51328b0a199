package jmapd

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/mail"
	"tegami/outbox"
	"tegami/wire/jmap"
)

// snoozeRecord is a message that sleeps (urn:tegami:params:jmap:snooze): made by a client with emailId and until, changed by until, destroyed to bring the
// message back at once.
type snoozeRecord struct {
	ID        jmap.Id      `json:"id"`
	EmailID   jmap.Id      `json:"emailId"`
	MailboxID *jmap.Id     `json:"mailboxId"` // where it comes back to; null: the inbox
	Until     jmap.UTCDate `json:"until"`
}

var snoozeProperties = []string{"id", "emailId", "mailboxId", "until"}

func snoozeOf(s *outbox.Snooze) snoozeRecord {
	r := snoozeRecord{ID: jmap.Of(jmap.LetterObject, s.ID), EmailID: jmap.Of(jmap.LetterEmail, s.Email), Until: jmap.UTCDate{Time: s.Until}}
	if from := jmap.Of(jmap.LetterMailbox, s.From); from != "" {
		r.MailboxID = &from
	}
	return r
}

// getSnoozes is Snooze/get.
func getSnoozes(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[snoozeRecord]{
		properties: snoozeProperties, state: outboxState(b), id: func(r *snoozeRecord) jmap.Id { return r.ID },
		fetch: func(ctx context.Context, ids []jmap.Id) (out []snoozeRecord, _ error) {
			list, err := b.Snoozes(ctx)
			for i := range list {
				if r := snoozeOf(&list[i]); ids == nil || slices.Contains(ids, r.ID) {
					out = append(out, r)
				}
			}
			return out, err
		},
	})
}

// snoozeChanges is Snooze/changes.
func snoozeChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	return outboxChanges(ctx, c, in, outbox.Snoozes)
}

// setSnoozes is Snooze/set.
func setSnoozes(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	return set(ctx, c, in, setter{
		state: outboxState(b),
		create: func(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
			return c.createSnooze(ctx, b, record)
		},
		update: func(ctx context.Context, id jmap.Id, p jmap.Patch) (any, error) {
			return nil, updateSnooze(ctx, b, id, p)
		},
		destroy: byObject(b.Rouse),
	})
}

func (c *call) createSnooze(ctx context.Context, b *outbox.Box, record json.RawMessage) (jmap.Id, any, error) {
	var r struct {
		EmailID jmap.Id      `json:"emailId"`
		Until   jmap.UTCDate `json:"until"`
	}
	if err := jmap.Exact(record, &r); err != nil {
		return "", nil, badRecord(err)
	}
	ref, ok := c.id(r.EmailID)
	var email mail.EmailID
	if !ok || !jmap.Read(jmap.LetterEmail, ref, &email) {
		return "", nil, jmap.BadProperties("emailId")
	}
	s, err := b.Snooze(ctx, email, r.Until.Time)
	switch key, _ := mail.TextOf(err); {
	case key == "snooze.time":
		return "", nil, c.setError(err, "until")
	case key == "message.unknown":
		e := c.setError(err)
		e.Type, e.Properties = jmap.InvalidProperties, []string{"emailId"}
		return "", nil, e
	case err != nil:
		return "", nil, c.setError(err, "emailId")
	}
	made := snoozeOf(&s)
	return made.ID, made, nil
}

func updateSnooze(ctx context.Context, b *outbox.Box, id jmap.Id, p jmap.Patch) error {
	object, err := objectID(id)
	if err != nil {
		return err
	}
	var until jmap.UTCDate
	for _, path := range p.Paths() {
		if path != "until" || json.Unmarshal(p[path], &until) != nil {
			return jmap.BadProperties(path)
		}
	}
	if len(p) == 0 {
		return nil
	}
	return b.Postpone(ctx, object, until.Time)
}
