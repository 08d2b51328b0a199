package jmapd

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/push"
	"tegami/wire/jmap"
)

func pushMethods() []entry {
	return []entry{
		method("PushSubscription/get", jmap.Core, free, getPushes),
		method("PushSubscription/set", jmap.Core, free, setPushes),
	}
}

// pushRecord is a subscription to pushes (RFC 8620 §7.2) as it is told: its URL and keys never are.
type pushRecord struct {
	ID             jmap.Id       `json:"id"`
	DeviceClientID string        `json:"deviceClientId"`
	Code           *string       `json:"verificationCode"`
	Expires        *jmap.UTCDate `json:"expires"`
	Types          []string      `json:"types"`
}

var pushProperties = propertiesOf(pushRecord{})

func pushOf(s *push.Subscription) pushRecord {
	return pushRecord{jmap.Of(jmap.LetterObject, s.ID), s.Device, textOrNil(s.Code), dateOrNil(s.Expires), s.Types}
}

// getPushesIn are the arguments of PushSubscription/get (RFC 8620 §7.2.1), which belongs to no account.
type getPushesIn struct {
	IDs        []jmap.Id `json:"ids"`
	Properties []string  `json:"properties"`
}

type getPushesOut struct {
	List     []json.RawMessage `json:"list"`
	NotFound []jmap.Id         `json:"notFound"`
}

func getPushes(ctx context.Context, c *call, in *getPushesIn) (*getPushesOut, error) {
	if slices.Contains(in.Properties, "url") || slices.Contains(in.Properties, "keys") {
		return nil, &jmap.MethodError{Type: jmap.Forbidden}
	}
	all, err := c.server.config.Push.List(ctx, c.who)
	if err != nil {
		return nil, err
	}
	out, err := get(ctx, c, &jmap.GetIn{IDs: in.IDs, Properties: in.Properties}, source[pushRecord]{
		properties: pushProperties,
		id:         func(r *pushRecord) jmap.Id { return r.ID },
		state:      noState,
		fetch: func(_ context.Context, ids []jmap.Id) (list []pushRecord, err error) {
			for i := range all {
				if r := pushOf(&all[i]); ids == nil || slices.Contains(ids, r.ID) {
					list = append(list, r)
				}
			}
			return list, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return &getPushesOut{out.List, out.NotFound}, nil
}

// noState is that of records which have none.
func noState(context.Context) (string, error) { return "", nil }

// setPushesIn are the arguments of PushSubscription/set (RFC 8620 §7.2.2).
type setPushesIn struct {
	Create  map[jmap.Id]json.RawMessage `json:"create"`
	Update  map[jmap.Id]jmap.Patch      `json:"update"`
	Destroy []jmap.Id                   `json:"destroy"`
}

type setPushesOut struct {
	Created      map[jmap.Id]any            `json:"created"`
	Updated      map[jmap.Id]any            `json:"updated"`
	Destroyed    []jmap.Id                  `json:"destroyed"`
	NotCreated   map[jmap.Id]*jmap.SetError `json:"notCreated"`
	NotUpdated   map[jmap.Id]*jmap.SetError `json:"notUpdated"`
	NotDestroyed map[jmap.Id]*jmap.SetError `json:"notDestroyed"`
}

func setPushes(ctx context.Context, c *call, in *setPushesIn) (*setPushesOut, error) {
	kept := c.server.config.Push
	out, err := set(ctx, c, &jmap.SetIn{Create: in.Create, Update: in.Update, Destroy: in.Destroy}, setter{
		state: noState, create: c.createPush, update: c.updatePush,
		destroy: func(ctx context.Context, id jmap.Id) error {
			var o mail.ObjectID
			if !jmap.Read(jmap.LetterObject, id, &o) {
				return &jmap.SetError{Type: jmap.NotFound}
			}
			return kept.Unsubscribe(ctx, c.who, o)
		},
	})
	if err != nil {
		return nil, err
	}
	return &setPushesOut{out.Created, out.Updated, out.Destroyed, out.NotCreated, out.NotUpdated, out.NotDestroyed}, nil
}

// newPush is a subscription as it is made.
type newPush struct {
	DeviceClientID string        `json:"deviceClientId"`
	URL            string        `json:"url"`
	Keys           *pushKeys     `json:"keys"`
	Expires        *jmap.UTCDate `json:"expires"`
	Types          []string      `json:"types"`
	Code           *string       `json:"verificationCode"`
}

type pushKeys struct {
	P256DH string `json:"p256dh"`
	Auth   string `json:"auth"`
}

// keys reads base64url, with padding or without.
func (k *pushKeys) keys() (*push.Keys, error) {
	if k == nil {
		return nil, nil
	}
	read := func(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "=")) }
	point, err := read(k.P256DH)
	if err != nil {
		return nil, jmap.BadProperties("keys")
	}
	auth, err := read(k.Auth)
	if err != nil {
		return nil, jmap.BadProperties("keys")
	}
	return &push.Keys{P256DH: point, Auth: auth}, nil
}

func (c *call) createPush(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
	var n newPush
	if err := jmap.Exact(record, &n); err != nil {
		return "", nil, jmap.BadProperties()
	}
	if n.Code != nil {
		return "", nil, jmap.BadProperties("verificationCode")
	}
	keys, err := n.Keys.keys()
	if err != nil {
		return "", nil, err
	}
	made, err := c.server.config.Push.Subscribe(ctx, c.who, push.Subscription{Device: n.DeviceClientID, URL: n.URL, Keys: keys, Expires: timeOf(n.Expires), Types: n.Types})
	if err != nil {
		return "", nil, c.setError(err, pushProperty(err))
	}
	id := jmap.Of(jmap.LetterObject, made.ID)
	return id, map[string]any{"id": id, "expires": jmap.UTCDate{Time: made.Expires}}, nil
}

// pushProperty names the property that an error of a subscription is about.
func pushProperty(err error) string {
	key, _ := mail.TextOf(err)
	if name, ok := map[string]string{"push.url": "url", "push.keys": "keys", "push.code": "verificationCode"}[key]; ok {
		return name
	}
	return "deviceClientId"
}

// pushPatch is what can be changed of a subscription.
type pushPatch struct {
	Code    *string         `json:"verificationCode"`
	Expires *jmap.UTCDate   `json:"expires"`
	Types   json.RawMessage `json:"types"` // read from the patch itself
}

func (c *call) updatePush(ctx context.Context, id jmap.Id, p jmap.Patch) (any, error) {
	var o mail.ObjectID
	if !jmap.Read(jmap.LetterObject, id, &o) {
		return nil, &jmap.SetError{Type: jmap.NotFound}
	}
	change, err := readPushPatch(p)
	if err != nil {
		return nil, err
	}
	now, err := c.server.config.Push.Change(ctx, c.who, o, change)
	if err != nil {
		return nil, c.setError(err, pushProperty(err))
	}
	return map[string]any{"expires": jmap.UTCDate{Time: now.Expires}}, nil
}

// readPushPatch reads what is to be changed; a null means as if it had not been said when the subscription was made.
func readPushPatch(p jmap.Patch) (c push.Change, err error) {
	text, err := jmap.Marshal(p)
	if err != nil {
		return c, err
	}
	var read pushPatch
	if err := jmap.Exact(text, &read); err != nil {
		return c, wrongProperties(p, err)
	}
	c.Code = read.Code
	if _, ok := p["expires"]; ok {
		at := timeOf(read.Expires)
		c.Expires = &at
	}
	if value, ok := p["types"]; ok {
		var list []string
		if json.Unmarshal(value, &list) != nil {
			return c, jmap.BadProperties("types")
		}
		c.Types = &list
	}
	return c, nil
}

// vapid is what the server says of its pushes (RFC 9749).
func (s *Server) vapid(ctx context.Context) any {
	key, err := s.config.Push.PublicKey(ctx)
	if err != nil {
		s.log.Warn("vapid", "err", err)
		return none{}
	}
	return map[string]string{"applicationServerKey": key}
}
