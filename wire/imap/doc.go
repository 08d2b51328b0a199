// Package imap is the codec of IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051)
// without policy: a Decoder that reads commands from a connection, append-style
// encoders and a Writer that batches responses, and syntax trees for SEARCH and
// FETCH.
//
// The Decoder is fluent: each method takes one element of the grammar, returns
// whether it was there, and remembers the first error, so that a handler reads as
// the command's line in the RFC:
//
//	if !d.SP() || !d.Mailbox(&from) || !d.SP() || !d.Mailbox(&to) || !d.End() {
//		return d.Err()
//	}
//
// Encoders are functions Append…(dst, …) that allocate nothing beside the growth
// of dst. What reads octets is bounded by the limits below and fuzzed.
package imap
