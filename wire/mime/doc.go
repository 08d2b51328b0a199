// Package mime reads and writes Internet messages: RFC 5322 headers, RFC 2045 to
// 2049 structure, RFC 2047 and RFC 2231 text, and the IMAP renderings of all that
// (RFC 9051 §7.5.2).
//
// One streaming pass over the octets gives the structure with offsets:
//
//	Parser (or Parse, ParseBytes, ParseChunks) ──► Message ──► Encode ──► octets kept beside the message
//	                                                              Index: the ENVELOPE, BODYSTRUCTURE and BODY texts, by copying
//	                                                              Decode: the Message again
//
// A message is parsed once, where it is accepted. IMAP, JMAP, search and policy read
// what was kept and touch the message's own octets only to hand them out.
//
// Nothing a message contains makes parsing fail. What can't be understood is
// text/plain, in the worst case the whole message. Offsets always count the raw
// octets: every part lies within its parent, siblings follow each other, and the
// ranges with the octets between them are the message.
//
// Lines end in LF; a CR before it belongs to the line end. A CR alone is data.
//
// The rows T1 to T11 and §14.2 to §15 in comments and test names refer to the
// domain notes on Japanese mail.
package mime
