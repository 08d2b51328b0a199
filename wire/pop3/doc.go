// Package pop3 is the wire form of POP3 (RFC 1939) for servers: command lines,
// replies with their response codes (RFC 2449, RFC 3206), and bodies with their
// dots stuffed. It knows no mailboxes and takes no decision.
package pop3

// Limits in octets, line ends included.
const (
	// MaxCommand is the longest command line. RFC 2449 §4 asks for 255; a user name of 320 octets
	// or a long pass phrase needs more.
	MaxCommand = 2048
	// MaxAuthLine is the longest line within an AUTH exchange (RFC 5034 §4).
	MaxAuthLine = 12288 + 2
)
