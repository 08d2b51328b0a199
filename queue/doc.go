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
package queue
