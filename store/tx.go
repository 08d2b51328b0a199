package store

import (
	"time"

	"tegami/mail"
)

// Reader shows one consistent state of a tenant. Valid inside the function it was
// given to. Functions passed in must not call the Reader again; they return false to stop.
type Reader interface {
	EntryReader
	CountReader

	// Object gives one object. NotFound if there is none of this kind and id.
	Object(kind string, id mail.ObjectID) (Object, error)
	// ObjectByKey gives the object that holds a unique key, of whatever kind. NotFound if none does.
	ObjectByKey(Key) (Object, error)
	// Objects lists the objects of a kind in order of ID.
	Objects(kind string, page Page) ([]Object, error)
	// Marked lists the objects of a kind that carry a mark, in order of ID.
	Marked(kind string, mark Key, page Page) ([]Object, error)
	// CountMarked counts them.
	CountMarked(kind string, mark Key) (int, error)
	// Acts lists the operation log behind a sequence number, at most limit (0 or more than MaxPage: MaxPage).
	Acts(after uint64, limit int) ([]Act, error)
	// ActsBack lists lines of the operation log, the newest first.
	ActsBack(ActQuery) ([]Act, error)
	// Chain tells from where to where the operation log reaches.
	Chain() (Chain, error)

	// Box gives the counters of an account; zero for one without mailboxes.
	Box(mail.AccountID) (Box, error)
	// Mailboxes lists an account's mailboxes, in order of ID.
	Mailboxes(mail.AccountID) ([]Mailbox, error)
	// Mailbox gives one. NotFound if there is none.
	Mailbox(mail.MailboxID) (Mailbox, error)
	// Keywords lists the account's keywords; the n-th is flag mail.Keyword(n).
	Keywords(mail.AccountID) ([]string, error)
	// Marks gives UID, flags and ModSeq of messages changed after since, ascending by ModSeq; for since 0 those of all,
	// ascending by UID.
	Marks(m mail.MailboxID, since mail.ModSeq, fn func(Mark) bool) error
	// Gone gives the messages that left the mailbox after since, ascending by ModSeq.
	Gone(m mail.MailboxID, since mail.ModSeq, fn func(Gone) bool) error
	// GoneMailboxes gives the mailboxes of an account that were deleted after since, ascending by ModSeq. Gone tells of each which messages
	// left it, and which went with it. floor is the ModSeq from which on all that went is known so; zero: always.
	GoneMailboxes(a mail.AccountID, since mail.ModSeq) (list []GoneMailbox, floor mail.ModSeq, err error)
	// MessagesSince gives the messages that came into a mailbox or were changed after since, in any order. The Message is used again for the next.
	MessagesSince(m mail.MailboxID, since mail.ModSeq, fn func(*Message) bool) error
	// Threads gives the threads that references lead to, those of refs that are known. At most MaxThreadRefs are looked at, the first.
	Threads(a mail.AccountID, refs []ThreadRef) (map[ThreadRef]mail.ThreadID, error)
	// Messages gives the messages with lo ≤ UID ≤ hi, ascending by UID, and what is asked for with them. The Message, its
	// Index and the octets of its Place are used again for the next. In an Update there is no Place.
	Messages(m mail.MailboxID, lo, hi mail.UID, with With, fn func(*Message) bool) error
	// Email gives a message by its id, with Index. NotFound if there is none.
	Email(mail.EmailID) (Message, error)

	// Memo tells until when an account remembers a name, to the millisecond; zero when it does not, or no longer. In an Update
	// nobody else remembers for this account anything until the commit.
	Memo(a mail.AccountID, name string) (time.Time, error)

	// Item gives a queue item. NotFound if there is none.
	Item(mail.ItemID) (Item, error)
	// Items lists items of a state (0: all) behind an id, ascending, at most limit (0 or more than MaxPage: MaxPage).
	Items(state ItemState, after mail.ItemID, limit int) ([]Item, error)
	// ItemsBack lists items with from ≤ id < before, of all states and descending, at most limit (0 or more than MaxPage: MaxPage).
	ItemsBack(from, before mail.ItemID, limit int) ([]Item, error)
	// ItemsOf gives the items with these ids, at most MaxPage, in any order; those that are not there are left out.
	ItemsOf(ids []mail.ItemID) ([]Item, error)
	// Routes counts the waiting and held items of each route, at most limit routes (0 or more than MaxPage: MaxPage), those
	// with most items first. It looks at an index entry of every such item: for people, not for programs.
	Routes(limit int) ([]RouteCount, error)
	// ItemsOn lists the waiting and held items of a route behind an id, ascending, at most limit (0 or more than MaxPage: MaxPage).
	ItemsOn(route string, after mail.ItemID, limit int) ([]Item, error)
}

// Tx changes a tenant's state. Valid inside the function it was given to.
type Tx interface {
	Reader
	EntryWriter
	CountWriter

	// NextID makes an id for a new thing.
	NextID() int64

	// PutObject writes an object. Version 0 makes it (Conflict if the id exists); any other must
	// be the one that stands there (else Conflict "object.changed"). Conflict "key.taken"
	// with the value if a unique key belongs to another. It returns the new version.
	PutObject(Object) (uint64, error)
	// DeleteObject removes an object and its keys. NotFound; Conflict on another version.
	DeleteObject(kind string, id mail.ObjectID, version uint64) error

	// Note appends a line to the operation log about something that is no write of an object: a look at personal data, an export, an
	// attempt that was refused. doc is JSON, nil for none; the line has it as After. It does not grow the epoch. Invalid "object.id" without a kind.
	Note(kind string, id mail.ObjectID, doc []byte) error
	// ForgetActs removes the oldest lines of the operation log, those before a time and at most limit (0 or more than MaxPage: MaxPage), and
	// tells how many. The chain of the others stays verifiable. Invalid "acts.keep" for a time less than KeepActs ago.
	ForgetActs(before time.Time, limit int) (int, error)

	// Keep makes a sealed staging part of this transaction. index is the structure that goes with it.
	Keep(s Staged, index []byte) (mail.BlobRef, error)

	// CreateMailbox makes a mailbox. m.ID may be zero (the store makes one); counters are ignored. Conflict
	// "mailbox.exists" for a sibling of that name or an account with that role; NotFound for an unknown parent.
	CreateMailbox(m Mailbox) (Mailbox, error)
	// SetMailbox changes Parent, Name, Role, Subscribed and Place. NotFound, Conflict as above; Invalid
	// if the mailbox would stand below itself.
	SetMailbox(m Mailbox) error
	// DeleteMailbox removes a mailbox and the messages in it; GoneMailboxes and Gone tell of them. Conflict "mailbox.has_children" if there are mailboxes below.
	DeleteMailbox(mail.MailboxID) error
	// AddKeyword gives the flag of a keyword (compared without case), making it known if need be. Full
	// "keywords.too_many" past mail.MaxKeywords.
	AddKeyword(a mail.AccountID, name string) (mail.Flags, error)

	// AddMessage puts a message into a mailbox. It does not judge quotas: the caller reads Box first.
	AddMessage(NewMessage) (Message, error)
	// SetFlags replaces a message's flags and gives its new Mark. No change, no new ModSeq. NotFound.
	SetFlags(m mail.MailboxID, uid mail.UID, flags mail.Flags) (Mark, error)
	// ChangeFlags takes flags from the messages with lo ≤ UID ≤ hi and gives them others, which is much less work than one by one. All
	// that it changes get the same ModSeq (RFC 7162 §3.1.1 allows it); it tells how many those are. None: no new ModSeq.
	ChangeFlags(m mail.MailboxID, lo, hi mail.UID, clear, set mail.Flags) (modseq mail.ModSeq, changed int, err error)
	// MoveMessage puts a message into another mailbox of its account under a new UID, keeping its id
	// (RFC 6851, RFC 8474 §5.1). NotFound.
	MoveMessage(from mail.MailboxID, uid mail.UID, to mail.MailboxID) (Mark, error)
	// Expunge removes a message. NotFound.
	Expunge(m mail.MailboxID, uid mail.UID) error

	// SetThread puts a message into a thread, and gives the one it is in then: one that is in a thread stays there (RFC 8474 §5.2). It takes
	// no ModSeq, as nobody was told of a thread before. NotFound.
	SetThread(mail.EmailID, mail.ThreadID) (mail.ThreadID, error)
	// PutThreadRefs has references lead to a thread, those that lead nowhere yet, and notes of all that they were used now. At most
	// MaxThreadRefs are, the first.
	PutThreadRefs(a mail.AccountID, refs []ThreadRef, thread mail.ThreadID) error
	// PruneThreadRefs removes an account's references that were used last on a day before that of a time.
	PruneThreadRefs(a mail.AccountID, before time.Time) error

	// PutMemo has an account remember a name until a time, in place of what it had; a time that is over forgets it. An account
	// remembers MaxMemos names: one more, and the one whose time is over first goes. Invalid "memo.name" for a name
	// that is empty or longer than MaxMemoName.
	PutMemo(a mail.AccountID, name string, until time.Time) error
	// DropMemos has an account forget everything.
	DropMemos(mail.AccountID) error

	// PutItem writes a queue item, new or changed. A leased item needs its Fence (else Conflict "item.leased"). With Until a
	// waiting item stays leased, or is so from birth; an existing one without a lease cannot be leased so (Conflict "item.leased").
	PutItem(Item) error
	// DeleteItem removes an item; for the trace's end of life. The same rule for the Fence.
	DeleteItem(id mail.ItemID, fence uint64) error
	// PruneItems removes settled items with an id below before, the oldest first, at most limit (0 or more than MaxPage: MaxPage).
	// It tells how many those were.
	PruneItems(before mail.ItemID, limit int) (removed int, err error)
}

// ThreadRef stands for something by which messages belong together: a message id with a subject. What exactly, and how it becomes a
// number, is the caller's business.
type ThreadRef int64

// MaxThreadRefs is how many references one call looks at or writes.
const MaxThreadRefs = 64

// Limits of what an account remembers.
const (
	// MaxMemos is how many names it remembers at once.
	MaxMemos = 5000
	// MaxMemoName is the length of a name in octets.
	MaxMemoName = 128
)
