package mail

// ModSeq numbers the changes of one account, from 1 up; 0 is before the first.
// One counter drives IMAP (RFC 7162 §3.1), JMAP state (RFC 8620 §5.1), push and search.
type ModSeq uint64

// UID numbers the messages of one mailbox, ascending, never used twice
// while its UIDVALIDITY stays (RFC 9051 §2.3.1.1).
type UID uint32

// BlobRef names octets at rest within one tenant.
type BlobRef struct {
	ID   BlobID
	Size int64    // octets
	Hash [32]byte // HMAC-SHA-256 under the tenant's key: equal octets of two tenants differ
}

// Flags are the flags of a message in a mailbox, one bit each: the system flags
// of RFC 9051 §2.3.2 below FirstKeyword, and from there on the keywords of the
// account in the order the account first used them.
type Flags uint64

// System flags.
const (
	Seen Flags = 1 << iota
	Answered
	Flagged
	Deleted
	Draft
)

const (
	// FirstKeyword is the bit of an account's first keyword.
	FirstKeyword = 8
	// MaxKeywords is how many different keywords one account can use.
	MaxKeywords = 54
)

// Keyword is the flag of the account's n-th keyword, 0 to MaxKeywords-1.
func Keyword(n int) Flags { return 1 << (FirstKeyword + n) }

// System leaves the system flags of f.
func (f Flags) System() Flags { return f & (1<<FirstKeyword - 1) }

// Has tells whether all flags of g are in f.
func (f Flags) Has(g Flags) bool { return f&g == g }
