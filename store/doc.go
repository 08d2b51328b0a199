// Package store is the contract of state: what every backend keeps, and what it
// promises. storetest is the contract as tests; embedded (SQLite, one file a
// tenant) and cluster (PostgreSQL-wire SQL) are the two that fulfil it, and
// faulty is any of them, failing.
//
// A tenant is a handle. Who holds it can reach that tenant and nothing else; no
// method takes a tenant id beside Store.Tenant.
//
// # Reading and writing
//
// View shows one consistent state. Update changes it: fn runs, everything it wrote
// is on disk, and only then Update returns nil. Backends run the functions of many
// callers in one transaction with one flush, so fn must not do I/O, must
// not wait, and may run more than once; it sees all that ran before it. If fn returns
// an error, nothing of this fn is kept, and the others are not harmed.
//
// # Octets
//
// The octets of a message are staged first (Blobs.Stage), then kept by the
// transaction that needs them (Tx.Keep). A crash between leaves garbage that a
// sweep removes, never a row without its octets.
//
// # Full text
//
// The indexes of Texts and Traces are apart from all this: no transaction, no flush, made again where they are lost.
//
// # Change
//
// Each account has one growing ModSeq. Every change to its mailboxes or messages takes the next
// number of the account, and Watch tells that it grew. What
// changed is found by asking for changes since a number.
package store
