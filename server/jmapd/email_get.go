package jmapd

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// valueKind says of which parts the texts are asked for.
type valueKind uint8

const (
	valuesText valueKind = 1 << iota
	valuesHTML
	valuesAll
)

// readArguments are what Email/get and Email/parse have in common (RFC 8621 §4.2, §4.9), and ours.
type readArguments struct {
	Properties          []string `json:"properties"`
	BodyProperties      []string `json:"bodyProperties"`
	FetchTextBodyValues bool     `json:"fetchTextBodyValues"`
	FetchHTMLBodyValues bool     `json:"fetchHTMLBodyValues"`
	FetchAllBodyValues  bool     `json:"fetchAllBodyValues"`
	MaxBodyValueBytes   int      `json:"maxBodyValueBytes"`

	// Of the capability urn:tegami:params:jmap:mail.
	SanitizeHTMLBodyValues bool `json:"sanitizeHTMLBodyValues"`
	RemotePictures         bool `json:"remotePictures"`
}

// maxValues is how much text all emails of one call give together, in octets; past it the call is too large.
const maxValues = 32 << 20

// maxProperties is how many properties of an email, and of a part of one, are asked for: the known ones, and a number of header fields.
const maxProperties = 256

// emailPlan says what is to be told of emails.
type emailPlan struct {
	account    mail.AccountID
	properties []emailProperty
	parts      []partProperty
	needs      need
	values     valueKind
	maxValue   int // octets of one text; 0: no limit
	left       int // octets of texts that may still be given
	most       int // octets of all emails as JSON: their texts, and headers and structures besides
	sanitise   bool
	remote     bool // pictures too
	content    Content
	judge      func(*reading) (*senderMarks, error)
}

// plan makes a plan of arguments. usual are the properties given where none are asked for; "id" is always told where it is among them.
func (c *call) plan(in *readArguments, usual []string) (*emailPlan, error) {
	p := &emailPlan{account: c.at.account, maxValue: in.MaxBodyValueBytes, left: maxValues, most: c.server.limits.Response, content: c.server.config.Content,
		sanitise: in.SanitizeHTMLBodyValues, remote: in.RemotePictures}
	if in.MaxBodyValueBytes < 0 {
		return nil, jmap.Bad("maxBodyValueBytes")
	}
	if (in.SanitizeHTMLBodyValues || in.RemotePictures) && !c.uses(jmap.TegamiMail) {
		return nil, jmap.Bad("sanitizeHTMLBodyValues", "remotePictures")
	}
	properties := in.Properties
	switch {
	case properties == nil:
		properties = usual
	case usual[0] == "id":
		properties = append([]string{"id"}, properties...)
	}
	if _, ok := p.planProperties(properties); !ok || len(p.properties) > maxProperties {
		return nil, jmap.Bad("properties")
	}
	parts := in.BodyProperties
	if parts == nil {
		parts = usualPartProperties
	}
	if _, ok := p.planParts(parts); !ok || len(p.parts) > maxProperties {
		return nil, jmap.Bad("bodyProperties")
	}
	for kind, asked := range map[valueKind]bool{valuesText: in.FetchTextBodyValues, valuesHTML: in.FetchHTMLBodyValues, valuesAll: in.FetchAllBodyValues} {
		if asked {
			p.values |= kind
		}
	}
	return p, nil
}

// with says what is to be read of messages beside their rows.
func (p *emailPlan) with() (with mailbox.With) {
	if p.needs&(needIndex|needOctets) != 0 {
		with |= mailbox.WithIndex
	}
	if p.needs&needOctets != 0 {
		with |= mailbox.WithOctets
	}
	return with
}

// getEmailsIn are the arguments of Email/get (RFC 8621 §4.2).
type getEmailsIn struct {
	jmap.OfAccount
	IDs []jmap.Id `json:"ids"`
	readArguments
}

// getEmails is Email/get (RFC 8621 §4.2).
func getEmails(ctx context.Context, c *call, in *getEmailsIn) (*jmap.GetOut, error) {
	plan, err := c.plan(&in.readArguments, usualProperties)
	if err != nil {
		return nil, err
	}
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	wanted, err := c.wantedEmails(ctx, reg, in.IDs)
	if err != nil {
		return nil, err
	}
	out := &jmap.GetOut{AccountID: in.AccountID, State: reg.State().String(), List: make([]json.RawMessage, 0, len(wanted)), NotFound: []jmap.Id{}}
	plan.judge = c.judge(ctx, reg)
	found := make(map[jmap.Id]bool, len(wanted))
	if err := readEmails(ctx, reg, plan, wanted, func(id mail.EmailID, text json.RawMessage) {
		out.List = append(out.List, text)
		found[emailRef(id)] = true
	}); err != nil {
		return nil, err
	}
	for _, ref := range in.IDs {
		if id, ok := c.id(ref); !ok || !found[id] {
			out.NotFound = append(out.NotFound, ref)
		}
	}
	slices.Sort(out.NotFound)
	out.NotFound = slices.Compact(out.NotFound)
	return out, nil
}

// wantedEmails gives the ids that are asked for, those that can be ids and each once, of emails made in this request too; of all messages where none are asked for.
func (c *call) wantedEmails(ctx context.Context, reg *mailbox.Register, asked []jmap.Id) ([]mail.EmailID, error) {
	if len(asked) > c.server.limits.Objects || asked == nil && reg.Emails() > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	if asked == nil {
		all, err := reg.Query(ctx, mailbox.Query{})
		return all.IDs, err
	}
	wanted, seen := make([]mail.EmailID, 0, len(asked)), make(map[mail.EmailID]bool, len(asked))
	for _, ref := range asked {
		if id, ok := c.emailID(ref); ok && !seen[id] {
			seen[id] = true
			wanted = append(wanted, id)
		}
	}
	return wanted, nil
}

// listRoom is about how many octets a row of a list takes as JSON.
const listRoom = 1 << 10

// readEmails gives emails as JSON, in the order of their ids; those that are gone are left out. requestTooLarge past plan.most.
func readEmails(ctx context.Context, reg *mailbox.Register, plan *emailPlan, wanted []mail.EmailID, give func(mail.EmailID, json.RawMessage)) error {
	text := make([]byte, 0, listRoom*min(len(wanted), 64))
	return reg.Messages(ctx, wanted, plan.with(), func(m *mailbox.Message) error {
		r := emailOf(plan, reg, m)
		begin := len(text)
		var err error
		text, err = r.opened(ctx, text, func(ctx context.Context) (mailbox.Body, error) { return reg.OpenBody(ctx, m) })
		if err != nil {
			return err
		}
		if len(text) > plan.most {
			return &jmap.MethodError{Type: jmap.RequestTooLarge}
		}
		give(m.ID, text[begin:len(text):len(text)])
		return nil
	})
}

// notAmong gives the ids that were not found, each once.
func notAmong(asked []jmap.Id, found map[jmap.Id]bool) []jmap.Id {
	none := []jmap.Id{}
	for _, id := range asked {
		if !found[id] {
			found[id] = true
			none = append(none, id)
		}
	}
	return none
}
