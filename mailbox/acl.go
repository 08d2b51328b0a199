package mailbox

import (
	"strings"

	"tegami/mail"
)

// Rights are what an account may do with a mailbox (RFC 4314 §2.1), one bit each. The owner has all of them always.
type Rights uint16

// The rights, with their letters.
const (
	RightLookup  Rights = 1 << iota // l: the mailbox is listed, and may be subscribed
	RightRead                       // r: SELECT, STATUS, FETCH, SEARCH, COPY from it
	RightSeen                       // s: the flag \Seen, which all who share the mailbox have in common
	RightWrite                      // w: flags other than \Seen and \Deleted; shared annotations
	RightInsert                     // i: APPEND, COPY into it
	RightPost                       // p: kept and shown, no more: mail to a mailbox has no address here
	RightCreate                     // k: CREATE below it, RENAME to below it
	RightRemove                     // x: DELETE and RENAME of the mailbox itself
	RightDeleted                    // t: the flag \Deleted
	RightExpunge                    // e: EXPUNGE, and that of CLOSE and MOVE
	RightAdmin                      // a: to see and change who may do what
)

const (
	// NoRights is what everybody has who was given nothing.
	NoRights Rights = 0
	// AllRights are those of the owner.
	AllRights = RightAdmin<<1 - 1
	// rightLetters are the letters of the rights, by bit.
	rightLetters = "lrswipkxtea"
)

// The obsolete rights of RFC 2086, each a name for several of today's (RFC 4314 §2.1.1).
const (
	rightsC = RightCreate | RightRemove
	rightsD = RightDeleted | RightExpunge
)

// Has tells whether all of need are in r.
func (r Rights) Has(need Rights) bool { return r&need == need }

// String writes the letters of RFC 4314 §2.1 without obsolete ones: "lrswi".
func (r Rights) String() string {
	var b strings.Builder
	for i := range len(rightLetters) {
		if r&(1<<i) != 0 {
			b.WriteByte(rightLetters[i])
		}
	}
	return b.String()
}

// Compatible writes the letters with the obsolete "c" and "d" behind them wherever one of the rights they
// stand for is there, as clients of RFC 2086 need it (RFC 4314 §2.1.1).
func (r Rights) Compatible() string {
	text := r.String()
	if r&rightsC != 0 {
		text += "c"
	}
	if r&rightsD != 0 {
		text += "d"
	}
	return text
}

// ParseRights reads letters, obsolete ones too. Invalid "acl.right" for any other (RFC 4314 §3.1: an
// unknown right is an error, never ignored).
func ParseRights(letters string) (rights Rights, err error) {
	for i := range len(letters) {
		n := strings.IndexByte(rightLetters, letters[i])
		switch {
		case n >= 0:
			rights |= 1 << n
		case letters[i] == 'c':
			rights |= rightsC
		case letters[i] == 'd':
			rights |= rightsD
		default:
			return 0, mail.E("mailbox.ParseRights", mail.Invalid, "acl.right", letters[i:i+1])
		}
	}
	return rights, nil
}

// Flags are the flags that the rights let somebody change.
func (r Rights) Flags() (may mail.Flags) {
	if r.Has(RightSeen) {
		may |= mail.Seen
	}
	if r.Has(RightDeleted) {
		may |= mail.Deleted
	}
	if r.Has(RightWrite) {
		may |= ^(mail.Seen | mail.Deleted)
	}
	return may
}

// flagRights are the rights that changing flags takes; all three for no flags, which Set takes away.
func flagRights(flags mail.Flags) (need Rights) {
	if flags == 0 {
		return RightSeen | RightDeleted | RightWrite
	}
	if flags.Has(mail.Seen) {
		need |= RightSeen
	}
	if flags.Has(mail.Deleted) {
		need |= RightDeleted
	}
	if flags&^(mail.Seen|mail.Deleted) != 0 {
		need |= RightWrite
	}
	return need
}

// deny is the error for who lacks a right. Without lookup nobody learns that the mailbox exists (RFC 4314 §6).
func (r Rights) deny(op mail.Op, need Rights, path string) error {
	if r.Has(RightLookup) {
		return mail.E(op, mail.Denied, "mailbox.no_right", (need &^ r).String())
	}
	return mail.E(op, mail.NotFound, "mailbox.unknown", path)
}
