// Package quarantine keeps mail that was not let into a box because it is likely unwanted (SF-1, SF-4): each account has a quarantine box
// beside its mailboxes.
//
// # What is kept
//
// A message in quarantine is an entry of the account (store.Entry): its octets, why it is there, and the day it ends. Keep writes
// it in the commit that accepts the message, so it is in quarantine or the sender still owns it. It takes the account's next ModSeq, so
// that the webmail hears of it, and is not counted to the box: what somebody else sends must not fill it. An account has MaxEntries; with
// more, the oldest go.
//
// # Who sees it
//
// Service.Open gives an account's owner his own box. Service.Desk gives an administrator the boxes of the domains his role reaches, and
// whatever he does in one of them is a line of the operation log. Both read a message as text and cleaned HTML, nothing of which loads
// anything.
//
// # What becomes of it
//
// It is taken out (Box.Take), which puts it into the inbox in the same transaction, or deleted, or it ends by the day (Service.Expire). What
// people say of it is told to Config.Did, from which the spam filter learns. With the account everything goes (store.Tx.DropBelongings).
package quarantine
