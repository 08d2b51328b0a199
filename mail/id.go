package mail

import (
	"encoding/base32"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// ID names one thing of the given kind. It is a positive 63-bit number, unique
// within a tenant and in practice everywhere: 41 bits of milliseconds since
// 2026-01-01 UTC, 10 bits of node, 12 bits of sequence. Later ids are larger, so
// rows keyed by them are appended. The zero ID names nothing.
//
// A MailboxID is no AccountID: the kind is part of the type, and costs nothing.
type ID[Kind any] int64

// Kinds of things that have an ID. They have no values.
type (
	kindTenant  struct{}
	kindDomain  struct{}
	kindAccount struct{}
	kindMailbox struct{}
	kindEmail   struct{}
	kindThread  struct{}
	kindItem    struct{}
	kindBlob    struct{}
	kindObject  struct{}
)

// The ids of the platform.
type (
	TenantID  = ID[kindTenant]  // a contract: a customer company
	DomainID  = ID[kindDomain]  // a mail domain of a tenant
	AccountID = ID[kindAccount] // one ID = one mail address = one box
	MailboxID = ID[kindMailbox] // a folder of a box; RFC 8474 §4 MAILBOXID
	EmailID   = ID[kindEmail]   // a message in a mailbox; RFC 8474 §5.1 EMAILID
	ThreadID  = ID[kindThread]  // a conversation; RFC 8474 §5.2 THREADID
	ItemID    = ID[kindItem]    // a queue item: one message we answer for
	BlobID    = ID[kindBlob]    // the octets of a message at rest
	ObjectID  = ID[kindObject]  // any object of the directory, when its kind is data
)

// base32 in lower case without the letters that look like others (Crockford's set); sorts as the numbers do.
var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// String gives 13 lower-case characters, or "" for the zero ID.
func (id ID[K]) String() string {
	if id == 0 {
		return ""
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id))
	return idText.EncodeToString(b[:])
}

// IsZero tells whether id names nothing.
func (id ID[K]) IsZero() bool { return id == 0 }

// Time is when the id was made, to the millisecond, by the clock of who made it. Under a burst it may be
// slightly late.
func (id ID[K]) Time() time.Time { return time.UnixMilli(int64(id)>>22 + idEpoch) }

// FirstID is the least number that an ID made at a time, or later, can have; at least 1.
func FirstID(t time.Time) int64 { return max((t.UnixMilli()-idEpoch)<<22, 1) }

// MarshalText writes the form of String; JSON numbers would lose bits in browsers.
func (id ID[K]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the form of String. The error's kind is Invalid.
func (id *ID[K]) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = 0
		return nil
	}
	var b [8]byte
	n, err := idText.Decode(b[:], text)
	v := int64(binary.BigEndian.Uint64(b[:]))
	if err != nil || n != 8 || v <= 0 || ID[K](v).String() != string(text) {
		return E("mail.ParseID", Invalid, "id.malformed", string(text))
	}
	*id = ID[K](v)
	return nil
}

// ParseID reads the form of ID.String. The error's kind is Invalid.
func ParseID[K any](s string) (ID[K], error) {
	var id ID[K]
	err := id.UnmarshalText([]byte(s))
	return id, err
}

// idEpoch is where the clock part of an ID begins: 2026-01-01T00:00:00Z in Unix milliseconds.
const idEpoch = 1767225600000

// An IDSource makes ids for one node. The zero value is node 0's; it must not be copied.
type IDSource struct {
	Node uint16 // 0 to 1023
	last atomic.Int64
}

// Next gives a number larger than all it gave before. A burst past 4,096 in a
// millisecond borrows from the next, as does a clock that was set back.
func (s *IDSource) Next() int64 {
	for {
		now := (time.Now().UnixMilli() - idEpoch) << 12
		last := s.last.Load()
		next := max(now, last+1)
		if s.last.CompareAndSwap(last, next) {
			return next>>12<<22 | int64(s.Node&1023)<<12 | next&4095
		}
	}
}
