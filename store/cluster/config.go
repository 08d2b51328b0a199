package cluster

import (
	"log/slog"
	"time"

	"tegami/mail"
)

// Config says where the cluster's state is.
type Config struct {
	// DSN is the connection string (libpq's keywords or a URL) of the role the store works as. It must not own the tables.
	DSN string
	// OwnerDSN is that of the role that owns the schema, for migrations at start; "" where they are
	// made otherwise, and then a schema of another version is an error.
	OwnerDSN string
	// Objects keeps the octets of large messages.
	Objects Objects
	// Bus carries hints between processes; nil for none, and then changes of other processes are heard by polling only.
	Bus Bus
	// Node numbers this process among all that run, 0 to 1023: it is a part of each id it makes.
	Node uint16
	// Readers and Writers are how many connections this process opens at most, 0 for DefaultConnections each.
	Readers, Writers int
	// MemoryLimit is how many octets of messages are in flight at most, 0 for DefaultMemoryLimit.
	MemoryLimit int64
	// Log takes what the store does beside its callers, such as polling; nil for nowhere.
	Log *slog.Logger
}

const (
	// DefaultConnections is how many connections are opened for reading and for writing, each.
	DefaultConnections = 16
	// DefaultMemoryLimit is how many octets of messages are on their way through memory at once.
	DefaultMemoryLimit = 512 << 20
	// MessageLimit is how many octets a blob has at most.
	MessageLimit = 64 << 20
	// InlineLimit is up to how many octets a blob lies in its row; it saves small messages the way to the object store.
	InlineLimit = 8 << 10

	// maxCallers is how many updates go into one transaction at most.
	maxCallers = 64
	// maxTries is how often a transaction that others got in the way of runs.
	maxTries = 12
	// retryPause is the longest pause before the second try; it doubles with each, up to maxPause.
	retryPause = 2 * time.Millisecond
	maxPause   = 200 * time.Millisecond
	// updateTimeout is how long one transaction may take.
	updateTimeout = 30 * time.Second
	// pollEvery is how often a process looks for what the bus may not have told it.
	pollEvery = time.Second
	// usageAge is how old the answer of Usage may be.
	usageAge = time.Second
	// maxUsage is how many answers of Usage are kept.
	maxUsage = 100_000
)

func (c Config) withDefaults() Config {
	if c.Readers == 0 {
		c.Readers = DefaultConnections
	}
	if c.Writers == 0 {
		c.Writers = DefaultConnections
	}
	if c.MemoryLimit == 0 {
		c.MemoryLimit = DefaultMemoryLimit
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// platform is the tenant number of what belongs to no tenant.
const platform mail.TenantID = 0
