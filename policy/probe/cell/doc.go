// Package cell takes files apart in processes of their own, for what reads hostile octets will have bugs.
//
//	Pool ──► a child ("tegami cell"): few rights, little memory, no network, no files
//	  │        frames on stdin and stdout: a Request and the octets of its parts ──► a Report
//	  └────► kills a child that takes too long, starts another
//
// A child reads what it needs from disk first, then gives up what it will not need (Confine) and says what could be given up. It is used again
// and again, and replaced after a while. What a file did to a child is no error: the Report says that it could not be looked into.
package cell
