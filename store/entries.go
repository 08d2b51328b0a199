package store

import (
	"time"

	"tegami/mail"
)

// Entry is one thing that belongs to an account beside its mail: a card, an address book, an identity, preferences. Its
// content belongs to the service that wrote it; the store knows its keys. It is the user's own: a write of it is no line of the
// operation log and does not grow the epoch. It takes the account's next ModSeq, so Watch tells of it, and the ModSeq is its version.
type Entry struct {
	Kind    string // "card"; the store's tables know no kinds
	Account mail.AccountID
	ID      mail.ObjectID // unique within account and kind
	Group   mail.ObjectID // what it lies in, such as a card's book; zero = nothing
	Key     string        // unique within account and kind while the entry is there, such as a card's UID; "" = none
	ModSeq  mail.ModSeq   // of its last change; set by the store
	Born    mail.ModSeq   // of its making; set by the store
	Gone    bool          // it was removed; only EntriesSince gives such
	Doc     []byte        // at most MaxEntry octets, which must not change before the commit; nil where empty, or gone
	// Blob are the octets of a message that the entry has, such as one in quarantine; zero = none. They stay as long as the entry does and
	// are not counted to the box. Who writes the entry says its ID only, from Tx.Keep in the same Update or of what has the octets already.
	Blob mail.BlobRef
	// Ends is when the entry is to be removed, to the second; zero = never. The store does not do it: EntriesEnded tells which.
	Ends time.Time
}

// EntrySum is what an account has of a kind.
type EntrySum struct {
	Account mail.AccountID
	Entries int
	Octets  int64         // of the messages that they have
	Last    mail.ObjectID // the newest entry: the one with the highest id
}

// Limits of entries. How many an account may have of a kind is for the service that keeps them to say.
const (
	// MaxEntry is the size of an entry's Doc in octets.
	MaxEntry = 256 << 10
	// MaxEntryKey is the length of its Key in octets, and MaxEntryKind that of its Kind.
	MaxEntryKey, MaxEntryKind = 1024, 64
	// MaxGoneEntries is of how many removed entries of a kind an account keeps the trace. With one more the oldest is
	// forgotten, and EntriesFloor grows.
	MaxGoneEntries = 2000
)

// EntryReader shows what accounts have beside their mail. It is part of Reader.
type EntryReader interface {
	// Entry gives one entry. NotFound "entry.unknown" if there is none, or no longer.
	Entry(a mail.AccountID, kind string, id mail.ObjectID) (Entry, error)
	// EntryByKey gives the entry that has a key. NotFound "entry.unknown"; nothing has the key "".
	EntryByKey(a mail.AccountID, kind, key string) (Entry, error)
	// Entries lists the entries of a kind in order of ID: those that lie in group, or all where group is zero. Entries can be
	// large: where they are, ask for fewer than MaxPage at once.
	Entries(a mail.AccountID, kind string, group mail.ObjectID, page Page) ([]Entry, error)
	// EntriesBack lists the entries of a kind with id < before (zero: all), the newest first: in descending order of ID, at most limit (0 or
	// more than MaxPage: MaxPage).
	EntriesBack(a mail.AccountID, kind string, before mail.ObjectID, limit int) ([]Entry, error)
	// EntriesEnded lists the entries of a kind whose Ends is not after a time, of all accounts and without Doc, those that ended first in
	// front, at most limit (0 or more than MaxPage: MaxPage).
	EntriesEnded(kind string, at time.Time, limit int) ([]Entry, error)
	// EntrySums tells of the accounts that have entries of a kind with an end how many those are, in order of account behind one, at most
	// limit (0 or more than MaxPage: MaxPage).
	EntrySums(kind string, after mail.AccountID, limit int) ([]EntrySum, error)
	// EntriesSince lists the entries of a kind that changed after since, ascending by ModSeq, at most limit (0 or more than MaxPage:
	// MaxPage). Those removed after it are among them, Gone, with ID, Group, Key, ModSeq and Born. No two have the same ModSeq, so that
	// the last one's is where to go on.
	EntriesSince(a mail.AccountID, kind string, since mail.ModSeq, limit int) ([]Entry, error)
	// EntriesFloor is the ModSeq from which on EntriesSince knows of every entry that was removed: for an earlier one some may be
	// missing. Zero: all are known.
	EntriesFloor(a mail.AccountID, kind string) (mail.ModSeq, error)
	// CountEntries tells how many entries of a kind there are.
	CountEntries(a mail.AccountID, kind string) (int, error)
	// Structure gives what was kept with octets as their index (Tx.Keep), such as those of an entry. NotFound "blob.unknown".
	Structure(mail.BlobID) ([]byte, error)
}

// EntryWriter changes what accounts have beside their mail. It is part of Tx.
type EntryWriter interface {
	// PutEntry writes an entry and gives it as it stands then, without Doc. With ID zero it is made. With another it replaces
	// the one that is there, or is made; ModSeq, where not zero, must be that of the one there (else Conflict "object.changed").
	// Conflict "key.taken" with the key if another entry of the kind has it; Invalid "entry.malformed" for an account, a kind or a key that
	// can't be, "entry.too_large" past MaxEntry; NotFound "blob.unknown" where the octets are not there.
	PutEntry(Entry) (Entry, error)
	// DeleteEntry removes an entry. NotFound "entry.unknown".
	DeleteEntry(a mail.AccountID, kind string, id mail.ObjectID) error
	// DropBelongings removes all that an account has beside its mailboxes, without a trace: for the end of an account.
	DropBelongings(mail.AccountID) error
}
