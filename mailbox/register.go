package mailbox

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// Post is the mail of one account as somebody works with it who may see it as a whole: its owner, or somebody it shares mailboxes
// with. JMAP is made of it (RFC 8621): where a View is one mailbox by sequence numbers, a Post is all mailboxes by ids. Its methods may be called
// from several goroutines.
//
// A message with the flag Deleted is not there for a Post (RFC 8621 §4.1.1), and is in one mailbox.
type Post struct {
	account *Account          // who works with it
	of      directory.Account // whose mail it is
	foreign bool
}

// Post gives the account's own mail. It reads nothing.
func (a *Account) Post() *Post { return &Post{account: a, of: a.account} }

// Register is Post().Register.
func (a *Account) Register(ctx context.Context) (*Register, error) { return a.Post().Register(ctx) }

// Owner is the account whose mail it is.
func (p *Post) Owner() directory.Account { return p.of }

// Foreign tells whether it is somebody else's.
func (p *Post) Foreign() bool { return p.foreign }

// Watch sends the ModSeq of the account after something changed there, until ctx ends; see Account.Watch.
func (p *Post) Watch(ctx context.Context) <-chan mail.ModSeq {
	return p.account.tenant.Watch(ctx, p.of.ID)
}

// State names a state of an account's mail: all changes up to ModSeq are in it. Its text is what JMAP has as "state", of emails, threads,
// mailboxes and queries alike.
type State struct {
	ModSeq mail.ModSeq
	// After is not zero in a state in the middle of many changes at once (Changes.More): of those with the next ModSeq, what has an id up to
	// After is in it.
	After int64
	// Seen stands for what of the account may be seen; zero for the owner. When it changes, nobody can tell what changed before.
	Seen uint32
}

// String writes the state: "1234", or with the parts that are not zero behind it.
func (s State) String() string {
	text := strconv.FormatUint(uint64(s.ModSeq), 10)
	if s.After != 0 || s.Seen != 0 {
		text += "." + strconv.FormatInt(s.After, 36)
	}
	if s.Seen != 0 {
		text += "." + strconv.FormatUint(uint64(s.Seen), 36)
	}
	return text
}

// ParseState reads what String writes. Conflict "state.unknown" for anything else: nobody can tell what changed since then.
func ParseState(text string) (s State, err error) {
	parts := strings.Split(text, ".")
	modseq, err := strconv.ParseUint(parts[0], 10, 63)
	if err == nil && len(parts) > 1 {
		s.After, err = strconv.ParseInt(parts[1], 36, 64)
	}
	if err == nil && len(parts) > 2 {
		var seen uint64
		seen, err = strconv.ParseUint(parts[2], 36, 32)
		s.Seen = uint32(seen)
	}
	s.ModSeq = mail.ModSeq(modseq)
	if err != nil || s.String() != text {
		return State{}, unknownState("mailbox.ParseState")
	}
	return s, nil
}

// unknownState is the error where changes can't be told: cannotCalculateChanges of RFC 8620 §5.2.
func unknownState(op mail.Op) error { return mail.E(op, mail.Conflict, "state.unknown") }

// Box is a mailbox as a Register has it.
type Box struct {
	Mailbox // its counters are those of IMAP; the ones below those of RFC 8621 §2
	Path    string
	Rights  Rights
	Emails  int // messages
	Unread  int // of these, neither Seen nor Draft
	Threads int // with a message in it
	// UnreadThreads is how many of these have an unread message in any mailbox: outside of the trash, or for the trash inside of it.
	UnreadThreads int
}

// Row is a message as a Register has it: what lists, counts and threads are made of.
type Row struct {
	ID       mail.EmailID
	Thread   mail.ThreadID
	Mailbox  mail.MailboxID
	UID      mail.UID
	Flags    mail.Flags
	ModSeq   mail.ModSeq
	Received time.Time // INTERNALDATE, to the second, UTC
	Size     int64     // octets
}

// The methods of a Register, all of one picture:
//
//	State() State
//	Mailboxes() []Box                                   those that may be looked up, ascending by id; a copy
//	Mailbox(id) (Box, bool)
//	Email(id) (Row, bool)
//	Emails() int
//	Thread(id) []mail.EmailID                           ascending by Received; nil where there is none
//	Keywords(flags) []string                            names in JMAP's form: "$seen"; never "\Deleted"
//	Messages(ctx, ids, with, fn) error                  rows of the store with Index and octets, for Email/get
//	OpenBody(ctx, *Message) (Body, error)               octets of a message that Messages gave
//	EmailChanges(ctx, since, max) (Changes[mail.EmailID], error)
//	ThreadChanges(ctx, since, max) (Changes[mail.ThreadID], error)
//	MailboxChanges(ctx, since, max) (Changes[mail.MailboxID], error)
//	Query(ctx, Query) (Result, error)
//	QueryChanges(ctx, Query, since, upTo, max) (QueryChanges, error)
//
// and of a Post, which change the mail, each in one transaction:
//
//	ChangeEmails(ctx, []EmailChange) (Written, error)
//	DestroyEmails(ctx, []mail.EmailID) (Written, error)
//	AddEmail(ctx, NewEmail) (Message, Written, error)
//	CreateMailbox(ctx, NewMailbox) (Mailbox, Written, error)
//	ChangeMailbox(ctx, id, MailboxChange) (Written, error)
//	DestroyMailbox(ctx, id, withMail) (Written, error)

// Changes are what changed between two states (RFC 8620 §5.2). No id stands in two of the lists.
type Changes[ID ~int64] struct {
	New       State
	More      bool // there are more changes: ask again since New
	Created   []ID
	Updated   []ID
	Destroyed []ID
	// CountsOnly tells of mailboxes: of the Updated ones only counters changed (RFC 8621 §2.2 updatedProperties).
	CountsOnly bool
}

// WhereOp joins filters (RFC 8620 §5.5).
type WhereOp uint8

// The operators. A filter without one is a condition.
const (
	WhereAnd WhereOp = iota + 1
	WhereOr
	WhereNot // none of them fits
)

// Where says which messages fit: all that is set of a condition must hold (RFC 8621 §4.4.1), or what Op says of the filters in Of. The
// zero Where fits all.
type Where struct {
	Op WhereOp
	Of []Where

	InMailbox          mail.MailboxID
	InMailboxOtherThan []mail.MailboxID // nil: not asked; it is in one that is none of them
	Before, After      time.Time        // received before; received then or later; zero: not asked
	MinSize            int64            // that many octets or more
	MaxSize            int64            // fewer octets; 0: not asked

	AllInThread, SomeInThread, NoneInThread string // keywords: "$seen"; "": not asked
	HasKeyword, NotKeyword                  string

	HasAttachment *bool // see mime.Message.HasAttachment

	Text, From, To, Cc, Bcc, Subject, Body string   // strings to look for, compared as mime.Searchable has them; "": not asked
	Words                                  bool     // Text, Subject and Body: each word for itself, in any order
	Header                                 []string // a field's name and, where there are two, what its value has to contain
}

// SortBy is what messages are sorted by (RFC 8621 §4.4.2).
type SortBy uint8

// What messages are sorted by.
const (
	SortReceived SortBy = iota + 1 // receivedAt
	SortSent                       // sentAt
	SortSize
	SortFrom    // name, or else address, of the first
	SortTo      // likewise
	SortSubject // base subject (RFC 5256 §2.1)
	SortKeyword // hasKeyword: those without come first
	SortAllInThread
	SortSomeInThread
)

// Sort is one property to sort by.
type Sort struct {
	By      SortBy
	Keyword string // for the last three
	Descend bool
}

// Limits of queries.
const (
	// MaxWhere is how many filters a query may have, and MaxWhereDepth how deep they may be nested.
	MaxWhere, MaxWhereDepth = 100, 10
	// MaxSort is how many properties it may be sorted by.
	MaxSort = 10
)

// Query asks for messages (RFC 8621 §4.4). Behind all that Sort says the newest come first, so that the order is always whole.
type Query struct {
	Filter   Where
	Sort     []Sort // none: newest first
	Collapse bool   // of each thread only the first message in the order
	Position int    // of the first id to give; negative: from the end
	Anchor   mail.EmailID
	Offset   int  // of the first id from the Anchor; only with one
	Limit    int  // 0: all
	Total    bool // tell Total; a search in texts without it ends when it has found what is asked for
}

// Result is a part of what a query finds.
type Result struct {
	State    State
	IDs      []mail.EmailID
	Position int  // of the first id in all that was found
	Total    int  // -1 where it was not asked for and is not known
	Changes  bool // QueryChanges can tell of this query
}

// QueryChanges are what changed of a query's result between two states (RFC 8620 §5.6).
type QueryChanges struct {
	New     State
	Total   int
	Removed []mail.EmailID
	Added   []AddedEmail // ascending by Index
}

// AddedEmail is a message at its place in a result.
type AddedEmail struct {
	ID    mail.EmailID
	Index int
}

// Written is what became of a write.
type Written struct {
	Before, After State   // of the account
	Errs          []error // of each thing that was to be written, nil where it was; one after the other as they were given
}

// MaxWrites is how many messages one ChangeEmails or DestroyEmails takes.
const MaxWrites = 5000

// EmailChange says what is to be changed of a message.
type EmailChange struct {
	ID mail.EmailID
	// Keywords are switched on or off, by names as JMAP has them ("$seen", "$flagged", "work"); with Replace, those that are not on go off.
	Keywords map[string]bool
	Replace  bool
	Mailbox  mail.MailboxID // where it is moved to; zero: it stays
}

// NewEmail is a message to be put into a mailbox. The Upload is released by the caller.
type NewEmail struct {
	Upload
	Mailbox  mail.MailboxID
	Keywords []string  // as JMAP has them
	Received time.Time // zero: now
}

// NewMailbox is a mailbox to be made. The mailbox must be named as path levels are: no "/" and no control characters.
type NewMailbox struct {
	Name       string
	Parent     mail.MailboxID // zero: at the top
	Role       string         // RFC 8621 §2; "" = none
	Order      uint32         // RFC 8621 §2 sortOrder
	Subscribed bool
}

// MailboxChange says what is to be changed of a mailbox; nil stays.
type MailboxChange struct {
	Name       *string
	Parent     *mail.MailboxID
	Role       *string
	Order      *uint32
	Subscribed *bool
}
