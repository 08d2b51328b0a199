// Package mail holds the nouns of the platform: ids, addresses, envelopes,
// origins, actors, errors and limits. It imports nothing of the house and does
// nothing; every other package speaks in these words.
//
// Numbers that came from the source's FAQ carry the id of their row in
// the product specification (ML-8, SV-4); they are the defaults of the
// shipped service profile.
package mail
