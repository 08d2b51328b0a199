package scimd_test

import (
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"testing"

	"tegami/directory"
)

// forgedKey looks like an API key.
func forgedKey(id uint64) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 8), id)
	b = append(b, make([]byte, 32)...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	text := base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	return directory.KeyPrefix + text.EncodeToString(b)
}

// TestCP5StrangersAreCounted: who tries one key after the other is not heard for a while: each costs a look into the store.
func TestCP5StrangersAreCounted(t *testing.T) {
	p := newIDP(t)
	refused := 0
	for id := range uint64(140) {
		switch a := p.ask("GET", "/Users", nil, "Authorization", "Bearer "+forgedKey(id+1)); a.Code {
		case http.StatusUnauthorized:
			refused++
		case http.StatusTooManyRequests:
		default:
			t.Fatalf("%d %s", a.Code, a.Body)
		}
	}
	if refused != 120 {
		t.Errorf("%d keys were tried", refused)
	}
}
