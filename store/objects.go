package store

import (
	"time"

	"tegami/mail"
)

// Object is one record of the directory: a domain, an account, an alias, a list. Its
// content belongs to the service that wrote it; the store knows its keys.
type Object struct {
	Kind    string        // "account"; the store's tables know no kinds
	ID      mail.ObjectID // made by Tx.NextID
	Version uint64        // set by the store, grows with each write; also the ETag
	// Unique are names no other object of the same kind and name space holds, such
	// as {"address", "sato@example.jp"}. All kinds share one space per Name: an account and a
	// list cannot have the same address.
	Unique []Key
	// Marks are names under which the object is found beside others, such as {"domain", id}.
	Marks []Key
	Doc   []byte // JSON
	// Secret keeps the Doc out of the operation log, which nobody can erase: password hashes, keys. An
	// object is secret from when it is made; the log then shows Masked for its documents.
	Secret bool
	// Quiet is not kept: it makes this write one that is noted by the way, such as when a session was used last. Such a write
	// makes no line of the operation log and does not grow the epoch, so caches don't hear of it. What somebody decided is never quiet.
	Quiet   bool
	Changed time.Time
}

// Masked stands in the operation log for the document of a secret object.
const Masked = `{"masked":true}`

// Key is a name an object can be found by.
type Key struct{ Name, Value string }

// Page asks for a part of a list in ascending order of ID.
type Page struct {
	After mail.ObjectID // begin behind this one; zero = from the start
	Limit int           // 1 to MaxPage; 0 = MaxPage
}

// MaxPage is how many objects one call lists at most.
const MaxPage = 1000
