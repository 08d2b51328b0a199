// Package compose writes messages: headers of RFC 5322 and bodies of RFC 2045. It is the counterpart of wire/mime's parser and
// uses its encoders.
//
// What a person sends is a Message: a structure that Prepare turns into octets, of which the size is known before any is written,
// and in which attachments are streamed. What the platform itself sends is small, and made in memory of a Header and an Entity.
//
// Whatever is put into a header, an address, a subject or another host's answer, it cannot
// begin a field or a part of its own: control characters become spaces, and a boundary is one
// that stands in no part.
package compose
