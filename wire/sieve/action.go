package sieve

import (
	"time"

	"tegami/mail"
)

// An Action is one thing to do. They are done in the order of Result.Actions.
type Action interface{ action() }

// Keep stores the message in the inbox (RFC 5228 §4.3).
type Keep struct {
	Flags    []string // IMAP flags and keywords to set (RFC 5232)
	Implicit bool     // nothing the script did cancelled the implicit keep (RFC 5228 §2.10.2)
	Content  *Content // as edited; nil: the message as it came
}

// FileInto stores the message in a mailbox (RFC 5228 §4.1).
type FileInto struct {
	Mailbox string   // UTF-8, levels separated as the Host separates them
	Flags   []string // IMAP flags and keywords to set (RFC 5232)
	// SpecialUse is the attribute of the mailbox that is preferred to Mailbox where there is one, as
	// `\Junk` (RFC 8579); "" when none was said.
	SpecialUse string
	// MailboxID is the id of the mailbox that is preferred to Mailbox where there is one (RFC 9042); "" when none was said.
	MailboxID string
	Create    bool     // the mailbox is made where it is missing (RFC 5490 §3.2)
	Copy      bool     // the implicit keep was not cancelled by it (RFC 3894)
	Content   *Content // as edited; nil: the message as it came
}

// Redirect sends the message on (RFC 5228 §4.2).
type Redirect struct {
	To      mail.Address // zero when List is set
	List    string       // to everybody on a list (RFC 6134 §2.5); "" otherwise
	Copy    bool         // the implicit keep was not cancelled by it (RFC 3894)
	Content *Content     // as edited; nil: the message as it came
}

// Reject refuses the message (RFC 5429). It stands alone: nothing stores or sends the message beside it.
type Reject struct {
	Text string // what the sender is told, UTF-8
	// Extended: ereject, which never answers with a message where the protocol can refuse (RFC 5429 §2.1).
	Extended bool
}

// Discard throws the message away (RFC 5228 §4.4). It is there when nothing else keeps the message, so
// that a trace can tell it.
type Discard struct{}

// Vacation answers the sender (RFC 5230). Everything that forbids an answer and can be seen in the message was
// judged; what is left to the caller is to answer nobody twice within Period.
type Vacation struct {
	Handle string        // names the answer: who got another one may get this (RFC 5230 §4.2)
	Period time.Duration // how long a sender is not answered again; 0 = always (RFC 6131)
	To     mail.Address  // the envelope's sender
	From   string        // field value the script asked for, valid, UTF-8; "" = the account's own
	// Subject is decoded: what the script said, else "Auto: " and the message's (RFC 5230 §5.1).
	Subject string
	Text    string // the answer, UTF-8 with LF; with MIME a whole entity: header, blank line, body
	MIME    bool   // Text is an entity (RFC 5230 §4.4)
	// InReplyTo and References are field values made of the message's own (RFC 5230 §5.6); "" when it has no Message-ID.
	InReplyTo, References string
	// Copy is where a copy of the answer is stored (RFC 8580); nil = nowhere.
	Copy *FileInto
}

// Notify tells somebody of the message (RFC 5435). The only method is mailto (RFC 5436).
type Notify struct {
	Method     string   // the URI
	From       string   // field value the script asked for, valid; "" = the account's own
	Importance int      // 1 high, 2 normal, 3 low
	Options    []string // as given: "name=value"
	Text       string   // the message as given; it stands in Subject or Body already

	// What the mailto URI says (RFC 6068), with Text put in its place.
	To, Cc, Bcc []Mailbox // together at least one, none of them notified by this run already
	Subject     string    // decoded; never empty
	Header      []Field   // further fields the URI may set
	Body        string    // UTF-8 with LF; "" = one by default

	// Copy is where a copy of the notification is stored (RFC 8580); nil = nowhere.
	Copy *FileInto
}

// Track remembers an id for the test duplicate (RFC 7352). It is done only when all else was.
type Track struct {
	ID  string        // what Host.Seen is asked for; opaque, at most MaxTrackID octets
	For time.Duration // how long it is remembered
}

// A Mailbox is an address with its display name.
type Mailbox struct {
	Name string // decoded; "" = none
	mail.Address
}

// A Field is one header field to be written.
type Field struct {
	Name  string
	Value string // decoded UTF-8
}

func (Keep) action()     {}
func (FileInto) action() {}
func (Redirect) action() {}
func (Reject) action()   {}
func (Discard) action()  {}
func (Vacation) action() {}
func (Notify) action()   {}
func (Track) action()    {}
