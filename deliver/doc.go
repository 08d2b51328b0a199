// Package deliver holds the carriers that stay in the house. They carry three kinds of routes:
//
//	local     what waits for a box, a list, a return path or a report; each recipient is resolved again
//	forward   what an account sends on (ML-5): under a sender of ours (SRS), sealed (ARC), not in circles
//	list …    what goes to the members of a list (LI-1): batch by batch, resumed after a crash without doubles
//
// House.Local puts messages into boxes inside the transaction that accepts them; House.Post accepts what the
// platform writes itself.
//
// # Who hears of what
//
// A recipient that another item takes over is Expanded, with NotifyNever: the other item tells the sender. What goes wrong
// with a post as a whole is told to the poster. What goes wrong with one member's copy is counted for the list,
// whose return path it comes back to, and no poster hears of it.
package deliver
