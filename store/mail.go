package store

import (
	"time"

	"tegami/mail"
)

// Box are the counters of one account.
type Box struct {
	ModSeq   mail.ModSeq // of the last change; 0 = never
	Used     int64       // octets of all messages, what the quota counts (SV-5)
	Messages int64
}

// Mailbox is a folder of an account. Counters are kept by the store.
type Mailbox struct {
	ID          mail.MailboxID
	Account     mail.AccountID
	Parent      mail.MailboxID // zero at the top
	Name        string         // one level, UTF-8, unique beside its siblings; "INBOX" at the top is the inbox
	Role        string         // RFC 8621 §2 role: "inbox", "sent", "trash" …; "" = none; unique within the account
	Subscribed  bool
	UIDValidity uint32      // RFC 9051 §2.3.1.1; set by the store when made, and kept by renaming
	UIDNext     mail.UID    // the next message gets this or more
	ModSeq      mail.ModSeq // of the last change of a message in it (HIGHESTMODSEQ) or of the mailbox
	Messages    uint32
	Unseen      uint32      // without Seen
	Deleted     uint32      // with Deleted
	Size        int64       // octets
	Made        mail.ModSeq // of its making; set by the store
	Changed     mail.ModSeq // of the last change of the mailbox itself; set by the store
	Place       uint32      // among its siblings, as the user wants them (RFC 8621 §2 sortOrder)
}

// GoneMailbox is a mailbox that was deleted.
type GoneMailbox struct {
	ID     mail.MailboxID
	ModSeq mail.ModSeq // of its end
	Made   mail.ModSeq
}

// Limits of what is remembered of deleted mailboxes. Past them GoneMailboxes tells a later floor.
const (
	// MaxGoneMailboxes is of how many an account keeps the trace, with that of the messages in them.
	MaxGoneMailboxes = 500
	// MaxGoneWith is how many messages a mailbox may have that leaves a trace.
	MaxGoneWith = 20_000
)

// Message is a message in a mailbox. The octets are a blob that several messages may share.
type Message struct {
	ID       mail.EmailID // kept when the message is moved
	Mailbox  mail.MailboxID
	Account  mail.AccountID
	UID      mail.UID
	Flags    mail.Flags
	ModSeq   mail.ModSeq
	Received time.Time     // INTERNALDATE, to the second
	Saved    time.Time     // RFC 8514 SAVEDATE, to the second
	Thread   mail.ThreadID // zero: it was not put into one yet
	Born     mail.ModSeq   // of its coming into the mailbox
	Made     mail.ModSeq   // of its coming into the account
	Turned   mail.ModSeq   // of getting or losing the flag Deleted last; zero: it never had it
	Blob     mail.BlobRef
	Index    []byte // the blob's structure as wire/mime wrote it; empty where not asked for
	Place    Place  // where the octets are; zero where not asked for
}

// With says what is read of a message beside its row.
type With uint8

// What can be read with a message.
const (
	WithIndex With = 1 << iota // Message.Index
	WithPlace                  // Message.Place
)

// Place tells where the octets of a message were when it was read, so that Blobs.OpenAt needs no look-up. Its fields mean
// something to the backend only; others hand it on as it is. What changed since is no harm: then it is looked up after all.
type Place struct {
	Era    uint64 // of the backend's numbers; 0 = no place
	Pack   int64
	Off    int64
	Octets []byte // the octets themselves where the row has them; valid as long as Index
}

// Mark is what a selected mailbox knows of a message: small, and read in bulk.
type Mark struct {
	UID    mail.UID
	Flags  mail.Flags
	ModSeq mail.ModSeq
}

// Gone is a message that left a mailbox: expunged or moved away.
type Gone struct {
	UID    mail.UID
	ModSeq mail.ModSeq
	Email  mail.EmailID
	Thread mail.ThreadID
	Made   mail.ModSeq // of the message
	Hidden mail.ModSeq // of its getting the flag Deleted; zero for one that left without it
}

// NewMessage asks for a message to be put into a mailbox.
type NewMessage struct {
	Mailbox  mail.MailboxID
	Flags    mail.Flags
	Received time.Time
	Blob     mail.BlobRef  // from Tx.Keep in the same Update, or of an existing message (COPY)
	Thread   mail.ThreadID // zero: it is put into one later
}

// ItemState is where a queue item stands.
type ItemState uint8

// States of an item. Settled items are kept as the message trace (CP-8); they do not keep the octets alive.
const (
	ItemWaiting ItemState = iota + 1 // due at Due
	ItemHeld                         // waits for somebody, has no time
	ItemSettled                      // nothing left to do
)

// Item is a queue item: one message the platform is responsible for. Doc holds
// envelope, origin, facts and each recipient's outcome; it belongs to package queue.
type Item struct {
	ID    mail.ItemID
	State ItemState
	Due   time.Time    // to the millisecond
	Route string       // what kind of carrier takes it next, and whereto: "remote example.org"
	Blob  mail.BlobRef // once settled only its ID is sure: when no message has the octets any more they go
	Doc   []byte
	Fence uint64 // of the lease; 0 = not leased
	// Until is the end of the lease; zero = not leased. Who holds the lease and writes the item
	// with Until keeps it until then (progress, or more time); a new item written with it is leased
	// to its writer from birth, with Fence 1. Written without, or in another state than waiting, the lease ends.
	Until time.Time
	Tries int // how often it was claimed, or born leased
}

// RouteCount says how many items are on a route.
type RouteCount struct {
	Route string
	Items int
	First mail.ItemID // the oldest
	Due   time.Time   // the earliest
}
