package jmapd

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// copyEmails is Email/copy (RFC 8621 §4.7): from an account to another, which for us is somebody who shares mailboxes.
func copyEmails(ctx context.Context, c *call, in *jmap.CopyIn) (*jmap.CopyOut, error) {
	if in.FromAccountID == in.AccountID {
		return nil, jmap.Bad("fromAccountId")
	}
	p, err := c.post(ctx, c.at)
	if err != nil {
		return nil, err
	}
	source, err := c.register(ctx, c.from)
	if err != nil {
		return nil, err
	}
	if in.IfFromInState != nil && *in.IfFromInState != source.State().String() {
		return nil, &jmap.MethodError{Type: jmap.StateMismatch}
	}
	state := func(ctx context.Context) (string, error) { return postState(ctx, p) }
	out, err := c.beginSet(ctx, &jmap.SetIn{OfAccount: in.OfAccount, IfInState: in.IfInState, Create: in.Create}, state)
	if err != nil {
		return nil, err
	}
	w := copying{c, p, source}
	copied := w.all(ctx, in.Create, out)
	if out.NewState, err = state(ctx); err != nil {
		return nil, err
	}
	if in.OnSuccessDestroyOriginal && len(copied) > 0 {
		err = c.also("Email/set", map[string]any{"accountId": in.FromAccountID, "ifInState": in.DestroyFromIfInState, "destroy": copied})
	}
	return &jmap.CopyOut{FromAccountID: in.FromAccountID, AccountID: in.AccountID, OldState: out.OldState, NewState: out.NewState,
		Created: out.Created, NotCreated: out.NotCreated}, err
}

// copying is an Email/copy at work.
type copying struct {
	c      *call
	post   *mailbox.Post
	source *mailbox.Register
}

// all copies emails and gives the ids of those that were.
func (w *copying) all(ctx context.Context, create map[jmap.Id]json.RawMessage, out *jmap.SetOut) (copied []jmap.Id) {
	for _, name := range slices.Sorted(maps.Keys(create)) {
		from, id, made, err := w.one(ctx, create[name])
		if err != nil {
			notCreated(out, name, w.c.setError(err))
			continue
		}
		w.c.created(out, name, id, made)
		copied = append(copied, from)
	}
	return copied
}

// one copies an email. What is not said otherwise is as in the original.
func (w *copying) one(ctx context.Context, record json.RawMessage) (from, id jmap.Id, made any, err error) {
	var to emailPlace
	members, ok := jmap.Members(record)
	if !ok {
		return "", "", nil, &jmap.SetError{Type: jmap.InvalidProperties}
	}
	said := map[string]bool{}
	for _, m := range members {
		said[m.Name] = true
		if mine, failed := w.c.place(&to, m.Name, m.Value); failed != nil {
			return "", "", nil, failed
		} else if !mine && (m.Name != "id" || json.Unmarshal(m.Value, &from) != nil) {
			return "", "", nil, jmap.BadProperties(m.Name)
		}
	}
	email, _ := parseEmail(from)
	row, ok := w.source.Email(email)
	if !ok {
		return "", "", nil, &jmap.SetError{Type: jmap.NotFound}
	}
	if !said["keywords"] {
		to.keywords = w.source.Keywords(row.Flags)
	}
	if !said["receivedAt"] {
		to.received.Time = row.Received
	}
	id, made, err = w.octets(ctx, email, &to)
	return from, id, made, err
}

// octets copies the octets of an email into the account.
func (w *copying) octets(ctx context.Context, email mail.EmailID, to *emailPlace) (jmap.Id, any, error) {
	body, _, err := w.c.openEmail(ctx, w.c.from, email)
	if err != nil {
		return "", nil, err
	}
	defer body.Close()
	return w.c.stage(ctx, w.post, io.NewSectionReader(body, 0, body.Size()), body.Size(), false, to)
}
