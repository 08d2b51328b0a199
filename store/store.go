package store

import (
	"context"
	"io"
	"time"

	"tegami/mail"
)

// Store is the state of a whole installation. Its methods may be called from many goroutines.
type Store interface {
	// Tenant gives the handle of a tenant. It costs nothing and does not fail: a
	// tenant that was never created answers NotFound to every View and Update.
	Tenant(mail.TenantID) Tenant

	// CreateTenant makes an empty tenant. Conflict if it exists.
	CreateTenant(context.Context, mail.TenantID) error

	// Tenants lists the tenants that exist, ascending.
	Tenants(context.Context) ([]mail.TenantID, error)

	// Platform gives the state that belongs to no tenant: contracts, which
	// tenant owns which domain, keys of the installation. Only its objects are used.
	Platform() Tenant

	// Claim leases up to max queue items that are due, fairly across tenants: no tenant
	// gets a second item while another with due items has none. A claimed item is
	// not given to anybody else until the lease ends or Tx.PutItem is called with its Fence and without Until. A lease ends with
	// its time; where a store belongs to one process, also with that process.
	Claim(ctx context.Context, worker string, max int, lease time.Duration) ([]Claimed, error)

	// Lead waits until this process holds a duty that only one process may have
	// at a time ("sweep", "digest"). The context it returns ends when the duty is lost;
	// fence grows with every holder.
	Lead(ctx context.Context, duty string) (held context.Context, fence uint64, err error)

	// Tally adds n to a counter that forgets what is older than window, and returns its
	// sum. Approximate; a restart may lose the last seconds.
	Tally(ctx context.Context, key string, n int64, window time.Duration) (int64, error)

	// Check verifies every promise over all data: each reference resolves, each
	// count is right, each blob has its octets and hash. Each finding goes to
	// report; with repair, what can be repaired without loss is.
	Check(ctx context.Context, repair bool, report func(Finding)) error

	// Close waits for running updates and releases everything.
	Close() error
}

// Finding is something Check found wrong.
type Finding struct {
	Tenant   mail.TenantID
	What     string // a short English sentence for the operator, with the ids in it
	Repaired bool
	Garbage  bool // harmless: octets or rows nothing refers to, left by a crash
}

// Claimed is a queue item leased to a worker.
type Claimed struct {
	Tenant mail.TenantID
	Item   Item
}

// Tenant is one customer's state, or the platform's.
type Tenant interface {
	// Blobs gives the octets of the tenant's messages.
	Blobs() Blobs

	// Texts gives the full-text indexes of the tenant's accounts.
	Texts() Texts

	// Traces gives the tenant's index of the message trace.
	Traces() Traces

	// View calls fn with one consistent state. Keep it short: a long reader holds
	// old pages alive; read in portions and write to the network outside.
	View(ctx context.Context, fn func(Reader) error) error

	// Update calls fn and makes what it wrote durable before it returns nil; see
	// the package comment. by must be valid (Denied otherwise), why is the operation's name.
	// Writes to objects are recorded in the operation log under both (CP-7).
	Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(Tx) error) error

	// Watch sends the account's ModSeq after it grew, until ctx ends; then the channel is
	// closed. It is a hint: several changes may come as one, late, but never a number
	// that cannot be seen in a View yet, and never a last change left unsaid.
	Watch(ctx context.Context, account mail.AccountID) <-chan mail.ModSeq

	// Usage is what the account's box holds now, cheaply: at most a commit late (a second in
	// the cluster), and never before a number that Watch sent. For refusing early; the exact figure is Reader.Box.
	Usage(ctx context.Context, account mail.AccountID) (Box, error)

	// Epoch is a number that grows when an object of this tenant changed. Caches of
	// the directory compare it: in process it is exact, across processes a second late at most.
	Epoch() uint64
}

// Blobs are the octets of messages.
type Blobs interface {
	// Stage begins to take in the octets of one message. size is a hint, 0 = unknown. When
	// the bytes in flight of all stagings reach the backend's limit, Stage or a later Write waits, until ctx ends
	// but 30 s at most, and answers Busy with "storage.busy".
	Stage(ctx context.Context, size int64) (Staged, error)

	// Open gives the octets of a blob. NotFound if there is none.
	Open(ctx context.Context, ref mail.BlobRef) (Blob, error)

	// OpenAt is Open for a message that was read with its Place. Where Place has the octets themselves, the Blob is
	// valid no longer than they are.
	OpenAt(ctx context.Context, ref mail.BlobRef, at Place) (Blob, error)
}

// Staged are octets on their way. Use from one goroutine.
type Staged interface {
	// Write adds octets. It fails with Full "message.too_big" past the backend's hard limit of 64 MiB.
	io.Writer
	// Prepend puts octets before all others: header fields that are known at the end (Received,
	// Authentication-Results). Before Seal only.
	Prepend([]byte)
	// Size is the number of octets so far.
	Size() int64
	// Chunks gives the octets so far, without copying; valid until Release.
	Chunks() [][]byte
	// Seal ends writing and does what can be done before the transaction: hash, write, upload.
	// The blob exists when a Tx that kept it has committed.
	Seal(ctx context.Context) error
	// Release gives the buffers back. Call it always, once, after the Update or instead of it.
	Release()
}

// Blob are octets at rest.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
	// WriteRange copies octets [from, from+n) to w in as few steps as the backend can.
	WriteRange(w io.Writer, from, n int64) (int64, error)
}
