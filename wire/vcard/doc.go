// Package vcard reads and writes the cards of address books: vCard in its three versions (2.1, RFC 2426, RFC 6350 with RFC 6868 and
// RFC 9554), JSContact (RFC 9553), the way between both (RFC 9555), and CSV files as Outlook, Gmail and we ourselves write them.
//
// There are three layers. A VCard is the lines of a card, each with its value as it is written; Reader and String turn octets into it and
// back without losing a property, a parameter or the order. Convert makes one version of another. FromVCard and ToVCard go between version 4.0
// and JSContact: what JSContact has no place for stays in its vCardProps and vCardParams, what vCard has none for in JSPROP.
//
// Names in Japanese have a reading (ふりがな). It is "phonetic" of a name's component in JSContact, and X-PHONETIC-LAST-NAME and
// X-PHONETIC-FIRST-NAME in vCard, as mail software on phones and desktops writes it; N with PHONETIC (RFC 9554 §4.6) and SORT-STRING are read too.
package vcard
