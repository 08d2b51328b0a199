package jmapd

import (
	"context"
	"errors"
	"slices"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// mailMethods are the methods of RFC 8621 §2 to §5 of mailboxes, threads, emails and snippets.
func mailMethods() []entry {
	return []entry{
		method("Mailbox/get", jmap.Mail, reads, getMailboxes),
		method("Mailbox/changes", jmap.Mail, reads, mailboxChanges),
		method("Mailbox/query", jmap.Mail, reads, queryMailboxes),
		method("Mailbox/queryChanges", jmap.Mail, reads, askAnew[folderCondition]),
		method("Mailbox/set", jmap.Mail, writes, setMailboxes),
		method("Thread/get", jmap.Mail, reads, getThreads),
		method("Thread/changes", jmap.Mail, reads, threadChanges),
		method("Email/get", jmap.Mail, reads, getEmails),
		method("Email/changes", jmap.Mail, reads, emailChanges),
		method("Email/query", jmap.Mail, reads, queryEmails),
		method("Email/queryChanges", jmap.Mail, reads, emailQueryChanges),
		method("Email/set", jmap.Mail, writes, setEmails),
		method("Email/copy", jmap.Mail, writes, copyEmails),
		method("Email/import", jmap.Mail, writes, importEmails),
		method("Email/parse", jmap.Mail, reads, parseEmails),
		method("SearchSnippet/get", jmap.Mail, reads, getSnippets),
	}
}

// post is the mail of an account.
func (c *call) post(ctx context.Context, at *target) (*mailbox.Post, error) {
	a, err := at.open(ctx, c)
	if err != nil {
		return nil, err
	}
	if at.personal {
		return a.Post(), nil
	}
	return a.OpenShared(ctx, at.account)
}

// register is the newest picture of an account's mail.
func (c *call) register(ctx context.Context, at *target) (*mailbox.Register, error) {
	p, err := c.post(ctx, at)
	if err != nil {
		return nil, err
	}
	return p.Register(ctx)
}

// kindOfID is what the ids of a type of records are of.
type kindOfID interface{ ~int64 }

// ids writes ids of ours.
func ids[ID kindOfID](list []ID, of func(ID) jmap.Id) []jmap.Id {
	out := make([]jmap.Id, len(list))
	for i, id := range list {
		out[i] = of(id)
	}
	return out
}

func emailRef(id mail.EmailID) jmap.Id     { return jmap.Of(jmap.LetterEmail, id) }
func mailboxRef(id mail.MailboxID) jmap.Id { return jmap.Of(jmap.LetterMailbox, id) }
func threadRef(id mail.ThreadID) jmap.Id   { return jmap.Of(jmap.LetterThread, id) }

// emailID reads the id of an email, or of one that was made in this request.
func (c *call) emailID(ref jmap.Id) (mail.EmailID, bool) {
	id, ok := c.id(ref)
	if !ok {
		return 0, false
	}
	return parseEmail(id)
}

// mailboxID reads the id of a mailbox, or of one that was made in this request.
func (c *call) mailboxID(ref jmap.Id) (mail.MailboxID, bool) {
	id, ok := c.id(ref)
	if !ok {
		return 0, false
	}
	return parseMailbox(id)
}

func parseEmail(id jmap.Id) (out mail.EmailID, ok bool) {
	ok = jmap.Read(jmap.LetterEmail, id, &out)
	return out, ok
}

func parseMailbox(id jmap.Id) (out mail.MailboxID, ok bool) {
	ok = jmap.Read(jmap.LetterMailbox, id, &out)
	return out, ok
}

func parseThread(id jmap.Id) (out mail.ThreadID, ok bool) {
	ok = jmap.Read(jmap.LetterThread, id, &out)
	return out, ok
}

// changesOut answers a /changes with what a register found.
func changesOut[ID kindOfID](in *jmap.ChangesIn, found mailbox.Changes[ID], of func(ID) jmap.Id) jmap.ChangesOut {
	return jmap.ChangesOut{
		AccountID: in.AccountID, OldState: in.SinceState, NewState: found.New.String(), HasMoreChanges: found.More,
		Created: ids(found.Created, of), Updated: ids(found.Updated, of), Destroyed: ids(found.Destroyed, of),
	}
}

// changes asks a register for what changed, within the limits of the caller.
func changes[ID kindOfID](ctx context.Context, c *call, in *jmap.ChangesIn,
	ask func(*mailbox.Register, mailbox.State, int) (mailbox.Changes[ID], error)) (found mailbox.Changes[ID], err error) {
	limit, err := c.since(in)
	if err != nil {
		return found, err
	}
	since, err := mailbox.ParseState(in.SinceState)
	if err != nil {
		return found, unknownSince(err)
	}
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return found, err
	}
	found, err = ask(reg, since, limit)
	return found, unknownSince(err)
}

// unknownSince says in JMAP's words that nobody knows what changed since a state.
func unknownSince(err error) error {
	if key, _ := mail.TextOf(err); key == "state.unknown" {
		return &jmap.MethodError{Type: jmap.CannotCalculateChanges}
	}
	return err
}

// isKey tells whether an error says what a key of the catalogue does.
func isKey(err error, keys ...string) bool {
	var e *mail.Error
	if !errors.As(err, &e) {
		return false
	}
	key, _ := mail.TextOf(err)
	return slices.Contains(keys, key)
}
