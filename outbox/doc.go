// Package outbox is what an account sends with: its identities, what it has submitted, what sleeps in its mailbox, and receipts for
// what it has read. JMAP's submissions are made of it (RFC 8621 §6, §7).
//
// # Submissions
//
// A submission is an entry of the account and an item of the queue, written in one commit (intake.Transaction.Whole). Until the item's time it waits
// as a whole, colleagues' copies with it. Taking it back (queue.Recall) and carrying it are two writes of the same item, so it is one or the other:
//
//	pending ──► canceled   Box.Cancel: item and entry in one transaction
//	        └─► final      Released: the carrier's transaction, which gives the message to boxes and to the queue of other hosts
//
// What became of each recipient is read from the queue's items.
//
// # Snooze
//
// A message that sleeps lies in the mailbox with the role "snoozed", and an entry says until when and from where it came. One object of the tenant has the
// times of all that sleep in it (alarms), so that nobody has to look through accounts.
package outbox
