package embedded

import (
	"runtime"
	"time"
)

// Options are the settings of the store. The zero value of a field means its default.
type Options struct {
	// Node is this machine's part of every id, 0 to 1023.
	Node uint16
	// StageMemory is how many octets of messages on their way may be in memory. Default 256 MiB. A
	// staging that would pass it waits.
	StageMemory int64
	// OpenTenants is how many tenants' files are kept open at most while nobody uses them. Default 256.
	OpenTenants int
	// OpenTexts is how many accounts' full-text indexes are kept open at most while nobody uses them. Default 32.
	OpenTexts int
	// IdleAfter is after what time without use a tenant's files are closed. Default 5 minutes.
	IdleAfter time.Duration
	// Readers is how many Views of one tenant run at the same time; more wait. Default 4, or the number of CPUs if larger.
	Readers int
	// PackSize is the size in octets at which a new .pack is begun. Default 256 MiB.
	PackSize int64
	// BigSize is the size in octets at which a new .big is begun. Default 1 GiB.
	BigSize int64
	// BlobGrace is for how long Sweep leaves a blob alone that nothing refers to. Default 10 minutes.
	BlobGrace time.Duration

	files     fileSystem    // for tests: a disk that fails
	closeWait time.Duration // for tests: less than closeWait
}

// Limits that are no settings.
const (
	// InlineLimit is the size in octets up to which a message may be kept in its row.
	InlineLimit = 16 << 10
	// InlineCallers is how many callers may share a commit that keeps messages in rows; with more, packs are faster.
	InlineCallers = 10
	// DirectLimit is the size in octets from which on a message is written past the page cache.
	DirectLimit = 128 << 10
	// MessageLimit is the hard limit of a message's size in octets.
	MessageLimit = 64 << 20
	// BatchCallers is how many callers share a commit at most.
	BatchCallers = 256
	// BatchRows is after how many written rows no further caller is taken into a commit.
	BatchRows = 1000
	// cachedMailboxes is how many mailboxes' counters the writer of a tenant remembers.
	cachedMailboxes = 4096
	// usageEntries is how many accounts' usage a tenant remembers for Usage.
	usageEntries = 8192
	// checkpointPages is the size of the WAL at which the writer copies it into the database.
	checkpointPages = 1000
	// walLimit is the size of the WAL in octets at which the writer waits for those who read, to begin it anew: where
	// there is always a reader, it would grow without end.
	walLimit = 4 * checkpointPages * 4096
	// walWait is for how long it does so. If that is not enough, it tries again when the WAL has doubled.
	walWait = 100 * time.Millisecond
	// writerCache and readerCache are the page caches in KiB of a connection.
	writerCache = 2048
	readerCache = 1024
	// closeWait is for how long Close waits for those who still use a tenant's files.
	closeWait = 30 * time.Second
	// busyTimeout is for how long a statement waits for another process that looks into the file (a backup).
	busyTimeout = 5 * time.Second
	// janitorPeriod is how often idle files are looked for and tallies saved.
	janitorPeriod = 10 * time.Second
	// probesPerClaim is how many tenants of which it is not known yet whether they have due items a Claim opens at once; it opens more as long as it finds nothing.
	probesPerClaim = 100
	// openPacks is how many packs of a tenant are kept open for reading.
	openPacks = 16
)

func (o Options) withDefaults() Options {
	def := func(n *int64, v int64) {
		if *n <= 0 {
			*n = v
		}
	}
	def(&o.StageMemory, 256<<20)
	def(&o.PackSize, 256<<20)
	def(&o.BigSize, 1<<30)
	def((*int64)(&o.IdleAfter), int64(5*time.Minute))
	def((*int64)(&o.BlobGrace), int64(10*time.Minute))
	def((*int64)(&o.closeWait), int64(closeWait))
	if o.OpenTenants <= 0 {
		o.OpenTenants = 256
	}
	if o.OpenTexts <= 0 {
		o.OpenTexts = 32
	}
	if o.Readers <= 0 {
		o.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	if o.files == nil {
		o.files = osFiles{}
	}
	return o
}
