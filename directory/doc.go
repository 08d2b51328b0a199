// Package directory knows who is who: contracts (tenants), their domains with plan,
// number of IDs and options, accounts with their aliases, credentials and roles. It
// signs people in, tells what a recipient's address is, and mints the actors under
// which everything is written.
//
// # What is stored where
//
//	platform  "tenant"      a contract, its state and service start date (CP-2), its VPN networks (SV-9)
//	platform  "domain"      which tenant owns a domain; unique {"domain", name}
//	tenant    "domain"      plan (SV-4), number of IDs (ML-1), terms of options, whose it is known to be; unique {"domain", name}
//	tenant    "contract"    a copy of the tenant's contract, for its operation log; unique {"contract", "own"}
//	tenant    "logo"        the picture shown after signing in (SV-10); unique {"logo", "top"}
//	tenant    "account"     a person's address, its aliases, roles and state; unique {"address", key} for each address
//	tenant    "credential"  what passwords are checked against; unique {"credential", account}
//	both      "key"         an API key, with the hash of its secret
//	platform  "operator"    somebody who runs the platform; unique {"operator", name}; his credential stands beside it
//	tenant    "list"        a mailing list's address and rules (LI-7); unique {"address", key}
//	tenant    "member"      an address on a list, with its bounces; unique {"membership", list address}
//	tenant    "external"    what another system calls an account or a group (SCIM's externalId); unique {"external", its id}
//	tenant    "serial"      the number of a list's last post (LI-4)
//	tenant    "grant", "annotation", "subscriptions", "script"  what package mailbox keeps for accounts; it goes with them
//	both      "answer"      what was answered to requests that may come again (answered.go); quiet, in a ring
//	tenant    "mail-filter" what becomes of a domain's unwanted mail (SF-1); unique {"mail-filter", domain}
//	tenant    "senders"     lists of whose mail is let in or not (SF-2); unique {"senders", account} and {"senders", "company"}
//	tenant    "settings"    what the company decided: forwarding, sending limits, notices
//	platform  "secrets"     with which addresses and links are proved; not in the operation log
//
// All objects that have an address hold it as a unique key of the name "address", so
// that an account, an alias and a list can't share one.
//
// A domain is claimed on the platform first and then made in its tenant. A crash in
// between leaves a claim that receives nothing; the same tenant's next attempt takes it over. A claim of which it is not known that
// the domain is the tenant's own (Ownership) receives nothing either, and nobody sends as it.
//
// # Many changes at once
//
// Company.Together gives a Company whose methods are all part of one commit: imports, syncs and identity systems change
// thousands of things with the functions that change one.
//
// # Rights
//
// Everything about one tenant is done through its Company. A write names its actor:
// operators order (tenants, domains, plans, numbers of IDs, options) and say why they act; who has a grant on an account or a
// key does what its role lets do, where it reaches, from the service start date on (CP-2, CP-6); a user changes the own
// password. Grants are read in the transaction that writes ([Company.SetGrants], permit.go).
//
// # Caches
//
// Resolve and SignIn answer from memory. The store's epochs say when that is stale:
// every entry carries the epoch it was read under. When it grew, the operation log says whether anything changed that an address was made of (drift).
//
// Lists of people are answered from memory too: a book holds a company's accounts, lists and contacts, kept up from the operation log.
package directory
