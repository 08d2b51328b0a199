package imap

// StatusItems are what a STATUS command asks for (RFC 9051 §6.3.11), one bit each.
type StatusItems uint16

// Items of STATUS.
const (
	StatusMessages StatusItems = 1 << iota
	StatusRecent
	StatusUIDNext
	StatusUIDValidity
	StatusUnseen
	StatusDeleted
	StatusSize // RFC 8438
	StatusHighestModSeq
	StatusMailboxID
	StatusDeletedStorage // RFC 9208 §4.1.4
	StatusAppendLimit    // RFC 7889 §4
)

// StatusNames are the items by name, in the order in which they are answered.
var StatusNames = [...]struct {
	Name string
	Item StatusItems
}{
	{"MESSAGES", StatusMessages},
	{"RECENT", StatusRecent},
	{"UIDNEXT", StatusUIDNext},
	{"UIDVALIDITY", StatusUIDValidity},
	{"UNSEEN", StatusUnseen},
	{"DELETED", StatusDeleted},
	{"SIZE", StatusSize},
	{"HIGHESTMODSEQ", StatusHighestModSeq},
	{"MAILBOXID", StatusMailboxID},
	{"DELETED-STORAGE", StatusDeletedStorage},
	{"APPENDLIMIT", StatusAppendLimit},
}

// StatusList takes a parenthesized list of status items, one at least.
func (d *Decoder) StatusList(dst *StatusItems) bool {
	ok := d.List(func() bool {
		var word string
		if !d.Keyword(&word) {
			return false
		}
		for _, s := range StatusNames {
			if s.Name == word {
				*dst |= s.Item
				return true
			}
		}
		return d.Expected("status-att")
	})
	return ok && (*dst != 0 || d.Expected("status-att"))
}
