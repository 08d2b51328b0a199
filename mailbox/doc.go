// Package mailbox is mail at rest: the folders of a box, the messages in them, their flags, quotas,
// and what a session sees of all that. Doors speak to this package only and never see a
// transaction.
//
// # Who may do what
//
// An Account is made from a *directory.Identity and from nothing else. It holds the handle of one
// tenant and the id of one account, and everything it does names the identity's actor. No method
// takes an account or a tenant.
//
// # Views
//
// Selecting a mailbox gives a View: one session's sequence numbers. What is known of the messages
// (UID, flags, ModSeq) is an immutable list that all sessions of the same mailbox share; a View
// points at the list its client was last told about. Poll takes the newest list and says what
// happened in between. So a session that does nothing costs a pointer, and a change costs one read
// of what changed, however many sessions look at the mailbox.
//
// The list is made of pieces that never change after they were made. A new list shares all pieces
// it can with the one before: one new flag in a mailbox of 100,000 messages copies 12 KiB, and
// comparing two lists skips what they share.
//
// # Files
//
// marks.go and diff.go are pure: the list, and what to tell a client about two of them. snapshot.go
// reads lists from the store and shares them. view.go and the files named after a verb are the
// session.
package mailbox
