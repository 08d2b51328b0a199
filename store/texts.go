package store

import (
	"context"
	"iter"

	"tegami/mail"
)

// Texts are a tenant's full-text indexes, one for each account. An index proposes and the message decides:
// Find gives every message that may contain what is looked for, and some that do not.
//
// An index is made of the messages and can always be made of them again. So it takes no part in the transactions
// of the mail and is not flushed with them: a crash may lose its end, and one that is found damaged is thrown away. Then its
// cursors begin at 0 again.
type Texts interface {
	// Cursors tells how far each mailbox of an account is indexed; one that is not there is not indexed at all.
	Cursors(ctx context.Context, a mail.AccountID) (map[mail.MailboxID]TextCursor, error)

	// Add takes messages into the index of a mailbox and moves its cursor from p.After to p.Upto. Conflict "text.moved" if
	// the cursor does not stand at p.After.
	Add(ctx context.Context, a mail.AccountID, p TextPortion) error

	// Find gives the messages of a mailbox that may contain all of the grams, ascending, and up to which UID
	// the mailbox is indexed. At most MaxFindGrams grams are looked at, the first.
	Find(ctx context.Context, a mail.AccountID, m mail.MailboxID, grams []Gram) (found []mail.UID, upto mail.UID, err error)

	// Trim takes out messages that are not live any more, where they are so many that it pays (a quarter of what lies
	// together). live ascends and has all there are up to the UID upto; what lies behind stays as it is, as another may have added it
	// since the cursor was read.
	Trim(ctx context.Context, a mail.AccountID, m mail.MailboxID, upto mail.UID, live iter.Seq[mail.UID]) error

	// Drop removes the index of mailboxes; without any, that of the whole account.
	Drop(ctx context.Context, a mail.AccountID, of ...mail.MailboxID) error

	// Accounts lists the accounts that have an index, ascending.
	Accounts(ctx context.Context) ([]mail.AccountID, error)

	// Size tells how large the index of an account is.
	Size(ctx context.Context, a mail.AccountID) (TextSize, error)
}

// Gram is a short stretch of text as a number. What the text is and how it becomes a number is the caller's business; a change
// of that is a new TextVersion.
type Gram uint32

const (
	// TextVersion is what an index must have been made with to be used. It counts changes of its
	// form and of what grams are made of.
	TextVersion = 1
	// MaxFindGrams is how many grams one Find looks at: with more, hardly any message fewer is found.
	MaxFindGrams = 32
	// MaxTextDocs is how many messages one TextPortion holds.
	MaxTextDocs = 1024
)

// TextCursor is how far a mailbox is indexed.
type TextCursor struct {
	Upto  mail.UID     // messages with this UID or a lower one are in the index
	Email mail.EmailID // of the message that had the UID Upto, to tell an index that belongs to another past
	Docs  int          // messages in the index, of which some may be gone
}

// TextPortion are messages of a mailbox to be indexed: all those with After < UID ≤ Upto.
type TextPortion struct {
	Mailbox mail.MailboxID
	After   mail.UID // the cursor now
	Upto    mail.UID // the cursor then
	Email   mail.EmailID
	Docs    []TextDoc // ascending by UID, at most MaxTextDocs
}

// TextDoc is a message as the index sees it.
type TextDoc struct {
	UID   mail.UID
	Grams []Gram // each once, in any order
	Any   bool   // not all of its text is known: every Find gives it
}

// TextSize is how large an index is.
type TextSize struct {
	Docs     int   // messages, of which some may be gone
	Segments int   // pieces, each of which a search looks into
	Octets   int64 // of what it stores; files hold somewhat more
}
