package mail

import "time"

// Limits of the shipped service profile. Units are octets and counts.
const (
	// MaxRecipients is the number of recipients of one message, To, Cc and Bcc together (ML-8).
	MaxRecipients = 1000
	// MaxMessageSize is the size of a message with headers and attachments, as sent (ML-9): 15 × 1024 × 1024.
	MaxMessageSize = 15 << 20
	// MaxReceived is how many Received fields a message may carry before it counts as looping (RFC 5321 §6.3).
	MaxReceived = 25
	// MaxLocalPart is the length of an address's local part (RFC 5321 §4.5.3.1.1).
	MaxLocalPart = 64
	// MaxLongLocalPart is the longest local part that is read: addresses of those who send mail on (SRS) hold another
	// address, and RFC 5321 §4.5.3.1 wants no limit where there need be none.
	MaxLongLocalPart = 255
	// MaxDomain is the length of a domain in A-label form (RFC 5321 §4.5.3.1.2).
	MaxDomain = 255
)

// MaxHold is how far ahead the release of a message may be set (RFC 4865).
const MaxHold = 30 * 24 * time.Hour

// Sizes of a box, fixed per domain by its plan (SV-4). Units are binary.
const (
	Plan100MB int64 = 100 << 20
	Plan3GB   int64 = 3 << 30
	Plan10GB  int64 = 10 << 30
)
