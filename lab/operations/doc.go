// Package operations runs random operations on stores and compares what they did.
//
// A program is a list of transactions made from a seed. It names things by the order in which they were made, not by their
// ids, so it can run on any store, and what it saw (its history: the result of each operation, and after each
// transaction everything there is to read) can be compared line by line:
//
//	operations.Check(t, seed, 100, map[string]store.Store{"embedded": a, "cluster": b})
//
// A third party is a model of the contract in plain Go maps, so that one store alone is checked too. When histories
// differ, the program is made as short as it can be while they still do, and printed with its seed.
package operations
