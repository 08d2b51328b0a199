package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"tegami/mail"
)

// Act is a line of the operation log (CP-7): what was written, by whom. Before and After are both nil where nothing was
// written, but somebody looked at something.
type Act struct {
	Seq     uint64 // grows by one
	At      time.Time
	Actor   string
	Role    mail.ActorRole
	Remote  string // address of the actor's session, "" for the platform
	Session string // its id, as in the log lines of the door
	Agent   string // what the actor's program called itself
	Why     mail.Op
	Reason  string // what the actor gave as his reason
	Kind    string
	ID      mail.ObjectID
	Before  []byte // Doc before, nil when it was made
	After   []byte // Doc after, nil when it was removed
	Hash    []byte // Link; nil for a line from before there was a chain
}

// KeepActs is how long lines of the operation log are kept at least: no function removes a younger one.
const KeepActs = 366 * 24 * time.Hour

// Link is where a chain of acts stands: the number of an act and its hash. The zero Link is before the first.
type Link struct {
	Seq  uint64
	Hash []byte
}

// Chain is the part of the operation log that is there: the lines behind Anchor up to Head. Anchor's own line was removed; where
// Anchor has no hash, it is the last line that was written before there was a chain, and may still be there.
type Chain struct {
	Anchor, Head Link
}

// ActQuery asks for lines of the operation log, the newest first. Zero fields ask for nothing.
type ActQuery struct {
	Before uint64    // lines before this one
	Since  time.Time // at this time or later
	Until  time.Time // before this time
	Actor  string
	Why    mail.Op
	Kind   string
	ID     mail.ObjectID
	Limit  int // 1 to MaxPage; 0 = MaxPage
}

// Genesis is what the first line of a tenant's chain is linked to: SHA-256 of "tegami operation log 1", a zero octet and the tenant's id
// as 8 octets, the highest first.
func Genesis(tenant mail.TenantID) []byte {
	h := sha256.New()
	h.Write([]byte("tegami operation log 1\x00"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(tenant)))
	return h.Sum(nil)
}

// Link gives the act's hash: SHA-256 of the hash before and the act's fields in their order, without Hash itself. A number is
// 8 octets, the highest first (At is in milliseconds since 1970); a text is its length as such a number and its
// octets; a document has one octet before that, 0 where it is nil, and then nothing more, else 1.
func (a *Act) Link(before []byte) []byte {
	b := make([]byte, 0, 256+len(a.Before)+len(a.After))
	b = append(b, before...)
	number := func(n uint64) { b = binary.BigEndian.AppendUint64(b, n) }
	text := func(s string) { number(uint64(len(s))); b = append(b, s...) }
	document := func(d []byte) {
		if d == nil {
			b = append(b, 0)
			return
		}
		b = append(b, 1)
		number(uint64(len(d)))
		b = append(b, d...)
	}
	number(a.Seq)
	number(uint64(a.At.UnixMilli()))
	text(a.Actor)
	number(uint64(a.Role))
	text(a.Remote)
	text(a.Session)
	text(a.Agent)
	text(string(a.Why))
	text(a.Reason)
	text(a.Kind)
	number(uint64(a.ID))
	document(a.Before)
	document(a.After)
	sum := sha256.Sum256(b)
	return sum[:]
}

// A Ledger reads a tenant's operation log from its anchor on and finds the first line that is not as it was written.
type Ledger struct {
	last      Link
	unchained uint64 // lines up to this one have no hash
	Lines     int    // read so far
	Unchained int    // of those, how many are from before there was a chain
}

// NewLedger begins at the anchor of a tenant's chain.
func NewLedger(tenant mail.TenantID, anchor Link) *Ledger {
	if anchor.Hash == nil {
		return &Ledger{last: Link{Hash: Genesis(tenant)}, unchained: anchor.Seq}
	}
	return &Ledger{last: anchor}
}

// Last is where the ledger stands.
func (l *Ledger) Last() Link { return l.last }

// Add reads the next line. Other "acts.broken" with its number where it is another than was written, or one before it is missing.
func (l *Ledger) Add(a *Act) error {
	broken := mail.E("store.Ledger", mail.Other, "acts.broken", a.Seq)
	l.Lines++
	first := l.Lines == 1 && a.Seq <= l.unchained // pruned before there was a chain
	if a.Seq != l.last.Seq+1 && !first {
		return broken
	}
	l.last.Seq = a.Seq
	if a.Seq <= l.unchained {
		l.Unchained++
		if a.Hash != nil {
			return broken
		}
		return nil
	}
	if l.last.Hash = a.Link(l.last.Hash); !bytes.Equal(l.last.Hash, a.Hash) {
		return broken
	}
	return nil
}
