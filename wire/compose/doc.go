// Package compose writes the messages the platform itself sends: small ones, in memory, with
// headers of RFC 5322 and bodies of RFC 2045. It is the counterpart of wire/mime's parser and
// uses its encoders.
//
// Whatever is put into a header, an address, a subject or another host's answer, it cannot
// begin a field or a part of its own: control characters become spaces, and a boundary is one
// that stands in no part.
package compose
