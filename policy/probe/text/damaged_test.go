package text

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"tegami/lab/archives"
)

// maxDamaged is the largest document that is damaged, in octets: it is read several times.
const maxDamaged = 100 << 10

// TestDamaged reads documents that were cut off, and such as lost some octets on their way. Extract's guard is not in the way: a
// reader that panics fails the test.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	lim := Default() // without PDF, which is read in a world of its own
	read := 0
	for _, archive := range []string{"docs-tika", "macro-oletools"} {
		for name, path := range filesBelow(t, archives.Unpack(t, archive)) {
			b := readFile(t, path)
			if len(b) == 0 || len(b) > maxDamaged || filepath.Ext(name) == ".pdf" {
				continue
			}
			for _, n := range []int{len(b) / 2, len(b) - 1, r.IntN(len(b))} {
				found, _ := extractBytes(b[:n], "", name, lim)
				sound(t, found, lim)
			}
			for range 6 {
				hurt := append([]byte(nil), b...)
				for range 1 + r.IntN(30) {
					hurt[r.IntN(len(hurt))] = byte(r.IntN(256))
				}
				found, _ := extractBytes(hurt, "", name, lim)
				sound(t, found, lim)
			}
			read++
		}
	}
	t.Logf("%d documents", read)
}
