package mailbox

import (
	"context"

	"tegami/mail"
)

// Register is a picture of an account's mail at one ModSeq.
type Register struct{}

var errPending = mail.E("mailbox.Register", mail.Unavailable, "")

// Register gives the newest picture of the mail: all changes committed before the call are in it. Where nothing changed since the last, nothing is read.
func (p *Post) Register(ctx context.Context) (*Register, error) { return nil, errPending }

// OpenShared gives the mail of another account of the tenant, as far as it is shared with this one. NotFound "account.unknown" for an
// account that shares nothing that may be read.
func (a *Account) OpenShared(ctx context.Context, owner mail.AccountID) (*Post, error) {
	return nil, errPending
}

// Sharers lists the accounts that share mailboxes with this one, ascending.
func (a *Account) Sharers(ctx context.Context) ([]mail.AccountID, error) { return nil, errPending }

// State is the picture's.
func (r *Register) State() State { return State{} }

// Mailboxes gives the mailboxes that may be looked up, ascending by id.
func (r *Register) Mailboxes() []Box { return nil }

// Mailbox gives one of them.
func (r *Register) Mailbox(id mail.MailboxID) (Box, bool) { return Box{}, false }

// Email gives a message.
func (r *Register) Email(id mail.EmailID) (Row, bool) { return Row{}, false }

// Emails is how many messages there are.
func (r *Register) Emails() int { return 0 }

// Thread gives the messages of a thread, ascending by Received; nil where there is none.
func (r *Register) Thread(id mail.ThreadID) []mail.EmailID { return nil }

// Keywords gives the names of flags in JMAP's form: "$seen".
func (r *Register) Keywords(flags mail.Flags) []string { return nil }

// Messages calls fn for the messages with these ids, in their order, each once, with what is asked for. What is gone is left out. m, its Index and what
// OpenBody gives of it are valid until fn returns. fn runs outside transactions and may be slow; its error ends Messages and is returned as it is.
func (r *Register) Messages(ctx context.Context, ids []mail.EmailID, with With, fn func(*Message) error) error {
	return errPending
}

// OpenBody gives the octets of a message that Messages gave. Close the Body.
func (r *Register) OpenBody(ctx context.Context, m *Message) (Body, error) { return nil, errPending }

// EmailChanges tells which messages changed since a state, at most max (0: all).
func (r *Register) EmailChanges(ctx context.Context, since State, max int) (Changes[mail.EmailID], error) {
	return Changes[mail.EmailID]{}, errPending
}

// ThreadChanges tells which threads changed.
func (r *Register) ThreadChanges(ctx context.Context, since State, max int) (Changes[mail.ThreadID], error) {
	return Changes[mail.ThreadID]{}, errPending
}

// MailboxChanges tells which mailboxes changed.
func (r *Register) MailboxChanges(ctx context.Context, since State, max int) (Changes[mail.MailboxID], error) {
	return Changes[mail.MailboxID]{}, errPending
}

// Query finds messages. Invalid "query.filter", "query.sort"; NotFound "query.anchor"; Full "query.too_long".
func (r *Register) Query(ctx context.Context, q Query) (Result, error) { return Result{}, errPending }

// QueryChanges tells what changed of a result since a state. upTo is the last id the caller knows, zero: all. Conflict "state.unknown" where it
// can't be told, Full "query.too_many_changes" for more than max (0: any number).
func (r *Register) QueryChanges(ctx context.Context, q Query, since State, upTo mail.EmailID, max int) (QueryChanges, error) {
	return QueryChanges{}, errPending
}

// ChangeEmails changes keywords and mailboxes of messages, in one commit. Errs: NotFound "message.unknown", "mailbox.unknown"; Denied "mailbox.no_right";
// Invalid "flag.unknown"; Full "keywords.too_many". Full "message.too_many" past MaxWrites.
func (p *Post) ChangeEmails(ctx context.Context, changes []EmailChange) (Written, error) {
	return Written{}, errPending
}

// DestroyEmails removes messages, in one commit. Errs: NotFound "message.unknown"; Denied "mailbox.no_right".
func (p *Post) DestroyEmails(ctx context.Context, ids []mail.EmailID) (Written, error) {
	return Written{}, errPending
}

// AddEmail puts a message into a mailbox. Its Thread is known then. Errors are as of Append.
func (p *Post) AddEmail(ctx context.Context, n NewEmail) (Message, Written, error) {
	return Message{}, Written{}, errPending
}

// CreateMailbox makes a mailbox. Errors are as of Create; NotFound "mailbox.unknown" for the parent.
func (p *Post) CreateMailbox(ctx context.Context, n NewMailbox) (Mailbox, Written, error) {
	return Mailbox{}, Written{}, errPending
}

// ChangeMailbox changes a mailbox. Errors are as of Rename.
func (p *Post) ChangeMailbox(ctx context.Context, id mail.MailboxID, c MailboxChange) (Written, error) {
	return Written{}, errPending
}

// DestroyMailbox removes a mailbox, withMail with the messages in it: else Conflict "mailbox.has_messages" where there are any. Errors are as of Delete.
func (p *Post) DestroyMailbox(ctx context.Context, id mail.MailboxID, withMail bool) (Written, error) {
	return Written{}, errPending
}
