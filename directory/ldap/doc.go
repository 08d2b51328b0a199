// Package ldap brings people of a company's own directory (Active Directory, or any LDAP server with inetOrgPerson) into ours,
// and keeps them the same.
//
// # What is stored where
//
//	tenant    "ldap-source"    where the directory is and what is taken from it; unique {"ldap-source", name}
//	tenant    "ldap-password"  with what we sign in there, secret; unique {"ldap-password", source}
//	tenant    "ldap-links"     which of its entries became which account; unique {"ldap-links", source}
//	platform  "ldap-due"       that a source is read by the clock
//
// # A sync
//
// Entries are read page by page and compared with the accounts. An entry is known again by what never changes about it (entryUUID,
// objectGUID), so a new name or address is a change and not another person. Entries that are new become accounts, or are linked with the account that has
// their address; those that are disabled or vanished have their account suspended, never deleted; one that comes back takes it up again.
// When more vanish than a share the company chose, nothing is done: then it is the filter that is wrong. Passwords are
// not taken over.
//
// # Where we connect to
//
// A tenant names the host, so the platform's operator says which networks may be reached. Loopback, link-local addresses and
// the platform's own are not, unless he allows them; the check is made on the address that is dialled, after the name was resolved. The
// connection is always encrypted, and certificates are checked.
package ldap
