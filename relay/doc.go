// Package relay brings mail to other hosts: it is the queue's carrier for remote domains.
//
// Where to: the mail exchangers of the domain, best first (RFC 5321 §5.1), or a smart host. How:
// TLS whenever the other side can, and verified TLS where the domain has said so by DANE (RFC 7672) or MTA-STS
// (RFC 8461), or the sender by REQUIRETLS (RFC 8689). One connection carries many messages: those
// that wait for the same destination, and, kept open for some seconds, those that come.
//
// What became of each recipient is written into the item: delivered, refused for good, or to be tried
// again, with the other host's words. An error of Carry says that no host of the destination can
// be reached now.
//
// # Doubles
//
// When a connection breaks after the last octet of a message went out and before its answer came, nobody knows
// whose the message is. It is sent again, so that none is lost, and the other side may get it twice
// (RFC 5321 §4.5.4.1, RFC 1047). The same holds for a crash between the answer and our commit.
package relay
