// Package queue holds what the platform has accepted and not yet brought to rest,
// and afterwards the trace of it (CP-8).
//
// An Item is one message on one route. What could be delivered at once is an item too,
// settled in the commit that accepted the message; what goes to other hosts is one
// item for each domain, so that a slow one holds nobody else up. Items of one
// message share its octets and name the first of them in Of.
//
// Items are written inside the transaction that takes the responsibility (Put), and
// are reached through a tenant's Lane.
//
// # The Runner
//
// A Runner takes what is due out of the store and hands it to carriers. An item comes to it in one of two ways:
// it is leased from birth by who accepts it (Offer), or the Runner claims it. In memory it waits in the line of its tenant
// at its destination (board, destination); a Carry that runs for the destination takes it, and settles it in one transaction:
// tried again later, given up, or done, with a notice to the sender where one is due (Schedule).
//
// The memory is bounded, and so is each destination's part of it. What does not fit is put off: written back, many in one
// transaction, to a time when its destination will be ready for it (pace). A destination that cannot be served is left alone
// for a time that doubles, and what waits for it is put off with the reason.
//
// What is in memory is leased in the store and the leases are renewed. After a crash they end, and others carry the items.
package queue
