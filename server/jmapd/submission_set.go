package jmapd

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"tegami/mail"
	"tegami/outbox"
	"tegami/wire/jmap"
)

// submissionSet are the arguments of EmailSubmission/set (RFC 8621 §7.5).
type submissionSet struct {
	jmap.SetIn
	OnSuccessUpdateEmail  map[jmap.Id]jmap.Patch `json:"onSuccessUpdateEmail"`
	OnSuccessDestroyEmail []jmap.Id              `json:"onSuccessDestroyEmail"`
}

// setSubmissions is EmailSubmission/set (RFC 8621 §7.5). What the client wants done with the emails of those that succeeded follows as an
// Email/set.
func setSubmissions(ctx context.Context, c *call, in *submissionSet) (*jmap.SetOut, error) {
	b, err := c.outbox()
	if err != nil {
		return nil, err
	}
	emails := map[jmap.Id]jmap.Id{} // of submissions, by their id
	out, err := set(ctx, c, &in.SetIn, setter{
		state: outboxState(b),
		create: func(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
			return c.submit(ctx, b, record, emails)
		},
		update: func(ctx context.Context, id jmap.Id, p jmap.Patch) (any, error) {
			return nil, c.cancel(ctx, b, id, p, emails)
		},
		destroy: func(ctx context.Context, id jmap.Id) error {
			s, err := c.submission(ctx, b, id, emails)
			if err != nil {
				return err
			}
			return b.Forget(ctx, s.ID)
		},
	})
	if err != nil {
		return nil, err
	}
	return out, c.onSuccess(in, out, emails)
}

// submission gives one by its id, and notes its email.
func (c *call) submission(ctx context.Context, b *outbox.Box, id jmap.Id, emails map[jmap.Id]jmap.Id) (*outbox.Submission, error) {
	list, err := b.Submissions(ctx, readObjects([]jmap.Id{id}))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &jmap.SetError{Type: jmap.NotFound}
	}
	emails[id] = jmap.Of(jmap.LetterEmail, list[0].Email)
	return &list[0], nil
}

// newSubmission is an EmailSubmission as a client makes it.
type newSubmission struct {
	IdentityID jmap.Id          `json:"identityId"`
	EmailID    jmap.Id          `json:"emailId"`
	Envelope   *outbox.Envelope `json:"envelope"`
}

// submit sends an email.
func (c *call) submit(ctx context.Context, b *outbox.Box, record json.RawMessage, emails map[jmap.Id]jmap.Id) (jmap.Id, any, error) {
	var r newSubmission
	if err := jmap.Exact(record, &r); err != nil {
		return "", nil, badRecord(err)
	}
	n := outbox.NewSubmission{Envelope: r.Envelope}
	identity, ok := c.id(r.IdentityID)
	if !ok || !jmap.Read(jmap.LetterObject, identity, &n.Identity) {
		return "", nil, jmap.BadProperties("identityId")
	}
	email, ok := c.id(r.EmailID)
	if !ok || !jmap.Read(jmap.LetterEmail, email, &n.Email) {
		return "", nil, jmap.BadProperties("emailId")
	}
	s, err := b.Submit(ctx, n)
	if err != nil {
		return "", nil, c.submissionError(err)
	}
	made := submissionOf(&s)
	emails[made.ID] = made.EmailID
	return made.ID, made.serverSet(r.Envelope == nil), nil
}

// serverSet is what the client doesn't know of a submission it made.
func (r *submissionRecord) serverSet(envelope bool) map[string]any {
	made := map[string]any{"id": r.ID, "threadId": r.ThreadID, "sendAt": r.SendAt, "undoStatus": r.UndoStatus,
		"deliveryStatus": nil, "dsnBlobIds": r.DSNBlobIDs, "mdnBlobIds": r.MDNBlobIDs}
	if envelope {
		made["envelope"] = r.Envelope
	}
	return made
}

// cancel takes a submission back, the only change there is.
func (c *call) cancel(ctx context.Context, b *outbox.Box, id jmap.Id, p jmap.Patch, emails map[jmap.Id]jmap.Id) error {
	s, err := c.submission(ctx, b, id, emails)
	if err != nil {
		return err
	}
	var wish outbox.Undo
	for _, path := range p.Paths() {
		if path != "undoStatus" || json.Unmarshal(p[path], &wish) != nil {
			return jmap.BadProperties(path)
		}
	}
	if wish == s.Undo || len(p) == 0 {
		return nil
	}
	if wish != outbox.Canceled {
		return jmap.BadProperties("undoStatus")
	}
	if err := b.Cancel(ctx, s.ID); err != nil {
		return c.submissionError(err)
	}
	return nil
}

// onSuccess asks for the changes of emails that follow.
func (c *call) onSuccess(in *submissionSet, out *jmap.SetOut, emails map[jmap.Id]jmap.Id) error {
	update, destroy := map[jmap.Id]jmap.Patch{}, []jmap.Id{}
	done := func(ref jmap.Id) (jmap.Id, bool) {
		id, ok := c.id(ref)
		if !ok || !succeeded(out, id) {
			return "", false
		}
		return emails[id], emails[id] != ""
	}
	for ref, patch := range in.OnSuccessUpdateEmail {
		if email, ok := done(ref); ok {
			update[email] = patch
		}
	}
	for _, ref := range in.OnSuccessDestroyEmail {
		if email, ok := done(ref); ok {
			destroy = append(destroy, email)
			delete(update, email)
		}
	}
	if len(update)+len(destroy) == 0 {
		return nil
	}
	return c.also("Email/set", map[string]any{"accountId": in.AccountID, "update": update, "destroy": destroy})
}

// succeeded tells whether a record was made, changed or destroyed.
func succeeded(out *jmap.SetOut, id jmap.Id) bool {
	for _, made := range out.Created {
		if m, ok := made.(map[string]any); ok && m["id"] == id {
			return true
		}
	}
	if _, ok := out.Updated[id]; ok {
		return true
	}
	for _, gone := range out.Destroyed {
		if gone == id {
			return true
		}
	}
	return false
}

// submissionErrors are the types of RFC 8621 §7.5 by the key of what went wrong.
var submissionErrors = map[string]string{
	"recipients.too_many_of": "tooManyRecipients", "recipients.too_many": "tooManyRecipients", "recipients.none": "noRecipients",
	"sender.not_owned": "forbiddenFrom", "domain.unverified": "forbiddenFrom", "envelope.not_owned": "forbiddenMailFrom",
	"account.sending_stopped": "forbiddenToSend", "sending.too_much": "rateLimit", "submission.too_many": "overQuota",
	"message.too_big_of": jmap.TooLarge, "message.too_big": jmap.TooLarge, "sender.box_full": jmap.OverQuota, "submission.too_late": "cannotUnsend",
	"message.looping": "invalidEmail", "message.header_too_long": "invalidEmail",
	"envelope.parameter": jmap.InvalidProperties, "message.hold": jmap.InvalidProperties,
	"identity.unknown": jmap.InvalidProperties, "message.unknown": jmap.InvalidProperties,
}

// submissionProperty is which property an error is about.
var submissionProperty = map[string]string{
	"envelope.parameter": "envelope", "message.hold": "envelope", "identity.unknown": "identityId", "message.unknown": "emailId",
}

// submissionError puts what kept an email from being sent into the words of RFC 8621 §7.5.
func (c *call) submissionError(err error) error {
	key, _ := mail.TextOf(err)
	if strings.HasPrefix(key, "smtp.") { // of the parser of SMTP's parameters
		key = "envelope.parameter"
	}
	e := &jmap.SetError{Type: submissionErrors[key], Description: c.server.words.Error(c.lang, err)}
	var bad *outbox.RecipientsError
	switch {
	case errors.As(err, &bad):
		e.Type, e.Extra = "invalidRecipients", map[string]any{"invalidRecipients": bad.Addresses}
	case e.Type == "":
		return err
	case e.Type == "tooManyRecipients":
		e.Extra = map[string]any{"maxRecipients": mail.MaxRecipients}
	case e.Type == jmap.TooLarge:
		e.Extra = map[string]any{"maxSize": mail.MaxMessageSize}
	case e.Type == "invalidEmail":
		e.Properties = []string{"headers"}
	case submissionProperty[key] != "":
		e.Properties = []string{submissionProperty[key]}
	}
	return e
}
