package jmapd

import (
	"context"
	"slices"

	"tegami/directory"
	"tegami/mail"
	"tegami/quarantine"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// quarantineMethods are the methods of the mail in the caller's quarantine (SF-4, SF-6).
func quarantineMethods() []entry {
	return []entry{
		method("QuarantinedEmail/get", jmap.TegamiFilter, own, getQuarantined),
		method("QuarantinedEmail/changes", jmap.TegamiFilter, own, quarantinedChanges),
		method("QuarantinedEmail/query", jmap.TegamiFilter, own, queryQuarantined),
		method("QuarantinedEmail/queryChanges", jmap.TegamiFilter, own, askAnew[quarantineCondition]),
		method("QuarantinedEmail/set", jmap.TegamiFilter, own, setQuarantined),
	}
}

// filterCapability is what an account says of quarantine and lists of senders.
type filterCapability struct {
	MaxEntries int `json:"maxSenders"`         // of each list (SF-5)
	MaxRead    int `json:"maxQuarantinedRead"` // messages that one QuarantinedEmail/get shows
}

func accountFilter(*Server) any {
	return filterCapability{directory.MaxUserSenders, maxQuarantinedRead}
}

// maxQuarantinedRead is how many messages one QuarantinedEmail/get shows, whose octets it must read.
const maxQuarantinedRead = 20

// quarantined is a message in quarantine. What a pointer leads to is there only where it was asked for.
type quarantined struct {
	ID        jmap.Id            `json:"id"`
	Received  jmap.UTCDate       `json:"receivedAt"`
	Ends      jmap.UTCDate       `json:"expiresAt"`
	From      []emailAddress     `json:"from"`         // of the header; null where it names nobody
	Envelope  *string            `json:"envelopeFrom"` // null for a bounce
	Recipient string             `json:"recipient"`    // the caller's address that it came for
	Subject   *string            `json:"subject"`
	MessageID *string            `json:"messageId"`
	Size      int64              `json:"size"`    // octets
	Percent   float64            `json:"percent"` // how likely it is unwanted
	Rule      string             `json:"rule"`    // what decided: policy.Rule
	Reasons   []quarantineReason `json:"reasons"` // the weightiest first
	NotSpam   bool               `json:"notSpam"` // the caller said that it is wanted
	To        *[]emailAddress    `json:"to,omitempty"`
	Cc        *[]emailAddress    `json:"cc,omitempty"`
	ReplyTo   *[]emailAddress    `json:"replyTo,omitempty"`
	SentAt    *string            `json:"sentAt,omitempty"` // the Date field, as it was written
	Text      *string            `json:"textBody,omitempty"`
	HTML      *string            `json:"htmlBody,omitempty"` // cleaned; "" where it has none
	Links     *[]quarantineLink  `json:"links,omitempty"`
	Files     *[]quarantineFile  `json:"attachments,omitempty"`
	Cut       *bool              `json:"isTruncated,omitempty"`
}

// quarantineReason is one thing that spoke for or against a message.
type quarantineReason struct {
	Key    string  `json:"key"`
	Text   string  `json:"text"`   // in the language of the request
	Weight float64 `json:"weight"` // below zero speaks for the message
}

// quarantineLink is where a link of the HTML would lead.
type quarantineLink struct {
	Href     string `json:"href"`
	Text     string `json:"text"`
	Mismatch bool   `json:"isMisleading"` // its text names another host
}

// quarantineFile is an attachment, which nobody can open here.
type quarantineFile struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"` // octets in the message, still encoded
}

// Properties of a message in quarantine: those that stand in a list, and those that its octets are read for.
var (
	quarantineRow    = propertiesOf(quarantined{})
	quarantineLetter = []string{"to", "cc", "replyTo", "sentAt", "textBody", "htmlBody", "links", "attachments", "isTruncated"}
)

// quarantine opens the caller's quarantine.
func (c *call) quarantine() (*quarantine.Box, error) {
	if c.server.config.Quarantine == nil {
		return nil, &jmap.MethodError{Type: jmap.ServerUnavailable}
	}
	return c.server.config.Quarantine.Open(c.who)
}

// getQuarantined is QuarantinedEmail/get. Without properties it gives those of a list.
func getQuarantined(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	box, err := c.quarantine()
	if err != nil {
		return nil, err
	}
	read := slices.ContainsFunc(in.Properties, func(p string) bool { return slices.Contains(quarantineLetter, p) })
	if in.IDs == nil || read && len(in.IDs) > maxQuarantinedRead { // who wants all asks QuarantinedEmail/query first
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	return get(ctx, c, in, source[quarantined]{
		properties: slices.Concat(quarantineRow, quarantineLetter),
		id:         func(q *quarantined) jmap.Id { return q.ID },
		state:      quarantineState(box),
		fetch: func(ctx context.Context, ids []jmap.Id) ([]quarantined, error) {
			return c.fetchQuarantined(ctx, box, ids, read)
		},
	})
}

func quarantineState(box *quarantine.Box) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		at, err := box.State(ctx)
		return jmap.State(at), err
	}
}

// fetchQuarantined gives messages by their ids, and reads their octets where that is asked for.
func (c *call) fetchQuarantined(ctx context.Context, box *quarantine.Box, refs []jmap.Id, read bool) (list []quarantined, err error) {
	for _, ref := range refs {
		var id mail.ObjectID
		if !jmap.Read(jmap.LetterObject, ref, &id) {
			continue
		}
		one, err := c.oneQuarantined(ctx, box, id, read)
		if mail.Is(err, mail.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (c *call) oneQuarantined(ctx context.Context, box *quarantine.Box, id mail.ObjectID, read bool) (quarantined, error) {
	if !read {
		e, err := box.Get(ctx, id)
		return c.quarantinedOf(&e), err
	}
	l, err := box.Read(ctx, id)
	if err != nil {
		return quarantined{}, err
	}
	q := c.quarantinedOf(&l.Entry)
	q.show(l)
	return q, nil
}

// quarantinedOf is a message as it stands in a list.
func (c *call) quarantinedOf(e *quarantine.Entry) quarantined {
	q := quarantined{
		ID: objectRef(e.ID), Received: jmap.UTCDate{Time: e.Received}, Ends: jmap.UTCDate{Time: e.Ends}, Recipient: e.Recipient.String(),
		Envelope: textOrNil(e.From.String()), Subject: textOrNil(e.Subject), MessageID: textOrNil(e.MessageID), Size: e.Blob.Size,
		Percent: e.Percent, Rule: e.Rule, NotSpam: e.Said != "", Reasons: make([]quarantineReason, len(e.Reasons)),
	}
	if !e.HeaderFrom.IsNull() {
		q.From = []emailAddress{{textOrNil(e.Author), e.HeaderFrom.String()}}
	}
	for i, r := range e.Reasons {
		args := make([]any, len(r.Args))
		for j, a := range r.Args {
			args[j] = a
		}
		q.Reasons[i] = quarantineReason{r.Key, c.words(r.Key, args...), r.Weight}
	}
	return q
}

// show adds what was read of the message's octets.
func (q *quarantined) show(l *quarantine.Letter) {
	if from := namedAddresses(l.From); len(from) > 0 {
		q.From = from
	}
	q.To, q.Cc, q.ReplyTo = new(namedAddresses(l.To)), new(namedAddresses(l.Cc)), new(namedAddresses(l.ReplyTo))
	q.SentAt, q.Text, q.HTML, q.Cut = &l.Date, &l.Text, &l.HTML, &l.Cut
	links, files := make([]quarantineLink, len(l.Links)), make([]quarantineFile, len(l.Attachments))
	for i, link := range l.Links {
		links[i] = quarantineLink{link.Target, link.Text, link.Mismatch}
	}
	for i, f := range l.Attachments {
		files[i] = quarantineFile(f)
	}
	q.Links, q.Files = &links, &files
}

// quarantinedChanges is QuarantinedEmail/changes.
func quarantinedChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	since, limit, err := c.sinceState(in)
	if err != nil {
		return nil, err
	}
	box, err := c.quarantine()
	if err != nil {
		return nil, err
	}
	found, err := box.Changes(ctx, since, limit)
	if mail.Is(err, mail.Conflict) {
		return nil, &jmap.MethodError{Type: jmap.CannotCalculateChanges}
	}
	if err != nil {
		return nil, err
	}
	return &jmap.ChangesOut{
		AccountID: in.AccountID, OldState: in.SinceState, NewState: jmap.State(found.New), HasMoreChanges: found.More,
		Created: objectRefs(found.Created), Updated: objectRefs(found.Updated), Destroyed: objectRefs(found.Destroyed),
	}, nil
}

func objectRefs(ids []mail.ObjectID) []jmap.Id {
	list := make([]jmap.Id, len(ids))
	for i, id := range ids {
		list[i] = objectRef(id)
	}
	return list
}

// maxShownAddresses is how many addresses of a field are shown of a message in quarantine.
const maxShownAddresses = 200

// namedAddresses are the addresses of a field, as a quarantined message shows them.
func namedAddresses(list []mime.Address) []emailAddress {
	out := []emailAddress{}
	for _, a := range list {
		if a.Kind != mime.Mailbox || len(out) == maxShownAddresses {
			continue
		}
		out = append(out, emailAddress{textOrNil(a.Name()), a.Spec()})
	}
	return out
}
