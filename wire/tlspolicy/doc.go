// Package tlspolicy reads and writes what a domain says about TLS for its mail: MTA-STS (RFC 8461), DANE (RFC 7672) and
// reports on TLS (RFC 8460). It does no I/O: records come from wire/dns, policies from who fetches them.
package tlspolicy
