package jmapd

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/compose"
	"tegami/wire/jmap"
)

// draft is an email that is being made of what a client says of it (RFC 8621 §4.6).
type draft struct {
	c       *call
	place   emailPlace
	message compose.Message
	given   map[string]bool            // fields of the header, in lower case
	values  map[string]json.RawMessage // bodyValues
	bodies  map[string]json.RawMessage // bodyStructure, textBody, htmlBody, attachments
	missing []jmap.Id                  // blobs that there are not
}

// convenient are the header fields that have properties of their own (RFC 8621 §4.1.3).
var convenient = map[string]headerProperty{
	"messageId": {field: "Message-ID", as: formMessageIDs}, "inReplyTo": {field: "In-Reply-To", as: formMessageIDs},
	"references": {field: "References", as: formMessageIDs}, "sender": {field: "Sender", as: formAddresses},
	"from": {field: "From", as: formAddresses}, "to": {field: "To", as: formAddresses}, "cc": {field: "Cc", as: formAddresses},
	"bcc": {field: "Bcc", as: formAddresses}, "replyTo": {field: "Reply-To", as: formAddresses},
	"subject": {field: "Subject", as: formText}, "sentAt": {field: "Date", as: formDate},
}

// createEmail makes an email of a record and puts it into its mailbox. Its attachments are streamed.
func (c *call) createEmail(ctx context.Context, p *mailbox.Post, record json.RawMessage) (jmap.Id, any, error) {
	members, ok := jmap.Members(record)
	if !ok {
		return "", nil, &jmap.SetError{Type: jmap.InvalidProperties}
	}
	d := &draft{c: c, given: map[string]bool{}, values: map[string]json.RawMessage{}, bodies: map[string]json.RawMessage{}}
	for _, m := range members {
		if err := d.property(m.Name, m.Value); err != nil {
			return "", nil, err
		}
	}
	if err := d.body(ctx); err != nil {
		return "", nil, err
	}
	d.complete()
	return d.store(ctx, p)
}

// property takes one property of the email. Those that only the server knows are refused.
func (d *draft) property(name string, value json.RawMessage) error {
	if mine, failed := d.c.place(&d.place, name, value); mine {
		return asError(failed)
	}
	switch name {
	case "bodyStructure", "textBody", "htmlBody", "attachments":
		if string(value) != "null" {
			d.bodies[name] = value
		}
		return nil
	case "bodyValues":
		if json.Unmarshal(value, &d.values) != nil {
			return jmap.BadProperties(name)
		}
		return nil
	}
	h, ok := convenient[name]
	if !ok {
		if h, ok = parseHeaderProperty(name); !ok {
			return jmap.BadProperties(name)
		}
	}
	lower := strings.ToLower(h.field)
	if d.given[lower] || strings.HasPrefix(lower, "content-") {
		return jmap.BadProperties(name)
	}
	fields, ok := h.fields(value)
	if !ok {
		return jmap.BadProperties(name)
	}
	if len(fields) > 0 {
		d.given[lower] = true
		d.message.Header = append(d.message.Header, fields...)
	}
	return nil
}

// asError keeps an error that is none from becoming one.
func asError(failed *jmap.SetError) error {
	if failed == nil {
		return nil
	}
	return failed
}

// complete adds the fields a message must have, and that the client left out (RFC 8621 §4.6).
func (d *draft) complete() {
	if !d.given["date"] {
		d.message.Date = time.Now()
	}
	if !d.given["message-id"] {
		d.message.MessageID = compose.NewMessageID(d.c.who.Account().Address.Domain)
	}
}

// store writes the message into the account's staging and from there into its mailbox.
func (d *draft) store(ctx context.Context, p *mailbox.Post) (jmap.Id, any, error) {
	options, err := d.c.writing(ctx)
	if err != nil {
		return "", nil, err
	}
	ready, err := compose.Prepare(&d.message, options)
	if err != nil {
		return "", nil, err
	}
	a, err := d.c.box(ctx)
	if err != nil {
		return "", nil, err
	}
	u, err := a.Stage(ctx, ready.Size())
	if err != nil {
		return "", nil, err
	}
	defer u.Release()
	if _, err := ready.WriteTo(u); err != nil {
		return "", nil, err
	}
	return d.c.add(ctx, p, u, &d.place)
}

// writing says how messages of the caller are written, by his choice (DOMAIN §14.3, §14.4).
func (c *call) writing(ctx context.Context) (o compose.Options, err error) {
	if c.server.config.Prefs == nil {
		return o, nil
	}
	choices, _, err := c.server.config.Prefs.Get(ctx, c.who)
	return compose.Options{Charset: choices.ComposeCharset, OutlookNames: choices.OutlookNames}, err
}

// fields makes header fields of a property's value, null being none; false where the value has not the form.
func (p headerProperty) fields(value json.RawMessage) (list []compose.Field, ok bool) {
	if string(value) == "null" {
		return nil, true
	}
	values := []json.RawMessage{value}
	if p.all && json.Unmarshal(value, &values) != nil {
		return nil, false
	}
	for _, one := range values {
		v, ok := p.as.value(one)
		if !ok {
			return nil, false
		}
		if v != nil {
			list = append(list, compose.Field{Name: p.field, Value: v})
		}
	}
	return list, true
}

// address is an EmailAddress (RFC 8621 §4.1.2.3).
type address struct {
	Name  *string `json:"name"`
	Email string  `json:"email"`
}

// mailbox is the address as compose knows it. What is no address stays as it was written: a draft loses nothing.
func (a address) mailbox() compose.Mailbox {
	name := ""
	if a.Name != nil {
		name = *a.Name
	}
	m, _ := compose.ParseMailbox(name, a.Email)
	return m
}

func mailboxes(list []address) compose.AsAddresses {
	out := make(compose.AsAddresses, len(list))
	for i, a := range list {
		out[i] = a.mailbox()
	}
	return out
}

// value reads what a field says in a form; nil for a list without anything in it.
func (f form) value(text json.RawMessage) (v compose.Value, ok bool) {
	switch f {
	case formText:
		var s string
		return read(text, &s, func() compose.Value { return compose.AsText(s) })
	case formAddresses:
		var list []address
		return read(text, &list, func() compose.Value { return some(len(list), mailboxes(list)) })
	case formGroups:
		return groups(text)
	case formMessageIDs:
		var list []string
		return read(text, &list, func() compose.Value { return some(len(list), compose.AsMessageIDs(list)) })
	case formDate:
		var at jmap.Date
		return read(text, &at, func() compose.Value { return compose.AsDate(at.Time) })
	case formURLs:
		var list []string
		return read(text, &list, func() compose.Value { return some(len(list), compose.AsURLs(list)) })
	}
	var s string
	return read(text, &s, func() compose.Value { return compose.AsRaw(s) })
}

// read reads a value and makes something of it.
func read(text json.RawMessage, into any, then func() compose.Value) (compose.Value, bool) {
	if jmap.Exact(text, into) != nil {
		return nil, false
	}
	return then(), true
}

// some is a list that is not empty.
func some(n int, v compose.Value) compose.Value {
	if n == 0 {
		return nil
	}
	return v
}

// groups reads a list of EmailAddressGroup (RFC 8621 §4.1.2.4).
func groups(text json.RawMessage) (compose.Value, bool) {
	var list []struct {
		Name      *string   `json:"name"`
		Addresses []address `json:"addresses"`
	}
	return read(text, &list, func() compose.Value {
		out := make(compose.AsGroups, len(list))
		for i, g := range list {
			out[i].Members = mailboxes(g.Addresses)
			if g.Name != nil {
				out[i].Named, out[i].Name = true, *g.Name
			}
		}
		return some(len(out), out)
	})
}

// opener gives the octets of a blob again and again, for as long as the context of the request lasts.
func (c *call) opener(ctx context.Context, at *target, id jmap.Id) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		b, err := c.openBlob(ctx, at, id)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{b.Reader(), b}, nil
	}
}

// blobSize is how many octets a blob has; false where there is none.
func (c *call) blobSize(ctx context.Context, at *target, id jmap.Id) (int64, bool, error) {
	b, err := c.openBlob(ctx, at, id)
	if mail.Is(err, mail.NotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer b.Close()
	size, err := b.Size()
	return size, err == nil, err
}
