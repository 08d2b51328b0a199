// Package domains looks after what the internet must know of a tenant's mail domains, and what is
// done in their name: the keys of their DKIM signatures, the records wanted in the DNS and what is there
// instead, the MTA-STS policy, the servers mail software is set to, and the smart hosts
// their mail leaves by.
//
// # What is stored where
//
//	tenant, platform  "dkim"                the keys of a domain, secret; unique {"dkim", domain}
//	tenant            "sts"                 the mode of a domain's MTA-STS policy; unique {"sts", domain}
//	tenant            "smarthost"           where mail of a domain, or of all others, leaves; unique {"smarthost", domain or "*"}
//	tenant            "smarthost-password"  its password, secret; unique {"smarthost-password", domain or "*"}
//
// The platform's own keys sign as its host name; it is tenant 0 to this package.
//
// # Whose a domain is
//
// Every question names a tenant and a domain, and the directory says whether they belong together. For a domain of another
// tenant the answer is the one for a domain that does not exist.
//
// # The life of a key
//
// A domain has two keys, RSA of 2,048 bits and Ed25519 (RFC 8463), made when they are first asked for.
// They make up a generation. Rotate makes the next one, which is published and signs
// nothing yet. It becomes active when its records are seen in the DNS (Tend) or somebody says so (Activate); the
// one before is retired, loses its private halves, and stays published
// for mail under way until RetiredFor has passed.
package domains
