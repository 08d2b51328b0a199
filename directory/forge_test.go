package directory

import (
	"bytes"
	"testing"

	"tegami/mail"
)

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

// FuzzParseKey: what is taken for a key has the parts of one, and they make a key again.
func FuzzParseKey(f *testing.F) {
	f.Add(keyText(1<<40, 1<<41, bytes.Repeat([]byte{7}, keySecret)))
	f.Add(keyText(0, 5, make([]byte, keySecret)))
	f.Add("tgm_")
	f.Fuzz(func(t *testing.T, text string) {
		ref, secret, ok := parseKey(text)
		if !ok {
			return
		}
		again, same, ok := parseKey(keyText(ref.tenant, ref.id, secret))
		if !ok || again != ref || !bytes.Equal(same, secret) || len(secret) != keySecret || ref.id <= 0 || ref.tenant < 0 {
			t.Errorf("%q is taken as %+v", text, ref)
		}
	})
}
