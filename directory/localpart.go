package directory

import (
	"slices"
	"strings"

	"tegami/mail"
)

// reserved are local parts no account may have. They may be aliases, so that
// whoever is responsible gets their mail (RFC 2142, RFC 5321 §4.5.1).
var reserved = []string{"postmaster", "abuse", "hostmaster", "webmaster", "mailer-daemon", "root", "noreply"}

// postmaster is the one mailbox every domain has (RFC 5321 §4.5.1): without an alias of
// that name it is the tenant's first administrator.
const postmaster = "postmaster"

// ownLocal puts the local part of an address of ours into its stored form, lower
// case. What we hand out is stricter than what we send to: letters, digits and "_-.!=~",
// at most 64 octets, no dot at an end nor two in a row. Invalid "address.local_part".
func ownLocal(local string) (string, error) {
	ok := local != "" && len(local) <= mail.MaxLocalPart &&
		local[0] != '.' && local[len(local)-1] != '.' && !strings.Contains(local, "..")
	for i := range len(local) {
		ok = ok && isOwnLocal(local[i])
	}
	if !ok {
		return "", mail.E("directory.ownLocal", mail.Invalid, "address.local_part", local)
	}
	return strings.ToLower(local), nil
}

func isOwnLocal(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_-.!=~", c) >= 0
}

// ownAddress checks an address that an alias shall have.
func ownAddress(a mail.Address) (mail.Address, error) {
	local, err := ownLocal(a.Local)
	return mail.Address{Local: local, Domain: a.Domain}, err
}

// accountAddress checks an address that an account shall have. Invalid "address.reserved"
// for names that belong to the domain and not to a person.
func accountAddress(a mail.Address) (mail.Address, error) {
	own, err := ownAddress(a)
	if err == nil && slices.Contains(reserved, own.Local) {
		err = mail.E("directory.accountAddress", mail.Invalid, "address.reserved", own.Local)
	}
	return own, err
}
