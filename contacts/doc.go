// Package contacts keeps the address books of accounts (ML-6): the two everybody has, [連絡先] and [メールを送信した連絡先], those the user
// makes besides, and the cards in them. It shows the company's address book, the GAL, beside them, and completes what somebody types over all of
// it.
//
// Books and cards are entries of the store, and so the user's own: their changes take the account's ModSeq, and who removed what is in no
// operation log. A card is kept as it came: as the vCard that a device put, or as the JSContact that a page made. Either is made of the other when
// asked for (wire/vcard), so that neither side loses what only it knows.
//
// Of each account in use a shelf stands in memory: of each card a row with what lists and searches need, kept up by the ModSeq. What decides
// whether something may be written is looked up within the transaction.
package contacts
