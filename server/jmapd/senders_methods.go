package jmapd

import (
	"context"
	"slices"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/jmap"
)

// senderMethods are the methods of the caller's lists of whose mail is let in and whose is not (SF-5).
func senderMethods() []entry {
	return []entry{
		method("SenderLists/get", jmap.TegamiFilter, own, getSenders),
		method("SenderLists/set", jmap.TegamiFilter, own, setSenders),
	}
}

// senderLists are the caller's lists. Entries are addresses, "@example.jp" or "*@*.example.jp".
type senderLists struct {
	ID        jmap.Id              `json:"id"`
	Allow     []mail.SenderPattern `json:"allow"`
	Deny      []mail.SenderPattern `json:"deny"`
	Digest    bool                 `json:"digest"`         // the caller hears by mail what is new in his quarantine
	Permitted bool                 `json:"allowPermitted"` // the company permits that allow is heeded; otherwise nothing can be added to it
	Digests   bool                 `json:"digestOffered"`  // the company sends such mail at all
	Limit     int                  `json:"limit"`          // entries of each list
}

var senderProperties = propertiesOf(senderLists{})

func senderListsOf(s *directory.UserSenders) senderLists {
	return senderLists{
		ID: singleton, Allow: append([]mail.SenderPattern{}, s.Allow...), Deny: append([]mail.SenderPattern{}, s.Deny...), Digest: !s.NoDigest,
		Permitted: s.AllowPermitted, Digests: s.Digests, Limit: directory.MaxUserSenders,
	}
}

// senders reads the caller's lists, with their state: it changes with them, and with what the company permits.
func (c *call) senders(ctx context.Context) (directory.UserSenders, string, error) {
	s, err := c.server.dir.Company(c.who.Tenant()).Senders(ctx, c.who.Account().ID)
	state := jmap.State(mail.ModSeq(s.Version))
	if s.AllowPermitted {
		state += "p"
	}
	if s.Digests {
		state += "d"
	}
	return s, state, err
}

// getSenders is SenderLists/get: there is one record.
func getSenders(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	s, state, err := c.senders(ctx)
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[senderLists]{
		properties: senderProperties,
		id:         func(l *senderLists) jmap.Id { return l.ID },
		state:      func(context.Context) (string, error) { return state, nil },
		fetch: func(_ context.Context, ids []jmap.Id) ([]senderLists, error) {
			return onlyNamed(senderListsOf(&s), singleton, ids), nil
		},
	})
}

// setSenders is SenderLists/set.
func setSenders(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	return set(ctx, c, in, setter{
		state: func(ctx context.Context) (string, error) {
			_, state, err := c.senders(ctx)
			return state, err
		},
		create:  noSecond,
		update:  only(c.updateSenders),
		destroy: keepSingleton,
	})
}

// updateSenders changes the lists, as they were when it began. What the server keeps in another form than was written is told.
func (c *call) updateSenders(ctx context.Context, p jmap.Patch) (any, error) {
	s, _, err := c.senders(ctx)
	if err != nil {
		return nil, err
	}
	before := senderListsOf(&s)
	after := before
	if err := patched(p, &after, senderListsOf(&directory.UserSenders{AllowPermitted: s.AllowPermitted, Digests: s.Digests})); err != nil {
		return nil, err
	}
	if after.Permitted != before.Permitted || after.Digests != before.Digests || after.Limit != before.Limit {
		return nil, jmap.BadProperties("allowPermitted", "digestOffered", "limit")
	}
	s.Allow, s.Deny, s.NoDigest = after.Allow, after.Deny, !after.Digest
	if err := c.server.dir.Company(c.who.Tenant()).SetSenders(ctx, c.who.Actor(), c.who.Account().ID, s); err != nil {
		return nil, c.sendersError(err, &after)
	}
	return c.keptSenders(ctx, &after)
}

// sendersError says which list an error is about.
func (c *call) sendersError(err error, lists *senderLists) error {
	key, args := mail.TextOf(err)
	property := "deny"
	switch key {
	case "filter.pattern":
		if text, _ := args[0].(string); slices.Contains(lists.Allow, mail.SenderPattern(text)) {
			property = "allow"
		}
	case "filter.lists_full":
		if len(lists.Allow) > directory.MaxUserSenders {
			property = "allow"
		}
	case "filter.allow_denied":
		property = "allow"
	default:
		return err
	}
	return &jmap.SetError{Type: jmap.InvalidProperties, Properties: []string{property}, Description: c.server.words.Error(c.lang, err)}
}

// keptSenders tells the lists as they are kept, where that is not as they were written.
func (c *call) keptSenders(ctx context.Context, written *senderLists) (any, error) {
	s, _, err := c.senders(ctx)
	if err != nil {
		return nil, err
	}
	changed := map[string]any{}
	kept := senderListsOf(&s)
	if !slices.Equal(kept.Allow, written.Allow) {
		changed["allow"] = kept.Allow
	}
	if !slices.Equal(kept.Deny, written.Deny) {
		changed["deny"] = kept.Deny
	}
	if len(changed) == 0 {
		return nil, nil
	}
	return changed, nil
}
