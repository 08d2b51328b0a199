// Package scimd is the door for identity management systems: SCIM 2.0 (RFC 7643, RFC 7644) at /scim/v2/. They make, change and
// remove accounts and groups of one company, with an API key of it as Bearer token.
//
// A User is an account: userName is its address, active whether it may sign in. A Group is a group. DELETE gives the
// grace period of every deletion. emails and groups of a user are shown and not taken; what we have no place for is ignored, as RFC 7643 §2.1 wants of
// clients that send it anyway.
//
// A resource is a JSON object throughout: a filter looks at it (filter.go), a PATCH changes it (patch.go), and only at the
// end it is compared with the account (user.go). So both work for every attribute there is.
package scimd
