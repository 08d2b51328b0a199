// Package match tells whether a message contains what is looked for: searches of all protocols look through messages with it. What the full-text
// index proposes is held against the message here.
//
// Text is compared in the form of mime.Searchable: without case and width, compatibility forms made one, runs of white space
// as one space and none beside Japanese (DOMAIN §14.5). RFC 9051 §6.4.4 asks for a substring, compared without case;
// RFC 5255 §4.2 (I18NLEVEL=1) for less than this.
package match
