// Package jmapd is the JMAP door (RFC 8620, RFC 8621): one request carries many calls of methods, and the answers come in one response.
// The pages of the webmail speak with it, and any client.
//
// A method is a line of a table (table.go): its name, the capability the client must use, whether it writes, and a function from arguments to
// an answer. The frame does what is the same for all: who calls, the limits, references to earlier results, which account is meant and
// whether the caller reaches it (target.go), and the one place where errors of the house become JMAP's (errors.go).
//
// The door decides nothing and knows no storage: mailbox, contacts, outbox and push do the work.
package jmapd
