// Package davd is the CardDAV door (RFC 6352 on RFC 4918): address books for telephones, desktops and programs that synchronise.
//
//	/dav/                                    where one begins
//	/dav/principals/{address}/               who one is
//	/dav/books/{address}/                    the address books
//	/dav/books/{address}/{book}/             one of them
//	/dav/books/{address}/{book}/{card}       a card
//	/dav/books/{address}/gal/                the company's address book, which is only read (ML-6)
//
// Somebody else's address answers 404, whether there is such an account or not.
//
// A request's path becomes a resource (path.go); properties are a table from name to value for each kind of resource (props.go); a method is a line
// of a table with the kinds it is for (server.go). The door decides nothing and knows no storage: contacts does the work.
package davd
