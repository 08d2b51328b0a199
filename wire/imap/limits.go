package imap

// Limits of what is read, in octets where nothing else is said.
const (
	// MaxLine is the length of one line of a command: what stands between two
	// literals. RFC 9051 §4 asks for 8,192 at least; clients send long sets of UIDs.
	MaxLine = 64 << 10
	// MaxLiteral is the size of a literal that is kept in memory: names, search
	// strings. The literal of APPEND is streamed, and bounded by its caller.
	MaxLiteral = 64 << 10
	// MaxCommand is the size of one command with its literals, without streamed ones.
	MaxCommand = 256 << 10
	// MaxStranger is the size of one command with its literals before sign-in: a line of AUTHENTICATE has room. What anybody may
	// send from anywhere is kept in memory at little cost only.
	MaxStranger = 16 << 10
	// MaxDepth is how deep lists and search keys nest.
	MaxDepth = 32
	// MaxSearchKeys is how many keys one SEARCH has.
	MaxSearchKeys = 256
	// MaxSources is how many scopes, and how many mailboxes each, one ESEARCH names.
	MaxSources = 256
	// MaxPattern is the length of a pattern of LIST.
	MaxPattern = 2048
	// MaxSections is how many BODY[…] and BINARY[…] items one FETCH has.
	MaxSections = 128
	// MaxPartDepth is how many numbers a section's part has (BODY[1.2.3]).
	MaxPartDepth = 64
	// MaxKeywords is how many keywords one flag list names.
	MaxKeywords = 128
	// MaxTag is the length of a tag.
	MaxTag = 128
	// MaxAuthLine is the length of a base64 line in an AUTHENTICATE exchange (RFC 4422 leaves
	// it to the mechanisms; ours are far below).
	MaxAuthLine = 12 << 10
	// MaxDiscard is how much of a refused command is read and thrown away before the
	// connection is given up (RFC 7888 §4).
	MaxDiscard = 64 << 20
)
