// Package notice writes to people for the platform: delivery status notifications to senders (RFC
// 3461, 3464, 6522, 6533), and what owners of boxes, of lists and administrators have to know.
//
// A notification is made out of an item on queue.RouteNotice, which the Runner or the
// accepting commit wrote, and is posted in the transaction that settles this item: it is sent
// once. It never goes to the null sender, about mail of the platform's own, spam, or mail whose
// sender is known to be forged (RFC 3464 §2, RFC 5321 §4.5.5).
//
// All texts are of the catalogue of words, Japanese first.
package notice
