// Package intake is where mail comes in, through whatever door. It takes the
// responsibility for a message, and says so only after that is on disk.
//
// A Transaction goes through Begin, Recipient, Data, Commit:
//
//	Begin      who sends: somebody from outside, a signed-in account, or a machine in a tenant's VPN
//	Recipient  whereto: what an address leads to, and whether there is room (refused early, cheaply)
//	Data       the octets, staged beside the store
//	Commit     facts (read the header) → judge (no I/O) → stamp → parse once → one store.Update a tenant:
//	           octets, structure, a message in each box, and the queue's items
//
// # No open relay
//
// What comes from outside can only address people here. A Transaction has no place for
// anybody else: recipients in other hosts' domains are kept by a submission, and only
// somebody who may send has one.
//
// # Several tenants
//
// Each tenant's share of a message is committed on its own. When a later one fails,
// the message is refused for now although earlier ones have it: the sender tries
// again, and their recipients get it twice. Nobody loses it.
package intake
