// Package managesieve is the grammar of ManageSieve (RFC 5804 §4): how a mail client looks after the scripts of a
// filter. It has what a server needs: a Reader of commands and a Writer of responses. It knows no scripts and no accounts.
package managesieve

// Limits in octets.
const (
	// MaxLine is the longest line of a command, without its literals: two quoted strings and some words.
	MaxLine = 4096
	// MaxQuoted is the longest quoted string (RFC 5804 §4).
	MaxQuoted = 1024
	// MaxArgs is how many arguments a command has at most.
	MaxArgs = 8
	// MaxSkipped is how long a literal may be that is too long and thrown away. With a longer one the connection ends.
	MaxSkipped = 16 << 20
)
