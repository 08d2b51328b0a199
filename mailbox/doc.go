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
// # Mailboxes of others
//
// A mailbox can be shared inside its tenant (RFC 4314): with an account, named by its address, or with anyone, which is
// everybody of the tenant. Others see it as "Other Users/<owner's address>/<path>". Whatever is done with a path goes
// through locate (whose mailbox is meant) and resolve (is it there, and may this account do that), in the transaction
// that does it; a View asks again for each command, from memory. Who may not look a mailbox up gets the same answer as
// for one that is not there.
//
// The owner has all rights, always. A grant is an object of its own (grant.go) that goes with its mailbox, with the
// owner's account, and with the account it is for. Octets count on the owner's quota, keywords are the owner's, and the
// flags, \Seen too, are common to all who look at the mailbox. Subscriptions and private annotations are each account's own.
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
// # Registers
//
// A Post is the mail of one account as a whole, by ids, as JMAP needs it: its own, or that of somebody who shares mailboxes. Its Register is a
// picture of all messages at one ModSeq, 72 octets each, which all sessions of the account share and which is kept up by what changed: pieces
// that did not change are shared between pictures, as those of lists are. Lists, counts, threads and most queries are answered from it
// without reading. What changed since a state is told from the ModSeqs of what is there and from the traces of what is gone.
//
// Which thread a message belongs to (thread.go) is found behind its delivery, with the full-text index, or before anybody is told of it.
//
// # Files
//
// register.go is what JMAP builds on; picture*.go are the pictures, changes.go what changed between two states, query*.go searches of a whole
// account, post_*.go what is written by ids.
//
// marks.go and diff.go are pure: the list, and what to tell a client about two of them. snapshot.go
// reads lists from the store and shares them. view.go and the files named after a verb are the
// session. acl.go, grant.go, shared.go and sharing.go are the rights, list.go and subscribe.go what an account sees of
// others, metadata.go the annotations (RFC 5464).
package mailbox
