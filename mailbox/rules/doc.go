// Package rules is the webmail's filters and absence note: a short list that people edit in pages, kept as a Sieve script of ours (RFC 5228).
//
// The script is all there is: it begins with the list as JSON in a comment, and behind it stands what the list means. So what is shown and
// what is done cannot differ, and mail software sees the same script by ManageSieve. A sum over the text tells whether somebody changed it by
// hand; such a script is his, and is never written over (ML-12).
//
// Where somebody filters by a script of his own, ours is made active only if he wants it, and then includes his (RFC 6609).
package rules
