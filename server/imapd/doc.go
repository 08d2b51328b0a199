// Package imapd is the IMAP door: IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with the
// extensions that capability.go lists. It translates between wire/imap and
// mailbox, and takes no decision of its own.
//
// # How to read it
//
// command.go is the table of verbs with the states in which each is allowed. Every command has a
// file of its own, cmd_….go, with a handler
//
//	func(ctx, *session, *imap.Decoder) (reply, error)
//
// that takes the rest of its line from the decoder, calls mailbox, writes untagged
// responses, and returns what its tagged OK says. refusal.go is the one place where
// errors become NO and BAD. session.go reads commands and answers in order;
// server.go accepts, counts and stops. update.go tells of changes other sessions made.
//
// # Waiting
//
// A session is one goroutine. Responses gather in a lent buffer that is written when
// the session is about to wait for input, so that pipelined commands share a write.
// While it waits, it holds neither input nor output buffer.
package imapd
