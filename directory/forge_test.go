package directory

import "tegami/mail"

// ForgeKey makes the same key name another tenant, with a right checksum.
func ForgeKey(text string, tenant mail.TenantID) string {
	ref, secret, _ := parseKey(text)
	return keyText(tenant, ref.id, secret)
}

// ForgeSecret gives the key another secret, with a right checksum.
func ForgeSecret(text string) string {
	ref, secret, _ := parseKey(text)
	secret[0]++
	return keyText(ref.tenant, ref.id, secret)
}
