package jmapd

import (
	"context"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// emailChanges is Email/changes (RFC 8621 §4.3).
func emailChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	found, err := changes(ctx, c, in, func(r *mailbox.Register, since mailbox.State, most int) (mailbox.Changes[mail.EmailID], error) {
		return r.EmailChanges(ctx, since, most)
	})
	if err != nil {
		return nil, err
	}
	out := changesOut(in, found, emailRef)
	return &out, nil
}

// threadChanges is Thread/changes (RFC 8621 §3.2).
func threadChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*jmap.ChangesOut, error) {
	found, err := changes(ctx, c, in, func(r *mailbox.Register, since mailbox.State, most int) (mailbox.Changes[mail.ThreadID], error) {
		return r.ThreadChanges(ctx, since, most)
	})
	if err != nil {
		return nil, err
	}
	out := changesOut(in, found, threadRef)
	return &out, nil
}

// mailboxChangesOut is the answer to Mailbox/changes: UpdatedProperties are those that changed, where it is only they, of all
// mailboxes that did (RFC 8621 §2.2).
type mailboxChangesOut struct {
	jmap.ChangesOut
	UpdatedProperties []string `json:"updatedProperties"`
}

// countProperties are the properties of a mailbox that change with the mail in it.
var countProperties = []string{"totalEmails", "unreadEmails", "totalThreads", "unreadThreads"}

// mailboxChanges is Mailbox/changes (RFC 8621 §2.2).
func mailboxChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*mailboxChangesOut, error) {
	found, err := changes(ctx, c, in, func(r *mailbox.Register, since mailbox.State, most int) (mailbox.Changes[mail.MailboxID], error) {
		return r.MailboxChanges(ctx, since, most)
	})
	if err != nil {
		return nil, err
	}
	out := &mailboxChangesOut{ChangesOut: changesOut(in, found, mailboxRef)}
	if found.CountsOnly && len(found.Updated) > 0 {
		out.UpdatedProperties = countProperties
	}
	return out, nil
}
