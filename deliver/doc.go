// Package deliver holds the carriers that stay in the house. Local puts messages
// into boxes inside the transaction that accepts them, or later inside the one that settles
// a waiting item; lists, forwarding and filters will stand in front of it.
package deliver
