// Package report tells the owners of other domains what came here in their name (DMARC aggregate reports, RFC 9990)
// and how TLS to their hosts went (TLS-RPT, RFC 8460), and keeps what others report about the domains here.
//
// What was seen is summed up in memory, written to the store every hour, and sent once a day, at most once, also over a
// crash. Reports that come in are anybody's word: they are read within limits, and a digest of each is kept for 90 days.
package report
