// Package cluster is the store of many processes on many machines: rows in
// PostgreSQL (15 or newer), octets in an object store beside it, and a bus for hints between the processes.
//
// # Rows
//
// All tenants share one schema with the tenant first in every key. The queries and the rules are those of
// package store/internal/sql; here is how they run: a pipeline of prepared statements over one connection, so that
// statements without a result cost no round trip. Row-level security is a second lock: each transaction names
// its tenant (the setting tegami.tenant), and PostgreSQL shows it rows of that tenant only. The role the
// store works as owns nothing and cannot lift that. Two functions look across tenants, and give nothing but ids of tenants.
//
// # Updates
//
// In each process the updates of one tenant go through one transaction at a time, which takes along all who wait:
// one commit for many. Between processes, what changes an account holds the row of its counters, what reads or writes
// objects holds the end of the tenant's operation log, and PostgreSQL orders the rest; a serialization failure, a deadlock or a key that was taken meanwhile makes the transaction run again.
//
// # Octets
//
// A message up to InlineLimit lies in its row. A larger one is written to the object store by Seal, before the
// transaction that keeps it: a crash leaves an object without a row, which Check finds and removes.
//
// # Clocks
//
// Leases of queue items compare the clocks of processes, which must run within a second of one another;
// a lease that ends too early costs a second try and not a second delivery, because its fence is old then. Duties use the
// database's clock.
package cluster
