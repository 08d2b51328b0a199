package jmapd

import (
	"strconv"
	"time"

	"tegami/mail"
	"tegami/outbox"
	"tegami/wire/jmap"
)

// sendMethods are the methods of identities, submissions, snoozed mail and read receipts.
func sendMethods() []entry {
	return []entry{
		method("Identity/get", jmap.Submission, own, getIdentities),
		method("Identity/changes", jmap.Submission, own, identityChanges),
		method("Identity/set", jmap.Submission, own, setIdentities),
		method("EmailSubmission/get", jmap.Submission, own, getSubmissions),
		method("EmailSubmission/changes", jmap.Submission, own, submissionChanges),
		method("EmailSubmission/query", jmap.Submission, own, querySubmissions),
		method("EmailSubmission/queryChanges", jmap.Submission, own, askAnew[submissionFilter]),
		method("EmailSubmission/set", jmap.Submission, own, setSubmissions),
		method("Snooze/get", jmap.TegamiSnooze, own, getSnoozes),
		method("Snooze/changes", jmap.TegamiSnooze, own, snoozeChanges),
		method("Snooze/set", jmap.TegamiSnooze, own, setSnoozes),
		method("MDN/send", jmap.MDN, own, sendMDN),
		method("MDN/parse", jmap.MDN, own, parseMDN),
	}
}

// submissionCapability is what RFC 8621 §1.3.2 has.
func (s *Server) submissionCapability() any {
	return struct {
		MaxDelayedSend int                 `json:"maxDelayedSend"` // seconds
		Extensions     map[string][]string `json:"submissionExtensions"`
	}{int(mail.MaxHold / time.Second), map[string][]string{
		"FUTURERELEASE": {strconv.Itoa(int(mail.MaxHold / time.Second))}, "DSN": {}, "SIZE": {strconv.Itoa(mail.MaxMessageSize)},
		"8BITMIME": {}, "SMTPUTF8": {}, "REQUIRETLS": {},
	}}
}

// outbox opens what the caller sends with.
func (c *call) outbox() (*outbox.Box, error) {
	if c.server.config.Outbox == nil {
		return nil, mail.E("jmapd.outbox", mail.Unavailable, "")
	}
	return c.server.config.Outbox.Open(c.who)
}
