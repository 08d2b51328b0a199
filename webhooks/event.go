package webhooks

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Event is what a webhook tells.
type Event struct {
	Type string    `json:"type"`
	At   time.Time `json:"timestamp"`
	Data Data      `json:"data"`
}

// Data says what happened. It holds no more than what is needed to ask the API for the rest: not what was written.
type Data struct {
	Tenant  mail.TenantID `json:"tenant"`
	Kind    string        `json:"kind"` // of the thing: "account"
	ID      mail.ObjectID `json:"id,omitempty"`
	Name    string        `json:"name,omitempty"`    // its address or name
	Actor   string        `json:"actor,omitempty"`   // who did it
	Changed []string      `json:"changed,omitempty"` // the names of the fields that differ
	Seq     uint64        `json:"seq,omitempty"`     // the line of the operation log
}

// TypeTest is the type of a test delivery.
const TypeTest = "webhook.test"

// Types that no change of an object shows: they are told by Tell.
const (
	QuotaWarned  = "quota.warned"  // a box is nearly full
	SignInLocked = "signin.locked" // somebody failed to sign in too often
)

// kindTold is the kind of lines in the log that tell of an event themselves.
const kindTold = "event"

// things are the kinds of objects whose changes are events, with their name in types.
var things = map[string]string{
	"account": "account", "group": "group", "list": "list", "domain": "domain", "settings": "settings", "key": "key", "contact": "contact",
}

// Types lists the types of events there are, sorted.
func Types() []string {
	types := []string{QuotaWarned, SignInLocked, "account.suspended", "account.resumed", "account.restored", "account.destroyed", "list.members"}
	for _, name := range things {
		switch name {
		case "settings":
			types = append(types, name+".changed")
		case "key":
			types = append(types, name+".created", name+".deleted")
		default:
			types = append(types, name+".created", name+".changed", name+".deleted")
		}
	}
	slices.Sort(types)
	return types
}

// eventOf makes the event of a line of the operation log; ok is false where it is none.
func eventOf(tenant mail.TenantID, a store.Act) (e Event, ok bool) {
	e = Event{At: a.At.UTC(), Data: Data{Tenant: tenant, Kind: a.Kind, ID: a.ID, Actor: a.Actor, Seq: a.Seq}}
	if a.Kind == kindTold {
		return e, json.Unmarshal(a.After, &e) == nil && e.Type != ""
	}
	if a.Kind == "member" && (a.Before != nil || a.After != nil) {
		e.Type, e.Data.Kind, e.Data.ID = "list.members", "list", 0
		var doc struct {
			List mail.ObjectID `json:"list"`
		}
		if text := firstOf(a.After, a.Before); json.Unmarshal(text, &doc) == nil {
			e.Data.ID = doc.List
		}
		return e, true
	}
	name, ok := things[a.Kind]
	if !ok || a.Before == nil && a.After == nil {
		return e, false
	}
	before, after := fields(a.Before), fields(a.After)
	e.Data.Name = nameOf(after, before)
	switch {
	case a.Before == nil:
		e.Type = name + ".created"
	case a.After == nil:
		e.Type = name + ".deleted"
		if name == "account" {
			e.Type = "account.destroyed"
		}
	default:
		e.Type, e.Data.Changed = name+".changed", changed(before, after)
		if name == "account" {
			e.Type = accountType(text(before["state"]), text(after["state"]))
		}
	}
	if !slices.Contains(Types(), e.Type) {
		return e, false
	}
	return e, true
}

// accountType names the change of an account by how its state changed.
func accountType(before, after string) string {
	switch {
	case before == after:
		return "account.changed"
	case after == "deleted":
		return "account.deleted"
	case before == "deleted":
		return "account.restored"
	case after == "suspended":
		return "account.suspended"
	}
	return "account.resumed"
}

func firstOf(texts ...[]byte) []byte {
	for _, t := range texts {
		if t != nil {
			return t
		}
	}
	return nil
}

// fields takes a document apart; nil for none.
func fields(doc []byte) (f map[string]json.RawMessage) {
	if json.Unmarshal(doc, &f) != nil {
		return nil
	}
	return f
}

// changed lists the fields that differ, sorted.
func changed(before, after map[string]json.RawMessage) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if string(before[name]) != string(after[name]) {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// nameOf is the address or the name in a document.
func nameOf(docs ...map[string]json.RawMessage) string {
	for _, doc := range docs {
		if raw, ok := doc["address"]; ok {
			var a mail.Address
			if json.Unmarshal(raw, &a) == nil && a.Domain != "" {
				return a.String()
			}
			if s := text(raw); s != "" {
				return s
			}
		}
		if s := text(doc["name"]); s != "" {
			return s
		}
	}
	return ""
}

// text is a JSON string; "" for anything else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// wants tells whether a webhook hears of a type.
func (h Hook) wants(kind string) bool {
	return slices.Contains(h.Events, "*") || slices.Contains(h.Events, kind)
}

// messageID names a delivery for its receiver: the same event has the same whenever it is told.
func messageID(tenant mail.TenantID, seq uint64) string {
	return strings.Join([]string{"msg", tenant.String(), fmt.Sprint(seq)}, "_")
}
