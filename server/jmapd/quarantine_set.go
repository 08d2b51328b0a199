package jmapd

import (
	"context"
	"encoding/json"

	"tegami/mail"
	"tegami/quarantine"
	"tegami/wire/jmap"
)

// quarantineDeed is what an update of a message in quarantine asks for: to release it (true, or "allow" for letting its sender in from now on as
// well), or to note that it is wanted.
type quarantineDeed struct {
	Release any  `json:"release"`
	NotSpam bool `json:"notSpam"`
}

// deedOf reads an update.
func deedOf(p jmap.Patch) (d quarantineDeed, err error) {
	text, err := json.Marshal(p)
	if err == nil {
		err = jmap.Exact(text, &d)
	}
	if err != nil || d.Release != nil && d.Release != true && d.Release != "allow" || d.Release == nil && !d.NotSpam {
		return d, jmap.BadProperties(p.Paths()...)
	}
	return d, nil
}

// setQuarantined is QuarantinedEmail/set. What is released is in the inbox, and no longer here. Nothing can be made.
func setQuarantined(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	box, err := c.quarantine()
	if err != nil {
		return nil, err
	}
	return set(ctx, c, in, setter{
		state: quarantineState(box),
		update: func(ctx context.Context, ref jmap.Id, p jmap.Patch) (any, error) {
			id, err := quarantinedID(ctx, box, ref)
			if err != nil {
				return nil, err
			}
			deed, err := deedOf(p)
			if err != nil {
				return nil, err
			}
			if deed.Release == nil {
				return nil, c.doneTo(box.NotSpam(ctx, []mail.ObjectID{id}))
			}
			return nil, c.doneTo(box.Take(ctx, []mail.ObjectID{id}, quarantine.Take{Allow: deed.Release == "allow"}))
		},
		destroy: func(ctx context.Context, ref jmap.Id) error {
			id, err := quarantinedID(ctx, box, ref)
			if err != nil {
				return err
			}
			return c.doneTo(box.Delete(ctx, []mail.ObjectID{id}))
		},
	})
}

// quarantinedID reads the id of a message that is there.
func quarantinedID(ctx context.Context, box *quarantine.Box, ref jmap.Id) (id mail.ObjectID, err error) {
	if !jmap.Read(jmap.LetterObject, ref, &id) {
		return 0, &jmap.SetError{Type: jmap.NotFound}
	}
	_, err = box.Get(ctx, id)
	return id, err
}

// doneTo is why something could not be done with the one message that was named.
func (c *call) doneTo(out quarantine.Outcome, err error) error {
	if err != nil {
		return err
	}
	for _, failed := range out.Failed {
		switch key, _ := mail.TextOf(failed); key {
		case "filter.lists_full", "filter.allow_denied", "quarantine.no_sender": // what stands in the way is the list, not the box
			return &jmap.SetError{Type: jmap.InvalidProperties, Properties: []string{"release"}, Description: c.server.words.Error(c.lang, failed)}
		}
		return failed
	}
	return nil
}
