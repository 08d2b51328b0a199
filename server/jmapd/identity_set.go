package jmapd

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/mail"
	"tegami/outbox"
	"tegami/wire/jmap"
)

// emailAddress is RFC 8621 §4.1.2.3's.
type emailAddress struct {
	Name  *string `json:"name"`
	Email string  `json:"email"`
}

func addressesOf(list []outbox.Person) []emailAddress {
	if len(list) == 0 {
		return nil // null
	}
	out := make([]emailAddress, len(list))
	for i, p := range list {
		if out[i].Email = p.Email; p.Name != "" {
			out[i].Name = &p.Name
		}
	}
	return out
}

func personsOf(list []emailAddress) []outbox.Person {
	out := make([]outbox.Person, len(list))
	for i, a := range list {
		if out[i].Email = a.Email; a.Name != nil {
			out[i].Name = *a.Name
		}
	}
	return out
}

// identityRecord is an Identity as clients have it (RFC 8621 §6).
type identityRecord struct {
	ID            jmap.Id        `json:"id"`
	Name          string         `json:"name"`
	Email         string         `json:"email"`
	ReplyTo       []emailAddress `json:"replyTo"`
	Bcc           []emailAddress `json:"bcc"`
	TextSignature string         `json:"textSignature"`
	HTMLSignature string         `json:"htmlSignature"`
	MayDelete     bool           `json:"mayDelete"`
}

var identityProperties = []string{"id", "name", "email", "replyTo", "bcc", "textSignature", "htmlSignature", "mayDelete"}

func identityOf(i *outbox.Identity) identityRecord {
	return identityRecord{
		ID: jmap.Of(jmap.LetterObject, i.ID), Name: i.Name, Email: i.Email, ReplyTo: addressesOf(i.ReplyTo), Bcc: addressesOf(i.Bcc),
		TextSignature: i.TextSignature, HTMLSignature: i.HTMLSignature, MayDelete: !i.Fixed,
	}
}

// fill puts what a client may write into an identity.
func (r *identityRecord) fill(i *outbox.Identity) {
	i.Name, i.ReplyTo, i.Bcc = r.Name, personsOf(r.ReplyTo), personsOf(r.Bcc)
	i.TextSignature, i.HTMLSignature = r.TextSignature, r.HTMLSignature
}

// getIdentities is Identity/get (RFC 8621 §6.1).
func getIdentities(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	list, err := b.Identities(ctx) // before the state is told: it makes what is missing
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[identityRecord]{
		properties: identityProperties, state: outboxState(b), id: func(r *identityRecord) jmap.Id { return r.ID },
		fetch: func(_ context.Context, ids []jmap.Id) (out []identityRecord, _ error) {
			for i := range list {
				if r := identityOf(&list[i]); ids == nil || slices.Contains(ids, r.ID) {
					out = append(out, r)
				}
			}
			return out, nil
		},
	})
}

// outboxState is the state of what an outbox has.
func outboxState(b *outbox.Box) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		n, err := b.State(ctx)
		return jmap.State(n), err
	}
}

// identityChanges is Identity/changes (RFC 8621 §6.2).
func identityChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	return outboxChanges(ctx, c, in, outbox.Identities)
}

// outboxChanges answers a /changes of a kind.
func outboxChanges(ctx context.Context, c *call, in *jmap.ChangesIn, kind outbox.Kind) (*jmap.ChangesOut, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	since, limit, err := c.sinceState(in)
	if err != nil {
		return nil, err
	}
	changes, err := b.Changes(ctx, kind, since, limit)
	if mail.Is(err, mail.Conflict) {
		return nil, &jmap.MethodError{Type: jmap.CannotCalculateChanges}
	}
	if err != nil {
		return nil, err
	}
	return &jmap.ChangesOut{
		AccountID: in.AccountID, OldState: in.SinceState, NewState: jmap.State(changes.New), HasMoreChanges: changes.More,
		Created: objectIDs(changes.Created), Updated: objectIDs(changes.Updated), Destroyed: objectIDs(changes.Destroyed),
	}, nil
}

func objectIDs(list []mail.ObjectID) []jmap.Id {
	out := make([]jmap.Id, len(list))
	for i, id := range list {
		out[i] = jmap.Of(jmap.LetterObject, id)
	}
	return out
}

// objectID reads the id of an entry. notFound for anything else.
func objectID(id jmap.Id) (o mail.ObjectID, err error) {
	if !jmap.Read(jmap.LetterObject, id, &o) {
		err = &jmap.SetError{Type: jmap.NotFound}
	}
	return o, err
}

// byObject destroys by the id of an entry.
func byObject(drop func(context.Context, mail.ObjectID) error) func(context.Context, jmap.Id) error {
	return func(ctx context.Context, id jmap.Id) error {
		o, err := objectID(id)
		if err != nil {
			return err
		}
		return drop(ctx, o)
	}
}

// setIdentities is Identity/set (RFC 8621 §6.3).
func setIdentities(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	return set(ctx, c, in, setter{
		state: outboxState(b),
		create: func(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
			return createIdentity(ctx, c, b, record)
		},
		update: func(ctx context.Context, id jmap.Id, p jmap.Patch) (any, error) {
			return updateIdentity(ctx, c, b, id, p)
		},
		destroy: byObject(b.DropIdentity),
	})
}

func createIdentity(ctx context.Context, c *call, b *outbox.Box, record json.RawMessage) (jmap.Id, any, error) {
	var r identityRecord
	if err := jmap.Exact(record, &r); err != nil || r.ID != "" || r.MayDelete {
		return "", nil, badRecord(err, "id", "mayDelete")
	}
	i := outbox.Identity{Email: r.Email}
	r.fill(&i)
	if err := b.AddIdentity(ctx, &i); err != nil {
		return "", nil, identityError(c, err)
	}
	made := map[string]any{"id": jmap.Of(jmap.LetterObject, i.ID), "mayDelete": true}
	after := identityOf(&i)
	if after.HTMLSignature != r.HTMLSignature {
		made["htmlSignature"] = after.HTMLSignature
	}
	if after.Email != r.Email {
		made["email"] = after.Email
	}
	return jmap.Of(jmap.LetterObject, i.ID), made, nil
}

// identityError names the property of what is wrong, and what RFC 8621 §6.3 has a word for.
func identityError(c *call, err error) error {
	switch key, _ := mail.TextOf(err); key {
	case "sender.not_owned", "domain.unverified":
		return &jmap.SetError{Type: "forbiddenFrom", Description: c.server.words.Error(c.lang, err)}
	}
	return err
}

// badRecord is what can't be read of a record: an error of decoding, or these properties.
func badRecord(err error, properties ...string) error {
	if err == nil {
		return jmap.BadProperties(properties...)
	}
	return &jmap.SetError{Type: jmap.InvalidProperties, Description: err.Error()}
}

func updateIdentity(ctx context.Context, c *call, b *outbox.Box, id jmap.Id, p jmap.Patch) (any, error) {
	object, err := objectID(id)
	if err != nil {
		return nil, err
	}
	var wrote identityRecord
	after, err := b.ChangeIdentity(ctx, object, func(i *outbox.Identity) error {
		before := identityOf(i)
		text, err := json.Marshal(before)
		if err != nil {
			return err
		}
		patched, failed := p.Apply(text)
		if failed != nil {
			return failed
		}
		wrote = identityRecord{}
		if err := jmap.Exact(patched, &wrote); err != nil {
			return badRecord(err)
		}
		if wrote.ID != before.ID || wrote.Email != before.Email || wrote.MayDelete != before.MayDelete {
			return jmap.BadProperties("id", "email", "mayDelete")
		}
		wrote.fill(i)
		return nil
	})
	if err != nil {
		return nil, identityError(c, err)
	}
	if after.HTMLSignature != wrote.HTMLSignature {
		return map[string]any{"htmlSignature": after.HTMLSignature}, nil
	}
	return nil, nil
}
