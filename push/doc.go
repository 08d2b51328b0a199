// Package push tells the programs and browsers of people who are not here that something of theirs changed: web push (RFC 8030), to which JMAP
// clients subscribe (RFC 8620 §7.2). What is pushed says which types have another state, and never what is in them; it is encrypted for the
// subscriber all the same (RFC 8291), and signed by the platform (RFC 8292).
//
// A subscription is a quiet object of the tenant, as a session is: nobody's right changes by it. It is tied to what its owner signed in
// with, ends by itself, and is told of nothing before its receiver has shown that it wants it.
//
// One process of the platform pushes for all. It follows the accounts that have subscriptions, and sends to public addresses only.
package push
