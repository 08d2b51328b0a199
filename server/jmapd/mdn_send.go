package jmapd

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/outbox"
	"tegami/wire/jmap"
	"tegami/wire/mdn"
	"tegami/wire/mime"
)

// mdnRecord is an MDN as clients have it (RFC 9007 §2).
type mdnRecord struct {
	ForEmailID             *jmap.Id          `json:"forEmailId"`
	Subject                *string           `json:"subject"`
	TextBody               *string           `json:"textBody"`
	IncludeOriginalMessage bool              `json:"includeOriginalMessage"`
	ReportingUA            *string           `json:"reportingUA"`
	Disposition            *mdnDisposition   `json:"disposition"`
	Gateway                *string           `json:"mdnGateway"`
	OriginalRecipient      *string           `json:"originalRecipient"`
	FinalRecipient         *string           `json:"finalRecipient"`
	OriginalMessageID      *string           `json:"originalMessageId"`
	Error                  []string          `json:"error"`
	ExtensionFields        map[string]string `json:"extensionFields"`
}

// mdnDisposition is RFC 9007 §2's.
type mdnDisposition struct {
	ActionMode  string `json:"actionMode"`
	SendingMode string `json:"sendingMode"`
	Type        string `json:"type"`
}

// mdnSend are the arguments of MDN/send (RFC 9007 §2.1).
type mdnSend struct {
	jmap.OfAccount
	IdentityID           jmap.Id                     `json:"identityId"`
	Send                 map[jmap.Id]json.RawMessage `json:"send"`
	OnSuccessUpdateEmail map[jmap.Id]jmap.Patch      `json:"onSuccessUpdateEmail"`
}

// mdnSent is the answer.
type mdnSent struct {
	AccountID jmap.Id                    `json:"accountId"`
	Sent      map[jmap.Id]any            `json:"sent"`
	NotSent   map[jmap.Id]*jmap.SetError `json:"notSent"`
}

// sendMDN is MDN/send (RFC 9007 §2.1). Whatever the client says, the message is marked as one that had its receipt.
func sendMDN(ctx context.Context, c *call, in *mdnSend) (*mdnSent, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	if len(in.Send) > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	out := &mdnSent{AccountID: in.AccountID}
	update := map[jmap.Id]jmap.Patch{}
	for _, name := range creationOrder(in.Send) {
		email, set, err := c.sendOne(ctx, b, in.IdentityID, in.Send[name])
		if err != nil {
			if out.NotSent == nil {
				out.NotSent = map[jmap.Id]*jmap.SetError{}
			}
			out.NotSent[name] = c.mdnError(err)
			continue
		}
		if out.Sent == nil {
			out.Sent = map[jmap.Id]any{}
		}
		out.Sent[name] = set
		for _, ref := range []jmap.Id{"#" + name, name} {
			if patch, ok := in.OnSuccessUpdateEmail[ref]; ok {
				update[email] = patch
			}
		}
	}
	if len(update) == 0 {
		return out, nil
	}
	return out, c.also("Email/set", map[string]any{"accountId": in.AccountID, "update": update})
}

// sendOne sends one receipt; set is what the client doesn't know of it.
func (c *call) sendOne(ctx context.Context, b *outbox.Box, identity jmap.Id, record json.RawMessage) (email jmap.Id, set any, err error) {
	var r mdnRecord
	if err := jmap.Exact(record, &r); err != nil {
		return "", nil, badRecord(err)
	}
	ask := &outbox.Receipt{WithHeader: r.IncludeOriginalMessage}
	from, known := c.id(identity)
	if !known || !jmap.Read(jmap.LetterObject, from, &ask.Identity) {
		return "", nil, jmap.BadProperties("identityId")
	}
	if r.ForEmailID == nil || r.Disposition == nil {
		return "", nil, jmap.BadProperties("forEmailId", "disposition")
	}
	email, known = c.id(*r.ForEmailID)
	if !known || !jmap.Read(jmap.LetterEmail, email, &ask.Email) {
		return "", nil, jmap.BadProperties("forEmailId")
	}
	if r.Gateway != nil || r.OriginalRecipient != nil || r.OriginalMessageID != nil || r.Error != nil {
		return "", nil, jmap.BadProperties("mdnGateway", "originalRecipient", "originalMessageId", "error") // set by the server
	}
	made := map[string]any{}
	d := r.Disposition
	ask.Disposition = mdn.Disposition{Action: d.ActionMode, Sending: strings.ToLower(d.SendingMode), Type: d.Type}
	ask.Extension = r.ExtensionFields
	ask.ReportingUA = c.orMine(made, "reportingUA", r.ReportingUA, func() string { return "Tegami" })
	ask.Subject = c.orMine(made, "subject", r.Subject, func() string { return c.words("mdn.subject", c.subjectOf(ctx, b, ask.Email)) })
	ask.Text = c.orMine(made, "textBody", r.TextBody, func() string {
		return c.words("mdn.text", c.subjectOf(ctx, b, ask.Email), c.who.Account().Address.String())
	})
	if err := b.SendReceipt(ctx, ask); err != nil {
		return "", nil, err
	}
	return email, made, nil
}

// orMine takes what the client wrote, or else what is written for it, which it is told of.
func (c *call) orMine(made map[string]any, name string, wrote *string, mine func() string) string {
	if wrote != nil {
		return *wrote
	}
	text := mine()
	made[name] = text
	return text
}

// subjectOf is a message's subject; "" where it can't be read: what follows says why.
func (c *call) subjectOf(ctx context.Context, b *outbox.Box, id mail.EmailID) string {
	text, err := b.Subject(ctx, id)
	if err != nil {
		return ""
	}
	return text
}

// mdnErrors are the types of RFC 9007 §2.1 by the key of what went wrong.
var mdnErrors = map[string]string{
	"mdn.sent": "mdnAlreadySent", "message.unknown": jmap.NotFound, "identity.unknown": jmap.InvalidProperties,
	"sender.not_owned": "forbiddenFrom", "account.sending_stopped": jmap.Forbidden, "recipient.unknown": jmap.Forbidden,
}

func (c *call) mdnError(err error) *jmap.SetError {
	e := c.setError(err)
	var recipients *outbox.RecipientsError
	if errors.As(err, &recipients) {
		e.Type = jmap.Forbidden
	}
	if key, _ := mail.TextOf(err); mdnErrors[key] != "" {
		e.Type = mdnErrors[key]
	}
	return e
}

// mdnParse are the arguments of MDN/parse (RFC 9007 §2.2).
type mdnParse struct {
	jmap.OfAccount
	BlobIDs []jmap.Id `json:"blobIds"`
}

// mdnParsed is the answer.
type mdnParsed struct {
	AccountID   jmap.Id               `json:"accountId"`
	Parsed      map[jmap.Id]mdnRecord `json:"parsed"`
	NotParsable []jmap.Id             `json:"notParsable"`
	NotFound    []jmap.Id             `json:"notFound"`
}

// maxReceipts is how many receipts one MDN/parse reads: each is parsed anew.
const maxReceipts = 50

// parseMDN is MDN/parse (RFC 9007 §2.2).
func parseMDN(ctx context.Context, c *call, in *mdnParse) (*mdnParsed, error) {
	if len(in.BlobIDs) > maxReceipts {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	out := &mdnParsed{AccountID: in.AccountID}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(in.BlobIDs))) {
		n, err := c.readMDN(ctx, id)
		switch {
		case mail.Is(err, mail.NotFound):
			out.NotFound = append(out.NotFound, id)
		case mail.Is(err, mail.Invalid):
			out.NotParsable = append(out.NotParsable, id)
		case err != nil:
			return nil, err
		default:
			if out.Parsed == nil {
				out.Parsed = map[jmap.Id]mdnRecord{}
			}
			out.Parsed[id] = mdnOf(n)
		}
	}
	return out, nil
}

// readMDN reads a receipt. Invalid "mdn.none" for other octets.
func (c *call) readMDN(ctx context.Context, id jmap.Id) (*mdn.Notification, error) {
	octets, err := c.openBlob(ctx, c.at, id)
	if err != nil {
		return nil, err
	}
	defer octets.Close()
	at, _, err := octets.At()
	if err != nil {
		return nil, err
	}
	m, err := mime.Parse(octets.Reader(), mime.Limits{})
	if err != nil {
		return nil, err
	}
	return mdn.Parse(m, at)
}

// mdnOf puts a receipt into JMAP's words. Which message it is for the client finds by its Message-ID.
func mdnOf(n *mdn.Notification) mdnRecord {
	r := mdnRecord{
		Subject: orNull(n.Subject), TextBody: orNull(n.Text), ReportingUA: orNull(n.ReportingUA), Gateway: orNull(n.Gateway),
		OriginalRecipient: orNull(n.OriginalRecipient), FinalRecipient: orNull(n.FinalRecipient), OriginalMessageID: orNull(n.OriginalMessageID),
		IncludeOriginalMessage: n.WithMessage, Error: n.Errors,
		Disposition: &mdnDisposition{n.Disposition.Action, n.Disposition.Sending, n.Disposition.Type},
	}
	if len(n.Extension) > 0 {
		r.ExtensionFields = n.Extension
	}
	return r
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
