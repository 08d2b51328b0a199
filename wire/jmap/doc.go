// Package jmap is the language of JMAP (RFC 8620): requests and responses, ids, references to earlier results, patches, filters, the
// shapes of the standard methods, errors, and what a session says. It knows no account and no storage.
//
// JSON comes from strangers. Decode looks at its form before anything is made of it: octets that are no UTF-8, names that stand
// twice in an object, and depth past MaxDepth are refused (RFC 7493).
package jmap

// Capabilities of the standards.
const (
	Core         = "urn:ietf:params:jmap:core"             // RFC 8620
	Mail         = "urn:ietf:params:jmap:mail"             // RFC 8621
	Submission   = "urn:ietf:params:jmap:submission"       // RFC 8621 §7
	Vacation     = "urn:ietf:params:jmap:vacationresponse" // RFC 8621 §8
	WebSocket    = "urn:ietf:params:jmap:websocket"        // RFC 8887
	Blob         = "urn:ietf:params:jmap:blob"             // RFC 9404
	Quota        = "urn:ietf:params:jmap:quota"            // RFC 9425
	Sieve        = "urn:ietf:params:jmap:sieve"            // RFC 9661
	Contacts     = "urn:ietf:params:jmap:contacts"         // RFC 9610
	MDN          = "urn:ietf:params:jmap:mdn"              // RFC 9007
	WebPushVAPID = "urn:ietf:params:jmap:webpush-vapid"    // RFC 9749
)

// Capabilities of ours.
const (
	TegamiMail      = "urn:tegami:params:jmap:mail"
	TegamiSettings  = "urn:tegami:params:jmap:settings"
	TegamiRules     = "urn:tegami:params:jmap:rules"
	TegamiSnooze    = "urn:tegami:params:jmap:snooze"
	TegamiDirectory = "urn:tegami:params:jmap:directory"
	TegamiFilter    = "urn:tegami:params:jmap:filter"
)
